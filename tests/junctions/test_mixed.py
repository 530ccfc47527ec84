"""Several laws in one network: each alone, against one written by hand, and under every transform."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import jaxnn
from helpers import assert_same, relative_difference, small_network


NETWORK, TERMINALS, _ = small_network(n_wires=20)
N = NETWORK.n_junctions
DRIVE = jaxnn.Sine(0.3, 5.0)
TUNNEL, BINARY = jaxnn.TunnelJunction(boost=3.0), jaxnn.BinaryJunction(critical_flux=5e-3)
RANDOM = jaxnn.OrnsteinUhlenbeckJunction(noise=0.1)
HALF = np.random.default_rng(0).integers(0, 2, N)
KEY = jr.key(3)


class ByHand(jaxnn.AbstractJunction):
    """Both laws for all junctions, of which one is chosen."""

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return jnp.where(HALF == 0, TUNNEL.conductance(state), BINARY.conductance(state))

    def update(self, state, voltage, dt):
        return jnp.where(HALF == 0, TUNNEL.update(state, voltage, dt), BINARY.update(state, voltage, dt))

    def critical_state(self):
        return jnp.where(HALF == 0, 1e-2, 5e-3)

    def state_bounds(self):
        return -1.5e-2, 1.5e-2


def run(law, network: Any = NETWORK, terminals=TERMINALS, **changes):
    record = ("state", "junction_conductance")
    setup = {"terminals": terminals, "dt": 2e-3, "steps": 40, "record": record} | changes
    return jaxnn.simulate(network, law, DRIVE, **setup)


ALONE = {
    "tunnel": TUNNEL,
    "compensated": jaxnn.TunnelJunction(compensated=True),
    "random": jaxnn.WithReadNoise(RANDOM, 0.1),
    "straight through": jaxnn.StraightThrough(jaxnn.SmoothJunction(TUNNEL, 3.0)),
}


@pytest.mark.parametrize(
    ("name", "place"), [("tunnel", 0), ("random", 1), ("compensated", 1), ("straight through", 0)]
)
def test_one_law_for_all_is_that_law(name, place):
    law = ALONE[name]
    laws = [law, BINARY] if place == 0 else [jaxnn.Resistor(1e-3), law]
    mixed = jaxnn.MixedJunction(laws, np.full(N, place))
    ours, wanted = run(mixed, key=KEY), run(law, key=KEY)
    for field in ("conductance", "state", "junction_conductance", "largest_change", "cause"):
        assert_same(getattr(ours, field), getattr(wanted, field))


def test_two_laws_are_those_written_by_hand():
    mixed = jaxnn.MixedJunction([TUNNEL, BINARY], HALF)
    ours, wanted = run(mixed), run(ByHand())
    for field in ("conductance", "state", "largest_change"):
        assert relative_difference(getattr(ours, field), getattr(wanted, field)) < 1e-12
    np.testing.assert_array_equal(mixed.critical_state(), ByHand().critical_state())
    first = jnp.where(jnp.arange(N) < 7, 0, 1)  # in a row: nothing is gathered
    rows = jaxnn.MixedJunction([TUNNEL, BINARY], np.asarray(first))
    state = run(rows).state[-1]
    assert_same(rows.conductance(state)[:7], TUNNEL.conductance(state[:7]))
    assert_same(rows.conductance(state)[7:], BINARY.conductance(state[7:]))


def test_laws_with_other_numbers_of_variables():
    compensated = jaxnn.BinaryJunction(compensated=True)
    mixed = jaxnn.MixedJunction([compensated, jaxnn.Resistor(1e-6), TUNNEL], np.arange(N) % 3)
    state = mixed.init_state(N)
    assert state.shape == (2, N)
    low, high = map(np.asarray, mixed.state_bounds())
    assert (high[1] == np.inf).all()
    assert (low[1] == -np.inf).all()
    assert (high[0, 2::3] == 1.5e-2).all()
    assert np.isinf(high[0, 1::3]).all()
    scale = np.asarray(mixed.critical_state())
    assert np.isinf(scale[1, 1:3]).all()
    assert np.isinf(scale[0, 1::3]).all()
    assert (scale[0, 0::3] == 1e-2).all()
    assert not mixed.keeps_rounding()
    ours = run(mixed, every=40)
    assert (ours.state[0, 1, 1::3] == 0).all()
    assert (ours.state[0, 1, 2::3] == 0).all()
    plain = jaxnn.MixedJunction([jaxnn.BinaryJunction(), jaxnn.Resistor(1e-6), TUNNEL], np.arange(N) % 3)
    assert relative_difference(ours.conductance, run(plain, every=40).conductance) < 1e-9
    assert ours.cause == 0


def test_each_has_parameters_of_its_own_junctions():
    count = int((HALF == 1).sum())
    own = jaxnn.Resistor(jnp.linspace(1e-6, 1e-5, count))
    mixed = jaxnn.MixedJunction([TUNNEL, own], HALF)
    found = run(mixed).junction_conductance[-1]
    np.testing.assert_array_equal(found[HALF == 1], own.conductance_value)
    wrong = jaxnn.MixedJunction([TUNNEL, jaxnn.Resistor(jnp.ones(N))], HALF)
    with pytest.raises(ValueError, match=f"the parameters of Resistor do not fit {count} junctions"):
        run(wrong)
    with pytest.raises(ValueError, match=f"has {N} numbers and the network 5 junctions"):
        jaxnn.simulate(
            jaxnn.Network(4, [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2)]),
            mixed,
            DRIVE,
            terminals=(0, 3),
            dt=1e-3,
            steps=2,
        )


def test_transforms():
    def loss(flux, conductance):
        laws = [jaxnn.TunnelJunction(critical_flux=flux), jaxnn.Resistor(conductance)]
        mixed = jaxnn.MixedJunction(laws, HALF)
        return jnp.log(run(mixed, state=jnp.full(N, 8e-3), record=()).conductance[-1])

    loss = jax.jit(loss)
    at = (1.1e-2, 1e-6)
    slopes = jax.grad(loss, argnums=(0, 1))(*at)
    for i, slope in enumerate(slopes):
        step = 1e-6 * at[i]
        up, down = ([*at[:i], at[i] + s, *at[i + 1 :]] for s in (step, -step))
        np.testing.assert_allclose(slope, (loss(*up) - loss(*down)) / (2 * step), rtol=1e-6)
    fluxes = jnp.array([1e-2, 1.1e-2, 1.3e-2])
    batch = jax.jit(jax.vmap(loss, in_axes=(0, None)))(fluxes, 1e-6)
    np.testing.assert_allclose(batch, [loss(x, 1e-6) for x in fluxes], rtol=1e-12)


def test_an_ensemble_is_its_networks():
    other, terminals, _ = small_network(seed=1, n_wires=16)
    both = jaxnn.Ensemble([NETWORK, other])
    own = np.arange(other.n_junctions) % 2
    laws = [TUNNEL, jaxnn.Resistor(1e-6)]
    together = run(
        jaxnn.MixedJunction(laws, np.concatenate([HALF, own])), both, [TERMINALS, terminals], record=()
    )
    alone = [
        run(jaxnn.MixedJunction(laws, HALF), record=()),
        run(jaxnn.MixedJunction(laws, own), other, terminals, record=()),
    ]
    for i, solution in enumerate(alone):
        np.testing.assert_allclose(together.conductance[:, i], solution.conductance, rtol=1e-9)


def test_laws_draw_different_numbers():
    noisy = jaxnn.WithReadNoise(jaxnn.Resistor(1e-3), 0.1)
    mixed = jaxnn.MixedJunction([noisy, noisy], np.arange(N) % 2)
    found = run(mixed, key=KEY).junction_conductance
    n = min(N // 2, N - N // 2)
    assert jnp.all(found[:, 0::2][:, :n] != found[:, 1::2][:, :n])


def test_single_precision_watch_is_of_each_law():
    kept, lost = jaxnn.TunnelJunction(compensated=True), jaxnn.TunnelJunction()
    state = jnp.zeros((2, N), jnp.float32)
    short = {"dt": 1e-7, "state": state, "record": ()}
    assert run(jaxnn.MixedJunction([kept, jaxnn.Resistor(1e-6)], HALF), **short).cause == 0
    with pytest.warns(jaxnn.NumericalWarning, match="rounding"):
        assert run(jaxnn.MixedJunction([kept, lost], HALF), **short).cause != 0


def test_a_rate_if_all_have_one():
    mixed = jaxnn.MixedJunction([TUNNEL, jaxnn.Resistor(1e-6)], HALF)
    equation = jaxnn.StateEquation(NETWORK, mixed, DRIVE, terminals=TERMINALS)
    rate = equation(0.05, equation.initial_state)
    assert (rate[HALF == 1] == 0).all()
    assert jnp.any(rate != 0)
    steps = jaxnn.MixedJunction([TUNNEL, jaxnn.SmoothJunction(TUNNEL, 3.0)], HALF)
    with pytest.raises(ValueError, match="SmoothJunction has steps only"):
        jaxnn.StateEquation(NETWORK, steps, DRIVE, terminals=TERMINALS)


def test_one_program_for_equal_assignments():
    make = lambda: jaxnn.MixedJunction([TUNNEL, BINARY], HALF.copy())
    assert jax.tree.structure(make()) == jax.tree.structure(make())
    assert hash(make().assignment) == hash(make().assignment)
    assert make().assignment != jaxnn.MixedJunction([TUNNEL, BINARY], 1 - HALF).assignment


@pytest.mark.parametrize(
    ("laws", "numbers", "message"),
    [
        ([], [0], "laws must be a sequence"),
        ([TUNNEL, DRIVE], [0, 1], r"laws\[1\] must be"),
        ([TUNNEL], [0, 1], "from 0 to 0"),
        ([TUNNEL, BINARY], [0.5, 1], "whole numbers"),
        ([TUNNEL, BINARY], [-1, 1], "at least 0"),
    ],
)
def test_refusals(laws, numbers, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.MixedJunction(laws, numbers)
