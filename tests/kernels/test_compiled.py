"""The compiled nodal solve: the same bits in every batch, and what happens where it cannot run."""

import shutil
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import jaxnn
import jaxnn_kernels as jk
from circuits import conductances, dense_solution, graph, lowers
from helpers import ROOT, small_network
from jaxnn_kernels._compiled import library
from jaxnn_kernels._nodal import flat_schedule
from jaxnn_kernels._nodal.flat_schedule import size_class


pytestmark = pytest.mark.skipif(
    not jk.is_compiled(), reason="the nodal solve is not compiled here: see jaxnn info"
)

N = 40
EDGES, TERMINALS = graph(N, seed=4), np.array([3, 17, 39])
PLAN: Any = jk.compiled_plan(N, EDGES, TERMINALS)


def inputs(batch, dtype, n=N, edges=EDGES, terminals=TERMINALS, decades=12.0):
    rng = np.random.default_rng(1)
    g = np.stack([conductances(len(edges), decades, seed) for seed in range(batch)])
    g[:, ::7] = 0  # open junctions
    u, current = rng.uniform(-1, 1, (batch, len(terminals))), rng.uniform(-1e-9, 1e-9, (batch, n))
    return tuple(jnp.asarray(x, dtype) for x in (g, u, current))


def everything(plan):
    """Potentials, currents, and the way back: of one network."""

    def solve(g, u, current):
        plain, fed = jk.solve_nodes(plan, g, u), jk.solve_nodes(plan, g, u, current)
        loss = lambda g, u, current: jnp.sum(jk.solve_nodes(plan, g, u, current).node_potential ** 2)
        return plain, fed, jax.grad(loss, (0, 1, 2))(g, u, current)

    return solve


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_a_network_has_the_same_bits_in_every_batch(dtype):
    whole = inputs(256, dtype)
    run = jax.jit(jax.vmap(everything(PLAN)))
    expected = run(*whole)
    alone = jax.jit(everything(PLAN))
    for size in (1, 2, 7, 8, 16, 19, 33, 40):
        some = run(*(x[:size] for x in whole))
        first = jax.tree.map(lambda x, n=size: x[:n], expected)
        jax.tree.map(np.testing.assert_array_equal, first, some)
    one = alone(*(x[5] for x in whole))
    jax.tree.map(lambda x, y: np.testing.assert_array_equal(x[5], y), expected, one)


def test_at_once_as_one_after_the_other():
    # Sources along junctions and currents into nodes, one of them or neither.
    g, u, current = (jnp.moveaxis(x, 0, 1) for x in inputs(5, jnp.float64, decades=4.0))
    source = 1e-6 * jnp.sin(jnp.arange(g.size, dtype=g.dtype)).reshape(g.shape)
    for given in ((None, None), (current, None), (None, source), (current, source[:, :1])):
        at_once = jax.jit(type(PLAN).solve)(PLAN, g, u, *given)
        apart = jax.jit(jk.AbstractPlan.solve)(PLAN, g, u, *given)
        for x, y in zip(at_once, apart, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-10 * float(jnp.abs(y).max()))


def test_what_solves_at_once_has_the_bits_of_kept_factors():
    g, u, _ = (x[0] for x in inputs(1, jnp.float32))
    kept = jk.solve_nodes(PLAN, g, u, factors=jk.eliminate_nodes(PLAN, g))
    jax.tree.map(np.testing.assert_array_equal, jk.solve_nodes(PLAN, g, u), kept)


def test_right_hand_sides_share_one_elimination():
    g, u, current = (x[0] for x in inputs(1, jnp.float64, decades=4.0))
    few = jnp.stack([current, 2 * current, 0 * current])
    solve = lambda current: jk.solve_nodes(PLAN, g, u, current)
    for k, one in enumerate(map(solve, few)):
        mapped = jax.tree.map(lambda x, k=k: x[k], jax.vmap(solve)(few))
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12), mapped, one)
    assert "jaxnn_eliminate" in jax.jit(jax.vmap(solve)).lower(few).as_text()
    assert "jaxnn_eliminate" not in jax.jit(solve).lower(current).as_text()


