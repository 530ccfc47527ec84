"""What a drive is: a voltage as a function of time."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util as jtu
from jaxtyping import Array, ArrayLike, DTypeLike, Float, PyTree

from .._core import Declared, Module, Numbers, beside_text, check_finite, common_dtype
from .clock import Clock, Timing
from .feedback import AbstractFeedback


if TYPE_CHECKING:
    from .arithmetic import Amplified, Succession, Sum
else:
    # They come after what a drive is.
    Amplified = Succession = Sum = Any


class AbstractDrive(Module):
    """A drive: a voltage [V] as a function of time [s], differentiable in its parameters.

    The value is a scalar, or has a last axis of length 1, for the first terminal with the others
    at 0 V; or it has one entry per terminal. For an `Ensemble` the axes are
    `(networks, terminals)`.

    Drives are added, subtracted and multiplied by numbers: `2 * Sine(1.0, 0.5) - 0.1`, where a number that
    is added is a `jaxnn.Constant`. One follows another as `Ramp(0.0, 0.2, 1.0).then(Sine(0.2, 0.5))`.

    A drive of your own subclasses this and implements `__call__`.

    ```python
    class Chirp(jaxnn.AbstractDrive):
        rate: float = 30.0  # [1/s^2]

        def __call__(self, time):
            return 0.2 * jnp.sin(self.rate * time**2)


    jaxnn.simulate(network, law, Chirp() + jaxnn.Constant(0.1), **setup).conductance.shape  # (50,)
    ```
    """

    @abc.abstractmethod
    def __call__(self, time: Float[Array, ""]) -> Float[Array, "..."]:
        """The voltage [V] at `time` [s]."""

    def _repr_html_(self) -> str:
        """What a notebook shows: the voltage against time, of several terminals or networks each."""
        # It asks what kind of drive this is, and those come after what a drive is.
        from .small_picture import voltage_curve

        return beside_text(self, voltage_curve(self))

    # NumPy's numbers leave `number * drive` to the drive.
    __array_ufunc__ = None

    def __add__(self, other: Declared["AbstractDrive | Numbers"]) -> Sum:
        return _arithmetic().added(self, other)

    def __radd__(self, other: Numbers) -> "AbstractDrive":
        # `sum(drives)` begins with 0.
        return self if type(other) is int and other == 0 else _arithmetic().added(other, self)

    def __sub__(self, other: Declared["AbstractDrive | Numbers"]) -> Sum:
        return _arithmetic().added(self, -_arithmetic().as_drive(other))

    def __rsub__(self, other: Numbers) -> Sum:
        return _arithmetic().added(other, -self)

    def __neg__(self) -> Amplified:
        return _arithmetic().Amplified(self, -1.0)

    def __mul__(self, gain: Numbers) -> Amplified:
        return _arithmetic().Amplified(self, gain)

    __rmul__ = __mul__

    def __truediv__(self, number: Numbers) -> Amplified:
        return _arithmetic().Amplified(self, _arithmetic().reciprocal(number))

    def then(self, other: Declared["AbstractDrive | Numbers"], at: Numbers | None = None) -> Succession:
        """Puts another drive, which begins anew, behind this one, as `jaxnn.Succession` says.

        - `other`: a drive, or a fixed voltage [V].
        - `at`: the time at which it takes over [s], by default the `end_time` of this drive.
        """
        return _arithmetic().succeeded(self, other, at)

    def end_time(self) -> Numbers:
        """Returns when what the drive describes is over [s]; by default it is without end, infinite."""
        return float("inf")

    def shortest_time(self) -> ArrayLike:
        """Returns the shortest time [s] in which the voltage does something; a longer dt is warned of.

        A fixed number of steps of the smallest feature: an eighth of a period, or the width of a
        pulse. By default infinite, which no time step exceeds.
        """
        return float("inf")


def _arithmetic() -> Any:
    """The drives that are made of drives, which come after what a drive is."""
    from . import arithmetic

    return arithmetic


DriveLike: TypeAlias = Declared[AbstractDrive | AbstractFeedback | Numbers]
"""A drive, one that feeds back what was read, or an array of voltages [V] with time first."""


class AbstractClockDrive(AbstractDrive):
    """A drive that keeps its phase after hours of float32: it is given a `Clock`, not a float.

    ```python
    class Sawtooth(jaxnn.AbstractClockDrive):
        frequency: float = 2.0  # [Hz]

        def at(self, clock):
            return 0.1 * (clock.cycles(self.frequency) + 0.5)


    Sawtooth()(0.125)  # 0.075 [V]
    ```
    """

    @abc.abstractmethod
    def at(self, clock: Clock) -> Float[Array, "..."]:
        """Returns the voltage [V] at the instant `clock`."""

    def __call__(self, time: ArrayLike) -> Float[Array, "..."]:
        return drive_at(self, Clock.at(time, common_dtype((self, time))))


def drive_at(drive: AbstractDrive, clock: Clock) -> Float[Array, "..."]:
    """The voltage of any drive at an instant, as exactly as the drive can say it."""
    drive = settled(drive, common_dtype((drive, clock.time)), clock.time.dtype)
    return drive.at(clock) if isinstance(drive, AbstractClockDrive) else drive(clock.time)


def most_terminals(values: Sequence[Array]) -> int:
    """The widest last axis among voltages, 0 if all are scalars."""
    return max((value.shape[-1] for value in values if value.ndim), default=0)


def per_terminal(value: Float[Array, "..."], terminals: int) -> Float[Array, "..."]:
    """Voltages [V] with an entry for each terminal.

    A scalar, or a last axis of length 1, is the first terminal's; the others are then at 0 V.
    """
    if value.ndim and value.shape[-1] != 1:
        return value
    value = value.reshape((*value.shape[:-1], 1))
    rest = jnp.zeros((*value.shape[:-1], terminals - 1), value.dtype)
    return jnp.concatenate([value, rest], axis=-1)


def aligned(values: Sequence[Array]) -> list[Array]:
    """Arrays with as many axes each as the one that has most, scalars aside."""
    most = max(value.ndim for value in values)
    return [x.reshape((1,) * (most - x.ndim) + x.shape) if x.ndim else x for x in values]


def settled(tree: PyTree, dtype: DTypeLike, timing_dtype: DTypeLike | None = None) -> PyTree:
    """A drive with all of its numbers in a dtype, and those marked `TIMING` as a `Timing`."""

    def one(path: jtu.KeyPath, leaf: Any) -> PyTree:
        if not (eqx.is_inexact_array(leaf) or isinstance(leaf, float)):
            return leaf
        if _sets_times(tree, path):
            return Timing.of(leaf, dtype if timing_dtype is None else timing_dtype)
        return jnp.asarray(leaf, dtype)

    return jtu.tree_map_with_path(one, tree, is_leaf=lambda x: isinstance(x, Timing))


def _sets_times(tree: PyTree, path: Sequence[Any]) -> bool:
    """Whether the leaf at `path` is a field marked `TIMING` of its module."""
    if not path or not isinstance(path[-1], jtu.GetAttrKey):
        return False
    for key in path[:-1]:
        if isinstance(key, jtu.GetAttrKey):
            tree = getattr(tree, key.name)
        elif isinstance(key, jtu.SequenceKey | jtu.DictKey):
            tree = tree[key.idx if isinstance(key, jtu.SequenceKey) else key.key]
        else:
            return False
    fields = dataclasses.fields(tree) if dataclasses.is_dataclass(tree) else ()
    return any(field.name == path[-1].name and field.metadata.get("timing") for field in fields)


def check_finite_fields(drive: AbstractDrive) -> None:
    """Raises a `ValueError` for a parameter that is NaN or infinite."""
    for name, value in vars(drive).items():
        if eqx.is_inexact_array(value):
            check_finite(f"{name} of {type(drive).__name__}", value)
