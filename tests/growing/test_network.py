"""Growing networks against a plain implementation, by hand, in batches, and what they refuse."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
import jaxnn_kernels as jk
from numpy_grow import PlainNetwork


KINDS = ["trained", "inserted", "woken", "full"]


def stream(seed, samples=600, inputs=5, classes=4, spread=0.05):
    """Clouds around random centres; the first half shows the first two classes only."""
    draw = np.random.default_rng(seed)
    centres = draw.uniform(size=(classes, inputs))
    labels = draw.integers(0, classes, samples)
    labels[: samples // 2] %= 2
    labels[-samples // 6 :] %= 2
    return centres[labels] + spread * draw.normal(size=(samples, inputs)), labels


@eqx.filter_jit
def one_by_one(network, state, inputs, labels):
    """States after every sample."""

    def step(state, shown):
        sample, label = shown
        state, _ = network.learn(state, sample[None], label[None])
        return state, state

    return jax.lax.scan(step, state, (inputs, labels))[1]


@pytest.mark.parametrize(
    ("options", "unusual"),
    [
        ({"deletes": True, "max_age": 8}, set()),
        ({"off_after": 60}, {"woken"}),
        ({"deletes": True, "max_age": 20, "off_after": 40}, {"woken"}),
        ({"off_after": 60, "by_label": True}, {"woken"}),
    ],
    ids=["deletes", "switches off", "both", "by label"],
)
def test_follows_the_plain_implementation(options, unusual):
    options = {"activity_threshold": 0.97, "max_age": 30, "label_fall": 0.25, "capacity": 60} | options
    capacity = options["capacity"]
    network = jaxnn.GrowWhenRequired(**options)
    parameters = {name: float(getattr(network, name)) for name in jk.GrowParameters._fields}
    inputs, labels = stream(len(options))
    plain = PlainNetwork(inputs[:2], 4, **parameters, capacity=capacity)
    state, history = network.learn(network.start(inputs[:2], 4), inputs, labels)
    states = one_by_one(network, network.start(inputs[:2], 4), jnp.asarray(inputs), jnp.asarray(labels))
    for k, (sample, label) in enumerate(zip(inputs, labels, strict=True)):
        assert len(plain.nodes) == history.stored[k]
        winner, _, kind = plain.show(sample, label)
        assert (winner, kind) == (history.winner[k], KINDS[history.kind[k]])
        counts = history.compared[k], history.written[k], history.switched_off[k]
        assert counts == (plain.compared, plain.written, plain.switched_off)
        if k % 20 and k > 40:
            continue
        now = jax.tree.map(lambda x, k=k: np.asarray(x[k]), states)
        assert np.flatnonzero(now.stored).tolist() == sorted(plain.nodes)
        assert np.flatnonzero(now.on).tolist() == sorted(i for i, n in plain.nodes.items() if n.on)
        ages = now.clock[:, None] + now.clock - now.born
        first, other = np.nonzero(np.triu(ages <= network.max_age))
        edges = {frozenset({int(i), int(j)}): ages[i, j] for i, j in zip(first, other, strict=True)}
        assert edges == plain.edges
        for i, node in plain.nodes.items():
            np.testing.assert_allclose(now.weight[i], node.weight, atol=1e-12)
            np.testing.assert_allclose(now.square[i], np.sum(node.weight**2), atol=1e-12)
            np.testing.assert_allclose(now.counter[i], node.counter, atol=1e-12)
            np.testing.assert_allclose(now.label_count[i], node.count, atol=1e-12)
            assert now.last_win[i] == node.last_win
    kinds = {KINDS[k] for k in np.asarray(history.kind)}
    # All three fill the network, at last.
    assert kinds == {"trained", "inserted", "full"} | unusual
    assert int(history.count(3)) == sum(KINDS[k] == "full" for k in np.asarray(history.kind))
    np.testing.assert_allclose(state.weight, states.weight[-1], rtol=1e-12)


def test_by_hand():
    # Two nodes at 0 and 1 on a line of one input, habituated at once, and a sample at 3.
    network = jaxnn.GrowWhenRequired(
        4, activity_threshold=0.5, habituation_threshold=1.0, winner_rate=0.5, winner_fall=0.3
    )
    state = network.start([[0.0], [1.0]], 2, labels=[0, 1])
    # a = exp(-0.25) = 0.78 is enough: the node at 0 moves by 0.5 * 1 * 0.25.
    state, history = network.learn(state, [[0.25]], [0])
    np.testing.assert_allclose(history.activity, np.exp(-0.25))
    np.testing.assert_allclose(state.weight[:2, 0], [0.125, 1 + 0.01 * (0.25 - 1)])
    np.testing.assert_allclose(state.counter[:2], [0.7, 0.9])
    # a = exp(-2.0075) is not, and h = 0.9 < 1: a node between 0.9925 and 3.
    state, history = network.learn(state, [[3.0]], [1])
    assert history.kind[0] == 1
    np.testing.assert_allclose(state.weight[2, 0], (0.9925 + 3) / 2)
    clock = np.asarray(state.clock)
    edges = clock[:, None] + clock - np.asarray(state.born)
    # The winner 1 has aged its edge to the new node; that to 0 is gone.
    assert edges[1, 2] == 1
    assert edges[0, 2] == 0
    assert edges[0, 1] > network.max_age
    np.testing.assert_array_equal(network.classify(state, jnp.array([[-1.0], [1.0], [2.5]])), [0, 1, 1])


def test_distance_is_relative_to_the_number_of_inputs():
    network = jaxnn.GrowWhenRequired(4)
    state = network.start(np.zeros((2, 784)))
    _, history = network.learn(state, np.full((1, 784), 0.1))
    np.testing.assert_allclose(history.activity, np.exp(-0.1))


def test_switches_off_and_wakes_instead_of_growing():
    inputs, labels = stream(3, samples=3000)
    network = jaxnn.GrowWhenRequired(100, activity_threshold=0.95, off_after=200)
    first, second = labels < 2, labels >= 2
    state = network.start(inputs[:2], 4)
    state, _ = network.learn(state, inputs[:1000][first[:1000]], labels[:1000][first[:1000]])
    state, grown = network.learn(state, inputs[1500:2500], labels[1500:2500])
    state, _ = network.learn(state, inputs[:900][first[:900]], labels[:900][first[:900]])
    labels_on = np.asarray(state.label)[np.asarray(state.on)]
    assert set(labels_on) == {0, 1}
    # What is asleep is not lost.
    known = network.classify(state, inputs[1500:2500], stored=True)
    assert np.mean(np.asarray(known) == labels[1500:2500]) > 0.95
    assert np.mean(np.asarray(network.classify(state, inputs[1500:2500])) == labels[1500:2500]) < 0.7
    returned = slice(1500, 2500)
    state, again = network.learn(
        state, inputs[returned][second[returned]], labels[returned][second[returned]]
    )
    assert int(grown.count(1)) > 0
    assert int(again.count(2)) > 0
    assert int(again.count(1)) <= 1


def test_batched_equals_looped():
    inputs, labels = stream(4, samples=200)
    thresholds = jnp.array([0.9, 0.95, 0.97])

    def run(threshold, inputs):
        network = jaxnn.GrowWhenRequired(40, activity_threshold=threshold, off_after=50, deletes=True)
        return network.learn(network.start(inputs[:2], 4), inputs, labels, every=100)

    many = jnp.stack([inputs, inputs[::-1], inputs[:, ::-1]])
    batched = jax.jit(jax.vmap(run))(thresholds, many)
    for k in range(3):
        alone = jax.jit(run)(thresholds[k], many[k])
        for a, b in zip(jax.tree.leaves(batched), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(a[k], b, rtol=1e-12, atol=1e-12)
    assert batched[1].on.shape == (3, 2, 40)


def test_single_precision():
    inputs, labels = stream(5, samples=400)
    network = jaxnn.GrowWhenRequired(60, activity_threshold=0.95)
    run = lambda x: network.learn(network.start(x[:2], 4), x, labels)
    (state, history), (exact, expected) = run(jnp.asarray(inputs, jnp.float32)), run(jnp.asarray(inputs))
    assert state.weight.dtype == jnp.float32
    np.testing.assert_array_equal(history.winner, expected.winner)
    np.testing.assert_allclose(state.weight, exact.weight, atol=1e-5)


def test_context_tells_the_way_apart():
    # The same two inputs, in two orders: only what came before says which one it is.
    a, b, c = np.eye(3)
    inputs = np.tile([a, b, c, b], (200, 1))
    labels = np.tile([0, 1, 2, 3], 200)  # b after a, and b after c
    errors = {}
    for context in (0, 2):
        network = jaxnn.GrowWhenRequired(
            40, activity_threshold=0.97, context=context, context_decay=0.3, off_after=400
        )
        state, _ = network.learn(network.start(inputs[:2], 4), inputs, labels)
        assert state.weight.shape == (40, 3 * (1 + context))
        errors[context] = np.mean(np.asarray(network.classify(state, inputs)) != labels)
    assert errors[0] >= 0.25
    assert errors[2] < 0.02


def test_contexts_are_those_of_the_equation():
    network = jaxnn.GrowWhenRequired(4, context=2, context_decay=0.6)
    alpha = np.exp(-np.arange(3.0))
    scale = np.sqrt(alpha / alpha.sum())[:, None]
    parts = np.random.default_rng(0).normal(size=(3, 5))
    sample = np.arange(5.0)
    stacked = network._stacked(jnp.asarray(sample), jnp.asarray((scale * parts).reshape(-1)))
    expected = np.stack([sample, 0.6 * parts[1] + 0.4 * parts[0], 0.6 * parts[2] + 0.4 * parts[1]])
    np.testing.assert_allclose(stacked, (scale * expected).reshape(-1))


def test_more_neighbours_than_fit_into_one_go():
    # A winner joined to all others: every one of them has to move.
    n = 50
    state = jaxnn.GrowWhenRequired(n).start(np.random.default_rng(0).uniform(1, 2, (n, 3)))
    weight = state.weight.at[0].set(0.0)
    state = state._replace(
        weight=weight,
        square=jnp.sum(weight**2, axis=1),
        born=state.born.at[0, 1:].set(0).at[1:, 0].set(0),
    )
    after, _ = jaxnn.GrowWhenRequired(n).learn(state, np.zeros((1, 3)))
    np.testing.assert_allclose(after.weight[1:], weight[1:] * 0.99)


def test_lowers_for_cuda():
    network = jaxnn.GrowWhenRequired(20, context=1)
    shapes = jax.eval_shape(lambda: network.start(np.zeros((2, 3)), 2))
    run = lambda state, inputs, labels: network.learn(state, inputs, labels)
    arguments = shapes, jax.ShapeDtypeStruct((7, 3), jnp.float32), jax.ShapeDtypeStruct((7,), jnp.int32)
    exported = jax.export.export(jax.jit(run), platforms=["cuda"])(*arguments)
    assert "callback" not in exported.mlir_module()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"capacity": 1}, "at least 2"),
        ({"capacity": 5, "activity_threshold": 1.5}, "activity_threshold must be at most 1"),
        ({"capacity": 5, "winner_rate": -0.1}, "winner_rate must be at least 0"),
        ({"capacity": 5, "recovery": 0.9}, "recovery must be at least 1"),
        ({"capacity": 5, "max_age": 0}, "max_age must be at least 1"),
        ({"capacity": 5, "off_after": 0}, "off_after must be at least 1"),
        ({"capacity": 5, "context": -1}, "context must be 0 or more"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.GrowWhenRequired(**options)


def test_bad_streams():
    network = jaxnn.GrowWhenRequired(5)
    with pytest.raises(ValueError, match="2 to 5 nodes"):
        network.start([[0.0, 1.0]])
    with pytest.raises(ValueError, match="finite"):
        network.start([[0.0], [np.nan]])
    state = network.start([[0.0], [1.0]], 2)
    with pytest.raises(ValueError, match=r"shape \(samples, 1\)"):
        network.learn(state, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="labels must be -1"):
        network.learn(state, np.zeros((4, 1)), [0, 1, 2, 0])
    with pytest.raises(ValueError, match="labels must have shape"):
        network.learn(state, np.zeros((4, 1)), [0, 1])
    with pytest.raises(ValueError, match="must divide"):
        network.learn(state, np.zeros((4, 1)), every=3)
    with pytest.raises(ValueError, match="finite"):
        network.learn(state, np.full((4, 1), np.inf))
    assert jk.grow_state(state.weight, state.stored, state.label_count).step == 0