def test_potentials_of_another_dtype():
    g, u, current = (x[0] for x in inputs(1, jnp.float32, decades=4.0))
    mixed = jk.solve_nodes(PLAN, g, u.astype(jnp.float64), current).node_potential
    assert mixed.dtype == jnp.float64
    np.testing.assert_allclose(mixed, jk.solve_nodes(PLAN, g, u, current).node_potential, atol=1e-6)


def test_shared_factors_serve_many_drives():
    g, u, current = inputs(33, jnp.float64)
    solve = lambda u, current: jk.solve_nodes(PLAN, g[0], u, current)
    many = jax.jit(jax.vmap(solve))(u, current)
    looped = [solve(*x) for x in zip(u, current, strict=True)]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *looped)
    jax.tree.map(np.testing.assert_array_equal, many, stacked)


def test_axes_mapped_apart():
    """Conductances along one axis, potentials along another, currents along both."""
    g, u, _ = inputs(5, jnp.float64)
    current = jnp.asarray(np.random.default_rng(2).uniform(-1e-9, 1e-9, (5, 3, N)))
    solve = lambda g, u, current: jk.solve_nodes(PLAN, g, u, current).node_potential
    out = jax.vmap(jax.vmap(solve, (None, 0, 0)), (0, None, 0))(g, u[:3], current)
    for i in range(5):
        for k in range(3):
            np.testing.assert_array_equal(out[i, k], solve(g[i], u[k], current[i, k]))


def test_threads_share_long_solves():
    n = 150
    edges, terminals = graph(n, 6.0, seed=2), np.array([0, n - 1])
    plan = jk.compiled_plan(n, edges, terminals)
    g, u, current = inputs(1024, jnp.float32, n, edges, terminals)
    run = jax.jit(jax.vmap(lambda *x: jk.solve_nodes(plan, *x)))
    shared, few = run(g, u, current), run(g[:16], u[:16], current[:16])
    jax.tree.map(lambda x, y: np.testing.assert_array_equal(x[:16], y), shared, few)


@pytest.mark.parametrize("block", [2000, 64, 1])
def test_networks_that_differ_have_the_bits_of_one_alone(block, monkeypatch):
    """In blocks of all of them, of some, and of each; one has no wire but its terminals."""
    monkeypatch.setattr(flat_schedule, "CPU_BLOCK", block)
    sizes = 70, 3, 90, 2
    parts = [graph(n, seed=n) for n in sizes]
    offset = np.cumsum([0, *sizes])
    ends = [np.array([0, n - 1]) for n in sizes]
    edges = np.concatenate([e + k for e, k in zip(parts, offset[:-1], strict=True)])
    terminals = np.concatenate([t + k for t, k in zip(ends, offset[:-1], strict=True)])
    g, u = conductances(len(edges), seed=3), np.random.default_rng(0).uniform(-1, 1, len(terminals))
    out = jk.solve_nodes(
        jk.compiled_plan(int(offset[-1]), edges, terminals), jnp.asarray(g), jnp.asarray(u)
    )
    first = np.cumsum([0, *map(len, parts)])
    for k, n in enumerate(sizes):
        plan = jk.compiled_plan(n, parts[k], ends[k])
        of_one = jnp.asarray(g[first[k] : first[k + 1]]), jnp.asarray(u[2 * k : 2 * k + 2])
        one = jk.solve_nodes(plan, *of_one)
        np.testing.assert_array_equal(out.node_potential[offset[k] : offset[k + 1]], one.node_potential)
        np.testing.assert_array_equal(out.terminal_current[2 * k : 2 * k + 2], one.terminal_current)


def test_a_block_of_many_slots_has_pairs_of_two_numbers():
    n = 480
    rng = np.random.default_rng(0)
    pairs = np.stack(np.triu_indices(n, 1), 1)
    edges = pairs[rng.permutation(len(pairs))[: 12 * n]]
    terminals = np.array([0, 1])
    plan: Any = jk.compiled_plan(n, edges, terminals)
    assert plan.n_slots > 2**16
    g, u = conductances(len(edges)), np.array([1.0, 0.0])
    out = jk.solve_nodes(plan, jnp.asarray(g), jnp.asarray(u))
    phi, _, current = dense_solution(n, edges, terminals, g, u)
    np.testing.assert_allclose(out.node_potential, phi, atol=1e-11)
    np.testing.assert_allclose(out.terminal_current, current, rtol=1e-9)


