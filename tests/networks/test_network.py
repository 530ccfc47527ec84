"""Networks: what is accepted, what is kept, paths, pads, files, and JAX transforms over them."""

# The geometry that these networks have may be None in others.
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false
# pyright: reportOptionalOperand=false, reportArgumentType=false, reportCallIssue=false

import equinox as eqx
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
import scipy.sparse

import jaxnn
from jaxnn._networks.paths import lightest_path
from published import DC_TUNNEL, reference


def bridge(**kwargs):
    """Wheatstone's bridge, with edges neither sorted nor all pointing up."""
    return jaxnn.Network(4, [(2, 0), (0, 1), (3, 1), (2, 3), (1, 2)], **kwargs)


def ladder():
    """Four wires above one another, at the corners and thirds of a square of 3 m."""
    return jaxnn.Network(4, [(0, 1), (2, 1), (2, 3)], [(1, 0), (1, 1), (2, 2), (0, 3)])


def random_network(seed, n=60, m=90, passive=0.0):
    graph = nx.gnm_random_graph(n, m, seed=seed)
    mask = np.random.default_rng(seed).random(m) < passive
    return jaxnn.Network(n, list(graph.edges), passive=mask, passive_conductance=0.1)


def test_order_and_orientation_are_kept():
    network = bridge()
    assert (network.n_nodes, network.n_junctions) == (4, 5)
    assert network.edges.tolist() == [[2, 0], [0, 1], [3, 1], [2, 3], [1, 2]]
    assert network.edges.dtype == np.int32
    assert network.positions is None
    assert network.wire_ends is None
    assert network.box is None
    assert not network.passive.any()
    assert network.passive_conductance.shape == (0,)


def test_arrays_are_copied_and_read_only():
    edges = np.array([[0, 1], [1, 2]], np.int32)
    positions = np.zeros((3, 2))
    network = jaxnn.Network(3, edges, positions)
    edges[0] = positions[0] = 7
    assert network.edges[0].tolist() == [0, 1]
    assert network.positions[0].tolist() == [0, 0]
    for array in (network.edges, network.positions, network.passive):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("edges", [[], np.zeros((0, 2), int), np.zeros((0, 2))])
