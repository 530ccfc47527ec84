"""What a solve and a time step cost, next to the solvers and codes that others use.

One process; the cases of a group run in turn, so that what slows the machine slows all of them. Compile
times are apart. Times are medians with quartiles, per step of one network.

    python experiments/benchmarks/benchmark.py --out results/benchmark        (--quick: some 10 s)
"""

import argparse
import dataclasses as dc
import datetime
import functools as ft
import importlib.metadata
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

import jaxnn
from experiments.benchmarks import (
    _cases as cases,
    _circuit_cases as circuit,
    _growing_cases as grow,
    _nickelate_cases as nickelate,
    _report as report,
)
from experiments.benchmarks._statistics import Case, measure
from experiments.shared import script


SIZES = (100, 300, 1000, 3000, 10_000)
BATCHES = (1, 64, 256, 1024)
QUICK_WIRES = 50  # compilation is most of the time
LARGEST = 2**18  # wires of all networks of a batch together
# The yardsticks run on one thread; XLA's threads are its own, and stay as many as there are cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dc.dataclass(frozen=True)
class Group:
    """Cases that are compared, and run in turn."""

    kind: str
    wires: int
    batch: int
    build: tuple[Callable[[], Any], ...]


def methods() -> tuple[str, ...]:
    """Ours, and what XLA alone would do where that is another."""
    compiled = jax.default_backend() == "cpu" and jaxnn.kernels.is_compiled()
    return ("ours", "ours by XLA") if compiled else ("ours",)


def solve_group(wires: int, batch: int, quick: bool = False) -> Group:
    """The solve: ours, CHOLMOD, SciPy and dense ones."""
    ours = [ft.partial(cases.solve_case, wires, batch, "float32", method) for method in methods()]
    others: list[Callable[[], Any]] = [
        ft.partial(cases.cvxopt_case, wires),
        ft.partial(cases.cholmod_case, wires, batch),
        ft.partial(cases.scipy_cases, wires),
    ]
    if not quick:
        ours += [ft.partial(cases.solve_case, wires, batch, "float64", method) for method in methods()]
        if cases.dense_fits(wires, batch):
            others.append(ft.partial(cases.solve_case, wires, batch, "float32", "dense plan"))
            others += [ft.partial(cases.lapack_case, wires, batch, d) for d in ("float32", "float64")]
    return Group("solve", wires, batch, (*ours, *others))


def step_group(wires: int, batch: int, quick: bool = False) -> Group:
    """The whole time step: ours and a plain NumPy one."""
    build = [ft.partial(cases.step_case, wires, batch, "float32", method) for method in methods()]
    if wires <= 3000:
        build.append(ft.partial(cases.stepper_case, wires))
    if not quick and wires <= 1000:
        build.append(ft.partial(cases.step_case, wires, batch, "float64"))
        if cases.dense_fits(wires, batch):
            build.append(ft.partial(cases.step_case, wires, batch, "float32", "dense plan"))
    return Group("step", wires, batch, tuple(build))


def ensemble_group(wires: int, networks: int) -> Group:
    """Networks that all differ against as many alike, and against dense ones."""
    build = [ft.partial(cases.ensemble_case, wires, networks, "float32", method) for method in methods()]
    build.append(ft.partial(cases.solve_case, wires, networks, "float32"))
    if cases.dense_fits(wires, networks):
        build.append(ft.partial(cases.solve_case, wires, networks, "float32", "dense plan"))
        build.append(ft.partial(cases.lapack_case, wires, networks, "float32"))
    return Group("ensemble", wires, networks, tuple(build))


def gradient_group(wires: int, batch: int, steps: int) -> Group:
    """Value and gradient of a short simulation against its value."""
    build = []
    for method in methods():
        build.append(ft.partial(cases.step_case, wires, batch, "float32", method, steps=steps))
        for kept in (False, True):
            build.append(
                ft.partial(cases.gradient_case, wires, batch, "float32", steps, kept, method=method)
            )
    return Group("gradient", wires, batch, tuple(build))


