"""Random networks and terminals, against slow and simple versions of the published rules."""

# The geometry that these networks have may be None in others.
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false
# pyright: reportOptionalOperand=false, reportArgumentType=false, reportCallIssue=false

import itertools
import time

import networkx as nx
import numpy as np
import pytest

import jaxnn
from jaxnn._networks.generate import crossings


def published_generator(n, lx, ly, mean, std, seed):
    """Pair by pair, in micrometres: wires, then crossings of y = A x + B in the overlap box."""
    np.random.seed(seed)
    lengths = np.random.gamma((mean / std) ** 2, std**2 / mean, n)
    xc = np.random.uniform(0, lx, n)
    yc = np.random.uniform(0, ly, n)
    theta = np.random.uniform(0, np.pi, n)
    x = np.stack([xc - lengths / 2 * np.cos(theta), xc + lengths / 2 * np.cos(theta)])
    y = np.stack([yc - lengths / 2 * np.sin(theta), yc + lengths / 2 * np.sin(theta)])
    slope = (y[1] - y[0]) / (x[1] - x[0])
    offset = y[0] - slope * x[0]
    low_x, high_x, low_y, high_y = x.min(0), x.max(0), y.min(0), y.max(0)
    graph = nx.empty_graph(n)
    for i, j in itertools.combinations(range(n), 2):
        left, right = max(low_x[i], low_x[j]), min(high_x[i], high_x[j])
        if left > right:
            continue
        at = (offset[j] - offset[i]) / (slope[i] - slope[j])
        height = slope[i] * at + offset[i]
        bottom, top = max(low_y[i], low_y[j]), min(high_y[i], high_y[j])
        if left <= at <= right and bottom <= height <= top:
            graph.add_edge(i, j)
    kept = sorted(max(nx.connected_components(graph), key=len))
    number = {wire: k for k, wire in enumerate(kept)}
    pairs = sorted((number[a], number[b]) for a, b in graph.edges if a in number)
    return np.stack([xc, yc], axis=1)[kept], np.array(pairs)


@pytest.mark.parametrize(
    ("n", "lx", "ly", "mean", "std", "seed"),
    [
        (250, 50, 50, 10, 1, 0),
        (300, 100, 20, 7, 1.6, 1),
        (200, 50, 50, 10, 1, 2),
        (150, 30, 60, 14, 5, 3),
        (200, 40, 40, 5, 5, 4),
    ],
)
def test_against_the_published_rules(n, lx, ly, mean, std, seed):
    centres, edges = published_generator(n, lx, ly, mean, std, seed)
    box = (lx * 1e-6, ly * 1e-6)
    network = jaxnn.nanowire_network(n, box, mean * 1e-6, std * 1e-6, seed)
    assert network.edges.tolist() == edges.tolist()
    np.testing.assert_allclose(network.positions, centres * 1e-6, rtol=1e-14)
    np.testing.assert_allclose(network.wire_ends.mean(axis=1), network.positions, atol=1e-18)
    assert tuple(network.box) == box


def test_published_counts():
    network = jaxnn.nanowire_network(1000, seed=2821)
    assert (network.n_nodes, network.n_junctions) == (992, 3008)
    # Contacts 941 and 818 of the publication, which counts from 1.
    assert jaxnn.farthest_pair(network) == (940, 817)
    assert network.path_length(940, 817) == 30
    assert not network.components().any()


def test_seed_and_box():
    network = jaxnn.nanowire_network(300, 60e-6, seed=5)
    assert network.topology == jaxnn.nanowire_network(300, (60e-6, 60e-6), seed=5).topology
    assert network.topology != jaxnn.nanowire_network(300, 60e-6, seed=6).topology
    assert network.box.tolist() == [60e-6, 60e-6]
    # Wires are not clipped at the box, nor do their centres leave it.
    assert (network.wire_ends < 0).any()
    assert ((network.positions >= 0) & (network.positions <= network.box)).all()


def test_the_random_state_of_numpy_is_left_alone():
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    jaxnn.nanowire_network(100, 30e-6)
    assert np.random.random() == expected


