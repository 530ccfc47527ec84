"""The NumPy simulator against cases worked by hand and against the published runs."""

import dataclasses

import numpy as np
import pytest

import published
from numpy_simulator import (
    AC,
    DC,
    binary_conductance,
    simulate,
    solve,
    tunnel_conductance,
    update_state,
)


OFF_1E8 = dataclasses.replace(DC, off_conductance=1e-8)
SQUARED = dataclasses.replace(DC, prefactor_power=2)

# state [V s], then the conductance [S] of DC, SQUARED and OFF_1E8; to seven digits.
TABLE = np.array(
    [
        (0.0000, 7.770000e-08, 7.770000e-08, 1.000000e-08),
        (0.0050, 7.770008e-08, 7.770003e-08, 1.000008e-08),
        (0.0070, 7.780606e-08, 7.777071e-08, 1.010606e-08),
        (0.0075, 7.837705e-08, 7.824164e-08, 1.067705e-08),
        (0.0080, 8.220189e-08, 8.220189e-08, 1.450189e-08),
        (0.0085, 1.096203e-07, 1.202546e-07, 4.192030e-08),
        (0.0090, 3.316809e-07, 5.840067e-07, 2.639809e-07),
        (0.0095, 2.697356e-06, 9.593818e-06, 2.629656e-06),
        (0.0098, 1.500443e-05, 5.477510e-05, 1.493673e-05),
        (0.0099, 3.109281e-05, 7.233919e-05, 3.102511e-05),
        (0.0100, 7.777770e-05, 7.777770e-05, 7.771000e-05),
        (0.0150, 7.777770e-05, 7.777770e-05, 7.771000e-05),
    ]
)


@pytest.mark.parametrize(("column", "parameters"), [(1, DC), (2, SQUARED), (3, OFF_1E8)])
@pytest.mark.parametrize("sign", [1, -1])
def test_tunnel_conductance_table(column, parameters, sign):
    conductance = tunnel_conductance(sign * TABLE[:, 0], parameters)
    np.testing.assert_allclose(conductance, TABLE[:, column], rtol=1e-6)


def test_tunnel_conductance_ends():
    """At zero, off and 2e-21 S of tunnelling; on plus off once the gap is closed."""
    tunnelling = tunnel_conductance(0.0, dataclasses.replace(DC, off_conductance=0.0))
    assert tunnelling == pytest.approx(1 / 4.7e20, rel=0.05)
    np.testing.assert_allclose(tunnel_conductance(0.0, DC), DC.off_conductance, rtol=1e-13)
    closed = tunnel_conductance(np.array([DC.critical_flux, DC.max_flux]), DC)
    np.testing.assert_allclose(closed, DC.on_conductance + DC.off_conductance, rtol=1e-15)


def test_binary_conductance_switches_at_the_critical_flux():
    state = np.array([0.0, np.nextafter(0.01, 0), 0.01, -np.nextafter(0.01, 0), -0.01])
    on, off = DC.on_conductance, DC.off_conductance
    np.testing.assert_array_equal(binary_conductance(state, DC), [off, off, on, off, on])


@pytest.mark.parametrize("one_sided_reset", [True, False])
@pytest.mark.parametrize(
    ("state", "voltage", "parameters", "expected"),
    [
        # set: the excess over 10 mV, with the sign of the voltage
        (0.0, 0.11, DC, 1e-4),
        (0.0, -0.11, DC, -1e-4),
        (5e-3, -0.11, DC, 4.9e-3),
        (-5e-5, 0.11, DC, 5e-5),
        # between the thresholds, both of them included, nothing moves
        (5e-3, 0.010, DC, 5e-3),
        (5e-3, 0.005, DC, 5e-3),
        (-5e-3, -0.0075, DC, -5e-3),
        (5e-3, 0.010, AC, 5e-3),
        # reset: ten times what is missing to 5 mV, towards zero, whatever the sign of the voltage
        (5e-3, 0.002, DC, 5e-3 - 3e-5),
        (5e-3, -0.002, DC, 5e-3 - 3e-5),
        (-5e-3, 0.002, DC, -5e-3 + 3e-5),
        (5e-3, 0.0, AC, 5e-3 - 1e-4),
        # a positive state that would cross zero, or reach it, is exactly 0; so is one at rest
        (2e-5, 0.002, DC, 0.0),
        (0.0, 0.0, DC, 0.0),
        # the clamp
        (1.499e-2, 0.11, DC, 1.5e-2),
        (-1.499e-2, -0.11, DC, -1.5e-2),
        (2e-2, 0.0075, DC, 1.5e-2),
    ],
)
def test_update_state(state, voltage, parameters, expected, one_sided_reset):
    new = update_state(np.array([state]), np.array([voltage]), 1e-3, parameters, one_sided_reset)
    np.testing.assert_allclose(new, expected, rtol=1e-13, atol=0)


