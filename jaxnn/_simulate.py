"""The time loop: conductances, potentials, states, step after step in one compiled call."""

from collections.abc import Sequence
from typing import Any, SupportsIndex

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from jaxnn_kernels import divergence, solve_nodes, step_time

from ._adjoint import AbstractAdjoint, StoreStates
from ._clock import Clock
from ._drive import AbstractDrive, drive_at
from ._ensemble import Ensemble
from ._junction import AbstractJunction
from ._network import Network
from ._problem import Problem, make_problem, terminal_potential
from ._solution import Solution
from ._solver import AbstractSolver, AutoSolver


_ALWAYS = ("time", "drive", "terminal_current", "conductance", "final_state")
_ON_REQUEST = (
    "state",
    "junction_conductance",
    "junction_voltage",
    "node_potential",
    "kirchhoff_residual",
    "power",
    "cut_off",
)


def simulate(
    network: Network | Ensemble,
    junction: AbstractJunction,
    drive: AbstractDrive | Any,
    *,
    terminals: Any,
    dt: ArrayLike,
    steps: SupportsIndex,
    start_step: ArrayLike = 0,
    state: Any = None,
    record: str | Sequence[str] = ("conductance",),
    every: SupportsIndex = 1,
    solver: AbstractSolver | None = None,
    adjoint: AbstractAdjoint | None = None,
) -> Solution:
    r"""Simulates a network of memristive junctions under a drive.

    For $k = 1, \dots,$ `steps`, with $t = ($`start_step`$ + k)\,dt$:

    $$g = g(\lambda_{k-1}), \quad B^T \mathrm{diag}(g) B \phi = 0 \text{ off the terminals}, \quad
      \phi = V(t) \text{ on them}, \quad v = B \phi, \quad \lambda_k = \lambda(\lambda_{k-1}, v, dt)$$

    **Arguments**

    - `network`: a `Network`, or an `Ensemble` of different ones that run together.
    - `junction`: the law of its junctions; parameters are scalars or one value per junction.
    - `drive`: a drive, or an array [V], `(steps,)` for the first terminal with the others at 0 V or
      `(steps, terminals)`.
    - `terminals`: wires held at the drive's potentials, at least two; for an ensemble one sequence
      per network. The network's conductance is between the first two.
    - `dt`: time step [s]. A warning says when a state moved too far in one.
    - `state`, `start_step`: where to start; `final_state` and `final_step` of an earlier run go on
      from it bit for bit.
    - `record`: what to keep besides time, drive, terminal currents and conductance: any of
      "state", "junction_conductance", "junction_voltage", "node_potential", "kirchhoff_residual",
      "power", "cut_off" (doubles the cost). What is not asked for takes no memory.
    - `every`: keep steps every, 2 every, ...
    - `solver`: `StarMesh()` or `Dense()`; by default whichever takes less work.
    - `adjoint`: what reverse mode keeps: `StoreStates()` (the default), `Checkpointed()` for long
      runs, `StoreAll()`, `Truncated(window)`.

    Every number may be traced: `jit`, `vmap` and `grad` apply to drives, parameters, states and dt.
    The dtype is that of the arrays given (drive, state, parameters); plain Python numbers follow.

    Raises a `ValueError` for terminals that are not all connected, wires that no terminal reaches,
    drives or states that are not finite or do not fit, and unknown names in `record`.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Methods; the order within a step is
    that of the published code.
    """
    n_steps, n_every = _check_counts(steps, every)
    problem = make_problem(
        network,
        junction,
        drive,
        terminals=terminals,
        dt=dt,
        steps=n_steps,
        start_step=start_step,
        state=state,
        solver=AutoSolver() if solver is None else solver,
    )
    adjoint = StoreStates() if adjoint is None else adjoint
    return _run(problem, n_steps, n_every, _check_record(record), adjoint).check()


def _check_counts(steps: Any, every: Any) -> tuple[int, int]:
    n_steps, n_every = _check_count("steps", steps), _check_count("every", every)
    if n_every > n_steps:
        raise ValueError(f"every={every} keeps none of {steps} steps; use every={steps} or less.")
    return n_steps, n_every


def _check_count(name: str, value: Any) -> int:
    if not isinstance(value, int) and not hasattr(value, "__index__"):
        raise ValueError(f"{name} must be a whole number, got {value!r}: it sets the length of arrays.")
    if int(value) < 1:
        raise ValueError(f"{name} must be at least 1, got {value}.")
    return int(value)


def _check_record(record: str | Sequence[str]) -> tuple[str, ...]:
    names = (record,) if isinstance(record, str) else tuple(record)
    unknown = [name for name in names if name not in _ALWAYS + _ON_REQUEST]
    if unknown:
        raise ValueError(
            f"record has {unknown}; it can name {list(_ON_REQUEST)} ({list(_ALWAYS)} are always kept)."
        )
    return tuple(name for name in _ON_REQUEST if name in names)


class _Carry(eqx.Module):
    state: Array
    step: Array
    largest_change: Array
    failed_step: Array


