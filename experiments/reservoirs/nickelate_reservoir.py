"""Digits, speech and heartbeats by reservoirs of nickelate devices, and by what they are compared with.

After: Zhang, H.-T. et al. Reconfigurable perovskite nickelate electronics for artificial
intelligence. Science 375, 533 (2022). doi 10.1126/science.abj7943. Its definitions could not be read;
these are ours: docs/reservoirs.md.

1. The full task at one size and seed, all reservoirs, and what tuning volts by gradient buys.
2. Score against the number of devices, several seeds, on a part of the task.
3. How much of the intervals is the devices', with the same lines and samples for all.

Every finished cell is kept under --out; a run that was cut off goes on where it ended.

    python experiments/reservoirs/nickelate_reservoir.py --task mnist --folder /data   # or JAXNN_DATA
    python experiments/reservoirs/nickelate_reservoir.py --task speech --folder /data
    python experiments/reservoirs/nickelate_reservoir.py --task lyon --folder /data   # speech by Lyon's ear
    python experiments/reservoirs/nickelate_reservoir.py --task ecg --folder /data
    python experiments/reservoirs/nickelate_reservoir.py --task mnist --only study --sizes 256 512 1024
    python experiments/reservoirs/nickelate_reservoir.py --quick  # digits of scikit-learn
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import time
from pathlib import Path
from typing import Any

import numpy as np

from experiments.reservoirs._study import curve, devices_needed, run
from experiments.shared import figures
from experiments.shared.figures import plt
from experiments.shared.pieces import Pieces
from experiments.shared.reservoir_answers import CAPACITORS, COUPLED, METHODS, NEURONS, OTHERS, Presentation
from experiments.shared.reservoir_tasks import load, subset


FULL = {"mnist": 96, "speech": 128, "lyon": 128, "ecg": 96}  # devices for all of the task
MORE = {"speech": 512, "lyon": 512}  # and of capacitors
SIZES = (8, 16, 32, 64, 128)
SEEDS = 3
# Of the study: its split, its measure, and scores to ask the number of devices for.
STUDIES = {
    "mnist": ("official", "accuracy", (0.85, 0.90, 0.93)),
    "speech": ("official", "accuracy", (0.85, 0.90, 0.95)),
    "lyon": ("official", "accuracy", (0.85, 0.90, 0.95)),
    "ecg": ("random", "balanced_accuracy", (0.70, 0.80, 0.85)),
    "digits": ("random", "accuracy", (0.80, 0.90)),
}
QUICK = ("nickelate, neurons", "raw data", "row sums", "leaky integrators", "WOx memristors")
QUICK_SIZES = (8, 32)


def full(name: str, task: Any, methods: Any, out: Path, finished: bool) -> list[dict]:
    """All of the task, one seed."""
    # Every one of 70,000 or 109,440 samples by itself would take most of an hour.
    methods = [m for m in methods if name in ("speech", "lyon") or m != COUPLED]
    shown = Presentation(task, 0, out.parent / "answers")
    cells = run(shown, f"{name}-full", methods, (FULL[name],), out, finished)
    if name in MORE and CAPACITORS in methods:
        cells += run(shown, f"{name}-full", [CAPACITORS], (MORE[name],), out, finished)
    return cells


def study(
    name: str, task: Any, methods: Any, sizes: Any, seeds: int, out: Path, finished: bool
) -> list[dict]:
    """A part of the task, all sizes and seeds."""
    cells = []
    for seed in range(seeds):
        shown = Presentation(subset(name, task, seed), seed, out.parent / "answers")
        cells += run(shown, f"{name}-study", methods, sizes, out, finished)
    return cells


def show_full(cells: list[dict], measure: str) -> None:
    """A line per method, a column per split."""
    splits = list(cells[0]["splits"])
    print(f"all samples, seed 0: {measure}")
    print(
        f"{'':24}{'devices':>8}"
        + "".join(f"{s:>24}" for s in splits)
        + f"{'features':>10}{'energy [J]':>12}"
    )
    for cell in cells:
        values = "".join(f"{cell['splits'][s][measure]:24.4f}" for s in splits)
        energy = "" if cell["energy"] is None else f"{cell['energy']:12.1e}"
        print(f"{cell['method']:24}{cell['devices']:8}{values}{cell['features']:10}{energy:12}", end="")
        # Of people left out one by one, in their order.
        of_each = [x for x in (cell["splits"][s]["each"] for s in splits) if len(x) > 1]
        print("".join("  " + " ".join(f"{v:.2f}" for v in x) for x in of_each))


def device_spread(name: str, task: Any, out: Path) -> list[dict]:
    """Other devices and other noise, the same lines and samples."""
    part, cells = subset(name, task, 0), []
    for seed in range(5):
        shown = Presentation(part, seed, out.parent / "answers", lines=0)
        cells += run(shown, f"{name}-spread", (NEURONS, CAPACITORS), (64,), out)
    return cells


def summary(cells: list[dict], split: str, measure: str, wanted: tuple[float, ...]) -> dict[str, Any]:
    """Means, intervals, devices needed, and the ratio of the means over the sizes that both have."""
    reference = dict(zip(*curve(cells, NEURONS, split, measure)[:2], strict=True))
    table = {}
    for method in METHODS:
        sizes, means, half = curve(cells, method, split, measure)
        if not sizes.size:
            continue
        both = [n for n in sizes if n in reference]
        ours = sum(reference[n] for n in both) / max(len(both), 1)
        energies = [
            [c["energy"] for c in cells if (c["method"], c["devices"]) == (method, n)] for n in sizes
        ]
        table[method] = {
            "devices": sizes.tolist(),
            "mean": means.tolist(),
            "half_width_95": half.tolist(),
            "devices_needed": {str(s): devices_needed(sizes, means, s) for s in wanted},
            "energy": [None if None in e else float(np.mean(e)) for e in energies],
            "ratio_of_means": float(ours / np.mean(means[np.isin(sizes, both)])) if both else None,
        }
    return table


def show_summary(table: dict[str, Any], measure: str) -> None:
    """Scores by size, and what the ratios hang on."""
    sizes = max((row["devices"] for row in table.values()), key=len)
    print(f"{measure} against devices; devices needed for a score; neurons over it, mean over sizes")
    print(f"{'':24}" + "".join(f"{n:>15}" for n in sizes))
    for method, row in table.items():
        cells = [f"{m:.3f} ± {h:.3f}" for m, h in zip(row["mean"], row["half_width_95"], strict=True)]
        needed = ", ".join(
            f"{s}: {'-' if n is None else round(n)}" for s, n in row["devices_needed"].items()
        )
        line = "".join(f"{c:>15}" for c in cells) + " " * 15 * (len(sizes) - len(cells))
        ratio = row["ratio_of_means"]
        print(f"{method:24}{line}  {needed}  {'' if ratio is None else f'{ratio:.3f}'}")


def tuned(task: Any, devices: int, measure: str, out: Path) -> dict[str, Any]:
    """What tuning the volts and times of the neurons by gradient buys; kept on disk."""
    # A second of imports that quick runs do without.
    from experiments.reservoirs._tuning import what_it_buys

    record = Pieces(out / "cells").keep_json("tuning", lambda: what_it_buys(task, devices, 0))
    print(f"set-points by gradient: error {record['error'][0]:.4f} to {record['error'][-1]:.4f}")
    for name in ("before", "after"):
        found = ", ".join(f"{s} {record[name][s][measure]:.4f}" for s in task.splits)
        print(f"{name:8} {measure}: {found}; {record[name]['energy']:.1e} J per sample")
    return record


def plot(table: dict[str, Any], measure: str, path: Path) -> None:
    """Score against devices, with the intervals over seeds."""
    figure, ax = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
    for k, (method, row) in enumerate(table.items()):
        style = "--" if method in OTHERS else "-"
        beside = 1.02 ** (k - len(table) / 2)  # so that intervals do not hide each other
        ax.errorbar(
            np.asarray(row["devices"]) * beside, row["mean"], row["half_width_95"],
            ls=style, marker="o", ms=3, lw=1.2, elinewidth=0.7, label=method,
        )  # fmt: skip
    ax.set_xscale("log", base=2)
    sizes = sorted({n for row in table.values() for n in row["devices"]})
    ax.set_xticks(sizes, [str(n) for n in sizes])
    ax.set(xlabel="devices, of 8 features each", ylabel=measure.replace("_", " "))
    if measure == "accuracy":
        ax.set_ylim(top=min(1.02, ax.get_ylim()[1]))  # intervals of few seeds end above what is possible
    ax.legend(frameon=False, fontsize="small", loc="lower right")
    figures.save(figure, path, dpi=120)


def main() -> None:
    """Runs what is not on disk yet, prints the tables, writes plot and numbers."""
    quick = "the digits of scikit-learn, in seconds"
    parser = script.parser(__doc__, "results/nickelate_reservoir", quick=quick)
    parser.add_argument("--task", choices=[t for t in STUDIES if t != "digits"], default="mnist")
    parser.add_argument("--folder", type=Path, help="of the data sets; JAXNN_DATA by default")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of the size study")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="of the size study")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--finished", action="store_true", help="tables of the cells that are on disk")
    parser.add_argument("--only", choices=("full", "study", "spread", "tuning"), help="one part of it")
    arguments = script.start(parser, keep_compiled=True)
    begin = time.perf_counter()
    name = "digits" if arguments.quick else arguments.task
    out = arguments.out / name
    out.mkdir(parents=True, exist_ok=True)
    split, measure, wanted = STUDIES[name]
    task = load(name, arguments.folder, out)
    report: dict[str, Any] = {"task": name}
    part = "study" if arguments.quick else arguments.only
    if part in (None, "full"):
        report["full"] = full(name, task, arguments.methods, out, arguments.finished)
        show_full(report["full"], measure)
        report["full_seconds"] = sum(cell["seconds"] for cell in report["full"])
    if part in (None, "study"):
        methods, sizes, seeds = arguments.methods, arguments.sizes, arguments.seeds
        if arguments.quick:
            methods, sizes, seeds = QUICK, QUICK_SIZES, 2
        cells = study(name, task, methods, sizes, seeds, out, arguments.finished)
        report["study"] = summary(cells, split, measure, wanted)
        show_summary(report["study"], measure)
        report["study_seconds"] = sum(cell["seconds"] for cell in cells)
        plot(report["study"], measure, out / "devices.png")
    if part in (None, "spread"):
        report["spread"] = summary(device_spread(name, task, out), split, measure, ())
        show_summary(report["spread"], measure)
    if part in (None, "tuning") and name == "mnist":
        report["tuning"] = tuned(task, FULL[name], measure, out)
    report["seconds"] = time.perf_counter() - begin
    kept = [f"{k.replace('_', ' ')} {v:.0f}" for k, v in report.items() if k.endswith("_seconds")]
    print(f"{report['seconds']:.0f} s; all cells, when they were worked out: {', '.join(kept)}")
    script.finish(out / "nickelate_reservoir.json", report)


if __name__ == "__main__":
    main()
