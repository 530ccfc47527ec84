"""One check per kind of argument, and the decorator that says which argument is of which kind.

A function that is given something else would answer in the words of NumPy, JAX or Python, about some number
within it. `checked` looks before the function begins and names the argument. Checks look at what has a
value: of a traced array its dtype alone. They change nothing, and a compiled program has none of them.
"""

import functools as ft
import inspect
import operator
import os
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")

Kind: TypeAlias = Callable[[str, Any], None]
"""Raises a `ValueError` that names an argument, if its value is of another kind."""


def checked(
    *together: str, **kinds: Kind
) -> Callable[[Callable[Inputs, Output]], Callable[Inputs, Output]]:
    """Makes a function look at its arguments first; one that is None by default may be None.

    Those that are named `together` are arrays whose shapes broadcast.
    """
    kinds = dict.fromkeys(together, real(listed=False, finite=False)) | kinds

    def decorate(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
        parameters = inspect.signature(function).parameters
        optional = {name for name, x in parameters.items() if x.default is None}
        positional = [name for name, x in parameters.items() if x.kind is x.POSITIONAL_OR_KEYWORD]

        @ft.wraps(function)
        def answered(*arguments: Inputs.args, **keywords: Inputs.kwargs) -> Output:
            # What are too many or unknown, Python says itself.
            for name, value in [*zip(positional, arguments), *keywords.items()]:  # noqa: B905
                if name in kinds and not (value is None and name in optional):
                    kinds[name](name, value)
            if together:
                named = dict(zip(positional, arguments)) | keywords  # noqa: B905
                _check_together({name: named[name] for name in together if name in named})
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


def shown(value: object) -> str:
    """A value in a message: short ones as they are, others by their type or their shape."""
    if isinstance(value, type):
        return f"the class {value.__name__}: give an instance, {value.__name__}(...)"
    if isinstance(value, np.ndarray | jax.Array):
        return f"an array of {value.dtype} and shape {value.shape}"
    text = repr(value) if isinstance(value, str | int | float | complex | None) else ""
    return text if text and len(text) < 60 else f"{type(value).__name__}"


def refuse(name: str, wanted: str, value: object, advice: str = "") -> None:
    """Raises the `ValueError` of an argument that is of another kind than is wanted."""
    advice = f" {advice}" if advice and not isinstance(value, type) else ""
    raise ValueError(f"{name} must be {wanted}, got {shown(value)}.{advice}")


def real(
    *,
    ndim: int | Sequence[int] | None = None,
    low: float | int = -np.inf,
    high: float | int = np.inf,
    above: float | int = -np.inf,
    finite: bool = True,
    known: bool = False,
    some: bool = False,
    listed: bool = True,
) -> Kind:
    """Real numbers with so many axes, from `low` to `high` and above `above`.

    With `known` they must have a value, as what NumPy works on; with `some` there is at least one. Where
    they are not `listed`, a list is refused, which JAX would not take.
    """
    axes = (ndim,) if isinstance(ndim, int) else ndim
    wanted = "a real number" if axes == (0,) else "real numbers"
    if axes and axes != (0,):
        wanted = f"an array of real numbers with {' or '.join(map(str, axes))} axes"

    def check(name: str, value: Any) -> None:
        if not listed and isinstance(value, list | tuple):
            refuse(name, wanted, value, "jax.numpy.asarray(x) makes an array of it.")
        array = as_numbers(name, value, wanted, known)
        if axes and np.ndim(array) not in axes:
            refuse(name, wanted, value, f"It has shape {np.shape(array)}.")
        if some and not np.size(array):
            raise ValueError(f"{name} must have at least one number, got none.")
        if not isinstance(array, Tracer):
            _check_range(name, array, low, high, above, finite)

    return check


def whole_numbers(*, ndim: int | Sequence[int] | None = None, low: float | int = -np.inf) -> Kind:
    """Whole numbers that are known, as labels, indices and counts of events are."""
    numbers = real(ndim=ndim, low=low, known=True, finite=False)

    def check(name: str, value: Any) -> None:
        array = np.asarray(as_numbers(name, value, "whole numbers", known=True))
        numbers(name, value)
        if array.dtype.kind == "f" and not np.all(array == np.floor(array)):
            bad = array[array != np.floor(array)][0]
            raise ValueError(f"{name} must be whole numbers, got {bad:g} in an array of {array.dtype}.")

    return check


def count(least: int | None = 1) -> Kind:
    """A whole number that is known, written as 100 or as 1e2."""

    def check(name: str, value: Any) -> None:
        check_known(name, value)
        try:
            of_float = isinstance(value, float | np.floating) and float(value).is_integer()
            number = int(value) if of_float else operator.index(value)  # pyright: ignore[reportArgumentType]
        except TypeError:
            refuse(name, "a whole number", value)
        else:
            if least is not None and number < least:
                raise ValueError(f"{name} must be at least {least}, got {number}.")

    return check


def one_of(*kinds: type, named: str = "", advice: str = "") -> Kind:
    """An instance of one of some classes."""
    wanted = named or " or ".join(f"{_article(kind.__name__)} {kind.__name__}" for kind in kinds)

    def check(name: str, value: Any) -> None:
        if not isinstance(value, kinds):
            refuse(name, wanted, value, advice)

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


def function(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value can be called."""
    if not callable(value):
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
    """Raises a `ValueError` for a traced value."""
    if isinstance(value, Tracer) or _has_tracers(value):
        raise ValueError(
            f"{name} is an argument of jax.jit, vmap or grad and has no value yet, but must be static: it "
            "decides what is computed. Close over it, or name it in static_argnames."
        )


def as_numbers(name: str, value: Any, wanted: str = "real numbers", known: bool = False) -> Any:
    """Real numbers as an array, a traced one as it is; a `ValueError` for anything else."""
    if isinstance(value, type) or not (is_number(value) or isinstance(value, list | tuple | range)):
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
            f"{name} must be {wanted}, got complex ones: give their real part, x.real, or their size, "
            "abs(x), whichever is meant."
        )
    if not (array.dtype == bool or jnp.issubdtype(array.dtype, jnp.number)):
        refuse(name, wanted, value, "float(x) makes a number of one that Python has.")
    return array


def _article(word: str) -> str:
    return "an" if word[0] in "AEIOU" else "a"


def is_number(value: Any) -> bool:
    """Whether a value says of itself that it is a number or an array; a graph, say, can be listed too."""
    return any(hasattr(value, x) for x in ("dtype", "__array__", "__float__"))


def _has_tracers(value: Any) -> bool:
    listed = isinstance(value, list | tuple)
    return listed and any(isinstance(x, Tracer) or _has_tracers(x) for x in value)


def _check_range(
    name: str, array: Any, low: float | int, high: float | int, above: float | int, finite: bool
) -> None:
    bounded = low > -np.inf or high < np.inf or above > -np.inf
    if not (finite or bounded) or array.dtype.kind == "b":
        return
    array = np.asarray(array)
    if finite and not np.all(np.isfinite(array)):
        bad = array[~np.isfinite(array)][0]
        raise ValueError(f"{name} must be finite, got {bad}: give the number that is meant.")
    for fits, limit, relation in (
        (operator.ge, low, "at least"),
        (operator.le, high, "at most"),
        (operator.gt, above, "greater than"),
    ):
        if abs(limit) < np.inf and not np.all(held := fits(array, limit)):
            raise ValueError(f"{name} must be {relation} {limit:g}, got {array[~held][0]:g}.")