def surrogate_group(wires: int, batch: int, steps: int) -> Group:
    """What smooth laws cost beside the threshold law, forward and with the gradient."""
    build = [ft.partial(cases.step_case, wires, batch, "float32", steps=steps)]
    build.append(ft.partial(cases.step_case, wires, batch, "float32", steps=steps, law="smooth"))
    for law in ("", "smooth", "straight through"):
        build.append(ft.partial(cases.gradient_case, wires, batch, "float32", steps, law=law))
    return Group("surrogate", wires, batch, tuple(build))


def circuit_group(wires: int, batch: int) -> Group:
    """A step with electrodes, capacitors, noise and other junctions against a plain one."""
    plain = ft.partial(cases.step_case, wires, batch, "float32", steps=cases.steps_for(wires, batch))
    return Group("circuit", wires, batch, (plain, *circuit.circuit_builds(wires, batch)))


def node_group(batch: int) -> Group:
    """A step of networks of several sizes, whose wires have no resistance or resist."""
    return Group("nodes", 0, batch, tuple(circuit.node_builds(batch)))


def nickelate_group(batch: int) -> Group:
    """Time steps of nickelate devices."""
    build = tuple(ft.partial(nickelate.nickelate_case, batch, dtype) for dtype in ("float32", "float64"))
    return Group("nickelate", 0, batch, build)


def grow_groups() -> list[Group]:
    """Networks that grow: one for MNIST against its memory traffic, and small ones at once or alone."""
    large = ft.partial(grow.grow_case, *grow.LARGE, 1, 500), ft.partial(grow.traffic_case, *grow.LARGE)
    at_once = (1, 1), (64, 1), (64, grow.CORES)
    small = tuple(ft.partial(grow.grow_case, *grow.SMALL, n, 500, threads) for n, threads in at_once)
    return [Group("grow", 0, 1, large), Group("grow", 0, 64, small)]


def latency_group(wires: int) -> Group:
    """One solve at a time, each a call of its own."""
    build = tuple(ft.partial(cases.latency_case, wires, dtype) for dtype in ("float32", "float64"))
    return Group("single call", wires, 1, build)


def all_groups(quick: bool, sizes: list[int], batches: list[int]) -> list[Group]:
    """What is measured, the figures to reach first: the time may run out."""
    if quick:
        return [solve_group(QUICK_WIRES, 64, quick=True), step_group(QUICK_WIRES, 1, quick=True)]
    groups = [solve_group(*key) for key in ((100, 256), (1000, 64), (3000, 16), (100, 1), (1000, 1))]
    groups += [step_group(*key) for key in ((100, 256), (100, 1), (1000, 1))]
    groups += [ensemble_group(*key) for key in ((100, 64), (100, 256), (1000, 32))]
    groups += [gradient_group(100, 256, 50), gradient_group(100, 1, 200), gradient_group(1000, 64, 8)]
    groups.append(surrogate_group(100, 256, 50))
    groups += [circuit_group(100, 256), circuit_group(100, 1), node_group(1)]
    groups += [solve_group(*key) for key in ((100, 64), (300, 64), (10_000, 16))]
    groups += [latency_group(wires) for wires in (100, 1000)]
    groups += [nickelate_group(4096), *grow_groups()]
    groups += [ensemble_group(100, 1024), step_group(10_000, 8)]
    seen = {(group.kind, group.wires, group.batch) for group in groups}
    for make in (solve_group, step_group):
        for wires in sizes:
            for batch in batches:
                group = make(wires, batch)
                key = (group.kind, wires, batch)
                if wires * batch <= LARGEST and key not in seen:
                    groups.append(group)
    return [group for group in groups if not group.wires or group.wires in sizes]


def gpu_groups(sizes: list[int]) -> list[Group]:
    """What is measured where JAX runs on a GPU: batches that fill it, beside a network alone."""
    batches = (1, 256, 4096, 32_768)
    groups = [step_group(100, batch, quick=True) for batch in batches]
    groups += [gradient_group(100, batch, 100) for batch in (1, 4096)]
    groups += [step_group(1000, batch, quick=True) for batch in (1, 64, 2048)]
    groups += [ensemble_group(100, networks) for networks in (256, 1024)]
    groups += [nickelate_group(2**20), solve_group(100, 4096), gradient_group(1000, 64, 8)]
    groups += [step_group(100, batch) for batch in (256, 4096)] + [step_group(10_000, 8)]
    return [group for group in groups if not group.wires or group.wires in sizes]


