"""What laws have in common whose state is a share, from 0 to 1."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._core import Number, check_at_least, holds


def check_share(name: str, value: object) -> None:
    """Raises a `ValueError` for a share that is not from 0 to 1."""
    check_at_least(name, value, 0, "")
    if not holds(lambda x: x <= 1, value):
        raise ValueError(f"{name} must be a share, from 0 to 1: give 0.3 for 30 %.")


def start_state(start: Float[Number, "..."], n_junctions: int) -> Float[Array, " junctions"]:
    """The state that all junctions, or each of them, begin in."""
    return jnp.broadcast_to(jnp.asarray(start), (n_junctions,))


def held(
    rate: Float[Array, " junctions"],
    state: Float[Array, " junctions"],
    low: ArrayLike = 0.0,
    high: ArrayLike = 1.0,
) -> Float[Array, " junctions"]:
    """The rate, or 0 where it would carry a state past the bound that it has reached."""
    stays = ((state >= high) & (rate > 0)) | ((state <= low) & (rate < 0))
    return jnp.where(stays, 0, rate)
