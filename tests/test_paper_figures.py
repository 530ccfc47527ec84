"""The reproductions of the paper's figures run, and their numbers mean what they say."""

import numpy as np
import pytest

from test_benchmark import load as load, quick_report


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


@pytest.mark.slow  # half a minute of one core, nearly all of it compilation
def test_lyapunov_map_and_going_on(tmp_path):
    report, text = quick_report("lyapunov_map", tmp_path)
    for name in ("lyapunov_map.png", "lyapunov_methods.png", "iv_loops.png"):
        picture(tmp_path, name)
    assert text.count("/after_1s/") == 8
    exponent = np.array([row["exponent"] for row in report["drives"]])
    assert exponent.shape == (4,)
    # No pair can shrink faster than by what the reset takes from it in a step.
    assert np.all((exponent > -211) & (exponent < 100))
    # At 0.2 V no path forms and all filaments dissolve again and again; at 0.6 V and 0.5 Hz one forms.
    assert [row["tangent"][0] for row in report["drives"]][:2] == ["-inf", "-inf"]
    assert report["drives"][2]["on_off_ratio"] > 10 > report["drives"][0]["on_off_ratio"]
    # Pairs that start in all junctions come close to the tangent where the distance is small.
    probes = report["probes"]
    near = np.array(probes["settings"]["5e-06 V s"]["exponent"][2:])
    np.testing.assert_allclose(near, [row[0] for row in probes["tangent"]["exponent"][2:]], atol=1)
    again, text = quick_report("lyapunov_map", tmp_path)
    # The pieces are there: nothing is simulated again, and the numbers are the same.
    assert "/after_1s/" not in text
    assert report["drives"] == again["drives"]


def test_on_off_ratio(load):
    """The mean over whole periods; what is not a number, at no voltage, is passed over."""
    ratio = load("_lyapunov_runs").on_off_ratio
    one = np.array([1.0, 4.0, 2.0, np.nan])
    other = np.array([np.nan, 3.0, 3.0, 1.5])
    # Two periods of 4 steps and half a third.
    conductance = np.concatenate([one, other, 100 * one[:2]])
    assert ratio(conductance, 250.0, 1e-3) == 3.0
    assert ratio(one, 100.0, 1e-3) == 4.0


def test_comparison_with_a_table(load, tmp_path):
    """Which drives count as converged, and which as agreeing."""
    script = load("lyapunov_map")
    path = tmp_path / "table.csv"
    path.write_text(
        "# a remark\namplitude_V,frequency_Hz,lyapunov_per_s,on_off_ratio,more\n"
        "1,0.5,-2,10,0\n1,1,-20,10,0\n2,0.5,0.1,1,0\n"
    )
    table = script.read_table(path)
    assert table[1.0, 0.5] == (-2.0, 10.0)
    assert script.read_table(tmp_path / "none.csv") == {}
    grid = script.grid_of(script.Size(), "some", [(1.0, 0.5), (1.0, 1.0), (2.0, 0.5), (2.0, 1.0)])
    growth = np.zeros((4, 20, 2)) + np.array([-2.25, -23.0, -0.15, 1.0])[:, None, None]
    growth[2, :10] += 1  # not converged
    tangents = np.full((4, 20, 3), -np.inf)
    rows = script.rows_of(grid, {"growth": growth, "ratio": np.full(4, 10.0)}, {"growth": tangents}, table)
    found = script.comparison(rows, "exponent")
    assert (found["deposited"], found["same_sign"], found["converged"]) == (3, 3, 2)
    assert (found["converged_and_within"], found["within"]) == (1, 2)
    assert (found["between_-10_and_-1"], found["of_these_within"]) == (1, 1)
    # Without its first half, the third drive has the other sign and is converged.
    found = script.comparison(rows, "late")
    assert (found["same_sign"], found["converged"], found["within"]) == (2, 3, 2)
    found = script.comparison(rows, "tangent")
    assert (found["same_sign"], found["converged"], found["vanishing"]) == (2, 0, 4)
    # Of 200 s, the first 10 at 0.85 /s and the rest at -0.15 /s.
    np.testing.assert_allclose(rows[2]["published_length"], -0.15 + 10 / 200, rtol=1e-12)
    assert script.plain(rows)[0]["tangent"] == ["-inf"] * 3
