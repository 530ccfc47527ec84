"""The profile of chi2 along one number: an interval that does not take the model for linear."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._core import Count, Module, arguments, compiled, warn_user
from ._fit import Fit
from ._methods import AbstractMethod, Found, search_one
from ._pictures import draw_profile
from ._problem import Problem


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib.
    Axes = Any

# A number without a standard error is held within this factor of its best, or this part of its unit.
_WIDE = 3.0
# A fall of chi2 along a profile that is no rounding.
_LOWER = 0.5


class Profile(Module):
    r"""The least chi2 that is left when one number is held at each of several values.

    The values at which it rises by the quantile of $\chi^2_1$, 3.84 at 95 %, are the ends of an interval
    that does not take the model for linear.

    Source: Venzon and Moolgavkar, Appl. Stat. 37, 87 (1988).

    ```python
    profile = jaxnn.fit.profile(fitted, "x", level=0.95)
    profile.high - profile.low  # 0.0958
    ```
    """

    name: str = eqx.field(static=True)
    """Of the number that is held."""
    estimate: float = eqx.field(static=True)
    """Its best value."""
    standard_error: float = eqx.field(static=True)
    """Its standard error, from the slopes."""
    values: Float[np.ndarray, " values"]
    """Where it was held, in its own unit."""
    rise: Float[np.ndarray, " values"]
    """How much larger chi2 is there than at the best fit."""
    threshold: float = eqx.field(static=True)
    """The rise at the ends of the interval."""
    low: float = eqx.field(static=True)
    """Lower end of the interval; minus infinity if chi2 does not rise so far, or the bound."""
    high: float = eqx.field(static=True)
    """Upper end of the interval; infinity if chi2 does not rise so far, or the bound."""

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draws the rise of chi2, the parabola that the standard error stands for, and the interval.

        ```python
        ax = jaxnn.fit.profile(fitted, "x").plot()
        ax.get_xlabel()  # "x"
        ```
        """
        return draw_profile(self, ax)


@arguments.checked(
    found=arguments.one_of(Fit),
    name=arguments.one_of(str),
    points=arguments.count(least=2),
    reach=arguments.real(ndim=0, above=0, known=True),
    level=arguments.real(ndim=0, above=0, high=0.999, known=True),
)
def profile(
    found: Fit,
    name: str,
    *,
    points: Count = 8,
    reach: float | int = 3.0,
    level: float | int = 0.95,
) -> Profile:
    """Finds the interval of one number by fitting all others while it is held at several values.

    - `found`: the fit.
    - `name`: of the number, one of `found.names`.
    - `points`: how many values on each side of the best.
    - `reach`: how far they go, in standard errors.
    - `level`: of the interval.

    A warning says where chi2 is lower than at the best fit.

    **Raises:** `ValueError` for a name that was not fitted.

    ```python
    profile = jaxnn.fit.profile(fitted, "x", level=0.95)
    profile.low  # 0.958
    ```
    """
    import scipy.stats

    if name not in found.names:
        raise ValueError(f"name must be one of the fitted numbers, {list(found.names)}, got {name!r}.")
    i = found.names.index(name)
    values = _values(found, i, arguments.as_count("points", points), float(reach))
    held = _held(found.problem, found.method, *_starts(found, i, values))
    rise = _rise(found, np.asarray(held.cost, float))
    threshold = float(scipy.stats.chi2.ppf(level, 1))
    if not found.noise_is_known:
        threshold = float(scipy.stats.f.ppf(level, 1, found.degrees_of_freedom))
    if rise.min() < -_LOWER:
        warn_user(
            f"holding {name} at {values[np.argmin(rise)]:.4g} brings chi2 {-rise.min():.3g} below that of "
            "the best fit, which is a local minimum only: fit again with more starts."
        )
    estimate, bounds = float(found.estimate[i]), found.problem.coordinates.bounds()[:, i]
    low, high = (_crossing(values, rise, estimate, side, threshold) for side in (-1, 1))
    low, high = max(low, float(bounds[0])), min(high, float(bounds[1]))
    error = float(found.standard_error[i])
    return Profile(name, estimate, error, values, rise, threshold, low, high)


