"""Cells of the reservoir study: one method, seed and number of devices each, kept on disk when finished."""

import functools as ft
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit
from tqdm.auto import tqdm

from experiments.shared.pieces import Pieces
from experiments.shared.reservoir_answers import COUPLED, TAPS, Presentation
from experiments.shared.reservoir_tasks import Task
from jaxnn import reservoirs


NOISE = 1e-3  # of what is read, over the range of each feature
# Devices that feel each other are simulated sample by sample; sums have eight lines for each device.
LARGEST = {COUPLED: 128, "row sums": 256}


def principal(train: np.ndarray, test: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first principal components of the training data."""
    mean = train.mean(axis=0)
    if count >= train.shape[1]:
        return train, test
    centred = train - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    kept = vectors[:, ::-1][:, :count]
    return centred @ kept, (test - mean) @ kept


def noisy(features: np.ndarray, train: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As they are read, with noise for the range of the training data."""
    return features + NOISE * np.ptp(train, axis=0) * rng.standard_normal(features.shape, np.float32)


def evaluate(task: Task, features: np.ndarray, seed: int, raw: int | None) -> dict[str, Any]:
    """Scores of every split, the mean over its pairs; `raw` principal components if the data are raw."""
    rng = np.random.default_rng(seed + 10_000)
    out = {}
    for name, pairs in task.splits.items():
        found = []
        for train, test in pairs:
            x, z = features[train], features[test]
            if raw is not None:
                x, z = principal(x, z, raw)
            else:
                x, z = noisy(x, x, rng), noisy(z, x, rng)
            # Several pairs ask for people who were never heard, so that is how penalties are chosen;
            # otherwise one fifth is left out, once.
            parts: Any = 1
            if task.groups is not None and (len(pairs) > 1 or name == "between patients"):
                parts = np.unique(task.groups[train], return_inverse=True)[1]
            fit = reservoirs.fit_ridge(
                x, task.labels[train], task.n_classes, balanced=task.balanced, folds=parts
            )
            scores = reservoirs.scores(task.labels[test], fit.classify(z), task.n_classes)
            found.append((scores, fit.penalty))
        mean = lambda pick, found=found: np.mean([pick(s) for s, _ in found], axis=0).tolist()
        out[name] = {
            "accuracy": mean(lambda s: s.accuracy),
            "balanced_accuracy": mean(lambda s: s.balanced_accuracy),
            "f1": mean(lambda s: s.f1),
            "recall": np.nan_to_num(mean(lambda s: s.recall), nan=-1).tolist(),  # -1: no such sample
            "each": [s.accuracy for s, _ in found],
            "penalty": [penalty for _, penalty in found],
        }
    return out


def run(
    shown: Presentation,
    label: str,
    methods: Sequence[str],
    sizes: Sequence[int],
    out: Path,
    finished: bool = False,
) -> list[dict[str, Any]]:
    """All cells of a seed, those that are not on disk worked out and written there, or left out."""
    kept = Pieces(out / "cells")
    cells = []
    for method in tqdm(methods, desc=f"{label}, seed {shown.seed}", disable=None):
        wanted = [n for n in sizes if n <= LARGEST.get(method, n)]
        name = f"{label}-{method}-{shown.seed}".replace(" ", "-")
        missing = [n for n in wanted if not kept.has(f"{name}-{n}")]
        if finished:
            wanted = [n for n in wanted if n not in missing]

        def cell(n: int, method: str = method, largest: int = max(missing, default=0)) -> dict[str, Any]:
            features, energy = shown.respond(method, n, largest)
            raw = TAPS * n if method == "raw data" else None
            return {
                "label": label, "method": method, "seed": shown.seed, "devices": n,
                "splits": evaluate(shown.task, features, shown.seed, raw),
                "features": min(features.shape[1], raw or features.shape[1]), "energy": energy,
            }  # fmt: skip

        for n in wanted:
            found = kept.keep_json(f"{name}-{n}", ft.partial(cell, n))
            cells.append(found | {"seconds": kept.took[f"{name}-{n}"]})
    return cells


def curve(cells: list[dict], method: str, split: str, measure: str) -> tuple[np.ndarray, ...]:
    """Sizes, means over seeds and half-widths of the 95 % intervals (Student's t; 0 for one seed)."""
    of = [c for c in cells if c["method"] == method and split in c["splits"]]
    sizes = sorted({c["devices"] for c in of})
    values = [[c["splits"][split][measure] for c in of if c["devices"] == n] for n in sizes]
    half = [
        stdtrit(len(v) - 1, 0.975) * np.std(v, ddof=1) / len(v) ** 0.5 if len(v) > 1 else 0.0
        for v in values
    ]
    return np.asarray(sizes), np.asarray([np.mean(v) for v in values]), np.asarray(half)


def devices_needed(sizes: np.ndarray, means: np.ndarray, score: float) -> float | None:
    """Where the mean first reaches a score, between sizes straight in the logarithm; None if nowhere."""
    reached = np.flatnonzero(means >= score)
    if not reached.size:
        return None
    k = reached[0]
    if k == 0:
        return float(sizes[0])
    share = (score - means[k - 1]) / (means[k] - means[k - 1])
    return float(sizes[k - 1] * (sizes[k] / sizes[k - 1]) ** share)
