"""Where rectangular electrodes touch a network."""

import numpy as np
from jaxtyping import Float64, Int

from .topology import Topology


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
