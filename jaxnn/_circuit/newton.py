"""Kirchhoff's laws where currents are no multiples of voltages: Newton's method on the same elimination."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxnn_kernels import difference, divergence, solve_nodes

from .._core import Plan


Currents: TypeAlias = Callable[[Float[Array, " edges"]], Float[Array, " edges"]]
"""A module: currents of all edges [A] at their voltages [V], each of its own voltage alone."""

# The search ends where a step moved no voltage by more than eps^(1/3) of the largest. Two steps follow,
# each of which squares the error, and the last must find it at rest to eps^(2/3).
_NEAR, _AT_REST = 1 / 3, 2 / 3
MOST_ITERATIONS = 60
_HALVINGS = 30


class Balanced(NamedTuple):
    """Potentials and voltages [V], currents into the network [A], and where Newton's method rests."""

    node_potential: Float[Array, " nodes"]
    junction_voltage: Float[Array, " edges"]
    terminal_current: Float[Array, " held"]
    at_rest: Bool[Array, " edges"]


class _Search(NamedTuple):
    voltage: Array
    moved: Array
    unbalanced: Array
    left: Array


def slope_of(currents: Currents, voltage: Float[Array, " edges"]) -> tuple[Array, Array]:
    """Currents [A] and differential conductances [S] at given voltages."""
    return jax.jvp(currents, (voltage,), (jnp.ones_like(voltage),))


def balanced(
    plan: Plan,
    currents: Currents,
    held: Float[Array, " held"],
    injected: Float[Array, " nodes"],
    guess: Float[Array, " nodes"],
) -> Balanced:
    r"""Potentials at which the currents of all edges and those injected balance at every node.

    Newton's method: with $g = \partial i / \partial v$ at the voltages so far,

    $$B^T \mathrm{diag}(g) B \phi = b + B^T (g v - i(v))$$

    and a step is halved until what does not balance, in the sum of squares, is less than before. It begins
    at `guess`.

    Derivatives are those of the solution, by the implicit function theorem: the search has none, and a
    Newton step from a solution has the first of them, a second step those up to the third order.
    """
    still = lambda x: jax.lax.stop_gradient(x) if eqx.is_inexact_array(x) else x
    voltage = _search(plan, *jax.tree.map(still, (currents, held, injected, guess)))
    _, near, _ = _step(plan, currents, held, injected, voltage)
    potential, voltage, current = _step(plan, currents, held, injected, near)
    at_rest = jnp.abs(voltage - near) <= jnp.finfo(held.dtype).eps ** _AT_REST * _largest(voltage)
    return Balanced(potential, voltage, current, at_rest)


def _step(
    plan: Plan, currents: Currents, held: Array, injected: Array, voltage: Array
) -> tuple[Array, Array, Array]:
    """Potentials, voltages and currents of the terminals after a whole step from given voltages."""
    i, g = slope_of(currents, voltage)
    solved = solve_nodes(plan, g, held, injected + divergence(plan.graph, g * voltage - i))
    return solved.node_potential, solved.junction_voltage, solved.terminal_current


def _search(plan: Plan, currents: Currents, held: Array, injected: Array, guess: Array) -> Array:
    """Voltages near to the solution."""
    start = guess.at[plan.terminals].set(held)
    near = jnp.finfo(held.dtype).eps ** _NEAR
    is_free = jnp.ones(start.shape, bool).at[plan.terminals].set(False)

    def unbalanced(voltage: Array) -> Array:
        lost = jnp.where(is_free, divergence(plan.graph, currents(voltage)) - injected, 0)
        # Divided by the largest first, so that squares do not overflow; what is NaN counts as infinite.
        largest = _largest(lost)
        size = largest * jnp.sqrt(jnp.sum((lost / jnp.where(largest > 0, largest, 1)) ** 2))
        return jnp.where(jnp.isfinite(size), size, jnp.inf)

    def shorter(search: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        share, _, step, voltage = search
        return share / 2, unbalanced(voltage + share / 2 * step), step, voltage

    def step(search: _Search) -> _Search:
        _, voltage, _ = _step(plan, currents, held, injected, search.voltage)
        move = voltage - search.voltage
        # A solution within rounding of the one before is no better, and is taken as it is.
        far = _largest(move) > near * _largest(voltage)
        worse = lambda x: (x[1] >= search.unbalanced) & (x[0] > 0.5**_HALVINGS) & far
        whole = jnp.ones((), move.dtype), unbalanced(voltage), move, search.voltage
        share, size, *_ = jax.lax.while_loop(worse, shorter, whole)
        return _Search(search.voltage + share * move, move, size, search.left - 1)

    moves = lambda search: (search.left > 0) & (_largest(search.moved) > near * _largest(search.voltage))
    voltage = difference(plan.graph, start)
    left = jnp.int32(MOST_ITERATIONS)
    first = step(_Search(voltage, voltage, unbalanced(voltage), left))
    return jax.lax.while_loop(moves, step, first).voltage


def _largest(x: Array) -> Array:
    return jnp.max(jnp.abs(x), initial=0)
