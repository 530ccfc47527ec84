"""The reproductions of the paper's figures run, and their numbers mean what they say."""

import numpy as np
import pytest

from test_benchmark import quick_report


def picture(folder, name):
    assert (folder / name).stat().st_size > 0


@pytest.mark.slow  # half a minute of one core, nearly all of it compilation
def test_activation(tmp_path):
    report, _ = quick_report("activation", tmp_path)
    picture(tmp_path, "activation.png")
    late = {row["V*"]: row["late G*"] for row in report["table"]}
    # Below the threshold all stays off, above it a path forms.
    assert late[0.9] < 0.1 < 1 < late[1.5] < late[3.0]
    low, *_, high = report["thresholds"]["quantiles"]
    # 6 s and two bisections find it between 1 and 1.6.
    assert 1 < low <= high <= 1.6
    assert report["thresholds"]["outside the bracket"] == 0
    from_rest, back = np.array(report["sweep"]["from rest"]), np.array(report["sweep"]["return"])
    # What was activated never conducts less than what was not, and at V* < 1 it does more.
    assert np.all(back > 0.99 * from_rest)
    between = np.array(report["sweep"]["V*"]) < 1
    assert np.any(back[between] > 10 * from_rest[between])


@pytest.mark.slow  # 20 s of one core
def test_winner_takes_all(tmp_path):
    report, _ = quick_report("winner_takes_all", tmp_path)
    for suffix in ("png", "gif"):
        picture(tmp_path, f"winner_takes_all.{suffix}")
    case = report["cases"]["V* = 1.11"]
    assert len(case["path"]) == report["path_length"]
    assert set(case["path"]) <= set(case["active_junctions"])
    assert case["final_G*"] == pytest.approx(1, abs=0.1)
    # The last junction of the path closes it: the conductance rises after all have become active.
    assert case["steepest_rise_s"] > case["activation_s"][-1]
    assert report["cases"]["V* = 2"]["final_G*"] > case["final_G*"]


@pytest.mark.slow  # 25 s of one core
def test_avalanches_and_going_on(tmp_path):
    report, text = quick_report("avalanches", tmp_path)
    for name in ("avalanches.png", "avalanches_voltage.png"):
        picture(tmp_path, name)
    rows = {row["V*"]: row for row in report["ensembles"]}
    assert rows[1.0]["networks"] == rows[1.8]["networks"] == 6
    assert rows[1.8]["events"] > 3 * rows[1.0]["events"] > 0
    assert rows[1.0]["activated"] == 0 < rows[1.8]["activated"]
    assert text.count("us per network-step") == 2
    again, text = quick_report("avalanches", tmp_path)
    # The chunks are there: nothing is simulated again, and the numbers are the same.
    assert "us per network-step" not in text
    for one, other in zip(report["ensembles"], again["ensembles"], strict=True):
        assert one == other
