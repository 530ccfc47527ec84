"""Calls of the compiled library from a JAX program, and of something else where it cannot be called."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax.tree_util as jtu
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jaxtyping import Array, DTypeLike, PyTree

from .._types import Structure
from .._xla import always_compiled, is_shared_module
from .gpu_walk import is_pallas_there
from .library import is_there, targets_of


Shape = tuple[int, ...]

_primitive = Primitive("compiled_or_not")
_primitive.multiple_results = True


def compiled_or_not(
    compiled: Callable[..., list[Array]],
    portable: Callable[..., list[Array]],
    operands: PyTree[Array],
    shapes: tuple[Shape, ...],
    dtype: DTypeLike,
    on_gpu: Callable[..., list[Array]] | None = None,
) -> list[Array]:
    """Runs `compiled(*operands)` on a CPU and `portable(*operands)` elsewhere: arrays of these shapes.

    A GPU of NVIDIA runs `on_gpu(*operands)` where that is given. What is exported must run on any machine,
    and XLA cannot share out a call that it knows nothing of, so these take the portable way too. All are
    functions of a module: programs are kept by them.
    """
    leaves, tree = jtu.tree_flatten(operands)
    types = tuple(ShapedArray(shape, jnp.dtype(dtype)) for shape in shapes)
    run = {"compiled": compiled, "portable": portable, "on_gpu": on_gpu}
    return _primitive.bind(*leaves, tree=tree, types=types, **run)


def _lowered_to(
    function: Callable[..., list[Array]],
    context: mlir.LoweringRuleContext,
    values: Sequence[mlir.ir.Value],
    tree: Structure,
) -> Sequence[mlir.ir.Value]:
    of_leaves = lambda *leaves: list(function(*jtu.tree_unflatten(tree, leaves)))
    return mlir.lower_fun(of_leaves)(context, *values)


def _lower(
    context: mlir.LoweringRuleContext, *values: mlir.ir.Value, tree: Structure, **parameters: Any
) -> Sequence[mlir.ir.Value]:
    return _lowered_to(parameters["portable"], context, values, tree)


def is_for_one_device(module: mlir.ModuleContext) -> bool:
    """Whether a program is for one device of this machine: neither exported nor shared out by XLA."""
    return not (module.lowering_parameters.for_export or is_shared_module(module))


def _lower_as(native: str, is_there: Callable[[], bool]) -> Callable[..., Sequence[mlir.ir.Value]]:
    """Lower as the function of this name, if there is one, where a program is for one device alone."""

    def lower(
        context: mlir.LoweringRuleContext, *values: mlir.ir.Value, tree: Structure, **parameters: Any
    ) -> Sequence[mlir.ir.Value]:
        here = is_for_one_device(context.module_context) and is_there()
        function = parameters[native] if here else None
        return _lowered_to(function or parameters["portable"], context, values, tree)

    return lower


_primitive.def_abstract_eval(lambda *_, types, **__: list(types))
_PARAMETERS = ("compiled", "portable", "on_gpu", "tree", "types")
_primitive.def_impl(always_compiled(jax.jit(_primitive.bind, static_argnames=_PARAMETERS)))
mlir.register_lowering(_primitive, _lower)
mlir.register_lowering(_primitive, _lower_as("compiled", is_there), platform="cpu")
mlir.register_lowering(_primitive, _lower_as("on_gpu", is_pallas_there), platform="cuda")


def call(
    name: str, shapes: Sequence[Shape], *arrays: Array, in_place: bool = False, **numbers: float | int
) -> list[Array]:
    """Calls a function of the library, for the dtype of the last array.

    What it computes `in_place` takes the place of as many of the last arrays.
    """
    dtype = arrays[-1].dtype
    types = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
    first = len(arrays) - len(shapes)
    aliases = {first + k: k for k in range(len(shapes))} if in_place else None
    target = targets_of(name)[dtype.name]
    return list(jax.ffi.ffi_call(target, types, input_output_aliases=aliases)(*arrays, **numbers))
