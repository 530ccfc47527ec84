"""The rate-balance law against the exact solution, and its published step against the published formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxnn
from helpers import line


SETS = {
    "connectome": (jaxnn.parameters.milano2022_connectome, 0.5, 2.0),
    "pulses": (jaxnn.parameters.milano2022_pulses, 0.003, 30.0),
    "reservoir": (jaxnn.parameters.milano2022_reservoir, 0.4, 0.02),
}


def rates(law, volts):
    up = float(law.growth_rate) * np.exp(float(law.growth_sensitivity) * abs(volts))
    return up, float(law.decay_rate) * np.exp(-float(law.decay_sensitivity) * abs(volts))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_step_is_the_solution(name, sign):
    """One step, a thousand, the formula and an integrator of high order."""
    made, volts, time = SETS[name]
    law, start, voltage = made(), jnp.array([0.2, 0.9]), jnp.full(2, sign * volts)
    up, down = rates(law, volts)
    once = law.update(start, voltage, time)
    many = start
    for _ in range(100):
        many = law.update(many, voltage, time / 100)
    np.testing.assert_allclose(many, once, rtol=1e-12)
    end = up / (up + down)
    np.testing.assert_allclose(once, end + (start - end) * np.exp(-(up + down) * time), rtol=1e-12)
    flow = lambda t, x: up * (1 - x) - down * x
    integrated = solve_ivp(flow, (0, time), start, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    np.testing.assert_allclose(once, integrated, rtol=1e-10)


def test_a_run_under_pulses():
    """Potentiation at 0.6 V and relaxation, pulse after pulse, against plain NumPy."""
    law = jaxnn.parameters.milano2022_connectome()
    drive = jaxnn.PulseTrain(0.6, width=2.0, period=5.0, count=3)
    run = jaxnn.simulate(line(1), law, drive, terminals=(0, 1), dt=0.05, steps=300, record="state")
    x, expected = 0.0, []
    for volts in run.drive[:, 0]:
        up, down = rates(law, float(volts))
        x = up / (up + down) + (x - up / (up + down)) * np.exp(-(up + down) * 0.05)
        expected.append(x)
    np.testing.assert_allclose(run.state[:, 0], expected, rtol=1e-10)
    # A current is that of the state which its step began with.
    g = 1e-3 * (1 - np.array(expected)) + 0.1 * np.array(expected)
    np.testing.assert_allclose(run.conductance[1:], g[:-1], rtol=1e-10)


@pytest.mark.parametrize("name", SETS)
def test_the_published_step(name):
    """Its formula, as the codes write it, bracket and all."""
    made, volts, time = SETS[name]
    law, x = made(as_published=True), 0.3
    state = jnp.array([x])
    for k in range(50):
        voltage, dt = volts * np.sin(k), time / 50
        up, down = rates(law, voltage)
        e = np.exp(-(up + down) * dt)
        x = up / (up + down) * (1 - (1 - (1 + down / up * x)) * e)
        state = law.update(state, jnp.array([voltage]), dt)
        np.testing.assert_allclose(state, [x], rtol=1e-9)


def test_what_the_misplaced_bracket_does():
    """A state moves in no time at all, and comes to rest where the length of the steps says."""
    law = jaxnn.parameters.milano2022_connectome(as_published=True)
    up, down = rates(law, 0.0)
    end = up / (up + down)
    at_once = law.update(jnp.array([0.5]), jnp.zeros(1), 1e-12)
    np.testing.assert_allclose(at_once, [end + (1 - end) * 0.5], rtol=1e-9)
    rests = {}
    for dt, steps in ((0.05, 2000), (5e-4, 100_000)):
        setup = {"terminals": (0, 1), "dt": dt, "steps": steps, "every": steps, "record": "state"}
        run = jaxnn.simulate(line(1), law, jaxnn.Constant(0.0), **setup)
        rests[dt] = float(run.state[-1, 0])
        np.testing.assert_allclose(rests[dt], end / (1 - (1 - end) * np.exp(-(up + down) * dt)), rtol=1e-6)
    # 2.0e-4 is where the equation itself rests at 0 V.
    np.testing.assert_allclose([end, *rests.values()], [2.0e-4, 8.03e-3, 0.444], rtol=5e-3)


@pytest.mark.parametrize("as_published", [False, True])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_volts_do_not_overflow(as_published, dtype):
    """A pulse of 5 V switches an edge of the published grids on, also where e^175 is infinite."""
    law = jaxnn.parameters.milano2022_reservoir(as_published=as_published)
    update = lambda v: law.update(jnp.asarray([0.0, 0.5], dtype), v, 2.5e-4)
    for volts in (3.0, 5.0, 1e3):
        voltage = jnp.asarray([volts, -volts], dtype)
        np.testing.assert_allclose(update(voltage), 1.0, rtol=1e-6)
        slope = jax.grad(lambda v: update(v).sum())(voltage)
        assert np.all(np.isfinite(slope))
