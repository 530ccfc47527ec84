"""Faults of code that users wrote, told from arguments that do not fit, with the line that they are on."""

import contextlib
import linecache
import os
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax


# Files of these are on the way to a fault, or where it shows, but not where it is.
_PASSED = ("jax", "jaxlib", "equinox", "jaxtyping", "beartype", "numpy", "optax")
_HERE = Path(__file__).parent
_SHAPES = re.compile(r"shape|broadcast|rank|dimension|[Ss]ize|axis|Type-check", re.IGNORECASE)
_HINTS: dict[type, str] = {
    jax.errors.TracerBoolConversionError: (
        "Inside a compiled function a number has no value yet to decide by: write jnp.where(condition, "
        "a, b) in the place of if, and & and | in the place of and and or."
    ),
    jax.errors.TracerArrayConversionError: (
        "Inside a compiled function a number has no value yet for NumPy: use jax.numpy."
    ),
    jax.errors.TracerIntegerConversionError: (
        "Inside a compiled function a number has no value yet to index a list with: use a jax.numpy array."
    ),
    jax.errors.ConcretizationTypeError: (
        "Inside a compiled function a number has no value yet: leave out float(), int() and .item()."
    ),
}


@contextlib.contextmanager
def user_code(what: str, misfit: Callable[[], str | None] = lambda: None) -> Iterator[None]:
    """Around the first call of a user's code, `what`, such as "the law Mine".

    Shapes that do not fit each other are answered by what `misfit()` says of the arguments, if it says
    anything; an exception of any other kind, by the method and the line that raised it.

    **Raises:** `ValueError`, from the exception that the code raised. One that the code raised itself
    by `raise ValueError` passes as it is.
    """
    try:
        yield
    except Exception as error:
        frames = list(traceback.walk_tb(error.__traceback__))
        deliberate = isinstance(error, ValueError) and _is_raised_by(*frames[-1])
        if deliberate or not isinstance(error, _EXPECTED):
            raise
        kind = isinstance(error, TypeError | ValueError) and not isinstance(error, jax.errors.JAXTypeError)
        shapes = kind and _SHAPES.search(str(error))
        said = misfit() if shapes else None
        raise ValueError(said or _described(what, error, frames)) from error


# Not what the machine has no room for.
_EXPECTED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    NotImplementedError,
    TypeError,
    ValueError,
    jax.errors.JAXTypeError,
)


def _described(what: str, error: Exception, frames: list[Any]) -> str:
    own = [(frame, line) for frame, line in frames if not _is_passed(frame.f_code.co_filename)]
    # Of a law of the library itself, that of the library.
    mine = [x for x in own if Path(x[0].f_code.co_filename).parent != _HERE]
    frame, line = (mine or own or frames)[-1]
    code = frame.f_code
    source = traceback.extract_tb(error.__traceback__)
    text = next((s.line for s in source if (s.filename, s.lineno) == (code.co_filename, line)), "")
    owner = frame.f_locals.get("self")
    name = f"{type(owner).__name__}.{code.co_name}" if owner is not None else code.co_name
    first = (str(error).splitlines() or [""])[0]
    hint = next((hint for kind, hint in _HINTS.items() if isinstance(error, kind)), "")
    # Of many numbers JAX says what NumPy says of arrays, in a ValueError.
    if first.startswith("The truth value of an array"):
        hint = _HINTS[jax.errors.TracerBoolConversionError]
    return (
        f"{what} cannot be run: {name} raised {type(error).__name__} at {code.co_filename}:{line}, "
        f"`{text}`: {first} {hint}"
    ).rstrip()


def _is_raised_by(frame: Any, line: int) -> bool:
    """Whether the line raises itself, as far as it can be read; JAX takes its own frames out."""
    filename = frame.f_code.co_filename
    text = linecache.getline(filename, line, frame.f_globals).strip()
    return not _is_passed(filename) and (not text or text.startswith("raise"))


def _is_passed(filename: str) -> bool:
    path = Path(filename)
    if path.parent == _HERE and path.name in ("_user_code.py", "_numbers.py"):
        return True
    _, found, inside = filename.rpartition(f"{os.sep}site-packages{os.sep}")
    return path.name == "contextlib.py" or (bool(found) and inside.split(os.sep)[0] in _PASSED)
