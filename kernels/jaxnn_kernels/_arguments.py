"""One check per kind of argument, and the decorator that says which argument is of which kind.

A function that is given something else would answer in the words of NumPy, JAX or Python, about some number
within it. `checked` looks before the function begins and names the argument. Checks look at what has a
value: of a traced array its dtype alone. They change nothing, and a compiled program has none of them.
"""

import functools as ft
import inspect
import operator
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, ParamSpec, TypeAlias, TypeVar, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")

Kind: TypeAlias = Callable[[str, Any], None]
"""Raises a `ValueError` that names an argument, if its value is of another kind."""

_LARGEST = 2**63 - 1  # of what indexes an array


def checked(
    *together: str, **kinds: Kind | str | tuple[Kind, str]
) -> Callable[[Callable[Inputs, Output]], Callable[Inputs, Output]]:
    """Makes a function look at its arguments first; one that is None by default may be None.

    Those that are named `together` are arrays whose shapes broadcast. Of an argument whose axes have names,
    such as "nodes inputs", alone or beside its kind, axes of one name are of one length, and those of
    "*devices" broadcast.
    """
    pairs = {k: (array(), x) if isinstance(x, str) else x for k, x in kinds.items() if not callable(x)}
    axes = {name: pair[1] for name, pair in pairs.items()}
    kinds_of = dict.fromkeys(together, array()) | {name: pair[0] for name, pair in pairs.items()}
    kinds_of |= {name: kind for name, kind in kinds.items() if callable(kind)}

    def decorate(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
        parameters = inspect.signature(function).parameters
        optional = {name for name, x in parameters.items() if x.default is None}
        positional = [name for name, x in parameters.items() if x.kind is x.POSITIONAL_OR_KEYWORD]

        @ft.wraps(function)
        def answered(*arguments: Inputs.args, **keywords: Inputs.kwargs) -> Output:
            # What are too many or unknown, Python says itself.
            for name, value in [*zip(positional, arguments), *keywords.items()]:  # noqa: B905
                if name in kinds_of and not (value is None and name in optional):
                    kinds_of[name](name, value)
            if together or axes:
                named = dict(zip(positional, arguments)) | keywords  # noqa: B905
                _check_together({name: named[name] for name in together if name in named})
                check_axes({name: (axes[name], named[name]) for name in axes if name in named})
            return function(*arguments, **keywords)

        return answered

    return decorate


def _check_together(values: dict[str, Any]) -> None:
    shape, seen = (), []
    for name, value in values.items():
        try:
            shape = np.broadcast_shapes(shape, np.shape(value))
        except ValueError:
            raise TypeError(
                f"{name} has shape {np.shape(value)}: incompatible shapes for broadcasting with {shape}, "
                f"that of {' and '.join(seen)}."
            ) from None
        seen.append(name)


def check_axes(arrays: dict[str, tuple[str, Any]]) -> None:
    """Raises a `ValueError` for arrays, each beside the names of its axes, whose shapes do not fit."""
    lengths: dict[str, tuple[tuple[int, ...], str]] = {}
    for name, (axes, value) in arrays.items():
        shape, names = np.shape(value), axes.split()
        spread = [axis for axis in names[-1:] if axis[0] == "*"]
        fixed = names[: len(names) - len(spread)]
        if len(shape) < len(fixed) or (len(shape) > len(fixed) and not spread):
            raise ValueError(f"{name} must have the axes ({', '.join(names)}), got shape {shape}.")
        parts = [shape[i : i + 1] for i in range(len(fixed))] + [shape[len(fixed) :]] * len(spread)
        for axis, length in zip(names, parts, strict=True):
            known, first = lengths.setdefault(axis, (length, name))
            try:
                fits = np.broadcast_shapes(known, length) if axis in spread else known
            except ValueError:
                fits = None
            if fits is None or (axis not in spread and known != length):
                raise ValueError(
                    f"{name} has shape {shape}, ({', '.join(names)}), and {axis} is {length} there, but "
                    f"{known} in {first}."
                )
            lengths[axis] = fits, first


def shown(value: object) -> str:
    """A value in a message: short ones as they are, others by their type or their shape."""
    if isinstance(value, type):
        return f"the class {value.__name__}: give an instance, {value.__name__}(...)"
    if isinstance(value, np.ndarray | jax.Array):
        return f"an array of {value.dtype} and shape {value.shape}"
    if (
        isinstance(value, int) and value.bit_length() > 200
    ):  # Python writes down no longer ones than 4300 digits
        return "a whole number of more than 60 digits"
    text = repr(value) if isinstance(value, str | int | float | complex | None) else ""
    return text if text and len(text) < 60 else f"{type(value).__name__}"


def refuse(name: str, wanted: str, value: object, advice: str = "", got: str = "") -> NoReturn:
    """Raises the `ValueError` of an argument that is of another kind than is wanted."""
    advice = f" {advice}" if advice and not isinstance(value, type) else ""
    raise ValueError(f"{name} must be {wanted}, got {got or shown(value)}.{advice}")


def real(
    *,
    ndim: int | Sequence[int] | None = None,
    low: float | int = -np.inf,
    high: float | int = np.inf,
    above: float | int = -np.inf,
    finite: bool = True,
    known: bool = False,
    some: bool = False,
) -> Kind:
    """Real numbers with so many axes, from `low` to `high` and above `above`.

    With `known` they must have a value, as what NumPy works on; with `some` there is at least one.
    """
    axes = (ndim,) if isinstance(ndim, int) else ndim
    wanted = "a real number" if axes == (0,) else "real numbers"
    if axes and axes != (0,):
        wanted = f"an array of real numbers with {' or '.join(map(str, axes))} axes"

    def check(name: str, value: Any) -> None:
        numbers = as_numbers(name, value, wanted, known)
        if axes and np.ndim(numbers) not in axes:
            # Of an array the shape is in the message anyway.
            is_array = isinstance(value, np.ndarray | jax.Array)
            refuse(name, wanted, value, "" if is_array else f"It has shape {np.shape(numbers)}.")
        if some and not np.size(numbers):
            raise ValueError(f"{name} must have at least one number, got none.")
        if not isinstance(numbers, Tracer):
            if finite:
                check_finite(name, numbers)
            check_range(name, numbers, low=low, high=high, above=above)

    return check


def array(
    *,
    ndim: int | None = None,
    low: float | int = -np.inf,
    high: float | int = np.inf,
    above: float | int = -np.inf,
) -> Kind:
    """What a kernel computes with: real numbers that JAX takes as they are, not a list of them nor flags.

    What is no number goes through a kernel as it is, and no bound holds it up.
    """
    wanted = "real numbers" if ndim is None else f"an array of real numbers with {ndim} axes"

    def check(name: str, value: Any) -> None:
        if isinstance(value, list | tuple):
            refuse(name, wanted, value, "jax.numpy.asarray(x) makes an array of it.")
        numbers = as_numbers(name, value, wanted)
        if numbers.dtype == bool:
            refuse(name, wanted, value, "x.astype(float) makes numbers of flags.")
        if ndim is not None and np.ndim(numbers) != ndim:
            refuse(name, wanted, value, "jax.vmap takes more axes.")
        if not isinstance(numbers, Tracer):
            check_range(name, numbers, low=low, high=high, above=above, skip_nan=True)

    return check


def whole_numbers(*, ndim: int | Sequence[int] | None = None, low: float | int = -np.inf) -> Kind:
    """Whole numbers that are known, as labels, indices and counts of events are."""
    numbers = real(ndim=ndim, low=low, known=True, finite=False)

    def check(name: str, value: Any) -> None:
        array = np.asarray(as_numbers(name, value, "whole numbers", known=True))
        numbers(name, value)
        if array.dtype.kind == "f" and not np.all(whole := np.isfinite(array) & (array == np.floor(array))):
            bad = array[~whole][0]
            raise ValueError(f"{name} must be whole numbers, got {bad:g} in an array of {array.dtype}.")

    return check


def count(least: int | None = 1) -> Kind:
    """A whole number that is known, written as 100 or as 1e2."""

    def check(name: str, value: Any) -> None:
        as_count(name, value, least)

    return check


def as_count(name: str, value: Any, least: int | None = 1) -> int:
    """A whole number that is known, as an int; a `ValueError` for anything else."""
    check_known(name, value)
    try:
        if isinstance(value, bool):
            raise TypeError
        of_float = isinstance(value, float | np.floating) and float(value).is_integer()
        number = int(value) if of_float else operator.index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        refuse(name, "a whole number", value)
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least}, got {shown(number)}.")
    if abs(number) > _LARGEST:
        raise ValueError(f"{name} is too large for a count, {shown(number)}: it must be below 2**63.")
    return number


