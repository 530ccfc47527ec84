"""What is kept of a run: small functions of a `Solution`, evaluated on the device."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from jaxtyping import ArrayLike

from .._core import Declared, arguments
from ..reductions import (
    activation_time,
    conductance_trace,
    events,
    final_conductance,
    largest_conductance,
    largest_exponent,
    mean_power,
)


@dataclasses.dataclass(frozen=True)
class Reduction:
    """A function of a `Solution` (or of what `method` returns) with what the result says about it.

    `dimensions` names the axes of its value; "time" gets the times kept as a coordinate. `record` is
    what the simulation has to keep for it.

    ```python
    final = jaxnn.Reduction(
        lambda run: run.node_potential[-1], unit="V", dimensions=("node",), record=("node_potential",)
    )
    results = {"final_potential": final}  # for `reduce` of `jaxnn.sweep`
    ```
    """

    function: Callable[[Any], Any]
    """What is called with each solution."""
    unit: str = ""
    """Unit of its value."""
    description: str = ""
    """What its value is, in a few words."""
    dimensions: tuple[str, ...] = ()
    """Names of the axes of its value; "time" gets the times kept as a coordinate."""
    record: tuple[str, ...] = ()
    """What the simulation has to keep for it, as `record` of `jaxnn.simulate`."""

    def __post_init__(self):
        arguments.function("function of a Reduction", self.function)
        for name in ("unit", "description"):
            arguments.one_of(str)(f"{name} of a Reduction", getattr(self, name))
        for name in ("dimensions", "record"):
            arguments.list_of(arguments.one_of(str), "a tuple of names")(
                f"{name} of a Reduction", getattr(self, name)
            )


Reduce: TypeAlias = Declared[
    str | Sequence[str] | Mapping[str, str | Reduction | Callable[[Any], ArrayLike]]
]
"""What is kept of each run, by names of reductions, or as functions by name."""


# Unit, dimensions, record of each that a specification may name.
REDUCTIONS: dict[str, tuple[Callable[..., Any], str, tuple[str, ...], tuple[str, ...]]] = {
    "final_conductance": (final_conductance, "S", (), ()),
    "largest_conductance": (largest_conductance, "S", (), ()),
    "activation_time": (activation_time, "s", (), ()),
    "events": (events, "1", (), ()),
    "mean_power": (mean_power, "W", (), ("power",)),
    "conductance": (conductance_trace, "S", ("time",), ()),
    "largest_exponent": (largest_exponent, "1/s", (), ()),
}


def register_reduction(
    name: str,
    function: Callable[..., Any],
    *,
    unit: str = "",
    dimensions: tuple[str, ...] = (),
    record: tuple[str, ...] = (),
) -> None:
    """Lets specifications name a function of a `Solution`; its keyword arguments are their settings.

    **Raises:** `ValueError` for a name that is taken by another function or is no identifier.

    ```python
    def deviation_of_conductance(solution, first=0):
        return solution.conductance[first:].std()


    jaxnn.register_reduction("deviation_of_conductance", deviation_of_conductance, unit="S")
    ```
    """
    _check_name("name", name)
    if name in REDUCTIONS and REDUCTIONS[name][0] is not function:
        raise ValueError(f"There is a reduction {name!r} already; choose another name.")
    REDUCTIONS[name] = (function, unit, dimensions, record)


def named_reduction(name: str, settings: Mapping[str, Any]) -> Reduction:
    """The registered reduction, with values for its keyword arguments.

    **Raises:** `ValueError` for a name that nobody registered or a setting that it does not have.
    """
    if name not in REDUCTIONS:
        raise ValueError(f"There is no reduction {name!r}; there are {sorted(REDUCTIONS)}.")
    function, unit, dimensions, record = REDUCTIONS[name]
    parameters = inspect.signature(function).parameters
    known = list(parameters)[1:]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ValueError(f"The reduction {name!r} has no setting {unknown[0]!r}; it has {known}.")
    for key, value in settings.items():
        if isinstance(parameters[key].default, int | float) and not isinstance(value, int | float):
            raise ValueError(f"{key} of the reduction {name!r} must be a number, got {value!r}.")
    described = "".join(f", {key} = {value}" for key, value in settings.items())
    first_line = (function.__doc__ or name).splitlines()[0].rstrip(".")
    return Reduction(
        lambda solution: function(solution, **settings), unit, first_line + described, dimensions, record
    )


def reductions_of(reduce: Reduce) -> dict[str, Reduction]:
    """Reductions by the name of their variable, from names, functions and reductions.

    **Raises:** `ValueError` for anything else and for names that cannot name a variable.
    """
    if isinstance(reduce, str):
        reduce = (reduce,)
    if not isinstance(reduce, Mapping):
        arguments.list_of(_check_name, "names of reductions, or functions by name")("reduce", reduce)
        reduce = {name: name for name in reduce}
    out = {}
    for name, what in reduce.items():
        _check_name("reduce", name)
        if isinstance(what, str):
            what = named_reduction(what, {})
        elif not isinstance(what, Reduction):
            if not callable(what):
                raise ValueError(
                    f"The reduction {name!r} must be a function of a jaxnn.Solution, a jaxnn.Reduction or "
                    f"one of {sorted(REDUCTIONS)}, got {what!r}."
                )
            what = Reduction(what, description=(what.__doc__ or name).splitlines()[0])
        out[name] = what
    if not out:
        raise ValueError("A sweep keeps nothing but its reductions: give at least one.")
    return out


def recording(reductions: Mapping[str, Reduction], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with what the reductions need added to `record`."""
    given = settings.get("record", ())
    record = {given} if isinstance(given, str) else {*given}
    record |= {name for reduction in reductions.values() for name in reduction.record}
    rest = {name: value for name, value in settings.items() if name != "record"}
    return rest | ({"record": tuple(sorted(record))} if record else {})


def _check_name(_argument: str, name: object) -> None:
    # It becomes the name of a folder in the store.
    if not isinstance(name, str) or not name.isidentifier() or name in DIAGNOSIS:
        raise ValueError(
            f"A reduction's name must be a Python identifier other than {list(DIAGNOSIS)}, got {name!r}."
        )


DIAGNOSIS = ("diagnosis", "failed_step", "largest_change")
