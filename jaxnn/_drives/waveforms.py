"""The drives of the nanowire literature."""

import types
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxnn_kernels import fractional_cycles, two_part_difference, two_part_product, two_part_sum

from .._core import Number, as_inexact, check_at_least, common_dtype, follow, unit
from .abstract import (
    AbstractClockDrive,
    aligned,
    check_finite_fields,
    most_terminals,
    per_terminal,
    settled,
)
from .clock import TIMING, Clock, Timing


class Constant(AbstractClockDrive):
    """A fixed voltage [V]."""

    voltage: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))

    def __check_init__(self):
        check_finite_fields(self)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        return own.voltage + jnp.zeros_like(clock.time)


class Sine(AbstractClockDrive):
    r"""$V = A \sin(2\pi f t + \phi) + V_0$ [V], `frequency` [Hz], `phase` [rad]."""

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz") | TIMING)
    phase: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.0, metadata=unit("rad") | TIMING
    )
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))

    def __check_init__(self):
        check_finite_fields(self)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        angle = 2 * jnp.pi * clock.cycles(own.frequency) + own.phase.value
        return own.amplitude * jnp.sin(angle) + own.offset


class Triangle(AbstractClockDrive):
    r"""A triangular wave [V]: 0 and rising at $t = 0$, $+A$ at a quarter and $-A$ at three quarters.

    $$V = A\,\left(1 - 4\,\left|\left\langle f t + \phi/2\pi - 1/4 \right\rangle\right|\right) + V_0$$

    with $\langle x \rangle$ the distance to the nearest whole number; `frequency` [Hz],
    `phase` [rad].
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz") | TIMING)
    phase: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.0, metadata=unit("rad") | TIMING
    )
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))

    def __check_init__(self):
        check_finite_fields(self)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        cycles = clock.cycles(own.frequency) + own.phase.value / (2 * jnp.pi) - 0.25
        wave = 1 - 4 * jnp.abs(cycles - jnp.round(cycles))
        return own.amplitude * wave + own.offset


class Square(AbstractClockDrive):
    r"""A square wave [V]: $V_0 + A$ in the first `duty` of each period, $V_0 - A$ in the rest.

    `frequency` [Hz], `phase` [rad]. The derivative in frequency, phase and duty is zero: the edges
    are jumps.
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz") | TIMING)
    phase: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.0, metadata=unit("rad") | TIMING
    )
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    duty: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.5, metadata=unit("1") | TIMING)

    def __check_init__(self):
        check_finite_fields(self)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        # A step that falls on an edge counts as after it, however the phase was rounded.
        edge = clock.tolerance * own.frequency.value
        cycles = _turned(fractional_cycles(own.frequency.parts, clock.parts), own.phase)
        low = two_part_difference((jnp.ones_like(edge), jnp.zeros_like(edge)), own.duty.parts)
        high = jnp.where(
            _excess(cycles) >= -edge,
            _excess(cycles, own.duty.parts) < -edge,
            _excess(cycles, (-low[0], -low[1])) < -edge,
        )
        return jnp.where(high, own.amplitude, -own.amplitude) + own.offset


class Ramp(AbstractClockDrive):
    """A straight line from `start` to `stop` [V] in `duration` [s], then `stop`."""

    start: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    stop: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    duration: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)

    def __check_init__(self):
        check_finite_fields(self)
        check_at_least("duration of Ramp", self.duration, 0, "s", strict=True)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        passed = jnp.clip(clock.time / own.duration.value, 0, 1)
        line = own.start + (own.stop - own.start) * passed
        return jnp.where(clock.reached(own.duration), own.stop, line)


class OnThenOff(AbstractClockDrive):
    """`on` [V] before `off_time` [s], `off` [V] from then on.

    The derivative in `off_time` is zero: the edge is a jump.
    """

    on: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    off: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    off_time: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)

    def __check_init__(self):
        check_finite_fields(self)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        return jnp.where(clock.reached(own.off_time), own.off, own.on)


