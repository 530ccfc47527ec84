"""Star-mesh elimination of a sparse network on a precomputed schedule, in gathers only.

Eliminating wire i, with branch conductances g_ij to its neighbours and S_i = sum_j g_ij, adds
g_ij g_ik / S_i to the branch between any two of them. With h_ij = g_ij / sqrt(S_i) that is h_ij
h_ik: one buffer of h serves the elimination and the substitution phi_i = (sum_j h_ij phi_j) /
sqrt(S_i). Nothing is ever subtracted, so the relative error of every branch stays near rounding
whatever the contrast (Grassmann, Taksar and Heyman, Operations Research 33, 1107, 1985).
"""

import dataclasses as dc
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, PyTree

from .._types import ArrayOrType, Indices
from .._xla import TERMS, rows as _rows, settled, update as _update
from . import tail as _tail, tail_panels as _tail_panels
from .dense import dense_work, inverse_root, sum_of
from .incidence import net_flow, pair_difference
from .leak import hanging, without_hanging, without_leaks
from .plan import AbstractPlan, joined_by
from .tables import Segment, Tables, TailTables


_Carry = TypeVar("_Carry")


class StarMeshFactors(NamedTuple):
    """h_ij [sqrt S] behind the junctions, 1 / sqrt(S_i) [1/sqrt S], terminal branches [S]; the tail's."""

    branch: Array
    scale: Array
    mesh: Array
    tail: _tail.TailFactors | _tail_panels.PanelFactors | None


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True, repr=False)
class StarMeshPlan(AbstractPlan):
    """A sparse elimination. Slots hold the junctions, a zero and then the branches of every round."""

    segments: Any
    tail: Any
    mesh_own: Any
    mesh_chunks: Any
    mesh_graph: Any
    arrivals: Any
    order: Any
    position: Any
    terminals: Any
    graph: Any
    n_slots: int = dc.field(metadata={"static": True})
    n_places: int = dc.field(metadata={"static": True})
    n_products: int = dc.field(metadata={"static": True})
    settles: bool = dc.field(metadata={"static": True})  # rounds end in memory: see `settled`

    def __repr__(self) -> str:
        n, t = len(self.position), len(self.terminals)
        ends, parts = (0, 0) if self.tail is None else self.tail.ends.shape
        size = ends + (0 if self.tail is None else self.tail.wires)
        tails = f", {parts:,} x {size} nodes as full matrices" if parts else ""
        return (
            f"StarMeshPlan({n} wires, {self.graph.ends.shape[-1]} junctions, {t} terminals: "
            f"{sum(s.repeat for s in self.segments)} rounds, {self.n_products:,} products{tails}; "
            f"full elimination takes {dense_work(n, t):,} multiply-adds)"
        )

    def eliminate(self, conductance: Array) -> StarMeshFactors:
        return eliminate(self, conductance)

    def substitute(
        self, factors: StarMeshFactors, potential: Array, current: Array | None
    ) -> tuple[Array, Array]:
        return substitute(self, factors, potential, current)

    def factor_shapes(self, conductance: ArrayOrType) -> StarMeshFactors:
        return _factor_shapes(self, conductance.shape[1:])

    def joined(self, conductance: Array, factors: StarMeshFactors) -> Array:
        return joined_by(self, conductance, _grounded(self, factors, hanging(conductance)))


def _take(x: Array, index: Indices) -> Array:
    """Rows of x, by the bare primitive: hundreds of these are traced, and `x[index]` takes a
    millisecond.

    The plan keeps its promise, and a check of the bounds would cost a third of the loop.
    """
    numbers = jax.lax.GatherDimensionNumbers(
        offset_dims=tuple(range(index.ndim, index.ndim + x.ndim - 1)),
        collapsed_slice_dims=(0,),
        start_index_map=(0,),
    )
    mode = jax.lax.GatherScatterMode.PROMISE_IN_BOUNDS
    index = jax.lax.expand_dims(index, (index.ndim,))
    return jax.lax.gather(x, index, numbers, (1, *x.shape[1:]), mode=mode)


def _tail_method(tables: TailTables) -> ModuleType:
    """The arithmetic of the last wires: in panels on a CPU, as one matrix on a GPU."""
    return _tail_panels if isinstance(tables.matrix, tuple) else _tail


def _take_flat(x: Array, index: Indices) -> Array:
    """Entries of a vector, by a flat index: XLA turns one of two axes round in a copy."""
    return _take(x, index.reshape(-1)).reshape(index.shape)


