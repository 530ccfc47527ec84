"""The tasks of the reservoirs: what is shown, how it becomes pulses, and how it is split."""

import dataclasses as dc
import functools as ft
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.shared.pieces import Pieces
from jaxnn import data, encoders


SLOTS = 6  # pulses per device


@dc.dataclass(frozen=True)
class Task:
    """Samples as pictures of pulses-to-be, their classes, and who is tested on what."""

    pictures: np.ndarray
    """(samples, rows, columns), 0 to 1."""
    labels: np.ndarray
    splits: dict[str, list[tuple[np.ndarray, np.ndarray]]]
    """Name: pairs of training and test samples, whose scores are averaged."""
    classes: tuple[str, ...]
    thresholds: tuple[float, ...]
    """What is half an amplitude, for devices in turn."""
    directions: tuple[tuple[int, int], ...]
    """Steps (rows, columns) from one pulse of a device to the next, drawn by lot."""
    groups: np.ndarray | None = None
    """Samples that cross-validation keeps together: speakers, patients."""
    balanced: bool = False
    levels: int = 2
    """Amplitudes that there are: with 2, a pulse is there or not."""

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    def only(self, samples: np.ndarray, **splits: Any) -> "Task":
        """Some of the samples, with splits among these."""
        groups = None if self.groups is None else self.groups[samples]
        return dc.replace(
            self, pictures=self.pictures[samples], labels=self.labels[samples], groups=groups, splits=splits
        )


def fields(task: Task, devices: int, seed: int) -> np.ndarray:
    """Which points of a picture each device sees one after the other: lines at random, (devices, SLOTS)."""
    rng = np.random.default_rng(seed)
    rows, columns = task.pictures.shape[1:]
    lots = rng.random((devices, 3))  # device by device: a larger reservoir begins with the smaller one
    steps = np.asarray(task.directions)[(lots[:, 0] * len(task.directions)).astype(int)]
    span = steps * (SLOTS - 1)
    size = np.asarray([rows, columns])
    # A line that goes up starts that much lower.
    lowest, highest = np.maximum(0, -span), size - 1 - np.maximum(0, span)
    start = lowest + np.floor(lots[:, 1:] * (highest - lowest + 1)).astype(int)
    points = start[:, None] + np.arange(SLOTS)[:, None] * steps[:, None]
    return points[..., 0] * columns + points[..., 1]


