"""Junction laws: against the plain NumPy ones, their limits, their gradients, a law of one's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
import numpy_simulator as plain
from helpers import line, relative_difference


FLUX = np.concatenate([np.linspace(-1.6e-2, 1.6e-2, 161), [0.0, 1e-2, -1e-2, 9.999e-3]])


def both(**changes):
    """The same parameters for the library and for the plain simulator."""
    return jaxnn.TunnelJunction(**changes), plain.Parameters(**changes)


@pytest.mark.parametrize("power", [1, 2])
def test_tunnel_conductance(power):
    ours, reference = both(prefactor_power=power, off_conductance=1e-8)
    expected = plain.tunnel_conductance(FLUX, reference)
    assert relative_difference(ours.conductance(jnp.asarray(FLUX)), expected) < 1e-13


def test_closed_gap_conducts_on_plus_off():
    ours = jaxnn.TunnelJunction()
    conductance = ours.conductance(jnp.asarray([0.0, 1e-2, 1.5e-2, -1.2e-2]))
    on = 7.77e-5 + 7.77e-8
    np.testing.assert_allclose(conductance, [7.77e-8, on, on, on], rtol=1e-12)


def test_binary_conductance():
    ours = jaxnn.BinaryJunction()
    expected = plain.binary_conductance(FLUX, plain.Parameters())
    np.testing.assert_array_equal(ours.conductance(jnp.asarray(FLUX)), expected)


@pytest.mark.parametrize("law", [jaxnn.TunnelJunction, jaxnn.BinaryJunction])
@pytest.mark.parametrize("one_sided", [False, True])
def test_update(law, one_sided):
    rng = np.random.default_rng(0)
    flux = rng.uniform(-1.5e-2, 1.5e-2, 4000)
    flux[:1000] *= 1e-3  # near zero, where the two resets differ
    voltage = rng.choice([0.0, 5e-3, -5e-3, 1e-2, -1e-2], 4000)
    voltage[::2] = rng.uniform(-3e-2, 3e-2, 2000)
    expected = plain.update_state(flux, voltage, 1e-3, plain.DC, one_sided)
    ours = law(one_sided_reset=one_sided).update(jnp.asarray(flux), jnp.asarray(voltage), jnp.asarray(1e-3))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-17)


def test_parameters_per_junction():
    rng = np.random.default_rng(1)
    changes = {
        "on_conductance": rng.uniform(5e-5, 9e-5, FLUX.size),
        "critical_flux": rng.uniform(8e-3, 1.2e-2, FLUX.size),
        "barrier_height": rng.uniform(0.7, 0.9, FLUX.size),
        "max_gap": rng.uniform(4e-9, 6e-9, FLUX.size),
    }
    ours, reference = both(**changes)
    expected = plain.tunnel_conductance(FLUX, reference)
    assert relative_difference(ours.conductance(jnp.asarray(FLUX)), expected) < 1e-13


def test_no_overflow_in_float32():
    """A gap so wide that its resistance is beyond float32: conductance and gradient stay finite."""
    law = jaxnn.TunnelJunction(max_gap=jnp.float32(2e-8), off_conductance=jnp.float32(0))
    total = lambda flux: law.conductance(flux).sum()
    value, gradient = jax.value_and_grad(total)(jnp.linspace(-1e-2, 1e-2, 11, dtype=jnp.float32))
    assert jnp.isfinite(value)
    assert jnp.isfinite(gradient).all()


def test_conductance_gradient():
    """Away from the kinks at zero and at the critical flux, to finite differences."""
    law = jaxnn.TunnelJunction()
    flux = jnp.asarray(np.r_[np.linspace(7e-3, 9.9e-3, 30), np.linspace(-9.9e-3, -7e-3, 30)])
    step = 1e-8
    finite = (law.conductance(flux + step) - law.conductance(flux - step)) / (2 * step)
    exact = jax.vmap(jax.grad(lambda x: law.conductance(x[None])[0]))(flux)
    assert relative_difference(exact, finite) < 1e-6


def test_published_sets():
    dc, ac = jaxnn.parameters.hochstetter2021_dc(), jaxnn.parameters.hochstetter2021_ac()
    assert dc.one_sided_reset
    assert ac.one_sided_reset
    assert not jaxnn.TunnelJunction().one_sided_reset
    for ours, reference in ((dc, plain.DC), (ac, plain.AC)):
        for name, value in vars(reference).items():
            assert float(getattr(ours, name)) == value, name


class Miranda(jaxnn.AbstractJunction):
    """A user's own law: the rate-balance model of Miranda and Milano, with its exact step."""

    growth: float = 1e-4
    decay: float = 0.5

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return 1e-3 * (1 - state) + 0.1 * state

    def update(self, state, voltage, dt):
        up, down = self.growth * jnp.exp(10 * abs(voltage)), self.decay * jnp.exp(-abs(voltage))
        end = up / (up + down)
        return end + (state - end) * jnp.exp(-(up + down) * dt)

    def critical_state(self):
        return 1.0


