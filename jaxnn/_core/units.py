"""Units of numbers, said where a field or an argument is declared, for `repr` and for sweeps."""

import dataclasses as dc
import functools as ft
import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from jaxtyping import PyTree


def unit(symbol: str) -> dict[str, Any]:
    """What a field is declared with: `eqx.field(metadata=unit("V"))`, or an argument `Annotated`."""
    return {"unit": symbol}


@ft.cache
def field_units(module: type) -> dict[str, str]:
    """The unit of each field of a module that has one."""
    return {f.name: f.metadata["unit"] for f in dc.fields(module) if "unit" in f.metadata}


def argument_units(function: Any) -> dict[str, str]:
    """The unit of each argument of a function that says one."""
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    try:
        hints = get_type_hints(inspect.unwrap(function), include_extras=True)
    except (TypeError, NameError):  # no function, or hints that nobody can read
        return {}
    said = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    units = {
        name: [x["unit"] for x in of if isinstance(x, Mapping) and "unit" in x] for name, of in said.items()
    }
    return {name: found[0] for name, found in units.items() if found}


def unit_of(root: object, place: str) -> str:
    """The unit of a number by its place in a module, or by the name of an argument; "" if unknown."""
    if not dc.is_dataclass(root):
        return argument_units(root).get(place, "")
    unit = ""
    for part in place.split("."):
        # The numbers of an array, of a tuple and of a list are in the unit of the whole.
        if dc.is_dataclass(root) and not part.isdigit():
            unit = field_units(type(root)).get(part, "")
        try:
            root = _at(root, part)
        except (AttributeError, IndexError, TypeError, KeyError):
            return unit
    return unit


def _at(tree: PyTree, part: str) -> Any:
    return tree[int(part)] if part.isdigit() else getattr(tree, part)
