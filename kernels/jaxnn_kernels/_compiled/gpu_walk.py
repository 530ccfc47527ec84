"""A program of a GPU that walks lists in memory together: many threads, each with its own record and lane.

Written in Pallas, through Triton: of JAX's ways to a kernel of one's own this one gathers from memory,
compiles for a GPU that is not there, and has an interpreter for tests without one. JAX 0.11.2 announces
that it moves to a package of its own, `jax_triton`; where it is missing, `is_pallas_there` says so and
XLA's path is taken. (Mosaic GPU has no gather; CUDA text needs a compiler at run time and a private call of
jaxlib.)
"""

import functools as ft
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jaxtyping import Array, DTypeLike, PyTree


# Programs that keep the cores of a large GPU busy, and threads of each.
_PROGRAMS = 128
_WARP = 32
# Numbers in a line of the cache, and how many of them may stay there.
_LINE, _CACHED = 32, 1 << 15
# Slots of a block from which on a program has twice as many threads.
_LARGE = 4096


Fetched = TypeVar("Fetched")


@runtime_checkable
class Ref(Protocol):
    """An array in the memory of a GPU, as a kernel sees it."""

    at: Any
    shape: tuple[int, ...]
    dtype: Any


class Tile(NamedTuple):
    """What a program works on at a time, one number a thread: all are powers of two.

    - records: branches or wires of a round, which do not depend on each other;
    - parts, which share out one sum;
    - lanes: networks of the batch, side by side in memory.
    """

    records: int
    parts: int
    lanes: int


@ft.cache
def _pallas() -> tuple[Any, Any]:
    """Pallas and its part for Triton: imported where they are needed, which takes 0.3 s."""
    from jax.experimental import pallas
    from jax.experimental.pallas import triton

    return pallas, triton


def is_pallas_there() -> bool:
    """Whether this JAX has what the kernels are written in."""
    try:
        _pallas()
    except ImportError:
        return False
    return True


