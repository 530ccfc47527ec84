"""Order, the edge of chaos, and chaos: Lyapunov exponents over amplitude and frequency of a drive.

Figs 6 and 7 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire
networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

15 amplitudes x 15 frequencies of a triangular drive, each after a transient from rest: the exponent by the
paper's two trajectories at a finite distance, the mean over perturbed junctions, and the leading three by
the exact tangent dynamics. Current against voltage in order, at the edge of chaos and in chaos. How well
the means over the first so many seconds agree with what is deposited. What other settings change:
lyapunov_settings.py.

The network is the published one of 100 wires where --reference (or JAXNN_REFERENCE) names its folder, else
one of our own; --published (or JAXNN_DRIVE_MAP) names the deposited table, with columns amplitude_V,
frequency_Hz, lyapunov_per_s and on_off_ratio. Everything simulated is kept in pieces in --out; a run that
was stopped goes on where it was. After --minutes no piece is begun; what is not there is left white.

    python experiments/hochstetter2021/lyapunov_map.py --reference FOLDER --published FILE
    python experiments/hochstetter2021/lyapunov_map.py --full  # transients of 3,000 s, 32 junctions
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import json
from typing import Any

import numpy as np

import jaxnn
from experiments.hochstetter2021 import _lyapunov_pictures as pictures
from experiments.hochstetter2021._lyapunov_runs import (
    DT,
    Bench,
    Grid,
    Size,
    begin,
    grid_of,
    parser_of,
    skipped,
    summary,
)
from experiments.shared.pieces import TimeUp


EARLY = 80.0  # [s] over which the mean comes closest to what is deposited, see `by_length`
LENGTHS = (20.0, 40.0, 60.0, 70.0, 80.0, 90.0, 100.0, 150.0, 200.0)  # [s]
COMPARED = ("exponent", "early", "late", "tangent")


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


def main() -> None:
    """Simulates what is not there yet, prints the tables and writes pictures and numbers."""
    parser = parser_of(__doc__)
    parser.add_argument("--junctions", type=int, help="how many are perturbed, if not the default")
    parser.add_argument("--seconds", type=float, help="how long pairs are followed, if not the default")
    arguments, bench, size, origin, table = begin(parser)
    given = {name: getattr(arguments, name) for name in ("junctions", "seconds")}
    size = size._replace(**{name: value for name, value in given.items() if value is not None})

    grid = grid_of(size, "map")
    settled, pairs = bench.settled(grid), bench.pairs(grid)
    try:
        tangents = bench.tangents(grid)
    except TimeUp:
        tangents = {"growth": np.full((len(pairs["growth"]), 2, grid.leading), np.nan), "took": 0.0}
    rows = rows_of(grid, pairs, tangents, table)
    compared = {name: comparison(rows, name) for name in COMPARED}
    print(
        json.dumps(script.plain(compared), indent=1) if table else "nothing is deposited of this network",
        flush=True,
    )
    lengths = by_length(grid, pairs["growth"], table)
    for row in lengths:
        print("{seconds:g} s: {within} within, ordered {difference:.3f} off".format(**row), flush=True)
    curves = loops(bench, grid, size)

    pictures.draw_map(arguments.out / "lyapunov_map.png", size.amplitudes, size.frequencies, rows)
    pictures.draw_loops(arguments.out / "iv_loops.png", curves, rows)
    steps = len(rows) / DT * (size.transient + size.seconds * (size.junctions + 1) + size.tangent_seconds)
    took = {"transient": settled["took"], "pairs": pairs["took"], "tangents": tangents["took"]}
    report = {
        "network": origin,
        "wires": bench.network.n_nodes,
        "junctions": bench.network.n_junctions,
        "perturbed": size.junctions,
        "transient_s": size.transient,
        "seconds": {key: float(value) for key, value in took.items()},
        "network_steps_of_the_map": round(steps),
        "comparison": compared,
        "lengths": lengths,
        "drives": rows,
    }
    script.finish(arguments.out / "lyapunov_map.json", report)


if __name__ == "__main__":
    main()
