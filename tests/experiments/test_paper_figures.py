"""The reproductions of the paper's figures run, and their numbers mean what they say."""

import json
import os
from importlib import import_module
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.io
import scipy.sparse

import jaxnn
from jaxnn import analysis
from scripts import quick_report, run_script


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


@pytest.mark.slow  # 20 s of one core
def test_avalanches_and_going_on(tmp_path):
    report, text = quick_report("avalanches", tmp_path)
    for name in ("avalanches.png", "avalanches_voltage.png", "avalanches_density.png"):
        picture(tmp_path, name)
    rows = {row["V*"]: row for row in report["ensembles"]}
    assert rows[1.0]["networks"] == rows[1.8]["networks"] == 6
    assert rows[1.8]["events"] > 3 * rows[1.0]["events"] > 0
    assert rows[1.0]["activated"] == 0 < rows[1.8]["activated"]
    assert text.count("us per network-step") == 1
    again, text = quick_report("avalanches", tmp_path)
    # The chunks are there: nothing is simulated again, and the numbers are the same.
    assert "us per network-step" not in text
    for one, other in zip(report["ensembles"], again["ensembles"], strict=True):
        assert one == other


@pytest.mark.slow  # half a minute of one core, nearly all of it compilation
def test_lyapunov_map_and_going_on(tmp_path):
    report, text = quick_report("lyapunov_map", tmp_path)
    for name in ("lyapunov_map.png", "iv_loops.png"):
        picture(tmp_path, name)
    # Of each law a transient and the pairs; of one a loop, of the other tangents.
    assert text.count(" s\n") >= 6
    for law in ("deposited", "printed"):
        drives = report["laws"][law]["drives"]
        exponent = np.array([row["exponent"] for row in drives])
        assert exponent.shape == (4,)
        # No pair can shrink faster than by what the reset takes from it in a step.
        assert np.all((exponent > -211) & (exponent < 100))
        assert drives[2]["on_off_ratio"] > 10 > drives[0]["on_off_ratio"]
    # At 0.2 V no path forms and all filaments dissolve again and again; at 0.6 V and 0.5 Hz one forms.
    assert [row["tangent"] for row in report["laws"]["printed"]["drives"]][:2] == ["-inf", "-inf"]
    again, text = quick_report("lyapunov_map", tmp_path)
    # The pieces are there: nothing is simulated again, and the numbers are the same.
    assert "settled" not in text
    assert report["laws"] == again["laws"]


@pytest.mark.slow  # half a minute of one core, nearly all of it compilation
def test_lyapunov_settings_beside_a_map(tmp_path):
    drive = {"amplitude_V": 0.2, "frequency_Hz": 0.5, "exponent": -3.0, "tangent": "-inf"}
    (tmp_path / "lyapunov_map.json").write_text(json.dumps({"laws": {"printed": {"drives": [drive]}}}))
    report, text = quick_report("lyapunov_settings", tmp_path)
    picture(tmp_path, "lyapunov_methods.png")
    # The probes 5, the long transients 2, the other states 2.
    assert text.count("/after_1s/") == 9
    # Pairs that start in all junctions come close to the tangent where the distance is small.
    probes = report["probes"]
    near = np.array(probes["settings"]["5e-06 V s"]["exponent"][2:])
    np.testing.assert_allclose(near, [row[0] for row in probes["tangent"]["exponent"][2:]], atol=1)
    assert [row["transient_s"] for row in report["long_transients"]["rows"]] == [1]
    assert len(report["other_states"]) == 2


def test_a_read_out_as_deposited_drops_wires_below_the_rounding():
    """A wire that adds only rounding is left out, one that adds more than that is not."""
    basic = import_module("experiments.hochstetter2021._transformation_runs").basic_accuracy
    rng = np.random.default_rng(0)
    wire, slow = rng.normal(size=(2, 400))
    target = (wire + slow)[:, None]
    exactly = 1 - np.linalg.norm(target - wire[:, None] * (wire @ target) / (wire @ wire)) / np.linalg.norm(
        target
    )
    for added, expected in ((1e-9, 1.0), (1e-15, exactly)):
        record = analysis.ReadOutRecord.of(np.stack([wire, wire + added * slow], 1), target)
        np.testing.assert_allclose(basic(record), expected, atol=1e-4)
    # Directions are cut where wires are not: the smallest weights leave it out, the deposited way keeps it.
    small = 400 * np.finfo(float).eps
    record = analysis.ReadOutRecord.of(np.stack([100 * wire, wire + 40 * small * slow], 1), target)
    np.testing.assert_allclose(record.accuracy(record.weights()), exactly, atol=1e-2)


