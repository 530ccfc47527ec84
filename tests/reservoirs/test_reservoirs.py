"""Reservoirs: batches, caches and gradients; what each answers to known pulses."""

import dataclasses as dc

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import jaxnn
from circuits import lowers
from jaxnn import reservoirs


DEVICES, SLOTS, READS = 4, 3, 1
TAPS = SLOTS + READS
RNG = np.random.default_rng(0)
PULSES = RNG.integers(0, 2, (16, DEVICES, SLOTS)).astype(float)


def nickelate(mode, **numbers):
    return reservoirs.NickelateReservoir.prepared(
        DEVICES, mode, jr.key(0), reads=READS, steps=16, **numbers
    )


@pytest.fixture(scope="module")
def neurons():
    return nickelate("neuron")


def others():
    flux = jr.key(1)
    return {
        "sums": reservoirs.RowSums(),
        "leaky": reservoirs.LeakyIntegrator(jnp.linspace(1.0, 3.0, DEVICES), reads=READS),
        "echo": reservoirs.EchoState.drawn(DEVICES, 0, reads=READS),
        "tungsten oxide": reservoirs.TungstenOxideReservoir(reads=READS),
        "nanowires": reservoirs.NanowireReservoir.drawn(DEVICES, flux, wires=12, reads=READS),
    }


def test_nickelate_devices_alone_and_in_batches_and_cached(neurons):
    """Each train that occurs once, four at a time; and sample by sample by `simulate_devices` itself."""
    features, energy = reservoirs.reservoir_features(neurons, PULSES, batch=4)
    assert features.shape == (16, DEVICES * TAPS)
    reading = jnp.full((READS, DEVICES), neurons.read_voltage)
    for k in (0, 5, 15):
        volts = neurons.low + PULSES[k].T * (neurons.high - neurons.low)
        volts = jnp.concatenate([volts, reading])
        even = {"resolution": 10 * neurons.width, "steps": 16}
        train = jaxnn.Programme.train(volts, width=neurons.width, period=neurons.period, **even)
        alone = jaxnn.simulate_devices(neurons.device, train, state=neurons.state)
        # Newton's method ends when the last device has converged: the same to its tolerance.
        np.testing.assert_allclose(features[k].reshape(DEVICES, TAPS), alone.current[::2].T, rtol=1e-6)
        np.testing.assert_allclose(energy[k], alone.energy.sum(), rtol=1e-6)
        assert alone.residual < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["neuron", "capacitor", "coupled"])
def test_default_steps_have_converged(mode):
    """All trains of six pulses against four times the steps: root mean square below 1 % of the range."""
    trains = (np.arange(64)[:, None] >> np.arange(6) & 1).astype(np.float32)
    sheet = jaxnn.CapacitiveSheet.grid(2, 4) if mode == "coupled" else None
    kind = "capacitor" if mode == "coupled" else mode
    reservoir = reservoirs.NickelateReservoir.prepared(8, kind, jr.key(0), reads=2, sheet=sheet)
    pulses = np.stack([RNG.permutation(trains) for _ in range(8)], axis=1)
    of = lambda r: reservoirs.respond_in_batches(r, pulses)[0]
    fine = of(dc.replace(reservoir, steps=4 * reservoir.steps))
    error = (of(reservoir) - fine) / np.ptp(fine, axis=0)
    print(f"{mode}: {np.sqrt(np.mean(error**2)):.1e} of the range, worst {np.abs(error).max():.1e}")
    assert np.sqrt(np.mean(error**2)) < 0.01


@pytest.mark.slow
def test_gradients_reach_set_points(neurons):
    @jax.jit
    def total(high):
        driven = dc.replace(neurons, high=high)
        return jnp.sum(driven.respond(jnp.asarray(PULSES[:4])).features) * 1e3

    high, step = jnp.asarray(1.6), 1e-5
    gradient = jax.jit(jax.grad(total))(high)
    central = (total(high + step) - total(high - step)) / (2 * step)
    np.testing.assert_allclose(gradient, central, rtol=1e-5)


@pytest.mark.slow
def test_coupled_devices_feel_their_neighbours():
    sheet = jaxnn.CapacitiveSheet.grid(1, 2)
    coupled = nickelate("capacitor", sheet=sheet)
    assert not coupled.shares_trains()
    apart = dc.replace(coupled, sheet=dc.replace(sheet, coupling=0.0))
    pulses = jnp.asarray(PULSES[:4])
    changed = pulses.at[:, 1].set(1 - pulses[:, 1])
    respond = eqx.filter_jit(lambda r, p: r.respond(p).features)
    of = lambda r, p: np.asarray(respond(r, p))
    # The neighbour's train changes what the first device says, and not what the third does.
    first = np.abs(of(coupled, changed) - of(coupled, pulses))
    scale = np.abs(of(coupled, pulses)).max()
    assert first[:, 0].max() > 1e-4 * scale
    assert first[:, 2].max() < 1e-9 * scale
    alone = np.abs(of(apart, changed) - of(apart, pulses))
    assert alone[:, 0].max() < 1e-9 * scale


