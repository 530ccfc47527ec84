"""Where to draw the junctions of a network, and nodes that have no place."""

import numpy as np
from jaxtyping import Float, Int

from .geometry import crossing_fractions
from .network import Network


def crossings(
    ends: Float[np.ndarray, "nodes 2 2"], edges: Int[np.ndarray, "junctions 2"]
) -> tuple[Float[np.ndarray, "junctions 2"], Float[np.ndarray, "junctions 2"]]:
    """Where the two wires of each edge cross, and how far along each, 0 to 1; NaN of parallel wires."""
    first, second = ends[edges[:, 0]], ends[edges[:, 1]]
    along = np.stack(crossing_fractions(first, second), 1)
    along = np.clip(np.where(np.isfinite(along), along, np.nan), 0, 1)
    return first[:, 0] + along[:, :1] * (first[:, 1] - first[:, 0]), along


def spring_layout(network: Network) -> Float[np.ndarray, "nodes 2"]:
    """Places of nodes that have none, of a spring layout with a fixed seed."""
    import networkx as nx

    graph = nx.empty_graph(network.n_nodes)
    graph.add_edges_from(network.edges.tolist())
    places = nx.spring_layout(graph, seed=0)
    return np.array([places[node] for node in range(network.n_nodes)]).reshape(-1, 2)
