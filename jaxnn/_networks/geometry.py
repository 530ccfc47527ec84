"""Where straight wires cross each other and rectangles, as fractions of their lengths."""

import numpy as np
from jaxtyping import Float64, Int


def crossing_fractions(
    first: Float64[np.ndarray, "pairs 2 2"], second: Float64[np.ndarray, "pairs 2 2"]
) -> tuple[Float64[np.ndarray, " pairs"], Float64[np.ndarray, " pairs"]]:
    """How far along the first and along the second wire of each pair their two lines cross.

    From p + t r = q + u s follow t = (q - p) x s / (r x s) and u = (q - p) x r / (r x s). The wires
    themselves cross where both lie in [0, 1]. For parallel ones they are infinite or no numbers.
    """
    p, q = first[:, 0], second[:, 0]
    r, s = first[:, 1] - p, second[:, 1] - q
    along = _cross(r, s)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _cross(q - p, s) / along, _cross(q - p, r) / along


def crossing_points(
    ends: Float64[np.ndarray, "nodes 2 2"], edges: Int[np.ndarray, "junctions 2"]
) -> tuple[Float64[np.ndarray, "junctions 2"], Float64[np.ndarray, "junctions 2"]]:
    """Where the two wires of each junction cross, and how far along each, 0 to 1; NaN of parallel wires."""
    first, second = ends[edges[:, 0]], ends[edges[:, 1]]
    along = np.stack(crossing_fractions(first, second), 1)
    along = np.clip(np.where(np.isfinite(along), along, np.nan), 0, 1)
    return first[:, 0] + along[:, :1] * (first[:, 1] - first[:, 0]), along


def sections_within(
    ends: Float64[np.ndarray, "wires 2 2"], rectangles: Float64[np.ndarray, "wires 2 2"]
) -> tuple[Float64[np.ndarray, " wires"], Float64[np.ndarray, " wires"]]:
    """How far along each wire the section begins and stops that lies in its rectangle, edges included.

    A rectangle is its lower left and its upper right corner. In each direction p + t r lies between
    the two edges for t in an interval (Liang and Barsky, ACM Transactions on Graphics 3, 1, 1984); the
    section is what these two and [0, 1] share. Where there is none it begins behind its stop.
    """
    start, along = ends[:, 0], ends[:, 1] - ends[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        bounds = (rectangles - start[:, None]) / along[:, None]
    # A wire along an edge's direction crosses neither edge: it lies between them all along or not at all.
    still = along == 0
    within = (rectangles[:, 0] <= start) & (start <= rectangles[:, 1])
    enter = np.where(still, np.where(within, -np.inf, np.inf), bounds.min(axis=1))
    leave = np.where(still, np.where(within, np.inf, -np.inf), bounds.max(axis=1))
    return np.maximum(enter.max(axis=1), 0), np.minimum(leave.min(axis=1), 1)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
