"""The dynamic memristor: its equation in closed form, and the reservoir of the same devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from single_junctions import driven


LAW = jaxnn.DynamicMemristorJunction()


@pytest.mark.parametrize("volts", [0.0, 0.8, -0.8, 1.5])
def test_a_step_is_the_solution(volts):
    end, begin = 0.05 * np.sinh(2 * volts), np.array([0.1, 0.5])
    for time in (1e-4, 0.01):
        exact = np.clip(end + (begin - end) * np.exp(-time / 0.05), 0, 1)
        once = LAW.update(jnp.asarray(begin), jnp.full(2, volts), time)
        np.testing.assert_allclose(once, exact, rtol=1e-12)
        many = jnp.asarray(begin)
        for _ in range(50):
            many = LAW.update(many, jnp.full(2, volts), time / 50)
        np.testing.assert_allclose(many, exact, rtol=1e-12)


def test_pulses_as_in_the_reservoir():
    """The currents at the end of pulses are those of `TungstenOxideReservoir`, pulse by pulse."""
    amplitudes = np.random.default_rng(0).random((1, 1, 6))
    expected = jaxnn.reservoirs.TungstenOxideReservoir().respond(jnp.asarray(amplitudes)).features[0, 0]
    volts = 0.6 + 2.4 * amplitudes[0, 0]
    drive = np.stack([volts, 0 * volts, 0 * volts], axis=-1).reshape(-1)
    _, state = driven(LAW, jnp.asarray(drive), 1e-3, LAW.init_state(1))
    current = LAW.current(state[::3, 0], jnp.asarray(volts))
    np.testing.assert_allclose(current, expected, rtol=1e-12)


def test_currents():
    """The tunnelling current is odd, the Schottky one is not, and both grow with the voltage."""
    volts, at = jnp.linspace(-3, 3, 61), np.linspace(-3, 3, 61)
    for share in (0.0, 0.3, 1.0):
        state = jnp.full(61, share)
        slope = jax.jvp(lambda v: LAW.current(state, v), (volts,), (jnp.ones(61),))[1]  # noqa: B023
        assert (slope > 0).all()
    tunnelling = LAW.current(jnp.ones(61), volts)
    np.testing.assert_allclose(tunnelling, 4e-6 * np.sinh(2 * at), rtol=1e-12, atol=1e-20)
    schottky = LAW.current(jnp.zeros(61), volts)
    np.testing.assert_allclose(schottky, 5e-7 * (1 - np.exp(-0.5 * at)), rtol=1e-9, atol=1e-20)
