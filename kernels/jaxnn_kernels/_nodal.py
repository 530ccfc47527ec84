"""The nodal solve and its one derivative rule."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad
from jaxtyping import Array, Float, Int

from . import _dense, _star_mesh
from ._incidence import difference_of as difference, divergence_of as divergence, pair_difference
from ._layout import batch_last
from ._schedule import schedule
from ._star_plan import costs_for, plan_of


class NodalSolution(NamedTuple):
    """Potentials [V], junction voltages phi_a - phi_b [V], currents into the network [A]."""

    node_potential: Float[Array, " nodes"]
    junction_voltage: Float[Array, " edges"]
    terminal_current: Float[Array, " terminals"]


def _method(plan: Any) -> Any:
    return _dense if isinstance(plan, _dense.DensePlan) else _star_mesh


def _solve_kernel(plan: Any, conductance: Array, potential: Array) -> tuple[Array, Array, Array, Any]:
    factors = _method(plan).eliminate(plan, conductance)
    phi, current = _method(plan).substitute(plan, factors, potential, None)
    return phi, pair_difference(plan.graph, phi), current, factors


def _substitute_kernel(plan: Any, factors: Any, potential: Array, current: Array) -> Any:
    return _method(plan).substitute(plan, factors, potential, current)


def _solve_shapes(plan: Any, conductance: Any, potential: Any) -> tuple[Any, Any, Any, Any]:
    like = conductance.shape[1:]
    trail = jnp.broadcast_shapes(like, potential.shape[1:])
    rows = plan.graph.place.shape[0], conductance.shape[0], potential.shape[0]
    factors = _method(plan).factor_shapes(plan, like)
    return *((n, *trail) for n in rows), factors


def _substitute_shapes(plan: Any, factors: Any, potential: Any, current: Any) -> Any:
    leaves = [*jax.tree_util.tree_leaves(factors), potential, current]
    trail = jnp.broadcast_shapes(*(x.shape[1:] for x in leaves))
    return (current.shape[0], *trail), (potential.shape[0], *trail)


# One product of the sparse elimination, two rows gathered, in multiply-adds of the full one.
_GATHERED = 4


def nodal_plan(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    device: str | None = None,
) -> Any:
    """The sparse or the full elimination, whichever has less work; its `repr` says why.

    The order of elimination gives the exact number of products of the sparse one. `device` is as in
    `star_mesh_plan`.
    """
    order = schedule(n_nodes, edges, terminals, lambda parts: costs_for(device, parts).tail)
    products = sum(len(star) * (len(star) - 1) // 2 for star in order.neighbours)
    last = sum(_dense.dense_work(len(t.wires) + len(t.terminals), len(t.terminals)) for t in order.tails)
    if _GATHERED * products + last > _dense.dense_work(n_nodes, len(terminals)):
        return _dense.dense_plan(n_nodes, edges, terminals)
    return plan_of(order, n_nodes, edges, terminals, costs_for(device, order.n_components))


_solve_primitive, _solve = batch_last("solve_nodes", _solve_kernel, _solve_shapes)
_, _reach = batch_last(
    "reach_of_terminals",
    lambda plan, factors, potential: _method(plan).substitute(plan, factors, potential, None)[0],
    lambda plan, factors, potential: _solve_shapes(plan, factors[0], potential)[0],
)
# Only ever the "solve" of a custom_linear_solve, which JAX does not differentiate.
_, _substitute = batch_last("substitute_currents", _substitute_kernel, _substitute_shapes)


def _solve_jvp(primals: Any, tangents: Any, *, tree: Any) -> tuple[Any, Any]:
    # With B the incidence matrix, C the columns of the terminals and x the currents out of the
    # network,
    #     [L C; C^T 0] [phi; x] = [0; u],    L = B^T diag(g) B,
    # so that the tangent solves the same symmetric system for other sources,
    #     [L C; C^T 0] [dphi; dx] = [-B^T (dg * B phi); du],
    # and costs one substitution with the factors at hand. JAX transposes that solve by itself and,
    # for second derivatives, differentiates `matvec` only, never the elimination behind `solve`.
    plan, (g, u) = jax.tree_util.tree_unflatten(tree, primals)
    dg, du = (ad.instantiate_zeros(t) for t in tangents[-2:])
    phi, voltage, current, factors = _solve(plan, g, u)
    n, terminals = phi.shape[0], plan.terminals
    # With all terminals at 1 V, a wire is at 1 V, or at 0 V if nothing joins it to them. An open
    # junction between two such wires has no derivative: its voltage is a convention.
    reach = _reach(plan, jax.lax.stop_gradient(factors), jnp.ones_like(jax.lax.stop_gradient(u)))
    joined = jnp.abs(difference(plan.graph, reach)) < 0.5

    def matvec(unknown: Array) -> Array:
        flow = divergence(plan.graph, g * difference(plan.graph, unknown[:n]))
        flow = flow.at[terminals].add(unknown[n:])
        return jnp.concatenate([flow, unknown[terminals]])

    def solve(_matvec: Any, b: Array) -> Array:
        phi, into = _substitute(plan, factors, b[n:], b[:n])
        return jnp.concatenate([phi, -into])

    # One vector, because JAX transposes the solve only where all of its right-hand sides are
    # linear.
    source = -divergence(plan.graph, jnp.where(joined, dg * voltage, 0))
    du = jnp.broadcast_to(du, (du.shape[0], *source.shape[1:]))
    sources = jnp.concatenate([source, du])
    tangent = jax.lax.custom_linear_solve(matvec, sources, solve, symmetric=True)
    outs = jax.tree_util.tree_leaves((phi, voltage, current, factors))
    # The factors leave the primitive for `solve` alone, and take no tangents with them.
    none = [jnp.zeros_like(x) for x in jax.tree_util.tree_leaves(factors)]
    return outs, [tangent[:n], difference(plan.graph, tangent[:n]), -tangent[n:], *none]


ad.primitive_jvps[_solve_primitive] = _solve_jvp


def solve_nodes(
    plan: Any, conductance: Float[Array, " edges"], terminal_potential: Float[Array, " terminals"]
) -> NodalSolution:
    """Solve Kirchhoff's laws, B^T diag(g) B phi = 0 away from the terminals, where phi is given.

    `plan` comes from `star_mesh_plan` or `dense_plan`; conductances [S] are not negative,
    potentials in [V]. A wire that no conductance joins to a terminal gets 0 V. All transforms of
    JAX apply, to any order: a tangent or cotangent costs one substitution with the elimination of
    the value.
    """
    phi, voltage, current, _ = _solve(plan, conductance, terminal_potential)
    return NodalSolution(phi, voltage, current)
