"""What optional packages are asked for by name is what pyproject.toml has, however jaxnn was installed."""

import ast
import re
import tomllib

import pytest

from helpers import ROOT


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ASKED = re.compile(r'\(its extra "(\w+)"\): pip install ((?:"[^"]+" ?)+)')
INSTALL = (ROOT / "docs" / "how-to" / "install.md").read_text()


def messages() -> list[tuple[str, str]]:
    """Every text of the library that names an extra, with its file."""
    found = []
    for path in sorted((ROOT / "jaxnn").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            # Pieces of a formatted text are looked at as part of it.
            if isinstance(node, ast.Constant | ast.JoinedStr):
                value = ast.literal_eval(node) if isinstance(node, ast.Constant) else ast.unparse(node)
                if isinstance(value, str) and "its extra" in value:
                    found.append((path.stem, value.replace('\\"', '"')))
    return found


@pytest.mark.parametrize(("file", "text"), messages())
def test_a_message_names_packages_of_its_extra(file, text):
    asked = ASKED.search(text)
    assert asked, f"{file}: {text}"
    packages = re.findall(r'"([^"]+)"', asked[2])
    assert set(packages) <= set(EXTRAS[asked[1]]), f"{file} asks for {packages}"


def test_every_message_is_found():
    assert {re.findall(r'extra "(\w+)"', text)[0] for _, text in messages()} == EXTRAS.keys() - {"cuda"}


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_page_lists_every_extra(extra):
    packages = " ".join(f'"{package}"' for package in EXTRAS[extra])
    assert f"| `{extra}` | `pip install {packages}` |" in INSTALL


def test_no_message_needs_a_checkout():
    for path in (ROOT / "jaxnn").rglob("*.py"):
        assert not re.search(r"\.\[[a-z,]+\][\"'`]", path.read_text()), path
