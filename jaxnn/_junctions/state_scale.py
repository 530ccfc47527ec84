"""How far apart two states are, where variables have units of their own."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._core import concrete
from .abstract import AbstractJunction


class StateScale(NamedTuple):
    """What makes one length of differences of all variables and junctions."""

    weights: Float[Array, "*variables junctions"] | None
    """Factors to the unit of the first variable, 0 for what does not count; None where all are 1."""
    measured: Any
    """The variable of each junction in whose unit it is measured, (junctions,)."""
    largest: float | None
    """The largest critical value in that unit, if there is one and it has a value yet."""


def state_scale(
    junction: AbstractJunction,
    passive: Bool[np.ndarray, " junctions"],
    state: Array,
    measured: Bool[np.ndarray, " variables"] | None = None,
) -> StateScale:
    r"""The ruler of a network's state, from the `critical_state` $c$ of its law.

    $$|\delta|^2 = \sum_{v,j} \left( \frac{c_{1j}}{c_{vj}} \delta_{vj} \right)^2$$

    in the unit of the first variable, or of the first whose $c$ is finite. A variable whose $c$ is
    infinite does not count, nor does a passive junction, nor one that is not `measured`. Where no $c$ is
    finite, there is nothing to compare with: all variables count alike.
    """
    shape, given, memristive = (-1, state.shape[-1]), junction.critical_state(), ~passive[None]
    if measured is not None:
        memristive = memristive & measured[:, None]
    # In NumPy where it can be: whether all weights are 1 is then known, and they cost nothing.
    known = concrete(given)
    xp: Any = jnp if known is None else np
    scale = xp.asarray(given if known is None else known, float)
    scale = scale.reshape((1,) * (state.ndim - scale.ndim) + scale.shape)
    scale = xp.broadcast_to(scale, state.shape).reshape(shape)
    counts = xp.isfinite(scale) & memristive
    first = xp.argmax(counts, axis=0)
    unit = xp.take_along_axis(scale, first[None], axis=0)
    none = ~counts.any()
    alike = (none & memristive).astype(scale.dtype)
    weights = xp.where(counts, unit, alike) / xp.where(counts, scale, 1)
    if known is None:
        return StateScale(weights.reshape(state.shape).astype(state.dtype), first, None)
    largest = None if none else float(np.max(unit[:, counts.any(axis=0)]))
    if (weights == 1).all():
        return StateScale(None, first, largest)
    return StateScale(jnp.asarray(weights.reshape(state.shape), state.dtype), first, largest)
