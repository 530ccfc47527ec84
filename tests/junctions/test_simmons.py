"""Simmons' law at any voltage, of the voltage of the step and of the step before."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
import published
from circuits import central
from helpers import small_network
from jaxnn.analysis import on_off_ratio
from numpy_simulator import AC, solve, tunnel_conductance, update_state


LOW = jaxnn.parameters.hochstetter2021_ac()
LAGGED = jaxnn.parameters.hochstetter2021_ac_deposited()
PHI, AREA, C0 = 0.81, 0.17, 10.19  # [V], [nm^2], [1 / nm]
GAPS = np.array([5.0, 3.0, 1.0, 0.5, 0.1, 0.01, 0.0])  # [nm]
NETWORK, TERMINALS, _ = small_network()


def flux_of(gap):
    return 1e-2 * (1 - np.asarray(gap) / 5)


def middle(s, v):
    """1 / R_t [S], as the authors' scripts have it."""
    b = 1 - v**2 / (96 * (PHI - v / 2) ** 2)
    before = 6.16438e-6 * AREA * np.exp(C0 * np.sqrt(PHI)) / (v * s**2 * b**2)
    part = lambda height: height * np.exp(-C0 * (s + 1) * b * np.sqrt(height))
    return before * (part(PHI - v / 2) - part(PHI + v / 2))


def high(s, v):
    c2 = C0 * (23 / 24) / np.sqrt(2)
    before = 2.65686e-6 * AREA * np.exp(C0 * np.sqrt(PHI)) / (PHI * s**2)
    ratio = 1 + 2 * v / PHI
    part = lambda x: np.exp(-c2 * (s + 1) * PHI**1.5 / v * np.sqrt(x))
    return before * (part(1.0) - ratio * part(ratio))


def reference(gap, voltage):
    """The conductance [S] of each gap [nm] at each |voltage| [V]."""
    low = tunnel_conductance(flux_of(gap), AC)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.where(voltage < PHI, middle(gap, voltage), high(gap, voltage))
        g = np.where(gap > 0, 1 / (1 / above + 1 / 7.77e-5), 7.77e-5) + 1e-8
    return np.where(voltage <= PHI / 2, low, g)


def lagged(gap, voltage):
    state = jnp.stack(jnp.broadcast_arrays(flux_of(gap), jnp.asarray(voltage, float)))
    return np.asarray(LAGGED.conductance(state))


@pytest.mark.parametrize("voltage", [0.0, 0.2, PHI / 2, 0.4051, 0.6, 0.8099, PHI, 0.9, 2.0, 3.0])
def test_each_range_against_the_formula(voltage):
    wanted = reference(GAPS, np.full(len(GAPS), voltage or 1e-9))
    np.testing.assert_allclose(lagged(GAPS, voltage), wanted, rtol=1e-12)
    np.testing.assert_allclose(lagged(GAPS, -voltage), wanted, rtol=1e-12)


def test_the_ranges_do_not_meet_as_the_docstring_says():
    ratio = lambda gap, at: lagged(gap, at * (1 + 1e-12))[0] / lagged(gap, at * (1 - 1e-12))[0]
    np.testing.assert_allclose([ratio([1.0], PHI / 2), ratio([0.1], PHI / 2)], [0.83, 3.85], atol=0.01)
    np.testing.assert_allclose(ratio([0.5], PHI), 0.98, atol=0.005)


def test_a_width_joins_them_and_the_current_grows_at_every_gap():
    law = jaxnn.SimmonsJunction(LOW)
    voltage = jnp.linspace(1e-3, 3, 3000)
    gaps = np.linspace(0.0, 5.0, 251)
    current = jax.vmap(lambda flux: law.current(jnp.full(3000, flux), voltage))(flux_of(gaps))
    assert np.all(np.diff(current, axis=1) > 0)
    # Not so over half of the width, for which there is none by default.
    narrow = dataclasses.replace(law, width=0.075)
    current = jax.vmap(lambda flux: narrow.current(jnp.full(3000, flux), voltage))(flux_of(gaps))
    assert np.any(np.diff(current, axis=1) < 0)
    # Beyond the width, the ranges are what they are.
    for v in (0.32, 0.6, 0.9, 2.0):
        exact = v * reference(GAPS, np.full(len(GAPS), v))
        np.testing.assert_allclose(
            law.current(jnp.asarray(flux_of(GAPS)), jnp.full(len(GAPS), v)), exact, rtol=1e-12
        )


