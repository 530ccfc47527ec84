"""The numbers of wires in a network and in the one that it was made of."""

import numpy as np
from jaxtyping import Float64, Int64

from .topology import ArrayInput


def checked_wires(wires: ArrayInput, n_nodes: int) -> Int64[np.ndarray, " nodes"]:
    """`wires` as an array, if it has a number for each node."""
    array = np.asarray(wires)
    if array.shape != (n_nodes,) or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"`wires` must have one integer for each of the {n_nodes} nodes, its number in the network "
            f"that this one is a part of, got shape {array.shape} of {array.dtype}."
        )
    return array.astype(np.int64)


def nodes_of(
    wanted: ArrayInput,
    names: Int64[np.ndarray, " nodes"],
    wire_ends: Float64[np.ndarray, "nodes 2 2"] | None,
    at: float | int = 0.5,
) -> Int64[np.ndarray, "..."]:
    """The nodes of some wires, `names` being the wire of each node.

    Of a wire that is cut into several nodes, whose `wire_ends` are its stretches in their order, the
    one whose stretch holds the point at a fraction `at` of its length.

    **Raises:** `ValueError` if one of the wires is not there.
    """
    old = np.asarray(wanted)
    known = np.isin(old, names) & (old >= 0)
    if not np.issubdtype(old.dtype, np.integer) or not known.all():
        raise ValueError(
            f"`wires` must be integer numbers of wires that this part kept, got {old.tolist()}, "
            f"{old[~known].tolist()} of which it did not. `network.wires` lists those it has; "
            "`component_of` on the whole network gives the part that holds a wire."
        )
    order = np.argsort(names, kind="stable")
    first = np.searchsorted(names, old, sorter=order)
    last = np.searchsorted(names, old, side="right", sorter=order) - 1
    found = np.array(order[first], np.int64)
    if wire_ends is not None:
        for place in zip(*np.nonzero(np.atleast_1d(first < last)), strict=True):
            place = place if old.ndim else ()
            nodes = order[first[place] : last[place] + 1]
            found[place] = nodes[_stretch_at(wire_ends[nodes], at)]
    return found


def _stretch_at(stretches: Float64[np.ndarray, "nodes 2 2"], at: float | int) -> int:
    """Which of the stretches of a wire, one behind the other, holds the point at `at` of its length."""
    start, along = stretches[0, 0], stretches[-1, 1] - stretches[0, 0]
    stops = (stretches[:-1, 1] - start) @ along / (along @ along)
    return int(np.searchsorted(stops, at))
