"""The level that a pad has drifted to when a fit ends, and how it goes on."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


# Scans over which the level is averaged, 15 s of the recordings of docs/measured-devices.md. Of 5 to 100 s
# it foretold parts of their first halves best: conductances wander, and old levels mislead.
MEMORY = 74.0
# A relaxation must leave less than this share of the squares on the last part of the fitted one, as a
# junction must (`_fit_twin`).
_BETTER = 0.9


class Level(NamedTuple):
    r"""What is added to each pad: a constant, and what relaxes since the recording began.

    $$d(t) = d_{end} + b \, (\ln a(t) - \ln a_{end})$$

    with the time $a$ since the recording began: conductances under a bias go on relaxing with the
    logarithm of time, as those of percolating networks and of many memristive films do.
    """

    value: Float[np.ndarray, " pads"]
    """The level of the last scans [V]."""
    slope: Float[np.ndarray, " pads"]
    """Change for each factor e of the time since the recording began [V]; 0 where it foretold nothing."""
    began: float
    """The time from which ages count [s]."""
    log_age: float
    """Logarithm of the age [s] at which the level is `value`."""

    def __call__(self, time: Float[np.ndarray, " times"]) -> Float[np.ndarray, "times pads"]:
        # Before the first scan nothing is known: the level is the one of a ms after it began.
        log_age = np.log(np.maximum(time - self.began, 1e-3))
        return self.value + (log_age - self.log_age)[:, None] * self.slope


def mean_level(time: Float[np.ndarray, " times"], residual: Float[np.ndarray, "times pads"]) -> Level:
    """The mean of what a model leaves of each pad, which stays."""
    return _level(time, residual, np.inf)


def last_level(
    time: Float[np.ndarray, " times"], residual: Float[np.ndarray, "times pads"], validated: float
) -> Level:
    """The mean of what a model leaves, the last scans counting most, and a relaxation where it serves.

    A pad is taken to relax if the slope of its first part foretells the rest, a share of `validated`,
    better than its level then does.
    """
    cut = round((1 - validated) * len(time))
    early = _level(time[:cut], residual[:cut], MEMORY)
    slope = _slope(early, time[:cut], residual[:cut])
    left = lambda level: np.nansum((residual - level(time))[cut:] ** 2, axis=0)
    relaxes = left(early._replace(slope=slope)) < _BETTER * left(early)
    level = _level(time, residual, MEMORY)
    return level._replace(slope=np.where(relaxes, _slope(level, time, residual), 0.0))


def _level(time: np.ndarray, residual: np.ndarray, memory: float) -> Level:
    """A level that stays, 0 for a pad that was never known."""
    interval = np.median(np.diff(time))
    weight = np.exp((time - time[-1]) / interval / memory)
    known = np.where(np.isfinite(residual), weight[:, None], 0)
    value = (known * np.nan_to_num(residual)).sum(axis=0) / np.maximum(known.sum(axis=0), 1e-300)
    # The first scan has an age too, of one interval.
    began = float(time[0] - interval)
    log_age = float((weight * np.log(time - began)).sum() / weight.sum())
    return Level(value, np.zeros_like(value), began, log_age)


def _slope(level: Level, time: np.ndarray, residual: np.ndarray) -> Float[np.ndarray, " pads"]:
    """The slope of least squares in the logarithm of age, once a level would be known."""
    skip = round(MEMORY)
    time, residual = time[skip:], residual[skip:]
    known = np.isfinite(residual)
    count = np.maximum(known.sum(axis=0), 1)
    log_age = np.where(known, np.log(time - level.began)[:, None], 0)
    values = np.where(known, residual, 0)
    centred = np.where(known, log_age - log_age.sum(axis=0) / count, 0)
    return (centred * values).sum(axis=0) / np.maximum((centred**2).sum(axis=0), 1e-300)
