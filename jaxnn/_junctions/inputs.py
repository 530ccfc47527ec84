"""What a law may ask for beside state, voltage and time step: random numbers, and the time.

A method asks by a keyword, `key` or `time`. One without a default must be given; one with a default is that
of a wrapper, which hands on to the law within it what that asks for.
"""

import functools as ft
import inspect
from typing import Any

import jax
from jaxtyping import Array

from .._core import Key
from .abstract import AbstractJunction


INPUTS = ("key", "time")


def call_law(law: Any, method: str, *arguments: Any, key: Key | None, time: Array | None) -> Any:
    """`law.method(*arguments)`, with the key and the time that it asks for.

    **Raises:** `ValueError` if it needs one that is not there.
    """
    given = {"key": key, "time": time}
    asked = _asked(type(law), method, len(arguments))
    for name, needed in asked.items():
        if needed and given[name] is None:
            raise ValueError(_LACKING[name].format(law=type(law).__name__, method=method))
    return getattr(law, method)(*arguments, **{name: given[name] for name in asked})


def draws_random_numbers(law: AbstractJunction, *methods: str) -> bool:
    """Whether `update` or `conductance`, or the methods named, of a law or of one within it need a key."""
    return any(_needs_key(law, method) for method in methods or _METHODS)


_METHODS = {"update": 3, "conductance": 1, "current": 2}
_LACKING = {
    "key": (
        "the law {law} draws random numbers in `{method}` and needs a key: give key=jax.random.key(0) to "
        "the function that runs it, the same key for the same numbers."
    ),
    "time": "`{method}` of the law {law} asks for the time, and is called where there is none.",
}


def _needs_key(law: AbstractJunction, method: str) -> bool:
    needed = _asked(type(law), method, _METHODS[method]).get("key")
    if not needed and needed is not None:  # a wrapper's
        is_part = lambda x: isinstance(x, AbstractJunction) and x is not law
        parts = jax.tree_util.tree_leaves(law, is_leaf=is_part)
        return any(_needs_key(part, method) for part in parts if is_part(part))
    return bool(needed)


@ft.lru_cache(maxsize=512)
def _asked(kind: type, method: str, count: int) -> dict[str, bool]:
    """Which inputs a method of a class asks for behind its `count` arguments, and whether it needs each."""
    parameters = list(inspect.signature(getattr(kind, method)).parameters.values())[1 + count :]
    by_name = [x for x in parameters if x.kind in (x.POSITIONAL_OR_KEYWORD, x.KEYWORD_ONLY)]
    return {x.name: x.default is x.empty for x in by_name if x.name in INPUTS}