def test_negative_state_overshoots_only_with_the_published_reset():
    state, voltage = np.array([-8.6e-6]), np.array([0.0])
    overshot = update_state(state, voltage, 1e-3, DC, one_sided_reset=True)
    np.testing.assert_allclose(overshot, 5e-5 - 8.6e-6, rtol=1e-13)
    # One step later it is pulled back from the positive side, and that crossing is clipped.
    assert update_state(overshot, voltage, 1e-3, DC, one_sided_reset=True) == 0
    assert update_state(state, voltage, 1e-3, DC, one_sided_reset=False) == 0


def test_parameters_per_junction():
    parameters = dataclasses.replace(
        DC,
        on_conductance=np.array([1e-4, 2e-4]),
        off_conductance=np.zeros(2),
        critical_flux=np.array([0.01, 0.02]),
        set_voltage=np.array([0.01, 0.06]),
    )
    state = np.array([0.01, 0.02])
    np.testing.assert_allclose(tunnel_conductance(state, parameters), [1e-4, 2e-4], rtol=1e-15)
    new = update_state(np.zeros(2), np.array([0.11, 0.11]), 1e-3, parameters, True)
    np.testing.assert_allclose(new, [1e-4, 5e-5], rtol=1e-13)


def test_two_resistors_in_series():
    """1 S and 3 S under 4 V: 0.75 S, 3 A, and three volts over the weaker one."""
    edges = np.array([[0, 1], [1, 2]])
    phi, current = solve(edges, 3, np.array([1.0, 3.0]), [0, 2], [4.0, 0.0])
    np.testing.assert_allclose(phi, [4, 1, 0], atol=1e-14)
    np.testing.assert_allclose(current, [3, -3], rtol=1e-14)


def test_three_terminals_and_a_parallel_edge():
    """A star of 1, 2 and 3 S, the last one two edges: its centre is at the weighted mean."""
    edges = np.array([[3, 0], [3, 1], [2, 3], [3, 2]])
    phi, current = solve(edges, 4, np.array([1.0, 2.0, 2.0, 1.0]), [0, 1, 2], [6.0, 3.0, -2.0])
    assert phi[3] == pytest.approx(1.0)
    np.testing.assert_allclose(current, [5, 4, -9], rtol=1e-14)


def test_one_junction_run():
    """0.11 V adds 1e-4 V s a step; what is recorded belongs to the state before the step."""
    run = simulate(2, [[1, 0]], [0.11, 0.11, 0.0, -0.11], [1, 0], 1e-3, DC)
    np.testing.assert_allclose(run.time, [1e-3, 2e-3, 3e-3, 4e-3])
    np.testing.assert_allclose(run.states[:, 0], [1e-4, 2e-4, 1.5e-4, 5e-5], rtol=1e-12)
    np.testing.assert_allclose(run.junction_voltage[:, 0], [0.11, 0.11, 0, -0.11], atol=1e-16)
    before = np.concatenate([[0.0], run.states[:-1, 0]])
    np.testing.assert_array_equal(run.junction_conductance[:, 0], tunnel_conductance(before, DC))
    np.testing.assert_allclose(
        run.terminal_current, run.junction_conductance * run.junction_voltage * [1, -1], atol=1e-22
    )
    np.testing.assert_allclose(run.conductance, 7.77e-8, rtol=1e-12)
    np.testing.assert_array_equal(run.final_state, run.states[-1])


def test_resuming_continues_bit_for_bit():
    edges = [[0, 1], [1, 2], [0, 2], [2, 3]]
    signal = 0.3 * np.sin(np.arange(200) / 9)
    whole = simulate(4, edges, signal, [0, 3], 1e-3, AC)
    half = simulate(4, edges, signal[:77], [0, 3], 1e-3, AC)
    rest = simulate(4, edges, signal[77:], [0, 3], 1e-3, AC, state=half.final_state)
    np.testing.assert_array_equal(rest.states, whole.states[77:])
    np.testing.assert_array_equal(rest.conductance, whole.conductance[77:])


