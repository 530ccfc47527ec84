"""Tables, figures to reach and the picture of the benchmark."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.benchmarks._statistics import fit_exponent
from experiments.shared import figures
from experiments.shared.figures import plt


CHOLMOD = ("CHOLMOD (cvxopt) float64", "CHOLMOD (sparsax) float64")
STEPPER = "NumPy/SciPy stepper float64"


def heading(about: dict[str, Any]) -> str:
    """What ran where, in three lines."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"device    {about['device']}; {about['processor']}, {about['cores']} cores\n"
        f"versions  {versions}; commit {about['commit']}\n"
        "times     us per step of one network, median (quartiles); CHOLMOD and SciPy on one thread"
    )


def first_call_line(record: dict[str, Any]) -> str:
    """One line on trace and compile."""
    spent = f"{record['first_call_s']:.2f} s, of processor time {record['processor_s']:.2f} s"
    return f"first call, {record['wires']} wires, {record['name']}: {spent}"


def table(records: list[dict[str, Any]]) -> str:
    """The table of a group."""
    return node_table(records) if records[0]["kind"] == "nodes" else group_table(records)


def node_table(records: list[dict[str, Any]]) -> str:
    """Times against nodes, with those of networks whose wires resist over those of the same without."""
    lines = [
        f"\nnodes, batch {records[0]['batch']:,}",
        f"{'':32}{'wires':>7} {'nodes':>7} {'us':>10} {'(quartiles)':>22} {'us/node':>9} {'ratio':>7} "
        f"{'/node':>7} {'compile s':>9}",
    ]
    ideal = {record["wires"]: record for record in reversed(records) if not record["resistive"]}
    for record in records:
        beside = ideal[record["wires"]]
        low, median, high = (1e6 * record[f"seconds_{key}"] for key in ("low", "median", "high"))
        ratio = record["seconds_median"] / beside["seconds_median"]
        lines.append(
            f"{record['name']:32}{record['wires']:7,} {record['nodes']:7,} {median:10.4g} "
            f"{f'({low:.4g} to {high:.4g})':>22} {median / record['nodes']:9.3g} {ratio:7.3g} "
            f"{ratio * beside['nodes'] / record['nodes']:7.3g} {record['compile_s']:9.3g}"
        )
    for name in dict.fromkeys(record["name"] for record in records):
        of = [record for record in records if record["name"] == name]
        power, _ = fit_exponent([r["nodes"] for r in of], [r["seconds_median"] for r in of])
        lines.append(f"{name}: nodes^{power:.2f}")
    return "\n".join(lines)


def group_table(records: list[dict[str, Any]]) -> str:
    """The cases of a group, with ratios to the first."""
    first = records[0]
    lines = [
        f"\n{first['kind']}, {first['wires']:,} wires, batch {first['batch']:,}".replace(" 0 wires,", ""),
        f"{'':32}{'us':>10} {'(quartiles)':>22} {'ratio':>7} {'cores':>6} {'KB':>9} {'kflop':>9} "
        f"{'trace s':>8} {'compile s':>9}",
    ]
    for record in records:
        low, high = (1e6 * record[f"seconds_{key}"] for key in ("low", "high"))
        per_network = [_number(record.get(key), 1e3 * record["networks"]) for key in ("bytes", "flops")]
        seconds = [_number(record.get(key), 1) for key in ("trace_s", "compile_s")]
        lines.append(
            f"{record['name']:32}{1e6 * record['seconds_median']:10.4g} "
            f"{f'({low:.4g} to {high:.4g})':>22} "
            f"{record['seconds_median'] / first['seconds_median']:7.3g} {record['cores_busy']:6.1f} "
            f"{per_network[0]:>9} {per_network[1]:>9} {seconds[0]:>8} {seconds[1]:>9}"
        )
    return "\n".join(lines)


def _number(value: float | None, unit: float) -> str:
    return "" if value is None or math.isnan(value) else f"{value / unit:.3g}"