def one_of(*kinds: type, named: str = "", advice: str = "") -> Kind:
    """An instance of one of some classes."""
    # What stands for a class that is imported for types alone: `one_of_later` is for these.
    assert Any not in kinds, "a class must be known here"
    wanted = named or " or ".join(map(_public, kinds))

    def check(name: str, value: Any) -> None:
        if not isinstance(value, kinds):
            # Of what is something else, its kind says more than what is in it.
            refuse(
                name, wanted, value, advice, "" if isinstance(value, str | type) else type(value).__name__
            )

    return check


def one_of_later(module: str, name: str) -> Kind:
    """An instance of a class of a module that is not imported for it."""

    def check(argument: str, value: Any) -> None:
        # Before the module is loaded nothing is of its classes.
        kind = getattr(sys.modules.get(module), name, None)
        if kind is None or not isinstance(value, kind):
            refuse(argument, f"{module}.{name}", value, "", type(value).__name__)

    return check


def record(kind: type) -> Kind:
    """A tuple of a class whose fields are arrays, with the axes that it names for them."""
    of_kind = one_of(kind)
    axes = {name: getattr(hint, "dim_str", "...") for name, hint in get_type_hints(kind).items()}

    def check(name: str, value: Any) -> None:
        of_kind(name, value)
        parts = {f"{name}.{field}": (dims, getattr(value, field)) for field, dims in axes.items()}
        for part, (_, numbers) in parts.items():
            as_numbers(part, numbers)
        check_axes(
            {part: pair for part, pair in parts.items() if pair[0] is not None and "..." not in pair[0]}
        )

    return check


