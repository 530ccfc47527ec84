"""A filament that grows above its threshold and relaxes: both in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line


LAW = jaxnn.VolatileFilamentJunction()


@pytest.mark.parametrize("volts", [0.0, 0.3, -0.3, 0.45, -0.9])
def test_a_step_is_the_solution(volts):
    growth = 1e3 * max(abs(volts) / 0.3 - 1, 0)
    total = growth + 100
    begin, time = np.array([0.0, 0.4, 1.0]), 2e-3
    exact = growth / total + (begin - growth / total) * np.exp(-total * time)
    once = LAW.update(jnp.asarray(begin), jnp.full(3, volts), time)
    np.testing.assert_allclose(once, exact, rtol=1e-12, atol=1e-15)
    many = jnp.asarray(begin)
    for _ in range(20):
        many = LAW.update(many, jnp.full(3, volts), time / 20)
    np.testing.assert_allclose(many, exact, rtol=1e-12, atol=1e-15)


def test_a_pulse_and_what_is_left_of_it():
    """A pulse switches it on, and its conductance falls by powers of ten in the relaxation time."""
    setup = {"terminals": (0, 1), "dt": 4e-5, "steps": 1000, "record": "state"}
    run = jaxnn.simulate(line(1), LAW, jaxnn.OnThenOff(0.9, 0.0, off_time=5e-3), **setup)
    after = run.drive[:, 0] == 0
    peak = float(run.state[~after, 0].max())
    assert peak > 0.9
    decay = peak * np.exp(-(run.time[after] - run.time[~after][-1]) / 1e-2)
    np.testing.assert_allclose(run.state[after, 0], decay, rtol=1e-10)


def test_the_conductance_is_exponential_in_the_length():
    found = LAW.conductance(jnp.linspace(0, 1, 6))
    np.testing.assert_allclose(found, np.geomspace(1e-9, 1e-4, 6), rtol=1e-12)
