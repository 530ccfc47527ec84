"""Drives that are made of drives: sums, multiples, and one after the other."""

import functools as ft
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxnn_kernels import two_part_difference

from .._core import (
    Declared,
    Number,
    Numbers,
    arguments,
    array_module,
    as_inexact,
    check_at_least,
    check_finite,
    common_dtype,
    concrete,
    together,
    unit,
)
from .abstract import (
    AbstractClockDrive,
    AbstractDrive,
    aligned,
    drive_at,
    most_terminals,
    per_terminal,
    settled,
)
from .clock import TIMING, Clock
from .waveforms import Constant


class Sum(AbstractClockDrive):
    """The sum of several drives [V], each a voltage of the first terminal or one of every terminal.

    Raises a `ValueError` for no drives, other things than drives, and numbers of terminals that differ.

    ```python
    both = jaxnn.Sine(0.5, 2.0) + jaxnn.Constant(0.1)
    len(both.drives)  # 2
    both(0.125)  # 0.6 [V]
    ```
    """

    drives: tuple[AbstractDrive, ...]
    """The drives that add up [V], at least one."""

    def __init__(self, drives: Sequence[Any]):
        if not isinstance(drives, Sequence) or isinstance(drives, str):
            arguments.refuse("drives", "a list of drives", drives)
        self.drives = tuple(drives)

    def __check_init__(self):
        if not self.drives or not all(isinstance(d, AbstractDrive) for d in self.drives):
            raise ValueError(
                f"Sum needs one or more drives, got {self.drives!r}; "
                "wrap a fixed voltage as jaxnn.Constant(voltage)."
            )

    def at(self, clock: Clock) -> Float[Array, "..."]:
        values = _fitting("Sum", [drive_at(d, clock) for d in self.drives])
        return sum(values[1:], start=values[0])

    def end_time(self) -> Numbers:
        # A voltage that a drive is moved by does not keep it from ending.
        moving = [drive for drive in self.drives if not isinstance(drive, Constant)]
        return _extreme("maximum", *(drive.end_time() for drive in moving or self.drives))

    def shortest_time(self) -> Any:
        return _extreme("minimum", *(drive.shortest_time() for drive in self.drives))


class Amplified(AbstractClockDrive):
    r"""A multiple of a drive, $g\,V(t)$ [V]: `2 * drive`, `-drive` and `drive / 3` make it.

    The `gain` g [1] is one number; voltages of several terminals keep their proportions.

    Raises a `ValueError` for something else than a drive and for a gain that is not one finite number.

    ```python
    loud = 3 * jaxnn.Sine(0.1, 2.0)
    loud(0.125)  # 0.3 [V]
    jax.grad(lambda g: (g * jaxnn.Sine(0.1, 2.0))(0.125))(3.0)  # 0.1 [V]
    ```
    """

    drive: Declared[AbstractDrive]
    """The drive that is amplified [V]."""
    gain: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("1"))
    """Factor g [1]; a negative one turns the voltage round."""

    def __check_init__(self):
        _check_drive("drive of Amplified", self.drive)
        _check_one("gain of Amplified", self.gain, "1")

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = settled(self, common_dtype((self, clock.time)), clock.time.dtype)
        return own.gain * drive_at(own.drive, clock)

    def end_time(self) -> Numbers:
        return self.drive.end_time()

    def shortest_time(self) -> Any:
        return self.drive.shortest_time()


