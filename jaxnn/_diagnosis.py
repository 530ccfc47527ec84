"""What goes wrong in a run, and where: watched in every step, network by network."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._problem import Problem


# Causes, the one that explains most last: a bad conductance makes potentials and states bad as well.
SUCCESSFUL, NOT_FINITE, OUT_OF_BOUNDS, NEGATIVE_CONDUCTANCE, INFINITE_CONDUCTANCE = range(5)

# Of a bound, that a state may pass by rounding.
_ROUNDING = 1e-5


class Diagnosis(eqx.Module):
    """The first thing that went wrong in each network, and how far states moved."""

    largest_change: Float[Array, "*networks"]
    failed_step: Int[Array, "*networks"]
    failed_junction: Int[Array, "*networks"]
    cause: Int[Array, "*networks"]


def first_diagnosis(problem: Problem) -> Diagnosis:
    """That of a run that has not begun: the state to start from may be out of bounds."""
    networks = problem.shape[:-1]
    none = jnp.full(networks, -1, jnp.int32)
    nothing = Diagnosis(
        jnp.zeros(networks, problem.state.dtype), none, none, jnp.zeros(networks, jnp.int32)
    )
    cause = _cause_of_state(problem, jax.lax.stop_gradient(problem.state))
    return _with_failure(problem, nothing, problem.start_step, cause, jnp.ones(networks, bool))


def next_diagnosis(
    problem: Problem,
    so_far: Diagnosis,
    step: Int[Array, ""],
    before: Float[Array, "*variables junctions"],
    state: Float[Array, "*variables junctions"],
    conductance: Float[Array, " junctions"],
    current: Float[Array, "*terminals"],
) -> Diagnosis:
    """The diagnosis brought up to date with a step from `before` to `state`."""
    before, state, conductance, current = jax.lax.stop_gradient((before, state, conductance, current))
    scale = jnp.asarray(problem.junction.critical_state(), state.dtype)
    change = jnp.abs(state - before) / _in_front(scale, state)
    # The state of a passive junction moves as well, but nothing hangs on it.
    change = _largest(problem, jnp.where(problem.network.passive, 0, change))
    cause = jnp.where(conductance < 0, NEGATIVE_CONDUCTANCE, _cause_of_state(problem, state))
    cause = jnp.where(jnp.isfinite(conductance), cause, INFINITE_CONDUCTANCE)
    so_far = dataclasses.replace(so_far, largest_change=jnp.maximum(so_far.largest_change, change))
    return _with_failure(problem, so_far, step, cause, jnp.isfinite(jnp.sum(current, axis=-1)))


def _with_failure(
    problem: Problem, so_far: Diagnosis, step: Array, cause: Array, flows: Array
) -> Diagnosis:
    """With what is wrong at a step, if it is the first; `flows` where currents are finite."""
    n = problem.network.n_junctions
    # One number for both: the largest has the worst cause, and its first junction.
    number = n - 1 - np.arange(n, dtype=np.int32)
    find = lambda: _largest(problem, jnp.where(cause > 0, cause * n + number, 0))
    if problem.shape[:-1]:
        # To gather by networks is as much work as to update the states: only for what there is to find.
        nothing = jnp.zeros(problem.shape[:-1], jnp.int32)
        worst = jax.lax.cond(jnp.any(cause > 0), find, lambda: nothing)
    else:
        worst = find()
    found = worst // n if n else worst
    # Currents that are not finite come from outside, and make states so, unless a conductance is to blame.
    outside = ~flows & (found < NEGATIVE_CONDUCTANCE)
    found = jnp.where(outside, NOT_FINITE, found)
    where = jnp.where(outside | (found == 0), -1, n - 1 - worst % max(n, 1))
    first = ((found > 0) & (so_far.cause == 0)).astype(jnp.int32)
    # Not `where`: on a mesh with explicit axes it does not choose between numbers that are not mapped.
    pick = lambda new, old: old + first * (new - old)
    return Diagnosis(
        so_far.largest_change,
        pick(step, so_far.failed_step),
        pick(where, so_far.failed_junction),
        pick(found, so_far.cause),
    )


def _cause_of_state(problem: Problem, state: Array) -> Int[Array, " junctions"]:
    """What is wrong with the state of each junction."""
    low, high = problem.junction.state_bounds()
    cause = jnp.where(jnp.isfinite(state), SUCCESSFUL, NOT_FINITE)
    for bound, compare in ((low, jnp.less), (high, jnp.greater)):
        # Without bounds there is nothing to compare with in every step.
        if not isinstance(bound, float) or np.isfinite(bound):
            limit = _in_front(jnp.asarray(bound, state.dtype), state)
            passed = compare(state, limit) & (jnp.abs(state - limit) > _ROUNDING * jnp.abs(limit))
            cause = jnp.where(passed & jnp.isfinite(state), OUT_OF_BOUNDS, cause)
    cause = jnp.max(cause.astype(jnp.int32), axis=tuple(range(cause.ndim - 1)))
    return jnp.where(problem.network.passive, SUCCESSFUL, cause)


def _in_front(x: Array, like: Array) -> Array:
    """`x` with as many axes as `like`, those that it lacks in front."""
    return x.reshape((1,) * (like.ndim - x.ndim) + x.shape)


def _largest(problem: Problem, values: Array) -> Array:
    """The largest of values per junction, at least 0, in each network."""
    if len(problem.shape) == 1:
        return jnp.max(values, initial=0)
    # To gather the junctions of a network is several times faster than to scatter into networks.
    values = jnp.take(values, problem.junctions_of_network, axis=-1, mode="fill", fill_value=0)
    return jnp.max(values, axis=(*range(values.ndim - 2), values.ndim - 1), initial=0)
