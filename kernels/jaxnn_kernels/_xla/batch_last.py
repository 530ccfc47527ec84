"""Batch last in memory, whatever axis the user maps: kernels as primitives with rules of their own.

`custom_vmap` inside `custom_jvp` would say the same in public terms, but `scan` drops the rule of a
`custom_jvp` when it is differentiated once, so that second derivatives would go through the
elimination.
"""

import functools as ft
import itertools as it
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax.tree_util as jtu
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array, PyTree

from .._types import AnyArray, ArrayOrType, Structure, Tangent
from .eager import always_compiled
from .memory_layout import laid_out
from .placement import Axes, placed_types, register, shared_like, shared_out


Function = Callable[..., Any]

# The last structures of plans of which each kernel keeps the traces.
_TRACED = 16


def _refuse_mapped_plan() -> None:
    raise NotImplementedError(
        "The plan of a network cannot be mapped over: its index arrays must be the same for the "
        "whole batch. To run different networks together, join them into one graph of several "
        "components and make one plan of that."
    )


def _batch(
    primitive: Primitive, args: Sequence[AnyArray], dims: Sequence[int | None], tree: Structure
) -> tuple[list[Array], list[int | None]]:
    """Move the mapped axis behind the rows, (rows, batch, *trailing).

    What does not vary gets an axis of size one, so that many right-hand sides share their factors.
    """
    mapped = [d is not None for d in dims]
    indices_mapped, arrays_mapped = jtu.tree_unflatten(tree, mapped)
    if any(jtu.tree_leaves(indices_mapped)):
        _refuse_mapped_plan()
    n = len(mapped) - len(jtu.tree_leaves(arrays_mapped))
    moved = [
        jnp.expand_dims(x, 1) if d is None else jnp.moveaxis(x, d, 1)
        for x, d in zip(args[n:], dims[n:], strict=True)
    ]
    size = max(x.shape[1] for x in moved)
    out = primitive.bind(*args[:n], *moved, tree=tree)
    # Outputs that depend on nothing mapped, such as factors of fixed conductances, come back as
    # such.
    kept = [x.shape[1] == size for x in out]
    out = [x if k else x.squeeze(1) for x, k in zip(out, kept, strict=True)]
    return out, [1 if k else None for k in kept]


def _count_indices(tree: Structure) -> int:
    indices, _ = jtu.tree_unflatten(tree, range(tree.num_leaves))
    return len(jtu.tree_leaves(indices))


def _merged(arrays: Sequence[Array]) -> list[Array]:
    """The arrays (rows, *trailing) with neighbouring axes in one where all broadcast alike."""
    trails = [x.shape[1:] for x in arrays]
    wide = [tuple(n > 1 for n in sizes) for sizes in zip(*trails, strict=True)]
    spans = [list(axes) for _, axes in it.groupby(range(len(wide)), wide.__getitem__)]
    merged = lambda trail: (math.prod(trail[k] for k in span) for span in spans)
    return [x.reshape(x.shape[0], *merged(trail)) for x, trail in zip(arrays, trails, strict=True)]


def _axes(
    leaves: Sequence[ArrayOrType], shapes: Sequence[tuple[int, ...]], tree: Structure
) -> tuple[Axes, Axes]:
    """The names of the batches among the axes of a kernel's arguments and results."""
    n = _count_indices(tree)
    name = lambda shape: (None, *(f"batch{k}" if size > 1 else None for k, size in enumerate(shape[1:])))
    whole: Axes = [(None,) * x.ndim for x in leaves[:n]]
    return whole + [name(x.shape) for x in leaves[n:]], [name(shape) for shape in shapes]


def _structure(
    out_shapes: Function, leaves: Sequence[ArrayOrType], tree: Structure
) -> tuple[list[tuple[int, ...]], Structure]:
    """The shapes of a kernel's results, and the structure that these are the leaves of."""
    indices, arrays = jtu.tree_unflatten(tree, leaves)
    is_shape = lambda x: type(x) is tuple and all(isinstance(n, int) for n in x)
    return jtu.tree_flatten(out_shapes(indices, *arrays), is_leaf=is_shape)


