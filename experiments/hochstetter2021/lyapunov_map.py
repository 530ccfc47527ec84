"""Order, the edge of chaos, and chaos: Lyapunov exponents over amplitude and frequency of a drive.

Figs 6 and 7 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire
networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

15 amplitudes x 15 frequencies of a triangular drive, each after a transient from rest: the exponent by the
paper's two trajectories at a finite distance, the mean over perturbed junctions, and the leading three by
the exact tangent dynamics. On a few drives, what a longer transient, other states at its start, a smaller
step, float64 and smaller distances change. Current against voltage in order, at the edge of chaos and
in chaos. How well the means over the first so many seconds agree with what is deposited.

The network is the published one of 100 wires where --reference (or JAXNN_REFERENCE) names its folder, else
one of our own; --published (or JAXNN_DRIVE_MAP) names the deposited table, with columns amplitude_V,
frequency_Hz, lyapunov_per_s and on_off_ratio. Everything simulated is kept in pieces in --out; a run that
was stopped goes on where it was. After --minutes no piece is begun; what is not there is left white.

    python experiments/hochstetter2021/lyapunov_map.py --reference FOLDER --published FILE
    python experiments/hochstetter2021/lyapunov_map.py --full  # transients of 3,000 s, 32 junctions
"""

# Before JAX, because it also sets what XLA logs.
from experiments.shared.compilation import keep_compiled  # isort: skip

import argparse
import csv
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

import jaxnn
from experiments.hochstetter2021 import _lyapunov_pictures as pictures
from experiments.hochstetter2021._lyapunov_runs import DT, Bench, Grid, OutOfTime
from experiments.shared import figures, hochstetter2021 as published
from experiments.shared.hochstetter2021 import AMPLITUDES, FREQUENCIES
from experiments.shared.script import plain, write_report


# Ordered, at the edge and chaotic: amplitude [V], frequency [Hz].
LOOPS = ((1.25, 0.1), (1.25, 0.5), (1.25, 0.85))
EARLY = 80.0  # [s] over which the mean comes closest to what is deposited, see `by_length`
LENGTHS = (20.0, 40.0, 60.0, 70.0, 80.0, 90.0, 100.0, 150.0, 200.0)  # [s]
SKIP = 10  # blocks that "late" exponents leave out
COMPARED = ("exponent", "early", "late", "tangent")
# Drives that transients up to the published one are shown on: the fastest chaos, and others.
LONG = ((3.0, 1.75), (2.5, 1.75), (3.0, 1.25), (2.0, 1.75), (0.1, 1.75), (1.25, 0.5))
# Drives that start from random states too.
STARTED = ((3.0, 1.75), (2.5, 1.75), (3.0, 1.25), (3.0, 1.0))
# Drives that the settings are changed on: amplitude [V], frequency [Hz].
PROBES = ((0.2, 0.1), (0.4, 1.0), (0.8, 0.5), (1.25, 0.1), (1.25, 0.5), (1.25, 1.0), (2.5, 0.5))


class Size(NamedTuple):
    """How much is computed."""

    amplitudes: tuple[float, ...] = AMPLITUDES
    frequencies: tuple[float, ...] = FREQUENCIES
    transient: float = 100.0  # [s]
    seconds: float = 200.0  # of two trajectories
    tangent_seconds: float = 25.0
    junctions: int = 8
    drives_at_once: int = 25
    probes: tuple[tuple[float, float], ...] = PROBES
    probe_seconds: float = 50.0
    probe_junctions: int = 8
    long_transient: float | None = 500.0
    distances: tuple[float, ...] = (5e-4, 5e-5, 5e-6, 5e-7)  # [V s]
    loops: tuple[tuple[float, float], ...] = LOOPS
    periods: int = 20
    every_junction: tuple[tuple[float, float], ...] = ((0.1, 1.75), (0.4, 1.0), (1.25, 0.1), (3.0, 1.75))
    """Drives on which each junction is perturbed."""
    every_seconds: float = 10.0
    long: tuple[tuple[float, float], ...] = LONG
    transients: tuple[float, ...] = (500.0, 1000.0, 2000.0, 3000.0)  # [s] of these
    started: tuple[tuple[float, float], ...] = STARTED
    starts: int = 8
    """Random states that each of these starts from."""


