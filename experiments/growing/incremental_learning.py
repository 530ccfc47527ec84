"""Classes that come, go and come back: growing networks that switch off, against static ones.

After: Zhang, H.-T. et al. Reconfigurable perovskite nickelate electronics for artificial
intelligence. Science 375, 533 (2022). doi 10.1126/science.abj7943

- phases: half of the classes, all of them, the first half again, all again. Nodes of the second half
  should switch off in the third phase and be woken, not grown again, in the fourth.
- growing, copies, random: class-incremental, a group of classes at a time, never shown again. The
  growing network against static ones with as many nodes and the same learning rule, started from
  copies of samples of the first group or from random numbers in the range of the data. Five seeds.
- phases-by-label, by-label: only samples of a node's own class keep it on and wake it.
- device-phases, verified, single: with nodes made of nickelate devices that differ and write with
  noise, each write corrected once or not at all; pulses, energy and time.

    python experiments/growing/incremental_learning.py --quick            # the 8x8 digits of scikit-learn
    python experiments/growing/incremental_learning.py --out results/incremental_digits
    python experiments/growing/incremental_learning.py --data mnist --folder /data      # or JAXNN_DATA
    python experiments/growing/incremental_learning.py --data mnist-pca --folder /data  # also -nanowires
    python experiments/growing/incremental_learning.py --data cub --folder /data --parts growing copies

What is finished is kept in the folder `cells` there, and a run that was cut off goes on.
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import functools as ft
import json
from pathlib import Path

import numpy as np

from experiments.growing import _pictures as plots, _runs as runs
from experiments.growing._data import load
from experiments.shared.pieces import Pieces


# Thresholds and rates were chosen with --held-out: docs/growing-networks.md.
SETTINGS = {
    "digits": runs.Setting(
        capacity=400,
        activity_threshold=0.877,
        winner_rate=0.5,
        neighbour_rate=0.001,
        winner_fall=0.3,
        off_after=900,
        phases_capacity=800,
        phases=(4000, 4000, 4000, 4000),
        phases_of=None,
        per_group=300,
        group=1,
        snapshots=20,
    ),
    "mnist": runs.Setting(
        capacity=2000,
        activity_threshold=0.81,
        winner_rate=0.5,
        neighbour_rate=0.001,
        winner_fall=0.1,
        off_after=6000,
        phases_capacity=3000,
        phases=(10_000, 20_000, 10_000, 20_000),
        phases_of=6000,
        per_group=3000,
        group=1,
        snapshots=20,
    ),
    "cub": runs.Setting(
        capacity=2000,
        activity_threshold=0.60,
        winner_rate=0.2,
        neighbour_rate=0.001,
        winner_fall=0.3,
        off_after=2000,
        phases_capacity=2500,
        phases=(5_000, 8_000, 5_000, 8_000),
        phases_of=None,
        per_group=1500,
        group=10,
        snapshots=20,
    ),
}
for name, threshold in (("pca", 0.855), ("nickelate", 0.52), ("nanowires", 0.65)):
    changed = SETTINGS["mnist"]._replace(activity_threshold=threshold, winner_fall=0.3)
    SETTINGS[f"mnist-{name}"] = changed
INCREMENTAL = {
    "growing": runs.GROWING,
    "by-label": runs.BY_LABEL,
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
QUICK = ["phases-by-label", "growing", "copies"]
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
            f"{len(final)} seeds, forgetting {np.median(numbers['forgetting']):.3f}, "
            f"nodes {np.median(numbers['nodes_used']):.0f}, "
            f"refused {np.median(numbers['refused_for_want_of_room']):.0f}"
        )
        if numbers["cost"][0]:
            print(
                "   ", {k: f"{np.median([c[k] for c in numbers['cost']]):.3g}" for k in numbers["cost"][0]}
            )
    for name, numbers in ratio.items():
        low, high = numbers["range"]
        print(f"{name}: {numbers['median']:.2f} ({low:.2f} to {high:.2f})")


def parsed():
    """The command line."""
    quick = "fewer parts and pictures, one seed"
    parser = script.parser(__doc__, "results/incremental_learning", quick=quick)
    parser.add_argument("--data", choices=SETTINGS, default="digits")
    parser.add_argument("--folder", type=Path, help="of the data sets; JAXNN_DATA by default")
    parser.add_argument("--parts", nargs="+", choices=[*PHASES, *INCREMENTAL])
    parser.add_argument("--seeds", type=int, default=5, help="of class-incremental streams")
    parser.add_argument("--held-out", action="store_true", help="test on a part of the training set")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="fields of the setting")
    arguments = script.start(parser, keep_compiled=True)
    if arguments.quick:
        arguments.parts, arguments.seeds = arguments.parts or QUICK, 1
    # Currents and principal components are negative, too, and synapses are not.
    able = [p for p in (*PHASES, *INCREMENTAL) if "-" not in arguments.data or p not in DEVICE_PARTS]
    arguments.parts = arguments.parts or able
    if set(arguments.parts) - set(able):
        parser.error("nodes made of devices hold no negative numbers, as principal components are")
    return arguments


def kept(cells, name, stamp, make):
    """What `make` gives, or what it gave under the same stamp before."""
    cell = lambda: {"stamp": stamp, "found": make()}
    return cells.keep_json(name, cell, fits=lambda cell: cell["stamp"] == stamp)["found"]


def phases(part, task, setting, nodes, out):
    """The phases, with their pictures."""
    rows, snapshots = runs.run_phases(task, setting, PHASES[part], nodes if part in DEVICE_PARTS else None)
    plots.plot_phases(task.n_classes, setting, snapshots, out / f"{part}.png")
    plots.animate(task.n_classes, snapshots, out / f"{part}.gif")
    return rows


def main() -> None:
    """Learns what is not kept from before, prints tables, writes pictures and numbers."""
    arguments = parsed()
    cells = Pieces(arguments.out / "cells", aloud=True)
    changed = {name: json.loads(value) for name, value in (each.split("=") for each in arguments.set)}
    fewer = {"snapshots": 10} if arguments.quick else {}
    setting = SETTINGS[arguments.data]._replace(**fewer | changed)
    task = load(arguments.data, arguments.folder, arguments.out)
    task = task.held_out() if arguments.held_out else task
    stamp = json.loads(json.dumps(setting._asdict() | {"held_out": arguments.held_out}))
    print(f"{arguments.data}: {task.train.shape[0]:,} samples of {task.train.shape[1]} inputs; {setting}")
    nodes = runs.nickelate_nodes() if DEVICE_PARTS & set(arguments.parts) else None
    report = {"setting": stamp, "phases": {}, "incremental": {}}
    for part in arguments.parts:
        if part in PHASES:
            make = ft.partial(phases, part, task, setting, nodes, arguments.out)
            report["phases"][part] = kept(cells, f"{arguments.data}-{part}", stamp, make)
            show_phases(report["phases"][part])
            continue
        method = INCREMENTAL[part]
        found = [
            kept(
                cells,
                f"{arguments.data}-{part}-{seed}",
                stamp,
                ft.partial(runs.run_incremental, task, setting, method, nodes, seed),
            )
            for seed in range(arguments.seeds)
        ]
        report["incremental"][method] = {name: [each[name] for each in found] for name in found[0]}
    report["ratios"] = runs.ratios(report["incremental"])
    show_incremental(report["incremental"], report["ratios"])
    if report["incremental"]:
        plots.plot_incremental(report["incremental"], arguments.out / "incremental.png")
    script.finish(arguments.out / "incremental_learning.json", report)


if __name__ == "__main__":
    main()
