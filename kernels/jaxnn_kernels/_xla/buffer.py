"""Rows of a buffer that is read and written in place, by bare primitives that trace quickly."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array


def rows(x: Array, start: Any, size: int) -> Array:
    """`size` rows of x; the start is never negative, and not to say so costs a kernel to compile."""
    starts = (jnp.int32(start),) + (jnp.int32(0),) * (x.ndim - 1)
    sizes = (size, *x.shape[1:])
    return jax.lax.dynamic_slice(x, starts, sizes, allow_negative_indices=False)


def update(x: Array, rows: Array, start: Any) -> Array:
    """x with `rows` from `start` on."""
    starts = (jnp.int32(start),) + (jnp.int32(0),) * (x.ndim - 1)
    return jax.lax.dynamic_update_slice(x, rows, starts, allow_negative_indices=False)