def test_exponents_after_several_transients():
    """A deposited exponent within the spread of ours is off by about one spread, another by many."""
    script = import_module("experiments.hochstetter2021.lyapunov_misses")
    each = np.array([[2.0, 2.0], [3.0, 3.0]])
    misses = [
        {"amplitude_V": 1.0, "frequency_Hz": f, "deposited": d, "exponent": 1.0}
        for f, d in ((0.5, 2.0), (1.0, 20.0))
    ]
    near, far = script.moment_rows(misses, each)
    assert near["off_in_spreads"] == 0
    assert near["moments_within"] == 1
    np.testing.assert_allclose(far["off_in_spreads"], 18 / np.sqrt(4 / 3))
    assert far["moments_within"] == 0


def test_ordered_pairs_go_on_as_they_are(tmp_path):
    """Exponents over the window of 70 s from the first seconds, once pairs are steady."""
    runs = import_module("experiments.hochstetter2021._drive_map")
    network = jaxnn.nanowire_network(12, box=8e-6, seed=1)
    pieces = import_module("experiments.shared.pieces").Pieces(tmp_path)
    some = runs.DriveMap(network, jaxnn.farthest_pair(network), pieces, "printed")
    drives = runs.Drives.of([(1.5, 0.5)])
    flux = some.settled("test", drives, 200.0)
    every = some.of_every_junction("test", drives, flux)
    whole = some.pairs("whole", drives, flux, range(network.n_junctions), 71.0)["window"]
    assert np.mean(whole) < runs.ORDERED
    assert np.ptp(whole) > 0.5
    np.testing.assert_allclose(every, whole, rtol=5e-3)


def test_on_off_ratio():
    """The mean over whole periods; what is not a number, at no voltage, is passed over."""
    ratio = jaxnn.analysis.on_off_ratio
    one = np.array([1.0, 4.0, 2.0, np.nan])
    other = np.array([np.nan, 3.0, 3.0, 1.5])
    # Two periods of 4 steps and half a third.
    conductance = np.concatenate([one, other, 100 * one[:2]])
    assert ratio(conductance, 250.0, 1e-3) == 3.0
    assert ratio(one, 100.0, 1e-3) == 4.0


def test_comparison_with_a_table(tmp_path):
    """Which drives count as converged, and which as agreeing."""
    script = import_module("experiments.hochstetter2021.lyapunov_map")
    runs = import_module("experiments.hochstetter2021._drive_map")
    path = tmp_path / "table.csv"
    path.write_text(
        "# a remark\namplitude_V,frequency_Hz,lyapunov_per_s,on_off_ratio,more\n"
        "1,0.5,-2,10,0\n1,1,-20,10,0\n2,0.5,0.1,1,0\n"
    )
    drives = import_module("experiments.shared.hochstetter2021")
    table = drives.read_table(path)
    assert table[1.0, 0.5] == (-2.0, 10.0)
    assert drives.read_table(tmp_path / "none.csv") == {}
    some = runs.Drives.of([(1.0, 0.5), (1.0, 1.0), (2.0, 0.5), (2.0, 1.0)])
    growth = np.zeros((4, 20, 2)) + np.array([-2.25, -23.0, -0.35, 1.0])[:, None, None]
    ratio = np.array([10.0, 10.001, 1.0, 1.0])
    window = list(growth.mean(1))
    found = script.Mapped(np.zeros((4, 3)), window, growth.mean((1, 2)), growth, ratio, np.full(4, -np.inf))
    rows = script.rows_of(some, found, table)
    found = script.comparison(rows)
    assert (found["deposited"], found["same_sign"], found["within"]) == (3, 2, 1)
    assert (found["ordered"], found["ordered_within"], found["with_the_same_ratio"]) == (2, 1, 2)
    assert (found["ordered_with_the_same_ratio"], found["chaotic"]) == (1, 0)
    assert [miss["deposited"] for miss in found["misses"]] == [-20.0, 0.1]
    np.testing.assert_allclose(found["ordered_median_difference"], -1.625)
    assert import_module("experiments.shared.script").plain(rows)[0]["tangent"] == "-inf"


