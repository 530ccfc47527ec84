"""A network that is run step by step, by the user's own loop."""

import functools as ft
from collections.abc import Callable
from typing import Unpack

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .._core import Declared, Module, arguments, check_network
from .._junctions import AbstractJunction
from .._networks import Ensemble, Network
from .arguments import RunArguments, check_arguments
from .diagnosis import diagnosis_of
from .problem import Problem, check_fits_terminals, make_problem
from .result import Diagnosis
from .step import Carry, Run, Step, first_carry, run_of, steps_of, without_run


class Stepper(Module):
    r"""A network under voltages that come one by one, as from a task, a controller or another simulator.

    It takes the steps of `jaxnn.simulate`: $(\lambda_{k-1}, V_k) \to (\lambda_k, \phi_k)$.

    - `network`, `junction`, `terminals`, `dt`, `start_step`, `state`, `solver`, `capacitance`, `key`: as
      for `jaxnn.simulate`.

    `step` gives a pure function, to be compiled, batched, differentiated and scanned over. A carry is a
    pytree of arrays of fixed shapes.

    Raises a `ValueError` for what `jaxnn.simulate` refuses.

    ```python
    stepper = jaxnn.Stepper(network, law, terminals=setup["terminals"], dt=3e-3)
    carry, steps = jax.lax.scan(stepper.step, stepper.start(), jnp.full(50, 0.3))
    steps.conductance.shape  # (50,)
    stepper.finish(carry).result == jaxnn.Result.successful  # True
    ```
    """

    problem: Problem
    """The network, law and terminals, checked and of one dtype."""
    run: Run
    """What is known before the first step; it counts no steps."""

    def __init__(
        self,
        network: Declared[Network | Ensemble],
        junction: Declared[AbstractJunction],
        **setup: Unpack[RunArguments],
    ):
        check_arguments("Stepper", setup, RunArguments)
        check_network(network, (Network, Ensemble))
        # A voltage that is never looked at: each step brings its own.
        self.problem = make_problem(network, junction, np.zeros(1), 1, setup)
        self.run = run_of(self.problem, 0)

    def __repr__(self) -> str:
        return f"Stepper({self.problem.network!r}, {type(self.problem.junction).__name__})"

    def start(self) -> Carry:
        """Returns what the first step goes on from."""
        return first_carry(self.problem, self.run)

    @property
    def step(self) -> Callable[[Carry, ArrayLike], tuple[Carry, Step]]:
        """The function of a carry and a voltage [V] that gives the next carry and a `jaxnn.Step`.

        The voltage is of the shapes that a drive may have. `jax.jit` and `jax.lax.scan` take the function
        as it is. A step has what changes in time, and `run` of this stepper what does not: a scan that
        returns steps keeps nothing twice.
        """
        # No method: JAX would look for what it compiled by the numbers of the module.
        return ft.partial(_step, self.problem, self.run)

    def finish(self, carry: Declared[Carry]) -> Diagnosis:
        """Returns what went wrong on the way, when and where, and warns of it once it has a value."""
        _check_carry(carry)
        diagnosis = diagnosis_of(self.problem, carry.watch, carry.step, carry.state)
        diagnosis.check()
        return diagnosis


def _step(
    problem: Problem, run: Run, carry: Declared[Carry], voltage: Declared[ArrayLike]
) -> tuple[Carry, Step]:
    _check_carry(carry)
    value = jnp.asarray(arguments.as_numbers("voltage", voltage), problem.state.dtype)
    check_fits_terminals(f"voltage has shape {value.shape}", value.shape, problem.shape)
    carry, step = steps_of(problem, run)(carry, value)
    return carry, without_run(step)


def _check_carry(carry: object) -> None:
    advice = "A step returns two things, the next carry and a jaxnn.Step."
    if not isinstance(carry, Carry):
        arguments.refuse("carry", "what start() gave or the last step returned first", carry, advice)
