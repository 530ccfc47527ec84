"""What a notebook shows of a law: how it conducts between its first state and its critical one."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import curves, is_known


_STATES = 60


def conductance_curve(law: Any) -> str:
    """The conductance [S] against the first variable of the state, from its start to the critical one.

    Of a law with numbers for each junction, or of a batch, the first. "" if there is no such curve.
    """
    if not is_known(law):
        return ""
    one = jax.tree.map(lambda x: x if np.ndim(x) == 0 else jnp.ravel(x)[0], law)
    # A notebook has to show laws of all kinds, those of users among them: what fails has no picture.
    try:
        start = jnp.asarray(one.init_state(_STATES))
        first = start if start.ndim == 1 else start[0]
        end = float(np.ravel(np.asarray(one.critical_state()))[0])
        moved = first + (end - first) * jnp.linspace(0, 1, _STATES, dtype=first.dtype)
        state = moved if start.ndim == 1 else start.at[0].set(moved)
        conductance = np.broadcast_to(np.asarray(one.conductance(state)), _STATES)
    except Exception:
        return ""
    return curves(np.asarray(moved), conductance, xlabel="state", ylabel="conductance [S]")