def test_no_junctions(edges):
    assert jaxnn.Network(3, edges).n_junctions == 0
    assert jaxnn.Network(3, edges).components().tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, []), "between 1 and 2.* got 0"),
        ((3, [0, 1]), r"shape \(n_junctions, 2\).*got shape \(2,\)"),
        ((3, [(0, 1, 2)]), r"got shape \(1, 3\)"),
        ((3, np.eye(3)), "from_adjacency"),
        ((3, [(0.0, 1.0)]), r"integer node numbers, got dtype float64.*astype\(int\)"),
        ((3, [(True, False)]), "got dtype bool"),
        ((3, [(0, 1), (1, 3)]), r"0\.\.2, got edge 1 = \(1, 3\)\. Number the nodes from 0"),
        ((3, [(-1, 1)]), r"edge 0 = \(-1, 1\)"),
        ((9, [(i, 9) for i in range(6)]), r"edge 3 = \(3, 9\) and 2 more"),
        ((3, [(0, 1), (2, 2)]), r"edge 1 = \(2, 2\)\. Remove the self-loops"),
        ((2, [(0, 1)], [(0, 0)]), r"`positions` must have shape \(2, 2\).*got shape \(1, 2\)"),
        ((2, [(0, 1)], [(0, 0), (1, np.nan)]), r"must be finite, got \[1.0, nan\] for node 1"),
    ],
)
def test_bad_structure(arguments, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.Network(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wire_ends": np.zeros((4, 2))}, r"`wire_ends` must have shape \(4, 2, 2\)"),
        ({"wire_ends": np.full((4, 2, 2), np.inf)}, "for node 0 .4 such nodes"),
        ({"wire_ends": [[[0, np.nan], [0, 0]]] * 4}, "`wire_ends` must be finite"),
        ({"box": 1.0}, "positive width and height"),
        ({"box": (1.0, 0.0)}, "positive width and height"),
        ({"passive": [True]}, r"boolean mask of shape \(5,\).*got shape \(1,\)"),
        ({"passive": [0, 1, 0, 0, 0]}, r"boolean mask.*of int64"),
        ({"passive": [True] * 5}, "5 junctions are `passive`, which needs"),
        ({"passive_conductance": [0.1]}, r"must be one number or have shape \(0,\)"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        bridge(**options)


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_bad_passive_conductance(value):
    passive = [False, True, False, True, False]
    with pytest.raises(ValueError, match=rf"{value} for junction 3 = \(2, 3\)"):
        bridge(passive=passive, passive_conductance=[0.1, value])
    # No conductance is a conductance: the junction stays, and carries no current.
    assert bridge(passive=passive, passive_conductance=0.0).passive.sum() == 2


def test_passive_conductance_leaves_the_dtype_to_others():
    passive = [False, True, False, True, False]
    single = jnp.ones(2, jnp.float32)
    for value in (0.1, 1, np.array([0.1, 0.2]), [0.1, 0.2]):
        network = bridge(passive=passive, passive_conductance=value)
        np.testing.assert_array_equal(network.passive_conductance, np.broadcast_to(value, (2,)))
        assert isinstance(network.passive_conductance, np.ndarray)
        run = jaxnn.simulate(network, jaxnn.Resistor(0.2), single[:1], terminals=(0, 3), dt=0.1, steps=1)
        assert run.conductance.dtype == run.final_state.dtype == jnp.float32
    assert bridge(passive=passive, passive_conductance=single).passive_conductance.dtype == (jnp.float32)


def test_equality_and_hash_are_by_content():
    one, two = bridge().topology, bridge().topology
    assert one is not two
    assert one == two
    assert hash(one) == hash(two)
    assert len({one, two}) == 1
    mask = [True, False, False, False, False]
    others = [
        jaxnn.Network(5, bridge().edges),
        jaxnn.Network(4, bridge().edges[::-1]),
        jaxnn.Network(4, bridge().edges[:, ::-1]),
        bridge(positions=np.zeros((4, 2))),
        bridge(box=(1, 1)),
        bridge(wire_ends=np.zeros((4, 2, 2))),
        bridge(passive=mask, passive_conductance=1.0),
    ]
    assert len({one, *(network.topology for network in others)}) == 8
    assert one != "bridge"


def test_from_graph_relabels_in_iteration_order():
    graph = nx.Graph()
    graph.add_nodes_from("cab")
    graph.add_edge("a", "b")
    graph.add_edge("b", "c")
    assert jaxnn.Network.from_graph(graph).edges.tolist() == [[0, 2], [1, 2]]
    directed = nx.DiGraph([("x", "y"), ("z", "x")])
    assert jaxnn.Network.from_graph(directed).edges.tolist() == [[0, 1], [2, 0]]
    nx.set_node_attributes(graph, {"c": (0, 1), "a": (2, 3), "b": (4, 5)}, "pos")
    assert jaxnn.Network.from_graph(graph).positions.tolist() == [[0, 1], [2, 3], [4, 5]]
    del graph.nodes["a"]["pos"]
    with pytest.raises(ValueError, match="1 of 3 lack the attribute `pos`, the first being 'a'"):
        jaxnn.Network.from_graph(graph)
    for kind in (nx.DiGraph, nx.MultiDiGraph):
        with pytest.raises(ValueError, match=r"both ways between 'x' and 'y'.*to_undirected"):
            jaxnn.Network.from_graph(kind([("x", "y"), ("z", "x"), ("y", "x")]))


def test_parallel_junctions_are_carried(tmp_path):
    """By edges, multigraphs, matrices, files, components, pads, ensembles and paths."""
    edges = [[0, 1], [1, 2], [1, 0], [0, 1], [3, 2]]
    network = jaxnn.Network(4, edges, np.arange(8.0).reshape(4, 2))
    assert network.edges.tolist() == edges
    assert network.components().tolist() == [0] * 4
    assert network.path_length(0, 3) == 3
    assert network.shortest_path(0, 3).tolist() == [0, 1, 4]
    graph = network.to_graph()
    assert isinstance(graph, nx.MultiGraph)
    assert sorted(data["junction"] for *_, data in graph.edges(0, data=True)) == [0, 2, 3]
    again = jaxnn.Network.from_graph(graph)
    assert sorted(map(sorted, again.edges.tolist())) == sorted(map(sorted, edges))
    network.save(tmp_path / "network")
    assert jaxnn.Network.load(tmp_path / "network").topology == network.topology
    assert network.with_pads(0.1).edges[:5].tolist() == edges
    union = jaxnn.Ensemble([network, bridge()]).network
    assert union.edges[:5].tolist() == edges
    assert jaxnn.Network(5, edges).component_of(3).edges.tolist() == edges
    # More than an int8 holds.
    assert jaxnn.Network(2, [(0, 1)] * 256).components().tolist() == [0, 0]
    lightest = lightest_path(network.topology, np.array([3.0, 1, 1, 2, 5]), 3, 0)
    assert lightest.tolist() == [4, 1, 2]
    passive = jaxnn.Network(2, [(0, 1), (1, 0)], passive=[False, True], passive_conductance=0.1)
    assert passive.path_length(0, 1) == 0
    assert passive.shortest_path(0, 1).tolist() == [1]


def test_a_list_of_both_orientations_is_questioned():
    pairs = np.argwhere(np.ones((3, 3)) - np.eye(3))
    with pytest.warns(UserWarning, match=r"each of 3 pairs of wires once in either orientation"):
        assert jaxnn.Network(3, pairs).n_junctions == 6
    jaxnn.Network(3, [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2)])  # not all of them


def test_to_graph():
    passive = [False, True, False, False, False]
    network = bridge(positions=np.eye(4, 2), passive=passive, passive_conductance=0.1)
    graph = network.to_graph()
    for k, (a, b) in enumerate(network.edges.tolist()):
        assert graph.edges[a, b] == {"junction": k, "passive": passive[k]}
    assert graph.nodes[1]["pos"] == (0.0, 1.0)
    again = jaxnn.Network.from_graph(graph)
    assert sorted(map(sorted, again.edges.tolist())) == sorted(map(sorted, network.edges.tolist()))


@pytest.mark.parametrize("convert", [np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_matrix])
def test_from_adjacency(convert):
    matrix = np.zeros((4, 4))
    matrix[[0, 3, 1, 3], [3, 0, 3, 1]] = 2.5
    matrix[[0, 2], [2, 0]] = [1.0, 5.0]
    network = jaxnn.Network.from_adjacency(convert(matrix), np.eye(4, 2))
    assert network.edges.tolist() == [[0, 2], [0, 3], [1, 3]]
    assert network.positions.tolist() == np.eye(4, 2).tolist()
    for kind in (bool, float, np.uint8):
        same = jaxnn.Network.from_adjacency(convert((matrix != 0).astype(kind)))
        assert same.edges.tolist() == network.edges.tolist()
    counts = np.ceil(matrix / 2 + matrix.T / 2).astype(int)
    network = jaxnn.Network.from_adjacency(convert(counts))
    assert network.edges.tolist() == [[0, 2]] * 3 + [[0, 3]] * 3 + [[1, 3]] * 3
    multigraph = nx.MultiGraph([(0, 1), (0, 1), (1, 2)])
    made = jaxnn.Network.from_adjacency(convert(nx.to_numpy_array(multigraph, dtype=int)))
    assert made.edges.tolist() == [[0, 1], [0, 1], [1, 2]]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((2, 3)), r"must be square, got shape \(2, 3\)"),
        (np.array([[0, np.nan], [np.nan, 0]]), "must be finite"),
        (np.eye(2), r"entry \(0, 0\) is not \(2 such"),
        (np.triu(np.ones((3, 3)), 1), r"symmetric.*\(0, 1\) and \(1, 0\).*matrix \+ matrix.T"),
        (np.array([[0, 1], [2, 0]]), r"counts junctions must be symmetric.*\(0, 1\) and \(1, 0\) differ"),
        (np.array([[0, -1], [-1, 0]]), "counts junctions, got -1"),
        (np.array([[0, 2.0], [2.0, 0]]), "may count junctions or weigh them.*astype.int"),
        (np.array([[0, 1j], [1j, 0]]), "real numbers.*got complex"),
    ],
)
def test_bad_adjacency(matrix, message):
    for convert in (np.asarray, scipy.sparse.csr_array):
        with pytest.raises(ValueError, match=message):
            jaxnn.Network.from_adjacency(convert(matrix))


