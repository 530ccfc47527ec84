"""Star-mesh elimination of a full matrix of branch conductances, one wire after the other."""

import dataclasses as dc
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ._incidence import incidence


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class DensePlan:
    """Index arrays of a dense elimination: wires in the order given, terminals last."""

    branch: Any
    place: Any
    order: Any
    terminals: Any
    graph: Any


class DenseFactors(NamedTuple):
    """Rows of weights g_ij / S_i flattened, 1 / S_i [1/S], terminal branch conductances [S]."""

    weight: Array
    inverse: Array
    mesh: Array


def dense_plan(
    n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " terminals"]
) -> DensePlan:
    """Plan the elimination of all wires as one full block: for dense or very small networks."""
    free = np.setdiff1d(np.arange(n_nodes), terminals)
    order = np.concatenate([free, terminals]).astype(np.int32)
    place = np.empty(n_nodes, np.int32)
    place[order] = np.arange(n_nodes)
    branch = np.full((n_nodes, n_nodes), len(edges), np.int32)
    a, b = place[edges.T]
    branch[a, b] = branch[b, a] = np.arange(len(edges))
    return DensePlan(branch, place, order, terminals.astype(np.int32), incidence(n_nodes, edges))


def reciprocal(total: Array) -> Array:
    """1 / S [1/S], and 0 where S = 0: a wire that nothing joins to a terminal gets 0 V."""
    open_circuit = total <= 0
    return jnp.where(open_circuit, 0.0, 1 / jnp.where(open_circuit, 1.0, total))


def eliminate(plan: DensePlan, conductance: Array) -> DenseFactors:
    """Star-mesh transform of every wire k in turn: w_kj = g_kj / S_k, g_ij <- g_ij + w_ki g_kj."""
    n, t = plan.branch.shape[0], plan.terminals.shape[0]
    free, trail = n - t, conductance.shape[1:]
    ones = (1,) * len(trail)
    zero = jnp.zeros((1, *trail), conductance.dtype)
    matrix = jnp.concatenate([conductance, zero])[plan.branch]

    def step(k: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        matrix, inverse = carry
        later = (jnp.arange(n) > k).reshape(n, *ones)
        row = jnp.where(later, jax.lax.dynamic_index_in_dim(matrix, k, keepdims=False), 0.0)
        scale = reciprocal(jnp.sum(row, axis=0))
        weight = row * scale[None]
        # The diagonal fills with numbers that nobody reads: cheaper than to mask them out.
        matrix = matrix + weight[:, None] * row[None]
        matrix = jax.lax.dynamic_update_index_in_dim(matrix, weight, k, 0)
        return matrix, jax.lax.dynamic_update_index_in_dim(inverse, scale, k, 0)

    inverse = jnp.zeros((free, *trail), conductance.dtype)
    # JAX traces the body of a loop of no passes as well, and there is nothing to update then.
    if free:
        matrix, inverse = jax.lax.fori_loop(0, free, step, (matrix, inverse))
    mesh = jnp.where(jnp.eye(t, dtype=bool).reshape(t, t, *ones), 0.0, matrix[free:, free:])
    return DenseFactors(matrix[:free].reshape(-1, *trail), inverse, mesh.reshape(-1, *trail))


def substitute(
    plan: DensePlan, factors: DenseFactors, potential: Array, current: Array | None
) -> tuple[Array, Array]:
    """Potentials (nodes,) [V] and currents (terminals,) [A] into the network.

    Injected currents [A] are carried forward, b_j += w_kj b_k; then phi_k = b_k / S_k + sum_j w_kj
    phi_j.
    """
    n, t = plan.branch.shape[0], plan.terminals.shape[0]
    free = n - t
    trail = jnp.broadcast_shapes(factors.inverse.shape[1:], potential.shape[1:])
    weight = factors.weight.reshape(free, n, *factors.weight.shape[1:])
    if current is None:
        carried = jnp.zeros((n, *trail), potential.dtype)
    else:
        ordered = jnp.broadcast_to(current[plan.order], (n, *trail))
        push = lambda k, b: b + weight[k] * b[k][None]
        carried = jax.lax.fori_loop(0, free, push, ordered) if free else ordered
    phi = jnp.concatenate([carried[:free] * factors.inverse, jnp.broadcast_to(potential, (t, *trail))])

    def back(i: Array, phi: Array) -> Array:
        k = free - 1 - i
        return phi.at[k].add(jnp.sum(weight[k] * phi, axis=0))

    if free:
        phi = jax.lax.fori_loop(0, free, back, phi)
    mesh = factors.mesh.reshape(t, t, *factors.mesh.shape[1:])
    into = jnp.sum(mesh * (potential[:, None] - potential[None]), axis=1) - carried[free:]
    return phi[plan.place], into
