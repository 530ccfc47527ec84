"""Sound as a cochlea sends it on: band by band, frame by frame."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import (
    arguments,
    bar,
    check_at_least,
    check_finite,
    check_shape,
)


_CHANNELS, _LOWEST = 64, 100.0  # [1], [Hz]


@arguments.checked(
    recordings=arguments.list_of(
        arguments.real(finite=False, known=True), "a list of recordings, each an array (times,)"
    ),
    rate=arguments.real(ndim=0, above=0, known=True),
    channels=arguments.count(),
    frames=arguments.count(),
    lowest=arguments.real(ndim=0, low=0, known=True),
    decibels=arguments.real(ndim=0, above=0, known=True),
    ear=arguments.either(type(None), arguments.function),
    progress=arguments.flag,
)
def audio_pulses(
    recordings: Sequence[Any],
    rate: float | int,
    *,
    channels: int = _CHANNELS,
    frames: int = 32,
    lowest: float | int = _LOWEST,
    decibels: float | int = 50.0,
    ear: Callable[[Any, float], Any] | None = None,
    progress: bool = True,
) -> Float[Array, "samples channels slots"]:
    """Turns recordings into `frames` pulses in each of `channels` bands of a cochlea, float32.

    Gammatone filters of order 4 (`scipy.signal.gammatone`) with centres even on the scale of equivalent
    rectangular bandwidths from `lowest` [Hz] to 0.9 of half the rate; the power of each band, averaged
    over frames that divide the whole recording evenly, however long it is; and its logarithm, from
    0, `decibels` [dB] or more below the recording's strongest frame, to 1, that frame.

    - `recordings`: a list of arrays `(times,)` of any lengths from `frames` on, `rate` [Hz].
    - `ear`: another cochlea, a function of a recording and its rate that returns the activity, not
      negative, of bands of its own, `(bands, times)`, at `frames` times or more. It takes the place of the
      filters' powers: leave `channels` and `lowest` out.
    - `progress`: a bar, on a terminal or in a notebook.

    Raises a `ValueError` for recordings that are shorter than that and numbers that do not fit.

    Sources: Slaney, Apple Computer Technical Report 35 (1993), as SciPy designs it; Glasberg and Moore,
    Hearing Research 47, 103 (1990).

    ```python
    tone = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    pulses = jaxnn.encoders.audio_pulses([tone], 8000, channels=8, frames=4, progress=False)
    pulses.shape  # (1, 8, 4)
    ```
    """
    channels, frames = arguments.as_count("channels", channels), arguments.as_count("frames", frames)
    check_at_least("rate", rate, 0, "Hz", strict=True)
    check_at_least("decibels", decibels, 0, "dB", strict=True)
    if not 0 < lowest < 0.45 * rate:
        raise ValueError(
            f"lowest must lie in 0 to 0.45 of the rate, {0.45 * rate:g} Hz, got {lowest:g} Hz."
        )
    if not len(recordings):
        raise ValueError("there are no recordings to encode.")
    count, longest = len(recordings), max(map(np.size, recordings))
    # The pulses, and all bands of one recording in float64, squared.
    size = 2 * count * channels * frames + 4 * channels * longest
    advice = "take fewer channels or recordings"
    check_shape(f"{count:,} recordings in {channels:,} bands, {frames:,} frames,", (size,), advice, each=4)
    if ear is None:
        ear = _gammatone_ear(rate, lowest, channels)
    elif (channels, lowest) != (_CHANNELS, _LOWEST):
        raise ValueError("channels and lowest are of the gammatone filters: leave them out with an ear.")
    pulses = []
    for i, sound in enumerate(bar(recordings, desc="cochlea", show=progress)):
        sound = np.asarray(sound)
        check_finite(f"recording {i}", sound)
        if sound.ndim != 1 or sound.size < frames:
            raise ValueError(
                f"each recording must have one axis and at least {frames} times, one per frame, "
                f"got shape {sound.shape} of recording {i}."
            )
        activity = np.asarray(ear(sound, rate), float)
        bands = pulses[0].shape[0] if pulses else None
        if activity.ndim != 2 or activity.shape[1] < frames or bands not in (None, activity.shape[0]):
            raise ValueError(
                f"ear must return activity (bands, times), of as many bands for every recording and at "
                f"least {frames} times, one per frame, got shape {activity.shape} of recording {i}."
            )
        if not (activity >= 0).all():
            raise ValueError(f"ear must return activity that is not negative, not so of recording {i}.")
        pulses.append(_levels(_of_frames(activity, frames), decibels))
    return jnp.asarray(np.stack(pulses))


def _gammatone_ear(
    rate: float | int, lowest: float | int, channels: int
) -> Callable[[np.ndarray, float], np.ndarray]:
    from scipy.signal import gammatone, lfilter  # a second that only those who listen have to wait

    filters = [gammatone(f, "iir", fs=rate) for f in _centres(lowest, 0.45 * rate, channels)]
    return lambda sound, _: np.stack([lfilter(b, a, sound) for b, a in filters]) ** 2


def _centres(lowest: float | int, highest: float, channels: int) -> np.ndarray:
    """Frequencies even on the scale of equivalent rectangular bandwidths [Hz]."""
    even = np.linspace(np.log1p(lowest / 228.83), np.log1p(highest / 228.83), channels)
    return 228.83 * np.expm1(even)


def _of_frames(activity: np.ndarray, frames: int) -> Float[np.ndarray, "channels frames"]:
    """Its mean in each band and frame."""
    edges = np.linspace(0, activity.shape[1], frames + 1).astype(int)
    return np.add.reduceat(activity, edges[:-1], axis=1) / np.diff(edges)


def _levels(power: np.ndarray, decibels: float | int) -> np.ndarray:
    """Their logarithms, from 0 at `decibels` below the strongest to 1; silence is 0."""
    strongest = power.max()
    if strongest == 0:
        return np.zeros(power.shape, np.float32)
    # Far below any `decibels`, so that 0 has a logarithm.
    level = 10 * np.log10(np.maximum(power / strongest, 1e-300))
    return np.clip(1 + level / decibels, 0, 1).astype(np.float32)
