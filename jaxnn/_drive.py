"""What a drive is: a voltage as a function of time."""

import abc
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ._checks import check_finite
from ._clock import Clock
from ._module import Module
from ._numbers import follow


class AbstractDrive(Module):
    """A voltage [V] as a function of time [s], differentiable in its parameters.

    The value is a scalar, or has a last axis of length 1, for the first terminal with the others
    at 0 V; or it has one entry per terminal. For an `Ensemble` the axes are
    `(networks, terminals)`. Drives add up: `Sine(1.0, 0.5) + Constant(0.1)`.

    A drive of your own subclasses this and implements `__call__`.
    """

    @abc.abstractmethod
    def __call__(self, time: Float[Array, ""]) -> Float[Array, "..."]:
        """The voltage [V] at `time` [s]."""

    def __add__(self, other: "AbstractDrive") -> "Sum":
        return Sum((self, other))


class AbstractClockDrive(AbstractDrive):
    """A drive that keeps its phase after hours of float32: it is given a `Clock`, not a float."""

    @abc.abstractmethod
    def at(self, clock: Clock) -> Float[Array, "..."]:
        """The voltage [V] at the instant `clock`."""

    def __call__(self, time: ArrayLike) -> Float[Array, "..."]:
        return drive_at(self, Clock.at(time))


def drive_at(drive: AbstractDrive, clock: Clock) -> Float[Array, "..."]:
    """The voltage of any drive at an instant, as exactly as the drive can say it."""
    drive = follow(drive, clock.time)
    return drive.at(clock) if isinstance(drive, AbstractClockDrive) else drive(clock.time)


class Sum(AbstractClockDrive):
    """The sum of several drives [V], their values broadcast against each other."""

    drives: tuple[AbstractDrive, ...]

    def __init__(self, drives: Sequence[Any]):
        self.drives = tuple(drives)

    def __check_init__(self):
        if not self.drives or not all(isinstance(d, AbstractDrive) for d in self.drives):
            raise ValueError(
                f"Sum needs one or more drives, got {self.drives!r}; "
                "wrap a fixed voltage as jaxnn.Constant(voltage)."
            )

    def at(self, clock: Clock) -> Float[Array, "..."]:
        values = jnp.broadcast_arrays(*(drive_at(d, clock) for d in self.drives))
        return sum(values[1:], start=values[0])


def check_finite_fields(drive: AbstractDrive) -> None:
    """Raises a `ValueError` for a parameter that is NaN or infinite."""
    for name, value in vars(drive).items():
        if eqx.is_array(value):
            check_finite(f"{name} of {type(drive).__name__}", value)
