"""The documentation as a site, as far as it can be told without building it: `make docs` does that."""

import importlib.util
import re
import sys
import types

import pytest

from helpers import ROOT, as_a_reader


DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.py"))
NAVIGATION = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")[1]
LISTED = re.findall(r" ([\w./-]+\.md)$", NAVIGATION, re.MULTILINE)
# Made at the build, from files beside docs/ and by running scripts.
MADE = {"reproductions.md", "nodal-solve.md", "all-pictures.md", "changelog.md"}
MADE |= {f"tutorials/{path.stem}.md" for path in TUTORIALS}


def test_no_page_stands_in_the_navigation_twice():
    assert sorted(LISTED) == sorted(set(LISTED))


def test_the_navigation_names_pages_that_are_there():
    """A page of docs/ that it does not name is put under "Further pages" by the build."""
    there = {path.relative_to(DOCS).as_posix() for path in [*DOCS.glob("*.md"), *DOCS.glob("how-to/*.md")]}
    assert set(LISTED) <= there | MADE
    assert set(LISTED) >= MADE


@pytest.mark.parametrize("path", TUTORIALS, ids=[path.stem for path in TUTORIALS])
def test_tutorials_are_in_the_percent_format(path):
    text = path.read_text()
    assert text.count("\n# %%") >= 6
    assert re.search(r"^# %% \[markdown\]\n# # \w", text, re.MULTILINE), "a tutorial begins with its title"
    compile(text, str(path), "exec")


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=[path.stem for path in TUTORIALS])
def test_a_tutorial_runs(path, monkeypatch, tmp_path):
    """As a reader has it; in CI `make docs-quick` runs them all."""
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType(path.stem)
    monkeypatch.setitem(sys.modules, path.stem, module)
    with as_a_reader():
        exec(compile(path.read_text(), str(path), "exec"), module.__dict__)


def test_every_picture_has_a_command():
    """The page of all pictures says which command makes each."""
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "experiments" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    makers = {name.split("/")[1]: name.split("/")[0] for name in gallery.PICTURES} | gallery.WRITTEN
    commands = {path.stem for path in (ROOT / "experiments").rglob("*.py") if path.stem[0] != "_"}
    for picture in (DOCS / "pictures").iterdir():
        assert makers.get(picture.name) in commands, f"experiments/gallery.py: what makes {picture.name}?"
