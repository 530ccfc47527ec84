"""Conversion and checks of numeric arguments, with messages that say what to do."""

import operator

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from jaxnn_kernels import arguments

from .domain import holds
from .numbers import Number
from .types import Numbers


def as_inexact(value: Numbers) -> Number:
    """A parameter as it is kept: a JAX array as it is, all else as a NumPy array of floats.

    A NumPy array of float64, which nobody chose, is of no dtype yet, see `jaxnn._core.numbers`; nor is a
    weakly typed JAX array, so that no module has another type after an update than before.
    """
    check_real(value)
    listed = isinstance(value, list | tuple | range)
    if isinstance(value, type) or not (listed or arguments.is_number(value)):
        raise ValueError(
            "a parameter must be a number, a list or an array of numbers in SI units, such as 1e-3 for 1 "
            f"ms, got {value!r}."
        )
    if isinstance(value, jax.Array) and (isinstance(value, Tracer) or not value.weak_type):
        return value if jnp.issubdtype(value.dtype, jnp.inexact) else value.astype(float)
    if isinstance(value, np.ndarray | np.generic) and jnp.issubdtype(value.dtype, jnp.inexact):
        if value.dtype != np.float64:
            return jnp.asarray(value)  # float32 is a choice
    try:
        # A copy that nobody can write to, or a number could pass the checks and change later.
        array = np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"a parameter must be a number, a list or an array of numbers in SI units, such as 1e-3 for 1 "
            f"ms, got {value!r}: {error}"
        ) from error
    array.flags.writeable = False
    return array  # pyright: ignore[reportReturnType]


def check_real(value: object) -> None:
    """Raises a `ValueError` for complex numbers, and for arrays of which a part is masked out.

    NumPy would take the real part of the first, and what lies behind the mask of the second.
    """
    if np.ma.is_masked(value):
        raise ValueError(
            "an array with masked entries has no number there: fill them first, "
            "array.filled(value), or leave them out, array.compressed()."
        )
    dtype = getattr(value, "dtype", None)
    if isinstance(value, complex) or (dtype is not None and np.issubdtype(dtype, np.complexfloating)):
        raise ValueError(
            f"jaxnn computes with real numbers, got {'a complex number' if dtype is None else dtype}: give "
            "its real part, x.real, or its size, abs(x), whichever is meant."
        )


def as_array(value: Numbers) -> Array:
    """Data, as opposed to a parameter, as a floating-point JAX array."""
    check_real(value)
    array = jnp.asarray(value)
    return array if jnp.issubdtype(array.dtype, jnp.inexact) else array.astype(float)


def concrete(value: object) -> np.ndarray | None:
    """`value` as a NumPy array, or None while it is traced and has no value yet."""
    return None if isinstance(value, Tracer) else np.asarray(value)


def whole(name: str, value: object) -> int:
    """A whole number, written as 100 or as 1e2, as an int; raises a `ValueError` for others."""
    check_not_traced(name, value)
    try:
        as_float = isinstance(value, float | np.floating) and float(value).is_integer()
        return int(value) if as_float else operator.index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        raise ValueError(
            f"{name} must be a whole number, got {value!r}: it sets the length of arrays."
        ) from None


def check_not_traced(name: str, value: object) -> None:
    """Raises a `ValueError` for what decides what is compiled and yet came in as a traced argument."""
    if any(isinstance(x, Tracer) for x in jax.tree.leaves(value)):
        raise ValueError(
            f"{name} is an argument of jax.jit, vmap or grad and has no value yet, but decides what is "
            "compiled. Close over it, jax.jit(lambda drive: jaxnn.simulate(network, junction, drive, "
            "terminals=(0, 1), dt=1e-3, steps=100)), name it in static_argnames, or use "
            "equinox.filter_jit, which traces arrays only."
        )


def check_type(name: str, value: object, kinds: type | tuple[type, ...], advice: str = "") -> None:
    """Raises a `ValueError` unless `value` is of one of `kinds`, the public classes."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, kinds):
        wanted = " or ".join(f"jaxnn.{kind.__name__}" for kind in kinds)
        raise ValueError(f"{name} must be a {wanted}, got {_named(value)}. {advice}".rstrip())


def check_network(value: object, kinds: type | tuple[type, ...]) -> None:
    """`check_type` for the first argument of a run."""
    single = isinstance(kinds, type)
    if isinstance(value, list | tuple):
        advice = "Call this for each of them." if single else "Give jaxnn.Ensemble(networks) for several."
    else:
        advice = "The arguments are network, junction, drive, in this order."
    check_type("network", value, kinds, advice)


def check_time_step(dt: Numbers) -> None:
    """Raises a `ValueError` unless `dt` is one positive number of seconds."""
    shape = () if isinstance(dt, str) or dt is None else np.shape(dt)
    if isinstance(dt, str) or dt is None or shape:
        got = f"shape {shape}" if shape else repr(dt)
        raise ValueError(
            f"dt must be one number [s], such as 1e-3 for 1 ms, got {got}; for several time steps use "
            "jax.vmap."
        )
    check_at_least("dt", dt, 0, "s", strict=True)


def _named(value: object) -> str:
    """A value by its type, and text as it is."""
    return repr(value) if isinstance(value, str) else type(value).__name__


def check_finite(name: str, value: object, unit: str = "") -> None:
    """Raises a `ValueError` if `value` has a NaN or an infinity."""
    if not holds(lambda x: abs(x) < np.inf, value):
        array = np.asarray(value)
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
    fits = operator.gt if strict else operator.ge
    if not holds(lambda x: fits(x, least), value):
        array = np.asarray(value)
        bad = ~fits(array, least)
        relation = "greater than" if strict else "at least"
        raise ValueError(
            f"{name} must be {relation} {least:g} {unit}".rstrip()
            + f", got {np.atleast_1d(array)[np.atleast_1d(bad)][0]:g}. "
            "All quantities are in SI units."
        )


def check_count(name: str, value: object) -> int:
    """A number of steps or the like, at least 1, as an int; raises a `ValueError` for others."""
    count = whole(name, value)
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}.")
    return count