@compiled
def _held(
    problem: Problem,
    method: AbstractMethod,
    starts: Float[Array, "values numbers"],
    pinned: Bool[Array, " numbers"],
    pins: Float[Array, "values numbers"],
) -> Found:
    """Searches with one number held, from one start for each of its values."""

    def one(start: Array, pin: Array) -> Found:
        held = eqx.tree_at(lambda p: (p.pinned, p.pin), problem, (pinned, pin), is_leaf=lambda x: x is None)
        return search_one(held, method, start, rough)

    rough = jnp.sum(problem.weight > 0).astype(starts.dtype) / 2
    return jax.vmap(one)(starts, pins)


def _values(found: Fit, i: int, points: int, reach: float) -> Float[np.ndarray, " values"]:
    """Where to hold a number: evenly in what its error is given in, and within its bounds."""
    estimate, error = float(found.estimate[i]), float(found.standard_error[i])
    coordinates = found.problem.coordinates
    unit = float(np.asarray(coordinates.unit(jnp.asarray(found.estimate)))[i])
    wide = reach * error / unit if np.isfinite(error) else np.inf
    along = np.linspace(-1, 1, 2 * points + 1) * min(wide, _WIDE)
    if coordinates.logarithmic()[i]:
        return estimate * np.exp(along)
    values = estimate + unit * along
    low, high = coordinates.bounds()[:, i]
    return np.unique(np.clip(values, low, high))


def _starts(found: Fit, i: int, values: Float[np.ndarray, " values"]) -> tuple[Array, Array, Array]:
    """Where the other numbers would be if the model were linear, and what is held at which value."""
    dtype = found.problem.data.dtype
    own = found.covariance[i, i]
    slope = np.nan_to_num(found.covariance[:, i]) / (own if np.isfinite(own) else np.inf)
    slope[i] = 1
    starts = found.estimate + slope * (values - found.estimate[i])[:, None]
    bounds = found.problem.coordinates.bounds()
    starts = np.where((starts > bounds[0]) & (starts < bounds[1]), starts, found.estimate)
    pinned = np.arange(len(found.names)) == i
    pins = np.where(pinned, values[:, None], 0)
    return jnp.asarray(starts, dtype), jnp.asarray(pinned), jnp.asarray(pins, dtype)


def _rise(found: Fit, cost: Float[np.ndarray, " values"]) -> Float[np.ndarray, " values"]:
    """Of chi2 above the best fit, in units of the noise."""
    best = float(found.problem.cost(jnp.asarray(found.estimate, found.problem.data.dtype)))
    # Where the noise is that of the residuals, the search was in units of the spread of the data.
    counts = np.asarray(found.problem.weight) > 0
    sigma = np.concatenate([np.ravel(x) for x in jax.tree.leaves(found.sigma)])
    noise = float(np.asarray(found.problem.weight)[counts][0] * sigma[counts][0])
    return 2 * (cost - best) / noise**2


def _crossing(
    values: Float[np.ndarray, " values"],
    rise: Float[np.ndarray, " values"],
    estimate: float,
    side: int,
    threshold: float,
) -> float:
    """Where chi2 has risen by the threshold on one side; infinite if it does not."""
    mine = side * (values - estimate) >= 0
    order = np.argsort(np.abs(values[mine] - estimate))
    at = np.concatenate([[estimate], values[mine][order]])
    # The root of a parabola is a line.
    height = np.sqrt(np.maximum(np.concatenate([[0.0], rise[mine][order]]), 0))
    above = np.flatnonzero(height >= np.sqrt(threshold))
    if not above.size:
        return side * np.inf
    k = int(above[0])
    part = (np.sqrt(threshold) - height[k - 1]) / (height[k] - height[k - 1])
    return float(at[k - 1] + part * (at[k] - at[k - 1]))
