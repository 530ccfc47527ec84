"""The nodal solve against dense float64 NumPy, finite differences and itself under every
transform."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import networkx as nx
import numpy as np
import pytest

from circuits import central, check_shapes, conductances, dense_solution, graph
from jaxnn_kernels import (
    compiled_plan,
    dense_plan,
    difference,
    divergence,
    nodal_plan,
    solve_nodes,
    star_mesh_plan,
)
from jaxnn_kernels._nodal.checks import checked_graph


pytestmark = pytest.mark.numbers


PLANS = [star_mesh_plan, compiled_plan, dense_plan]
# One jitted function for the whole file: plans of one shape share its compilation.
solve = jax.jit(solve_nodes)


def check(n_nodes, edges, terminals, g, u, make_plan, tol=1e-11):
    out = solve(make_plan(n_nodes, edges, terminals), jnp.asarray(g), jnp.asarray(u))
    phi, voltage, current = dense_solution(n_nodes, edges, terminals, g, u)
    np.testing.assert_allclose(out.node_potential, phi, atol=tol)
    np.testing.assert_allclose(out.junction_voltage, voltage, atol=2 * tol)
    scale = np.abs(current).max() + 1e-300
    np.testing.assert_allclose(out.terminal_current / scale, current / scale, atol=100 * tol)
    return out


def complete(n_nodes):
    return np.array(nx.complete_graph(n_nodes).edges)


def star_pads(n_wires):
    """Two pads with a 0.1 S junction to half of the wires each."""
    inner = graph(n_wires, seed=3)
    wires = np.arange(n_wires)
    top = np.stack([wires[: n_wires // 2], np.full(n_wires // 2, n_wires)], 1)
    bottom = np.stack([np.full(n_wires - n_wires // 2, n_wires + 1), wires[n_wires // 2 :]], 1)
    edges = np.concatenate([inner, top, bottom])
    g = np.concatenate([conductances(len(inner)), np.full(n_wires, 0.1)])
    return edges, g


CASES = {
    "two nodes": (2, np.array([[1, 0]]), [0, 1]),
    "one free wire": (3, np.array([[0, 1], [2, 1]]), [2, 0]),
    "all nodes terminals": (4, complete(4), [3, 1, 0, 2]),
    "adjacent terminals": (12, complete(12), [4, 5]),
    "three terminals": (30, graph(30), [0, 29, 11]),
    "many terminals": (30, graph(30, seed=1), list(range(0, 30, 3))),
    "path": (9, np.array([[i, i + 1] for i in range(8)]), [0, 8]),
    "star with a free hub": (40, np.array([[0, i] for i in range(1, 40)]), [5, 6, 7]),
}


@pytest.mark.parametrize("make_plan", PLANS)
@pytest.mark.parametrize("name", CASES)
def test_equals_dense_reference(name, make_plan):
    n_nodes, edges, terminals = CASES[name]
    u = np.random.default_rng(1).normal(size=len(terminals))
    g = conductances(len(edges))
    # Convex combinations of potentials of about 1 V: the rest is the reference's own rounding at
    # 1e4.
    out = check(n_nodes, edges, np.array(terminals), g, u, make_plan, tol=1e-10)
    assert abs(out.terminal_current.sum()) < 1e-13 * abs(out.terminal_current).max() + 1e-25


@pytest.mark.parametrize("make_plan", PLANS)
def test_kirchhoff_and_orientation(make_plan):
    edges, terminals = graph(40, seed=5), np.array([0, 39])
    g = conductances(len(edges))
    out = solve(make_plan(40, edges, terminals), jnp.asarray(g), jnp.array([1.0, 0.0]))
    flow = g * np.asarray(out.junction_voltage)
    net = np.zeros(40)
    np.add.at(net, edges[:, 0], flow)
    np.add.at(net, edges[:, 1], -flow)
    np.testing.assert_allclose(net[1:39], 0, atol=1e-18)
    np.testing.assert_allclose(net[[0, 39]], out.terminal_current, rtol=1e-9)
    assert out.terminal_current[0] > 0 > out.terminal_current[1]
    # What the drive puts in, the junctions burn.
    np.testing.assert_allclose(flow @ np.asarray(out.junction_voltage), out.terminal_current[0], rtol=1e-9)


def test_the_plan_of_less_work_is_taken_and_says_so(monkeypatch):
    monkeypatch.setenv("JAXNN_SOLVE", "xla")
    ring, full, ends = graph(40, seed=5), complete(40), np.array([0, 39])
    sparse: Any = nodal_plan(40, ring, ends, "cpu")
    dense = nodal_plan(40, full, ends, "cpu")
    # 2^2 + ... + 39^2 multiply-adds.
    assert repr(dense) == (
        "DensePlan(40 wires, 780 junctions, 2 terminals: full elimination, 20,539 multiply-adds)"
    )
    rounds = sum(s.repeat for s in sparse.segments)
    assert repr(sparse) == (
        f"StarMeshPlan(40 wires, 80 junctions, 2 terminals: {rounds} rounds, {sparse.n_products} "
        "products; full elimination takes 20,539 multiply-adds)"
    )


@pytest.mark.parametrize("make_plan", PLANS)
@pytest.mark.parametrize("trails", [((), ()), ((5,), (1,)), ((1,), (5,))])
def test_declared_shapes_are_those_of_the_kernels(make_plan, trails):
    plan = make_plan(12, graph(12), np.array([0, 11, 4]))
    g = jax.ShapeDtypeStruct((24, *trails[0]), "float32")
    u = jax.ShapeDtypeStruct((3, *trails[1]), "float32")
    check_shapes(plan, g, u)


def test_several_panels_of_a_full_elimination():
    """More wires than one panel holds, and a last panel that is not full."""
    edges, terminals = complete(75), np.array([0, 74])
    check(75, edges, terminals, conductances(len(edges)), np.array([1.0, 0.0]), dense_plan, tol=1e-10)


def test_incidence_and_its_transpose():
    edges = graph(12)
    plan = star_mesh_plan(12, edges, np.array([0, 11]))
    x, y = jr.normal(jr.key(0), (12,)), jr.normal(jr.key(1), (24,))
    np.testing.assert_allclose(difference(plan.graph, x), x[edges[:, 0]] - x[edges[:, 1]])
    np.testing.assert_allclose(difference(plan.graph, x) @ y, x @ divergence(plan.graph, y), rtol=1e-12)


def test_pads_of_high_degree():
    edges, g = star_pads(100)
    out = check(102, edges, np.array([100, 101]), g, np.array([1.0, 0.0]), star_mesh_plan)
    plan: Any = star_mesh_plan(102, edges, np.array([100, 101]))
    # A pad pads nobody else: the index arrays stay within a few entries per edge and product.
    size = sum(np.asarray(x).size for x in jax.tree_util.tree_leaves(plan))
    assert size < 25 * (len(edges) + plan.n_products)
    assert out.junction_voltage.shape == (len(edges),)


def many_components():
    sizes, parts, terminals, start = [5, 17, 2, 30, 12], [], [], 0
    for k, n in enumerate(sizes):
        parts.append((n, graph(n, seed=k), np.array([0, n - 1])))
        terminals.append(start + parts[-1][2])
        start += n
    starts = np.cumsum([0, *sizes[:-1]])
    edges = np.concatenate([e + s for (_, e, _), s in zip(parts, starts, strict=True)])
    return parts, start, edges, np.concatenate(terminals)


@pytest.mark.parametrize("make_plan", PLANS)
def test_ensemble_equals_its_networks_alone(make_plan):
    parts, n_nodes, edges, terminals = many_components()
    g = conductances(len(edges), seed=7)
    u = np.random.default_rng(2).normal(size=len(terminals))
    out = solve(make_plan(n_nodes, edges, terminals), jnp.asarray(g), jnp.asarray(u))
    first_edge = first_node = 0
    for k, (n, e, t) in enumerate(parts):
        phi, _, current = dense_solution(n, e, t, g[first_edge:][: len(e)], u[2 * k : 2 * k + 2])
        np.testing.assert_allclose(out.node_potential[first_node : first_node + n], phi, atol=1e-11)
        np.testing.assert_allclose(out.terminal_current[2 * k : 2 * k + 2], current, rtol=1e-9)
        first_edge, first_node = first_edge + len(e), first_node + n


@pytest.mark.parametrize("make_plan", PLANS)
@pytest.mark.parametrize("decades", [4, 8, 12])
def test_single_precision_at_any_contrast(make_plan, decades):
    edges, terminals = graph(60, seed=9), np.array([0, 59])
    plan = make_plan(60, edges, terminals)
    g = conductances(len(edges), decades).astype(np.float32)
    wide = solve(plan, jnp.asarray(g, jnp.float64), jnp.array([1.0, 0.0]))
    narrow = solve(plan, jnp.asarray(g), jnp.array([1.0, 0.0], jnp.float32))
    assert {x.dtype for x in narrow} == {jnp.dtype("float32")}
    np.testing.assert_allclose(narrow.node_potential, wide.node_potential, atol=1e-6)
    np.testing.assert_allclose(narrow.terminal_current, wide.terminal_current, rtol=1e-5)


@pytest.mark.parametrize("make_plan", PLANS)
def test_relative_accuracy_at_contrast_1e12(make_plan):
    """A ladder whose effective conductance is known to all digits: no subtraction, no loss."""
    n = 20
    edges = np.array([[i, i + 1] for i in range(n - 1)])
    g = 10.0 ** np.where(np.arange(n - 1) % 2, -2, -14)
    out = solve(make_plan(n, edges, np.array([0, n - 1])), jnp.asarray(g), jnp.array([1.0, 0.0]))
    np.testing.assert_allclose(out.terminal_current[0], 1 / np.sum(1 / g), rtol=1e-14)


@pytest.mark.parametrize("make_plan", PLANS)
def test_open_junctions(make_plan):
    edges, terminals = graph(24, seed=11), np.array([0, 23])
    g = conductances(len(edges))
    cut = (edges == 12).any(1) | ((edges == 5).any(1) ^ (edges == 6).any(1))
    island = ((edges == 5) | (edges == 6)).all(1)
    assert island.any()
    g[cut & ~island] = 0.0
    plan = make_plan(24, edges, terminals)
    loss = lambda g: jnp.sum(solve_nodes(plan, g, jnp.array([1.0, 0.0])).node_potential ** 2)
    out = solve(plan, jnp.asarray(g), jnp.array([1.0, 0.0]))
    gradient = jax.jit(jax.grad(loss))(jnp.asarray(g))
    assert np.isfinite(out.terminal_current).all()
    assert np.isfinite(gradient).all()
    keep = np.setdiff1d(np.arange(24), [5, 6, 12])
    rank = {v: k for k, v in enumerate(keep.tolist())}
    inside = np.isin(edges, keep).all(1)
    rest = np.array([[rank[a], rank[b]] for a, b in edges[inside].tolist()])
    phi, _, current = dense_solution(
        21, rest, np.array([rank[0], rank[23]]), g[inside], np.array([1.0, 0.0])
    )
    np.testing.assert_allclose(out.node_potential[keep], phi, atol=1e-11)
    np.testing.assert_allclose(out.terminal_current, current, rtol=1e-9)
    nothing = solve(plan, jnp.zeros(len(edges)), jnp.array([1.0, 0.0]))
    np.testing.assert_array_equal(nothing.terminal_current, 0.0)


def scalar_case(make_plan, seed=0):
    """A smooth function of conductances (as logarithms) and potentials that uses all three
    outputs."""
    n_nodes = 9
    edges, terminals = graph(n_nodes, seed=seed), np.array([0, 8, 4])
    plan = make_plan(n_nodes, edges, terminals)
    key = jr.key(seed)
    weights = jr.normal(key, (n_nodes,)), jr.normal(key, (len(edges),)), jr.normal(key, (3,))

    def f(x, u):
        out = solve_nodes(plan, 1e-6 * jnp.exp(x), u)
        return (
            weights[0] @ out.node_potential**2
            + weights[1] @ jnp.sin(out.junction_voltage)
            + weights[2] @ (1e6 * out.terminal_current) ** 2
        )

    x = 2 * jr.normal(jr.key(seed + 1), (len(edges),))
    return f, x, jnp.array([1.0, 0.0, -0.4])


@pytest.mark.parametrize("make_plan", PLANS)
def test_gradients_against_finite_differences(make_plan):
    f, x, u = scalar_case(make_plan)
    value = jax.jit(f)
    dx, du = jr.normal(jr.key(5), x.shape), jr.normal(jr.key(6), u.shape)
    reverse = jax.jit(jax.grad(f, (0, 1)))
    gx, gu = reverse(x, u)
    np.testing.assert_allclose(gx @ dx, central(lambda x: value(x, u), x, dx), rtol=1e-7)
    np.testing.assert_allclose(gu @ du, central(lambda u: value(x, u), u, du), rtol=1e-7)
    _, forward = jax.jit(lambda *a: jax.jvp(f, a, (dx, du)))(x, u)
    np.testing.assert_allclose(forward, gx @ dx + gu @ du, rtol=1e-12)
    # One argument at a time: a zero tangent of the other must not break the transposition.
    only = jax.jit(jax.grad(f, 1))(x, u)
    np.testing.assert_allclose(only, gu, rtol=1e-12)
    second = jax.jit(lambda x: jax.jvp(jax.grad(f), (x, u), (dx, du)))(x)[1]
    joint = lambda s: reverse(x + s * dx, u + s * du)[0]
    np.testing.assert_allclose(second, central(joint, 0.0, 1.0), rtol=1e-6, atol=1e-7 * abs(second).max())


@pytest.mark.slow
def test_hessian_is_symmetric_both_ways():
    f, x, u = scalar_case(star_mesh_plan)
    forward_reverse = jax.jit(jax.hessian(f))(x, u)
    reverse_forward = jax.jit(jax.jacrev(jax.jacfwd(f)))(x, u)
    scale = abs(forward_reverse).max()
    np.testing.assert_allclose(forward_reverse, forward_reverse.T, atol=1e-12 * scale)
    np.testing.assert_allclose(forward_reverse, reverse_forward, atol=1e-12 * scale)


@pytest.mark.parametrize("make_plan", PLANS)
def test_batched_equals_looped(make_plan):
    f, x, u = scalar_case(make_plan, seed=2)
    xs = x[None, None] + 0.1 * jr.normal(jr.key(3), (2, 3, x.size))
    us = u[None] + 0.1 * jr.normal(jr.key(4), (3, 3))
    both = jax.jit(jax.value_and_grad(f, (0, 1)))
    nested = jax.jit(jax.vmap(jax.vmap(jax.value_and_grad(f, (0, 1))), (0, None)))(xs, us)
    last = jax.jit(jax.vmap(jax.value_and_grad(f), (1, None)))(xs[0].T, u)
    for i in range(2):
        for j in range(3):
            value, (gx, gu) = both(xs[i, j], us[j])
            np.testing.assert_allclose(nested[0][i, j], value, rtol=1e-12)
            np.testing.assert_allclose(nested[1][0][i, j], gx, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(nested[1][1][i, j], gu, rtol=1e-10, atol=1e-12)
    for j in range(3):
        np.testing.assert_allclose(last[0][j], both(xs[0, j], u)[0], rtol=1e-12)
    only_u = jax.jit(jax.vmap(f, (None, 0)))(x, us)
    np.testing.assert_allclose(only_u, [both(x, u)[0] for u in us], rtol=1e-12)


def test_transforms_compose_around_a_scan():
    n_nodes = 7
    edges, terminals = graph(n_nodes, seed=4), np.array([0, 6])
    plan = star_mesh_plan(n_nodes, edges, terminals)

    def run(x, amplitude):
        def step(x, k):
            out = solve_nodes(plan, 1e-6 * jnp.exp(x), jnp.stack([amplitude * jnp.cos(k), 0.0 * k]))
            return x + 0.1 * jnp.tanh(out.junction_voltage), out.terminal_current[0]

        return jax.lax.scan(step, x, jnp.arange(3.0))

    final = lambda x, a: jnp.sum(run(x, a)[0] ** 2) + 1e6 * run(x, a)[1].sum()
    xs = jr.normal(jr.key(0), (4, len(edges)))
    amplitudes = jnp.linspace(0.5, 2.0, 4)
    total = lambda xs, a: jax.vmap(final)(xs, a).sum()
    outer = jax.jit(jax.grad(total))(xs, amplitudes)
    inner = jax.jit(jax.vmap(jax.grad(final)))(xs, amplitudes)
    np.testing.assert_allclose(outer, inner, rtol=1e-10, atol=1e-12)
    direction = jr.normal(jr.key(1), xs[0].shape)
    value = jax.jit(final)
    slope = central(lambda x: value(x, amplitudes[0]), xs[0], direction)
    np.testing.assert_allclose(inner[0] @ direction, slope, rtol=1e-7)
    # Second order through a scan: JAX drops custom rules there, and ours must survive.
    hessian = jax.jit(jax.jacfwd(jax.grad(final, 1), 1))(xs[0], amplitudes[0])
    gradient = jax.jit(jax.grad(final, 1))
    slope = central(lambda a: gradient(xs[0], a), amplitudes[0], 1.0)
    np.testing.assert_allclose(hessian, slope, rtol=1e-6)


def test_plans_of_one_shape_share_a_compilation():
    edges, terminals = graph(16, seed=6), np.array([0, 15])
    plan = star_mesh_plan(16, edges, terminals)
    twin = star_mesh_plan(16, edges[:, ::-1], terminals)
    compiled = jax.jit(lambda plan, g: solve_nodes(plan, g, jnp.array([1.0, 0.0])).junction_voltage)
    g = jnp.asarray(conductances(len(edges)))
    np.testing.assert_allclose(compiled(plan, g), -compiled(twin, g), atol=1e-12)
    assert compiled._cache_size() == 1  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]


def test_mapping_over_a_plan_is_refused():
    edges, terminals = graph(6), np.array([0, 5])
    plan = dense_plan(6, edges, terminals)
    plans = jax.tree_util.tree_map(lambda x: np.stack([x, x]), plan)
    with pytest.raises(NotImplementedError, match="one graph of several components"):
        jax.vmap(lambda p: solve_nodes(p, jnp.ones(len(edges)), jnp.array([1.0, 0.0])))(plans)


def test_dtypes_without_x64():
    edges, terminals = graph(8), np.array([0, 7])
    plan = star_mesh_plan(8, edges, terminals)
    with jax.enable_x64(False):
        out = jax.jit(solve_nodes)(plan, jnp.ones(len(edges)), jnp.array([1.0, 0.0]))
        assert {x.dtype for x in out} == {jnp.dtype("float32")}
        np.testing.assert_allclose(
            out.node_potential,
            dense_solution(8, edges, terminals, np.ones(len(edges)), np.array([1.0, 0.0]))[0],
            atol=1e-6,
        )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_larger_networks(seed):
    n = 400
    edges = graph(n, 6.0, seed)
    terminals = np.random.default_rng(seed).choice(n, 2 + seed, replace=False)
    u = np.random.default_rng(seed).normal(size=len(terminals))
    check(n, edges, terminals, conductances(len(edges), seed=seed), u, star_mesh_plan, tol=1e-9)


@pytest.mark.parametrize(
    ("edges", "terminals", "message"),
    [
        ([[0, 1], [1, 3]], [0, 2], "edges must be pairs of nodes, .* from 0 to 2 .* from 0 to 3"),
        ([[0, 1], [1, -1]], [0, 2], "edges must be pairs"),
        ([[0.0, 1.5]], [0, 2], "edges must be pairs"),
        ([0, 1, 2], [0, 2], "edges must be pairs"),
        ([[0, 1], [1, 1]], [0, 2], "edge 1 joins node 1 to itself"),
        ([[0, 1], [1, 2]], [0, -1], "terminals must be one or more different nodes"),
        ([[0, 1], [1, 2]], [0, 3], "terminals must be one or more different nodes"),
        ([[0, 1], [1, 2]], [0, 0], "terminals must be one or more different nodes"),
        ([[0, 1], [1, 2]], [], "terminals must be one or more different nodes"),
        ([[0, 1], [1, 2]], [[0, 2]], "terminals must be one or more different nodes"),
    ],
)
def test_graphs_that_are_none_are_refused(edges, terminals, message):
    edges, terminals = np.array(edges), np.array(terminals)
    with pytest.raises(ValueError, match=message):
        checked_graph(3, edges, terminals)
    # Of other types the tests' own checks would speak first.
    if edges.shape == (2, 2) and terminals.shape == (2,):
        for make in (star_mesh_plan, compiled_plan, dense_plan, nodal_plan):
            with pytest.raises(ValueError, match=message):
                make(3, edges, terminals)


def test_numbers_that_do_not_fit_a_plan_are_refused():
    for edges in ([[0, 1], [1, 2]], [[0, 1], [0, 1]]):
        plan, g, u = (
            star_mesh_plan(3, np.array(edges), np.array([0, 2])),
            jnp.ones(2),
            jnp.array([1.0, 0.0]),
        )
        solve_nodes(plan, g, u)
        for wrong in (jnp.ones(3), jnp.ones(2, "bfloat16")):
            with pytest.raises(ValueError, match="conductance must"):
                solve_nodes(plan, wrong, u)
            with pytest.raises(ValueError, match="terminal_potential must"):
                solve_nodes(plan, g, wrong)
