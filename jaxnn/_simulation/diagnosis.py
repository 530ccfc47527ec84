"""What goes wrong in a run, and where: watched in every step, network by network."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._core import unmet
from .._drives import Timing
from .problem import Problem
from .result import (
    BELOW_ROUNDING,
    INFINITE_CONDUCTANCE,
    NEGATIVE_CONDUCTANCE,
    NOT_FINITE,
    OUT_OF_BOUNDS,
    OUT_OF_DOMAIN,
    OUT_OF_DOMAIN_FOR_ALL,
    SUCCESSFUL,
    Diagnosis,
)
from .rounding import below_rounding


# Of a bound, that a state may pass by rounding.
_ROUNDING = 1e-5


class JunctionWatch(eqx.Module):
    """A `Diagnosis` of each junction of an ensemble, and where the currents of its networks failed.

    To gather junctions by networks takes as long as to update their states: it is left to the end.
    """

    largest_change: Float[Array, " junctions"]
    failed_step: Int[Array, " junctions"]
    cause: Int[Array, " junctions"]
    outside_step: Int[Array, " networks"]


def first_watch(problem: Problem) -> Diagnosis | JunctionWatch:
    """That of a run that has not begun: the state to start from may be out of bounds."""
    networks = problem.shape[:-1]
    none = jnp.full(networks, -1, jnp.int32)
    if networks:
        n = (problem.network.n_junctions,)
        change = jnp.zeros(n, problem.state.dtype)
        return JunctionWatch(change, jnp.full(n, -1, jnp.int32), jnp.zeros(n, jnp.int32), none)
    cause = _cause_of_state(problem, jax.lax.stop_gradient(problem.state))
    change = jnp.zeros(networks, problem.state.dtype)
    nothing = Diagnosis(change, none, none, jnp.zeros(networks, jnp.int32))
    worst = _worst(problem, cause)
    return _with_failure(problem, nothing, problem.start_step, worst, jnp.ones(networks, bool))


def next_watch(
    problem: Problem,
    so_far: Diagnosis | JunctionWatch,
    step: Int[Array, ""],
    before: Float[Array, "*variables junctions"],
    state: Float[Array, "*variables junctions"],
    conductance: Float[Array, " junctions"],
    current: Float[Array, "*terminals"],
    trouble: Int[Array, "*networks"] | None = None,
) -> Diagnosis | JunctionWatch:
    """What is followed, brought up to date with a step from `before` to `state`.

    `trouble` is the cause of what went wrong with the solution of a circuit, or 0.
    """
    before, state, conductance, current = jax.lax.stop_gradient((before, state, conductance, current))
    scale = jnp.asarray(problem.junction.critical_state(), state.dtype)
    change = jnp.abs(state - before) / _in_front(scale, state)
    change = jnp.max(change, axis=tuple(range(change.ndim - 1)))
    # The state of a passive junction moves as well, but nothing hangs on it.
    change = jnp.where(problem.network.passive, 0, change)
    flows = jnp.isfinite(jnp.sum(current, axis=-1))
    if isinstance(so_far, JunctionWatch):
        # XLA for a CPU would update the states once more for each look at them: one step later they are at
        # hand. Their own causes are then those of the step before.
        so_far = _with_cause(so_far, step - 1, _cause_of_state(problem, before))
        so_far = _with_cause(so_far, step, _cause_of_step(problem, conductance, trouble))
        return dataclasses.replace(
            so_far,
            largest_change=jnp.maximum(so_far.largest_change, change),
            outside_step=jnp.where(~flows & (so_far.outside_step < 0), step, so_far.outside_step),
        )
    cause = _cause_of_step(problem, conductance, trouble)
    cause = jnp.maximum(cause, _cause_of_state(problem, state))
    largest = jnp.maximum(so_far.largest_change, jnp.max(change, initial=0))
    so_far = dataclasses.replace(so_far, largest_change=largest)
    return _with_failure(problem, so_far, step, _worst(problem, cause), flows)


def diagnosis_of(
    problem: Problem,
    watch: Diagnosis | JunctionWatch,
    step: Int[Array, ""],
    state: Float[Array, "*variables junctions"],
) -> Diagnosis:
    """The diagnosis of each network at the end of a run, after `step` in `state`."""
    found = watch if isinstance(watch, Diagnosis) else _gathered(problem, watch, step, state)
    return _with_rounding(problem, _with_numbers(problem, found, step), step)


def _gathered(problem: Problem, watch: JunctionWatch, step: Array, state: Array) -> Diagnosis:
    """What was followed of each junction, of each network."""
    watch = _with_cause(watch, step, _cause_of_state(problem, jax.lax.stop_gradient(state)))
    never = jnp.iinfo(jnp.int32).max
    since = jnp.where(watch.failed_step < 0, never, watch.failed_step)
    outside = jnp.where(watch.outside_step < 0, never, watch.outside_step)
    first = jnp.minimum(never - _largest(problem, never - since), outside)
    # Of what began at that step, each junction knows by its network when that was.
    begins = since == first.at[problem.network_of_junction].get()
    worst = _worst(problem, jnp.where(begins, watch.cause, 0))
    none = jnp.full(problem.shape[:-1], -1, jnp.int32)
    nothing = Diagnosis(_largest(problem, watch.largest_change), none, none, jnp.zeros_like(none))
    return _with_failure(problem, nothing, first, worst, (watch.outside_step < 0) | (outside > first))


def _with_rounding(problem: Problem, found: Diagnosis, last: Int[Array, ""]) -> Diagnosis:
    """With steps that are lost to rounding, where nothing else is wrong: all of them, from the first on."""
    lost = jax.lax.stop_gradient(below_rounding(problem, last)) & (found.cause == 0)
    first = jnp.maximum(problem.start_step, 0) + 1
    pick = lambda new, old: old + lost.astype(jnp.int32) * (new - old)
    cause, failed_step = pick(BELOW_ROUNDING, found.cause), pick(first, found.failed_step)
    return dataclasses.replace(found, cause=cause, failed_step=failed_step)


def _with_cause(watch: JunctionWatch, step: Array, cause: Array) -> JunctionWatch:
    """With what is wrong with junctions at a step, where it is the first."""
    new = (cause > 0) & (watch.cause == 0)
    failed_step = jnp.where(new, step, watch.failed_step)
    return dataclasses.replace(watch, failed_step=failed_step, cause=jnp.where(new, cause, watch.cause))


def _worst(problem: Problem, cause: Array) -> Array:
    """The worst cause in each network and its first junction in one number, 0 where there is none."""
    n = problem.network.n_junctions
    return _largest(problem, jnp.where(cause > 0, cause * n + n - 1 - np.arange(n, dtype=np.int32), 0))


def _with_failure(
    problem: Problem, so_far: Diagnosis, step: Array, worst: Array, flows: Array
) -> Diagnosis:
    """With what is wrong at a step, if it is the first; `flows` where currents are finite."""
    n = problem.network.n_junctions
    found = worst // n if n else worst
    # Currents that are not finite come from outside, and make states so, unless a conductance is to blame.
    outside = ~flows & (found < NEGATIVE_CONDUCTANCE)
    found = jnp.where(outside, NOT_FINITE, found)
    nowhere = outside | (found == 0) | (found >= OUT_OF_DOMAIN_FOR_ALL)
    where = jnp.where(nowhere, -1, n - 1 - worst % max(n, 1))
    first = ((found > 0) & (so_far.cause == 0)).astype(jnp.int32)
    # Not `where`: on a mesh with explicit axes it does not choose between numbers that are not mapped.
    pick = lambda new, old: old + first * (new - old)
    return Diagnosis(
        so_far.largest_change,
        pick(step, so_far.failed_step),
        pick(where, so_far.failed_junction),
        pick(found, so_far.cause),
    )


def _with_numbers(problem: Problem, found: Diagnosis, last: Int[Array, ""]) -> Diagnosis:
    """With traced numbers that are outside of their domains, where nothing else is wrong.

    What came of them in the run says more than that they are; only a time that makes no sense comes first.
    """
    start, dt = problem.start_step, problem.dt
    # Steps beyond 2**31 begin again at -2**31.
    in_time = (dt > 0) & jnp.isfinite(dt) & (start >= 0) & (last >= start)
    found = dataclasses.replace(found, cause=found.cause * in_time.astype(jnp.int32))
    worst = _worst(problem, _cause_of_numbers(problem, in_time))
    return _with_failure(problem, found, jnp.maximum(start, 0), worst, jnp.ones(problem.shape[:-1], bool))


def _cause_of_numbers(problem: Problem, in_time: Bool[Array, ""]) -> Int[Array, " junctions"]:
    """A parameter that is wrong for a junction, or one that is wrong for all of them."""
    n, networks = problem.network.n_junctions, problem.shape[:-1]
    # As they were given, whose checks know nothing of numbers in two parts.
    is_timing = lambda x: isinstance(x, Timing)
    plain = lambda tree: jax.tree.map(lambda x: x.value if is_timing(x) else x, tree, is_leaf=is_timing)
    drive, circuit = plain(problem.drive), plain(problem.circuit)
    bad, own = jnp.broadcast_to(~in_time, n), jnp.zeros(n, bool)
    if circuit is not None:
        bad |= circuit.misplaced()
        for missed in unmet(circuit):
            bad |= jnp.any(missed)
    for missed in unmet(problem.junction):
        if missed.shape == (n,):
            own |= missed & ~problem.network.passive
        else:
            bad |= jnp.any(missed)
    for missed in unmet(drive):
        per_network = networks and missed.shape == networks
        bad |= jnp.take(missed, problem.network_of_junction) if per_network else jnp.any(missed)
    cause = jnp.where(own, OUT_OF_DOMAIN, SUCCESSFUL)
    return jnp.where(bad, OUT_OF_DOMAIN_FOR_ALL, cause).astype(jnp.int32)


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


def _cause_of_step(problem: Problem, conductance: Array, trouble: Array | None) -> Int[Array, " junctions"]:
    """What is wrong with the conductance of each junction, or with the solution of its network."""
    cause = _cause_of_conductance(conductance)
    if trouble is None:
        return cause
    of_all = trouble if not trouble.ndim else trouble[problem.network_of_junction]
    # A number that is not finite explains why no solution was found.
    return jnp.where(cause > SUCCESSFUL, cause, of_all)


def _cause_of_conductance(conductance: Array) -> Int[Array, " junctions"]:
    """What is wrong with the conductance of each junction."""
    cause = jnp.where(conductance < 0, NEGATIVE_CONDUCTANCE, SUCCESSFUL)
    return jnp.where(jnp.isfinite(conductance), cause, INFINITE_CONDUCTANCE).astype(jnp.int32)


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
