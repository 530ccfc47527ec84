"""The elimination as lists that a whole block of a GPU's threads walks together, a round at a time.

The same order and the same sums as `flat_schedule`, laid out so that every thread finds its own record: the
branches that a round sums are a range of one list, from the shortest sum to the longest. What reaches a
wire from those before it is listed too, so that no two threads add to one number, and results do not depend
on which comes first.
"""

import dataclasses as dc
from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from .flat_schedule import NARROW, FlatSchedule, size_class


# As in kernels/native/schedule.h: where its head names the number of blocks and where they are.
_N_BLOCKS, _BLOCKS_AT = 7, 8
_BLOCK = 14


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class DeviceSchedule:
    """Lists of whole numbers, padded so that networks alike share a program."""

    # (blocks 10): ranges of rounds, of branches of the mesh, of terminals; first and last slot; the most
    # branches of the mesh at a terminal, and the most that reach one.
    blocks: Any
    rounds: Any  # (rounds 6): ranges of branches and of wires; the most that leave and that reach a wire
    branches: Any  # (2 branches): slot, or number in the mesh; the junction that it begins with, or -1
    first: Any  # (branches + 1): its first pair of slots
    pairs: Any  # two slots in one number, (pairs); or (2 pairs) where 16 bits do not hold one
    wires: Any  # (3 wires): node; range of its slots
    far: Any  # (slots): node at the other end
    reach: Any  # (nodes + 1): what reaches a node: the first of
    reached: Any  # (2 slots): slot, and the node that it leaves
    terminals: Any  # (4 terminals), those of a block side by side: node; row; range of
    mesh: Any  # (2 ends): number in the mesh, and row of the terminal at the other end


def device_schedule(
    flat: FlatSchedule, n_nodes: int, terminals: Int[np.ndarray, " terminals"]
) -> DeviceSchedule:
    """Lays out an order of elimination for a GPU.

    Slots, nodes and rows count through the whole network, the slots of pairs from the first of their block.
    """
    at, count = flat.numbers[_BLOCKS_AT], flat.numbers[_N_BLOCKS]
    table = flat.numbers[at : at + _BLOCK * count].reshape(-1, _BLOCK).astype(np.int64)
    walk = _Walk(flat.numbers, table)
    # What leaves a wire, and what reaches a node.
    degree = np.bincount(flat.near, minlength=n_nodes)
    start = np.full(n_nodes, flat.n_slots)
    np.minimum.at(start, flat.near, flat.slot)
    order = np.argsort(flat.far, kind="stable")
    reach = np.searchsorted(flat.far[order], np.arange(n_nodes + 1))
    far = np.zeros(flat.n_slots, np.int64)
    far[flat.slot] = flat.far
    wires = flat.wire, start[flat.wire], (start + degree)[flat.wire]
    rounds = np.array(walk.rounds, np.int64).reshape(-1, 4)
    longest = [_most(x[flat.wire], *rounds[:, 2:].T) for x in (degree, np.diff(reach))]
    # Terminals by blocks, as in the flat schedule, and their branches.
    row = np.zeros(n_nodes, np.int64)
    row[terminals] = np.arange(len(terminals))
    ends, n = flat.numbers[flat.numbers[_BLOCKS_AT + 2] :], len(terminals)
    rows, node = ends[n : 2 * n].astype(np.int64), ends[:n].astype(np.int64)
    near, other = flat.mesh.T.ravel(), flat.mesh[:, ::-1].T.ravel()
    by_end = np.argsort(row[near], kind="stable")
    bounds = np.searchsorted(row[near][by_end], np.arange(n + 1))
    ends = node, rows, bounds[rows], bounds[rows + 1]
    mesh = np.stack([by_end % max(1, len(flat.mesh)), row[other][by_end]])
    last = table[:, 4], table[:, 4] + table[:, 5]
    longest_ends = _most(ends[3] - ends[2], *last), _most(np.diff(reach)[node], *last)
    blocks = [*walk.blocks.T, *last, table[:, 2], table[:, 2] + table[:, 3] - 1, *longest_ends]
    return DeviceSchedule(
        _padded(np.stack(blocks), size_class(len(table))).T,
        _padded(np.stack([*rounds.T, *longest])).T,
        _padded(np.stack([walk.target, walk.own])),
        _padded(np.concatenate([[0], np.cumsum(walk.count)])),
        _padded(walk.pairs),
        np.stack(wires).astype(np.int32),
        _padded(far),
        reach.astype(np.int32),
        _padded(np.stack([flat.slot[order], flat.near[order]])),
        np.stack(ends).astype(np.int32),
        _padded(mesh),
    )


