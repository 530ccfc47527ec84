"""What a notebook shows of a drive: its voltage against time, for as long as it says something new."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._core import curves, is_known
from .arithmetic import Amplified, Succession, Sum
from .waveforms import Constant, OnThenOff, PulseTrain, Ramp, Sine, Square, Triangle


_PARTS, _WITHIN = 140, 16  # of the time that is shown, and instants in each of them
_PULSES = 5


def voltage_curve(drive: Any) -> str:
    """The voltage [V] against time, of the first seven terminals; "" if there is none."""
    if not is_known(drive):
        return ""
    # A notebook has to show drives of all kinds, those of users among them: what fails has no picture.
    try:
        end = shown_time(drive)
        times = end * np.arange(1, _PARTS * _WITHIN + 1) / (_PARTS * _WITHIN)
        # What lies between two of them takes the place of the next.
        short = np.asarray(short_instants(drive), float)
        times[np.minimum(np.searchsorted(times, short), len(times) - 1)] = short
        volts = np.asarray(_at(drive, jnp.asarray(times)), float)
    except Exception:
        return ""
    rows = volts.reshape(len(times), -1).T
    edges = np.linspace(0, end, _PARTS + 1)
    instants = np.stack([edges[:-1], edges[1:]], -1)
    return curves(instants, _extremes(rows), xlabel="time [s]", ylabel="voltage [V]")


@eqx.filter_jit
def _at(drive: Any, times: jax.Array) -> jax.Array:
    return jax.vmap(drive)(times)


def _extremes(rows: np.ndarray) -> np.ndarray:
    """The least and the largest value in each part of the time, in their order: no pulse is left out."""
    parts = rows.reshape(len(rows), _PARTS, _WITHIN)
    least, most = parts.argmin(-1), parts.argmax(-1)
    ends = np.sort(np.stack([least, most], -1), -1)
    return np.take_along_axis(parts, ends, -1).reshape(len(rows), -1)


def _largest(value: Any) -> float:
    return float(np.max(np.asarray(value, float)))


@ft.singledispatch
def shown_time(drive: Any) -> float:
    """How long a drive is shown [s]: to its end, for 16 of its shortest times, or for a second."""
    lengths = (_largest(drive.end_time()), 16 * _largest(drive.shortest_time()), 1.0)
    return next(length for length in lengths if np.isfinite(length) and length > 0)


@ft.singledispatch
def short_instants(drive: Any) -> list[float]:
    """Instants [s] that must not be left out, such as the middle of each pulse and of each gap."""
    return []


@shown_time.register
def _(drive: Sine | Triangle | Square) -> float:
    slowest = np.abs(np.asarray(drive.frequency, float))
    return 2 / float(np.min(slowest[slowest > 0])) if np.any(slowest > 0) else 1.0


def _pulses(drive: PulseTrain) -> int:
    return _PULSES if drive.count is None else min(drive.count, _PULSES)


@shown_time.register
def _(drive: PulseTrain) -> float:
    return _largest(drive.start) + _pulses(drive) * _largest(drive.period)


@short_instants.register
def _(drive: PulseTrain) -> list[float]:
    width, period, start = (np.asarray(x, float) for x in (drive.width, drive.period, drive.start))
    begin = start + np.arange(_pulses(drive)).reshape(-1, *[1] * start.ndim) * period
    return np.sort([begin + width / 2, begin + (width + period) / 2], axis=None).tolist()


@shown_time.register
def _(drive: Ramp) -> float:
    # The voltage at its end is held.
    return 1.25 * _largest(drive.duration)


@shown_time.register
def _(drive: OnThenOff) -> float:
    return 2 * _largest(drive.off_time) if _largest(drive.off_time) > 0 else 1.0


@shown_time.register
def _(drive: Sum) -> float:
    moving = [part for part in drive.drives if not isinstance(part, Constant)]
    return max(map(shown_time, moving or drive.drives))


@shown_time.register
def _(drive: Amplified) -> float:
    return shown_time(drive.drive)


@shown_time.register
def _(drive: Succession) -> float:
    switch = _largest(drive.switch_time)
    # A voltage that is held from then on has no time of its own.
    held = isinstance(drive.second, Constant) and switch > 0
    return switch + (switch / 2 if held else shown_time(drive.second))


@short_instants.register
def _(drive: Sum) -> list[float]:
    return sorted(instant for part in drive.drives for instant in short_instants(part))


@short_instants.register
def _(drive: Amplified) -> list[float]:
    return short_instants(drive.drive)


@short_instants.register
def _(drive: Succession) -> list[float]:
    switch = _largest(drive.switch_time)
    first = [instant for instant in short_instants(drive.first) if instant <= switch]
    return first + [switch + instant for instant in short_instants(drive.second)]