def crossings(gap, total, resistance):
    """How often the current of a junction is that through a resistor, and how often it jumps past it."""
    v = np.linspace(1e-4, total, 200_001)
    short = v * reference(np.full(len(v), gap), v) - (total - v) / resistance
    jumps = np.abs(np.diff(short)) > 50 * np.median(np.abs(np.diff(short)))
    changes = np.diff(np.sign(short)) != 0
    return int(np.sum(changes & ~jumps)), int(np.sum(changes & jumps))


def test_the_law_that_jumps_has_no_solution_or_two_behind_a_resistor():
    # A gap of 0.1 nm, whose current jumps past what the resistor lets through; and one of 1 nm.
    assert crossings(0.1, 1.0, 5e4) == (0, 1)
    solutions, through_jumps = crossings(1.0, 0.81, 0.405 / (0.405 * 1.32e-8))
    assert (solutions, through_jumps) == (2, 1)
    # With a width there is one, and Newton's method finds it.
    law, pair = jaxnn.SimmonsJunction(LOW), jaxnn.Network(2, [(0, 1)])
    ends = jaxnn.Electrode(0, resistance=5e4), jaxnn.Electrode(1, "ground")
    run = jaxnn.simulate(
        pair,
        law,
        jaxnn.Constant(1.0),
        terminals=ends,
        dt=1e-9,
        steps=1,
        state=jnp.asarray(flux_of([0.1])),
        record="junction_voltage",
    )
    v = run.junction_voltage[0, 0]
    assert abs(v - PHI / 2) < 0.075
    assert run.result == jaxnn.Result.successful
    np.testing.assert_allclose(
        law.current(jnp.asarray(flux_of([0.1])), v[None])[0], (1 - v) / 5e4, rtol=1e-9
    )


def by_hand(network, terminals, amplitude, frequency, dt, steps):
    """The deposited scheme, one step at a time with dense matrices."""
    flux, voltage = np.zeros((2, network.n_junctions))
    found, largest = [], 0.0
    for k in range(1, steps + 1):
        drive = float(jaxnn.Triangle(amplitude, frequency)(k * dt))
        gap = np.maximum(0, 5 * (1 - np.abs(flux) / 1e-2))
        g = reference(gap, np.maximum(np.abs(voltage), 1e-12))
        potential, current = solve(
            np.asarray(network.edges), network.n_nodes, g, terminals, np.array([drive, 0.0])
        )
        voltage = potential[network.edges[:, 0]] - potential[network.edges[:, 1]]
        flux = update_state(flux, voltage, dt, AC, one_sided_reset=True)
        found.append(current[0] / drive)
        largest = max(largest, np.max(np.abs(voltage)))
    return np.array(found), flux, voltage, largest


def test_a_network_against_the_scheme_by_hand():
    setup = {"terminals": TERMINALS, "dt": 5e-4, "steps": 480}
    run = jaxnn.simulate(NETWORK, LAGGED, jaxnn.Triangle(3.0, 1.3), **setup)
    conductance, flux, voltage, largest = by_hand(NETWORK, TERMINALS, 3.0, 1.3, 5e-4, 480)
    assert largest > PHI
    np.testing.assert_allclose(run.conductance, conductance, rtol=1e-8)
    np.testing.assert_allclose(run.final_state, np.stack([flux, voltage]), rtol=1e-7, atol=1e-12)


def test_within_the_low_range_all_laws_are_one():
    runs = [
        jaxnn.simulate(
            NETWORK, law, jaxnn.Triangle(0.3, 1.0), terminals=TERMINALS, dt=1e-3, steps=700, every=7
        )
        for law in (LOW, LAGGED, jaxnn.SimmonsJunction(LOW))
    ]
    for run in runs[1:]:
        np.testing.assert_allclose(run.conductance, runs[0].conductance, rtol=1e-10)


@pytest.mark.parametrize("name", ["barrier_height", "filament_area", "max_gap", "critical_flux"])
@pytest.mark.parametrize("voltage", [0.2, 0.43, 0.6, 0.84, 1.5])
def test_gradients_in_every_range(name, voltage):
    state = jnp.asarray(flux_of(np.array([2.0, 0.6, 0.05])))

    def of_width(x):
        filament = dataclasses.replace(LOW, **{name: x[0] * getattr(LOW, name)})
        law = jaxnn.SimmonsJunction(filament, width=0.15 * x[3])
        return jnp.sum(jnp.log(law.current(x[1] * state, jnp.full(3, x[2]))))

    def of_before(x):
        law = jaxnn.LaggedSimmonsJunction(dataclasses.replace(LOW, **{name: x[0] * getattr(LOW, name)}))
        return jnp.sum(jnp.log(law.conductance(jnp.stack([x[1] * state, jnp.full(3, x[2])]))))

    for function in (of_width, of_before):
        x = jnp.array([1.0, 1.0, voltage, 1.0])
        direction = jnp.array([1.0, 0.3, 0.2, 0.5])
        wanted = central(jax.jit(function), x, direction, h=1e-4)
        np.testing.assert_allclose(jax.jvp(function, (x,), (direction,))[1], wanted, rtol=1e-6)
        np.testing.assert_allclose(jax.grad(function)(x) @ direction, wanted, rtol=1e-6)