def test_components():
    network = jaxnn.Network(7, [(5, 1), (6, 2), (2, 5)])
    assert network.components().tolist() == [0, 1, 1, 2, 3, 1, 1]


def test_largest_component():
    network = jaxnn.Network(
        7,
        [(0, 3), (5, 1), (6, 2), (2, 5)],
        np.arange(14.0).reshape(7, 2),
        wire_ends=np.arange(28.0).reshape(7, 2, 2),
        box=(9, 9),
        passive=[True, False, True, True],
        passive_conductance=[1.0, 2.0, 3.0],
    )
    part = network.largest_component()
    assert part.edges.tolist() == [[2, 0], [3, 1], [1, 2]]
    kept = [1, 2, 5, 6]
    np.testing.assert_array_equal(part.positions, network.positions[kept])
    np.testing.assert_array_equal(part.wire_ends, network.wire_ends[kept])
    assert part.box.tolist() == [9, 9]
    assert part.passive.tolist() == [False, True, True]
    assert part.passive_conductance.tolist() == [2.0, 3.0]
    assert part.largest_component().topology == part.topology
    # Of two equally large parts, the one with the lowest wire.
    assert jaxnn.Network(4, [(2, 3), (0, 1)]).largest_component().edges.tolist() == [[0, 1]]


