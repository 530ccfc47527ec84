"""Nodes made of nickelate devices: what pulses leave, what writing costs, and what learning makes of it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn


def nodes(device=0.3, cycle=0.05):
    """Two levels of 1 nS and 1 uS, with deviations given."""
    two = lambda x: jnp.full(2, x)
    return jaxnn.NickelateNodes(
        log_conductance=jnp.log(jnp.array([1e-9, 1e-6])),
        device_deviation=two(device),
        cycle_deviation=two(cycle),
        write_energy=jnp.array([1e-9, 3e-9]),
        read_energy=jnp.array([1e-15, 2e-15]),
        integrate_energy=jnp.array(5e-11),
        wake_energy=jnp.array(4e-8),
        off_energy=jnp.array(2e-8),
    )


@pytest.fixture(scope="module")
def measured():
    return jaxnn.NickelateNodes.measure(jaxnn.NickelateDevice(), jax.random.key(0), levels=3, devices=8)


def test_measured_levels_rise_and_differ(measured):
    # 11 MOhm to 0.6 MOhm, set by 7 V to 5 V.
    resistance = np.exp(-np.asarray(measured.log_conductance))
    assert (np.diff(resistance) < 0).all()
    assert 5e6 < resistance[0] < 3e7
    assert 3e5 < resistance[-1] < 1e6
    # The spread of devices that NickelateSpread states, and a tenth of it from write to write.
    assert (measured.device_deviation > 0.2).all()
    assert (measured.device_deviation < 1).all()
    assert (measured.cycle_deviation < 0.3 * measured.device_deviation).all()
    assert (measured.cycle_deviation > 0).all()


def test_measured_energies(measured):
    # Reading charges some pF to 0.1 V; writing moves the cloud, as all that changes modes does.
    assert (measured.read_energy > 1e-15).all()
    assert (measured.read_energy < 1e-12).all()
    for energy in (measured.write_energy, measured.wake_energy, measured.off_energy):
        assert (energy > 1e-9).all()
        assert (energy < 3e-7).all()
    assert 1e-12 < measured.integrate_energy < 1e-9


@pytest.mark.parametrize(
    ("verify", "deviation"), [(False, (0.3**2 + 0.05**2) ** 0.5), (True, 0.05 * 2**0.5)]
)
def test_what_is_written_is_off_by_as_much_as_stated(verify, deviation):
    held = nodes().storage(200, 50, jax.random.key(1), largest=2.0, verify=verify)
    index = jnp.arange(200, dtype=jnp.int32)
    low, high = 1e-9, 1e-6
    wanted = jnp.full((200, 50), 1.5)
    write = eqx.filter_jit(held.weights)
    first, again = (write(wanted, 0 * wanted, index, jnp.int32(step)) for step in (3, 4))
    log = lambda w: np.log(low + (high - low) * np.asarray(w) / 2) - np.log(low + (high - low) * 0.75)
    assert abs(np.mean(log(first))) < 4 * deviation / 100
    np.testing.assert_allclose(np.std(log(first)), deviation, rtol=0.05)
    # The device's share is the same in every write, the noise is not.
    shared = np.corrcoef(log(first).ravel(), log(again).ravel())[0, 1]
    np.testing.assert_allclose(shared, 0 if verify else 0.3**2 / deviation**2, atol=0.05)
    # What that adds to the square of a distance, and what is left out of it.
    added = np.mean(np.sum((np.asarray(first) - 1.5) ** 2, axis=1))
    # To first order, and numbers beyond the largest count as that.
    np.testing.assert_allclose(np.mean(held.noise(first)), added, rtol=0.15)
    # A row is written alike in any company.
    other = write(wanted[::-1], 0 * wanted, index[::-1], jnp.int32(3))
    np.testing.assert_array_equal(other[::-1], first)
    # What is there already is not written, nor what is as near as a write would come.
    for factor, alike in ((np.exp(-0.9 * deviation), 1), (np.exp(-1.1 * deviation), 0)):
        kept = write(wanted * factor, wanted, index, jnp.int32(3)) == wanted
        assert np.mean(np.asarray(kept)) == alike
    counters = eqx.filter_jit(held.counters)(jnp.full(200, 0.5), jnp.int32(3))
    np.testing.assert_allclose(np.std(np.log(np.asarray(counters))), deviation, rtol=0.2)


def test_learning_reads_what_was_written():
    draw = np.random.default_rng(0)
    centres = draw.uniform(0.2, 0.8, (4, 6))
    labels = np.repeat([0, 1, 2, 3], 60)
    inputs = jnp.asarray(centres[labels] + 0.02 * draw.normal(size=(240, 6)))
    keys = jax.random.split(jax.random.key(0), 2)

    def learn(storage):
        network = jaxnn.GrowWhenRequired(30, activity_threshold=0.93, off_after=80, storage=storage)
        return network.learn(network.start(inputs[:2], 4), inputs, labels)

    held = [
        nodes(d, c).storage(30, 6, key) for d, c, key in zip((0.0, 0.05), (0.0, 0.005), keys, strict=True)
    ]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *held)
    state, history = jax.vmap(learn)(stacked)
    exact, expected = learn(None)
    # Perfect devices are numbers.
    np.testing.assert_array_equal(history.kind[0], expected.kind)
    np.testing.assert_allclose(state.weight[0], exact.weight, atol=1e-12)
    # Distances leave out what noise is expected to add to them, where something was written.
    noise = jax.vmap(lambda storage, weight: storage.noise(weight))(stacked, state.weight)
    length = np.sum(np.asarray(state.weight) ** 2, axis=-1)
    np.testing.assert_allclose(state.square[1], (length - noise)[1], rtol=1e-12)
    assert not np.any(noise[0])
    # Devices that differ still learn, but other weights.
    off = np.abs(state.weight[1] - exact.weight)[np.asarray(exact.stored)]
    assert off.max() > 0.01
    network = jaxnn.GrowWhenRequired(30)
    one = jax.tree.map(lambda x: x[1], state)
    assert np.mean(np.asarray(network.classify(one, inputs, stored=True)) == labels) > 0.95


def test_cost_by_hand():
    network = jaxnn.GrowWhenRequired(4, activity_threshold=0.5, habituation_threshold=1.0, off_after=2)
    state = network.start([[0.0], [1.0]], 2)
    # Trained, trained, and one that is far from both: a node grows.
    state, history = network.learn(state, jnp.array([[0.0], [0.1], [3.0]]))
    assert history.kind.tolist() == [0, 0, 1]
    assert history.compared.tolist() == [2, 2, 2]
    assert history.written.tolist() == [2, 2, 1]
    # The first sample moves only the other node: the winner is where it was.
    assert history.weights_written.tolist() == [1, 2, 1]
    state = state._replace(weight=jnp.ones_like(state.weight), counter=jnp.zeros_like(state.counter))
    for verify in (False, True):
        cost = jaxnn.node_cost(nodes(), history, state, verify=verify)
        assert cost.compare_pulses == 6 * 2
        np.testing.assert_allclose(cost.compare_energy, 6 * (2e-15 + 5e-11))
        np.testing.assert_allclose(cost.compare_energy_never_off, cost.compare_energy)
        # The weight is at the upper level and the counter at the lower.
        assert cost.write_pulses == (4 + 5) * (6 if verify else 2)
        once = 4 * 3e-9 + 5 * 1e-9
        np.testing.assert_allclose(cost.write_energy, 2 * (once + 4 * 2e-15) if verify else once)
        np.testing.assert_allclose(cost.wake_energy, 4e-8)
        assert cost.off_pulses == 0
        np.testing.assert_allclose(cost.time, 3 * 5e-7 + 5 * (5e-6 if verify else 2e-6) + 1e-6)
        np.testing.assert_allclose(
            cost.energy, cost.compare_energy + cost.write_energy + cost.wake_energy + cost.off_energy
        )
        assert cost.pulses == cost.compare_pulses + cost.write_pulses + 1


def test_bad_storage():
    with pytest.raises(ValueError, match="largest"):
        nodes().storage(4, 3, jax.random.key(0), largest=0.0)
    with pytest.raises(ValueError, match="capacity"):
        nodes().storage(0, 3, jax.random.key(0))