def _padded(x: np.ndarray, to: int | None = None) -> np.ndarray:
    """The last axis padded with zeros, to a power of two where nothing else is said.

    So networks of one size share a program: nothing but memory for the numbers is lost.
    """
    more = (to or max(16, 1 << (x.shape[-1] - 1).bit_length())) - x.shape[-1]
    return np.pad(x, [*[(0, 0)] * (x.ndim - 1), (0, more)]).astype(np.uint32).view(np.int32)


def _most(x: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The largest number within each of several ranges, 0 in an empty one."""
    return np.array([x[a:b].max(initial=0) for a, b in zip(first, end, strict=True)], np.int64)


class _Walk:
    """The records of a flat schedule, read a group at a time, and which of them each round has."""

    def __init__(self, numbers: Int[np.ndarray, " numbers"], table: Int[np.ndarray, "blocks 14"]):
        self._numbers = numbers
        self._wide = bool((table[:, 3] > NARROW).any())
        self._records: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
        self._n_records = 0
        self.rounds: list[tuple[int, int, int, int]] = []
        self.blocks = np.array([self._block(row) for row in table.tolist()], np.int64).reshape(-1, 4)
        nothing = (
            np.zeros(0, np.int64),
            np.zeros(0, np.int64),
            np.zeros(0, np.int64),
            np.zeros((2, 0), np.int64),
        )
        parts = zip(nothing, *self._records, strict=True)
        self.target, self.own, self.count, pairs = (np.concatenate(x, axis=-1) for x in parts)
        self.pairs = pairs if self._wide else pairs[0] | (pairs[1] << 16)

    def _block(self, row: list[int]) -> tuple[int, int, int, int]:
        """Reads one block: its range of rounds, and of branches of the mesh."""
        wire, slot, mesh, is_wide, at = row[0], row[2], row[6], row[3] > NARROW, row[9]
        first_round = len(self.rounds)
        n_rounds, at = int(self._numbers[at]), at + 1
        for _ in range(n_rounds):
            first, first_wire = self._n_records, wire
            at = self._branches(at, slot, is_wide)
            n_groups, at = int(self._numbers[at]), at + 1
            for _ in range(n_groups):
                count = int(self._numbers[at + 1])
                wire, at = wire + count, at + 2 + count
            self.rounds.append((first, self._n_records, first_wire, wire))
        first = self._n_records
        self._branches(at, mesh, is_wide)
        return first_round, len(self.rounds), first, self._n_records

    def _branches(self, at: int, first: int, is_wide: bool) -> int:
        """Reads the groups of branches of one round; returns where they end."""
        n_groups, at = int(self._numbers[at]), at + 1
        for _ in range(n_groups):
            n_pairs, count, has_own = self._numbers[at : at + 3].tolist()
            length = 1 + has_own + n_pairs * (1 + is_wide)
            records = (
                self._numbers[at + 3 : at + 3 + count * length].reshape(count, length).astype(np.int64)
            )
            own = records[:, 1] if has_own else np.full(count, -1)
            words = records[:, 1 + has_own :].ravel()
            pairs = (
                words.reshape(-1, 2).T if is_wide else np.stack([words & 0xFFFF, (words >> 16) & 0xFFFF])
            )
            self._records.append((records[:, 0] + first, own, np.full(count, n_pairs), pairs))
            self._n_records += count
            at += 3 + count * length
        return at
