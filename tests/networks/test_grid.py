"""Square grids with diagonals, against the published construction on NetworkX, and by what must hold."""

import random

import networkx as nx
import numpy as np
import pytest

import jaxnn


def published_grid(n, seed):
    """Edge by edge: a grid graph, a diagonal in each cell, nodes numbered in the order of the graph."""
    graph = nx.grid_graph(dim=[n, n])
    random.seed(seed)
    for x in range(n - 1):
        for y in range(n - 1):
            if random.randint(0, 1) == 0:
                graph.add_edge((x, y), (x + 1, y + 1))
            else:
                graph.add_edge((x + 1, y), (x, y + 1))
    return nx.convert_node_labels_to_integers(graph, ordering="default")


@pytest.mark.parametrize(("n", "seed"), [(2, 0), (5, 1), (21, 2), (29, 2)])
def test_against_the_published_construction(n, seed):
    network = jaxnn.grid_network(n, n, seed=seed)
    wanted = sorted(tuple(sorted(edge)) for edge in published_grid(n, seed).edges)
    assert network.edges.tolist() == [list(edge) for edge in wanted]


def test_rows_columns_and_places():
    plain = jaxnn.grid_network(3, 5, diagonals=False, spacing=2.0e-6)
    assert plain.n_junctions == 3 * 4 + 2 * 5
    places = np.asarray(plain.positions)
    np.testing.assert_allclose(places[1 * 5 + 3], [6e-6, 2e-6])
    a, b = plain.edges.T
    np.testing.assert_allclose(np.linalg.norm(places[a] - places[b], axis=1), 2e-6)
    full = jaxnn.grid_network(3, 5, seed=7, spacing=2.0e-6)
    joined = {tuple(edge) for edge in full.edges.tolist()}
    assert joined > {tuple(edge) for edge in plain.edges.tolist()}
    for i in range(2):
        for j in range(4):
            falling = (5 * i + j, 5 * i + j + 6) in joined
            rising = (5 * i + j + 1, 5 * i + j + 5) in joined
            assert falling != rising
    other = jaxnn.grid_network(3, 5, seed=8).edges.tolist()
    assert other != full.edges.tolist()
    line = jaxnn.grid_network(1, 4)
    assert line.edges.tolist() == [[0, 1], [1, 2], [2, 3]]


def test_bad_input():
    with pytest.raises(ValueError, match="at least 2 nodes"):
        jaxnn.grid_network(1, 1)
    with pytest.raises(ValueError, match="spacing"):
        jaxnn.grid_network(2, 2, spacing=0.0)
    with pytest.raises(ValueError, match="rows"):
        jaxnn.grid_network(0, 2)
    with pytest.raises(ValueError, match="half"):
        jaxnn.grid_network(10**6, 10**6)
