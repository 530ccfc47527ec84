"""The drives of Figs 6 to 8 of the nanowire paper, and what is deposited about them.

Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire networks. Nat.
Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z
"""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


# The grid of the authors' script runACAttractor (github.com/joelhochstetter/NWNsim), [V] and [Hz].
AMPLITUDES = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 1.75, 2, 2.5, 3)
FREQUENCIES = (0.025, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 1, 1.25, 1.5, 1.75, 2)
TARGETS = ("sine", "square", "shifted", "double")
# A read-out of the input alone, which is what a network of plain resistors has.
LINEAR = (0.8797, 0.5, 0.0, 0.0)


class Deposited(NamedTuple):
    """What is deposited about one drive; NaN where nothing is."""

    exponent: float
    """Largest Lyapunov exponent [1/s]."""
    ratio: float
    """Largest by smallest conductance within a period."""
    accuracy: tuple[float, ...]
    """1 - RNMSE of each of TARGETS, in-sample."""


# Deposited: amplitude [V] and frequency [Hz].
EXTRACT = {
    (1.25, 0.1): Deposited(-2.658, 7735.6, (0.9791, 0.7694, 0.4714, 0.0)),
    (1.0, 0.25): Deposited(np.nan, np.nan, (0.9930, 0.7443, 0.5401, 0.0)),
    (1.25, 0.5): Deposited(1.416, 7076.3, (0.9688, 0.6764, 0.3749, 0.0426)),
    (1.0, 0.85): Deposited(-0.004, 5761.4, (0.9767, 0.8128, 0.5593, 0.7547)),
}
# The best of the grid for each target: accuracy, and its drive.
BEST = {
    "sine": (0.9955, 0.4, 0.025),
    "square": (0.8658, 1.75, 0.25),
    "shifted": (0.6924, 1.25, 0.35),
    "double": (0.7689, 0.8, 0.85),
}


def read_deposited(path: Path | None) -> dict[tuple[float, float], Deposited]:
    """The extract, and what a table has: deposited scores, drive by drive.

    A CSV file, comments with #, whose columns are amplitude_V, frequency_Hz, lyapunov_per_s,
    on_off_ratio, and the accuracies of the four targets, in this order. Without `path`, the environment
    variable JAXNN_DRIVE_MAP names it.
    """
    path = path or (Path(os.environ["JAXNN_DRIVE_MAP"]) if "JAXNN_DRIVE_MAP" in os.environ else None)
    if path is None or not path.is_file():
        return EXTRACT
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    rows = np.asarray([[float(x) for x in line.split(",")] for line in lines[1:]])
    found = {
        (a, f): Deposited(exponent, ratio, tuple(rest)) for a, f, exponent, ratio, *rest in rows.tolist()
    }
    return EXTRACT | {drive: row for drive, row in found.items() if np.isfinite(row.accuracy).all()}


def read_exponents(path: Path) -> dict[tuple[float, float], float]:
    """Exponents of our own [1/s], from the JSON file of `lyapunov_map.py`; NaN where there is none."""
    rows: list[dict[str, Any]] = json.loads(path.read_text())["drives"]
    # -inf is a string there, and what is not known is null.
    number = lambda x: np.nan if x is None else float(x)
    return {(r["amplitude_V"], r["frequency_Hz"]): number(r["exponent"]) for r in rows}
