"""A call that works of every public function and class, for those who change one argument of it."""

import importlib
import pkgutil

from good_calls.examples import Call as Call


def every(*, cheap: bool) -> dict[str, Call]:
    """The calls by their names, of every file here; `cheap` without those that take long to compile."""
    names = [x.name for x in pkgutil.iter_modules(__path__) if x.name != "examples"]
    rooms = [importlib.import_module(f"good_calls.{x}") for x in names]
    groups = [group for x in rooms for group in (x.CHEAP if cheap else x.ALL)]
    return {name: call for group in groups for name, call in group().items()}
