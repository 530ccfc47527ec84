"""The drift and diffusion of protons against conserved quantities, exact laws and finer meshes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import jaxnn
import jaxnn_kernels as jk


P = jaxnn.Programme
TRANSPORT = jaxnn.ProtonTransport(cells=40)
CLOUD, TRAPS, WIDTH = TRANSPORT.device.cloud(), TRANSPORT.traps(), TRANSPORT.width
PULSE = P.pulse(3.0, 1e-6) + P.rest(1.0)


@pytest.fixture(scope="module")
def pulsed():
    return jaxnn.simulate_transport(TRANSPORT, PULSE)


def test_hydrogen_is_conserved_and_positive(pulsed):
    amount = jax.vmap(jax.vmap(TRANSPORT.hydrogen))(pulsed.state)
    np.testing.assert_allclose(amount, TRANSPORT.hydrogen(TRANSPORT.init_state()), rtol=1e-12)
    assert (pulsed.state.mobile >= 0).all()
    assert (pulsed.state.bound >= 0).all()
    assert (pulsed.state.bound <= TRANSPORT.bound_capacity).all()


def test_any_step_is_safe():
    state = TRANSPORT.init_state()
    for dt in (1e-12, 1e-6, 1.0, 1e7):
        after, _ = jk.transport_step(
            CLOUD, TRAPS, state, jnp.asarray(dt), jnp.asarray(1.0), TRANSPORT.width
        )
        assert all(jnp.isfinite(x).all() for x in after)
        assert after.mobile.min() >= -1e-15
        np.testing.assert_allclose(TRANSPORT.hydrogen(after), TRANSPORT.hydrogen(state), rtol=1e-12)


def test_lowers_for_cuda():
    step = jax.jit(
        lambda state: jk.transport_step(CLOUD, TRAPS, state, jnp.asarray(1e-9), jnp.asarray(1.0), WIDTH)
    )
    lowered = export.export(step, platforms=["cuda"])(TRANSPORT.init_state())
    assert "callback" not in lowered.mlir_module()


def test_the_current_is_the_same_everywhere(pulsed):
    """The terminal voltage is that of the cells and of the leads; J is not assumed but found."""
    last = jax.tree.map(lambda x: x[0, -1], pulsed.state)
    across = float(jnp.sum(last.field) * TRANSPORT.width)
    leads = float(pulsed.current[0, -1] * TRANSPORT.device.series_resistance)
    assert across + leads == pytest.approx(3.0, rel=1e-9)


@pytest.mark.parametrize("field", [-5e7, 0.0, 1e5, 1.3e7, 5e7])
@pytest.mark.parametrize("cells", [10, 200])
def test_rates_give_the_hopping_drift(field, cells):
    """Onwards less back is (2 D / a) sinh u for cells of any width; their mean is D at no field."""
    width = jnp.asarray(TRANSPORT.device.gap_length / cells)
    rates = jk.hop_rates(CLOUD, jnp.full(1, field), jnp.asarray(300.0), width)
    u = 1.602176634e-19 * 4e-9 * field / (2 * 1.380649e-23 * 300)
    drift = float((rates[0] - rates[1])[0] * width)
    assert drift == pytest.approx(2 * 1e-14 / 4e-9 * np.sinh(u), rel=1e-9, abs=1e-18)
    if field == 0:
        assert float(rates[0][0] * width**2) == pytest.approx(1e-14, rel=1e-6)


def test_detailed_balance_at_rest():
    """Without a field: mobile protons level out, and capture equals release in every cell."""
    state = TRANSPORT.init_state(mobile=0.1, bound=0.05)
    rest = P.rest(200.0, resolution=200.0).with_steps(1000)  # binding and transport take turns
    end = jaxnn.simulate_transport(TRANSPORT, rest, state=state).final_state
    np.testing.assert_allclose(end.mobile, end.mobile[0], rtol=1e-6)
    ratio = np.exp(-float(TRANSPORT.binding_energy) / 8.617333262e-5 / 300)
    free = float(TRANSPORT.bound_capacity) - np.asarray(end.bound)
    np.testing.assert_allclose(end.mobile * free, ratio * np.asarray(end.bound), rtol=1e-6)


def test_diffusion_is_exact_in_the_limit():
    """A cosine decays by exp(-D k^2 t): order 2 in the cells at equal, fine steps."""
    errors = []
    for cells in (10, 20):
        transport = jaxnn.ProtonTransport(mobile_capacity=1e9, capture_energy=2.0, cells=cells)
        x, length = transport.positions(), float(transport.device.gap_length)
        wave = 0.1 + 0.05 * jnp.cos(np.pi * x / length)
        start = transport.init_state()._replace(mobile=wave, bound=0 * wave)
        rest = P.rest(0.05, resolution=0.05).with_steps(2000)
        end = jaxnn.simulate_transport(transport, rest, state=start).final_state
        exact = 0.05 * np.exp(-1e-14 * (np.pi / length) ** 2 * 0.05)
        amplitude = 2 / cells * jnp.sum((end.mobile - 0.1) * jnp.cos(np.pi * x / length))
        errors.append(abs(float(amplitude) / exact - 1))
    assert errors[1] < 2e-3
    assert errors[0] / errors[1] > 3


@pytest.mark.slow
def test_cells_and_steps_converge():
    def moved(cells, steps):
        transport = jaxnn.ProtonTransport(cells=cells)
        start = transport.init_state(40e-9, edge=5e-9)
        pulse = P.pulse(0.5, 1e-5, resolution=1e-6).with_steps(steps)
        end = jaxnn.simulate_transport(transport, pulse, state=start).final_state
        return float(transport.displaced_charge(end) - transport.displaced_charge(start))

    coarse, fine, finest = (moved(cells, 100) for cells in (25, 50, 100))
    assert abs(coarse - fine) > 2 * abs(fine - finest)
    assert moved(50, 400) == pytest.approx(fine, rel=2e-3)


def test_gradient_of_the_displaced_charge():
    def charge(volts):
        end = jaxnn.simulate_transport(TRANSPORT, P.pulse(volts, 1e-6)).final_state
        return TRANSPORT.displaced_charge(end)

    central = (charge(1.0 + 1e-4) - charge(1.0 - 1e-4)) / 2e-4
    np.testing.assert_allclose(jax.grad(charge)(1.0), central, rtol=1e-5)


def test_single_precision():
    transport, pulse = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), (TRANSPORT, P.pulse(1.0, 1e-6)))
    end = jaxnn.simulate_transport(transport, pulse).final_state
    exact = jaxnn.simulate_transport(TRANSPORT, P.pulse(1.0, 1e-6)).final_state
    assert end.mobile.dtype == jnp.float32
    np.testing.assert_allclose(end.mobile, exact.mobile, atol=2e-5)


def test_bad_input():
    with pytest.raises(ValueError, match="cells must be at least 2"):
        jaxnn.ProtonTransport(cells=1)
    with pytest.raises(ValueError, match="site_density"):
        jaxnn.ProtonTransport(site_density=-1.0)
    with pytest.raises(ValueError, match=r"one voltage, got voltages of shape \(1, 3\)"):
        jaxnn.simulate_transport(TRANSPORT, P.pulse(jnp.ones(3), 1e-6))
