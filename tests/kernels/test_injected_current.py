"""Currents into nodes: against a dense solution, in every plan, precision and transform."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits import central, conductances, graph, lowers, tailed_plan
from jaxnn_kernels import compiled_plan, dense_plan, eliminate_nodes, solve_nodes, star_mesh_plan


N, TERMINALS = 40, np.array([3, 20, 31])
EDGES = graph(N)
DOUBLED = np.concatenate([EDGES, EDGES[:5, ::-1]])
PLANS = {
    "star mesh": star_mesh_plan(N, EDGES, TERMINALS),
    "compiled": compiled_plan(N, EDGES, TERMINALS),
    "dense": dense_plan(N, EDGES, TERMINALS),
    "tails": tailed_plan(N, EDGES, TERMINALS),
    "parallel junctions": star_mesh_plan(N, DOUBLED, TERMINALS),
}
CURRENT = np.random.default_rng(1).normal(size=N) * 1e-6
POTENTIAL = np.array([1.0, 0.0, 0.3])


def edges_of(name):
    return DOUBLED if name == "parallel junctions" else EDGES


def dense(edges, g, u, b):
    """Potentials, and currents into the network, by LU."""
    laplacian = np.zeros((N, N))
    for (i, j), x in zip(edges, g, strict=True):
        laplacian[[i, j], [i, j]] += x
        laplacian[[i, j], [j, i]] -= x
    free = np.setdiff1d(np.arange(N), TERMINALS)
    phi = np.zeros(N)
    phi[TERMINALS] = u
    right = b[free] - laplacian[np.ix_(free, TERMINALS)] @ u
    phi[free] = np.linalg.solve(laplacian[np.ix_(free, free)], right)
    return phi, (laplacian @ phi - b)[TERMINALS]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("name", PLANS)
def test_against_a_dense_solution(name, dtype):
    g = conductances(len(edges_of(name)))
    phi, into = dense(edges_of(name), g, POTENTIAL, CURRENT)
    arrays = [jnp.asarray(x, dtype) for x in (g, POTENTIAL, CURRENT)]
    out = jax.jit(solve_nodes)(PLANS[name], *arrays)
    rounding = 100 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(out.node_potential, phi, atol=rounding * np.abs(phi).max())
    np.testing.assert_allclose(out.terminal_current, into, atol=rounding * np.abs(into).max())
    # Charge: what is fed in comes out of the terminals.
    np.testing.assert_allclose(np.sum(into) + CURRENT.sum(), 0, atol=1e-15)
    # Linear: no current is as if there were no argument.
    nothing = solve_nodes(PLANS[name], arrays[0], arrays[1], jnp.zeros(N, dtype))
    same = solve_nodes(PLANS[name], *arrays[:2])
    np.testing.assert_allclose(nothing.node_potential, same.node_potential, rtol=rounding)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("name", PLANS)
def test_sources_along_junctions_are_currents_into_their_ends(name, dtype):
    edges = edges_of(name)
    g, u, b = (jnp.asarray(x, dtype) for x in (conductances(len(edges)), POTENTIAL, CURRENT))
    source = np.random.default_rng(3).normal(size=len(edges)) * 1e-6
    into = CURRENT.copy()
    np.subtract.at(into, edges[:, 0], source)
    np.add.at(into, edges[:, 1], source)
    expected = solve_nodes(PLANS[name], g, u, jnp.asarray(into, dtype))
    given = PLANS[name], g, u, b, None, jnp.asarray(source, dtype)
    rounding = 100 * float(jnp.finfo(dtype).eps)
    factors = eliminate_nodes(PLANS[name], g)
    for out in (solve_nodes(*given), solve_nodes(*given[:4], factors, given[5])):
        for x, y in zip(out, expected, strict=True):
            np.testing.assert_allclose(x, y, atol=rounding * np.abs(y).max())


@pytest.mark.parametrize("name", PLANS)
def test_gradients_of_sources(name):
    g = jnp.asarray(conductances(len(edges_of(name))))
    source = jnp.asarray(np.random.default_rng(3).normal(size=g.size) * 1e-6)

    def loss(g, source):
        out = solve_nodes(PLANS[name], g, jnp.asarray(POTENTIAL), source=source)
        return jnp.sum(jnp.sin(out.junction_voltage)) + jnp.sum(jnp.sin(1e6 * out.terminal_current))

    along = 0.3 * g, 1e-6 * jnp.cos(jnp.arange(g.size))
    expected = central(lambda h: loss(g + h * along[0], source + h * along[1]), 0.0, 1.0)
    back = jax.grad(loss, (0, 1))(g, source)
    reverse: Any = sum(jnp.vdot(x, d) for x, d in zip(back, along, strict=True))
    forward = jax.jvp(loss, (g, source), along)[1]
    np.testing.assert_allclose([reverse, forward], expected, rtol=1e-6)
    # The second derivative, forward over reverse and the other way round.
    hessian = jax.hessian(lambda h: loss(g + h * along[0], source + h * along[1]))(0.0)
    turned = jax.grad(jax.grad(lambda h: loss(g + h * along[0], source + h * along[1])))(0.0)
    np.testing.assert_allclose(hessian, turned, rtol=1e-9)
    mapped = jax.vmap(jax.grad(loss, (0, 1)), (None, 0))(g, jnp.stack([source, 2 * source]))
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x[0], y, rtol=1e-9, atol=1e-12), mapped, back)


@pytest.mark.parametrize("name", PLANS)
def test_gradients_and_batches(name):
    g = jnp.asarray(conductances(len(edges_of(name))))
    at = g, jnp.asarray(POTENTIAL), jnp.asarray(CURRENT)
    weights = jnp.cos(3 * jnp.arange(N))

    def loss(at):
        out = solve_nodes(PLANS[name], *at)
        return weights @ out.node_potential + jnp.sum(jnp.sin(1e6 * out.terminal_current))

    random = np.random.default_rng(2)
    along = jax.tree.map(lambda x: jnp.asarray(x * random.normal(size=x.shape)), at)
    expected = central(lambda h: loss(jax.tree.map(lambda x, d: x + h * d, at, along)), 0.0, 1.0)
    gradient = jax.grad(loss)(at)
    reverse: Any = sum(jnp.vdot(x, d) for x, d in zip(gradient, along, strict=True))
    forward = jax.jvp(loss, (at,), (along,))[1]
    np.testing.assert_allclose([reverse, forward], expected, rtol=1e-6)
    several = jax.tree.map(lambda x: jnp.stack([x, 1.5 * x, 0.5 * x]), at)
    looped = [loss(jax.tree.map(lambda x, k=k: x[k], several)) for k in range(3)]
    np.testing.assert_allclose(jax.vmap(loss)(several), looped, rtol=1e-12)
    turned = jax.vmap(lambda b: loss((*at[:2], b)))(several[2])
    np.testing.assert_allclose(turned[0], loss(at), rtol=1e-12)


def test_one_elimination_for_several_right_hand_sides():
    plan, g, u = PLANS["star mesh"], jnp.asarray(conductances(len(EDGES))), jnp.asarray(POTENTIAL)
    factors = eliminate_nodes(plan, g)
    for current in (None, jnp.asarray(CURRENT)):
        shared = solve_nodes(plan, g, u, current, factors)
        own = solve_nodes(plan, g, u, current)
        np.testing.assert_array_equal(shared.node_potential, own.node_potential)
    loss = lambda g, f: jnp.sum(solve_nodes(plan, g, u, jnp.asarray(CURRENT), f).node_potential)
    with_factors = jax.grad(lambda g: loss(g, eliminate_nodes(plan, g)))(g)
    np.testing.assert_allclose(with_factors, jax.grad(lambda g: loss(g, None))(g), rtol=1e-12)


def test_bad_currents_are_named_and_a_gpu_can_take_them():
    plan, g, u = PLANS["dense"], jnp.ones(len(EDGES)), jnp.zeros(3)
    with pytest.raises(ValueError, match=r"current must have shape \(40,\)"):
        solve_nodes(plan, g, u, jnp.zeros(3))
    arrays = jnp.ones((4, len(EDGES))), jnp.ones((4, 3)), jnp.ones((4, N))
    mapped = jax.vmap(solve_nodes, (None, 0, 0, 0))
    for plan in (PLANS["star mesh"], PLANS["dense"]):
        lowers(lambda g, u, b, plan=plan: mapped(plan, g, u, b).node_potential, *arrays)
