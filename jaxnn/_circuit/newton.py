"""Kirchhoff's laws where currents are no multiples of voltages: Newton's method on the same elimination."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from jaxnn_kernels import difference, divergence, solve_nodes

from .._core import Plan


Currents: TypeAlias = Callable[[Float[Array, " edges"]], Float[Array, " edges"]]
"""A module: currents of all edges [A] at their voltages [V], each of its own voltage alone."""

# Where a step still moves some voltage by more than eps^(2/3) of the largest, the next follows; the error
# after one that did not is of the order of its square.
_POWER = 2 / 3
MOST_ITERATIONS = 60
_HALVINGS = 30


class Balanced(NamedTuple):
    """Potentials and voltages [V], currents into the network [A], and where Newton's method rests."""

    node_potential: Float[Array, " nodes"]
    junction_voltage: Float[Array, " edges"]
    terminal_current: Float[Array, " held"]
    at_rest: Bool[Array, " edges"]


class _Search(NamedTuple):
    potential: Array
    voltage: Array
    current: Array
    moved: Array
    unbalanced: Array
    left: Array


def slope_of(currents: Currents, voltage: Float[Array, " edges"]) -> tuple[Array, Array]:
    """Currents [A] and differential conductances [S] at given voltages."""
    return jax.jvp(currents, (voltage,), (jnp.ones_like(voltage),))


@eqx.filter_custom_jvp
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
    at `guess`. Derivatives are those of the solution, by the implicit function theorem, to any order; a
    tangent costs one solve, and `guess` has none.
    """
    return _search(plan, currents, held, injected, guess)


def _search(plan: Plan, currents: Currents, held: Array, injected: Array, guess: Array) -> Balanced:
    start = guess.at[plan.terminals].set(held)
    tolerance = jnp.finfo(held.dtype).eps ** _POWER
    is_free = jnp.ones(start.shape, bool).at[plan.terminals].set(False)

    def unbalanced(voltage: Array) -> Array:
        lost = jnp.where(is_free, divergence(plan.graph, currents(voltage)) - injected, 0)
        # Divided by the largest first, so that squares do not overflow; what is NaN counts as infinite.
        largest = jnp.max(jnp.abs(lost))
        size = largest * jnp.sqrt(jnp.sum((lost / jnp.where(largest > 0, largest, 1)) ** 2))
        return jnp.where(jnp.isfinite(size), size, jnp.inf)

    def shorter(search: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        share, _, step, voltage = search
        return share / 2, unbalanced(voltage + share / 2 * step), step, voltage

    def step(search: _Search) -> _Search:
        i, g = slope_of(currents, search.voltage)
        solved = solve_nodes(plan, g, held, injected + divergence(plan.graph, g * search.voltage - i))
        move = solved.junction_voltage - search.voltage
        most = 0.5**_HALVINGS
        # A solution within rounding of the one before is no better, and is taken as it is.
        far = jnp.max(jnp.abs(move)) > tolerance * jnp.max(jnp.abs(solved.junction_voltage))
        worse = lambda x: (x[1] >= search.unbalanced) & (x[0] > most) & far
        whole = jnp.ones((), move.dtype), unbalanced(solved.junction_voltage), move, search.voltage
        share, size, *_ = jax.lax.while_loop(worse, shorter, whole)
        potential = search.potential + share * (solved.node_potential - search.potential)
        voltage = search.voltage + share * move
        return _Search(potential, voltage, solved.terminal_current, move, size, search.left - 1)

    def moves(search: _Search) -> Array:
        most = tolerance * jnp.max(jnp.abs(search.voltage))
        return (search.left > 0) & (jnp.max(jnp.abs(search.moved)) > most)

    voltage = difference(plan.graph, start)
    nothing = jnp.zeros_like(held)
    left = jnp.int32(MOST_ITERATIONS)
    first = step(_Search(start, voltage, nothing, voltage, unbalanced(voltage), left))
    last = jax.lax.while_loop(moves, step, first)
    at_rest = jnp.abs(last.moved) <= tolerance * jnp.max(jnp.abs(last.voltage))
    return Balanced(last.potential, last.voltage, last.current, at_rest)


@balanced.def_jvp
def _(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Balanced, PyTree]:
    plan, currents, held, injected, _ = primals
    _, d_currents, d_held, d_injected, _ = tangents
    found = balanced(*primals)
    voltage = found.junction_voltage
    _, g = slope_of(currents, voltage)
    d_i = _tangent(currents, d_currents, voltage)
    source = (jnp.zeros_like(injected) if d_injected is None else d_injected) - divergence(plan.graph, d_i)
    solved = solve_nodes(plan, g, jnp.zeros_like(held) if d_held is None else d_held, source)
    out = Balanced(solved.node_potential, solved.junction_voltage, solved.terminal_current, None)  # pyright: ignore
    return found, out


def _tangent(currents: Currents, d_currents: PyTree, voltage: Array) -> Array:
    """How currents at given voltages change with what they depend on besides."""
    _, change = eqx.filter_jvp(lambda currents: currents(voltage), (currents,), (d_currents,))
    return jnp.zeros_like(voltage) if change is None else change
