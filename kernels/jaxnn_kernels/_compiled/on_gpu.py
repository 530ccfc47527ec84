"""The nodal solve on a GPU: one kernel for an elimination, one for a substitution, on a `DeviceSchedule`.

With S_i = sum_j g_ij and h_ij = g_ij / sqrt(S_i), eliminating wire i adds h_ij h_ik to the branch of its
neighbours j and k, and later phi_i = (y_i + sum_j h_ij phi_j) / sqrt(S_i): see `_nodal/star_mesh.py`. A
program solves some networks of the batch, of one block of the schedule. It works with its own results in
memory, which the cache of a core holds; between what depends on each other lies a barrier.
"""

import functools as ft
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .gpu_walk import Ref, Tile, Walk, is_pallas_there as is_pallas_there, launch, tile_for


def eliminate_on_gpu(
    schedule: Any,
    conductance: Array,
    rows: tuple[int, ...],
    most: float,
    tile: Tile | None = None,
    interpret: bool = False,
) -> list[Array]:
    """h_ij, 1 / sqrt(S_i) and branches between terminals, as many rows of each, of (junctions, batch).

    - `schedule`: a `DeviceSchedule`.
    - `most`: what conducts as much or less between two terminals is nothing but leaks [S].
    - `interpret`: step by step on a CPU.
    """
    batch, n_blocks = conductance.shape[1], schedule.blocks.shape[0]
    tile = tile or tile_for(batch, n_blocks, rows[0])
    shapes = [jax.ShapeDtypeStruct((n, batch), conductance.dtype) for n in rows]

    def kernel(schedule: Any, conductance: Any, *out: Any) -> None:
        _Elimination(Walk(tile, batch, interpret), schedule, conductance, out).run(most)

    kernel.__name__ = "jaxnn_eliminate"
    grid = -(-batch // tile.lanes), n_blocks
    return launch(kernel, shapes, tile, grid, interpret)(schedule, conductance)


def substitute_on_gpu(
    schedule: Any,
    factors: Sequence[Array],
    potential: Array | None,
    current: Array | None,
    shape: tuple[int, int],
    hanging: float = 0.0,
    tile: Tile | None = None,
    interpret: bool = False,
) -> list[Array]:
    """Potentials (nodes, batch), the shape, and currents from the terminals (terminals, batch).

    - `factors`: what `eliminate_on_gpu` returned.
    - `potential`: that of the terminals, (terminals, batch), None for 1 V at all of them.
    - `current`: what flows into each node from outside, (nodes, batch), or None.
    - What has a batch of one is shared by all.
    - `hanging`: wires that conduct as little or less to others are at 0 V [S]: none by default.
    """
    batch, n_blocks = shape[1], schedule.blocks.shape[0]
    tile = tile or tile_for(batch, n_blocks, factors[0].shape[0])
    terminals = schedule.terminals.shape[1]
    shapes = [jax.ShapeDtypeStruct((n, batch), factors[0].dtype) for n in (shape[0], terminals)]

    def kernel(schedule: Any, factors: Any, potential: Any, current: Any, *out: Any) -> None:
        walk = Walk(tile, batch, interpret)
        _Substitution(walk, schedule, factors, potential, out, hanging).run(current)

    kernel.__name__ = "jaxnn_potentials" if current is None else "jaxnn_response"
    grid = -(-batch // tile.lanes), n_blocks
    return launch(kernel, shapes, tile, grid, interpret)(schedule, tuple(factors), potential, current)


class _Elimination:
    """The elimination of one block, in one program."""

    def __init__(self, walk: Walk, schedule: Any, conductance: Any, out: tuple[Any, Any, Any]):
        self.walk, self.schedule, self.conductance = walk, schedule, conductance
        self.branch, self.scale, self.mesh = out
        self.first_slot = walk.number(schedule.blocks, walk.block, 6)

    def run(self, most: float) -> None:
        walk = self.walk
        of_block = ft.partial(walk.number, self.schedule.blocks, walk.block)
        first, end = of_block(0), of_block(1)
        # What pads a list of pairs points at the last slot. A block that pads the list of blocks has no
        # rounds.
        s = self.schedule
        zero = walk.warmed((s.first, s.branches, s.pairs, s.wires), self.branch.dtype)
        walk.store(self.branch, jnp.full(walk.tile, of_block(7)), zero, walk.is_first & (first < end))

        def of_round(k: Array) -> None:
            of = ft.partial(walk.number, self.schedule.rounds, first + k)
            walk.each(of(0), of(1), ft.partial(self._sum, self._put))
            walk.barrier()
            walk.each(of(2), of(3), ft.partial(self._star, of(4)))
            walk.barrier()

        walk.loop(end - first, 1, of_round)
        walk.each(of_block(2), of_block(3), ft.partial(self._sum, ft.partial(self._put_mesh, most)))

    def _put(self, slot: Array, value: Array, mask: Array) -> None:
        self.walk.store(self.branch, slot, value, mask)

    def _put_mesh(self, most: float, number: Array, value: Array, mask: Array) -> None:
        is_leak = jnp.abs(value) <= most
        self.walk.store(self.mesh, number, jnp.where(is_leak, jnp.zeros_like(value), value), mask)

    def _sum(
        self, put: Callable[[Array, Array, Array], None], record: Array, mask: Array, last: Array
    ) -> None:
        """A branch gains all its products: what it begins with, and those of the wires before."""
        walk, schedule = self.walk, self.schedule
        begin, end = (walk.index(schedule.first, mask, record + k) for k in (0, 1))
        junction = walk.index(schedule.branches, mask, record, 1)
        own = walk.load(self.conductance, junction, mask & (junction >= 0))

        def find(k: Array) -> tuple[Array, ...]:
            there = mask & (begin + k < end)
            return there, *self._pair(begin + k, there)

        def product(found: tuple[Array, ...]) -> Array:
            there, left, right = found
            return walk.load(self.branch, left, there) * walk.load(self.branch, right, there)

        # Records are by rising numbers of products.
        longest = walk.number(schedule.first, last + 1) - walk.number(schedule.first, last)
        total = walk.sum(longest, own, find, product)
        put(walk.index(schedule.branches, mask, record, 0), total, mask & (walk.part == 0))

    def _pair(self, at: Array, mask: Array) -> tuple[Array, Array]:
        walk, pairs = self.walk, self.schedule.pairs
        if len(pairs.shape) == 2:
            left, right = walk.index(pairs, mask, at, 0), walk.index(pairs, mask, at, 1)
        else:
            both = walk.index(pairs, mask, at)
            left, right = both & 0xFFFF, jax.lax.shift_right_logical(both, jnp.int32(16))
        return self.first_slot + left, self.first_slot + right

    def _star(self, most: Array, wire: Array, mask: Array, last: Array) -> None:
        """A wire's S, and h of its branches."""
        del last
        walk, branch, n = self.walk, self.branch, self.walk.tile.parts
        begin, end = (walk.index(self.schedule.wires, mask, wire, k) for k in (1, 2))
        load = lambda slot: walk.load(branch, slot, mask & (slot < end))
        zeros = jnp.zeros(walk.tile, branch.dtype)
        r = _inverse_root(walk.sum(most, zeros, lambda k: begin + k, load))
        walk.store(self.scale, wire, r, mask & (walk.part == 0))

        def normalise(k: Array) -> None:
            slot = begin + k * n + walk.part
            walk.store(branch, slot, load(slot) * r, mask & (slot < end))

        walk.loop(most, n, normalise)


class _Substitution:
    """The substitution of one block, in one program."""

    def __init__(
        self,
        walk: Walk,
        schedule: Any,
        factors: tuple[Any, Any, Any],
        potential: Ref | None,
        out: tuple[Any, Any],
        hanging: float,
    ):
        self.walk, self.schedule = walk, schedule
        self.branch, self.scale, self.mesh = factors
        self.potential, (self.phi, self.into) = potential, out
        self.hanging = hanging

    def run(self, current: Ref | None) -> None:
        walk = self.walk
        of_block = ft.partial(walk.number, self.schedule.blocks, walk.block)
        first, end = of_block(0), of_block(1)
        of_round = ft.partial(walk.number, self.schedule.rounds)
        s = self.schedule
        reached = () if current is None else (s.reach, s.reached)
        self.zero = walk.warmed((s.wires, s.far, *reached), self.phi.dtype)

        def forward(k: Array) -> None:
            of = ft.partial(of_round, first + k)
            walk.each(of(2), of(3), ft.partial(self._gather, current, of(5)))
            walk.barrier()

        def back(k: Array) -> None:
            of = ft.partial(of_round, end - 1 - k)
            walk.each(of(2), of(3), ft.partial(self._spread, current, of(4)))
            walk.barrier()

        if current is not None:
            walk.loop(end - first, 1, forward)
        walk.each(of_block(4), of_block(5), ft.partial(self._terminal, current, of_block(8), of_block(9)))
        walk.barrier()
        walk.loop(end - first, 1, back)

    def _potential(self, row: Array, mask: Array) -> Array:
        if self.potential is None:
            return jnp.ones(self.walk.tile, self.phi.dtype)
        return self.walk.load(self.potential, row, mask)

    def _scale(self, wire: Array, mask: Array) -> Array:
        scale = self.walk.load(self.scale, wire, mask)
        return (
            jnp.where(scale * self.hanging**0.5 >= 1, jnp.zeros_like(scale), scale)
            if self.hanging
            else scale
        )

    def _reached(self, current: Any, most: Array, node: Array, mask: Array) -> Array:
        """What is injected into a node, and what reaches it from the wires before."""
        walk = self.walk
        begin, end = (walk.index(self.schedule.reach, mask, node + k) for k in (0, 1))

        def find(k: Array) -> tuple[Array, ...]:
            there = mask & (begin + k < end)
            return there, *(walk.index(self.schedule.reached, there, begin + k, row) for row in (0, 1))

        return walk.sum(most, walk.load(current, node, mask), find, self._gain)

    def _gain(self, found: tuple[Array, ...]) -> Array:
        there, slot, node = found
        return self.walk.load(self.branch, slot, there) * self.walk.load(self.phi, node, there)

    def _gather(self, current: Any, most: Array, wire: Array, mask: Array, last: Array) -> None:
        """y_i = (b_i + sum_j h_ji y_j) / sqrt(S_i), kept where phi_i will be."""
        del last
        walk = self.walk
        node = walk.index(self.schedule.wires, mask, wire, 0)
        y = self._reached(current, most, node, mask) * self._scale(wire, mask)
        walk.store(self.phi, node, y, mask & (walk.part == 0))

    def _terminal(
        self, current: Ref | None, most: Array, most_reach: Array, end: Array, mask: Array, last: Array
    ) -> None:
        """The current of a terminal: through the branches that are left, less what is injected."""
        del last
        walk, ends = self.walk, self.schedule.terminals
        node, row, begin, stop = (walk.index(ends, mask, end, k) for k in range(4))
        u = self._potential(row, mask) + self.zero

        def find(k: Array) -> tuple[Array, ...]:
            there = mask & (begin + k < stop)
            return there, *(walk.index(self.schedule.mesh, there, begin + k, row) for row in (0, 1))

        def flow(found: tuple[Array, ...]) -> Array:
            there, number, other = found
            return walk.load(self.mesh, number, there) * (u - self._potential(other, there))

        into = walk.sum(most, jnp.zeros_like(u), find, flow)
        if current is not None:
            into = into - self._reached(current, most_reach, node, mask)
        walk.store(self.into, row, into, mask & (walk.part == 0))
        walk.store(self.phi, node, u, mask & (walk.part == 0))

    def _spread(self, current: Ref | None, most: Array, wire: Array, mask: Array, last: Array) -> None:
        """phi_i = (y_i + sum_j h_ij phi_j) / sqrt(S_i)."""
        del last
        walk = self.walk
        node, begin, end = (walk.index(self.schedule.wires, mask, wire, k) for k in range(3))

        def find(k: Array) -> tuple[Array, ...]:
            there = mask & (begin + k < end)
            return there, begin + k, walk.index(self.schedule.far, there, begin + k)

        own = jnp.zeros(walk.tile, self.phi.dtype) if current is None else walk.load(self.phi, node, mask)
        phi = walk.sum(most, own, find, self._gain) * self._scale(wire, mask)
        walk.store(self.phi, node, phi, mask & (walk.part == 0))


def _inverse_root(s: Array) -> Array:
    """1 / sqrt(S), and 0 where S = 0: a wire without junctions, or in a part without terminals."""
    # What the hardware gives may be off by some units in the last place: one step of Newton's method.
    r = jax.lax.rsqrt(s)
    r = r + 0.5 * r * (1 - (s * r) * r)
    return jnp.where(s <= 0, jnp.zeros_like(s), r)