def test_lengths():
    network = jaxnn.nanowire_network(4000, 100e-6, 8e-6, 2e-6)
    lengths = np.linalg.norm(np.diff(network.wire_ends, axis=1)[:, 0], axis=1)
    # Five standard errors of 4000 samples.
    assert lengths.mean() == pytest.approx(8e-6, abs=5 * 2e-6 / 4000**0.5)
    assert lengths.std() == pytest.approx(2e-6, rel=5 / 8000**0.5)
    equal = jaxnn.nanowire_network(300, 50e-6, length_std=0)
    lengths = np.linalg.norm(np.diff(equal.wire_ends, axis=1)[:, 0], axis=1)
    np.testing.assert_allclose(lengths, 10e-6, rtol=1e-12)


@pytest.mark.parametrize(("per_um2", "side"), [*itertools.product((0.06, 0.10, 0.14), (50, 100, 200))])
def test_density_gives_the_published_number_of_wires(per_um2, side):
    n = round(per_um2 * side * side)
    by_density = jaxnn.nanowire_network(density=per_um2 * 1e12, box=side * 1e-6, seed=3)
    assert by_density.topology == jaxnn.nanowire_network(n, side * 1e-6, seed=3).topology


def test_crossings_by_hand():
    ends = np.array(
        [
            [[0, 0], [4, 0]],  # 0, level
            [[1, -1], [1, 1]],  # 1, vertical, crosses 0
            [[4, 0], [5, 3]],  # 2, touches the end of 0
            [[0, 1], [4, 1]],  # 3, parallel to 0, touches the end of 1
            [[3, 0.5], [3, 0.9]],  # 4, between 0 and 3
            [[1, 0.5], [1, 2]],  # 5, overlaps 1 along their line: parallel, so no junction
            [[4.1, 0], [6, 0]],  # 6, on the line of 0
        ],
        float,
    )
    assert crossings(ends).tolist() == [[0, 1], [0, 2], [1, 3], [3, 5]]
    # A wire far longer than all others is found by each of them.
    fence = [[[x, -0.4], [x, 0.4]] for x in range(50)]
    ends = np.array([*fence, [[-9, 0], [99, 0]]], float)
    assert crossings(ends).tolist() == [[i, 50] for i in range(50)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of `n_wires` and `density`.*n_wires=None and density=None"),
        ({"n_wires": 10, "density": 1e11}, "exactly one"),
        ({"n_wires": 0}, "at least 2 wires, got 0"),
        ({"n_wires": -3}, "at least 2 wires, got -3"),
        ({"density": 1e7}, "at least 2 wires, got 0 from a density"),
        ({"density": np.inf}, r"`density` must be positive \[1/m\^2\], got inf"),
        ({"n_wires": 10, "box": 0.0}, "`box` must be a positive width and height"),
        ({"n_wires": 10, "box": (1e-6, np.nan)}, "`box` must be a positive"),
        ({"n_wires": 10, "length_mean": 0.0}, "`length_mean` must be positive"),
        ({"n_wires": 10, "length_std": -1e-6}, "`length_std` must be zero or positive"),
        ({"n_wires": 10, "box": 1.0}, "None of the 10 wires.*no junction; raise"),
    ],
)
def test_bad_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.nanowire_network(**arguments)


def test_ten_thousand_wires_in_seconds():
    start = time.perf_counter()
    network = jaxnn.nanowire_network(density=1e11, box=1e-3 * 0.1**0.5)
    # 0.2 s when measured alone; every pair in Python takes minutes.
    assert time.perf_counter() - start < 5
    assert network.n_nodes > 9900
    start = time.perf_counter()
    source, drain = jaxnn.farthest_pair(network)
    topological = jaxnn.farthest_pair(network, "hops")
    assert time.perf_counter() - start < 5
    assert network.path_length(*topological) >= network.path_length(source, drain)


def first_in_columns(values):
    """The published tie rule: the first largest entry, column by column."""
    drain, source = np.unravel_index(np.argmax(values.T), values.T.shape)
    return int(source), int(drain)


