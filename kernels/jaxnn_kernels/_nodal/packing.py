"""How the rounds of a sparse elimination are packed: few loops of one shape, little padding.

XLA compiles one fused loop for each index array of its own shape, and runs through all that the array
holds. A plan of many shapes compiles for long and waits at the start of each loop; one of few shapes is
padded, and multiplies zeros. Costs are in products of the elimination, and two choices are made, each by
the shortest path over its cuts, sum over parts of (padded products + the price of one more loop):

- `segments_of`: which neighbouring rounds share their code, in a rectangle that holds each of them. The
  price of one more is that of its code, which grows with the whole plan: so code grows much slower than
  the network.
- `chunks_of`: where the falling numbers of products of a round's branches are cut, each part padded to
  its first. The price is the overhead of a loop, twice where a sum is too long to be written out.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from .._xla import TERMS
from .costs import BATCHED, Costs
from .schedule import Schedule


class Round(NamedTuple):
    wires: Int[np.ndarray, " wires"]  # by falling degree
    rows: Int[np.ndarray, " rows"]  # branches of these wires, by falling number of products
    counts: Int[np.ndarray, " rows"]
    degree: int
    arrivals: int


class Shape(NamedTuple):
    """What holds every round of a segment."""

    rows: int
    wires: int
    degrees: list[tuple[int, int]]  # classes of wires by degree
    arrivals: int
    chunks: list[tuple[int, int]]


def padded_width(n: int) -> int:
    return n if n <= TERMS else -(-n // TERMS) * TERMS


class Lists(NamedTuple):
    """Lists of different lengths, laid end to end."""

    first: Any
    count: Any

    def columns(
        self, of: Int[np.ndarray, " lists"], rows: int, width: int
    ) -> tuple[Int[np.ndarray, "width rows"], Bool[np.ndarray, "width rows"]]:
        """Where the entries of the lists `of` lie, (width, rows), and whether they do."""
        first, count = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        of = of[:rows]
        first[: len(of)], count[: len(of)] = self.first[of], self.count[of]
        entry = np.arange(width)[:, None]
        valid = entry < count
        return np.where(valid, first + entry, 0), valid


class Junctions:
    """Finds the junction between two wires, by their key."""

    def __init__(self, edges: Int[np.ndarray, "edges 2"], stars: "Stars"):
        # A pair of wires as one number. Sorted, so that branches find their junctions at once.
        key = stars.keys(*edges.T.astype(np.int64))
        self._edge = np.argsort(key, kind="stable")
        self._key = key[self._edge]

    def find(
        self, key: Int[np.ndarray, " keys"]
    ) -> tuple[Int[np.ndarray, " keys"], Bool[np.ndarray, " keys"]]:
        """The junctions, and whether there are any: elimination makes branches of its own."""
        at = np.searchsorted(self._key, key, "left")
        return np.append(self._edge, 0)[at], np.append(self._key, -1)[at] == key


class Stars:
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
        # Branches of a wire are neighbours here, so that a star is a first entry and a number of them.
        first = np.zeros(n_nodes, np.int64)
        first[wires] = np.cumsum(degree[wires]) - degree[wires]
        self.of_wire = Lists(first, degree)
        self.near = np.repeat(wires, degree[wires])
        far = itertools.chain.from_iterable(order.neighbours[i] for i in wires.tolist())
        self.far = np.array([*far, 0], np.int64)  # an entry more, for padding to point at
        self.key = self.keys(self.near, self.far[:-1])
        # The same branches sorted by the end where their current arrives, for the way forward.
        self.arrival = np.append(np.argsort(self.far[:-1], kind="stable"), 0)
        came = np.bincount(self.far[:-1], minlength=n_nodes)
        self.of_node = Lists(np.cumsum(came) - came, came)
        self.left, self.right, self.pair_key = self._pairs(wires)
        self.rounds = [self._round(r) for r in rounds]

    def keys(
        self, a: Int[np.ndarray, " branches"], b: Int[np.ndarray, " branches"]
    ) -> Int[np.ndarray, " branches"]:
        return np.minimum(a, b) * self.n_nodes + np.maximum(a, b)

    def _pairs(
        self, wires: Int[np.ndarray, " wires"]
    ) -> tuple[np.ndarray, np.ndarray, Int[np.ndarray, " products"]]:
        """All products of two branches of a star, sorted by the branch that they add to."""
        first, degree = self.of_wire.first[wires], self.of_wire.count[wires]
        # All stars of one degree at once: there are tens of degrees and thousands of stars.
        left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for d in np.unique(degree).tolist():
            a, b = np.triu_indices(d, 1)
            base = first[degree == d][:, None]
            left.append((base + a).ravel())
            right.append((base + b).ravel())
        x, y = np.concatenate(left), np.concatenate(right)
        key = self.keys(self.far[x], self.far[y])
        # Within a branch by the first factor: the order of a sum, and with it its rounding, is then that of
        # the elimination, whatever sort NumPy uses.
        order = np.lexsort((x, key))
        return np.append(x[order], 0), np.append(y[order], 0), key[order]

    def products(self, key: Int[np.ndarray, " keys"]) -> Lists:
        first = np.searchsorted(self.pair_key, key, "left")
        return Lists(first, np.searchsorted(self.pair_key, key, "right") - first)

    def _round(self, wires: Int[np.ndarray, " wires"]) -> Round:
        low = self.of_wire.first[wires[0]]
        rows = low + np.arange(self.of_wire.count[wires].sum())
        counts = self.products(self.key[rows]).count
        order = np.argsort(-counts, kind="stable")
        degree, came = self.of_wire.count[wires].max(), self.of_node.count[wires].max()
        return Round(wires, rows[order], counts[order], int(degree), int(came))


def chunks_of(counts: Int[np.ndarray, " rows"], loop: int) -> list[tuple[int, int]]:
    """Cut a falling profile of product counts into chunks (products, rows), few and little
    padded."""
    # A cut between equal counts never pays: one at each level is all there is to choose from.
    levels = [-1, *sorted(set(counts.tolist()))]
    height = [int(np.searchsorted(-counts, -k, side="left")) for k in levels]  # rows above level k
    best = [0.0] + [np.inf] * (len(levels) - 1)
    back = [0] * len(levels)
    for b in range(1, len(levels)):
        width = padded_width(levels[b])
        for a in range(b):
            cost = best[a] + (height[a] - height[b]) * width + loop * (1 + (width > TERMS))
            if cost < best[b]:
                best[b], back[b] = cost, a
    cuts = [len(levels) - 1]
    while cuts[-1]:
        cuts.append(back[cuts[-1]])
    return [(padded_width(levels[b]), height[a] - height[b]) for b, a in itertools.pairwise(cuts)]


def profile_of(rounds: list[Round]) -> Int[np.ndarray, " rows"]:
    """Product counts that cover every one of the rounds, with one row of padding."""
    # The row more is what padded stars read.
    out = np.zeros(1 + max(len(r.counts) for r in rounds), np.int64)
    for r in rounds:
        out[: len(r.counts)] = np.maximum(out[: len(r.counts)], r.counts)
    return out


def degrees_of(rounds: list[Round], stars: Stars, loop: int) -> list[tuple[int, int]]:
    """Classes (degree, wires) of the wires of every one of the rounds, few and little padded."""
    profile = np.ones(max(len(r.wires) for r in rounds), np.int64)
    for r in rounds:
        degrees = stars.of_wire.count[r.wires]
        profile[: len(degrees)] = np.maximum(profile[: len(degrees)], degrees)
    out, start = [], 0
    for k in range(1, len(profile)):
        # A class ends where padding its rest to the degree of its first wire costs another loop.
        if (profile[start] - profile[k]) * (len(profile) - k) > 2 * loop and k - start >= loop // 8:
            out.append((padded_width(int(profile[start])), k - start))
            start = k
    return [*out, (padded_width(int(profile[start])), len(profile) - start)]


def _work(profile: Int[np.ndarray, " rows"], degree: int, wires: int) -> int:
    chunks = sum(width * rows for width, rows in chunks_of(profile, BATCHED.loop))
    return chunks + 2 * len(profile) + 2 * degree * wires


def segments_of(rounds: list[Round], costs: Costs) -> list[list[Round]]:
    """Group neighbouring rounds of similar shape, so that code grows much slower than the
    network."""
    single = [_work(profile_of([r]), r.degree, len(r.wires)) for r in rounds]
    overhead = costs.code[0] + costs.code[1] * sum(single)
    best = [0.0] + [np.inf] * len(rounds)
    back = [0] * (len(rounds) + 1)
    for b in range(1, len(rounds) + 1):
        profile, degree, wires = np.zeros(1, np.int64), 0, 0
        # Groups of forty at most, and none after one that is three times too dear: rectangles only grow,
        # and the search over all of them would take longer than compiling.
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


def shape_of(group: list[Round], stars: Stars, costs: Costs) -> Shape:
    """The shape that holds every round of a segment."""
    profile = profile_of(group)
    wires = max(len(r.wires) for r in group)
    # A wire without any junction has an empty star, which has padding to sum.
    one_class = [(padded_width(max(1, *(r.degree for r in group))), wires)]
    return Shape(
        len(profile),
        wires,
        # One network is batched: wires of another degree need another loop, and pad little.
        one_class if costs.loop == BATCHED.loop else degrees_of(group, stars, costs.loop),
        padded_width(max(r.arrivals for r in group)),
        chunks_of(profile, costs.loop),
    )
