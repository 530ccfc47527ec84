"""The level that a pad has drifted to when a fit ends, and how far back it should be averaged over."""

import numpy as np
from jaxtyping import Float

from ._drift import explained


MEMORIES = (10.0, 25.0, 60.0, 150.0, np.inf)  # [s]
# Where in the fitted part forecasts begin that choose among them, and how long they are.
_ORIGINS, _AHEAD = (0.4, 0.5, 0.6, 0.7), 0.4


def level_of(
    time: Float[np.ndarray, " times"], residual: Float[np.ndarray, "times pads"], memory: float
) -> Float[np.ndarray, " pads"]:
    """The mean of what a model leaves, the last `memory` seconds counting most; 0 for a pad never known."""
    age = time[-1] - time
    weight = np.where(np.isfinite(residual), np.exp(-age / memory)[:, None], 0)
    return (weight * np.nan_to_num(residual)).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-300)


def best_memory(
    time: Float[np.ndarray, " times"],
    model: Float[np.ndarray, "times pads"],
    voltage: Float[np.ndarray, "times pads"],
) -> float:
    """The memory with which the levels of all pads together foretell later parts of the same data best.

    One number for the device: each pad alone has too few forecasts to choose by.
    """
    score = []
    for memory in MEMORIES:
        found = []
        for origin in _ORIGINS:
            first = round(origin * len(time))
            last = min(len(time), first + round(_AHEAD * len(time)))
            level = level_of(time[:first], voltage[:first] - model[:first], memory)
            for pad in range(voltage.shape[1]):
                r2 = explained(voltage[first:last, pad], model[first:last, pad] + level[pad])
                # A forecast that is off by far is bad, however far.
                found.append(max(r2, -1.0) if np.isfinite(r2) else 0.0)
        score.append(np.mean(found))
    return MEMORIES[int(np.argmax(score))]
