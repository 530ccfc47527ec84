"""What all pictures have in common: points in order along a line, no empty panel, and which run it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np


matplotlib.use("agg")
import matplotlib.pyplot as plt  # the backend has to be chosen before this import


def in_order(x: Any, *columns: Any) -> tuple[np.ndarray, ...]:
    """Abscissae in ascending order, each once, and what belongs to them, along the last axis of each."""
    values, first = np.unique(np.asarray(x), return_index=True)
    return values, *(np.asarray(column)[..., first] for column in columns)


def all_ticks(axis: Any, values: Sequence[float], most: int = 12) -> None:
    """Names the cells of a map, at 0, 1, ..., all of them or every second or third if they are many."""
    step = -(-len(values) // most)
    axis.set_ticks(range(0, len(values), step), [f"{value:g}" for value in values[::step]], fontsize=7)


_RUN = [""]


def this_run(text: str) -> None:
    """What stands above all pictures from now on, such as that they are those of a quick mode."""
    _RUN[0] = text


def save(figure: Any, path: Path, dpi: int = 100) -> None:
    """Writes a picture, with its run above it; a panel that the run has nothing for says so."""
    for ax in figure.axes:
        if _is_empty(ax):
            if ax.get_legend() is not None:
                ax.get_legend().remove()
            ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
            place = {"transform": ax.transAxes, "ha": "center", "va": "center"}
            ax.text(0.5, 0.5, "nothing in this run", color="0.5", **place)
            # A logarithmic axis would bring its ticks back.
            ax.set(xscale="linear", yscale="linear", xticks=[], yticks=[])
    if _RUN[0]:
        figure.suptitle("\n".join(filter(None, (figure.get_suptitle(), _RUN[0]))), fontsize=11)
    figure.savefig(path, dpi=dpi)
    plt.close(figure)


def _is_empty(ax: Any) -> bool:
    """Whether a panel has no number to show."""
    place = ax.get_subplotspec()
    twins = [other for other in ax.figure.axes if other is not ax and other.get_subplotspec() == place]
    if place is None or twins or ax.images or ax.texts or ax.patches:
        return False
    lines = [np.asarray(line.get_ydata(), float) for line in ax.lines]
    return not any(np.isfinite(y).any() for y in lines) and not any(map(_is_seen, ax.collections))


def _is_seen(collection: Any) -> bool:
    """Whether a map, marks or areas have a number."""
    values = collection.get_array()
    if values is not None:
        return bool(np.isfinite(np.ma.filled(np.ma.asarray(values, float), np.nan)).any())
    return any(len(path.vertices) for path in collection.get_paths())
