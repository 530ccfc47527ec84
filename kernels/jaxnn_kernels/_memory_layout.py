"""Where arrays lie in memory: what a CPU is told about it."""

from collections.abc import Callable
from typing import Any

from jax.experimental.layout import Layout, with_layout_constraint
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jaxtyping import Array


def laid_out(x: Array, last: tuple[int, ...] = ()) -> Array:
    """The array with the axes `last` innermost in memory, and the others in their order before them."""
    first = (axis for axis in range(x.ndim) if axis not in last)
    return with_layout_constraint(x, Layout((*first, *sorted(last))))


def register_for_cpu(
    primitive: Primitive, function: Callable[..., Any], hinted: Callable[..., Any]
) -> None:
    """Lower a primitive of several results as `function`, on a CPU as `hinted`, the same with layouts.

    An exported program goes without: layouts are not among what JAX promises to keep.
    """
    plain = mlir.lower_fun(function, multiple_results=True)
    with_hints = mlir.lower_fun(hinted, multiple_results=True)

    def lower_for_cpu(context: Any, *arrays: Any, **parameters: Any) -> Any:
        exported = context.module_context.lowering_parameters.for_export
        return (plain if exported else with_hints)(context, *arrays, **parameters)

    mlir.register_lowering(primitive, plain)
    mlir.register_lowering(primitive, lower_for_cpu, platform="cpu")
