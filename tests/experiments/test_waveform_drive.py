"""The waveform transformation: its read-out, its gradient, and the quick run of the script."""

import json
from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from scripts import run_script


@pytest.fixture
def script():
    return import_module("experiments.gradients.waveform_drive")


def test_read_out_is_least_squares_where_that_is_well_posed(script):
    potential = np.random.default_rng(0).normal(size=(300, 7))
    target = np.random.default_rng(1).normal(size=300)
    loss, weights = script.train(potential, target)
    expected = np.linalg.lstsq(potential, target)[0]
    np.testing.assert_allclose(weights, expected, atol=1e-9)
    miss = np.linalg.norm(potential @ expected - target) / np.linalg.norm(target)
    np.testing.assert_allclose(loss, miss, rtol=1e-10)


def test_read_out_of_too_few_directions_is_finite(script):
    potential = np.random.default_rng(0).normal(size=(300, 2)) @ np.ones((2, 7))
    potential[:, 3] = 0  # the grounded wire
    target = potential[:, 0]
    loss, slope = jax.value_and_grad(lambda x: script.train(x, target)[0])(potential)
    assert loss < 1e-5  # the ridge
    assert np.isfinite(slope).all()


def test_slope_of_the_read_out(script):
    random = np.random.default_rng(2)
    potential, direction = random.normal(size=(2, 50, 4))
    target = random.normal(size=50)
    loss = lambda h: script.train(potential + h * direction, target)[0]
    difference = (loss(1e-5) - loss(-1e-5)) / 2e-5
    # Weights are held fixed in it: at a minimum they do not count.
    np.testing.assert_allclose(jax.grad(loss)(0.0), difference, rtol=1e-6)


def test_slope_in_frequency_is_that_of_a_slower_clock(script):
    network = jaxnn.nanowire_network(14, box=11e-6, seed=1)
    terminals = tuple(int(wire) for wire in jaxnn.farthest_pair(network))
    # The drive starts below the threshold: the one step of transient hides nothing of the slope.
    task = script.Task(network, terminals, "double", 1, 400, cut=400, every=1, dtype=jnp.float64)
    measure = lambda choice: jnp.sum(task.run(choice)[0] ** 2)
    choice = script.Choice(jnp.log(0.2), jnp.log(1.0), jnp.asarray(0.01))
    slope = jax.jit(jax.grad(measure))(choice)

    @jax.jit
    def slower(factor):
        phase = 1e-3 * jnp.arange(1.0, 402.0)
        drive = 0.2 * (script.waveform("shift", phase - 0.25) + 0.01)
        setup = {"terminals": terminals, "dt": 1e-3 / factor, "steps": 401}
        junction = jaxnn.parameters.hochstetter2021_ac()
        solution = jaxnn.simulate(network, junction, drive, record="node_potential", **setup)
        return jnp.sum(solution.node_potential[1:] ** 2)

    np.testing.assert_allclose(measure(choice), slower(1.0), rtol=1e-6)
    difference = (slower(1 + 1e-5) - slower(1 - 1e-5)) / 2e-5
    assert abs(difference) > 1
    np.testing.assert_allclose(slope.log_frequency, difference, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "cycles", "expected"),
    [
        ("sine", 0.25, 1),
        ("square", 0.75, -1),
        ("double", 0.125, 1),
        ("double", 0.375, -1),
        ("shift", 0.0, 1),
        ("shift", 0.25, 0),
    ],
)
def test_waveforms(script, name, cycles, expected):
    assert abs(script.waveform(name, cycles) - expected) < 1e-12


def test_comparison_counts_simulations(script):
    values = {
        "gradient": np.asarray([[0.1, 0.5], [0.3, 0.2]]),
        "random search": np.asarray([[0.1, 0.2, 0.3, 0.4]] * 2),
        "published grid": np.asarray([[0.2, 0.1, 0.1, 0.1]] * 2),
    }
    report = script.compare(values, {"gradient": 2.0, "random search": 1.0, "published grid": 1.0})
    assert report["budget_simulations"] == 4
    assert report["accuracy_at_budget"]["gradient"][1] == pytest.approx(0.4)
    # 0.5 and 0.3 against 0.4 from the same two starts.
    assert report["gradient_ahead"] == {"restarts": 1, "by": pytest.approx([-0.05, 0, 0.05])}
    needs = report["simulations_to_reach"]["random search at the budget"]
    assert needs["accuracy"] == pytest.approx(0.4)
    assert needs["random search"]["simulations"][1] == 4
    assert needs["gradient"]["restarts_that_reach_it"] == 1
    assert needs["published grid"]["simulations"][1] is None


@pytest.mark.slow  # a minute, most of it compiling gradients
def test_quick_run(tmp_path):
    done = run_script("experiments/gradients/waveform_drive.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "waveform_drive_double.json").read_text())
    accuracies = {m: np.asarray(v) for m, v in report["accuracies"].items()}
    assert accuracies["gradient"].shape == (report["restarts"], report["iterations"])
    assert accuracies["random search"].shape == (report["restarts"], report["draws"])
    for values in accuracies.values():
        assert (values <= 1).all()
        assert (values > -0.01).all()  # no weights at all have an accuracy of 0
    # Of the best drive and of the start, the same accuracy by another compiled function.
    start = report["drives"]["start"]
    np.testing.assert_allclose(start["accuracy"], accuracies["gradient"][:, 0], atol=0.02)
    # Gradient and random search set out from the same drives.
    np.testing.assert_allclose(accuracies["random search"][:, 0], accuracies["gradient"][:, 0], atol=0.02)
    assert report["cost_simulations"]["gradient"] > 1
    assert "simulations to" in done.stdout
    assert (tmp_path / "waveform_drive_double.png").stat().st_size > 0
