"""Pads of any rectangle or side: which wires they touch, and what becomes of them elsewhere."""

# The geometry that these networks have may be None in others.
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false, reportArgumentType=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn


# Two level wires, an upright one that crosses both, and a slanted one over a corner of [0, 4] x [0, 3].
WIRES = [[(0, 0), (4, 0)], [(0, 2), (4, 2)], [(1, -1), (1, 3)], [(3, 3), (4, 2)]]


def grid(**changes):
    ends = np.array(WIRES, float)
    edges = [(0, 2), (2, 1), (3, 1)]
    return jaxnn.Network(4, edges, ends.mean(axis=1), wire_ends=ends, **changes)


def touched(network):
    """The wires that the last pad touches."""
    pad = network.n_nodes - 1
    contacts = network.edges[network.edges[:, 1] == pad]
    return contacts[:, 0].tolist()


@pytest.mark.parametrize(
    ("rectangle", "wires"),
    [
        ((0.5, -0.5, 1.5, 0.5), [0, 2]),
        ((2, 1, 3, 1.9), None),
        ((2, 1, 3, 2), [1]),  # along its upper edge
        (
            (3, 2.1, 3.2, 2.8),
            [3],
        ),  # its lower left corner lies below the slanted wire, the upper right above
        ((3.5, 2.5, 5, 5), [3]),  # the slanted wire runs through its corner
        ((3.51, 2.5, 5, 5), None),
        ((0.9, -0.1, 1.1, 2.1), [0, 1, 2]),
        ((1.5, 0.5, 4.5, 1), None),
        ((4, -3, 5, 5), [0, 1, 3]),  # where they end
        ((-9, -9, 9, 9), [0, 1, 2, 3]),
    ],
)
def test_what_a_rectangle_touches(rectangle, wires):
    if wires is None:
        with pytest.raises(ValueError, match=r"No wire lies under the pad from .* touches nothing"):
            grid().with_pad(rectangle)
    else:
        assert touched(grid().with_pad(rectangle)) == wires


def test_a_pad_is_the_last_node():
    network = grid(wires=[5, 6, 7, 8]).with_pad((0.5, -0.5, 1.5, 0.5), 0.2)
    assert (network.n_nodes, network.n_junctions) == (5, 5)
    assert network.edges.tolist() == [[0, 2], [2, 1], [3, 1], [0, 4], [2, 4]]
    assert network.passive.tolist() == [False] * 3 + [True] * 2
    assert network.passive_conductance.tolist() == [0.2, 0.2]
    assert network.positions[4].tolist() == [1, 0]
    assert network.wires.tolist() == [5, 6, 7, 8, -1]
    assert np.isnan(network.wire_ends[4]).all()
    assert network.pads[4].tolist() == [[0.5, -0.5], [1.5, 0.5]]
    assert np.isnan(network.pads[:4]).all()
    # A wire under two pads is joined to both, and one pad never to another.
    second = network.with_pad((0, -1, 2, 1), 0.3)
    assert second.edges[5:].tolist() == [[0, 5], [2, 5]]
    assert second.passive_conductance.tolist() == [0.2, 0.2, 0.3, 0.3]
    assert second.path_length(4, 5) == 0
    part = second.component_of([4])
    np.testing.assert_array_equal(part.pads, second.pads)


def test_strips_of_a_side():
    network = grid(box=(4, 3))
    for side, wires, corners in [
        ("left", [0, 1, 2], [[0, 0], [1, 3]]),
        ("right", [0, 1, 3], [[3, 0], [4, 3]]),
        ("bottom", [0, 2], [[0, 0], [4, 0.75]]),
        ("top", [2, 3], [[0, 2.25], [4, 3]]),
    ]:
        padded = network.with_pad(side=side, fraction=0.25)
        assert touched(padded) == wires
        assert padded.pads[-1].tolist() == corners
    # Without a box, of all that the wires cover.
    assert grid().with_pad(side="bottom", fraction=0.25).pads[-1].tolist() == [[0, -1], [4, 0]]


