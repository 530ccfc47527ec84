"""Classes that come, go and come back: growing networks that switch off, against static ones.

After: Zhang, H.-T. et al. Reconfigurable perovskite nickelate electronics for artificial
intelligence. Science 375, 533 (2022). doi 10.1126/science.abj7943

- phases: half of the classes, all of them, the first half again, all again. Nodes of the second half
  should switch off in the third phase and be woken, not grown again, in the fourth.
- growing, copies, random: class-incremental, a group of classes at a time, never shown again. The
  growing network against static ones with as many nodes and the same learning rule, started from
  copies of samples of the first group or from random numbers in the range of the data. Five seeds.
- phases-by-label: only samples of a node's own class keep it on and wake it.
- device-phases, verified, single: with nodes made of nickelate devices that differ and write with
  noise, each write corrected once or not at all; pulses, energy and time.

    python experiments/incremental_learning.py --data digits --out results/incremental_digits
    python experiments/incremental_learning.py --data mnist --folder /data   # or JAXNN_DATA; mnist-pca
    python experiments/incremental_learning.py --data cub --folder /data --parts growing copies

Parts that are not asked for keep their numbers in the report.
"""

# Before JAX, because it also sets what XLA logs.
from _cache import keep_compiled  # isort: skip

import argparse
import json
import time
from pathlib import Path

import _growing_plots as plots
import _growing_runs as runs
import numpy as np


# Thresholds and rates of MNIST and the birds were chosen with --held-out, those of the digits are older.
SETTINGS = {
    "digits": runs.Setting(
        capacity=400,
        activity_threshold=0.877,
        winner_rate=0.2,
        neighbour_rate=0.001,
        off_after=900,
        phases_capacity=800,
        phases=(3000, 4000, 3000, 4000),
        per_group=300,
        group=1,
        snapshots=20,
    ),
    "mnist": runs.Setting(
        capacity=2000,
        activity_threshold=0.80,
        winner_rate=0.5,
        neighbour_rate=0.001,
        off_after=6000,
        phases_capacity=3000,
        phases=(10_000, 20_000, 10_000, 20_000),
        per_group=3000,
        group=1,
        snapshots=20,
    ),
    "cub": runs.Setting(
        capacity=2000,
        activity_threshold=0.60,
        winner_rate=0.2,
        neighbour_rate=0.001,
        off_after=2000,
        phases_capacity=2500,
        phases=(5_000, 8_000, 5_000, 8_000),
        per_group=1500,
        group=10,
        snapshots=20,
    ),
}
SETTINGS["mnist-pca"] = SETTINGS["mnist"]._replace(activity_threshold=0.855)
INCREMENTAL = {
    "growing": runs.GROWING,
    "copies": runs.STATIC[0],
    "random": runs.STATIC[1],
    "verified": runs.DEVICES[0],
    "single": runs.DEVICES[1],
}
PHASES = {
    "phases": runs.GROWING,
    "phases-by-label": runs.BY_LABEL,
    "device-phases": runs.DEVICES[0],
}
DEVICE_PARTS = {"device-phases", "verified", "single"}


def show_phases(rows):
    """A line for each phase."""
    for row in rows:
        print({k: v for k, v in row.items() if k != "cost"})
        if row["cost"]:
            print("   ", {k: f"{v:.3g}" for k, v in row["cost"].items()})


def show_incremental(results, ratio):
    """A line for each method, and for each ratio."""
    for method, numbers in results.items():
        final = np.array(numbers["final_accuracy"])
        print(
            f"{method:34} final {np.median(final):.3f} ({final.min():.3f} to {final.max():.3f}), "
            f"forgetting {np.median(numbers['forgetting']):.3f}, "
            f"nodes {np.median(numbers['nodes_used']):.0f}, "
            f"refused {np.median(numbers['refused_for_want_of_room']):.0f}"
        )
    for name, numbers in ratio.items():
        low, high = numbers["range"]
        print(f"{name}: {numbers['median']:.2f} ({low:.2f} to {high:.2f})")


def parsed():
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", choices=SETTINGS, default="digits")
    parser.add_argument("--folder", type=Path, help="of the data sets; JAXNN_DATA by default")
    parser.add_argument("--parts", nargs="+", choices=[*PHASES, *INCREMENTAL])
    parser.add_argument("--seeds", type=int, default=5, help="of class-incremental streams, all at once")
    parser.add_argument("--held-out", action="store_true", help="test on a part of the training set")
    parser.add_argument("--activity-threshold", type=float)
    parser.add_argument("--off-after", type=int)
    parser.add_argument("--capacity", type=int)
    parser.add_argument("--out", type=Path, default=Path("results/incremental_learning"))
    arguments = parser.parse_args()
    # Principal components are negative, too, and synapses are not.
    able = [p for p in (*PHASES, *INCREMENTAL) if arguments.data != "mnist-pca" or p not in DEVICE_PARTS]
    arguments.parts = arguments.parts or able
    if set(arguments.parts) - set(able):
        parser.error("nodes made of devices hold no negative numbers, as principal components are")
    return arguments


def prepared(arguments):
    """The data and the setting, with what the command line changes."""
    setting, task = SETTINGS[arguments.data], runs.load(arguments.data, arguments.folder)
    given = {name: getattr(arguments, name) for name in ("activity_threshold", "off_after", "capacity")}
    setting = setting._replace(**{name: value for name, value in given.items() if value is not None})
    return task.held_out() if arguments.held_out else task, setting


def main() -> None:
    """Learns, prints both tables, writes pictures and numbers."""
    arguments = parsed()
    arguments.out.mkdir(parents=True, exist_ok=True)
    keep_compiled()
    task, setting = prepared(arguments)
    path = arguments.out / "incremental_learning.json"
    report = json.loads(path.read_text()) if path.exists() else {}
    if report.get("setting") != json.loads(json.dumps(setting._asdict())):
        report = {"setting": setting._asdict(), "phases": {}, "incremental": {}, "seconds": {}}
    print(f"{arguments.data}: {task.train.shape[0]:,} samples of {task.train.shape[1]} inputs; {setting}")
    nodes = runs.nickelate_nodes() if DEVICE_PARTS & set(arguments.parts) else None
    for part in arguments.parts:
        begin = time.perf_counter()
        if part in PHASES:
            rows, snapshots = runs.run_phases(task, setting, PHASES[part], nodes)
            show_phases(rows)
            report["phases"][part] = rows
            plots.plot_phases(task.n_classes, setting, snapshots, arguments.out / f"{part}.png")
            plots.animate(task.n_classes, snapshots, arguments.out / f"{part}.gif")
        else:
            method = INCREMENTAL[part]
            report["incremental"][method] = runs.run_incremental(
                task, setting, method, nodes, arguments.seeds
            )
        report["seconds"][part] = time.perf_counter() - begin
        print(f"{part}: {report['seconds'][part]:.0f} s", flush=True)
        path.write_text(json.dumps(report, indent=1, allow_nan=False))
    report["ratios"] = runs.ratios(report["incremental"])
    show_incremental(report["incremental"], report["ratios"])
    if report["incremental"]:
        plots.plot_incremental(report["incremental"], arguments.out / "incremental.png")
    path.write_text(json.dumps(report, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
