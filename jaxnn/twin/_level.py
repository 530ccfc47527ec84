"""The level that a pad has drifted to when a fit ends."""

import numpy as np
from jaxtyping import Float


# Time [s] over which the level is averaged. Of 5 to 100 s it foretold the second quarters of both
# recordings of docs/measured-devices.md best: conductances wander, and old levels mislead.
MEMORY = 15.0


def level_of(
    time: Float[np.ndarray, " times"], residual: Float[np.ndarray, "times pads"], memory: float = MEMORY
) -> Float[np.ndarray, " pads"]:
    """The mean of what a model leaves, the last `memory` seconds counting most; 0 for a pad never known."""
    age = time[-1] - time
    weight = np.where(np.isfinite(residual), np.exp(-age / memory)[:, None], 0)
    return (weight * np.nan_to_num(residual)).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-300)
