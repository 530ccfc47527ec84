"""The nodal solvers: what each network's potentials are computed with."""

import abc
import functools as ft

import equinox as eqx
import numpy as np
from jaxtyping import Int

from jaxnn_kernels import dense_plan, nodal_plan, solved_by, sparse_plan

from .._core import Module, Plan, check_shape
from .._networks import Topology


class AbstractSolver(Module):
    """A method for Kirchhoff's laws. All share one derivative rule, see `docs/solvers.md`.

    ```python
    plan = jaxnn.StarMesh().plan(network.n_nodes, network.edges, np.array(setup["terminals"]))
    g, u = jnp.full(network.n_junctions, 1e-3), jnp.array([1.0, 0.0])
    jaxnn.kernels.solve_nodes(plan, g, u).terminal_current  # [0.00166, -0.00166] [A]
    ```
    """

    @abc.abstractmethod
    def plan(
        self, n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " _"]
    ) -> Plan:
        """Builds all that depends on the topology alone, in NumPy and once, for `kernels.solve_nodes`.

        A `kernels.AbstractPlan` of your own brings its own arithmetic: see docs/solvers.md.
        """


class AutoSolver(AbstractSolver):
    """The solver `StarMesh` or `Dense`, whichever takes less work for the network at hand. The default.

    `repr(AutoSolver().plan(...))` says which, and why.

    ```python
    plan = jaxnn.AutoSolver().plan(network.n_nodes, network.edges, np.array(setup["terminals"]))
    isinstance(plan, jaxnn.kernels.AbstractPlan)  # True
    ```
    """

    device: str | None = eqx.field(static=True, default=None)
    """"cpu" or "gpu": what the plan is laid out for, by default what JAX runs on."""
    mapped: bool = eqx.field(static=True, default=False)
    """Whether `jax.vmap` runs an ensemble with four drives, parameters or states at once, or more: loops on
    a CPU can then run along these. A matter of speed alone, and none of single networks."""

    def plan(
        self, n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " _"]
    ) -> Plan:
        return nodal_plan(n_nodes, edges, terminals, self.device, self.mapped)


class StarMesh(AbstractSolver):
    """A sparse elimination by the star-mesh transform, free of subtractions.

    Potentials keep the precision of their dtype whatever the contrast of the conductances: float32
    is safe.

    ```python
    run = jaxnn.simulate(network, law, drive, solver=jaxnn.StarMesh(), **setup)
    jnp.allclose(run.conductance, solution.conductance)  # True
    ```
    """

    device: str | None = eqx.field(static=True, default=None)
    """"cpu" or "gpu": what the plan is laid out for, by default what JAX runs on."""
    mapped: bool = eqx.field(static=True, default=False)
    """Whether `jax.vmap` runs an ensemble with four drives, parameters or states at once, or more: loops on
    a CPU can then run along these. A matter of speed alone, and none of single networks."""

    def plan(
        self, n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " _"]
    ) -> Plan:
        return sparse_plan(n_nodes, edges, terminals, self.device, self.mapped)


class Dense(AbstractSolver):
    """The elimination of `StarMesh` on the full matrix, without a schedule.

    As accurate as `StarMesh`; its cost grows with n^3 and its memory with n^2, so that it pays for
    networks with few wires or with a junction between most pairs of them.

    ```python
    run = jaxnn.simulate(network, law, drive, solver=jaxnn.Dense(), **setup)
    jnp.allclose(run.conductance, solution.conductance)  # True
    ```
    """

    def plan(
        self, n_nodes: int, edges: Int[np.ndarray, "edges 2"], terminals: Int[np.ndarray, " _"]
    ) -> Plan:
        # Where each entry comes from, the matrix and its factors.
        check_shape(f"A full matrix of {n_nodes:,} wires", (3, n_nodes, n_nodes), "use jaxnn.StarMesh()")
        return dense_plan(n_nodes, edges, terminals)


def plan_for(solver: AbstractSolver, topology: Topology, terminals: tuple[int, ...]) -> Plan:
    """The solver's plan, kept because an optimiser calls `simulate` again and again."""
    return _plan_for(solver, topology, terminals, solved_by())


@ft.lru_cache(maxsize=64)
def _plan_for(
    solver: AbstractSolver, topology: Topology, terminals: tuple[int, ...], _solved_by: str
) -> Plan:
    return solver.plan(topology.n_nodes, topology.edges, np.asarray(terminals))