def find(records: list[dict[str, Any]], kind: str, wires: int, batch: int, name: str) -> float:
    """The median time [s] of a case, NaN if it was not measured."""
    for record in records:
        key = tuple(record[field] for field in ("kind", "wires", "batch", "name"))
        if key == (kind, wires, batch, name):
            return record.get("seconds_median", record.get("first_call_s", math.nan))
    return math.nan


def best(records: list[dict[str, Any]], kind: str, wires: int, batch: int, *names: str) -> float:
    """The median time [s] of the fastest of several cases."""
    found = [find(records, kind, wires, batch, name) for name in names]
    return min((seconds for seconds in found if not math.isnan(seconds)), default=math.nan)


def exponents(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The fitted exponents of cost against wires: the batch of 64, or the largest smaller one."""
    out = {}
    for name in ("ours float32", "ours float64", *CHOLMOD, STEPPER):
        taken: dict[int, dict[str, Any]] = {}
        for record in records:
            kind = "step" if name == STEPPER else "solve"
            fits = record["kind"] == kind and record["name"] == name and record["batch"] <= 64
            if fits and record["batch"] >= taken.get(record["wires"], {"batch": 0})["batch"]:
                taken[record["wires"]] = record
        sizes = sorted(taken)
        if name != STEPPER:
            sizes = [wires for wires in sizes if taken[wires]["batch"] > 1]
        power, factor = fit_exponent(sizes, [taken[wires]["seconds_median"] for wires in sizes])
        batches = [taken[wires]["batch"] for wires in sizes]
        out[name] = {"exponent": power, "factor_s": factor, "wires": sizes, "batches": batches}
    return out


def verdicts(records: list[dict[str, Any]], fits: dict[str, Any]) -> list[dict[str, Any]]:
    """Every figure to reach that was measured."""
    at = lambda *key: find(records, *key)
    rows: list[tuple[str, str, float, Callable[[float], bool], str]] = []

    def least(what: str, value: float, limit: float) -> None:
        rows.append((what, f"at least {limit:g}x", value, lambda x: x >= limit, "x"))

    def most(what: str, value: float, limit: float, unit: str = "x") -> None:
        rows.append((what, f"at most {limit:g}{unit}", value, lambda x: x <= limit, unit))

    for wires, batch, single, double in ((100, 256, 5, 3), (1000, 64, 5, 3), (3000, 16, None, 1.5)):
        reference = best(records, "solve", wires, batch, *CHOLMOD)
        for dtype, limit in (("float32", single), ("float64", double)):
            if limit is not None:
                ours = at("solve", wires, batch, f"ours {dtype}")
                what = f"solve, {wires} wires, batch {batch}, {dtype}: CHOLMOD / ours"
                least(what, reference / ours, limit)
    for wires, ratio, micro in ((100, 1, 120), (1000, 1, 2000)):
        ours = at("solve", wires, 1, "ours float32")
        reference = best(records, "solve", wires, 1, *CHOLMOD)
        most(f"solve, {wires} wires alone, float32: ours / CHOLMOD", ours / reference, ratio)
        step = at("step", wires, 1, "ours float32")
        most(f"whole step, {wires} wires alone, float32", 1e6 * step, micro, " us")
    most("whole step, 100 wires, batch 256, float32", 1e6 * at("step", 100, 256, "ours float32"), 6, " us")
    for networks, limit in ((1024, 3), (256, 4)):
        key = ("ensemble", 100, networks)
        ratio = at(*key, "ours float32, all different") / at(*key, "ours float32")
        most(f"{networks} different networks of 100 wires / as many alike", ratio, limit)
    key = ("ensemble", 100, 64)
    # Dense costs the same for networks that differ: it has no use for their topology.
    dense = best(records, *key, "dense plan float32", "JAX cho_solve float32")
    ratio = at(*key, "ours float32, all different") / dense
    most("64 different networks of 100 wires / the better of two dense solvers", ratio, 1)
    for wires, batch in ((100, 256), (100, 1), (1000, 64)):
        key = ("gradient", wires, batch)
        ratio = at(*key, "ours float32, value and gradient") / at(*key, "ours float32")
        most(f"value and gradient / value, {wires} wires, batch {batch}", ratio, 2.5)
        kept = at(*key, "ours float32, value and gradient, checkpointed") / at(*key, "ours float32")
        most(f"the same with checkpoints, {wires} wires, batch {batch}", kept, 3.5)
    for wires in (100, 1000):
        group = {r["name"]: r for r in records if (r["kind"], r["wires"]) == ("first call", wires)}
        for name, limit in (("ours float32", 0.4), ("ours float32, value and gradient", 1)):
            spent = group.get(name, {}).get("processor_s", math.nan)
            most(f"first call, {wires} wires, {name}: processor time", spent, limit, " s")
    _compiled_figures(at, least, most)
    _circuit_figures(records, most)
    speed = 1e-6 / at("nickelate", 0, 4096, "ours float32")
    rows.append(
        ("nickelate devices, batch 4096, float32", "at least 5 M/s", speed, lambda x: x >= 5, " M/s")
    )
    _grow_figures(at, least, most)
    for dtype in ("float32", "float64"):
        fit = fits[f"ours {dtype}"]
        value = fit["exponent"] if len(fit["wires"]) >= 3 else math.nan
        most(f"exponent of cost against wires, {dtype}", value, 1.5, "")
    return [_verdict(*row) for row in rows]


def _compiled_figures(
    at: Callable[..., float], least: Callable[..., None], most: Callable[..., None]
) -> None:
    """The compiled library against what XLA does of the same elimination, in the same run."""
    cases = ((100, 256, 2.3), (100, 1, 8), (1000, 1, 4.5), (1000, 64, 2))
    for wires, batch, limit in cases:
        key = ("solve", wires, batch)
        ratio = at(*key, "ours by XLA float32") / at(*key, "ours float32")
        least(f"solve, {wires} wires, batch {batch}: by XLA / compiled", ratio, limit)
    key = ("ensemble", 100, 256)
    ratio = at(*key, "ours by XLA float32, all different") / at(*key, "ours float32, all different")
    least("solve, 256 different networks of 100 wires: by XLA / compiled", ratio, 1.7)
    for batch, limit in ((1, 5), (256, 1.5)):
        key = ("step", 100, batch)
        ratio = at(*key, "ours by XLA float32") / at(*key, "ours float32")
        least(f"whole step, 100 wires, batch {batch}: by XLA / compiled", ratio, limit)


def _circuit_figures(records: list[dict[str, Any]], most: Callable[..., None]) -> None:
    """Steps with capacitors against plain ones, and Newton's method against the solves that it takes.

    By the clock on the wall: that of a process lags by more than the ratios of short runs are about.
    """
    for batch in (1, 256):
        group = {r["name"]: r for r in records if (r["kind"], r["batch"]) == ("circuit", batch)}
        least = lambda name, group=group: group.get(name, {}).get("seconds_low", math.nan)
        where = "100 wires alone" if batch == 1 else f"100 wires, batch {batch}"
        plain = least("ours float32")
        for what in ("junction capacitors", "capacitors to the substrate too"):
            most(f"step with {what} / plain, {where}", least(f"ours float32, {what}") / plain, 1.3)
        for law in ("cubic", "sinh"):
            name = f"ours float32, Newton, {law}"
            solves = group.get(name, {}).get("solves", math.nan)
            one = solves * least("ours float32, solve with currents")
            most(f"step of Newton's method, {law} / its solves, {where}", least(name) / one, 1.2)
            bare = solves * least(f"ours float32, bare step of Newton's method, {law}")
            what = f"step of Newton's method, {law} / its solves and laws, {where}"
            most(what, least(name) / bare, 1.2)


def _grow_figures(at: Callable[..., float], least: Callable[..., None], most: Callable[..., None]) -> None:
    """Growing networks: the stream of MNIST, and many small ones."""
    sample = at("grow", 0, 1, "ours, one stream")
    most("growing network, 60,000 samples of 784 inputs, 2,000 nodes", 60_000 * sample, 180, " s")
    most("the same / reading its weights once", sample / at("grow", 0, 1, "weights read once"), 2.5)
    alone = at("grow", 0, 64, "ours, one stream")
    for where in ("", " on 2 threads"):
        together = at("grow", 0, 64, f"ours, 64 streams{where}")
        least(f"64 growing networks, 400 nodes, 64 inputs: alone / at once{where}", alone / together, 2)


def _verdict(
    what: str, wanted: str, value: float, test: Callable[[float], bool], unit: str
) -> dict[str, Any]:
    if math.isnan(value):
        return {"what": what, "wanted": wanted, "reached": None, "unit": unit, "verdict": "not measured"}
    verdict = "reached" if test(value) else "MISSED"
    return {"what": what, "wanted": wanted, "reached": value, "unit": unit, "verdict": verdict}


def verdict_table(rows: list[dict[str, Any]]) -> str:
    """Figure to reach, reached, verdict."""
    lines = [f"\n{'figure':72} {'to reach':>16} {'reached':>12}  verdict"]
    for row in rows:
        if row["reached"] is not None:
            reached = f"{row['reached']:.3g}{row['unit']}"
            lines.append(f"{row['what']:72} {row['wanted']:>16} {reached:>12}  {row['verdict']}")
    missing = sum(row["reached"] is None for row in rows)
    if missing:
        lines.append(f"{missing} of {len(rows)} figures were not measured in this run")
    lines.append("launches, spills and memory on an H100: see `make gpu-report`")
    return "\n".join(lines)


def plot(records: list[dict[str, Any]], fits: dict[str, Any], path: Path) -> None:
    """Cost of a solve and of a step against wires, by batch."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained", sharey=True)
    for ax, kind in zip(axes, ("solve", "step"), strict=True):
        batches = sorted({r["batch"] for r in records if r["kind"] == kind})
        for k, batch in enumerate(batches):
            color = plt.get_cmap("viridis")(0.9 * k / max(1, len(batches) - 1))
            for dtype, style in (("float32", "o-"), ("float64", "s:")):
                points = _points(records, kind, f"ours {dtype}", batch)
                if points:
                    label = f"ours, {dtype}, batch {batch}"
                    ax.loglog(*points, style, color=color, ms=4, label=label)
        for name, style in ((CHOLMOD[0], "C1^-"), (CHOLMOD[1], "C6^-"), ("SciPy splu float64", "C3v-"),
                            ("SciPy cho_solve float64", "C5<-"), (STEPPER, "C4>-")):  # fmt: skip
            points = _points(records, kind, name, None)
            if points:
                ax.loglog(*points, style, ms=4, label=name)
        ax.set(xlabel="wires", title=f"One {kind}")
        ax.grid(alpha=0.3, which="both")
        if ax.lines:
            ax.legend(fontsize=7)
    axes[0].set_ylabel("time per network [µs]")
    fit = fits["ours float32"]
    if len(fit["wires"]) >= 3:
        cost = [1e6 * fit["factor_s"] * wires ** fit["exponent"] for wires in fit["wires"]]
        label = f"fit, float32, batch to 64: wires^{fit['exponent']:.2f}"
        axes[0].loglog(fit["wires"], cost, "k--", lw=1, label=label)
        axes[0].legend(fontsize=7)
    figures.save(figure, path, dpi=120)


def _points(records: list[dict[str, Any]], kind: str, name: str, batch: int | None) -> Any:
    """Wires and median times [us] of a case; without a batch, the best of all."""
    found: dict[int, float] = {}
    for record in records:
        fits = record["kind"] == kind and record["name"] == name
        if fits and batch in (None, record["batch"]):
            cost = 1e6 * record["seconds_median"]
            found[record["wires"]] = min(cost, found.get(record["wires"], math.inf))
    return tuple(zip(*sorted(found.items()), strict=True))
