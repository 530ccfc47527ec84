"""A plain NumPy simulator of nanowire networks: what the JAX one is checked against.

Written from the equations of Hochstetter et al., Nature Communications 12, 4008 (2021) and of its
authors' code, one network and one time step at a time, with dense matrices in float64. It shares
no line with jaxnn, and trades all speed for being easy to check by eye. SI units throughout.
"""

from dataclasses import dataclass

import numpy as np


DECAY = 10.19  # [1 / nm], C0 in the exponent of the tunnelling resistance
TUNNELLING = 0.0000471307  # J1, for a gap in nm and an area in nm^2


@dataclass(frozen=True)
class Parameters:
    """One junction law; each field is a number, or an array with one value per junction."""

    on_conductance: float | np.ndarray = 7.77e-5  # [S]
    off_conductance: float | np.ndarray = 7.77e-8  # [S]
    set_voltage: float | np.ndarray = 1e-2  # [V]
    reset_voltage: float | np.ndarray = 5e-3  # [V]
    critical_flux: float | np.ndarray = 1e-2  # [V s]
    max_flux: float | np.ndarray = 1.5e-2  # [V s]
    boost: float | np.ndarray = 10.0  # [-]
    barrier_height: float | np.ndarray = 0.81  # [V]
    filament_area: float | np.ndarray = 0.17e-18  # [m^2]
    max_gap: float | np.ndarray = 5e-9  # [m]
    prefactor_power: int = 1  # the gap enters the prefactor to this power, 1 or 2


DC = Parameters()
AC = Parameters(off_conductance=1e-8, reset_voltage=1e-2)


def tunnel_conductance(state, parameters):
    """Conductance [S] of junctions in the states [V s]: a tunnelling gap, then an on-resistance."""
    p = parameters
    gap = np.maximum(0.0, p.max_gap * (1 - np.abs(state) / p.critical_flux)) * 1e9  # [nm]
    area = p.filament_area * 1e18  # [nm^2]
    prefactor = 2 * gap**p.prefactor_power / (area * p.barrier_height**0.5 * TUNNELLING)
    # The square of the barrier is what the published code has; Simmons' formula has the root.
    tunnel_resistance = prefactor * np.exp(DECAY * gap * p.barrier_height**2)
    return 1 / (tunnel_resistance + 1 / p.on_conductance) + p.off_conductance


def binary_conductance(state, parameters):
    """Conductance [S] of junctions that are on from the critical flux on, and off below it."""
    on = np.abs(state) >= parameters.critical_flux
    return np.where(on, parameters.on_conductance, parameters.off_conductance)


def update_state(state, voltage, dt, parameters, one_sided_reset):
    """States [V s] one explicit Euler step `dt` [s] later, under junction voltages [V].

    A state that the reset would carry across zero becomes exactly 0. The published code compares
    the signed decrease with the size of the state, so there (`one_sided_reset`) this holds for
    positive states only, and a negative one may overshoot by up to `boost reset_voltage dt`.
    """
    p = parameters
    size = np.abs(voltage)
    state = state + np.where(size > p.set_voltage, (size - p.set_voltage) * np.sign(voltage) * dt, 0.0)
    decrease = np.where(
        size < p.reset_voltage, p.boost * (p.reset_voltage - size) * np.sign(state) * dt, 0.0
    )
    reach = decrease if one_sided_reset else np.abs(decrease)
    state = np.where(reach >= np.abs(state), 0.0, state - decrease)
    return np.clip(state, -p.max_flux, p.max_flux)


