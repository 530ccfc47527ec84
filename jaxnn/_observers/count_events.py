"""Events counted while a network is simulated, so that no trajectory has to be kept."""

from contextlib import AbstractContextManager
from typing import Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from jaxnn_kernels import on_mesh_of_arguments

from .._core import Declared, Module, arguments, concrete, unit, user_code
from .._drives import DriveLike
from .._junctions import AbstractJunction
from .._networks import Ensemble, Network
from .._simulation import AbstractObserver, Diagnosis, Run, Step, TimedArguments, check_arguments, simulate
from .events import AbstractEventRule


class EventCounts(Module):
    """The events of a run, step by step.

    ```python
    rule = jaxnn.analysis.Crossing.of(law)
    events = jaxnn.analysis.count_events(network, law, drive, rule=rule, **setup)
    events.counts.sum()  # 8
    ```
    """

    counts: Int[Array, "time *networks"]
    """Events of all junctions of each network that fall into each step."""
    conductance: Float[Array, "time *networks"] = eqx.field(metadata=unit("S"))
    """Conductance between the first two terminals at each step [S]."""
    final_state: Float[Array, "*variables junctions"]
    """State after the last step."""
    diagnosis: Diagnosis
    """What went wrong, when and where, of each network."""

    @property
    def failed_step(self) -> Int[Array, "..."]:
        """The first step that went wrong, or -1: of the diagnosis."""
        return self.diagnosis.failed_step


class EventCounter(AbstractObserver):
    """Counts the events of a run by a rule, for `record` of `jaxnn.simulate`.

    Its result are the events of all junctions of each network that fall into each step,
    (steps, *networks). Passive junctions have none.

    ```python
    counter = jaxnn.analysis.EventCounter(jaxnn.analysis.Crossing.of(law))
    run = jaxnn.simulate(network, law, drive, record={"events": counter}, **setup)
    run.recorded["events"].sum()  # 8
    ```

    Raises a `ValueError` for a rule that is none and margins that are no two numbers of steps.
    """

    rule: Declared[AbstractEventRule]
    """An `AbstractEventRule`: what counts as an event."""
    # As an array, so that other margins need no other program.
    margins: Int[np.ndarray | Array, "2"] = eqx.field(converter=np.asarray, default=(1, 2))
    """The first and the last steps of the run whose events do not count."""

    def __check_init__(self):
        if not isinstance(self.rule, AbstractEventRule):
            raise ValueError(
                f"rule must be a jaxnn.analysis.AbstractEventRule, such as Crossing(1.1e-8) or "
                f"RelativeRate(1e-3), got {type(self.rule).__name__}."
            )
        margins = concrete(self.margins)
        if margins is not None and (margins.shape != (2,) or margins.dtype.kind != "i" or min(margins) < 0):
            raise ValueError(
                f"margins must be two whole numbers of steps, at the start and at the end; got {margins}."
            )

    def start(self, run: Run) -> PyTree:
        counts = jnp.zeros((run.steps, *(run.networks or (1,))), jnp.int32)
        # The first step compares with itself: a rule sees no change.
        with self._users_code():
            memory = self.rule.start(run.junction_conductance)
        # The last for its shape, which the result has after time.
        return memory, counts, jnp.int32(0), _owner(run), jnp.zeros(run.networks, bool)

    def follow(self, memory: PyTree, step: Step) -> PyTree:
        memory, counts, index, owner, networks = memory
        g, dt = step.junction_conductance, step.run.dt
        with self._users_code():
            memory, counts = self.rule.follow(memory, g, index, dt, counts, owner)
        return memory, counts, index + 1, owner, networks

    def finish(self, memory: PyTree) -> Int[Array, "time *networks"]:
        memory, counts, _, owner, networks = memory
        with self._users_code():
            counts = self.rule.finish(memory, counts, owner)
        index = jnp.arange(len(counts))
        counted = (index >= self.margins[0]) & (index < len(counts) - self.margins[1])
        return jnp.where(counted[:, None], counts, 0).reshape(len(counts), *networks.shape)

    def _users_code(self) -> AbstractContextManager[None]:
        return user_code(f"the rule {type(self.rule).__name__}")


def _owner(run: Run) -> Int[Array, " junctions"]:
    """The network of each junction; passive ones get the number past the last, which is dropped."""
    nobody = (run.networks or (1,))[0]
    return jnp.where(run.passive, nobody, run.network_of_junction).astype(jnp.int32)


@arguments.checked(margins=arguments.whole_numbers(ndim=1))
@jax.named_scope("count_events")
@on_mesh_of_arguments
def count_events(
    network: Declared[Network | Ensemble],
    junction: Declared[AbstractJunction],
    drive: DriveLike,
    *,
    rule: Declared[AbstractEventRule],
    margins: tuple[int, int] = (1, 2),
    **setup: Unpack[TimedArguments],
) -> EventCounts:
    """Simulates as `jaxnn.simulate` does and counts events on the way.

    Memory is one number per step and network, where the conductances of 3,000 junctions over
    30,000 steps would take 0.7 GB. `vmap` over drives, parameters, levels and states applies.

    - `network`, `junction`, `drive`, `terminals`, `dt`, `steps`, `start_step`, `state`, `solver`,
      `key`: as for `jaxnn.simulate`.
    - `rule`: `Crossing` of a level or `RelativeRate`, or a rule of your own.
    - `margins`: the first and the last steps of the run whose events do not count; (1, 2) as in the
      published data.

    Raises a `ValueError` for what `jaxnn.simulate` refuses and margins that leave nothing.

    ```python
    rule = jaxnn.analysis.Crossing.of(law)
    events = jaxnn.analysis.count_events(network, law, drive, rule=rule, **setup)
    events.counts.shape  # (50,)
    ```
    """
    check_arguments("count_events", setup, TimedArguments)
    n_steps = arguments.as_count("steps", setup["steps"])
    if len(margins) != 2 or min(margins) < 0 or sum(margins) >= n_steps:
        raise ValueError(
            f"margins must be two numbers of steps, at the start and at the end, that leave some of "
            f"the {n_steps}; got {margins}."
        )
    record = {"events": EventCounter(rule, margins)}
    solution = simulate(network, junction, drive, record=record, **setup)
    counts = solution.recorded["events"]
    return EventCounts(counts, solution.conductance, solution.final_state, solution.diagnosis)
