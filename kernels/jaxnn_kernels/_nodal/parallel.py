"""Several junctions between the same two nodes: one branch to the elimination, each itself to the user."""

import dataclasses as dc
import functools as ft
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from .._types import Indices
from .._xla import TERMS, linear_pair
from .checks import checked_graph
from .incidence import incidence
from .plan import AbstractPlan


Options = ParamSpec("Options")
Builder: TypeAlias = Callable[
    Concatenate[int, Int[np.ndarray, "edges 2"], Int[np.ndarray, " terminals"], Options], AbstractPlan
]


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class Bundles:
    """Which junctions lie side by side, as index arrays.

    `members`, one (pairs, width) array per class of multiplicity, hold the junctions of each pair, and
    `counted` whether an entry is one or padding; `pair` (edges,) is the pair of each junction.
    """

    members: Any
    counted: Any
    pair: Any


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True, repr=False)
class ParallelPlan(AbstractPlan):
    """The plan of a network with parallel junctions: `pairs` is that of the network without.

    `sign` (edges,) is -1 where a junction points against the first of its pair.
    """

    pairs: Any
    bundles: Any
    sign: Any
    graph: Any

    @property
    def terminals(self) -> Indices:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.pairs.terminals

    def eliminate(self, conductance: Array) -> PyTree[Array]:
        return self.pairs.eliminate(_summed(self.bundles, conductance))

    def substitute(self, factors: PyTree, potential: Array, current: Array | None) -> tuple[Array, Array]:
        return self.pairs.substitute(factors, potential, current)

    def __repr__(self) -> str:
        n_edges, n_pairs = self.sign.shape[0], self.pairs.graph.ends.shape[-1]
        return f"ParallelPlan({n_edges} junctions between {n_pairs} pairs of wires: {self.pairs!r})"


def _summed(bundles: Bundles, x: Array) -> Array:
    """One sum for each pair of values (edges, *batch)."""
    parts = [_sum(x, *of) for of in zip(bundles.members, bundles.counted, strict=True)]
    return jnp.concatenate(parts)


def _sum(x: Array, member: Indices, counted: Indices) -> Array:
    width = member.shape[1]
    shape = (-1,) + (1,) * (x.ndim - 1)
    # Padding is left out, not multiplied by 0: what is not finite stays with its own pair.
    term = lambda c: jnp.where(jnp.asarray(counted[:, c]).reshape(shape), x[member[:, c]], 0)
    if width > TERMS:
        return jax.lax.fori_loop(0, width, lambda c, total: total + term(c), jnp.zeros_like(term(0)))
    return ft.reduce(jnp.add, map(term, range(width)))


def _shared(bundles: Bundles, x: Array) -> Array:
    """The value of its pair for each junction."""
    return x[bundles.pair]


sum_of_pairs, value_of_pair = linear_pair(
    "parallel_sum",
    _summed,
    _shared,
    rows=lambda bundles: (bundles.pair.shape[0], sum(m.shape[0] for m in bundles.members)),
)


def merges_parallel(build: Builder[Options]) -> Builder[Options]:
    """Let a builder of plans meet each pair of nodes once, of a graph that is one.

    A network without parallel junctions pays nothing.
    """

    @ft.wraps(build)
    def plan(
        n_nodes: int,
        edges: Int[np.ndarray, "edges 2"],
        terminals: Int[np.ndarray, " terminals"],
        *args: Options.args,
        **kwargs: Options.kwargs,
    ) -> AbstractPlan:
        edges, terminals = checked_graph(n_nodes, edges, terminals)
        first, pair, count = _pairs(n_nodes, edges)
        if len(first) == len(edges):
            return build(n_nodes, edges, terminals, *args, **kwargs)
        # Classes of multiplicity, powers of two, are told apart by the order of the pairs.
        level = np.ceil(np.log2(count)).astype(int)
        order = np.argsort(level, kind="stable")
        rank = np.argsort(order)
        pair, first, level = rank[pair], first[order], level[order]
        sign = np.where((edges == edges[first[pair]]).all(axis=1), 1, -1).astype(np.int8)
        pairs = build(n_nodes, edges[first], terminals, *args, **kwargs)
        return ParallelPlan(pairs, _bundles(pair, level), sign, incidence(n_nodes, edges))

    return plan


def _pairs(
    n_nodes: int, edges: Int[np.ndarray, "edges 2"]
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " edges"], Int[np.ndarray, " pairs"]]:
    """The first junction of each pair of nodes, the pair of each junction, and their numbers."""
    key = edges.min(axis=1, initial=n_nodes).astype(np.int64) * n_nodes + edges.max(axis=1, initial=0)
    _, first, pair, count = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return first, pair.reshape(-1), count


def _bundles(pair: Int[np.ndarray, " edges"], level: Int[np.ndarray, " pairs"]) -> Bundles:
    by_pair = np.argsort(pair, kind="stable")
    count = np.bincount(pair)
    start = np.cumsum(count) - count
    members, counted = [], []
    for k in np.unique(level):
        of = np.flatnonzero(level == k)
        column = np.arange(count[of].max())
        valid = column < count[of, None]
        members.append(by_pair[start[of, None] + np.where(valid, column, 0)].astype(np.int32))
        counted.append(valid)
    return Bundles(tuple(members), tuple(counted), pair.astype(np.int32))
