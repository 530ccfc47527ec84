"""The nodal solve and its one derivative rule."""

import functools as ft
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name
from jax.interpreters import ad
from jaxtyping import Array, Float, Int

from . import _dense, _star_mesh
from ._costs import costs_for
from ._incidence import TERMS, difference_of as difference, divergence_of as divergence, pair_difference
from ._layout import batch_last
from ._placement import is_shared_out
from ._schedule import schedule
from ._star_plan import plan_of


class NodalSolution(NamedTuple):
    """Potentials [V], junction voltages phi_a - phi_b [V], currents into the network [A]."""

    node_potential: Float[Array, " nodes"]
    junction_voltage: Float[Array, " edges"]
    terminal_current: Float[Array, " terminals"]


def _method(plan: Any) -> Any:
    return _dense if isinstance(plan, _dense.DensePlan) else _star_mesh


def _eliminate_kernel(plan: Any, conductance: Array) -> Any:
    return _method(plan).eliminate(plan, conductance)


def _eliminate_shapes(plan: Any, conductance: Any) -> Any:
    return _method(plan).factor_shapes(plan, conductance.shape[1:])


def _potentials_kernel(
    plan: Any, conductance: Array, factors: Any, potential: Array
) -> tuple[Array, Array]:
    del conductance  # for the derivative rule alone
    return _method(plan).substitute(plan, factors, potential, None)


def _potentials_shapes(plan: Any, conductance: Any, factors: Any, potential: Any) -> Any:
    return _vector_shapes(plan, conductance, potential)


def _respond_kernel(
    plan: Any, conductance: Array, factors: Any, current: Array, potential: Array
) -> tuple[Array, Array]:
    del conductance
    trail = jnp.broadcast_shapes(current.shape[1:], potential.shape[1:])
    wide = lambda x: jnp.broadcast_to(x, (x.shape[0], *trail))
    phi, into = _method(plan).substitute(plan, factors, wide(potential), wide(current))
    return phi, -into


def _respond_shapes(plan: Any, conductance: Any, factors: Any, current: Any, potential: Any) -> Any:
    return _vector_shapes(plan, conductance, current, potential)


def _vector_shapes(plan: Any, *arrays: Any) -> Any:
    trail = jnp.broadcast_shapes(*(x.shape[1:] for x in arrays))
    return (plan.graph.place.shape[0], *trail), (plan.terminals.shape[0], *trail)


