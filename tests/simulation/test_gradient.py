"""Derivatives through the device physics: finite differences, both modes, every transform."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import jaxnn
from helpers import small_network


STEPS, DT = 200, 5e-4


def random_state(network, seed):
    """States where conductances are sensitive: |lambda| in 7 to 9.9 mV s, with random signs."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.007, 0.0099, network.n_junctions)
    return jnp.asarray(size * rng.choice([-1.0, 1.0], network.n_junctions))


def final_conductance(network, terminals):
    """log G after 200 steps as a function of (drive, junction, state), and the run's branches.

    The branches say, for every junction and step, which piece of the piecewise law applied. Runs
    with equal branches lie on one smooth piece.
    """

    def evaluate(inputs):
        drive, junction, state = inputs
        solution = jaxnn.simulate(
            network,
            junction,
            drive,
            terminals=terminals,
            dt=DT,
            steps=STEPS,
            state=state,
            record=("state", "junction_voltage"),
        )
        size, flux = jnp.abs(solution.junction_voltage), solution.state
        branch = jnp.stack(
            [
                size > junction.set_voltage,
                size < junction.reset_voltage,
                jnp.abs(flux) >= junction.critical_flux,
                jnp.abs(flux) >= junction.max_flux,
                flux > 0,
                flux < 0,
            ]
        )
        return jnp.log(solution.conductance[-1]), branch

    return evaluate


CASES = {
    "1.8 V": (jaxnn.Constant(1.8), jaxnn.TunnelJunction()),
    "AC": (
        jaxnn.Sine(1.25, 5.0, 0.3, 0.05),
        jaxnn.TunnelJunction(off_conductance=1e-8, reset_voltage=9.9e-3),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_against_central_differences(case):
    """In every drive and junction parameter and 60 initial states, to 1e-6 in float64.

    A direction whose displaced runs pass through other branches than the run itself crosses a
    kink: there a central difference means nothing, and the direction is left out.
    """
    network, terminals, _ = small_network(5)
    drive, junction = CASES[case]
    point, unravel = ravel_pytree((drive, junction, random_state(network, 0)))
    evaluate = lambda x: final_conductance(network, terminals)(unravel(x))
    gradient, branch = jax.jit(jax.grad(evaluate, has_aux=True))(point)

    n_parameters = point.size - network.n_junctions
    states = np.random.default_rng(1).choice(network.n_junctions, 60, replace=False)
    chosen = np.r_[np.arange(n_parameters), n_parameters + states]
    # Relative steps of 1e-6 balance rounding, 1e-15 / 1e-6, and curvature, (1e-6)^2.
    scale = jnp.where(point == 0, 1.0, jnp.abs(point))
    step = 1e-6 * jnp.diag(scale)[chosen]
    values, branches = jax.jit(jax.vmap(evaluate))(
        jnp.concatenate([point[None] + step, point[None] - step])
    )
    smooth = (branches == branch[None]).all(axis=(1, 2, 3)).reshape(2, -1).all(axis=0)
    ahead, behind = values.reshape(2, -1)
    estimate = ((ahead - behind) / 2e-6)[smooth]
    exact = (gradient * scale)[chosen][smooth]
    smooth = np.asarray(smooth)
    assert smooth.sum() > 0.6 * chosen.size
    assert smooth[:n_parameters].sum() > 0.5 * n_parameters
    assert jnp.abs(exact).max() > 0.1
    assert int((jnp.abs(exact) > 1e-4).sum()) > 20
    np.testing.assert_allclose(exact, estimate, rtol=1e-6, atol=1e-7 * float(jnp.abs(exact).max()))


@pytest.mark.parametrize("case", CASES)
def test_forward_mode_agrees_with_reverse(case):
    network, terminals, _ = small_network(5)
    evaluate = lambda x: final_conductance(network, terminals)(x)[0]
    drive, junction = CASES[case]
    inputs = (drive, junction, random_state(network, 2))
    gradient = jax.jit(jax.grad(evaluate))(inputs)
    key = jax.random.key(0)
    tangent = jax.tree.map(lambda x: x * jax.random.normal(key, x.shape), inputs)
    _, forward = jax.jit(lambda x, t: jax.jvp(evaluate, (x,), (t,)))(inputs, tangent)
    products = jax.tree.map(lambda g, t: jnp.sum(g * t), gradient, tangent)
    np.testing.assert_allclose(forward, sum(jax.tree.leaves(products)), rtol=1e-9)


def test_gradients_batch_and_compose():
    """vmap of grad equals a loop of grads, and the gradient of a batch's mean is their mean."""
    network, terminals, _ = small_network(5)
    state = random_state(network, 3)

    def value(amplitude):
        inputs = (jaxnn.Sine(amplitude, 5.0), jaxnn.TunnelJunction(), state)
        return final_conductance(network, terminals)(inputs)[0]

    amplitudes = jnp.asarray([0.3, 0.9, 1.6])
    alone = jnp.stack([jax.grad(value)(a) for a in amplitudes])
    together = jax.vmap(jax.grad(value))(amplitudes)
    mean = jax.grad(lambda a: jax.vmap(value)(a).mean())(amplitudes)
    np.testing.assert_allclose(together, alone, rtol=1e-11)
    np.testing.assert_allclose(mean, alone / 3, rtol=1e-11)


def test_gradient_in_every_sample_of_a_drive():
    """Array drives, dt and pad conductances have gradients too."""
    network, _, _ = small_network(5)
    network = network.with_pads(0.3)
    n = network.n_nodes
    state = random_state(network, 4)

    def value(inputs):
        samples, dt, pads = inputs
        wired = eqx.tree_at(lambda x: x.passive_conductance, network, pads)
        solution = jaxnn.simulate(
            wired,
            jaxnn.TunnelJunction(),
            samples,
            terminals=(n - 2, n - 1),
            dt=dt,
            steps=20,
            state=state,
        )
        return jnp.log(solution.conductance[-1])

    # Pads of 10 uS, so that the network's conductance depends on them.
    inputs = (jnp.full(20, 0.5), jnp.asarray(1e-3), 0 * network.passive_conductance + 1e-5)
    evaluate = jax.jit(value)
    gradient = jax.grad(evaluate)(inputs)
    assert (jnp.abs(gradient[0][:-1]) > 0).all()
    rng = np.random.default_rng(0)
    tangent = jax.tree.map(lambda x: np.asarray(x) * rng.uniform(0.5, 1, x.shape), inputs)
    move = lambda h: evaluate(jax.tree.map(lambda x, t: x + h * t, inputs, tangent))
    estimate = (move(-2e-5) - 8 * move(-1e-5) + 8 * move(1e-5) - move(2e-5)) / 12e-5
    products = jax.tree.map(lambda g, t: jnp.sum(g * t), gradient, tangent)
    np.testing.assert_allclose(sum(jax.tree.leaves(products)), estimate, rtol=1e-6)


def test_switches_pass_no_gradient_but_no_nan_either():
    network, terminals, _ = small_network(5)

    def value(junction):
        solution = jaxnn.simulate(
            network, junction, jaxnn.Constant(1.8), terminals=terminals, dt=DT, steps=50
        )
        return solution.conductance[-1]

    gradient = eqx.filter_grad(value)(jaxnn.BinaryJunction())
    assert gradient.set_voltage == 0
    assert gradient.off_conductance > 0
    assert all(jnp.isfinite(x) for x in jax.tree.leaves(gradient))
