"""The elimination of a network as one list of whole numbers, for a routine that walks it.

What `star_plan` lays out for XLA as tables of a few shapes is here a schedule without padding, the same
order of elimination: slots number the branches, those of a star side by side, and each branch lists the
pairs of earlier slots whose products it gains. Networks that nothing joins are blocks of their own, one
after the other, so that what a block works with stays in a core's nearest cache. `kernels/native/schedule.h`
says how the list is laid out.
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from .packing import Stars
from .schedule import Schedule, components


VERSION = 1
_HEAD, _BLOCK = 16, 10
# Networks of fewer wires share a block.
_LEAST = 64


class FlatSchedule(NamedTuple):
    """The list, and how many there are of what it numbers."""

    numbers: Int[np.ndarray, " numbers"]
    wire: Int[np.ndarray, " wires"]  # node of each wire, in the order of elimination
    near: Int[np.ndarray, " slots"]  # node at either end of each slot
    far: Int[np.ndarray, " slots"]
    mesh: Int[np.ndarray, "branches 2"]  # nodes at the ends of each branch between terminals
    n_products: int


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
    n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " terminals"], order: Schedule
) -> FlatSchedule:
    """Lays out an order of elimination; what it leaves as full matrices becomes runs of full stars."""
    runs = [np.array(t.wires, np.int64) for t in order.tails]
    order = with_full_stars(order)
    stars = Stars(n_nodes, order)
    block, n_blocks = _blocks_of(n_nodes, edges)
    in_runs = np.concatenate([np.zeros(0, np.int64), *runs])
    wires, turn, block_of_turn = _in_order(stars, block, in_runs)
    degree = stars.of_wire.count[wires]
    starts = np.concatenate([[0], np.cumsum(degree)])
    # Rows of `stars`, a star at a time in our order, are our slots.
    row = np.repeat(stars.of_wire.first[wires], degree) + _counting(degree)
    near, far = np.repeat(wires, degree), stars.far[row]
    by_block = np.argsort(block[terminals], kind="stable")
    mesh = order.mesh[np.argsort(block[order.mesh[:, 0]], kind="stable")]

    firsts = lambda owner: np.searchsorted(owner, np.arange(n_blocks + 1))
    of_wires, of_slots = firsts(block[wires]), firsts(block[near])
    of_terminals, of_mesh = firsts(block[terminals[by_block]]), firsts(block[mesh[:, 0]])
    place = np.zeros(n_nodes, np.int64)
    place[wires] = np.arange(len(wires)) - of_wires[block[wires]]
    local_terminal = np.arange(len(terminals)) - of_terminals[block[terminals[by_block]]]
    place[terminals[by_block]] = np.diff(of_wires)[block[terminals[by_block]]] + local_terminal
    slot = np.zeros(len(stars.far), np.int64)
    slot[row] = np.arange(len(row)) - of_slots[block[near]]

    sums = _Sums(stars, edges, in_runs, slot)
    later, n_turns = np.isin(near, in_runs), len(block_of_turn)
    gains = sums.before_runs(stars.key[row])
    some = lambda which: _Gains(*(x[which] for x in gains))
    branches = sums.branches(some(~later), np.repeat(turn, degree)[~later], slot[row][~later], n_turns)
    of_runs = sums.branches(some(later), block[near][later], slot[row][later], n_blocks)
    mesh_at = np.arange(len(mesh)) - of_mesh[block[mesh[:, 0]]]
    meshes = sums.branches(sums.all(stars.keys(*mesh.T)), block[mesh[:, 0]], mesh_at, n_blocks)
    soon = ~np.isin(wires, in_runs)
    groups = _stars(turn[soon], degree[soon], place[wires][soon], n_turns)
    # Every product comes from two branches of one star.
    products = np.bincount(block[wires], degree * (degree - 1) // 2, n_blocks).astype(np.int64)

    first_turn = np.searchsorted(block_of_turn, np.arange(n_blocks + 1))
    rounds = []
    for b in range(n_blocks):
        a, z = int(first_turn[b]), int(first_turn[b + 1])
        sections = [x.section(t) for t in range(a, z) for x in (branches, groups)]
        full = [[place[r[0]], len(r)] for r in runs if block[r[0]] == b]
        last = of_runs.section(b), [len(full)], *full, meshes.section(b)
        rounds.append(np.concatenate([[z - a], *sections, *last]))
    table = np.stack(
        [
            *(x for bounds in (of_wires, of_slots, of_terminals, of_mesh) for x in (bounds[:-1], np.diff(bounds))),
            np.cumsum([0, *map(len, rounds)])[:-1],
            products,
        ],
        axis=1,
    )
    n_slots, counts = len(row), (n_nodes, len(edges), len(terminals), len(wires), len(row), len(mesh), n_blocks)
    ends = place[mesh] - np.diff(of_wires)[block[mesh]]
    parts = [table, wires, terminals[by_block], by_block, starts, place[far], ends, *rounds]
    numbers = _laid_out(counts, parts)
    return FlatSchedule(numbers, wires, near[:n_slots], far, mesh, int(products.sum()))


def with_full_stars(order: Schedule) -> Schedule:
    """The same order with nothing left over: the star of each last wire is all after it and the terminals."""
    rounds, neighbours, mesh = [*order.rounds], [*order.neighbours], [order.mesh]
    for t in order.tails:
        for k, wire in enumerate(t.wires):
            rounds.append([wire])
            neighbours[wire] = [*t.wires[k + 1 :], *t.terminals]
        mesh.append(np.array([*itertools.combinations(sorted(t.terminals), 2)], np.int64).reshape(-1, 2))
    pairs = np.unique(np.concatenate(mesh), axis=0)
    return order._replace(rounds=rounds, neighbours=neighbours, mesh=pairs, tails=[])


def _counting(count: Int[np.ndarray, " lists"]) -> Int[np.ndarray, " entries"]:
    """0, 1, ... within each of several lists."""
    return np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)


def _blocks_of(
    n_nodes: int, edges: Int[np.ndarray, "edges 2"]
) -> tuple[Int[np.ndarray, " nodes"], int]:
    """The block of each node: a network that nothing joins to others, or several small ones."""
    adjacency: list[set[int]] = [set() for _ in range(n_nodes)]
    for a, b in edges.tolist():
        adjacency[a].add(b)
        adjacency[b].add(a)
    label = np.array(components(adjacency, set()), np.int64)
    blocks, size = [0], 0
    for n in np.bincount(label).tolist():
        size += n
        full = size >= _LEAST
        blocks.append(blocks[-1] + full)
        size = 0 if full else size
    block = np.array(blocks, np.int64)[label]
    return block, int(block.max(initial=0)) + 1


def _in_order(
    stars: Stars, block: Int[np.ndarray, " nodes"], runs: Int[np.ndarray, " wires"]
) -> tuple[Int[np.ndarray, " wires"], Int[np.ndarray, " wires"], Int[np.ndarray, " turns"]]:
    """Wires by blocks and then by rounds; the turn of each, a round of a block, and the block of each turn.

    The wires of runs, the last of their blocks, have no turns.
    """
    wires = np.concatenate([np.zeros(0, np.int64), *(r.wires for r in stars.rounds)])
    number = np.repeat(np.arange(len(stars.rounds)), [len(r.wires) for r in stars.rounds])
    order = np.lexsort((number, block[wires]))
    wires, number = wires[order], number[order]
    new = (np.diff(number, prepend=-1) != 0) | (np.diff(block[wires], prepend=-1) != 0)
    new &= ~np.isin(wires, runs)
    return wires, np.cumsum(new) - 1, block[wires[new]]


class _Gains(NamedTuple):
    """What branches begin with, and the products that they gain, but for those within runs."""

    junction: Int[np.ndarray, " branches"]
    known: Bool[np.ndarray, " branches"]
    first: Int[np.ndarray, " branches"]
    count: Int[np.ndarray, " branches"]


class _Sums:
    """Finds the junction and the products of a branch by its two ends."""

    def __init__(
        self,
        stars: Stars,
        edges: Int[np.ndarray, "edges 2"],
        runs: Int[np.ndarray, " wires"],
        slot: Int[np.ndarray, " rows"],
    ):
        key = stars.keys(*edges.T.astype(np.int64))
        self.edge = np.argsort(key, kind="stable")
        self.key = key[self.edge]
        self.stars = stars
        self.left, self.right = slot[stars.left], slot[stars.right]
        # Products lie in the order of elimination, so that those of runs are the last of each branch.
        within = np.isin(stars.near[stars.left[:-1]], runs)
        self.within = np.concatenate([[0], np.cumsum(within)])

    def all(self, key: Int[np.ndarray, " branches"]) -> _Gains:
        at = np.searchsorted(self.key, key, "left")
        known = np.append(self.key, -1)[at] == key
        return _Gains(np.append(self.edge, 0)[at], known, *self.stars.products(key))

    def before_runs(self, key: Int[np.ndarray, " branches"]) -> _Gains:
        gains = self.all(key)
        within = self.within[gains.first + gains.count] - self.within[gains.first]
        return gains._replace(count=gains.count - within)

    def branches(
        self,
        gains: _Gains,
        section: Int[np.ndarray, " branches"],
        target: Int[np.ndarray, " branches"],
        n_sections: int,
    ) -> _Grouped:
        """Where each branch goes, its junction, and the slots whose products it gains."""
        order = np.lexsort((target, gains.known, gains.count, section))
        junction, own, first, count = (x[order] for x in gains)
        at, heads, numbers, bounds = _places(section[order], (count, own), 1 + own + 2 * count, 3, n_sections)
        begins, sizes = heads
        kind = count[begins[0]], sizes, own[begins[0]]
        numbers[begins[1][:, None] + np.arange(3)] = np.stack(kind, axis=1)
        numbers[at] = target[order]
        numbers[at[own] + 1] = junction[own]
        product = np.repeat(first, count) + _counting(count)
        pair = np.repeat(at + 1 + own, count) + 2 * _counting(count)
        numbers[pair], numbers[pair + 1] = self.left[product], self.right[product]
        return _Grouped(numbers, bounds)


def _stars(
    section: Int[np.ndarray, " wires"],
    degree: Int[np.ndarray, " wires"],
    wire: Int[np.ndarray, " wires"],
    n_sections: int,
) -> _Grouped:
    """The wires of each round, by their number of branches."""
    order = np.lexsort((wire, degree, section))
    at, heads, numbers, bounds = _places(section[order], (degree[order],), np.ones_like(wire), 2, n_sections)
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
    """The head and the parts, padded to a class of sizes. A block's rounds begin at a place of the whole."""
    sizes = [part.size for part in parts]
    offsets = (_HEAD + np.concatenate([[0], np.cumsum(sizes)])).tolist()
    size = offsets[-1]
    if size >= 2**31:
        raise ValueError(
            f"the schedule of an elimination must have fewer than 2^31 numbers; got {size:,}. "
            "Split the ensemble, or use star_mesh_plan."
        )
    table = parts[0]
    table[:, 8] += offsets[7]
    numbers = np.zeros(size_class(size), np.int32)
    numbers[:_HEAD] = [VERSION, *counts, *offsets[:7], size]
    numbers[_HEAD:size] = np.concatenate([part.ravel() for part in parts])
    return numbers