class PulseTrain(AbstractClockDrive):
    """Pulses of `amplitude` [V] and `width` [s], one per `period` [s], on a `base` [V].

    The first begins at `start` [s]; there are `count` of them, or no end (None). A step at $t$ is
    in the pulse that begins at $t_0$ if $t_0 < t \\le t_0 +$ width, so that each lasts
    width / dt steps. The derivative in the times is zero: the edges are jumps.

    Raises a `ValueError` unless 0 < width <= period, and count is None or a whole number >= 1.
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    width: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)
    period: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("s") | TIMING)
    base: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    count: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        check_finite_fields(self)
        check_at_least("width of PulseTrain", self.width, 0, "s", strict=True)
        own = follow(self)
        check_at_least("period less width of PulseTrain", own.period - own.width, 0, "s")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count of PulseTrain must be None or at least 1, got {self.count}.")

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        number, since = clock.nearest_edge(own.period, own.start)
        # A step on an edge belongs to the interval that ends there, however it was rounded.
        before = since.value <= clock.tolerance
        number = jnp.where(before, number - 1, number)
        gap = two_part_difference(own.period.parts, own.width.parts)
        passed = jnp.where(
            before, _excess(since.parts, (-gap[0], -gap[1])), _excess(since.parts, own.width.parts)
        )
        inside = (number >= 0) & (passed <= clock.tolerance)
        if self.count is not None:
            inside = inside & (number < min(self.count, 2**31 - 1))
        return jnp.where(inside, own.amplitude, own.base)


class Samples(AbstractClockDrive):
    """A sampled voltage [V]: sample k = 0, 1, ... holds in the `interval` [s] that ends at (k+1).

    `values` has time first, `(samples,)` or `(samples, terminals)`. With `interval` = dt, step
    k + 1 gets sample k. After the last sample its value is held. To differentiate with respect to
    many samples, give the array itself to `simulate`, which is faster.

    Raises a `ValueError` for no samples, or a non-finite sample or interval.
    """

    values: Float[Number, "samples *terminals"] = eqx.field(converter=as_inexact, metadata=unit("V"))
    interval: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)

    def __check_init__(self):
        check_finite_fields(self)
        check_at_least("interval of Samples", self.interval, 0, "s", strict=True)
        if self.values.ndim == 0 or self.values.shape[0] == 0:
            raise ValueError("Samples needs at least one sample along its first axis; use Constant.")

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = settled(self, common_dtype((self, clock.time)), clock.time.dtype)
        number, since = clock.nearest_edge(own.interval)
        # A step on the end of a sample still belongs to it.
        index = jnp.where(since.value <= clock.tolerance, number - 1, number)
        return own.values[jnp.clip(index, 0, own.values.shape[0] - 1)]


def _turned(cycles: tuple[Array, Array], phase: Timing) -> tuple[Array, Array]:
    """Cycles and a phase [rad] added up, less the nearest whole number."""
    turn = Timing.of(1 / (2 * np.pi), phase.value.dtype)
    value, remainder = two_part_sum(cycles, two_part_product(phase.parts, turn.parts))
    return value - jnp.round(value), remainder


def _excess(number: tuple[Any, Any], limit: tuple[Any, Any] = (0.0, 0.0)) -> Array:
    """By how much a number in two parts exceeds a limit, exact where that is little."""
    return (number[0] - limit[0]) + (number[1] - limit[1])


def _ready(drive: AbstractClockDrive, clock: Clock) -> Any:
    """A drive's numbers in the dtype of a clock, its voltages with an entry for each terminal.

    As with any voltage, one without an axis of terminals beside others that have it is the first
    terminal's. Numbers that set times are for all terminals.
    """
    drive = settled(drive, common_dtype((drive, clock.time)), clock.time.dtype)
    numbers = {k: v for k, v in vars(drive).items() if isinstance(v, Timing) or eqx.is_inexact_array(v)}
    voltages = {k: v for k, v in numbers.items() if not isinstance(v, Timing)}
    terminals = most_terminals(list(voltages.values()))
    widest = most_terminals([v.value for v in numbers.values() if isinstance(v, Timing)])
    if widest > 1 and terminals <= 1:
        raise ValueError(
            f"{type(drive).__name__} has times for each of {widest} terminals, but its "
            f"{' and '.join(voltages)} are of one voltage, which is the first terminal's: give one "
            f"voltage per terminal as well, as in jnp.full({widest}, voltage)."
        )
    if terminals > 1:
        numbers |= {k: per_terminal(v, terminals) for k, v in voltages.items()}
    leaves, structure = jax.tree.flatten(numbers)
    return types.SimpleNamespace(**structure.unflatten(aligned(leaves)))
