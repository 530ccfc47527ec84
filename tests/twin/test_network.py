"""The network behind the pads against an independent solution, and its derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from jax.flatten_util import ravel_pytree

from circuits import central
from jaxnn import twin


def network(dtype: type = float):
    rng = np.random.default_rng(1)
    draw = lambda count: rng.uniform(0.2, 1.5, count).astype(dtype)
    delays = np.array([0.01, 0.03, 0.02], dtype)
    return twin.PadNetwork(0.3 * draw(6), draw(4), draw(4), 0.5 * draw(4), delays)


def drive(scans=30):
    rng = np.random.default_rng(2)
    return np.cumsum(rng.uniform(0.15, 0.25, scans)), rng.uniform(0.4, 1.0, scans)


def by_exponentials(model, time, source):
    """The same by the matrix exponential of every interval and every read."""
    rates = np.linalg.solve(np.diag(model.capacitance), np.asarray(model.matrix()))
    share = np.linalg.solve(np.asarray(model.matrix()), np.asarray(model.to_source))
    state, reads = share * source[0], []
    for k, voltage in enumerate(source):
        end = share * voltage
        late = [end + scipy.linalg.expm(-rates * d) @ (state - end) for d in np.asarray(model.read_delay)]
        reads.append([at[pad] for pad, at in enumerate(late)])
        if k + 1 < len(time):
            state = end + scipy.linalg.expm(-rates * (time[k + 1] - time[k])) @ (state - end)
    return np.array(reads)


def test_the_step_is_exact():
    model, (time, source) = network(), drive()
    np.testing.assert_allclose(model(time, source), by_exponentials(model, time, source), rtol=1e-12)


def test_settled_it_is_a_divider():
    model, (time, _) = network(), drive()
    found = model(time, np.full(len(time), 0.7))
    np.testing.assert_allclose(found, np.tile(0.7 * model.divider(), (len(time), 1)), rtol=1e-12)


def test_no_pad_leaves_the_range_of_the_source():
    """A passive network."""
    model, (time, source) = network(), drive()
    found = np.asarray(model(time, source))
    assert found.min() > 0
    assert found.max() < source.max()
    assert np.all(np.diff(model.time_constants()) < 0)


def test_conductances_and_capacitances_have_no_scale():
    model, (time, source) = network(), drive()
    scaled = jax.tree.map(lambda x: 3 * x, model)
    scaled = eqx.tree_at(lambda network: network.read_delay, scaled, model.read_delay)
    np.testing.assert_allclose(scaled(time, source), model(time, source), rtol=1e-12)


def test_gradients():
    """With respect to every number of the network, and to the source."""
    time, source = drive(12)
    numbers, as_network = ravel_pytree(network())

    def loss(numbers, source):
        return jnp.sum(jnp.sin(3 * as_network(numbers)(time, source)))

    value, slopes = jax.jit(loss), jax.jit(jax.grad(loss, (0, 1)))
    of_numbers, of_source = slopes(numbers, source)
    expected = [central(lambda x: value(x, source), numbers, way) for way in np.eye(len(numbers))]
    np.testing.assert_allclose(of_numbers, expected, rtol=1e-6, atol=1e-9)
    expected = [central(lambda x: value(numbers, x), source, way) for way in np.eye(len(source))]
    np.testing.assert_allclose(of_source, expected, rtol=1e-6, atol=1e-9)


def test_batched_as_looped():
    model, (time, source) = network(), drive()
    sources = jnp.stack([source, source[::-1]])
    together = jax.vmap(lambda source: model(time, source))(sources)
    np.testing.assert_allclose(together, [model(time, one) for one in sources], rtol=1e-12)


def test_dtypes_follow():
    model, (time, source) = network(np.float32), drive()
    found = model(time.astype(np.float32), source.astype(np.float32))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, network()(time, source), rtol=2e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"between": [0.1, 0.1]}, "between of PadNetwork must have 1 numbers for 2 nodes"),
        ({"to_ground": [1.0]}, "to_ground of PadNetwork must have 2 numbers"),
        ({"capacitance": [1.0, 0.0]}, "capacitance of PadNetwork"),
        ({"read_delay": [0.1, 0.1, 0.1]}, "a number for each pad, 1 to 2, got 3"),
    ],
)
def test_bad_numbers(change, message):
    good = {
        "between": [0.1],
        "to_source": [1.0, 0.2],
        "to_ground": [1.0, 1.0],
        "capacitance": [0.1, 0.5],
        "read_delay": [0.01, 0.02],
    }
    with pytest.raises(ValueError, match=message):
        twin.PadNetwork(**good | change)
    with pytest.raises(ValueError, match="must be of one length, 2 or more"):
        twin.PadNetwork(**good)([0.0, 1.0, 2.0], [1.0, 1.0])
