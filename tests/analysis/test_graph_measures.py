"""Measures of graphs: closed forms of known graphs, and NetworkX asked directly."""

from typing import Any

import networkx as nx
import numpy as np
import pytest

import jaxnn
from helpers import small_network


measures_of = jaxnn.analysis.graph_measures


def test_complete_graphs():
    n = 7
    found = measures_of(jaxnn.Network.from_graph(nx.complete_graph(n)))
    assert (found.degree == n - 1).all()
    np.testing.assert_allclose(found.clustering, 1)
    assert found.path_length == 1
    np.testing.assert_allclose(found.betweenness, 2 / (n * (n - 1)))
    np.testing.assert_allclose(found.communicability, (np.exp(n - 1) - np.exp(-1)) / n)
    assert found.modularity == pytest.approx(0)


@pytest.mark.parametrize("n", [6, 20])
def test_rings(n):
    found = measures_of(jaxnn.Network.from_graph(nx.cycle_graph(n)))
    assert found.path_length == pytest.approx(n**2 / 4 / (n - 1))
    assert found.small_worldness == 0
    np.testing.assert_allclose(found.betweenness, n / 4 / (n - 1))


def test_a_row():
    """Over its k-th junction run all paths from k wires to n - k."""
    n, k = 9, np.arange(1, 9)
    found = measures_of(jaxnn.Network.from_graph(nx.path_graph(n)))
    np.testing.assert_allclose(found.betweenness, k * (n - k) / (n * (n - 1) / 2))


def test_two_cliques():
    """Two of five, joined by one junction: its modularity is that of its two halves."""
    graph = nx.barbell_graph(5, 0)
    found = measures_of(jaxnn.Network.from_graph(graph))
    assert set(found.community[:5]) != set(found.community[5:])
    edges = 21
    assert found.modularity == pytest.approx(2 * (10 / edges - (21 / (2 * edges)) ** 2))
    bridge = [*graph.edges].index((4, 5))
    assert found.betweenness[bridge] == found.betweenness.max() == pytest.approx(25 / 45)


def test_a_small_world():
    lattice, rewired = (
        measures_of(jaxnn.random_graph_network(200, degree=8, rewiring=p, seed=1)) for p in (0, 0.1)
    )
    uniform = measures_of(jaxnn.random_graph_network(200, "uniform", degree=8, seed=1))
    assert lattice.clustering == pytest.approx(9 / 14)
    assert rewired.small_worldness > 2 * lattice.small_worldness
    assert uniform.small_worldness == pytest.approx(1, abs=0.4)


def test_against_networkx():
    network, _, _ = small_network(3, 40)
    conductance = np.random.default_rng(0).uniform(1e-7, 1e-4, network.n_junctions)
    found, graph = measures_of(network, conductance), network.to_graph()
    for k, (a, b) in enumerate(network.edges.tolist()):
        graph[a][b]["length"] = 1 / conductance[k]
        graph[a][b]["conductance"] = conductance[k]
    edge: Any = nx.edge_betweenness_centrality(graph, weight="length")
    expected = [edge.get((a, b), edge.get((b, a))) for a, b in network.edges.tolist()]
    np.testing.assert_allclose(found.betweenness, expected)
    assert found.path_length == pytest.approx(nx.average_shortest_path_length(graph))
    assert found.clustering.mean() == pytest.approx(nx.average_clustering(graph))
    groups = [set(np.flatnonzero(found.community == k).tolist()) for k in range(found.community.max() + 1)]
    assert found.modularity == pytest.approx(nx.community.modularity(graph, groups, weight="conductance"))
    plain = measures_of(network)
    walks = nx.communicability_exp(network.to_graph())
    np.testing.assert_allclose(plain.communicability, [walks[a][b] for a, b in network.edges.tolist()])
    # Row sums of one: the weighted one is of a symmetric matrix whose largest eigenvalue is 1.
    assert found.communicability.max() < np.e


def test_parallel_and_open_junctions():
    """Two in parallel are as one of the sum; what is open carries no path."""
    three = jaxnn.Network(3, [(0, 1), (1, 2), (1, 0), (0, 2)])
    single = jaxnn.Network(3, [(0, 1), (1, 2), (0, 2)])
    both, one = measures_of(three, [1e-5, 2e-5, 2e-5, 0.0]), measures_of(single, [3e-5, 2e-5, 0.0])
    np.testing.assert_allclose(both.betweenness, one.betweenness[[0, 1, 0, 2]])
    np.testing.assert_allclose(both.communicability, one.communicability[[0, 1, 0, 2]])
    assert one.betweenness[2] == 0
    assert both.degree.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("network", "conductance", "message"),
    [
        (jaxnn.Network(4, [(0, 1), (2, 3)]), None, "connected network"),
        (jaxnn.Network(2, [(0, 1)]), [1.0, 2.0], r"shape \(1,\)"),
        (jaxnn.Network(2, [(0, 1)]), [-1.0], "at least 0"),
    ],
)
def test_refusals(network, conductance, message):
    with pytest.raises(ValueError, match=message):
        measures_of(network, conductance)
