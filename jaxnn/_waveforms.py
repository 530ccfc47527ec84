"""The drives of the nanowire literature."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._checks import as_inexact, check_at_least
from ._clock import Clock
from ._drive import AbstractClockDrive, check_finite_fields
from ._numbers import Number, follow, following
from ._units import unit


class Constant(AbstractClockDrive):
    """A fixed voltage [V]."""

    voltage: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))

    def __check_init__(self):
        check_finite_fields(self)

    @following
    def at(self, clock: Clock) -> Float[Array, "..."]:
        return self.voltage + jnp.zeros_like(clock.time)


class Sine(AbstractClockDrive):
    r"""$V = A \sin(2\pi f t + \phi) + V_0$ [V], `frequency` [Hz], `phase` [rad]."""

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz"))
    phase: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("rad"))
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))

    def __check_init__(self):
        check_finite_fields(self)

    @following
    def at(self, clock: Clock) -> Float[Array, "..."]:
        angle = 2 * jnp.pi * clock.cycles(self.frequency) + self.phase
        return self.amplitude * jnp.sin(angle) + self.offset


class Triangle(AbstractClockDrive):
    r"""A triangular wave [V]: 0 and rising at $t = 0$, $+A$ at a quarter and $-A$ at three quarters.

    $$V = A\,\left(1 - 4\,\left|\left\langle f t + \phi/2\pi - 1/4 \right\rangle\right|\right) + V_0$$

    with $\langle x \rangle$ the distance to the nearest whole number; `frequency` [Hz],
    `phase` [rad].
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz"))
    phase: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("rad"))
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))

    def __check_init__(self):
        check_finite_fields(self)

    @following
    def at(self, clock: Clock) -> Float[Array, "..."]:
        cycles = clock.cycles(self.frequency) + self.phase / (2 * jnp.pi) - 0.25
        wave = 1 - 4 * jnp.abs(cycles - jnp.round(cycles))
        return self.amplitude * wave + self.offset


class Square(AbstractClockDrive):
    r"""A square wave [V]: $V_0 + A$ in the first `duty` of each period, $V_0 - A$ in the rest.

    `frequency` [Hz], `phase` [rad]. The derivative in frequency, phase and duty is zero: the edges
    are jumps.
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz"))
    phase: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("rad"))
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    duty: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.5, metadata=unit("1"))

    def __check_init__(self):
        check_finite_fields(self)

    @following
    def at(self, clock: Clock) -> Float[Array, "..."]:
        cycles = clock.cycles(self.frequency) + self.phase / (2 * jnp.pi)
        # A step that falls on an edge counts as after it, however the phase was rounded.
        cycles = cycles + _edge_allowance(self.frequency * clock.time)
        high = cycles - jnp.floor(cycles) < self.duty
        return jnp.where(high, self.amplitude, -self.amplitude) + self.offset


class Ramp(AbstractClockDrive):
    """A straight line from `start` to `stop` [V] in `duration` [s], then `stop`."""

    start: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    stop: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    duration: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s"))

    def __check_init__(self):
        check_finite_fields(self)
        check_at_least("duration of Ramp", self.duration, 0, "s", strict=True)

    @following
    def at(self, clock: Clock) -> Float[Array, "..."]:
        passed = jnp.clip(clock.since(jnp.zeros_like(clock.time)) / self.duration, 0, 1)
        return self.start + (self.stop - self.start) * passed


class OnThenOff(AbstractClockDrive):
    """`on` [V] before `off_time` [s], `off` [V] from then on.

    The derivative in `off_time` is zero: the edge is a jump.
    """

    on: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    off: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    off_time: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s"))

    def __check_init__(self):
        check_finite_fields(self)

    @following
    def at(self, clock: Clock) -> Float[Array, "..."]:
        return jnp.where(clock.reached(self.off_time), self.off, self.on)


class PulseTrain(AbstractClockDrive):
    """Pulses of `amplitude` [V] and `width` [s], one per `period` [s], on a `base` [V].

    The first begins at `start` [s]; there are `count` of them, or no end (None). A step at $t$ is
    in the pulse that begins at $t_0$ if $t_0 < t \\le t_0 +$ width, so that each lasts
    width / dt steps. The derivative in the times is zero: the edges are jumps.

    Raises a `ValueError` unless 0 < width <= period, and count is None or a whole number >= 1.
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    width: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s"))
    period: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s"))
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("s"))
    base: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    count: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        check_finite_fields(self)
        check_at_least("width of PulseTrain", self.width, 0, "s", strict=True)
        own = follow(self)
        check_at_least("period less width of PulseTrain", own.period - own.width, 0, "s")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count of PulseTrain must be None or at least 1, got {self.count}.")

    @following
    def at(self, clock: Clock) -> Float[Array, "..."]:
        passed = clock.since(self.start) / self.period
        phase = Clock(clock.time - self.start, clock.remainder).cycles(1 / self.period)
        number = jnp.round(passed - phase)
        # A step on an edge belongs to the interval that ends there, however it was rounded.
        phase = phase - _edge_allowance(passed)
        number, phase = number + jnp.floor(phase), phase - jnp.floor(phase)
        inside = (number >= 0) & (phase < self.width / self.period)
        if self.count is not None:
            inside = inside & (number < self.count)
        return jnp.where(inside, self.amplitude, self.base)


class Samples(AbstractClockDrive):
    """A sampled voltage [V]: sample k = 0, 1, ... holds in the `interval` [s] that ends at (k+1).

    `values` has time first, `(samples,)` or `(samples, terminals)`. With `interval` = dt, step
    k + 1 gets sample k. After the last sample its value is held. To differentiate with respect to
    many samples, give the array itself to `simulate`, which is faster.

    Raises a `ValueError` for no samples, or a non-finite sample or interval.
    """

    values: Float[Number, "samples *terminals"] = eqx.field(converter=as_inexact, metadata=unit("V"))
    interval: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("s"))

    def __check_init__(self):
        check_finite_fields(self)
        check_at_least("interval of Samples", self.interval, 0, "s", strict=True)
        if self.values.ndim == 0 or self.values.shape[0] == 0:
            raise ValueError("Samples needs at least one sample along its first axis; use Constant.")

    @following
    def at(self, clock: Clock) -> Float[Array, "..."]:
        passed = clock.since(jnp.zeros_like(clock.time)) / self.interval
        # A step within a thousandth of a sample's end still belongs to it.
        index = jnp.ceil(passed - 1e-3).astype(int) - 1
        return self.values[jnp.clip(index, 0, self.values.shape[0] - 1)]


def _edge_allowance(cycles: Array) -> Array:
    """How far [cycles] from an edge a step still counts as on it: the frequency's own rounding."""
    return 8 * jnp.finfo(cycles.dtype).eps * (1 + jnp.abs(cycles))
