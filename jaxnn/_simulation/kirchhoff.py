"""What flows in a network, from the differences of its terminals' potentials alone."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import solve_nodes

from .problem import Problem, terminal_potential


class Flow(NamedTuple):
    """Potentials and voltages [V], currents from the terminals into the network [A], conductance [S]."""

    drive: Float[Array, "*terminals"]
    terminal_current: Float[Array, "*terminals"]
    conductance: Float[Array, "*networks"]
    junction_voltage: Float[Array, " junctions"]
    node_potential: Float[Array, " nodes"]


def flow(problem: Problem, conductance: Float[Array, " junctions"], value: Float[Array, "..."]) -> Flow:
    r"""Kirchhoff's solution for conductances [S] and the value of a drive [V].

    With two terminals, or where only the first is driven, it is that of 1 V at the first times
    $V_1 - V_2$, and the conductance is that of the branch that is left between the first two, whatever
    the drive. Otherwise it is $|I_2 / (V_1 - V_2)|$, NaN where that has no value. A negative conductance
    makes NaN of its network.
    """
    # The solver is for conductances that are not negative: what it gave would look like a result.
    conductance = jnp.where(conductance < 0, jnp.nan, conductance)
    first_alone = value.ndim == 0 or value.shape[-1] == 1 or problem.shape[-1] == 2
    potential = terminal_potential(value.astype(problem.state.dtype), problem.shape)
    base = potential[..., 1]
    if first_alone:
        return _of_unit_drive(problem, conductance, potential, base)
    # Far from 0 V, potentials would have no digits left for the voltages.
    nodal = solve_nodes(problem.plan, conductance, (potential - base[..., None]).reshape(-1))
    current = nodal.terminal_current.reshape(problem.shape)
    node_potential = nodal.node_potential + per_owner(base, problem.network_of_node)
    ratio = conductance_between(potential, current)
    return Flow(potential, current, ratio, nodal.junction_voltage, node_potential)


def _of_unit_drive(problem: Problem, conductance: Array, potential: Array, base: Array) -> Flow:
    unit = np.zeros(problem.shape)
    unit[..., 0] = 1
    nodal = solve_nodes(problem.plan, conductance, jnp.asarray(unit.reshape(-1), conductance.dtype))
    current = nodal.terminal_current.reshape(problem.shape)
    voltage = potential[..., 0] - base
    nodes, junctions = problem.network_of_node, problem.network_of_junction
    return Flow(
        potential,
        current * voltage[..., None],
        -current[..., 1],
        nodal.junction_voltage * per_owner(voltage, junctions),
        per_owner(base, nodes) + nodal.node_potential * per_owner(voltage, nodes),
    )


def per_owner(values: Array, network: Array | np.ndarray) -> Array:
    """Values of networks for each of their nodes or junctions; one network has one for all."""
    if not values.ndim:
        return values
    return values.at[network].get(mode="promise_in_bounds", wrap_negative_indices=False)


def per_network(problem: Problem, reduction: str, values: Array, owner: ArrayLike) -> Array:
    """The "max" or "sum" of values of nodes or junctions over the network that each belongs to."""
    if len(problem.shape) == 1:
        return getattr(jnp, reduction)(values)
    segmented = getattr(jax.ops, f"segment_{reduction}")
    return segmented(values, owner, num_segments=problem.shape[0])


def conductance_between(potential: Array, current: Array) -> Array:
    """|I_2 / (V_1 - V_2)|, NaN where the difference is exactly zero, without a NaN in gradients."""
    difference = potential[..., 0] - potential[..., 1]
    off = difference == 0
    ratio = -current[..., 1] / jnp.where(off, 1, difference)
    # Not `abs`, which has no slope at zero: a conductance that grows from there has one.
    return jnp.where(off, jnp.nan, jnp.where(ratio < 0, -ratio, ratio))
