"""A loop that runs until the last of a batch is done, with the batch innermost in memory."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree

from jaxnn_kernels import batch_inner


Context = TypeVar("Context")
Carry = TypeVar("Carry")


def while_any(
    goes_on: Callable[[Carry], Bool[Array, ""]],
    body: Callable[[Context, Carry], Carry],
    context: Context,
    carry: Carry,
) -> Carry:
    """`jax.lax.while_loop` of `body(context, carry)`, which leaves what is done as it is.

    `vmap` puts a batch first in the carry of JAX's own loop, and keeps what is done by a choice after the
    body: each array would be turned round and copied in every turn. Here the batch is last, as solves want
    it, and nothing is chosen. `context` is a pytree of arrays, all that the functions need: they must not
    close over any. It has no derivative in reverse mode.
    """
    leaves, tree = jax.tree.flatten(context)
    of_leaves = lambda leaves, carry: body(jax.tree.unflatten(tree, leaves), carry)
    return _loop(goes_on, of_leaves, leaves, carry)


def _loop(goes_on: Callable[..., Array], body: Callable[..., Any], given: list[Array], carry: Any) -> Any:
    @jax.custom_batching.custom_vmap
    def run(given: list[Array], carry: PyTree[Array]) -> PyTree[Array]:
        return jax.lax.while_loop(goes_on, lambda carry: body(given, carry), carry)

    @run.def_vmap
    def run_mapped(size: int, mapped: Sequence[Any], given: list[Array], carry: Any) -> tuple[Any, Any]:
        wide = lambda x, is_mapped: x if is_mapped else jnp.broadcast_to(x, (size, *x.shape))
        carry = jax.tree.map(lambda *x: _inner(_last(wide(*x))), carry, mapped[1])
        axes = [0 if is_mapped else None for is_mapped in mapped[0]]
        # Within, the batch is first: among what is mapped and what is not, JAX has it there in any case.
        of_each = jax.vmap(body, (axes, 0), -1, axis_size=size)
        of_last = lambda given, carry: of_each(given, jax.tree.map(_first, carry))
        any_goes_on = lambda carry: jnp.any(jax.vmap(goes_on, -1)(carry))
        ended = _loop(any_goes_on, of_last, given, carry)
        return jax.tree.map(_first, ended), jax.tree.map(lambda _: True, ended)

    return run(given, carry)


_inner = jax.vmap(batch_inner, -1, -1)


def _last(x: Array) -> Array:
    return jnp.moveaxis(x, 0, -1)


def _first(x: Array) -> Array:
    return jnp.moveaxis(x, -1, 0)
