"""Conversion and checks of numeric arguments, with messages that say what to do."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from ._numbers import Number


def as_inexact(value: Any) -> Number:
    """A parameter as it is kept: a JAX array as it is, all else as a NumPy array of floats.

    A NumPy array of float64, which nobody chose, is of no dtype yet, see `jaxnn._numbers`; nor is a
    weakly typed JAX array, so that no module has another type after an update than before.
    """
    if isinstance(value, jax.Array) and (isinstance(value, Tracer) or not value.weak_type):
        return value if jnp.issubdtype(value.dtype, jnp.inexact) else value.astype(float)
    if isinstance(value, np.ndarray | np.generic) and jnp.issubdtype(value.dtype, jnp.inexact):
        if value.dtype != np.float64:
            return jnp.asarray(value)  # float32 is a choice
    # A copy that nobody can write to, or a number could pass the checks and change later.
    array = np.array(value, dtype=float)
    array.flags.writeable = False
    return array  # pyright: ignore[reportReturnType]


def as_array(value: Any) -> Array:
    """Data, as opposed to a parameter, as a floating-point JAX array."""
    array = jnp.asarray(value)
    return array if jnp.issubdtype(array.dtype, jnp.inexact) else array.astype(float)


def concrete(value: object) -> np.ndarray | None:
    """`value` as a NumPy array, or None while it is traced and has no value yet."""
    return None if isinstance(value, Tracer) else np.asarray(value)


def check_finite(name: str, value: object, unit: str = "") -> None:
    """Raises a `ValueError` if `value` has a NaN or an infinity."""
    array = concrete(value)
    if array is not None and not np.all(np.isfinite(array)):
        where = np.argwhere(~np.isfinite(np.atleast_1d(array)))[0].tolist()
        raise ValueError(
            f"{name} must be finite{f' [{unit}]' if unit else ''}, got "
            f"{np.atleast_1d(array)[tuple(where)]} at index {where}: give the number that is meant."
        )


def check_at_least(
    name: str, value: object, least: int | float, unit: str = "", strict: bool = False
) -> None:
    """Raises a `ValueError` unless `value` is finite and >= `least` (> with `strict`)."""
    check_finite(name, value, unit)
    array = concrete(value)
    if array is None:
        return
    bad = array <= least if strict else array < least
    if np.any(bad):
        relation = "greater than" if strict else "at least"
        raise ValueError(
            f"{name} must be {relation} {least:g} {unit}".rstrip()
            + f", got {np.atleast_1d(array)[np.atleast_1d(bad)][0]:g}. "
            "All quantities are in SI units."
        )


def check_count(name: str, value: Any) -> int:
    """A number of steps or the like, at least 1, as an int; raises a `ValueError` for others."""
    if not isinstance(value, int) and not hasattr(value, "__index__"):
        raise ValueError(f"{name} must be a whole number, got {value!r}: it sets the length of arrays.")
    if int(value) < 1:
        raise ValueError(f"{name} must be at least 1, got {value}.")
    return int(value)
