"""How loops and the rounds within them are written for XLA."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .memory_layout import laid_out


def rows(x: Array, start: int | Array, size: int) -> Array:
    """`size` rows of x. The start is never negative; unsaid, that would cost 1 in 12 more fused loops."""
    starts = (jnp.int32(start),) + (jnp.int32(0),) * (x.ndim - 1)
    sizes = (size, *x.shape[1:])
    return jax.lax.dynamic_slice(x, starts, sizes, allow_negative_indices=False)


def update(x: Array, rows: Array, start: int | Array) -> Array:
    """x with `rows` from `start` on."""
    starts = (jnp.int32(start),) + (jnp.int32(0),) * (x.ndim - 1)
    return jax.lax.dynamic_update_slice(x, rows, starts, allow_negative_indices=False)


def settled(arrays: PyTree) -> PyTree:
    """The arrays, evaluated once and kept rows first in memory.

    XLA for a GPU evaluates a plain intermediate once more in each of its users: a chain of ten rounds
    became one kernel that took three times as long as the ten. And it is free to keep the batch first,
    which makes every gather of a row jump through memory. A CPU gains nothing by it.
    """
    rows_first = lambda x: laid_out(x) if x.ndim > 1 else x
    return jax.lax.optimization_barrier(jax.tree_util.tree_map(rows_first, arrays))
