"""What a run says of itself when something is wrong: what, when and where."""

import dataclasses
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line


class Faulty(jaxnn.AbstractJunction):
    """A law whose second junction misbehaves from the third step on."""

    fault: str

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def _second(self, state, good, bad):
        return jnp.where((jnp.arange(state.size) == 1) & (state > 2.5e-3), bad, good)

    def conductance(self, state):
        bad = {"negative": -2e-3, "nan": jnp.nan, "infinite": jnp.inf}.get(self.fault, 1e-3)
        return self._second(state, jnp.full_like(state, 1e-3), bad)

    def update(self, state, voltage, dt):
        bad = {"state": jnp.nan, "bound": 2.0}.get(self.fault, 0.0)
        after = state + dt * jnp.ones_like(state)
        return self._second(state, after, bad) if bad else after

    def critical_state(self):
        return jnp.inf

    def state_bounds(self):
        return 0.0, 1.0


FAULTS = {
    "negative": jaxnn.Result.negative_conductance,
    "nan": jaxnn.Result.infinite_conductance,
    "infinite": jaxnn.Result.infinite_conductance,
    "state": jaxnn.Result.not_finite,
    "bound": jaxnn.Result.state_out_of_bounds,
}


def run(law, network=None, terminals=(0, 3), drive=None, **changes):
    network = line(3) if network is None else network
    drive = jaxnn.Constant(0.1) if drive is None else drive
    settings = {"dt": 1e-3, "steps": 6} | changes
    return jaxnn.simulate(network, law, drive, terminals=terminals, **settings)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_law_that_misbehaves_is_named(fault):
    """The state passes 2.5e-3 in step 3: step 4 sees it, and junction 1 is where."""
    with pytest.warns(jaxnn.NumericalWarning, match="from step 4 on at junction 1"):
        found = run(Faulty(fault))
    assert found.result == FAULTS[fault]
    assert (int(found.failed_step), int(found.failed_junction)) == (4, 1)
    if fault == "negative":
        assert np.isnan(found.conductance[3:]).all()
    assert np.isfinite(found.conductance[:3]).all()


def test_a_negative_conductance_is_not_solved():
    """Two in series of 1e-3 and -2e-3 S: Kirchhoff has 2 mA, which is no device; not 0 S and no word."""
    with pytest.warns(jaxnn.NumericalWarning, match="negative"):
        found = run(Faulty("negative"), line(2), (0, 2), state=np.full(2, 1.0))
    assert np.isnan(found.terminal_current).all()
    assert int(found.failed_step) == 1


def test_a_differential_equation_does_not_solve_it_either():
    observe = lambda g: jaxnn.StateEquation(
        line(2), jaxnn.Resistor(g), jaxnn.Constant(1.0), terminals=(0, 2)
    ).observe(0.0, jnp.zeros(2))
    found = jax.jit(observe)(jnp.array([1e-3, -2e-3]))
    assert np.isnan(found.terminal_current).all()
    assert np.isnan(found.conductance)


def test_under_jit_and_vmap():
    """Of four runs two fail, each with its own step, junction and cause."""
    g = jnp.array([[1e-3, 2e-3], [-1e-3, 2e-3], [1e-3, jnp.inf], [0.0, 2e-3]])
    one = lambda g: run(jaxnn.Resistor(g), line(2), (0, 2))
    found = jax.jit(jax.vmap(one))(g)
    assert found.failed_step.tolist() == [-1, 1, 1, -1]
    assert found.failed_junction.tolist() == [-1, 0, 1, -1]
    wanted = ["successful", "negative_conductance", "infinite_conductance", "successful"]
    for name in set(wanted):
        same = found.result == getattr(jaxnn.Result, name)
        assert np.asarray(same).tolist() == [w == name for w in wanted]
    with pytest.warns(jaxnn.NumericalWarning, match=r"2 of 4 runs: wrong from step 1 on at junction 0"):
        found.check()


def test_one_bad_network_spoils_no_other():
    networks = [line(2), line(3), line(2)]
    ensemble = jaxnn.Ensemble(networks)
    g = np.array([1e-3, 1e-3, 1e-3, -1e-3, 1e-3, 1e-3, 3e-3])
    ends = [(0, 2), (0, 3), (0, 2)]
    found = jax.jit(lambda g: run(jaxnn.Resistor(g), ensemble, ends))(jnp.asarray(g))
    with pytest.warns(jaxnn.NumericalWarning, match="1 of 3 runs.*junction 3"):
        found.check()
    assert found.failed_step.tolist() == [-1, 1, -1]
    assert found.failed_junction.tolist() == [-1, 3, -1]
    np.testing.assert_allclose(found.conductance[:, [0, 2]], [[5e-4, 7.5e-4]] * 6, rtol=1e-12)
    assert np.isnan(found.conductance[:, 1]).all()


