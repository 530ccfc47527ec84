"""The mains as dead pads hear them: a reference for what they add to the live ones."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from ._pickup import SETTLED, fast


# Scans (standard deviation) over which a phase is read, 2.4 s where a scan takes 0.2 s. From 5 to 30 of
# them all serve alike: the mains keep their phase for longer, and noise is gone sooner.
_WIDTH = 12
# Of most parts, of so many, gains of the others must leave less than this share of the squares: two lines
# that are as narrow agree by chance for a while, but not all along.
_PARTS, _BETTER = 3, 0.9


class Heard(NamedTuple):
    """What the mains add to each live pad while dead ones listen.

    A pad that is wired to nothing follows no drive, but it is an aerial for what all leads pick up. Its
    phase takes the place of one that is foretold and soon lost; the amplitude is the fitted part's.
    """

    frequency: float
    """Frequency of the line [Hz]."""
    gain: Complex[np.ndarray, "dead pads"]
    """Amplitude of the line at each live pad, and its phase beside the one at each dead pad [V]; 0 at pads
    of which dead ones know nothing."""

    def __call__(
        self, time: Float[np.ndarray, " times"], dead: Float[np.ndarray, "times dead"]
    ) -> Float[np.ndarray, "times pads"]:
        return np.real(_line_of(time, dead, self.frequency) @ self.gain)


def find_heard(
    time: Float[np.ndarray, " times"],
    residual: Float[np.ndarray, "times pads"],
    dead: Float[np.ndarray, "times dead"],
    frequency: float,
) -> Heard | None:
    """The line in what a model leaves of live pads that dead ones hear, or None where they hear none."""
    line, left = _line_of(time, dead, frequency), fast(residual)
    # In quadrature, and filtered as what is left is.
    columns = fast(np.concatenate([np.real(line), -np.imag(line)], axis=1))
    gain = lambda rows: np.linalg.lstsq(columns[rows], left[rows], rcond=None)[0]
    rows = np.arange(SETTLED, len(time))
    votes = np.zeros(left.shape[1])
    for part in np.array_split(rows, _PARTS):
        miss = left[part] - columns[part] @ gain(np.setdiff1d(rows, part))
        votes += (miss**2).sum(axis=0) < _BETTER * (left[part] ** 2).sum(axis=0)
    hears = votes > _PARTS / 2
    real, imaginary = np.split(np.where(hears, gain(rows), 0), 2)
    return Heard(frequency, real + 1j * imaginary) if hears.any() else None


def _line_of(time: np.ndarray, dead: np.ndarray, frequency: float) -> Complex[np.ndarray, "times dead"]:
    """The line at each dead pad, of amplitude 1; 0 where there is none."""
    carrier = np.exp(2j * np.pi * frequency * time)[:, None]
    weight = np.exp(-0.5 * (np.arange(-4 * _WIDTH, 4 * _WIDTH + 1) / _WIDTH) ** 2)
    centre = slice(4 * _WIDTH, 4 * _WIDTH + len(time))
    envelope = [np.convolve(x, weight)[centre] for x in (fast(dead) / carrier).T]
    envelope = np.stack(envelope, axis=1) if envelope else np.zeros((len(time), 0), complex)
    size = np.abs(envelope)
    return carrier * envelope / np.where(size > 0, size, 1)
