"""Index arrays of the sparse elimination: built once per topology in NumPy, used as data."""

import dataclasses as dc
import itertools
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Int

from ._incidence import incidence
from ._schedule import schedule


class Tables(NamedTuple):
    """Index arrays of the rounds of a segment, the round first.

    Local rows are the branches of the round's wires, by falling number of products, padding last.
    """

    own: Any  # (rows,) junction of the branch
    chunks: Any  # pairs (products, rows) of slots whose product the branch gains
    owner: Any  # (rows,) local wire of the branch
    star: Any  # (degree, wires) local rows of each wire
    reach: Any  # (degree, wires) place of the wire at the other end
    source: Any  # (arrivals, wires) place of an earlier wire whose current arrives
    share: Any  # (arrivals, wires) slot of the branch that it comes through


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class Segment:
    """Rounds of one padded shape: one piece of code, run `repeat` times."""

    tables: Any
    repeat: int = dc.field(metadata={"static": True})
    slot: int = dc.field(metadata={"static": True})
    rows: int = dc.field(metadata={"static": True})
    place: int = dc.field(metadata={"static": True})
    wires: int = dc.field(metadata={"static": True})


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class StarMeshPlan:
    """A sparse elimination. Slots hold the junctions, a zero and then the branches of every
    round."""

    segments: Any
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


class _Round(NamedTuple):
    wires: list[int]
    rows: list[tuple[int, int]]  # (wire, neighbour), by falling number of products
    counts: Int[np.ndarray, " rows"]
    degree: int
    arrivals: int


# Longer sums are split in parts of this length: a fused loop compiles longer the more terms it has.
TERMS = 16
# Cost of one more fused loop, in products of one wire pair, when chunks are laid out.
_LOOP = 24
# Cost of one more piece of code to compile: products, and a fraction of the work of the
# elimination.
_CODE = 200, 0.02


def _key(i: int, j: int) -> tuple[int, int]:
    return (i, j) if i < j else (j, i)


