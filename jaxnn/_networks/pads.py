"""Where rectangular electrodes touch a network."""

import numpy as np
from jaxtyping import Float64, Int

from .._core import check_pad_size
from .geometry import sections_within
from .topology import ArrayInput, Topology


def pad_contacts(
    topology: Topology, fraction: float | int
) -> tuple[Int[np.ndarray, "contacts 2"], Float64[np.ndarray, "all_nodes 2"]]:
    """The pairs (wire, pad) that electrodes over a `fraction` of the height make, and all
    positions [m], now with those of the pads: the middle of the upper and of the lower edge.

    The source is node `n_nodes` at the top, the drain `n_nodes + 1` at the bottom; the contacts of
    the source come first.

    **Raises:** `ValueError` without positions, for a fraction outside (0, 0.5), if a pad covers no
    wire, or if there are passive junctions already.
    """
    if topology.positions is None:
        raise ValueError(
            "Pads need the positions of the wires, and this network has none; give them as "
            "`Network(n_nodes, edges, positions)`, or name two wires as terminals instead."
        )
    if not 0 < fraction < 0.5:
        raise ValueError(
            "The fraction of the height that each pad covers must lie between 0 and 0.5 "
            f"(exclusive), got {fraction}."
        )
    if topology.passive.any():
        raise ValueError(
            "Pads are added to a network without passive junctions, but this one has "
            f"{int(topology.passive.sum())}; call `with_pads` once, on the network without pads."
        )
    if topology.box is None:
        low, high = topology.positions.min(axis=0), topology.positions.max(axis=0)
    else:
        low, high = np.zeros(2), topology.box
    y, height = topology.positions[:, 1] - low[1], high[1] - low[1]
    if height <= 0:
        raise ValueError(
            "Pads at the top and the bottom need wires at different heights, but all have y = "
            f"{low[1]} m; give a `box` or other positions."
        )
    under = {"source": y >= height * (1 - fraction), "drain": y <= height * fraction}
    contacts = []
    for pad, (name, covered) in enumerate(under.items(), start=topology.n_nodes):
        wires = np.flatnonzero(covered)
        if not wires.size:
            raise ValueError(
                f"No wire has its centre under the {name} pad, which covers a fraction {fraction} "
                f"of the height of {height:g} m, so that it touches nothing. A larger fraction is a larger "
                "pad; to feed chosen wires, name them as terminals."
            )
        contacts.append(np.stack([wires, np.full_like(wires, pad)], axis=1))
    middle = (low[0] + high[0]) / 2
    pads = np.array([[middle, high[1]], [middle, low[1]]])
    return np.concatenate(contacts), np.concatenate([topology.positions, pads])


def pad_rectangle(
    topology: Topology, rectangle: ArrayInput | None, side: str | None, fraction: float | int
) -> Float64[np.ndarray, "2 2"]:
    """The lower left and the upper right corner [m] of a pad given by itself or as a strip of a side.

    **Raises:** `ValueError` unless exactly one of the two is given, for corners in another order and
    for a fraction outside (0, 1].
    """
    if (rectangle is None) == (side is None):
        raise ValueError(
            "A pad is either a `rectangle` (x0, y0, x1, y1) in metres or the strip of a `side`, got "
            f"rectangle={rectangle} and side={side!r}: give exactly one of them."
        )
    if rectangle is not None:
        corners = np.array(rectangle, dtype=np.float64)
        if corners.shape != (4,) or not (np.isfinite(corners).all() and np.all(corners[:2] < corners[2:])):
            raise ValueError(
                "The `rectangle` of a pad must be (x0, y0, x1, y1) in metres, the lower left corner before "
                f"the upper right one, got {rectangle!r}."
            )
        return corners.reshape(2, 2)
    if not 0 < fraction <= 1:
        raise ValueError(
            f"The fraction of the area that a strip covers must lie above 0 and up to 1, got {fraction}."
        )
    axis, far = {"left": (0, 0), "right": (0, 1), "bottom": (1, 0), "top": (1, 1)}[str(side)]
    corners = _area(topology)
    width = corners[1, axis] - corners[0, axis]
    corners[1 - far, axis] = corners[far, axis] + (1 - 2 * far) * fraction * width
    return corners


def contacts_under(
    topology: Topology, rectangle: Float64[np.ndarray, "2 2"]
) -> Int[np.ndarray, "contacts 2"]:
    """The pairs (wire, pad) of one more node, for all wires of which any part lies in a rectangle.

    **Raises:** `ValueError` without the ends of the wires, or if there is none.
    """
    ends = require_ends(topology, "A pad touches the wires that lie under it")
    begin, stop = sections_within(ends, np.broadcast_to(rectangle, ends.shape))
    wires = np.flatnonzero(begin <= stop)
    if not wires.size:
        known = ends[np.isfinite(ends).all(axis=(1, 2))].reshape(-1, 2)
        raise ValueError(
            f"No wire lies under the pad from {rectangle[0].tolist()} to {rectangle[1].tolist()} m, so "
            f"that it touches nothing: wires reach from {known.min(axis=0).tolist()} to "
            f"{known.max(axis=0).tolist()} m. Make it larger, or put it elsewhere."
        )
    check_pad_size(float((rectangle[1] - rectangle[0]).max()), _reach(ends), len(wires))
    return np.stack([wires, np.full_like(wires, topology.n_nodes)], axis=1)


def _reach(ends: Float64[np.ndarray, "nodes 2 2"]) -> float:
    """The larger side of the rectangle that all wires lie in [m]."""
    corners = ends.reshape(-1, 2)
    return float((np.nanmax(corners, axis=0) - np.nanmin(corners, axis=0)).max())


def require_ends(topology: Topology, purpose: str) -> Float64[np.ndarray, "nodes 2 2"]:
    """Both ends of each wire, or a `ValueError` if no wire has them."""
    ends = topology.wire_ends
    if ends is None or not np.isfinite(ends).any():
        raise ValueError(
            f"{purpose}, but this network has no `wire_ends`: give both ends of each wire [m] as "
            "`Network(n_nodes, edges, positions, wire_ends=...)`. A measured network without them has "
            "wire centres at best; `with_pads` goes by these, and terminals can be wires."
        )
    return ends


def _area(topology: Topology) -> Float64[np.ndarray, "2 2"]:
    """The corners of the box, or of the wires' bounding box where there is none."""
    if topology.box is not None:
        return np.stack([np.zeros(2), topology.box])
    ends = require_ends(topology, "A strip lies on the side of the area that the wires cover").reshape(
        -1, 2
    )
    return np.stack([np.nanmin(ends, axis=0), np.nanmax(ends, axis=0)])
