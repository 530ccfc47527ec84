"""Components that end as full matrices: accuracy, open junctions, derivatives, shapes."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from circuits import central, check_shapes, conductances, dense_solution, graph, reference, tailed_plan
from jaxnn_kernels import solve_nodes, star_mesh_plan
from jaxnn_kernels._nodal.costs import costs_for
from jaxnn_kernels._nodal.schedule import schedule
from jaxnn_kernels._nodal.star_plan import plan_of


solve = jax.jit(solve_nodes)


def pool(decades, open_junctions, terminals_each=2, dtype="float32"):
    """Networks of several sizes as one graph, with what they solve to in extended precision."""
    rng = np.random.default_rng(decades)
    edges, terminals, g, u, phi, current, start = [], [], [], [], [], [], 0
    for k, n in enumerate([4, 7, 9, 10, 11, 20, 31]):
        branches = graph(n, 5.0, k)
        values = 10 ** rng.uniform(-12, -12 + decades, len(branches))
        values[rng.random(len(branches)) < open_junctions] = 0
        values = values.astype(dtype).astype(float)
        ends = np.sort(rng.permutation(n)[:terminals_each])
        drive = rng.uniform(-1, 1, terminals_each).astype(dtype).astype(float)
        answer = reference(n, branches, ends, values, drive)
        edges, terminals = [*edges, branches + start], [*terminals, ends + start]
        g, u, phi, current = [*g, values], [*u, drive], [*phi, answer[0]], [*current, answer[1]]
        start += n
    return start, *(np.concatenate(x) for x in (edges, terminals, g, u, phi, current))


@pytest.mark.parametrize(
    ("terminals_each", "dtype", "tolerance"),
    [(2, "float32", 1e-6), (3, "float64", 1e-14)],
)
def test_against_extended_precision(terminals_each, dtype, tolerance):
    """Contrast of 1e12 and open junctions, on tails of all sizes: components below a full one too."""
    plan = None
    for open_junctions in (0.0, 0.3):
        n, edges, terminals, g, u, phi, current = pool(12, open_junctions, terminals_each, dtype)
        plan = plan or tailed_plan(n, edges, terminals)
        assert plan.tail is not None
        out = solve(plan, jnp.asarray(g, dtype), jnp.asarray(u, dtype))
        np.testing.assert_allclose(out.node_potential, phi, rtol=0, atol=tolerance)
        reach = np.zeros(n)
        np.add.at(reach, edges.ravel(), np.repeat(g, 2))
        scale = np.maximum(reach[terminals], 1e-30)
        into = np.asarray(out.terminal_current) / scale
        np.testing.assert_allclose(into, current / scale, rtol=0, atol=tolerance)


def test_parts_of_a_network_that_share_their_terminals():
    """More parts than a sum has terms written out, each between the same two pads."""
    parts, wires = 18, 7
    inner = [graph(wires, 4.0, k) + k * wires for k in range(parts)]
    n = parts * wires
    pads = [[[k * wires, n], [k * wires + wires - 1, n + 1]] for k in range(parts)]
    edges = np.concatenate([*inner, *map(np.array, pads), [[n, n + 1]]])
    g, u, ends = conductances(len(edges)), np.array([1.0, -0.5]), np.array([n, n + 1])
    plan = tailed_plan(n + 2, edges, ends)
    assert plan.tail.landing.shape == (parts, 2)
    out = solve(plan, jnp.asarray(g), jnp.asarray(u))
    phi, _, current = dense_solution(n + 2, edges, ends, g, u)
    np.testing.assert_allclose(out.node_potential, phi, atol=1e-11)
    np.testing.assert_allclose(out.terminal_current, current, rtol=1e-10)


def test_gradients_against_finite_differences():
    """A network that is a tail as a whole."""
    n_nodes = 11
    edges, ends = graph(n_nodes, seed=3), np.array([0, n_nodes - 1, 4])
    plan = tailed_plan(n_nodes, edges, ends)
    assert not plan.segments
    weights = jr.normal(jr.key(0), (n_nodes,)), jr.normal(jr.key(1), (3,))

    def f(x, u):
        out = solve_nodes(plan, 1e-6 * jnp.exp(x), u)
        return weights[0] @ out.node_potential**2 + weights[1] @ (1e6 * out.terminal_current) ** 2

    x, u = 2 * jr.normal(jr.key(2), (len(edges),)), jnp.array([1.0, 0.0, -0.4])
    dx, du = jr.normal(jr.key(5), x.shape), jr.normal(jr.key(6), u.shape)
    value, reverse = jax.jit(f), jax.jit(jax.grad(f, (0, 1)))
    gx, gu = reverse(x, u)
    np.testing.assert_allclose(gx @ dx, central(lambda x: value(x, u), x, dx), rtol=1e-7)
    np.testing.assert_allclose(gu @ du, central(lambda u: value(x, u), u, du), rtol=1e-7)


def test_gradients_of_a_batch_as_in_sparse_rounds():
    """Rounds, then a tail that currents of earlier wires arrive at."""
    edges, ends = graph(20, seed=3), np.array([0, 19, 4])
    u = jnp.array([1.0, 0.0, -0.4])
    loss = lambda x, plan: jnp.sum(solve_nodes(plan, jnp.exp(x), u).junction_voltage ** 3)
    both = jax.jit(jax.vmap(jax.grad(loss), (0, None)))
    xs = 2 * jr.normal(jr.key(2), (2, len(edges)))
    sparse = both(xs, star_mesh_plan(20, edges, ends))
    for device in ("cpu", "gpu"):
        tailed = tailed_plan(20, edges, ends, device)
        assert tailed.segments
        np.testing.assert_allclose(both(xs, tailed), sparse, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("trails", [((), ()), ((5,), (1,)), ((1,), (5,))])
def test_declared_shapes_are_those_of_the_kernels(trails, device):
    plan = tailed_plan(20, graph(20), np.array([0, 19, 4]), device)
    g = jax.ShapeDtypeStruct((40, *trails[0]), "float32")
    u = jax.ShapeDtypeStruct((3, *trails[1]), "float32")
    check_shapes(plan, g, u)


def test_where_tails_begin():
    edges = graph(40)
    ends = np.array([0, 39])
    order = schedule(40, edges, ends, lambda parts: 12)
    (tail,) = order.tails
    assert len(tail.wires) + 2 <= 12
    assert sorted([*tail.wires, *(i for r in order.rounds for i in r)]) == list(range(1, 39))
    # With as many terminals as that, the matrix would be more work than the rounds.
    assert not schedule(40, edges, np.arange(0, 40, 9), lambda parts: 12).tails
    assert plan_of(order, 40, edges, ends, costs_for("gpu", [38], False)).tail.wires == len(tail.wires)
    plans: list[Any] = [star_mesh_plan(40, edges, ends, device=on) for on in ("cpu", "gpu")]
    assert plans[0].tail is None
    plan = plans[1]
    assert f"1 x {plan.tail.matrix.shape[0]} nodes as full matrices" in repr(plan)
    parts = np.concatenate([edges + 40 * k for k in range(32)])
    several: Any = star_mesh_plan(1280, parts, (ends + 40 * np.arange(32)[:, None]).ravel(), device="cpu")
    assert f"32 x {several.tail.wires + 2} nodes as full matrices" in repr(several)
    # Of larger networks a larger part, unless they are mapped over; loose wires at terminals do not count.
    tail = lambda networks, wires, mapped: costs_for("cpu", [wires] * networks + [1] * 9, mapped).tail
    assert [tail(16, wires, False) for wires in (100, 250, 1000, 10_000)] == [26, 47, 104, 160]
    assert [tail(15, 1000, False), tail(16, 1000, True), tail(32, 1000, True)] == [0, 0, 26]
    with pytest.raises(ValueError, match='"cpu", "gpu"'):
        star_mesh_plan(40, edges, ends, device="tpu")


def test_matrix_of_many_panels():
    """Five panels and a part of a sixth, filled to different degrees, as those of large networks are."""
    rng = np.random.default_rng(0)
    edges, terminals, g, expected, start = [], [], [], [], 0
    for k, n in enumerate([45, 60, 80]):
        branches, ends = graph(n, 8.0, k), np.array([0, n - 1])
        values = (10 ** rng.uniform(-8, -4, len(branches))).astype("float32").astype(float)
        expected.append(reference(n, branches, ends, values, np.array([1.0, 0.0]))[0])
        edges, terminals, g = [*edges, branches + start], [*terminals, *(ends + start)], [*g, *values]
        start += n
    edges, terminals = np.concatenate(edges), np.array(terminals)
    order = schedule(start, edges, terminals, lambda parts: 46)
    plan = plan_of(order, start, edges, terminals, costs_for("cpu", [60] * 32, True))
    assert plan.tail.wires > 40
    assert len(order.tails) == 3
    out = solve(plan, jnp.asarray(g, "float32"), jnp.tile(jnp.asarray([1.0, 0.0], "float32"), 3))
    np.testing.assert_allclose(out.node_potential, np.concatenate(expected), rtol=0, atol=1e-6)
