"""The drives of the nanowire literature."""

import types
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxnn_kernels import fractional_cycles, two_part_difference, two_part_product, two_part_sum

from .._core import (
    Number,
    Numbers,
    array_module,
    as_inexact,
    check_at_least,
    common_dtype,
    follow,
    holds,
    together,
    unit,
)
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
    """A fixed voltage [V].

    ```python
    drive = jaxnn.Constant(0.1)
    drive(2.0)  # 0.1 [V]
    jaxnn.Constant([0.1, 0.0, -0.1])(2.0)  # [0.1, 0.0, -0.1] [V]
    ```
    """

    voltage: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage [V], one for the first terminal or one per terminal."""

    def __check_init__(self):
        check_finite_fields(self)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        return own.voltage + jnp.zeros_like(clock.time)


class Sine(AbstractClockDrive):
    r"""A sine wave, $V = A \sin(2\pi f t + \phi) + V_0$ [V], `frequency` [Hz], `phase` [rad].

    ```python
    drive = jaxnn.Sine(0.5, frequency=2.0, offset=0.1)
    drive(0.125)  # 0.6 [V]
    jax.grad(lambda f: jaxnn.Sine(0.5, f)(0.25))(2.0)  # -0.785 [V/Hz]
    ```
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Amplitude A [V]."""
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz") | TIMING)
    """Frequency f [Hz]."""
    phase: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.0, metadata=unit("rad") | TIMING
    )
    """Phase phi at t = 0 [rad]."""
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    """Mean voltage V_0 [V]."""

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

    ```python
    drive = jaxnn.Triangle(0.2, frequency=1.0)
    jax.vmap(drive)(jnp.array([0.0, 0.125, 0.25, 0.75]))  # [0.0, 0.1, 0.2, -0.2] [V]
    ```
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Amplitude A [V]."""
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz") | TIMING)
    """Frequency f [Hz]."""
    phase: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.0, metadata=unit("rad") | TIMING
    )
    """Phase phi at t = 0 [rad]."""
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    """Mean voltage V_0 [V]."""

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

    ```python
    drive = jaxnn.Square(0.2, frequency=1.0, duty=0.25)
    jax.vmap(drive)(jnp.array([0.0, 0.2, 0.3]))  # [0.2, 0.2, -0.2] [V]
    ```
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Amplitude A, half of what the edges jump by [V]."""
    frequency: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("Hz") | TIMING)
    """Frequency f [Hz]."""
    phase: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.0, metadata=unit("rad") | TIMING
    )
    """Phase phi at t = 0 [rad]."""
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    """Voltage V_0 half way between the two levels [V]."""
    duty: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.5, metadata=unit("1") | TIMING)
    """Share of each period for which the voltage is the upper one [1], from 0 to 1."""

    def __check_init__(self):
        check_finite_fields(self)
        check_at_least("duty of Square", self.duty, 0)
        if not holds(lambda x: x <= 1, self.duty):
            raise ValueError("duty of Square must be a share of the period, at most 1: give 0.3 for 30 %.")

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
    """A straight line from `start` to `stop` [V] in `duration` [s], then `stop`.

    ```python
    drive = jaxnn.Ramp(0.0, 0.4, duration=2.0)
    jax.vmap(drive)(jnp.array([0.0, 1.0, 3.0]))  # [0.0, 0.2, 0.4] [V]
    ```
    """

    start: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage at t = 0 [V]."""
    stop: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage from the end of the ramp on [V]."""
    duration: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)
    """Time that the ramp takes [s], positive."""

    def __check_init__(self):
        check_finite_fields(self)
        check_at_least("duration of Ramp", self.duration, 0, "s", strict=True)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        passed = jnp.clip(clock.time / own.duration.value, 0, 1)
        line = own.start + (own.stop - own.start) * passed
        return jnp.where(clock.reached(own.duration), own.stop, line)

    def end_time(self) -> Numbers:
        return array_module(self.duration).max(self.duration)


class OnThenOff(AbstractClockDrive):
    """A voltage that is `on` [V] before `off_time` [s] and `off` [V] from then on.

    The derivative in `off_time` is zero: the edge is a jump.

    ```python
    drive = jaxnn.OnThenOff(on=0.2, off=0.0, off_time=1.0)
    jax.vmap(drive)(jnp.array([0.5, 1.0]))  # [0.2, 0.0] [V]
    ```
    """

    on: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage before `off_time` [V]."""
    off: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage from `off_time` on [V]."""
    off_time: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)
    """Time at which the voltage changes [s]."""

    def __check_init__(self):
        check_finite_fields(self)

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = _ready(self, clock)
        return jnp.where(clock.reached(own.off_time), own.off, own.on)


class PulseTrain(AbstractClockDrive):
    """A train of pulses of `amplitude` [V] and `width` [s], one per `period` [s], on a `base` [V].

    The first begins at `start` [s]; there are `count` of them, or no end (None). A step at $t$ is
    in the pulse that begins at $t_0$ if $t_0 < t \\le t_0 +$ width, so that each lasts
    width / dt steps. The derivative in the times is zero: the edges are jumps.

    Raises a `ValueError` unless 0 < width <= period, and count is None or a whole number >= 1.

    ```python
    drive = jaxnn.PulseTrain(0.2, width=0.01, period=0.05, count=3)
    jax.vmap(drive)(jnp.array([0.005, 0.03, 0.055]))  # [0.2, 0.0, 0.2] [V]
    ```
    """

    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage of the pulses [V]."""
    width: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)
    """Time that a pulse lasts [s], above 0 and at most `period`."""
    period: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)
    """Time from the start of a pulse to that of the next [s], positive."""
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("s") | TIMING)
    """Time at which the first pulse begins [s]."""
    base: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    """Voltage between the pulses [V]."""
    count: int | None = eqx.field(static=True, default=None)
    """Number of pulses, at least 1; None for no end."""

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

    def end_time(self) -> Numbers:
        if self.count is None:
            return float("inf")
        start, period = together(self.start, self.period)
        return array_module(start).max(start + self.count * period)


class Samples(AbstractClockDrive):
    """A sampled voltage [V]: sample k = 0, 1, ... holds in the `interval` [s] that ends at (k+1).

    `values` has time first, `(samples,)` or `(samples, terminals)`. With `interval` = dt, step
    k + 1 gets sample k. After the last sample its value is held. To differentiate with respect to
    many samples, give the array itself to `simulate`, which is faster.

    Raises a `ValueError` for no samples, or a non-finite sample or interval.

    ```python
    drive = jaxnn.Samples([0.0, 0.1, 0.2], interval=1e-3)
    jax.vmap(drive)(jnp.array([1e-3, 2e-3, 9e-3]))  # [0.0, 0.1, 0.2] [V]
    ```
    """

    values: Float[Number, "samples *terminals"] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Samples of the voltage [V], time first."""
    interval: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)
    """Time for which each sample holds [s], positive."""

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

    def end_time(self) -> Numbers:
        return self.values.shape[0] * self.interval


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
