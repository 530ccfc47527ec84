"""What stands beneath each field of a class, which Python throws away: put into the class's `help`."""

import functools as ft
import linecache
import re
import sys


_FIELD = re.compile(r'^    (\w+): .*\n(?:(?:     .*|    \).*)\n)*    r?"""((?:.|\n)*?)"""', re.MULTILINE)


_CLASS = re.compile(r'^class (\w+)\b[^:]*:\n(?:\s*r?"""(?:.|\n)*?""")?((?:(?:\s.*)?\n)*)', re.MULTILINE)


def described(cls: type) -> str | None:
    """The docstring of a class, and behind it those of its fields, inherited ones first."""
    own = cls.__dict__.get("__doc__")
    fields: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        fields |= _written_in(base)
    if own is None or not fields:
        return own
    lines = [f"    - `{name}`: {' '.join(text.split())}" for name, text in fields.items()]
    return "\n".join([own.rstrip(), "", "    **Fields:**", "", *lines, "    "])


def _written_in(cls: type) -> dict[str, str]:
    """The docstrings beneath the fields that a class itself declares; none without its source."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file is None:
        return {}
    return _classes("".join(linecache.getlines(file))).get(cls.__qualname__, {})


# One search for all classes of a file: a pattern for each would take a tenth of the library's import.
@ft.lru_cache(maxsize=64)
def _classes(source: str) -> dict[str, dict[str, str]]:
    """The docstrings beneath the fields of each class at the top of a file."""
    return {name: dict(_FIELD.findall(body)) for name, body in reversed(_CLASS.findall(source))}
