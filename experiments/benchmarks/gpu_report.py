"""What an H100 would run: launches, memory and spills of a time step, compiled without a GPU.

XLA compiles for a described device, so all but the run time can be known on any machine. It takes the
CUDA build of JAX, in an environment of its own (4.4 GB):

    pip install "jax[cuda13]==0.10.1" equinox jaxtyping scipy networkx optax matplotlib tqdm
    python experiments/benchmarks/gpu_report.py --out results/gpu_report.md
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from experiments.shared import script


LAUNCH_TIME = 2e-6  # [s] of an empty kernel in a stream
BANDWIDTH = 3.35e12  # [B/s] of an H100 SXM
STEPS = 37  # of the compiled simulation; no segment of a schedule repeats as often
READY = "JAXNN_GPU_REPORT_READY"
MISSING = (
    "gpu-report needs the CUDA build of JAX, which is not installed here. It takes 4.4 GB and no GPU: "
    'pip install "jax[cuda13]==0.10.1"'
)

# NVIDIA H100 SXM5 80 GB, from NVIDIA's architecture white paper and CUDA's device queries.
DEVICE = {
    "threads_per_warp": 32,
    "threads_per_block_limit": 1024,
    "threads_per_core_limit": 2048,
    "block_dim_limit_x": 2**31 - 1,
    "block_dim_limit_y": 65535,
    "block_dim_limit_z": 65535,
    "core_count": 132,
    "fpus_per_core": 128,
    "clock_rate_ghz": 1.98,
    "registers_per_core_limit": 65536,
    "registers_per_block_limit": 65536,
    "shared_memory_per_block": 48 * 1024,
    "shared_memory_per_block_optin": 227 * 1024,
    "shared_memory_per_core": 228 * 1024,
    "l2_cache_size": 50 * 2**20,
    "memory_bandwidth": 3_352_320_000_000,
    "device_memory_size": 84_942_979_072,
    "cuda_compute_capability": "{ major: 9 }",
    "runtime_version": '"13.0.0"',
    "driver_version": '"13.0.0"',
    "compile_time_toolkit_version": '"13.0.0"',
    "dnn_version": '"9.10.0"',
}

# Wires, batch, what is compiled.
CASES = (
    (100, 1, "forward"),
    (100, 4096, "forward"),
    (1000, 1, "forward"),
    (1000, 64, "forward"),
    (100, 1, "value and gradient"),
    (100, 4096, "value and gradient"),
    (1000, 64, "value and gradient"),
    (100, 1, "the same, all stored"),
    (100, 4096, "the same, all stored"),
    # A step of its search counts once, however many a time step takes.
    (100, 1, "forward, by Newton's method"),
    (100, 4096, "forward, by Newton's method"),
    (100, 1, "value and gradient, by Newton's method"),
    (100, 4096, "value and gradient, by Newton's method"),
)
# How the nodal solve is compiled: by XLA, which is the default on a GPU, or as kernels of its own.
SOLVES = "XLA", "kernels"


def cuda_site() -> Path | None:
    """The site-packages folder with the CUDA build of JAX, or None."""
    for name in ("jax_cuda13_plugin", "jax_cuda12_plugin"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).parents[1]
    return None


def restart_with_cuda(site: Path) -> None:
    """Start this program again with CUDA's libraries on the loader's path: it is read at the start."""
    if os.environ.get(READY):
        return
    folders = sorted({str(path.parent) for path in site.glob("nvidia/**/*.so*")})
    os.environ.update(
        {
            READY: "1",
            "LD_LIBRARY_PATH": ":".join(folders),
            "JAX_PLATFORMS": "cpu,cuda",
            "JAX_SKIP_CUDA_CONSTRAINTS_CHECK": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
    )
    os.execv(sys.executable, [sys.executable, *sys.argv])


def target_config() -> str:
    """The device as XLA's text format wants it."""
    fields = " ".join(
        f"{name} {value}" if str(value).startswith("{") else f"{name}: {value}"
        for name, value in DEVICE.items()
    )
    return (
        f'gpu_device_info {{ {fields} }} platform_name: "CUDA" '
        "dnn_version_info { major: 9 minor: 10 } "
        'device_description_str: "NVIDIA H100 80GB HBM3"'
    )


def solver(solve: str):
    """The sparse elimination as `SOLVES` names it."""
    import jaxnn

    class Kernels(jaxnn.AbstractSolver):
        def plan(self, n_nodes, edges, terminals):
            return jaxnn.kernels.compiled_plan(n_nodes, edges, terminals, "gpu")

    return Kernels() if solve == "kernels" else jaxnn.StarMesh(device="gpu")


