"""Kirchhoff's laws where currents are no multiples of voltages: Newton's method on the same elimination."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxnn_kernels import (
    NewtonSearch,
    NodalSolution,
    batch_inner,
    infinitesimal,
    newton_search,
    newton_step,
    solve_nodes,
)

from .._core import Plan
from .while_any import while_any


class AbstractCurrents(eqx.Module):
    """Currents of all edges [A] at their voltages [V], each of its own voltage alone.

    Edges behind the junctions are linear. What flows onto capacitors is `slope` [S] times what the voltage
    is above `before` [V].
    """

    slope: eqx.AbstractVar[Float[Array, " edges"] | None]
    before: eqx.AbstractVar[Float[Array, " edges"] | None]

    @property
    @abc.abstractmethod
    def n_junctions(self) -> int:
        """Number of junctions, before what is linear."""

    @abc.abstractmethod
    def conducted(self, voltage: Float[Array, " edges"]) -> Float[Array, " edges"]:
        """What flows through the edges, without what flows onto capacitors; 0 at 0 V."""

    def through(self, conducted: Float[Array, " edges"], voltage: Float[Array, " edges"]) -> Array:
        """What flows through the edges and onto capacitors [A]."""
        if self.slope is None or self.before is None:
            return conducted
        return conducted + self.slope * (voltage - self.before)


# The last step must find the search at rest to eps^(2/3).
_AT_REST = 2 / 3


class Balanced(NamedTuple):
    """Potentials and voltages [V], currents into the network and through edges [A], and how it was found.

    That is where Newton's method rests, and how many linear systems it solved. Through edges flows what
    they conduct, without what flows onto capacitors.
    """

    node_potential: Float[Array, " nodes"]
    junction_voltage: Float[Array, " edges"]
    terminal_current: Float[Array, " held"]
    edge_current: Float[Array, " edges"]
    at_rest: Bool[Array, " edges"]
    solves: Int[Array, ""]


class _Point(NamedTuple):
    """Potentials and the voltages between them [V], which have digits that the potentials have not."""

    potential: Array
    voltage: Array


class _Step(NamedTuple):
    """A step from a solution: what it is, currents [A] and slopes [S] there, and where it ends."""

    solved: NodalSolution
    conducted: Array
    slope: Array
    point: _Point


def slope_of(currents: AbstractCurrents, voltage: Float[Array, " edges"]) -> tuple[Array, Array]:
    """What is conducted [A] and differential conductances [S] at given voltages."""
    # Mapped as voltages are, where JAX would put the batch of a product first; XLA knows them to be ones.
    one = jnp.ones_like(voltage)
    along = jnp.where(voltage > 0, one, one)
    return jax.jvp(currents.conducted, (voltage,), (along,))


def balanced(
    plan: Plan,
    currents: AbstractCurrents,
    held: Float[Array, " held"],
    injected: Float[Array, " nodes"] | None,
    guess: Float[Array, " nodes"],
) -> Balanced:
    r"""Potentials at which the currents of all edges and those injected balance at every node.

    Newton's method, as `jaxnn_kernels.newton_step` has it. It begins at `guess`.

    Derivatives are those of the solution, by the implicit function theorem: the search has none. A step from
    the solution, by slopes that stay, has the first of them, and a whole step from that those up to the third
    order. Both are nothing but derivatives, and cost nothing where none are asked for.
    """
    still = lambda x: jax.lax.stop_gradient(x) if eqx.is_inexact_array(x) else x
    start = guess.at[plan.terminals].set(held)
    found = _search(plan, *jax.tree.map(still, (currents, injected, start)))
    solution = _Point(found.potential, found.voltage)
    first = _step(plan, currents, held, injected, solution, still)
    last = _step(plan, currents, held, injected, first.point, lambda x: x)
    nothing = jnp.finfo(held.dtype).eps ** _AT_REST * found.reach
    voltage = last.point.voltage
    # Of a voltage that is a rounding of others the current is one too, of either sign; i / v must not be.
    conducted = jnp.where(jnp.abs(voltage) <= nothing, last.slope * voltage, last.conducted)
    at_rest = jnp.abs(found.voltage - found.before_voltage) <= nothing
    into = found.terminal_current + infinitesimal(last.solved.terminal_current)
    return Balanced(last.point.potential, voltage, into, conducted, at_rest, found.solves)


def _whole(currents: AbstractCurrents, slope: Array) -> Array:
    """Differential conductances [S] with those that capacitors are."""
    return slope if currents.slope is None else slope + currents.slope


def _search(
    plan: Plan, currents: AbstractCurrents, injected: Array | None, start: Array
) -> NewtonSearch:
    """The solution, without derivatives."""

    def step(given: tuple[Plan, AbstractCurrents, Array | None], search: NewtonSearch) -> NewtonSearch:
        plan, currents, injected = given
        current, slope = slope_of(currents, search.voltage)
        flow, whole = currents.through(current, search.voltage), _whole(currents, slope)
        return newton_step(plan, search, flow, whole, injected, currents.n_junctions)

    begin = newton_search(plan, start)
    return while_any(lambda search: search.goes_on, step, (plan, currents, injected), begin)


def _step(
    plan: Plan,
    currents: AbstractCurrents,
    held: Array,
    injected: Array | None,
    at: _Point,
    slopes: Callable[[Array], Array],
) -> _Step:
    """The derivatives of a step from a solution, with those of its slopes or without.

    Contacts, whose voltages have no digits in potentials, have no derivatives of these.
    """
    fixed, n = jax.lax.stop_gradient(at), currents.n_junctions
    shift = jnp.concatenate([infinitesimal(at.voltage[:n]), jnp.zeros_like(fixed.voltage[n:])])
    about = batch_inner(fixed.voltage + shift)
    current, slope = slope_of(currents, about)
    whole, off = slopes(_whole(currents, slope)), held - fixed.potential[plan.terminals]
    source = currents.through(current, about) - whole * shift
    solved = solve_nodes(plan, whole, off, injected, source=source)
    potential = fixed.potential + infinitesimal(solved.node_potential)
    move = infinitesimal(solved.junction_voltage)
    point = _Point(potential, fixed.voltage + move)
    return _Step(solved, current + slope * (move - shift), slope, point)
