"""Drives that hang on what was read from the network at the step before."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PyTree

from .._core import Declared, Module, Number, arguments, as_inexact, check_finite, unit


class AbstractFeedback(Module):
    """A drive that remembers what it read: given as `drive`, it closes the loop through the network.

    What it remembers between two steps is any pytree of arrays whose shapes and dtypes stay. Everything is
    compiled; gradients, `vmap` and `jit` go through the loop.

    ```python
    class Servo(jaxnn.AbstractFeedback):
        goal: float = 1e-6  # [S]

        def start(self, run):
            return jnp.full((), 0.1, run.state.dtype)

        def voltage(self, memory, time):
            return memory  # [V]

        def follow(self, memory, step):
            return jnp.where(step.conductance < self.goal, memory + 1e-3, 0.9 * memory)


    jaxnn.simulate(network, law, Servo(), **setup).drive.shape  # (50, 2)
    ```
    """

    @abc.abstractmethod
    def start(self, run: Any) -> PyTree:
        """Returns the memory before the first step; `run` is a `jaxnn.Run`."""

    @abc.abstractmethod
    def voltage(self, memory: PyTree, time: Float[Array, ""]) -> Float[Array, "..."]:
        """Returns the voltage [V] of a step at `time` [s], of shapes as for `jaxnn.AbstractDrive`."""

    @abc.abstractmethod
    def follow(self, memory: PyTree, step: Any) -> PyTree:
        """Returns the memory after a step, a `jaxnn.Step`."""


class Feedback(AbstractFeedback):
    r"""A voltage that is a function of the step before, $V_{k+1} = f(\mathrm{step}_k)$, and given at first.

    Raises a `ValueError` for something else than a function.

    ```python
    follow = jaxnn.Feedback(lambda step: 0.1 + 0.5 * step.node_potential[5], first=0.3)
    run = jaxnn.simulate(network, law, follow, record="node_potential", **setup)
    jnp.allclose(run.drive[1:, 0], 0.1 + 0.5 * run.node_potential[:-1, 5])  # True
    ```
    """

    function: Declared[Callable[[Any], Array]]
    """What makes the next voltage [V] of a `jaxnn.Step`; a module, for gradients in numbers of its own."""
    first: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    """Voltage of the first step [V], of the shape that the function gives."""

    def __check_init__(self):
        arguments.function("function of Feedback", self.function)
        check_finite("first of Feedback", self.first, "V")

    def start(self, run: Any) -> Float[Array, "..."]:
        return self.first + 0 * run.dt

    def voltage(self, memory: PyTree, time: Float[Array, ""]) -> Float[Array, "..."]:
        return memory

    def follow(self, memory: PyTree, step: Any) -> Float[Array, "..."]:
        return self.function(step)
