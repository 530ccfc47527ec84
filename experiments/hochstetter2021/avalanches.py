"""Avalanches of junction events below, at and above the threshold, and how they grow with the network.

Figs 4, 5, S7, S8, S16 and S17 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in
neuromorphic nanowire networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

Generated networks of 0.10 wires/um^2 (of 50 um also 0.06 and 0.14) between two pads at constant
V* = V / (n V_set), 30 s of 1 ms. An event is a crossing of 1.1 G_off by a junction's conductance, at
G_off = 1e-8 S: what reproduces the deposited events. The rule of the paper's text, |dG| / (G dt) > 1e-3 /s
at G_off = 7.77e-8 S, is beside it. The pads cover 0.02 of the height at 50 um and 0.03 at 100 um, as in
the deposited data; for 150 um no setting is known to match, and we take the 0.025 of the released script.

Chunks of networks are kept in --out: call again to go on. --minutes says how long to simulate this time.

    python experiments/hochstetter2021/avalanches.py --out results/avalanches --minutes 60
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import contextlib
import time
from typing import Any

import numpy as np

from experiments.hochstetter2021 import _avalanche_pictures as pictures
from experiments.hochstetter2021._avalanche_statistics import (
    FITTED,
    LEAST,
    bin_width,
    fit_text,
    measure_avalanches,
)
from experiments.hochstetter2021._ensemble_runs import DENSITY, Case, Trains, extend, load, with_error
from experiments.shared import hochstetter2021 as published
from experiments.shared.pieces import Pieces, TimeUp
from jaxnn import analysis


# Sizes at threshold, the other voltages, and the second rule; chunks of a few minutes.
SMALL = Case(50.0, 0.02, "crossing", (1.0,), 1000, 64)
VOLTAGES = Case(50.0, 0.02, "crossing", (0.7, 1.05, 1.8), 1000, 32)
MEDIUM = Case(100.0, 0.03, "crossing", (1.0,), 1000, 12)
MEDIUM_VOLTAGES = Case(100.0, 0.03, "crossing", (0.7, 1.05, 1.8), 1000, 6)
LARGE = Case(150.0, 0.025, "crossing", (1.0,), 1000, 4)
RATE = Case(50.0, 0.02, "rate", (1.0,), 200, 20)
SPARSE = SMALL._replace(density=0.06)
DENSE = SMALL._replace(density=0.14, chunk=32)
# A bit of everything first, so that a short run has all of the figures.
ORDER = [
    *((RATE, 1), (LARGE, 1), (SMALL, 1), (MEDIUM, 1), (VOLTAGES, 1), (MEDIUM_VOLTAGES, 1), (SPARSE, 1)),
    *((DENSE, 1), (MEDIUM_VOLTAGES, 5), (LARGE, 16), (SMALL, 16), (SPARSE, 16), (MEDIUM, 30)),
    *((VOLTAGES, 4), (RATE, 4), (DENSE, 4), (LARGE, 40), (MEDIUM, 84), (MEDIUM_VOLTAGES, 20)),
    *((VOLTAGES, 32), (DENSE, 32), (LARGE, 250), (RATE, 10)),
]
QUICK = [(Case(22.0, 0.08, "crossing", (1.0, 1.8), 6, 6, 4.0), 1)]
GROUPS = 10  # of networks, for errors of what only an ensemble has
SHORTEST = 7  # the lower cut-off where the upper one is varied


def simulate(order, pieces: Pieces) -> None:
    """Goes through the order, chunk by chunk, until the time is up."""
    with contextlib.suppress(TimeUp):
        for case, chunks in order:
            extend(case, pieces, chunks)


def grouped(function, counts) -> dict[str, float]:
    """What a function gives of all trains, with an error from groups of networks."""
    values = [function(group) for group in np.array_split(counts, min(GROUPS, len(counts)))]
    error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return {"value": float(function(counts)), "error": float(error)}


def measure(trains: Trains) -> tuple[dict[str, Any], analysis.Avalanches]:
    """All that is said about one ensemble."""
    per_network = trains.counts.sum(axis=1)
    row, avalanches = measure_avalanches(trains.counts)
    return {
        "networks": len(trains.counts),
        "events per network": float(per_network.mean()),
        "error of it": float(per_network.std(ddof=1) / len(per_network) ** 0.5)
        if len(per_network) > 1
        else None,
        "activated": float(np.mean(trains.final > 0.1)),
        "seconds": trains.seconds,
    } | row, avalanches


def in_deposited_ranges(trains: Trains, ranges: Any) -> dict[str, Any]:
    """The exponents by likelihood in the bin and on the ranges of the published ones."""
    width, *limits = ranges
    avalanches = analysis.find_avalanches(analysis.bin_events(trains.counts, width))
    found: dict[str, Any] = {"bin ms": width, "avalanches": len(avalanches.size)}
    samples = {"size": avalanches.size, "lifetime": avalanches.lifetime}
    for (name, sample), (shortest, longest) in zip(samples.items(), limits, strict=True):
        if np.sum((sample >= shortest) & (sample <= longest)) >= LEAST:
            found[name] = analysis.fit_power_law(sample, shortest, longest, samples=FITTED)._asdict()
    return found


def known_numbers(key: tuple[Case, float]) -> published.AvalancheNumbers | None:
    """What is published of an ensemble; of the second rule there is nothing."""
    case, reduced = key
    known = published.AVALANCHES.get((round(case.size), reduced, case.density))
    return known if case.rule == "crossing" else None


def bin_study(trains: Trains, bins) -> list[dict[str, Any]]:
    """S16: exponents against the bin."""
    rows = []
    for width in bins:
        avalanches = analysis.find_avalanches(analysis.bin_events(trains.counts, width))
        fits = [analysis.scan_power_law(x, samples=200) for x in (avalanches.size, avalanches.lifetime)]
        names = "size", "lifetime"
        rows.append({"bin ms": width} | {k: f and f._asdict() for k, f in zip(names, fits, strict=True)})
    return rows


def cutoff_study(sizes) -> list[dict[str, Any]]:
    """S17: the exponent of sizes and its p-value against the upper cut-off."""
    longest = sizes.max(initial=0)
    cuts = np.unique(np.geomspace(2 * SHORTEST, max(longest, 2 * SHORTEST), 16).astype(int))
    cuts = [cut for cut in cuts.tolist() if np.unique(sizes[(sizes >= SHORTEST) & (sizes <= cut)]).size > 1]
    return [analysis.fit_power_law(sizes, SHORTEST, cut, samples=200)._asdict() for cut in cuts]


def show(key: tuple[Case, float], row: dict[str, Any]) -> None:
    """One ensemble in a few lines, with what is published beside it."""
    (case, reduced), known = key, known_numbers(key)
    print(
        f"\n{case.size:g} um, {case.density:g} /um^2, V* {reduced:g}, {case.rule}: "
        f"{row['networks']} networks, "
        f"{row['events per network']:.1f} +- {row['error of it'] or 0:.1f} events each, "
        f"bin {row['bin ms']} ms, {row['avalanches']} avalanches, largest {row['largest']}"
    )
    for name in ("size", "lifetime"):
        fit, line = row[name].get("scan"), row[name]["line"]
        text = f"line {line['exponent']:.2f}"
        if fit:
            text = f"{fit_text(fit)}, p {fit['p_value']:.2f}; {text}"
        print(f"  {name:9} {text}")
    parts = (f"{k} {with_error(**v)}" for k, v in row["crackling"].items())
    print("  1/(sigma nu z):", ", ".join(parts))
    for name in ("size", "lifetime"):
        if fit := row.get("deposited ranges", {}).get(name):
            print(f"  {name:9} {fit_text(fit)}, p {fit['p_value']:.2f}, in the deposited range")
    if known:
        print(f"  deposited: {known}")


def analyse(
    order, pieces: Pieces
) -> tuple[dict[tuple[Case, float], Any], dict[tuple[Case, float], Trains]]:
    """Every ensemble that has enough chunks: numbers and avalanches, and the trains."""
    cases = list(dict.fromkeys(case for case, _ in order))
    trains = {(case, v): load(case, pieces, v) for case in cases for v in case.reduced}
    trains = {key: train for key, train in trains.items() if train.counts.sum() > 1}
    made = {}
    for key, train in trains.items():
        made[key] = measure(train)
        known = known_numbers(key)
        if known and known.ranges:
            made[key][0]["deposited ranges"] = in_deposited_ranges(train, known.ranges)
        show(key, made[key][0])
    return made, trains


def plain(case: Case) -> bool:
    """Whether a case is of crossings, at the density of most."""
    return (case.rule, case.density) == ("crossing", DENSITY)


def by_voltage(trains) -> dict[tuple[float, float], tuple[analysis.Avalanches, dict[str, Any]]]:
    """Fig 5: all voltages of a size; at 100 um with the paper's common bin of 160 ms, else each its own.

    At 50 um the mean interval of V* = 1 is so long that the burst of activation at 1.8 would touch the
    start of the run and be left out. The size of the avalanche that an event belongs to, in the mean,
    <S^2> / <S>, is what a bump of system-size avalanches makes large.
    """
    out = {}
    for (case, reduced), train in trains.items():
        if not plain(case):
            continue
        width = 160 if case.size == 100 else bin_width(train.counts)

        def found(counts, width=width):
            return analysis.find_avalanches(analysis.bin_events(counts, width))

        def size_of_event(counts, found=found):
            size = found(counts).size.astype(float)
            return (size**2).sum() / size.sum() if size.size else 0.0

        avalanches = found(train.counts)
        out[case.size, reduced] = (
            avalanches,
            {
                "size um": case.size,
                "V*": reduced,
                "networks": len(train.counts),
                "bin ms": width,
                "avalanches": len(avalanches.size),
                "largest": int(avalanches.size.max(initial=0)),
                "mean size of an event's avalanche": grouped(size_of_event, train.counts),
            },
        )
    return out


def main() -> None:
    """Simulates what the time allows, analyses all that is there, draws and writes."""
    parser = script.parser(__doc__, "results/avalanches", quick="a few small networks, 4 s", minutes=60)
    arguments = script.start(parser)
    begin = time.perf_counter()
    order = QUICK if arguments.quick else ORDER
    pieces = Pieces(arguments.out / "chunks", arguments.minutes)
    simulate(order, pieces)
    made, trains = analyse(order, pieces)
    voltages = by_voltage(trains)
    critical = {case.size: (made[case, v], case) for case, v in sorted(made) if v == 1 and plain(case)}
    largest_sample = max(critical.values(), key=lambda x: x[0][0]["avalanches"])
    study = bin_study(
        trains[largest_sample[1], 1.0], [] if arguments.quick else (300, 400, 500, 600, 700, 800)
    )
    intervals = {
        case.size: (analysis.inter_event_intervals(train.counts), made[case, v][0]["intervals"])
        for (case, v), train in trains.items()
        if v == 1 and plain(case)
    }
    pictures.plot_critical(critical, intervals, study, arguments.out / "avalanches.png")
    pictures.plot_voltages(voltages, made, arguments.out / "avalanches_voltage.png")
    cutoffs = cutoff_study(largest_sample[0][1].size)
    pictures.plot_densities(made, cutoffs, arguments.out / "avalanches_density.png")
    key = lambda case: {"size um": case.size, "density per um2": case.density, "pads": case.pads}
    report: dict[str, Any] = {
        "ensembles": [
            key(case) | {"V*": v, "rule": case.rule} | row for (case, v), (row, _) in made.items()
        ],
        "by voltage": [row for _, row in voltages.values()],
        "bins": study,
        "cut-offs": cutoffs,
        "network_steps": sum(len(t.counts) * t.counts.shape[1] for t in trains.values()),
        "seconds_simulating": sum(t.seconds for t in trains.values()),
        "seconds": time.perf_counter() - begin,
    }
    print(
        f"\n{report['network_steps']:,} network-steps in {report['seconds_simulating']:.0f} s of all calls"
    )
    script.finish(arguments.out / "avalanches.json", report)


if __name__ == "__main__":
    main()
