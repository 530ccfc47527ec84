"""Linear ion drift, with and without decay, and its windows, against solutions in closed form."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import jaxnn
from helpers import line
from single_junctions import driven, sine


ON, OFF, SPEED = 100.0, 16e3, 1e-14 * 100 / 1e-16  # [ohm], [ohm], [1/(A s)]
LAW = jaxnn.parameters.strukov2008()


def in_window(window):
    return jaxnn.parameters.strukov2008(window)


def resistance(x):
    return ON * x + OFF * (1 - x)


def state_of_flux(start, flux):
    """The share that is doped after a flux [V s], from R dR = -(R_off - R_on) k dflux."""
    squared = resistance(start) ** 2 - 2 * (OFF - ON) * SPEED * np.asarray(flux)
    return (OFF - np.sqrt(squared)) / (OFF - ON)


@pytest.mark.parametrize("steps", [1, 7, 400])
def test_direct_voltage(steps):
    """The solution in any number of steps, and the film doped throughout at the right time."""
    _, state = driven(LAW, jnp.ones(steps), 0.2 / steps, jnp.full(1, 0.1))
    time = 0.2 / steps * (np.arange(steps) + 1)
    np.testing.assert_allclose(state[:, 0], state_of_flux(0.1, time), rtol=1e-12)
    doped = (resistance(0.1) ** 2 - ON**2) / (2 * (OFF - ON) * SPEED)  # [s] at 1 V
    before = LAW.update(jnp.full(1, 0.1), jnp.ones(1), doped * (1 - 1e-9))[0]
    assert 1 - 1e-6 < before < 1
    assert LAW.update(jnp.full(1, 0.1), jnp.ones(1), doped * (1 + 1e-9))[0] == 1
    assert LAW.update(jnp.full(1, 0.1), -jnp.ones(1), 1.0)[0] == 0


def test_charge_is_a_function_of_flux():
    """Under a sine, of which each step has the voltage of its middle: what makes it a memristor."""
    errors = []
    for steps in (200, 400):
        dt = 0.3 / steps
        drive = sine(1.0, steps)
        current, state = driven(LAW, drive, dt, jnp.full(1, 0.1))
        time = dt * (np.arange(steps) + 1)
        flux = 0.3 / (2 * np.pi) * (1 - np.cos(2 * np.pi * time / 0.3))
        errors.append(np.abs(state[:, 0] - state_of_flux(0.1, flux)).max())
        # Steps are exact for their own flux, whatever the sine.
        np.testing.assert_allclose(state[:, 0], state_of_flux(0.1, dt * np.cumsum(drive)), rtol=1e-10)
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.02)
    assert errors[1] < 1e-5
    charge = (np.asarray(state[:, 0]) - 0.1) / SPEED  # [A s]
    np.testing.assert_allclose(charge[-1], 0, atol=1e-12)
    np.testing.assert_allclose(charge[99], charge[299], rtol=1e-9)  # the same flux, up and down
    middle = current[1:, 0] + current[:-1, 0]
    np.testing.assert_allclose(np.sum(middle[:199]) / 2 * dt, charge[199] - charge[0], rtol=1e-3)


@pytest.mark.parametrize("volts", [1.0, -1.0])
def test_the_joglekar_window_in_closed_form(volts):
    """R dx / 4x(1 - x) = k v dt, to first order in the step."""
    law = in_window(jaxnn.JoglekarWindow())
    travelled = lambda x: OFF * np.log(x / (1 - x)) + (OFF - ON) * np.log1p(-x)
    goal = travelled(0.4) + 4 * SPEED * volts * 0.2
    exact: Any = brentq(lambda x: travelled(x) - goal, 1e-9, 1 - 1e-9, xtol=1e-15)
    errors = []
    for steps in (200, 400, 800):
        _, state = driven(law, jnp.full(steps, volts), 0.2 / steps, jnp.full(1, 0.4))
        errors.append(abs(float(state[-1, 0]) - exact))
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.05)


def test_windows_are_their_formulas():
    x, up, down = jnp.linspace(0, 1, 11), jnp.ones(11), -jnp.ones(11)
    at = np.asarray(x)
    for p in (1, 2, 7):
        joglekar, biolek = jaxnn.JoglekarWindow(p), jaxnn.BiolekWindow(p)
        np.testing.assert_allclose(joglekar.factor(x, up), 1 - (2 * at - 1) ** (2 * p), atol=1e-15)
        np.testing.assert_allclose(biolek.factor(x, up), 1 - at ** (2 * p), atol=1e-15)
        np.testing.assert_allclose(biolek.factor(x, down), 1 - (at - 1) ** (2 * p), atol=1e-15)
        prodromakis = jaxnn.ProdromakisWindow(p, 3.0).factor(x, down)
        np.testing.assert_allclose(prodromakis, 3 * (1 - ((at - 0.5) ** 2 + 0.75) ** p), atol=1e-14)
    np.testing.assert_allclose(jaxnn.ProdromakisWindow().factor(x, up), at * (1 - at), atol=1e-15)


@pytest.mark.parametrize("window", [jaxnn.JoglekarWindow, jaxnn.BiolekWindow, jaxnn.ProdromakisWindow])
def test_only_one_window_lets_a_state_back(window):
    law = in_window(window(2))
    for end, volts in ((1.0, -1.0), (0.0, 1.0)):
        left = abs(law.update(jnp.full(1, end), jnp.full(1, volts), 1e-3)[0] - end)
        assert (left > 1e-5) == (window is jaxnn.BiolekWindow)


def test_windows_have_gradients_at_their_ends():
    """Where a power of zero could make NaN of one."""
    factor = lambda x, power, window: jnp.sum(window(power).factor(x, jnp.ones(3)))
    for window in (jaxnn.JoglekarWindow, jaxnn.BiolekWindow):
        for power in (1.0, 1.5, 2.0):
            for found in jax.grad(factor, argnums=(0, 1))(jnp.array([0.0, 0.5, 1.0]), power, window):
                assert np.isfinite(found).all()


def test_decay_alone_is_exact():
    law = jaxnn.parameters.kasdorf2025()
    setup = {"terminals": (0, 1), "dt": 0.1, "steps": 30, "state": jnp.full(1, 0.8), "record": "state"}
    run = jaxnn.simulate(line(1), law, jaxnn.Constant(0.0), **setup)
    np.testing.assert_allclose(run.state[:, 0], 0.8 * np.exp(-run.time), rtol=1e-12)


@pytest.mark.parametrize("polar", [True, False])
def test_drift_with_decay_against_an_integrator(polar):
    """To first order in the step, and where a voltage that stays brings it."""
    law = jaxnn.parameters.kasdorf2025(polar)
    speed = 1e-14 * 10 / 1e-16
    volts = lambda t: 3 * np.sin(2 * np.pi * t)

    def flow(t, x):
        v = volts(t) if polar else abs(volts(t))
        return speed * v / (10 * x + 1600 * (1 - x)) * x * (1 - x) - x

    exact = solve_ivp(flow, (0, 1), [0.3], method="DOP853", rtol=1e-12, atol=1e-14, max_step=0.01).y[0, -1]
    errors = []
    for steps in (400, 800):
        _, state = driven(law, sine(3.0, steps), 1 / steps, jnp.full(1, 0.3))
        errors.append(abs(float(state[-1, 0]) - exact))
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    # x = 0 or speed v (1 - x) = R(x): there are both, and the voltage says which it is.
    _, held = driven(law, jnp.full(4000, 3.0), 0.01, jnp.full(1, 0.3))
    np.testing.assert_allclose(held[-1, 0], (speed * 3 - 1600) / (speed * 3 - 1590), rtol=1e-9)
    _, lost = driven(law, jnp.full(4000, 0.5), 0.01, jnp.full(1, 0.3))
    assert lost[-1, 0] < 1e-9


def test_polarity():
    """Reversed edges and reversed voltages are the same; what dopes under both signs has no side."""
    state, voltage = jnp.array([0.3, 0.3]), jnp.array([2.0, -2.0])
    polar, alike = (jaxnn.parameters.kasdorf2025(p).update(state, voltage, 0.1) for p in (True, False))
    assert polar[0] > polar[1]
    assert alike[0] == alike[1] == polar[0]