def batch_last(
    name: str,
    kernel: Function,
    out_shapes: Function,
    gathers_rows: Callable[[PyTree], bool] = lambda indices: True,
) -> tuple[Primitive, Function]:
    """Let `kernel(indices, *arrays)` see its mapped axes behind the rows axis of every array.

    `kernel` takes a pytree of index arrays, which is never mapped, and pytrees of float arrays
    (rows, *trailing) of one rank, whose trailing axes broadcast against each other; it returns such
    arrays, all of one dtype. `out_shapes`, of the same signature, returns their shapes: said rather
    than found by tracing, which takes as long as all the rest of the tracing. `gathers_rows(indices)` says
    whether XLA is to lay the arrays out for gathers of whole rows.

    A plain `vmap` would put the batch first, so that every gather of a row jumps through memory: 4
    to 12 times slower than whole contiguous rows. Returns the primitive, bound with the leaves of
    (indices, arrays) and their structure `tree`, and a function of the kernel's own signature.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True
    structure = ft.partial(_structure, out_shapes)

    # Traced once, however often JAX asks for the shapes and then for the code.
    @ft.lru_cache(maxsize=_TRACED)
    def run(tree: Structure, shared: bool) -> Function:
        def traced(*leaves: Array) -> PyTree[Array]:
            indices, arrays = jtu.tree_unflatten(tree, leaves)
            with shared_out(shared):
                return kernel(indices, *arrays)

        return jax.jit(traced)

    def flat(*leaves: Array, tree: Structure, shared: bool) -> list[Array]:
        if shared:  # a device may have a part of any axis
            return jtu.tree_leaves(run(tree, True)(*leaves))
        n = _count_indices(tree)
        merged = jtu.tree_leaves(run(tree, False)(*leaves[:n], *_merged(leaves[n:])))
        # There may be no rows.
        return [x.reshape(shape) for x, shape in zip(merged, structure(leaves, tree)[0], strict=True)]

    def types(*leaves: ShapedArray, tree: Structure) -> list[ShapedArray]:
        shapes = structure(leaves, tree)[0]
        given, axes = _axes(leaves, shapes, tree)
        return placed_types(shapes, axes, leaves, given)

    # As a program of its own, whatever devices its arrays are on.
    program = lambda tree: always_compiled(jax.jit(ft.partial(primitive.bind, tree=tree)))
    alone = ft.lru_cache(maxsize=_TRACED)(program)
    primitive.def_impl(lambda *leaves, tree: alone(tree)(*leaves))
    primitive.def_abstract_eval(types)

    def rows_first(*leaves: Array, tree: Structure, shared: bool) -> list[Array]:
        # Where XLA is free, it gathers rows from an array that lies batch first.
        gathers = gathers_rows(jtu.tree_unflatten(tree, leaves)[0])
        hinted = lambda x: gathers and x.ndim > 1 and jnp.issubdtype(x.dtype, jnp.inexact)
        return flat(*(laid_out(x) if hinted(x) else x for x in leaves), tree=tree, shared=shared)

    register(primitive, flat, rows_first)
    batching.primitive_batchers[primitive] = lambda args, dims, *, tree: _batch(primitive, args, dims, tree)

    def apply(indices: PyTree, *arrays: PyTree[Array]) -> PyTree[Array]:
        leaves, tree = jtu.tree_flatten((indices, shared_like(arrays, arrays)))
        return jtu.tree_unflatten(structure(leaves, tree)[1], primitive.bind(*leaves, tree=tree))

    return primitive, apply


def linear_pair(
    name: str, forward: Function, transpose: Function, rows: Function
) -> tuple[Function, Function]:
    """Two linear maps y = forward(indices, x) and x = transpose(indices, y), each the other's
    transpose.

    `rows(indices)` are the numbers of rows of x and of y.
    """
    to = lambda side: lambda indices, x: (rows(indices)[side], *x.shape[1:])
    one, apply_one = batch_last(name, forward, to(1))
    other, apply_other = batch_last(name + "_transpose", transpose, to(0))

    def declare(primitive: Primitive, partner: Primitive) -> None:
        def jvp(
            primals: Sequence[AnyArray], tangents: Sequence[Tangent], *, tree: Structure
        ) -> tuple[list[Array], list[Array]]:
            out = primitive.bind(*primals, tree=tree)
            if isinstance(tangents[-1], ad.Zero):
                return out, [jnp.zeros_like(x) for x in out]
            return out, primitive.bind(*primals[:-1], tangents[-1], tree=tree)

        def transpose(
            cotangents: Sequence[Tangent], *args: AnyArray | ad.UndefinedPrimal, tree: Structure
        ) -> list[Array | None]:
            (ct,) = cotangents
            if isinstance(ct, ad.Zero):
                return [None] * len(args)
            return [None] * (len(args) - 1) + partner.bind(*args[:-1], ct, tree=tree)

        ad.primitive_jvps[primitive] = jvp
        ad.primitive_transposes[primitive] = transpose

    declare(one, other)
    declare(other, one)
    return apply_one, apply_other
