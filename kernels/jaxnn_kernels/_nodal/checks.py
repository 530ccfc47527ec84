"""What a nodal solve has to refuse: it would find finite numbers for a graph that is not there."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int


def checked_graph(
    n_nodes: int, edges: Any, terminals: Any
) -> tuple[Int[np.ndarray, "edges 2"], Int[np.ndarray, " terminals"]]:
    """The edges and the terminals of a graph as arrays.

    Raises a `ValueError` for edges that are not pairs of two different nodes, and terminals that are not
    one or more different nodes.
    """
    edges, terminals = checked_edges(n_nodes, edges), np.asarray(terminals)
    if (loops := np.flatnonzero(edges[:, 0] == edges[:, 1])).size:
        raise ValueError(f"edge {loops[0]} joins node {edges[loops[0], 0]} to itself: leave it out.")
    some = terminals.ndim == 1 and 0 < terminals.size == len(np.unique(terminals))
    if not some or not _are_nodes(terminals, n_nodes):
        raise ValueError(
            f"terminals must be one or more different nodes, whole numbers from 0 to {n_nodes - 1} of "
            f"shape (terminals,), got {_described(terminals)}."
        )
    return edges, terminals


def checked_edges(n_nodes: int, edges: Any) -> Int[np.ndarray, "edges 2"]:
    """The edges of a graph as an array; a `ValueError` for those that are not pairs of its nodes."""
    edges = np.asarray(edges)
    if edges.ndim != 2 or edges.shape[1] != 2 or not _are_nodes(edges, n_nodes):
        raise ValueError(
            f"edges must be pairs of nodes, whole numbers from 0 to {n_nodes - 1} of shape (edges, 2), got "
            f"{_described(edges)}."
        )
    return edges


def _are_nodes(x: np.ndarray, n_nodes: int) -> bool:
    return not x.size or bool(np.issubdtype(x.dtype, np.integer) and 0 <= x.min() <= x.max() < n_nodes)


def check_numbers(name: str, x: Any, size: int) -> None:
    """Raises a `ValueError` unless there is a float for each edge, or each terminal, of a plan."""
    if jnp.shape(x) != (size,):
        raise ValueError(
            f"{name} must have shape ({size},) for this plan, got {jnp.shape(x)}; jax.vmap over what there "
            "are several of."
        )
    if (dtype := jnp.result_type(x)) not in (jnp.float32, jnp.float64):
        raise ValueError(f"{name} must be float32 or float64, got {dtype}: three digits are too few.")


def check_size(name: str, x: Any, size: int, per: str) -> None:
    """Raises a `ValueError` unless the first axis of an array has one value per node, or per edge."""
    if jnp.shape(x)[:1] != (size,):
        raise ValueError(f"{name} must have one value per {per}, shape ({size},), got {jnp.shape(x)}.")


def _described(x: np.ndarray) -> str:
    numbers = x.size and np.issubdtype(x.dtype, np.number)
    return f"{x.dtype} of shape {x.shape}" + (f" from {x.min()} to {x.max()}" if numbers else "")
