"""Junctions that are no resistors: Newton's method, its derivatives, its diagnosis."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import jaxnn
from circuits import central
from helpers import small_network


NETWORK, TERMINALS, _ = small_network()
PAIR = jaxnn.Network(2, [(0, 1)])
RECORD = ("junction_voltage", "kirchhoff_residual", "power", "node_potential")
RUN = {"dt": 1e-3, "steps": 3, "record": RECORD}


class Shaped(jaxnn.AbstractCurrentJunction):
    """i = scale shape(v), without a state that moves."""

    scale: jax.Array
    shape: Any = jnp.sinh

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def current(self, state, voltage):
        return self.scale * self.shape(voltage / 0.1)

    def update(self, state, voltage, dt):
        return state

    def critical_state(self):
        return jnp.inf


def sinh(scale: Any = 1e-6):
    return Shaped(jnp.asarray(scale))


def diode(x):
    return 1e-6 * jnp.expm1(x / 0.3)


def run(law, terminals: Any = TERMINALS, drive: Any = 1.0, network=NETWORK, **options: Any):
    drive = drive if isinstance(drive, jaxnn.AbstractDrive) or np.ndim(drive) else jaxnn.Constant(drive)
    return jaxnn.simulate(network, law, drive, terminals=terminals, **(RUN | options))


def behind(resistance):
    return jaxnn.Electrode(0, resistance=resistance), jaxnn.Electrode(1, "ground")


def test_a_sinh_junction_behind_a_resistor():
    out = run(sinh(), behind(1e4), network=PAIR)
    np.testing.assert_allclose(out.junction_voltage[-1], [0.46693], atol=5e-6)
    root: Any = scipy.optimize.brentq(lambda v: (1 - v) / 1e4 - 1e-6 * np.sinh(v / 0.1), 0, 1, xtol=1e-15)
    np.testing.assert_allclose(out.junction_voltage[-1], [root], rtol=1e-12)
    np.testing.assert_allclose(out.power[-1], root * (1 - root) / 1e4, rtol=1e-12)


def test_diodes_have_a_polarity():
    """Forward as far as the resistor lets it, backward the saturation current alone."""
    law = Shaped(jnp.asarray(1.0), diode)
    forward, backward = (run(law, behind(1e3), v, PAIR).terminal_current[-1, 0] for v in (1.0, -1.0))
    drop = lambda i: 0.03 * np.log1p(i / 1e-6) + 1e3 * i - 1
    expected: Any = scipy.optimize.brentq(drop, 0, 1e-3, xtol=1e-18)
    np.testing.assert_allclose(forward, expected, rtol=1e-10)
    np.testing.assert_allclose(backward, -1e-6, rtol=1e-9)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("saturation", [1e-9, 1e-14])
def test_a_resistor_before_a_diode_that_conducts_next_to_nothing_at_rest(saturation, dtype):
    volts = np.linspace(-1, 1, 21)
    law = Shaped(jnp.asarray(saturation, dtype), lambda x: jnp.expm1(x / 0.25))  # 25 mV
    out = run(law, behind(1e3), jnp.asarray(volts, dtype), PAIR, steps=21)
    over = lambda u, v: saturation * np.expm1(u / 0.025) - (v - u) / 1e3
    drops: Any = [scipy.optimize.brentq(over, min(v, 0), max(v, 0), (v,), xtol=1e-15) for v in volts]
    assert out.result == jaxnn.Result.successful
    expected = saturation * np.expm1(np.divide(drops, 0.025))
    np.testing.assert_allclose(out.terminal_current[:, 0], expected, atol=3e-6 * expected[-1])


@pytest.mark.parametrize("saturation", [1e-6, 1e-12])
@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
def test_ideal_contacts_before_a_diode(saturation, solver):
    """A switch that is closed, and a wire that is traced, hold a diode at the voltage of the drive."""
    volts = np.linspace(-0.5, 0.5, 11)
    law = Shaped(jnp.asarray(saturation, jnp.float32), lambda x: jnp.expm1(x / 0.25))
    at = lambda wires: run(law, wires, jnp.float32(volts), PAIR, steps=11, solver=solver).terminal_current
    expected = saturation * np.expm1(volts / 0.025)
    for found in (at((jaxnn.Electrode(0, on=1.0), 1)), jax.jit(at)((0, 1))):
        np.testing.assert_allclose(found[:, 0], expected, atol=2e-5 * expected[-1])


def test_a_network_against_an_independent_solution():
    out = run(sinh(), drive=2.0)
    (a, b), n = NETWORK.edges.T, NETWORK.n_nodes
    free = np.setdiff1d(np.arange(n), TERMINALS)

    def lost(inner):
        phi = np.zeros(n)
        phi[list(TERMINALS)], phi[free] = (2.0, 0.0), inner
        through, sums = np.sinh((phi[a] - phi[b]) / 0.1), np.zeros(n)
        np.add.at(sums, a, through)
        np.add.at(sums, b, -through)
        return sums[free]

    start = np.asarray(out.node_potential[-1])[free] + 0.01 * np.sin(np.arange(len(free)))
    found: Any = scipy.optimize.fsolve(lost, start, xtol=1e-13)
    np.testing.assert_allclose(out.node_potential[-1][free], found, atol=1e-10)
    assert float(out.kirchhoff_residual.max()) < 1e-14
    np.testing.assert_allclose(np.sum(out.terminal_current, axis=1), 0, atol=1e-17)


def test_a_linear_law_by_newton_is_the_linear_solution():
    ohmic = Shaped(jnp.asarray(1e-5), lambda x: 0.1 * x)
    np.testing.assert_allclose(
        run(ohmic).node_potential, run(jaxnn.Resistor(1e-5)).node_potential, atol=1e-14
    )


@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
def test_derivatives_and_batches(solver):
    @jax.jit
    def loss(x):
        electrodes = (
            jaxnn.Electrode(TERMINALS[0], resistance=1e4 * x[1]),
            jaxnn.Electrode(TERMINALS[1], "ground"),
            jaxnn.Electrode(7, "current"),
        )
        drive = jaxnn.Constant(jnp.array([1.0, 0.0, 1e-7]) * x[2])
        out = run(sinh(1e-6 * x[0]), electrodes, drive, solver=solver)
        return jnp.sum(out.junction_voltage[-1] ** 2) + 1e5 * out.terminal_current[-1, 1]

    x, along = jnp.array([1.2, 0.8, 1.1]), jnp.array([0.3, -0.5, 0.7])
    line = lambda f: central(lambda h: float(f(x + h * along)), 0.0, 1.0)
    expected = line(loss)
    np.testing.assert_allclose(jax.grad(loss)(x) @ along, expected, rtol=1e-6)
    np.testing.assert_allclose(jax.jvp(loss, (x,), (along,))[1], expected, rtol=1e-6)
    batch = jnp.stack([x, 0.7 * x])
    np.testing.assert_allclose(jax.vmap(loss)(batch), [loss(x), loss(0.7 * x)], rtol=1e-9)


def test_second_derivatives():
    def loss(x):
        out = run(sinh(1e-6 * x[0]), behind(1e4 * x[1]), jaxnn.Constant(x[2]), PAIR)
        return jnp.sum(out.junction_voltage[-1] ** 2) + 1e5 * out.terminal_current[-1, 1]

    x, along = jnp.array([1.2, 0.8, 1.1]), jnp.array([0.3, -0.5, 0.7])
    slope = jax.jit(lambda x: jax.grad(loss)(x) @ along)
    expected = central(lambda h: float(slope(x + h * along)), 0.0, 1.0)
    np.testing.assert_allclose(jax.grad(slope)(x) @ along, expected, rtol=1e-6)
    np.testing.assert_allclose(jax.jvp(slope, (x,), (along,))[1], expected, rtol=1e-6)


def test_single_precision_and_stiff_currents():
    """At 1 V across few junctions currents differ by powers of ten; float32 finds them too."""
    single = run(Shaped(jnp.asarray(1e-6, jnp.float32)), drive=5.0)
    assert single.result == jaxnn.Result.successful
    np.testing.assert_allclose(single.node_potential, run(sinh(), drive=5.0).node_potential, atol=2e-5)


def test_with_capacitors_it_charges_to_the_same():
    fast = jaxnn.Capacitance(to_substrate=1e-15)
    charged = run(sinh(), capacitance=fast, steps=40)
    np.testing.assert_allclose(charged.node_potential[-1], run(sinh()).node_potential[-1], atol=1e-9)


def test_a_chord_at_a_voltage_that_all_but_underflows():
    """A picosiemens at 1e-33 V: the product is no number of float32."""
    law = sinh(jnp.float32(1e-13))
    for volts in (1e-33, 1e-20, 1e-15):
        out = run(law, behind(1e3), jnp.float32([volts]), PAIR, steps=1, record="junction_conductance")
        np.testing.assert_allclose(out.junction_conductance, 1e-12, rtol=1e-5)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("capacity", [1e-7, 1e-4])
def test_what_conducts_beside_a_capacitor(capacity, dtype):
    """Half a bridge, with its load and capacitor: the load is a resistor, however small its voltage."""
    diode = Shaped(jnp.asarray(1e-9, dtype), lambda x: jnp.expm1(x / 0.25))
    for load in (1e-3, 1e-8):
        out = run(
            jaxnn.MixedJunction([diode, jaxnn.Resistor(jnp.asarray(load, dtype))], [0, 1]),
            (0, 2),
            jaxnn.Sine(2.0, 50.0),
            jaxnn.Network(3, [(0, 1), (1, 2)]),
            capacitance=jaxnn.Capacitance(across_junctions=[0, capacity]),
            record=("junction_voltage", "junction_conductance", "dissipated_energy"),
            dt=1e-4,
            steps=300,
        )
        assert out.result == jaxnn.Result.successful
        np.testing.assert_allclose(out.junction_conductance[:, 1], load, rtol=1e-6)
        assert np.all(out.junction_conductance[:, 0] > 0)
        assert np.all(out.dissipated_energy >= 0)


def test_a_small_voltage_after_a_large_one():
    """What was read before leaves no roundings in what is read then."""
    volts = np.array([1.0, 1e-4, 1.0, 0.0])
    each = [run(sinh(jnp.asarray(1e-6, x)), drive=jnp.asarray(volts, x), steps=4) for x in ("f4", "f8")]
    single, double = (out.terminal_current[:, 0] for out in each)
    np.testing.assert_allclose(single, double, rtol=2e-6, atol=1e-20)
    single, double = (np.asarray(out.junction_voltage) for out in each)
    np.testing.assert_allclose(single[:3] / volts[:3, None], double[:3] / volts[:3, None], atol=1e-7)
    assert np.all(np.abs(single[3]) < 1e-15)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("saturation", [1e-12, 1e-9])
@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
def test_a_smoothing_capacitor_behind_a_full_bridge(solver, saturation, dtype):
    """Between two pulses nothing but the leaks of four blocking diodes joins it to the rest."""
    width, load, capacity, series, steps = 0.026, 1e-5, 1e-6, 100.0, 500
    leak = 1e-9 if dtype == jnp.float32 else 1e-12
    blocks = lambda x: saturation * jnp.expm1(0.1 * x / width) + leak * 0.1 * x
    law = jaxnn.MixedJunction(
        [Shaped(jnp.asarray(1.0, dtype), blocks), jaxnn.Resistor(jnp.asarray(load, dtype))], [0, 0, 0, 0, 1]
    )
    drive = jaxnn.Sine(jnp.asarray(3.0, dtype), 50.0)
    out = run(
        law,
        behind(series),
        drive,
        jaxnn.Network(4, [(0, 2), (1, 2), (3, 0), (3, 1), (2, 3)]),
        dt=1e-4,
        steps=steps,
        capacitance=jaxnn.Capacitance(across_junctions=jnp.asarray([0, 0, 0, 0, capacity], dtype)),
        solver=solver,
    )
    assert out.result == jaxnn.Result.successful

    def charged(time, behind):
        open_ = abs(3 * np.sin(100 * np.pi * time)) - behind  # [V] across two diodes and the resistor
        lost = lambda i: open_ - series * i - 2 * width * np.log1p(i / saturation)
        through = scipy.optimize.brentq(lost, 0, 0.1, xtol=1e-16) if open_ > 0 else 0
        return (through - load * behind) / capacity

    times = 1e-4 * np.arange(1, steps + 1)
    exact = scipy.integrate.solve_ivp(
        lambda t, y: [charged(t, y[0])], (0, times[-1]), [0.0], t_eval=times, max_step=1e-4, rtol=1e-7
    ).y[0]
    np.testing.assert_allclose(out.junction_voltage[:, 4], exact, atol=4e-3)
    # By symmetry its ends are as far from the middle of the source and the ground.
    middle = out.node_potential[:, 0] / 2
    np.testing.assert_allclose(out.node_potential[:, 2:].mean(1), middle, atol=3e-3)
    assert np.all(out.kirchhoff_residual < 1e-8)


def test_in_two_parts_it_is_the_same():
    """Potentials are handed on: where a current falls with voltage they tell which solution it is."""
    folded = Shaped(jnp.asarray(1e-6), lambda x: x * (x**2 - 4.5 * x + 6))
    on, off, low = jnp.full(4, 4.0), jnp.full(4, 2.4), jnp.zeros(2)
    drive = jnp.concatenate([low, off, on, off])
    through = lambda drive, **more: run(folded, behind(1e6), drive, PAIR, **{"steps": len(drive)} | more)
    whole, first = through(drive), through(drive[:12])
    go_on = {"start_step": first.final_step, "state": first.final_state}
    at = {"capacitance": jaxnn.Capacitance(potential=first.final_potential)}
    rest = through(drive[12:], **go_on, **at)
    np.testing.assert_array_equal(rest.node_potential, whole.node_potential[12:])
    np.testing.assert_array_equal(rest.terminal_current, whole.terminal_current[12:])
    # Another that begins at 0 V finds the one that a drive from below leads to.
    anew = through(drive[12:], **go_on).junction_voltage[-1]
    np.testing.assert_allclose(anew, whole.junction_voltage[5], rtol=1e-9)
    assert whole.junction_voltage[-1] > 1.5 * anew


def test_currents_that_saturate():
    """Fifty thousand times the slope at 0 V beside what is left of it, and drives that jump by volts."""
    network = jaxnn.nanowire_network(30, box=11e-6, seed=0)
    first, last = jaxnn.farthest_pair(network)
    law = Shaped(jnp.asarray(1e-6), lambda x: jnp.tanh(5 * x) + 1e-4 * x)
    volts = jnp.array([0.0, 1.0, -1.0, 3.0, 0.1, 1e-3, 5.0, -5.0])

    def one(scale):
        behind = jaxnn.Electrode(first, resistance=1e3), last
        out = run(law, behind, jaxnn.Samples(scale * volts, 1e-3), network, steps=8)
        return out.result == jaxnn.Result.successful, jnp.abs(out.kirchhoff_residual).max()

    found, lost = jax.vmap(one)(jnp.linspace(0.1, 2, 20))
    # Rounding decides how long a search takes; in 60 steps, 7 of them ended.
    assert found.sum() > 15
    assert lost[found].max() < 1e-13  # [A], of 20 uA


def test_a_law_that_never_converges_is_diagnosed():
    """A current that falls where its voltage grows: no potentials that an elimination finds."""
    falling = Shaped(jnp.asarray(1e-6), lambda x: jnp.where(jnp.abs(x) < 1, x, jnp.nan))
    with pytest.warns(jaxnn.NumericalWarning):
        out = run(falling, drive=5.0)
    assert out.result != jaxnn.Result.successful
    jumps = Shaped(jnp.asarray(1e-6), lambda x: x + 2 * jnp.where(x > 0.3, 1.0, -1.0))
    with pytest.warns(jaxnn.NumericalWarning, match="Newton"):
        out = run(jumps, drive=0.45)
    assert out.result == jaxnn.Result.not_converged


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("law", [sinh(), sinh(1e-3), Shaped(jnp.asarray(1e-6), lambda x: x + x**3)])
def test_a_drive_that_passes_zero_exactly(law, dtype):
    """All voltages are roundings of those before then: no failure, and no chord with the wrong sign."""
    drive = jaxnn.Samples(jnp.array([1.0, 0.5, 0.0, -0.5, 0.0, 0.0, 1.0], dtype), 1e-3)
    out = run(law, drive=drive, steps=7, state=jnp.zeros(NETWORK.n_junctions, dtype))
    assert out.result == jaxnn.Result.successful
    zero = np.array([2, 4, 5])
    assert np.max(np.abs(out.junction_voltage[zero])) < 10 * jnp.finfo(dtype).eps
    whole = run(law, drive=drive, steps=7, record="junction_conductance")
    assert np.all(whole.junction_conductance > 0)
    # As at any other small voltage.
    near = run(law, drive=1e-6, steps=1, record="junction_conductance")
    np.testing.assert_allclose(whole.junction_conductance[5], near.junction_conductance[0], rtol=1e-4)
