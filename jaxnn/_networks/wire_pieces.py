"""Wires cut at their junctions and contacts into pieces that have a resistance."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from .._core import Number, array_module, as_inexact, check_at_least, follow
from .geometry import crossing_fractions, sections_within
from .pads import require_ends
from .topology import ArrayInput, Topology


# [1] of a wire: cuts that are closer than this are one node. Ten picometres of a wire of 10 µm, less than
# an atom; without it, two crossings at one point would have an infinite conductance between them.
_ONE_POINT = 1e-6
_MISSES = 0.05  # of the shorter wire: what wires whose ends were measured may miss each other by
_PARALLEL = 1e-9  # sine of the angle, above what rounding makes of a short stretch of a wire


class WirePieces(NamedTuple):
    """What becomes of a network whose wires are cut: its nodes are the cuts, then the pads."""

    # the number of the wire that each node lies on, or of the pad that it is, in the uncut network
    wires: Int[np.ndarray, " nodes"]
    positions: Float64[np.ndarray, "nodes 2"] | None
    # [m] of each cut, the stretch of its wire that is nearest to it; NaN for a pad
    stretches: Float64[np.ndarray, "nodes 2 2"]
    pads: Float64[np.ndarray, "nodes 2 2"] | None
    # the junctions there were, in their order, then the pieces
    edges: Int[np.ndarray, "edges 2"]
    lengths: Float64[np.ndarray, " pieces"]
    # which of the wires, pads not counted, each piece is of
    owners: Int[np.ndarray, " pieces"]
    n_wires: int


class Cuts(NamedTuple):
    """Where wires are cut, one wire after the other and along each in their order."""

    wire: Int[np.ndarray, " cuts"]
    # [1] of the wire's length: the section that is at one potential, a point unless a pad covers it
    start: Float64[np.ndarray, " cuts"]
    stop: Float64[np.ndarray, " cuts"]


def cut_wires(topology: Topology) -> WirePieces:
    """Cuts each wire at the points where junctions and pads touch it.

    A wire that nothing touches is one node at its middle.

    **Raises:** `ValueError` without the ends of the wires, if they are cut already, or if the two wires of
    a junction do not touch.
    """
    ends = require_ends(topology, "The pieces of a wire lie between its junctions")
    is_wire = np.asarray(np.isfinite(ends).all(axis=(1, 2)))
    on_wire = is_wire[topology.edges]
    touched, sections = topology.edges[on_wire], _sections(topology, ends, is_wire)[on_wire]
    lone = np.setdiff1d(np.flatnonzero(is_wire), touched)
    cuts, cut_of = _merged(
        np.concatenate([touched, lone]), np.concatenate([sections, np.full((len(lone), 2), 0.5)])
    )
    others, n_cuts = np.flatnonzero(~is_wire), len(cuts.wire)
    number = np.zeros(topology.n_nodes, np.int64)
    number[others] = n_cuts + np.arange(len(others))
    edges = number[topology.edges]
    edges[on_wire] = cut_of[: len(touched)]
    first = np.flatnonzero(cuts.wire[1:] == cuts.wire[:-1])
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)[cuts.wire[first]]
    pads = topology.pads
    return WirePieces(
        wires=np.concatenate([cuts.wire, others]),
        positions=_positions(topology, ends, cuts, others),
        stretches=np.concatenate([_stretches(ends, cuts), np.full((len(others), 2, 2), np.nan)]),
        pads=None if pads is None else np.concatenate([np.full((n_cuts, 2, 2), np.nan), pads[others]]),
        edges=np.concatenate([edges, np.stack([first, first + 1], axis=1)]),
        lengths=lengths * (cuts.start[first + 1] - cuts.stop[first]),
        owners=(np.cumsum(is_wire) - 1)[cuts.wire[first]],
        n_wires=int(is_wire.sum()),
    )


def piece_conductances(
    pieces: WirePieces, resistivity: ArrayInput, diameter: ArrayInput
) -> Float[Number, " pieces"]:
    """The conductance pi d^2 / (4 rho length) [S] of each piece.

    **Raises:** `ValueError` unless both are positive, and one number or one for each wire.
    """
    rho = _of_wires("resistivity", resistivity, "ohm m", pieces.n_wires)
    d = _of_wires("diameter", diameter, "m", pieces.n_wires)
    lengths = pieces.lengths
    if array_module(rho, d) is not np:
        rho, d, lengths = follow((rho, d, lengths))
    rho, d = (x[pieces.owners] if x.ndim else x for x in (rho, d))
    return np.pi / 4 * d**2 / (rho * lengths)


def _of_wires(name: str, values: ArrayInput, unit: str, n_wires: int) -> Float[Number, "..."]:
    array = as_inexact(values)
    if array.shape not in ((), (n_wires,)):
        raise ValueError(
            f"`{name}` must be one number [{unit}] or have shape ({n_wires},), one for each wire, got "
            f"shape {array.shape}. For a batch use jax.vmap."
        )
    check_at_least(f"The {name} of the wires", array, 0, unit, strict=True)
    return array


def _sections(
    topology: Topology, ends: Float64[np.ndarray, "nodes 2 2"], is_wire: Bool[np.ndarray, " nodes"]
) -> Float64[np.ndarray, "edges 2 2"]:
    """From where to where, as fractions of its length, each junction touches either wire of its."""
    edges = topology.edges
    a, b = edges.T
    sections = np.full((len(edges), 2, 2), 0.5)
    touch = _touching(ends[a], ends[b])
    both = is_wire[edges].all(axis=1)
    bare = np.flatnonzero(~topology.passive & ~both)
    if bare.size:
        node = edges[bare[0]][~is_wire[edges[bare[0]]]][0]
        raise ValueError(
            f"Only pads, which passive junctions join, may be without ends, but junction {bare[0]} of node "
            f"{node} is memristive and its place on the wires unknown: give the `wire_ends` of node {node}."
        )
    # Pieces of one wire follow one another, and are passive.
    cut = both & topology.passive & touch.along
    apart = np.flatnonzero(both & (cut | ~touch.near))
    if apart.size:
        raise ValueError(
            f"The wires of a junction must touch for their pieces to be known, but those of junction "
            f"{apart[0]} = ({a[apart[0]]}, {b[apart[0]]}) do not ({apart.size} such junctions in all): "
            "correct their `wire_ends`. A network whose wires have resistance already cannot be cut again."
        )
    sections[both] = touch.fractions[both][:, :, None]
    if topology.pads is not None:
        known = np.asarray(np.isfinite(topology.pads).all(axis=(1, 2)))
        for side in (0, 1):
            wire, pad = edges[:, side], edges[:, 1 - side]
            under = np.flatnonzero(is_wire[wire] & known[pad])
            within = sections_within(ends[wire[under]], topology.pads[pad[under]])
            sections[under, side] = np.sort(np.stack(within, axis=1), axis=1)
    return sections


class _Touch(NamedTuple):
    """Where two wires touch, for each pair of them."""

    fractions: Float64[np.ndarray, "edges 2"]  # of the length of either
    along: Bool[np.ndarray, " edges"]  # whether they lie in one direction
    near: Bool[np.ndarray, " edges"]


def _touching(first: Float64[np.ndarray, "edges 2 2"], second: Float64[np.ndarray, "edges 2 2"]) -> _Touch:
    """The point where wires cross; the middle of what wires along one line share; else the nearest points.

    Over a stretch that two wires share the contact is all along it. One junction is one point, and the
    middle is as far from either end of the stretch.
    """
    along = _parallel(first, second)
    fractions = np.stack(crossing_fractions(first, second), axis=1)
    crossing = (np.abs(fractions - 0.5) <= 0.5 + _ONE_POINT).all(axis=1) & ~along
    share = _share_of(second, first)
    low, high = np.maximum(share.min(axis=1), 0), np.minimum(share.max(axis=1), 1)
    middle = np.clip((low + high) / 2, 0, 1)
    onto = lambda points, wire: _share_of(points[:, None], wire)[:, 0].clip(0, 1)
    candidates = [(middle, onto(_at(first, middle), second))]
    for end in (0, 1):
        of = np.full(len(first), float(end))
        candidates += [(of, onto(first[:, end], second)), (onto(second[:, end], first), of)]
    candidates = np.stack([np.stack(pair, axis=1) for pair in candidates], axis=1)
    gaps = np.stack(
        [np.linalg.norm(_at(first, x) - _at(second, y), axis=1) for x, y in np.moveaxis(candidates, 0, 2)],
        axis=1,
    )
    # Of wires along one line the middle, which comes first, and else the nearest.
    best = np.where(along, 0, gaps[:, 1:].argmin(axis=1) + 1)
    rows = np.arange(len(first))
    found = np.where(crossing[:, None], np.clip(fractions, 0, 1), candidates[rows, best])
    length = np.minimum(*(np.linalg.norm(wire[:, 1] - wire[:, 0], axis=1) for wire in (first, second)))
    return _Touch(found, along, crossing | (gaps[rows, best] <= _MISSES * length))


def _share_of(
    points: Float64[np.ndarray, "edges points 2"], wire: np.ndarray
) -> Float64[np.ndarray, "edges points"]:
    """How far along a wire points lie, as fractions of its length."""
    run = wire[:, 1] - wire[:, 0]
    return np.einsum("epk,ek->ep", points - wire[:, :1], run) / np.sum(run**2, axis=1)[:, None]


def _at(wire: Float64[np.ndarray, "edges 2 2"], fraction: np.ndarray) -> Float64[np.ndarray, "edges 2"]:
    return wire[:, 0] + fraction[:, None] * (wire[:, 1] - wire[:, 0])


def _parallel(first: np.ndarray, second: np.ndarray) -> Bool[np.ndarray, " edges"]:
    """Whether the directions of wires differ by rounding at most, as those of pieces of one wire do."""
    r, s = first[:, 1] - first[:, 0], second[:, 1] - second[:, 0]
    sine = np.abs(r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0])
    return sine <= _PARALLEL * np.linalg.norm(r, axis=1) * np.linalg.norm(s, axis=1)


def _merged(
    wire: Int[np.ndarray, " touched"], sections: Float64[np.ndarray, "touched 2"]
) -> tuple[Cuts, Int[np.ndarray, " touched"]]:
    """The cuts, and which of them each section belongs to: those that share a point are one."""
    order = np.lexsort((sections[:, 0], wire))
    # Wires are laid out one behind the other, two lengths apart, so that one running maximum serves all.
    begin, stop = (2.0 * wire[order, None] + sections[order]).T
    reach = np.maximum.accumulate(stop)
    new = np.concatenate([[True], begin[1:] > reach[:-1] + _ONE_POINT])
    first = np.flatnonzero(new)
    cut_of = np.empty(len(order), np.int64)
    cut_of[order] = np.cumsum(new) - 1
    owner, sorted_sections = wire[order[first]], sections[order]
    farthest = np.maximum.reduceat(sorted_sections[:, 1], first)
    return Cuts(owner, sorted_sections[first, 0], farthest), cut_of


def _positions(
    topology: Topology,
    ends: Float64[np.ndarray, "wires 2 2"],
    cuts: Cuts,
    others: Int[np.ndarray, " pads"],
) -> Float64[np.ndarray, "nodes 2"] | None:
    if topology.positions is None and len(others):
        return None
    middle = _points(ends, cuts.wire, (cuts.start + cuts.stop) / 2)
    return middle if topology.positions is None else np.concatenate([middle, topology.positions[others]])


def _stretches(ends: Float64[np.ndarray, "wires 2 2"], cuts: Cuts) -> Float64[np.ndarray, "cuts 2 2"]:
    """Each wire parted halfway between its cuts, all of it up to its ends."""
    halfway = (cuts.stop[:-1] + cuts.start[1:]) / 2
    same = cuts.wire[1:] == cuts.wire[:-1]
    begin = np.concatenate([[0.0], np.where(same, halfway, 0)])
    stop = np.concatenate([np.where(same, halfway, 1), [1.0]])
    return np.stack([_points(ends, cuts.wire, begin), _points(ends, cuts.wire, stop)], axis=1)


def _points(ends: np.ndarray, wire: np.ndarray, fraction: np.ndarray) -> Float64[np.ndarray, "cuts 2"]:
    start, stop = ends[wire, 0], ends[wire, 1]
    return start + fraction[:, None] * (stop - start)
