"""Growing networks forget less than static ones, switch off what is gone and wake it when it returns."""

import json

import pytest

from test_benchmark import run_script


@pytest.mark.slow
def test_digits(tmp_path):
    done = run_script("experiments/incremental_learning.py", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "incremental_learning.json").read_text())
    first, second, third, fourth = report["phases"]
    assert first["accuracy_first_half"] > 0.98
    assert second["accuracy_all"] > 0.95
    # Nothing of the second half is on after it was away, and nothing of it is lost.
    assert second["on_of_the_second_half"] > 50
    assert third["on_of_the_second_half"] == 0
    assert third["accuracy_all"] < 0.6
    assert third["accuracy_all_stored"] > 0.95
    assert fourth["inserted"] < 0.1 * (fourth["inserted"] + fourth["woken"])
    assert fourth["accuracy_of_the_phase_after_a_tenth"] > 0.85
    assert fourth["accuracy_all"] > 0.95
    assert report["incremental"]["growing"]["final_accuracy"][0] > 0.85
    for ratio in report["ratios"].values():
        assert ratio["range"][0] > 1.2
    for name in ("phases.png", "incremental.png", "nodes.gif"):
        assert (tmp_path / name).stat().st_size > 0
