"""What the gradient of a run costs by adjoint: time relative to the run itself, and memory.

    python experiments/benchmarks/adjoint_costs.py --out results/adjoint_costs

The numbers of docs/which-adjoint.md. All variants run in turn in one process, so that what slows the
machine slows all of them.
"""

from typing import Any

import jax
import jax.numpy as jnp

import jaxnn
from experiments.benchmarks._statistics import Case, measure
from experiments.shared import script


ADJOINTS = {
    "StoreAll": jaxnn.StoreAll(),
    "StoreStates": jaxnn.StoreStates(),
    "Checkpointed": jaxnn.Checkpointed(),
    "Truncated": jaxnn.Truncated(50),
}


def build_cases(network, steps, batch) -> list[Case]:
    """The run alone, and its gradient in every sample of the drive by adjoint."""
    setup = {"terminals": jaxnn.farthest_pair(network), "dt": 1e-3, "steps": steps, "every": steps}
    drives = jnp.linspace(1.0, 1.5, batch)[:, None] * jnp.ones((1, steps))

    def final(drive, adjoint):
        solution = jaxnn.simulate(network, jaxnn.TunnelJunction(), drive, adjoint=adjoint, **setup)
        return jnp.log(solution.conductance[-1])

    def case(name: str, function: Any) -> Case:
        program: Any = jax.jit(jax.vmap(function)).lower(drives).compile()
        memory = program.memory_analysis().temp_size_in_bytes / (steps * batch)
        run = lambda _: program(drives)
        return Case(name, run, batch, steps, resize=False, info={"bytes_per_step": memory})

    gradients = {name: jax.grad(lambda d, a=a: final(d, a)) for name, a in ADJOINTS.items()}
    return [case(*named) for named in [("run", lambda d: final(d, None)), *gradients.items()]]


def compare(network, steps, batch, budget):
    """Median time over that of the run, and temporaries per step and network [bytes]."""
    records = measure(build_cases(network, steps, batch), budget)
    run = records[0]["seconds_median"]
    return {
        record["name"]: {
            "times_the_run": record["seconds_median"] / run,
            "bytes_per_step": record["bytes_per_step"],
        }
        for record in records
    }


def main() -> None:
    """Measures one network alone and a batch, prints the table and writes the numbers."""
    parser = script.parser(__doc__, "results/adjoint_costs", quick="a small network")
    arguments = script.start(parser)
    wires, steps, budget = (12, 100, 0.1) if arguments.quick else (30, 900, 3.0)
    network = jaxnn.nanowire_network(wires, box=3e-6 * wires**0.5, seed=3)
    report: dict[str, Any] = {"wires": network.n_nodes, "junctions": network.n_junctions, "steps": steps}
    report["batches"] = {batch: compare(network, steps, batch, budget) for batch in (1, 32)}
    for batch, rows in report["batches"].items():
        for name, row in rows.items():
            print(
                f"batch {batch:3}  {name:12}  {row['times_the_run']:5.2f} x  "
                f"{row['bytes_per_step']:9,.0f} bytes per step"
            )
    script.finish(arguments.out / "adjoint_costs.json", report)


if __name__ == "__main__":
    main()
