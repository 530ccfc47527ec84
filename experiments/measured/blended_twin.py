"""Twins weighed against a pole and a black box, pad by pad: does a blend foretell a device better?

The recordings are those of `jaxnn fit`. What each pad's potential is in the judged part is foretold by the
twin, by it with the mean of all scans for its level, by it and a black box on what it leaves, by one pole
and by a black box of 60 lags; and by blends of these, with weights of 0 or more that add up to 1. Weights
are found by rolling origins: fits to the first 60 % and the first 80 % of the fitted part foretell the rest
of it, and least squares (non-negative) says what of each model is right there. `HELD`, a share of the mean
square, holds weights at the twin where these say little.

Which blend is to be taken is decided in the fitted part too: weights of the first origin, judged after the
second. The judged part is used once, at the end.

    python experiments/measured/blended_twin.py --folder DATA/inrim --out results/blended_twin
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import functools as ft
import itertools
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

import jaxnn
from experiments.shared.pieces import Pieces, TimeUp


DEVICES = ("074", "011")
SPLITS = ((1050, 420), (1500, 600))  # scans that are fitted, and judged
ORIGINS = (0.6, 0.8)  # of the fitted part
BLENDS = {
    "twin, level of all scans": ("twin", "twin, mean level"),
    "twin, black box": ("twin", "black_box"),
    "twin, pole, black box": ("twin", "pole", "black_box"),
    "twin, black box on its residual": ("twin", "twin and black box"),
    "twin, level of all scans, black box": ("twin", "twin, mean level", "black_box"),
}
HELD = (0.0, 0.03, 0.3)
LAGS = 60


def foretold(recording: jaxnn.data.Recording, roles: Any, origin: int, end: int) -> dict[str, np.ndarray]:
    """What every model says after a fit to the first scans, and what was measured, (scans, pads)."""
    found = jaxnn.twin.compare(recording.part(0, end), roles, fit=origin / end, judge=(end - origin) / end)
    early = recording.part(0, end)
    source = early.of(roles.source)
    pads = early.voltage[:, [early.column(pad) for pad in roles.live]]
    model = found.twin.predict(early.time, source, "memristive")
    left = pads - model
    mean = np.nanmean(left[:origin], axis=0)
    boxed = residual_black_box(source, left, origin)
    twin, after = found.predicted["twin"], slice(origin, end)
    return {name: found.predicted[name] for name in ("divider", "pole", "black_box", "twin")} | {
        "measured": found.measured,
        "twin, mean level": twin + mean,
        "twin and black box": twin + boxed[after],
    }


def residual_black_box(source: np.ndarray, left: np.ndarray, origin: int) -> np.ndarray:
    """Ridge regression of what a twin leaves on 60 lags, the penalty found in the last fifth of the fit."""
    shifted = lambda lag: np.concatenate([np.full(lag, source[0]), source[: len(source) - lag]])
    lags = np.stack([shifted(lag) for lag in range(LAGS)], axis=1)
    lags = (lags - lags[:origin].mean(0)) / lags[:origin].std(0)
    found = np.empty_like(left)
    for k, pad in enumerate(left.T):
        rows = np.flatnonzero(np.isfinite(pad[:origin]))[LAGS:]
        train, check = np.split(rows, [round(0.8 * len(rows))])
        predict = lambda on, penalty, pad=pad: (
            lags
            @ np.linalg.solve(
                lags[on].T @ lags[on] / len(on) + penalty * np.eye(LAGS), lags[on].T @ pad[on] / len(on)
            )
        )
        penalties = 10.0 ** np.arange(-3, 4)
        miss = [np.sum((pad[check] - predict(train, penalty)[check]) ** 2) for penalty in penalties]
        found[:, k] = predict(rows, penalties[int(np.argmin(miss))])
    return found


def weights_of(folds: list[dict[str, np.ndarray]], models: tuple[str, ...], held: float) -> np.ndarray:
    """Weights of each pad, (models, pads), 0 or more and together 1; `held` at the first model."""
    measured = np.concatenate([fold["measured"] for fold in folds])
    said = np.stack([np.concatenate([fold[name] for fold in folds]) for name in models], axis=1)
    found = np.zeros((len(models), measured.shape[1]))
    for k, pad in enumerate(measured.T):
        known = np.isfinite(pad)
        scale, count = pad[known].std(), known.sum()
        first, firm = np.eye(len(models))[0], 1e3 * np.sqrt(count)
        tie = np.sqrt(held * count)
        rows = [said[known, :, k] / scale, firm * np.ones((1, len(models))), tie * np.eye(len(models))]
        found[:, k] = nnls(np.concatenate(rows), np.concatenate([pad[known] / scale, [firm], tie * first]))[
            0
        ]
    return found / found.sum(axis=0)


def blended(said: dict[str, np.ndarray], models: tuple[str, ...], weights: np.ndarray) -> np.ndarray:
    """The weighted mean of what models say."""
    return np.sum([said[name] * weight for name, weight in zip(models, weights, strict=True)], axis=0)


def r2(measured: np.ndarray, said: np.ndarray) -> np.ndarray:
    """R2 of each pad."""
    return 1 - np.nansum((measured - said) ** 2, 0) / np.nansum(
        (measured - np.nanmean(measured, 0)) ** 2, 0
    )


def scores_of(
    folds: list[dict[str, np.ndarray]], judged: dict[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """R2 by pad, and medians, of all models and blends whose weights are of `folds`."""
    found = {name: r2(judged["measured"], said) for name, said in judged.items() if name != "measured"}
    for (name, models), held in itertools.product(BLENDS.items(), HELD):
        weights = weights_of(folds, models, held)
        found[f"{name}; held {held:g}"] = r2(judged["measured"], blended(judged, models, weights))
    row = lambda x: {"median": np.median(x), "mean": np.mean(np.clip(x, -1, 1)), "pads": x}
    plain = lambda value: np.round(value, 4).tolist()
    return {name: {key: plain(value) for key, value in row(x).items()} for name, x in found.items()}


def main() -> None:
    """Fits what is not there yet, decides within the fitted parts, judges once, and writes the numbers."""
    parser = script.parser(__doc__, "results/blended_twin", minutes=np.inf)
    parser.add_argument("--folder", type=Path, required=True, help="folder of the recordings")
    arguments = script.start(parser, float64=True, keep_compiled=True)
    pieces = Pieces(arguments.out / "pieces", arguments.minutes, aloud=True)
    report: dict[str, Any] = {"blends": BLENDS, "validated": {}, "judged": {}}
    for device, (fitted, judge) in itertools.product(DEVICES, SPLITS):
        recording = jaxnn.data.read_recording(arguments.folder / f"{device}_first70.txt")
        roles = recording.part(0, fitted).roles()
        ends = {**{round(x * fitted): fitted for x in ORIGINS}, fitted: fitted + judge}
        try:
            first, second, last = (
                pieces.keep(f"{device}_{fitted}_{o}", ft.partial(foretold, recording, roles, o, end))
                for o, end in ends.items()
            )
        except TimeUp:
            print(f"{device}, {fitted} scans: not done yet, call again to go on", flush=True)
            continue
        name = f"{device}, {fitted} scans"
        report["pads"] = report.get("pads", {}) | {device: roles.live}
        report["validated"][name] = scores_of([first], second)
        report["judged"][name] = scores_of([first, second], last)
    # Of the means of R2 over all pads, devices and splits.
    means = {
        name: np.mean([rows[name]["mean"] for rows in report["validated"].values()])
        for name in next(iter(report["validated"].values()), ())
    }
    report["chosen"] = max(means, key=lambda name: means[name], default=None)
    print("chosen within the fitted parts:", report["chosen"])
    for part in ("validated", "judged"):
        for name in next(iter(report[part].values()), ()):
            rows = report[part].values()
            text = "  ".join(f"{row[name]['median']:.4f} ({row[name]['mean']:.4f})" for row in rows)
            print(f"{part:>10} {name:48} {text}")
    script.finish(arguments.out / "blended_twin.json", report)


if __name__ == "__main__":
    main()
