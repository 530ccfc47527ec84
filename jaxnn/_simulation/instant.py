"""What a law may ask for at a step: keys for its random numbers, and the time."""

from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float, Int

from .._core import Key
from .._drives import Clock
from .problem import Problem


class Instant(NamedTuple):
    """The inputs of a law beside state, voltage and time step; keys are None where it draws nothing."""

    time: Float[Array, ""]
    """The end of the step, t = k dt [s], in the dtype of the run."""
    key_of_update: Key | None = None
    key_of_conductance: Key | None = None

    @property
    def of_conductance(self) -> dict[str, Any]:
        """What `conductance` and `current` of a law may ask for."""
        return {"key": self.key_of_conductance, "time": self.time}

    @property
    def of_update(self) -> dict[str, Any]:
        """What `update` of a law may ask for."""
        return {"key": self.key_of_update, "time": self.time}


def instant_of(problem: Problem, number: Int[Array, ""], clock: Clock | None = None) -> Instant:
    """The instant of the step of a number. Its keys depend on the number and on nothing else."""
    key = problem.key_of_law
    if clock is None:
        clock = Clock.at_step(number, problem.dt, problem.dt_remainder)
    if key is None:
        return Instant(clock.time)
    key = jax.random.fold_in(key, number)
    return Instant(clock.time, jax.random.fold_in(key, 0), jax.random.fold_in(key, 1))
