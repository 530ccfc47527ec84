"""Graphs, their plans, and independent solutions, for the tests of kernels."""

from typing import Any

import jax
import numpy as np
from jax import export

import jaxnn_kernels as jk
from jaxnn_kernels._nodal.costs import costs_for
from jaxnn_kernels._nodal.schedule import schedule
from jaxnn_kernels._nodal.solve import (
    _eliminate_kernel,
    _eliminate_shapes,
    _solve_kernel,
    _solve_shapes,
)
from jaxnn_kernels._nodal.star_plan import plan_of


# How a plan of a GPU keeps its batch last; XLA's layout pass takes it out again.
LAYOUTS = [export.DisabledSafetyCheck.custom_call("LayoutConstraint")]


def graph(n_nodes, mean_degree=4.0, seed=0):
    """A connected random graph near to a ring, like wires on a plane."""
    rng = np.random.default_rng(seed)
    edges = {(i, i + 1) for i in range(n_nodes - 1)}
    while len(edges) < min(mean_degree * n_nodes / 2, n_nodes * (n_nodes - 1) / 2):
        a = int(rng.integers(n_nodes))
        b = int(np.clip(a + rng.integers(1, 8), 0, n_nodes - 1))
        if a != b:
            edges.add((a, b))
    edges = np.array(sorted(edges))
    flip = rng.random(len(edges)) < 0.5
    edges[flip] = edges[flip][:, ::-1]
    return edges[rng.permutation(len(edges))]


def plans(n_nodes, edges, terminals):
    """A plan of every kind; of the network with some junctions twice, where it says so."""
    doubled = np.concatenate([edges, edges[:5, ::-1]])
    return {
        "compiled": jk.compiled_plan(n_nodes, edges, terminals),
        "star mesh": jk.star_mesh_plan(n_nodes, edges, terminals),
        "dense": jk.dense_plan(n_nodes, edges, terminals),
        "parallel junctions": jk.compiled_plan(n_nodes, doubled, terminals),
        "on a GPU": jk.compiled_plan(n_nodes, edges, terminals, "gpu"),
    }


def conductances(n_edges, decades=4.0, seed=0):
    return 10 ** np.random.default_rng(seed).uniform(-8, -8 + decades, n_edges)


def dense_solution(n_nodes, edges, terminals, g, u):
    """Potentials, junction voltages and currents into the network by LU in float64."""
    laplacian = np.zeros((n_nodes, n_nodes))
    a, b = edges.T
    np.add.at(laplacian, (a, a), g)
    np.add.at(laplacian, (b, b), g)
    np.add.at(laplacian, (a, b), -g)
    np.add.at(laplacian, (b, a), -g)
    free = np.setdiff1d(np.arange(n_nodes), terminals)
    phi = np.zeros(n_nodes)
    phi[terminals] = u
    inner = laplacian[np.ix_(free, free)]
    phi[free] = np.linalg.solve(inner, -laplacian[np.ix_(free, terminals)] @ u)
    return phi, phi[a] - phi[b], (laplacian @ phi)[terminals]


def central(f, x, direction, h=1e-4):
    """Derivative along a direction, fourth order, so that rounding and truncation stay below
    1e-8."""
    near = f(x + h * direction) - f(x - h * direction)
    far = f(x + 2 * h * direction) - f(x - 2 * h * direction)
    return (8 * near - far) / (12 * h)


def check_shapes(plan, g, u):
    """The shapes that are declared for conductances and potentials are those of the kernels."""
    cases: Any = (
        (_eliminate_kernel, _eliminate_shapes, (g,)),
        (_solve_kernel, _solve_shapes, (g, jax.eval_shape(_eliminate_kernel, plan, g), None, None, u)),
    )
    for kernel, shapes, arrays in cases:
        found = jax.tree_util.tree_leaves(jax.eval_shape(kernel, plan, *arrays))
        declared = shapes(plan, *arrays)
        is_shape = lambda x: type(x) is tuple and all(isinstance(n, int) for n in x)
        assert [x.shape for x in found] == jax.tree_util.tree_leaves(declared, is_leaf=is_shape)


def reference(n_wires, edges, terminals, g, u):
    """Potentials [V], and currents into the network [A], without subtractions, in extended precision.

    Open junctions leak, all alike and far below any other conductance; what leaks alone conduct is none.
    """
    leak = np.longdouble(1e-300)
    mesh = np.zeros((n_wires, n_wires), np.longdouble)
    np.add.at(mesh, tuple(edges.T), np.where(g > 0, g, leak))
    mesh = mesh + mesh.T
    inner = [i for i in range(n_wires) if i not in set(terminals.tolist())]
    shares = []
    for i in inner:
        branch = mesh[i].copy()
        total = branch.sum()
        share = branch / total if total > 0 else 0 * branch
        mesh[i] = mesh[:, i] = 0
        mesh += np.outer(branch, share)
        np.fill_diagonal(mesh, 0)
        shares.append(share)
    phi = np.zeros(n_wires, np.longdouble)
    phi[terminals] = u
    for i, share in zip(reversed(inner), reversed(shares), strict=True):
        phi[i] = share @ phi
    mesh[mesh < 1e6 * leak] = 0
    current = (mesh * (phi[:, None] - phi[None, :])).sum(axis=1)[terminals]
    return phi.astype(float), current.astype(float)


def tailed_plan(n_nodes, edges, terminals, device="gpu"):
    """Tails of 12 nodes: as small as shows everything, because compiling is the cost.

    On a GPU as one matrix, on a CPU in panels as for the networks of an ensemble.
    """
    order = schedule(n_nodes, edges, terminals, lambda parts: 12)
    return plan_of(order, n_nodes, edges, terminals, costs_for(device, [n_nodes] * 32, True))


def lowers(function, *arguments):
    """Export for CUDA; no host callback may be left in what a GPU would run."""
    exported = export.export(jax.jit(function), platforms=["cuda"], disabled_checks=LAYOUTS)(*arguments)
    module = exported.mlir_module()
    assert "callback" not in module
    return module