def test_what_comes_from_outside_has_no_junction():
    """A drive that is traced may be NaN: no junction is to blame, nor is a conductance."""
    found = jax.jit(lambda volts: run(jaxnn.TunnelJunction(), drive=jaxnn.Constant(volts)))(jnp.nan)
    assert found.result == jaxnn.Result.not_finite
    assert (int(found.failed_step), int(found.failed_junction)) == (1, -1)


LAWS = {
    "tunnel": jaxnn.TunnelJunction(),
    "compensated": jaxnn.TunnelJunction(compensated=True),
    "per junction": jaxnn.BinaryJunction(max_flux=np.array([0.015, 0.02, 0.03])),
    "smooth": jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 3.0),
    "straight through": jaxnn.StraightThrough(jaxnn.SmoothJunction(jaxnn.BinaryJunction(), 3.0)),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_states_keep_to_the_bounds_of_their_laws(law, precision):
    """At the clamp of both signs for long, and no false alarm; a start beyond is found, at step 0."""
    drive = precision([1.0] * 60 + [-1.0] * 90)
    within = run(law, drive=drive, dt=1e-3, steps=150)
    assert within.final_state.dtype == precision
    assert within.result == jaxnn.Result.successful
    start = np.zeros(within.final_state.shape, precision)
    start[..., 2] = 1.0
    beyond = jax.jit(lambda state: run(law, drive=drive, steps=150, state=state))(start)
    assert beyond.result == jaxnn.Result.state_out_of_bounds
    assert (int(beyond.failed_step), int(beyond.failed_junction)) == (0, 2)


def test_passive_junctions_have_no_state_to_go_wrong():
    network = jaxnn.Network(
        4, [[0, 1], [1, 2], [2, 3]], passive=[True, False, False], passive_conductance=0.1
    )
    found = run(jaxnn.TunnelJunction(), network, state=np.array([5.0, 0.0, 0.0]))
    assert found.result == jaxnn.Result.successful


def _every_law():
    """Each law of the library, those that stand around another one with a junction that switches."""
    tunnel, binary = jaxnn.TunnelJunction(), jaxnn.BinaryJunction()
    around = (jaxnn.WithReadNoise(tunnel, 0.1), jaxnn.WithLangevinNoise(tunnel, 1e-4))
    smooth = (jaxnn.SmoothJunction(tunnel, 3.0), jaxnn.StraightThrough(jaxnn.SmoothJunction(binary, 3.0)))
    mixed = jaxnn.MixedJunction([tunnel, binary, jaxnn.VteamJunction()], [0, 1, 2])
    alone = [
        law()
        for law in vars(jaxnn).values()
        if isinstance(law, type) and issubclass(law, jaxnn.AbstractJunction) and _needs_nothing(law)
    ]
    compensated = jaxnn.TunnelJunction(compensated=True)
    return [*alone, compensated, *around, *smooth, mixed]


def _needs_nothing(law):
    fields = dataclasses.fields(law)
    return not inspect.isabstract(law) and all(f.default is not dataclasses.MISSING for f in fields)


@pytest.mark.parametrize("law", _every_law(), ids=lambda law: type(law).__name__)
def test_what_is_not_a_number_stays_so(law):
    """One sample of NaN under jit is no sample that was left out: nothing after it is a number."""
    samples = jnp.asarray([0.1, 0.1, jnp.nan, 0.1, 0.1])
    options = {"steps": 5, "record": ("state", "junction_conductance"), "key": jax.random.key(0)}
    found = jax.jit(lambda drive: run(law, drive=drive, **options))(samples)
    assert found.result != jaxnn.Result.successful
    assert found.failed_step == 3
    assert np.isfinite(found.state[:2]).all()
    assert np.isnan(found.state[2:]).any(axis=tuple(range(1, found.state.ndim))).all()
    assert np.isnan(found.junction_conductance[3:]).all()
    assert np.isnan(found.conductance[3:]).all()