def test_the_part_that_holds_a_wire(tmp_path):
    """The smaller cluster is measured where its wires are named, under their new numbers."""
    split = jaxnn.Network(6, [(0, 1), (1, 2), (2, 0), (5, 3)], np.arange(12.0).reshape(6, 2))
    assert split.wires is None
    assert split.renumbered([4, 0]).tolist() == [4, 0]
    part = split.component_of([3, 5])
    assert part.edges.tolist() == [[1, 0]]
    assert part.wires.tolist() == [3, 5]
    assert part.renumbered([5, 3]).tolist() == [1, 0]
    assert int(part.renumbered(5)) == 1
    assert split.component_of(4).n_junctions == 0
    assert split.largest_component().wires.tolist() == [0, 1, 2]
    # The numbers of the network asked, also of one that is a part itself.
    whole = part.component_of(1)
    assert whole.topology == part.topology
    assert whole.wires.tolist() == [0, 1]
    part.save(tmp_path / "part")
    assert jaxnn.Network.load(tmp_path / "part").wires.tolist() == [3, 5]
    assert part.with_pads(0.1).wires.tolist() == [3, 5, -1, -1]
    run = jaxnn.simulate(
        part,
        jaxnn.Resistor(1e-3),
        jaxnn.Constant(1.0),
        terminals=part.renumbered([3, 5]),
        dt=1.0,
        steps=1,
    )
    assert float(run.conductance[0]) == pytest.approx(1e-3)
    with pytest.raises(ValueError, match=r"several components: wire 0 is not connected to wire 3"):
        split.component_of([0, 3])
    with pytest.raises(ValueError, match=r"one of 0\.\.5, got 6"):
        split.component_of(6)
    with pytest.raises(ValueError, match="at least one wire, got none"):
        split.component_of([])
    with pytest.raises(ValueError, match=r"got \[0, 5\], \[0\] of which it did not"):
        part.renumbered([0, 5])
    with pytest.raises(ValueError, match=r"`wires` must have one integer for each of the 2 nodes"):
        jaxnn.Network(2, [(0, 1)], wires=[0])


