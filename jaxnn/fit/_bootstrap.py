"""Fits of data that are drawn anew: what errors are worth, without any linearisation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float

from .._core import Count, Declared, Key, Module, arguments, compiled
from ._fit import Fit
from ._methods import AbstractMethod, Found, search_one
from ._outcome import fit_of
from ._problem import Problem, Recording


class Bootstrap(Module):
    """The fits of data that were drawn from a fitted model and its noise.

    ```python
    drawn = jaxnn.fit.bootstrap(fitted, repetitions=20)
    drawn.estimates.shape  # (20, 1)
    drawn.coverage()[0] > 0.7  # True
    ```
    """

    names: tuple[str, ...] = eqx.field(static=True)
    """Of the fitted numbers."""
    truth: Float[np.ndarray, " numbers"]
    """The numbers that the data were drawn with, those of the fit."""
    estimates: Float[np.ndarray, "repetitions numbers"]
    """What was found in each repetition."""
    standard_errors: Float[np.ndarray, "repetitions numbers"]
    """The standard errors that each repetition gave."""
    covered: Bool[np.ndarray, "repetitions numbers"]
    """Whether the interval of a repetition held the truth."""
    identified: Bool[np.ndarray, "repetitions numbers"]
    """Whether a repetition called the number identified."""

    def coverage(self) -> Float[np.ndarray, " numbers"]:
        """Returns how often the interval of each number held the truth.

        ```python
        jaxnn.fit.bootstrap(fitted, repetitions=20).coverage().shape  # (1,)
        ```
        """
        return self.covered.mean(axis=0)

    @arguments.checked(level=arguments.real(ndim=0, above=0, high=1, known=True))
    def interval(self, level: float | int = 0.95) -> Float[np.ndarray, "2 numbers"]:
        """Returns the lower and upper ends that hold so many of the estimates.

        ```python
        jaxnn.fit.bootstrap(fitted, repetitions=20).interval(0.5).shape  # (2, 1)
        ```
        """
        return np.quantile(self.estimates, [(1 - level) / 2, (1 + level) / 2], axis=0)


@arguments.checked(
    found=arguments.one_of(Fit),
    repetitions=arguments.count(least=2),
    key=arguments.key,
    level=arguments.real(ndim=0, above=0, high=0.999, known=True),
)
def bootstrap(
    found: Fit,
    *,
    repetitions: Count = 100,
    key: Declared[Key | None] = None,
    level: float | int = 0.95,
) -> Bootstrap:
    """Fits data again and again that are drawn from the fitted model with Gaussian noise of its size.

    All searches run at once, each from the best fit; so it does not see other minima.

    - `found`: the fit.
    - `repetitions`: how many data sets are drawn.
    - `key`: of the noise; `jax.random.key(0)` by default.
    - `level`: of the intervals whose coverage is counted.

    ```python
    drawn = jaxnn.fit.bootstrap(fitted, repetitions=20)
    drawn.estimates.std() < 2 * fitted.standard_error[0]  # True
    ```
    """
    count = arguments.as_count("repetitions", repetitions)
    arguments.check_known("key", key)
    problem, recording = found.problem, _recording(found)
    predicted = np.concatenate([np.ravel(x) for x in jax.tree.leaves(found.predicted)])
    sigma = np.concatenate([np.ravel(x) for x in jax.tree.leaves(found.sigma)])
    noise = np.asarray(jr.normal(jr.key(0) if key is None else key, (count, predicted.size)))
    drawn = np.where(recording.known, predicted + sigma * noise, 0)
    data = jnp.asarray(drawn, problem.data.dtype)
    searched = _redrawn(problem, found.method, jnp.asarray(found.estimate, data.dtype), data)
    fits = [_again(problem, recording, found.method, data[k], searched, k) for k in range(count)]
    intervals = np.stack([fit.interval(level) for fit in fits])
    return Bootstrap(
        names=found.names,
        truth=found.estimate,
        estimates=np.stack([fit.estimate for fit in fits]),
        standard_errors=np.stack([fit.standard_error for fit in fits]),
        covered=(intervals[:, 0] <= found.estimate) & (found.estimate <= intervals[:, 1]),
        identified=np.stack([fit.identified for fit in fits]),
    )


@compiled
def _redrawn(
    problem: Problem,
    method: AbstractMethod,
    start: Float[Array, " numbers"],
    data: Float[Array, "repetitions data"],
) -> Found:
    rough = jnp.sum(problem.weight > 0).astype(start.dtype) / 2
    one = lambda drawn: search_one(eqx.tree_at(lambda p: p.data, problem, drawn), method, start, rough)
    return jax.vmap(one)(data)


def _recording(found: Fit) -> Recording:
    arrays, structure = jax.tree.flatten(found.data)
    kept = jax.tree.leaves(found.held_out)
    return Recording(
        tuple(arrays), tuple(jax.tree.leaves(found.sigma)), tuple(kept), found.noise_is_known, structure
    )


def _again(
    problem: Problem, recording: Recording, method: AbstractMethod, data: Array, searched: Found, k: int
) -> Fit:
    """The fit of one repetition."""
    drawn = np.where(recording.known, np.asarray(data, float), np.nan)
    recording = eqx.tree_at(lambda r: r.arrays, recording, recording.parts(drawn))
    one = Found(searched.point[k : k + 1], searched.cost[k : k + 1], searched.steps[k : k + 1])
    return fit_of(eqx.tree_at(lambda p: p.data, problem, data), recording, one, method, asks_step=False)
