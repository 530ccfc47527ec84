"""Path routing works from the command line, and its read agrees with two plain terminals."""

import importlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from scripts import run_script


@pytest.fixture(scope="module")
def script():
    return importlib.import_module("experiments.gradients.path_routing")


@pytest.fixture(scope="module")
def device(script):
    return script.build(60, 25e-6, 1)


def test_terminals_are_four_to_six_apart(script, device):
    hops = [device.wires.path_length(*(device.terminals[k] for k in pair)) for pair in script.PAIRS]
    assert len(hops) == 15
    assert min(hops) >= 4
    assert max(hops) <= 6


def test_read_is_that_of_a_pair_without_leads(script, device):
    # The other terminals float, and a closed lead adds 10 Ohm to some MOhm.
    key = jax.random.key(0)
    state = jax.random.uniform(key, device.network.n_junctions, maxval=0.015)
    read = jax.jit(lambda state: script.pair_conductances(device, state))(state)
    pair = script.PAIRS[7]
    alone = jaxnn.simulate(
        device.wires,
        script.law(),
        jaxnn.Constant(script.READ),
        terminals=[device.terminals[k] for k in pair],
        dt=script.DT,
        steps=1,
        state=state[: device.wires.n_junctions],
    )
    np.testing.assert_allclose(read[7], alone.conductance[0], rtol=1e-3)


def test_selectivity(script):
    conductances = jnp.asarray([1e-8] * 13 + [1e-5, 2e-8])
    chosen = script.one_hot(script.PAIRS[13])
    true, smooth = script.selectivities(conductances, chosen)
    np.testing.assert_allclose(true, np.log10(500), rtol=1e-6)
    np.testing.assert_allclose(script.score(np.asarray(conductances), chosen), true, rtol=1e-6)
    # A smooth maximum is above the true one, by log10(14) / sharpness at most.
    assert true - np.log(14) / script.SHARPNESS < smooth < true


@pytest.mark.slow
def test_quick_run(tmp_path):
    done = run_script("experiments/gradients/path_routing.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "path_routing.json").read_text())
    rows = report["results"]
    assert [row["mode"] for row in rows] == ["pair"] * 3 + ["all six"] * 3
    conductances = np.asarray(report["conductances"])
    for row, values in zip(rows, conductances, strict=True):
        index = report["pairs"].index(row["terminals"])
        ratio = values[index] / np.delete(values, index).max()
        np.testing.assert_allclose(row["tuned"], ratio, rtol=1e-4)
        assert 2 <= row["junctions_apart"] <= 3
    for row in rows[:3]:
        # A voltage well above the threshold joins the pair and no other; one below leaves it blank.
        assert max(row["constant"].values()) > 100 > 2 > row["constant"]["1.2"]
        assert max(numbers["best"] for numbers in row["methods"].values()) > 100
        # These junctions forget: 0.015 V s at 0.1 V are gone after 0.15 s.
        assert row["seconds_above_goal"]["rest"] < 0.15
        assert row["seconds_above_goal"]["read"] < 0.15
    for name in ("routes_pair", "routes_all_six", "comparison"):
        assert (tmp_path / f"{name}.png").stat().st_size > 0
