"""Cells of the reservoir study: one method, seed and number of devices each, kept on disk when finished."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _reservoir_tasks import SLOTS, Task, encode
from scipy import stats
from tqdm import tqdm

import jaxnn
from jaxnn import reservoirs


READS = 2
TAPS = SLOTS + READS  # features per device
NOISE = 1e-3  # of what is read, over the range of each feature
SHEET = 8  # devices on a sheet
NICKELATE = ("nickelate, neurons", "nickelate, capacitors", "nickelate, mixed", "nickelate, coupled")
OTHERS = ("raw data", "row sums", "leaky integrators", "echo state", "WOx memristors", "silver nanowires")
METHODS = NICKELATE + OTHERS
# Every sample has to be simulated where devices feel each other, and nanowires take their time.
LARGEST = {"nickelate, coupled": 128, "silver nanowires": 256}


def nickelate(devices: int, mode: str, seed: int, **numbers: Any) -> Any:
    return reservoirs.NickelateReservoir.prepared(devices, mode, jr.key(seed), reads=READS, **numbers)


def build(method: str, devices: int, seed: int) -> Any:
    """A reservoir of devices that differ as the seed says."""
    match method:
        case "nickelate, neurons":
            return nickelate(devices, "neuron", seed)
        case "nickelate, capacitors":
            return nickelate(devices, "capacitor", seed)
        case "nickelate, mixed":
            half = devices // 2
            parts = nickelate(half, "neuron", seed), nickelate(half, "capacitor", seed + 1000)
            return reservoirs.SideBySide(parts, (half, half))
        case "nickelate, coupled":
            sheet = jaxnn.CapacitiveSheet.grid(2, SHEET // 2)
            return nickelate(devices, "capacitor", seed, sheet=sheet, steps=16)
        case "row sums":
            return reservoirs.RowSums()
        case "leaky integrators":
            times = memory(nickelate(devices, "neuron", seed), devices)
            return reservoirs.LeakyIntegrator(jnp.asarray(times, jnp.float32), reads=READS)
        case "echo state":
            return reservoirs.EchoState.drawn(devices, seed, reads=READS)
        case "WOx memristors":
            normal = np.random.default_rng(seed).normal(size=(devices, 2)).astype(np.float32)
            growth, decay = np.exp(0.1 * normal).T
            return reservoirs.TungstenOxideReservoir(
                growth_rate=jnp.asarray(growth), decay_time=jnp.asarray(0.05 * decay), reads=READS
            )
        case "silver nanowires":
            return reservoirs.NanowireReservoir.drawn(devices, jr.key(seed), reads=READS)
    raise ValueError(f"method must be one of {METHODS}, got {method!r}.")


def memory(reservoir: Any, devices: int) -> np.ndarray:
    """Time constant of each device [slots]: how the trace of a first pulse fades from slot to slot."""
    pulses = np.zeros((2, devices, SLOTS), np.float32)
    pulses[1, :, 0] = 1
    currents = reservoirs.reservoir_features(reservoir, pulses)[0].reshape(2, devices, -1)
    trace = np.abs(currents[1] - currents[0])[:, 1:]
    return np.clip(1 / np.log(np.maximum(trace[:, 0] / trace[:, 1], 1.01)), 0.3, 30.0)


def channels(method: str, devices: int) -> int:
    """Trains of pulses: a sum is one feature where a device gives several."""
    return TAPS * devices if method == "row sums" else devices


def respond(task: Task, method: str, devices: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (samples, channels, features each), and the energy of each sample [J]."""
    pulses = encode(task, channels(method, devices), seed)
    reservoir = build(method, devices, seed)
    features, energy = reservoirs.reservoir_features(reservoir, pulses)
    return features.reshape(*pulses.shape[:2], -1), energy


def of_first(method: str, features: np.ndarray, devices: int) -> np.ndarray:
    """What a smaller reservoir, the first `devices` of the large one, would have said."""
    half = features.shape[1] // 2
    if method == "nickelate, mixed":
        features = np.concatenate(
            [features[:, : devices // 2], features[:, half : half + devices // 2]], axis=1
        )
    return features[:, : channels(method, devices)].reshape(len(features), -1)


def principal(train: np.ndarray, test: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first principal components of the training data."""
    mean = train.mean(axis=0)
    if count >= train.shape[1]:
        return train, test
    centred = train - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    kept = vectors[:, ::-1][:, :count]
    return centred @ kept, (test - mean) @ kept


def evaluate(task: Task, features: np.ndarray, seed: int, raw: int | None, folds: Any) -> dict[str, Any]:
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
                span = NOISE * np.ptp(x, axis=0)
                x, z = (v + span * rng.standard_normal(v.shape, np.float32) for v in (x, z))
            # Several pairs ask for people who were never heard, so that is how penalties are chosen.
            parts = folds
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
            "each": [s.accuracy for s, _ in found],
            "penalty": [penalty for _, penalty in found],
        }
    return out


def run(
    task: Task, label: str, methods: Sequence[str], sizes: Sequence[int], seed: int, out: Path, folds: Any
) -> list[dict[str, Any]]:
    """All cells of a seed, those that are not on disk worked out and written there."""
    (out / "cells").mkdir(parents=True, exist_ok=True)
    cells = []
    for method in tqdm(methods, desc=f"{label}, seed {seed}", disable=None):
        wanted = [n for n in sizes if n <= LARGEST.get(method, n)]
        paths = {n: out / "cells" / f"{label}-{method}-{seed}-{n}.json".replace(" ", "-") for n in wanted}
        missing = [n for n in wanted if not paths[n].is_file()]
        features, energy = None, np.full(1, np.nan)
        begin = time.perf_counter()
        for n in missing:
            if method == "raw data":
                chosen = task.pictures.reshape(len(task.pictures), -1)
            elif method == "echo state":
                chosen = respond(task, method, n, seed)[0].reshape(len(task.labels), -1)
            else:
                if features is None:
                    # A larger reservoir begins with the smaller ones of its seed.
                    features, energy = respond(task, method, max(missing), seed)
                chosen = of_first(method, features, n)
            raw = TAPS * n if method == "raw data" else None
            splits = evaluate(task, chosen, seed, raw, folds)
            cell = {
                "label": label, "method": method, "seed": seed, "devices": n, "splits": splits,
                "features": min(chosen.shape[1], raw or chosen.shape[1]),
                "energy": None if np.isnan(energy).any() else float(energy.mean()) * n / max(missing),
                "seconds": time.perf_counter() - begin,
            }  # fmt: skip
            # Renamed when whole, so that a run cut off leaves no half of a cell.
            draft = paths[n].with_suffix(".part")
            draft.write_text(json.dumps(cell, allow_nan=False))
            draft.replace(paths[n])
        cells += [json.loads(paths[n].read_text()) for n in wanted]
    return cells


def curve(cells: list[dict], method: str, split: str, measure: str) -> tuple[np.ndarray, ...]:
    """Sizes, means over seeds and half-widths of the 95 % intervals (Student's t; 0 for one seed)."""
    of = [c for c in cells if c["method"] == method and split in c["splits"]]
    sizes = sorted({c["devices"] for c in of})
    values = [[c["splits"][split][measure] for c in of if c["devices"] == n] for n in sizes]
    half = [
        stats.t.ppf(0.975, len(v) - 1) * np.std(v, ddof=1) / len(v) ** 0.5 if len(v) > 1 else 0.0
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
