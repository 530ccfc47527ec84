"""Kirchhoff's laws where currents are no multiples of voltages: Newton's method on the same elimination."""

import abc
import functools as ft
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxnn_kernels import (
    NewtonSearch,
    batch_inner,
    implicit,
    newton_search,
    newton_step,
    saved,
    shared_like,
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


class _Solution(NamedTuple):
    """Potentials, voltages, which have digits that potentials have not [V], and terminals' currents [A]."""

    potential: Array
    voltage: Array
    into: Array


class _Given(NamedTuple):
    """What a solution hangs on."""

    plan: Plan
    currents: AbstractCurrents
    held: Array
    injected: Array | None


def slope_of(currents: AbstractCurrents, voltage: Float[Array, " edges"]) -> tuple[Array, Array]:
    """What is conducted [A] and differential conductances [S] at given voltages."""
    along = jnp.ones_like(voltage)
    current, slope = jax.jvp(currents.conducted, (voltage,), (along,))
    return batch_inner(current), batch_inner(slope)


def balanced(
    plan: Plan,
    currents: AbstractCurrents,
    held: Float[Array, " held"],
    injected: Float[Array, " nodes"] | None,
    guess: Float[Array, " nodes"],
) -> Balanced:
    r"""Potentials at which the currents of all edges and those injected balance at every node.

    Newton's method, as `jaxnn_kernels.newton_step` has it. It begins at `guess`. Derivatives are those of
    the solution, by the implicit function theorem: the search has none.
    """
    # What is NumPy's is structure.
    given = _Given(plan, currents, held, injected)
    arrays, static = eqx.partition(given, lambda x: isinstance(x, jax.Array))
    start = jax.lax.stop_gradient(guess.at[plan.terminals].set(held))
    found = _search(jax.tree.map(jax.lax.stop_gradient, arrays), static, start)
    solution = _Solution(found.potential, found.voltage, found.terminal_current)
    # The way back must not search again.
    solution = jax.tree.map(lambda x: saved(x, "node_potential"), solution)
    potential, voltage, into = implicit(ft.partial(_moved, static), arrays, solution)
    nothing = jnp.finfo(held.dtype).eps ** _AT_REST * found.reach
    current, slope = slope_of(currents, voltage)
    # Of a voltage that is a rounding of others the current is one too, of either sign; i / v must not be.
    conducted = jnp.where(jnp.abs(voltage) <= nothing, slope * voltage, current)
    at_rest = jnp.abs(found.voltage - found.before_voltage) <= nothing
    return Balanced(potential, voltage, into, conducted, at_rest, found.solves)


def _whole(currents: AbstractCurrents, slope: Array) -> Array:
    """Differential conductances [S] with those that capacitors are."""
    return slope if currents.slope is None else slope + currents.slope


def _search(arrays: _Given, static: _Given, start: Array) -> NewtonSearch:
    """The solution, without derivatives."""

    def step(arrays: _Given, search: NewtonSearch) -> NewtonSearch:
        plan, currents, _, injected = eqx.combine(arrays, static)
        current, slope = slope_of(currents, search.voltage)
        flow, whole = currents.through(current, search.voltage), _whole(currents, slope)
        return newton_step(plan, search, flow, whole, injected, currents.n_junctions)

    # What a search adds to its potentials differs between devices as what it is given does.
    begin = shared_like(newton_search(eqx.combine(arrays, static).plan, start), (arrays, start))
    return while_any(lambda search: search.goes_on, step, arrays, begin)


def _moved(static: _Given, arrays: _Given, solution: _Solution, tangents: _Given) -> _Solution:
    """How a solution moves with what it hangs on."""
    plan, currents, held, _ = eqx.combine(arrays, static)
    at = solution.voltage
    _, slope = slope_of(currents, at)

    def through(moving: AbstractCurrents) -> Array:
        all_of = eqx.combine(moving, currents)
        return all_of.through(all_of.conducted(at), at)

    moves = lambda x, tangent: None if tangent is None else x
    moving = jax.tree.map(moves, arrays.currents, tangents.currents, is_leaf=lambda x: x is None)
    source = None
    if jax.tree.leaves(moving):
        _, source = jax.jvp(through, (moving,), (tangents.currents,))
    off = jnp.zeros_like(held) if tangents.held is None else tangents.held
    solved = solve_nodes(plan, _whole(currents, slope), off, tangents.injected, source=source)
    return _Solution(solved.node_potential, solved.junction_voltage, solved.terminal_current)
