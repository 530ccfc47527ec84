"""A triangular wave into other waveforms by a linear read-out, against the Lyapunov exponent.

Fig 8 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire networks.
Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

225 triangular drives, 15 amplitudes by 15 frequencies, G_off = 1e-8 S. After a transient (steps of 0.5 ms)
the potentials of all wires are fitted over 80 s (steps of 1 ms) to a sine, a square wave, the triangle
shifted by a quarter period, and the triangle at twice the frequency. Accuracy is 1 - RNMSE:

- in-sample, trained and judged on the same 80 s: what is published;
- unseen: the same weights over the 80 s that follow;
- beyond the input: unseen, of the target less what a read-out of the input alone gives;
- coarse: unseen, by a read-out that uses no direction below a thousandth of the largest.

Potentials are not kept: their triangular factor is (`jaxnn.analysis.record_read_out`). Pieces are kept in
--out: call again to go on; --minutes says how long to simulate this time. --published names the table of
deposited numbers (see `hochstetter2021.read_deposited`), --exponents the JSON file of lyapunov_map.py.

    python experiments/hochstetter2021/waveform_transformation.py --reference FOLDER
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import itertools
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.hochstetter2021 import _transformation_pictures as pictures
from experiments.hochstetter2021._transformation_runs import Group, Runs, Setting
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
from experiments.shared.pieces import Pieces


COARSE = 1e-3  # of the largest singular value
SETTLED = (
    0.005  # change of an in-sample score from one window to the next, up to which it counts as settled
)
BINS = (-1000, -20, -10, -5, -2, -1, -0.5, 0, 0.5, 1, 2, 4, 1000)  # of the exponent [1/s]
# Drives whose transient is made longer, in one group, across the edge of chaos.
LONGER = tuple((a, f) for f in (0.35, 0.65, 0.85) for a in (0.6, 0.8, 1, 1.25, 1.75))
# By far the longest, up to the published 3,000 s.
LONGEST = ((0.8, 0.85), (1, 0.85), (1.25, 0.35))


def together(name: str, drives: Any) -> Group:
    """Amplitudes and frequencies as a group."""
    amplitude, frequency = zip(*drives, strict=True)
    return Group(name, amplitude, frequency)


def plan(quick: bool, transient: float, longer: list[float], longest: list[float]) -> list[Any]:
    """Groups of drives with their transients [s], in the order in which they are simulated."""
    if quick:
        return [(together("map", itertools.product((0.2, 0.5, 1.5), (1.0, 2.0))), 1.0)]
    runs = []
    for three in zip(*[iter(FREQUENCIES)] * 3, strict=True):
        name = "_".join(f"{f:g}" for f in three) + "Hz"
        group = together(name, [(a, f) for f in three for a in AMPLITUDES])
        runs.append((group, group.transient(transient)))
    runs += [(together("longer", LONGER), seconds) for seconds in longer]
    return runs + [(together("longest", LONGEST), seconds) for seconds in longest]


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


def table(runs: Runs, group: Group, transient: float, source: int, deposited: Any) -> list[dict[str, Any]]:
    """One row per drive of a group."""
    first, second, ratio = runs.records(group, transient)
    scores = judge(first, second, np.full(len(ratio), source))
    rows = []
    for i, drive in enumerate(zip(group.amplitude, group.frequency, strict=True)):
        known = deposited.get(drive)
        row = {"amplitude_V": drive[0], "frequency_Hz": drive[1], "transient_s": transient}
        row |= {"on_off_ratio": float(ratio[i])} | {k: np.asarray(v[i]).tolist() for k, v in scores.items()}
        row["settled"] = bool(
            np.all(np.abs(scores["next_in_sample"][i] - scores["in_sample"][i]) < SETTLED)
        )
        rows.append(row | {"deposited": known and list(known.accuracy)})
    return rows


def shares(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many drives are as published, by target; of all, and of those that are settled."""
    found: dict[str, Any] = {}
    known = [row for row in rows if row["deposited"] is not None]
    groups = {"all": known, "settled": [row for row in known if row["settled"]]}
    for name, members in groups.items():
        if members:
            miss = np.abs([np.subtract(row["in_sample"], row["deposited"]) for row in members])
            found[name] = {
                "drives": len(members),
                "all four within 0.02": int(np.sum(np.all(miss < 0.02, axis=1))),
                "within 0.001": dict(zip(TARGETS, np.mean(miss < 1e-3, axis=0).tolist(), strict=True)),
                "within 0.02": dict(zip(TARGETS, np.mean(miss < 0.02, axis=0).tolist(), strict=True)),
                "median": dict(zip(TARGETS, np.median(miss, axis=0).tolist(), strict=True)),
            }
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
            miss = [np.max(np.abs(np.subtract(m["in_sample"], m["deposited"]))) for m in members]
            row["all four within 0.02"] = int(np.sum(np.asarray(miss) < 0.02))
            for name in ("in_sample", "deposited", "unseen", "beyond_input", "coarse"):
                row[name] = np.mean([member[name] for member in members], axis=0).tolist()
            found.append(row)
    return found


