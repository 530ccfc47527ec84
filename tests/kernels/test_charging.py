"""A step with capacitors in one call: against two solutions, exponentials, and in every transform."""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jaxnn_kernels as jk
from circuits import central, conductances, graph, lowers, plans


N, TERMINALS = 40, np.array([3, 20, 31])
EDGES = graph(N)
PLANS = plans(N, EDGES, TERMINALS)
BATCH = 37  # a tile and what is left of one


def arrays(name, dtype=jnp.float64, batch=BATCH):
    """Conductances, slopes, potentials before and of the terminals, and currents, for a batch."""
    random = np.random.default_rng(1)
    n = PLANS[name].graph.ends.shape[-1]
    g = np.stack([conductances(n, seed=seed) for seed in range(batch)])
    slope = np.where(np.arange(n) % 5, g * random.uniform(0.1, 3, g.shape), 0)
    shapes = (N,), (2, 3), (2, N)
    before, u, b = (random.normal(size=(batch, *shape)) for shape in shapes)
    return [jnp.asarray(x, dtype) for x in (g, slope, before, u, 1e-6 * b)]


def apart(plan, g, slope, before, u, b=(None, None)):
    """The two stages by `solve_nodes`."""
    held = jk.difference(plan.graph, before)
    first = jk.solve_nodes(plan, g + slope, u[0], b[0], source=-slope * held)
    grown = held + (2**0.5 + 1) * (first.junction_voltage - held)
    return first, jk.solve_nodes(plan, g + slope, u[1], b[1], source=-slope * grown)


def assert_near(one, other, rtol):
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(x, y, atol=rtol * float(jnp.abs(y).max()))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("name", PLANS)
def test_both_stages_are_solutions(name, dtype):
    given = arrays(name, dtype)
    rounding = 300 * float(jnp.finfo(dtype).eps)
    for some in (given, given[:4]):
        made = jax.jit(jax.vmap(ft.partial(jk.charge_nodes, PLANS[name])))(*some)
        assert_near(made, jax.vmap(ft.partial(apart, PLANS[name]))(*some), rounding)


@pytest.mark.parametrize("name", ["compiled", "parallel junctions"])
def test_a_batch_gives_the_same_bits_as_each_alone(name):
    given = arrays(name, jnp.float32)
    step = jax.jit(ft.partial(jk.charge_nodes, PLANS[name]))
    for size in (7, 8, BATCH):
        mapped = jax.jit(jax.vmap(step))(*(x[:size] for x in given))
        for k in (0, size - 1):
            alone = step(*(x[k] for x in given))
            jax.tree.map(lambda x, y, k=k: np.testing.assert_array_equal(x[k], y), mapped, alone)


def test_what_a_batch_shares_is_given_once():
    given = arrays("compiled")
    step = ft.partial(jk.charge_nodes, PLANS["compiled"])
    for shared in range(len(given)):
        at = [x[0] if k == shared else x for k, x in enumerate(given)]
        axes = [None if k == shared else 0 for k in range(len(given))]
        looped = [step(*(x if k == shared else x[1] for k, x in enumerate(at)))]
        assert_near(
            jax.tree.map(lambda x: x[1:2], jax.vmap(step, axes)(*at)),
            jax.tree.map(lambda x: x[None], looped[0]),
            1e-12,
        )


def test_second_order_against_the_matrix_exponential():
    g, slope, before, u, _ = (x[0] for x in arrays("compiled"))
    capacity, u = jnp.where(slope > 0, slope, 1e-9), u[0]  # [F]
    incidence = np.zeros((len(EDGES), N))
    incidence[np.arange(len(EDGES)), EDGES[:, 0]], incidence[np.arange(len(EDGES)), EDGES[:, 1]] = 1, -1
    free = np.setdiff1d(np.arange(N), TERMINALS)
    conduct, hold = (incidence.T @ (np.asarray(x)[:, None] * incidence) for x in (g, capacity))
    inner = np.ix_(free, free)
    steady = -np.linalg.solve(conduct[inner], conduct[np.ix_(free, TERMINALS)] @ u)
    before = np.asarray(before).copy()
    before[TERMINALS] = u
    fall = scipy.linalg.expm(-np.linalg.solve(hold[inner], conduct[inner]))
    expected = steady + fall @ (before[free] - steady)

    def error(steps):
        slope = capacity * steps / jk.STAGE_SHARE
        step = lambda phi, _: (
            jk.charge_nodes(PLANS["compiled"], g, slope, phi, jnp.stack([u, u]))[1][0],
            None,
        )
        phi = jax.lax.scan(step, jnp.asarray(before), length=steps)[0]
        return float(np.abs(phi[free] - expected).max())

    orders = np.log2([error(100) / error(200), error(200) / error(400)])
    np.testing.assert_allclose(orders, 2, atol=0.1)


