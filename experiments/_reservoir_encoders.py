"""Encoders compared by cross-validation between people of the training set; tests are not looked at."""

import dataclasses as dc
import json
from pathlib import Path
from typing import Any

import numpy as np
from _reservoir_answers import CAPACITORS, Presentation
from _reservoir_study import noisy
from _reservoir_tasks import Task
from tqdm import tqdm

from jaxnn import reservoirs


PENALTIES = tuple(10.0 ** np.arange(-6, 4))
PER_CLASS = 4000  # samples at most: class weights make more of them count no more
SEEDS = 3


def stretched(task: Task) -> np.ndarray:
    """Each series without the zeros behind it, as long as all, beside the series itself."""
    series = task.pictures[:, 0]
    times = series.shape[1]
    ends = times - np.argmax(series[:, ::-1] > 0, axis=1)
    at = np.linspace(0, 1, times) * (ends[:, None] - 1)
    low = np.minimum(at.astype(int), times - 2)
    of = lambda k: np.take_along_axis(series, k, axis=1)
    return np.stack([series, of(low) + (at - low) * (of(low + 1) - of(low))], axis=1).astype(np.float32)


def candidates(task: Task) -> dict[str, Task]:
    """The task as it is, and shown in other ways."""
    steps = lambda *k: tuple((0, x) for x in k)
    return {
        "as it is": task,
        "low thresholds": dc.replace(task, thresholds=(0.05, 0.1, 0.15, 0.2, 0.3, 0.5)),
        "high thresholds": dc.replace(task, thresholds=(0.2, 0.35, 0.5, 0.65, 0.8)),
        "short lines": dc.replace(task, directions=steps(2, 4, 6, 8)),
        "long lines": dc.replace(task, directions=steps(4, 8, 16, 24, 32)),
        "also stretched to one length": dc.replace(task, pictures=stretched(task)),
    }


def between_people(task: Task, devices: int, out: Path) -> list[dict[str, Any]]:
    """Validation score of each way to show the training samples of the split between people."""
    ((train, _),) = task.splits["between patients"]
    rng = np.random.default_rng(0)
    of = [rng.permutation(train[task.labels[train] == c])[:PER_CLASS] for c in range(task.n_classes)]
    part = task.only(np.concatenate(of))
    people = np.unique(np.asarray(part.groups), return_inverse=True)[1]

    def validation(features: np.ndarray) -> float:
        fit = reservoirs.fit_ridge(
            features, part.labels, part.n_classes, penalties=PENALTIES, balanced=True, folds=people
        )
        return float(fit.validation.max())

    cells = []
    for name, shown in tqdm(candidates(part).items(), desc="encoders", disable=None):
        path = out / "cells" / f"encoder-{name}.json".replace(" ", "-")
        if not path.is_file():
            found = []
            for seed in range(SEEDS):
                features, _ = Presentation(shown, seed, out.parent / "answers").respond(
                    CAPACITORS, devices, devices
                )
                found.append(validation(noisy(features, features, np.random.default_rng(seed))))
            raw = validation(shown.pictures.reshape(len(part.labels), -1))
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({"encoder": name, "validation": found, "raw": raw}))
        cells.append(json.loads(path.read_text()))
    return cells
