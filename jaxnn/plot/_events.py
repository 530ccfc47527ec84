"""Events: when each junction switched, and how large their avalanches are."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Declared, Numbers, arguments
from .._plots import PALETTE, new_axes, tidy
from .._simulation import Solution
from ..analysis import Avalanches, PowerLawFit, power_law_probabilities


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Any

_UNITS = {"size": "events", "lifetime": "bins"}
_GROWTH = 1.3  # of the bins of a density, once they hold more than one whole number


@arguments.checked(
    time=arguments.either(Solution, arguments.real(ndim=1, known=True)),
    events=arguments.array(ndim=2),
    level=arguments.real(ndim=0, above=0, known=True),
)
def raster(
    time: Declared[Solution | Numbers],
    events: Numbers | None = None,
    *,
    level: float | int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws a mark for every event, time across and one row for each junction.

    Of a run, the events are those at which a conductance crosses `level`: upward and downward ones differ
    in colour and in shape.

    - `time`: `(times,)` [s], or a `jaxnn.Solution` that recorded "junction_conductance".
    - `events`: `(times, junctions)`, whole numbers or flags; what is not zero is marked.
    - `level`: of a run's conductances [S].
    - `ax`: where to draw; a new figure by default.

    Raises a `ValueError` for shapes that do not fit, and a run without a level.

    ```python
    ax = jaxnn.plot.raster(solution, level=1e-7)
    ax.get_ylabel()  # "junction"
    ```
    """
    if isinstance(time, Solution):
        if level is None:
            raise ValueError("raster needs the level that counts as switched [S], as in level=1e-6.")
        above = _conductance(time) > level
        change = np.diff(above.astype(np.int8), axis=0, prepend=above[:1].astype(np.int8))
        kinds = [
            ("switched on", change > 0, "|", PALETTE[1]),
            ("switched off", change < 0, "x", PALETTE[0]),
        ]
        time = time.time
    elif events is None:
        raise ValueError("raster needs time and events, or a jaxnn.Solution and a level.")
    else:
        kinds = [("event", np.asarray(events) != 0, "|", PALETTE[1])]
    at = np.asarray(time, float)
    ax = new_axes(ax, (6.4, 4.0))
    for name, marked, marker, color in kinds:
        if marked.ndim != 2 or len(marked) != at.size:
            raise ValueError(
                f"events must be ({at.size}, junctions), time first, got shape {marked.shape}."
            )
        step, junction = np.nonzero(marked)
        ax.plot(at[step], junction, marker, ms=4, mew=1.0, ls="", color=color, label=name)
    rows = kinds[0][1].shape[1]
    ax.set(xlabel="time [s]", ylabel="junction", xlim=(min(at[0], 0.0), at[-1]), ylim=(-0.5, rows - 0.5))
    if len(kinds) > 1:
        ax.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    return tidy(ax)


@arguments.checked(
    sample=arguments.either(Avalanches, arguments.whole_numbers(ndim=1, low=1)),
    quantity=arguments.word(*_UNITS),
    fit=arguments.one_of(PowerLawFit),
    label=arguments.one_of(str),
)
def avalanches(
    sample: Declared[Avalanches | Numbers],
    *,
    quantity: str = "size",
    fit: PowerLawFit | None = None,
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    r"""Draws how often avalanches of each size or lifetime are, on two log axes, with a fitted power law.

    Bins are of one whole number while these are few, and then grow by a factor of 1.3. Called again with
    the same `ax`, it adds another sample in the next colour.

    - `sample`: a `jaxnn.analysis.Avalanches`, or whole numbers >= 1 `(avalanches,)`.
    - `quantity`: "size" [events] or "lifetime" [bins].
    - `fit`: of the sample, as from `jaxnn.analysis.fit_power_law`; drawn over its range.
    - `label`: of the sample in the legend.
    - `ax`: where to draw; a new figure by default.

    Raises a `ValueError` for no avalanches, and another quantity.

    ```python
    sample = jaxnn.analysis.power_law_sample(2.0, 1, 100, 1000, seed=0)
    found = jaxnn.analysis.fit_power_law(sample, 1, 100, samples=20)
    ax = jaxnn.plot.avalanches(sample, fit=found, label="drawn")
    ax.get_xlabel()  # "avalanche size [events]"
    ```
    """
    x = np.asarray(getattr(sample, quantity) if isinstance(sample, Avalanches) else sample, int)
    if not x.size:
        raise ValueError("avalanches needs at least one avalanche, got none.")
    ax = new_axes(ax, (5.6, 4.2))
    color = PALETTE[len([line for line in ax.lines if line.get_marker() == "o"]) % len(PALETTE)]
    ax.plot(*_density(x), "o", ms=4, color=color, label=label)
    if fit is not None:
        values = np.arange(fit.minimum, fit.maximum + 1)
        share = np.mean((x >= fit.minimum) & (x <= fit.maximum))
        law = power_law_probabilities(fit.exponent, fit.minimum, fit.maximum)
        name = f"exponent {fit.exponent:.2f} ± {fit.error:.2f}"
        ax.plot(values, share * law, lw=1.4, color=color, label=name)
    ax.set(xscale="log", yscale="log", xlabel=f"avalanche {quantity} [{_UNITS[quantity]}]")
    ax.set_ylabel(f"probability density [1/{_UNITS[quantity][:-1]}]")
    if label is not None or fit is not None:
        ax.legend(frameon=False)
    return tidy(ax)


def _density(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability density of whole numbers, and the middle of each bin in the logarithm."""
    most = int(np.ceil(np.log(x.max() + 1) / np.log(_GROWTH))) + 1
    edges = np.unique(np.round(_GROWTH ** np.arange(most + 1)).astype(int))
    count, _ = np.histogram(x, edges)
    inside = count > 0
    middle = np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    return middle[inside], (count / np.diff(edges) / len(x))[inside]


def _conductance(solution: Solution) -> np.ndarray:
    """The recorded conductances of one run, `(times, junctions)`; an error if there are none."""
    record = np.asarray(solution.junction_conductance)
    if record.ndim != 2:
        raise ValueError(
            f"raster draws one run, but the conductances have shape {record.shape}: pick a member of the "
            "batch, as in jax.tree.map(lambda x: x[0], solution)."
        )
    return record
