"""The kernels of a GPU, step by step on a CPU against XLA's solve, and as programs for a GPU."""

import dataclasses as dc
import functools as ft
import importlib
import json
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import jaxnn_kernels
from helpers import ROOT, run_worker
from jaxnn_kernels import joined_wires, nodal_plan, solve_nodes, star_mesh_plan
from jaxnn_kernels._compiled import library
from jaxnn_kernels._compiled.gpu_walk import Tile, tile_for
from jaxnn_kernels._compiled.on_gpu import eliminate_on_gpu, substitute_on_gpu
from jaxnn_kernels._nodal import device_schedule, flat_schedule
from jaxnn_kernels._nodal.compiled_plan import CompiledFactors


pytestmark = pytest.mark.numbers

# The function of this name hides it.
module: Any = importlib.import_module("jaxnn_kernels._nodal.compiled_plan")

CUDA = ROOT / ".venv-gpu" / "bin" / "python"

compiled_plan: Any = jaxnn_kernels.compiled_plan

ONE, FEW, MANY = Tile(8, 4, 1), Tile(4, 2, 4), Tile(2, 1, 32)


def network(n, extra, seed):
    """A chain with a few more junctions at random, none of them twice."""
    rng = np.random.default_rng(seed)
    chain = {(k, k + 1) for k in range(n - 1)}
    while len(chain) < n - 1 + extra:
        a, b = sorted(rng.choice(n, 2, replace=False).tolist())
        chain.add((a, b))
    return np.array(sorted(chain))


def interpreted(monkeypatch, tile):
    """Solves by the plan's kernels, step by step."""
    run = {"tile": tile, "interpret": True}
    monkeypatch.setattr(module, "eliminate_on_gpu", ft.partial(eliminate_on_gpu, **run))
    monkeypatch.setattr(module, "substitute_on_gpu", ft.partial(substitute_on_gpu, **run))


def solved(plan, g, u, current=None):
    factors = CompiledFactors(*module._eliminate_on_gpu(plan, g))
    return module._substitute_on_gpu(plan, factors, u, current, None)[:2]


def reference(n, edges, terminals, g, u, *current):
    plan = star_mesh_plan(n, edges, terminals)
    return jax.vmap(ft.partial(solve_nodes, plan), 1, 1)(g, u, *current)


def agrees(out, expected, dtype):
    # Two orders of the same sums: a few units in the last place.
    rtol = {"float32": 2e-6, "float64": 4e-15}[dtype]
    for x, y in zip(out, (expected.node_potential, expected.terminal_current), strict=True):
        assert x.dtype == jnp.dtype(dtype)
        np.testing.assert_allclose(x, y, rtol=0, atol=rtol * np.abs(y).max())


def arguments(n, edges, terminals, batch, dtype, seed=0):
    rng = np.random.default_rng(seed)
    g = 10 ** rng.uniform(-7, -3, (len(edges), batch))
    u = rng.normal(size=(len(terminals), batch))
    current = 1e-6 * rng.normal(size=(n, batch))
    return tuple(jnp.asarray(x, dtype) for x in (g, u, current))


@pytest.mark.parametrize("injected", [False, True])
@pytest.mark.parametrize(
    ("batch", "dtype", "tile"), [(1, "float64", ONE), (3, "float32", FEW), (33, "float64", MANY)]
)
def test_kernels_agree_with_xla(monkeypatch, batch, dtype, tile, injected):
    n, terminals = 14, np.array([0, 13, 6])
    edges = network(n, 14, 0)
    interpreted(monkeypatch, tile)
    g, u, current = arguments(n, edges, terminals, batch, dtype)
    given = (g, u, current) if injected else (g, u)
    out = solved(compiled_plan(n, edges, terminals, "gpu"), *given)
    agrees(out, reference(n, edges, terminals, *given), dtype)


def test_two_networks_that_differ_are_blocks_of_one_launch(monkeypatch):
    monkeypatch.setattr(flat_schedule, "GPU_BLOCK", 8)
    edges = np.concatenate([network(12, 6, 1), 12 + network(9, 9, 2)])
    terminals = np.array([0, 14, 11, 20])
    plan = compiled_plan(21, edges, terminals, "gpu")
    assert plan.on_gpu.blocks.shape[0] == 2
    interpreted(monkeypatch, FEW)
    given = arguments(21, edges, terminals, 2, "float64")
    agrees(solved(plan, *given), reference(21, edges, terminals, *given), "float64")


def test_slots_that_need_more_than_sixteen_bits(monkeypatch):
    monkeypatch.setattr(flat_schedule, "NARROW", 4)
    monkeypatch.setattr(device_schedule, "NARROW", 4)
    n, terminals = 12, np.array([0, 11])
    edges = network(n, 12, 3)
    plan = compiled_plan(n, edges, terminals, "gpu")
    assert plan.on_gpu.pairs.ndim == 2
    interpreted(monkeypatch, ONE)
    g, u, _ = arguments(n, edges, terminals, 1, "float64")
    agrees(solved(plan, g, u), reference(n, edges, terminals, g, u), "float64")