def _width(n: int) -> int:
    return n if n <= TERMS else -(-n // TERMS) * TERMS


def _padded(lists: list[Any], fill: int, rows: int, width: int) -> Int[np.ndarray, "width rows"]:
    """The lists as columns, filled up to a common length."""
    out = np.full((rows, width), fill, np.int32)
    for row, x in zip(out, lists, strict=False):
        row[: len(x)] = x
    return np.ascontiguousarray(out.T)


def _rounds(neighbours: list[list[int]], rounds: list[list[int]]) -> tuple[list[_Round], Any, Any]:
    """Count for every branch its products, and for every wire the earlier wires next to it."""
    made: dict[tuple[int, int], int] = {}
    came: dict[int, int] = {}
    out = []
    for wires in rounds:
        rows = [(i, j) for i in wires for j in neighbours[i]]
        counts = np.array([made.get(_key(i, j), 0) for i, j in rows], np.int64)
        order = np.argsort(-counts, kind="stable")
        out.append(
            _Round(
                wires,
                [rows[k] for k in order],
                counts[order],
                max(len(neighbours[i]) for i in wires),
                max(came.get(i, 0) for i in wires),
            )
        )
        for i in wires:
            star = neighbours[i]
            for x, j in enumerate(star):
                came[j] = came.get(j, 0) + 1
                for k in star[x + 1 :]:
                    made[j, k] = made.get((j, k), 0) + 1
    return out, made, came


def _chunks(counts: Int[np.ndarray, " rows"]) -> list[tuple[int, int]]:
    """Cut a falling profile of product counts into chunks (products, rows), few and little
    padded."""
    top = int(counts[0]) if len(counts) else 0
    if top == 0:
        return [(0, len(counts))]
    levels = [0, *sorted(set(counts[counts > 0].tolist()))]
    height = [int(np.searchsorted(-counts, -k, side="left")) for k in levels]  # rows above level k
    best = [0.0] + [np.inf] * (len(levels) - 1)
    back = [0] * len(levels)
    for b in range(1, len(levels)):
        for a in range(b):
            rows = len(counts) if a == 0 else height[a]
            cost = best[a] + rows * _width(levels[b] - levels[a]) + _LOOP * (1 + (rows > 0))
            if cost < best[b]:
                best[b], back[b] = cost, a
    cuts = [len(levels) - 1]
    while cuts[-1]:
        cuts.append(back[cuts[-1]])
    cuts = cuts[::-1]
    return [
        (_width(levels[b] - levels[a]), len(counts) if a == 0 else height[a])
        for a, b in itertools.pairwise(cuts)
    ]


def _profile(rounds: list[_Round]) -> Int[np.ndarray, " rows"]:
    """Product counts that cover every one of the rounds, with one row of padding."""
    out = np.zeros(1 + max(len(r.counts) for r in rounds), np.int64)
    for r in rounds:
        out[: len(r.counts)] = np.maximum(out[: len(r.counts)], r.counts)
    return out


def _work(profile: Int[np.ndarray, " rows"], degree: int, wires: int) -> int:
    chunks = sum(width * rows for width, rows in _chunks(profile))
    return chunks + 2 * len(profile) + 2 * degree * wires


def _segments(rounds: list[_Round]) -> list[list[_Round]]:
    """Group neighbouring rounds of similar shape, so that code grows much slower than the
    network."""
    single = [_work(_profile([r]), r.degree, len(r.wires)) for r in rounds]
    overhead = _CODE[0] + _CODE[1] * sum(single)
    best = [0.0] + [np.inf] * len(rounds)
    back = [0] * (len(rounds) + 1)
    for b in range(1, len(rounds) + 1):
        profile, degree, wires = np.zeros(1, np.int64), 0, 0
        for a in range(b - 1, max(-1, b - 41), -1):
            r = rounds[a]
            wide = np.zeros(max(len(profile), len(r.counts) + 1), np.int64)
            wide[: len(profile)] = profile
            wide[: len(r.counts)] = np.maximum(wide[: len(r.counts)], r.counts)
            profile, degree, wires = wide, max(degree, r.degree), max(wires, len(r.wires))
            # The rectangle is cheaper to evaluate than the chunks, and ranks the groups as well.
            cost = best[a] + overhead
            cost += (b - a) * (profile.sum() + 2 * len(profile) + 2 * degree * wires)
            if cost < best[b]:
                best[b], back[b] = cost, a
            if cost > 3 * best[b] and b - a > 4:
                break
    cuts = [len(rounds)]
    while cuts[-1]:
        cuts.append(back[cuts[-1]])
    cuts = cuts[::-1]
    return [rounds[a:b] for a, b in itertools.pairwise(cuts)]


class _Builder:
    """Fills the tables in the order of elimination, as slots and places become known."""

    def __init__(self, edges: Any, neighbours: list[list[int]], place: Any, n_edges: int):
        self.own = {_key(a, b): e for e, (a, b) in enumerate(edges.tolist())}
        self.neighbours = neighbours
        self.place = place
        self.zero = n_edges
        self.products: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.currents: dict[int, list[tuple[int, int]]] = {}

    def junctions(self, pairs: list[tuple[int, int]], rows: int) -> Int[np.ndarray, " rows"]:
        out = np.full(rows, self.zero, np.int32)
        out[: len(pairs)] = [self.own.get(_key(i, j), self.zero) for i, j in pairs]
        return out

    def chunked(self, pairs: list[tuple[int, int]], shape: list[tuple[int, int]]) -> Any:
        made = [self.products.pop(_key(i, j), []) for i, j in pairs]
        out, low = [], 0
        for width, rows in shape:
            part = [m[low : low + width] for m in made[:rows]]
            sides = [[[p[side] for p in m] for m in part] for side in (0, 1)]
            out.append(tuple(_padded(s, self.zero, rows, width) for s in sides))
            low += width
        return tuple(out)

    def arrivals(self, wires: list[int], rows: int, width: int) -> Any:
        came = [self.currents.get(i, []) for i in wires]
        return (
            _padded([[k for k, _ in c] for c in came], 0, rows, width),
            _padded([[s for _, s in c] for c in came], self.zero, rows, width),
        )

    def round(self, r: _Round, slot: int, shape: Any) -> Tables:
        rows, wires, degree, arrivals, chunks = shape
        local = {i: k for k, i in enumerate(r.wires)}
        at = {pair: k for k, pair in enumerate(r.rows)}
        owner = np.zeros(rows, np.int32)
        owner[: len(r.rows)] = [local[i] for i, _ in r.rows]
        own = self.junctions(r.rows, rows)
        products = self.chunked(r.rows, chunks)
        source, share = self.arrivals(r.wires, wires, arrivals)
        star = [[at[i, j] for j in self.neighbours[i]] for i in r.wires]
        reach = [[int(self.place[j]) for j in self.neighbours[i]] for i in r.wires]
        for i in r.wires:
            self._record(i, slot, at)
        return Tables(
            own,
            products,
            owner,
            _padded(star, rows - 1, wires, degree),
            _padded(reach, 0, wires, degree),
            source,
            share,
        )

    def _record(self, i: int, slot: int, at: dict[tuple[int, int], int]) -> None:
        star = self.neighbours[i]
        slots = [slot + at[i, j] for j in star]
        for x, j in enumerate(star):
            self.currents.setdefault(j, []).append((int(self.place[i]), slots[x]))
            for y in range(x + 1, len(star)):
                self.products.setdefault((j, star[y]), []).append((slots[x], slots[y]))


def _stack(tables: list[Tables]) -> Tables:
    return jax.tree_util.tree_map(lambda *x: np.stack(x), *tables)


def star_mesh_plan(
    n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " terminals"]
) -> StarMeshPlan:
    """Plan a sparse elimination: built once per topology in NumPy, deterministic."""
    order = schedule(n_nodes, edges, terminals)
    rounds, made, came = _rounds(order.neighbours, order.rounds)
    groups = _segments(rounds)
    shapes = [
        (
            len(_profile(g)),
            max(len(r.wires) for r in g),
            _width(max(r.degree for r in g)),
            _width(max(r.arrivals for r in g)),
            _chunks(_profile(g)),
        )
        for g in groups
    ]
    n_places = sum(len(g) * s[1] for g, s in zip(groups, shapes, strict=True))
    place = np.empty(n_nodes, np.int32)
    node = np.full(n_places + len(terminals), n_nodes, np.int32)
    start = 0
    for g, s in zip(groups, shapes, strict=True):
        for r in g:
            place[r.wires] = start + np.arange(len(r.wires))
            start += s[1]
    place[terminals] = n_places + np.arange(len(terminals))
    node[place] = np.arange(n_nodes)

    builder = _Builder(edges, order.neighbours, place, len(edges))
    slot, start, segments = len(edges) + 1, 0, []
    for g, s in zip(groups, shapes, strict=True):
        first = slot, start
        tables = []
        for r in g:
            tables.append(builder.round(r, slot, s))
            slot, start = slot + s[0], start + s[1]
        segments.append(Segment(_stack(tables), len(g), first[0], s[0], first[1], s[1]))

    mesh = [(a, b) for a, b in order.mesh.tolist()]
    mesh.sort(key=lambda p: -made.get(p, 0))
    counts = np.array([made.get(p, 0) for p in mesh], np.int64)
    row = np.zeros(n_nodes, np.int64)
    row[terminals] = np.arange(len(terminals))
    return StarMeshPlan(
        tuple(segments),
        builder.junctions(mesh, len(mesh)),
        builder.chunked(mesh, _chunks(counts)),
        incidence(len(terminals), row[np.array(mesh, np.int64).reshape(-1, 2)]),
        _arrivals_by_class(builder, terminals, came),
        node,
        place,
        terminals.astype(np.int32),
        incidence(n_nodes, edges),
        slot,
        n_places,
        sum(int(r.counts.sum()) for r in rounds) + int(counts.sum()),
    )


def _arrivals_by_class(builder: _Builder, terminals: Any, came: dict[int, int]) -> Any:
    """(terminals, sources, shares) grouped by number, so that a pad pads nobody else."""
    counts = np.array([came.get(i, 0) for i in terminals.tolist()])
    out, low = [], 0
    for high in (TERMS, TERMS**2, int(counts.max(initial=0))):
        rows = np.flatnonzero((counts > low) & (counts <= high)).astype(np.int32)
        low = max(low, high)
        if rows.size:
            width = _width(int(counts[rows].max()))
            out.append((rows, *builder.arrivals(terminals[rows].tolist(), rows.size, width)))
    return tuple(out)