def test_law_of_ones_own():
    """One junction at a fixed voltage follows the exact solution of its rate equation."""
    solution = jaxnn.simulate(line(1), Miranda(), jaxnn.Constant(1.0), terminals=(0, 1), dt=1e-2, steps=50)
    up, down = 1e-4 * np.exp(10), 0.5 * np.exp(-1)
    state = up / (up + down) * (1 - np.exp(-(up + down) * 0.49))
    assert abs(solution.conductance[-1] - (1e-3 * (1 - state) + 0.1 * state)) < 1e-14


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"on_conductance": -1e-5}, "on_conductance must be greater than 0 S, got -1e-05"),
        ({"off_conductance": -1e-9}, "off_conductance must be at least 0 S"),
        ({"off_conductance": jnp.asarray([1e-8, -1e-9])}, "got -1e-09"),
        ({"set_voltage": np.nan}, "set_voltage must be finite"),
        ({"reset_voltage": 2e-2}, "reset_voltage must not exceed set_voltage"),
        ({"critical_flux": 0.0}, "critical_flux must be greater than 0"),
        ({"max_flux": -1.0}, "max_flux must be greater than 0"),
        ({"boost": -1.0}, "boost must be at least 0"),
        ({"barrier_height": 0.0}, "barrier_height must be greater than 0 V"),
        ({"filament_area": 0.0}, "filament_area must be greater than 0"),
        ({"max_gap": -5e-9}, "max_gap must be greater than 0 m"),
        ({"prefactor_power": 3}, "prefactor_power must be 1 or 2, got 3"),
    ],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.TunnelJunction(**changes)


def test_bad_resistor():
    with pytest.raises(ValueError, match="conductance must be at least 0 S, got -1"):
        jaxnn.Resistor(-1.0)


def test_compensation_keeps_what_float32_rounds_away():
    """A million steps of 1e-9 V s onto a state of 5 mV s, where float32 resolves 4.7e-10."""
    law = jaxnn.TunnelJunction(compensated=True)
    state = jnp.asarray([[5e-3], [0.0]], jnp.float32)
    voltage, dt = jnp.asarray([1.013e-2], jnp.float32), jnp.float32(1e-5)
    step = lambda _, state: law.update(state, voltage, dt).astype(jnp.float32)
    flux, remainder = jax.jit(lambda s: jax.lax.fori_loop(0, 1_000_000, step, s))(state)
    exact = 5e-3 + 1e6 * 1e-5 * (float(voltage[0]) - 1e-2)
    plainly = jax.jit(
        lambda s: jax.lax.fori_loop(
            0, 1_000_000, lambda _, s: jaxnn.TunnelJunction().update(s, voltage, dt).astype(s.dtype), s
        )
    )(state[0])
    assert abs(float(flux[0] + remainder[0]) - exact) < 2e-8  # the rounding of V - V_set itself
    assert abs(float(plainly[0]) - exact) > 5e-5


def test_compensated_equals_plain_in_float64():
    rng = np.random.default_rng(2)
    flux, voltage = rng.uniform(-1.5e-2, 1.5e-2, 4000), rng.uniform(-3e-2, 3e-2, 4000)
    flux[::3] *= 1e-3
    flux, voltage = jnp.asarray(flux), jnp.asarray(voltage)
    plainly = jaxnn.TunnelJunction().update(flux, voltage, 1e-3)
    law = jaxnn.TunnelJunction(compensated=True)
    state = law.update(jnp.stack([flux, 0 * flux]), voltage, 1e-3)
    np.testing.assert_allclose(state[0], plainly, rtol=0, atol=1e-17)
    with pytest.raises(ValueError, match="compensated works with the symmetric reset"):
        jaxnn.TunnelJunction(compensated=True, one_sided_reset=True)


def test_threshold_voltage():
    """n V_set of each network, which a passive junction does not lengthen; laws without one are refused."""
    padded = jaxnn.Network(
        4, [(0, 1), (1, 2), (2, 3)], passive=[False, False, True], passive_conductance=1.0
    )
    law = jaxnn.TunnelJunction(set_voltage=0.02)
    assert jaxnn.threshold_voltage(line(4), (0, 4), law) == 0.08
    assert jaxnn.threshold_voltage(padded, (3, 0), law) == 0.04
    several = jaxnn.Ensemble([line(4), line(7)])
    np.testing.assert_allclose(jaxnn.threshold_voltage(several, [(0, 4), (0, 7)], law), [0.08, 0.14])
    for other in (jaxnn.Resistor(1e-5), jaxnn.TunnelJunction(set_voltage=jnp.full(4, 0.02)), None):
        with pytest.raises(ValueError, match="one set_voltage for all junctions"):
            jaxnn.threshold_voltage(line(4), (0, 4), other)
    assert jaxnn.TunnelJunction().on_conductance == jaxnn.G0