def test_gradients_through_a_run_that_crosses_the_ranges():
    def loss(amplitude):
        law = jaxnn.SimmonsJunction(dataclasses.replace(LOW, one_sided_reset=False))
        run = jaxnn.simulate(
            NETWORK,
            law,
            jaxnn.Triangle(amplitude, 5.0),
            terminals=TERMINALS,
            dt=1e-3,
            steps=12,
            state=jnp.linspace(0.0085, 0.0095, NETWORK.n_junctions),
        )
        return jnp.sum(jnp.log(run.conductance))

    wanted = central(jax.jit(loss), jnp.asarray(2.5), jnp.asarray(1.0), h=1e-5)
    np.testing.assert_allclose(jax.grad(loss)(2.5), wanted, rtol=1e-6)


@pytest.mark.parametrize("law", [LAGGED, jaxnn.SimmonsJunction(LOW)])
def test_a_batch_is_a_loop_and_float32_follows(law):
    def run(amplitude, dtype=jnp.float64):
        drive = jaxnn.Triangle(jnp.asarray(amplitude, dtype), 1.0)
        run = jaxnn.simulate(
            NETWORK,
            law,
            drive,
            terminals=TERMINALS,
            dt=1e-3,
            steps=100,
            state=law.init_state(NETWORK.n_junctions).astype(dtype),
        )
        return run.conductance

    amplitudes = jnp.array([0.5, 1.5, 3.0])
    each = jnp.stack([run(a) for a in amplitudes])
    np.testing.assert_allclose(jax.jit(jax.vmap(run))(amplitudes), each, rtol=1e-12)
    single = jnp.stack([run(a, jnp.float32) for a in amplitudes])
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, each, rtol=2e-3)


def test_the_voltage_before_has_no_scale_and_no_bounds():
    np.testing.assert_array_equal(LAGGED.critical_state(), [[1e-2], [np.inf]])
    low, high_ = LAGGED.state_bounds()
    np.testing.assert_allclose(np.ravel(high_), [1.5e-2, np.inf])
    np.testing.assert_allclose(np.ravel(low), [-1.5e-2, -np.inf])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: jaxnn.SimmonsJunction(jaxnn.BinaryJunction()),  # pyright: ignore[reportArgumentType]
            "filament of SimmonsJunction must be a jaxnn.TunnelJunction",
        ),
        (
            lambda: jaxnn.LaggedSimmonsJunction(jaxnn.TunnelJunction(compensated=True)),
            "has no compensated flux",
        ),
        (lambda: jaxnn.SimmonsJunction(width=0.0), "width must be"),
        (lambda: jaxnn.SimmonsJunction(width=0.5), "at most half of the barrier"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("amplitude", "frequency", "ratio"),
    [(3.0, 0.1, 7766.147010531), (1.25, 0.35, 7626.901668237), (3.0, 0.35, 6207.198284550)],
)
@pytest.mark.slow
def test_deposited_on_off_ratios(amplitude, frequency, ratio):
    """After the transient the network is periodic: 240 s of the 3,000 s do."""
    run_file = published.reference("nw100_ac_1p25V_0p5Hz_tunnel")
    network = jaxnn.Network(int(run_file["n_wires"]), run_file["edges"])
    setup: Any = {"terminals": tuple(run_file["contacts"].tolist())}
    drive = jaxnn.Triangle(amplitude, frequency)
    before = jaxnn.simulate(network, LAGGED, drive, dt=1e-3, steps=240_000, every=240_000, **setup)
    state = before.final_state.at[1].set(0)
    run = jaxnn.simulate(network, LAGGED, drive, dt=5e-4, steps=200_000, state=state, **setup)
    np.testing.assert_allclose(on_off_ratio(np.asarray(run.conductance), frequency, 5e-4), ratio, rtol=1e-9)