def script(code, **environment):
    """What a process of its own prints, or says in failing."""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT}/kernels:{ROOT}/tests", **environment},
    )
    return ran.stdout.strip() or ran.stderr.strip().splitlines()[-1]


BITS = """
import hashlib, jax, numpy as np
jax.config.update("jax_enable_x64", True)
from kernels import test_compiled as t
digest = hashlib.sha256()
for dtype in ("float32", "float64"):
    for batch in (1, 21):
        out = jax.jit(jax.vmap(t.everything(t.PLAN)))(*t.inputs(batch, dtype))
        [digest.update(np.asarray(x).tobytes()) for x in jax.tree.leaves(out)]
        assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(out))
print(t.jk.solved_by(), digest.hexdigest())
"""


def test_every_width_of_vectors_gives_the_same_bits():
    """But for processors without a fused multiply-add, which round every product."""
    said = [script(BITS, JAXNN_SIMD=name).rsplit(maxsplit=1) for name in ("avx512", "avx2", "plain")]
    loaded: Any = library._loaded()
    widest = loaded.jaxnn_simd().decode()
    names = {
        "avx512": ["avx512", "avx2", "plain"],
        "avx2": ["avx2", "avx2", "plain"],
        "plain": ["plain"] * 3,
    }
    assert [name for name, _ in said] == [f"compiled ({name})" for name in names[widest]]
    assert said[0][1] == said[1][1]


def test_the_environment_chooses():
    code = (
        "import numpy as np, jaxnn_kernels as k\n"
        "print(type(k.nodal_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))).__name__, k.solved_by())"
    )
    assert script(code, JAXNN_SOLVE="xla") == "StarMeshPlan XLA (JAXNN_SOLVE=xla)"
    assert script(code, JAXNN_SOLVE="compiled").startswith("CompiledPlan compiled (")
    assert script(code, JAXNN_SOLVE="fast") == (
        "ValueError: JAXNN_SOLVE must be '' or 'compiled' or 'xla', got 'fast'."
    )


def test_the_full_elimination_pays_only_where_the_list_of_products_grows_long():
    complete = lambda n: np.stack(np.triu_indices(n, 1), 1)
    plans = {n: jk.nodal_plan(n, complete(n), np.array([0, 1]), "cpu") for n in (40, 240)}
    assert [type(plan).__name__ for plan in plans.values()] == ["CompiledPlan", "DensePlan"]
    work = "a schedule of 80 KiB; full elimination takes 20,539 multiply-adds"
    assert repr(plans[40]) == f"CompiledPlan(40 wires, 780 junctions, 2 terminals: {work})"


@pytest.fixture
def no_library(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "_LIBRARY", tmp_path / "libjaxnn_nodal.so")
    library._loaded.cache_clear()
    library._say_once.cache_clear()
    yield tmp_path / "libjaxnn_nodal.so"
    monkeypatch.undo()
    library._loaded.cache_clear()
    library._say_once.cache_clear()


def test_without_the_library_the_slower_path_runs_and_says_so_once(no_library, monkeypatch, recwarn):
    with pytest.warns(
        UserWarning, match="runs on XLA, some 2 to 8 times slower.*without a C\\+\\+ compiler"
    ):
        plan = jk.nodal_plan(N, EDGES, TERMINALS)
    assert type(plan).__name__ == "StarMeshPlan"
    recwarn.clear()
    jk.nodal_plan(N, EDGES, TERMINALS)
    assert not recwarn
    monkeypatch.setenv("JAXNN_SOLVE", "compiled")
    with pytest.raises(
        RuntimeError, match="asks for the compiled nodal solve; but jaxnn was installed without"
    ):
        jk.nodal_plan(N, EDGES, TERMINALS)