@pytest.mark.parametrize("seed", range(4))
def test_terminals_against_all_pairs(seed):
    network = jaxnn.nanowire_network(120, 40e-6, seed=seed)
    difference = network.positions[:, None] - network.positions
    distances = np.sqrt((difference**2).sum(axis=-1))
    hops = np.asarray(nx.floyd_warshall_numpy(network.to_graph()))
    assert jaxnn.farthest_pair(network) == first_in_columns(distances)
    assert jaxnn.farthest_pair(network, by="hops") == first_in_columns(hops)
    unplaced = jaxnn.Network(network.n_nodes, network.edges)
    for n in (1, 3, 5):
        expected = first_in_columns(np.where(hops == n, distances, -1))
        assert jaxnn.pair_at(network, n) == expected
        assert network.path_length(*expected) == n
        assert jaxnn.pair_at(unplaced, n) == first_in_columns(hops == n)


def test_ties_go_to_the_lowest_drain():
    # Both diagonals of a square are equally long, and its hops too.
    square = jaxnn.Network(4, [(0, 1), (1, 2), (2, 3), (3, 0)], [(0, 0), (1, 0), (1, 1), (0, 1)])
    assert jaxnn.farthest_pair(square) == (2, 0)
    assert jaxnn.farthest_pair(square, "hops") == (2, 0)
    assert jaxnn.pair_at(square, 1) == (1, 0)
    on_one_spot = jaxnn.Network(3, [(0, 1), (1, 2)], np.ones((3, 2)))
    assert jaxnn.farthest_pair(on_one_spot) == (1, 0)


def test_passive_junctions_are_no_hops():
    network = jaxnn.nanowire_network(150, 40e-6).with_pads(0.2)
    graph = network.to_graph()
    for *_, data in graph.edges(data=True):
        data["weight"] = 0 if data["passive"] else 1
    hops = np.asarray(nx.floyd_warshall_numpy(graph))
    assert jaxnn.farthest_pair(network, "hops") == first_in_columns(hops)
    source, drain = jaxnn.pair_at(network, 2)
    assert hops[source, drain] == 2
    welded = jaxnn.Network(3, [(0, 1), (1, 2)], passive=[True, True], passive_conductance=1.0)
    assert jaxnn.farthest_pair(welded, "hops") == (1, 0)


def test_random_terminals():
    network = jaxnn.nanowire_network(100, 30e-6)
    drawn = [jaxnn.random_terminals(network, 3, seed) for seed in range(20)]
    assert all(len(set(network.check_terminals(terminals).tolist())) == 3 for terminals in drawn)
    assert len(set(drawn)) == 20
    assert jaxnn.random_terminals(network, 3, 7) == drawn[7]
    assert all(type(wire) is int for wire in drawn[0])


def test_bad_terminal_choices():
    path = jaxnn.Network(3, [(0, 1), (1, 2)])
    with pytest.raises(ValueError, match=r'positions of the wires.*by="hops"'):
        jaxnn.farthest_pair(path)
    with pytest.raises(ValueError, match="3 junctions apart: the largest path length is 2"):
        jaxnn.pair_at(path, 3)
    with pytest.raises(ValueError, match="`path_length` must be at least 1, got 0"):
        jaxnn.pair_at(path, 0)
    for count in (1, 4):
        with pytest.raises(ValueError, match=f"between 2 and the number of wires, 3, got {count}"):
            jaxnn.random_terminals(path, count)
    split = jaxnn.Network(5, [(0, 1), (1, 2), (3, 4)], np.zeros((5, 2)))
    for choose in (
        jaxnn.farthest_pair,
        lambda network: jaxnn.pair_at(network, 1),
        jaxnn.random_terminals,
    ):
        with pytest.raises(ValueError, match=r"2 components.*3 wires of 5.*largest_component\(\)"):
            choose(split)
        with pytest.raises(ValueError, match="at least two wires, but the network has one"):
            choose(jaxnn.Network(1, []))
