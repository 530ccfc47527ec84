"""Waveform scores of the ordered drives beside the deposited ones, by two rules for what is rounding.

Fig 8 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire networks.
Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

Where the deposited exponent is below -1 /s the network comes to an orbit, and a score in-sample is a
property of it. Wires differ there by a part in 1e9 of the input and less, so that a score hangs on which of
these differences the regression counts as rounding:

- basic: MATLAB's `regress`, which the deposited scores were made with, takes wires one by one and drops
  those that add less than the rounding of the first, times the number of samples;
- smallest weights: the pseudo-inverse, which drops directions below the same part of the largest.

Of the 80 s only 40 s are simulated, in which the period of every drive is contained: the triangular factor
of twice the samples is that of these times the root of two.

    python experiments/hochstetter2021/ordered_scores.py --reference FOLDER --published FILE
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import functools as ft
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from experiments.hochstetter2021._drive_map import (
    ORDERED,
    PERIOD,
    TOGETHER,
    TRANSIENT,
    DriveMap,
    Drives,
    in_groups,
)
from experiments.hochstetter2021._transformation_runs import DT, SEGMENT, basic_accuracy, window_of
from experiments.shared import hochstetter2021 as published
from experiments.shared.pieces import Pieces
from jaxnn.analysis import ReadOutRecord


TIMES = 2  # PERIOD is in the window of the deposited scores
WITHIN = (1e-6, 1e-5, 1e-3)


def factors(runs: DriveMap, drives: Drives, flux: np.ndarray) -> np.ndarray:
    """The triangular factors of potentials and targets over a `PERIOD`, (drives, columns, columns)."""
    window, found = window_of(runs, round(PERIOD / DT), SEGMENT), []

    def make(some: Drives, states: np.ndarray) -> dict[str, Any]:
        return {"factor": in_groups(window, *some, states, np.zeros(len(states), np.int32)).record.factor}

    for start in range(0, len(flux), TOGETHER):
        group = slice(start, start + TOGETHER)
        one = ft.partial(make, drives[group], runs.from_fluxes(flux[group]))
        found.append(runs.pieces.keep(f"{runs.law}/ordered/orbit_{start // TOGETHER:02d}", one)["factor"])
    return np.concatenate(found)


def scores(factor: np.ndarray, wires: int) -> dict[str, list[float]]:
    """Accuracies of the four targets by both rules, over the window of the deposited ones."""
    samples = jnp.int32(TIMES * round(PERIOD / DT))
    record = ReadOutRecord(jnp.asarray(np.sqrt(TIMES) * factor), samples, wires)
    smallest = np.asarray(record.accuracy(record.weights())).tolist()
    return {"basic": basic_accuracy(record).tolist(), "smallest weights": smallest}


def main() -> None:
    """Simulates what is not there yet, prints how many scores agree, and writes them."""
    parser = script.parser(__doc__, "results/ordered_scores", minutes=np.inf, reference=True)
    parser.add_argument("--published", type=Path, help="the deposited table of drives")
    parser.add_argument(
        "--pieces", type=Path, default=Path("results/drive_map/pieces"), help="what is kept"
    )
    arguments = script.start(parser, float64=True, keep_compiled=True)
    network, terminals, _ = published.network_for(arguments.reference, False)
    deposited = {
        drive: row.accuracy
        for drive, row in published.read_deposited(arguments.published).items()
        if row.exponent < ORDERED
    }
    runs = DriveMap(
        network, terminals, Pieces(arguments.pieces, arguments.minutes, aloud=True), "deposited"
    )
    drives = Drives.of(deposited)
    flux = runs.settled("ordered", drives, TRANSIENT)
    rows = []
    for (drive, known), factor in zip(deposited.items(), factors(runs, drives, flux), strict=True):
        found = scores(factor, network.n_nodes)
        rows.append({"amplitude_V": drive[0], "frequency_Hz": drive[1], "deposited": list(known)} | found)
    report: dict[str, Any] = {"drives": len(rows), "agree": {}, "rows": rows}
    for rule in ("basic", "smallest weights"):
        miss = np.array([np.abs(np.subtract(row[rule], row["deposited"])).max() for row in rows])
        report["agree"][rule] = {f"all four within {x:g}": int(np.sum(miss < x)) for x in WITHIN}
        report["agree"][rule]["largest difference"] = float(miss.max())
        worst = rows[int(np.argmax(miss))]
        print(rule, report["agree"][rule], "worst:", worst["amplitude_V"], "V", worst["frequency_Hz"], "Hz")
    script.finish(arguments.out / "ordered_scores.json", report)


if __name__ == "__main__":
    main()