@pytest.mark.parametrize("seed", range(3))
def test_contacts_of_random_rectangles(seed):
    """An end lies inside, or the wire crosses one of the four edges or a diagonal."""
    network = jaxnn.nanowire_network(150, 40e-6, seed=seed)
    random = np.random.default_rng(seed)
    turn = lambda p, q, r: np.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))
    for _ in range(10):
        low = random.uniform(0, 35e-6, 2)
        high = low + random.uniform(0.1e-6, 20e-6, 2)
        corners = [low, (high[0], low[1]), high, (low[0], high[1])]
        expected = []
        for wire, (a, b) in enumerate(network.wire_ends):
            inside = any(np.all((low <= p) & (p <= high)) for p in (a, b))
            edges = [(corners[i], corners[(i + 1) % 4]) for i in range(4)]
            crosses = any(
                turn(a, b, p) != turn(a, b, q) and turn(p, q, a) != turn(p, q, b) for p, q in edges
            )
            expected += [wire] * (inside or crosses)
        if expected:
            assert touched(network.with_pad((*low, *high))) == expected


def test_bad_pads():
    no_ends = jaxnn.Network(2, [(0, 1)], [(0, 0), (1, 1)])
    for pad in ({"rectangle": (0, 0, 1, 1)}, {"side": "left"}):
        with pytest.raises(ValueError, match="has no `wire_ends`: give both ends of each wire"):
            no_ends.with_pad(**pad)
    for pad in ({}, {"rectangle": (0, 0, 1, 1), "side": "left"}):
        with pytest.raises(ValueError, match="give exactly one of them"):
            grid().with_pad(**pad)
    for rectangle in ((1, 0, 0, 1), (0, 0, 1), (0, 0, 0, 1), (0, 0, 1, np.nan), [[0, 0], [1, 1]]):
        with pytest.raises(ValueError, match="lower left corner before the upper right one"):
            grid().with_pad(rectangle)
    for fraction in (0, 1.1):
        with pytest.raises(ValueError, match="above 0 and up to 1, got"):
            grid().with_pad(side="top", fraction=fraction)
    with pytest.raises(ValueError, match="fraction must be finite"):
        grid().with_pad(side="top", fraction=np.nan)
    with pytest.raises(ValueError, match="side must be 'left' or 'right' or 'bottom' or 'top', got 'up'"):
        grid().with_pad(side="up")
    for conductance in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="conductance of the pads must be"):
            grid().with_pad(side="left", conductance=conductance)
    with pytest.raises(ValueError, match=r"must be one number .* got shape \(2,\)"):
        grid().with_pad(side="left", conductance=np.ones(2))
    with pytest.raises(ValueError, match=r"rectangle is an argument of jax.jit, vmap or grad"):
        jax.jit(lambda x: grid().with_pad(x))(jnp.array([0.0, 0, 1, 1]))


def test_a_pad_in_micrometres_is_called_implausible():
    """As wide as 1 m, on wires that reach over 4 um."""
    network = grid()
    small = jaxnn.Network(4, network.edges, wire_ends=np.array(WIRES) * 1e-6)
    with pytest.warns(
        jaxnn.ImplausibleWarning, match=r"a pad of 3 m.* 4 wires, is 7.5e\+05 times as large"
    ):
        assert touched(small.with_pad((0, 0, 1, 3))) == [0, 1, 2, 3]
    assert touched(small.with_pad((-1e-3, 1e-6, 1e-3, 3e-6))) == [1, 2, 3]


def test_traced_conductances():
    power = lambda network: jnp.sum(network.passive_conductance**2)
    build = lambda g: grid().with_pad(side="left", conductance=0.5).with_pad(side="right", conductance=g)
    contacts = len(touched(build(0.5)))
    assert jax.jit(jax.grad(lambda g: power(build(g))))(0.25) == pytest.approx(2 * contacts * 0.25)
    batch = jax.vmap(build)(jnp.array([1.0, 2.0]))
    assert batch.passive_conductance.shape == (2, batch.topology.passive.sum())
    # One more pad on a network with a batch of them keeps the batch.
    third = batch.with_pad(side="top")
    assert third.passive_conductance.shape == (2, third.passive.sum())
    assert build(jnp.float32(0.1)).passive_conductance.dtype == jnp.float32


def test_pads_in_files_and_ensembles(tmp_path):
    network = grid(box=(4, 3)).with_pad(side="left").with_pad(side="right")
    network.save(tmp_path / "network")
    assert jaxnn.Network.load(tmp_path / "network").topology == network.topology
    assert network.topology != grid(box=(4, 3)).with_pad(side="left").with_pad((3.5, 0, 4, 3)).topology
    union = jaxnn.Ensemble([grid(), network]).network
    assert np.isnan(union.pads[:8]).all()
    np.testing.assert_array_equal(union.pads[8:], network.pads[4:])
    assert jaxnn.Ensemble([grid(), grid()]).network.pads is None