@pytest.mark.parametrize("name", others())
def test_others_in_batches_and_alone(name):
    reservoir = others()[name]
    features, energy = reservoirs.reservoir_features(reservoir, PULSES, batch=4)
    respond = eqx.filter_jit(reservoir.respond)
    alone = np.concatenate([respond(jnp.asarray(PULSES[k : k + 4])).features for k in range(0, 16, 4)])
    np.testing.assert_allclose(features, alone.reshape(16, -1), rtol=1e-9, atol=1e-15)
    assert np.isnan(energy).all() == (name in ("sums", "leaky", "echo"))


def test_a_leaky_integrator_decays():
    reservoir = reservoirs.LeakyIntegrator(2.0, reads=2)
    pulses = jnp.asarray([[[1.0, 0.0, 1.0]]])
    keep = np.exp(-0.5)
    expected = [1, keep, keep**2 + 1, keep**3 + keep, keep**4 + keep**2]
    np.testing.assert_allclose(reservoir.respond(pulses).features[0, 0], expected, rtol=1e-12)
    every = dc.replace(reservoir, every=2, reads=0)
    np.testing.assert_allclose(every.respond(pulses).features[0, 0], [1, keep**2 + 1], rtol=1e-12)


def test_tungsten_oxide_against_small_steps():
    reservoir = reservoirs.TungstenOxideReservoir(reads=1)
    amplitude, dt, w = [1.0, 0.0, 1.0], 1e-6, 0.0
    ends = []
    for x in [*amplitude, 0.0]:
        volts = 0.6 + x * 2.4
        for k in range(3000):
            v = volts if k < 1000 else 0.0
            w = min(max(w + dt * (np.sinh(2 * v) - w / 0.05), 0), 1)
            if k == 999:
                through = (1 - w) * 5e-7 * (1 - np.exp(-0.5 * v)) + w * 4e-6 * np.sinh(2 * v)
                ends.append(through)
    response = reservoir.respond(jnp.asarray([[amplitude]]))
    np.testing.assert_allclose(response.features[0, 0], ends, rtol=1e-3)


def test_reservoirs_side_by_side():
    leaky, sums = reservoirs.LeakyIntegrator(2.0, every=SLOTS), reservoirs.RowSums()
    both = reservoirs.SideBySide((leaky, sums), (1, 3))
    features, _ = reservoirs.reservoir_features(both, PULSES)
    np.testing.assert_array_equal(features[:, 1:], PULSES[:, 1:].sum(axis=2))
    np.testing.assert_allclose(
        features[:, 0], leaky.respond(jnp.asarray(PULSES[:, :1])).features[:, 0, 0], rtol=1e-12
    )


def test_reservoirs_lower_for_cuda(neurons):
    pulses = jnp.asarray(PULSES[:4])
    for reservoir in [neurons, *others().values()]:
        lowers(lambda p, reservoir=reservoir: reservoir.respond(p), pulses)


def test_bad_input(neurons):
    with pytest.raises(ValueError, match="samples, devices, slots"):
        reservoirs.reservoir_features(neurons, PULSES[0])
    with pytest.raises(ValueError, match="0 to 1"):
        reservoirs.reservoir_features(neurons, 2 * PULSES)
    with pytest.raises(ValueError, match="pulses for 4 devices"):
        reservoirs.reservoir_features(neurons, PULSES[:, :3])
    with pytest.raises(ValueError, match="mode must be one of"):
        nickelate("resistor")
    with pytest.raises(ValueError, match="period less width"):
        dc.replace(neurons, period=1e-7)
    with pytest.raises(ValueError, match="fill sheets of 3"):
        dc.replace(neurons, sheet=jaxnn.CapacitiveSheet.grid(1, 3))
    with pytest.raises(ValueError, match="one size per reservoir"):
        reservoirs.SideBySide((neurons,), (1, 2))


@pytest.mark.parametrize("name", ["nickelate", *others()])
def test_pulses_are_looked_at(name, neurons):
    """By the method that is differentiated as by the function of batches; what has no value yet passes."""
    reservoir = (others() | {"nickelate": neurons})[name]
    flags = PULSES[:2] > 0.5
    expected = reservoir.respond(jnp.asarray(flags, float)).features
    for same in (flags, flags.astype(int), flags.tolist(), jax.jit(lambda x: x)(flags)):
        np.testing.assert_array_equal(reservoir.respond(same).features, expected)
    features, _ = reservoirs.reservoir_features(reservoir, flags)
    np.testing.assert_allclose(features, expected.reshape(2, -1), rtol=1e-9, atol=1e-15)
    for wrong in (255 * PULSES, -PULSES, np.where(PULSES > 0, np.nan, 0)):
        with pytest.raises(ValueError, match="pulses must be amplitudes from 0 to 1, got"):
            reservoir.respond(wrong)
    with pytest.raises(ValueError, match=r"got shape \(4, 3\). One sample is pulses\[None\]"):
        reservoir.respond(PULSES[0])
    with pytest.raises(ValueError, match="pulses must be real numbers, got 'x'"):
        reservoir.respond("x")
