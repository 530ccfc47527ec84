"""The small pictures of a network and of an ensemble that a notebook shows."""

import itertools

import numpy as np

from .._core import lines
from .geometry import crossing_points
from .topology import Topology


_MOST, _COLUMNS = 10, 5  # networks of an ensemble in a picture, and in a row of it
_CELL = 1.1  # of the largest network


def drawn(topology: Topology) -> str:
    """The wires and where they cross, or the places of nodes, as far as they are known; empty if not."""
    return _drawn(topology, np.zeros((topology.n_nodes, 2)))


def drawn_apart(topology: Topology, offsets: tuple[int, ...]) -> str:
    """The first ten networks of an ensemble, whose nodes begin at `offsets`, in rows of five."""
    known = topology.positions if topology.wire_ends is None else topology.wire_ends
    if known is None:
        return ""
    shift = np.full((topology.n_nodes, 2), np.nan)
    parts = [known[a:b].reshape(-1, 2) for a, b in itertools.pairwise(offsets[: _MOST + 1])]
    corners = [np.nanmin(part, 0, initial=np.inf) for part in parts]
    sizes = [np.nanmax(part, 0, initial=-np.inf) - low for part, low in zip(parts, corners, strict=True)]
    cell = _CELL * max((np.max(size[np.isfinite(size)], initial=0.0) for size in sizes), default=0.0)
    for i, low in enumerate(corners):
        row, column = divmod(i, _COLUMNS)
        shift[offsets[i] : offsets[i + 1]] = cell * np.array([column, -row]) - low
    return _drawn(topology, shift)


def _drawn(topology: Topology, shift: np.ndarray) -> str:
    """A network with its nodes moved; those moved by NaN are left out."""
    edges = topology.edges
    inside = np.isfinite(shift[edges[:, 0], 0])
    if topology.wire_ends is not None:
        closed = edges[inside & ~topology.passive]
        places, _ = crossing_points(topology.wire_ends, closed)
        return lines(topology.wire_ends + shift[:, None], places + shift[closed[:, 0]])
    if topology.positions is not None:
        places = topology.positions + shift
        return lines(places[edges[inside]], places)
    return ""
