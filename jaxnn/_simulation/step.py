"""One time step: conductances, potentials, states, in this order."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from jaxnn_kernels import batch_inner, divergence, joined_wires, mapped_like, shared_like

from .._drives import Clock, drive_at
from .diagnosis import Diagnosis, JunctionWatch, first_watch, next_watch
from .kirchhoff import flow
from .problem import Problem


# What every step keeps.
ALWAYS = ("drive", "terminal_current", "conductance")


class Carry(eqx.Module):
    """The state, the number of the step that gave it, and what went wrong so far."""

    state: Array
    step: Array
    watch: Diagnosis | JunctionWatch


def first_carry(problem: Problem) -> Carry:
    """Where a run starts from."""
    watch = mapped_like(shared_like(first_watch(problem), problem), problem)
    return Carry(problem.state, problem.start_step, watch)


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
        clock = Clock.at_step(step, problem.dt, problem.dt_remainder)
        voltage = drive_at(problem.drive, clock)  # pyright: ignore[reportArgumentType]
    # Between two solves all lies in memory as the solves want it.
    before = batch_inner(carry.state)
    conductance = problem.junction.conductance(before)
    if passive is not None:
        conductance = jnp.where(problem.network.passive, passive, conductance)
    flows = flow(problem, batch_inner(conductance), voltage)
    felt = batch_inner(flows.junction_voltage)
    state = batch_inner(problem.junction.update(before, felt, problem.dt))
    kept = flows._asdict() | {"state": state, "junction_conductance": conductance}
    if "kirchhoff_residual" in record:
        lost = divergence(problem.plan.graph, conductance * flows.junction_voltage)
        residual = jnp.abs(lost.at[problem.terminals].set(0))
        owner = problem.network_of_node
        kept["kirchhoff_residual"] = _per_network(problem, "max", residual, owner)
    if "power" in record:
        loss = conductance * flows.junction_voltage**2
        kept["power"] = _per_network(problem, "sum", loss, problem.network_of_junction)
    if "cut_off" in record:
        apart = (~joined_wires(problem.plan, conductance)).astype(jnp.int32)
        kept["cut_off"] = _per_network(problem, "sum", apart, problem.network_of_node)
    kept = {k: v for k, v in kept.items() if k in record or k in ALWAYS}
    current = flows.terminal_current
    watch = next_watch(problem, carry.watch, step, carry.state, state, conductance, current)
    return Carry(state, step, watch), kept


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
