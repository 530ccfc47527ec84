"""Order, the edge of chaos, and chaos: Lyapunov exponents over amplitude and frequency, by two laws.

Figs 6 and 7 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire
networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

15 amplitudes x 15 frequencies of a triangular drive, each after 3,000 s in steps of 1 ms: the exponent by
two trajectories at a finite distance, the mean over perturbed junctions (as deposited each in turn where
order is found, some of them in chaos, where they agree better) and over the window of 70 s of
the deposited ones, and the on/off ratio. By the law that the deposited data were computed with (Simmons'
at any voltage, of the step before) and by the one that the paper prints (for low voltages). Of the second
also the leading exponent of the exact tangents over 25 s. Current against voltage in order, at the
edge of chaos and in chaos. What the two laws differ by, and why: scheme_chaos.py.

The network is the published one of 100 wires where --reference (or JAXNN_REFERENCE) names its folder,
else one of our own; --published (or JAXNN_DRIVE_MAP) names the deposited table, with columns amplitude_V,
frequency_Hz, lyapunov_per_s and on_off_ratio. Everything simulated is kept in pieces in --pieces; a run
that was stopped goes on where it was. After --minutes no piece is begun.

    python experiments/hochstetter2021/lyapunov_map.py --reference FOLDER --published FILE
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import contextlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.hochstetter2021 import _lyapunov_pictures as pictures
from experiments.hochstetter2021._drive_map import LAWS, ORDERED, DriveMap, Drives, tolerance
from experiments.hochstetter2021._lyapunov_runs import summary
from experiments.shared import hochstetter2021 as published
from experiments.shared.hochstetter2021 import AMPLITUDES, FREQUENCIES
from experiments.shared.pieces import Pieces, TimeUp


# Ordered, at the edge and chaotic: amplitude [V], frequency [Hz].
LOOPS = ((1.25, 0.1), (1.25, 0.5), (1.25, 0.85))
RATIO = 1e-5  # the table has six digits of an on/off ratio


class Size(NamedTuple):
    """How much is computed."""

    amplitudes: tuple[float, ...] = AMPLITUDES
    frequencies: tuple[float, ...] = FREQUENCIES
    transient: float = 3000.0  # [s]
    seconds: float = 100.0  # of two trajectories
    tangent_seconds: float = 25.0
    junctions: int = 7
    more_junctions: int = 14
    """Where the first few find chaos; every junction where they find order."""
    loops: tuple[tuple[float, float], ...] = LOOPS
    periods: int = 20


QUICK = Size((0.2, 0.6), (0.5, 2.0), 40.0, 2.0, 2.0, 2, 2, ((0.6, 0.5),), 2)


class Mapped(NamedTuple):
    """What one law gives, drive by drive."""

    flux: np.ndarray
    """After the transient [V s]."""
    window: list[np.ndarray]
    """Exponents over the deposited window [1/s], one for each junction that was perturbed."""
    first: np.ndarray
    """Their means over the first few junctions alone [1/s]."""
    growth: np.ndarray
    """From the first few junctions, over each second [1/s]."""
    ratio: np.ndarray
    """On/off ratios."""
    tangent: np.ndarray
    """[1/s], NaN where it was not computed."""


def simulated(runs: DriveMap, drives: Drives, size: Size) -> Mapped:
    """All runs of one law."""
    flux = runs.settled("map", drives, size.transient)
    pairs = runs.pairs("map", drives, flux, range(size.junctions), size.seconds)
    window = list(pairs.pop("window"))
    first = np.mean(window, axis=1)
    # Where the time was up before, the first few are what there is.
    with contextlib.suppress(TimeUp):
        chaos = np.flatnonzero(first > 0)
        if len(chaos) and (more := range(size.junctions, size.more_junctions)):
            found = runs.pairs("chaos", drives[chaos], flux[chaos], more, size.seconds)["window"]
            for i, row in zip(chaos, found, strict=True):
                window[i] = np.concatenate([window[i], row])
        order = np.flatnonzero(first < ORDERED)
        if len(order):
            found = runs.of_every_junction("order", drives[order], flux[order])
            for i, row in zip(order, found, strict=True):
                window[i] = row
    tangent = np.full(len(flux), np.nan)
    if runs.law == "printed":  # the other's derivative says nothing of its jumps
        tangent = runs.tangents("map", drives, flux, size.tangent_seconds)
    return Mapped(flux, window, first, pairs["growth"], pairs["ratio"], tangent)


def rows_of(drives: Drives, found: Mapped, table: dict[tuple[float, float], Any]) -> list[dict[str, Any]]:
    """One row per drive: our exponent with its errors, and what is deposited."""
    window, growth = found.window, found.growth.mean(-1)
    # Without the loss at the start, which is no scatter.
    error = summary(growth[:, 1:, None])[1][:, 0]
    rows = []
    for i, drive in enumerate(zip(*(x.tolist() for x in drives), strict=True)):
        row = {"amplitude_V": drive[0], "frequency_Hz": drive[1]}
        row |= {"exponent": window[i].mean(), "error": error[i], "perturbed": len(window[i])}
        row |= {"of_first": found.first[i], "deciles": np.percentile(window[i], (0, 10, 90, 100)).tolist()}
        row |= {"on_off_ratio": found.ratio[i], "tangent": found.tangent[i]}
        row |= dict(zip(("deposited", "deposited_ratio"), table.get(drive, (None, None)), strict=True))
        rows.append(row)
    return rows


def comparison(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many exponents and on/off ratios agree with the deposited ones."""
    known = [row for row in rows if row["deposited"] is not None]
    value, deposited, ratio = (
        np.array([row[name] for row in known], float) for name in ("exponent", "deposited", "on_off_ratio")
    )
    ratio_off = abs(ratio / [row["deposited_ratio"] for row in known] - 1) if known else ratio
    within, ordered = abs(value - deposited) <= tolerance(deposited), deposited < ORDERED
    chaotic = deposited > 1
    return {
        "deposited": len(known),
        "same_sign": int(np.sum(np.sign(value) == np.sign(deposited))),
        "within": int(within.sum()),
        "ordered": int(ordered.sum()),
        "ordered_within": int((within & ordered).sum()),
        "ordered_median_difference": np.median((value - deposited)[ordered]) if ordered.any() else None,
        "ordered_with_the_same_ratio": int((ordered & (ratio_off < RATIO)).sum()),
        "with_the_same_ratio": int((ratio_off < RATIO).sum()),
        "chaotic": int(chaotic.sum()),
        "chaotic_within": int((within & chaotic).sum()),
        "misses": [
            {key: row[key] for key in ("amplitude_V", "frequency_Hz", "exponent", "error", "deposited")}
            for row, agrees in zip(known, within, strict=True)
            if not agrees
        ],
    }


