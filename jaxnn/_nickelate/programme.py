"""Pulse programmes: voltages in segments, each with its own steps, from nanoseconds to months."""

import dataclasses as dc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import (
    Declared,
    Module,
    Number,
    Numbers,
    arguments,
    array_module,
    as_inexact,
    beside_text,
    check_at_least,
    check_finite,
    check_shape,
    follow,
    together,
    unit,
)
from .small_picture import segment_curves


_ARRAYS = ("start", "stop", "duration", "resolution", "compliance")
_STEPS = 64
_RESOLUTION = 1e-9  # [s]
_PER_SEGMENT = 3  # numbers of each beside its two voltages


class Programme(Module):
    r"""A voltage in straight segments, and the time steps to take in each.

    Segment $s$ goes from `start[s]` to `stop[s]` [V] in `duration[s]` [s]. Its `steps` steps grow
    in proportion to the time since its beginning plus `resolution[s]` $= \tau$ [s],

    $$t_j = \tau \left(e^{j a} - 1\right), \qquad a = \ln(1 + D/\tau) / \mathrm{steps}$$

    so that the same number of steps does for a pulse of 100 ns and for a rest of a year. Voltages
    are `(segments, *devices)`: one for all devices, or one for each. `compliance` [ohm] is put in
    series with the devices, as a limit to their current.

    Made by `Programme.pulse`, `rest`, `read`, `train`, `ramp` and `sampled`, and joined by `a.then(b)`, as
    drives are, or by `a + b`, which here is the same, where drives would add up. Called with a time [s] it
    gives the voltage [V].

    Raises a `ValueError` for arrays that do not fit, durations that are not positive, no steps, and more
    steps or segments than half of the free memory holds.

    ```python
    programme = jaxnn.Programme.pulse(2.5, 1e-6) + jaxnn.Programme.read()
    programme.end_times  # [1e-6, 100.0, 101.0] [s]
    programme(0.5e-6)  # 2.5 [V]
    ```
    """

    start: Float[Number, "segments *devices"] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage at the start of each segment [V]."""
    stop: Float[Number, "segments *devices"] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage at the end of each segment [V]."""
    duration: Float[Number, " segments"] = eqx.field(converter=as_inexact, metadata=unit("s"))
    """Time that each segment lasts [s], positive."""
    resolution: Float[Number, " segments"] = eqx.field(converter=as_inexact, metadata=unit("s"))
    """Time tau from which on the steps of each segment grow [s], positive."""
    compliance: Float[Number, " segments"] = eqx.field(converter=as_inexact, metadata=unit("ohm"))
    """Resistance in series with the devices [ohm], not negative."""
    steps: int = eqx.field(static=True, default=_STEPS)
    """Time steps per segment, at least 1."""

    def __check_init__(self):
        check_finite("start of a Programme", self.start, "V")
        check_finite("stop of a Programme", self.stop, "V")
        check_at_least("duration of a Programme", self.duration, 0, "s", strict=True)
        check_at_least("resolution of a Programme", self.resolution, 0, "s", strict=True)
        check_at_least("compliance of a Programme", self.compliance, 0, "ohm")
        steps = arguments.as_count("steps of a Programme", self.steps)
        check_shape(f"The {steps:,} steps of a segment", (4, steps), "take fewer, and more segments")
        shapes = [x.shape for x in (self.duration, self.resolution, self.compliance)]
        count = self.start.shape[:1]
        if self.stop.shape != self.start.shape or not count or shapes != [count] * 3:
            raise ValueError(
                "start and stop of a Programme need one shape, (segments, *devices), and duration, "
                f"resolution and compliance one value per segment; got {self.start.shape}, "
                f"{self.stop.shape} and {shapes}."
            )

    @classmethod
    def pulse(
        cls,
        voltage: Numbers,
        width: Numbers,
        *,
        compliance: Numbers = 0.0,
        resolution: Numbers = _RESOLUTION,
        steps: int = _STEPS,
    ) -> "Programme":
        """Makes one square pulse of `width` [s]; `voltage` [V] is a number or one per device."""
        return cls.ramp(voltage, voltage, width, compliance=compliance, resolution=resolution, steps=steps)

    @classmethod
    def rest(
        cls, duration: Numbers, *, resolution: Numbers = _RESOLUTION, steps: int = _STEPS
    ) -> "Programme":
        """Makes a rest at 0 V for `duration` [s], whose steps are spaced like its logarithm."""
        return cls.pulse(0.0, duration, resolution=resolution, steps=steps)

    @classmethod
    def read(
        cls, voltage: Numbers = 0.1, *, wait: Numbers = 100.0, hold: Numbers = 1.0, steps: int = _STEPS
    ) -> "Programme":
        """Makes a read: `wait` [s] at 0 V, then `voltage` [V] for `hold` [s], at whose end V/I counts."""
        return cls.rest(wait, steps=steps) + cls.pulse(voltage, hold, steps=steps)

    @classmethod
    def ramp(
        cls,
        start: Numbers,
        stop: Numbers,
        duration: Numbers,
        *,
        compliance: Numbers = 0.0,
        resolution: Numbers = _RESOLUTION,
        steps: int = _STEPS,
    ) -> "Programme":
        """Makes a straight line from `start` to `stop` [V] in `duration` [s]."""
        begin, end = together(as_inexact(start), as_inexact(stop))
        begin, end = array_module(begin).broadcast_arrays(begin, end)
        row = lambda x: as_inexact(x)[None]
        return cls(begin[None], end[None], row(duration), row(resolution), row(compliance), steps)

    @classmethod
    def train(
        cls,
        voltage: Numbers,
        *,
        width: Numbers,
        period: Numbers,
        count: int | None = None,
        compliance: Numbers = 0.0,
        resolution: Numbers | None = None,
        steps: int = _STEPS,
    ) -> "Programme":
        """Makes square pulses of `width` [s], one per `period` [s], 0 V between them.

        With `count`, that many pulses of `voltage` [V], a number or one per device; without it,
        `voltage` has the pulses along its first axis, `(pulses, *devices)`. `resolution` is a fiftieth
        of the width unless given. After each pulse comes a segment at 0 V, so that pulse k is segment 2k.
        """
        volts = as_inexact(voltage)
        if count is not None:
            count = arguments.as_count("count of Programme.train", count)
            _check_segments(2 * count, volts)
            volts = array_module(volts).broadcast_to(volts, (count, *volts.shape))
        elif volts.ndim == 0:
            raise ValueError("Programme.train needs count, or one voltage per pulse along the first axis.")
        n = volts.shape[0]
        full = lambda name, x, count: _each(f"{name} of Programme.train", x, count)
        wide, whole = together(full("width", width, n), full("period", period, n))
        check_at_least("period less width of Programme.train", whole - wide, 0, "s", strict=True)
        alternate = lambda a, b: array_module(a).stack([a, b], axis=1).reshape(2 * n, *a.shape[1:])
        volts = alternate(volts, 0.0 * volts)
        duration = alternate(wide, whole - wide)
        fine = as_inexact(width) / 50 if resolution is None else resolution
        fine, series = full("resolution", fine, 2 * n), full("compliance", compliance, 2 * n)
        return cls(volts, volts, duration, fine, series, steps)

    @classmethod
    def sampled(
        cls, voltage: Numbers, interval: Numbers, *, compliance: Numbers = 0.0, steps: int = 2
    ) -> "Programme":
        """Makes a waveform through `voltage` [V], `(samples, *devices)`, one per `interval` [s], evenly."""
        voltage = as_inexact(voltage)
        if voltage.ndim == 0 or voltage.shape[0] < 2:
            raise ValueError(f"Programme.sampled needs two samples or more, got shape {voltage.shape}.")
        n = voltage.shape[0] - 1
        full = lambda name, x: _each(f"{name} of Programme.sampled", x, n)
        # Steps far below the resolution are even.
        coarse = 1e3 * as_inexact(interval)
        every, fine = full("interval", interval), full("resolution", coarse)
        return cls(voltage[:-1], voltage[1:], every, fine, full("compliance", compliance), steps)

    def then(self, other: Declared["Programme"]) -> "Programme":
        """Returns this programme and then another, whose time begins at the end of this one.

        `a + b` is the same and stays so; of drives it is the sum instead, see `jaxnn.AbstractDrive`.
        """
        if not isinstance(other, Programme):
            raise ValueError(f"only another Programme can follow a Programme, got {type(other).__name__}.")
        if other.steps != self.steps:
            raise ValueError(
                f"programmes that follow each other need the same steps, got {self.steps} and "
                f"{other.steps}: a segment of one length is compiled once for all."
            )
        shapes = [x.start.shape[1:] for x in (self, other)]
        ranks = {len(shape) for shape in shapes} - {0}
        if len(ranks) > 1 or any(len({*sizes} - {1}) > 1 for sizes in zip(*shapes, strict=False)):
            raise ValueError(
                f"programmes for devices {shapes[0]} and {shapes[1]} do not fit: give each one voltage, or "
                "one for each of the same devices."
            )
        devices = np.broadcast_shapes(*shapes)
        wide = lambda name: together(*(_wide(getattr(x, name), devices, name) for x in (self, other)))
        join = lambda name: array_module(*(parts := wide(name))).concatenate(parts)
        return Programme(**{name: join(name) for name in _ARRAYS}, steps=self.steps)

    __add__ = then

    def repeat(self, count: int) -> "Programme":
        """Returns the programme `count` times over."""
        count = arguments.as_count("count of Programme.repeat", count)
        _check_segments(count * self.duration.shape[0], self.start[:1])
        tile = lambda x: array_module(x).tile(x, (count,) + (1,) * (x.ndim - 1))
        return Programme(**{name: tile(getattr(self, name)) for name in _ARRAYS}, steps=self.steps)

    def with_steps(self, steps: int) -> "Programme":
        """Returns the same with other steps per segment: twice as many show whether a run has converged."""
        return dc.replace(self, steps=steps)

    def _repr_html_(self) -> str:
        """What a notebook shows: the voltage from segment to segment, of the first devices."""
        return beside_text(self, segment_curves(self))

    @property
    def end_times(self) -> Float[Array, " segments"]:
        """The time at which each segment ends [s]."""
        return jnp.cumsum(follow(self.duration))

    def __call__(self, time: Numbers) -> Float[Array, "*devices"]:
        """The voltage [V] at `time` [s]; an edge belongs to the segment that ends there."""
        own, instant = follow((self, as_inexact(time)))
        ends = own.end_times
        i = jnp.clip(jnp.searchsorted(ends, instant), 0, ends.shape[0] - 1)
        passed = jnp.clip(1 - (ends[i] - instant) / own.duration[i], 0, 1)
        return own.start[i] + passed * (own.stop[i] - own.start[i])


