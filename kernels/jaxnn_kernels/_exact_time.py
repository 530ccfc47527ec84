"""Times and phases that stay exact in float32, where k dt is half a step off after an hour."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int


# A step number is cut into parts of this many bits, so that a part times half a mantissa
# (12 bits in float32) is an exact product.
_PART = 11


def _split(x: Float[Array, "*shape"]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """`x` as the exact sum of two numbers with half of its mantissa each."""
    info = jnp.finfo(x.dtype)
    high = lax.reduce_precision(x, exponent_bits=info.nexp, mantissa_bits=info.nmant // 2)
    return high, x - high


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """`a + b` rounded, and its rounding error (Knuth 1969, section 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _with_derivative_of(exact: Array, plain: Array) -> Array:
    """The value of `exact` with the derivative of `plain`, which is the same number less exactly."""
    return lax.stop_gradient(exact) + (plain - lax.stop_gradient(plain))


def step_time(
    step: Int[Array, ""], dt: Float[ArrayLike, ""], dt_remainder: Float[ArrayLike, ""]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""The time of a step, $t = k\,(dt + dt')$ [s], as a number and what its dtype could not hold.

    `dt_remainder` is the part of the time step that `dt` rounds away. Partial products are exact
    and summed with their rounding errors, so that time + remainder is right to twice the
    precision of the dtype for any 31-bit step.

    Source: Dekker, Numer. Math. 18, 224 (1971).
    """
    dt = jnp.asarray(dt)
    dtype = dt.dtype
    parts = [((step >> (_PART * i)) & (2**_PART - 1)).astype(dtype) * 2.0 ** (_PART * i) for i in (2, 1, 0)]
    halves = _split(dt)
    time = jnp.zeros((), dtype)
    remainder = step.astype(dtype) * dt_remainder
    for half in halves:
        for part in parts:
            time, error = _two_sum(time, part * half)
            remainder = remainder + error
    time, remainder = _two_sum(time, remainder)
    return _with_derivative_of(time, step.astype(dtype) * dt), lax.stop_gradient(remainder)


def fractional_cycles(
    frequency: Float[Array, "*shape"], time: Float[Array, "..."], remainder: Float[Array, "..."]
) -> Float[Array, "..."]:
    r"""Cycles passed, $f\,(t + t')$, less the nearest whole number: a phase in [-1/2, 1/2].

    Each partial product of the halves of $f$ [Hz] and $t$ [s] is exact and loses its whole part
    before anything is added, so that the phase is good to the dtype's precision however many
    cycles have passed. The derivative is that of $f\,(t + t')$.
    """
    fraction = lambda x: x - jnp.round(x)
    total = frequency * remainder
    for f in _split(frequency):
        for t in _split(time):
            total = total + fraction(f * t)
    return _with_derivative_of(fraction(total), frequency * (time + remainder))


def split_time_step(dt: Any, dtype: jnp.dtype) -> tuple[Float[ArrayLike, ""], Float[ArrayLike, ""]]:
    """A time step [s] as its value in `dtype` and the part that this rounds away."""
    if isinstance(dt, jax.Array):
        high = dt.astype(dtype)
        return high, (dt - high.astype(dt.dtype)).astype(dtype)
    # In NumPy, so that the digits beyond float32 are seen where JAX has no float64.
    high = np.asarray(dt, dtype)
    return high, np.asarray(float(dt) - float(high), dtype)