@pytest.mark.parametrize("name", ["compiled", "parallel junctions"])
def test_derivatives(name):
    at = [x[0] for x in arrays(name)]
    random = np.random.default_rng(2)
    along = [x * jnp.asarray(random.normal(size=x.shape)) for x in at]

    def loss(*at):
        first, last = jk.charge_nodes(PLANS[name], *at)
        numbers = jax.tree.map(
            lambda x: jnp.sum(jnp.sin(x / jax.lax.stop_gradient(jnp.abs(x).max()))), (first, last)
        )
        return sum(jax.tree.leaves(numbers))

    # Scales that differentiation leaves alone are those of the point itself.
    scales = [jnp.abs(x).max() for x in jax.tree.leaves(jk.charge_nodes(PLANS[name], *at))]

    def fixed(h):
        made = jax.tree.leaves(
            jk.charge_nodes(PLANS[name], *(x + h * d for x, d in zip(at, along, strict=True)))
        )
        return sum(jnp.sum(jnp.sin(x / scale)) for x, scale in zip(made, scales, strict=True))

    expected = central(fixed, 0.0, 1.0)
    back = jax.grad(loss, tuple(range(5)))(*at)
    reverse: Any = sum(jnp.vdot(x, d) for x, d in zip(back, along, strict=True))
    np.testing.assert_allclose([reverse, jax.jvp(loss, at, along)[1]], expected, rtol=1e-6)
    # Each argument by itself, within a loop and a batch, as all together.
    for k in range(5):
        only = lambda x, k=k: loss(*at[:k], x, *at[k + 1 :])
        np.testing.assert_allclose(jax.grad(only)(at[k]), back[k], rtol=1e-9, atol=1e-20)
    several = [jnp.stack([x, 1.1 * x]) for x in at]
    mapped = jax.jit(jax.vmap(jax.grad(loss, tuple(range(5)))))(*several)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x[0], y, rtol=1e-8, atol=1e-20), mapped, back)
    summed = jax.grad(lambda *x: jnp.sum(jax.vmap(loss)(*x)), tuple(range(5)))(*several)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x[0], y, rtol=1e-8, atol=1e-20), summed, back)
    curved = jax.grad(jax.grad(fixed))(0.0)
    np.testing.assert_allclose(jax.hessian(fixed)(0.0), curved, rtol=1e-9)
    np.testing.assert_allclose(curved, central(jax.grad(fixed), 0.0, 1.0), rtol=1e-6)


def test_a_stage_needs_no_derivative_of_the_other():
    g, slope, before, u, b = (x[0] for x in arrays("compiled"))
    last = lambda u: jk.charge_nodes(PLANS["compiled"], g, slope, before, jnp.stack([jnp.zeros(3), u]))[1][
        0
    ]
    assert jax.jacobian(last)(u[1]).shape == (N, 3)
    first = lambda b: jk.charge_nodes(PLANS["compiled"], g, slope, before, u, jnp.stack([b, 0 * b]))[0][0]
    assert jax.jacobian(first)(b[0]).shape == (N, N)


def test_what_is_bad_is_named_and_a_gpu_can_take_the_rest():
    g, slope, before, u, _ = (x[0] for x in arrays("compiled"))
    plan = PLANS["compiled"]
    with pytest.raises(
        ValueError, match=r"terminal_potential must have shape \(2, 3\), for the first stage"
    ):
        jk.charge_nodes(plan, g, slope, before, jnp.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"conductance must have shape \(80,\)"):
        jk.charge_nodes(plan, g[:3], slope[:3], before, u)
    with pytest.raises(ValueError, match=r"one dtype, got .*before of float32"):
        jk.charge_nodes(plan, g, slope, before.astype(jnp.float32), u)
    for name in ("compiled", "star mesh", "dense"):
        step = jax.vmap(ft.partial(jk.charge_nodes, PLANS[name]))
        lowers(lambda *x, step=step: step(*x)[1].node_potential, *arrays(name, jnp.float32, 4))