def _sum_products(x: Array, left: Indices, y: Array, right: Indices, scratch: Array) -> tuple[Array, Array]:
    """sum_c x[left[c]] * y[right[c]] over index arrays (terms, rows), and the scratch it may use.

    Written out term by term: XLA's own reduction of a gather on a CPU runs along the terms and not
    along the batch, as does a gather of all terms at once, a number at a time. A long sum goes
    through partial sums in `scratch`, which has more rows than they need: an update of all rows
    would be no update to XLA, which would fuse it with what follows.
    """
    width, rows = left.shape
    if x.ndim == y.ndim == 1 and width > 1:
        # Without a batch there is nothing to run along, and the reduction is as fast and quick to
        # compile.
        return jnp.sum(_take_flat(x, left) * _take_flat(y, right), axis=0), scratch
    if width <= TERMS:
        side = lambda x, index, c: _take(x, jax.lax.slice(index, (c, 0), (c + 1, rows)))
        terms = (side(x, left, c) * side(y, right, c) for c in range(width))
        return jax.lax.squeeze(sum_of(terms), (0,)), scratch
    parts = width // TERMS
    left = left.reshape(TERMS, parts * rows)
    right = right.reshape(TERMS, parts * rows)
    partial, scratch = _sum_products(x, left, y, right, scratch)
    scratch = _update(scratch, partial, 0)
    if parts > TERMS:  # a pad with hundreds of junctions
        whole = scratch[: parts * rows].reshape(parts, rows, *scratch.shape[1:])
        return jnp.sum(whole, axis=0), scratch
    return sum_of(scratch[p * rows : (p + 1) * rows] for p in range(parts)), scratch


