"""Growth of small differences: exact rates, finite differences, and what their gradients say."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line, small_network


DT = 1e-3


class Linear(jaxnn.AbstractJunction):
    """A state that decays at rates of its own: the exponents are known."""

    rates: jax.Array

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return jnp.full_like(state, 1e-4)

    def update(self, state, voltage, dt):
        return state + dt * (voltage - self.rates * state)

    def critical_state(self):
        return jnp.inf


def test_rates_of_a_linear_network():
    rates = jnp.array([3.0, 1.0, 2.0])
    spectrum = jaxnn.lyapunov_exponents(
        line(3), Linear(rates), jaxnn.Constant(1.0), terminals=(0, 3), dt=DT, steps=20_000, count=3
    )
    expected = np.log(1 - DT * np.array([1.0, 2.0, 3.0])) / DT
    # The differences turn to their directions within 1 / (2 - 1) s of 20 s.
    np.testing.assert_allclose(spectrum.growth[100:].mean(0), expected, rtol=1e-3)
    assert spectrum.growth.shape == (200, 3)


@pytest.mark.parametrize("interval", [100, 200])
def test_growth_beyond_a_square_in_single_precision(interval):
    # (1 + 0.6)^100 = e^47, whose square is no float32; e^94 is none itself, and said to be NaN.
    rates = jnp.full(3, -600, jnp.float32)
    drive = jaxnn.Constant(jnp.float32(0.0))
    setup = {"terminals": (0, 3), "dt": jnp.float32(DT), "steps": 400, "interval": interval}
    exponent = jaxnn.lyapunov_exponents(line(3), Linear(rates), drive, **setup).exponents[0]
    assert exponent.dtype == jnp.float32
    if interval == 100:
        np.testing.assert_allclose(exponent, np.log(1.6) / DT, rtol=1e-5)
    else:
        assert jnp.isnan(exponent)


def test_growth_is_that_of_a_finite_difference():
    network, terminals, _ = small_network(n_wires=12)
    junction, drive = jaxnn.TunnelJunction(), jaxnn.Sine(1.5, 1.0)
    state = jnp.asarray(np.random.default_rng(1).uniform(7e-3, 9.9e-3, network.n_junctions))
    run = lambda state: (
        jaxnn.simulate(
            network, junction, drive, terminals=terminals, dt=DT, steps=100, state=state
        ).final_state
    )
    key = jax.random.key(3)
    spectrum = jaxnn.lyapunov_exponents(
        network, junction, drive, terminals=terminals, dt=DT, steps=100, state=state, key=key
    )
    start = jax.random.normal(key, (1, network.n_junctions))[0]
    step = 1e-9 * start / jnp.linalg.norm(start)
    grown = jnp.linalg.norm(run(state + step) - run(state - step)) / jnp.linalg.norm(2 * step)
    np.testing.assert_allclose(spectrum.exponents[0], jnp.log(grown) / (100 * DT), rtol=1e-5)
    np.testing.assert_array_equal(spectrum.final_state, run(state))
    assert int(spectrum.final_step) == 100


def test_clamped_states_give_minus_infinity():
    """Above the largest flux all differences vanish exactly; neither value nor gradient is NaN."""
    exponent = lambda volts: jaxnn.lyapunov_exponents(
        line(1),
        jaxnn.TunnelJunction(),
        jaxnn.Constant(volts),
        terminals=(0, 1),
        dt=DT,
        steps=200,
        interval=50,
        count=1,
    ).exponents[0]
    value, slope = jax.value_and_grad(exponent)(1.0)
    assert value == -jnp.inf
    assert not jnp.isnan(slope)


def test_gradient_of_an_exponent():
    """Reverse over forward agrees with central differences, through one window that is the run."""
    network, terminals, _ = small_network(n_wires=12)
    state = jnp.asarray(np.random.default_rng(1).uniform(7e-3, 9.9e-3, network.n_junctions))

    @jax.jit
    def exponent(amplitude, window=60):
        return jaxnn.lyapunov_exponents(
            network,
            jaxnn.TunnelJunction(),
            jaxnn.Sine(amplitude, 1.0),
            terminals=terminals,
            dt=DT,
            steps=60,
            interval=20,
            state=state,
            window=window,
        ).exponents[0]

    gradient = jax.jit(jax.grad(exponent))
    slope = gradient(1.5, 60)
    h = 1e-6
    np.testing.assert_allclose(slope, (exponent(1.5 + h) - exponent(1.5 - h)) / (2 * h), rtol=1e-5)
    # Windows cut the gradient and leave the value.
    assert exponent(1.5, 20) == exponent(1.5)
    assert abs(gradient(1.5, 20) / slope - 1) > 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 150}, "multiple of interval"),
        ({"count": 4}, "exceeds the 3 memristive junctions"),
        ({"interval": 0}, "at least 1"),
        ({"window": 150}, "window=150 must be a multiple of interval=100"),
    ],
)
def test_bad_counts(change, message):
    arguments = {"terminals": (0, 3), "dt": DT, "steps": 100} | change
    with pytest.raises(ValueError, match=message):
        jaxnn.lyapunov_exponents(line(3), jaxnn.TunnelJunction(), jaxnn.Constant(1.0), **arguments)


def test_ensemble_is_refused():
    ensemble: Any = jaxnn.Ensemble([line(2), line(3)])
    with pytest.raises(ValueError, match=r"must be a jaxnn\.Network, got Ensemble"):
        jaxnn.lyapunov_exponents(
            ensemble,
            jaxnn.TunnelJunction(),
            jaxnn.Constant(1.0),
            terminals=[(0, 2), (0, 3)],
            dt=DT,
            steps=100,
        )
