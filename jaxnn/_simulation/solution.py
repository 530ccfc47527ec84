"""What a simulation gives back, with its diagnosis."""

import dataclasses
import os
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._core import (
    Module,
    NotRecorded,
    as_loaded,
    concrete,
    load_arrays,
    loading,
    save_arrays,
    unit,
    warn_user,
)
from .arrays_of_solution import OWN, REQUIRED, check_names, check_shapes
from .diagnosis import INFINITE_CONDUCTANCE, NEGATIVE_CONDUCTANCE, NOT_FINITE, OUT_OF_BOUNDS
from .setup import Setup, setup_arrays, setup_from


LARGEST_CHANGE = 0.1  # of a state's critical value, up to which an explicit step is trusted


def per(axis: str) -> dict[str, str]:
    """Metadata of a field: of an ensemble it is per "network", which is its axis after time, or its last
    axis runs over the "junction"s or "node"s of all."""
    return {"per": axis}


class Result(eqx.Enumeration):
    """How a run ended."""

    successful = "every conductance, potential, current and state stayed finite and within its bounds"
    not_finite = (
        "a current or a state became NaN or infinite: (a) the drive or an initial state did, or (b) dt is "
        "too large for the junction law"
    )
    state_out_of_bounds = (
        "a state left the bounds that its junction law gives it (state_bounds): the run started there, or "
        "the law's update does not keep to them"
    )
    negative_conductance = (
        "a junction's conductance became negative: Kirchhoff's laws have no solver for that here"
    )
    infinite_conductance = "a junction's conductance became NaN or infinite"


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
    drive: Float[Array, "time *terminals"] = eqx.field(metadata=unit("V") | per("network"))
    """Potentials of the terminals [V]."""
    terminal_current: Float[Array, "time *terminals"] = eqx.field(metadata=unit("A") | per("network"))
    """Currents from the terminals into the network [A]."""
    conductance: Float[Array, "time *networks"] = eqx.field(metadata=unit("S") | per("network"))
    """Between the first two terminals [S]: |current into the second / potential difference|.

    With two terminals, or a drive of the first alone, it has a value at 0 V too: that of the branch that is
    left of the network. With more that are driven it hangs on how, and is NaN where the first two are at
    one potential."""
    final_state: Float[Array, "*variables junctions"] = eqx.field(metadata=per("junction"))
    """State after the last step."""
    final_step: Int[Array, ""]
    """Number of the last step: the `start_step` of a run that goes on from here."""
    largest_change: Float[Array, "*networks"]
    """Largest move of a state in one step, relative to its critical value."""
    failed_step: Int[Array, "*networks"]
    """First step with a number that is not finite, negative or out of bounds, or -1."""
    failed_junction: Int[Array, "*networks"] | Any = -1
    """The junction that it belongs to, or -1 if it belongs to none."""
    cause: Int[Array, "*networks"] | Any = 0
    """What is wrong there, as a number; `result` says it in words."""
    # With Any, so that type checkers let users index what they did ask for.
    state: Float[Array, "time *variables junctions"] | Any = eqx.field(
        default=NotRecorded("state"), metadata=per("junction")
    )
    """States after the step."""
    junction_conductance: Float[Array, "time junctions"] | Any = eqx.field(
        default=NotRecorded("junction_conductance"), metadata=unit("S") | per("junction")
    )
    """Conductances that the step was solved with [S]."""
    junction_voltage: Float[Array, "time junctions"] | Any = eqx.field(
        default=NotRecorded("junction_voltage"), metadata=unit("V") | per("junction")
    )
    """phi_a - phi_b of junction (a, b) [V]."""
    node_potential: Float[Array, "time nodes"] | Any = eqx.field(
        default=NotRecorded("node_potential"), metadata=unit("V") | per("node")
    )
    """Potentials of the wires [V]."""
    kirchhoff_residual: Float[Array, "time *networks"] | Any = eqx.field(
        default=NotRecorded("kirchhoff_residual"), metadata=unit("A") | per("network")
    )
    """Largest current that a wire other than a terminal fails to pass on [A]."""
    power: Float[Array, "time *networks"] | Any = eqx.field(
        default=NotRecorded("power"), metadata=unit("W") | per("network")
    )
    """Power dissipated in all junctions [W]."""
    cut_off: Int[Array, "time *networks"] | Any = eqx.field(
        default=NotRecorded("cut_off"), metadata=per("network")
    )
    """Number of wires that no closed junction joins to a terminal, and that float."""
    recorded: dict[str, Any] = eqx.field(default_factory=dict)
    """Values of the functions in `record`, time first, and results of its observers, by name."""
    setup: Setup | Any = eqx.field(default=None, repr=False)
    """What the run was set up with, behind `network`, `junction`, `terminals` and `dt`."""

    @property
    def network(self) -> Any:
        """The `Network` or `Ensemble` of the run."""
        return self._known_setup().network

    @property
    def junction(self) -> Any:
        """The law of its junctions. A `ValueError` if a file has only the numbers of it: see `load`."""
        return self._known_setup().junction

    @property
    def terminals(self) -> Any:
        """Its terminals, as they were given, in each network's own numbers."""
        return self._known_setup().terminals

    @property
    def dt(self) -> Any:
        """Its time step [s]."""
        return self._known_setup().dt

    def _known_setup(self) -> Setup:
        if self.setup is None:
            raise ValueError(
                "this Solution does not know its network, junction, terminals and dt: it was saved before "
                "these were kept, or is that of one network of an ensemble in a sweep."
            )
        return self.setup

    @property
    def result(self) -> Any:
        """How the run ended, a `Result`; of several, one each."""
        cause = jnp.asarray(self.cause)
        named = _result
        for _ in range(cause.ndim):
            named = jax.vmap(named)
        return named(cause)

    def check(self) -> "Solution":
        """Warns of steps that were too large and of numbers that cannot be right; returns itself.

        `simulate` does so by itself unless it runs inside a transformation (`jit`, `vmap`, `grad`),
        where nothing has a value yet: call this on what comes out.
        """
        if any(concrete(x) is None for x in (self.failed_step, self.largest_change)):
            return self
        failed = np.atleast_1d(self.failed_step)
        if (failed >= 0).any():
            first = np.argmin(np.where(failed >= 0, failed, np.iinfo(failed.dtype).max))
            cause, junction = (np.atleast_1d(x).flat[first] for x in (self.cause, self.failed_junction))
            where = "" if junction < 0 else f" at junction {junction}"
            warn_user(
                f"{_share(failed >= 0)}wrong from step {failed.flat[first]} on{where}: "
                f"{Result[_RESULTS[int(cause)]]}. Look at the drive, the state and the law before it."
            )
        change = np.atleast_1d(self.largest_change)
        large = change > LARGEST_CHANGE
        if large.any():
            warn_user(
                f"{_share(large)}a step moved a state by {change[large].max():.3g} of its "
                f"critical value, more than the {LARGEST_CHANGE:g} up to which the explicit step is "
                "trusted: dt is too large for this drive, make it smaller by that ratio."
            )
        return self

    def save(self, path: str | os.PathLike[str] | Any) -> None:
        """Writes everything recorded and the setup to one `.npz` file, without pickling.

        Of a law that is not jaxnn's own the name and the numbers are kept.
        """
        arrays = {k: np.asarray(v) for k, v in vars(self).items() if eqx.is_array(v)}
        for name, value in self.recorded.items():
            if not eqx.is_array(value):
                raise ValueError(
                    f"recorded[{name!r}] is no array, and files hold nothing else: save it apart, and the "
                    "rest as dataclasses.replace(solution, recorded={}).save(path)."
                )
            arrays[OWN + name] = np.asarray(value)
        known = {} if self.setup is None else setup_arrays(self.setup)
        save_arrays(path, "solution", arrays | {f"setup.{k}": v for k, v in known.items()})

    @classmethod
    def load(cls, path: str | os.PathLike[str] | Any, junction: Any = None) -> "Solution":
        """Reads what `save` wrote.

        - `junction`: for a run with a law of your own, any law of its class; it takes the saved numbers.
          Without, all but `solution.junction` is there.

        Raises a `ValueError` that names the file for any other, or one whose arrays do not fit each
        other, and for another law. Numbers of float64 become float32 with a warning where JAX computes
        in that.
        """
        arrays = load_arrays(path, "solution", REQUIRED, check_names)
        known = {k.removeprefix("setup."): arrays.pop(k) for k in list(arrays) if k.startswith("setup.")}
        fields: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(cls)}
        with loading(path, "Solution"):
            fields["setup"] = setup_from(known, junction) if known else None
            check_shapes(arrays, fields["setup"])
            loaded = as_loaded(path, arrays)
        own = [name for name in loaded if name.startswith(OWN)]
        fields["recorded"] = {name.removeprefix(OWN): loaded.pop(name) for name in own}
        fields |= loaded
        # As JAX puts a tree together, because arrays of a batch have more axes than the fields say.
        solution = object.__new__(cls)
        for name, value in fields.items():
            object.__setattr__(solution, name, value)
        return solution


_RESULTS = {
    NOT_FINITE: Result.not_finite,
    OUT_OF_BOUNDS: Result.state_out_of_bounds,
    NEGATIVE_CONDUCTANCE: Result.negative_conductance,
    INFINITE_CONDUCTANCE: Result.infinite_conductance,
}


def _result(cause: Array) -> Any:
    ending = Result.successful
    for number, result in _RESULTS.items():
        ending = Result.where(cause == number, result, ending)
    return ending


def _share(bad: np.ndarray) -> str:
    return f"{bad.sum()} of {bad.size} runs: " if bad.size > 1 else ""
