"""What strangers add, a file each and outside of the package: the recipes of docs/contributing.md."""

import os
import re
import subprocess
import sys

import pytest

from helpers import ROOT


PAGE = (ROOT / "docs" / "contributing.md").read_text()
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def folder(tmp_path):
    """The recipes as files, the specification among them."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (specification,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "spec.toml").write_text(specification)
    return tmp_path


def run(folder, *command) -> str:
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels"), str(folder)])
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_five_are_there():
    assert list(FILES) == ["my_law.py", "my_drive.py", "my_solver.py", "my_read_out.py", "my_figure.py"]


@pytest.mark.parametrize("name", ["my_solver.py", "my_read_out.py"])
def test_solver_and_read_out(folder, name):
    run(folder, name)


def test_law_and_drive_in_a_specification(folder):
    modules = ["--import", "my_law", "--import", "my_drive"]
    run(folder, "-m", "jaxnn", "run", "spec.toml", *modules, "--out", "out")
    assert (folder / "out" / "solution.npz").is_file()


def test_a_specification_alone_names_nothing(folder):
    with pytest.raises(AssertionError, match="line 6: junction cannot be 'LinearDrift'"):
        run(folder, "-m", "jaxnn", "run", "spec.toml", "--out", "out")


def test_figure(folder):
    run(folder, "my_figure.py")
    assert (folder / "results" / "my_figure" / "my_figure.png").is_file()
