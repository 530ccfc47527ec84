"""What all encoders take: values from 0 to 1 in an array of known axes."""

import numpy as np
from jaxtyping import Array

from .._core import Numbers, as_array, concrete


def unit_values(name: str, values: Numbers, axes: str) -> Array:
    """`values` as an inexact array with these axes; a `ValueError` if it is none or leaves [0, 1]."""
    array = as_array(values)
    if array.ndim != len(axes.split()):
        raise ValueError(f"{name} must have the axes ({axes.replace(' ', ', ')}), got {array.shape}.")
    known = concrete(array)
    # A NaN fails the comparison too.
    if known is not None and known.size and not (np.min(known) >= 0 and np.max(known) <= 1):
        raise ValueError(
            f"{name} must lie in 0 to 1, got {np.min(known):g} to {np.max(known):g}: scale them first, "
            "pixels of 8 bits by 1/255."
        )
    return array
