"""Types that recur in kernels, by name."""

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np
from jax.core import ShapedArray
from jax.interpreters import ad
from jaxtyping import Array


Indices: TypeAlias = Array | np.ndarray
"""Whole numbers that say where something lies: in NumPy as a plan is built, traced where it is used."""

AnyArray: TypeAlias = Array | np.ndarray
"""An array that a primitive is given."""

ArrayOrType: TypeAlias = Array | np.ndarray | ShapedArray | jax.ShapeDtypeStruct
"""An array, or its shape and dtype alone where no more than the shapes of results are asked for."""

Tangent: TypeAlias = Array | ad.Zero
"""A tangent or a cotangent, which may be known to be zero."""

if TYPE_CHECKING:
    Structure = Any  # jaxlib says no types
else:
    Structure = jax.tree_util.PyTreeDef
"""The structure of a pytree."""
