"""Compiled programs, of which only the last used are kept."""

import functools as ft
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import PyTree

from jaxnn_kernels import arguments, plans_of_here

from .numerical_warning import warn_user


Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")

# A program of 100 wires takes some 10 MiB: what is kept stays near 100.
_KEPT = 12
# Of those that were dropped, by which a second compilation is noticed. What is remembered is small.
_REMEMBERED = 64


class _Programs:
    """The compiled programs in the order of their last use, and which were dropped."""

    def __init__(self, most: int):
        self.most = most
        self.programs: OrderedDict[Any, Callable[..., Any]] = OrderedDict()
        self.dropped: OrderedDict[Any, None] = OrderedDict()
        self.lock = threading.Lock()
        self.warned = False

    def get(
        self, key: Hashable, make: Callable[[], Callable[..., Any]], traced: bool
    ) -> Callable[..., Any]:
        with self.lock:
            again = key not in self.programs and key in self.dropped
            program = self.programs.pop(key, None) or make()
            self.programs[key] = program
            self.shrink()
        # What is traced is compiled with a function of the user's, which keeps it.
        if again and not (traced or self.warned):
            self.warned = True
            warn_user(
                f"a program is compiled again: only the last {self.most} are kept, and more networks, "
                "terminals, lengths of runs or shapes take turns. jaxnn.keep_programs(n) keeps n, at some "
                "10 MiB each.",
                UserWarning,
            )
        return program

    def shrink(self) -> None:
        while len(self.programs) > self.most:
            key, _ = self.programs.popitem(last=False)
            self.dropped[key] = None
        while len(self.dropped) > _REMEMBERED:
            self.dropped.popitem(last=False)


_programs = _Programs(_KEPT)


def keep_programs(n: int) -> None:
    """Sets how many compiled programs are kept, at first 12: those that were used last.

    Each network, set of terminals, number of steps and shape of a batch has a program of its own, of some
    10 MiB for 100 wires. Who goes through more of them in turns keeps more, or compiles again and is told.
    What a function under one's own `jax.jit` has compiled is kept by that, until `jax.clear_caches()`.

    Raises a `ValueError` for less than one.

    ```python
    jaxnn.keep_programs(100)  # for 100 networks in turns
    ```
    """
    with _programs.lock:
        _programs.most, _programs.warned = arguments.as_count("n", n), False
        _programs.shrink()
        # What one drops on purpose, or for want of room that there is now, is no news when it comes again.
        _programs.dropped.clear()


def compiled(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """`equinox.filter_jit(function)`, whose programs count among those that are kept."""

    @ft.wraps(function)
    def call(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        # Whatever has electrodes elsewhere, or as many wires and junctions, then shares a program.
        inputs = plans_of_here((args, kwargs)) if _runs_here((args, kwargs)) else (args, kwargs)
        arrays, static = eqx.partition(inputs, _is_array)
        leaves, tree = jax.tree_util.tree_flatten(static)
        given = jax.tree_util.tree_leaves(arrays)
        types = tuple(jax.typeof(x) for x in given)
        traced = any(isinstance(x, Tracer) for x in given)
        key = (function, tree, tuple(leaves), types)
        out, rest = _programs.get(key, lambda: _program(function, static), traced)(arrays)
        return eqx.combine(out, rest.value)

    return call


def _runs_here(inputs: PyTree) -> bool:
    """Whether a program will run on the one CPU at hand: it is not part of one that may go elsewhere."""
    arrays = [x for x in jax.tree_util.tree_leaves(inputs) if isinstance(x, jax.Array)]
    # Within a function that is being traced even a new zero is.
    if any(isinstance(x, Tracer) for x in [*arrays, jnp.zeros(())]) or jax.default_backend() != "cpu":
        return False
    devices = [x.devices() for x in arrays]
    return all(len(on) == 1 and next(iter(on)).platform == "cpu" for on in devices)


class _Static(eqx.Module):
    value: Any = eqx.field(static=True)


def _program(function: Callable[..., object], static: PyTree) -> Callable[..., Any]:
    """A program of its own: JAX keeps what it compiles as long as the function that it was given lives."""

    def program(arrays: PyTree) -> Any:
        args, kwargs = eqx.combine(arrays, static)
        out, rest = eqx.partition(function(*args, **kwargs), _is_array)
        return out, _Static(rest)

    # What a profile and a compiler's messages show.
    program.__name__ = program.__qualname__ = function.__name__
    return jax.jit(program)


def _is_array(x: object) -> bool:
    return isinstance(x, jax.Array | np.ndarray | np.generic)