def test_open_junctions_and_products_that_underflow(monkeypatch):
    """Junctions of 0 S leak 2^-90 S, whose products are no float32: wires that hang follow the limit."""
    n, terminals = 12, np.array([0, 11])
    edges = network(n, 8, 4)
    plan = compiled_plan(n, edges, terminals, "gpu")
    interpreted(monkeypatch, ONE)
    g, u, _ = arguments(n, edges, terminals, 2, "float32")
    # A closed island in the middle, and everything open.
    island = np.isin(edges, [4, 5]).sum(axis=1) == 1
    g = g.at[:, 0].set(jnp.where(island, 0, g[:, 0])).at[:, 1].set(0)
    leaking = jnp.maximum(g, jnp.float32(2.0**-90))
    out = solved(plan, leaking, u)
    expected = reference(n, edges, terminals, g, u)
    agrees(out, expected, "float32")
    factors = CompiledFactors(*module._eliminate_on_gpu(plan, leaking))
    (joined,) = module._joined_on_gpu(plan, leaking, factors)
    whole = star_mesh_plan(n, edges, terminals)
    np.testing.assert_array_equal(joined > 0.5, jax.vmap(ft.partial(joined_wires, whole), 1, 1)(g))


def test_factors_that_a_batch_of_drives_shares(monkeypatch):
    n, terminals = 12, np.array([0, 11])
    edges = network(n, 8, 5)
    plan = compiled_plan(n, edges, terminals, "gpu")
    interpreted(monkeypatch, FEW)
    g, _, _ = arguments(n, edges, terminals, 1, "float64")
    _, u, _ = arguments(n, edges, terminals, 5, "float64")
    given = jnp.broadcast_to(g, (len(edges), 5)), u
    agrees(solved(plan, g, u), reference(n, edges, terminals, *given), "float64")


@pytest.mark.parametrize(
    ("edges", "terminals"), [(np.zeros((0, 2), int), [0]), (np.array([[0, 1]]), [0, 1])]
)
def test_no_junctions_and_no_wires(monkeypatch, edges, terminals):
    plan = compiled_plan(2, edges, np.array(terminals), "gpu")
    interpreted(monkeypatch, ONE)
    given = arguments(2, edges, np.array(terminals), 1, "float64")[:2]
    agrees(solved(plan, *given), reference(2, edges, np.array(terminals), *given), "float64")


def test_no_thread_reads_what_another_writes_between_two_barriers():
    """Of an interpreter's one thread nothing can be seen of that: so by the lists themselves."""
    n, terminals = 60, np.array([0, 59, 30])
    plan = compiled_plan(n, network(n, 60, 10), terminals, "gpu")
    s = plan.on_gpu
    (n_rounds,) = s.blocks[:, 1]
    round_of_wire, round_of_slot = np.full(n, n_rounds), np.full(plan.n_slots, n_rounds)
    for k, (_, _, wire, end, *_) in enumerate(s.rounds[:n_rounds]):
        for node, start, stop in s.wires[:, wire:end].T:
            round_of_wire[node] = k
            assert (round_of_slot[start:stop] == n_rounds).all()
            round_of_slot[start:stop] = k
    padding = s.blocks[0, 7]
    round_of_slot[padding] = -1
    for k, (first, last, wire, end, most, most_reach) in enumerate(s.rounds[:n_rounds]):
        # A round sums its own branches, each once, of products of those before.
        targets = s.branches[0, first:last]
        assert sorted(targets) == sorted(np.flatnonzero(round_of_slot == k))
        pairs = s.pairs[s.first[first] : s.first[last]]
        assert (round_of_slot[np.concatenate([pairs & 0xFFFF, (pairs >> 16) & 0xFFFF])] < k).all()
        assert (np.diff(np.diff(s.first[first : last + 1])) >= 0).all()
        # Its wires take from those after on the way back, and from those before on the way there.
        for node, start, stop in s.wires[:, wire:end].T:
            assert (round_of_wire[s.far[start:stop]] > k).all()
            slots, nodes = s.reached[:, s.reach[node] : s.reach[node + 1]]
            assert (round_of_wire[nodes] < k).all()
            np.testing.assert_array_equal(s.far[slots], node)
            assert stop - start <= most
            assert len(slots) <= most_reach


def launches(function, *args):
    traced = jax.jit(function).trace(*args)
    try:
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
    except RuntimeError as error:
        if "No supported GPU" not in str(error):
            raise
        pytest.skip("From 0.12 on JAX asks the GPU itself what a kernel in Triton is to be lowered for.")
    return re.findall(r'xla\.gpu\.triton.*?ir = "(.*?)"', text)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_solve_is_one_launch(dtype):
    n, terminals = 20, np.array([0, 19])
    edges = network(n, 20, 6)
    plan = compiled_plan(n, edges, terminals, "gpu")
    g, u = jnp.ones((7, len(edges)), dtype), jnp.array([1.0, 0.0], dtype)
    solve = lambda g: jax.vmap(lambda g: solve_nodes(plan, g, u).terminal_current[0])(g)
    assert len(launches(solve, g)) == 2  # the elimination, the substitution
    # Who is joined to a terminal, and the response to the cotangent.
    assert len(launches(jax.grad(lambda g: jnp.sum(solve(g))), g)) == 4


