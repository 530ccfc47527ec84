"""Ensembles: many networks as one graph, and the way back."""

# The geometry that these networks have may be None in others.
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false
# pyright: reportOptionalOperand=false, reportArgumentType=false, reportCallIssue=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn


def pair():
    return jaxnn.Network(2, [(1, 0)])


def triangle():
    return jaxnn.Network(3, [(0, 1), (1, 2), (2, 0)])


def padded():
    positions = [(0, 0), (0, 1), (0, 2)]
    return jaxnn.Network(3, [(0, 1), (2, 1)], positions).with_pads(0.1, 0.3)


def test_union_by_hand():
    ensemble = jaxnn.Ensemble([pair(), padded(), triangle()])
    network = ensemble.network
    assert ensemble.n_networks == 3
    assert ensemble.node_offsets == (0, 2, 7, 10)
    assert ensemble.junction_offsets == (0, 1, 5, 8)
    second = [[2, 3], [4, 3], [4, 5], [2, 6]]
    assert network.edges.tolist() == [[1, 0], *second, [7, 8], [8, 9], [9, 7]]
    assert network.passive.tolist() == [False] * 3 + [True] * 2 + [False] * 3
    assert network.passive_conductance.tolist() == [0.3, 0.3]
    assert network.components().tolist() == [0] * 2 + [1] * 5 + [2] * 3
    assert network.positions is None
    assert ensemble.node_slice(1) == slice(2, 7)
    assert ensemble.node_slice(-1) == slice(7, 10)
    assert ensemble.junction_slice(2) == slice(5, 8)
    with pytest.raises(IndexError):
        ensemble.node_slice(3)


def test_geometry_is_kept_if_all_have_it():
    networks = [jaxnn.nanowire_network(n, 30e-6, seed=n).with_pads(0.2) for n in (120, 150)]
    ensemble = jaxnn.Ensemble(networks)
    for i, network in enumerate(networks):
        nodes, junctions = ensemble.node_slice(i), ensemble.junction_slice(i)
        np.testing.assert_array_equal(ensemble.network.positions[nodes], network.positions)
        np.testing.assert_array_equal(ensemble.network.wire_ends[nodes], network.wire_ends)
        edges = ensemble.network.edges[junctions] - ensemble.node_offsets[i]
        np.testing.assert_array_equal(edges, network.edges)


def test_a_part_is_the_network_it_was():
    wires = jaxnn.nanowire_network(20, box=10e-6, seed=0)
    networks = [wires.with_pads(0.2), wires, jaxnn.nanowire_network(30, box=15e-6, seed=1)]
    ensemble = jaxnn.Ensemble(networks)
    for i, network in enumerate(networks):
        # An ensemble has no box of its own.
        expected = jaxnn.Network(
            network.n_nodes,
            network.edges,
            network.positions,
            wire_ends=network.wire_ends,
            pads=network.pads,
            passive=network.passive,
            passive_conductance=network.passive_conductance,
        )
        assert ensemble.part(i).topology == expected.topology
        np.testing.assert_array_equal(ensemble.part(i).passive_conductance, network.passive_conductance)
    assert ensemble.part(-1).n_nodes == networks[-1].n_nodes
    with pytest.raises(IndexError):
        ensemble.part(3)


def test_per_junction():
    ensemble = jaxnn.Ensemble([pair(), triangle()])
    values = jnp.array([2.0, 5.0])
    assert ensemble.per_junction(values).tolist() == [2, 5, 5, 5]
    assert ensemble.per_junction(jnp.stack([values, -values])).shape == (2, 4)
    weights = jnp.arange(4.0)
    gradient = jax.grad(lambda v: weights @ ensemble.per_junction(v))(values)
    assert gradient.tolist() == [0, 6]
    assert jax.vmap(ensemble.per_junction)(jnp.ones((3, 2))).shape == (3, 4)
    for bad in (jnp.ones(3), jnp.ones(()), jnp.ones((2, 1))):
        with pytest.raises(ValueError, match="last axis of 2, one for each network, got shape"):
            ensemble.per_junction(bad)