def _least(x: Array) -> Array:
    """The least of all numbers, by the row: XLA's own reduction of a large array is slower."""
    while x.ndim > 1 and x.shape[0] > 1:
        rows = -(-x.shape[0] // TERMS)
        starts = (min(k * rows, x.shape[0] - rows) for k in range(TERMS))
        x = ft.reduce(jnp.minimum, (x[start : start + rows] for start in starts))
    return jnp.min(x)


@jax.jit  # traced once for both places of use
def _find_joined(plan: Any, conductance: Array, factors: Any) -> Array:
    # With all terminals at 1 V, a wire is at 1 V, or at 0 V if nothing joins it to them.
    raised = jnp.ones((plan.terminals.shape[0], *conductance.shape[1:]), conductance.dtype)
    reach, _ = _method(plan).substitute(plan, factors, raised, None)
    return (jnp.abs(pair_difference(plan.graph, reach)) < 0.5).astype(conductance.dtype)


def _joined_kernel(plan: Any, conductance: Array, factors: Any) -> Array:
    """1 at junctions that have both wires joined to a terminal or neither, 0 at the others.

    Only an open junction can be one of the others. Where none is open a CPU need not look further; a GPU
    would wait longer for that answer than it takes to find them.
    """
    find = lambda: _find_joined(plan, conductance, factors)
    unless_closed = lambda: jax.lax.cond(_least(conductance) <= 0, find, lambda: jnp.ones_like(conductance))
    # Nor would devices that share a batch wait for each other in every step.
    return jax.lax.platform_dependent(cpu=find if is_shared_out() else unless_closed, default=find)


# One product of the sparse elimination, two rows gathered, in multiply-adds of the full one.
_GATHERED = 4


def nodal_plan(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    device: str | None = None,
    mapped: bool = False,
) -> Any:
    """The sparse or the full elimination, whichever has less work; its `repr` says why.

    The order of elimination gives the exact number of products of the sparse one. `device` and
    `mapped` are as in `star_mesh_plan`.
    """
    costs = lambda sizes: costs_for(device, sizes, mapped)
    order = schedule(n_nodes, edges, terminals, lambda sizes: costs(sizes).tail)
    products = sum(len(star) * (len(star) - 1) // 2 for star in order.neighbours)
    last = sum(_dense.dense_work(len(t.wires) + len(t.terminals), len(t.terminals)) for t in order.tails)
    if _GATHERED * products + last > _dense.dense_work(n_nodes, len(terminals)):
        return _dense.dense_plan(n_nodes, edges, terminals)
    return plan_of(order, n_nodes, edges, terminals, costs(order.sizes))


_, _eliminate = batch_last("eliminate_wires", _eliminate_kernel, _eliminate_shapes)
_, _joined = batch_last("joined_junctions", _joined_kernel, lambda plan, g, factors: g.shape)
_potentials_primitive, _potentials = batch_last("node_potentials", _potentials_kernel, _potentials_shapes)
_respond_primitive, _respond = batch_last("nodal_response", _respond_kernel, _respond_shapes)


def _potentials_jvp(primals: Any, tangents: Any, *, tree: Any) -> tuple[Any, Any]:
    # With B the incidence matrix, C the columns of the terminals and x the currents out of the
    # network,
    #     [L C; C^T 0] [phi; x] = [0; u],    L = B^T diag(g) B,
    # so that the tangent solves the same symmetric system for other sources,
    #     [L C; C^T 0] [dphi; dx] = [-B^T (dg * B phi); du],
    # and costs one substitution with the factors at hand, which take no tangents themselves.
    plan, (g, factors, u) = jax.tree_util.tree_unflatten(tree, primals)
    _, (dg, _, du) = jax.tree_util.tree_unflatten(tree, tangents)
    phi, current = _potentials(plan, g, factors, u)
    # Under this name `jax.checkpoint` may keep it: the way back needs nothing else of this substitution.
    phi = checkpoint_name(phi, "node_potential")
    # An open junction between a wire that is cut off and one that is not has no derivative: its
    # voltage is a convention.
    joined = _joined(plan, jax.lax.stop_gradient(g), jax.lax.stop_gradient(factors))
    flow = ad.instantiate_zeros(dg) * difference(plan.graph, phi)
    source = -divergence(plan.graph, jnp.where(joined > 0.5, flow, 0))
    dphi, dx = _respond(plan, g, factors, source, ad.instantiate_zeros(du))
    return [phi, current], [dphi, -dx]


def _respond_jvp(primals: Any, tangents: Any, *, tree: Any) -> tuple[Any, Any]:
    # As above: the factors are differentiated through the equation that they solve.
    plan, (g, factors, _, _) = jax.tree_util.tree_unflatten(tree, primals)
    _, (dg, _, *sources) = jax.tree_util.tree_unflatten(tree, tangents)
    out = _respond_primitive.bind(*primals, tree=tree)
    current, potential = (ad.instantiate_zeros(t) for t in sources)
    if not isinstance(dg, ad.Zero):
        current = current - divergence(plan.graph, dg * difference(plan.graph, out[0]))
    return out, list(_respond(plan, g, factors, current, potential))


def _respond_transpose(cotangents: Any, *args: Any, tree: Any) -> list[Any]:
    # Symmetric, and linear in the last two arguments, which broadcast against the factors.
    *given, current, potential = args
    out = _respond_primitive.bind(*given, *(ad.instantiate_zeros(ct) for ct in cotangents), tree=tree)
    back = [
        _summed_to(ct, x.aval.shape) if ad.is_undefined_primal(x) else None
        for ct, x in zip(out, (current, potential), strict=True)
    ]
    return [None] * len(given) + back


def _summed_to(x: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of broadcasting from axes of size one."""
    axes = tuple(axis for axis, size in enumerate(shape) if size < x.shape[axis])
    return jnp.sum(x, axis=axes, keepdims=True)


ad.primitive_jvps[_potentials_primitive] = _potentials_jvp
ad.primitive_jvps[_respond_primitive] = _respond_jvp
ad.primitive_transposes[_respond_primitive] = _respond_transpose


def solve_nodes(
    plan: Any, conductance: Float[Array, " edges"], terminal_potential: Float[Array, " terminals"]
) -> NodalSolution:
    """Solve Kirchhoff's laws, B^T diag(g) B phi = 0 away from the terminals, where phi is given.

    `plan` comes from `star_mesh_plan` or `dense_plan`; conductances [S] are not negative,
    potentials in [V]. A wire that no conductance joins to a terminal gets 0 V. All transforms of
    JAX apply, to any order: a tangent or cotangent costs one substitution with the elimination of
    the value.
    """
    factors = _eliminate(plan, jax.lax.stop_gradient(conductance))
    phi, current = _potentials(plan, conductance, factors, terminal_potential)
    return NodalSolution(phi, difference(plan.graph, phi), current)
