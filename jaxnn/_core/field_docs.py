"""What stands beneath each field of a class, which Python throws away: put into the class's `help`."""

import linecache
import re
import sys


_FIELD = re.compile(r'^    (\w+): .*\n(?:(?:     .*|    \).*)\n)*    r?"""((?:.|\n)*?)"""', re.MULTILINE)


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
    source = "".join(linecache.getlines(file))
    head = rf'^class {cls.__qualname__}\b[^:]*:\n(?:\s*r?"""(?:.|\n)*?""")?'
    body = re.search(rf"{head}((?:(?:\s.*)?\n)*)", source, re.MULTILINE)
    return dict(_FIELD.findall(body[1])) if body else {}
