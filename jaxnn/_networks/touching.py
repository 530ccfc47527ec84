"""Which straight wires touch: crossings, ends on wires, ends on ends, and wires along one line."""

import numpy as np
from jaxtyping import Float64, Int

from .._core import check_room
from .geometry import crossing_fractions


_PIECES = 3  # per wire, in the mean: what the search for neighbours is cut into
_BYTES_OF_PAIR = 200  # that are looked at
_SAMPLE = 300  # pieces whose neighbours are counted first, to know how many there are


def touching_pairs(ends: Float64[np.ndarray, "wires 2 2"], touching: float) -> Int[np.ndarray, "edges 2"]:
    """All pairs (a, b), a < b, of wires that come as near as `touching`, sorted by a, then b.

    Two straight wires that do not cross are nearest to each other at an end of one of them.

    **Raises:** `ValueError` for more pairs of neighbours than half of the free memory holds.
    """
    a, b = _neighbours(ends, touching).T
    first, second = ends[a], ends[b]
    t, u = crossing_fractions(first, second)
    near = (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
    for wire, other in ((first, second), (second, first)):
        for end in (0, 1):
            near |= _distance(wire[:, end], other) <= touching
    return np.stack([a[near], b[near]], axis=1)


def _distance(
    point: Float64[np.ndarray, "pairs 2"], wire: Float64[np.ndarray, "pairs 2 2"]
) -> Float64[np.ndarray, " pairs"]:
    """How far points are from wires, a wire for each."""
    start, along = wire[:, 0], wire[:, 1] - wire[:, 0]
    share = np.sum((point - start) * along, axis=1) / np.sum(along**2, axis=1)
    nearest = start + np.clip(share, 0, 1)[:, None] * along
    return np.linalg.norm(point - nearest, axis=1)


def _neighbours(ends: Float64[np.ndarray, "wires 2 2"], touching: float) -> Int[np.ndarray, "pairs 2"]:
    """The pairs of wires that may touch, sorted, each once.

    Wires are cut into pieces of about one length, so that a few long ones do not widen the search of
    all: two pieces that touch have middles no further apart than that length.
    """
    from scipy.spatial import KDTree

    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    piece = lengths.sum() / (_PIECES * len(lengths))
    count = np.ceil(lengths / piece).astype(np.int64)
    wire = np.repeat(np.arange(len(lengths)), count)
    number = np.arange(len(wire)) - np.repeat(np.cumsum(count) - count, count)
    share = (number + 0.5) / count[wire]
    middles = ends[wire, 0] + share[:, None] * (ends[wire, 1] - ends[wire, 0])
    # The margin keeps pieces among the neighbours that only just touch.
    tree, reach = KDTree(middles), piece * (1 + 1e-9) + touching
    some = middles[:: -(-len(middles) // _SAMPLE)]
    near = tree.query_ball_point(some, reach, return_length=True).mean() - 1
    pairs = round(near * len(middles) / 2)
    check_room(
        f"About {pairs:,} pairs of neighbours among {len(lengths):,} wires",
        _BYTES_OF_PAIR * pairs,
        "give fewer wires at a time, or a smaller distance at which they touch",
    )
    found = wire[tree.query_pairs(reach, output_type="ndarray")]
    found.sort(axis=1)
    keys = np.unique(found[:, 0] * len(lengths) + found[:, 1])
    pairs_of_wires = np.stack(np.divmod(keys, len(lengths)), axis=1)
    return pairs_of_wires[pairs_of_wires[:, 0] != pairs_of_wires[:, 1]]
