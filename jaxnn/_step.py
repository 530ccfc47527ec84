"""One time step: conductances, potentials, states, in this order."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from jaxnn_kernels import batch_inner, divergence, mapped_like, shared_like, solve_nodes, step_time

from ._clock import Clock
from ._drive import drive_at
from ._problem import Problem, terminal_potential


class Carry(eqx.Module):
    """The state, the number of the step that gave it, and the diagnosis so far, network by network."""

    state: Array
    step: Array
    largest_change: Array
    failed_step: Array


def first_carry(problem: Problem) -> Carry:
    """Where a run starts from."""
    networks = problem.shape[:-1]
    diagnosis = jnp.zeros(networks, problem.state.dtype), jnp.full(networks, -1, jnp.int32)
    diagnosis = mapped_like(shared_like(diagnosis, problem), problem)
    return Carry(problem.state, problem.start_step, *diagnosis)


def advance(
    problem: Problem,
    passive: Array | None,
    record: tuple[str, ...],
    carry: Carry,
    voltage: Array | None,
) -> tuple[Carry, dict[str, Array]]:
    """One step, and what is kept of it."""
    step = carry.step + 1
    if voltage is None:
        clock = Clock(*step_time(step, problem.dt, problem.dt_remainder))
        voltage = drive_at(problem.drive, clock)  # pyright: ignore[reportArgumentType]
    potential = terminal_potential(voltage.astype(problem.state.dtype), problem.shape)
    # Between two solves all lies in memory as the solves want it.
    before = batch_inner(carry.state)
    conductance = problem.junction.conductance(before)
    if passive is not None:
        conductance = jnp.where(problem.network.passive, passive, conductance)
    nodal = solve_nodes(problem.plan, batch_inner(conductance), potential.reshape(-1))
    felt = batch_inner(nodal.junction_voltage)
    state = batch_inner(problem.junction.update(before, felt, problem.dt))
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


def _next_carry(problem: Problem, carry: Carry, step: Array, state: Array, current: Array) -> Carry:
    """The new state with the diagnosis brought up to date."""
    scale = jnp.asarray(problem.junction.critical_state(), state.dtype)
    scale = scale.reshape((1,) * (state.ndim - scale.ndim) + scale.shape)
    change = jnp.abs(state - carry.state) / scale
    # The state of a passive junction moves as well, but nothing hangs on it.
    change = jax.lax.stop_gradient(jnp.where(problem.network.passive, 0, change))
    change = _largest_per_network(problem, change)
    finite = jnp.isfinite(jnp.sum(current.reshape(problem.shape), axis=-1)) & jnp.isfinite(change)
    fails = ~finite & (carry.failed_step < 0)
    return Carry(
        state,
        step,
        jnp.maximum(carry.largest_change, change),
        jnp.where(fails, step, carry.failed_step),
    )


def _largest_per_network(problem: Problem, values: Array) -> Array:
    """The largest of values per junction, at least 0, in each network."""
    if len(problem.shape) == 1:
        return jnp.max(values, initial=0)
    # To gather the junctions of a network is several times faster than to scatter into networks.
    values = jnp.take(values, problem.junctions_of_network, axis=-1, mode="fill", fill_value=0)
    return jnp.max(values, axis=(*range(values.ndim - 2), values.ndim - 1), initial=0)


def passive_conductance(problem: Problem) -> Array | None:
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


def conductance_of(potential: Array, current: Array) -> Array:
    """|I_2 / (V_1 - V_2)|, NaN where the difference is exactly zero, without a NaN in gradients."""
    difference = potential[..., 0] - potential[..., 1]
    off = difference == 0
    ratio = jnp.abs(current[..., 1] / jnp.where(off, 1, difference))
    return jnp.where(off, jnp.nan, ratio)
