"""Scripts on measured devices, which make a recording of their own where there is none."""

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
