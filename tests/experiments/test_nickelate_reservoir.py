"""The experiment with reservoirs: what devices are shown, what is kept, and its quick run."""

import dataclasses as dc
import json

import numpy as np
import pytest

from experiments.reservoirs import _study
from experiments.shared import reservoir_answers as _answers, reservoir_tasks as _tasks
from experiments.shared.pieces import Pieces
from helpers import ROOT
from scripts import run_script


@pytest.fixture
def study():
    return _study


def stripes(tasks, samples=48):
    """Two classes that any reservoir tells apart, on 8 x 8 points."""
    rng = np.random.default_rng(0)
    labels = np.arange(samples) % 2
    pictures = 0.6 * rng.random((samples, 8, 8)) + 0.3 * (np.arange(8) % 2 == labels[:, None])[:, None]
    half = np.arange(samples)
    splits = {"random": [(half[:32], half[32:])]}
    return tasks.Task(pictures.astype(np.float32), labels, splits, ("0", "1"), (0.5,), ((0, 1),))


def test_fields_are_lines_within_the_picture():
    tasks = _tasks
    task = dc.replace(stripes(tasks), directions=((0, 1), (1, 0), (1, -1), (1, 1)))
    fields = tasks.fields(task, 200, 0)
    rows, columns = fields // 8, fields % 8
    assert fields.min() >= 0
    assert rows.max() < 8
    steps = {tuple(x) for x in np.stack([np.diff(rows), np.diff(columns)], -1).reshape(-1, 2).tolist()}
    assert steps == set(task.directions)
    np.testing.assert_array_equal(fields[:50], tasks.fields(task, 50, 0))
    assert not np.array_equal(fields, tasks.fields(task, 200, 1))
    pulses = tasks.trains(2)[tasks.encode(task, 200, 0)]
    flat = task.pictures.reshape(len(task.labels), -1)
    np.testing.assert_array_equal(pulses, flat[:, fields] > 0.5)


def test_cells_are_kept_and_not_worked_out_again(study, tmp_path):
    shown = study.Presentation(stripes(_tasks), 0, tmp_path / "answers")
    methods, sizes = ("raw data", "row sums", "WOx memristors", "echo state"), (2, 4)
    cells = study.run(shown, "stripes", methods, sizes, tmp_path)
    assert len(cells) == 8
    assert all(c["features"] == min(8 * c["devices"], 64) for c in cells)
    (tmp_path / "cells" / "stripes-echo-state-0-4.json").unlink()
    assert len(study.run(shown, "stripes", methods, sizes, tmp_path, finished=True)) == 7
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "cells").iterdir()}
    again = study.run(shown, "stripes", methods, sizes, tmp_path)
    assert all(p.stat().st_mtime_ns == t for p, t in times.items())
    scores = lambda cells: [c["splits"] for c in cells]
    assert scores(again) == scores(cells)


def test_answers_that_are_kept_are_those_to_the_pulses(study, tmp_path):
    """Devices look their trains up, also the first of more devices, and in halves of two kinds."""
    tasks, answers = (
        _tasks,
        _answers,
    )
    task = stripes(tasks)
    shown = answers.Presentation(task, 0, tmp_path)
    found, energy = shown.respond("WOx memristors", 2, 4)
    pulses = tasks.trains(2)[tasks.encode(task, 2, 0)]
    reservoir = answers.build("WOx memristors", 2, 0)
    expected, each = answers.reservoirs.reservoir_features(reservoir, pulses)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(energy, each.mean(), rtol=1e-6)
    for name in (answers.NEURONS, answers.CAPACITORS):  # kept, as if simulated
        table = answers.Answers(np.full((64, 4, 8), len(name), np.float32), np.ones((64, 4)))
        Pieces(tmp_path).keep(f"{name}-0-2".replace(" ", "-"), table._asdict)
    found, energy = shown.respond(answers.MIXED, 4, 4)
    np.testing.assert_array_equal(found[:, 0], len(answers.NEURONS))
    np.testing.assert_array_equal(found[:, 16:], len(answers.CAPACITORS))
    assert found.shape == (48, 32)
    assert energy == 4


def test_labels_of_the_test_set_change_nothing_in_the_read_out(study):
    """Scores move with the test labels, the chosen penalty does not; nor with the test pictures."""
    task = stripes(_tasks)
    _, test = task.splits["random"][0]
    features = task.pictures.reshape(48, -1)
    before = study.evaluate(task, features, 0, None)["random"]
    swapped = task.labels.copy()
    swapped[test] = 1 - swapped[test]
    after = study.evaluate(dc.replace(task, labels=swapped), features, 0, None)["random"]
    assert after["penalty"] == before["penalty"]
    np.testing.assert_allclose(after["accuracy"], 1 - before["accuracy"])
    assert before["accuracy"] > 0.9


def test_devices_needed(study):
    sizes, means = np.asarray([8, 32, 128]), np.asarray([0.5, 0.7, 0.9])
    assert study.devices_needed(sizes, means, 0.5) == 8
    np.testing.assert_allclose(study.devices_needed(sizes, means, 0.8), 64)
    assert study.devices_needed(sizes, means, 0.95) is None


@pytest.mark.slow
def test_quick(tmp_path):
    done = run_script("experiments/reservoirs/nickelate_reservoir.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "digits" / "nickelate_reservoir.json").read_text())
    neurons = report["study"]["nickelate, neurons"]
    assert neurons["mean"][-1] > 0.9
    assert neurons["mean"][-1] > report["study"]["leaky integrators"]["mean"][-1]
    assert (tmp_path / "digits" / "devices.png").stat().st_size > 0


def test_the_page_has_the_scores_of_both_ears():
    found = json.loads((ROOT / "docs" / "measured" / "nickelate-lyon.json").read_text())["cells"]
    page = (ROOT / "docs" / "reservoirs.md").read_text()
    part = page[page.index("#### Spoken digits by two ears") :]
    rows = [[x.strip() for x in row.split("|")[1:-1]] for row in part.splitlines() if row[:1] == "|"]
    shown = sorted((row[3], row[5]) for row in rows[2:] if len(row) == 6)
    assert shown == sorted((f"{x['official']:.3f}", f"{x['leave one speaker out']:.3f}") for x in found)
