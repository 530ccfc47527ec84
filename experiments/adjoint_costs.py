"""What the gradient of a run costs by adjoint: time relative to the run itself, and memory.

    python experiments/adjoint_costs.py --out results/adjoint_costs

The numbers of docs/which-adjoint.md. All variants run in turn in one process, so that what slows the
machine slows all of them.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn


ADJOINTS = {
    "StoreAll": jaxnn.StoreAll(),
    "StoreStates": jaxnn.StoreStates(),
    "Checkpointed": jaxnn.Checkpointed(),
    "Truncated": jaxnn.Truncated(50),
}


def compile_all(network, steps, batch):
    """The run alone and its gradient in every sample of the drive, compiled."""
    setup = {"terminals": jaxnn.farthest_pair(network), "dt": 1e-3, "steps": steps, "every": steps}
    drives = jnp.linspace(1.0, 1.5, batch)[:, None] * jnp.ones((1, steps))

    def final(drive, adjoint):
        solution = jaxnn.simulate(network, jaxnn.TunnelJunction(), drive, adjoint=adjoint, **setup)
        return jnp.log(solution.conductance[-1])

    functions = {"run": lambda d: final(d, None)}
    for name, adjoint in ADJOINTS.items():
        functions[name] = jax.grad(lambda d, adjoint=adjoint: final(d, adjoint))
    compile_one = lambda f: jax.jit(jax.vmap(f)).lower(drives).compile()
    return {name: compile_one(f) for name, f in functions.items()}, drives


def _memory(program: Any) -> int:
    """Temporary memory [B] of a compiled program."""
    return program.memory_analysis().temp_size_in_bytes


def measure(network, steps, batch, repeats):
    """Median time over that of the run, and temporaries per step and network [bytes]."""
    compiled, drives = compile_all(network, steps, batch)
    seconds = {name: [] for name in compiled}
    for _ in range(repeats + 1):  # the first round warms up
        for name, function in compiled.items():
            begin = time.perf_counter()
            jax.block_until_ready(function(drives))
            seconds[name].append(time.perf_counter() - begin)
    run = np.asarray(seconds["run"][1:])
    return {
        name: {
            "times_the_run": float(np.median(np.asarray(values[1:]) / run)),
            "bytes_per_step": _memory(compiled[name]) / (steps * batch),
        }
        for name, values in seconds.items()
    }


def main() -> None:
    """Measures one network alone and a batch, prints the table and writes the numbers."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/adjoint_costs"))
    parser.add_argument("--quick", action="store_true", help="a small network")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wires, steps, repeats = (12, 100, 2) if arguments.quick else (30, 900, 7)
    network = jaxnn.nanowire_network(wires, box=3e-6 * wires**0.5, seed=3)
    report: dict[str, Any] = {"wires": network.n_nodes, "junctions": network.n_junctions, "steps": steps}
    report["batches"] = {batch: measure(network, steps, batch, repeats) for batch in (1, 32)}
    for batch, rows in report["batches"].items():
        for name, row in rows.items():
            print(
                f"batch {batch:3}  {name:12}  {row['times_the_run']:5.2f} x  "
                f"{row['bytes_per_step']:9,.0f} bytes per step"
            )
    (arguments.out / "adjoint_costs.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
