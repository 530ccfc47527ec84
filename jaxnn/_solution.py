"""What a simulation gives back, with its diagnosis."""

import os
import warnings
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._checks import concrete
from ._module import Module
from ._storage import load_arrays, save_arrays
from ._units import unit
from ._unrecorded import NotRecorded


LARGEST_CHANGE = 0.1  # of a state's critical value, up to which an explicit step is trusted


class NumericalWarning(UserWarning):
    """A run whose numbers should be looked at before they are believed."""


class Result(eqx.Enumeration):
    """How a run ended."""

    successful = "every potential, current and state stayed finite"
    not_finite = (
        "a current or a state became NaN or infinite: (a) the drive or an initial state did, (b) a "
        "junction law gave a negative or infinite conductance, or (c) dt is too large for it"
    )


class Solution(Module):
    """The recorded part of a simulation.

    `time` is the first axis of everything recorded: steps every, 2 every, ... What was not asked
    for is false, and says how to get it when it is used. For an `Ensemble`, `drive` and
    `terminal_current` are (time, networks, terminals),
    `conductance`, `kirchhoff_residual` and `power` are (time, networks), `largest_change` and
    `failed_step` are (networks,). Under `vmap` every array gets the mapped axis in front, as usual.
    """

    time: Float[Array, " time"] = eqx.field(metadata=unit("s"))
    """t = k dt [s]."""
    drive: Float[Array, "time *terminals"] = eqx.field(metadata=unit("V"))
    """Potentials of the terminals [V]."""
    terminal_current: Float[Array, "time *terminals"] = eqx.field(metadata=unit("A"))
    """Currents from the terminals into the network [A]."""
    conductance: Float[Array, "time *networks"] = eqx.field(metadata=unit("S"))
    """|Current into the second terminal / potential difference of the first two| [S]; NaN at 0 V."""
    final_state: Float[Array, "*variables junctions"]
    """State after the last step."""
    final_step: Int[Array, ""]
    """Number of the last step: the `start_step` of a run that goes on from here."""
    largest_change: Float[Array, "*networks"]
    """Largest move of a state in one step, relative to its critical value."""
    failed_step: Int[Array, "*networks"]
    """First step with a number that is not finite, or -1."""
    # With Any, so that type checkers let users index what they did ask for.
    state: Float[Array, "time *variables junctions"] | Any = NotRecorded("state")
    """States after the step."""
    junction_conductance: Float[Array, "time junctions"] | Any = eqx.field(
        default=NotRecorded("junction_conductance"), metadata=unit("S")
    )
    """Conductances that the step was solved with [S]."""
    junction_voltage: Float[Array, "time junctions"] | Any = eqx.field(
        default=NotRecorded("junction_voltage"), metadata=unit("V")
    )
    """phi_a - phi_b of junction (a, b) [V]."""
    node_potential: Float[Array, "time nodes"] | Any = eqx.field(
        default=NotRecorded("node_potential"), metadata=unit("V")
    )
    """Potentials of the wires [V]."""
    kirchhoff_residual: Float[Array, "time *networks"] | Any = eqx.field(
        default=NotRecorded("kirchhoff_residual"), metadata=unit("A")
    )
    """Largest current that a wire other than a terminal fails to pass on [A]."""
    power: Float[Array, "time *networks"] | Any = eqx.field(
        default=NotRecorded("power"), metadata=unit("W")
    )
    """Power dissipated in all junctions [W]."""
    cut_off: Int[Array, "time *networks"] | Any = NotRecorded("cut_off")
    """Number of wires that no conductance joins to a terminal: they are at 0 V."""

    @property
    def result(self) -> Any:
        """`Result.successful` or `Result.not_finite`."""
        return Result.where(self.failed_step < 0, Result.successful, Result.not_finite)

    def check(self) -> "Solution":
        """Warns of steps that were too large and of numbers that are not finite; returns itself.

        `simulate` does so by itself unless it runs inside a transformation (`jit`, `vmap`, `grad`),
        where nothing has a value yet: call this on what comes out.
        """
        if concrete(self.failed_step) is None:
            return self
        failed = np.atleast_1d(self.failed_step)
        if (failed >= 0).any():
            _warn(
                f"{_share(failed >= 0)}not finite from step {failed[failed >= 0].min()} on: "
                f"{Result[Result.not_finite]}. Look at the conductance and the drive before it."
            )
        change = np.atleast_1d(self.largest_change)
        large = change > LARGEST_CHANGE
        if large.any():
            _warn(
                f"{_share(large)}a step moved a state by {change[large].max():.3g} of its "
                f"critical value, more than the {LARGEST_CHANGE:g} up to which the explicit step is "
                "trusted: dt is too large for this drive, make it smaller by that ratio."
            )
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes everything recorded to one `.npz` file, without pickling."""
        arrays = {k: np.asarray(v) for k, v in vars(self).items() if eqx.is_array(v)}
        save_arrays(path, "solution", arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Solution":
        """Reads what `save` wrote; raises a `ValueError` for any other file."""
        return cls(**{k: jnp.asarray(v) for k, v in load_arrays(path, "solution").items()})


def _share(bad: np.ndarray) -> str:
    return f"{bad.sum()} of {bad.size} runs: " if bad.size > 1 else ""


def _warn(message: str) -> None:
    warnings.warn(message, NumericalWarning, stacklevel=5)
