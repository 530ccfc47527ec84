"""Who is joined to a terminal by closed junctions, against SciPy's components."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from circuits import graph
from helpers import line
from jaxnn_kernels import compiled_plan, joined_wires, open_conductance, star_mesh_plan


PLANS = {"compiled": compiled_plan, "star mesh": star_mesh_plan}


def reached(n: int, edges: np.ndarray, terminals: np.ndarray, closed: np.ndarray) -> np.ndarray:
    a, b = edges[closed].T
    _, part = connected_components(coo_array((np.ones(len(a)), (a, b)), (n, n)), directed=False)
    return np.isin(part, part[terminals])


def parts_of(count: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Networks side by side; all but the last have terminals, the first a junction between its own."""
    edges = np.concatenate([*(graph(24, seed=k) + 24 * k for k in range(count)), [[0, 23]]])
    return 24 * count, edges, np.concatenate([[24 * k, 24 * k + 23] for k in range(count - 1)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 3, 8, 37, 130])
@pytest.mark.parametrize("make_plan", PLANS.values(), ids=PLANS)
def test_as_many_as_components_say(make_plan, batch, dtype):
    n, edges, ends = parts_of(9)
    plan = make_plan(n, edges, ends)
    rng = np.random.default_rng(batch)
    # From all closed to all open.
    closed = rng.random((batch, len(edges))) < np.linspace(1.2, -0.2, batch)[:, None]
    leak = rng.choice([0.0, open_conductance(1, dtype)], closed.shape)
    g = jnp.asarray(np.where(closed, 10.0 ** rng.uniform(-12, 0, closed.shape), leak), dtype)
    wanted = np.stack([reached(n, edges, ends, row) for row in closed])
    np.testing.assert_array_equal(jax.jit(jax.vmap(lambda g: joined_wires(plan, g)))(g), wanted)
    live = jax.jit(lambda plan, g: plan.live(g))(plan, g.T)
    both = wanted[:, edges[:, 0]] & wanted[:, edges[:, 1]]
    # A CPU looks no further where nothing is open: in a part without terminals no voltage is anyway.
    carries = wanted.any(1, keepdims=True) & ~np.isin(edges, np.arange(n - 24, n)).any(1)
    np.testing.assert_array_equal(np.where(carries, live.T, 0), np.where(carries, both, 0))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_chain_numbered_either_way(reverse):
    edges = line(3_000).edges[:: -1 if reverse else 1]
    n = 3_001
    plan = compiled_plan(n, edges, np.array([0]))
    g = np.ones(n - 1)
    np.testing.assert_array_equal(joined_wires(plan, jnp.asarray(g)), True)
    g[(edges == 1_000).any(1) & (edges == 1_001).any(1)] = 0
    np.testing.assert_array_equal(joined_wires(plan, jnp.asarray(g)), np.arange(n) <= 1_000)


def test_what_is_no_number_goes_on():
    """A conductance of NaN counts as closed, so that derivatives say NaN and not 0."""
    plan = compiled_plan(4, line(3).edges, np.array([0, 3]))
    g = jnp.array([[1.0], [jnp.nan], [0.0]])
    np.testing.assert_array_equal(jax.jit(lambda plan, g: plan.live(g))(plan, g)[:, 0], [1, 1, 1])
