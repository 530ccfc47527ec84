"""What Lyapunov exponents hang on: distance, transient, step, precision, junction and first state.

Fig 6 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire networks.
Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

The exponents of lyapunov_map.py, by the law that the paper prints, on a few of its drives: by pairs at
smaller and smaller distances, beside those of tangents; after a longer transient, with a smaller step, in
float32; from each junction by itself; after transients up to the published one; and from other states at
the start of these. The picture also has both methods over all drives, from the JSON file that
lyapunov_map.py has left in --out.

Network, table and --minutes are those of lyapunov_map.py. Pieces are kept in --out.

    python experiments/hochstetter2021/lyapunov_settings.py --reference FOLDER --published FILE
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import json
from pathlib import Path
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
    late_means,
    parser_of,
    summary,
)
from experiments.shared.pieces import TimeUp


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
        except TimeUp:
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
        except TimeUp:
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
        except TimeUp:
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
    largest = float(jaxnn.parameters.hochstetter2021_ac().max_flux)
    grid = grid._replace(drives_at_once=len(drives), spread=largest)
    try:
        pairs, tangents = bench.pairs(grid), bench.tangents(grid)
    except TimeUp:
        return []
    late = late_means(pairs["growth"])
    found = {"late": late, "tangent": summary(tangents["growth"])[0][:, 0], "on_off_ratio": pairs["ratio"]}
    rows = []
    for i, drive in enumerate(size.started):
        chosen = slice(i * size.starts, (i + 1) * size.starts)
        rows.append({"drive": drive} | {name: values[chosen].tolist() for name, values in found.items()})
        rows[-1] |= {"deposited_ratio": table[drive][1] if drive in table else None}
        ranges = (f"{name} {min(x[chosen]):.4g} to {max(x[chosen]):.4g}" for name, x in found.items())
        print(f"from {size.starts} states at {drive}:", ", ".join(ranges), flush=True)
    return rows


def rows_of_the_map(path: Path) -> list[dict[str, Any]]:
    """The drives of the map with their exponents, or nothing where it is not there."""
    laws = json.loads(path.read_text())["laws"] if path.is_file() else {}
    rows = laws["printed"]["drives"] if "printed" in laws else []
    # -inf is a string there, and what is not known is null.
    number = lambda x: np.nan if x is None else float(x)
    return [row | {name: number(row[name]) for name in ("exponent", "tangent")} for row in rows]


def main() -> None:
    """Simulates what is not there yet, prints the tables and writes picture and numbers."""
    arguments, bench, size, origin, table = begin(parser_of(__doc__))
    probes = probe(bench, size)
    every = every_junction(bench, size)
    print("drives:", size.long)
    long = after_long_transients(bench, size)
    states = from_other_states(bench, size, table)
    rows = rows_of_the_map(arguments.out / "lyapunov_map.json")
    pictures.draw_methods(arguments.out / "lyapunov_methods.png", rows, probes, size.distances)
    report = {
        "network": origin,
        "wires": bench.network.n_nodes,
        "junctions": bench.network.n_junctions,
        "seconds": bench.pieces.seconds,
        "probes": probes,
        "every_junction": every,
        "long_transients": {"drives": size.long, "rows": long},
        "other_states": states,
    }
    script.finish(arguments.out / "lyapunov_settings.json", report)


if __name__ == "__main__":
    main()
