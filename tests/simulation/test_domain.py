"""Numbers outside of their domains, where a check could not see them: traced, or too short for float32."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer

import jaxnn
from helpers import line


NETWORK, TERMINALS, CONSTANT = line(3), (0, 3), jaxnn.Constant(1.0)
WRONG = jaxnn.Result.number_out_of_domain


def run(drive: Any = CONSTANT, dt=1e-3, start_step=0, network=NETWORK, terminals=TERMINALS, **law):
    junction = jaxnn.TunnelJunction(**law)
    setup = {"terminals": terminals, "dt": dt, "start_step": start_step}
    return jaxnn.simulate(network, junction, drive, steps=5, **setup)


@pytest.mark.parametrize(
    ("argument", "good", "bad"),
    [
        ("critical_flux", 0.01, -0.01),
        ("set_voltage", 0.01, -0.01),
        ("reset_voltage", 0.01, 0.02),
        ("boost", 0.0, -1.0),
        ("boost", 2.0, np.nan),
        ("filament_area", 1e-19, 0.0),
        ("dt", 1e-3, 0.0),
        ("dt", 1e-3, -1e-3),
        ("dt", 1e-3, np.nan),
        ("start_step", 0, -7),
        ("start_step", 2**31 - 6, 2**31 - 5),
    ],
)
def test_what_is_refused_by_itself_is_reported_by_a_run(argument, good, bad):
    """The same number: a `ValueError` outside, a result under `jit` and `vmap`, fine numbers beside."""
    with pytest.raises(ValueError, match=argument):
        run(**{argument: bad})
    found = jax.jit(jax.vmap(lambda x: run(**{argument: x})))(jnp.asarray([good, bad]))
    assert (found.result == WRONG).tolist() == [False, True]
    assert found.cause.tolist()[0] == 0
    assert found.failed_step.tolist() == [-1, max(0, bad) if argument == "start_step" else 0]
    with pytest.warns(jaxnn.NumericalWarning, match="1 of 2 runs: wrong .* outside of its domain"):
        found.check()


def test_a_parameter_of_one_junction_names_it():
    found = jax.jit(lambda x: run(boost=x))(jnp.array([1.0, 1.0, -1.0]))
    assert found.result == WRONG
    assert int(found.failed_junction) == 2
    passive = jaxnn.Network(4, NETWORK.edges, passive=[False, False, True], passive_conductance=1e-3)
    found = jax.jit(lambda x: run(boost=x, network=passive))(jnp.array([1.0, 1.0, -1.0]))
    assert found.result == jaxnn.Result.successful


def test_networks_of_an_ensemble_by_themselves():
    several = jaxnn.Ensemble([line(2), line(3)])
    both = {"network": several, "terminals": [(0, 2), (0, 3)]}
    found = jax.jit(lambda x: run(boost=several.per_junction(x), **both))(jnp.array([1.0, -1.0]))
    assert (found.result == WRONG).tolist() == [False, True]
    assert found.cause.tolist()[0] == 0
    found = jax.jit(lambda x: run(dt=x, **both))(-1.0)
    assert found.failed_step.tolist() == [0, 0]


def test_drives_and_what_they_are_made_of():
    wave = lambda width: jaxnn.Sum([jaxnn.Constant(0.1), jaxnn.PulseTrain(0.5, width, 1e-2)])
    with pytest.raises(ValueError, match="width"):
        wave(-1e-3)
    found = jax.jit(jax.vmap(lambda x: run(wave(x))))(jnp.array([1e-3, -1e-3]))
    assert (found.result == WRONG).tolist() == [False, True]


def test_gradients_are_those_of_a_run_that_does_not_look():
    value = lambda x: run(boost=x).conductance[-1]
    exact = (value(2.0 + 1e-5) - value(2.0 - 1e-5)) / 2e-5
    np.testing.assert_allclose(jax.grad(value)(2.0), exact, rtol=1e-5, atol=1e-15)


class Own(jaxnn.AbstractJunction):
    """A law whose check needs values."""

    gain: jax.Array

    def __check_init__(self):
        if not isinstance(self.gain, Tracer) and self.gain < 0:
            raise ValueError("gain must be at least 0.")

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return 1e-3 + state

    def update(self, state, voltage, dt):
        return state + self.gain * dt * jnp.abs(voltage)

    def critical_state(self):
        return 1.0


def test_a_law_of_ones_own_need_not_know():
    simulate = lambda gain: jaxnn.simulate(
        NETWORK, Own(gain), jaxnn.Constant(1.0), terminals=TERMINALS, dt=1e-3, steps=3
    )
    assert simulate(jnp.asarray(1e-3)).result == jaxnn.Result.successful
    assert jax.jit(simulate)(1e-3).result == jaxnn.Result.successful


class Checked(Own):
    """The same with a condition that a run can look at."""

    def __check_init__(self):
        if not jaxnn.holds(lambda gain: gain >= 0, self.gain):
            raise ValueError("gain must be at least 0.")


def test_a_law_of_ones_own_can_ask_for_it():
    simulate = lambda gain: jaxnn.simulate(
        NETWORK, Checked(gain), jaxnn.Constant(1.0), terminals=TERMINALS, dt=1e-3, steps=3
    )
    with pytest.raises(ValueError, match="gain"):
        simulate(-1.0)
    found = jax.jit(jax.vmap(simulate))(jnp.array([1e-3, -1e-3]))
    assert (found.result == WRONG).tolist() == [False, True]


@pytest.mark.parametrize("start_step", [1.5, "3", None, np.array([1, 2])])
def test_a_start_that_is_no_whole_number(start_step):
    with pytest.raises(ValueError, match="start_step"):
        run(start_step=start_step)


def test_a_traced_start_that_is_no_whole_number():
    with pytest.raises(ValueError, match="start_step counts steps and must be one whole number"):
        jax.jit(lambda x: run(start_step=x))(1.5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_refused(dtype):
    with pytest.raises(ValueError, match=f"float32 or float64, got an array of {dtype}"):
        run(jaxnn.Constant(jnp.asarray(0.1, dtype)))


@pytest.mark.parametrize("value", [1j, np.array([1 + 2j]), jnp.ones(3, "complex64")])
def test_complex_numbers_are_refused(value):
    with pytest.raises(ValueError, match="real numbers"):
        jaxnn.Constant(value)
    with pytest.raises(ValueError, match="real numbers"):
        run(boost=value)


def test_masked_entries_are_refused():
    with pytest.raises(ValueError, match="masked"):
        jaxnn.Constant(np.ma.masked_array([0.1, 0.2], [False, True]))


def single(dt, state: Any = 0.0085, law=None, drive=0.02, **changes):
    """One junction in float32."""
    law = jaxnn.TunnelJunction() if law is None else law
    drive = jaxnn.Constant(jnp.float32(drive)) if not isinstance(drive, jaxnn.AbstractDrive) else drive
    state = None if state is None else jnp.full(1, state, jnp.float32)
    setup = {"terminals": (0, 1), "dt": dt, "steps": 100, "state": state} | changes
    return jaxnn.simulate(line(1), law, drive, **setup)


@pytest.mark.filterwarnings("ignore::jaxnn.NumericalWarning")
@pytest.mark.parametrize(
    ("dt", "lost"), [(1e-3, False), (1e-4, False), (1e-5, False), (1e-6, True), (2e-8, True)]
)
def test_steps_below_the_rounding_of_float32(dt, lost):
    """0.01 V above the set voltage, from 0.0085 V s: at 1e-5 s the growth is right to 3 per cent."""
    found = single(dt)
    assert (found.result == jaxnn.Result.below_rounding) == lost
    grown = float(found.final_state[0]) - 0.0085
    if not lost:
        np.testing.assert_allclose(grown, 100 * dt * 0.01, rtol=0.04)


def test_what_keeps_its_rounding_or_does_not_move_is_fine():
    kept = single(2e-8, state=None, law=jaxnn.TunnelJunction(compensated=True))
    assert kept.result == jaxnn.Result.successful
    np.testing.assert_allclose(kept.final_state.sum(), 2e-8, rtol=1e-6)
    with jax.enable_x64(True):
        assert jaxnn.simulate(
            line(1), jaxnn.TunnelJunction(), jaxnn.Constant(0.02), terminals=(0, 1), dt=2e-8, steps=10
        ).result == jaxnn.Result.successful  # fmt: skip
    assert single(1e-3, drive=0.0).result == jaxnn.Result.successful
    resistor = jaxnn.Resistor(jnp.float32(1e-3))
    assert single(2e-8, law=resistor, state=None).result == jaxnn.Result.successful


def test_a_law_at_rest_at_its_critical_state_loses_nothing():
    """At 2 V the state rests at 1 - 2e-5: what it gains there in a step is far below its rounding."""

    def number(dtype, **numbers) -> dict[str, Any]:
        return {name: jnp.asarray(x, dtype) for name, x in numbers.items()}

    law = lambda dtype: jaxnn.RateBalanceJunction(
        **number(dtype, growth_rate=0.02, decay_rate=0.5, growth_sensitivity=6.0, decay_sensitivity=1.0)
    )
    drive = lambda dtype: jaxnn.Triangle(**number(dtype, amplitude=2.0, frequency=0.25))
    setup = {"terminals": (0, 1), "dt": 2e-3, "steps": 2000}
    found = jaxnn.simulate(line(1), law("float32"), drive("float32"), **setup)
    assert found.conductance.dtype == "float32"
    assert found.result == jaxnn.Result.successful
    with jax.enable_x64(True):
        exact = jaxnn.simulate(line(1), law("float64"), drive("float64"), **setup)
    np.testing.assert_allclose(found.conductance, exact.conductance, rtol=1e-5)
    with pytest.warns(jaxnn.NumericalWarning, match="lost to the rounding"):
        single(1e-7, law=law("float32"))  # a rate of 0.5 /s: 5e-8 of the state in a step


def test_lost_steps_under_transformations():
    with jax.enable_x64(False):
        found = jax.jit(jax.vmap(single))(jnp.float32([1e-3, 2e-8]))
        assert found.failed_step.tolist() == [-1, 1]
        several = jaxnn.Ensemble([line(1), line(2)])
        drive = jnp.full((100, 2, 1), 0.02, jnp.float32)
        found = jax.jit(
            lambda dt: jaxnn.simulate(
                several, jaxnn.TunnelJunction(), drive, terminals=[(0, 1), (0, 2)], dt=dt, steps=100
            )
        )(jnp.float32(2e-8))
        assert found.failed_step.tolist() == [1, 1]


OBSERVERS = {
    "lyapunov_exponents": lambda law, **setup: jaxnn.lyapunov_exponents(
        NETWORK, law, jaxnn.Constant(1.0), steps=4, interval=2, **setup
    ),
    "two_trajectory_exponents": lambda law, **setup: jaxnn.two_trajectory_exponents(
        NETWORK, law, jaxnn.Constant(1.0), distance=1e-6, steps=4, **setup
    ),
    "count_events": lambda law, **setup: jaxnn.analysis.count_events(
        NETWORK, law, jaxnn.Constant(1.0), rule=jaxnn.analysis.Crossing(1e-7), steps=4, **setup
    ),
    "record_read_out": lambda law, **setup: jaxnn.analysis.record_read_out(
        NETWORK, law, jaxnn.Constant(1.0), np.ones((4, 1)), segment=2, **setup
    ),
}


@pytest.mark.parametrize("name", OBSERVERS)
def test_every_run_is_diagnosed(name):
    """A boost that is negative, and a step of 0.1 s that moves a flux by all of its critical value."""
    setup = {"terminals": TERMINALS, "dt": 1e-3}
    law = lambda boost: jaxnn.TunnelJunction(boost=boost)
    found = jax.jit(lambda boost: OBSERVERS[name](law(boost), **setup).diagnosis)(-1.0)
    assert found.result == WRONG
    with pytest.warns(jaxnn.NumericalWarning, match="a step moved a state by"):
        OBSERVERS[name](law(10.0), **setup | {"dt": 0.1})
    good = OBSERVERS[name](law(10.0), **setup).diagnosis
    assert good.result == jaxnn.Result.successful
    assert 0 < good.largest_change < 0.1


def test_targets_that_are_not_finite():
    with pytest.raises(ValueError, match="targets must be finite"):
        jaxnn.analysis.record_read_out(
            NETWORK, jaxnn.TunnelJunction(), jaxnn.Constant(1.0), np.full((4, 1), np.nan),
            segment=2, terminals=TERMINALS, dt=1e-3,
        )  # fmt: skip


def test_a_sweep_reports_combinations_that_the_law_refuses(tmp_path):
    """Each value alone is fine; a reset above the set voltage is not, and no other run is touched."""
    over = {"junction.reset_voltage": [0.005, 0.015], "junction.set_voltage": [0.006, 0.02]}
    with pytest.warns(jaxnn.NumericalWarning, match="of 4 runs 1"):
        data = jaxnn.sweep(
            NETWORK, jaxnn.TunnelJunction(), jaxnn.Constant(0.1), over=over, terminals=TERMINALS, dt=1e-3,
            steps=4, out=tmp_path / "sweep", progress=False,
        )  # fmt: skip
    assert data.diagnosis.values.tolist() == [[0, 0], [2, 0]]
    with pytest.raises(ValueError, match=r"junction.boost = -1 of the sweep: boost must be at least 0"):
        jaxnn.sweep(
            NETWORK, jaxnn.TunnelJunction(), jaxnn.Constant(0.1),
            over=over | {"junction.boost": [1.0, -1.0]},
            terminals=TERMINALS, dt=1e-3, steps=4, out=tmp_path / "other", progress=False,
        )  # fmt: skip
