"""Published numbers that the reproductions are compared with, and where a published network may lie.

Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire networks. Nat.
Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z. "Deposited" numbers come with the authors' code and
data; "re-run" ones are an independent float64 run of their equations on their network of 100 wires.
"""

import csv
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import jaxnn


V_SET = 1e-2  # [V] of a junction: the unit of reduced voltages

# Fig 2, re-run: V* -> G/G0 after 1, 2, 5, 7 and 10 s, and G* after a long time (None: not given).
TIMES = (1, 2, 5, 7, 10)
ACTIVATION = {
    0.5: (5.254e-4, 5.254e-4, 5.254e-4, 5.254e-4, 5.254e-4, 0.0047),
    0.7: (5.254e-4, 5.286e-4, 5.981e-4, 6.139e-4, 6.157e-4, 0.0055),
    0.9: (5.284e-4, 6.834e-4, 7.582e-4, 7.976e-4, 8.269e-4, 0.0075),
    0.99: (5.886e-4, 7.260e-4, 9.365e-4, 9.809e-4, 1.093e-3, 0.0104),
    1.0: (5.911e-4, 7.286e-4, 9.475e-4, 1.029e-3, 1.195e-3, 0.0108),
    1.001: (None, None, None, None, 1.200e-3, 0.0112),
    1.005: (None, None, None, None, 1.218e-3, 1.0072),
    1.01: (None, None, None, None, 1.242e-3, 1.0072),
    1.02: (None, None, None, None, 1.288e-3, 1.0073),
    1.05: (6.066e-4, 7.521e-4, 1.116e-3, 1.406e-3, 0.1119, 1.0076),
    1.1: (6.664e-4, 8.536e-4, 1.589e-3, 0.1120, 0.1120, 1.0086),
    1.2: (7.546e-4, 1.031e-3, 0.1121, 0.1125, 0.1216, 1.1702),
    1.3: (7.889e-4, 1.361e-3, 0.1301, 0.1586, 0.2187, 2.0604),
    1.5: (9.885e-4, 0.1125, 0.2479, 0.2553, 0.2569, 2.7693),
    1.8: (2.035e-3, 0.2012, 0.3412, 0.3437, 0.3489, 3.2134),
    2.0: (0.1126, 0.2784, 0.3777, 0.4024, 0.4026, 3.6235),
    2.5: (0.2176, 0.3785, 0.4430, 0.4561, 0.4632, 4.1821),
    3.0: (0.3201, 0.4518, 0.4872, 0.4873, 0.4873, 4.3858),
    4.0: (0.4587, 0.4926, 0.5007, 0.5025, 0.5026, 4.5242),
    5.0: (0.4835, 0.5091, 0.5113, 0.5115, 0.5116, 4.6052),
}
# Fig 2c, re-run: V* -> G* after 10 s from the state that 1.8 V, 10 s leave.
RETURN = {
    0.3: 0.0050,
    0.4: 0.0062,
    0.45: 0.0074,
    0.48: 0.0088,
    0.50: 0.4712,
    0.52: 0.6528,
    0.55: 0.921,
    0.6: 0.9485,
    0.7: 2.388,
    0.8: 2.932,
    0.9: 3.271,
    1.0: 3.539,
    1.2: 4.014,
    1.5: 4.354,
    2.0: 4.492,
    2.5: 4.614,
    3.0: 4.657,
}
PREPARED = 4.083032386218e-5  # [S] conductance of that state, deposited
# Fig 3, re-run: when each of the nine junctions of the path passes 0.01 G0 [s], and G* at some times [s].
PATH_TIMES = (3.507, 4.028, 4.692, 5.267, 5.289, 5.305, 5.308, 5.324, 5.352)
PATH_CONDUCTANCE = {
    1: 0.00607,
    2: 0.00775,
    3: 0.00950,
    4: 0.01132,
    5: 0.01469,
    5.5: 0.03754,
    6: 1.008,
    7: 1.008,
}


class AvalancheNumbers(NamedTuple):
    """Numbers of one ensemble, None where there is none."""

    events: int
    networks: int | None = None
    interval: float | None = None
    """Mean inter-event interval [ms], which is the bin."""
    size: tuple[float, float] | None = None
    """Exponent of sizes and its error; an error of 0 means a straight line, indicative only."""
    lifetime: tuple[float, float] | None = None
    crackling: tuple[float | None, float, float] | None = None
    """1 / (sigma nu z) by exponents, by mean sizes, by shape collapse."""
    largest: int | None = None
    """Size of the largest avalanche."""
    ranges: tuple[int, tuple[int, int], tuple[int, int]] | None = None
    """The bin [ms], and the sizes and the lifetimes [bins] that the exponents were fitted to."""


