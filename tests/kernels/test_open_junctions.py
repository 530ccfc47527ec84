"""Junctions that do not conduct: what floats hangs on differences of potential alone."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import jaxnn
from circuits import central, graph, tailed_plan
from helpers import line
from jaxnn_kernels import compiled_plan, dense_plan, joined_wires, solve_nodes, star_mesh_plan


PLANS = {
    "star-mesh": star_mesh_plan,
    "compiled": compiled_plan,
    "dense": dense_plan,
    "one matrix": tailed_plan,
    "panels": lambda *network: tailed_plan(*network, device="cpu"),
}
# A ring with two islands: (5, 6), whose own junction is closed, and 12.
N, EDGES, ENDS = 24, graph(24, seed=11), np.array([0, 23, 9])
OPEN = (EDGES == 12).any(1) | ((EDGES == 5).any(1) ^ (EDGES == 6).any(1))
OPEN &= ~((EDGES == 5) | (EDGES == 6)).all(1)
ISLANDS = np.isin(np.arange(N), [5, 6, 12])


@pytest.mark.parametrize("make_plan", PLANS.values(), ids=PLANS)
def test_derivatives_with_floating_wires(make_plan):
    """In closed junctions and potentials, against differences; the islands' potentials count as well."""
    plan = make_plan(N, EDGES, ENDS)
    key = iter(jr.split(jr.key(0), 9))
    on = (N,), (len(EDGES),), (3,)
    weights = [jr.normal(next(key), shape) for shape in on]

    def f(x, u):
        out = solve_nodes(plan, jnp.where(OPEN, 0, 1e-6 * jnp.exp(x)), u)
        voltage = jnp.where(OPEN, 0, out.junction_voltage)
        return (
            weights[0] @ out.node_potential**2
            + weights[1] @ jnp.sin(voltage)
            + weights[2] @ (1e6 * out.terminal_current) ** 2
        )

    x, u = 2 * jr.normal(next(key), on[1]), jnp.array([1.0, 0.0, -0.4])
    dx, du = jr.normal(next(key), x.shape), jr.normal(next(key), u.shape)
    value = jax.jit(f)
    gx, gu = jax.jit(jax.grad(f, (0, 1)))(x, u)
    np.testing.assert_allclose(gx @ dx, central(lambda x: value(x, u), x, dx), rtol=1e-7)
    np.testing.assert_allclose(gu @ du, central(lambda u: value(x, u), u, du), rtol=1e-7)
    _, forward = jax.jit(lambda *a: jax.jvp(f, a, (dx, du)))(x, u)
    np.testing.assert_allclose(forward, gx @ dx + gu @ du, rtol=1e-11)
    reach = jax.jit(joined_wires)(plan, jnp.where(OPEN, 0, 1e-6 * jnp.exp(x)))
    np.testing.assert_array_equal(reach, ~ISLANDS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make_plan", PLANS.values(), ids=PLANS)
def test_wires_float_between_their_neighbours(make_plan, dtype):
    """Equal leaks: an island is at the mean of what its open junctions lead to, and leads no current."""
    plan = make_plan(N, EDGES, ENDS)
    g = np.where(OPEN, 0, 10 ** np.random.default_rng(0).uniform(-9, -4, len(EDGES)))
    u = np.array([1.0, 0.0, -0.4])
    out = jax.jit(solve_nodes)(plan, jnp.asarray(g, dtype), jnp.asarray(u, dtype))
    phi, tolerance = np.asarray(out.node_potential), 1e-5 if dtype == "float32" else 1e-12
    for island in ([5, 6], [12]):
        ends = EDGES[OPEN & (np.isin(EDGES, island).sum(1) == 1)]
        around = ends[~np.isin(ends, island)]
        np.testing.assert_allclose(phi[island], phi[around].mean(), atol=tolerance)
    away = ~ISLANDS[EDGES].any(1)
    rest, _, current = _without(away, g, u)
    np.testing.assert_allclose(phi[~ISLANDS], rest, atol=tolerance)
    np.testing.assert_allclose(out.terminal_current, current, rtol=10 * tolerance)
    nothing = jax.jit(solve_nodes)(plan, jnp.zeros(len(EDGES), dtype), jnp.asarray(u, dtype))
    np.testing.assert_array_equal(nothing.terminal_current, 0.0)


def _without(kept, g, u):
    """The network without its islands, by LU."""
    from circuits import dense_solution

    number = np.cumsum(~ISLANDS) - 1
    return dense_solution(int((~ISLANDS).sum()), number[EDGES[kept]], number[ENDS], g[kept], u)


class Slow(jaxnn.AbstractRateJunction):
    """A conductance that is zero at first and grows with the flux: a law of a user's own."""

    slope: jax.Array

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return self.slope * jnp.maximum(jnp.abs(state) - 1e-3, 0)

    def rate(self, state, voltage):
        return voltage

    def update(self, state, voltage, dt):
        return state + dt * voltage

    def critical_state(self):
        return 0.1


SWITCH = jaxnn.BinaryJunction(off_conductance=0.0)
LAWS = {
    "binary": SWITCH,
    "tunnel": jaxnn.TunnelJunction(off_conductance=0.0),
    "smooth": jaxnn.SmoothJunction(SWITCH, 3.0),
    "own": Slow(jnp.asarray(1e-3)),
}


@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("terminals", [(0, 7), (0, 7, 3)])
def test_any_terminal_may_be_called_0_V(law, solver, terminals):
    """States, conductance and their gradients in the drive, whatever is added to all potentials."""
    network = jaxnn.Network(8, graph(8, 3.0))
    drive = jnp.asarray([0.09, 0.0, 0.031][: len(terminals)])

    def run(volts):
        found = jaxnn.simulate(
            network, law, jaxnn.Constant(volts), terminals=terminals, dt=5e-3, steps=120, solver=solver
        )
        return found.conductance[-1], found.final_state

    def both(volts):
        (conductance, state), back = jax.vjp(run, volts)
        return conductance, state, *back((jnp.asarray(1e3), jnp.ones_like(state)))

    both = jax.jit(both)
    conductance, state, gradient = both(drive)
    assert conductance > 1e-9
    for shift in (-drive[0], 1.0, -40.0):
        moved = both(drive + shift)
        np.testing.assert_allclose(moved[1], state, rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(moved[0], conductance, rtol=1e-9)
        np.testing.assert_allclose(moved[2], gradient, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(gradient.sum(), 0, atol=1e-10 * abs(gradient).max() + 1e-15)


@pytest.mark.parametrize("volts", [[0.06, 0.0], [0.0, -0.06], [1.06, 1.0], [1000.06, 1000.0]])
def test_a_chain_of_open_switches_closes(volts):
    """20 mV at each of three, 10 mV above the threshold: closed after 1 s, G_on / 3."""
    run = jaxnn.simulate(line(3), SWITCH, jaxnn.Constant(volts), terminals=(0, 3), dt=1e-3, steps=1600)
    np.testing.assert_allclose(run.conductance[:990], 0)
    np.testing.assert_allclose(run.conductance[-1], 7.77e-5 / 3, rtol=1e-12)


def series(g, **changes):
    settings = {"drive": jaxnn.Constant(1.0), "terminals": (0, 2)} | changes
    drive = settings.pop("drive")
    run = jaxnn.simulate(line(2), jaxnn.Resistor(g), drive, dt=1e-3, steps=1, **settings)
    return run.conductance[0]


@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
@pytest.mark.parametrize("volts", [1.0, -1.0, 0.0])
def test_slope_where_a_junction_opens(solver, volts):
    """G = g1 g2 / (g1 + g2): from the right, 1 in a junction of 0 S, in both modes."""
    f = lambda g: series(g, solver=solver, drive=jaxnn.Constant(volts))
    for g, slopes in (([0.0, 1e-3], [1.0, 0.0]), ([2e-3, 0.0], [0.0, 1.0]), ([0.0, 0.0], [0.0, 0.0])):
        for derivative in (jax.grad, jax.jacfwd):
            np.testing.assert_allclose(jax.jit(derivative(f))(jnp.asarray(g)), slopes, atol=1e-12)


def test_conductance_without_a_drive():
    """It is that of the branch that is left, with its derivative; a pulse train has no holes."""
    assert abs(series([1e-3, 3e-3], drive=jaxnn.Constant(0.0)) - 7.5e-4) < 1e-15
    slope = jax.grad(lambda g: series(g, drive=jaxnn.Constant(0.0)))(jnp.asarray([1e-3, 3e-3]))
    np.testing.assert_allclose(slope, [0.75**2, 0.25**2], rtol=1e-12)
    pulses = jaxnn.PulseTrain(0.1, 2e-3, 4e-3)
    run = jaxnn.simulate(line(2), jaxnn.Resistor([1e-3, 3e-3]), pulses, terminals=(0, 2), dt=1e-3, steps=8)
    np.testing.assert_allclose(run.conductance, 7.5e-4, rtol=1e-12)
    three = jaxnn.Network(4, [[0, 3], [1, 3], [2, 3]])
    law = jaxnn.Resistor([1e-3, 2e-3, 3e-3])
    at = lambda volts: jaxnn.simulate(
        three, law, jaxnn.Constant(volts), terminals=(0, 1, 2), dt=1e-3, steps=1
    ).conductance[0]
    # The branch of a star between its first two ends, g1 g2 / (g1 + g2 + g3): the third is at 0 V.
    for volts in (0.0, 0.7, [0.7, 0.0, 0.0]):
        np.testing.assert_allclose(at(volts), 1e-3 * 2e-3 / 6e-3, rtol=1e-12)
    # Driven otherwise it hangs on how, and has no value where the first two are alike.
    np.testing.assert_allclose(at([0.7, 0.1, 0.4]), _by_hand(0.7, 0.1, 0.4), rtol=1e-12)
    assert np.isnan(at([0.2, 0.2, 0.0]))


def _by_hand(a, b, c):
    centre = (1e-3 * a + 2e-3 * b + 3e-3 * c) / 6e-3
    return abs(2e-3 * (b - centre) / (a - b))


def test_far_from_0_V_in_single_precision():
    """Voltages come from differences: 1 mV at each of 125 junctions, on 100 V, to 1e-7 of the drive."""
    volts = jnp.asarray([100.125, 100.0], jnp.float32)
    run = jaxnn.simulate(
        line(125),
        jaxnn.Resistor(jnp.float32(1e-3)),
        jaxnn.Constant(volts),
        terminals=(0, 125),
        dt=1e-3,
        steps=1,
        record="junction_voltage",
    )
    np.testing.assert_allclose(run.junction_voltage[0], 1e-3, rtol=5e-5)
