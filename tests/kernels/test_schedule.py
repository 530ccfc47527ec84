"""The order of elimination and its index arrays: structure only, nothing is compiled."""

from typing import Any

import jax
import numpy as np

from jaxnn_kernels import star_mesh_plan
from jaxnn_kernels._nodal.schedule import components, schedule


def ring(n):
    return np.stack([np.arange(n), (np.arange(n) + 1) % n], 1)


def sticks(n, seed=0):
    """A square lattice with some of its diagonals, numbered at random: planar, as wires nearly
    are."""
    rng = np.random.default_rng(seed)
    width = int(np.ceil(np.sqrt(n)))
    steps = [(i, i + 1) for i in range(n - 1) if (i + 1) % width]
    steps += [(i, i + width) for i in range(n - width)]
    cells = [i for i in range(n - width - 1) if (i + 1) % width]
    steps += [(i, i + width + 1) for i in cells if rng.random() < 0.5]
    return rng.permutation(n)[np.array(steps)]


def test_every_wire_goes_once_and_rounds_share_no_junction():
    n, edges, terminals = 200, sticks(200), np.array([3, 190, 77])
    order = schedule(n, edges, terminals)
    gone = [i for r in order.rounds for i in r]
    assert sorted(gone) == sorted(set(range(n)) - set(terminals.tolist()))
    stage = {i: k for k, r in enumerate(order.rounds) for i in r}
    for k, wires in enumerate(order.rounds):
        for i in wires:
            assert all(stage.get(j, n) > k for j in order.neighbours[i])


def test_fill_follows_the_star_mesh_transform():
    edges, terminals = sticks(60, 1), np.array([0, 59])
    order = schedule(60, edges, terminals)
    matrix = np.zeros((60, 60), bool)
    matrix[edges[:, 0], edges[:, 1]] = matrix[edges[:, 1], edges[:, 0]] = True
    for wires in order.rounds:
        for i in wires:
            star = np.flatnonzero(matrix[i])
            assert star.tolist() == order.neighbours[i]
            matrix[np.ix_(star, star)] = True
            matrix[i], matrix[:, i] = False, False
            np.fill_diagonal(matrix, False)
    assert np.argwhere(np.triu(matrix)).tolist() == order.mesh.tolist()


def test_a_ring_takes_logarithmically_many_rounds():
    assert len(schedule(1024, ring(1024), np.array([0, 512])).rounds) <= 14


def test_fill_stays_small_on_a_planar_graph():
    # Nested dissection costs of the order of n^1.5, this order 7 n^1.5; a bad one up to n^3 / 6.
    n = 900
    plan: Any = star_mesh_plan(n, sticks(n), np.array([0, n - 1]))
    assert plan.n_products < 9 * n**1.5


def test_components_are_told_apart_by_the_terminals_between_them():
    adjacency = [{1}, {0, 2}, {1, 3}, {2}, set()]
    assert components(adjacency, {1}) == [0, -1, 1, 1, 2]


def test_plans_are_deterministic():
    edges, terminals = sticks(150, 2), np.array([0, 149])
    one, two = (star_mesh_plan(150, edges, terminals) for _ in range(2))
    for x, y in zip(jax.tree_util.tree_leaves(one), jax.tree_util.tree_leaves(two), strict=True):
        np.testing.assert_array_equal(x, y)
    assert jax.tree_util.tree_structure(one) == jax.tree_util.tree_structure(two)
    hash(jax.tree_util.tree_structure(one))


def test_an_ensemble_takes_hardly_more_rounds_than_its_slowest_network():
    parts = [sticks(60, seed) for seed in range(12)]
    ends = np.array([0, 59])
    alone = max(len(schedule(60, e, ends).rounds) for e in parts)
    edges = np.concatenate([e + 60 * k for k, e in enumerate(parts)])
    terminals = np.concatenate([ends + 60 * k for k in range(12)])
    assert len(schedule(720, edges, terminals).rounds) <= alone + 2


def test_an_ensemble_is_padded_little():
    """Networks of one size in hundreds of rows a round: their classes are worth their own loops."""
    parts = [sticks(60, seed) for seed in range(24)]
    edges = np.concatenate([e + 60 * k for k, e in enumerate(parts)])
    terminals = np.concatenate([np.array([0, 59]) + 60 * k for k in range(24)])
    # So few of them end as full matrices only where nothing is mapped over them.
    plan: Any = star_mesh_plan(1440, edges, terminals, mapped=True)
    alone: list[Any] = [star_mesh_plan(60, e, np.array([0, 59])) for e in parts]
    assert plan.n_products == sum(one.n_products for one in alone)
    tables = [s.tables for s in plan.segments]
    assert sum(left.size for t in tables for left, _ in t.chunks) < 3 * plan.n_products
