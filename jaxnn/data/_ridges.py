"""Ridges of an image, and at each of their points the directions in which lines run through it.

Where two wires cross, the gradient of the image has no direction that means anything. The points of the
ridges around do: seen from a crossing they lie in two directions. So each point counts in which directions
the others near it lie, and takes every direction that has many; at a crossing it takes both, and belongs to
two wires.
"""

import importlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from .._core import check_room


BINS = 90  # of directions, 2 degrees each
_NEAREST = 4.0  # [pixels]: nearer points say little of a direction, being on a grid
_REACH = 4.0  # [widths]: how far a point looks around
_SHARE = 0.4  # of the points that a line has within reach; half of them are left at its end
_BYTES_OF_PAIR = 60


class Ridges(NamedTuple):
    """The middle lines of what is bright and narrow, and all of it."""

    points: Float64[np.ndarray, "points 2"]  # x and y [pixels], rows counted downwards
    covered: Bool[np.ndarray, "rows columns"]


def ridges_of(gray: Float64[np.ndarray, "rows columns"], width: float, contrast: float) -> Ridges:
    """What rises above its surroundings by more than noise does, as wide as a wire.

    The filter's response is the curvature across a ridge at the scale of the wire (Sato et al., Med. Image
    Anal. 2, 143, 1998). What is more than `contrast` times a robust deviation of it above its median is a
    wire; what is above half of that and joined to it too.
    """
    filters, morphology = _skimage("filters"), _skimage("morphology")
    response = filters.sato(gray, sigmas=[width / 2], black_ridges=False, mode="reflect")
    high = filters.threshold_otsu(response)
    # Of an image without wires, Otsu's threshold parts noise from noise.
    middle = np.median(response)
    noise = 1.4826 * np.median(np.abs(response - middle))
    high = max(high, middle + contrast * noise)
    covered = filters.apply_hysteresis_threshold(response, 0.5 * (high + middle), high)
    rows, columns = np.nonzero(morphology.skeletonize(covered))
    return Ridges(np.stack([columns, rows], axis=1).astype(float), covered)


def _skimage(name: str) -> Any:
    try:
        return importlib.import_module(f"skimage.{name}")
    except ImportError as error:
        raise ImportError(
            'wires_from_image needs scikit-image, an optional dependency of jaxnn (its extra "image"): pip '
            'install "scikit-image>=0.24".',
            name="skimage",
        ) from error


class Directed(NamedTuple):
    """Points with one direction each; a point is there once for each direction that it has."""

    point: Int[np.ndarray, " directed"]
    angle: Float64[np.ndarray, " directed"]  # [rad] from 0 to pi


def directions(points: Float64[np.ndarray, "points 2"], width: float) -> Directed:
    """The directions in which many other points lie, of each point."""
    reach = max(_REACH * width, 2.5 * _NEAREST)
    pairs = _pairs(points, reach)
    across = points[pairs[:, 1]] - points[pairs[:, 0]]
    far = np.hypot(*across.T) >= _NEAREST
    pairs, across = pairs[far], across[far]
    angle = np.arctan2(across[:, 1], across[:, 0]) % np.pi
    place = np.minimum((angle * BINS / np.pi).astype(int), BINS - 1)
    shape = len(points), BINS
    keys = np.concatenate([pairs[:, 0] * BINS + place, pairs[:, 1] * BINS + place])
    sums = lambda weights: np.bincount(keys, np.tile(weights, 2), shape[0] * BINS).reshape(shape)
    # A point next to the middle line is off by a pixel: by some degrees at the distances that count.
    count, cosine, sine = (
        _window(sums(x)) for x in (np.ones(len(angle)), np.cos(2 * angle), np.sin(2 * angle))
    )
    around = [np.roll(count, k, axis=1) for k in (-3, -2, -1, 1, 2, 3)]
    is_peak = np.all([count >= x for x in around], axis=0) & (count > _SHARE * 2 * (reach - _NEAREST))
    point, peak = np.nonzero(is_peak)
    mean = np.arctan2(sine[point, peak], cosine[point, peak]) / 2 % np.pi
    # Of a flat top, whose bins have one mean, the first.
    new = np.append(True, (point[1:] != point[:-1]) | (between(mean[1:], mean[:-1]) > 0.1))
    return Directed(point[new], mean[new])


def _pairs(points: np.ndarray, reach: float) -> Int[np.ndarray, "pairs 2"]:
    from scipy.spatial import KDTree

    tree = KDTree(points)
    near = int(tree.query_ball_point(points, reach, return_length=True).sum()) // 2
    advice = "give a part of the image, or a higher contrast"
    check_room(f"{near:,} pairs of {len(points):,} points on ridges", _BYTES_OF_PAIR * near, advice)
    return tree.query_pairs(reach, output_type="ndarray")


def _window(count: np.ndarray) -> np.ndarray:
    return np.sum([np.roll(count, k, axis=1) for k in (-2, -1, 0, 1, 2)], axis=0)


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The angle between two directions [rad], which have no sense of forwards."""
    return np.abs((a - b + np.pi / 2) % np.pi - np.pi / 2)
