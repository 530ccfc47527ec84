"""The order of elimination: rounds of wires that share no junction, by approximate minimum
degree."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Schedule(NamedTuple):
    """`rounds` lists the wires eliminated together; `neighbours[i]` the wires of i's star at that
    time.

    `mesh` (branches, 2) holds the pairs of terminals that a conductance joins in the end;
    `n_components` counts the parts that the terminals keep apart.
    """

    rounds: list[list[int]]
    neighbours: list[list[int]]
    mesh: Int[np.ndarray, "branches 2"]
    n_components: int


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


def schedule(
    n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " terminals"]
) -> Schedule:
    """Eliminate symbolically every wire that is no terminal; the same input gives the same
    order."""
    adjacency: list[set[int]] = [set() for _ in range(n_nodes)]
    for a, b in edges.tolist():
        adjacency[a].add(b)
        adjacency[b].add(a)
    walls = set(terminals.tolist())
    label = components(adjacency, walls)
    alive = [i for i in range(n_nodes) if i not in walls]
    neighbours: list[list[int]] = [[] for _ in range(n_nodes)]
    rounds = []
    while alive:
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
    mesh = sorted((a, b) for a in walls for b in adjacency[a] if a < b)
    return Schedule(rounds, neighbours, np.array(mesh, np.int64).reshape(-1, 2), 1 + max(label, default=-1))