def show(report: dict[str, Any]) -> None:
    """The numbers on screen."""
    text = lambda values: " ".join(f"{x:7.4f}" for x in values)
    print(f"{'':28} {'  '.join(f'{name:>6}' for name in TARGETS)}")
    for row in report["drives"] + report["longer transients"]:
        drive = row["amplitude_V"], row["frequency_Hz"]
        if drive in EXTRACT or len(report["drives"]) < 10:
            print(f"{drive[0]:g} V, {drive[1]:g} Hz after {row['transient_s']:g} s")
            for name in ("in_sample", "deposited", "unseen", "beyond_input", "coarse"):
                if row[name] is not None:
                    print(f"  {name:26} {text(row[name])}")
    for row in report["by exponent"]:
        agree = row["all four within 0.02"]
        print(f"exponent {row['from']:g} to {row['to']:g} /s, {row['drives']} drives, {agree} as deposited")
        for name in ("in_sample", "deposited", "unseen"):
            print(f"  {name:26} {text(row[name])}")
    for name in ("best", "as deposited", "unseen worse than the input alone"):
        for key, value in report[name].items():
            print(f"{name}, {key}: {value}")
    print(f"{report['network_steps']:,} network-steps in {report['seconds_simulating']:.0f} s of all calls")


def best_of(rows: list[dict[str, Any]], same: bool) -> dict[str, Any]:
    """The best drive for each target, in-sample and unseen beyond the input.

    Beside the deposited one, if it is of the `same` network.
    """
    found = {}
    for i, target in enumerate(TARGETS):
        found[target] = {"deposited": BEST[target]} if same else {}
        for name in ("in_sample", "beyond_input"):
            best = rows[int(np.argmax([row[name][i] for row in rows]))]
            found[target][name] = best[name][i], best["amplitude_V"], best["frequency_Hz"]
    return found


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
    parser.add_argument("--exponents", type=Path, help="JSON of lyapunov_map.py")
    parser.add_argument("--transient", type=float, default=20.0, help="of all drives [s]")
    parser.add_argument("--longer", type=float, nargs="*", default=[], help="of 15 drives [s]")
    parser.add_argument("--longest", type=float, nargs="*", default=[], help="of 3 drives [s]")
    arguments = script.start(parser, float64=True, keep_compiled=True)
    pieces = Pieces(arguments.out / "pieces", arguments.minutes)
    begin = time.perf_counter()
    network, terminals, origin = published.network_for(arguments.reference, arguments.quick)
    print(f"{origin} network of {network.n_nodes} wires, n = {network.path_length(*terminals)}", flush=True)
    setting = Setting(network, terminals)
    if arguments.quick:
        setting = Setting(network, terminals, block=1.0, window=2.0, segment=500)
    runs = Runs(setting, pieces)
    wanted = plan(arguments.quick, arguments.transient, arguments.longer, arguments.longest)
    done = [run for run in wanted if runs.extend(*run)]
    print(f"{len(done)} of {len(wanted)} groups of drives are there")
    if not done:
        return

    # Deposited numbers are about the published network.
    deposited = read_deposited(arguments.published) if origin == "published" else {}
    exponents = {drive: known.exponent for drive, known in deposited.items()}
    if arguments.exponents:
        exponents = read_exponents(arguments.exponents)
    rows, more = [], []
    for group, seconds in done:
        special = group.name in ("longer", "longest")
        (more if special else rows).extend(table(runs, group, seconds, terminals[0], deposited))
    report: dict[str, Any] = {
        "network": origin,
        "targets": TARGETS,
        "linear": LINEAR,
        "drives": rows,
        "longer transients": more,
        "best": best_of(rows, origin == "published"),
        "unseen worse than the input alone": harm(rows),
        "settled": sum(row["settled"] for row in rows),
        "as deposited": shares(rows),
        "by exponent": bins(rows, exponents),
        "network_steps": runs.steps,
        "seconds_simulating": pieces.seconds,
        "seconds": time.perf_counter() - begin,
    }
    show(report)
    pictures.plot_map(rows, arguments.out / "waveform_transformation_map.png")
    pictures.plot_exponent(rows, exponents, arguments.out / "waveform_transformation.png")
    script.finish(arguments.out / "waveform_transformation.json", report)


if __name__ == "__main__":
    main()
