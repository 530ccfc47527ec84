"""What analyses take from a `Solution`, and from a network: which junctions are passive."""

from typing import TypeAlias

import equinox as eqx
import numpy as np
from jaxtyping import Bool

from .._core import Declared
from .._networks import Ensemble, Network
from .._simulation import Solution


Junctions: TypeAlias = Declared[Network | Ensemble | Solution | None]
"""Whose junctions the values are of, where some may be passive."""


def recorded(solution: Solution, name: str, ndim: int) -> np.ndarray:
    """A record of one run, time first.

    **Raises:** `ValueError` if it was not recorded or has the axes of a batch in front.
    """
    values = getattr(solution, name)
    if not eqx.is_array(values):
        raise ValueError(f'the Solution has no {name}: simulate with record="{name}".')
    if values.ndim != ndim:
        raise ValueError(
            f"one run is wanted, but the {name} of this Solution has shape {values.shape}: pick a member "
            "of a batch, as in jax.tree.map(lambda x: x[0], solution)."
        )
    return np.asarray(values)


def passive_of(network: Junctions, n_junctions: int) -> Bool[np.ndarray, " junctions"]:
    """Which of so many junctions are passive: those of a `Network`, an `Ensemble` or a `Solution`; of None
    none are.

    **Raises:** `ValueError` if there are not so many, or for anything else.
    """
    if network is None:
        return np.zeros(n_junctions, bool)
    owner = network.network if isinstance(network, Solution) else network
    passive = owner.network.passive if isinstance(owner, Ensemble) else getattr(owner, "passive", None)
    if not isinstance(owner, Network | Ensemble) or passive is None or passive.shape != (n_junctions,):
        raise ValueError(
            f"network must be the jaxnn.Network, jaxnn.Ensemble or jaxnn.Solution of {n_junctions} "
            f"junctions that the values are of, got {network!r}."
        )
    return passive
