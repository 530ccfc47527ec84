"""A fit drawn over its data, with what is left of them below."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np

from .._core import Declared, Numbers
from .._plots import GUIDE, PALETTE


if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._fit import Fit
    from ._profile import Profile
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Fit = Profile = Any

Drawn: TypeAlias = Declared[Sequence[Axes] | np.ndarray | None]
"""Where to draw, or None for new axes."""

_MOST_ARRAYS = 4
_DATA, _HELD_OUT = "0.55", PALETTE[4]


def draw_fit(
    fit: Fit,
    x: Numbers | None,
    axes: Declared[Sequence[Axes] | np.ndarray | None],
    xlabel: str,
    ylabel: str,
) -> np.ndarray:
    """Data and model above, residuals in units of their noise below; a column for each array."""
    trees = (fit.data, fit.predicted, fit.sigma, fit.held_out)
    arrays = list(zip(*map(jax.tree.leaves, trees), strict=True))[:_MOST_ARRAYS]
    for k, (array, column) in enumerate(zip(arrays, (grid := _grid(axes, len(arrays))).T, strict=True)):
        data, predicted, sigma, held_out = (np.asarray(part).reshape(len(part), -1) for part in array)
        at = np.arange(len(data)) if x is None else _along(x, len(data))
        upper, lower = column
        for i, color in zip(range(data.shape[1]), PALETTE, strict=False):
            first = i == 0
            fitted = ~held_out[:, i]
            residual = (data - predicted)[:, i] / sigma[:, i]
            for part, shade, name in ((fitted, _DATA, "measured"), (~fitted, _HELD_OUT, "held out")):
                if part.any():
                    label = name if first else None
                    upper.plot(at[part], data[part, i], ".", ms=4, color=shade, label=label)
                    lower.plot(at[part], residual[part], ".", ms=3, color=shade)
            upper.plot(at, predicted[:, i], lw=1.3, color=color, label="model" if first else None)
        for level in (-2, 0, 2):
            lower.axhline(level, color=GUIDE, lw=0.8, ls="-" if level == 0 else ":")
        lower.set_xlabel(xlabel)
        if k == 0:
            upper.set_ylabel(ylabel)
            lower.set_ylabel("residual / noise")
            upper.legend(frameon=False, fontsize="small")
            upper.set_title(_title(fit), fontsize="medium", loc="right")
        for ax in column:
            ax.spines[["top", "right"]].set_visible(False)
    return grid


def draw_profile(profile: Profile, ax: Axes | None) -> Axes:
    """The rise of chi2 as one number is held away from its best, with the parabola of its error."""
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(5.0, 3.6), layout="constrained")[1]
    values, rise = profile.values, profile.rise
    ax.plot(values, rise, "o-", ms=4, lw=1.3, color=PALETTE[0], label="profile")
    if np.isfinite(profile.standard_error) and profile.standard_error > 0:
        fine = np.linspace(values.min(), values.max(), 200)
        parabola = ((fine - profile.estimate) / profile.standard_error) ** 2
        ax.plot(fine, parabola, lw=1, ls="--", color=PALETTE[1], label="from its standard error")
    ax.axhline(profile.threshold, color=GUIDE, lw=0.8, ls=":")
    for end in (profile.low, profile.high):
        if np.isfinite(end):
            ax.axvline(end, color=GUIDE, lw=0.8)
    ax.set(xlabel=profile.name, ylabel="rise of chi2", ylim=(-0.3, 3 * profile.threshold))
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _grid(axes: Drawn, columns: int) -> np.ndarray:
    if axes is None:
        import matplotlib.pyplot as plt

        size, ratios = (6.4 * columns**0.6, 4.8), [3, 1]
        figure = plt.figure(figsize=size, layout="constrained")
        return figure.subplots(2, columns, sharex="col", squeeze=False, height_ratios=ratios)
    grid = np.asarray(axes, object).reshape(-1)
    if grid.size != 2 * columns:
        raise ValueError(
            f"axes must be {2 * columns}, of data and residuals for each of {columns} arrays, "
            f"got {grid.size}."
        )
    return grid.reshape(2, columns)


def _along(x: Numbers, samples: int) -> np.ndarray:
    at = np.asarray(x, float)
    if at.shape != (samples,):
        raise ValueError(f"x must have a number for each of {samples} samples, got shape {at.shape}.")
    return at


def _title(fit: Fit) -> str:
    quality = f"chi2/dof {fit.chi2_per_freedom:.3g}" if fit.noise_is_known else "noise from the residuals"
    score = f", held-out R2 {fit.held_out_score:.4g}" if np.isfinite(fit.held_out_score) else ""
    n = len(fit.problems)
    verdict = f", {n} problem{'s' * (n > 1)}: see report()" if n else ""
    return f"{quality}{score}{verdict}"
