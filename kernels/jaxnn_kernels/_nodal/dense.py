"""Star-mesh elimination of a full matrix of branch conductances, a panel of wires at a time."""

import dataclasses as dc
import functools as ft
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .. import _arguments as arguments
from .._types import ArrayOrType
from .incidence import incidence
from .leak import hanging, without_leaks
from .parallel import merges_parallel
from .plan import AbstractPlan, joined_by


# Wires of the smallest panel: below it, the rank-one updates in a panel are too small to matter.
_PANEL = 32


_KNOWN = arguments.real(known=True, finite=False)


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True, repr=False)
class DensePlan(AbstractPlan):
    """Index arrays of a dense elimination: wires in the order given, terminals last."""

    branch: Any
    place: Any
    order: Any
    terminals: Any
    graph: Any

    def __repr__(self) -> str:
        n, t = len(self.place), len(self.terminals)
        return (
            f"DensePlan({n} wires, {self.graph.ends.shape[-1]} junctions, {t} terminals: "
            f"full elimination, {dense_work(n, t):,} multiply-adds)"
        )

    def eliminate(self, conductance: Array) -> "DenseFactors":
        return eliminate(self, conductance)

    def substitute(
        self, factors: "DenseFactors", potential: Array, current: Array | None
    ) -> tuple[Array, Array]:
        return substitute(self, factors, potential, current)

    def factor_shapes(self, conductance: ArrayOrType) -> "DenseFactors":
        return _factor_shapes(self, conductance.shape[1:])

    def joined(self, conductance: Array, factors: "DenseFactors") -> Array:
        return joined_by(self, conductance, _grounded(self, factors, hanging(conductance)))


def dense_work(n_nodes: int, n_terminals: int) -> int:
    """Multiply-adds of a full elimination: every wire meets every pair of the wires after it."""
    return sum(k * k for k in range(n_terminals, n_nodes))


class DenseFactors(NamedTuple):
    """Rows of weights g_ij / S_i flattened, 1 / S_i [1/S], terminal branch conductances [S]."""

    weight: Array
    inverse: Array
    mesh: Array


@arguments.checked(
    n_nodes=arguments.count(0),
    edges=_KNOWN,
    terminals=_KNOWN,
)
@merges_parallel
def dense_plan(
    n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " terminals"]
) -> DensePlan:
    """Plans the elimination of all wires as one full block: for dense or very small networks.

    ```python
    plan = jaxnn.kernels.dense_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    solved = jaxnn.kernels.solve_nodes(plan, jnp.array([1.0, 3.0]), jnp.array([1.0, 0.0]))
    solved.node_potential  # [1.0, 0.25, 0.0] [V]
    ```
    """
    free = np.setdiff1d(np.arange(n_nodes), terminals)
    order = np.concatenate([free, terminals]).astype(np.int32)
    place = np.empty(n_nodes, np.int32)
    place[order] = np.arange(n_nodes)
    branch = np.full((n_nodes, n_nodes), len(edges), np.int32)
    a, b = place[edges.T]
    branch[a, b] = branch[b, a] = np.arange(len(edges))
    return DensePlan(branch, place, order, terminals.astype(np.int32), incidence(n_nodes, edges))


def sum_of(terms: Iterable[Array]) -> Array:
    """The sum of a few arrays, the first to the last; XLA makes one loop of it, as of one of a stack."""
    return ft.reduce(jax.lax.add, terms)


def reciprocal(total: Array) -> Array:
    """1 / S [1/S], and 0 where S = 0: a wire without junctions, or in a part without terminals."""
    open_circuit = total <= 0
    return jnp.where(open_circuit, 0.0, 1 / jnp.where(open_circuit, 1.0, total))


def inverse_root(total: Array) -> Array:
    """1 / sqrt(S), and 0 where S = 0, as `reciprocal`."""
    open_circuit = total <= 0
    return jnp.where(open_circuit, 0.0, jax.lax.rsqrt(jnp.where(open_circuit, 1.0, total)))