def test_what_a_device_has_within_a_shard_map_is_whole_to_it():
    edges = network(12, 8, 12)
    plan = compiled_plan(12, edges, np.array([0, 11]), "gpu")
    solve = jax.vmap(lambda g: solve_nodes(plan, g, jnp.array([1.0, 0.0])).terminal_current)
    mesh = jax.make_mesh((1,), ("b",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("b")
    split = jax.shard_map(solve, mesh=mesh, in_specs=spec, out_specs=spec)
    assert len(launches(split, jnp.ones((2, len(edges))))) == 2


def test_networks_of_one_class_of_sizes_share_their_kernels():
    n, terminals = 20, np.array([0, 19])
    g, u = jnp.ones(39), jnp.array([1.0, 0.0])

    def of(seed) -> Any:
        plan = compiled_plan(n, network(n, 20, seed), terminals, "gpu")
        sizes = [np.shape(x) for x in jax.tree.leaves(plan.on_gpu)]
        return sizes, launches(lambda g: solve_nodes(plan, g, u).node_potential, g)

    (sizes, kernels), *others = [of(seed) for seed in (3, 4, 5)]
    assert len(kernels) == 2
    for more in others:
        assert more == (sizes, kernels)


def test_what_is_exported_or_shared_is_left_to_xla():
    edges = network(12, 8, 7)
    plan = compiled_plan(12, edges, np.array([0, 11]), "gpu")
    solve = lambda g: solve_nodes(plan, g, jnp.array([1.0, 0.0])).terminal_current
    exported = export.export(jax.jit(solve), platforms=["cuda"])(jnp.ones(len(edges)))
    assert "triton" not in exported.mlir_module()


def test_a_jax_without_pallas_leaves_all_to_xla(monkeypatch):
    monkeypatch.setattr(module, "is_pallas_there", lambda: False)
    edges = network(12, 8, 8)
    plan = compiled_plan(12, edges, np.array([0, 11]), "gpu")
    assert plan.on_gpu is None
    assert launches(lambda g: solve_nodes(plan, g, jnp.array([1.0, 0.0])), jnp.ones(len(edges))) == []


@pytest.mark.parametrize("there", [False, True])
def test_a_plan_for_a_gpu_runs_on_a_cpu(monkeypatch, there, tmp_path):
    """With the compiled library and without."""
    n, terminals = 12 + there, np.array([0, 11])
    edges = network(n, 8, 11)
    if not there:
        monkeypatch.setattr(library, "_LIBRARY", tmp_path / "none.so")
    library._loaded.cache_clear()
    g, u, _ = arguments(n, edges, terminals, 3, "float64")
    solve = jax.vmap(ft.partial(solve_nodes, compiled_plan(n, edges, terminals, "gpu")), 1, 1)
    out = solve(g, u)
    monkeypatch.undo()
    library._loaded.cache_clear()
    agrees(out[::2], reference(n, edges, terminals, g, u), "float64")


def test_a_gpu_takes_the_kernels_where_they_are_asked_for(monkeypatch):
    edges = network(40, 40, 9)
    monkeypatch.delenv("JAXNN_SOLVE", raising=False)
    given = 40, edges, np.array([0, 39]), "gpu"
    assert not hasattr(nodal_plan(*given), "on_gpu")
    monkeypatch.setenv("JAXNN_SOLVE", "compiled")
    plan: Any = nodal_plan(*given)
    assert dc.is_dataclass(plan.on_gpu)


def test_a_program_for_each_core_of_a_gpu():
    for batch, blocks, slots in [(1, 1, 500), (31, 1, 500), (4096, 1, 500), (64, 1, 9000), (1, 256, 500)]:
        tile = tile_for(batch, blocks, slots)
        assert np.prod(tile) in (256, 512)
        assert tile.lanes == 1 or blocks * batch // tile.lanes >= 128
        assert tile.lanes <= batch
    assert tile_for(10**6, 1, 500).lanes == 32


@pytest.mark.slow
@pytest.mark.skipif(not CUDA.exists(), reason="needs the CUDA build of JAX: make .venv-gpu/ready")
def test_an_h100_would_launch_little_and_spill_nothing():
    for line in run_worker("gpu_worker.py", python=str(CUDA)).splitlines():
        case = json.loads(line)
        # The elimination, the substitution, and what XLA makes of a device's law, the drive and the loop.
        assert case["launches"] <= 8
        assert case["spills"] == 0
