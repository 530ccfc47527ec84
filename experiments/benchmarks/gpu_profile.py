"""Where the time of a step goes on a GPU: launches a step, and the kernels that take longest.

Each plan is compiled for each batch; the least time of several runs is printed, then what JAX's
profiler saw. Other plans than that of `jaxnn.StarMesh` can be tried, to see what its constants are worth:

    python experiments/benchmarks/gpu_profile.py --batch 1 4096 --tail 24 16 --plain
"""

import collections
import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import jax

import jaxnn
from experiments.benchmarks import _cases as cases
from experiments.shared import script
from jaxnn_kernels._nodal import costs as _costs, star_plan as _star_plan


STEPS = 100
REPEATS = 5


class Planned(jaxnn.AbstractSolver):
    """Star-mesh elimination with the constants of a plan given."""

    costs: _costs.Costs

    def plan(self, n_nodes: int, edges: Any, terminals: Any) -> Any:
        """The plan of such costs."""
        order = _star_plan.schedule(n_nodes, edges, terminals, lambda _: self.costs.tail)
        return _star_plan.plan_of(order, n_nodes, edges, terminals, self.costs)


def compiled(wires: int, batch: int, costs: _costs.Costs) -> tuple[Any, Any]:
    """The program of a batch of simulations, and its amplitudes [V]."""
    network, terminals = cases.problem(wires)

    def run(amplitude: Any) -> Any:
        solution = jaxnn.simulate(
            network,
            jaxnn.TunnelJunction(),
            jaxnn.Sine(amplitude, 0.5),
            terminals=terminals,
            dt=cases.DT,
            steps=STEPS,
            every=STEPS,
            solver=Planned(costs),
        )
        return solution.terminal_current

    amplitudes = cases.amplitudes(wires, batch, "float32")
    program, _ = cases.compiled(jax.vmap(run) if batch > 1 else run, amplitudes)
    return program, amplitudes


def kernels(program: Any, amplitudes: Any) -> dict[str, tuple[float, float]]:
    """Launches a step and microseconds a step of each kernel."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(program(amplitudes))
        path = next(Path(folder).rglob("*.trace.json.gz"))
        events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    named = {
        (e["name"], e["pid"], e.get("tid")): e["args"]["name"]
        for e in events
        if e.get("name") in ("process_name", "thread_name")
    }
    seen: dict[str, list[float]] = collections.defaultdict(list)
    for event in events:
        device = named.get(("process_name", event.get("pid"), None), "")
        lane = named.get(("thread_name", event.get("pid"), event.get("tid")), "")
        if event.get("ph") == "X" and "GPU" in device and "Stream" in lane:
            seen[event["name"]].append(event["dur"])
    return {name: (len(times) / STEPS, sum(times) / STEPS) for name, times in seen.items()}


def report(wires: int, batch: int, costs: _costs.Costs, longest: int) -> None:
    """Prints the time of a step and where it goes."""
    program, amplitudes = compiled(wires, batch, costs)
    times = []
    for _ in range(1 + REPEATS):
        begin = time.perf_counter()
        jax.block_until_ready(program(amplitudes))
        times.append(time.perf_counter() - begin)
    found = kernels(program, amplitudes)
    launches, spent = (sum(numbers) for numbers in zip(*found.values(), strict=True))
    print(
        f"{wires} wires, batch {batch}, {costs}: {1e6 * min(times[1:]) / STEPS:.1f} us a step, "
        f"{launches:.0f} launches, {spent:.1f} us in kernels"
    )
    for name, (launches, spent) in sorted(found.items(), key=lambda item: -item[1][1])[:longest]:
        print(f"    {name[:50]:50} {launches:7.2f} launches {spent:8.2f} us")


def main() -> None:
    """One report for each plan and batch."""
    parser = script.parser(__doc__)
    parser.add_argument("--wires", type=int, default=100)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 256, 4096, 32_768])
    parser.add_argument("--tail", type=int, nargs="+", help="nodes of the last full matrix; 0: none")
    parser.add_argument("--plain", action="store_true", help="also with rounds that XLA may fuse")
    parser.add_argument("--longest", type=int, default=10, help="kernels to print")
    arguments = parser.parse_args()
    if jax.default_backend() == "cpu":
        raise SystemExit("gpu_profile needs a GPU, and JAX sees none: pip install 'jax[cuda13]'")
    default = _costs.costs_for("gpu", [], False)
    plans = [default._replace(tail=tail) for tail in arguments.tail or [default.tail]]
    plans += [plan._replace(settles=False) for plan in plans if arguments.plain]
    for batch in arguments.batch:
        for plan in plans:
            report(arguments.wires, batch, plan, arguments.longest)


if __name__ == "__main__":
    main()