def solve(edges, n_nodes, conductance, terminals, potentials):
    """Node potentials [V], and the current [A] into the network at each terminal.

    Modified nodal analysis: with the Laplacian L of the conductances and one column of C per
    terminal,

        [ L   C ] [ phi ]   [ 0 ]
        [ C^T 0 ] [  x  ] = [ u ],

    where row i of the first block, sum_j g_ij (phi_i - phi_j) + x = 0, says that x flows out.
    """
    n_terminals = len(terminals)
    matrix = np.zeros((n_nodes + n_terminals, n_nodes + n_terminals))
    for (a, b), g in zip(edges, conductance, strict=True):
        matrix[a, a] += g
        matrix[b, b] += g
        matrix[a, b] -= g
        matrix[b, a] -= g
    for column, node in enumerate(terminals, start=n_nodes):
        matrix[node, column] = matrix[column, node] = 1.0
    solution = np.linalg.solve(matrix, np.concatenate([np.zeros(n_nodes), potentials]))
    return solution[:n_nodes], -solution[n_nodes:]


@dataclass(frozen=True)
class Run:
    """What `simulate` returns; index k - 1 along the first axis is step k, at time k dt.

    Conductances, voltages and potentials come from the state that enters a step; `states` and
    `final_state` are those that leave it.
    """

    time: np.ndarray  # (steps,) [s]
    conductance: np.ndarray  # (steps,) [S], from the first to the second terminal
    terminal_current: np.ndarray  # (steps, n_terminals) [A], into the network
    states: np.ndarray  # (steps, n_edges) [V s]
    junction_conductance: np.ndarray  # (steps, n_edges) [S]
    junction_voltage: np.ndarray  # (steps, n_edges) [V], phi_a - phi_b of junction (a, b)
    potentials: np.ndarray  # (steps, n_nodes) [V]
    final_state: np.ndarray  # (n_edges,) [V s]


CONDUCTANCE = {"tunnel": tunnel_conductance, "binary": binary_conductance}


def simulate(
    n_nodes,
    edges,
    signal,
    terminals,
    dt,
    parameters,
    *,
    state=None,
    model="tunnel",
    one_sided_reset=True,
    passive=None,
    passive_conductance=None,
) -> Run:
    """Run a network from `state` (default: all 0) through one step for each row of `signal` [V].

    `signal` is `(steps, n_terminals)`, or `(steps,)` for the first terminal with the others held
    at 0 V. Junctions marked in `passive` conduct `passive_conductance` [S] whatever their state,
    which moves all the same, as in the published code.
    """
    edges, terminals, signal = np.asarray(edges), np.asarray(terminals), np.asarray(signal, float)
    # Between two terminals, or with the first driven alone, it is that of 1 V, whatever the signal.
    one_branch = signal.ndim == 1 or len(terminals) == 2
    unit = np.eye(len(terminals))[0]
    if signal.ndim == 1:
        signal = np.pad(signal[:, None], ((0, 0), (0, len(terminals) - 1)))
    state = np.zeros(len(edges)) if state is None else np.array(state, float)
    steps = len(signal)
    potentials = np.empty((steps, n_nodes))
    terminal_current = np.empty((steps, len(terminals)))
    conductances, voltages, states = (np.empty((steps, len(edges))) for _ in range(3))
    branch = np.empty(steps)
    for k in range(steps):
        conductances[k] = CONDUCTANCE[model](state, parameters)
        if passive is not None:
            conductances[k][passive] = passive_conductance
        potentials[k], terminal_current[k] = solve(edges, n_nodes, conductances[k], terminals, signal[k])
        branch[k] = -solve(edges, n_nodes, conductances[k], terminals, unit)[1][1]
        voltages[k] = potentials[k][edges[:, 0]] - potentials[k][edges[:, 1]]
        state = update_state(state, voltages[k], dt, parameters, one_sided_reset)
        states[k] = state
    drop = signal[:, 0] - signal[:, 1]
    drop = np.where(drop == 0, np.nan, drop)
    return Run(
        time=np.arange(1, steps + 1) * dt,
        conductance=branch if one_branch else np.abs(terminal_current[:, 1] / drop),
        terminal_current=terminal_current,
        states=states,
        junction_conductance=conductances,
        junction_voltage=voltages,
        potentials=potentials,
        final_state=state,
    )