def test_generated_wires_keep_their_numbers():
    """What is left of a thin deposit is its largest part, each wire with its own number."""
    network = jaxnn.nanowire_network(60, box=40e-6, seed=1)
    wires = network.wires
    assert 1 < network.n_nodes < 60
    assert (np.diff(wires) > 0).all()
    assert network.renumbered(wires).tolist() == list(range(network.n_nodes))


@pytest.mark.parametrize("seed", range(4))
def test_paths_against_networkx(seed):
    network = random_network(seed)
    graph = network.to_graph()
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    for a, b in np.random.default_rng(seed).integers(0, 60, (15, 2)).tolist():
        if b not in lengths[a]:
            with pytest.raises(ValueError, match=f"no path from node {a} to node {b}"):
                network.path_length(a, b)
            continue
        assert network.path_length(a, b) == lengths[a][b]
        assert_is_path(network, a, b, network.shortest_path(a, b))


@pytest.mark.parametrize("seed", range(4))
def test_passive_junctions_cost_nothing(seed):
    network = random_network(seed, m=150, passive=0.4).largest_component()
    graph = network.to_graph()
    for *_, data in graph.edges(data=True):
        data["weight"] = 0 if data["passive"] else 1
    for a, b in np.random.default_rng(seed).integers(0, network.n_nodes, (15, 2)).tolist():
        assert network.path_length(a, b) == nx.dijkstra_path_length(graph, a, b)
        assert_is_path(network, a, b, network.shortest_path(a, b))


def assert_is_path(network, a, b, junctions):
    node = a
    for pair in network.edges[junctions].tolist():
        assert node in pair
        node = sum(pair) - node
    assert node == b


def test_bad_node():
    with pytest.raises(ValueError, match=r"one of 0\.\.3, got 4"):
        bridge().path_length(0, 4)
    with pytest.raises(ValueError, match=r"one of 0\.\.3, got -1"):
        bridge().shortest_path(-1, 0)


def test_check_terminals():
    checked = bridge().check_terminals((3, 0, 1))
    assert checked.tolist() == [3, 0, 1]
    assert np.issubdtype(checked.dtype, np.integer)


@pytest.mark.parametrize(
    ("terminals", "message"),
    [
        ((0,), r"at least two integer node numbers.*got \(0,\)"),
        ([[0, 1]], "at least two integer"),
        ((0.0, 1.0), "at least two integer"),
        ((0, 5), r"0\.\.4, got \[0, 5\]; wire 5 does not exist"),
        ((-1, 0), "wire -1 does not exist"),
        ((1, 0, 1), "distinct.*wire 1 occurs more than once"),
        ((0, 3), "wire 0 is in one of 3 wires and wire 3 in another of 2.*Choose all"),
        ((0, 1), r"2 of 5 are not \(wires 3, 4\).*component_of\(\[0, 1\]\).*renumbered\(\[0, 1\]\)"),
    ],
)
def test_bad_terminals(terminals, message):
    network = jaxnn.Network(5, [(0, 1), (1, 2), (3, 4)])
    with pytest.raises(ValueError, match=message):
        network.check_terminals(terminals)


def test_pads_by_hand():
    # The fractions reach from 3 down to 1.8 and from 0 up to 1.2: two wires each.
    network = ladder().with_pads(0.4, conductance=0.2)
    assert (network.n_nodes, network.n_junctions) == (6, 7)
    pads = [[2, 4], [3, 4], [0, 5], [1, 5]]
    assert network.edges.tolist() == [[0, 1], [2, 1], [2, 3], *pads]
    assert network.passive.tolist() == [False] * 3 + [True] * 4
    np.testing.assert_array_equal(network.passive_conductance, 0.2)
    assert network.positions[4:].tolist() == [[1, 3], [1, 0]]
    assert network.path_length(4, 5) == 1
    assert network.shortest_path(4, 5).tolist() == [3, 1, 6]
    # Wires exactly at the edge of a pad belong to it.
    assert ladder().with_pads(1 / 3).edges[3:].tolist() == [[2, 4], [3, 4], [0, 5], [1, 5]]


