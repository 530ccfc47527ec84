"""Names beside points: within their axes, so that none lies over a tick, and none over another."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Any

Label: TypeAlias = tuple[str, np.ndarray, np.ndarray]
"""A name, the point that it is beside, and the direction from there, of length 1."""

_SIZE = 10.0  # [points] of the letters
_WIDE, _HIGH = 0.68, 1.35  # of a bold letter and of its line, in their size
_GAP = 10.0  # [points] from the point to the name
# A layout that leaves room for axes and bars makes axes smaller than they are when names are placed.
_SHRINKS = 0.7


def place_labels(ax: Axes, labels: Sequence[Label], color: str) -> None:
    """Writes names beside their points, and widens the axes, of equal units, until all are within."""
    if not labels:
        return
    low, high = (np.array(x) for x in zip(ax.get_xlim(), ax.get_ylim(), strict=True))
    box = ax.get_window_extent()
    width, height = (_SHRINKS * 72 / ax.figure.dpi * x for x in (box.width, box.height))
    per_point = max((high[0] - low[0]) / width, (high[1] - low[1]) / height)
    taken: list[np.ndarray] = []
    for name, point, outwards in labels:
        size = np.array([_WIDE * len(name), _HIGH]) * _SIZE
        shift, sides = _free_place(point / per_point, outwards, size, taken)
        box = _box(point / per_point, shift, sides, size) * per_point
        low, high = np.minimum(low, box[0]), np.maximum(high, box[1])
        ax.annotate(
            name,
            xy=(float(point[0]), float(point[1])),
            xytext=(float(shift[0]), float(shift[1])),
            textcoords="offset points",
            ha=("right", "center", "left")[sides[0] + 1],
            va=("top", "center", "bottom")[sides[1] + 1],
            color=color,
            weight="bold",
            fontsize=_SIZE,
            zorder=7,
        )
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def _free_place(
    point: np.ndarray, outwards: np.ndarray, size: np.ndarray, taken: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """An offset [points] at which a name meets no other, turned away from `outwards` if need be."""
    turns = (0.0, 0.6, -0.6, 1.2, -1.2, 1.9, -1.9, np.pi)
    shift, sides = np.zeros(2), np.zeros(2, int)
    for far, turn in itertools.product((_GAP, 3 * _GAP, 5 * _GAP), turns):
        c, s = np.cos(turn), np.sin(turn)
        way = np.array([c * outwards[0] - s * outwards[1], s * outwards[0] + c * outwards[1]])
        shift, sides = np.asarray(far * way), np.round(way).astype(int)
        box = _box(point, shift, sides, size)
        if not any(np.all((box[0] < other[1]) & (box[1] > other[0])) for other in taken):
            break
    taken.append(_box(point, shift, sides, size))
    return shift, sides


def _box(point: np.ndarray, shift: np.ndarray, sides: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The lower left and the upper right corner of a name [points]."""
    corner = point + shift + (sides - 1) / 2 * size
    return np.array([corner, corner + size])
