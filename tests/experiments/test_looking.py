"""The scripts that make the pictures of docs/plots.md and docs/viewer.md."""

import pytest

from scripts import run_script


@pytest.mark.slow
@pytest.mark.parametrize(("name", "made"), [("plots", "plots.png"), ("viewer", "viewer.html")])
def test_pictures_are_made(name, made, tmp_path):
    done = run_script(f"experiments/{name}.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / made).stat().st_size > 20_000
