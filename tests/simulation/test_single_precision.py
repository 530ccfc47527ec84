"""What float32 costs: star-mesh elimination beside a dense Cholesky factorisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from jaxnn_kernels import solve_nodes, star_mesh_plan


pytestmark = pytest.mark.numbers


def potentials(network, terminals, conductance):
    """Reference potentials of 1 V across the terminals, in float64 by NumPy."""
    a, b = network.edges.T
    laplacian = np.zeros((network.n_nodes, network.n_nodes))
    np.add.at(laplacian, (a, a), conductance)
    np.add.at(laplacian, (b, b), conductance)
    np.add.at(laplacian, (a, b), -conductance)
    np.add.at(laplacian, (b, a), -conductance)
    free = np.setdiff1d(np.arange(network.n_nodes), terminals)
    return free, laplacian[np.ix_(free, free)], -laplacian[free, terminals[0]]


def test_star_mesh_beside_cholesky_in_float32():
    """1 V, conductances log-uniform over four decades: within 1e-6 V, where Cholesky loses more."""
    network = jaxnn.nanowire_network(100, box=30e-6, seed=3)
    terminals = jaxnn.farthest_pair(network)
    plan = star_mesh_plan(network.n_nodes, network.edges, np.asarray(terminals))
    solve = jax.jit(lambda g: solve_nodes(plan, g, jnp.asarray([1, 0], g.dtype)).node_potential)
    cholesky = jax.jit(lambda m, b: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(m), b))
    errors = []
    for seed in range(10):
        conductance = 10 ** np.random.default_rng(seed).uniform(-8, -4, network.n_junctions)
        free, matrix, right = potentials(network, terminals, conductance)
        exact = np.linalg.solve(matrix, right)
        ours = np.asarray(solve(jnp.asarray(conductance, jnp.float32)))[free]
        dense = cholesky(jnp.asarray(matrix, jnp.float32), jnp.asarray(right, jnp.float32))
        errors.append([np.abs(ours - exact).max(), np.abs(np.asarray(dense) - exact).max()])
    star_mesh, dense = np.max(errors, axis=0)
    print(f"largest error of a potential in float32: star-mesh {star_mesh:.1e}, Cholesky {dense:.1e} V")
    assert star_mesh < 1e-6
    assert dense > 10 * star_mesh
