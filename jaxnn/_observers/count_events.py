"""Events counted while a network is simulated, so that no trajectory has to be kept."""

from typing import Any, SupportsIndex

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from jaxnn_kernels import on_mesh_of_arguments, shared_like

from .._core import Module, check_count, compiled, unit, user_code
from .._drives import AbstractDrive
from .._junctions import AbstractJunction
from .._networks import Ensemble, Network
from .._simulation import (
    AbstractSolver,
    Problem,
    advance,
    diagnosis_of,
    first_carry,
    make_problem,
    passive_conductance,
)
from .events import AbstractEventRule


class EventCounts(Module):
    """The events of a run, step by step."""

    counts: Int[Array, "time *networks"]
    """Events of all junctions of each network that fall into each step."""
    conductance: Float[Array, "time *networks"] = eqx.field(metadata=unit("S"))
    """Conductance between the first two terminals at each step [S]."""
    final_state: Float[Array, "*variables junctions"]
    """State after the last step."""
    failed_step: Int[Array, "*networks"]
    """First step with a number that is not finite, or -1."""


@jax.named_scope("count_events")
@on_mesh_of_arguments
def count_events(
    network: Network | Ensemble | Any,
    junction: AbstractJunction | Any,
    drive: AbstractDrive | Any,
    *,
    rule: AbstractEventRule | Any,
    terminals: Any,
    dt: ArrayLike | Any,
    steps: SupportsIndex | Any,
    start_step: ArrayLike = 0,
    state: Any = None,
    solver: AbstractSolver | None = None,
    margins: tuple[int, int] = (1, 2),
) -> EventCounts:
    """Simulates as `jaxnn.simulate` does and counts events on the way.

    Memory is one number per step and network, where the conductances of 3,000 junctions over
    30,000 steps would take 0.7 GB. `vmap` over drives, parameters, levels and states applies.

    - `network`, `junction`, `drive`, `terminals`, `dt`, `steps`, `start_step`, `state`, `solver`: as
      for `jaxnn.simulate`.
    - `rule`: `Crossing` of a level or `RelativeRate`, or a rule of your own.
    - `margins`: the first and the last steps of the run whose events do not count; (1, 2) as in the
      published data.

    Raises a `ValueError` for what `jaxnn.simulate` refuses and margins that leave nothing.
    """
    n_steps = check_count("steps", steps)
    if not isinstance(rule, AbstractEventRule):
        raise ValueError(
            f"rule must be a jaxnn.analysis.AbstractEventRule, such as Crossing(1.1e-8) or "
            f"RelativeRate(1e-3), got {type(rule).__name__}."
        )
    if len(margins) != 2 or min(margins) < 0 or sum(margins) >= n_steps:
        raise ValueError(
            f"margins must be two numbers of steps, at the start and at the end, that leave some of "
            f"the {n_steps}; got {margins}."
        )
    problem = make_problem(
        network,
        junction,
        drive,
        terminals=terminals,
        dt=dt,
        steps=n_steps,
        start_step=start_step,
        state=state,
        solver=solver,
    )
    # As an array, so that other margins need no other program.
    return _count(problem, rule, _owners(problem), n_steps, np.asarray(margins))


def _owners(problem: Problem) -> np.ndarray:
    """The network of each junction; passive ones get the number past the last, which is dropped."""
    nobody = problem.network_of_node.max() + 1
    return np.where(problem.network.passive, nobody, problem.network_of_junction).astype(np.int32)


@compiled
def _count(
    problem: Problem, rule: AbstractEventRule, owner: ArrayLike, steps: int, margins: Any
) -> EventCounts:
    passive, owner = passive_conductance(problem), jnp.asarray(owner)
    given = None if isinstance(problem.drive, AbstractDrive) else problem.drive
    what = f"the rule {type(rule).__name__}"
    networks = 1 if len(problem.shape) == 1 else problem.shape[0]

    def step(carry: Any, voltage: Any) -> Any:
        carry, memory, counts, index = carry
        carry, kept = advance(problem, passive, ("junction_conductance",), carry, voltage)
        conductance = kept["junction_conductance"]
        with user_code(what):
            memory, counts = rule.follow(memory, conductance, index, problem.dt, counts, owner)
        return (carry, memory, counts, index + 1), kept["conductance"]

    # The first step compares with itself: a rule sees no change.
    first = problem.junction.conductance(problem.state)
    counts = jnp.zeros((steps, networks), jnp.int32)
    with user_code(what):
        memory = rule.start(first)
    begin = shared_like((first_carry(problem), memory, counts, jnp.int32(0)), problem)
    (carry, memory, counts, _), conductance = jax.lax.scan(step, begin, given, steps)
    with user_code(what):
        counts = rule.finish(memory, counts, owner)
    counted = (jnp.arange(steps) >= margins[0]) & (jnp.arange(steps) < steps - margins[1])
    counts = jnp.where(counted[:, None], counts, 0)
    shape = (steps, *problem.shape[:-1])
    failed_step = diagnosis_of(problem, carry.watch, carry.step, carry.state).failed_step
    return EventCounts(counts.reshape(shape), conductance, carry.state, failed_step)
