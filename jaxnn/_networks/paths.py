"""Distances in a network, counted in memristive junctions; passive junctions cost nothing."""

import numpy as np
from jaxtyping import Bool, Float, Int

from .connectivity import labels_of
from .topology import Topology, pair_keys


def shortest_path(topology: Topology, a: int, b: int) -> Int[np.ndarray, " path"]:
    """The junctions along a path from `a` to `b` with the fewest memristive ones.

    Among such paths, one with the fewest passive junctions.

    **Raises:** `ValueError` if no path exists.
    """
    # A path has fewer than n junctions, so that any number of passive ones at 1 each stays below
    # one memristive junction at n. (Zero weights would mean "no edge" to parts of csgraph.)
    return lightest_path(topology, np.where(topology.passive, 1.0, float(topology.n_nodes)), a, b)


def lightest_path(
    topology: Topology, weights: Float[np.ndarray, " junctions"], a: int, b: int
) -> Int[np.ndarray, " path"]:
    """The junctions along the path from `a` to `b` whose positive weights have the least sum.

    Of parallel junctions the lightest, of equal ones the first.

    **Raises:** `ValueError` if no path exists.
    """
    from scipy.sparse import coo_array, csgraph

    n = topology.n_nodes
    keys = pair_keys(n, topology.edges)
    # One junction of each pair: SciPy would add up the weights of the others.
    keys, first = np.unique(keys[order := np.lexsort((weights, keys))], return_index=True)
    lightest = order[first]
    graph = coo_array((weights[lightest], topology.edges[lightest].T), (n, n)).tocsr()
    _, before = csgraph.dijkstra(graph, directed=False, indices=a, return_predecessors=True)
    nodes = [b]
    while nodes[-1] != a:
        previous = int(before[nodes[-1]])
        if previous < 0:
            raise ValueError(
                f"There is no path from node {a} to node {b}: they lie in different components, as "
                "`network.components()` shows. Choose two nodes of one component."
            )
        nodes.append(previous)
    if a == b:
        return np.zeros(0, np.int64)
    steps = np.array(nodes[::-1], dtype=np.int64)
    return lightest[np.searchsorted(keys, pair_keys(n, np.stack([steps[:-1], steps[1:]], axis=1)))]


class PathLengths:
    """Path lengths from a few nodes at a time, so that memory stays far below n^2."""

    def __init__(self, topology: Topology):
        from scipy.sparse import coo_array

        # Nodes joined by passive junctions are at no distance from each other: one group.
        self._groups = labels_of(topology.n_nodes, topology.edges[topology.passive])
        pairs = self._groups[topology.edges[~topology.passive]]
        self._n = n = int(self._groups.max()) + 1
        self._graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (n, n)).tocsr()

    def at(self, length: int, sources: Int[np.ndarray, " sources"]) -> Bool[np.ndarray, "nodes sources"]:
        """Which nodes are at exactly `length` from each source."""
        # The limit saves the search beyond `length`.
        return (self._search(self._groups[sources], limit=length) == length)[:, self._groups].T

    def longest(self) -> tuple[int, int]:
        """The largest length between any two nodes of a connected network, and the lowest node
        that has another so far away.

        A search from s bounds the eccentricity (the largest length from a node) of every v from
        above by d(v, s) + ecc(s) and from below by max(d(v, s), ecc(s) - d(v, s)). Searching by
        turns from the lowest lower and the highest upper bound settles all but a few nodes: Takes
        and Kosters, Algorithms 6, 100 (2013), doi 10.3390/a6010100.
        """
        lower, upper = np.zeros(self._n), np.full(self._n, np.inf)
        central = True
        # Where both bounds meet the eccentricity is known, also without a search from there.
        while (undecided := (upper >= lower.max()) & (lower < upper)).any():
            candidates = np.flatnonzero(undecided)
            best = np.argmin(lower[candidates]) if central else np.argmax(upper[candidates])
            lengths = self._search(candidates[best])
            eccentricity = lengths.max()
            lower = np.maximum(lower, np.maximum(lengths, eccentricity - lengths))
            upper = np.minimum(upper, lengths + eccentricity)
            lower[candidates[best]] = upper[candidates[best]] = eccentricity
            central = not central
        return int(lower.max()), int(np.argmax((lower == lower.max())[self._groups]))

    def _search(
        self, sources: np.ndarray | np.integer, limit: float | int = np.inf
    ) -> Float[np.ndarray, "..."]:
        from scipy.sparse import csgraph

        return csgraph.dijkstra(self._graph, directed=False, indices=sources, unweighted=True, limit=limit)
