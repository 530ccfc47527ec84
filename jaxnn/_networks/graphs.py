"""Networks as graphs of NetworkX, and back."""

# NetworkX is imported inside the functions: `import jaxnn` is faster without it.
from typing import TYPE_CHECKING, Any

import numpy as np

from .topology import Topology, pair_keys


if TYPE_CHECKING:
    from networkx import Graph
else:
    Graph = Any


def graph_entries(graph: Graph) -> tuple[int, list[tuple[int, int]], list | None]:
    """The number of nodes, the edges and the positions of a graph, numbered in the order of iteration.

    **Raises:** `ValueError` as `jaxnn.Network.from_graph` says.
    """
    number = {node: k for k, node in enumerate(graph.nodes)}
    ways = graph.edges() if graph.is_directed() else ()
    both = next(((a, b) for a, b in ways if a != b and graph.has_edge(b, a)), None)
    if both is not None:
        raise ValueError(
            "A junction has no direction, but this directed graph has edges both ways between "
            f"{both[0]!r} and {both[1]!r}. If they are one junction, use `graph.to_undirected()`; "
            "if two in parallel, `networkx.MultiGraph(list(graph.edges()))`."
        )
    edges = [(number[a], number[b]) for a, b in graph.edges()]
    pos = {node: graph.nodes[node]["pos"] for node in number if "pos" in graph.nodes[node]}
    if 0 < len(pos) < len(number):
        first = next(node for node in number if node not in pos)
        raise ValueError(
            f"Either all nodes or none must have a position, but {len(number) - len(pos)} of "
            f"{len(number)} lack the attribute `pos`, the first being {first!r}."
        )
    return len(number), edges, list(pos.values()) if pos else None


def graph_of(topology: Topology) -> Graph:
    """The graph that `jaxnn.Network.to_graph` describes."""
    import networkx as nx

    keys = pair_keys(topology.n_nodes, topology.edges)
    graph = nx.Graph() if len(np.unique(keys)) == len(keys) else nx.MultiGraph()
    graph.add_nodes_from(range(topology.n_nodes))
    if topology.positions is not None:
        nx.set_node_attributes(graph, dict(enumerate(map(tuple, topology.positions.tolist()))), "pos")
    pairs = zip(topology.edges.tolist(), topology.passive.tolist(), strict=True)
    for k, ((a, b), passive) in enumerate(pairs):
        graph.add_edge(a, b, junction=k, passive=passive)
    return graph