def loops(runs: DriveMap, drives: Drives, flux: np.ndarray, size: Size) -> list[tuple[Any, Any, Any]]:
    """Voltage and current over the last periods after the transient."""
    found = []
    for drive in size.loops:
        chosen = (drives.amplitude == drive[0]) & (drives.frequency == drive[1])
        loop = runs.loop("map", drives[chosen], flux[chosen], size.periods)
        found.append((drive, loop["voltage"], loop["current"]))
    return found


def main() -> None:
    """Simulates what is not there yet, prints the tables and writes pictures and numbers."""
    parser = script.parser(
        __doc__,
        "results/lyapunov_map",
        quick="a small network, short runs",
        minutes=np.inf,
        reference=True,
    )
    parser.add_argument("--published", type=Path, help="the deposited table of drives")
    parser.add_argument(
        "--pieces", type=Path, default=Path("results/drive_map/pieces"), help="what is kept"
    )
    arguments = script.start(parser, float64=True, keep_compiled=True)
    size = QUICK if arguments.quick else Size()
    network, terminals, origin = published.network_for(arguments.reference, arguments.quick)
    print(f"{origin} network of {network.n_nodes} wires, {network.n_junctions} junctions", flush=True)
    table = published.read_table(arguments.published) if origin == "published" else {}
    folder = arguments.out / "pieces" if arguments.quick else arguments.pieces
    pieces = Pieces(folder, arguments.minutes, aloud=True)
    drives = Drives.of((a, f) for a in size.amplitudes for f in size.frequencies)
    report: dict[str, Any] = {"network": origin, "wires": network.n_nodes, "junctions": network.n_junctions}
    report |= {
        "perturbed": (size.junctions, size.more_junctions),
        "transient_s": size.transient,
        "laws": {},
    }
    curves: list[Any] = []
    for law in LAWS:
        try:
            found = simulated(runs := DriveMap(network, terminals, pieces, law), drives, size)
            curves = curves or loops(runs, drives, found.flux, size)
        except TimeUp:
            print(f"the {law} law is not done yet: call again to go on", flush=True)
            continue
        rows = rows_of(drives, found, table)
        report["laws"][law] = {"comparison": comparison(rows), "drives": rows}
        shown = {k: v for k, v in report["laws"][law]["comparison"].items() if k != "misses"}
        print(law, json.dumps(script.plain(shown)), flush=True)
    rows = {law: found["drives"] for law, found in report["laws"].items()}
    if rows:
        pictures.draw_map(arguments.out / "lyapunov_map.png", size.amplitudes, size.frequencies, rows)
        pictures.draw_loops(arguments.out / "iv_loops.png", curves, next(iter(rows.values())))
    report["seconds"] = pieces.seconds
    script.finish(arguments.out / "lyapunov_map.json", report)


if __name__ == "__main__":
    main()