def test_the_deposited_window():
    """n = round(70 f) periods, round(0.3 n) steps left out, 140,000 steps in multiples of n."""
    runs = import_module("experiments.hochstetter2021._drive_map")
    first, count = runs.deposited_window(np.array([0.025, 0.1, 0.35, 1.75]))
    np.testing.assert_array_equal(first, [1, 2, 8, 37])
    np.testing.assert_array_equal(count, [140_000, 140_000, 140_000, 139_974])
    assert [runs.whole_seconds(f) for f in (1.25, 0.65, 1.75, 0.025)] == [4, 20, 4, 40]


@pytest.mark.slow  # 15 s of one core
def test_waveform_transformation_and_going_on(tmp_path):
    report, _ = quick_report("waveform_transformation", tmp_path)
    picture(tmp_path, "waveform_transformation_map.png")
    for law in ("deposited", "printed"):
        found = report["laws"][law]
        assert len(found["drives"]) == 6
        scores = {
            name: np.array([row[name] for row in found["drives"]]) for name in ("in_sample", "unseen")
        }
        for score in scores.values():
            assert np.all(score <= 1)
        # The input is one of the potentials, so that no fit is worse than that of a linear network.
        assert np.all(scores["in_sample"] > np.array(report["linear"]) - 2e-3)
        # Weights are the best ones for the samples that they were trained on.
        alone = np.array([row["next_in_sample"] for row in found["drives"]])
        assert np.all(alone > scores["unseen"] - 1e-9)
    drives = [
        {key: row[key] for key in ("amplitude_V", "frequency_Hz")} | {"exponent": x}
        for row, x in zip(found["drives"], [-2.0, "-inf", None, 0, 1, 2], strict=True)
    ]
    laws = {law: {"drives": drives} for law in report["laws"]}
    (tmp_path / "exponents.json").write_text(json.dumps({"laws": laws}))
    script = "experiments/hochstetter2021/waveform_transformation.py"
    done = run_script(script, "--quick", "--out", tmp_path, "--exponents", tmp_path / "exponents.json")
    assert done.returncode == 0, done.stderr
    # Nothing is simulated again, and now there is something to plot against.
    assert "windows" not in done.stdout
    picture(tmp_path, "waveform_transformation.png")
    again = json.loads((tmp_path / "waveform_transformation.json").read_text())
    assert again["laws"]["printed"]["drives"] == report["laws"]["printed"]["drives"]


def test_on_off_ratio_of_periods():
    ratio = jaxnn.analysis.on_off_ratio
    conductance = np.tile([2.0, 8.0, np.nan, 4.0], 5)
    conductance[4:8] *= [1, 3, 1, 1]
    # Step 4 ends the first period and counts to the second; the last step begins one and is left out.
    assert ratio(conductance, 250.0, 1e-3, first=1) == pytest.approx((4 + 12 + 4 + 4 + 4) / 5)
    assert ratio(np.tile([3.0, 6.0], 10), 250.0, 1e-3, first=1) == 2


def test_tables_of_drives(tmp_path):
    drives = import_module("experiments.shared.hochstetter2021")
    table = tmp_path / "table.csv"
    table.write_text(
        "# a comment\na,f,l,r,1,2,3,4\n0.1,0.5,-41,1,0.9,0.5,0.1,0\n0.2,0.5,1,nan,nan,nan,nan,nan\n"
    )
    found = drives.read_deposited(table)
    assert found[0.1, 0.5] == (-41, 1, (0.9, 0.5, 0.1, 0))
    assert (0.2, 0.5) not in found
    assert found[1.25, 0.1].accuracy[0] == 0.9791
    rows = [{"amplitude_V": 1, "frequency_Hz": 2, "exponent": x} for x in ("-inf",)]
    (tmp_path / "own.json").write_text(json.dumps({"laws": {"printed": {"drives": rows}}}))
    assert drives.read_exponents(tmp_path / "own.json", "printed") == {(1, 2): -np.inf}


