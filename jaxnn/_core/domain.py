"""Checks of numbers that have no value yet: kept, and looked at by the run that they are traced in.

A check in the `__check_init__` of a module raises at once where its numbers are known. Under `jit`, `vmap`
and `grad` they are not, and the check passes. `unmet` runs the same checks once more inside the compiled
program, where each becomes a condition on the numbers: so what is refused by itself is reported by a run.
"""

import functools as ft
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool


_kept: ContextVar[list[Array] | None] = ContextVar("kept", default=None)


def holds(condition: Callable[..., Any], *values: Any) -> bool:
    """Returns whether a condition on numbers holds everywhere, for `__check_init__` of a law or a drive.

    Under `jit`, `vmap` and `grad` numbers have no value yet: the condition passes, and a run that it does
    not hold in ends in `jaxnn.Result.number_out_of_domain`.

    - `condition`: a function of arrays, of NumPy or of JAX, that returns true where all is well.
    - `values`: what it is called with; conditions per junction have shape (junctions,).

    ```python
    if not jaxnn.holds(lambda low, high: low < high, 1e-6, np.array([1e-3, 2e-3])):
        raise ValueError("low must be below high.")
    ```
    """
    if not any(isinstance(value, Tracer) for value in values):
        return bool(np.all(condition(*map(np.asarray, values))))
    kept = _kept.get()
    if kept is not None:  # somebody asks
        # A condition has no derivative, which a mesh with explicit axes could not always take.
        kept.append(condition(*(jax.lax.stop_gradient(jnp.asarray(value)) for value in values)))
    return True


def unmet(module: object) -> list[Bool[Array, "..."]]:
    """Where traced numbers of a module, and of those within it, fail a check: an array for each."""
    kept: list[Array] = []
    token = _kept.set(kept)
    try:
        for part in _modules(module):
            for check in checks_of(part):
                _run(check)
    finally:
        _kept.reset(token)
    return [~condition for condition in kept]


def _modules(module: object) -> Iterator[eqx.Module]:
    """A module and those in its fields, which were checked when they were made."""
    is_part = lambda x: isinstance(x, eqx.Module) and x is not module
    if isinstance(module, eqx.Module):
        yield module
        for part in jax.tree_util.tree_leaves(module, is_leaf=is_part):
            if is_part(part):
                yield from _modules(part)


def checks_of(module: object) -> list[Callable[[], None]]:
    """The checks that Equinox runs when a module is made: those of all classes that it is made of."""
    kinds = (kind for kind in type(module).__mro__ if "__check_init__" in vars(kind))
    return [ft.partial(vars(kind)["__check_init__"], module) for kind in kinds]


def _run(check: Callable[[], None]) -> None:
    try:
        check()
    except (ValueError, jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError):
        # A check of one's own that needs values, or one of shapes that a batch has changed: whatever has a
        # value was checked when the module was made.
        return
