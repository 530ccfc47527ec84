"""The benchmark measures what it says, and its quick run works from the command line."""

import importlib
import importlib.util
import json
import math
import time
from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from scripts import run_script


def test_quick_run(tmp_path):
    start = time.perf_counter()
    done = run_script("experiments/benchmarks/benchmark.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    # 10 s on two quiet cores.
    assert time.perf_counter() - start < 60
    text = (tmp_path / "benchmark.json").read_text()
    assert "NaN" not in text
    out = json.loads(text)
    assert set(out) == {"about", "records", "skipped", "seconds", "exponents", "figures"}
    assert {"versions", "device", "cores", "commit"} <= set(out["about"])
    kinds = {(record["kind"], record["name"]) for record in out["records"]}
    assert ("solve", "ours float32") in kinds
    assert ("step", "NumPy/SciPy stepper float64") in kinds
    for record in out["records"]:
        assert 0 < record["seconds_low"] <= record["seconds_median"] <= record["seconds_high"]
    ours = next(record for record in out["records"] if record["name"] == "ours float32")
    assert {"bytes", "flops", "trace_s", "compile_s", "repeats", "cores_busy"} <= set(ours)
    assert "us" in done.stdout
    assert (tmp_path / "benchmark.png").stat().st_size > 0


@pytest.mark.slow
def test_throughput_of_sweeps(tmp_path):
    done = run_script("experiments/benchmarks/sweep_throughput.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = json.loads((tmp_path / "sweep_throughput.json").read_text())
    assert 0.5 < record["wall_ratio"] < 2


def test_gpu_report_says_what_is_missing():
    if importlib.util.find_spec("jax_cuda13_plugin") or importlib.util.find_spec("jax_cuda12_plugin"):
        pytest.skip("the CUDA build of JAX is installed")
    done = run_script("experiments/benchmarks/gpu_report.py")
    assert done.returncode == 1
    assert "CUDA build of JAX" in done.stderr
    assert "Traceback" not in done.stderr


def test_spread():
    spread = import_module("experiments.benchmarks._statistics").spread([3.0, 1.0, 2.0, 5.0, 4.0])
    assert (spread.low, spread.median, spread.high, spread.repeats) == (2, 3, 4, 5)


def test_fit_exponent():
    fit = import_module("experiments.benchmarks._statistics").fit_exponent
    sizes = [100, 300, 1000]
    power, factor = fit(sizes, [2e-6 * n**1.5 for n in sizes])
    np.testing.assert_allclose([power, factor], [1.5, 2e-6])
    assert math.isnan(fit([100], [1.0])[0])


def test_cases_run_in_turn_and_are_counted_per_network():
    stats = import_module("experiments.benchmarks._statistics")
    order = []

    def case(name, seconds):
        def run(count):
            order.append(name)
            time.sleep(seconds * count)

        return stats.Case(name, run, networks=10, count=2, resize=False)

    quick, slow = stats.measure([case("quick", 1e-3), case("slow", 4e-3)], budget=0.05)
    assert order[:8] == ["quick", "slow"] * 4
    # A sleep is never shorter than asked for, and a busy machine makes it longer.
    assert 1e-4 <= quick["seconds_median"] < slow["seconds_median"]
    assert slow["seconds_median"] >= 4e-4


def test_short_cases_are_repeated_within_a_run():
    stats = import_module("experiments.benchmarks._statistics")
    (record,) = stats.measure([stats.Case("short", lambda n: time.sleep(1e-3 * n), 1)], budget=0.2)
    assert record["steps_per_run"] > 10


def test_cost_counts_the_passes_of_nested_loops():
    hlo = import_module("experiments.benchmarks._programs")
    inner = lambda _, x: jax.lax.fori_loop(0, 3, lambda _, x: x * x, x) + 1

    def outer(x):
        return jax.lax.fori_loop(0, 10, inner, x)

    compiled = jax.jit(outer).lower(jnp.ones(1000)).compile()
    found = hlo.step_cost(compiled)["flops"]
    if np.isnan(found):
        pytest.skip("this version of JAX gives no analysis of a part of a program")
    # 10 passes of 3 products and a sum; the loops' counters add less than 1 %.
    np.testing.assert_allclose(found, 40_000, rtol=0.01)
    np.testing.assert_allclose(hlo.step_cost(compiled, 10)["flops"], 4000, rtol=0.01)


def test_bytes_of_a_gather_are_the_rows_it_reads():
    hlo = import_module("experiments.benchmarks._programs")

    def kernel(table, rows):
        return table[rows] * 2

    shapes = (jnp.zeros((10_000, 16), jnp.float32), jnp.zeros(8, jnp.int32))
    cost = hlo.step_cost(jax.jit(kernel).lower(*shapes).compile())
    # Eight rows in, eight out, and their numbers; wrapping negative ones takes a few bytes more.
    np.testing.assert_allclose(cost["bytes"], 2 * 8 * 16 * 4 + 8 * 4, rtol=0.2)


PROGRAM = """\
HloModule program

%inner (p: f32[8]) -> f32[8] {
  %p = f32[8] parameter(0)
  ROOT %f = f32[8] fusion(%p), kind=kLoop, calls=%fused
}

%step (q: (s32[], /*index=1*/f32[8])) -> (s32[], f32[8]) {
  %q = (s32[], /*index=1*/f32[8]) parameter(0)
  %x = f32[8] get-tuple-element(%q), index=1
  %c = f32[8] copy(%x)
  %w = (s32[], /*index=1*/f32[8]) while(%q), body=%inner, backend_config={"known_trip_count":{"n":"4"}}
  ROOT %t = (s32[], f32[8]) tuple(%x, %c)
}

ENTRY %main (a: f32[8]) -> f32[8] {
  %a = f32[8] parameter(0)
  %v = (s32[], f32[8]) while(%a), body=%step, backend_config={"known_trip_count":{"n":"7"}}
  ROOT %r = f32[8] fusion(%v), kind=kLoop, calls=%fused
}
"""


def test_launches_of_nested_loops():
    hlo = import_module("experiments.benchmarks._programs")
    assert hlo.time_loops(PROGRAM, 7) == ["step"]
    counts = hlo.launches(PROGRAM)
    assert counts["step"] == 1 + 4 * 1
    assert counts["main"] == 7 * 5 + 1


def test_all_solvers_are_given_the_same_problem():
    cases = import_module("experiments.benchmarks._cases")
    network, terminals = cases.problem(40)
    laplacian = cases.Laplacian(40)
    g = cases.conductances(network.n_junctions, 1)[0, 0]
    entries, source = laplacian.values(g)
    phi = np.linalg.solve(laplacian.matrix(entries).toarray(), source)
    plan = jaxnn.kernels.star_mesh_plan(network.n_nodes, network.edges, np.asarray(terminals))
    solution = jaxnn.kernels.solve_nodes(plan, jnp.asarray(g), jnp.asarray([1.0, 0.0]))
    np.testing.assert_allclose(phi, solution.node_potential[laplacian.free], rtol=1e-8)


def test_the_plain_stepper_does_what_simulate_does():
    cases = import_module("experiments.benchmarks._cases")
    network, terminals = cases.problem(40)
    stepper = cases.NumpyStepper(network, terminals)
    solution = jaxnn.simulate(
        network,
        jaxnn.TunnelJunction(),
        jaxnn.Sine(stepper.amplitude, 0.5),
        terminals=terminals,
        dt=cases.DT,
        steps=200,
        state=np.zeros(network.n_junctions),
    )
    np.testing.assert_allclose(stepper.run(200), solution.final_state, rtol=1e-6, atol=1e-9)


def test_times_are_told_by_the_node():
    report = import_module("experiments.benchmarks._report")
    record = {"kind": "nodes", "batch": 1, "compile_s": 1.0}

    def row(name, wires, nodes, micro):
        seconds = dict.fromkeys(("seconds_low", "seconds_median", "seconds_high"), 1e-6 * micro)
        resistive = name == "resistive"
        return record | {"name": name, "wires": wires, "nodes": nodes, "resistive": resistive} | seconds

    rows = [("plain", 50, 50, 10), ("resistive", 50, 200, 30), ("plain", 100, 100, 20)]
    lines = report.table([row(*x) for x in [*rows, ("resistive", 100, 400, 120)]]).splitlines()
    # Microseconds a node, the ratio to the same network without, and that of a node.
    first, second = (line.split()[6:10] for line in (lines[4], lines[6]))
    assert first == ["30)", "0.15", "3", "0.75"]
    assert second == ["120)", "0.3", "6", "1.5"]
    assert lines[-2:] == ["plain: nodes^1.00", "resistive: nodes^2.00"]


def test_verdicts():
    report = import_module("experiments.benchmarks._report")
    key = {"kind": "solve", "wires": 100, "batch": 256}
    records = [
        key | {"name": "ours float32", "seconds_median": 2e-6},
        key | {"name": "CHOLMOD (sparsax) float64", "seconds_median": 1.2e-5},
        key | {"name": "ours float64", "seconds_median": 6e-6},
    ]
    rows = report.verdicts(records, report.exponents(records))
    assert [row["verdict"] for row in rows[:3]] == ["reached", "MISSED", "not measured"]
    np.testing.assert_allclose([row["reached"] for row in rows[:2]], [6, 2])
    assert {row["verdict"] for row in rows[2:]} == {"not measured"}
