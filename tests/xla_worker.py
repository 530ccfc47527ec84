"""A trick of `jaxnn_kernels._xla` against the plain code: `python xla_worker.py TRICK [CASE ...]`.

Compiles the same steps of a network as they are and with the plain function in place of the trick in every
loaded module, and prints one line of JSON for each case: what each program holds, what it took to trace and
to compile, and what a step takes, the two in turns. Times are those of the processor, since others may use
the machine too, and the least of all turns.
"""

import contextlib
import json
import os
import re
import sys
import time


if __name__ == "__main__":
    os.environ["JAXNN_SOLVE"] = "xla"

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from jaxnn_kernels import _xla
from jaxnn_kernels._nodal import solve, star_mesh
from jaxnn_kernels._nodal.incidence import net_flow, pair_difference
from jaxnn_kernels._xla.memory_layout import laid_out


STEPS, WIRES, NETWORKS = 50, 300, 64
COMPILED, TURNS, TURN = 1, 12, 0.1  # programs of each kind, turns of each, and the seconds of one
NETWORK = jaxnn.nanowire_network(WIRES, box=(WIRES / 1e11) ** 0.5)
TERMINALS = jaxnn.farthest_pair(NETWORK)
LAW = jaxnn.BinaryJunction()
KERNELS = {
    "eliminate_wires": solve._eliminate_kernel,
    "joined_wires": solve._joined_kernel,
    "live_junctions": solve._live_kernel,
    "nodal_solve": solve._solve_kernel,
    "junction_voltage": pair_difference,
    "junction_voltage_transpose": net_flow,
}


def mapped_plainly(primitive, args, dims, tree):
    """A kernel's batch as `vmap` has it by itself, before the rows."""
    kernel = KERNELS[primitive.name]

    def alone(*leaves):
        indices, arrays = jax.tree.unflatten(tree, leaves)
        return jax.tree.leaves(kernel(indices, *arrays))

    out = jax.vmap(alone, dims)(*args)
    return out, [0] * len(out)


def gathered_plainly(branch, desk, scratch, own, chunks):
    """The rows of a round as a plain intermediate, as many as `desk` has."""
    parts, first = [], 0
    for left, right in chunks:
        rows = star_mesh._take(branch, own[first : first + left.shape[1]])
        if left.shape[0]:
            products, scratch = star_mesh._sum_products(branch, left, branch, right, scratch)
            rows = rows + products
        parts.append(rows)
        first += left.shape[1]
    return jnp.concatenate([*parts, desk[first:]]), scratch


def updated_plainly(x, rows, start):
    return jax.lax.dynamic_update_slice_in_dim(x, rows, start, 0)


# What a trick is made of, and what one would write who knew of nothing.
TRICKS = {
    "batch_inner": [(_xla.batch_inner, lambda x: x)],
    "batch_last": [(_xla.batch_last.__globals__["_batch"], mapped_plainly)],
    "desk": [(star_mesh._gathered, gathered_plainly)],
    "laid_out": [(laid_out, lambda x, last=(): x)],
    "settled": [(_xla.settled, lambda arrays: arrays)],
    "starts": [(_xla.rows, jax.lax.dynamic_slice_in_dim), (_xla.update, updated_plainly)],
}


@contextlib.contextmanager
def without(trick, calls):
    """The plain functions in place of a trick, in every loaded module; counts their calls."""
    ours = re.compile(r"jaxnn(_kernels)?\b")
    rooms = [vars(module) for name, module in sys.modules.items() if ours.match(name)]
    with contextlib.ExitStack() as after:
        for known, plain in TRICKS[trick]:

            def counted(*args, plain=plain, **named):
                calls.append(trick)
                return plain(*args, **named)

            for room in rooms:
                for name in [name for name, value in room.items() if value is known]:
                    room[name] = counted
                    after.callback(room.__setitem__, name, known)
        yield


def current(amplitude):
    """The summed current [A] of a run at one amplitude [V]; of two-valued junctions, the solve is most."""
    drive = jaxnn.Sine(amplitude, 40.0)
    times = {"dt": 1e-3, "steps": STEPS}
    solution = jaxnn.simulate(NETWORK, LAW, drive, terminals=TERMINALS, **times)
    return jnp.sum(solution.terminal_current[:, 0])


CASES = {
    "alone": current,
    "batch": jax.vmap(current),
}


def compiled(case):
    """The program of a case as a call, what it holds, and what it took to make."""
    jax.clear_caches()
    amplitude = jnp.float32(1) if case == "alone" else jnp.linspace(0.5, 2, NETWORKS)
    start = time.process_time()
    lowered = jax.jit(CASES[case]).lower(amplitude)
    traced = time.process_time()
    program = lowered.compile()
    took = {"trace_s": traced - start, "compile_s": time.process_time() - traced}
    text = str(program.as_text())
    kinds = ("fusion", "copy", "transpose", "while")
    holds = {kind: len(re.findall(rf" {kind}\(", text)) for kind in kinds}
    holds["instructions"] = text.count(" = ")
    return (lambda: jax.block_until_ready(program(amplitude))), holds, took


def per_step(run):
    """Processor time of one step [us]."""
    start, runs = time.process_time(), 0
    while time.process_time() - start < TURN:
        run()
        runs += 1
    return (time.process_time() - start) / (runs * STEPS) * 1e6


def compare(trick, case):
    """Both programs of a case: `ours` with the trick, `plain` without."""
    calls, programs = [], {}
    made = {"ours": [], "plain": []}
    jax.jit(CASES[case]).lower(jnp.ones(NETWORKS) if case != "alone" else jnp.float32(1))
    for _ in range(COMPILED):
        for name, took in made.items():
            context = contextlib.nullcontext() if name == "ours" else without(trick, calls)
            with context:
                run, holds, seconds = compiled(case)
            programs[name] = run, holds
            took.append(seconds)
    times = {name: [] for name in made}
    for _ in range(TURNS):
        for name, taken in times.items():
            taken.append(per_step(programs[name][0]))
    found = {
        name: holds
        | {key: min(took[key] for took in made[name]) for key in ("trace_s", "compile_s")}
        | {"step_us": min(times[name]), "median_us": float(np.median(times[name]))}
        for name, (_, holds) in programs.items()
    }
    outputs = [jax.tree.leaves(run()) for run, _ in programs.values()]
    equal = all(np.array_equal(*pair) for pair in zip(*outputs, strict=True))
    return {"trick": trick, "case": case, "calls": len(calls) // COMPILED, "equal": equal, **found}


def compare_on_h100(trick):
    """The same of 4,096 copies of 100 wires, compiled for an H100 that need not be there."""
    from experiments.benchmarks import gpu_report

    site = gpu_report.cuda_site()
    assert site is not None, gpu_report.MISSING
    gpu_report.restart_with_cuda(site)
    calls, found = [], {}
    for name, context in (("ours", contextlib.nullcontext()), ("plain", without(trick, calls))):
        jax.clear_caches()
        start = time.process_time()
        with context:
            case = gpu_report.compile_case(100, 4096, "forward", site)
        kept = {key: case[key] for key in ("launches", "bytes", "temporary")}
        found[name] = kept | {"made_s": time.process_time() - start}
    return {"trick": trick, "case": "h100", "calls": len(calls), "equal": None, **found}


if __name__ == "__main__":
    for case in sys.argv[2:] or ("alone", "batch"):
        found = compare_on_h100(sys.argv[1]) if case == "h100" else compare(sys.argv[1], case)
        print(json.dumps(found), flush=True)
