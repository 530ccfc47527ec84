"""An instant, known to more digits than its dtype holds."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxnn_kernels import fractional_cycles

from ._checks import as_array
from ._module import Module
from ._units import unit


class Clock(Module):
    """An instant $t + t'$ [s]: a number and the remainder that its dtype could not hold.

    After 3,000 s of float32 a step of 0.5 ms is half lost in rounding. Drives that are periodic
    or that switch at an instant ask the clock for `cycles` and `since`, which are not.
    """

    time: Float[Array, "*shape"] = eqx.field(metadata=unit("s"))
    remainder: Float[Array, "*shape"] = eqx.field(metadata=unit("s"))

    @classmethod
    def at(cls, time: ArrayLike) -> "Clock":
        """The instant `time` [s] as it stands."""
        time = as_array(time)
        return cls(time, jnp.zeros_like(time))

    def cycles(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Cycles passed at `frequency` [Hz] less the nearest whole number, in [-1/2, 1/2]."""
        return fractional_cycles(*jnp.broadcast_arrays(frequency, self.time, self.remainder))

    def since(self, instant: Float[Array, "..."]) -> Float[Array, "..."]:
        """Seconds passed since `instant` [s], negative before it."""
        return (self.time - instant) + self.remainder

    def reached(self, instant: Float[Array, "..."]) -> Bool[Array, "..."]:
        """Whether `instant` [s] has come, to within a few units in its last place.

        Without that allowance, whether step 2000 of 1 ms has reached 2 s would hang on rounding.
        """
        return self.since(instant) >= -16 * jnp.finfo(self.time.dtype).eps * jnp.abs(instant)
