"""A loop that runs until the last of a batch is done, with the batch innermost in memory."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxnn_kernels import batch_inner


Carry = TypeVar("Carry")


def while_any(
    goes_on: Callable[[Carry], Bool[Array, ""]], body: Callable[[Carry], Carry], carry: Carry
) -> Carry:
    """`jax.lax.while_loop` of a body that leaves what is done as it is.

    Under `vmap` JAX would keep what is done by a choice after the body, where no hint reaches: XLA then
    has the batch first in memory, and each array that comes in or out is turned round. It has no
    derivative in reverse mode.
    """
    inner = lambda state: jax.tree.map(batch_inner, state)
    return jax.lax.while_loop(
        lambda state: _any_of_batch(goes_on(state)), lambda state: inner(body(state)), inner(carry)
    )


@jax.custom_batching.custom_vmap
def _any_of_batch(on: Array) -> Array:
    return on


@_any_of_batch.def_vmap
def _any_of_batch_mapped(_size: int, _mapped: object, on: Array) -> tuple[Array, bool]:
    return _any_of_batch(jnp.any(on, axis=0)), False
