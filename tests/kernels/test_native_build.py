"""The build of the nodal solve: anew for other source and another compiler, and not for the same."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from helpers import ROOT


SOURCE = ROOT / "kernels" / "native"
pytestmark = pytest.mark.skipif(
    not SOURCE.is_dir() or not any(map(shutil.which, ("g++", "clang++", "c++"))),
    reason="there is no source or no C++ compiler here",
)


@pytest.fixture
def native(tmp_path, monkeypatch) -> Any:
    """The module, with a copy of the source, a library elsewhere, and no compiling."""
    spec = importlib.util.spec_from_file_location("native_build", SOURCE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copytree(SOURCE, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "SOURCE", tmp_path / "source")
    monkeypatch.setattr(module, "LIBRARY", tmp_path / "libjaxnn_nodal.so")
    calls = []

    def run(command):
        calls.append(command)
        Path(command[command.index("-o") + 1]).write_text(f"{len(calls)}")

    monkeypatch.setattr(module, "_run", run)
    module.calls = calls
    return module


def test_the_same_is_not_compiled_again(native, tmp_path):
    native.build(tmp_path / "build")
    once = len(native.calls)
    assert once == 3 + len(native.WIDTHS)  # two files of calls, one of each width, and all together
    native.LIBRARY.unlink()
    native.build(tmp_path / "build")
    assert len(native.calls) == once
    assert native.LIBRARY.is_file(), "what is there is put in its place"
    native.build(tmp_path / "elsewhere")
    assert len(native.calls) == 2 * once


@pytest.mark.parametrize("what", ["source", "headers", "flags", "broken off"])
def test_what_differs_is_compiled(native, tmp_path, monkeypatch, what):
    native.build(tmp_path / "build")
    once = len(native.calls)
    if what == "source":
        with (native.SOURCE / "nodal.cc").open("a") as file:
            file.write("// more\n")
    elif what == "headers":
        monkeypatch.setattr(native, "version", lambda _: "0.0.1")
    elif what == "flags":
        (native.SOURCE / "build.py").write_text("FLAGS = []\n")
    else:
        (tmp_path / "build" / "made_of").unlink()
    native.build(tmp_path / "build")
    assert len(native.calls) == 2 * once
