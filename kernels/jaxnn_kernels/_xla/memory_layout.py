"""Where arrays lie in memory: what XLA is told about it."""

from collections.abc import Sequence

import jax
from jax.experimental.layout import Layout, with_layout_constraint
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jaxtyping import Array

from .placement import is_shared_module


# From here on XLA shares a constrained array out among devices. Before, each device gathers all of it.
_SHARES_LAYOUTS = (0, 11)

_primitive = Primitive("laid_out")


def laid_out(x: Array, last: tuple[int, ...] = ()) -> Array:
    """The array with the axes `last` innermost in memory, and the others in their order before them.

    An exported program goes without: layouts are not among what JAX promises to keep.
    """
    first = (axis for axis in range(x.ndim) if axis not in last)
    return _primitive.bind(x, order=(*first, *sorted(last)))


def _lower(
    context: mlir.LoweringRuleContext, x: mlir.ir.Value, *, order: tuple[int, ...]
) -> Sequence[mlir.ir.Value]:
    module = context.module_context
    can = jax.__version_info__ >= _SHARES_LAYOUTS or not is_shared_module(module)
    if module.lowering_parameters.for_export or not can:
        return [x]
    return mlir.lower_fun(lambda x: [with_layout_constraint(x, Layout(order))])(context, x)


_primitive.def_impl(lambda x, *, order: x)
_primitive.def_abstract_eval(lambda x, *, order: x)
mlir.register_lowering(_primitive, _lower)