def _scratch(sums: Iterable[Indices], trail: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Room for the partial sums of the longest of these sums, index arrays (..., terms, rows)."""
    shapes = [index.shape[-2:] for index in sums]
    rows = max((width // TERMS * n for width, n in shapes if width > TERMS), default=0)
    return jnp.zeros((1 + rows, *trail), dtype)


def _sum_rows(x: Array, index: Indices) -> Array:
    """sum_c x[index[c]]."""
    if x.ndim == 1:
        return jnp.sum(_take_flat(x, index), axis=0)
    width, rows = index.shape
    terms = (_take(x, jax.lax.slice(index, (c, 0), (c + 1, rows))) for c in range(width))
    return jax.lax.squeeze(sum_of(terms), (0,))


def _kept(settles: bool) -> Callable[[PyTree], PyTree]:
    """What the results of a round go through."""
    return settled if settles else lambda arrays: arrays


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else jax.lax.concatenate(parts, 0)


def _each(
    segment: Segment,
    body: Callable[[Tables, int | Array, _Carry], _Carry],
    carry: _Carry,
    reverse: bool = False,
) -> _Carry:
    """Run body(round, number, carry) over the rounds of a segment, as a loop where there are
    several."""
    if segment.repeat == 1:
        first = lambda x: jax.lax.squeeze(x, (0,))
        return body(jax.tree_util.tree_map(first, segment.tables), 0, carry)

    def step(counted: tuple[Array, _Carry]) -> tuple[Array, _Carry]:
        i, carry = counted
        pick = lambda x: jax.lax.squeeze(_rows(x, i, 1), (0,))
        carry = body(jax.tree_util.tree_map(pick, segment.tables), i, carry)
        return (i - 1 if reverse else i + 1), carry

    # Counted down rather than turned round: every small operation is a kernel of its own to compile.
    first, more = 0, lambda carry: carry[0] < segment.repeat
    if reverse:
        first, more = segment.repeat - 1, lambda carry: carry[0] >= 0
    return jax.lax.while_loop(more, step, (jnp.int32(first), carry))[1]


def _gathered(
    branch: Array, desk: Array, scratch: Array, own: Indices, chunks: Sequence[tuple[Indices, Indices]]
) -> tuple[Array, Array]:
    """Branches g_jk [S]: their own junction and the products h_ij h_ik of all wires before.

    They are written to the first rows of `desk`, a buffer that every round uses again. XLA would
    evaluate a plain intermediate once more in each of its users; an updated buffer it leaves alone.
    Each class of rows is written once: XLA goes through the whole buffer, a number at a time, for
    an update that also reads it.
    """
    first = 0
    for left, right in chunks:
        width, count = left.shape
        rows = _take(branch, jax.lax.slice(own, (first,), (first + count,)))
        if width:
            products, scratch = _sum_products(branch, left, branch, right, scratch)
            rows = rows + products
        desk = _update(desk, rows, first)
        first += count
    return desk, scratch


def _factor_shapes(plan: StarMeshPlan, trail: tuple[int, ...]) -> StarMeshFactors:
    """The shapes of the factors of conductances (edges, *trail)."""
    rows = plan.n_slots, plan.n_places, plan.mesh_own.shape[0]
    tail = None if plan.tail is None else _tail_method(plan.tail).tail_shapes(plan.tail, trail)
    shapes: Any = [*((n, *trail) for n in rows), tail]
    return StarMeshFactors(*shapes)


def eliminate(plan: StarMeshPlan, conductance: Array) -> StarMeshFactors:
    """Star-mesh transform of all wires, a round of the schedule at a time."""
    trail = conductance.shape[1:]
    empty = lambda rows: jnp.zeros((rows, *trail), conductance.dtype)
    carry = _update(empty(plan.n_slots), conductance, 0), empty(plan.n_places)
    # One desk for the rounds that are not looped, one more row than they use: an update of all rows
    # would be no update to XLA.
    single = [s.rows for s in plan.segments if s.repeat == 1]
    n_tail = 0 if plan.tail is None else plan.tail.own.shape[0]
    common = empty(1 + max([plan.mesh_own.shape[0], n_tail, *single]))
    chunks = [left for s in plan.segments for left, _ in s.tables.chunks]
    chunks += [left for left, _ in plan.mesh_chunks]
    chunks += [] if plan.tail is None else [left for left, _ in plan.tail.chunks]
    scratch = _scratch(chunks, trail, conductance.dtype)
    kept = _kept(plan.settles)
    for segment in plan.segments:

        def body(
            tables: Tables, i: int | Array, carry: Sequence[Array], segment: Segment = segment
        ) -> Sequence[Array]:
            branch, scales, desk, scratch = carry
            start = segment.place + i * segment.wires
            # The body of a loop is fused by itself: there this would only add launches.
            apart = _kept(plan.settles and segment.repeat == 1)
            desk, scratch = apart(_gathered(branch, desk, scratch, tables.own, tables.chunks))
            total = _joined([_sum_rows(desk, star) for star in tables.star])
            scales = apart(_update(scales, inverse_root(total), start))
            h = desk[: segment.rows] * _take(scales, tables.owner + start)
            return _update(branch, h, segment.slot + i * segment.rows), scales, desk, scratch

        # XLA goes through the whole desk for every update that also reads it: no larger than needed.
        desk = common if segment.repeat == 1 else empty(segment.rows)
        *carry, desk, scratch = kept(_each(segment, body, (*carry, desk, scratch)))
        common = desk if segment.repeat == 1 else common
    branch, scales = carry
    tail = None
    if plan.tail is not None:
        common, scratch = _gathered(branch, common, scratch, plan.tail.own, plan.tail.chunks)
        matrix = jax.tree_util.tree_map(lambda index: _take(common, index), plan.tail.matrix)
        tail = _tail_method(plan.tail).eliminate_tail(plan.tail, kept(matrix))
        tail = tail._replace(mesh=without_leaks(tail.mesh, conductance.shape[0]))
    mesh, _ = _gathered(branch, common, scratch, plan.mesh_own, plan.mesh_chunks)
    mesh = without_leaks(mesh[: plan.mesh_own.shape[0]], conductance.shape[0])
    return StarMeshFactors(branch, scales, mesh, tail)


def _grounded(plan: StarMeshPlan, factors: StarMeshFactors, most: float) -> StarMeshFactors:
    """Factors with wires on leaks alone at 0 V: those that conduct `most` [S] in all, or less."""
    tail = factors.tail
    if tail is not None:
        tail = _tail_method(plan.tail).grounded(plan.tail, tail, most)
    return factors._replace(scale=without_hanging(factors.scale, most), tail=tail)


def _carry_forward(plan: StarMeshPlan, factors: StarMeshFactors, current: Array) -> Array:
    """Scaled currents y_i = (b_i + sum_k h_ki y_k) / sqrt(S_i) of all wires, and b of the
    terminals."""
    branch, scales, _, _ = factors
    t = plan.terminals.shape[0]
    source = _take(jnp.concatenate([current, jnp.zeros_like(current[:1])]), plan.order)
    trail = jnp.broadcast_shapes(scales.shape[1:], current.shape[1:])
    y = jnp.broadcast_to(source, (plan.n_places + t, *trail))
    shares = [s.tables.share for s in plan.segments] + [share for _, _, share in plan.arrivals]
    shares += [] if plan.tail is None else [plan.tail.share]
    scratch = _scratch(shares, trail, y.dtype)
    kept = _kept(plan.settles)
    for segment in plan.segments:

        def body(
            tables: Tables, i: int | Array, carry: Sequence[Array], segment: Segment = segment
        ) -> Sequence[Array]:
            y, scratch = carry
            start = segment.place + i * segment.wires
            b = _rows(y, start, segment.wires)
            if tables.source.shape[0]:
                came, scratch = _sum_products(branch, tables.share, y, tables.source, scratch)
                b = b + came
            return _update(y, b * _rows(scales, start, segment.wires), start), scratch

        y, scratch = kept(_each(segment, body, (y, scratch)))
    if plan.tail is not None and plan.tail.source.shape[0]:
        came, scratch = _sum_products(branch, plan.tail.share, y, plan.tail.source, scratch)
        b = _rows(y, plan.tail.place, came.shape[0])
        y = _update(y, b + came, plan.tail.place)
    arrived = y[plan.n_places :]
    for rows, source, share in plan.arrivals:
        sums, scratch = _sum_products(branch, share, y, source, scratch)
        arrived = arrived.at[rows].add(sums, unique_indices=True, mode="promise_in_bounds")
    return _update(y, arrived, plan.n_places)


def _substitute_tail(
    plan: StarMeshPlan,
    tail: _tail.TailFactors | _tail_panels.PanelFactors,
    potential: Array,
    phi: Array,
    driven: bool,
) -> tuple[Array, Array]:
    """Potentials with those of the tails, and the currents that the tails take from the terminals.

    `driven` if `phi` holds currents into the wires of the tails.
    """
    tables = plan.tail
    current = None
    if driven:
        current = _rows(phi, tables.place, plan.n_places - tables.place)
        current = current.reshape(tables.wires, -1, *current.shape[1:])
    near, into = _tail_method(tables).substitute_tail(tables, tail, _take(potential, tables.ends), current)
    phi = _update(phi, jnp.broadcast_to(_flat(near), (_flat(near).shape[0], *phi.shape[1:])), tables.place)
    into = jnp.concatenate([_flat(into), jnp.zeros_like(_flat(into)[:1])])
    if tables.landing.shape[0] > TERMS:  # pads that many parts of a network share
        return phi, jnp.sum(_take(into, tables.landing), axis=0)
    return phi, _sum_rows(into, tables.landing)


def _flat(x: Array) -> Array:
    return x.reshape(-1, *x.shape[2:])


def substitute(
    plan: StarMeshPlan, factors: StarMeshFactors, potential: Array, current: Array | None
) -> tuple[Array, Array]:
    """Potentials (nodes,) [V] and currents (terminals,) [A] into the network.

    phi_i = (y_i + sum_j h_ij phi_j) / sqrt(S_i), with y from the injected currents if there are
    any.
    """
    branch, scales, mesh, tail = factors
    t = plan.terminals.shape[0]
    trail = jnp.broadcast_shapes(scales.shape[1:], potential.shape[1:])
    into = net_flow(plan.mesh_graph, mesh * pair_difference(plan.mesh_graph, potential))
    if current is None:
        phi = jnp.zeros((plan.n_places + t, *trail), potential.dtype)
    else:
        phi = _carry_forward(plan, factors, current)
        into = into - phi[plan.n_places :]
    phi = _update(phi, jnp.broadcast_to(potential, (t, *trail)), plan.n_places)
    if tail is not None:
        phi, gone = _substitute_tail(plan, tail, potential, phi, current is not None)
        into = into + gone
    desk = jnp.zeros((1 + max([0, *[s.wires for s in plan.segments]]), *trail), potential.dtype)
    stars = [star for s in plan.segments for star in s.tables.star]
    scratch = _scratch(stars, trail, potential.dtype)
    kept = _kept(plan.settles)
    for segment in reversed(plan.segments):

        def body(
            tables: Tables, i: int | Array, carry: Sequence[Array], segment: Segment = segment
        ) -> Sequence[Array]:
            phi, desk, scratch = carry
            start = segment.place + i * segment.wires
            slot = segment.slot + i * segment.rows
            totals = []
            for star, reach in zip(tables.star, tables.reach, strict=True):
                came, scratch = _sum_products(branch, star + slot, phi, reach, scratch)
                totals.append(came)
            total = _joined(totals)
            if current is not None:
                total = total + _rows(phi, start, segment.wires)
            scale = _rows(scales, start, segment.wires)
            # By way of `desk`, because XLA copies what it both gathers from and updates in one
            # loop.
            desk = _update(desk, total * scale, 0)
            return _update(phi, desk[: segment.wires], start), desk, scratch

        phi, desk, scratch = kept(_each(segment, body, (phi, desk, scratch), reverse=True))
    return _take(phi, plan.position), into
