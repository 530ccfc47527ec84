"""Star-mesh elimination alone: the transform in numbers, accuracy, layout and cost."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn_kernels import solve_nodes, star_mesh_plan
from jaxnn_kernels._nodal.star_mesh import eliminate


pytestmark = pytest.mark.numbers


def test_a_star_becomes_its_mesh():
    edges = np.array([[3, 0], [1, 3], [3, 2]])
    g = jnp.array([1.0, 2.0, 5.0])
    plan: Any = star_mesh_plan(4, edges, np.array([0, 1, 2]))
    mesh = np.sort(eliminate(plan, g).mesh)
    np.testing.assert_allclose(mesh, [1 * 2 / 8, 1 * 5 / 8, 2 * 5 / 8], rtol=1e-15)


def test_effective_conductance_in_single_precision_against_exact_fractions():
    """A ladder of resistors, contrast 1e12: exact by series and parallel rules."""
    n = 12
    rails = [[i, i + 1] for i in range(n - 1)]
    rungs = [[i, i + n] for i in range(n)]
    other = [[i + n, i + n + 1] for i in range(n - 1)]
    edges = np.array(rails + other + rungs)
    g = (10.0 ** np.random.default_rng(0).uniform(-14, -2, len(edges))).astype(np.float32)
    exact = 0.0
    for i in range(n):
        exact += float(g[2 * (n - 1) + i])
        if i < n - 1:
            exact = 1 / (1 / exact + 1 / float(g[i]) + 1 / float(g[n - 1 + i]))
    plan = star_mesh_plan(2 * n, edges, np.array([n - 1, 2 * n - 1]))
    out = jax.jit(solve_nodes)(plan, jnp.asarray(g), jnp.array([1.0, 0.0], jnp.float32))
    np.testing.assert_allclose(out.terminal_current[0], exact, rtol=2e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_batch_is_last_inside_whatever_axis_is_mapped(axis):
    edges = np.array([[0, 1], [1, 2], [2, 3], [1, 3]])
    plan = star_mesh_plan(4, edges, np.array([0, 3]))
    shape = (7, len(edges)) if axis == 0 else (len(edges), 7)
    mapped = jax.vmap(solve_nodes, (None, axis, None))
    jaxpr = jax.make_jaxpr(mapped)(plan, jnp.ones(shape), jnp.array([1.0, 0.0]))
    (solve,) = [e for e in jaxpr.eqns if e.primitive.name == "nodal_solve"]
    assert solve.outvars[0].aval.shape == (4, 7)


def test_many_drives_need_one_elimination():
    edges = np.array([[0, 1], [1, 2], [2, 3], [1, 3]])
    plan = star_mesh_plan(4, edges, np.array([0, 3]))
    mapped = jax.vmap(solve_nodes, (None, None, 0))
    jaxpr = jax.make_jaxpr(mapped)(plan, jnp.ones(len(edges)), jnp.ones((7, 2)))
    equation = {e.primitive.name: e for e in jaxpr.eqns}
    # Potentials for each drive, but one elimination.
    assert equation["nodal_solve"].outvars[0].aval.shape == (4, 7)
    assert all(len(x.aval.shape) == 1 for x in equation["eliminate_wires"].outvars)


def test_few_operations_a_round():
    """Three fused loops a round forward and two back, one more for a sum in parts, and the counters
    of the loops over rounds."""
    n = 60
    edges = np.array([[i, i + d] for d in (1, 2, 5) for i in range(n - d)])
    plan: Any = star_mesh_plan(n, edges, np.array([0, n - 1]))
    batched = jax.jit(jax.vmap(solve_nodes, (None, 1, None), 1))
    g = jax.ShapeDtypeStruct((len(edges), 64), "float32")
    u = jax.ShapeDtypeStruct((2,), "float32")
    text = str(batched.lower(plan, g, u).compile().as_text())
    loops = text.count(" fusion(") + text.count(" copy(")
    chunks = [left.shape[-2] for s in plan.segments for left, _ in s.tables.chunks]
    in_parts = sum(width > 16 for width in chunks)
    # XLA of jax 0.12 puts a copy into each loop over rounds, and fuses less: 136 where 0.10 has 74.
    newer = 1 if jax.__version_info__[:2] == (0, 10) else 2
    assert loops <= newer * (8 * len(plan.segments) + len(chunks) + in_parts + 24)
