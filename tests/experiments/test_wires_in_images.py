"""Wires in drawn pictures, in quick mode: the sparser the picture, the more of them are found."""

import json

import pytest

from scripts import run_script


pytest.importorskip("skimage", exc_type=ImportError)


@pytest.mark.slow
def test_quick_mode(tmp_path):
    done = run_script("experiments/networks/wires_in_images.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "wires_in_images.json").read_text())
    recall = {name: x["recall of wires"] for name, x in report["scores"].items()}
    assert recall["15 wires, noise 0.1"] > recall["120 wires, noise 0.4"]
    assert report["found as two"]["90"] == 1
    harder = {name: of["15"]["recall of wires"] for name, of in report["harder"].items()}
    assert min(harder.values()) == harder["all of these"]
    assert (tmp_path / "wires_in_images.png").is_file()
