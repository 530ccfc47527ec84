"""Plain numbers, which take the dtype of what they are combined with.

Python numbers, lists and NumPy arrays that are given as parameters are kept as NumPy arrays; they are
of no dtype yet. A JAX array, or a NumPy array of float32, decides what a computation runs in, and at
the boundary of `jax.jit` a plain number becomes an array like any other, of the default float.
"""

import functools as ft
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike, PyTree

from jaxnn_kernels import Number as Number


Owner = TypeVar("Owner")
Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")


def is_plain(x: object) -> bool:
    """Whether a leaf is a NumPy array of real numbers."""
    return isinstance(x, np.ndarray | np.generic) and eqx.is_inexact_array(x)


def common_dtype(numbers: PyTree) -> jnp.dtype:
    """The dtype of the JAX arrays in a tree, or the default float where there are none.

    **Raises:** `ValueError` for one that is less than float32, and for complex numbers.
    """
    leaves = jax.tree.leaves(numbers)
    arrays = [x for x in leaves if isinstance(x, jax.Array) and eqx.is_inexact_array(x)]
    dtype = jnp.result_type(*arrays) if arrays else jnp.result_type(float)
    if dtype not in (jnp.float32, jnp.float64):
        # Three digits are not enough for conductances that differ by a factor of a thousand.
        raise ValueError(
            f"jaxnn computes in float32 or float64, got an array of {dtype}: give it as "
            ".astype('float32')" + (", of its real part." if dtype.kind == "c" else ".")
        )
    return dtype


def cast_inexact(tree: PyTree, dtype: DTypeLike) -> PyTree:
    """The tree with its real and complex arrays in a dtype."""
    return jax.tree.map(lambda x: jnp.asarray(x, dtype) if eqx.is_inexact_array(x) else x, tree)


def follow(tree: PyTree, *like: PyTree) -> PyTree:
    """The tree with its plain numbers as JAX arrays, of the dtype of those that it has and of `like`.

    Wherever a module computes with its parameters it does so with these: a law that is called with a
    float32 state answers in float32, with x64 on too.
    """
    dtype = common_dtype((tree, like))
    return jax.tree.map(lambda x: jnp.asarray(x, dtype) if is_plain(x) else x, tree)


def following(
    method: Callable[Concatenate[Owner, Inputs], Output],
) -> Callable[Concatenate[Owner, Inputs], Output]:
    """A method whose plain parameters follow the dtype of its arguments."""

    @ft.wraps(method)
    def followed(self: Owner, *arguments: Inputs.args, **keywords: Inputs.kwargs) -> Output:
        return method(follow(self, arguments, keywords), *arguments, **keywords)

    return followed


def array_module(*values: object) -> Any:
    """NumPy for plain numbers, which then stay plain; jax.numpy if a JAX array is among them."""
    return jnp if any(isinstance(x, jax.Array) for x in values) else np


def together(*parts: Number) -> tuple[Number, ...]:
    """Numbers that are computed with each other: plain if all are, else all of one dtype."""
    return parts if array_module(*parts) is np else follow(parts)
