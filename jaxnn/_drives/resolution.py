"""What a drive loses at the time steps of a run: pulses between two steps, periods too short for them."""

import functools as ft
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .._core import concrete, warn_user
from .abstract import AbstractDrive
from .arithmetic import Amplified, Succession, Sum
from .waveforms import OnThenOff, PulseTrain, Ramp, Samples, Sine, Square, Triangle


# With 8 samples a period the largest of them is within 1 - cos(pi / 8) = 8 % of the peak.
_SAMPLES = 8
# A length that is no whole number of steps is wrong by less than this share of it, or is told.
_UNEVEN = 0.05
# A run from the start that reaches less than this share of a waveform may have another unit of time.
_REACHED = 0.1
# Lengths that differ by less than this share of a step are the same, as for the edges of drives.
_SAME = 1e-3


class Span(NamedTuple):
    """The time step of a run, where it begins and where it ends [s]; NaN where that is traced."""

    dt: float
    begin: float
    end: float

    @property
    def is_first(self) -> bool:
        """Whether nothing came before: a run that goes on from another has seen the rest."""
        return self.begin == 0


def warn_of_losses(drive: object, dt: object, steps: int, start_step: object) -> None:
    """Warns of what a drive loses at steps of `dt` [s], as far as numbers are not traced."""
    if not isinstance(drive, AbstractDrive):
        return
    step, start = _known(dt), _known(start_step)
    for loss in losses(drive, Span(float(step), float(start * step), float((start + steps) * step))):
        warn_user(f"{type(drive).__name__}: {loss}")


@ft.singledispatch
def losses(drive: AbstractDrive, span: Span) -> Iterator[str]:
    """What a drive loses in a run, each in a sentence or two, with the remedy."""
    yield from _too_short("a change", _known(drive.shortest_time()), span.dt)


@losses.register
def _(drive: Sum, span: Span) -> Iterator[str]:
    for part in drive.drives:
        for loss in losses(part, span):
            yield f"{type(part).__name__}: {loss}"


@losses.register
def _(drive: Amplified, span: Span) -> Iterator[str]:
    for loss in losses(drive.drive, span):
        yield f"{type(drive.drive).__name__}: {loss}"


@losses.register
def _(drive: Succession, span: Span) -> Iterator[str]:
    switch = float(_known(drive.switch_time))
    if span.is_first and switch >= span.end - _SAME * span.dt:
        yield (
            f"the second drive takes over at {switch:g} s, no earlier than the end of the run, "
            f"{span.end:g} s: it is never seen. Times are in seconds; use more steps to see it."
        )
    early = Span(span.dt, span.begin, min(span.end, switch))
    late = Span(span.dt, max(span.begin - switch, 0.0), span.end - switch)
    for part, its in ((drive.first, early), (drive.second, late)):
        # Comparisons with a traced time, NaN, are false.
        for loss in losses(part, its) if not its.end <= its.begin else ():
            yield f"{type(part).__name__}: {loss}"


@losses.register
def _(drive: Sine | Triangle, span: Span) -> Iterator[str]:
    frequency = float(np.max(np.abs(_known(drive.frequency)), initial=0))
    samples = 1 / (frequency * span.dt) if frequency else math.inf
    remedy = f"use a dt of at most {1 / (_SAMPLES * max(frequency, 1e-300)):.3g} s."
    if samples < 2 * (1 - _SAME):
        alias = abs(frequency - round(frequency * span.dt) / span.dt)
        yield (
            f"{frequency:g} Hz in steps of dt = {span.dt:g} s is {samples:.3g} samples a period, and the "
            f"network is driven at {alias:.3g} Hz instead; {remedy}"
        )
    elif samples < _SAMPLES * (1 - _SAME):
        yield (
            f"{frequency:g} Hz in steps of dt = {span.dt:g} s is {samples:.3g} samples a period, which "
            f"miss a peak by up to {100 * (1 - math.cos(math.pi / samples)):.0f} %; {remedy}"
        )


