"""Kirchhoff's laws where currents are no multiples of voltages: Newton's method on the same elimination."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxnn_kernels import (
    batch_inner,
    difference,
    divergence,
    infinitesimal,
    largest,
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


# The search ends where a step moved no voltage by more than eps^(1/3) of the largest. Two steps follow,
# each of which squares the error, and the last must find it at rest to eps^(2/3). Where a drive passes 0
# V all voltages are roundings of those before it, and are no smaller in this than eps^(1/3) of the
# largest of these.
_NEAR, _AT_REST, _OF_BEFORE = 1 / 3, 2 / 3, 1 / 3
MOST_ITERATIONS = 250  # currents that saturate may take a hundred
_HALVINGS = 30


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


class _Found(NamedTuple):
    """A point, what edges conduct and terminals feed there [A], and the slopes that led to it [S]."""

    point: _Point
    conducted: Array
    into: Array
    slope: Array


class _Search(NamedTuple):
    """Where a search is: what flows there is `lost` too little at each node [A], `size` in all."""

    point: _Point
    slope: Array
    lost: Array
    size: Array
    moves: Array
    left: Array


def slope_of(currents: AbstractCurrents, voltage: Float[Array, " edges"]) -> tuple[Array, Array]:
    """What is conducted [A] and differential conductances [S] at given voltages."""
    along = batch_inner(jnp.ones_like(voltage))
    current, slope = jax.jvp(currents.conducted, (batch_inner(voltage),), (along,))
    return batch_inner(current), batch_inner(slope)


def balanced(
    plan: Plan,
    currents: AbstractCurrents,
    held: Float[Array, " held"],
    injected: Float[Array, " nodes"] | None,
    guess: Float[Array, " nodes"],
) -> Balanced:
    r"""Potentials at which the currents of all edges and those injected balance at every node.

    Newton's method: with $g = \partial i / \partial v$ at the voltages so far,

    $$B^T \mathrm{diag}(g) B \, \delta\phi = b - B^T i(v)$$

    and a step is halved until what does not balance, at the worst node, is less than before. It begins
    at `guess`.

    Derivatives are those of the solution, by the implicit function theorem: the search has none, and a
    Newton step from a solution has the first of them, a second step those up to the third order.
    """
    still = lambda x: jax.lax.stop_gradient(x) if eqx.is_inexact_array(x) else x
    start = guess.at[plan.terminals].set(held)
    found, taken = _search(plan, *jax.tree.map(still, (currents, held, injected, start)))
    first = _step(plan, currents, held, injected, found)
    last = _step(plan, currents, held, injected, first.point)
    potential, voltage = last.point
    size = _largest(voltage, _least(plan, still(start)))
    nothing = jnp.finfo(held.dtype).eps ** _AT_REST * still(size)
    at_rest = jnp.abs(voltage - first.point.voltage) <= nothing
    # Of a voltage that is a rounding of others the current is one too, of either sign; i / v must not be.
    conducted = jnp.where(jnp.abs(voltage) <= nothing, last.slope * voltage, last.conducted)
    return Balanced(potential, voltage, last.into, conducted, at_rest, taken + 2)


def _whole(currents: AbstractCurrents, slope: Array) -> Array:
    """Differential conductances [S] with those that capacitors are."""
    return slope if currents.slope is None else slope + currents.slope


def _step(
    plan: Plan, currents: AbstractCurrents, held: Array, injected: Array | None, point: _Point
) -> _Found:
    """The whole step from a point.

    Not the potentials are solved for but what they are off by, and currents that cancel do so before: in a
    sum with those of capacitors, what hardly conducts would be lost in their rounding. It begins at the
    voltages of the potentials, since a search that came from larger ones has left their roundings in its
    own, but for contacts, which have no digits in potentials. Nor have derivatives of these.
    """
    fixed, n = jax.lax.stop_gradient(point), currents.n_junctions
    begin = difference(plan.graph, fixed.potential)
    begin = batch_inner(jnp.concatenate([begin[:n], fixed.voltage[n:]]))
    shift = jnp.concatenate([infinitesimal(point.voltage[:n]), jnp.zeros_like(begin[n:])])
    about = begin + shift
    i, g = slope_of(currents, about)
    whole, off = _whole(currents, g), held - fixed.potential[plan.terminals]
    source = currents.through(i, about) - whole * shift
    solved = solve_nodes(plan, whole, off, injected, source=source)
    move = batch_inner(solved.junction_voltage)
    after = _Point(batch_inner(fixed.potential + solved.node_potential), begin + move)
    # As exact as the voltages are, of a solution: what is left out goes as the square of the last move.
    return _Found(after, i + g * (move - shift), solved.terminal_current, g)


def _search(
    plan: Plan, currents: AbstractCurrents, held: Array, injected: Array | None, start: Array
) -> tuple[_Point, Array]:
    """A point near to the solution, and the number of steps to it.

    A step is the solution for what does not balance yet. That and the slopes come with the size that the
    step before was accepted for, so that a step takes each current once.
    """
    near = jnp.finfo(held.dtype).eps ** _NEAR
    least = _least(plan, start)
    is_free = jnp.ones(start.shape, bool).at[plan.terminals].set(False)

    def at(voltage: Array) -> tuple[Array, Array, Array]:
        current, slope = slope_of(currents, voltage)
        through = currents.through(current, voltage)
        lost = -divergence(plan.graph, through)
        lost = jnp.where(is_free, lost if injected is None else injected + lost, 0)
        size = _largest(lost)
        size = jnp.where(jnp.isfinite(size), size, jnp.inf)  # NaN would be no larger
        return batch_inner(_whole(currents, slope)), batch_inner(lost), size

    def step(search: _Search) -> _Search:
        solved = solve_nodes(plan, search.slope, jnp.zeros_like(held), search.lost)
        before, move = search.point, batch_inner(solved.junction_voltage)
        # A solution within rounding of the one before is no better, and is taken as it is.
        far = _largest(move) > near * _largest(before.voltage + move, least)
        worse = lambda x: (x[1][2] >= search.size) & (x[0] > 0.5**_HALVINGS) & far
        shorter = lambda x: (x[0] / 2, at(before.voltage + x[0] / 2 * move))
        whole = jnp.ones((), move.dtype), at(before.voltage + move)
        share, found = while_any(worse, shorter, whole)
        voltage = batch_inner(before.voltage + share * move)
        potential = batch_inner(before.potential + share * solved.node_potential)
        return _Search(_Point(potential, voltage), *found, far, search.left - 1)

    voltage = batch_inner(difference(plan.graph, start))
    left = jnp.int32(MOST_ITERATIONS)
    first = step(_Search(_Point(batch_inner(start), voltage), *at(voltage), jnp.bool_(True), left))
    last = while_any(lambda search: (search.left > 0) & search.moves, step, first)
    return last.point, MOST_ITERATIONS - last.left


def _least(plan: Plan, start: Array) -> Array:
    """What voltages count as at least [V], in comparisons with them."""
    return jnp.finfo(start.dtype).eps ** _OF_BEFORE * _largest(difference(plan.graph, start))


def _largest(x: Array, least: Array | float = 0) -> Array:
    return jnp.maximum(largest(x), least)
