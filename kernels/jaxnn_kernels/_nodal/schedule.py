"""The order of elimination: rounds of wires that share no junction, by approximate minimum
degree."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Tail(NamedTuple):
    """Wires of a component that the rounds leave over, its terminals, and the branches between them."""

    wires: list[int]
    terminals: list[int]
    branches: Int[np.ndarray, "branches 2"]


class Schedule(NamedTuple):
    """`rounds` lists the wires eliminated together; `neighbours[i]` the wires of i's star at that
    time.

    `mesh` (branches, 2) holds the pairs of terminals that a conductance joins in the end;
    `sizes` are the numbers of wires in the parts that the terminals keep apart.
    """

    rounds: list[list[int]]
    neighbours: list[list[int]]
    mesh: Int[np.ndarray, "branches 2"]
    sizes: list[int]
    tails: list[Tail]


def adjacency_of(n_nodes: int, edges: Int[np.ndarray, "edges 2"]) -> list[set[int]]:
    """The neighbours of every node."""
    adjacency: list[set[int]] = [set() for _ in range(n_nodes)]
    for a, b in edges.tolist():
        adjacency[a].add(b)
        adjacency[b].add(a)
    return adjacency


def components(adjacency: list[set[int]], walls: set[int]) -> list[int]:
    """Label of the component of every node after the walls are taken out; -1 for the walls."""
    label = [-1] * len(adjacency)
    count = 0
    for root in range(len(adjacency)):
        if label[root] >= 0 or root in walls:
            continue
        label[root] = count
        stack = [root]
        while stack:
            for j in adjacency[stack.pop()]:
                if label[j] < 0 and j not in walls:
                    label[j] = count
                    stack.append(j)
        count += 1
    return label


def _limits(alive: list[int], adjacency: list[set[int]], label: list[int]) -> dict[int, int]:
    """Largest degree that each component may eliminate now.

    Six, twice its least degree, or its lower quartile: a stricter limit leaves rounds of a few wires,
    which cost as many operations as large ones; a looser one fills the network in. (A fifth above the
    least degree saves a tenth at 1,000 wires, and costs half as much again at 100.)
    """
    degrees: dict[int, list[int]] = {}
    for i in alive:
        degrees.setdefault(label[i], []).append(len(adjacency[i]))
    limits = {}
    for component, values in degrees.items():
        values.sort()
        limits[component] = max(6, 2 * values[0], values[(len(values) - 1) // 4])
    return limits


def _pick(alive: list[int], adjacency: list[set[int]], label: list[int]) -> list[int]:
    """Wires that share no junction, of low degree first."""
    limits = _limits(alive, adjacency, label)
    ready = [i for i in alive if len(adjacency[i]) <= limits[label[i]]]
    ready.sort(key=lambda i: (len(adjacency[i]), i))
    blocked: set[int] = set()
    chosen = []
    for i in ready:
        if i not in blocked:
            chosen.append(i)
            blocked |= adjacency[i]
    return chosen


def _leave(
    alive: list[int], label: list[int], seen: dict[int, list[int]], nodes: int
) -> tuple[list[int], list[list[int]]]:
    """Wires that go on, and those of each component that has come down to few enough."""
    left: dict[int, list[int]] = {}
    for i in alive:
        if label[i] in seen:
            left.setdefault(label[i], []).append(i)
    tails = [wires for c, wires in left.items() if len(wires) + len(seen[c]) <= nodes]
    gone = {i for wires in tails for i in wires}
    return [i for i in alive if i not in gone], tails


def _with_tails(
    adjacency: list[set[int]], walls: set[int], label: list[int], nodes: int
) -> dict[int, list[int]]:
    """The terminals of each component that may end in a full matrix: of few terminals and not tiny."""
    seen: dict[int, set[int]] = {}
    size: dict[int, int] = {}
    for i, c in enumerate(label):
        if c >= 0:
            seen.setdefault(c, set()).update(adjacency[i] & walls)
            size[c] = size.get(c, 0) + 1
    return {c: sorted(t) for c, t in seen.items() if 4 * len(t) <= nodes and 2 * size[c] > nodes}


def schedule(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    tail: Callable[[list[int]], int] = lambda sizes: 0,
) -> Schedule:
    """Eliminate symbolically every wire that is no terminal; the same input gives the same
    order.

    Components that have come down to `tail(sizes)` nodes, terminals included, are left at that.
    """
    adjacency = adjacency_of(n_nodes, edges)
    walls = set(terminals.tolist())
    label = components(adjacency, walls)
    inside = np.asarray(label)
    sizes = np.bincount(inside[inside >= 0]).tolist()
    nodes = tail(sizes)
    seen = _with_tails(adjacency, walls, label, nodes)
    alive = [i for i in range(n_nodes) if i not in walls]
    neighbours: list[list[int]] = [[] for _ in range(n_nodes)]
    rounds, tails = [], []
    while alive:
        alive, left = _leave(alive, label, seen, nodes)
        tails += left
        if not alive:
            break
        chosen = _pick(alive, adjacency, label)
        for i in chosen:
            star = adjacency[i]
            neighbours[i] = sorted(star)
            for j in star:
                adjacency[j] |= star
                adjacency[j] -= {i, j}
        rounds.append(chosen)
        gone = set(chosen)
        alive = [i for i in alive if i not in gone]
    mesh = {(a, b) for a in walls for b in adjacency[a] if a < b and b in walls}
    made = []
    for wires in tails:
        made.append(_tail(wires, seen[label[wires[0]]], adjacency, mesh))
        mesh -= set(map(tuple, made[-1].branches.tolist()))
    pairs = np.array(sorted(mesh), np.int64).reshape(-1, 2)
    return Schedule(rounds, neighbours, pairs, sizes, made)


def _tail(wires: list[int], ends: list[int], adjacency: list[set[int]], mesh: set[tuple[int, int]]) -> Tail:
    """What is left of a component. A branch between terminals goes with the first tail that has both."""
    near = set(ends)
    pairs = [(i, j) for i in wires for j in sorted(adjacency[i]) if i < j or j in near]
    inside = [pair for pair in itertools.combinations(ends, 2) if pair in mesh]
    return Tail(wires, ends, np.array(pairs + inside, np.int64).reshape(-1, 2))
