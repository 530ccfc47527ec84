"""Whether Lyapunov exponents that are not the deposited ones are another moment of the same chaos.

Fig 6 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire networks.
Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

The drives at the edge and in chaos at which the exponent of lyapunov_map.py by the deposited law is more
than 10 % or 0.3 /s off the deposited one (--exponents, the JSON file of that script). A mean over 70 s is a
draw there: the same mean after transients that are longer by 80 and 160 s, and how far the deposited one is
from the mean of the three in units of their spread.

    python experiments/hochstetter2021/lyapunov_misses.py --reference FOLDER --exponents FILE
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from experiments.hochstetter2021._drive_map import (
    ORDERED,
    PERTURBED,
    TRANSIENT,
    DriveMap,
    Drives,
    tolerance,
)
from experiments.shared import hochstetter2021 as published
from experiments.shared.pieces import Pieces, TimeUp


WINDOW = 72.0  # [s] of a run in chaos, the deposited window and some more
APART = 80.0  # [s] by which transients differ
MOMENTS = 2  # longer transients of each drive


def of_moments(runs: DriveMap, drives: Drives, moments: int) -> np.ndarray:
    """The mean over the deposited window after transients longer and longer, (moments, drives) [1/s]."""
    flux, found = runs.settled("misses", drives, TRANSIENT), []
    with contextlib.suppress(TimeUp):  # what there is
        for moment in range(1, moments + 1):
            flux = runs.followed(f"misses_{moment}", drives, flux, APART)
            pairs = runs.pairs(f"misses_{moment}", drives, flux, range(PERTURBED), WINDOW)
            found.append(pairs["window"].mean(-1))
    return np.array(found).reshape(-1, len(flux))


def drives_of(rows: list[dict[str, Any]]) -> Drives:
    """Those of rows of a report."""
    return Drives.of((row["amplitude_V"], row["frequency_Hz"]) for row in rows)


def moment_rows(misses: list[dict[str, Any]], found: np.ndarray) -> list[dict[str, Any]]:
    """Mean and spread over the map's moment and others, and how far the deposited exponent is from them."""
    rows = []
    for miss, later in zip(misses, found.T, strict=True):
        each = np.append(miss["exponent"], later)
        deposited, spread = miss["deposited"], each.std(ddof=1)
        # Of one more draw from a mean over so many.
        off = (deposited - each.mean()) / (spread * np.sqrt(1 + 1 / len(each)))
        row = {"amplitude_V": miss["amplitude_V"], "frequency_Hz": miss["frequency_Hz"]}
        row |= {"deposited": deposited, "each": each.tolist()}
        row |= {"mean": each.mean(), "spread": spread, "off_in_spreads": off}
        row["moments_within"] = int(np.sum(abs(each - deposited) <= tolerance(deposited)))
        rows.append(row)
    return rows


def main() -> None:
    """Simulates what is not there yet, prints and writes the numbers."""
    parser = script.parser(__doc__, "results/lyapunov_misses", minutes=np.inf, reference=True)
    parser.add_argument("--exponents", type=Path, required=True, help="JSON of lyapunov_map.py")
    parser.add_argument(
        "--pieces", type=Path, default=Path("results/drive_map/pieces"), help="what is kept"
    )
    arguments = script.start(parser, float64=True, keep_compiled=True)
    network, terminals, _ = published.network_for(arguments.reference, False)
    pieces = Pieces(arguments.pieces, arguments.minutes, aloud=True)
    runs = DriveMap(network, terminals, pieces, "deposited")
    misses = json.loads(arguments.exponents.read_text())["laws"]["deposited"]["comparison"]["misses"]
    report: dict[str, Any] = {"junctions": network.n_junctions, "moments": []}
    chaotic = [row for row in misses if row["deposited"] > ORDERED]
    with contextlib.suppress(TimeUp):
        found = of_moments(runs, drives_of(chaotic), MOMENTS)
        report["moments"] = moment_rows(chaotic, found) if len(found) else []
    for row in report["moments"]:
        print(json.dumps(script.plain(row)), flush=True)
    report["seconds"] = pieces.seconds
    script.finish(arguments.out / "lyapunov_misses.json", report)


if __name__ == "__main__":
    main()