def tile_for(batch: int, n_blocks: int, n_slots: int) -> Tile:
    """Chooses as many lanes as leave a program for each core, and threads for the rest.

    ```python
    tile_for(4096, 1, 500)  # Tile(records=8, parts=1, lanes=32)
    tile_for(1, 1, 500)  # Tile(records=32, parts=8, lanes=1)
    ```
    """
    lanes = max(1, min(_WARP, batch, batch * n_blocks // _PROGRAMS))
    lanes = 1 << (lanes.bit_length() - 1)
    parts = max(1, 8 // lanes)
    threads = 256 if n_slots < _LARGE * n_blocks else 512
    return Tile(threads // (lanes * parts), parts, lanes)


class Walk:
    """One program: its place in the batch, its memory, and loops over records and their sums."""

    def __init__(self, tile: Tile, batch: int, interpret: bool):
        axis = lambda k: self._hidden(jax.lax.broadcasted_iota(jnp.int32, tuple(tile), k))
        self.tile, self.batch, self.interpret = tile, batch, interpret
        pallas, self._triton = _pallas()
        self.block = pallas.program_id(1)
        self.part = axis(1)
        self._record = axis(0)
        self._own = axis(2)
        self._lane = pallas.program_id(0) * tile.lanes + self._own
        self._inside = self._lane < batch
        self.is_first = (self._record == 0) & (self.part == 0)

    def _hidden(self, x: Array) -> Array:
        """The same numbers, of which Triton knows nothing.

        Where it sees that neighbours in a list are read, it reads them by other threads than those that
        work with them, and passes them on with two barriers. With one number a thread nothing is gained.
        """
        if self.interpret:
            return x
        (y,) = self._triton.elementwise_inline_asm(
            "mov.u32 $0, $1;",
            args=[x],
            constraints="=r,r",
            pack=1,
            result_shape_dtypes=[jax.ShapeDtypeStruct(x.shape, x.dtype)],
        )
        return y

    def warmed(self, lists: Sequence[Any], dtype: DTypeLike) -> Array:
        """Zero, for which the lists have been read into the core's cache, if they fit in.

        A round waits for its indices one after the other, and for each of them seven times as long where it
        is not there. The compiler would leave out what nothing depends on; a product by zero it must keep,
        as it might be -0.
        """
        read = jnp.zeros(self.tile, jnp.int32)
        if sum(math.prod(x.shape) for x in lists) > _CACHED:
            return read.astype(dtype)
        thread = (self._record * self.tile.parts + self.part) * self.tile.lanes + self._own
        for x in lists:
            *rows, n = x.shape
            for row in range(rows[0]) if rows else [None]:
                for start in range(0, n, _LINE * math.prod(self.tile)):
                    at = start + _LINE * thread
                    read = read | self.index(x, at < n, at, row)
        return read.astype(dtype) * 0

    def barrier(self) -> None:
        """What threads have written, the others see."""
        if not self.interpret:
            self._triton.debug_barrier()

    def number(self, table: Ref, *at: Array | int) -> Array:
        """One whole number for all threads."""
        return self._triton.load(table.at[tuple(jnp.int32(k) for k in at)])

    def index(self, table: Ref, mask: Array, at: Array, row: int | None = None) -> Array:
        """Whole numbers of a list, for each thread its own."""
        where = at if row is None else (jnp.full_like(at, row), at)
        return self._triton.load(table.at[where], mask=mask, other=jnp.zeros((), jnp.int32))

    def load(self, x: Ref, row: Array, mask: Array) -> Array:
        """Of (rows, batch) or, shared by all of the batch, (rows, 1)."""
        lane = self._lane if x.shape[1] == self.batch else jnp.zeros_like(self._lane)
        return self._triton.load(x.at[row, lane], mask=mask & self._inside, other=jnp.zeros((), x.dtype))

    def store(self, x: Ref, row: Array, value: Array, mask: Array) -> None:
        mask = mask & self._inside
        if self.interpret:  # which writes back what it read under the mask, but not out of bounds
            row = jnp.where(mask, row, x.shape[0])
        self._triton.store(x.at[row, self._lane], value, mask=mask)

    def loop(self, n: Array, at_a_time: int, body: Callable[[Array], None]) -> None:
        """Runs body(0), body(1), ... until n things are done, some at a time: a power of two."""

        def step(k: Array, nothing: Array) -> Array:
            body(k)
            return nothing

        jax.lax.fori_loop(jnp.int32(0), _steps(n, at_a_time), step, jnp.int32(0))

    def each(self, first: Array, end: Array, body: Callable[[Array, Array, Array], None]) -> None:
        """Runs `body(record, mask, last)` on a range of records, a tile at a time.

        `last` is the last record of the tile.
        """
        n = self.tile.records

        def of_tile(k: Array) -> None:
            start = first + k * n
            record = start + self._record
            body(record, record < end, jnp.minimum(start + n, end) - 1)

        self.loop(end - first, n, of_tile)

    def sum(
        self,
        most: Array,
        own: Array,
        find: Callable[[Array], Fetched],
        term: Callable[[Fetched], Array],
    ) -> Array:
        """Adds term(find(0)), ..., term(find(most - 1)) to what each record begins with.

        Where the next terms are found is fetched ahead, while these come from memory. Two sums take turns.
        """
        n = self.tile.parts
        both = lambda k: (find(k * (2 * n) + self.part), find(k * (2 * n) + n + self.part))

        def step(k: Array, carry: tuple[Array, Array, Any]) -> tuple[Array, Array, Any]:
            even, odd, (this, that) = carry
            ahead = both(k + 1)
            return even + term(this), odd + term(that), ahead

        zeros = jnp.zeros_like(own)
        start = jnp.where(self.part == 0, own, zeros), zeros, both(jnp.int32(0))
        even, odd, _ = jax.lax.fori_loop(jnp.int32(0), _steps(most, 2 * n), step, start)
        total = even + odd
        return total if n == 1 else jnp.broadcast_to(jnp.sum(total, axis=1, keepdims=True), total.shape)


def _steps(n: Array, at_a_time: int) -> Array:
    return (n + (at_a_time - 1)) >> (at_a_time.bit_length() - 1)


def launch(
    kernel: Callable[..., None],
    shapes: list[jax.ShapeDtypeStruct],
    tile: Tile,
    grid: tuple[int, int],
    interpret: bool,
) -> Callable[..., list[Array]]:
    """A kernel as a function of whole arrays in memory, of pytrees of any structure."""
    threads = tile.records * tile.parts * tile.lanes
    # There may be no wires or no junctions, and nothing in memory then.
    some = lambda shape: tuple(max(1, n) for n in shape)
    pallas, triton = _pallas()
    whole = ShapedArray((), jnp.float32).manual_axis_type
    run = pallas.pallas_call(
        kernel,
        # Within a `shard_map` too, where what a device has of a batch is whole to it.
        out_shape=[x.update(shape=some(x.shape), manual_axis_type=whole) for x in shapes],
        grid=some(grid),
        compiler_params=triton.CompilerParams(num_warps=max(1, threads // _WARP), num_stages=1),
        interpret=interpret,
    )

    def call(*arrays: PyTree) -> list[Array]:
        fill = lambda x: x if x.size else jnp.zeros(some(x.shape), x.dtype)
        out = run(*jax.tree.map(fill, arrays))
        return [
            x if x.shape == s.shape else x[tuple(map(slice, s.shape))]
            for x, s in zip(out, shapes, strict=True)
        ]

    return call