def simulation(wires: int, batch: int, what: str, solve: str = "XLA"):
    """A jittable simulation of `batch` drives, and the shapes of its arguments."""
    import jax
    import jax.numpy as jnp

    import jaxnn
    from experiments.benchmarks._circuit_cases import Shaped

    law = Shaped(jnp.sinh) if what.endswith("Newton's method") else jaxnn.TunnelJunction()
    network = jaxnn.nanowire_network(wires, box=(wires / 1e11) ** 0.5)
    terminals = jaxnn.farthest_pair(network)

    def run(amplitude):
        solution = jaxnn.simulate(
            network,
            law,
            jaxnn.Sine(amplitude, 0.5),
            terminals=terminals,
            dt=1e-3,
            steps=STEPS,
            solver=solver(solve),
            adjoint=jaxnn.StoreAll() if what.endswith("all stored") else None,
        )
        return solution.terminal_current

    one = run
    if not what.startswith("forward"):
        one = jax.value_and_grad(lambda amplitude: jnp.sum(run(amplitude)[:, 1]))
    shape = jax.ShapeDtypeStruct((batch,) if batch > 1 else (), jnp.float32)
    return jax.vmap(one) if batch > 1 else one, shape


def spills(dump: Path, site: Path) -> int | None:
    """Bytes of registers that the assembler spills, over all kernels; None without the assembler."""
    assembler = next(site.glob("nvidia/**/bin/ptxas"), None)
    if assembler is None:
        return None
    total = 0
    for source in dump.glob("*.ptx"):
        arch = re.search(r"^\.target (\w+)", source.read_text(errors="ignore"), re.MULTILINE)
        command = [assembler, "-v", "-arch", arch[1] if arch else "sm_90", "-o", os.devnull, source]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        total += sum(map(int, re.findall(r"(\d+) bytes spill stores", done.stdout + done.stderr)))
    return total


def compile_case(wires: int, batch: int, what: str, site: Path, solve: str = "XLA") -> dict:
    """Compile one case for the described device and read the program."""
    import jax
    from jax.experimental import topologies
    from jax.sharding import NamedSharding, PartitionSpec

    from experiments.benchmarks import _programs as _bench_hlo

    topology = topologies.get_topology_desc(
        platform="cuda", topology="1x1x1", target_config=target_config()
    )
    mesh = topologies.make_mesh(topology, (1,), ("x",))
    place = NamedSharding(mesh, PartitionSpec())
    function, shape = simulation(wires, batch, what, solve)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        lowered = jax.jit(function, in_shardings=place, out_shardings=place).lower(shape)
        middle = time.perf_counter()
        compiled = lowered.compile(compiler_options={"xla_dump_to": folder})
        end = time.perf_counter()
        spilled = spills(Path(folder), site)
    text = compiled.as_text() or ""
    loops = _bench_hlo.time_loops(text, STEPS)
    counts = _bench_hlo.launches(text)
    launched = sum(counts[name] for name in loops)
    moved = _bench_hlo.step_cost(compiled, STEPS)["bytes"]
    memory = compiled.memory_analysis()
    return {
        "wires": wires,
        "batch": batch,
        "what": what,
        "solve": solve,
        "launches": launched,
        "bytes": moved,
        "temporary": None if memory is None else memory.temp_size_in_bytes,
        "spills": spilled,
        "trace_s": middle - start,
        "compile_s": end - middle,
        "expected_s": launched * LAUNCH_TIME + moved / BANDWIDTH,
    }


def table_row(case: dict) -> str:
    """One line of the Markdown table."""
    memory, spilled = case["temporary"], case["spills"]
    cells = [
        f"{case['wires']:,}",
        f"{case['batch']:,}",
        case["what"],
        case["solve"],
        f"{case['launches']:.0f}",
        f"{case['bytes'] / 2**20:.2f}",
        "?" if memory is None else f"{memory / 2**20:.1f}",
        "?" if spilled is None else f"{spilled}",
        f"{case['trace_s']:.1f}",
        f"{case['compile_s']:.1f}",
        f"{case['launches'] * LAUNCH_TIME * 1e6:.0f}",
        f"{case['bytes'] / BANDWIDTH * 1e6:.1f}",
        f"{case['expected_s'] * 1e6:.0f}",
        f"{case['expected_s'] / case['batch'] * 1e6:.3g}",
    ]
    return "| " + " | ".join(cells) + " |"


HEADER = """\
### One time step on an NVIDIA H100: compiled, not run

XLA's program for a described device, float32, two terminals. Launches are 2 us each, memory 3.35 TB/s;
the time to expect is their sum, and of the kernels a bound: they wait for memory in every round of the
elimination. Spills are what the assembler reports.

| wires | batch | what | solve | launches | MiB moved | temporary MiB | spilled bytes | trace s \
| compile s | launches us | bytes us | step us | per network us |
|---:|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def main() -> None:
    """Compile every case and print its line as soon as it is known."""
    parser = script.parser(__doc__, quick="the first case only")
    parser.add_argument("--out", type=Path, help="file for the Markdown table")
    arguments = parser.parse_args()
    site = cuda_site()
    if site is None:
        sys.exit(MISSING)
    restart_with_cuda(site)
    lines = [HEADER]
    print(HEADER, flush=True)
    for wires, batch, what in CASES[:1] if arguments.quick else CASES:
        for solve in SOLVES:
            lines.append(table_row(compile_case(wires, batch, what, site, solve)))
            print(lines[-1], flush=True)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
