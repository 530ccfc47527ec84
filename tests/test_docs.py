"""The documentation: its examples run, its links lead somewhere, the names that it uses exist."""

import pkgutil
import re
import sys
import types
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import jaxnn
from helpers import ROOT, as_a_reader


DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *DOCS.glob("how-to/*.md")])
PAGES += [page for page in [ROOT / "README.md"] if page.is_file()]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

# A fenced block: its language, and what is in it.
BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CITED = re.compile(r"\b((?:\w+/)*test_\w+)\.py(?:::(test_\w+))?")
PUBLIC = re.compile(r"\bjaxnn((?:\.[a-zA-Z_]\w*)+)")


def prose(page: Path) -> str:
    """A page without its blocks."""
    return BLOCK.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page get on GitHub."""
    words = (re.sub(r"[^\w\- ]", "", title).lower() for title in HEADING.findall(prose(page)))
    return {title.replace(" ", "-") for title in words}


@pytest.fixture
def as_before():
    """How many programs are kept, after a page that sets it."""
    yield
    jaxnn.keep_programs(10_000)


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_examples_run(page, tmp_path, monkeypatch):
    """The ```python blocks of a page, top to bottom in one namespace."""
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("example")
    # Dataclasses look their module up by its name.
    monkeypatch.setitem(sys.modules, "example", module)
    text = page.read_text()
    with as_a_reader():
        for block in BLOCK.finditer(text):
            if block[1] == "python":
                # Empty lines in front, so that a traceback shows the line of the page.
                lines = "\n" * text[: block.start(2)].count("\n")
                exec(compile(lines + block[2], str(page), "exec"), module.__dict__)
    plt.close("all")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_blocks_say_what_they_are(page):
    """A block without a language, or with a misspelt one, would never be run."""
    text = page.read_text()
    assert text.count("```") == 2 * len(BLOCK.findall(text))
    assert {language for language, _ in BLOCK.findall(text)} <= {"python", "text", "bash", "toml"}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links(page):
    for link in LINK.findall(prose(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_names(page):
    """Every test that a page cites exists, and so does every name of the library."""
    for file, name in CITED.findall(page.read_text()):
        path = ROOT / "tests" / f"{file.removeprefix('tests/')}.py"
        assert path.is_file(), f"{path} does not exist"
        assert not name or f"def {name}(" in path.read_text(), f"{path} has no {name}"
    for dotted in PUBLIC.findall(prose(page)):
        pkgutil.resolve_name(f"jaxnn{dotted}")


def test_the_index_lists_every_page():
    listed = set(LINK.findall(prose(DOCS / "index.md")))
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= listed
    # Those of a folder are listed on the first page of the folder.
    listed = set(LINK.findall(prose(DOCS / "how-to" / "index.md")))
    assert {page.name for page in DOCS.glob("how-to/*.md")} - {"index.md"} <= listed
