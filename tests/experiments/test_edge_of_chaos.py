"""The experiments on chaos run, and their numbers mean what they say."""

import numpy as np
import pytest

from scripts import quick_report


def report_of(name, folder):
    report, _ = quick_report(name, folder)
    assert (folder / f"{name}.png").stat().st_size > 0
    return report


@pytest.mark.slow  # a minute of one core, nearly all of it compilation
def test_edge_of_chaos(tmp_path):
    report = report_of("edge_of_chaos", tmp_path)
    grid = np.asarray(report["map"], dtype=float)  # NaN where a difference vanished
    assert grid.shape == (8, 3, 2)
    # No difference can shrink or grow faster than a clamp or the reset lets it, but for vanishing.
    assert np.nanmax(abs(grid)) < 100
    for row in report["slopes"]:
        # A window as long as the run, or longer, is the run.
        assert row["1 s"] == row["whole run"]
    ends = {
        method: [r for r in report["tuning"] if r["method"] == method] for method in ("gradient", "secant")
    }
    for rows in ends.values():
        assert len(rows) == 6
        # Two steps of Adam move by the learning rate, 0.03 of the box, or less.
        moves = [abs(row["end_V"] - row["start_V"]) for row in rows]
        assert 0 < max(moves) < 2 * 0.03 * 2.7
    # The same starts, judged once.
    for one, other in zip(*ends.values(), strict=True):
        assert one["start"] == other["start"]


@pytest.mark.slow
def test_exploding_gradients(tmp_path):
    report = report_of("exploding_gradients", tmp_path)
    for numbers in report["drives"].values():
        assert len(numbers["lag_s"]) == len(numbers["median_slope_per_V"]) == 40
        assert min(numbers["median_slope_per_V"]) >= 0
    # The hidden drive explains its own conductance, the starts do not.
    before = [numbers["median_loss_before"] for numbers in report["tuning"].values()]
    assert len(set(before)) == 1
    assert report["floor"] < 0.01 * before[0]
    # A cut gradient is another one.
    norms = [numbers["median_gradient_norm"] for numbers in report["tuning"].values()]
    assert len(set(norms)) == 3