def build_cases(group: Group, skipped: list[str]) -> list[Case]:
    """The group's cases, without those that cannot run here."""
    built: list[Case] = []
    for make in group.build:
        try:
            made = make()
        except ImportError as error:
            if error.name not in ("sparsax", "cvxopt"):
                raise
            reason = f"CHOLMOD through {error.name}: not installed (`pip install --group benchmark`)"
            if reason not in skipped:
                skipped.append(reason)
                print(f"skipped: {reason}")
            continue
        built += made if isinstance(made, list) else [made]
    return built


def about() -> dict[str, Any]:
    """What ran where: versions, device, cores, commit."""
    names = ("jax", "jaxlib", "numpy", "scipy", "equinox", "sparsax", "cvxopt")
    versions = {"python": sys.version.split()[0]}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    device = jax.devices()[0]
    return {
        "versions": versions,
        "device": f"{device.platform} {device.device_kind}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "-s") else ""),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _git(*arguments: str) -> str:
    folder = Path(__file__).parent
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "none"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "unknown")


def first_calls(sizes: list[int]) -> list[dict[str, Any]]:
    """Trace and compile times of whole simulations."""
    records = []
    for wires in (100, 1000):
        for gradient, method in itertools.product((False, True), methods()):
            if wires in sizes:
                record = {"kind": "first call", "wires": wires, "batch": 1}
                records.append(record | cases.first_call(wires, gradient, method))
                print(report.first_call_line(records[-1]), flush=True)
    return records


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure all groups, the time permitting; the JSON is brought up to date after each."""
    begin = time.perf_counter()
    out: dict[str, Any] = {"about": about(), "records": [], "skipped": []}
    print(report.heading(out["about"]))
    kinds = arguments.kinds
    if not arguments.quick and (kinds is None or "first" in kinds):
        out["records"] += first_calls(arguments.sizes)
    groups = all_groups(arguments.quick, arguments.sizes, arguments.batches)
    if jax.default_backend() == "gpu" and not arguments.quick:
        groups = gpu_groups(arguments.sizes)
    groups = [group for group in groups if kinds is None or group.kind in kinds]
    for group in groups:
        if time.perf_counter() - begin > 60 * arguments.minutes:
            out["skipped"].append(f"{group.kind}, {group.wires} wires, batch {group.batch}: no time left")
            continue
        measured = measure(build_cases(group, out["skipped"]), 0.3 if arguments.quick else 1.5)
        key = {"kind": group.kind, "wires": group.wires, "batch": group.batch}
        records = [key | record for record in measured]
        out["records"] += records
        print(report.table(records), flush=True)
        script.write_report(arguments.out / "benchmark.json", out)
    out["seconds"] = time.perf_counter() - begin
    return out


def main() -> None:
    """Measure, print the tables and write JSON and picture."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        # The libraries read these when they are loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    quick = "two groups of 50 wires, some 10 s"
    parser = script.parser(__doc__, "results/benchmark", quick=quick, minutes=30)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="wires")
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES))
    parser.add_argument("--kinds", nargs="+", help="first, solve, step, ensemble, gradient, ...; all")
    arguments = script.start(parser, float64=True)
    # A program from an earlier run would compile in no time.
    jax.config.update("jax_enable_compilation_cache", False)
    out = run(arguments)
    out["exponents"] = report.exponents(out["records"])
    out["figures"] = report.verdicts(out["records"], out["exponents"])
    print(report.verdict_table(out["figures"]))
    for reason in out["skipped"]:
        print(f"skipped: {reason}")
    report.plot(out["records"], out["exponents"], arguments.out / "benchmark.png")
    print(f"{out['seconds']:.0f} s")
    script.finish(arguments.out / "benchmark.json", out)


if __name__ == "__main__":
    main()
