"""The mains in the leads: a line that pads of high resistance pick up, and that goes on for a while."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from ._drift import innovations


# Scans tell a frequency but for multiples of their rate, so that it is sought where mains are [Hz].
_MAINS = np.concatenate([np.arange(49.0, 51.0, 0.01), np.arange(59.0, 61.0, 0.01)])
_NEAR = np.arange(-0.15, 0.15, 0.004)  # [Hz] by which the mains wander
# Scans: over which phase and frequency are read; within which the line is coherent; that are foretold;
# and slower than which nothing is a line. Where a scan takes 0.2 s these are 8, 20, 60 and 2 s.
_MEMORY, _WINDOW, _AHEAD, _SLOW = 40, 100, 300, 10
SETTLED = 2 * _SLOW  # scans at the start where nothing is heard yet
_LEAST = 0.1  # share of what the pads have left that a line must have
_ORIGINS = 60


class Pickup(NamedTuple):
    """What the mains add to each pad, foretold from the end of a fit.

    The mains are not steady: their phase is lost after some ten seconds. `trust` falls with the time
    since the end as forecasts within the fitted part did.
    """

    frequency: float
    """Frequency of the line [Hz], near 50 or 60: scans tell it but for multiples of their rate."""
    amplitude: Complex[np.ndarray, " pads"]
    """Amplitude and phase at each pad when the fit ends [V]."""
    end: float
    """When the fit ends [s]."""
    ahead: Float[np.ndarray, " ages"]
    """Times since the end [s] of the entries of `trust`."""
    trust: Float[np.ndarray, " ages"]
    """What of a forecast is right, 0 to 1."""
    share: Float[np.ndarray, " pads"]
    """Share of what a model leaves of each pad that is a line within 100 scans, drift aside."""

    def __call__(self, time: Float[np.ndarray, " times"]) -> Float[np.ndarray, "times pads"]:
        age = time - self.end
        wave = np.exp(2j * np.pi * self.frequency * age)[:, None] * self.amplitude
        trust = np.interp(age, self.ahead, self.trust, right=0.0)
        return np.real(wave) * np.where(age > 0, trust, 0.0)[:, None]


def find_pickup(
    time: Float[np.ndarray, " times"], residual: Float[np.ndarray, "times pads"]
) -> Pickup | None:
    """The line in what a model leaves of all pads, or None where there is hardly any."""
    interval = float(np.median(np.diff(time)))
    window, skip = _WINDOW, SETTLED
    left = fast(residual)
    scale = left[skip:].std(axis=0)
    if len(time) < skip + 4 * window or not (scale > 0).any():
        return None
    scale = np.where(scale > 0, scale, np.inf)
    # Of each window the phase is free: the mains wander between them.
    spans = [slice(a, a + window) for a in range(skip, len(time) - window + 1, window)]
    power = np.sum([_power(time[span], left[span] / scale, _MAINS) for span in spans], axis=0)
    main = _MAINS[int(power.sum(axis=1).argmax())]
    share = _line_share(time, left, spans, main)
    pooled = float((share * np.isfinite(scale)).sum() / np.isfinite(scale).sum())
    if pooled < _LEAST:
        return None
    longest = min(len(time) // 2, _AHEAD)
    first = max(skip + 4 * _MEMORY, len(time) // 4)
    origins = np.linspace(first, len(time) - longest, _ORIGINS).astype(int)
    agreement, strength = np.zeros(longest), np.zeros(longest)
    for origin in origins:
        found = _line(time[:origin], left[:origin], scale, main)
        ahead = slice(origin, origin + longest)
        foretold = _wave(time[ahead] - time[origin - 1], *found) / scale
        agreement += (foretold * left[ahead] / scale).sum(axis=1)
        strength += (foretold**2).sum(axis=1)
    trust = _falling(agreement / np.maximum(strength, 1e-300))
    frequency, amplitude = _line(time, left, scale, main)
    return Pickup(frequency, amplitude, time[-1], interval * np.arange(1, longest + 1), trust, share)


def line_share(
    time: Float[np.ndarray, " times"], residual: Float[np.ndarray, "times pads"], pickup: Pickup | None
) -> Float[np.ndarray, " pads"]:
    """Share of what a model leaves, without drift, that is a line near the one that was found."""
    window = _WINDOW
    if pickup is None or len(time) < window:
        return np.zeros(residual.shape[1])
    spans = [slice(a, a + window) for a in range(0, len(time) - window + 1, window)]
    return _line_share(time, fast(residual), spans, pickup.frequency)


def fast(residual: Float[np.ndarray, "times pads"]) -> Float[np.ndarray, "times pads"]:
    """What is faster than any drift; zero where nothing is known and until that has settled."""
    left = np.nan_to_num(innovations(residual, -np.expm1(-1 / _SLOW)))
    left[:SETTLED] = 0
    return left


def _power(
    time: np.ndarray, values: np.ndarray, frequencies: np.ndarray
) -> Float[np.ndarray, "frequencies pads"]:
    wave = np.exp(-2j * np.pi * frequencies[:, None] * (time - time[0]))
    return np.abs(wave @ values) ** 2


def _line(
    time: np.ndarray, left: np.ndarray, scale: np.ndarray, main: float
) -> tuple[float, Complex[np.ndarray, " pads"]]:
    """Frequency and amplitudes at the end, from the last seconds."""
    time, left = time[-4 * _MEMORY :] - time[-1], left[-4 * _MEMORY :]
    weight = np.exp(np.arange(1 - len(time), 1) / _MEMORY)[:, None]
    frequencies = main + _NEAR
    frequency = frequencies[int(_power(time, weight * left / scale, frequencies).sum(axis=1).argmax())]
    return float(frequency), _amplitude(time, left, weight, frequency)


def _amplitude(
    time: np.ndarray, left: np.ndarray, weight: np.ndarray, frequency: float
) -> Complex[np.ndarray, " pads"]:
    angle = 2 * np.pi * frequency * time
    columns = np.stack([np.cos(angle), -np.sin(angle)], axis=1)
    real, imaginary = np.linalg.lstsq(np.sqrt(weight) * columns, np.sqrt(weight) * left, rcond=None)[0]
    return real + 1j * imaginary


def _wave(age: np.ndarray, frequency: float, amplitude: np.ndarray) -> Float[np.ndarray, "times pads"]:
    return np.real(np.exp(2j * np.pi * frequency * age)[:, None] * amplitude)


def _line_share(
    time: np.ndarray, left: np.ndarray, spans: list[slice], main: float
) -> Float[np.ndarray, " pads"]:
    """What a line of the best frequency near the mains explains in each window."""
    explained, total = np.zeros(left.shape[1]), np.zeros(left.shape[1])
    scale = np.where(left.std(axis=0) > 0, left.std(axis=0), np.inf)
    for span in spans:
        at, values = time[span] - time[span][0], left[span]
        frequencies = main + _NEAR
        frequency = frequencies[int(_power(at, values / scale, frequencies).sum(axis=1).argmax())]
        rest = values - _wave(at, frequency, _amplitude(at, values, np.ones((len(at), 1)), frequency))
        explained += (values**2).sum(axis=0) - (rest**2).sum(axis=0)
        total += (values**2).sum(axis=0)
    return explained / np.maximum(total, 1e-300)


def _falling(values: np.ndarray, width: int = 9) -> np.ndarray:
    """Smoothed, never rising, and zero from where it first is nothing."""
    smooth = np.convolve(np.pad(values, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
    return np.clip(np.minimum.accumulate(smooth), 0, 1)