def _each(name: str, value: Numbers, count: int) -> Number:
    """One number for each pulse, or for each segment."""
    number = as_inexact(value)
    if number.shape not in ((), (1,), (count,)):
        raise ValueError(f"{name} must be one number or {count} of them, got shape {number.shape}.")
    return array_module(number).broadcast_to(number, (count,))


def _check_segments(count: int, voltage: Number) -> None:
    """Raises a `ValueError` for more segments than there is room for, each with such voltages."""
    size = count * (2 * voltage.size + _PER_SEGMENT)
    check_shape(f"A Programme of {count:,} segments", (size,), "run a shorter one again and again")


def _wide(x: Number, devices: tuple[int, ...], name: str) -> Number:
    """The voltages of all devices where there were those of one."""
    if name not in ("start", "stop") or x.shape[1:] == devices:
        return x
    lacking = (1,) * (len(devices) - x.ndim + 1)
    wanted = x.shape[:1] + devices
    return array_module(x).broadcast_to(x.reshape(x.shape[:1] + lacking + x.shape[1:]), wanted)


def segment_steps(
    duration: Float[Array, ""], resolution: Float[Array, ""], steps: int
) -> tuple[Float[Array, " steps"], Float[Array, " edges"]]:
    """Durations of the steps of a segment [s], and how far through it their edges are, 0 to 1."""
    a = jnp.log1p(duration / resolution) / steps
    j = np.arange(steps + 1)
    grown = jnp.expm1(a * j.astype(a.dtype))
    # Not by differences of times, which float32 would round.
    lengths = resolution * jnp.exp(a * j[:-1].astype(a.dtype)) * jnp.expm1(a)
    return lengths, grown / grown[-1]