def _factor_shapes(plan: DensePlan, trail: tuple[int, ...]) -> DenseFactors:
    """The shapes of the factors of conductances (edges, *trail)."""
    n, t = plan.branch.shape[0], plan.terminals.shape[0]
    shapes: Any = ((rows, *trail) for rows in ((n - t) * n, n - t, t * t))
    return DenseFactors(*shapes)


def _panel(rows: Array, width: int) -> tuple[Array, Array, Array]:
    """Eliminate the first `width` wires among themselves: their branches, weights and 1 / S."""
    later = jnp.arange(rows.shape[-1])

    def step(k: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        rows, weights, inverse = carry
        row = jax.lax.dynamic_index_in_dim(rows, k, -2, keepdims=False)
        row = jnp.where((later > k).reshape((1,) * (row.ndim - 1) + (-1,)), row, 0.0)
        scale = reciprocal(jnp.sum(row, axis=-1))
        weight = row * scale[..., None]
        rows = rows + weight[..., :width, None] * row[..., None, :]
        weights = jax.lax.dynamic_update_index_in_dim(weights, weight, k, -2)
        return rows, weights, jax.lax.dynamic_update_index_in_dim(inverse, scale, k, -1)

    nothing = jnp.zeros_like(rows), jnp.zeros(rows.shape[:-1], rows.dtype)
    return jax.lax.fori_loop(0, width, step, (rows, *nothing))


def eliminate(plan: DensePlan, conductance: Array) -> DenseFactors:
    """Star-mesh transform of every wire k in turn: w_kj = g_kj / S_k, g_ij <- g_ij + w_ki g_kj.

    The wires of a panel change each other at once and all the others by one product of matrices at
    its end: sums of products of positive numbers as before. The batch comes first, as matrix
    products want it.
    """
    n, t = plan.branch.shape[0], plan.terminals.shape[0]
    free, trail = n - t, conductance.shape[1:]
    zero = jnp.zeros((1, *trail), conductance.dtype)
    matrix = jnp.concatenate([conductance, zero])[plan.branch]
    matrix = jnp.moveaxis(matrix, (0, 1), (-2, -1))
    # At most eight panels, so that code does not grow with the network.
    width = max(_PANEL, -(-free // 8))
    weights, inverses = [], []
    for start in range(0, free, width):
        size = min(width, free - start)
        rows, weight, inverse = _panel(matrix[..., :size, :], size)
        # The diagonal fills with numbers that nobody reads: cheaper than to mask them out.
        gain = jnp.einsum(
            "...ki,...kj->...ij",
            weight[..., size:],
            rows[..., size:],
            precision=jax.lax.Precision.HIGHEST,
        )
        matrix = matrix[..., size:, size:] + gain
        weights.append(jnp.pad(weight, [(0, 0)] * (weight.ndim - 1) + [(start, 0)]))
        inverses.append(inverse)
    eye = jnp.eye(t, dtype=bool).reshape((1,) * len(trail) + (t, t))
    mesh = jnp.moveaxis(jnp.where(eye, 0.0, matrix), (-2, -1), (0, 1)).reshape(-1, *trail)
    mesh = without_leaks(mesh, conductance.shape[0])
    if not free:
        return DenseFactors(zero[:0], zero[:0], mesh)
    weight = jnp.moveaxis(jnp.concatenate(weights, -2), (-2, -1), (0, 1))
    inverse = jnp.moveaxis(jnp.concatenate(inverses, -1), -1, 0)
    return DenseFactors(weight.reshape(-1, *trail), inverse, mesh)


def _grounded(plan: DensePlan, factors: DenseFactors, most: float) -> DenseFactors:
    """Factors with wires on leaks alone at 0 V: those that conduct `most` [S] in all, or less."""
    free, nodes = factors.inverse.shape[0], plan.branch.shape[0]
    weight = factors.weight.reshape(free, nodes, *factors.weight.shape[1:])
    weight = jnp.where(factors.inverse[:, None] * most >= 1, 0, weight)
    return factors._replace(weight=weight.reshape(factors.weight.shape))


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
