"""What the nodal solve asks of a plan: the arithmetic of one network's elimination."""

import abc
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .._types import ArrayOrType
from .._xla import fold, is_shared_out
from .incidence import Incidence, net_flow, pair_difference
from .leak import open_conductance, with_leak


class AbstractPlan(abc.ABC):
    r"""A way to solve Kirchhoff's laws on one network, for `solve_nodes`.

    With $B$ the incidence matrix and $g$ the conductances,

    $$B^T \mathrm{diag}(g) B \phi = b \text{ away from the terminals}, \qquad \phi = u \text{ on them}.$$

    A pytree (a frozen dataclass under `jax.tree_util.register_dataclass`, or an Equinox module) of whole
    numbers alone, built in NumPy once for a network. Derivatives, batches and devices are not its matter:
    arrays come with what is mapped last, `(rows, *batch)`, and a batch axis may be 1 in some of them and
    must broadcast. Open junctions come with a small leak, so that each wire has some junction that
    conducts.

    ```python
    plan = jaxnn.kernels.dense_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    isinstance(plan, jaxnn.kernels.AbstractPlan)  # True
    factors = plan.eliminate(jnp.array([[1.0], [3.0]]))
    potential, current = plan.substitute(factors, jnp.array([[1.0], [0.0]]), None)
    potential[:, 0]  # [1.0, 0.25, 0.0] [V]
    ```
    """

    terminals: Any
    """Wires with a given potential, (terminals,)."""
    graph: Any
    """`jaxnn.kernels.incidence(n_nodes, edges)` of the network."""
    gathers_rows: ClassVar[bool] = True
    """Whether XLA should have rows of arrays contiguous in memory, as gathers of whole rows want them."""

    @property
    def at_once(self) -> bool:
        """Whether `solve` beats `eliminate` and `substitute`, and sums up sources for nothing."""
        return False

    @abc.abstractmethod
    def eliminate(self, conductance: Array) -> PyTree[Array]:
        """Computes all that does not depend on potentials, from conductances (edges, *batch) [S].

        A pytree of floating-point arrays (rows, *batch): matrices are laid out as rows.
        """

    @abc.abstractmethod
    def substitute(self, factors: PyTree, potential: Array, current: Array | None) -> tuple[Array, Array]:
        """Computes potentials (nodes, *batch) [V] and currents from the terminals (terminals, *batch) [A].

        - `potential`: that of the terminals, u.
        - `current`: what flows into each node from outside, b [A], (nodes, *batch), or None. What flows
          into a terminal leaves through it: its current is less by as much.
        """

    def solve(
        self,
        conductance: Array,
        potential: Array,
        current: Array | None = None,
        source: Array | None = None,
        factors: PyTree | None = None,
    ) -> tuple[Array, Array, Array]:
        """Computes potentials, terminals' currents and junction voltages (edges, *batch) [V] in one.

        - `conductance`: as they are, open junctions without a leak.
        - `source`: what each junction carries from its first to its second node besides [A],
          (edges, *batch), or None.
        - `factors`: what `eliminate` has made of the conductances, if that is known.
        """
        factors = self.eliminate(with_leak(conductance)) if factors is None else factors
        current = with_sources(self.graph, current, source)
        given = (x for x in (*jax.tree.leaves(factors), potential, current) if x is not None)
        trail = jnp.broadcast_shapes(*(x.shape[1:] for x in given))
        wide = lambda x: jnp.broadcast_to(x, (x.shape[0], *trail))
        into = None if current is None else wide(current)
        phi, into = self.substitute(factors, wide(potential), into)
        return phi, into, pair_difference(self.graph, phi)

    def factor_shapes(self, conductance: ArrayOrType) -> PyTree:
        """Returns the shapes of the factors, as tuples: said here, tracing is quicker."""
        # The plan's own arrays may be nothing but shapes here.
        factors = jax.eval_shape(lambda plan, g: plan.eliminate(g), self, conductance)
        return jax.tree.map(lambda x: x.shape, factors)

    def joined(self, conductance: Array, factors: PyTree) -> Array:
        """Returns 1 at nodes (nodes, *batch) that closed junctions join to a terminal, 0 elsewhere."""
        del factors
        # Conductances that other kernels have not seen: a junction on a leak alone is open.
        closed = (conductance > open_conductance(1, conductance.dtype)).astype(conductance.dtype)
        start, end = self.graph.ends
        reached = jnp.zeros((self.graph.place.shape[0], *conductance.shape[1:]), conductance.dtype)
        reached = reached.at[self.terminals].set(1)

        def spread(carry: tuple[Array, Array]) -> tuple[Array, Array]:
            now, _ = carry
            more = now.at[end].max(closed * now[start])
            return more.at[start].max(closed * more[end]), now

        moves = lambda carry: jnp.any(carry[0] != carry[1])
        return jax.lax.while_loop(moves, spread, spread((reached, reached)))[0]

    def live(self, conductance: Array, factors: PyTree | None = None) -> Array:
        """Returns 1 at junctions (edges, *batch) with both wires joined to a terminal, 0 at the others.

        Where no junction is open a CPU looks no further and has 1 at all of them; a GPU would wait longer
        for that answer than it takes to find them.
        """
        find = lambda: _find_live(self, conductance, factors)
        is_open = lambda: _least(conductance) <= open_conductance(1, conductance.dtype)
        unless_closed = lambda: jax.lax.cond(is_open(), find, lambda: jnp.ones_like(conductance))
        # Nor would devices that share a batch wait for each other in every step.
        return jax.lax.platform_dependent(cpu=find if is_shared_out() else unless_closed, default=find)


@jax.jit  # traced once for both places of use
def _find_live(plan: AbstractPlan, conductance: Array, factors: PyTree | None) -> Array:
    if factors is None:  # a plan that solves at once has none at hand
        factors = plan.eliminate(with_leak(conductance))
    joined = plan.joined(conductance, factors)
    end = lambda k: joined.at[plan.graph.ends[k]].get(mode="promise_in_bounds")
    return jnp.minimum(end(0), end(1))


def _least(x: Array) -> Array:
    """The least of all numbers, by the row: XLA's own reduction of a large array is slower."""
    return jnp.min(fold(jnp.minimum, x) if x.ndim > 1 else x)


def with_sources(graph: Incidence, current: Array | None, source: Array | None) -> Array | None:
    """What flows into each node, of it what sources along junctions take from one and bring to another."""
    if source is None:
        return current
    into = -net_flow(graph, source)
    return into if current is None else current + into


def joined_by(plan: AbstractPlan, conductance: Array, grounded: PyTree) -> Array:
    """`AbstractPlan.joined` by one substitution, with factors whose hanging wires are at 0 V."""
    # With all terminals at 1 V, so is a wire, unless nothing but leaks joins it to them.
    raised = jnp.ones((plan.terminals.shape[0], *conductance.shape[1:]), conductance.dtype)
    reach, _ = plan.substitute(grounded, raised, None)
    return (reach > 0.5).astype(conductance.dtype)
