"""Straight wires in a picture from a microscope: where each of them begins and ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, Int

from .._core import Numbers, arguments, check_room
from ._ridges import Directed, between, directions, ridges_of


# Matplotlib and SciPy are imported inside the functions: `import jaxnn` is faster without them.
if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any


_STEP = 3.0  # [widths] from a point to the next of its wire, over a crossing
_TURN = np.deg2rad(6)  # between neighbours of one wire
_BEND = np.deg2rad(8)  # between two pieces of one wire
_SIGMAS_OF_BACKGROUND = 8.0  # [widths]
_HIDDEN = 15.0  # [widths] of a wire that another one may cover
_DRAWS = 100  # of lines through two points


_PIXELS = arguments.real(ndim=(2, 3), known=True)


def _is_picture(name: str, value: Any) -> None:
    # A picture of PIL has bands.
    if isinstance(value, str | Path) or hasattr(value, "getbands"):
        advice = "skimage.io.imread reads a file, and numpy.asarray makes an array of a picture of PIL."
        arguments.refuse(name, "an array of pixels", value, advice)
    _PIXELS(name, value)


@arguments.checked(
    image=_is_picture,
    width=arguments.real(ndim=0, known=True, low=1),
    pixel=arguments.real(ndim=0, known=True, above=0),
    shortest=arguments.real(ndim=0, known=True, above=0),
    gap=arguments.real(ndim=0, known=True, low=0),
    contrast=arguments.real(ndim=0, known=True, above=0),
    dark=arguments.flag,
)
def wires_from_image(
    image: Numbers,
    width: float | int,
    *,
    pixel: float | int = 1.0,
    shortest: float | int | None = None,
    gap: float | int | None = None,
    contrast: float | int = 5.0,
    dark: bool = False,
) -> Float64[np.ndarray, "wires 2 2"]:
    """Finds straight wires in an image, and returns both ends of each for `jaxnn.network_from_wires`.

    A ridge filter at the width of the wires, a threshold with hysteresis and thinning leave middle lines;
    their points are joined along the directions in which others lie, so that wires part again where they
    cross; each wire is the line of least squares through its points. x runs to the right and y upwards from
    the middle of the lowest pixel at the left. Look at the result with `jaxnn.data.plot_wires`: wires that
    bend, that lie side by side, or that cross at less than some 25 degrees are found in parts or as one;
    a scale bar or letters in the picture are found as well: cut them off.

    **Arguments:**

    - `image`: of shape (rows, columns), or with colours behind, which are averaged.
    - `width`: of a wire [pixels], from 1 on; a guess to within a factor of 1.5 will do.
    - `pixel`: the size of one [m], and so the unit of what is returned.
    - `shortest`: wire that is kept [pixels], by default five widths.
    - `gap`: up to which two pieces along one line are one wire [pixels], by default three widths.
    - `contrast`: how far a ridge stands out of the noise [its deviations].
    - `dark`: whether wires are darker than what is around them.

    Raises an `ImportError` without scikit-image, which is in the extra "image"; a `ValueError` for an image
    without contrast or smaller than a wire is wide, and for one in which no wire is found.

    ```python
    rows, columns = np.mgrid[:60, :80]
    image = np.exp(-((rows - 30) ** 2) / 4) + np.exp(-((columns - 40) ** 2) / 4)  # two that cross
    ends = jaxnn.data.wires_from_image(image, width=3)
    jaxnn.network_from_wires(ends, touching=3).n_junctions  # 1
    ```
    """
    width, gray = float(width), _gray(image, float(width))
    ridges = ridges_of(-gray if dark else gray, width, float(contrast))
    shortest = 5 * width if shortest is None else float(shortest)
    gap = 3 * width if gap is None else float(gap)
    found = np.zeros((0, 2, 2))
    if len(ridges.points) > 1:
        pieces = _pieces(ridges.points, directions(ridges.points, width), width)
        found = _merged(pieces, ridges.covered, width, gap)
    found = _lengthened(found, ridges.covered, width)
    found = found[np.linalg.norm(found[:, 1] - found[:, 0], axis=1) >= shortest]
    if not len(found):
        raise ValueError(
            f"no wire of {width:g} pixels in width and at least {shortest:g} in length is in the image of "
            f"shape {gray.shape}: look at it, and give another width, dark=True for dark wires, or a lower "
            "contrast."
        )
    found[:, :, 1] = gray.shape[0] - 1 - found[:, :, 1]
    return found * float(pixel)


@arguments.checked(
    image=_is_picture,
    wire_ends=arguments.real(ndim=3, known=True),
    pixel=arguments.real(ndim=0, known=True, above=0),
    ax=arguments.one_of_later("matplotlib.axes", "Axes"),
)
def plot_wires(
    image: Numbers, wire_ends: Numbers, *, pixel: float | int = 1.0, ax: Axes | None = None
) -> Axes:
    """Draws wires over the image that they were found in, a colour each, to judge them by eye.

    - `image`, `wire_ends`, `pixel`: as given to and got from `jaxnn.data.wires_from_image`. With a `pixel`
      the axes are in µm, without one in pixels.
    - `ax`: to draw on; by default a new figure's.

    Raises a `ValueError` for ends of another shape.

    ```python
    image = np.eye(40)
    jaxnn.data.plot_wires(image, np.array([[[0.0, 39.0], [39.0, 0.0]]]))
    ```
    """
    import matplotlib.pyplot as plt
    from matplotlib.collections import LineCollection

    ends = np.asarray(wire_ends, float)
    if ends.shape[1:] != (2, 2):
        raise ValueError(f"wire_ends must have shape (wires, 2, 2), both ends of each, got {ends.shape}.")
    gray = _averaged(image)
    axes = plt.subplots(layout="constrained")[1] if ax is None else ax
    rows, columns = gray.shape
    label, scale = ("pixels", 1.0) if pixel == 1 else ("µm", 1e6)
    pixel, ends = pixel * scale, ends * scale
    extent = (-0.5 * pixel, (columns - 0.5) * pixel, -0.5 * pixel, (rows - 0.5) * pixel)
    axes.imshow(gray, cmap="gray", extent=extent)
    colours = [f"C{k % 10}" for k in range(len(ends))]
    axes.add_collection(LineCollection(list(ends), colors=colours, linewidths=1.2))
    axes.plot(*ends.reshape(-1, 2).T, "o", ms=2.5, mfc="none", mec="w", mew=0.6)
    axes.set(xlabel=f"x [{label}]", ylabel=f"y [{label}]")
    return axes


def _averaged(image: Numbers) -> Float64[np.ndarray, "rows columns"]:
    """The mean of the colours; what is behind them is how opaque a pixel is."""
    array = np.asarray(image, float)
    return array[:, :, :3].mean(axis=2) if array.ndim == 3 else array


def _gray(image: Numbers, width: float) -> Float64[np.ndarray, "rows columns"]:
    """The image from 0 to 1, without what changes over many widths."""
    from scipy.ndimage import gaussian_filter

    gray = _averaged(image)
    if min(gray.shape) < max(3 * width, 8):
        raise ValueError(
            f"image of shape {gray.shape} must be at least three widths of a wire, {3 * width:g} pixels, "
            "and 8 pixels high and wide: give (rows, columns), colours last, and the width in pixels."
        )
    low, high = gray.min(), gray.max()
    if not high > low:
        raise ValueError(f"image must have contrast, but all its pixels are {low:g}.")
    gray = (gray - low) / (high - low)
    return gray - gaussian_filter(gray, _SIGMAS_OF_BACKGROUND * width, mode="reflect")


def _pieces(points: np.ndarray, lines: Directed, width: float) -> list[np.ndarray]:
    """The points of each stretch along which directions and places go on."""
    from scipy.spatial import KDTree

    places, n = points[lines.point], len(lines.point)
    a, b = KDTree(places).query_pairs(max(_STEP * width, 3.0), output_type="ndarray").T
    across = places[b] - places[a]
    off = lambda k: np.abs(across[:, 0] * np.sin(lines.angle[k]) - across[:, 1] * np.cos(lines.angle[k]))
    side = max(1.0, 0.3 * width)
    # A point is no neighbour of itself in another direction.
    goes_on = (between(lines.angle[a], lines.angle[b]) < _TURN) & (lines.point[a] != lines.point[b])
    goes_on &= (off(a) < side) & (off(b) < side)
    label = _linked(n, a[goes_on], b[goes_on])
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    straight = [part for group in groups for part in _straight(places[group], width)]
    return [part for part in straight if len(part) > 1.5 * width]


def _straight(points: np.ndarray, width: float) -> Iterator[np.ndarray]:
    """The straight parts of a stretch, the longest first: wires at a small angle go over into each other.

    The line that most points lie on, of those through two points drawn at random (Fischler and Bolles,
    Commun. ACM 24, 381, 1981); then the same of what is left.
    """
    random, side = np.random.default_rng(0), max(1.0, 0.3 * width)
    while len(points) > 1.5 * width:
        line = _line(points)
        on = _off(points, line) < side
        if not on.all():
            pairs = random.integers(len(points), size=(_DRAWS, 2))
            pairs = pairs[np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1) > width]
            if not len(pairs):
                return
            best = max((points[pair] for pair in pairs), key=lambda x: np.sum(_off(points, x) < side))
            for _ in range(2):
                on = _longest_run(points, best, _off(points, best) < side, _STEP * width)
                best = _line(points[on])
        yield points[on]
        points = points[~on]


def _unit(line: np.ndarray) -> Float64[np.ndarray, "2"]:
    """The direction of a line between two points, of length 1."""
    return (line[1] - line[0]) / max(np.linalg.norm(line[1] - line[0]), 1e-9)


def _off(points: np.ndarray, line: np.ndarray) -> Float64[np.ndarray, " points"]:
    """How far points are from the line through two [pixels]."""
    unit = _unit(line)
    away = points - line[0]
    return np.abs(away[:, 0] * unit[1] - away[:, 1] * unit[0])


def _longest_run(points: np.ndarray, line: np.ndarray, on: np.ndarray, gap: float) -> np.ndarray:
    """Which of the points on a line follow one another without a gap, in the longest run."""
    chosen = np.flatnonzero(on)
    along = (points[chosen] - line[0]) @ _unit(line)
    order = np.argsort(along)
    runs = np.split(chosen[order], np.flatnonzero(np.diff(along[order]) > gap) + 1)
    return np.isin(np.arange(len(points)), max(runs, key=len))


def _line(points: np.ndarray) -> Float64[np.ndarray, "2 2"]:
    """The ends of the line of least squares through points, as far as they reach."""
    middle = points.mean(axis=0)
    direction = np.linalg.svd(points - middle, full_matrices=False)[2][0]
    along = (points - middle) @ direction
    return middle + np.array([along.min(), along.max()])[:, None] * direction


def _merged(
    pieces: list[np.ndarray], covered: np.ndarray, width: float, gap: float
) -> Float64[np.ndarray, "wires 2 2"]:
    """The lines of the pieces, those of one line joined until none are left."""
    while True:
        ends = np.array([_line(piece) for piece in pieces]).reshape(-1, 2, 2)
        label = _of_one_line(ends, covered, width, gap)
        if len(pieces) < 2 or label.max() + 1 == len(pieces):
            return ends
        pieces = [
            np.concatenate([pieces[k] for k in np.flatnonzero(label == j)]) for j in range(label.max() + 1)
        ]


def _of_one_line(
    ends: np.ndarray, covered: np.ndarray, width: float, gap: float
) -> Int[np.ndarray, " pieces"]:
    """Which pieces are of one wire: along one line, no further apart than a gap, or bright between.

    What is between is the ridge of another wire that crosses at a small angle and took the points.
    """
    n = len(ends)
    check_room(f"All pairs of {n:,} pieces of wires", 40 * n**2, "give a part of the image")
    a, b = np.triu_indices(n, 1)
    run = ends[:, 1] - ends[:, 0]
    length = np.linalg.norm(run, axis=1)
    angle = np.arctan2(run[:, 1], run[:, 0])
    near = between(angle[a], angle[b]) < _BEND
    a, b = a[near], b[near]
    # Seen from the longer one, whose direction is known better.
    swap = length[a] < length[b]
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    unit = run[a] / np.maximum(length[a], 1e-9)[:, None]
    away = ends[b] - ends[a, :1]
    along = np.einsum("kij,kj->ki", away, unit)
    off = np.abs(away[..., 0] * unit[:, None, 1] - away[..., 1] * unit[:, None, 0])
    apart = np.maximum(along.min(axis=1) - length[a], -along.max(axis=1))
    nearest = np.take_along_axis(off, np.argmin(np.abs(along - length[a, None] / 2), axis=1)[:, None], 1)[
        :, 0
    ]
    one = (apart <= _HIDDEN * width) & (nearest < 0.7 * width) & (off.max(axis=1) < 1.2 * width)
    a, b, apart, along = a[one], b[one], apart[one], along[one]
    # From the end of the first to the one of the other that is nearer.
    behind = along.mean(axis=1) > length[a] / 2
    start = ends[a, behind.astype(int)]
    stop = ends[b, np.where(behind, along.argmin(axis=1), along.argmax(axis=1))]
    between_them = start[:, None] + np.linspace(0, 1, 40)[:, None] * (stop - start)[:, None]
    column, row = between_them.round().astype(int).clip(0, np.array(covered.shape)[::-1] - 1).T
    joined = (apart <= gap) | (covered[row, column].mean(axis=0) > 0.95)
    return _linked(n, a[joined], b[joined])


def _linked(n: int, a: np.ndarray, b: np.ndarray) -> Int[np.ndarray, " things"]:
    """Of n things, of which each a goes with its b, the number of the group that each is in."""
    from scipy.sparse import coo_array, csgraph

    links = coo_array((np.ones(len(a)), (a, b)), (n, n))
    return csgraph.connected_components(links, directed=False)[1]


def _lengthened(ends: np.ndarray, covered: np.ndarray, width: float) -> Float64[np.ndarray, "wires 2 2"]:
    """Wires up to where the ridge ends, which thinning has shortened, less what it is wider than a line."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = covered.shape
    inside = np.asarray(distance_transform_edt(covered))
    result = ends.copy()
    for wire in result:
        unit = _unit(wire)
        on = np.linspace(wire[0], wire[1], 50).round().astype(int).clip(0, (columns - 1, rows - 1))
        half = float(np.median(inside[on[:, 1], on[:, 0]]))
        for end, sense in ((0, -1.0), (1, 1.0)):
            # No further than thinning took away: what goes on behind is another wire.
            for _ in range(round(2 * half + 2)):
                x, y = np.round(wire[end] + sense * 0.5 * unit).astype(int)
                if not (0 <= x < columns and 0 <= y < rows and covered[y, x]):
                    break
                wire[end] += sense * 0.5 * unit
            wire[end] -= sense * half * unit
    return result
