"""The reproductions of the paper's figures run, and their numbers mean what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from jaxnn import analysis
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


@pytest.mark.slow  # 20 s of one core
def test_avalanches_and_going_on(tmp_path):
    report, text = quick_report("avalanches", tmp_path)
    for name in ("avalanches.png", "avalanches_voltage.png"):
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
