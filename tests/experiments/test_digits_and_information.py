"""The digits, the forecast and the information of networks in quick mode, and what their pieces must do."""

import importlib
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import ROOT
from scripts import quick_report


@pytest.fixture(scope="module")
def grid() -> Any:
    return importlib.import_module("experiments.reservoirs.grid_digits")


def test_the_pads_of_the_published_grid(grid):
    film = grid.Film(28)
    assert film.network.n_nodes == 29 * 29
    # First column of pads, from the right, and the next; the pad with 0.1 V more is the 105th.
    assert film.pads[:3].tolist() == [56, 114, 172]
    assert film.pads[14] == 54
    assert len(set(film.pads.tolist())) == 196
    assert film.bias == 105
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 3, 9] = 1.0  # block 2 of four columns, row 3, the second slot
    on = film.rows(image)
    assert on.shape == (1, 4, 196)
    assert np.argwhere(on[0]).tolist() == [[1, 2 * 28 + 3]]


@pytest.mark.parametrize("as_published", [True, False])
def test_several_steps_at_once_are_steps_one_by_one(grid, as_published):
    law = jaxnn.parameters.milano2022_reservoir(as_published)
    start, voltage = jnp.array([0.0, 0.3, 0.9, 0.5]), jnp.array([0.0, 0.25, 0.4, 2.5])
    state = start
    for _ in range(7):
        state = law.update(state, voltage, grid.STEP)
    np.testing.assert_allclose(grid.several(law, start, voltage, 7), state, rtol=1e-9)


def test_a_source_and_its_resistor_are_a_current_and_a_conductance(grid):
    """Potentials against a dense solution of the grid with the resistors as edges."""
    film = grid.Film(8)
    law = jaxnn.parameters.milano2022_reservoir(True)
    random = np.random.default_rng(0)
    state = random.uniform(size=film.network.n_junctions)
    voltage = film.voltage(random.integers(0, 2, len(film.pads)))
    n = film.network.n_nodes
    laplacian, right = np.zeros((n, n)), np.zeros(n)
    for (a, b), g in zip(film.network.edges, np.asarray(law.conductance(jnp.asarray(state))), strict=True):
        laplacian[[a, b], [a, b]] += g
        laplacian[[a, b], [b, a]] -= g
    laplacian[film.pads, film.pads] += 1 / 82
    right[film.pads] = voltage / 82
    found = film.potential(law, jnp.asarray(state), jnp.asarray(voltage))[:-1]
    np.testing.assert_allclose(found, np.linalg.solve(laplacian, right), rtol=1e-9)


def test_the_closed_loop_is_steps_one_by_one():
    """Feedback in the compiled loop against a loop in Python that moves the forecast on by hand."""
    module = importlib.import_module("experiments.reservoirs.lorenz_forecast")
    one = module.Forecaster(40, 8e-6, 0, 0.1)
    series = module.lorenz(60)
    series = (series - series.mean(axis=0)) / series.std(axis=0)
    potential, state = one.driven(series[:40], None)
    read_out = module.ridge(potential, series[1:41] - series[:40])
    found = one.forecast(series[40], read_out, 5, state)
    stepper = jaxnn.Stepper(one.network, one.law, terminals=one.terminals, dt=module.STEP, state=state)
    carry, y, move = stepper.start(), series[40], jax.jit(stepper.step)
    for k in range(4):
        carry, step = move(carry, jnp.append(jnp.asarray(y @ one.weights + one.bias), 0.0))
        y = y + np.asarray(step.node_potential)[one.read] @ read_out
        np.testing.assert_allclose(found[k], y, rtol=1e-7, atol=1e-9)