class Succession(AbstractClockDrive):
    r"""A drive up to an instant, then another whose time begins there: `first.then(second, at)` makes it.

    $$V(t) = V_1(t) \;\text{for}\; t \le T, \qquad V(t) = V_2(t - T) \;\text{for}\; t > T$$

    with T = `switch_time` [s]. A step on the edge belongs to the part that ends there, as in a
    `jaxnn.Programme`; with T = n dt the first n steps are those of the first drive, and the next is the
    first step of the second. The derivative in T is that of $V_2(t - T)$; the jump at the edge has none.

    Raises a `ValueError` for other things than drives, and a time that is negative or not finite.

    ```python
    drive = jaxnn.Ramp(0.0, 0.2, duration=1.0).then(jaxnn.Constant(0.1))
    drive.switch_time  # 1.0 [s]
    jax.vmap(drive)(jnp.array([0.5, 1.0, 1.5]))  # [0.1, 0.2, 0.1] [V]
    ```
    """

    first: Declared[AbstractDrive]
    """The drive up to `switch_time`, that instant included [V]."""
    second: Declared[AbstractDrive]
    """The drive from then on, whose own time begins at `switch_time` [V]."""
    switch_time: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("s") | TIMING)
    """Time T at which the second takes over [s], not negative."""

    def __check_init__(self):
        _check_drive("first of Succession", self.first)
        _check_drive("second of Succession", self.second)
        _check_one("switch_time of Succession", self.switch_time, "s")
        check_at_least("switch_time of Succession", self.switch_time, 0, "s")

    def at(self, clock: Clock) -> Float[Array, "..."]:
        own = settled(self, common_dtype((self, clock.time)), clock.time.dtype)
        edge = own.switch_time
        passed, rest = two_part_difference(clock.parts, edge.parts)
        after = clock.since(edge) > clock.tolerance
        # Each drive is asked only about times that are its own: beyond them it may be NaN, whose derivative
        # would come through the choice.
        held = [jnp.where(after, x, y) for x, y in zip(edge.parts, clock.parts, strict=True)]
        begun = [jnp.where(after, x, 0) for x in (passed, rest)]
        clocks = (Clock(held[0], held[1], clock.tolerance), Clock(begun[0], begun[1], clock.tolerance))
        values = [drive_at(d, c) for d, c in zip((own.first, own.second), clocks, strict=True)]
        before, now = _fitting("Succession", values)
        return jnp.where(after, now, before)

    def end_time(self) -> Numbers:
        start, length = together(self.switch_time, as_inexact(self.second.end_time()))
        return start + length

    def shortest_time(self) -> Any:
        return _extreme("minimum", *(drive.shortest_time() for drive in (self.first, self.second)))


def added(a: Any, b: Any) -> Sum:
    """The sum of two drives, or of one and a voltage."""
    return Sum((as_drive(a), as_drive(b)))


def succeeded(first: AbstractDrive, second: Any, at: Any) -> Succession:
    """One drive after another, by default at the end of the first."""
    if at is None:
        at = first.end_time()
        known = concrete(at)
        if known is not None and not np.all(np.isfinite(known)):
            raise ValueError(
                f"{type(first).__name__} has no end: say when the next drive takes over, as in "
                "drive.then(other, at=2.0)."
            )
    return Succession(first, as_drive(second), at)


def as_drive(value: Any) -> AbstractDrive:
    """A drive as it is, and a voltage [V] as a constant."""
    if isinstance(value, AbstractDrive):
        return value
    arguments.real()("what is added to a drive, or follows it,", value)
    return Constant(value)


def reciprocal(number: Numbers) -> Any:
    """One by a number; of zero it is infinite, which no gain may be."""
    known = as_inexact(number)
    with np.errstate(divide="ignore"):
        return array_module(known).reciprocal(known)


def _extreme(which: str, *times: Any) -> Any:
    """The "minimum" or "maximum" of some times [s], one each or one per terminal."""
    numbers = [array_module(x).ravel(x) for x in together(*map(as_inexact, times))]
    xp = array_module(*numbers)
    return ft.reduce(getattr(xp, which), [getattr(x, which[:3])() for x in numbers])


def _fitting(what: str, values: Sequence[Array]) -> list[Array]:
    """Voltages of several drives, with an entry for each terminal if one has it, and as many axes each."""
    terminals = most_terminals(values)
    wide = [per_terminal(value, terminals) for value in values] if terminals else values
    try:
        wide = aligned(wide)
        jnp.broadcast_shapes(*(x.shape for x in wide))
    except (TypeError, ValueError):
        raise ValueError(
            f"the drives of a {what} give values of shapes {[value.shape for value in values]}, which do "
            "not fit each other: each needs one value per terminal, or one for the first terminal."
        ) from None
    return wide


def _check_drive(name: str, drive: Any) -> None:
    if not isinstance(drive, AbstractDrive):
        arguments.refuse(name, "a drive", drive, "Wrap a fixed voltage as jaxnn.Constant(voltage).")


def _check_one(name: str, number: Any, unit_name: str) -> None:
    check_finite(name, number, unit_name)
    if np.shape(number):
        arguments.refuse(name, "one number", number, "Voltages of several terminals belong in the drive.")
