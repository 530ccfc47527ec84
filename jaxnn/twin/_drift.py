"""What drifts without the drive is taken off, so that a fit hears the dynamics alone."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._core import compiled


# What is slower than so many scans counts as drift (6 s where a scan takes 0.2 s); charge is faster.
DRIFT = 29.5
# How much of an innovation the level takes over in a scan.
GAIN = float(-np.expm1(-1 / DRIFT))
# Scans at the start that are not compared: until then the level has not settled.
SETTLED = round(DRIFT)


def without_drift(
    values: Float[Array, "times pads"], known: Bool[Array, "times pads"], gain: Float[Array, ""] | float
) -> Float[Array, "times pads"]:
    r"""Innovations of a level that wanders: what each value adds to what the ones before it foretell.

    $$\nu_k = x_k - d_k, \qquad d_{k+1} = d_k + \kappa \nu_k$$

    the steady Kalman filter of a random walk in noise. It is linear in $x$, so that the innovations of
    data less those of a model are those of the residual. A missing value foretells nothing.
    """

    def step(level: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        value, is_known = now
        new = jnp.where(is_known, value - level, 0)
        return level + gain * new, new

    first = jnp.argmax(known, axis=0)
    start = jnp.take_along_axis(values, first[None], axis=0)[0]
    return jax.lax.scan(step, start, (values, known))[1]


_compiled = compiled(lambda values, known, gain: without_drift(values, known, gain))


def innovations(
    values: Float[np.ndarray, "times columns"], gain: float
) -> Float[np.ndarray, "times columns"]:
    """The same of measured numbers, where those that are missing have none (NaN)."""
    known = np.isfinite(values)
    found = _compiled(jnp.asarray(np.where(known, values, 0)), jnp.asarray(known), jnp.asarray(gain))
    return np.where(known, np.asarray(found, float), np.nan)


def explained(data: Float[np.ndarray, " times"], model: Float[np.ndarray, " times"]) -> float:
    """R2 of one array by another where both are known; NaN for data that never change."""
    both = np.isfinite(data) & np.isfinite(model)
    spread = float(((data[both] - data[both].mean()) ** 2).sum()) if both.any() else 0.0
    return 1 - float(((data - model)[both] ** 2).sum()) / spread if spread > 0 else float("nan")


explained_of = ft.partial(np.vectorize, explained, signature="(t),(t)->()")()
"""R2 of each row."""
