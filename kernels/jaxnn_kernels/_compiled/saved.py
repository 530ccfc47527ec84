"""What the way back reads of each step: turned round once by the library, not by XLA in every loop."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from .. import _arguments as arguments
from .._types import Tangent
from .._xla import batch_inner
from .calls import is_for_one_device
from .library import is_wanted, targets_of


_TURN = targets_of("turn")


@arguments.checked(x=arguments.array(), name=arguments.one_of(str))
def saved(x: Float[Array, "..."], name: str) -> Float[Array, "..."]:
    """Returns the same array, which `jax.checkpoint` may keep by this name, as `checkpoint_name` does.

    `vmap` of a gradient has `scan` stack what it keeps with the mapped axis first. Where solves have it
    last, XLA turns the array round as it is stored, element by element, and again within every loop that
    reads it. With this the compiled library turns it once each way. What keeps nothing pays nothing, and
    no other device is told.

    ```python
    keep = jax.checkpoint_policies.save_only_these_names("x")
    f = jax.checkpoint(lambda x: jnp.exp(jaxnn.kernels.saved(2 * x, "x")), policy=keep)
    jax.grad(f)(1.0)  # 14.8
    ```
    """
    stored = _outward.bind(batch_inner(jnp.asarray(x)), mapped=())
    return _inward.bind(checkpoint_name(stored, name), mapped=())


def _batch(primitive: Primitive) -> Callable[..., tuple[Array, int]]:
    def batch(args: Sequence[Array], dims: Sequence[int], *, mapped: tuple[int, ...]) -> tuple[Array, int]:
        (new,) = dims
        shifted = (axis + (axis >= new) for axis in mapped)
        return primitive.bind(*args, mapped=(*shifted, new)), new

    return batch


def _jvp(primitive: Primitive) -> Callable[..., tuple[Array, Tangent]]:
    def jvp(
        primals: Sequence[Array], tangents: Sequence[Tangent], *, mapped: tuple[int, ...]
    ) -> tuple[Array, Tangent]:
        # Where a batch is there before the derivative is, `scan` stacks it as it lies.
        return primals[0] if mapped else primitive.bind(*primals, mapped=()), tangents[0]

    return jvp


def _turned(
    context: mlir.LoweringRuleContext, x: mlir.ir.Value, mapped: tuple[int, ...], outward: bool
) -> Sequence[mlir.ir.Value]:
    """A call of the library, from the mapped axes innermost in memory to these first or back."""
    aval: Any = context.avals_in[0]
    other = tuple(axis for axis in range(aval.ndim) if axis not in mapped)
    inner, first = (*other, *sorted(mapped)), (*sorted(mapped), *other)
    rows = math.prod(aval.shape[axis] for axis in (other if outward else mapped))
    call = jax.ffi.ffi_call(
        _TURN[aval.dtype.name],
        jax.ShapeDtypeStruct(aval.shape, aval.dtype),
        input_layouts=[inner if outward else first],
        output_layouts=first if outward else inner,
    )
    return mlir.lower_fun(lambda x: [call(x, rows=rows)])(context, x)


def _is_turned(context: mlir.LoweringRuleContext, mapped: tuple[int, ...]) -> bool:
    aval: Any = context.avals_in[0]
    here = is_for_one_device(context.module_context) and is_wanted()
    return bool(mapped and aval.size and aval.dtype.name in _TURN and here)


def _lower_outward(
    context: mlir.LoweringRuleContext, x: mlir.ir.Value, *, mapped: tuple[int, ...]
) -> Sequence[mlir.ir.Value]:
    return _turned(context, x, mapped, outward=True) if _is_turned(context, mapped) else [x]


def _lower_inward(
    context: mlir.LoweringRuleContext, x: mlir.ir.Value, *, mapped: tuple[int, ...]
) -> Sequence[mlir.ir.Value]:
    if not _is_turned(context, mapped):
        return [x]
    # On the way forward it is what has just been turned outward: that of before will do.
    before = _before_turning(x)
    return _turned(context, x, mapped, outward=False) if before is None else [before]


def _before_turning(x: mlir.ir.Value) -> mlir.ir.Value | None:
    """What an array was before it was turned, if it was: `jax.checkpoint` rounds between to no effect."""
    made = _maker(x)
    while made is not None and made.name == "stablehlo.reduce_precision":
        made = _maker(made.operands[0])
    if made is None or made.name != "stablehlo.custom_call":
        return None
    target = mlir.ir.StringAttr(made.attributes["call_target_name"]).value
    return made.operands[0] if target in _TURN.values() else None


def _maker(x: mlir.ir.Value) -> Any:
    """The operation that a value comes from, or None of an argument."""
    return getattr(x.owner, "operation", None)


def _primitive(name: str, lower: Callable[..., Sequence[mlir.ir.Value]]) -> Primitive:
    primitive = Primitive(name)
    primitive.def_impl(lambda x, *, mapped: x)
    primitive.def_abstract_eval(lambda x, *, mapped: x)
    ad.primitive_jvps[primitive] = _jvp(primitive)
    batching.primitive_batchers[primitive] = _batch(primitive)
    mlir.register_lowering(primitive, lambda context, x, *, mapped: [x])
    # Not from a cache: where an array comes from is seen in its place alone.
    mlir.register_lowering(primitive, lower, platform="cpu", cacheable=False)
    return primitive


_outward = _primitive("turned_outward", _lower_outward)
_inward = _primitive("turned_inward", _lower_inward)
