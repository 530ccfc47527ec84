"""Open junctions as the limit of small leaks, the same in all of them.

Wires that no junction with g > 0 joins to a terminal have no potential by Kirchhoff's laws. With a leak in
every open junction they have one, whose limit for small leaks hangs neither on the leak nor on which
terminal is called 0 V. An elimination without subtractions is right at any contrast, so that a leak far
below every conductance gives the limit to all digits.
"""

import jax.numpy as jnp
from jaxtyping import Array, DTypeLike

from .. import _arguments as arguments


# Powers of two [S]. From there down a conductance counts as open: far below what any device has, and yet
# its inverse, times a current, and the products of an elimination stay within the range of the dtype.
_EXPONENT = {"float32": -90, "float64": -500}


def leak(dtype: DTypeLike) -> float:
    """The conductance of an open junction [S]."""
    return 2.0 ** _EXPONENT.get(jnp.dtype(dtype).name, -90)


def with_leak(conductance: Array) -> Array:
    """Conductances [S] with the leak in open junctions."""
    closed = jnp.maximum(conductance, jnp.asarray(leak(conductance.dtype), conductance.dtype))
    return jnp.where(conductance < 0, conductance, closed)


@arguments.checked(n_junctions=arguments.count(0), dtype=arguments.float_dtype)
def open_conductance(n_junctions: int, dtype: DTypeLike) -> float:
    """Returns more than so many open junctions together conduct in `solve_nodes` [S].

    With eight side by side; what conducts more is a closed junction.

    ```python
    jaxnn.kernels.open_conductance(100, jnp.float32) < 1e-20  # True
    ```
    """
    return 16 * max(n_junctions, 1) * leak(dtype)


def hanging(conductance: Array) -> float:
    """What a wire conducts at most [S] that nothing but leaks joins to others."""
    return open_conductance(conductance.shape[0], conductance.dtype)


def without_leaks(branch: Array, n_junctions: int) -> Array:
    """Branches between terminals [S], 0 for those that are nothing but leaks."""
    return jnp.where(jnp.abs(branch) <= open_conductance(n_junctions, branch.dtype), 0, branch)


def without_hanging(scale: Array, most: float) -> Array:
    """1 / sqrt(S), and 0 where S is `most` [S] or less, as in a wire on leaks alone."""
    return jnp.where(scale * most**0.5 >= 1, 0, scale)
