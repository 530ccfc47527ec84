"""The names of fields in what is said of values that do not fit them.

A converter, which several fields share, knows neither its field nor its class. As a class is made, each of
its converters is replaced by one that puts both before what it says; and a field that is a switch, a whole
number or another module by its annotation gets one that looks at its kind.
"""

import dataclasses as dc
import functools as ft
import inspect
import types
from collections.abc import Callable
from typing import Any, get_args

import equinox as eqx
import jax

from jaxnn_kernels import arguments


_REFUSED = (
    TypeError,
    ValueError,
    OverflowError,
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
)


def name_fields(cls: type) -> None:
    """Makes the converters of a class's own fields name the field and the class in their errors."""
    for name, annotation in inspect.get_annotations(cls).items():
        default = cls.__dict__.get(name, dc.MISSING)
        declared = isinstance(default, dc.Field)
        metadata = dict(default.metadata) if declared else {}
        if "converter" in metadata:
            metadata["converter"] = _named(metadata["converter"], name, cls.__name__)
        elif (kind := _kind(annotation, metadata)) is not None:
            metadata["converter"] = ft.partial(_kept, kind=kind, name=f"{name} of {cls.__name__}")
        else:
            continue
        if declared:
            default.metadata = types.MappingProxyType(metadata)
        else:
            setattr(cls, name, dc.field(default=default, metadata=metadata))


def _named(converter: Callable[[Any], Any], name: str, owner: str) -> Callable[[Any], Any]:
    @ft.wraps(converter)
    def convert(value: Any) -> Any:
        try:
            return converter(value)
        except _REFUSED as error:
            raise ValueError(f"{name} of {owner}: {error}") from error

    return convert


def _kind(annotation: Any, metadata: dict[str, Any]) -> arguments.Kind | None:
    """What looks at a field, by its annotation; None for those that say no kind."""
    options = get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    given = [x for x in options if x is not type(None)]
    kind = None
    is_static = metadata.get("static", False)
    if given == [bool] and is_static:
        kind = arguments.flag
    elif given == [int] and is_static:
        kind = arguments.count(least=-(2**63))
    elif all(isinstance(x, type) and issubclass(x, eqx.Module) for x in given):
        kind = arguments.one_of(*given)
    if kind is not None and len(given) < len(options):
        return arguments.either(type(None), kind)
    return kind


def _kept(value: Any, kind: arguments.Kind, name: str) -> Any:
    """A value as it is, once its kind is right."""
    kind(name, value)
    return value
