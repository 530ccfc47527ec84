"""Index arrays of the sparse elimination: built once per topology in NumPy, used as data."""

import dataclasses as dc
import itertools
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Int

from .costs import BATCHED, Costs, costs_for
from .dense import dense_work
from .incidence import TERMS, incidence
from .parallel import merges_parallel
from .schedule import Schedule, Tail, schedule
from .tail_panels import panels_of


class Tables(NamedTuple):
    """Index arrays of the rounds of a segment, the round first.

    Local rows are the branches of the round's wires, by falling number of products, padding last.
    """

    own: Any  # (rows,) junction of the branch
    chunks: Any  # per class of rows, pairs (products, rows) of slots whose products they gain
    owner: Any  # (rows,) local wire of the branch
    star: Any  # per class of degree (degree, wires) local rows of each wire
    reach: Any  # per class (degree, wires) place of the wire at the other end
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
class TailTables:
    """Index arrays of the full matrices in which components end: wires first, then terminals.

    `own`, `chunks`, `source` and `share` are as in `Tables`, for the branches of the matrices and
    their wires.
    """

    own: Any
    chunks: Any
    matrix: Any  # (nodes, nodes, parts) branch
    ends: Any  # (terminals, parts) among the terminals of the network
    landing: Any  # (meetings, terminals) where in `ends`, flat, a terminal is; past its end if nowhere
    source: Any
    share: Any
    wires: int = dc.field(metadata={"static": True})
    place: int = dc.field(metadata={"static": True})


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True, repr=False)
class StarMeshPlan:
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


class _Round(NamedTuple):
    wires: Any  # by falling degree
    rows: Any  # branches of these wires, by falling number of products
    counts: Int[np.ndarray, " rows"]
    degree: int
    arrivals: int


