"""Random graphs of all kinds against an elimination in extended precision.

A pool of graphs is solved as one graph of many components: one compilation for all of them.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from circuits import reference
from jaxnn_kernels import compiled_plan, solve_nodes, star_mesh_plan


solve = jax.jit(solve_nodes)


def make_case(seed):
    """Wires, junctions (a, b), terminals, conductances [S] and potentials [V] up to 1 V."""
    rng = np.random.default_rng(seed)
    n_wires = int(rng.integers(3, 25))
    mean_degree = rng.uniform(0.5, 12.0)
    n_terminals = int(rng.integers(2, n_wires + 1))  # up to one wire per terminal
    decades = rng.uniform(0, 12)
    open_junctions = rng.choice([0.0, 0.0, 0.2, 0.6])
    pads = rng.random() < 0.5
    pairs = np.stack(np.triu_indices(n_wires, 1), 1)
    some = rng.permutation(len(pairs))[: max(1, round(mean_degree * n_wires / 2))]
    edges = pairs[np.sort(some)]
    # From 1e-12 S upwards, so that ends of the range meet in one graph.
    g = 10 ** (-12 + rng.uniform(0, decades, len(edges)))
    g[rng.random(len(edges)) < open_junctions] = 0
    terminals = rng.permutation(n_wires)[:n_terminals]
    if pads:
        g[np.isin(edges, terminals[:1]).any(axis=1)] = 0.1
    return n_wires, edges, terminals, g, rng.uniform(-1, 1, len(terminals))


def check_pool(seeds):
    """float32 within 2e-6 V of the largest drive, 1 V; float64 within 1e-12 V; currents likewise."""
    made = [make_case(seed) for seed in seeds]
    offset = np.cumsum([0, *[m[0] for m in made]])
    edges = np.concatenate([m[1] + k for m, k in zip(made, offset[:-1], strict=True)])
    terminals = np.concatenate([m[2] + k for m, k in zip(made, offset[:-1], strict=True)])
    g, u = (np.concatenate([m[i] for m in made]) for i in (3, 4))
    expected = [reference(*m) for m in made]
    phi, current = (np.concatenate([e[i] for e in expected]) for i in (0, 1))
    # A current is a difference of potentials times what its terminal can conduct.
    reach = np.zeros(offset[-1])
    np.add.at(reach, edges.ravel(), np.repeat(g, 2))
    scale = np.maximum(reach[terminals], 1e-300)
    makes = star_mesh_plan, compiled_plan
    plans = [make(int(offset[-1]), edges, terminals) for make in makes]
    precisions = ("float32", 2e-6), ("float64", 1e-12)
    for plan, (dtype, tolerance) in itertools.product(plans, precisions):
        out = solve(plan, jnp.asarray(g, dtype), jnp.asarray(u, dtype))
        # Inputs are rounded to float32 before the reference sees them in full: its error counts too.
        potential, voltage, into = (np.asarray(x) for x in out)
        assert potential.dtype == dtype
        np.testing.assert_allclose(potential, phi, rtol=0, atol=tolerance)
        np.testing.assert_allclose(into / scale, current / scale, rtol=0, atol=tolerance)
        np.testing.assert_array_equal(voltage, potential[edges[:, 0]] - potential[edges[:, 1]])


def pool_of(size):
    # One number a graph: what is drawn for a pool must stay below hypothesis' limit.
    return st.lists(st.integers(0, 2**32 - 1), min_size=size, max_size=size)


# Shrinking a pool would compile hundreds of times: the message names the failing entry.
OPTIONS = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


# The first pool that hypothesis draws has one graph only, many times over.
@settings(max_examples=2, **OPTIONS)
@given(pool_of(60))
def test_some_random_graphs(seeds):
    check_pool(seeds)


@pytest.mark.slow
@settings(max_examples=9, **OPTIONS)
@given(pool_of(256))
def test_two_thousand_random_graphs(seeds):
    check_pool(seeds)