def test_split():
    ensemble = jaxnn.Ensemble([pair(), triangle()])
    nodes = ensemble.split_nodes(jnp.arange(10.0).reshape(2, 5))
    assert [part.tolist() for part in nodes] == [[[0, 1], [5, 6]], [[2, 3, 4], [7, 8, 9]]]
    junctions = ensemble.split_junctions(np.arange(4))
    assert [part.tolist() for part in junctions] == [[0], [1, 2, 3]]
    with pytest.raises(ValueError, match=r"count the 5 nodes of the ensemble, got shape \(4,\)"):
        ensemble.split_nodes(jnp.zeros(4))
    with pytest.raises(ValueError, match="count the 4 junctions"):
        ensemble.split_junctions(jnp.zeros(()))


def test_check_terminals():
    ensemble = jaxnn.Ensemble([pair(), padded(), triangle()])
    checked = ensemble.check_terminals([(1, 0), (3, 4), np.array([2, 0])])
    assert checked.tolist() == [[1, 0], [5, 6], [9, 7]]
    assert ensemble.check_terminals(np.array([(1, 0), (3, 4), (2, 0)])).shape == (3, 2)


@pytest.mark.parametrize(
    ("terminals", "message"),
    [
        ([(0, 1)], "for each of the 2 networks, as a sequence of tuples, got 1"),
        ([(0, 1), (0,)], r"`networks\[1\]`: terminals must be at least two"),
        ([0, 1], r"`networks\[0\]`: terminals must be at least two"),
        ([(0, 1), (0, 5)], r"`networks\[1\]`: .* 0\.\.4, got \[0, 5\]; wire 5"),
        ([(0, 1), (1, 1)], r"`networks\[1\]`: terminals must be distinct"),
        ([(0, 1), (0, 3)], r"one of 3 wires and wire 3 in another.*networks\[1\].components"),
        ([(0, 1), (0, 1)], r"2 of 5 are not \(wires 3, 4\).*networks\[1\].component_of"),
    ],
)
def test_bad_terminals(terminals, message):
    ensemble = jaxnn.Ensemble([pair(), jaxnn.Network(5, [(0, 1), (1, 2), (4, 3)])])
    with pytest.raises(ValueError, match=message):
        ensemble.check_terminals(terminals)


def test_equal_numbers_of_terminals():
    with pytest.raises(ValueError, match=r"networks\[0\] has 2 and networks\[1\] has 3.*two ensem"):
        jaxnn.Ensemble([pair(), triangle()]).check_terminals([(0, 1), (0, 1, 2)])


def test_empty_ensemble():
    with pytest.raises(ValueError, match="at least one network, got none"):
        jaxnn.Ensemble([])


def test_ensemble_as_an_argument():
    traces = []

    @jax.jit
    def total(ensemble, values):
        traces.append(ensemble.n_networks)
        spread = ensemble.per_junction(values)
        return jnp.sum(spread) + jnp.sum(ensemble.network.passive_conductance)

    build = lambda: jaxnn.Ensemble([padded(), triangle()])
    values = jnp.array([1.0, 10.0])
    assert total(build(), values) == pytest.approx(4 + 30 + 0.6)
    assert total(build(), 2 * values) == pytest.approx(8 + 60 + 0.6)
    assert traces == [2]
    assert jax.grad(total)(build(), values).network.passive_conductance.tolist() == [1, 1]
    # The dtype of the rest decides: plain numbers have none, and follow those of another network.
    assert isinstance(build().network.passive_conductance, np.ndarray)
    single = jaxnn.Network(2, [(0, 1)], passive=[True], passive_conductance=jnp.ones(1, jnp.float32))
    assert jaxnn.Ensemble([padded(), single]).network.passive_conductance.dtype == jnp.float32
