"""The small picture of a network that a notebook shows."""

from .._core import lines
from .geometry import crossing_points
from .topology import Topology


def drawn(topology: Topology) -> str:
    """The wires and where they cross, or the places of nodes, as far as they are known; empty if not."""
    if topology.wire_ends is not None:
        places, _ = crossing_points(topology.wire_ends, topology.edges[~topology.passive])
        return lines(topology.wire_ends, places)
    if topology.positions is not None:
        return lines(topology.positions[topology.edges], topology.positions)
    return ""