@losses.register
def _(drive: Square, span: Span) -> Iterator[str]:
    frequency = np.abs(_known(drive.frequency))
    period = np.divide(1, frequency, out=np.full_like(frequency, np.inf), where=frequency != 0)
    period, duty = np.broadcast_arrays(period, _known(drive.duty))
    parts = np.stack([duty * period, (1 - duty) * period])
    yield from _in_steps("the high or low part of a period", parts, span.dt)


@losses.register
def _(drive: Ramp, span: Span) -> Iterator[str]:
    yield from _too_short("the ramp", _known(drive.duration), span.dt)


@losses.register
def _(drive: OnThenOff, span: Span) -> Iterator[str]:
    if not span.is_first:
        return
    off_time = _known(drive.off_time)
    if np.any(off_time <= (1 + _SAME) * span.dt):
        yield (
            f"off_time = {np.min(off_time):g} s is no later than the first step, at dt = {span.dt:g} s: it "
            "is never on. Times are in seconds; use a smaller dt to see it on."
        )
    if np.any(off_time > span.end + _SAME * span.dt):
        yield (
            f"off_time = {np.max(off_time):g} s is after the end of the run, {span.end:g} s: it is never "
            "off. Times are in seconds; use more steps to see it off."
        )


@losses.register
def _(drive: PulseTrain, span: Span) -> Iterator[str]:
    width, period, start = map(_known, (drive.width, drive.period, drive.start))
    yield from _in_steps("a pulse", width, span.dt)
    yield from _in_steps("the time between two pulses", np.asarray(period - width), span.dt)
    if span.is_first and np.any(start >= span.end - _SAME * span.dt):
        yield (
            f"the first pulse, at {np.max(start):g} s, is after the end of the run, {span.end:g} s. Times "
            "are in seconds; use more steps to see it."
        )


@losses.register
def _(drive: Samples, span: Span) -> Iterator[str]:
    interval, count = float(_known(drive.interval)), drive.values.shape[0]
    if count > 1:
        yield from _in_steps("a sample", np.asarray(interval), span.dt)
    end = count * interval
    if count > 1 and span.end - end > max(interval, span.dt) * (1 - _SAME):
        yield (
            f"the {count} samples end at {end:g} s and the run at {span.end:g} s: the last sample is held "
            "in between. Use fewer steps, or samples for all of the run."
        )
    if span.is_first and span.end < _REACHED * end:
        reached = math.ceil(span.end / interval - _SAME)
        yield (
            f"the run ends at {span.end:g} s and reaches {reached} of the {count} samples, of "
            f"{interval:g} s each. The interval is in seconds; use more steps to see them all."
        )


def _too_short(what: str, length: np.ndarray, dt: float) -> Iterator[str]:
    """A length [s] that falls between two steps; what has none is left out."""
    short = (length > 0) & (length < (1 - _SAME) * dt)
    if np.any(short):
        least = np.min(length[short])
        yield (
            f"{what} of {least:.3g} s is shorter than dt = {dt:g} s and may fall between two steps: "
            f"use a dt of at most {least:.3g} s."
        )


def _in_steps(what: str, length: np.ndarray, dt: float) -> Iterator[str]:
    """A length [s] too short for dt, or one that is far from a whole number of few steps."""
    yield from _too_short(what, length, dt)
    n = np.where(np.isfinite(length) & (length >= (1 - _SAME) * dt), length / dt, 1)
    error = np.abs(n - np.round(n)) / n
    if np.any(error > _UNEVEN):
        worst = np.ravel(n)[np.argmax(error)]
        yield (
            f"{what} of {worst * dt:.3g} s is {worst:.3g} steps of dt = {dt:g} s, so that it takes "
            f"{math.floor(worst)} steps at one time and {math.ceil(worst)} at another; use a smaller dt, "
            f"such as {worst * dt / math.ceil(worst):.6g} s."
        )


def _known(value: object) -> np.ndarray:
    """A number as it is given, NaN while it is traced; comparisons with that are all false."""
    known = concrete(value)
    return np.asarray(np.nan) if known is None else np.asarray(known, np.float64)
