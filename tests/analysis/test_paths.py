"""Paths of least resistance and activation times, on cases done by hand."""

import numpy as np
import pytest

import jaxnn
from jaxnn import analysis


SQUARE = jaxnn.Network(4, [(0, 1), (1, 3), (0, 2), (3, 2), (1, 2)])


def test_the_path_follows_the_conductances():
    path = lambda g: analysis.least_resistance_path(SQUARE, g, (0, 3)).tolist()
    assert path([1, 1, 0.1, 0.1, 0.1]) == [0, 1]
    assert path([0.1, 0.1, 1, 1, 0.1]) == [2, 3]
    # 0 - 1 - 2 - 3, resistance 3, against 1 + 10 both straight ways.
    assert path([1, 0.1, 0.1, 1, 1]) == [0, 4, 3]


def test_with_equal_conductances_it_is_a_shortest_path():
    network = jaxnn.nanowire_network(40, box=20e-6, seed=4)
    pair = jaxnn.farthest_pair(network)
    path = analysis.least_resistance_path(network, np.ones(network.n_junctions), pair)
    assert len(path) == network.path_length(*pair)
    # Every wire on the way is entered once and left once.
    visits = np.bincount(network.edges[path].ravel(), minlength=network.n_nodes)
    assert visits[list(pair)].tolist() == [1, 1]
    assert set(visits) <= {0, 1, 2}


def test_activation_times():
    values = np.array([[0, 3], [2, 3], [1, 3], [4, 3]])
    times = analysis.activation_times([0.1, 0.2, 0.3, 0.4], values, 1.5)
    assert times.tolist() == [0.2, 0.1]
    assert np.isnan(analysis.activation_times([0.1, 0.2, 0.3, 0.4], values, 5)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.least_resistance_path(SQUARE, np.ones(4), (0, 3)), "one per junction"),
        (lambda: analysis.least_resistance_path(SQUARE, np.zeros(5), (0, 3)), "positive"),
        (
            lambda: analysis.least_resistance_path(jaxnn.Network(4, [(0, 1), (2, 3)]), np.ones(2), (0, 3)),
            "no path",
        ),
        (lambda: analysis.activation_times([1, 2], np.ones((3, 2)), 1), "time first"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
