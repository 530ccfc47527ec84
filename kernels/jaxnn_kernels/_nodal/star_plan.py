"""Index arrays of the sparse elimination: built once per topology in NumPy, used as data.

Two numberings make every round of the elimination a few gathers and one contiguous write:

- *Slots* number branches: first the junctions as the user gave them, then one that is always 0 S, then
  the branches of each round, in the order in which rounds are eliminated. A branch between two wires is
  complete before either of them is eliminated, and all of its products h_ij h_ik come from slots before
  its own: one pass forward fills the buffer, and reading a slot that is not yet written cannot happen.
  The zero is what padding points at, so that a padded product adds nothing and needs no mask.
- *Places* number wires by the round in which they go, those of a round side by side, then the wires of
  the tails, then the terminals. What a round computes is then a slice. Going back, the rounds in reverse
  read places after their own alone.

The rounds of a segment share one shape, so that their tables stack and one loop body runs them all; round
k begins at slot `slot + k rows` and place `place + k wires`. The structure of the tables is static and
their numbers are arguments of the compiled program: networks of equal shapes share a program.
"""

import jax
import numpy as np
from jaxtyping import Int

from .. import _arguments as arguments
from .._xla import TERMS
from .costs import Costs, costs_for
from .incidence import incidence
from .packing import Junctions, Round, Shape, Stars, chunks_of, padded_width, segments_of, shape_of
from .parallel import merges_parallel
from .schedule import Schedule, Tail, schedule
from .star_mesh import StarMeshPlan
from .tables import Segment, Tables, TailTables
from .tail_panels import panels_of


_KNOWN = arguments.real(known=True, finite=False)


