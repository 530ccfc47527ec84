"""A triangular wave into other waveforms by a linear read-out, against the Lyapunov exponent.

Fig 8 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire networks.
Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

225 triangular drives, 15 amplitudes by 15 frequencies, after the transients of lyapunov_map.py (3,000 s).
The potentials of all wires are fitted over 80 s (steps of 1 ms) to a sine, a square wave, the triangle
shifted by a quarter period, and the triangle at twice the frequency, by the law that the deposited scores
were computed with and by the one that the paper prints. Accuracy is 1 - RNMSE:

- basic: in-sample, trained and judged on the same 80 s, by the weights of MATLAB's `regress`, which drops
  wires below the rounding: what is deposited;
- in-sample: the same by the smallest weights, which drop directions below the rounding;
- unseen: the same weights over the 80 s that follow;
- beyond the input: unseen, of the target less what a read-out of the input alone gives;
- coarse: unseen, by a read-out that uses no direction below a thousandth of the largest.

Potentials are not kept: their triangular factor is (`jaxnn.analysis.record_read_out`). Pieces are those
of lyapunov_map.py, in --pieces: call again to go on; --minutes says how long to simulate this time.
--published names the table of deposited numbers (see `hochstetter2021.read_deposited`), --exponents the
JSON file of lyapunov_map.py, which takes the place of the deposited exponents.

In-sample scores of ordered drives alone, which take minutes: ordered_scores.py.

    python experiments/hochstetter2021/waveform_transformation.py --reference FOLDER
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import itertools
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.hochstetter2021 import _transformation_pictures as pictures
from experiments.hochstetter2021._drive_map import LAWS, ORDERED, TRANSIENT, DriveMap, Drives
from experiments.hochstetter2021._transformation_runs import Windows, basic_accuracy, windows
from experiments.shared import hochstetter2021 as published
from experiments.shared.hochstetter2021 import (
    AMPLITUDES,
    BEST,
    EXTRACT,
    FREQUENCIES,
    LINEAR,
    TARGETS,
    read_deposited,
    read_exponents,
)
from experiments.shared.pieces import Pieces, TimeUp


COARSE = 1e-3  # of the largest singular value
SETTLED = (
    0.005  # change of an in-sample score from one window to the next, up to which it counts as settled
)
BINS = (-1000, -20, -10, -5, -2, -1, -0.5, 0, 0.5, 1, 2, 4, 1000)  # of the exponent [1/s]
WINDOW = 80.0  # [s]


@jax.jit
@jax.vmap
def judge(first: Any, second: Any, source: Any) -> dict[str, Any]:
    """All scores of one drive from the records of its two windows."""
    weights = first.weights()
    # The potential of the source is the input.
    alone = first.weights(among=source[None])
    unseen, without = second.accuracy(weights), second.accuracy(alone)
    return {
        "in_sample": first.accuracy(weights),
        "unseen": unseen,
        "input_alone": without,
        "beyond_input": 1 - (1 - unseen) / (1 - without),
        "coarse": second.accuracy(first.weights(tolerance=COARSE)),
        "next_in_sample": second.accuracy(second.weights()),
    }


def table(drives: Drives, found: Windows, source: int, deposited: Any) -> list[dict[str, Any]]:
    """One row per drive."""
    ratio = found.ratio
    scores = judge(found.first, found.second, np.full(len(ratio), source))
    rows = []
    for i, drive in enumerate(zip(*(x.tolist() for x in drives), strict=True)):
        known = deposited.get(drive)
        row = {"amplitude_V": drive[0], "frequency_Hz": drive[1]}
        row |= {"on_off_ratio": float(ratio[i])} | {k: np.asarray(v[i]).tolist() for k, v in scores.items()}
        row["basic"] = basic_accuracy(jax.tree.map(lambda x, i=i: x[i], found.first)).tolist()
        row["settled"] = bool(
            np.all(np.abs(scores["next_in_sample"][i] - scores["in_sample"][i]) < SETTLED)
        )
        rows.append(row | {"deposited": known and list(known.accuracy)})
    return rows


def shares(rows: list[dict[str, Any]], exponents: dict[Any, float]) -> dict[str, Any]:
    """How many drives score as deposited: all of them, the ordered ones, and the settled ones."""
    found: dict[str, Any] = {}
    known = [row for row in rows if row["deposited"] is not None]
    at = lambda row: exponents.get((row["amplitude_V"], row["frequency_Hz"]), np.nan)
    groups = {"all": known, "ordered": [row for row in known if at(row) < ORDERED]}
    groups["settled"] = [row for row in known if row["settled"]]
    for name, weights in itertools.product(groups, ("basic", "in_sample")):
        if members := groups[name]:
            miss = np.abs([np.subtract(row[weights], row["deposited"]) for row in members])
            name = name if weights == "basic" else f"{name}, smallest weights"
            found[name] = {"drives": len(members)}
            for within in (1e-5, 1e-3, 0.02):
                found[name][f"all four within {within:g}"] = int(np.sum(np.all(miss < within, axis=1)))
            found[name]["median"] = dict(zip(TARGETS, np.median(miss, axis=0).tolist(), strict=True))
    return found


def harm(rows: list[dict[str, Any]]) -> dict[str, int]:
    """For how many drives the unseen accuracy is below that of the input alone."""
    beyond = np.asarray([row["beyond_input"] for row in rows])
    return dict(zip(TARGETS, np.sum(beyond < -1e-3, axis=0).tolist(), strict=True))


def bins(rows: list[dict[str, Any]], exponents: dict[Any, float]) -> list[dict[str, Any]]:
    """Means over the drives of each bin of the exponent, ours and the deposited ones."""
    found = []
    at = lambda row: exponents.get((row["amplitude_V"], row["frequency_Hz"]), np.nan)
    for low, high in itertools.pairwise(BINS):
        members = [row for row in rows if row["deposited"] is not None and low <= at(row) < high]
        if members:
            row: dict[str, Any] = {"from": low, "to": high, "drives": len(members)}
            miss = [np.max(np.abs(np.subtract(m["basic"], m["deposited"]))) for m in members]
            row["all four within 0.02"] = int(np.sum(np.asarray(miss) < 0.02))
            for name in ("basic", "in_sample", "deposited", "unseen", "beyond_input", "coarse"):
                row[name] = np.mean([member[name] for member in members], axis=0).tolist()
            found.append(row)
    return found


def show(law: str, report: dict[str, Any]) -> None:
    """The numbers on screen."""
    text = lambda values: " ".join(f"{x:8.5f}" for x in values)
    print(f"\n{law} law\n{'':28} {'  '.join(f'{name:>7}' for name in TARGETS)}")
    for row in report["drives"]:
        drive = row["amplitude_V"], row["frequency_Hz"]
        if drive in EXTRACT or len(report["drives"]) < 10:
            print(f"{drive[0]:g} V, {drive[1]:g} Hz")
            for name in ("basic", "in_sample", "deposited", "unseen", "beyond_input", "coarse"):
                if row[name] is not None:
                    print(f"  {name:26} {text(row[name])}")
    for row in report["by exponent"]:
        agree = row["all four within 0.02"]
        print(f"exponent {row['from']:g} to {row['to']:g} /s, {row['drives']} drives, {agree} as deposited")
        for name in ("basic", "deposited", "unseen"):
            print(f"  {name:26} {text(row[name])}")
    for name in ("best", "as deposited", "unseen worse than the input alone"):
        for key, value in report[name].items():
            print(f"{name}, {key}: {value}")


def best_of(rows: list[dict[str, Any]], same: bool) -> dict[str, Any]:
    """The best drive for each target, in-sample and unseen beyond the input.

    Beside the deposited one, if it is of the `same` network.
    """
    found = {}
    for i, target in enumerate(TARGETS):
        found[target] = {"deposited": BEST[target]} if same else {}
        for name in ("basic", "in_sample", "beyond_input"):
            best = rows[int(np.argmax([row[name][i] for row in rows]))]
            found[target][name] = best[name][i], best["amplitude_V"], best["frequency_Hz"]
    return found


def report_of(
    rows: list[dict[str, Any]], exponents: dict[Any, float], deposited_too: bool
) -> dict[str, Any]:
    """All that is said about the scores of one law."""
    return {
        "drives": rows,
        "best": best_of(rows, deposited_too),
        "unseen worse than the input alone": harm(rows),
        "settled": sum(row["settled"] for row in rows),
        "as deposited": shares(rows, exponents),
        "by exponent": bins(rows, exponents),
    }


def main() -> None:
    """Simulates what the time allows, judges all that is there, draws and writes."""
    parser = script.parser(
        __doc__,
        "results/waveform_transformation",
        quick="a small network, few and short drives",
        minutes=60,
        reference=True,
    )
    parser.add_argument("--published", type=Path, help="the deposited table of drives")
    parser.add_argument(
        "--pieces", type=Path, default=Path("results/drive_map/pieces"), help="what is kept"
    )
    parser.add_argument("--exponents", type=Path, help="JSON of lyapunov_map.py")
    arguments = script.start(parser, float64=True, keep_compiled=True)
    pieces = Pieces(
        arguments.out / "pieces" if arguments.quick else arguments.pieces, arguments.minutes, True
    )
    network, terminals, origin = published.network_for(arguments.reference, arguments.quick)
    print(f"{origin} network of {network.n_nodes} wires, n = {network.path_length(*terminals)}", flush=True)
    # Deposited numbers are about the published network.
    deposited = read_deposited(arguments.published) if origin == "published" else {}
    known = {drive: row.exponent for drive, row in deposited.items()}
    report: dict[str, Any] = {"network": origin, "targets": TARGETS, "linear": LINEAR, "laws": {}}
    amplitudes, frequencies = (0.2, 0.5, 1.5), (1.0, 2.0)
    transient, seconds = 40.0, 2.0
    if not arguments.quick:
        amplitudes, frequencies, transient, seconds = AMPLITUDES, FREQUENCIES, TRANSIENT, WINDOW
    drives = Drives.of(itertools.product(amplitudes, frequencies))
    for law in LAWS:
        runs = DriveMap(network, terminals, pieces, law)
        try:
            flux = runs.settled("map", drives, transient)
            found = windows(runs, "map", drives, flux, seconds)
        except TimeUp:
            print(f"the {law} law is not done yet: call again to go on", flush=True)
            continue
        exponents = read_exponents(arguments.exponents, law) if arguments.exponents else known
        rows = table(drives, found, terminals[0], deposited)
        report["laws"][law] = report_of(rows, exponents, origin == "published")
        show(law, report["laws"][law])
        name = {"deposited": "waveform_transformation", "printed": "waveform_transformation_printed"}[law]
        pictures.plot_map(rows, arguments.out / f"{name}_map.png")
        pictures.plot_exponent(rows, exponents, arguments.out / f"{name}.png")
    report["seconds"] = pieces.seconds
    script.finish(arguments.out / "waveform_transformation.json", report)


if __name__ == "__main__":
    main()
