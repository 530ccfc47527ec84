"""One pole and a read delay for each pad on its own, by linear least squares over a grid of poles."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


TIME_CONSTANTS = np.geomspace(0.05, 150.0, 48)  # of the interval of the scans


class Pole(NamedTuple):
    """The pole that explains a pad best: `offset + gain u`, relaxing with `time_constant`."""

    time_constant: float
    present: float
    """Weight of the present voltage."""
    charge: float
    """Weight of the relaxed one: the charge that is there when the source steps."""
    offset: float

    @property
    def gain(self) -> float:
        return self.present + self.charge

    @property
    def delay(self) -> float:
        """Time after the step of the source at which the pad is read [s]."""
        left = np.clip(self.charge / self.gain if self.gain else 1.0, 1e-6, 1.0)
        return float(-self.time_constant * np.log(left))


def relaxed(
    time: Float[np.ndarray, " times"],
    source: Float[np.ndarray, " times"],
    constants: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "times n"]:
    """What low passes hold of the source when it steps, from the mean of its first values on."""
    intervals = np.diff(time)
    left = np.exp(-intervals[:, None] / constants)
    state = np.empty((len(source), len(constants)))
    state[0] = source[:10].mean()
    for k in range(len(source) - 1):
        state[k + 1] = source[k] + (state[k] - source[k]) * left[k]
    return state


def best_pole(
    pad: Float[np.ndarray, " times"],
    source: Float[np.ndarray, " times"],
    states: Float[np.ndarray, "times n"],
    constants: Float[np.ndarray, " n"],
) -> Pole:
    """The pole of least squares, with an offset."""
    known = np.isfinite(pad)
    best, least = Pole(float(constants[0]), 0.0, 0.0, 0.0), np.inf
    for state, constant in zip(states.T, constants, strict=True):
        columns = np.stack([source, state, np.ones_like(source)], axis=1)[known]
        weights = np.linalg.lstsq(columns, pad[known], rcond=None)[0]
        cost = float(((pad[known] - columns @ weights) ** 2).sum())
        if cost < least:
            least, best = cost, Pole(float(constant), *map(float, weights))
    return best
