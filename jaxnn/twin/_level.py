"""The level that a pad has drifted to when a fit ends."""

import numpy as np
from jaxtyping import Float


# Scans over which the level is averaged, 15 s of the recordings of docs/measured-devices.md. Of 5 to 100 s
# it foretold parts of their first halves best: conductances wander, and old levels mislead.
MEMORY = 74.0


def level_of(
    time: Float[np.ndarray, " times"], residual: Float[np.ndarray, "times pads"], memory: float = MEMORY
) -> Float[np.ndarray, " pads"]:
    """The mean of what a model leaves, the last `memory` scans counting most; 0 for a pad never known."""
    age = (time[-1] - time) / np.median(np.diff(time))
    weight = np.where(np.isfinite(residual), np.exp(-age / memory)[:, None], 0)
    return (weight * np.nan_to_num(residual)).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-300)
