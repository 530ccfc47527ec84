"""What all pictures have in common: colours, axes, and what they take of a run."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from .._core import PALETTE as PALETTE


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .._simulation import Solution
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Figure = Solution = Any


WIRE, GUIDE = "0.75", "0.55"


def of_solution(solution: Any, values: Any, terminals: Any) -> tuple[Any, Any, Any]:
    """The network of a run, what to colour its junctions by, and its terminals."""
    network, record = solution.network, solution.junction_conductance
    if not hasattr(network, "edges"):
        raise ValueError(
            "plot_network draws one network, got a Solution of an Ensemble: take solution.part(i) of it."
        )
    if values is None and eqx.is_array(record):
        values = record[-1] if record.ndim == 2 else record
    # Of a batch all runs have the same terminals, unless these were mapped too.
    return network, values, np.asarray(solution.terminals) if terminals is None else terminals


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        from matplotlib import axes

        if not isinstance(ax, axes.Axes):
            raise ValueError(
                f"ax must be one Matplotlib Axes, got {type(ax).__name__}: give figure.gca() of a figure, "
                "and axes[0] of several."
            )
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure and lets go of it."""
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def positive(values: np.ndarray) -> np.ndarray:
    """What a log axis can show; the rest becomes a gap, not a line to the bottom."""
    return np.where(values > 0, values, np.nan)


def side_by_side(lines: np.ndarray, edges: np.ndarray, gap: float) -> np.ndarray:
    """Lines of parallel junctions moved apart, sideways by `gap` of their length, or they would hide."""
    _, pair, count = np.unique(np.sort(edges, 1), axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(pair.ravel(), kind="stable")
    place = np.empty(len(edges))
    place[order] = np.arange(len(edges)) - np.repeat(np.cumsum(count) - count, count)
    place -= (count[pair.ravel()] - 1) / 2
    way = lines[:, 1] - lines[:, 0]
    # Junctions given in opposite orientations must not be moved to the same place.
    way = np.where((edges[:, 0] > edges[:, 1])[:, None], -way, way)
    return lines + (gap * place[:, None] * np.stack([-way[:, 1], way[:, 0]], 1))[:, None]


_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def in_unit(values: np.ndarray, unit: str) -> tuple[np.ndarray, str]:
    """Values on a linear axis, and their unit with the prefix in which the largest is 1 to 1000."""
    largest = np.max(np.abs(values), initial=0, where=np.isfinite(values))
    power = int(np.clip(3 * np.floor(np.log10(largest) / 3), -15, 9)) if largest > 0 else 0
    return values / 10.0**power, f"{_PREFIXES[power]}{unit}"


def tidy(ax: Axes) -> Axes:
    """Axes as all pictures of curves have them: open at the top and right, with faint lines across."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.92", linewidth=0.6)
    ax.set_axisbelow(True)
    return ax
