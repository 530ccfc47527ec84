"""Several junctions between the same two wires: physics, against dense NumPy that sums them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from circuits import conductances, dense_solution, graph
from jaxnn_kernels import compiled_plan, dense_plan, nodal_plan, solve_nodes, star_mesh_plan


# One of each kind of plan, and the one that chooses.
PLANS = [star_mesh_plan, compiled_plan, dense_plan, nodal_plan]
solve = jax.jit(solve_nodes)


def multigraph(n_nodes, seed, most=5):
    """A random graph some of whose edges come up to `most` times, in either orientation and any order."""
    rng = np.random.default_rng(seed)
    edges = graph(n_nodes, seed=seed)
    edges = np.repeat(edges, 1 + rng.integers(0, most, len(edges)) * (rng.random(len(edges)) < 0.4), axis=0)
    flip = rng.random(len(edges)) < 0.5
    edges[flip] = edges[flip][:, ::-1]
    return edges[rng.permutation(len(edges))]


@pytest.mark.parametrize(
    ("make_plan", "seed", "most"), [(star_mesh_plan, 2, 40), (dense_plan, 1, 3), (nodal_plan, 3, 5)]
)
def test_random_multigraphs_against_dense_reference(make_plan, seed, most):
    edges, terminals, u = multigraph(12, seed, most), np.array([0, 11, 4]), np.array([1.0, 0.0, -0.5])
    g = conductances(len(edges), seed=seed)
    plan = make_plan(12, edges, terminals)
    assert "ParallelPlan" in repr(plan)
    phi, voltage, current = dense_solution(12, edges, terminals, g, u)
    out = solve(plan, jnp.asarray(g), jnp.asarray(u))
    np.testing.assert_allclose(out.node_potential, phi, atol=1e-10)
    np.testing.assert_allclose(out.junction_voltage, voltage, atol=2e-10)
    np.testing.assert_allclose(out.terminal_current, current, rtol=1e-8)
    by_hand = jax.jit(lambda plan, g, u: plan.substitute(plan.eliminate(g), u, None))
    alone, into = by_hand(plan, jnp.asarray(g), jnp.asarray(u))
    np.testing.assert_allclose(alone, phi, atol=1e-10)
    np.testing.assert_allclose(into, current, rtol=1e-8)
    assert plan.terminals.tolist() == terminals.tolist()
    # What is not finite stays with the nodes that it joins: the sums are kept apart.
    pair = np.sort(edges, axis=1)
    merged = solve(make_plan(12, edges, terminals), jnp.asarray(g).at[0].set(jnp.nan), jnp.asarray(u))
    assert np.isnan(merged.terminal_current).any()
    assert len(np.unique(pair, axis=0)) < len(edges)


@pytest.mark.parametrize("make_plan", PLANS[:2])
def test_derivatives_of_each_junction(make_plan):
    """Backward, and forward over backward, against central differences."""
    edges, terminals = multigraph(7, 3), np.array([0, 6])
    g, u = jnp.asarray(1 + conductances(len(edges), 0.5, seed=4) * 1e8), jnp.array([1.0, 0.0])
    plan = make_plan(7, edges, terminals)

    def loss(g):
        out = solve_nodes(plan, g, u)
        return jnp.sum(out.junction_voltage**3) + out.terminal_current[0] ** 2

    value = jax.jit(loss)
    gradient_of = jax.jit(jax.grad(loss))
    gradient = gradient_of(g)
    h = 1e-5
    for k in range(0, len(edges), 5):
        step = jnp.zeros_like(g).at[k].set(h)
        slope = float(value(g + step) - value(g - step)) / (2 * h)
        assert gradient[k] == pytest.approx(slope, rel=1e-6, abs=1e-9)
    if make_plan is dense_plan:  # the sums come before the plan, whichever it is
        step = jnp.zeros_like(g).at[1].set(h)
        curvature = jax.jit(lambda g: jax.jvp(gradient_of, (g,), (step / h,))[1])(g)
        slope = (gradient_of(g + step) - gradient_of(g - step)) / (2 * h)
        np.testing.assert_allclose(curvature, slope, rtol=1e-5, atol=1e-7)


def test_mapped_like_one_by_one():
    """Under `vmap`, once and twice, over conductances, potentials and both, gradients too."""
    edges, terminals = multigraph(6, 5), np.array([2, 5])
    plan = dense_plan(6, edges, terminals)
    g = jnp.stack([jnp.asarray(conductances(len(edges), seed=s)) for s in range(3)])
    u = jnp.array([[1.0, 0.0], [0.3, -0.3]])
    together = jax.jit(jax.vmap(jax.vmap(solve_nodes, (None, None, 0)), (None, 0, None)))(plan, g, u)
    slope = lambda g, u: jax.grad(lambda g: solve(plan, g, u).terminal_current[0])(g)
    slopes, slope = jax.jit(jax.vmap(jax.vmap(slope, (None, 0)), (0, None)))(g, u), jax.jit(slope)
    for i in range(3):
        for j in range(2):
            alone = solve(plan, g[i], u[j])
            for x, y in zip(together, alone, strict=True):
                np.testing.assert_allclose(x[i, j], y, rtol=1e-12, atol=1e-18)
            np.testing.assert_allclose(slopes[i, j], slope(g[i], u[j]), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("make_plan", PLANS)
def test_a_network_without_pays_nothing(make_plan):
    plan = make_plan(9, graph(9), np.array([0, 8]))
    assert "ParallelPlan" not in repr(plan)
    # No junction at all is no parallel one either.
    assert "ParallelPlan" not in repr(make_plan(2, np.zeros((0, 2), np.int32), np.array([0, 1])))


TWO = jaxnn.Network(2, [(0, 1), (1, 0)])
# Three wires between the terminals 0 and 3, with three junctions side by side, one of them passive.
LADDER = jaxnn.Network(
    4,
    [(0, 1), (1, 0), (1, 2), (2, 3), (3, 2), (0, 1), (1, 3)],
    passive=[False] * 5 + [True, False],
    passive_conductance=2e-6,
)


@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
def test_two_resistors_of_300_ohm_make_150(solver):
    """Each carries half the current, under its own sign."""
    run = jaxnn.simulate(
        TWO,
        jaxnn.Resistor(1 / 300),
        jaxnn.Constant(0.3),
        terminals=(0, 1),
        dt=1.0,
        steps=2,
        record=("junction_voltage", "junction_conductance", "kirchhoff_residual", "power", "cut_off"),
        solver=solver,
    )
    np.testing.assert_allclose(1 / run.conductance, 150, rtol=1e-12)
    np.testing.assert_allclose(run.junction_voltage[0], [0.3, -0.3], rtol=1e-12)
    np.testing.assert_allclose(run.power, 0.3**2 / 150, rtol=1e-12)
    assert run.cut_off.tolist() == [0, 0]


def by_hand(network, junction, volts, steps, dt):
    """The time loop of a chain of bundles in NumPy: sums, and a division of the voltage."""
    state, out = np.zeros(network.n_junctions), []
    passive = network.passive
    for _ in range(steps):
        g = np.array(junction.conductance(jnp.asarray(state)))
        g[passive] = network.passive_conductance
        _, voltage, current = dense_solution(
            network.n_nodes, network.edges, np.array([0, 3]), g, np.array([volts, 0.0])
        )
        out.append(current[0] / volts)
        state = np.array(junction.update(jnp.asarray(state), jnp.asarray(voltage), dt))
    return np.array(out), np.where(passive, 0, state)


def test_memristive_junctions_in_parallel():
    """Junctions of different parameters side by side, mapped over drives and in an ensemble."""
    junction = jaxnn.TunnelJunction(set_voltage=jnp.linspace(0.01, 0.05, 7))
    run = lambda network, junction, volts, terminals: jaxnn.simulate(
        network, junction, jaxnn.Constant(volts), terminals=terminals, dt=1e-3, steps=30
    )
    hand = {volts: by_hand(LADDER, junction, volts, 30, 1e-3) for volts in (0.2, 0.5)}
    mapped = jax.vmap(lambda volts: run(LADDER, junction, volts, (0, 3)))(jnp.array([0.2, 0.5]))
    for i, (conductance, state) in enumerate(hand.values()):
        np.testing.assert_allclose(mapped.conductance[i], conductance, rtol=1e-10)
        np.testing.assert_allclose(
            np.where(LADDER.passive, 0, mapped.final_state[i]), state, rtol=1e-9, atol=1e-15
        )
    ensemble = jaxnn.Ensemble([TWO, LADDER])
    wide = jaxnn.TunnelJunction(set_voltage=jnp.concatenate([jnp.full(2, 0.01), junction.set_voltage]))
    both = run(ensemble, wide, 0.5, [(0, 1), (0, 3)])
    np.testing.assert_allclose(both.conductance[:, 1], hand[0.5][0], rtol=1e-10)
    pair = jaxnn.TunnelJunction()
    lone = run(jaxnn.Network(2, [(0, 1)]), pair, 0.5, (0, 1))
    np.testing.assert_allclose(both.conductance[:, 0], 2 * lone.conductance, rtol=1e-12)


def test_gradients_of_a_run():
    """In a drive and in the parameter of one of two parallel junctions, against differences."""

    def final(x):
        junction = jaxnn.TunnelJunction(off_conductance=jnp.full(7, 7.77e-8).at[1].set(x[1] * 1e-8))
        run = jaxnn.simulate(LADDER, junction, jaxnn.Constant(x[0]), terminals=(0, 3), dt=1e-3, steps=5)
        return 1e6 * run.conductance[-1]

    value, x = jax.jit(final), jnp.array([0.5, 7.0])
    gradient = jax.jit(jax.grad(final))(x)
    for k in range(2):
        h = jnp.zeros(2).at[k].set(1e-5)
        assert float(gradient[k]) == pytest.approx(float(value(x + h) - value(x - h)) / 2e-5, rel=1e-5)
