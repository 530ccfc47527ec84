"""The base of all public modules: an `equinox.Module` whose `repr` shows its numbers."""

import dataclasses as dc
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from .field_docs import described
from .field_names import name_fields
from .units import field_units
from .unrecorded import NotRecorded


_WIDTH = 100
_MOST_FIELDS = 16  # of which all are shown, also those at their default
_MOST_ITEMS = 6
_MOST_ENTRIES = 4  # of an array that is written out
_LARGEST = 2**24  # entries that are looked through for their range
_FIXED = "\N{NO-BREAK SPACE}"  # where no line may end, until the text is laid out


class Module(eqx.Module):
    """An `equinox.Module` that is shown in a few lines: numbers with units, arrays with their range.

    A field says its unit in its declaration, `eqx.field(metadata=unit("V"))`, and what it is in a
    docstring beneath it, which `help` of the class shows. What a user gives for it wrongly is refused with
    its name.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.__doc__ = described(cls)
        name_fields(cls)

    def __repr__(self) -> str:
        return _laid_out(_fields(self))

    def __pdoc__(self, **options: object) -> Any:
        """The same inside another module, which equinox shows."""
        import wadler_lindig

        return wadler_lindig.TextDoc(_text(self).replace(_FIXED, " "))


def show(name: str, **parts: object) -> str:
    """The `repr` of a module whose fields are not what a user gave."""
    return _laid_out(f"{name}({', '.join(f'{key}={_text(part)}' for key, part in parts.items())})")


def _laid_out(text: str) -> str:
    lines = textwrap.fill(
        text, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return lines.replace(_FIXED, " ")


def _fields(module: Module) -> str:
    """A module on one line. Switches at their default and what is None are left out."""
    units = field_units(type(module))
    missing = lambda x: x is None or isinstance(x, NotRecorded)
    shown = [f for f in dc.fields(module) if f.repr and not missing(getattr(module, f.name, None))]
    shown = [f for f in shown if not (f.metadata.get("static") and _is_default(module, f))]
    rest = []
    if len(shown) > _MOST_FIELDS and any(_is_default(module, f) for f in shown):
        changed = [f for f in shown if not _is_default(module, f)] or shown[:_MOST_ITEMS]
        rest = [f"{len(shown) - len(changed)} others by default".replace(" ", _FIXED)]
        shown = changed
    parts = [f"{f.name}={_text(getattr(module, f.name), units.get(f.name, ''))}" for f in shown]
    return f"{type(module).__name__}({', '.join([*parts, *rest])})"


def _is_default(module: Module, field: dc.Field) -> bool:
    if field.default is dc.MISSING:
        return False
    value, default = getattr(module, field.name), field.default
    if not eqx.is_array(value):
        return value is default or (isinstance(value, bool | int | float | str) and value == default)
    if isinstance(value, Tracer):
        return False
    return np.shape(value) == np.shape(default) and bool(np.all(np.asarray(value) == np.asarray(default)))


def _text(x: object, unit: str = "") -> str:
    """Any value on one line; a line may end at its spaces alone."""
    if isinstance(x, jax.Array | np.ndarray | np.generic | jax.ShapeDtypeStruct):
        text = _array(x)
        words = f"{text} {unit}" if unit not in ("", "1") and any(c.isdigit() for c in text) else text
        return words.replace(" ", _FIXED)
    if isinstance(x, Module):
        return _fields(x) if type(x).__repr__ is Module.__repr__ else repr(x)
    if isinstance(x, bool | int | float | complex):
        return _text(np.asarray(x), unit) if isinstance(x, float) else repr(x)
    if isinstance(x, str):
        return repr(x).replace(" ", _FIXED)
    if (named := getattr(x, "_asdict", None)) is not None:  # a named tuple
        items = [f"{name}={_text(part)}" for name, part in named().items()]
        return f"{type(x).__name__}({', '.join(items)})"
    if isinstance(x, tuple | list):
        inside = _listed([_text(part, unit) for part in x])
        return f"[{inside}]" if isinstance(x, list) else f"({inside}{',' * (len(x) == 1)})"
    if isinstance(x, Mapping):
        return "{" + _listed([f"{key}: {_text(part, unit)}" for key, part in x.items()]) + "}"
    if callable(x) and hasattr(x, "__qualname__"):
        return x.__qualname__
    # Items of an enumeration begin with the name of a private module.
    return textwrap.shorten(re.sub(r"^[\w.]*\.(?=\w+<)", "", repr(x)), 200, placeholder=" ...")


def _listed(items: list[str]) -> str:
    over = len(items) - _MOST_ITEMS
    return ", ".join(items if over < 2 else [*items[:_MOST_ITEMS], f"{over}{_FIXED}more"])


def _array(x: Array | np.ndarray | np.generic | jax.ShapeDtypeStruct) -> str:
    """A number, a few numbers, or the dtype, shape and range of more."""
    kind = f"{x.dtype}[{','.join(map(str, x.shape))}]"
    if isinstance(x, jax.ShapeDtypeStruct):
        return kind
    if isinstance(x, Tracer):
        return f"{kind} traced"
    if isinstance(x, jax.Array):
        if x.is_deleted():
            return f"{kind} deleted"
        if not x.is_fully_addressable or jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            return kind
    if x.dtype == object:
        return kind
    if x.ndim == 0:
        return _number(np.asarray(x)[()])
    if x.ndim == 1 and x.size <= _MOST_ENTRIES:
        return f"[{', '.join(map(_number, np.asarray(x)))}]"
    return f"{kind} {_range(np.asarray(x))}".rstrip() if x.size <= _LARGEST else kind


def _range(array: np.ndarray) -> str:
    if array.dtype.kind == "b":
        return f"{array.sum()} true"
    if array.dtype.kind not in "iuf":  # complex, text
        return ""
    missing = int(np.isnan(array).sum())
    if missing == array.size:
        return "all NaN" if missing else ""
    low, high = _number(np.nanmin(array)), _number(np.nanmax(array))
    span = f"all {low}" if low == high else f"{low} to {high}"
    return f"{missing} NaN, {span}" if missing else span


def _number(x: object) -> str:
    return f"{x:.6g}" if isinstance(x, float | np.floating | complex | np.complexfloating) else str(x)
