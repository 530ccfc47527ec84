"""What a release says about itself agrees with itself."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version

import jaxnn
from helpers import ROOT


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = (ROOT / "CITATION.cff").read_text()


def test_the_version_is_that_of_the_distribution():
    try:
        wanted = version(PROJECT["name"])
    except PackageNotFoundError:
        wanted = "0+source"
    assert jaxnn.__version__ == wanted
    assert re.fullmatch(r"\d+(\.\d+)*(\.dev\d+)?(\+[a-z0-9.]+)?", wanted)


def test_nobody_is_told_to_install_the_other_library():
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for found in re.finditer(r"[^\n]*pip install [\"']?jaxnn(?![_-])[^\n]*\n[^\n]*", path.read_text()):
            assert re.search(r"[Dd]o not|another library|would bring", found[0]), f"{path}: {found[0]}"


def test_the_library_is_built_for_the_oldest_jaxlib():
    """Headers of a newer one make a library that an older one refuses when it starts."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    (headers,) = [found for found in build if found.startswith("jaxlib")]
    (least,) = [found for found in PROJECT["dependencies"] if found.startswith("jaxlib")]
    major, minor = re.findall(r">=(\d+)\.(\d+)", least)[0]
    assert headers == least.replace(",", f",<{major}.{int(minor) + 1},", 1)


def test_licence_and_pythons_agree():
    assert f"license: {PROJECT['license']}" in CITATION
    least = PROJECT["requires-python"].removeprefix(">=")
    listed = [found for line in PROJECT["classifiers"] for found in re.findall(r":: (3\.\d+)$", line)]
    assert listed[0] == least
    assert f"Python {listed[0]} to {listed[-1]}" in (ROOT / "README.md").read_text()


def test_the_recipe_asks_for_what_the_wheel_asks_for():
    recipe = (ROOT / ".ci" / "conda" / "recipe.yaml").read_text()
    run = recipe.split("\n  run:\n")[1].split("\n\n")[0]
    packages = {
        re.sub(r"(-base)? (?=[><=!])", "", line.strip(" -"))
        for line in run.splitlines()
        if "python >" not in line
    }
    assert packages == set(PROJECT["dependencies"])