def test_passive_junctions_and_driven_terminals():
    """A 0.1 S lead hardly changes the conductance of an off junction; 0.2 V about 0.1 V drives."""
    signal = np.tile([0.3, 0.1], (3, 1))
    run = simulate(
        *(3, [[0, 1], [1, 2]], signal, [0, 2], 1e-3, DC),
        passive=np.array([False, True]),
        passive_conductance=0.1,
    )
    series = 1 / (1 / 7.77e-8 + 1 / 0.1)
    np.testing.assert_allclose(run.conductance, series, rtol=1e-9)
    np.testing.assert_allclose(run.terminal_current[:, 0], 0.2 * series, rtol=1e-9)
    np.testing.assert_allclose(run.potentials[:, 1], 0.1, rtol=1e-5)
    np.testing.assert_array_equal(run.junction_conductance[:, 1], 0.1)


def network_of(run):
    """What `simulate` needs of a published run, apart from the signal."""
    fixed = (run["contacts"], float(run["dt"]), published.parameters(run))
    return (int(run["n_wires"]), run["edges"]), fixed


@pytest.mark.parametrize("name", published.RUNS)
def test_published_single_steps(name):
    run = published.reference(name)
    graph, fixed = network_of(run)
    for k, step in enumerate(run["snap_step"]):
        ours = simulate(
            *(*graph, run["signal"][step - 1 : step], *fixed),
            state=run["snap_lambda_before"][k],
            model=published.model(run),
        )
        np.testing.assert_allclose(ours.potentials[0], run["snap_wire_potential"][k], rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            ours.junction_voltage[0], run["snap_junction_voltage"][k], rtol=0, atol=1e-12
        )
        np.testing.assert_allclose(ours.final_state, run["snap_lambda_after"][k], rtol=0, atol=1e-14)
        np.testing.assert_allclose(ours.junction_conductance[0], run["snap_conductance"][k], rtol=1e-10)


@pytest.mark.parametrize("name", published.RUNS)
def test_published_first_steps(name):
    run = published.reference(name)
    ours = rerun(run, 500)
    theirs = run["network_conductance"][:500]
    np.testing.assert_allclose(published.where_known(ours.conductance, theirs), theirs, rtol=1e-10)
    # The published current is the one that flows out of the network.
    np.testing.assert_allclose(-ours.terminal_current, run["electrode_current"][:500], rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "steps", "rtol"),
    [
        (published.DC_TUNNEL, 7000, 1e-8),
        (published.DC_BINARY, 4000, 1e-8),
        (published.PULSE, 3000, 1e-8),
        # Rounding grows along the alternating run: 8e-12 at 2 s, 6e-10 at 4 s when measured.
        (published.AC_TUNNEL, 4000, 1e-6),
    ],
)
def test_published_whole_runs(name, steps, rtol):
    run = published.reference(name)
    ours = rerun(run, steps)
    theirs = run["network_conductance"][:steps]
    np.testing.assert_allclose(published.where_known(ours.conductance, theirs), theirs, rtol=rtol)
    if steps == len(run["signal"]):
        np.testing.assert_allclose(ours.final_state, run["final_lambda"], rtol=0, atol=1e-10)
    kept = run["decimated_step"][run["decimated_step"] <= steps]
    np.testing.assert_allclose(
        ours.potentials[kept - 1], run["decimated_wire_potential"][: len(kept)], rtol=0, atol=1e-8
    )


def rerun(run, steps):
    graph, fixed = network_of(run)
    return simulate(*graph, run["signal"][:steps], *fixed, model=published.model(run))


def test_published_direct_current_figures():
    """1.8 V: what the authors computed with MATLAB and deposited, to ten digits."""
    run = published.reference(published.DC_TUNNEL)
    graph, fixed = network_of(run)
    ours = simulate(*graph, np.full(500, 1.8), *fixed)
    deposited = [4.082214804882e-08, 3.223640432e-05, 3.962529977e-05, 4.025860046e-05]
    deposited += [4.059280006e-05, 4.069444753e-05]
    steps = np.array([1, 100, 200, 300, 400, 500])
    np.testing.assert_allclose(ours.conductance[steps - 1], deposited, rtol=2e-10)