@eqx.filter_jit
def _run(
    problem: Problem, steps: int, every: int, record: tuple[str, ...], adjoint: AbstractAdjoint
) -> Solution:
    passive = _passive_conductance(problem)
    advance = lambda carry, voltage: _advance(problem, passive, record, carry, voltage)
    start = _Carry(
        problem.state,
        problem.start_step,
        jnp.zeros((), problem.state.dtype),
        jnp.asarray(-1, jnp.int32),
    )
    given = None if isinstance(problem.drive, AbstractDrive) else problem.drive
    carry, kept = adjoint.scan(advance, start, given, steps, every)
    step = problem.start_step + every * jnp.arange(1, steps // every + 1, dtype=jnp.int32)
    time, _ = jax.vmap(step_time, in_axes=(0, None, None))(step, problem.dt, problem.dt_remainder)
    return Solution(
        time=time,
        conductance=_conductance(kept["drive"], kept["terminal_current"]),
        final_state=carry.state,
        final_step=carry.step,
        largest_change=carry.largest_change,
        failed_step=carry.failed_step,
        **kept,
    )


def _advance(
    problem: Problem,
    passive: Array | None,
    record: tuple[str, ...],
    carry: _Carry,
    voltage: Array | None,
) -> tuple[_Carry, dict[str, Array]]:
    """One step, and what is kept of it."""
    step = carry.step + 1
    if voltage is None:
        clock = Clock(*step_time(step, problem.dt, problem.dt_remainder))
        voltage = drive_at(problem.drive, clock)  # pyright: ignore[reportArgumentType]
    potential = terminal_potential(voltage.astype(problem.state.dtype), problem.shape)
    conductance = problem.junction.conductance(carry.state)
    if passive is not None:
        conductance = jnp.where(problem.network.passive, passive, conductance)
    nodal = solve_nodes(problem.plan, conductance, potential.reshape(-1))
    state = problem.junction.update(carry.state, nodal.junction_voltage, problem.dt)
    kept = {
        "drive": potential,
        "terminal_current": nodal.terminal_current.reshape(problem.shape),
        "state": state,
        "junction_conductance": conductance,
        "junction_voltage": nodal.junction_voltage,
        "node_potential": nodal.node_potential,
    }
    if "kirchhoff_residual" in record:
        flow = divergence(problem.plan.graph, conductance * nodal.junction_voltage)
        residual = jnp.abs(flow.at[problem.terminals].set(0))
        owner = problem.network_of_node
        kept["kirchhoff_residual"] = _per_network(problem, "max", residual, owner)
    if "power" in record:
        loss = conductance * nodal.junction_voltage**2
        owner = problem.network_of_node[problem.network.edges[:, 0]]
        kept["power"] = _per_network(problem, "sum", loss, owner)
    if "cut_off" in record:
        # With every terminal at 1 V, so is each wire that any of them reaches.
        raised = jnp.ones(problem.terminals.shape, conductance.dtype)
        reached = solve_nodes(problem.plan, conductance, raised)
        lost = (reached.node_potential < 0.5).astype(jnp.int32)
        kept["cut_off"] = _per_network(problem, "sum", lost, problem.network_of_node)
    kept = {k: v for k, v in kept.items() if k in record or k in ("drive", "terminal_current")}
    return _next_carry(problem, carry, step, state, nodal.terminal_current), kept


def _next_carry(problem: Problem, carry: _Carry, step: Array, state: Array, current: Array) -> _Carry:
    """The new state with the diagnosis brought up to date."""
    scale = jnp.asarray(problem.junction.critical_state(), state.dtype)
    scale = scale.reshape((1,) * (state.ndim - scale.ndim) + scale.shape)
    change = jnp.abs(state - carry.state) / scale
    # The state of a passive junction moves as well, but nothing hangs on it.
    change = jnp.max(jnp.where(problem.network.passive, 0, change), initial=0)
    finite = jnp.isfinite(jnp.sum(current)) & jnp.isfinite(change)
    fails = ~finite & (carry.failed_step < 0)
    return _Carry(
        state,
        step,
        jax.lax.stop_gradient(jnp.maximum(carry.largest_change, change)),
        jnp.where(fails, step, carry.failed_step),
    )


def _passive_conductance(problem: Problem) -> Array | None:
    """The passive conductances spread over all junctions, or None where there are none."""
    index = problem.network.passive.nonzero()[0]
    if index.size == 0:
        return None
    spread = jnp.zeros(problem.network.n_junctions, problem.state.dtype)
    return spread.at[index].set(problem.network.passive_conductance)


def _per_network(problem: Problem, reduction: str, values: Array, owner: ArrayLike) -> Array:
    """The "max" or "sum" of values of nodes or junctions over the network that each belongs to."""
    if len(problem.shape) == 1:
        return getattr(jnp, reduction)(values)
    segmented = getattr(jax.ops, f"segment_{reduction}")
    return segmented(values, owner, num_segments=problem.shape[0])


def _conductance(potential: Array, current: Array) -> Array:
    """|I_2 / (V_1 - V_2)|, NaN where the difference is exactly zero, without a NaN in gradients."""
    difference = potential[..., 0] - potential[..., 1]
    off = difference == 0
    ratio = jnp.abs(current[..., 1] / jnp.where(off, 1, difference))
    return jnp.where(off, jnp.nan, ratio)