def flags(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is an array of True and False."""
    if as_numbers(name, value, "an array of True and False").dtype != bool:
        refuse(name, "an array of True and False", value)


def integers(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is an integer or an array of them, traced or not."""
    if as_numbers(name, value, "whole numbers").dtype.kind not in "iu":
        refuse(name, "whole numbers", value, "x.astype(int) makes them.")


def list_of(kind: Kind, named: str) -> Kind:
    """A list or a tuple whose entries are of a kind."""

    def check(name: str, value: Any) -> None:
        is_list = hasattr(value, "__len__") and not isinstance(value, str | type)
        if not is_list or not getattr(value, "ndim", 1):
            refuse(name, named, value)
        for entry in value:  # pyright: ignore[reportGeneralTypeIssues]
            kind(f"each of the {name}", entry)

    return check


def having(*names: str, named: str) -> Kind:
    """What has some attributes, where its class is not to be imported."""

    def check(name: str, value: Any) -> None:
        if isinstance(value, type) or not all(hasattr(value, x) for x in names):
            refuse(name, named, value)

    return check


def either(kinds: type | tuple[type, ...], otherwise: Kind) -> Kind:
    """An instance of some classes, or else what is of another kind."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, kinds):
            otherwise(name, value)

    return check


def word(*words: str) -> Kind:
    """One of some words."""

    def check(name: str, value: Any) -> None:
        if not (isinstance(value, str) and value in words):
            refuse(name, " or ".join(map(repr, words)), value)

    return check


def path(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is the name of a file or a folder."""
    if not isinstance(value, str | os.PathLike):
        refuse(name, "a path, as text or a pathlib.Path", value)


def flag(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is True or False."""
    check_known(name, value)
    if not isinstance(value, bool | np.bool_) and not (isinstance(value, int) and value in (0, 1)):
        refuse(name, "True or False", value)


def float_dtype(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is a dtype of floating-point numbers."""
    try:
        known = jnp.issubdtype(value, jnp.floating)
    except TypeError:
        known = False
    if not known:
        refuse(name, "float32 or float64", value)


def function(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value can be called."""
    if isinstance(value, type) or not callable(value):
        refuse(name, "a function", value)


def key(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is a random key of JAX."""
    dtype = getattr(value, "dtype", None)
    is_new = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    if not is_new and not (dtype == np.uint32 and np.shape(value)[-1:] in ((2,), (4,))):
        refuse(name, "a random key, jax.random.key(0)", value)


def seed(name: str, value: Any) -> None:
    """Raises a `ValueError` for what no NumPy generator can be made of."""
    check_known(name, value)
    try:
        np.random.default_rng(value)
    except (TypeError, ValueError):
        refuse(name, "a seed, a whole number from 0 on, or a NumPy generator", value)


def check_known(name: str, value: Any) -> None:
    """Raises a `ValueError` for a traced value, or one with traced values in it."""
    if isinstance(value, Tracer) or _has_tracers(value):
        raise ValueError(
            f"{name} is an argument of jax.jit, vmap or grad and has no value yet, but must be static: it "
            "decides what is computed. Close over it, name it in static_argnames, or use "
            "equinox.filter_jit, which traces arrays only."
        )


def as_numbers(name: str, value: Any, wanted: str = "real numbers", known: bool = False) -> Any:
    """Real numbers as an array, a traced one as it is; a `ValueError` for anything else."""
    if isinstance(value, type) or not (
        is_number(value) or isinstance(value, complex | list | tuple | range)
    ):
        refuse(name, wanted, value)
    if np.ma.is_masked(value):
        raise ValueError(
            f"{name} must be {wanted}, but entries of it are masked: fill them first, array.filled(value), "
            "or leave them out, array.compressed()."
        )
    if known:
        check_known(name, value)
    array: Any = value
    if not isinstance(value, jax.Array):
        if _has_tracers(value):
            return jnp.asarray(value)
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{name} must be {wanted}, got {shown(value)}: {error}") from None
    if array.dtype.kind == "c":
        raise ValueError(
            f"{name} must be {wanted}, got complex numbers: give their real part, x.real, or their size, "
            "abs(x), whichever is meant."
        )
    if not (array.dtype == bool or jnp.issubdtype(array.dtype, jnp.number)):
        refuse(name, wanted, value, "float(x) makes a number of one that Python has.")
    return array


def _public(kind: type) -> str:
    """A class as users name it, with its article."""
    room, _, rest = kind.__module__.replace("jaxnn_kernels", "jaxnn.kernels").partition("._")
    del rest
    place = f"{room}." if room.startswith("jaxnn") else ""
    return f"{'an' if not place and kind.__name__[0] in 'AEIOUaeiou' else 'a'} {place}{kind.__name__}"


def is_number(value: Any) -> bool:
    """Whether a value says of itself that it is a number or an array; a graph, say, can be listed too."""
    return any(hasattr(value, x) for x in ("dtype", "__array__", "__float__"))


def _has_tracers(value: Any) -> bool:
    listed = isinstance(value, list | tuple)
    return listed and any(isinstance(x, Tracer) or _has_tracers(x) for x in value)


def check_finite(name: str, value: Any, unit: str = "") -> None:
    """Raises a `ValueError` if numbers that are known have a NaN or an infinity."""
    numbers = np.atleast_1d(np.asarray(value))
    if not (finite := np.isfinite(numbers)).all():
        where = np.argwhere(~finite)[0].tolist()
        place = f" at index {where}" if np.ndim(value) else ""
        raise ValueError(
            f"{name} must be finite{f' [{unit}]' if unit else ''}, got {numbers[tuple(where)]}{place}: "
            "give the number that is meant."
        )


def check_range(
    name: str,
    value: Any,
    unit: str = "",
    *,
    low: float | int = -np.inf,
    high: float | int = np.inf,
    above: float | int = -np.inf,
    skip_nan: bool = False,
) -> None:
    """Raises a `ValueError` if numbers that are known are out of bounds; `skip_nan` lets NaN pass."""
    if np.asarray(value).dtype == bool or not any(np.isfinite([low, high, above])):
        return
    numbers = np.atleast_1d(np.asarray(value))
    for fits, limit, relation in (
        (operator.ge, low, "at least"),
        (operator.le, high, "at most"),
        (operator.gt, above, "greater than"),
    ):
        if abs(limit) == np.inf:
            continue
        held = fits(numbers, limit) | (skip_nan & np.isnan(numbers))
        if not held.all():
            wanted = f"{name} must be {relation} {limit:g} {unit}".rstrip()
            advice = " All quantities are in SI units." if unit else ""
            raise ValueError(f"{wanted}, got {numbers[~held][0]:g}.{advice}")
