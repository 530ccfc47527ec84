"""Batches that several devices share: each device runs a kernel on its own part, by itself.

Nothing but mapped axes is ever shared out, so that no kernel needs to know of a mesh: it is traced with
bare shapes, and what it sees is the part of one device.
"""

import functools as ft
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec, use_abstract_mesh
from jaxtyping import Array, PyTree


Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")
Tree = TypeVar("Tree")

# For each axis of each array, the name of the batch that it is, or None if devices need it whole.
Axes = list[tuple[str | None, ...]]


def shared_like(arrays: Tree, like: PyTree) -> Tree:
    """Declares the arrays to be shared out among devices as those of `like` are.

    Within a `shard_map` a loop must begin with what it ends with, and a kernel's arrays must be of one
    kind: they differ between devices or not. On a mesh with explicit axes `vmap` can only spread what
    is on the mesh. Elsewhere nothing happens.

    ```python
    start, like = jnp.zeros(3), jnp.ones(3)
    jaxnn.kernels.shared_like(start, like)  # [0.0, 0.0, 0.0]
    ```
    """
    leaves = [x for x in jax.tree_util.tree_leaves((arrays, like)) if isinstance(x, jax.Array)]
    varying = sorted({axis for x in leaves for axis in _manual_axes(x)})
    mesh = jax.sharding.get_abstract_mesh()
    explicit = not mesh.empty and mesh.are_all_axes_explicit

    def place(x: object) -> object:
        if not isinstance(x, jax.Array):
            return x
        off = explicit and jax.typeof(x).sharding.mesh.empty
        there = jax.sharding.reshard(x, NamedSharding(mesh, PartitionSpec())) if off else x
        lacking = tuple(axis for axis in varying if axis not in _manual_axes(there))
        return jax.lax.pcast(there, lacking, to="varying") if lacking else there

    return jax.tree_util.tree_map(place, arrays) if varying or explicit else arrays


def mapped_like(arrays: Tree, like: PyTree) -> Tree:
    """Maps the numbers among the arrays if anything in `like` is, on a mesh with explicit axes.

    There JAX 0.10 cannot choose between two numbers that are not mapped by one that is. The way back sums
    over such a number's copies where this is done.

    ```python
    f = lambda x: jaxnn.kernels.mapped_like(jnp.zeros(()), x) + x
    jax.vmap(f)(jnp.arange(3.0))  # [0.0, 1.0, 2.0]
    ```
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty or not mesh.are_all_axes_explicit:
        return arrays
    inexact = lambda x: isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jnp.inexact)
    leaves = [jax.lax.stop_gradient(x) for x in jax.tree_util.tree_leaves(like) if inexact(x)]
    zero = sum((jnp.isnan(x).any().astype(jnp.int32) * 0 for x in leaves), jnp.int32(0))
    spread = lambda x: x + zero.astype(x.dtype) if isinstance(x, jax.Array) and x.ndim == 0 else x
    return jax.tree_util.tree_map(spread, arrays)


def _manual_axes(x: Array) -> frozenset[str]:
    return jax.typeof(x).manual_axis_type.varying


def on_mesh_of_arguments(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """Wraps a function to run in the context of the mesh with explicit axes of its arguments, if any.

    Within a `vmap` JAX broadcasts what is not mapped onto the mesh of the context, and fails where there is
    none.

    ```python
    @jaxnn.kernels.on_mesh_of_arguments
    def half(x):
        return x / 2


    half(jnp.ones(2))  # [0.5, 0.5]
    ```
    """

    @ft.wraps(function)
    def wrapped(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        arrays = (x for x in jax.tree_util.tree_leaves((args, kwargs)) if isinstance(x, jax.Array))
        meshes = (getattr(jax.typeof(x).sharding, "mesh", None) for x in arrays)
        mesh = next((mesh for mesh in meshes if mesh is not None and mesh.are_all_axes_explicit), None)
        if mesh is None or not jax.sharding.get_abstract_mesh().empty:
            return function(*args, **kwargs)
        with use_abstract_mesh(mesh):
            return function(*args, **kwargs)

    return wrapped


def placed_types(
    shapes: Sequence[tuple[int, ...]], axes: Axes, arrays: Sequence[ShapedArray], given: Axes
) -> list[ShapedArray]:
    """The types of a kernel's results, shared out among devices as the batches of its arguments are."""
    mesh = next((x.sharding.mesh for x in arrays if not x.sharding.mesh.empty), arrays[-1].sharding.mesh)
    used = _placed(arrays, given)
    # Of the last array, because what varies within a `shard_map` does so in all that are no indices.
    typed = lambda shape, names: arrays[-1].update(
        shape=shape, weak_type=False, sharding=NamedSharding(mesh, _spec(names, used))
    )
    return [typed(shape, names) for shape, names in zip(shapes, axes, strict=True)]


def _placed(arrays: Sequence[ShapedArray], axes: Axes) -> dict[str, str | tuple[str, ...]]:
    """The axes of the mesh that each batch lies along, by its name."""
    used: dict[str, Any] = {}
    taken: set[str] = set()
    for x, names in zip(arrays, axes, strict=True):
        for name, along in zip(names, x.sharding.spec, strict=False):
            parts = along if isinstance(along, tuple) else () if along is None else (along,)
            if name and parts and name not in used and taken.isdisjoint(parts):
                used[name] = along
                taken.update(parts)
    return used


def _spec(names: Sequence[str | None], used: Mapping[str, str | tuple[str, ...]]) -> PartitionSpec:
    return PartitionSpec(*(used.get(name) if name else None for name in names))


_shared_out: ContextVar[bool] = ContextVar("shared_out", default=False)


@contextmanager
def shared_out(value: bool) -> Iterator[None]:
    """Where a kernel is traced: what `is_shared_out` says meanwhile."""
    token = _shared_out.set(value)
    try:
        yield
    finally:
        _shared_out.reset(token)


def is_shared_out() -> bool:
    """Whether the kernel that is traced sees the batch of all devices, for XLA to share it out.

    What looks at the whole batch then makes every device wait for the others.
    """
    return _shared_out.get()


def register(
    primitive: Primitive, function: Callable[..., list[Array]], hinted: Callable[..., list[Array]]
) -> None:
    """Lower a primitive of several results as `function`, on a CPU as `hinted`, the same with layouts.

    Both take `shared`, which says whether XLA is to share the program out among devices.
    """

    def rule(function: Callable[..., list[Array]]) -> Callable[..., Sequence[mlir.ir.Value]]:
        def lower(
            context: mlir.LoweringRuleContext, *values: mlir.ir.Value, **parameters: object
        ) -> Sequence[mlir.ir.Value]:
            bare = lambda types: [ShapedArray(x.shape, x.dtype) for x in types]
            arrays, results = bare(context.avals_in), bare(context.avals_out)
            local = mlir.lower_fun(
                ft.partial(function, shared=is_shared_module(context.module_context), **parameters)
            )
            with use_abstract_mesh(AbstractMesh((), ())):
                return local(context.replace(avals_in=arrays, avals_out=results), *values)

        return lower

    mlir.register_lowering(primitive, rule(function))
    mlir.register_lowering(primitive, rule(hinted), platform="cpu")


def is_shared_module(module: mlir.ModuleContext) -> bool:
    """Whether XLA is to share a program out. Within a `shard_map` a program is that of one device."""
    return getattr(module.axis_context, "num_devices", 1) > 1
