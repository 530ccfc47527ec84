"""Switches that turn by chance: mean and variance of their number, whatever the steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import constants

import jaxnn
from single_junctions import driven, sine


THERMAL = constants.k * 298 / constants.e  # [V]
N, JUNCTIONS = 1000, 20_000
KEY = jax.random.key(0)
LAW = jaxnn.MetastableSwitchJunction(switches=N)
logistic = lambda y: 1 / (1 + np.exp(-y))


def rates(volts):
    return logistic((volts - 0.17) / THERMAL) / 3.2e-4, logistic(-(volts + 0.22) / THERMAL) / 3.2e-4


@pytest.mark.parametrize("steps", [1, 12])
@pytest.mark.parametrize("volts", [0.16, -0.2])
def test_mean_and_variance(volts, steps):
    """Those of N independent switches, of which 40 % were on."""
    time, begin = 4e-4, 0.4
    _, state = driven(LAW, jnp.full(steps, volts), time / steps, jnp.full(JUNCTIONS, begin))
    on, off = rates(volts)
    gone = 1 - np.exp(-(on + off) * time)
    stay, turn = 1 - off / (on + off) * gone, on / (on + off) * gone  # on after the time, if on and if off
    mean = begin * stay + (1 - begin) * turn
    variance = (begin * stay * (1 - stay) + (1 - begin) * turn * (1 - turn)) / N
    found = np.asarray(state[-1])
    # Within four standard errors of so many junctions.
    assert abs(found.mean() - mean) < 4 * (variance / JUNCTIONS) ** 0.5
    assert abs(found.var() / variance - 1) < 4 * (2 / JUNCTIONS) ** 0.5


def test_equilibrium():
    """As many turn on as off, with the variance of N switches, where barriers are low."""
    law = jaxnn.MetastableSwitchJunction(switches=N, on_barrier=0.03, off_barrier=0.04)
    on, off = logistic((0.01 - 0.03) / THERMAL), logistic(-(0.01 + 0.04) / THERMAL)
    share = on / (on + off)
    _, state = driven(law, jnp.full(30, 0.01), 5e-4, jnp.full(JUNCTIONS, 0.5))
    found = np.asarray(state[-1])
    assert abs(found.mean() - share) < 4 * (share * (1 - share) / N / JUNCTIONS) ** 0.5
    assert abs(found.var() / (share * (1 - share) / N) - 1) < 0.05


def test_short_steps_are_the_published_ones():
    """Probabilities k dt, of which as many switches turn."""
    law, dt = jaxnn.MetastableSwitchJunction(switches=1e12), 1e-8
    for volts in (-0.3, -0.1, 0.0, 0.2):
        on, off = rates(volts)
        (moved,) = law.update(jnp.full(1, 0.3), jnp.full(1, volts), dt, key=KEY) - 0.3
        np.testing.assert_allclose(moved, dt * (0.7 * on - 0.3 * off), rtol=1e-3, atol=2e-8)


def test_many_switches_follow_the_mean():
    """A loop of 0.25 V at 100 Hz against the mean equation in steps of its own."""
    law, steps = jaxnn.MetastableSwitchJunction(switches=1e14), 200
    drive, dt = np.asarray(sine(0.25, steps)), 0.01 / steps
    current, state = driven(law, jnp.asarray(drive), dt, jnp.zeros(1))
    x, expected = 0.0, []
    for v in drive:
        on, off = rates(v)
        x = on / (on + off) + (x - on / (on + off)) * np.exp(-(on + off) * dt)
        expected.append(x)
    np.testing.assert_allclose(state[:, 0], expected, atol=1e-5)
    assert state.max() > 0.9
    g = 9.1e-4 + (8.7e-3 - 9.1e-4) * np.array([0.0, *expected[:-1]])
    np.testing.assert_allclose(current[:, 0], g * drive, rtol=1e-3)


def test_voltages_that_turn_nothing():
    """Rates that are 0 to rounding make no NaN, forward and back."""
    law = jaxnn.MetastableSwitchJunction(on_barrier=30.0, off_barrier=30.0)
    state = law.update(jnp.array([0.0, 1.0]), jnp.zeros(2), 1e-3, key=KEY)
    np.testing.assert_array_equal(state, [0, 1])
    slope = jax.grad(lambda v: law.update(jnp.array([0.0, 0.5]), v, 1e-3, key=KEY).sum())(jnp.zeros(2))
    assert np.isfinite(slope).all()
