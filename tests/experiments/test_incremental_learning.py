"""Growing networks forget less than static ones, switch off what is gone and wake it when it returns."""

import json

import pytest

from scripts import run_script


@pytest.mark.slow
def test_digits(tmp_path):
    phases = ("phases", "phases-by-label", "device-phases")
    parts = (*phases, "growing", "copies", "random", "verified")
    done = run_script("experiments/growing/incremental_learning.py", "--out", tmp_path, "--parts", *parts)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "incremental_learning.json").read_text())
    for name in phases:
        first, second, third, fourth = report["phases"][name]
        assert first["accuracy_first_half"] > 0.98
        assert second["accuracy_all"] > 0.95
        # What was away is off, but for nodes that the other classes use, and nothing of it is lost.
        assert second["on_of_the_second_half"] > 50
        assert third["on_of_the_second_half"] <= (0 if name == "phases-by-label" else 5)
        assert third["accuracy_all"] < 0.6
        assert third["accuracy_all_stored"] > 0.95
        new, woken = (fourth[f"used_by_the_second_half_that_{what}"] for what in ("are_new", "were_off"))
        assert woken > 0.9 * (new + woken)
        assert fourth["refused_for_want_of_room"] == 0
        assert fourth["accuracy_of_the_phase_after_a_tenth"] > 0.95
        assert fourth["accuracy_all"] > 0.95
        assert (tmp_path / f"{name}.png").stat().st_size > 0
        assert (tmp_path / f"{name}.gif").stat().st_size > 0
    assert min(report["incremental"]["growing"]["final_accuracy"]) > 0.92
    # Devices that differ and write with noise learn nearly as well.
    devices = report["incremental"]["growing, devices, verified writes"]
    assert min(devices["final_accuracy"]) > 0.85
    assert 1e-3 < min(cost["energy"] for cost in devices["cost"])
    assert report["phases"]["device-phases"][3]["cost"]["energy"] < 0.1  # [J]
    for ratio in report["ratios"].values():
        assert ratio["range"][0] > 1.2
    assert (tmp_path / "incremental.png").stat().st_size > 0
