"""A loop that runs until the last of a batch is done, with the batch innermost in memory."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxnn_kernels import batch_inner


Carry = TypeVar("Carry")


def while_any(
    goes_on: Callable[[Carry], Bool[Array, ""]], body: Callable[[Carry], Carry], carry: Carry
) -> Carry:
    """`jax.lax.while_loop`, of which `vmap` does not turn the carry round in every iteration.

    Under `vmap` JAX keeps what is done already by a choice after the body, where no hint reaches: XLA then
    has the batch first in memory, and each array that comes in or out is turned round. Here that choice is
    part of the body, and the hint comes after it. It has no derivative in reverse mode.
    """

    def step(state: tuple[Carry, Array]) -> tuple[Carry, Array]:
        old, on = state
        new = jax.tree.map(batch_inner, _chosen(on, body(old), old))
        return new, on & goes_on(new)

    begin = jax.tree.map(batch_inner, carry)
    return jax.lax.while_loop(lambda state: _any_of_batch(state[1]), step, (begin, goes_on(carry)))[0]


@jax.custom_batching.custom_vmap
def _any_of_batch(on: Array) -> Array:
    return on


@_any_of_batch.def_vmap
def _any_of_batch_mapped(_size: int, _mapped: object, on: Array) -> tuple[Array, bool]:
    return _any_of_batch(jnp.any(on, axis=0)), False


@jax.custom_batching.custom_vmap
def _chosen(on: Array, new: Any, old: Any) -> Any:
    """The new one where it is on: always, of a run alone."""
    return new


@_chosen.def_vmap
def _chosen_mapped(size: int, mapped: Any, on: Array, new: Any, old: Any) -> tuple[Any, Any]:
    spread = lambda x, is_mapped: x if is_mapped else jnp.broadcast_to(x, (size, *x.shape))
    new, old = (jax.tree.map(spread, *pair) for pair in ((new, mapped[1]), (old, mapped[2])))
    if mapped[0]:
        choose = lambda new, old: jnp.where(on.reshape(-1, *(1,) * (new.ndim - 1)), new, old)
        chosen = jax.tree.map(choose, new, old)
    else:
        chosen = _chosen(on, new, old)
    return chosen, jax.tree.map(lambda _: True, new)
