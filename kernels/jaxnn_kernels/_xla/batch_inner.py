"""A hint to XLA: mapped axes innermost in memory, wherever `vmap` has put them."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array

from .._types import Tangent
from .memory_layout import laid_out
from .placement import register


_primitive = Primitive("batch_inner")
_primitive.multiple_results = True


def batch_inner(x: Array) -> Array:
    """Returns the same array, of which a CPU keeps the axes that `vmap` added innermost in memory.

    `scan` and the rules of most primitives put a mapped axis first, the nodal solve has it last. Where
    the two meet, XLA would turn the array round within every loop that reads it. With the hint the
    arrays between two solves, the state in the carry included, lie as the solve wants them, whatever
    the order of their axes; so do their cotangents. No other device is told.

    ```python
    double = lambda x: 2 * jaxnn.kernels.batch_inner(x)
    jax.vmap(double)(jnp.ones((2, 3))).shape  # (2, 3)
    ```
    """
    return _primitive.bind(x, mapped=())[0]


def _batch(
    args: Sequence[Array], dims: Sequence[int], *, mapped: tuple[int, ...]
) -> tuple[list[Array], list[int]]:
    (new,) = dims
    shifted = (axis + (axis >= new) for axis in mapped)
    (x,) = _primitive.bind(*args, mapped=(new, *shifted))
    return [jnp.moveaxis(x, new, x.ndim - 1)], [x.ndim - 1]


def _transpose(cotangents: Sequence[Tangent], _x: object, *, mapped: tuple[int, ...]) -> list[Tangent]:
    (ct,) = cotangents
    return [ct] if isinstance(ct, ad.Zero) else _primitive.bind(ct, mapped=mapped)


def _jvp(
    primals: Sequence[Array], tangents: Sequence[Array], *, mapped: tuple[int, ...]
) -> tuple[list[Array], list[Array]]:
    return _primitive.bind(*primals, mapped=mapped), _primitive.bind(*tangents, mapped=mapped)


_primitive.def_impl(lambda x, *, mapped: [x])
_primitive.def_abstract_eval(lambda x, *, mapped: [x])
ad.primitive_jvps[_primitive] = _jvp
ad.primitive_transposes[_primitive] = _transpose
batching.primitive_batchers[_primitive] = _batch
register(
    _primitive,
    lambda x, *, mapped, shared: [x],
    lambda x, *, mapped, shared: [laid_out(x, mapped) if mapped else x],
)
