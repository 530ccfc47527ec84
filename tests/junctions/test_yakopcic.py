"""The generalised memristor against its published formulas, and in a network."""

import jax.numpy as jnp
import numpy as np

import jaxnn
from single_junctions import driven, sine


LAW = jaxnn.parameters.yakopcic2013()


def motion(x, v):
    """As the published subcircuit writes it."""
    g = 0.0
    if v > 0.16:
        g = 4000 * (np.exp(v) - np.exp(0.16))
    elif v < -0.15:
        g = -4000 * (np.exp(-v) - np.exp(0.15))
    f = 1.0
    if g > 0 and x >= 0.3:
        f = np.exp(-1 * (x - 0.3)) * ((0.3 - x) / (1 - 0.3) + 1)
    elif g < 0 and x <= 1 - 0.5:
        f = np.exp(5 * (x + 0.5 - 1)) * x / (1 - 0.5)
    return g * f


def test_a_loop_against_numpy():
    """Of 0.45 V and 100 Hz, as the device was measured."""
    steps = 1000
    drive, dt = np.asarray(sine(0.45, steps, 2)), 0.02 / steps
    x, expected = 0.11, []
    for v in drive:
        current = 0.17 * x * np.sinh(0.05 * v)
        x = min(max(x + dt * motion(x, v), 0.0), 1.0)
        expected.append((current, x))
    current, state = driven(LAW, jnp.asarray(drive), dt, LAW.init_state(1))
    np.testing.assert_allclose(current[:, 0], [i for i, _ in expected], rtol=1e-10)
    np.testing.assert_allclose(state[:, 0], [x for _, x in expected], rtol=1e-10)
    assert 0 < state.min() < 0.1
    assert 0.9 < state.max() < 1


def test_nothing_moves_between_the_thresholds():
    state = jnp.linspace(0.1, 0.9, 5)
    for volts in (-0.15, 0.0, 0.16):
        np.testing.assert_array_equal(LAW.update(state, jnp.full(5, volts), 1.0), state)


def test_no_bound_holds_a_state():
    """It slows down towards both and comes back at full speed."""
    at_both = jnp.array([0.0, 1.0])
    np.testing.assert_allclose(LAW.rate(at_both, jnp.full(2, 0.4)), [motion(0.0, 0.4), 0], atol=1e-12)
    np.testing.assert_allclose(LAW.rate(at_both, jnp.full(2, -0.4)), [0, motion(1.0, -0.4)], atol=1e-12)


def test_each_sign_has_its_current():
    law = jaxnn.YakopcicJunction(positive_current=1e-3, negative_current=2e-4, curvature=3.0)
    current = law.current(jnp.full(2, 0.5), jnp.array([0.4, -0.4]))
    np.testing.assert_allclose(current, 0.5 * np.sinh(1.2) * np.array([1e-3, -2e-4]), rtol=1e-12)


def test_in_a_network():
    """Kirchhoff's law, with currents that are no conductances times voltages."""
    law = jaxnn.YakopcicJunction(curvature=8.0, positive_current=1e-3)
    bridge = jaxnn.Network(4, [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2)])
    setup = {"terminals": (0, 3), "dt": 1e-5, "steps": 20, "record": ("kirchhoff_residual", "state")}
    run = jaxnn.simulate(bridge, law, jaxnn.Constant(0.9), state=jnp.linspace(0.1, 0.9, 5), **setup)
    assert run.result == jaxnn.Result.successful
    assert float(jnp.abs(run.kirchhoff_residual).max()) < 1e-9
    assert float(jnp.ptp(run.state, axis=0).max()) > 0.1
