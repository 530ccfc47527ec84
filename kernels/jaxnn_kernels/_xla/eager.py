"""Kernels that are called outside of any program."""

import functools as ft
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax


Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")


def always_compiled(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """The function that `jax.jit` made of a primitive, compiled under `jax.disable_jit` too.

    There it would bind its primitive, which would call it again, without end.
    """

    @ft.wraps(function)
    def call(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        with jax.disable_jit(False):
            return function(*args, **kwargs)

    return call