# Figs 4, 5 and S7, deposited: (side of the box [um], V*, density [1/um^2]). At 100 um the bin is 160 ms for
# all voltages. Where no number of networks is given, not even a rate is known.
AVALANCHES = {
    (50, 1.0, 0.06): AvalancheNumbers(22_353, None, 1168, (2.25, 0), (3.44, 0), (None, 1.36, 1.06)),
    (50, 1.0, 0.10): AvalancheNumbers(45_244, 1000, 562, (2.20, 0), (3.08, 0), (None, 1.29, 1.28)),
    (50, 1.0, 0.14): AvalancheNumbers(67_135, None, 400, (2.03, 0), (2.74, 0), (None, 1.27, 1.39)),
    (50, 1.8, 0.10): AvalancheNumbers(229_092, None, 98, (1.14, 0), (1.53, 0), (None, 1.50, 1.81)),
    (100, 0.7, 0.10): AvalancheNumbers(27_023, 1000, None, (3.25, 0), (4.22, 0), (1.43, 1.02, 1.07), 17),
    (100, 1.0, 0.10): AvalancheNumbers(
        174_897,
        1000,
        167,
        (1.95, 0.015),
        (2.19, 0.023),
        (1.25, 1.39, 1.41),
        217,
        (160, (3, 42), (3, 19)),
    ),
    (100, 1.05, 0.10): AvalancheNumbers(
        122_715, None, None, (1.70, 0.06), (1.85, 0.06), (1.20, 1.29, 1.41), 403
    ),
    (100, 1.8, 0.10): AvalancheNumbers(1_146_412),
    (150, 1.0, 0.10): AvalancheNumbers(
        390_142,
        1000,
        78,
        (1.98, 0.011),
        (2.26, 0.016),
        (1.286, 1.358, 1.378),
        451,
        (78, (4, 113), (3, 29)),
    ),
}


def reference_network(folder: Path | None) -> tuple[jaxnn.Network, tuple[int, int]] | None:
    """The published network of 100 wires and 261 junctions with its electrodes, where it is present.

    It may not be redistributed: `folder`, or the environment variable JAXNN_REFERENCE, names where it lies.
    """
    folder = folder or (Path(os.environ["JAXNN_REFERENCE"]) if "JAXNN_REFERENCE" in os.environ else None)
    path = None if folder is None else folder / "nw100_dc_0p1V_tunnel.npz"
    if path is None or not path.is_file():
        return None
    with np.load(path) as run:
        ends = run["wire_ends"].reshape(-1, 2, 2) * 1e-8  # the file's unit is 0.01 um
        network = jaxnn.Network(
            int(run["n_wires"]),
            run["edges"],
            run["wire_centre"] * 1e-8,
            wire_ends=ends,
            box=run["box"] * 1e-8,
        )
        source, drain = run["contacts"].tolist()
    return network, (source, drain)


def network_for(folder: Path | None, quick: bool) -> tuple[jaxnn.Network, tuple[int, int], str]:
    """The published network if it is there, or else a generated one of 100 wires; 24 where `quick`."""
    found = None if quick else reference_network(folder)
    if found is not None:
        return *found, "published"
    n_wires, box = (24, 16e-6) if quick else (100, 30e-6)
    network = jaxnn.nanowire_network(n_wires, box=box, seed=3)
    return network, jaxnn.farthest_pair(network), "generated"


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


def read_table(path: Path | None) -> dict[tuple[float, float], tuple[float, float]]:
    """The deposited exponents and on/off ratios by drive, or nothing where the table is not there."""
    path = path or (Path(os.environ["JAXNN_DRIVE_MAP"]) if "JAXNN_DRIVE_MAP" in os.environ else None)
    if path is None or not path.is_file():
        return {}
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    names = "amplitude_V", "frequency_Hz", "lyapunov_per_s", "on_off_ratio"
    rows = ([float(row[name]) for name in names] for row in csv.DictReader(lines))
    return {(a, f): (exponent, ratio) for a, f, exponent, ratio in rows}


def read_exponents(path: Path, law: str) -> dict[tuple[float, float], float]:
    """Exponents of our own by a law [1/s], from the JSON of `lyapunov_map.py`; NaN where there is none."""
    rows: list[dict[str, Any]] = json.loads(path.read_text())["laws"][law]["drives"]
    # -inf is a string there, and what is not known is null.
    number = lambda x: np.nan if x is None else float(x)
    return {(r["amplitude_V"], r["frequency_Hz"]): number(r["exponent"]) for r in rows}