class _Builder:
    """Fills the tables in the order of elimination, as slots and places become known."""

    def __init__(self, edges: Int[np.ndarray, "edges 2"], stars: Stars, place: Int[np.ndarray, " nodes"]):
        self.behind = Junctions(edges, stars)
        self.stars = stars
        self.place = place
        self.zero = len(edges)
        self.slot = np.zeros(len(stars.far), np.int64)
        self.local = np.zeros(len(stars.far), np.int64)

    def junctions(self, key: Int[np.ndarray, " keys"], rows: int) -> Int[np.ndarray, " rows"]:
        """The junction behind each branch, and the slot of the zero for one that only elimination makes."""
        out = np.full(rows, self.zero, np.int32)
        junction, known = self.behind.find(key)
        out[: len(key)] = np.where(known, junction, self.zero)
        return out

    def chunked(
        self, key: Int[np.ndarray, " keys"], shape: list[tuple[int, int]]
    ) -> tuple[tuple[Int[np.ndarray, "products rows"], Int[np.ndarray, "products rows"]], ...]:
        """The slots whose products each branch gains, for each chunk of branches of about as many."""
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

    def arrivals(
        self, wires: Int[np.ndarray, " wires"], rows: int, width: int
    ) -> tuple[Int[np.ndarray, "width rows"], Int[np.ndarray, "width rows"]]:
        """Which earlier wires pass their current on to each of these, and through which branches."""
        entry, valid = self.stars.of_node.columns(wires, rows, width)
        row = self.stars.arrival[entry]
        source = np.where(valid, self.place[np.append(self.stars.near, 0)[row]], 0)
        share = np.where(valid, self.slot[row], self.zero)
        return source.astype(np.int32), share.astype(np.int32)

    def round(self, r: Round, slot: int, shape: Shape) -> Tables:
        """The tables of one round, padded to the shape of its segment."""
        rows, wires, degrees, arrivals, chunks = shape
        key = self.stars.key[r.rows]
        owner = np.zeros(rows, np.int32)
        # Places of a round follow each other in the order of its wires.
        owner[: len(r.rows)] = self.place[self.stars.near[r.rows]] - self.place[r.wires[0]]
        self.local[r.rows] = np.arange(len(r.rows))
        star, reach, first = [], [], 0
        # A padded star reads the last row, which is padding too and holds 0 S; a padded reach the first
        # place, whose potential it multiplies by that.
        for width, count in degrees:
            of = r.wires[first : first + count]
            entry, valid = self.stars.of_wire.columns(of, count, width)
            star.append(np.where(valid, self.local[entry], rows - 1).astype(np.int32))
            reach.append(np.where(valid, self.place[self.stars.far[entry]], 0).astype(np.int32))
            first += count
        products = self.chunked(key, chunks)
        source, share = self.arrivals(r.wires, wires, arrivals)
        # Known from here on, for the rounds that follow: products look slots up, and none looks ahead.
        self.slot[r.rows] = slot + self.local[r.rows]
        own = self.junctions(key, rows)
        return Tables(own, products, owner, tuple(star), tuple(reach), source, share)

    def tail(
        self,
        tails: list[Tail],
        terminals: Int[np.ndarray, " terminals"],
        wires: int,
        place: int,
        costs: Costs,
    ) -> TailTables:
        """The matrices of all tails, padded to `wires` and the most terminals of any."""
        parts, n_ends = len(tails), max(len(t.terminals) for t in tails)
        row = np.zeros(self.stars.n_nodes, np.int64)
        row[terminals] = np.arange(len(terminals))
        key = self.stars.keys(*np.concatenate([t.branches for t in tails]).T)
        counts = self.stars.products(key).count
        order = np.argsort(-counts, kind="stable")
        local = np.argsort(order, kind="stable")
        # Components lie side by side in the last axis, so that one pass eliminates all of them. The last
        # row is padding, a branch of no conductance: smaller components carry wires that touch nothing.
        matrix = np.full((wires + n_ends, wires + n_ends, parts), len(key), np.int32)
        ends = np.zeros((n_ends, parts), np.int32)
        # Padded wires stand for a terminal, which none of the real ones can be.
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
        width = padded_width(int(self.stars.of_node.count[node[inner]].max()))
        source, share = self.arrivals(node, node.size, width)
        meetings = max(map(len, slots))
        landing = [s + [ends.size] * (meetings - len(s)) for s in slots]
        return TailTables(
            self.junctions(key[order], len(key) + 1),
            self.chunked(key[order], chunks_of(np.append(counts[order], 0), costs.loop)),
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


@arguments.checked(
    n_nodes=arguments.count(0),
    edges=_KNOWN,
    terminals=_KNOWN,
    mapped=arguments.flag,
)
@merges_parallel
def star_mesh_plan(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    device: str | None = None,
    mapped: bool = False,
) -> StarMeshPlan:
    """Plans a sparse elimination: built once per topology in NumPy, deterministic.

    `device`, "cpu" or "gpu", is what the plan is laid out for, by default what JAX runs on; it
    works on both. `mapped` says that `vmap` will run four copies of an ensemble or more at once, a matter
    of speed alone.

    ```python
    plan = jaxnn.kernels.star_mesh_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    solved = jaxnn.kernels.solve_nodes(plan, jnp.array([1.0, 3.0]), jnp.array([1.0, 0.0]))
    solved.node_potential  # [1.0, 0.25, 0.0] [V]
    ```
    """
    costs = lambda sizes: costs_for(device, sizes, mapped)
    order = schedule(n_nodes, edges, terminals, lambda sizes: costs(sizes).tail)
    return plan_of(order, n_nodes, edges, terminals, costs(order.sizes))


def plan_of(
    order: Schedule,
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    costs: Costs,
) -> StarMeshPlan:
    """Plan a sparse elimination in an order that is known."""
    stars = Stars(n_nodes, order)
    groups = segments_of(stars.rounds, costs)
    shapes = [shape_of(g, stars, costs) for g in groups]
    tail_place = sum(len(g) * s.wires for g, s in zip(groups, shapes, strict=True))
    wires = max((len(t.wires) for t in order.tails), default=0)
    n_places = tail_place + wires * len(order.tails)
    # Both ways: where each wire is, and who is at each place; one past the last, nobody, in padding.
    place = np.empty(n_nodes, np.int32)
    node = np.full(n_places + len(terminals), n_nodes, np.int32)
    start = 0
    for g, s in zip(groups, shapes, strict=True):
        for r in g:
            place[r.wires] = start + np.arange(len(r.wires))
            start += s.wires
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
            slot, start = slot + s.rows, start + s.wires
        segments.append(Segment(_stack(tables), len(g), first[0], s.rows, first[1], s.wires))

    # What is left between terminals, the longest sums first, so that they too fall into few chunks.
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
        builder.chunked(key, chunks_of(counts, costs.loop)),
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


def _arrivals_by_class(
    builder: _Builder, terminals: Int[np.ndarray, " terminals"]
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]:
    """(terminals, sources, shares) grouped by number, so that a pad pads nobody else."""
    # A pad meets hundreds of wires, a plain terminal a handful: in one table the padding would be most.
    counts = builder.stars.of_node.count[terminals]
    out, low = [], 0
    for high in (TERMS, TERMS**2, int(counts.max(initial=0))):
        rows = np.flatnonzero((counts > low) & (counts <= high)).astype(np.int32)
        low = max(low, high)
        if rows.size:
            width = padded_width(int(counts[rows].max()))
            out.append((rows, *builder.arrivals(terminals[rows], rows.size, width)))
    return tuple(out)
