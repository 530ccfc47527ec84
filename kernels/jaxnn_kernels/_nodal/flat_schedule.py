"""The elimination of a network as one list of whole numbers, for a routine that walks it.

What `star_plan` lays out for XLA as tables of a few shapes is here a schedule without padding, the same
order of elimination: slots number the branches, those of a star side by side, and each branch lists the
pairs of earlier slots whose products it gains. Networks that nothing joins are blocks of their own, one
after the other, so that what a block works with stays in a core's nearest cache.
`kernels/native/schedule.h` says how the list is laid out.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from .packing import Junctions, Stars
from .schedule import Schedule, adjacency_of, components


# As in kernels/native/schedule.h.
VERSION = 3
NARROW = 1 << 16
_HEAD = 18
# Networks share a block until it has so many wires. On a CPU the groups of a round then are long, and a
# processor seldom mistakes where they end: 256 networks of 100 wires take half the time of blocks of one
# each. Of a GPU each block has threads of its own.
CPU_BLOCK, GPU_BLOCK = 2000, 64


class FlatSchedule(NamedTuple):
    """The list, and how many there are of what it numbers."""

    numbers: Int[np.ndarray, " numbers"]
    wire: Int[np.ndarray, " wires"]  # node of each wire, in the order of elimination
    slot: Int[np.ndarray, " branches"]  # slot of each branch of a star, and the nodes at its ends
    near: Int[np.ndarray, " branches"]
    far: Int[np.ndarray, " branches"]
    mesh: Int[np.ndarray, "pairs 2"]  # nodes at the ends of each branch between terminals
    n_slots: int
    n_blocks: int


class _Grouped(NamedTuple):
    """Sections of groups of records of one kind, laid end to end."""

    numbers: Int[np.ndarray, " numbers"]
    bounds: Int[np.ndarray, " bounds"]  # where each section begins, and the last one ends

    def section(self, k: int) -> Int[np.ndarray, " numbers"]:
        return self.numbers[self.bounds[k] : self.bounds[k + 1]]


def size_class(n: int) -> int:
    """The least size of a class that holds n: four in each doubling, so that networks share programs."""
    step = 1 << max(0, n.bit_length() - 3)
    return -(-n // step) * step


def flat_schedule(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    order: Schedule,
    block: int = CPU_BLOCK,
) -> FlatSchedule:
    """Lays out an order that leaves no full matrices over, in blocks of so many wires or more."""
    x = _Numbering(Stars(n_nodes, order), *_blocks_of(n_nodes, edges, block), terminals, order.mesh)
    rounds = _rounds_of(x, edges)
    rounds_at = np.cumsum([0, *map(len, rounds)])[:-1]
    sizes = [y for n in (x.n_wires, x.n_slots, x.n_ends, x.n_mesh) for y in (_firsts(n), n)]
    products = np.bincount(x.block[x.wires], x.degree * (x.degree - 1) // 2, x.n_blocks)
    junctions, joined = _joined_of(x, edges)
    begins, around = _around_of(x, edges)
    starts = _firsts(x.n_wires + 1)
    table = [*sizes, starts, rounds_at, products.astype(np.int64), _firsts(junctions), junctions, begins]
    table = np.stack(table, axis=1)
    reach = np.zeros(x.n_slots.sum(), np.int64)
    slot = x.slot[x.row] + _firsts(x.n_slots)[x.block[x.near]]
    reach[slot] = x.place[x.far]
    ends = x.place[x.mesh] - x.n_wires[x.block[x.mesh]]
    counts = (n_nodes, len(edges), len(terminals), len(x.wires), len(reach), len(x.mesh), x.n_blocks)
    parts = [table, x.wires, terminals[x.ends], x.ends, _starts_of(x), reach, ends, joined, around, *rounds]
    numbers = _laid_out(counts, parts)
    return FlatSchedule(numbers, x.wires, slot, x.near, x.far, x.mesh, len(reach), x.n_blocks)


class _Numbering:
    """Who is who: wires, slots and terminals by blocks, numbered within each."""

    def __init__(
        self,
        stars: Stars,
        block: Int[np.ndarray, " nodes"],
        n_blocks: int,
        terminals: Int[np.ndarray, " terminals"],
        mesh: Int[np.ndarray, "pairs 2"],
    ):
        self.stars, self.block, self.n_blocks = stars, block, n_blocks
        self.wires, self.turn, self.block_of_turn = _in_order(stars, block)
        self.degree = stars.of_wire.count[self.wires]
        # Rows of `stars`, a star at a time in our order, are our slots; each block has one more.
        self.row = np.repeat(stars.of_wire.first[self.wires], self.degree) + _counting(self.degree)
        self.near, self.far = np.repeat(self.wires, self.degree), stars.far[self.row]
        self.ends = np.argsort(block[terminals], kind="stable")
        self.mesh = mesh[np.argsort(block[mesh[:, 0]], kind="stable")]
        count = lambda nodes: np.bincount(block[nodes], minlength=n_blocks)
        self.n_wires, self.n_slots = count(self.wires), count(self.near) + 1
        self.n_ends, self.n_mesh = count(terminals), count(self.mesh[:, 0])
        at = terminals[self.ends]
        self.place = np.zeros(len(block), np.int64)
        self.place[self.wires] = _counting(self.n_wires)
        self.place[at] = self.n_wires[block[at]] + _counting(self.n_ends)
        self.slot = np.zeros(len(stars.far), np.int64)
        self.slot[self.row] = _counting(self.n_slots - 1)


def _rounds_of(x: _Numbering, edges: Int[np.ndarray, "edges 2"]) -> list[Int[np.ndarray, " numbers"]]:
    """What is done, round by round, for each block."""
    sums, n_turns = _Sums(x.stars, edges, x.slot), len(x.block_of_turn)
    zero = lambda nodes: x.n_slots[x.block[nodes]] - 1
    of_turn = np.repeat(x.turn, x.degree)
    branches = sums.branches(x.stars.key[x.row], of_turn, x.slot[x.row], zero(x.near), n_turns)
    groups = _stars(x.turn, x.degree, x.place[x.wires], n_turns)
    first, key = x.mesh[:, 0], x.stars.keys(*x.mesh.T)
    meshes = sums.branches(key, x.block[first], _counting(x.n_mesh), zero(first), x.n_blocks)
    turns = np.searchsorted(x.block_of_turn, np.arange(x.n_blocks + 1)).tolist()
    rounds = []
    for b in range(x.n_blocks):
        sections = [part.section(t) for t in range(turns[b], turns[b + 1]) for part in (branches, groups)]
        rounds.append(np.concatenate([[turns[b + 1] - turns[b]], *sections, meshes.section(b)]))
    return rounds


def _starts_of(x: _Numbering) -> Int[np.ndarray, " starts"]:
    """Within each block where each star begins, and where the last one ends."""
    starts = np.zeros(len(x.wires) + x.n_blocks, np.int64)
    ends = np.cumsum(x.n_wires + 1) - 1
    is_star = np.ones(len(starts), bool)
    is_star[ends] = False
    starts[is_star] = np.cumsum(x.degree) - x.degree - np.repeat(_firsts(x.n_slots - 1), x.n_wires)
    starts[ends] = x.n_slots - 1
    return starts


def _joined_of(
    x: _Numbering, edges: Int[np.ndarray, "edges 2"]
) -> tuple[Int[np.ndarray, " blocks"], Int[np.ndarray, "edges 3"]]:
    """How many junctions each block has; by blocks, each junction and the places at its ends.

    First one junction of each wire, then a second, and so on: a sum waits for the number that was added to
    it just before.
    """
    block = x.block[edges[:, 0]]
    by_first = np.argsort(edges[:, 0], kind="stable")
    turn = np.empty(len(edges), np.int64)
    turn[by_first] = _counting(np.bincount(edges[:, 0], minlength=len(x.block)))
    order = np.lexsort((turn, block))
    return np.bincount(block, minlength=x.n_blocks), np.column_stack([order, x.place[edges[order]]])


def _around_of(
    x: _Numbering, edges: Int[np.ndarray, "edges 2"]
) -> tuple[Int[np.ndarray, " blocks"], Int[np.ndarray, " numbers"]]:
    """Where each block begins; of each place its number of junctions, and each with the place beyond.

    Those with as many lie side by side, so that a processor seldom mistakes where they end.
    """
    node, other = edges.T.reshape(-1), edges[:, ::-1].T.reshape(-1)
    count = np.bincount(node, minlength=len(x.block))
    order = np.lexsort((x.place, count, x.block))
    length = 2 + 2 * count[order]
    first = np.empty(len(order), np.int64)
    first[order] = _firsts(length)
    numbers = np.empty(length.sum(), np.int64)
    numbers[first], numbers[first + 1] = x.place, count
    by_node = np.argsort(node, kind="stable")
    at = first[node[by_node]] + 2 + 2 * _counting(count)
    numbers[at], numbers[at + 1] = by_node % len(edges), x.place[other[by_node]]
    return _firsts(np.bincount(x.block[order], length, x.n_blocks).astype(np.int64)), numbers


def _firsts(sizes: Int[np.ndarray, " lists"]) -> Int[np.ndarray, " lists"]:
    return np.cumsum(sizes) - sizes


def _counting(count: Int[np.ndarray, " lists"]) -> Int[np.ndarray, " entries"]:
    """0, 1, ... within each of several lists."""
    return np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)


def _blocks_of(
    n_nodes: int, edges: Int[np.ndarray, "edges 2"], least: int
) -> tuple[Int[np.ndarray, " nodes"], int]:
    """The block of each node: a network that nothing joins to others, or several small ones."""
    label = np.array(components(adjacency_of(n_nodes, edges), set()), np.int64)
    blocks, size = [0], 0
    for n in np.bincount(label).tolist():
        size += n
        full = size >= least
        blocks.append(blocks[-1] + full)
        size = 0 if full else size
    block = np.array(blocks, np.int64)[label]
    return block, int(block.max(initial=0)) + 1


def _in_order(
    stars: Stars, block: Int[np.ndarray, " nodes"]
) -> tuple[Int[np.ndarray, " wires"], Int[np.ndarray, " wires"], Int[np.ndarray, " turns"]]:
    """Wires by blocks, then by rounds; the turn of each, a round of a block, and the block of each turn."""
    wires = np.concatenate([np.zeros(0, np.int64), *(r.wires for r in stars.rounds)])
    number = np.repeat(np.arange(len(stars.rounds)), [len(r.wires) for r in stars.rounds])
    order = np.lexsort((number, block[wires]))
    wires, number = wires[order], number[order]
    new = (np.diff(number, prepend=-1) != 0) | (np.diff(block[wires], prepend=-1) != 0)
    return wires, np.cumsum(new) - 1, block[wires[new]]


class _Sums:
    """Finds the junction and the products of a branch by its two ends."""

    def __init__(
        self,
        stars: Stars,
        edges: Int[np.ndarray, "edges 2"],
        slot: Int[np.ndarray, " rows"],
    ):
        self.behind = Junctions(edges, stars)
        self.stars = stars
        self.slot = slot

    def branches(
        self,
        key: Int[np.ndarray, " branches"],
        section: Int[np.ndarray, " branches"],
        target: Int[np.ndarray, " branches"],
        zero: Int[np.ndarray, " branches"],
        n_sections: int,
    ) -> _Grouped:
        """Where each branch goes, its junction, and the slots whose products it gains.

        `zero` is the slot that padding points at.
        """
        junction, known = self.behind.find(key)
        made = self.stars.products(key)
        pairs = _padded(made.count)
        order = np.lexsort((target, known, pairs, section))
        own, pairs, first, count = known[order], pairs[order], made.first[order], made.count[order]
        # Two numbers a pair where slots are many, one elsewhere.
        wide = zero[order] >= NARROW
        length = 1 + own + pairs * (1 + wide)
        at, heads, numbers, bounds = _places(section[order], (pairs, own), length, 3, n_sections)
        begins, sizes = heads
        kind = pairs[begins[0]], sizes, own[begins[0]]
        numbers[begins[1][:, None] + np.arange(3)] = np.stack(kind, axis=1)
        numbers[at] = target[order]
        numbers[at[own] + 1] = junction[order][own]
        # Each pair of each branch, and the product that it stands for, if any.
        k = _counting(pairs)
        of = lambda x: np.repeat(x, pairs)
        real = k < of(count)
        product = np.where(real, of(first) + k, 0)
        left, right = (
            np.where(real, self.slot[side[product]], of(zero[order]))
            for side in (self.stars.left, self.stars.right)
        )
        pair, wide = of(at + 1 + own) + k * (1 + of(wide)), of(wide)
        numbers[pair] = np.where(wide, left, left | (right << 16))
        numbers[pair[wide] + 1] = right[wide]
        return _Grouped(numbers, bounds)


def _padded(pairs: Int[np.ndarray, " branches"]) -> Int[np.ndarray, " branches"]:
    """Numbers of pairs rounded up to a few: each is a loop of its own, whose end costs a processor time."""
    for low, step in ((4, 2), (16, 4), (32, 8), (64, 16)):
        pairs = np.where(pairs > low, -(-pairs // step) * step, pairs)
    return pairs


def _stars(
    section: Int[np.ndarray, " wires"],
    degree: Int[np.ndarray, " wires"],
    wire: Int[np.ndarray, " wires"],
    n_sections: int,
) -> _Grouped:
    """The wires of each round, by their number of branches."""
    order = np.lexsort((wire, degree, section))
    at, heads, numbers, bounds = _places(
        section[order], (degree[order],), np.ones_like(wire), 2, n_sections
    )
    begins, sizes = heads
    numbers[begins[1]], numbers[begins[1] + 1] = degree[order][begins[0]], sizes
    numbers[at] = wire[order]
    return _Grouped(numbers, bounds)


def _places(
    section: Int[np.ndarray, " records"],
    kinds: tuple[np.ndarray, ...],
    length: Int[np.ndarray, " records"],
    head: int,
    n_sections: int,
) -> tuple[np.ndarray, tuple[tuple[np.ndarray, np.ndarray], np.ndarray], np.ndarray, np.ndarray]:
    """Where sorted records lie; the first record, place and size of each group; the numbers, and bounds.

    A section begins with its number of groups, a group with `head` numbers of its own.
    """
    new = np.zeros(len(section), bool)
    for column in (section, *kinds):
        new |= np.diff(column.astype(np.int64), prepend=-1) != 0
    first = np.flatnonzero(new)
    group = np.cumsum(new)
    before = np.concatenate([[0], np.cumsum(length)])
    at = before[:-1] + section + 1 + head * group
    sizes = np.diff(np.append(first, len(section)))
    in_section = np.searchsorted(section, np.arange(n_sections + 1))
    groups = np.searchsorted(section[first], np.arange(n_sections + 1))
    bounds = before[in_section] + np.arange(n_sections + 1) + head * groups
    numbers = np.zeros(bounds[-1], np.int64)
    numbers[bounds[:-1]] = np.diff(groups)
    return at, ((first, at[first] - head), sizes), numbers, bounds


def _laid_out(counts: tuple[int, ...], parts: list[np.ndarray]) -> Int[np.ndarray, " numbers"]:
    """The head and the parts, padded to a class of sizes. A block's rounds lie behind all else."""
    sizes = [part.size for part in parts]
    offsets = (_HEAD + np.concatenate([[0], np.cumsum(sizes)])).tolist()
    size = offsets[-1]
    if size >= 2**31:
        raise ValueError(
            f"the schedule of an elimination must have fewer than 2^31 numbers; got {size:,}. "
            "Split the ensemble, or use star_mesh_plan."
        )
    table = parts[0]
    table[:, 9] += offsets[9]
    numbers = np.zeros(size_class(size), np.int64)
    numbers[:_HEAD] = [VERSION, *counts, *offsets[:9], size]
    numbers[_HEAD:size] = np.concatenate([part.ravel() for part in parts])
    return numbers.astype(np.uint32).view(np.int32)