def encode(task: Task, devices: int, seed: int) -> np.ndarray:
    """Which of `trains` each device is shown, (samples, devices)."""
    thresholds = np.resize(np.asarray(task.thresholds), devices)
    flat = task.pictures.reshape(len(task.pictures), -1)
    points, top = fields(task, devices, seed), task.levels - 1
    # v^p is one half where v is at the threshold.
    powers = (np.log(0.5) / np.log(thresholds)).astype(np.float32)
    digits = task.levels ** np.arange(SLOTS)[::-1]
    numbers = np.empty((len(flat), devices), np.min_scalar_type(task.levels**SLOTS))
    rows = min(len(flat), max(1, 10**7 // points.size))  # always as many: compiled once
    for first in range(0, len(flat), rows):
        seen = np.zeros((rows, *points.shape), np.float32)
        part = flat[first : first + rows]
        seen[: len(part)] = part[:, points]
        code = np.asarray(_code(seen, task.levels, powers))
        numbers[first : first + rows] = np.rint(code[: len(part)] * top).astype(int) @ digits
    return numbers


@ft.partial(jax.jit, static_argnums=1)
def _code(seen: Any, levels: int, powers: Any) -> Any:
    return encoders.amplitude_code(seen, levels=levels, power=powers)


def trains(levels: int) -> np.ndarray:
    """All trains of pulses that there are, (levels^SLOTS, SLOTS), amplitudes 0 to 1."""
    digits = levels ** np.arange(SLOTS)[::-1]
    number = np.arange(levels**SLOTS)[:, None]
    return (number // digits % levels / (levels - 1)).astype(np.float32)


def square(step: int) -> tuple[tuple[int, int], ...]:
    """Along rows, columns and both diagonals, `step` points apart."""
    return (0, step), (step, 0), (step, step), (step, -step)


def load(name: str, folder: Path | None, cache: Path) -> Task:
    """A task in full, as the issue of its data has it."""
    tasks = {"digits": _digits, "mnist": _mnist, "speech": _speech, "lyon": _lyon, "ecg": _ecg}
    return tasks[name](folder, cache)


def subset(name: str, task: Task, seed: int) -> Task:
    """The size study's part of the task; all of it where that is small."""
    rng = np.random.default_rng(seed)
    if name == "mnist":
        ((train, test),) = task.splits["official"]
        chosen = np.concatenate([rng.choice(train, 6000, False), rng.choice(test, 1000, False)])
        return task.only(chosen, official=[(np.arange(6000), np.arange(6000, 7000))])
    if name == "ecg":
        ((train, test),) = task.splits["random"]
        per_class = [rng.permutation(train[task.labels[train] == c])[:1200] for c in range(task.n_classes)]
        train = np.concatenate(per_class)
        chosen = np.concatenate([train, rng.choice(test, 4000, False)])
        random = [(np.arange(len(train)), np.arange(len(train), len(chosen)))]
        return dc.replace(task.only(chosen, random=random), groups=None)
    return dc.replace(task, splits={k: v for k, v in task.splits.items() if len(v) == 1})


def _digits(folder: Path | None, cache: Path) -> Task:
    from sklearn.datasets import load_digits

    images, labels = (np.asarray(x) for x in load_digits(return_X_y=True))
    order = np.random.default_rng(0).permutation(len(labels))
    return Task(
        (images / 16).reshape(-1, 8, 8).astype(np.float32),
        labels,
        {"random": [(order[:1200], order[1200:])]},
        tuple("0123456789"),
        (0.3, 0.7),
        square(1),
    )


def _mnist(folder: Path | None, cache: Path) -> Task:
    (train, train_label), (test, test_label) = (data.mnist(folder, s) for s in ("train", "test"))
    n, crop = len(train), slice(2, 26)
    return Task(
        np.concatenate([train, test])[:, crop, crop],
        np.concatenate([train_label, test_label]),
        {"official": [(np.arange(n), np.arange(n, n + len(test)))]},
        tuple("0123456789"),
        (0.3,),
        square(2),
    )


def _lyon(folder: Path | None, cache: Path) -> Task:
    """Speech through Lyon's ear, of the package lyon, every 8th sample of it."""
    from lyon.calc import LyonCalc  # pyright: ignore[reportMissingImports]

    ear = lambda sound, rate: LyonCalc().lyon_passive_ear(np.asarray(sound, float), rate, 8).T
    return _speech(folder, cache, "lyon", ear=ear)


def _speech(folder: Path | None, cache: Path, piece: str = "cochlea", **ear: Any) -> Task:
    spoken = data.spoken_digits(folder)
    cochlea = lambda: {"pictures": encoders.audio_pulses(spoken.recordings, spoken.rate, **ear)}
    of_all = lambda kept: len(kept["pictures"]) == len(spoken.digits)
    pictures = Pieces(cache).keep(piece, cochlea, fits=of_all)["pictures"]
    # Half the bands and frames, each band above or below the mean of its frame: how loud it is says little.
    n, bands, frames = pictures.shape
    pictures = pictures[:, : 2 * (bands // 2)].reshape(n, bands // 2, 2, frames // 2, 2).mean(axis=(2, 4))
    pictures = np.clip(0.5 + 1.5 * (pictures - pictures.mean(axis=1, keepdims=True)), 0, 1)
    speakers = np.unique(spoken.speakers)
    out = [(np.flatnonzero(spoken.speakers != s), np.flatnonzero(spoken.speakers == s)) for s in speakers]
    return Task(
        pictures,
        spoken.digits,
        {"official": [spoken.official_split()], "leave one speaker out": out},
        tuple("0123456789"),
        (0.3, 0.45, 0.55, 0.7),
        (*square(1), (0, 2), (2, 0), (2, 1), (2, -1)),
        groups=spoken.speakers,
    )


def _ecg(folder: Path | None, cache: Path) -> Task:
    beats = data.heartbeats(folder, cache=cache)
    return Task(
        beats.beats[:, None],
        beats.labels,
        {"random": [beats.random_split(0)], "between patients": [beats.inter_patient_split()]},
        tuple(data.HEARTBEAT_CLASSES),
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
        tuple((0, k) for k in (1, 2, 4, 8, 16)),
        groups=beats.records,
        balanced=True,
    )
