r"""Equilibrium propagation: the physical way to the gradient of a resistor network.

Half of the power, $P = \frac12 \sum_e g_e v_e^2$, is least at Kirchhoff's solution (the terminals
held). For the cost $C = \frac12 \sum_o (\phi_o - y_o)^2$ of floating output nodes, let $F(\beta)$ be
the least value of $P + \beta C$. The nudge $\beta C$ is the half-power of a conductance $\beta$ from
each output to a terminal at its target: it injects $\beta\,(y_o - \phi_o)$. At a minimum only the
explicit derivatives count, so that
$\partial F / \partial g_e = \frac12 v_e^2$ and $\partial F / \partial \beta = C$, and by the symmetry
of second derivatives

$$\frac{dC}{dg_e} = \frac{d}{d\beta} \frac{v_e^2}{2} \Big|_{\beta = 0}
  = \frac{v_e(\beta)^2 - v_e(0)^2}{2 \beta} + O(\beta)
  = \frac{v_e(\beta)^2 - v_e(-\beta)^2}{4 \beta} + O(\beta^2)$$

Source: Kendall, Pantone, Manickavasagam, Bengio and Scellier, arXiv 2006.01981 (2020); two-sided
nudging: Laborieux et al., Front. Neurosci. 15, 633674 (2021).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import small_network
from jaxnn_kernels import dense_plan, solve_nodes, star_mesh_plan


N_OUTPUTS = 3


def wired(seed, make_plan):
    """A network with three floating outputs, each joined to a target terminal of its own."""
    network, terminals, _ = small_network(seed, 20)
    rng = np.random.default_rng(seed)
    n = network.n_nodes
    floating = np.setdiff1d(np.arange(n), terminals)
    outputs = rng.choice(floating, N_OUTPUTS, replace=False)
    targets = np.arange(n, n + N_OUTPUTS)
    edges = np.concatenate([network.edges, np.stack([outputs, targets], axis=-1)])
    plan = make_plan(n + N_OUTPUTS, edges, np.r_[terminals, targets])
    conductance = jnp.asarray(10 ** rng.uniform(-6, -4, network.n_junctions))
    return plan, outputs, conductance, jnp.asarray(rng.uniform(0, 1, N_OUTPUTS))


def phase(plan, conductance, target, nudge):
    """Potentials of the wires and voltages of the network's own junctions under a nudge [S]."""
    # A negative nudge lies outside what `solve_nodes` promises, freedom from cancellation; it is far
    # smaller here than the conductances beside it.
    pull = jnp.full(N_OUTPUTS, nudge, conductance.dtype)
    potential = jnp.concatenate([jnp.asarray([1.0, 0.0]), target])
    nodal = solve_nodes(plan, jnp.concatenate([conductance, pull]), potential)
    return nodal.node_potential, nodal.junction_voltage[:-N_OUTPUTS]


def implicit_gradient(plan, outputs, conductance, target):
    """dC/dg by the derivative rule of the nodal solve."""
    cost = lambda g: 0.5 * jnp.sum((phase(plan, g, target, 0.0)[0][outputs] - target) ** 2)
    return jax.grad(cost)(conductance)


def estimates(plan, conductance, target, nudges):
    """One-sided and symmetric estimates of dC/dg for several nudges [S]."""
    square = lambda nudge: phase(plan, conductance, target, nudge)[1] ** 2
    ahead, behind, free = jax.vmap(square)(nudges), jax.vmap(square)(-nudges), square(0.0)
    nudges = nudges[:, None]
    return (ahead - free[None]) / (2 * nudges), (ahead - behind) / (4 * nudges)


@pytest.mark.numbers  # differences of squares that are nearly equal
@pytest.mark.parametrize(("seed", "make_plan"), [(1, star_mesh_plan), (5, dense_plan)])
def test_nudging_gives_the_gradient(seed, make_plan):
    """The error against the implicit gradient halves and quarters with the nudge."""
    plan, outputs, conductance, target = wired(seed, make_plan)
    nudges = 5e-3 * conductance.min() * jnp.asarray([1, 0.5, 0.25, 0.125])

    @jax.jit
    def both(conductance):
        estimated = estimates(plan, conductance, target, nudges)
        return implicit_gradient(plan, outputs, conductance, target), estimated

    gradient, estimated = both(conductance)
    scale = jnp.abs(gradient).max()
    assert scale > 0
    # What is left at a nudge of 6e-4 of the least conductance.
    for estimate, order, smallest in zip(estimated, (1, 2), (2e-3, 1e-5), strict=True):
        error = jnp.abs(estimate - gradient[None]).max(axis=1) / scale
        np.testing.assert_allclose(jnp.log2(error[:-1] / error[1:]), order, atol=0.02)
        assert error[-1] < smallest, error