def _width(n: int) -> int:
    return n if n <= TERMS else -(-n // TERMS) * TERMS


class _Lists(NamedTuple):
    """Lists of different lengths, laid end to end."""

    first: Any
    count: Any

    def columns(self, of: Any, rows: int, width: int) -> tuple[Any, Any]:
        """Where the entries of the lists `of` lie, (width, rows), and whether they do."""
        first, count = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        of = of[:rows]
        first[: len(of)], count[: len(of)] = self.first[of], self.count[of]
        entry = np.arange(width)[:, None]
        valid = entry < count
        return np.where(valid, first + entry, 0), valid


class _Stars:
    """The whole elimination in flat arrays: the branches of every star, in the order of rounds.

    A branch between two wires gains all of its products before either of them is eliminated, so
    that counts need no order.
    """

    def __init__(self, n_nodes: int, order: Schedule):
        self.n_nodes = n_nodes
        degree = np.array([len(star) for star in order.neighbours], np.int64)
        rounds = [np.array(r, np.int64) for r in order.rounds]
        rounds = [r[np.argsort(-degree[r], kind="stable")] for r in rounds]
        wires = np.concatenate([np.zeros(0, np.int64), *rounds])
        first = np.zeros(n_nodes, np.int64)
        first[wires] = np.cumsum(degree[wires]) - degree[wires]
        self.of_wire = _Lists(first, degree)
        self.near = np.repeat(wires, degree[wires])
        far = itertools.chain.from_iterable(order.neighbours[i] for i in wires.tolist())
        self.far = np.array([*far, 0], np.int64)  # an entry more, for padding to point at
        self.key = self.keys(self.near, self.far[:-1])
        self.arrival = np.append(np.argsort(self.far[:-1], kind="stable"), 0)
        came = np.bincount(self.far[:-1], minlength=n_nodes)
        self.of_node = _Lists(np.cumsum(came) - came, came)
        self.left, self.right, self.pair_key = self._pairs(wires)
        self.rounds = [self._round(r) for r in rounds]

    def keys(self, a: Any, b: Any) -> Any:
        return np.minimum(a, b) * self.n_nodes + np.maximum(a, b)

    def _pairs(self, wires: Any) -> tuple[Any, Any, Any]:
        """All products of two branches of a star, sorted by the branch that they add to."""
        first, degree = self.of_wire.first[wires], self.of_wire.count[wires]
        left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for d in np.unique(degree).tolist():
            a, b = np.triu_indices(d, 1)
            base = first[degree == d][:, None]
            left.append((base + a).ravel())
            right.append((base + b).ravel())
        x, y = np.concatenate(left), np.concatenate(right)
        key = self.keys(self.far[x], self.far[y])
        order = np.lexsort((x, key))
        return np.append(x[order], 0), np.append(y[order], 0), key[order]

    def products(self, key: Any) -> _Lists:
        first = np.searchsorted(self.pair_key, key, "left")
        return _Lists(first, np.searchsorted(self.pair_key, key, "right") - first)

    def _round(self, wires: Any) -> _Round:
        low = self.of_wire.first[wires[0]]
        rows = low + np.arange(self.of_wire.count[wires].sum())
        counts = self.products(self.key[rows]).count
        order = np.argsort(-counts, kind="stable")
        degree, came = self.of_wire.count[wires].max(), self.of_node.count[wires].max()
        return _Round(wires, rows[order], counts[order], int(degree), int(came))


def _chunks(counts: Int[np.ndarray, " rows"], loop: int) -> list[tuple[int, int]]:
    """Cut a falling profile of product counts into chunks (products, rows), few and little
    padded."""
    levels = [-1, *sorted(set(counts.tolist()))]
    height = [int(np.searchsorted(-counts, -k, side="left")) for k in levels]  # rows above level k
    best = [0.0] + [np.inf] * (len(levels) - 1)
    back = [0] * len(levels)
    for b in range(1, len(levels)):
        width = _width(levels[b])
        for a in range(b):
            cost = best[a] + (height[a] - height[b]) * width + loop * (1 + (width > TERMS))
            if cost < best[b]:
                best[b], back[b] = cost, a
    cuts = [len(levels) - 1]
    while cuts[-1]:
        cuts.append(back[cuts[-1]])
    return [(_width(levels[b]), height[a] - height[b]) for b, a in itertools.pairwise(cuts)]


def _profile(rounds: list[_Round]) -> Int[np.ndarray, " rows"]:
    """Product counts that cover every one of the rounds, with one row of padding."""
    out = np.zeros(1 + max(len(r.counts) for r in rounds), np.int64)
    for r in rounds:
        out[: len(r.counts)] = np.maximum(out[: len(r.counts)], r.counts)
    return out


def _degrees(rounds: list[_Round], stars: _Stars, loop: int) -> list[tuple[int, int]]:
    """Classes (degree, wires) of the wires of every one of the rounds, few and little padded."""
    profile = np.ones(max(len(r.wires) for r in rounds), np.int64)
    for r in rounds:
        degrees = stars.of_wire.count[r.wires]
        profile[: len(degrees)] = np.maximum(profile[: len(degrees)], degrees)
    out, start = [], 0
    for k in range(1, len(profile)):
        # A class ends where padding its rest to the degree of its first wire costs another loop.
        if (profile[start] - profile[k]) * (len(profile) - k) > 2 * loop and k - start >= loop // 8:
            out.append((_width(int(profile[start])), k - start))
            start = k
    return [*out, (_width(int(profile[start])), len(profile) - start)]


def _work(profile: Int[np.ndarray, " rows"], degree: int, wires: int) -> int:
    chunks = sum(width * rows for width, rows in _chunks(profile, BATCHED.loop))
    return chunks + 2 * len(profile) + 2 * degree * wires


def _segments(rounds: list[_Round], costs: Costs) -> list[list[_Round]]:
    """Group neighbouring rounds of similar shape, so that code grows much slower than the
    network."""
    single = [_work(_profile([r]), r.degree, len(r.wires)) for r in rounds]
    overhead = costs.code[0] + costs.code[1] * sum(single)
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

    def __init__(self, edges: Any, stars: _Stars, place: Any):
        key = stars.keys(*edges.T.astype(np.int64))
        self.edge = np.argsort(key, kind="stable")
        self.edge_key = key[self.edge]
        self.stars = stars
        self.place = place
        self.zero = len(edges)
        self.slot = np.zeros(len(stars.far), np.int64)
        self.local = np.zeros(len(stars.far), np.int64)

    def junctions(self, key: Any, rows: int) -> Int[np.ndarray, " rows"]:
        out = np.full(rows, self.zero, np.int32)
        at = np.searchsorted(self.edge_key, key, "left")
        known = np.append(self.edge_key, -1)[at] == key
        out[: len(key)] = np.where(known, np.append(self.edge, 0)[at], self.zero)
        return out

    def chunked(self, key: Any, shape: list[tuple[int, int]]) -> Any:
        made = self.stars.products(key)
        out, first = [], 0
        for width, rows in shape:
            of = np.arange(first, min(first + rows, len(key)))
            entry, valid = made.columns(of, rows, width)
            sides = self.stars.left, self.stars.right
            slots = (np.where(valid, self.slot[side[entry]], self.zero) for side in sides)
            out.append(tuple(x.astype(np.int32) for x in slots))
            first += rows
        return tuple(out)

    def arrivals(self, wires: Any, rows: int, width: int) -> Any:
        entry, valid = self.stars.of_node.columns(wires, rows, width)
        row = self.stars.arrival[entry]
        source = np.where(valid, self.place[np.append(self.stars.near, 0)[row]], 0)
        share = np.where(valid, self.slot[row], self.zero)
        return source.astype(np.int32), share.astype(np.int32)

    def round(self, r: _Round, slot: int, shape: Any) -> Tables:
        rows, wires, degrees, arrivals, chunks = shape
        key = self.stars.key[r.rows]
        owner = np.zeros(rows, np.int32)
        # Places of a round follow each other in the order of its wires.
        owner[: len(r.rows)] = self.place[self.stars.near[r.rows]] - self.place[r.wires[0]]
        self.local[r.rows] = np.arange(len(r.rows))
        star, reach, first = [], [], 0
        for width, count in degrees:
            of = r.wires[first : first + count]
            entry, valid = self.stars.of_wire.columns(of, count, width)
            star.append(np.where(valid, self.local[entry], rows - 1).astype(np.int32))
            reach.append(np.where(valid, self.place[self.stars.far[entry]], 0).astype(np.int32))
            first += count
        products = self.chunked(key, chunks)
        source, share = self.arrivals(r.wires, wires, arrivals)
        self.slot[r.rows] = slot + self.local[r.rows]
        own = self.junctions(key, rows)
        return Tables(own, products, owner, tuple(star), tuple(reach), source, share)

    def tail(self, tails: list[Tail], terminals: Any, wires: int, place: int, costs: Costs) -> TailTables:
        """The matrices of all tails, padded to `wires` and the most terminals of any."""
        parts, n_ends = len(tails), max(len(t.terminals) for t in tails)
        row = np.zeros(self.stars.n_nodes, np.int64)
        row[terminals] = np.arange(len(terminals))
        key = self.stars.keys(*np.concatenate([t.branches for t in tails]).T)
        counts = self.stars.products(key).count
        order = np.argsort(-counts, kind="stable")
        local = np.argsort(order, kind="stable")
        # The last row is padding, a branch of no conductance.
        matrix = np.full((wires + n_ends, wires + n_ends, parts), len(key), np.int32)
        ends = np.zeros((n_ends, parts), np.int32)
        node = np.full((wires, parts), terminals[0], np.int64)
        slots: list[list[int]] = [[] for _ in terminals]
        at = np.zeros(self.stars.n_nodes, np.int64)
        first = 0
        for c, t in enumerate(tails):
            at[t.wires] = np.arange(len(t.wires))
            at[t.terminals] = wires + np.arange(len(t.terminals))
            a, b = at[t.branches.T]
            matrix[a, b, c] = matrix[b, a, c] = local[first : first + len(a)]
            first += len(a)
            ends[: len(t.terminals), c] = row[t.terminals]
            node[: len(t.wires), c] = t.wires
            for k, r in enumerate(row[t.terminals].tolist()):
                slots[r].append(k * parts + c)
        node = node.ravel()
        inner = node != terminals[0]
        width = _width(int(self.stars.of_node.count[node[inner]].max()))
        source, share = self.arrivals(node, node.size, width)
        meetings = max(map(len, slots))
        landing = [s + [ends.size] * (meetings - len(s)) for s in slots]
        return TailTables(
            self.junctions(key[order], len(key) + 1),
            self.chunked(key[order], _chunks(np.append(counts[order], 0), costs.loop)),
            panels_of(matrix, wires) if costs.panels else matrix,
            ends,
            np.array(landing, np.int32).T,
            source,
            np.where(inner, share, self.zero).astype(np.int32),
            wires,
            place,
        )


def _stack(tables: list[Tables]) -> Tables:
    return jax.tree_util.tree_map(lambda *x: np.stack(x), *tables)


@merges_parallel
def star_mesh_plan(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    device: str | None = None,
    mapped: bool = False,
) -> StarMeshPlan:
    """Plan a sparse elimination: built once per topology in NumPy, deterministic.

    `device`, "cpu" or "gpu", is what the plan is laid out for, by default what JAX runs on; it
    works on both. `mapped` says that `vmap` will run four copies of an ensemble or more at once, a matter
    of speed alone.
    """
    costs = lambda sizes: costs_for(device, sizes, mapped)
    order = schedule(n_nodes, edges, terminals, lambda sizes: costs(sizes).tail)
    return plan_of(order, n_nodes, edges, terminals, costs(order.sizes))


def _shape(group: list[_Round], stars: _Stars, costs: Costs) -> Any:
    """Rows, wires, classes of degree, arrivals and chunks that hold every round of a segment."""
    profile = _profile(group)
    wires = max(len(r.wires) for r in group)
    # A wire without any junction has an empty star, which has padding to sum.
    one_class = [(_width(max(1, *(r.degree for r in group))), wires)]
    return (
        len(profile),
        wires,
        # One network is batched: wires of another degree need another loop, and pad little.
        one_class if costs.loop == BATCHED.loop else _degrees(group, stars, costs.loop),
        _width(max(r.arrivals for r in group)),
        _chunks(profile, costs.loop),
    )


def plan_of(
    order: Schedule,
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    costs: Costs,
) -> StarMeshPlan:
    """Plan a sparse elimination in an order that is known."""
    stars = _Stars(n_nodes, order)
    groups = _segments(stars.rounds, costs)
    shapes = [_shape(g, stars, costs) for g in groups]
    tail_place = sum(len(g) * s[1] for g, s in zip(groups, shapes, strict=True))
    wires = max((len(t.wires) for t in order.tails), default=0)
    n_places = tail_place + wires * len(order.tails)
    place = np.empty(n_nodes, np.int32)
    node = np.full(n_places + len(terminals), n_nodes, np.int32)
    start = 0
    for g, s in zip(groups, shapes, strict=True):
        for r in g:
            place[r.wires] = start + np.arange(len(r.wires))
            start += s[1]
    for c, t in enumerate(order.tails):
        place[t.wires] = tail_place + np.arange(len(t.wires)) * len(order.tails) + c
    place[terminals] = n_places + np.arange(len(terminals))
    node[place] = np.arange(n_nodes)

    builder = _Builder(edges, stars, place)
    slot, start, segments = len(edges) + 1, 0, []
    for g, s in zip(groups, shapes, strict=True):
        first = slot, start
        tables = []
        for r in g:
            tables.append(builder.round(r, slot, s))
            slot, start = slot + s[0], start + s[1]
        segments.append(Segment(_stack(tables), len(g), first[0], s[0], first[1], s[1]))

    mesh = order.mesh
    counts = stars.products(stars.keys(*mesh.T)).count
    by_count = np.argsort(-counts, kind="stable")
    mesh, counts = mesh[by_count], counts[by_count]
    key = stars.keys(*mesh.T)
    row = np.zeros(n_nodes, np.int64)
    row[terminals] = np.arange(len(terminals))
    return StarMeshPlan(
        tuple(segments),
        builder.tail(order.tails, terminals, wires, tail_place, costs) if order.tails else None,
        builder.junctions(key, len(mesh)),
        builder.chunked(key, _chunks(counts, costs.loop)),
        incidence(len(terminals), row[mesh]),
        _arrivals_by_class(builder, terminals),
        node,
        place,
        terminals.astype(np.int32),
        incidence(n_nodes, edges),
        slot,
        n_places,
        len(stars.pair_key),
        costs.settles,
    )


def _arrivals_by_class(builder: _Builder, terminals: Any) -> Any:
    """(terminals, sources, shares) grouped by number, so that a pad pads nobody else."""
    counts = builder.stars.of_node.count[terminals]
    out, low = [], 0
    for high in (TERMS, TERMS**2, int(counts.max(initial=0))):
        rows = np.flatnonzero((counts > low) & (counts <= high)).astype(np.int32)
        low = max(low, high)
        if rows.size:
            width = _width(int(counts[rows].max()))
            out.append((rows, *builder.arrivals(terminals[rows], rows.size, width)))
    return tuple(out)
