"""The compiled library: whether it is there, and whether it is to be used."""

import ctypes
import functools as ft
import os
import warnings
from pathlib import Path

import jax

from .. import _arguments as arguments


# "xla" for the path that JAX compiles, "compiled" to insist on the library.
VARIABLE = "JAXNN_SOLVE"
_check_choice = arguments.word("", "compiled", "xla")
_LIBRARY = Path(__file__).parent / "libjaxnn_nodal.so"
_CALLS = "eliminate", "substitute", "solve", "stages", "newton", "joined", "turn"
# The numbers that the library has routines for, and the ends of their names.
_SUFFIX = {"float32": "f32", "float64": "f64"}


def targets_of(call: str) -> dict[str, str]:
    """Returns what XLA knows the functions of a call as, by dtype."""
    return {dtype: f"jaxnn_{call}_{suffix}" for dtype, suffix in _SUFFIX.items()}


@ft.cache
def _loaded() -> ctypes.CDLL | str:
    """The library, its functions known to XLA; or why there is none."""
    if not _LIBRARY.exists():
        return "jaxnn was installed without a C++ compiler"
    try:
        library = ctypes.CDLL(str(_LIBRARY))
        for name in (name for call in _CALLS for name in targets_of(call).values()):
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")
    except (OSError, AttributeError) as error:
        return f"{_LIBRARY.name} does not load ({error})"
    library.jaxnn_simd.restype = ctypes.c_char_p
    return library


def _choice() -> str:
    choice = os.environ.get(VARIABLE, "")
    _check_choice(VARIABLE, choice)
    return choice


def is_there() -> bool:
    """Returns whether XLA can call the library, for a plan that is at hand."""
    return not isinstance(_loaded(), str)


def is_wanted() -> bool:
    """Returns whether XLA can call the library, and `JAXNN_SOLVE` does not say to do without."""
    return _choice() != "xla" and is_there()


def is_insisted() -> bool:
    """Returns whether `JAXNN_SOLVE` insists on compiled code: on a GPU that is not the default."""
    return _choice() == "compiled"


def is_compiled() -> bool:
    """Returns whether a CPU solves by the compiled library, for plans that are made from now on.

    - The library is built by `pip install` where there is a C++ compiler.
    - The environment variable `JAXNN_SOLVE` chooses: "xla" for the path that JAX compiles for any device,
      "compiled" to insist.

    Raises a `ValueError` for another choice, and a `RuntimeError` where there is no library to insist on.

    ```python
    jaxnn.kernels.is_compiled() in (True, False)  # True
    ```
    """
    choice = _choice()
    if choice == "xla":
        return False
    loaded = _loaded()
    if not isinstance(loaded, str):
        return True
    if choice == "compiled":
        raise RuntimeError(f"{VARIABLE}=compiled asks for the compiled nodal solve; but {loaded}.")
    _say_once(loaded)
    return False


@ft.cache
def _say_once(why: str) -> None:
    warnings.warn(
        f"The nodal solve runs on XLA, some 2 to 8 times slower than compiled: {why}. Install jaxnn again "
        f"where g++ or clang++ is there, or set {VARIABLE}=xla to be content.",
        stacklevel=2,
    )


def solved_by() -> str:
    """Returns what solves on a CPU, in words, for a person to read.

    ```python
    jaxnn.kernels.solved_by().startswith(("compiled", "XLA"))  # True
    ```
    """
    if _choice() == "xla":
        return f"XLA ({VARIABLE}=xla)"
    loaded = _loaded()
    return f"XLA ({loaded})" if isinstance(loaded, str) else f"compiled ({loaded.jaxnn_simd().decode()})"
