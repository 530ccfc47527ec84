"""What `jaxnn.sweep` costs beside the bare batched kernel that does the same work.

Both run the same batches of simulations: one by `jax.jit(jax.vmap(...))` of `jaxnn.simulate`, its
results left on the device; the other as `jaxnn.sweep` does, labelled and on the disk with all its
flushing. They run in turn, so that what slows the machine slows both; compile times are left out.

    python experiments/benchmarks/sweep_throughput.py --out results/sweep_throughput  # --quick: some 20 s
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import functools as ft
import statistics
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from jaxnn._sweep.axes import axes_of
from jaxnn._sweep.reductions import reductions_of
from jaxnn._sweep.store import Store
from jaxnn._sweep.study import Study
from jaxnn._sweep.sweep import Run


DENSITY = 0.1e12  # [1/m^2] of wires
DT = 1e-3  # [s]
WANTED = 0.9  # of the bare kernel's throughput


def bare(wires: int, networks: int, points: int, steps: int):
    """The batched kernel by itself: (voltages) -> final conductances (points, networks)."""
    made = [jaxnn.nanowire_network(wires, box=(wires / DENSITY) ** 0.5, seed=s) for s in range(networks)]
    pairs = [jaxnn.farthest_pair(network) for network in made]
    network, terminals = (jaxnn.Ensemble(made), pairs) if networks > 1 else (made[0], pairs[0])

    def run(voltage):
        solution = jaxnn.simulate(
            network,
            jaxnn.TunnelJunction(),
            jaxnn.Constant(voltage),
            terminals=terminals,
            dt=DT,
            steps=steps,
            every=steps,
            solver=jaxnn.AutoSolver(mapped=True),
        )
        return solution.conductance[-1], solution.largest_change, solution.failed_step

    return jax.jit(jax.vmap(run)).lower(jnp.zeros(points)).compile()


def measure(
    wires: int, networks: int, points: int, chunks: int, steps: int, repeats: int, out: Path
) -> dict:
    """Times [s] of both for `chunks` chunks of `points` voltages on all networks."""
    voltages = np.linspace(0.02, 0.2, points * chunks)
    kernel = bare(wires, networks, points, steps)
    study = Study(
        network=ft.partial(jaxnn.nanowire_network, wires, (wires / DENSITY) ** 0.5),
        junction=jaxnn.TunnelJunction(),
        drive=jaxnn.Constant(0.1),
        terminals=jaxnn.farthest_pair,
        axes=axes_of({"drive.voltage": voltages, "network.seed": range(networks)}),
        reductions=reductions_of(("final_conductance",)),
        method=jaxnn.simulate,
        settings={"dt": DT, "steps": steps, "every": steps},
    )
    times: dict[str, list[tuple[float, float]]] = {"bare": [], "sweep": []}
    compiled = None
    for _ in range(repeats):
        begin = _clocks()
        for batch in voltages.reshape(chunks, points):
            jax.block_until_ready(kernel(jnp.asarray(batch)))
        times["bare"].append(_since(begin))
        with tempfile.TemporaryDirectory(dir=out) as folder:
            run = Run(study, Store(folder), points, networks)
            run.compiled = compiled or run.compile_first()
            compiled = run.compiled
            begin = _clocks()
            run.to_the_end(progress=False)
            times["sweep"].append(_since(begin))
    work = chunks * points * networks * steps
    record: dict[str, float] = {"wires": wires, "networks": networks, "points": points, "steps": steps}
    for k, clock in enumerate(("wall", "processor")):
        for name, both in times.items():
            record[f"{name}_{clock}_us"] = 1e6 * statistics.median(pair[k] for pair in both) / work
        ratios = [a[k] / b[k] for a, b in zip(times["bare"], times["sweep"], strict=True)]
        record[f"{clock}_ratio"] = statistics.median(ratios)
    return record


def _clocks() -> tuple[float, float]:
    """Wall and processor time [s]."""
    return time.perf_counter(), time.process_time()


def _since(begin: tuple[float, float]) -> tuple[float, float]:
    wall, processor = _clocks()
    return wall - begin[0], processor - begin[1]


def main() -> None:
    """Measure, print and write JSON."""
    parser = script.parser(__doc__, "results/sweep_throughput", quick="short runs, some 20 s")
    arguments = script.start(parser, keep_compiled=True)
    cases = [(100, 1, 256, 3, 250)] if arguments.quick else [(100, 1, 256, 5, 1000), (100, 64, 16, 5, 250)]
    records = []
    for wires, networks, points, chunks, steps in cases:
        record = measure(wires, networks, points, chunks, steps, 3 if arguments.quick else 5, arguments.out)
        records.append(record)
        print(f"{wires} wires, {networks} networks x {points} points, {steps} steps", flush=True)
        for clock in ("wall", "processor"):
            bare_us, sweep_us = (record[f"{name}_{clock}_us"] for name in ("bare", "sweep"))
            ratio = record[f"{clock}_ratio"]
            verdict = "reached" if ratio >= WANTED else "MISSED"
            print(f"  {clock} time per network-step: bare {bare_us:.2f} us, sweep {sweep_us:.2f} us")
            print(f"  throughput {ratio:.3f} of bare, at least {WANTED:g} wanted: {verdict}", flush=True)
    script.finish(arguments.out / "sweep_throughput.json", records)


if __name__ == "__main__":
    main()
