"""A fit: numbers with errors, what they were fitted to, and whether to believe them."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float, Int, PyTree

from .._core import Declared, Module, Numbers, arguments, warn_user
from ._methods import AbstractMethod
from ._pictures import Drawn, draw_fit
from ._problem import Problem
from ._report import as_dictionary, as_json, as_text
from ._uncertainty import quantile


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib.
    Axes = Any


_LEVEL = 0.95


class Fit(Module):
    """The result of a fit: estimates with errors, residuals, and what speaks against believing them.

    The numbers that were fitted are counted as in `names`. `print(found.report())` shows all in a table,
    `found.plot()` draws it.

    ```python
    fitted.names  # ("x",)
    fitted.estimate  # [1.01]
    fitted.chi2_per_freedom  # 0.576
    fitted.problems  # ()
    ```
    """

    parameters: PyTree
    """The parameters at the best fit, as they were given."""
    names: tuple[str, ...] = eqx.field(static=True)
    """Of the numbers that were fitted."""
    estimate: Float[np.ndarray, " numbers"]
    """The numbers at the best fit, in their own units."""
    standard_error: Float[np.ndarray, " numbers"]
    """Standard errors in the same units: infinite where the data do not tell, NaN at a bound."""
    covariance: Float[np.ndarray, "numbers numbers"]
    """Covariance of the numbers."""
    identified: Bool[np.ndarray, " numbers"]
    """Whether the data determine a number: to better than half of itself, or of the range of its bounds."""
    singular_values: Float[np.ndarray, " numbers"]
    """Of the Jacobian in units of the noise, each number in units of itself or of its range."""
    directions: Float[np.ndarray, "numbers numbers"] = eqx.field(repr=False)
    """The combination of numbers that belongs to each singular value, as rows."""
    chi2: float = eqx.field(static=True)
    """Sum of the squared residuals in units of `sigma`; without a known noise that of the residuals."""
    degrees_of_freedom: int = eqx.field(static=True)
    """Fitted samples less fitted numbers."""
    data: PyTree
    """What was measured; NaN is missing."""
    predicted: PyTree
    """What the model says of all of it, held out or not."""
    sigma: PyTree
    """The noise: as given, or as the residuals tell it."""
    held_out: PyTree
    """Whether a sample was kept back from the fit."""
    autocorrelation: Float[np.ndarray, " lags"] = eqx.field(repr=False)
    """Correlation of the fitted residuals with those 1, 2, ... samples on."""
    held_out_score: float = eqx.field(static=True)
    """Share of the variance of what was held out that the model explains, R^2; NaN if nothing was."""
    held_out_chi2: float = eqx.field(static=True)
    """Mean square of the held-out residuals in units of the noise; NaN if nothing was held out."""
    start_estimates: Float[np.ndarray, "starts numbers"] = eqx.field(repr=False)
    """Where each start ended."""
    start_chi2: Float[np.ndarray, " starts"]
    """What each start came down to."""
    steps: Int[np.ndarray, " starts"]
    """Steps that each start took."""
    distance: float = eqx.field(static=True)
    """Estimated distance of the best point from the minimum, in standard errors."""
    problems: tuple[str, ...] = eqx.field(static=True)
    """Reasons not to believe the fit, a sentence each; none if there is none."""
    noise_is_known: bool = eqx.field(static=True)
    """Whether `sigma` was given."""
    problem: Declared[Problem] = eqx.field(repr=False)
    """The model and the data as they were searched."""
    method: AbstractMethod = eqx.field(repr=False)
    """How the minimum was searched."""

    @property
    def chi2_per_freedom(self) -> float:
        """The sum of squares for each degree of freedom: about 1 if the model fits and `sigma` is right."""
        return self.chi2 / self.degrees_of_freedom

    @property
    def correlation(self) -> Float[np.ndarray, "numbers numbers"]:
        """The correlations of the numbers, NaN for what has no standard error."""
        error = np.where(np.isfinite(self.standard_error), self.standard_error, np.nan)
        return self.covariance / np.outer(error, error)

    @property
    def agreement(self) -> int:
        """The number of starts that came down to the best within one unit of chi2."""
        return int(np.sum(self.start_chi2 <= np.min(self.start_chi2) + 1))

    @arguments.checked(level=arguments.real(ndim=0, above=0, high=1, known=True))
    def interval(self, level: float | int = _LEVEL) -> Float[np.ndarray, "2 numbers"]:
        """Returns the lower and upper ends of the intervals that hold the true numbers at a level.

        They come from the slopes of the model: `jaxnn.fit.profile` and `jaxnn.fit.bootstrap` do without.
        Those of a number with `Positive` are of its logarithm, and none leaves the bounds.

        ```python
        fitted.interval(0.95)  # [[0.958], [1.05]]
        ```
        """
        coordinates = self.problem.coordinates
        reach = quantile(float(level), self.degrees_of_freedom, self.noise_is_known) * self.standard_error
        positive = coordinates.logarithmic()
        factor = np.exp(reach / np.where(positive, np.abs(self.estimate), 1))
        low = np.where(positive, self.estimate / factor, self.estimate - reach)
        high = np.where(positive, self.estimate * factor, self.estimate + reach)
        return np.clip(np.stack([low, high]), *coordinates.bounds())

    def check(self) -> "Fit":
        """Warns of what speaks against believing the fit; returns itself.

        ```python
        fitted.check() is fitted  # True
        ```
        """
        if self.problems:
            warn_user(". ".join(x[0].upper() + x[1:] for x in self.problems) + ".")
        return self

    @arguments.checked(
        x=arguments.real(ndim=1, known=True),
        xlabel=arguments.one_of(str),
        ylabel=arguments.one_of(str),
    )
    def plot(
        self,
        x: Numbers | None = None,
        *,
        axes: Drawn = None,
        xlabel: str = "sample",
        ylabel: str = "data",
    ) -> np.ndarray:
        """Draws the model over the data, and below what is left of them in units of the noise.

        - `x`: where each sample goes, such as its time or, for a loop, its voltage; its number by default.
        - `axes`: where to draw, data then residuals (of several arrays all data first); new by default.
        - `xlabel`, `ylabel`: of the axes, with units.

        Returns the axes, `(2, arrays)`.

        ```python
        axes = fitted.plot(ylabel="current [A]")
        axes.shape  # (2, 1)
        axes[0, 0].figure.savefig("fit.png")
        ```
        """
        return draw_fit(self, x, axes, xlabel, ylabel)

    def report(self) -> str:
        """Returns the fit as text: numbers with errors and intervals, how well it fits, what is wrong.

        ```python
        print(fitted.report())
        ```
        """
        return as_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fit in plain numbers, lists and text, without the data.

        ```python
        fitted.to_dict()["parameters"]["x"]["estimate"]  # 1.01
        ```
        """
        return as_dictionary(self)

    def to_json(self) -> str:
        """Returns `to_dict()` as JSON, with null for what is not finite.

        ```python
        fitted.to_json()[0]  # "{"
        ```
        """
        return as_json(self)
