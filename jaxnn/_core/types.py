"""Types that recur, by name: numbers, counts, terminals, keys."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, SupportsIndex, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from jaxnn_kernels import AbstractPlan


Value = TypeVar("Value")

# What reads a user's code sees the type in `Declared[...]`; what checks annotations at run time, as the
# tests do with beartype, lets everything pass. What a user gives wrongly is then answered by the library's
# own checks, which say what to do, and what a mapped run gives back may have more axes than are declared.
if TYPE_CHECKING:
    Declared = Annotated[Value, "not checked at run time"]
else:

    class Declared:
        """A type for those who read the code; at run time it is `Any`."""

        def __class_getitem__(cls, _: object) -> object:
            return Any


Numbers: TypeAlias = Declared[ArrayLike | npt.ArrayLike]
"""A number, or an array or a list of them, as it is given."""

Count: TypeAlias = Declared[SupportsIndex | float]
"""A whole number, written as 100 or as 1e2."""

Terminals: TypeAlias = Declared[Sequence[object] | Array | np.ndarray]
"""Wires by number or electrodes, as they are given; for an ensemble one sequence per network."""

Key: TypeAlias = PRNGKeyArray
"""A random key, of `jax.random.key` or of the older `jax.random.PRNGKey`."""

Seed: TypeAlias = Declared[
    int | np.integer | Sequence[int] | np.random.SeedSequence | np.random.Generator | None
]
"""Of a NumPy generator, or the generator itself."""

FilePath: TypeAlias = Declared[str | os.PathLike[str]]
"""The name of a file or of a folder."""

Plan: TypeAlias = AbstractPlan
"""What a solver makes of a network once, see `jaxnn.kernels.AbstractPlan`."""
