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


_PARAMETER = "a real number, a list or an array of real numbers in SI units, such as 1e-3 for 1 ms"


def as_inexact(value: Numbers) -> Number:
    """A parameter as it is kept: a JAX array as it is, all else as a NumPy array of floats.

    A NumPy array of float64, which nobody chose, is of no dtype yet, see `jaxnn._core.numbers`; nor is a
    weakly typed JAX array, so that no module has another type after an update than before.
    """
    value = arguments.as_numbers("a parameter", value, _PARAMETER)
    if isinstance(value, jax.Array) and (isinstance(value, Tracer) or not value.weak_type):
        return value if jnp.issubdtype(value.dtype, jnp.inexact) else value.astype(float)
    if isinstance(value, np.ndarray | np.generic) and jnp.issubdtype(value.dtype, jnp.inexact):
        if value.dtype != np.float64:
            return jnp.asarray(value)  # float32 is a choice
    # A copy that nobody can write to, or a number could pass the checks and change later.
    array = np.array(value, dtype=float)
    array.flags.writeable = False
    return array  # pyright: ignore[reportReturnType]


def as_array(value: Numbers) -> Array:
    """Data, as opposed to a parameter, as a floating-point JAX array."""
    array = jnp.asarray(arguments.as_numbers("data", value))
    return array if jnp.issubdtype(array.dtype, jnp.inexact) else array.astype(float)


def concrete(value: object) -> np.ndarray | None:
    """`value` as a NumPy array, or None while it is traced and has no value yet."""
    return None if isinstance(value, Tracer) else np.asarray(value)


def check_network(value: object, kinds: type | tuple[type, ...]) -> None:
    """Raises a `ValueError` unless `value`, the first argument of a run, is of one of `kinds`."""
    single = isinstance(kinds, type)
    if isinstance(value, list | tuple):
        advice = "Call this for each of them." if single else "Give jaxnn.Ensemble(networks) for several."
    else:
        advice = "The arguments are network, junction, drive, in this order."
    arguments.one_of(*(kinds,) if single else kinds, advice=advice)("network", value)


def check_time_step(dt: Numbers) -> None:
    """Raises a `ValueError` unless `dt` is one positive number of seconds."""
    wanted = "one number [s], such as 1e-3 for 1 ms"
    if shape := np.shape(arguments.as_numbers("dt", dt, wanted)):
        raise ValueError(f"dt must be {wanted}, got shape {shape}; for several time steps use jax.vmap.")
    check_at_least("dt", dt, 0, "s", strict=True)


def check_finite(name: str, value: object, unit: str = "") -> None:
    """Raises a `ValueError` if `value` has a NaN or an infinity."""
    if not holds(lambda x: abs(x) < np.inf, value):
        arguments.check_finite(name, value, unit)


def check_at_least(
    name: str, value: object, least: int | float, unit: str = "", strict: bool = False
) -> None:
    """Raises a `ValueError` unless `value` is finite and >= `least` (> with `strict`)."""
    check_finite(name, value, unit)
    fits = operator.gt if strict else operator.ge
    if not holds(lambda x: fits(x, least), value):
        bound = {"above": least} if strict else {"low": least}
        arguments.check_range(name, value, unit, **bound)  # pyright: ignore[reportArgumentType]
