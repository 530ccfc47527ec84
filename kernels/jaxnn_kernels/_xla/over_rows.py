"""Sums and maxima over the rows of arrays, with the batch last.

XLA for a CPU turns an array round to reduce it along its first axis, which takes as long as a solve. Here
whole rows are combined, some of them in one loop, in an order that does not hang on the batch.
"""

import functools as ft
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import _arguments as arguments
from .batch_last import batch_last


# Most terms of a sum that is written out: a fused loop compiles longer the more terms it has.
TERMS = 16


def fold(combine: Callable[[Array, Array], Array], x: Array, neutral: float | None = None) -> Array:
    """All rows of x (rows, *batch) combined into one, (1, *batch).

    Some rows are combined twice, unless there is a `neutral` number to take their place.
    """
    while x.shape[0] > 1:
        size = -(-x.shape[0] // TERMS)
        parts = []
        for start in range(0, x.shape[0], size):
            first = min(start, x.shape[0] - size)
            part = x[first : first + size]
            if first < start and neutral is not None:
                is_new = (np.arange(size) >= start - first).reshape(-1, *(1,) * (x.ndim - 1))
                part = jnp.where(is_new, part, jnp.asarray(neutral, x.dtype))
            parts.append(part)
        x = ft.reduce(combine, parts)
    return x


def _by_rows(on_cpu: Callable[[Array], Array], default: Callable[[Array], Array]) -> Callable[..., Array]:
    """A kernel of one array. Alone, a few loops are less to start than what XLA makes of a reduction."""
    return lambda _, x: jax.lax.platform_dependent(x, cpu=on_cpu, default=default)


_one_row = lambda _, x: (1, *x.shape[1:])
_, _total = batch_last(
    "total",
    _by_rows(lambda x: fold(jnp.add, x, 0.0), lambda x: jnp.sum(x, axis=0, keepdims=True)),
    _one_row,
)
_, _largest = batch_last(
    "largest",
    _by_rows(
        # Sizes on the way, or they would be an array of their own.
        lambda x: jnp.abs(fold(lambda a, b: jnp.maximum(jnp.abs(a), jnp.abs(b)), x)),
        lambda x: jnp.max(jnp.abs(x), axis=0, keepdims=True),
    ),
    _one_row,
)


@arguments.checked(values=arguments.array(ndim=1))
def total(values: Float[Array, " rows"]) -> Float[Array, ""]:
    """Adds up an array, in an order that does not hang on the size of a batch; it has no derivative.

    ```python
    jaxnn.kernels.total(jnp.array([1.0, 2.0, 4.0]))  # 7.0
    ```
    """
    return _total(None, jax.lax.stop_gradient(_some(values)))[0]


@arguments.checked(values=arguments.array(ndim=1))
def largest(values: Float[Array, " rows"]) -> Float[Array, ""]:
    """Finds the largest size in an array, NaN if there is one; it has no derivative.

    ```python
    jaxnn.kernels.largest(jnp.array([1.0, -4.0, 2.0]))  # 4.0
    ```
    """
    return _largest(None, jax.lax.stop_gradient(_some(values)))[0]


def _some(values: Array) -> Array:
    """The array, or a zero where there is nothing in it."""
    return values if values.shape[0] else jnp.zeros(1, values.dtype)
