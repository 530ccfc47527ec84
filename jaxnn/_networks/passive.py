"""The conductances of passive junctions, plain or traced."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from .._core import Number, array_module, as_inexact, check_at_least, check_conductance, concrete, follow
from .topology import ArrayInput


def passive_array(values: ArrayInput | None, count: int) -> Float[Number, " passive"]:
    """One number for all passive junctions, or one for each, as an array of one for each."""
    if values is None:
        if count:
            raise ValueError(
                f"{count} junctions are `passive`, which needs their `passive_conductance` [S]: "
                "one number for all, or one for each in the order of `edges`."
            )
        return as_inexact(np.zeros(0))
    if np.shape(values) not in ((), (count,)):
        raise ValueError(
            f"`passive_conductance` must be one number or have shape ({count},), one for each "
            f"passive junction, got shape {np.shape(values)}."
        )
    if isinstance(values, jax.Array) and jnp.issubdtype(values.dtype, jnp.floating):
        return jnp.broadcast_to(values, (count,))
    return as_inexact(np.broadcast_to(np.asarray(values, dtype=float), (count,)))


def check_passive(conductance: Number, passive: np.ndarray, edges: np.ndarray) -> None:
    """Raises a `ValueError` for a conductance that is negative or not finite; traced ones pass."""
    values = concrete(conductance)
    if values is None:
        return
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        junction = np.flatnonzero(passive)[bad[0]]
        a, b = edges[junction]
        raise ValueError(
            "`passive_conductance` must be finite and not negative [S], got "
            f"{values[bad[0]]} for junction {junction} = ({a}, {b}); to remove a junction, "
            "leave it out of `edges`."
        )
    if values.size:
        # The least, because short pieces of a wire conduct as well as a slip of units.
        check_conductance("passive_conductance", values.min())


def contact_conductances(conductance: ArrayLike, count: int) -> Float[Number, " contacts"]:
    """The conductance of the contacts of a pad, once for each.

    **Raises:** `ValueError` unless it is one positive number.
    """
    if np.shape(conductance) != ():
        raise ValueError(
            "The conductance of the pads must be one number [S], the same for every contact, "
            f"got shape {np.shape(conductance)}."
        )
    check_at_least("The conductance of the pads", conductance, 0, "S", strict=True)
    check_conductance("The conductance of the pads", conductance)
    return passive_array(conductance, count)


def joined_numbers(parts: Sequence[Number]) -> Number:
    """Arrays one behind the other along their last axis, those of a batch before it being repeated."""
    join = array_module(*parts)
    parts = parts if join is np else follow(list(parts))
    batch = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return join.concatenate([join.broadcast_to(x, (*batch, x.shape[-1])) for x in parts], axis=-1)