def test_a_library_that_does_not_load_is_no_library(no_library):
    no_library.write_bytes(b"\x7fELF, but not really")
    with pytest.warns(UserWarning, match="does not load"):
        assert not jk.is_compiled()


def test_an_exported_program_needs_no_library():
    g, u, current = (x[0] for x in inputs(1, jnp.float64, decades=4.0))
    solve = jax.jit(everything(PLAN))
    exported = export.export(solve)(g, u, current)
    assert "@jaxnn_" not in exported.mlir_module()
    again = exported.call(g, u, current)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-15), again, solve(g, u, current)
    )
    lowers(solve, g, u, current)


def test_a_plan_of_here_alone_cannot_be_exported():
    plan = jk.plans_of_here(PLAN)
    g, u, _ = (x[0] for x in inputs(1, jnp.float64))
    solve = jax.jit(lambda g, u: jk.solve_nodes(plan, g, u).node_potential)
    np.testing.assert_array_equal(solve(g, u), jk.solve_nodes(PLAN, g, u).node_potential)
    with pytest.raises(NotImplementedError, match="make it again by nodal_plan"):
        export.export(solve)(g, u)


def test_pairs_of_electrodes_share_a_program():
    network = small_network(1, 60)[0]
    pairs = [(a, b) for a in range(0, 12, 3) for b in range(20, 32, 3)]
    plans: Any = {p: jk.compiled_plan(network.n_nodes, network.edges, np.array(p)) for p in pairs}
    traced = []

    @jax.jit
    def solve(plan, g, u):
        traced.append(1)
        return jk.solve_nodes(plan, g, u).terminal_current

    g, u = jnp.full(network.n_junctions, 1e-3), jnp.array([1.0, 0.0])
    for plan in plans.values():
        np.testing.assert_allclose(jnp.sum(solve(jk.plans_of_here(plan), g, u)), 0, atol=1e-15)
    classes = {(len(p.schedule), p.n_slots) for p in plans.values()}
    assert len(traced) == len(classes) < len(pairs) / 3


def test_runs_with_other_electrodes_compile_nothing():
    network = small_network(1, 60)[0]
    make: Any = jk.compiled_plan
    plan = lambda p: make(network.n_nodes, network.edges, np.array(p))
    of = lambda p: (len(plan(p).schedule), plan(p).n_slots)
    pairs = [(0, b) for b in range(20, 60, 3)]
    alike = [p for p in pairs if of(p) == of(pairs[0])][:3]
    assert len(alike) == 3
    run = lambda pair: jaxnn.simulate(
        network, jaxnn.TunnelJunction(), jaxnn.Constant(0.5), steps=3, dt=1e-3, terminals=pair
    )
    run(alike[0])
    compiled = []
    with jax.log_compiles(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("logging.Logger.warning", lambda self, message, *args: compiled.append(message))
        run(alike[1])
        run(alike[2])
    assert not [m for m in compiled if "Compiling" in m and "_run" in m]


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 15, 100, 1000, 12345])
def test_classes_of_sizes_waste_little(n):
    assert n <= size_class(n) <= 1.25 * n + 1
    assert size_class(size_class(n)) == size_class(n)


def test_a_schedule_of_something_else_is_refused():
    g, u, _ = (x[0] for x in inputs(1, jnp.float64))
    broken = jk.plans_of_here(PLAN).__class__(
        **{**vars(jk.plans_of_here(PLAN)), "schedule": np.zeros_like(PLAN.schedule)}
    )
    with pytest.raises(Exception, match="not one that this library has made; plan it again"):
        jax.block_until_ready(jk.solve_nodes(broken, g, u))


@pytest.mark.slow
def test_an_installation_without_a_compiler(tmp_path):
    """`pip install` goes through, and the wheel is plain Python."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("python3", "git", "env", "sh"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    copy = tmp_path / "source"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".venv*", ".git", "build", "dist", "results", "*.so")
    )
    command[-1] = str(copy)
    environment = {"PATH": str(tools), "HOME": str(tmp_path)}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "was not built, the slower one will run" in ran.stdout + ran.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
