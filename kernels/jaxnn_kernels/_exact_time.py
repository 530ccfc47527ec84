"""Times and phases that stay exact in float32, where k dt is half a step off after an hour."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, DTypeLike, Float, Int

from . import _arguments as arguments


# A step number is cut into parts of this many bits, so that a part times half a mantissa
# (12 bits in float32) is an exact product.
_PART = 11


# A number to twice the precision of its dtype: a value, and the remainder that this rounds away.
_Pair = tuple[Array, Array]


_ARRAY = arguments.array()


def _floating(name: str, value: Any) -> None:
    _ARRAY(name, value)
    if not jnp.issubdtype(jnp.result_type(value), jnp.floating):
        arguments.refuse(name, "a number of floating point", value)


def _two_parts(name: str, value: Any) -> None:
    if not (isinstance(value, tuple) and len(value) == 2):
        arguments.refuse(name, "a number in two parts, such as jaxnn.Timing.of(x, dtype).parts", value)
    for part in value:
        _ARRAY(name, part)


def _split(x: Float[Array, "*shape"]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """`x` as the exact sum of two numbers whose products with such halves of others are exact."""
    info = jnp.finfo(x.dtype)
    high = lax.reduce_precision(x, exponent_bits=info.nexp, mantissa_bits=(info.nmant - 1) // 2)
    return high, x - high


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """`a + b` rounded, and its rounding error (Knuth 1969, section 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@arguments.checked(a=_two_parts, b=_two_parts)
def two_part_sum(a: _Pair, b: _Pair) -> _Pair:
    """Adds two numbers in two parts each.

    ```python
    big, small = (jnp.float32(1.0), jnp.float32(0.0)), (jnp.float32(1e-9), jnp.float32(0.0))
    value, remainder = jaxnn.kernels.two_part_sum(big, small)
    remainder  # 1e-9
    ```
    """
    total, error = _two_sum(a[0], b[0])
    return _two_sum(total, error + (a[1] + b[1]))


@arguments.checked(a=_two_parts, b=_two_parts)
def two_part_difference(a: _Pair, b: _Pair) -> _Pair:
    """Subtracts the second of two numbers in two parts each.

    ```python
    third, tenth = (jaxnn.Timing.of(x, jnp.float32).parts for x in (1 / 3, 1 / 10))
    value, remainder = jaxnn.kernels.two_part_difference(third, tenth)
    value  # 0.233
    ```
    """
    return two_part_sum(a, (-b[0], -b[1]))


@arguments.checked(a=_two_parts, b=_two_parts)
def two_part_product(a: _Pair, b: _Pair) -> _Pair:
    """Multiplies two numbers in two parts each.

    The partial products are exact, so that nothing changes where a compiler fuses them with a sum.

    Source: Dekker, Numer. Math. 18, 224 (1971).

    ```python
    third = jaxnn.Timing.of(1 / 3, jnp.float32).parts
    value, remainder = jaxnn.kernels.two_part_product(third, third)
    abs(float(value) + float(remainder) - 1 / 9) < 1e-14  # True
    ```
    """
    total, remainder = jnp.zeros((), a[0].dtype), a[0] * b[1] + a[1] * b[0]
    for x in _split(a[0]):
        for y in _split(b[0]):
            total, error = _two_sum(total, x * y)
            remainder = remainder + error
    return _two_sum(total, remainder)


def _with_derivative_of(exact: Array, plain: Array) -> Array:
    """The value of `exact` with the derivative of `plain`, which is the same number less exactly."""
    return lax.stop_gradient(exact) + (plain - lax.stop_gradient(plain))


@arguments.checked(step=arguments.integers, dt=_floating, dt_remainder=_ARRAY)
def step_time(
    step: Int[Array, ""], dt: Float[ArrayLike, ""], dt_remainder: Float[ArrayLike, ""]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Returns the time of a step, $t = k\,(dt + dt')$ [s], as a number and what its dtype could not hold.

    `dt_remainder` is the part of the time step that `dt` rounds away. Partial products are exact
    and summed with their rounding errors, so that time + remainder is right to twice the
    precision of the dtype for any 31-bit step.

    Source: Dekker, Numer. Math. 18, 224 (1971).

    ```python
    dt, rest = jaxnn.kernels.split_time_step(1e-3, jnp.float32)
    time, remainder = jaxnn.kernels.step_time(jnp.int32(3_000_000), dt, rest)
    time  # 3e3 [s]
    ```
    """
    step, dt = jnp.asarray(step), jnp.asarray(dt)
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


@arguments.checked(frequency=_two_parts, time=_two_parts)
def fractional_cycles(frequency: _Pair, time: _Pair) -> _Pair:
    r"""Returns the cycles passed, $(f + f')(t + t')$, less the nearest whole number: in [-1/2, 1/2].

    Each partial product of the halves of $f$ [Hz] and $t$ [s] is exact and loses its whole part
    before anything is added, so that the phase is good to the dtype's precision and, with its
    remainder, to twice that less the digits of the cycles that have passed. The derivative is that
    of $f\,(t + t')$.

    ```python
    frequency = jaxnn.Timing.of(2.0, jnp.float32).parts
    time = jaxnn.Timing.of(1000.1, jnp.float32).parts
    jaxnn.kernels.fractional_cycles(frequency, time)[0]  # 0.2
    ```
    """
    fraction = lambda x: x - jnp.round(x)
    parts = [x * y for x in _split(frequency[0]) for y in _split(time[0])]
    parts += [frequency[0] * time[1], frequency[1] * time[0]]
    total, remainder = fraction(parts[0]), jnp.zeros((), time[0].dtype)
    for part in parts[1:]:
        total, error = _two_sum(total, fraction(part))
        remainder = remainder + error
    total, remainder = _two_sum(fraction(total), remainder)
    plain = frequency[0] * (time[0] + time[1])
    return _with_derivative_of(total, plain), lax.stop_gradient(remainder)


@arguments.checked(time=_two_parts, period=_two_parts)
def whole_periods(time: _Pair, period: _Pair) -> tuple[Int[Array, "..."], _Pair]:
    r"""Returns the number $n$ for which $t - n P$ is nearest to 0, and that difference [s].

    Two divisions, each of what the one before has left, give $n$ to the last digit. It is cut off near
    $\pm 2^{31}$; the difference is right up to $2^{40}$ periods in float32. Without a derivative.

    Source: Dekker, Numer. Math. 18, 224 (1971), for the arithmetic.

    ```python
    time = jaxnn.Timing.of(1000.1, jnp.float32).parts
    period = jaxnn.Timing.of(0.5, jnp.float32).parts
    n, (since, remainder) = jaxnn.kernels.whole_periods(time, period)
    n  # 2000
    ```
    """
    rest, period = lax.stop_gradient((time, period))
    number = jnp.zeros((), jnp.int32)
    for most in (2.0**31 - 2**11, 2.0**10):
        count = jnp.round(rest[0] / period[0])
        passed = two_part_product((count, jnp.zeros((), count.dtype)), period)
        rest = two_part_difference(rest, passed)
        number = number + jnp.clip(count, -most, most).astype(jnp.int32)
    return number, rest


@arguments.checked(dt=arguments.real(finite=False), dtype=arguments.float_dtype)
def split_time_step(
    dt: ArrayLike, dtype: DTypeLike
) -> tuple[Float[ArrayLike, "..."], Float[ArrayLike, "..."]]:
    """Splits a time step [s], or any other number, into its value in `dtype` and what this rounds away.

    ```python
    value, remainder = jaxnn.kernels.split_time_step(1e-3, jnp.float32)
    value  # 0.001 [s]
    remainder  # -4.75e-11 [s]
    ```
    """
    if isinstance(dt, jax.Array):
        info = jnp.finfo(dtype)
        # Unlike a conversion there and back, this is not taken for superfluous by a compiler.
        high = lax.reduce_precision(dt, exponent_bits=info.nexp, mantissa_bits=info.nmant)
        return high.astype(dtype), (dt - high).astype(dtype)
    # In NumPy, so that the digits beyond float32 are seen where JAX has no float64.
    exact = np.asarray(dt, np.float64)
    high = exact.astype(dtype)
    return high, (exact - high).astype(dtype)
