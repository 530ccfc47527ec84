"""The fixed part of a network: which wires a junction joins, and where they lie."""

import dataclasses
import hashlib
import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Bool, Float64, Int32

from .._core import check_room, warn_user


_BYTES_OF_NODE = 64  # at the least, of a run

# What turns into an array. NumPy's own alias rejects tuples and floats when checked at run time.
ArrayInput = ArrayLike | Sequence[Any]


@dataclasses.dataclass(frozen=True, eq=False, init=False)
class Topology:
    """Wires, junctions and geometry as read-only NumPy arrays, compared and hashed by content.

    Two topologies built from the same numbers are equal, so that a compiled function which takes
    one as a static argument is reused and not compiled again.

    Junction `k` joins the wires `edges[k] = (a, b)`, in the order and orientation given; its
    voltage is the potential of `a` less that of `b`. Several junctions may join the same two wires.
    A `passive` junction is a fixed conductance instead of a memristive one.

    **Raises:** `ValueError` for edges of the wrong shape or type, out of range, or joining a wire to
    itself; for geometry of the wrong shape or not finite; more nodes than half of the free memory holds.
    """

    n_nodes: int
    edges: Int32[np.ndarray, "edges 2"]
    # [m] centres of the wires
    positions: Float64[np.ndarray, "nodes 2"] | None
    # [m] both ends of each wire; NaN for a node that is not a wire, such as a pad
    wire_ends: Float64[np.ndarray, "nodes 2 2"] | None
    # [m] lower left and upper right corner of each pad that is a rectangle; NaN for other nodes
    pads: Float64[np.ndarray, "nodes 2 2"] | None
    # [m] width and height, the lower left corner being the origin
    box: Float64[np.ndarray, "2"] | None
    passive: Bool[np.ndarray, " edges"]
    digest: bytes

    def __init__(
        self,
        n_nodes: SupportsIndex,
        edges: ArrayInput,
        positions: ArrayInput | None = None,
        *,
        wire_ends: ArrayInput | None = None,
        pads: ArrayInput | None = None,
        box: ArrayInput | None = None,
        passive: ArrayInput | None = None,
    ):
        n_nodes = operator.index(n_nodes)
        if not 1 <= n_nodes < 2**31:
            raise ValueError(f"A network must have between 1 and 2^31 - 1 nodes, got {n_nodes}.")
        check_room(
            f"A network of {n_nodes:,} nodes", _BYTES_OF_NODE * n_nodes, "leave out those without edges"
        )
        edges = _checked_edges(n_nodes, edges)
        fields = {
            "n_nodes": n_nodes,
            "edges": edges,
            "positions": _checked_geometry("positions", positions, (n_nodes, 2)),
            "wire_ends": _checked_geometry("wire_ends", wire_ends, (n_nodes, 2, 2)),
            "pads": _checked_geometry("pads", pads, (n_nodes, 2, 2)),
            "box": _checked_box(box),
            "passive": _checked_passive(passive, len(edges)),
        }
        fields["digest"] = _digest(fields)
        for name, value in fields.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topology) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def _checked_edges(n_nodes: int, edges: ArrayInput) -> Int32[np.ndarray, "edges 2"]:
    array = np.asarray(edges)
    if array.size == 0:
        return np.zeros((0, 2), np.int32)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(
            "`edges` must have shape (n_junctions, 2), one pair of node numbers for each junction, "
            f"got shape {array.shape}. For a matrix use `Network.from_adjacency`."
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"`edges` must hold integer node numbers, got dtype {array.dtype}; if the numbers are "
            "whole, convert them with `.astype(int)`."
        )
    outside = np.flatnonzero(((array < 0) | (array >= n_nodes)).any(axis=1))
    if outside.size:
        raise ValueError(
            f"`edges` must hold node numbers 0..{n_nodes - 1}, got {_listed(array, outside)}. "
            "Number the nodes from 0, or raise `n_nodes`."
        )
    array = array.astype(np.int32)
    loops = np.flatnonzero(array[:, 0] == array[:, 1])
    if loops.size:
        raise ValueError(
            f"A junction must join two different nodes, got {_listed(array, loops)}. Remove the "
            "self-loops: no current flows through them."
        )
    _warn_of_both_ways(n_nodes, array)
    return array


