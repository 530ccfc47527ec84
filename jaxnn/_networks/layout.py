"""Where to draw nodes that have no place."""

import numpy as np
from jaxtyping import Float

from .network import Network


def spring_layout(network: Network) -> Float[np.ndarray, "nodes 2"]:
    """Places of nodes that have none, of a spring layout with a fixed seed."""
    import networkx as nx

    graph = nx.empty_graph(network.n_nodes)
    graph.add_edges_from(network.edges.tolist())
    places = nx.spring_layout(graph, seed=0)
    return np.array([places[node] for node in range(network.n_nodes)]).reshape(-1, 2)