def test_pads_in_a_box():
    square = jaxnn.Network(
        3, [(0, 1), (1, 2)], [(1, 1), (2, 5), (3, 9)], wire_ends=np.ones((3, 2, 2)), box=(4, 10)
    )
    network = square.with_pads(0.1)
    assert network.edges[2:].tolist() == [[2, 3], [0, 4]]
    assert network.positions[3:].tolist() == [[2, 10], [2, 0]]
    assert network.box.tolist() == [4, 10]
    assert np.isnan(network.wire_ends[3:]).all()
    with pytest.raises(ValueError, match=r"No wire .* under the source pad.*larger fraction"):
        square.with_pads(0.05)


@pytest.mark.parametrize("seed", range(3))
def test_pad_path_length_is_the_graph_distance_less_two(seed):
    network = jaxnn.nanowire_network(200, 50e-6, seed=seed).with_pads(0.05)
    source, drain = network.n_nodes - 2, network.n_nodes - 1
    distance = nx.shortest_path_length(network.to_graph(), source, drain)
    assert network.path_length(source, drain) == distance - 2


def test_bad_pads():
    with pytest.raises(ValueError, match="need the positions of the wires"):
        bridge().with_pads(0.1)
    for fraction in (0.0, 0.5, np.nan):
        with pytest.raises(ValueError, match=f"between 0 and 0.5 .exclusive., got {fraction}"):
            ladder().with_pads(fraction)
    for conductance in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="conductance of the pads must be"):
            ladder().with_pads(0.4, conductance)
    with pytest.raises(ValueError, match=r"must be one number .* got shape \(2,\)"):
        ladder().with_pads(0.4, np.ones(2))
    with pytest.raises(ValueError, match="call `with_pads` once"):
        ladder().with_pads(0.4).with_pads(0.4)
    with pytest.raises(ValueError, match="need wires at different heights"):
        jaxnn.Network(2, [(0, 1)], [(0, 1), (1, 1)]).with_pads(0.4)


def test_equal_networks_share_a_compilation():
    traces = []

    @eqx.filter_jit
    def total(network, g):
        traces.append(network.n_junctions)
        return jnp.sum(network.passive_conductance) + jnp.sum(g[network.edges[:, 0]])

    g = jnp.arange(6.0)
    assert total(ladder().with_pads(0.4), g) == 0.4 + 0 + 2 + 2 + 2 + 3 + 0 + 1
    total(ladder().with_pads(0.4), g)
    assert traces == [7]
    # Another conductance is another number, not another structure.
    total(ladder().with_pads(0.4, 0.3), g)
    assert traces == [7]
    total(ladder().with_pads(0.2), g)
    assert traces == [7, 5]


def test_transforms():
    power = lambda network: jnp.sum(network.passive_conductance**2)
    build = lambda conductance: ladder().with_pads(0.4, conductance)
    gradient = jax.grad(lambda conductance: power(build(conductance)))
    assert gradient(0.5) == pytest.approx(4.0)
    assert jax.jit(gradient)(0.5) == pytest.approx(4.0)
    np.testing.assert_allclose(jax.grad(power)(build(0.5)).passive_conductance, np.ones(4))
    batch = jax.vmap(build)(jnp.array([1.0, 2.0]))
    assert batch.passive_conductance.shape == (2, 4)
    np.testing.assert_allclose(jax.vmap(power)(batch), [4.0, 16.0])
    assert len(jax.tree.leaves(batch)) == 1


def test_published_network():
    data = reference(DC_TUNNEL)
    network = jaxnn.Network(int(data["n_wires"]), data["edges"], data["wire_centre"] * 1e-8)
    assert jaxnn.farthest_pair(network) == tuple(data["contacts"].tolist()) == (72, 29)
    assert network.path_length(72, 29) == 9
    assert nx.diameter(network.to_graph()) == 11