def _warn_of_both_ways(n_nodes: int, edges: Int32[np.ndarray, "edges 2"]) -> None:
    """Warns of a list that has every pair once in either orientation, as adjacency lists do."""
    a, b = edges.T.astype(np.int64)
    keys, counts = np.unique(a * n_nodes + b, return_counts=True)
    if len(keys) > 4 and (counts == 1).all() and np.array_equal(keys, np.sort(b * n_nodes + a)):
        warn_user(
            f"`edges` lists each of {len(keys) // 2} pairs of wires once in either orientation, which "
            "makes two junctions in parallel of each. If they are one junction each, written down twice as "
            "in an adjacency list, give `edges[edges[:, 0] < edges[:, 1]]`.",
            UserWarning,
        )


def pair_keys(n_nodes: int, pairs: np.ndarray) -> np.ndarray:
    """One integer for each pair of nodes, the same for (a, b) and (b, a)."""
    return pairs.min(axis=1).astype(np.int64) * n_nodes + pairs.max(axis=1)


def _listed(edges: np.ndarray, offenders: np.ndarray, limit: int = 4) -> str:
    shown = [f"edge {k} = ({edges[k, 0]}, {edges[k, 1]})" for k in offenders[:limit]]
    more = len(offenders) - limit
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _checked_geometry(name: str, values: ArrayInput | None, shape: tuple[int, ...]) -> np.ndarray | None:
    if values is None:
        return None
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(
            f"`{name}` must have shape {shape}, one row for each node, in metres; got shape {array.shape}."
        )
    # A row of NaN in `wire_ends` is a node without ends, in `pads` one that is none; a half-known
    # one is a mistake.
    finite = np.isfinite(array).reshape(len(array), -1)
    absent = np.isnan(array).reshape(len(array), -1).all(axis=1) & (name in ("wire_ends", "pads"))
    bad = np.flatnonzero(~finite.all(axis=1) & ~absent)
    if bad.size:
        raise ValueError(
            f"`{name}` must be finite, got {array[bad[0]].tolist()} for node {bad[0]} "
            f"({bad.size} such nodes in all). Give every coordinate, or leave `{name}` out."
        )
    return array


def _checked_box(box: ArrayInput | None) -> np.ndarray | None:
    if box is None:
        return None
    array = np.array(box, dtype=np.float64)
    if array.shape != (2,) or not np.all(np.isfinite(array) & (array > 0)):
        raise ValueError(f"`box` must be a positive width and height (Lx, Ly) in metres, got {box!r}.")
    return array


def _checked_passive(passive: ArrayInput | None, n_junctions: int) -> np.ndarray:
    if passive is None:
        return np.zeros(n_junctions, bool)
    array = np.array(passive)
    if array.size == 0:
        array = array.astype(bool)
    if array.shape != (n_junctions,) or array.dtype != bool:
        raise ValueError(
            f"`passive` must be a boolean mask of shape ({n_junctions},), True for each junction "
            f"of fixed conductance; got shape {array.shape} of {array.dtype}."
        )
    return array


def _digest(fields: dict) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for name, value in fields.items():
        # Networks without such pads have the digests, which sweeps keep, of before there were any.
        if name == "pads" and value is None:
            continue
        array = None if value is None else np.ascontiguousarray(value)
        # Shapes too: the same bytes may be cut into arrays in two ways.
        digest.update(f"{name}:{None if array is None else array.shape};".encode())
        if array is not None:
            digest.update(array.tobytes())
    return digest.digest()
