"""A switch in the path of a pad: beyond a threshold its potential is another straight line."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._drift import GAIN, SETTLED, innovations


_THRESHOLDS = np.linspace(0.03, 0.97, 48)  # quantiles of what the pad would be at
_WIDTHS = (0.01, 0.05, 0.2)  # standard deviations


class Switch(NamedTuple):
    r"""`gain x + jump \sigma((x - threshold) / width)` of what the network alone would give."""

    gain: float
    jump: float
    """Height [V]."""
    threshold: float
    """Potential at which half of it has switched [V]."""
    width: float

    def __call__(self, potential: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        return self.gain * potential + self.jump * _logistic((potential - self.threshold) / self.width)


def fit_switch(model: Float[np.ndarray, " times"], pad: Float[np.ndarray, " times"]) -> Switch:
    """The threshold, by trying many; gain and jump by least squares of the pad's changes."""
    spread = float(model.std()) or 1.0
    tried = [
        (threshold, width * spread) for threshold in np.quantile(model, _THRESHOLDS) for width in _WIDTHS
    ]
    steps = np.stack([_logistic((model - at) / width) for at, width in tried], axis=1)
    columns = np.where(np.isfinite(pad)[:, None], np.column_stack([pad, model, steps]), np.nan)
    changes = innovations(columns, GAIN)[SETTLED:]
    changes = changes[np.isfinite(changes).all(axis=1)]
    target, straight, steps = changes[:, 0], changes[:, 1], changes[:, 2:]
    best, least = Switch(1.0, 0.0, 0.0, spread), np.inf
    for (at, width), step in zip(tried, steps.T, strict=True):
        design = np.stack([straight, step], axis=1)
        weights = np.linalg.lstsq(design, target, rcond=None)[0]
        cost = float(((target - design @ weights) ** 2).sum())
        if cost < least:
            best, least = Switch(float(weights[0]), float(weights[1]), float(at), float(width)), cost
    return best


def _logistic(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))
