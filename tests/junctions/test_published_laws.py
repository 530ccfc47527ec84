"""What all published laws keep to: gradients, batches, rates of their steps, refusals."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import jaxnn
from circuits import central
from single_junctions import driven, sine


P = jaxnn.parameters
# A law, the amplitude of a sine [V] and how long it takes [s], so that states move and come to no bound.
CASES: dict[str, tuple[Any, float, float]] = {
    "connectome": (P.milano2022_connectome(), 0.6, 5.0),
    "connectome as published": (P.milano2022_connectome(as_published=True), 0.6, 5.0),
    "pulses": (P.milano2022_pulses(), 0.01, 60.0),
    "reservoir": (P.milano2022_reservoir(), 0.5, 0.02),
    "linear drift": (P.strukov2008(), 1.0, 0.3),
    "Joglekar": (P.strukov2008(jaxnn.JoglekarWindow(1.5)), 1.0, 0.3),
    "Biolek": (P.strukov2008(jaxnn.BiolekWindow(1.5)), 1.0, 0.3),
    "Prodromakis": (P.strukov2008(jaxnn.ProdromakisWindow(1.5, 2.0)), 1.0, 0.3),
    "decaying drift": (P.kasdorf2025(polar=True), 3.0, 0.5),
    "decaying drift of both signs": (P.kasdorf2025(), 3.0, 0.5),
    "voltage thresholds": (P.kvatinsky2015(), 0.21, 2e-7),
    "exponential": (jaxnn.VteamJunction(exponential=True, window=jaxnn.BiolekWindow()), 0.21, 2e-7),
    "generalised": (P.yakopcic2013(), 0.45, 2e-3),
    "switches": (P.nugent2014(), 0.25, 1e-3),
    "filament": (jaxnn.VolatileFilamentJunction(), 0.5, 5e-3),
    "dynamic": (jaxnn.DynamicMemristorJunction(), 1.5, 0.05),
}
STEPS = 20
NO_WINDOW: Any = jaxnn.Constant(1.0)
# Of each form of an equation one in every run; tests/simulation/test_every_element.py has all families.
FEW = "connectome", "Biolek", "exponential", "generalised", "switches", "dynamic"
NO_RATE = "connectome as published", "switches"
each = pytest.mark.parametrize("name", CASES)
few = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in FEW)) for name in CASES]
)
with_a_rate = pytest.mark.parametrize("name", [name for name in CASES if name not in NO_RATE])


def begin(law):
    return jnp.array([0.27, 0.62]) * law.critical_state()


def loss_of(name):
    """One number of a run, of factors of the first state, the drive and each number of the law."""
    law, amplitude, period = CASES[name]
    flat, rebuild = ravel_pytree(jax.tree.map(jnp.asarray, law))

    def run(factor):
        drive = sine(amplitude * factor[1], STEPS)
        return driven(rebuild(flat * factor[2:]), drive, period / STEPS, begin(law) * factor[0])

    largest = jnp.abs(law.current(begin(law), jnp.full(2, amplitude))).max()

    def loss(factor):
        current, state = run(factor)
        return jnp.sum(jnp.sin(1 + current / largest)) + jnp.sum(jnp.sin(1 + state / law.critical_state()))

    return loss, 2 + len(flat)


@few
def test_gradients_and_batches(name):
    """Derivatives in every number are those of differences, and what is mapped is what a loop gives."""
    loss, n = loss_of(name)
    mapped, alone = jax.jit(jax.vmap(jax.value_and_grad(loss))), jax.jit(loss)
    ones, each_own = np.ones((n, n)), np.eye(n)
    expected = central(lambda factors: mapped(factors)[0], ones, each_own)
    value, gradient = mapped(ones)
    assert jnp.abs(gradient).max() > 1e-2
    np.testing.assert_allclose(jnp.diag(gradient), expected, rtol=1e-6, atol=1e-10 * float(value[0]))
    apart = ones + 0.05 * each_own
    np.testing.assert_allclose(mapped(apart)[0], [alone(x) for x in apart], rtol=1e-12)


@few
def test_states_move_within_their_bounds(name):
    """And far, or the other tests would see nothing."""
    law, amplitude, period = CASES[name]
    _, state = driven(law, sine(amplitude, STEPS), period / STEPS, begin(law))
    low, high = law.state_bounds()
    assert (state > low).all()
    assert (state < high).all()
    assert float(jnp.ptp(state, axis=0).min()) > 0.01 * law.critical_state()


@few
def test_single_precision(name):
    law, amplitude, period = CASES[name]
    if name == "switches":  # that draw other random numbers
        law = jaxnn.MetastableSwitchJunction(switches=1e16)
    run = lambda dtype: driven(
        law, sine(amplitude, STEPS).astype(dtype), period / STEPS, begin(law).astype(dtype)
    )
    current, state = run(jnp.float32)
    assert current.dtype == state.dtype == jnp.float32
    expected = run(jnp.float64)
    np.testing.assert_allclose(state, expected[1], rtol=1e-4, atol=2e-5 * law.critical_state())
    np.testing.assert_allclose(current, expected[0], rtol=5e-4, atol=1e-5 * np.abs(expected[0]).max())


@with_a_rate
def test_rates_are_those_of_short_steps(name):
    law, amplitude, period = CASES[name]
    state = jnp.linspace(0.1, 0.9, 9) * law.critical_state()
    for volts in (-1.3 * amplitude, -0.01 * amplitude, 0.0, 0.7 * amplitude):
        voltage, short = jnp.full(9, volts), 1e-8 * period
        moved = (law.update(state, voltage, short) - state) / short
        rate = law.rate(state, voltage)
        # The second term is what rounding leaves of a state's difference.
        np.testing.assert_allclose(moved, rate, rtol=2e-5, atol=1e-7 * law.critical_state() / period)


@with_a_rate
def test_rates_lead_past_no_bound(name):
    law, amplitude, _ = CASES[name]
    low, high = (jnp.broadcast_to(jnp.asarray(bound, float), (1,)) for bound in law.state_bounds())
    for volts in (-2 * amplitude, 0.0, 2 * amplitude):
        assert law.rate(low, jnp.full(1, volts))[0] >= 0
        assert law.rate(high, jnp.full(1, volts))[0] <= 0


@each
def test_a_law_begins_where_it_says(name):
    law = CASES[name][0]
    share = float(getattr(law, "start", 0.0))
    np.testing.assert_allclose(law.init_state(3), share * np.ones(3) * law.critical_state())
    if hasattr(law, "start"):
        each_own = jax.tree.map(lambda x: x, type(law)(start=[0.1, 0.2]))
        np.testing.assert_allclose(each_own.init_state(2) / each_own.critical_state(), [0.1, 0.2])


def test_defaults_are_the_parameters_of_their_papers():
    same = {
        jaxnn.RateBalanceJunction: P.milano2022_connectome(),
        jaxnn.LinearDriftJunction: P.strukov2008(),
        jaxnn.DecayingDriftJunction: P.kasdorf2025(polar=True),
        jaxnn.VteamJunction: P.kvatinsky2015(),
        jaxnn.YakopcicJunction: P.yakopcic2013(),
        jaxnn.MetastableSwitchJunction: P.nugent2014(),
    }
    for law, found in same.items():
        assert repr(law()) == repr(found)


REFUSED = {
    "negative rate": (lambda: jaxnn.RateBalanceJunction(decay_rate=0), "decay_rate must be"),
    "a start beyond": (lambda: jaxnn.LinearDriftJunction(start=1.5), "start must be a share"),
    "resistances": (lambda: jaxnn.LinearDriftJunction(on_resistance=1e6), "off_resistance must"),
    "no window": (lambda: jaxnn.VteamJunction(window=NO_WINDOW), "window .*AbstractWindow"),
    "a window that does not close": (lambda: jaxnn.JoglekarWindow(0.5), "power of a window"),
    "a decay in no time": (lambda: jaxnn.DecayingDriftJunction(decay_time=0), "decay_time must be"),
    "the sign of the paper": (lambda: jaxnn.VteamJunction(on_threshold=-0.2), "leave the sign"),
    "a knee at the end": (lambda: jaxnn.YakopcicJunction(growth_knee=1), "growth_knee must be below 1"),
    "no switch": (lambda: jaxnn.MetastableSwitchJunction(switches=0), "switches must be"),
    "no filament": (lambda: jaxnn.VolatileFilamentJunction(off_conductance=0), "off_conductance must be"),
    "no current": (lambda: jaxnn.DynamicMemristorJunction(tunnelling_current=-1), "tunnelling_current"),
    "a rate of steps": (
        lambda: P.milano2022_connectome(as_published=True).rate(jnp.zeros(1), jnp.zeros(1)),
        "set as_published=False",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        call()
