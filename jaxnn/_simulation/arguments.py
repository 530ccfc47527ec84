"""The arguments that every function which runs a network shares, said once."""

from collections.abc import Mapping
from typing import Any, Required, TypedDict

from jaxtyping import ArrayLike

from .._circuit import Capacitance
from .._core import Count, Declared, Key, Numbers, Terminals
from .solver import AbstractSolver


class RunArguments(TypedDict, total=False):
    """Where a network is held, how finely it is run and from where: as `jaxnn.simulate` takes them."""

    terminals: Required[Terminals]
    """Wires held at the drive's potentials, or electrodes."""
    dt: Required[Declared[ArrayLike]]
    """Time step [s]."""
    start_step: Count
    """Number of the last step before the run, 0 by default."""
    state: Numbers | None
    """State to start from, by default that of a blank network."""
    solver: AbstractSolver | None
    """How node potentials are found, by default by whichever solver takes less work."""
    capacitance: Capacitance | None
    """Charge that wires and junctions hold, by default none."""
    key: Declared[Key | None]
    """Random key of a law that draws random numbers: each step has a key of its own, by its number.
    One for all networks of an ensemble, which each fold it with their number, or one for each."""


class TimedArguments(RunArguments):
    """Those of a run that does not find its length elsewhere."""

    steps: Required[Count]
    """Number of time steps."""


def check_arguments(function: str, given: Mapping[str, Any], wanted: Any) -> None:
    """Names the public function that was called wrongly, as Python does for one that spells them out.

    **Raises:** `TypeError` for an argument that is not among the `wanted` ones, or one that is missing.
    """
    names = ", ".join(wanted.__annotations__)
    if unknown := [name for name in given if name not in wanted.__annotations__]:
        raise TypeError(f"{function}() has no argument {unknown[0]!r}; it takes {names}.")
    if missing := sorted(wanted.__required_keys__ - set(given)):
        raise TypeError(f"{function}() lacks the keyword argument {missing[0]!r}; it takes {names}.")
