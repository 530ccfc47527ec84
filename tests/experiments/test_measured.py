"""Scripts on measured devices, which make a recording of their own where there is none."""

from importlib import import_module

import numpy as np
import pytest

from scripts import quick_report


def test_a_drive_tuned_with_the_device_in_the_loop(tmp_path):
    report, _ = quick_report("tuned_drive", tmp_path)
    misses = {x["mismatch"]: x["rms miss [V]"] for x in report["generated"]["runs"]}
    assert misses[0.0]["twin alone"] < 1e-4
    for mismatch in (0.1, 0.3):
        assert misses[mismatch]["in the loop"] < 0.2 * misses[mismatch]["twin alone"]
    assert (tmp_path / "tuned_drive.png").is_file()


@pytest.mark.slow
def test_a_network_with_every_junction_fitted(tmp_path):
    """The recording is of such a network, of other wires."""
    found = quick_report("junction_network", tmp_path)[0]["devices"]["generated"]
    left = found["share of the changes not explained"]
    assert left["memristive"][0] <= left["resistors"][0] < 0.15
    assert np.max(found["median_r2"]["resistors"]) > found["median_r2"]["divider"]
    assert (tmp_path / "junction_network.png").is_file()


def test_weights_of_a_blend():
    """They find what a pad is a mean of, are shares, and stay at the first model where that is asked."""
    script = import_module("experiments.measured.blended_twin")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300, 2))
    measured = np.stack([0.7 * a[:, 0] + 0.3 * b[:, 0], a[:, 1] - 0.5 * b[:, 1]], 1)
    measured[5, 0] = np.nan
    folds = [{"measured": x, "one": y, "two": z} for x, y, z in ((measured, a, b), (measured, a, b))]
    weights = script.weights_of(folds, ("one", "two"), 0.0)
    np.testing.assert_allclose(weights[:, 0], [0.7, 0.3], atol=1e-3)
    np.testing.assert_allclose(weights[:, 1], [1, 0], atol=1e-3)
    np.testing.assert_allclose(script.weights_of(folds, ("one", "two"), 1e4)[0], 1, atol=1e-3)
    said = script.blended(folds[0], ("one", "two"), weights)
    np.testing.assert_allclose(script.r2(measured, said)[0], 1, atol=1e-4)
    assert script.r2(measured, np.nanmean(measured, 0) + 0 * measured)[1] == 0
