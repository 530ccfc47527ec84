"""Every public function lowers for CUDA, on a machine that has none."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
import jaxnn_kernels as jk
from circuits import lowers, tailed_plan
from helpers import small_network


NETWORK, TERMINALS, _ = small_network(1, 20)
FLUX = jnp.linspace(-1e-2, 1e-2, NETWORK.n_junctions)
PARAMETERS = {name: value for name, value in vars(jaxnn.TunnelJunction()).items()}


def pick(*names):
    return {name: PARAMETERS[name] for name in names}


KERNELS = {
    "tunnel_conductance": lambda x: jk.tunnel_conductance(
        x,
        **pick(
            "on_conductance",
            "off_conductance",
            "critical_flux",
            "barrier_height",
            "filament_area",
            "max_gap",
        ),
    ),
    "binary_conductance": lambda x: jk.binary_conductance(
        x, **pick("on_conductance", "off_conductance", "critical_flux")
    ),
    "threshold_flux_step": lambda x: jk.threshold_flux_step(
        x, x, jnp.asarray(1e-3), **pick("set_voltage", "reset_voltage", "max_flux", "boost")
    ),
    "step_time": lambda x: jk.step_time(x.size + jnp.asarray(0), x[0], x[1]),
    "fractional_cycles": lambda x: jk.fractional_cycles((x, x), (x, x)),
}


@pytest.mark.parametrize("name", KERNELS)
def test_junction_and_time_kernels(name):
    lowers(KERNELS[name], FLUX)


gpu_plan = partial(jk.star_mesh_plan, device="gpu")


@pytest.mark.parametrize("make", [jk.star_mesh_plan, gpu_plan, jk.compiled_plan, jk.dense_plan])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_nodal_kernels(make, dtype):
    plan = make(NETWORK.n_nodes, NETWORK.edges, np.asarray(TERMINALS))
    solve = lambda g, u: jk.solve_nodes(plan, g, u)
    conductance = jnp.ones((8, NETWORK.n_junctions), dtype)
    potential = jnp.asarray([1.0, 0.0], dtype)
    lowers(jax.vmap(solve, in_axes=(0, None)), conductance, potential)
    value = lambda g: solve(g, potential).terminal_current[0]
    lowers(jax.vmap(jax.grad(value)), conductance)
    lowers(lambda x: jk.divergence(plan.graph, jk.difference(plan.graph, x)), jnp.ones(NETWORK.n_nodes))


def test_an_ensemble_planned_for_a_cpu():
    plan = tailed_plan(NETWORK.n_nodes, NETWORK.edges, np.asarray(TERMINALS), "cpu")
    potential = jnp.asarray([1.0, 0.0])
    value = lambda g: jk.solve_nodes(plan, g, potential).terminal_current[0]
    lowers(jax.grad(value), jnp.ones(NETWORK.n_junctions))


DRIVES = {
    "constant": jaxnn.Constant,
    "sine": lambda a: jaxnn.Sine(a, 0.5, 0.1, 0.1),
    "triangle": lambda a: jaxnn.Triangle(a, 0.5),
    "square": lambda a: jaxnn.Square(a, 0.5),
    "ramp": lambda a: jaxnn.Ramp(0.0, a, 1.0),
    "pulses": lambda a: jaxnn.PulseTrain(a, 0.01, 0.1),
    "on then off": lambda a: jaxnn.OnThenOff(a, 0.0, 0.1),
    "samples": lambda a: jaxnn.Samples(a * jnp.ones(5), 0.1) + jaxnn.Constant(a),
}


@pytest.mark.parametrize("name", DRIVES)
def test_drives(name):
    lowers(jax.vmap(lambda a: DRIVES[name](a)(0.3)), jnp.linspace(0.1, 1.0, 8))


@pytest.mark.parametrize(
    "junction",
    [
        jaxnn.TunnelJunction(),
        jaxnn.BinaryJunction(),
        jaxnn.Resistor(1e-3),
        jaxnn.StraightThrough(jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 10.0)),
        jaxnn.StraightThrough(jaxnn.SmoothJunction(jaxnn.BinaryJunction(), 10.0)),
    ],
    ids=["tunnel", "binary", "resistor", "straight-through tunnel", "straight-through binary"],
)
def test_simulate(junction):
    def final(amplitude):
        solution = jaxnn.simulate(
            NETWORK,
            junction,
            jaxnn.Sine(amplitude, 0.5),
            terminals=TERMINALS,
            dt=1e-3,
            steps=10,
            record=("state", "node_potential", "kirchhoff_residual", "power"),
        )
        return solution.conductance[-1], solution

    lowers(jax.vmap(jax.value_and_grad(final, has_aux=True)), jnp.linspace(0.1, 1.0, 8))
