"""Models and data that several tests of fits share, so that they compile once."""

import jax.numpy as jnp
import numpy as np


TIME = np.linspace(0.0, 1.0, 60)
TRUE = {"decay": 0.4, "height": 3.0}
NOISE = 0.02


def decay(parameters):
    """An exponential that decays to zero."""
    return parameters["height"] * jnp.exp(-jnp.asarray(TIME) / parameters["decay"])


def measured(seed=0):
    """Noisy data of it."""
    clean = np.asarray(decay(TRUE))
    return clean + NOISE * np.random.default_rng(seed).normal(size=clean.size)


def numpy_decay(time, decay, height):
    """The same for SciPy."""
    return height * np.exp(-time / decay)