@pytest.mark.slow  # 25 s of one core
def test_crossings_are_counted_alike_in_single_precision():
    """The avalanches are simulated in float32: each network has as many events as in float64."""
    networks = [jaxnn.nanowire_network(density=1e11, box=22e-6, seed=s).with_pads(0.08) for s in range(4)]
    terminals = [(network.n_nodes - 2, network.n_nodes - 1) for network in networks]
    lengths = [network.path_length(*pair) for network, pair in zip(networks, terminals, strict=True)]
    counts = []
    for double in (False, True):
        with jax.enable_x64(double):
            junction = jaxnn.TunnelJunction(off_conductance=1e-8)
            found = analysis.count_events(
                jaxnn.Ensemble(networks),
                junction,
                jaxnn.Constant(jnp.asarray(0.018 * np.array(lengths))[:, None]),
                rule=analysis.Crossing.of(junction),
                terminals=terminals,
                dt=1e-3,
                steps=4000,
            )
            assert found.conductance.dtype == (jnp.float64 if double else jnp.float32)
            counts.append(np.asarray(found.counts).sum(axis=0))
    np.testing.assert_array_equal(*counts)
    assert counts[0].min() > 5


@pytest.mark.slow  # 20 s of one core
def test_adaptation(tmp_path):
    report, text = quick_report("adaptation", tmp_path)
    for name in ("load_sharing.png", "perturbations.png"):
        picture(tmp_path, name)
    for row in report["load"]:
        # A path ends with more equal shares of the voltage than the same junctions began with.
        assert 0 < row["path"]["last"]["mean"] < row["path"]["first"]["mean"] < 1
        assert 0 < row["all"]["last"]["mean"] < 1
    assert text.count("differences_") == len(report["growth"]) == 2
    slow, fast = report["growth"]
    assert slow["expanded"] <= fast["expanded"]
    assert slow["quartiles of the ratio"] < fast["quartiles of the ratio"]


@pytest.mark.slow  # half a minute of one core
def test_the_deposited_networks_are_those_of_our_generator():
    """Seeds 0 to 7 of 50 um over 30 s: as many events as are deposited, network by network."""
    runs = import_module("experiments.hochstetter2021._ensemble_runs")
    found = runs.simulate_chunk(runs.Case(50.0, 0.02, "crossing", (1.0,), 8, 8), 0)
    _, network, _, count = found["events"]
    np.testing.assert_array_equal(
        np.bincount(network, weights=count, minlength=8), [32, 63, 39, 36, 40, 66, 45, 32]
    )


@pytest.mark.slow  # a minute of one core
def test_event_trains_are_the_deposited_ones():
    """Seeds 0 to 7 of 50 um: the events of every millisecond, where JAXNN_EVENTS names the deposited file.

    That is `density0.10/Vstar1/Lx50/events.mat`: 30,000 steps a seed, one seed after the other,
    the last two of each zero.
    """
    path = Path(os.environ.get("JAXNN_EVENTS", "events.mat"))
    if not path.is_file():
        pytest.skip(f"no deposited event trains at {path}: set JAXNN_EVENTS to the file that has them")
    runs = import_module("experiments.hochstetter2021._ensemble_runs")
    deposited = scipy.io.loadmat(path)["events"]
    deposited = np.ravel(deposited.toarray() if scipy.sparse.issparse(deposited) else deposited)
    deposited = deposited[: 8 * 30_000].reshape(8, 30_000)
    with jax.enable_x64(True):  # in float32 some events are a few steps earlier or later
        found = runs._simulate_chunk(runs.Case(50.0, 0.02, "crossing", (1.0,), 8, 8), 0)
    _, network, step, count = found["events"]
    ours = np.zeros((8, 30_000), int)
    ours[network, step] = count
    ours[:, -2:] = 0
    np.testing.assert_array_equal(ours, deposited)
