"""What a parameter of a kernel may be."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array


if TYPE_CHECKING:
    Number = Array  # as which it is computed with
else:
    Number = Array | np.ndarray
"""A JAX array, or a NumPy array, which takes the dtype of what it is combined with."""
