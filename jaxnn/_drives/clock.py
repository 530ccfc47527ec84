"""An instant, and what it is compared with, known to more digits than their dtype holds."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, DTypeLike, Float, Int

from jaxnn_kernels import (
    fractional_cycles,
    split_time_step,
    step_time,
    two_part_difference,
    whole_periods,
)

from .._core import Module, arguments, unit


_EDGE = 2.0**-10  # of a step, by which it may miss an edge and still counts as on it


TIMING = {"timing": True}
"""Marks a field of a drive that sets times, such as a frequency, period, width, instant or phase.

With `frequency: Any = eqx.field(metadata=jaxnn.TIMING)` a plain number keeps all of its digits in a run
in float32: there the field is a `Timing`, to be handed to the methods of the `Clock`.
"""


class Timing(Module):
    """A number that sets times, and what its dtype rounds away.

    `value` is the number to the precision of the run, and has the derivative.

    ```python
    period = jaxnn.Timing.of(0.1, jnp.float32)
    period.value  # 0.1
    period.remainder  # -1.49e-9
    ```
    """

    value: Float[Array, "..."]
    """The number to the precision of the run, in its own unit; it has the derivative."""
    remainder: Float[Array, "..."]
    """What the dtype of the value rounds away, in the same unit."""

    @classmethod
    def of(cls, number: "ArrayLike | Timing", dtype: DTypeLike) -> "Timing":
        """Returns a number in two parts; a JAX array of the same dtype is the number itself, the rest 0."""
        if isinstance(number, Timing):
            return number
        return cls(*map(jnp.asarray, split_time_step(number, dtype)))

    @property
    def parts(self) -> tuple[Array, Array]:
        """The value and the remainder, as the kernels take them."""
        return self.value, self.remainder


_NUMBER = arguments.either(Timing, arguments.real(finite=False))


class Clock(Module):
    """An instant $t + t'$ [s]: a number and the remainder that its dtype could not hold.

    After 3,000 s of float32 a step of 0.5 ms is half lost in rounding. Drives that are periodic
    or that switch at an instant ask the clock for `cycles` and `since`, which are not. What these are
    given is a number, an array or a `Timing`.

    `tolerance` [s] is how near to an edge an instant counts as on it: 1/1024 of a step in a run, and a
    few units in the last place of a time that is given as such.

    ```python
    clock = jaxnn.Clock.at(0.3)
    clock.cycles(2.0)  # -0.4
    clock.since(0.1)  # 0.2 [s]
    clock.reached(0.3)  # True
    ```
    """

    time: Float[Array, "*shape"] = eqx.field(metadata=unit("s"))
    """The instant, to the precision of its dtype [s]."""
    remainder: Float[Array, "*shape"] = eqx.field(metadata=unit("s"))
    """What the dtype of the time could not hold [s]."""
    tolerance: Float[Array, "*shape"] = eqx.field(metadata=unit("s"), repr=False)
    """How near to an edge an instant counts as on it [s], not negative."""

    def __init__(self, time: Array, remainder: Array, tolerance: Array | None = None):
        self.time, self.remainder = time, remainder
        self.tolerance = _rounding(time, time.dtype) if tolerance is None else tolerance

    @classmethod
    @arguments.checked(time=arguments.real(finite=False))
    def at(cls, time: ArrayLike, dtype: DTypeLike | None = None) -> "Clock":
        """Returns the instant `time` [s] as it stands, in a dtype, by default its own or the default."""
        if not isinstance(time, jax.Array):
            time = np.asarray(time, np.float64)
        elif not jnp.issubdtype(time.dtype, jnp.inexact):
            time = time.astype(float)
        if dtype is None:
            dtype = time.dtype if isinstance(time, jax.Array) else jnp.result_type(float)
        value, remainder = map(jnp.asarray, split_time_step(time, dtype))
        return cls(value, remainder, _rounding(value, time.dtype))

    @classmethod
    def at_step(cls, step: Int[Array, ""], dt: Float[Array, ""], dt_remainder: Float[Array, ""]) -> "Clock":
        r"""Returns the instant of a step of a run, $k\,(dt + dt')$ [s]."""
        return cls(*step_time(step, dt, dt_remainder), _EDGE * jax.lax.stop_gradient(dt))

    @property
    def parts(self) -> tuple[Array, Array]:
        """The time and its remainder, as the kernels take them."""
        return self.time, self.remainder

    @arguments.checked(frequency=_NUMBER)
    def cycles(self, frequency: "ArrayLike | Timing") -> Float[Array, "..."]:
        """Returns the cycles passed at `frequency` [Hz] less the nearest whole number, in [-1/2, 1/2]."""
        phase, remainder = fractional_cycles(self._timing(frequency).parts, self.parts)
        return phase + remainder

    @arguments.checked(instant=_NUMBER)
    def since(self, instant: "ArrayLike | Timing") -> Float[Array, "..."]:
        """Returns the seconds passed since `instant` [s], negative before it."""
        instant = self._timing(instant)
        return (self.time - instant.value) + (self.remainder - instant.remainder)

    @arguments.checked(instant=_NUMBER)
    def reached(self, instant: "ArrayLike | Timing") -> Bool[Array, "..."]:
        """Returns whether `instant` [s] has come, to within the clock's `tolerance`.

        Without that allowance, whether step 2000 of 1 ms has reached 2 s would hang on rounding.
        """
        return self.since(instant) >= -self.tolerance

    @arguments.checked(period=arguments.either(Timing, arguments.real(above=0)), start=_NUMBER)
    def nearest_edge(
        self, period: "ArrayLike | Timing", start: "ArrayLike | Timing" = 0.0
    ) -> tuple[Int[Array, "..."], Timing]:
        """Finds the n for which `start` + n `period` [s] is nearest, and the time since that instant [s].

        A step on an edge is within `tolerance` of it, whatever hours have passed. Without a derivative.
        """
        passed = two_part_difference(self.parts, self._timing(start).parts)
        number, rest = whole_periods(passed, self._timing(period).parts)
        return number, Timing(*rest)

    def _timing(self, number: "ArrayLike | Timing") -> Timing:
        return Timing.of(number, self.time.dtype)


def _rounding(time: Array, dtype: DTypeLike) -> Array:
    """By how much [s] a time and what it is compared with may have been rounded."""
    return jax.lax.stop_gradient(4 * float(jnp.finfo(dtype).eps) * jnp.abs(time))
