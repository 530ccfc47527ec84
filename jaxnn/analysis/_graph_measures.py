"""What graph theory measures of a network, by NetworkX."""

import dataclasses as dc
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from jaxtyping import Float64, Int64

from .._core import Count, Declared, Numbers, arguments, check_network, unit
from .._networks import Network


# NetworkX is imported inside the functions: `import jaxnn` is faster without it.
if TYPE_CHECKING:
    from networkx import Graph
else:
    Graph = Any


@dc.dataclass(frozen=True)
class GraphMeasures:
    """The measures of a network as a graph that `jaxnn.analysis.graph_measures` finds.

    Wires that several junctions join are neighbours once; of such junctions each has what their pair has.

    ```python
    jaxnn.analysis.graph_measures(jaxnn.lattice_network((2, 2))).degree.tolist()  # [2, 2, 2, 2]
    ```
    """

    degree: Int64[np.ndarray, " nodes"]
    """How many other wires each wire has a junction with."""
    clustering: Float64[np.ndarray, " nodes"]
    """Share of a wire's pairs of neighbours that are neighbours themselves [1]; 0 of fewer than two."""
    path_length: float
    """Mean number of junctions on the shortest path, over all pairs of wires."""
    small_worldness: float
    """Clustering over path length, each relative to a random graph of as many wires and junctions [1]."""
    community: Int64[np.ndarray, " nodes"]
    """The community that each wire is put in, the largest being 0."""
    modularity: float
    """How much more junctions lie within communities than by chance [1]."""
    betweenness: Float64[np.ndarray, " edges"]
    """Share of the shortest paths between all pairs of wires that run over each junction [1]."""
    communicability: Float64[np.ndarray, " edges"]
    """Walks of all lengths between the two wires of each junction, longer ones counting less [1]."""


@arguments.checked(
    conductance=arguments.real(ndim=1, known=True, low=0),
    seed=arguments.count(0),
)
def graph_measures(
    network: Declared[Network],
    conductance: Annotated[Numbers | None, unit("S")] = None,
    *,
    seed: Count = 0,
) -> GraphMeasures:
    r"""Computes measures of a connected network as a graph, of junctions by conductance if it is given.

    Degrees, clustering and path lengths are those of the wires, whatever conducts. With $C$ and $L$ the
    means of clustering and path length, and of $n$ wires of mean degree $k$, small-worldness is (Humphries
    and Gurney, PLoS ONE 3, e2051, 2008; the random path length of Fronczak et al., Phys. Rev. E 70,
    056110, 2004)

    $$S = \frac{C / C_r}{L / L_r}, \qquad C_r = \frac{k}{n - 1}, \qquad
      L_r = \frac{\ln n - 0.5772}{\ln k} + \frac12$$

    Communities are those of the method of Louvain. With `conductance`, junctions of a wire weigh by it in
    the communities, a junction is as long as its resistance in `betweenness`, and `communicability` is
    $\exp(D^{-1/2} W D^{-1/2})$ of the conductances $W$ with the sums $D$ (Crofts and Higham, J. R. Soc.
    Interface 6, 411, 2009); without, $\exp A$ of the adjacency. It takes seconds for 1000 wires.

    **Arguments:**

    - `network`: one network, connected.
    - `conductance`: of each junction [S], as a step of `solution.junction_conductance`; 0 is open.
    - `seed`: of the order in which Louvain's method looks at the wires.

    **Raises:** `ValueError` for a network of several parts or a single wire, and another number of
    conductances.

    ```python
    measures = jaxnn.analysis.graph_measures(network, solution.junction_conductance[-1])
    measures.betweenness.shape == (network.n_junctions,)  # True
    ```
    """
    import networkx as nx

    check_network(network, Network)
    graph, pair = _graph(network, conductance)
    n = network.n_nodes
    of_wire: Any = nx.clustering(graph)
    clustering = np.array([of_wire[k] for k in range(n)], float)
    path_length = float(nx.average_shortest_path_length(graph))
    weight = None if conductance is None else "conductance"
    groups = sorted(nx.community.louvain_communities(graph, weight, seed=int(seed)), key=len, reverse=True)
    community = np.zeros(n, np.int64)
    for number, group in enumerate(groups):
        community[list(group)] = number
    between, walks = _of_pairs(graph, conductance is not None)
    degree = np.array([graph.degree[k] for k in range(n)], np.int64)
    return GraphMeasures(
        degree,
        clustering,
        path_length,
        _small_worldness(n, float(degree.mean()), float(clustering.mean()), path_length),
        community,
        float(nx.community.modularity(graph, groups, weight=weight)),
        between[pair],
        walks[pair],
    )


def _graph(network: Network, conductance: Numbers | None) -> tuple[Graph, np.ndarray]:
    """The graph, junctions in parallel as one edge, and the number of the edge of each junction."""
    import networkx as nx

    values = np.ones(network.n_junctions) if conductance is None else np.asarray(conductance, float)
    if values.shape != (network.n_junctions,):
        raise ValueError(
            f"conductance must have shape ({network.n_junctions},), one for each junction, got "
            f"{values.shape}: take one step, as solution.junction_conductance[-1]."
        )
    ends, pair = np.unique(np.sort(network.edges, axis=1), axis=0, return_inverse=True)
    sums = np.bincount(pair.ravel(), values, len(ends))
    graph = nx.Graph()
    graph.add_nodes_from(range(network.n_nodes))
    graph.add_weighted_edges_from(zip(*ends.T.tolist(), sums.tolist(), strict=True), weight="conductance")
    if network.n_nodes < 2 or not nx.is_connected(graph):
        raise ValueError(
            "graph_measures is of a connected network of two wires or more, for paths between all of them: "
            "take network.largest_component(), and of the conductances those of its junctions."
        )
    return graph, pair.ravel()


def _small_worldness(n: int, degree: float, clustering: float, path_length: float) -> float:
    """NaN where a random graph has no path length: of degrees up to 1."""
    if degree <= 1:
        return float("nan")
    random = (np.log(n) - np.euler_gamma) / np.log(degree) + 0.5
    return float(clustering / (degree / (n - 1)) / (path_length / random))


def _of_pairs(graph: Graph, weighted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Betweenness and communicability of each edge, in the order of the graph."""
    import networkx as nx
    import scipy.linalg

    edges = list(graph.edges)
    a, b = np.array(edges).T
    if not weighted:
        between = nx.edge_betweenness_centrality(graph)
        matrix = (nx.to_numpy_array(graph) != 0).astype(float)
        return np.array([between[edge] for edge in edges]), scipy.linalg.expm(matrix)[a, b]
    closed = nx.Graph()
    closed.add_nodes_from(graph)
    closed.add_edges_from((x, y, {"length": 1 / g}) for x, y, g in graph.edges(data="conductance") if g > 0)
    between = nx.edge_betweenness_centrality(closed, weight="length")
    matrix = nx.to_numpy_array(graph, weight="conductance")
    root = np.sqrt(matrix.sum(axis=1))
    # A wire whose junctions are all open has nothing to be divided by.
    scale = np.where(root > 0, 1 / np.where(root > 0, root, 1), 0)
    walks = scipy.linalg.expm(scale[:, None] * matrix * scale)
    return np.array([between.get((x, y), between.get((y, x), 0.0)) for x, y in edges]), walks[a, b]