QUICK = Size(
    amplitudes=(0.2, 0.6),
    frequencies=(0.5, 2.0),
    transient=1.0,
    seconds=2.0,
    tangent_seconds=2.0,
    junctions=2,
    probes=((0.2, 0.5), (0.2, 2.0), (0.6, 0.5), (0.6, 2.0)),
    probe_seconds=2.0,
    probe_junctions=2,
    long_transient=None,
    distances=(5e-4, 5e-6),
    every_junction=(),
    long=((0.2, 0.5), (0.2, 2.0), (0.6, 0.5), (0.6, 2.0)),
    transients=(1.0,),
    started=((0.2, 0.5), (0.6, 2.0)),
    starts=2,
    loops=((0.6, 0.5),),
    periods=2,
)
FULL = Size(
    transient=3000.0,
    tangent_seconds=200.0,
    junctions=32,
    long_transient=6000.0,
    every_seconds=200.0,
)


def grid_of(size: Size, name: str, drives: Any = None, **changes: Any) -> Grid:
    """The whole map, or the given drives, with some settings changed."""
    if drives is None:
        drives = [(a, f) for a in size.amplitudes for f in size.frequencies]
    amplitude, frequency = np.array(drives, float).T
    grid = Grid(
        name,
        amplitude,
        frequency,
        size.transient,
        size.seconds,
        size.tangent_seconds,
        size.junctions,
        size.drives_at_once,
    )
    return grid._replace(**changes)


