"""The public names are those of tests/public_names.json: a new one is put there on purpose."""

import functools as ft
import json
import pydoc
from pathlib import Path

import pytest

import jaxnn


LIST = Path(__file__).with_name("public_names.json")
NAMES = json.loads(LIST.read_text())
# The hook that checks shapes imports the one into every module; the other is imported by itself.
OF_THE_TESTS = {"jaxtyping", "estimators"}


@pytest.mark.parametrize("module", NAMES)
def test_public_names(module):
    listed = NAMES[module]
    found = ft.reduce(getattr, module.split(".")[1:], jaxnn)
    public = set(found.__all__) - OF_THE_TESTS
    if hasattr(found, "__path__"):
        # All that a package holds is what it hands on; a plain file holds its own imports too.
        public |= {name for name in dir(found) if not name.startswith("_")} - OF_THE_TESTS
    new, gone = sorted(public - set(listed)), sorted(set(listed) - set(found.__all__))
    assert not new, f"{module} has {new}: add them to tests/{LIST.name} if they are to be public"
    assert not gone, (
        f"{module} has no {gone} in its __all__: drop them from tests/{LIST.name} if on purpose"
    )
    assert [name for name in listed if not hasattr(found, name)] == []
    assert listed == sorted(set(listed)), f"sort the names of {module} in tests/{LIST.name}, each once"


def test_every_public_module_is_listed():
    modules = {f"jaxnn.{name}" for name in jaxnn.__all__ if hasattr(getattr(jaxnn, name), "__all__")}
    assert modules | {"jaxnn"} == NAMES.keys()


def test_help_shows_the_public_names():
    text = pydoc.render_doc(jaxnn, renderer=pydoc.plaintext)  # pyright: ignore[reportAttributeAccessIssue]
    for name in ("simulate", "TunnelJunction", "Network", "NickelateDevice", "optimise"):
        assert f"class {name}(" in text or f"    {name}(" in text