def test_one_line_of_a_delayed_feedback():
    """The readings of a small line against steps in plain NumPy."""
    module = importlib.import_module("experiments.reservoirs.delayed_feedback_digits")
    line = module.Line(6, 3, 2, module.Set(0.8, 0.5, 5e-3))
    image = np.random.default_rng(1).uniform(size=(6, 4)).astype(np.float32)
    found = np.asarray(jax.jit(line)(jnp.asarray(image))).reshape(4, 2, 3)
    mask, state, before = np.asarray(line.mask), np.zeros(2), np.zeros((2, 3))
    for k in range(4):
        volts = 0.8 * np.abs(mask @ image[:, k] + 0.5 * before)
        for n in range(3):
            growth = 1e3 * np.maximum(volts[:, n] / 0.3 - 1, 0)
            end, rate = growth / (growth + 200), growth + 200
            state = end + (state - end) * np.exp(-rate * 1e-3)
            state = state * np.exp(-0.2)
            before[:, n] = state  # the logarithm of the conductance is the state
            np.testing.assert_allclose(found[k, :, n], state, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_grid_digits(tmp_path):
    report, _ = quick_report("grid_digits", tmp_path)
    for name in ("as published", "exact step"):
        assert report[f"42 solutions against all steps, {name}"]["root mean square"] < 0.03
        assert report[name]["accuracy"] > 0.3
    assert (tmp_path / "grid_digits.png").is_file()


def test_nanowire_digits(tmp_path):
    report, _ = quick_report("nanowire_digits", tmp_path)
    for channels in (2, 5):
        online = report[f"800 images, {channels} channels"]["online"]
        assert online["accuracy"] > 0.7
        assert online["distance from batch"] < 1e-6
    assert (tmp_path / "nanowire_digits.png").is_file()


@pytest.mark.slow
def test_delayed_feedback_digits(tmp_path):
    report, _ = quick_report("delayed_feedback_digits", tmp_path)
    assert report["one device"]["accuracy"] > 0.85
    assert report["2 devices"]["accuracy"] > report["one device"]["accuracy"] - 0.02
    assert (tmp_path / "delayed_feedback_digits.png").is_file()


def test_lorenz_forecast(tmp_path):
    report, _ = quick_report("lorenz_forecast", tmp_path)
    for alpha in ("0.02 V", "0.2 V"):
        found = report[alpha]
        assert found["error of increments"][0] < 0.3 * found["variance of increments"][0]
        assert sum(found["states"][0]) == pytest.approx(1)
        assert found["mean time"] > 0.05
    assert (tmp_path / "lorenz_forecast.png").is_file()


def test_information_dynamics(tmp_path):
    report, _ = quick_report("information_dynamics", tmp_path)
    # Little below the threshold, more where the network moves.
    storage, moving = report["storage"]["mean"], report["moving"]["mean"]
    assert storage[0] < max(storage)
    assert moving[0] < max(moving)
    assert (tmp_path / "information_dynamics.png").is_file()


def measured(name):
    return json.loads((ROOT / "docs" / "measured" / name).read_text())


def test_the_page_has_the_measured_scores():
    page = (ROOT / "docs" / "digits-and-information.md").read_text()
    plain = [[x.strip(" *") for x in row.split("|")[1:-1]] for row in page.splitlines() if row[:1] == "|"]
    rows = {row[0]: row[1:] for row in plain}
    for name, one in measured("nanowire-digits.json").items():
        if "images," in name:
            online = one["online"]
            scores = one["pixels"], one["batch"], online["accuracy"]
            before = online["accuracy before learning, last part"]
            count, rest = name.split(" ", 1)
            assert rows[f"{int(count):,} {rest}"] == [f"{x:.3f}" for x in (*scores, before)]
    delayed = measured("delayed-feedback-digits.json")
    for shown, name in (
        ("one device", "one device"),
        ("one, without feedback", "one without feedback"),
        ("two devices", "2 devices"),
        ("two that vary by 20 % (growth, decay, threshold)", "two that vary by 20%"),
        ("four devices", "4 devices"),
        ("eight devices", "8 devices"),
    ):
        found = delayed[name]
        assert rows[shown] == [f"{found['features']:,}", f"{found['accuracy']:.3f}"]
    for shown, name in (("step as published", "as published"), ("exact step", "exact step")):
        one = measured("grid-digits.json")[name]
        curve = [f"{x:.4f}" for x in one["accuracy by images"].values()]
        assert rows[shown] == [*curve, f"{one['accuracy of the training set']:.4f}", f"{one['loss']:.4f}"]