def summary(growth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exponents (drives, columns) from growth (drives, blocks, columns), and their standard errors.

    Errors are those of the means of ten parts of the run, which are longer than what they remember.
    """
    parts = np.stack([part.mean(1) for part in np.array_split(growth, min(10, growth.shape[1]), axis=1)])
    if len(parts) == 1:
        return growth.mean(1), np.full_like(parts[0], np.nan)
    with np.errstate(invalid="ignore"):
        return growth.mean(1), parts.std(0, ddof=1) / len(parts) ** 0.5


def skipped(growth: np.ndarray) -> int:
    """How many blocks "late" exponents leave out."""
    return min(SKIP, growth.shape[1] // 2)


def late_means(growth: np.ndarray) -> np.ndarray:
    """The "late" exponent of each drive, over all of its pairs."""
    return growth[:, skipped(growth) :].mean((1, 2))


def rows_of(grid: Grid, pairs: Any, tangents: Any, table: dict[tuple[float, float], Any]) -> list[dict]:
    """One row per drive: our exponents with their errors, and the deposited one."""
    exponent, error = summary(pairs["growth"].mean(-1, keepdims=True))
    growth = pairs["growth"]
    skip = skipped(growth)
    late, late_error = summary(growth[:, skip:].mean(-1, keepdims=True))
    first = growth[:, : round(EARLY / grid.block)].mean(-1, keepdims=True)
    # The loss at the start is no scatter.
    early, (_, early_error) = first.mean(1), summary(first[:, skip:])
    leading, leading_error = summary(tangents["growth"])
    rows = []
    for i, drive in enumerate(zip(grid.amplitude.tolist(), grid.frequency.tolist(), strict=True)):
        row = {"amplitude_V": drive[0], "frequency_Hz": drive[1]}
        row |= {"exponent": exponent[i, 0], "exponent_error": error[i, 0]}
        row |= {"late": late[i, 0], "late_error": late_error[i, 0], "spread": growth[i].mean(0).std()}
        row |= {"early": early[i, 0], "early_error": early_error[i, 0]}
        row |= {"tangent": leading[i].tolist(), "tangent_error": leading_error[i, 0]}
        row |= {"on_off_ratio": pairs["ratio"][i]}
        row |= {"published": None, "published_ratio": None}
        if drive in table:
            row |= dict(zip(("published", "published_ratio"), table[drive], strict=True))
        rows.append(row)
    return rows


def tolerance(value: Any) -> Any:
    """10 % or 0.3 /s, whichever is more."""
    return np.maximum(0.3, 0.1 * abs(value))


def comparison(rows: list[dict], name: str) -> dict[str, Any]:
    """How many exponents of a name agree with the deposited ones.

    Converged: twice our standard error is below the tolerance.
    """
    value = lambda row: row[name][0] if name == "tangent" else row[name]
    known = [row for row in rows if row["published"] is not None and not np.isnan(value(row))]
    converged = [r for r in known if 2 * r[f"{name}_error"] < tolerance(r["published"])]
    agrees = lambda row: abs(value(row) - row["published"]) <= tolerance(row["published"])
    mild = [row for row in known if -10 < row["published"] < -1]
    return {
        "deposited": len(known),
        "same_sign": sum(np.sign(value(row)) == np.sign(row["published"]) for row in known),
        "within": sum(map(agrees, known)),
        "converged": len(converged),
        "converged_and_within": sum(map(agrees, converged)),
        "between_-10_and_-1": len(mild),
        "of_these_within": sum(map(agrees, mild)),
        "positive": sum(value(row) > 0 for row in rows),
        "vanishing": sum(value(row) == -np.inf for row in rows),
    }


def by_length(grid: Grid, growth: np.ndarray, table: dict[tuple[float, float], Any]) -> list[dict]:
    """How the means over the first seconds agree with what is deposited, for several lengths.

    The difference is the median over the drives deposited below -1 /s, which are ordered.
    """
    drives = zip(grid.amplitude.tolist(), grid.frequency.tolist(), strict=True)
    published = np.array([table[drive][0] if drive in table else np.nan for drive in drives])
    rows = []
    for seconds in (x for x in LENGTHS if table and x <= grid.seconds):
        difference = growth[:, : round(seconds / grid.block)].mean((1, 2)) - published
        # A comparison with what is not a number does not hold.
        within = (abs(difference) <= tolerance(published)).sum()
        ordered = difference[published < -1]
        rows.append({"seconds": seconds, "within": int(within)})
        rows[-1] |= {"difference": np.nanmedian(ordered), "absolute": np.nanmedian(abs(ordered))}
    return rows


def probe_grids(size: Size) -> dict[str, Grid]:
    """The few drives, and with one setting changed."""
    base = grid_of(size, "probes", size.probes, seconds=size.probe_seconds, junctions=1)
    base = base._replace(tangent_seconds=size.probe_seconds, drives_at_once=len(size.probes))
    small = base._replace(everywhere=True)
    grids = {f"{distance:g} V s": small._replace(distance=distance) for distance in size.distances}
    grids["1 junction"] = base
    grids[f"{size.probe_junctions} junctions"] = base._replace(junctions=size.probe_junctions)
    if size.long_transient is not None:
        grids[f"after {size.long_transient:g} s"] = base._replace(transient=size.long_transient)
        grids["half the step"] = base._replace(dt=DT / 2)
        grids["float32"] = base._replace(dtype=np.float32)
    return grids


def probe(bench: Bench, size: Size) -> dict[str, Any]:
    """Exponents of the few drives in each setting, those of their tangents, and what it took."""
    result: dict[str, Any] = {"drives": size.probes, "settings": {}, "seconds": 0.0}
    grids = probe_grids(size)
    for name, grid in grids.items():
        try:
            pairs = bench.pairs(grid)
        except OutOfTime:
            continue
        exponent, error = summary(pairs["growth"].mean(-1, keepdims=True))
        growth = pairs["growth"]
        late = late_means(growth)
        found = {"exponent": exponent[:, 0], "error": error[:, 0], "late": late, "each": growth.mean(1)}
        result["settings"][name] = {key: value.tolist() for key, value in found.items()}
        result["seconds"] += float(pairs["took"])
        print(f"{name:>22}:", " ".join(f"{x:8.2f}" for x in exponent[:, 0]), flush=True)
        print(f"{'late':>22}:", " ".join(f"{x:8.2f}" for x in late), flush=True)
    tangents = bench.tangents(grids[f"{size.distances[0]:g} V s"])
    leading, error = summary(tangents["growth"])
    result["tangent"] = {"exponent": leading.tolist(), "error": error.tolist()}
    print(f"{'tangent':>22}:", " ".join(f"{x:8.2f}" for x in leading[:, 0]), flush=True)
    result["seconds"] += float(tangents["took"])
    return result


def every_grid(size: Size, drive: tuple[float, float], n_junctions: int) -> Grid:
    """One drive, and each junction perturbed: about 260 networks at once."""
    grid = grid_of(size, f"every_{drive[0]:g}V_{drive[1]:g}Hz", [drive], junctions=n_junctions)
    return grid._replace(seconds=size.every_seconds)


def every_junction(bench: Bench, size: Size) -> list[dict[str, Any]]:
    """What pairs lose in the first seconds, by the junction that they start in, and the rate after that."""
    rows = []
    for drive in size.every_junction:
        try:
            growth = bench.pairs(every_grid(size, drive, bench.network.n_junctions))["growth"][0]
        except OutOfTime:
            continue
        total, late = growth.sum(0), growth[len(growth) // 2 :].mean(0)
        rows.append({"drive": drive, "seconds": size.every_seconds, "mean_ln": total.mean()})
        rows[-1] |= {"quartiles_ln": np.percentile(total, (0, 25, 50, 75, 100)).tolist()}
        rows[-1] |= {"second_half": late.mean(), "second_half_deviation": late.std()}
        print(f"all junctions at {drive}: ln of growth {total.mean():.1f}, then {late.mean():.3f} /s")
    return rows


def after_long_transients(bench: Bench, size: Size) -> list[dict[str, Any]]:
    """Late exponents of pairs and those of tangents, transient by transient."""
    rows = []
    for transient in size.transients:
        grid = grid_of(
            size, "long", size.long, transient=transient, seconds=size.probe_seconds, junctions=1
        )
        grid = grid._replace(drives_at_once=len(size.long))
        try:
            pairs, tangents = bench.pairs(grid), bench.tangents(grid)
        except OutOfTime:
            continue
        late = late_means(pairs["growth"])
        leading = summary(tangents["growth"])[0][:, 0]
        rows.append({"transient_s": transient, "late": late.tolist(), "tangent": leading.tolist()})
        rows[-1] |= {"on_off_ratio": pairs["ratio"].tolist()}
        for name, values in (("pairs, late", late), ("tangents", leading)):
            print(f"after {transient:g} s, {name:>11}:", " ".join(f"{x:8.2f}" for x in values), flush=True)
    return rows


def from_other_states(bench: Bench, size: Size, table: dict[tuple[float, float], Any]) -> list[dict]:
    """What random states lead to: late exponents, those of tangents, and on/off ratios, drive by drive."""
    drives = [drive for drive in size.started for _ in range(size.starts)]
    grid = grid_of(size, "states", drives, seconds=size.probe_seconds, junctions=1)
    grid = grid._replace(drives_at_once=len(drives), spread=float(bench.junction.max_flux))
    try:
        pairs, tangents = bench.pairs(grid), bench.tangents(grid)
    except OutOfTime:
        return []
    late = late_means(pairs["growth"])
    found = {"late": late, "tangent": summary(tangents["growth"])[0][:, 0], "on_off_ratio": pairs["ratio"]}
    rows = []
    for i, drive in enumerate(size.started):
        chosen = slice(i * size.starts, (i + 1) * size.starts)
        rows.append({"drive": drive} | {name: values[chosen].tolist() for name, values in found.items()})
        rows[-1] |= {"published_ratio": table[drive][1] if drive in table else None}
        ranges = (f"{name} {min(x[chosen]):.4g} to {max(x[chosen]):.4g}" for name, x in found.items())
        print(f"from {size.starts} states at {drive}:", ", ".join(ranges), flush=True)
    return rows


def loops(bench: Bench, grid: Grid, size: Size) -> list[tuple[tuple[float, float], Any, Any]]:
    """Voltage and current over the last periods after the transient."""
    settled = bench.settled(grid)["state"]
    found = []
    for drive in size.loops:
        (i,) = np.flatnonzero((grid.amplitude == drive[0]) & (grid.frequency == drive[1]))

        def make(drive: tuple[float, float] = drive, state: np.ndarray = settled[i]) -> dict[str, Any]:
            run = jaxnn.simulate(
                **bench.setup((*map(np.float32, drive), state), round(grid.transient / grid.dt), grid.dt),
                steps=round(size.periods / drive[1] / grid.dt),
                every=max(1, round(1 / drive[1] / grid.dt / 1000)),
            )
            return {"voltage": run.drive[:, 0], "current": run.terminal_current[:, 0]}

        name = f"loop_{drive[0]:g}V_{drive[1]:g}Hz_{size.periods}_periods"
        loop = bench.piece(f"{grid.folder}/after_{grid.transient:g}s/{name}", make)
        found.append((drive, loop["voltage"], loop["current"]))
    return found


def read_table(path: Path | None) -> dict[tuple[float, float], tuple[float, float]]:
    """The deposited exponents and on/off ratios by drive, or nothing where the table is not there."""
    path = path or (Path(os.environ["JAXNN_DRIVE_MAP"]) if "JAXNN_DRIVE_MAP" in os.environ else None)
    if path is None or not path.is_file():
        return {}
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    names = "amplitude_V", "frequency_Hz", "lyapunov_per_s", "on_off_ratio"
    rows = ([float(row[name]) for name in names] for row in csv.DictReader(lines))
    return {(a, f): (exponent, ratio) for a, f, exponent, ratio in rows}


def parse() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/lyapunov_map"))
    parser.add_argument("--reference", type=Path, help="folder of the published runs")
    parser.add_argument("--published", type=Path, help="the deposited table of drives")
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin no new piece after these")
    parser.add_argument("--junctions", type=int, help="how many are perturbed, if not the default")
    parser.add_argument("--seconds", type=float, help="how long pairs are followed, if not the default")
    parser.add_argument("--quick", action="store_true", help="a small network, short runs")
    parser.add_argument("--full", action="store_true", help="the paper's lengths: many hours")
    return parser.parse_args()


def main() -> None:
    """Simulates what is not there yet, prints the tables and writes pictures and numbers."""
    arguments = parse()
    figures.this_run("quick mode: a small network, short runs" if arguments.quick else "")
    arguments.out.mkdir(parents=True, exist_ok=True)
    keep_compiled()
    jax.config.update("jax_enable_x64", True)
    size = QUICK if arguments.quick else FULL if arguments.full else Size()
    given = {name: getattr(arguments, name) for name in ("junctions", "seconds")}
    size = size._replace(**{name: value for name, value in given.items() if value is not None})
    network, terminals, origin = published.network_for(arguments.reference, arguments.quick)
    print(f"{origin} network of {network.n_nodes} wires, {network.n_junctions} junctions", flush=True)
    bench = Bench(network, terminals, arguments.out / "pieces", arguments.minutes)
    table = read_table(arguments.published) if origin == "published" else {}

    grid = grid_of(size, "map")
    settled, pairs = bench.settled(grid), bench.pairs(grid)
    try:
        tangents = bench.tangents(grid)
    except OutOfTime:
        tangents = {"growth": np.full((len(pairs["growth"]), 2, grid.leading), np.nan), "took": 0.0}
    rows = rows_of(grid, pairs, tangents, table)
    compared = {name: comparison(rows, name) for name in COMPARED}
    print(
        json.dumps(plain(compared), indent=1) if table else "nothing is deposited of this network",
        flush=True,
    )
    lengths = by_length(grid, pairs["growth"], table)
    for row in lengths:
        print("{seconds:g} s: {within} within, ordered {difference:.3f} off".format(**row), flush=True)
    probes = probe(bench, size)
    curves = loops(bench, grid, size)
    every = every_junction(bench, size)
    print("drives:", size.long)
    long = after_long_transients(bench, size)
    states = from_other_states(bench, size, table)

    pictures.draw_map(arguments.out / "lyapunov_map.png", size.amplitudes, size.frequencies, rows)
    pictures.draw_methods(arguments.out / "lyapunov_methods.png", rows, probes, size.distances)
    pictures.draw_loops(arguments.out / "iv_loops.png", curves, rows)
    steps = len(rows) / DT * (size.transient + size.seconds * (size.junctions + 1) + size.tangent_seconds)
    took = {"transient": settled["took"], "pairs": pairs["took"], "tangents": tangents["took"]}
    report = {
        "network": origin,
        "wires": network.n_nodes,
        "junctions": network.n_junctions,
        "perturbed": size.junctions,
        "transient_s": size.transient,
        "seconds": {key: float(value) for key, value in took.items()} | {"probes": probes["seconds"]},
        "network_steps_of_the_map": round(steps),
        "comparison": compared,
        "lengths": lengths,
        "probes": probes,
        "every_junction": every,
        "long_transients": {"drives": size.long, "rows": long},
        "other_states": states,
        "drives": rows,
    }
    write_report(arguments.out / "lyapunov_map.json", report)


if __name__ == "__main__":
    main()
