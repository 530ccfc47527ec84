"""Stacked wires, lattices and random graphs, against what is known of each."""

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.optimize

import jaxnn

# The geometry that these networks have may be None in others.
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false
from jaxnn._networks.stacked import _at_rest


WIRES: dict[str, Any] = {"n_wires": 150, "box": 25e-6, "seed": 3}


def degrees(network):
    return np.bincount(network.edges.ravel(), minlength=network.n_nodes)


@pytest.mark.parametrize("seed", range(20))
def test_a_stick_at_rest(seed):
    """The least height of its middle, by linear programming."""
    random = np.random.default_rng(seed)
    length, n = 10.0, int(random.integers(0, 8))
    places, tops = random.uniform(-length / 2, length / 2, n), random.uniform(0, 1, n)
    middle, slope = _at_rest(places, tops, length)
    s, z = np.append(places, [-5, 5]), np.append(tops, [0, 0])
    program: Any = scipy.optimize.linprog(
        [1, 0], -np.stack([np.ones_like(s), s], axis=1), -z, bounds=[(None, None)] * 2
    )
    assert middle == pytest.approx(program.fun, abs=1e-9)
    assert (middle + slope * s - z).min() > -1e-9


def test_a_stick_on_one_point():
    """Right under its middle: it may rock, and clears the others."""
    middle, slope = _at_rest(np.array([0.0, 2.0]), np.array([1.0, 1.4]), 10.0)
    assert middle == 1.0
    assert 1.0 + 2 * slope >= 1.4


def test_between_stiff_and_planar():
    planar = jaxnn.nanowire_network(**WIRES)
    soft = jaxnn.stacked_network(**WIRES, bend=math.inf)
    assert soft.topology == planar.topology
    counts = [jaxnn.stacked_network(**WIRES, bend=b).n_junctions for b in (0, 2e-8, 1e-7, 1e-6, 1e-4)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] == planar.n_junctions
    stiff = jaxnn.stacked_network(**WIRES)
    # Two supports of the later wire of a junction, which has the higher number; more if they are level.
    assert (np.bincount(stiff.edges[:, 1]) <= 2).mean() > 0.95
    assert {*map(tuple, stiff.wires[stiff.edges])} <= {*map(tuple, planar.wires[planar.edges])}
    # Heights scale with the diameter, so that without any bending it changes nothing.
    assert jaxnn.stacked_network(**WIRES, diameter=2e-8).topology == stiff.topology


LATTICES = {
    "square": ((4, 5), nx.grid_graph([5, 4]), 4),
    "triangular": ((5, 4), None, 6),
    "hexagonal": ((3, 4), nx.hexagonal_lattice_graph(3, 4), 3),
    "cubic": ((3, 4, 5), nx.grid_graph([5, 4, 3]), 6),
}


@pytest.mark.parametrize("kind", LATTICES)
def test_lattices(kind):
    shape, graph, inside = LATTICES[kind]
    network = jaxnn.lattice_network(shape, kind, spacing=2e-6)
    assert degrees(network).max() == inside
    assert network.edges.tolist() == sorted(network.edges.tolist())
    if graph is not None:
        assert nx.is_isomorphic(network.to_graph(), graph)
    if kind != "cubic":
        a, b = network.positions[network.edges.T]
        np.testing.assert_allclose(np.linalg.norm(a - b, axis=1), 2e-6)
        # All pairs at that distance are junctions.
        apart = np.linalg.norm(network.positions[:, None] - network.positions, axis=-1)
        assert np.sum(np.abs(apart - 2e-6) < 1e-9) == 2 * network.n_junctions


def test_a_conducting_lattice():
    """Half an ohm between neighbours in the middle of a large square lattice of 1 ohm, nearly."""
    network = jaxnn.lattice_network((31, 31))
    middle = 15 * 31 + 15
    run = jaxnn.simulate(
        network, jaxnn.Resistor(1e-3), jaxnn.Constant(0.1), terminals=(middle, middle + 1), dt=1.0, steps=1
    )
    assert float(1e-3 / run.conductance[0]) == pytest.approx(0.5, abs=2e-3)


def test_a_small_world():
    ring = jaxnn.random_graph_network(60, degree=6, rewiring=0)
    assert (degrees(ring) == 6).all()
    assert nx.average_clustering(ring.to_graph()) == pytest.approx(0.6)
    rewired = jaxnn.random_graph_network(60, degree=6, rewiring=0.2, seed=4)
    assert rewired.n_junctions == 180
    assert nx.average_shortest_path_length(rewired.to_graph()) < 0.6 * nx.average_shortest_path_length(
        ring.to_graph()
    )


def test_uniform_and_geometric_degrees():
    uniform = jaxnn.random_graph_network(2000, "uniform", degree=8, seed=1)
    assert degrees(uniform).mean() == pytest.approx(8, rel=0.05)
    assert degrees(uniform).var() == pytest.approx(8, rel=0.15)  # Poisson's
    geometric = jaxnn.random_graph_network(2000, "geometric", degree=12, box=(2e-5, 1e-5), seed=1)
    x, y = geometric.positions.T
    inside = (abs(x - 1e-5) < 8e-6) & (abs(y - 5e-6) < 4e-6)
    assert degrees(geometric)[inside].mean() == pytest.approx(12, rel=0.06)
    again = jaxnn.random_graph_network(2000, "geometric", degree=12, box=(2e-5, 1e-5), seed=1)
    assert again.topology == geometric.topology


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jaxnn.lattice_network((2, 3, 4)), "square lattice must be 2 whole numbers"),
        (lambda: jaxnn.lattice_network((1, 1)), "two nodes or more"),
        (lambda: jaxnn.lattice_network((2, 3), "cubic"), "cubic lattice must be 3"),
        (lambda: jaxnn.lattice_network((10**6, 10**6)), "make it smaller"),
        (lambda: jaxnn.random_graph_network(10, degree=3), "must be even"),
        (lambda: jaxnn.random_graph_network(5, degree=6), "at most 4"),
        (lambda: jaxnn.random_graph_network(5, "uniform", degree=1e-9), "no junction"),
        (lambda: jaxnn.stacked_network(20, box=20e-6, diameter=0), "diameter must be greater than 0"),
        (lambda: jaxnn.stacked_network(20, box=20e-6, bend=-1), "bend must be at least 0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
