"""Junction voltages and node currents as gathers: the incidence matrix of a graph and its
transpose."""

import dataclasses as dc
import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .. import _arguments as arguments
from .._types import Indices
from .._xla import TERMS, linear_pair
from .checks import check_size, checked_edges


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class Incidence:
    """The index arrays of B, with +1 at the first and -1 at the second node of each edge.

    `ends` (2, edges); `edge` and `sign`, one (nodes, width) array per degree class, hold the edges
    at each node; `place` (nodes,) is the row of each node in the classes laid end to end. The
    fields are left unchecked because JAX rebuilds pytrees with placeholders in place of arrays.

    ```python
    graph = jaxnn.kernels.incidence(3, np.array([[0, 1], [1, 2]]))
    graph.ends  # [[0, 1], [1, 2]]
    ```
    """

    ends: Any
    """First and second node of each edge, (2, edges)."""
    edge: Any
    """Edges at each node, one (nodes, width) array per degree class."""
    sign: Any
    """+1 or -1 for each of these, 0 where a node has fewer; of the same shapes."""
    place: Any
    """Row of each node in the classes laid end to end, (nodes,)."""


@arguments.checked(n_nodes=arguments.count(), edges=arguments.real(known=True, finite=False))
def incidence(n_nodes: int, edges: Int[np.ndarray, "edges 2"]) -> Incidence:
    """Groups the nodes of a graph by degree, so that a pad with hundreds of edges pads nobody else.

    ```python
    graph = jaxnn.kernels.incidence(3, np.array([[0, 1], [1, 2]]))
    jaxnn.kernels.difference(graph, jnp.array([1.0, 0.4, 0.0]))  # [0.6, 0.4] [V]
    ```
    """
    n_nodes, edges = arguments.as_count("n_nodes", n_nodes), checked_edges(n_nodes, edges)
    n_edges = len(edges)
    node = edges.T.reshape(-1)
    edge = np.tile(np.arange(n_edges), 2)
    sign = np.repeat(np.array([1, -1], np.int8), n_edges)
    order = np.argsort(node, kind="stable")
    degree = np.bincount(node, minlength=n_nodes)
    start = np.cumsum(degree) - degree
    # Widths 4, 8, 16 and then powers of four: few classes, and padding stays below a factor of
    # four.
    bounds = [0, 4, 8, 16]
    while bounds[-1] < degree.max(initial=0):
        bounds.append(4 * bounds[-1])
    edge_classes, sign_classes, members = [], [], []
    for low, high in zip([-1, *bounds[:-1]], bounds, strict=True):
        nodes = np.flatnonzero((degree > low) & (degree <= high))
        if nodes.size == 0:
            continue
        width = int(degree[nodes].max())
        column = np.arange(width)[None, :]
        valid = column < degree[nodes, None]
        at = order[np.where(valid, start[nodes, None] + column, 0)] if n_edges else column
        edge_classes.append(np.where(valid, edge[at], 0).astype(np.int32) if n_edges else at)
        sign_classes.append(np.where(valid, sign[at], 0).astype(np.int8) if n_edges else at)
        members.append(nodes)
    place = np.empty(n_nodes, np.int32)
    place[np.concatenate(members)] = np.arange(n_nodes)
    return Incidence(
        np.ascontiguousarray(edges.T.astype(np.int32)),
        tuple(edge_classes),
        tuple(sign_classes),
        place,
    )


def _rows(column: Indices, like: Array) -> Array:
    """An index-shaped array with as many trailing axes of size one as `like` has."""
    column = jnp.asarray(column)
    return column.reshape(column.shape + (1,) * (like.ndim - 1))


def pair_difference(graph: Incidence, potential: Array) -> Array:
    """B phi for arrays (nodes, *batch), batch last."""
    end = lambda k: potential.at[graph.ends[k]].get(mode="promise_in_bounds", wrap_negative_indices=False)
    return end(0) - end(1)


def net_flow(graph: Incidence, flow: Array) -> Array:
    """B^T f for arrays (edges, *batch), batch last."""
    parts = [_signed_sum(flow, *of) for of in zip(graph.edge, graph.sign, strict=True)]
    return jnp.concatenate(parts)[graph.place]


def _signed_sum(flow: Array, edge: Indices, sign: Indices) -> Array:
    """sum_c sign[:, c] flow[edge[:, c]]; with a batch, term by term as in `_star_mesh`."""
    width = edge.shape[1]
    if width == 0:
        return jnp.zeros((edge.shape[0], *flow.shape[1:]), flow.dtype)
    weight = _rows(sign, flow).astype(flow.dtype)
    if flow.ndim == 1 or width > TERMS:
        return jnp.sum(flow[edge] * weight, axis=1)
    return ft.reduce(jnp.add, (flow[edge[:, c]] * weight[:, c] for c in range(width)))


# For arrays (rows, *batch): under `grad` of `vmap` the derivative rule of the solve meets those.
difference_of, divergence_of = linear_pair(
    "junction_voltage",
    pair_difference,
    net_flow,
    rows=lambda graph: (graph.place.shape[0], graph.ends.shape[1]),
)


@arguments.checked(graph=arguments.one_of(Incidence), potential=arguments.array())
def difference(graph: Incidence, potential: Float[Array, " nodes"]) -> Float[Array, " edges"]:
    """Computes the voltage of every edge (a, b), v = B phi = phi_a - phi_b [V].

    ```python
    graph = jaxnn.kernels.incidence(3, np.array([[0, 1], [1, 2]]))
    jaxnn.kernels.difference(graph, jnp.array([1.0, 0.4, 0.0]))  # [0.6, 0.4] [V]
    ```
    """
    check_size("potential", potential, graph.place.shape[-1], "node")
    return difference_of(graph, jnp.asarray(potential))


@arguments.checked(graph=arguments.one_of(Incidence), flow=arguments.array())
def divergence(graph: Incidence, flow: Float[Array, " edges"]) -> Float[Array, " nodes"]:
    """Sums the flows that leave every node, B^T f [A]: the transpose of `difference`.

    ```python
    graph = jaxnn.kernels.incidence(3, np.array([[0, 1], [1, 2]]))
    jaxnn.kernels.divergence(graph, jnp.array([2.0, 2.0]))  # [2.0, 0.0, -2.0] [A]
    ```
    """
    check_size("flow", flow, graph.ends.shape[-1], "edge")
    return divergence_of(graph, jnp.asarray(flow))
