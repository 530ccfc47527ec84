"""Which nodes current can reach, and whether a choice of terminals makes sense."""

import operator
from typing import SupportsIndex

import numpy as np
from jaxtyping import Int

from .._core import arguments
from .topology import ArrayInput, Topology


def component_labels(topology: Topology) -> Int[np.ndarray, " nodes"]:
    """The component of each node, components being numbered by their lowest node."""
    return labels_of(topology.n_nodes, topology.edges)


def labels_of(n_nodes: int, edges: np.ndarray) -> Int[np.ndarray, " nodes"]:
    """The component of each node of a graph given by its edges."""
    from scipy.sparse import coo_array, csgraph

    links = coo_array((np.ones(len(edges), np.int32), (edges[:, 0], edges[:, 1])), (n_nodes, n_nodes))
    _, labels = csgraph.connected_components(links, directed=False)
    return labels


def checked_node(n_nodes: int, node: SupportsIndex) -> int:
    """`node` as an int, or a `ValueError` if the network has no such node."""
    number = operator.index(node)
    if not 0 <= number < n_nodes:
        raise ValueError(f"A node must be one of 0..{n_nodes - 1}, got {number}.")
    return number


def nodes_together(wires: ArrayInput, labels: Int[np.ndarray, " nodes"]) -> Int[np.ndarray, " wires"]:
    """Numbers of wires as an array, or a `ValueError` unless they exist and lie in one component."""
    numbers = np.atleast_1d(np.asarray(wires))
    if numbers.dtype == bool:
        arguments.refuse("wires", "numbers of wires", numbers)
    if not numbers.size:
        raise ValueError("`component_of` needs at least one wire, got none.")
    numbers = np.array([checked_node(len(labels), wire) for wire in numbers.ravel()])
    away = numbers[labels[numbers] != labels[numbers[0]]]
    if away.size:
        raise ValueError(
            f"The wires {numbers.tolist()} lie in several components: wire {numbers[0]} is not "
            f"connected to wire {away[0]}. Ask for the component of each; `network.components()` has "
            "that of every wire."
        )
    return numbers


def require_connected(labels: Int[np.ndarray, " nodes"]) -> None:
    """Raise a `ValueError` unless all nodes lie in one component."""
    sizes = np.bincount(labels)
    if len(sizes) > 1:
        raise ValueError(
            "Terminals can be chosen in a connected network only, but this one has "
            f"{len(sizes)} components, the largest of {sizes.max()} wires of {len(labels)}. Choose the "
            "part that you mean: `network.largest_component()`, or `network.component_of(wires)` for "
            "that of some wires."
        )


def checked_terminals(
    terminals: ArrayInput, labels: Int[np.ndarray, " nodes"], name: str = "network"
) -> Int[np.ndarray, " terminals"]:
    """`terminals` as an integer array, if every node has a defined potential with them.

    `labels` are the components of the network's nodes and `name` is how its user calls it.

    **Raises:** `ValueError` unless there are at least two terminals, all distinct, in range, in
    one component, and no node lies outside that component.
    """
    arguments.real(known=True, finite=False)(f"`{name}`: terminals", terminals)
    array = np.asarray(terminals)
    if array.ndim != 1 or len(array) < 2 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"`{name}`: terminals must be at least two integer node numbers, source first, got "
            f"{terminals!r}."
        )
    bad = array[(array < 0) | (array >= len(labels))]
    if bad.size:
        raise ValueError(
            f"`{name}`: terminals must be node numbers 0..{len(labels) - 1}, got "
            f"{array.tolist()}; wire {bad[0]} does not exist."
        )
    values, counts = np.unique(array, return_counts=True)
    if len(values) < len(array):
        raise ValueError(
            f"`{name}`: terminals must be distinct, got {array.tolist()}; wire "
            f"{values[counts > 1][0]} occurs more than once. Choose another wire."
        )
    _check_reached(array, labels, name)
    return array.astype(np.int64)


def _check_reached(terminals: np.ndarray, labels: np.ndarray, name: str) -> None:
    sizes = np.bincount(labels)
    home = labels[terminals[0]]
    away = terminals[labels[terminals] != home]
    if away.size:
        raise ValueError(
            f"`{name}`: terminals must lie in one component, but wire {terminals[0]} is in one of "
            f"{sizes[home]} wires and wire {away[0]} in another of {sizes[labels[away[0]]]}: no "
            f"current can flow between them. Choose all terminals in one component: "
            f"`{name}.components()` has that of every wire."
        )
    unreached = np.flatnonzero(labels != home)
    if unreached.size:
        shown = ", ".join(map(str, unreached[:5])) + (", ..." if len(unreached) > 5 else "")
        raise ValueError(
            f"`{name}`: every wire must be reached from the terminals {terminals.tolist()}, but "
            f"{len(unreached)} of {len(labels)} are not (wires {shown}): their potential is "
            f"undefined. Use the part that holds them, `part = {name}.component_of("
            f"{terminals.tolist()})`, with the terminals `part.renumbered({terminals.tolist()})`."
        )
