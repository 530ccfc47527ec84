"""The threshold-adaptive memristor: its thresholds, its powers, and a loop against plain NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from single_junctions import driven, sine


LAW = jaxnn.parameters.kvatinsky2015()
D = 3e-9


def test_nothing_moves_between_the_thresholds():
    state = jnp.linspace(0, D, 5)
    for volts in (-0.2, -0.1999, 0.0, 0.0199, 0.02):
        np.testing.assert_array_equal(LAW.update(state, jnp.full(5, volts), 1.0), state)
    for volts in (-0.2001, 0.0201):
        assert (LAW.update(state, jnp.full(5, volts), 1e-9)[1:-1] != state[1:-1]).all()


@pytest.mark.parametrize(("volts", "speed"), [(0.05, 5e-4 * 1.5), (-0.3, -10 * 0.5**3), (1.0, 5e-4 * 49)])
def test_a_voltage_that_stays(volts, speed):
    """The state is a line in time, in one step or in many, until it comes to an end."""
    time = 0.4 * D / abs(speed)
    begin = jnp.full(1, 0.5 * D)
    once = LAW.update(begin, jnp.full(1, volts), time)
    np.testing.assert_allclose(once, 0.5 * D + speed * time, rtol=1e-12)
    _, many = driven(LAW, jnp.full(64, volts), time / 64, begin)
    np.testing.assert_allclose(many[-1], once, rtol=1e-12)
    assert LAW.update(begin, jnp.full(1, volts), 2 * time)[0] == (D if speed > 0 else 0)


def test_both_resistances():
    state = jnp.linspace(0, D, 5)
    np.testing.assert_allclose(1 / LAW.conductance(state), np.linspace(50, 1000, 5), rtol=1e-12)
    exponential = jaxnn.VteamJunction(exponential=True)
    np.testing.assert_allclose(1 / exponential.conductance(state), np.geomspace(50, 1000, 5), rtol=1e-12)


def test_a_loop_against_numpy():
    """As the published implementations write it, with signs in the parameters."""
    k_on, k_off, v_on, v_off, steps = -10.0, 5e-4, -0.2, 0.02, 500
    drive, dt = np.asarray(sine(0.25, steps, 2)), 2e-7 / steps
    x, expected = D, []
    for v in drive:
        current = v / (1000 * x / D + 50 * (1 - x / D))
        if v >= v_off:
            x += k_off * (v / v_off - 1) * dt
        elif v <= v_on:
            x += k_on * (v / v_on - 1) ** 3 * dt
        x = min(max(x, 0.0), D)
        expected.append((current, x))
    current, state = driven(LAW, jnp.asarray(drive), dt, LAW.init_state(1))
    np.testing.assert_allclose(current[:, 0], [i for i, _ in expected], rtol=1e-11)
    np.testing.assert_allclose(state[:, 0], [x for _, x in expected], rtol=1e-11, atol=1e-24)
    assert float(jnp.ptp(state)) > 0.5 * D


def test_a_window_slows_it_down():
    law = jaxnn.VteamJunction(window=jaxnn.BiolekWindow(2))
    share = jnp.array([0.0, 0.3, 0.9, 1.0])
    up = law.rate(share * D, jnp.full(4, 0.06))
    np.testing.assert_allclose(up, 5e-4 * 2 * (1 - share**4), rtol=1e-10, atol=1e-12)
