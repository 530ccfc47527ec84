"""What a simulation gives back, with its diagnosis."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, SupportsIndex

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

from .._core import (
    Declared,
    FilePath,
    Module,
    NotRecorded,
    arguments,
    as_loaded,
    beside_text,
    curves,
    is_known,
    load_arrays,
    loading,
    save_arrays,
    unit,
)
from .._junctions import AbstractJunction
from .._viewer import LIMIT, Member, View, view_of
from .arrays_of_solution import OWN, REQUIRED, check_names, check_shapes
from .labelled import Dataset, dataset_of, table_of, write_table
from .part_of_ensemble import fields_of_part
from .result import Diagnosis
from .setup import Setup, setup_arrays, setup_from


_NAME = arguments.one_of(str, named="the name of an axis")


def per(axis: str) -> dict[str, str]:
    """Metadata of a field: of an ensemble it is per "network", which is its axis after time, or its last
    axis runs over the "junction"s or "node"s of all."""
    return {"per": axis}


class Solution(Module):
    """The recorded part of a simulation.

    `time` is the first axis of everything recorded: steps every, 2 every, ... What was not asked
    for is false, and says how to get it when it is used. For an `Ensemble`, `drive` and
    `terminal_current` are (time, networks, terminals),
    `conductance`, `kirchhoff_residual` and `power` are (time, networks), `largest_change` and
    `failed_step` are (networks,). Under `vmap` every array gets the mapped axis in front, as usual.

    ```python
    solution.time[-1]  # 0.15 [s]
    solution.terminal_current.shape  # (50, 2)
    solution.junction_voltage.shape == (50, network.n_junctions)  # True
    solution.save("run.npz")
    jaxnn.Solution.load("run.npz").dt  # 0.003 [s]
    ```
    """

    time: Float[Array, " time"] = eqx.field(metadata=unit("s"))
    """t = k dt [s]."""
    drive: Float[Array, "time *terminals"] = eqx.field(metadata=unit("V") | per("network"))
    """Potentials of the terminals [V]; of electrodes that are fed a current, that current [A]."""
    terminal_current: Float[Array, "time *terminals"] = eqx.field(metadata=unit("A") | per("network"))
    """Currents from the terminals into the network [A]."""
    conductance: Float[Array, "time *networks"] = eqx.field(metadata=unit("S") | per("network"))
    """Conductance between the first two terminals [S]: |current into the second / potential difference|.

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
    failed_junction: Declared[Int[Array, "*networks"]] = eqx.field(default=-1)
    """Junction that the failure belongs to, or -1 if it belongs to none."""
    cause: Declared[Int[Array, "*networks"]] = eqx.field(default=0)
    """What is wrong in that step, as a number; `result` says it in words."""
    # As they are where they were asked for, so that type checkers let users index them.
    state: Declared[Float[Array, "time *variables junctions"]] = eqx.field(
        default=NotRecorded("state"), metadata=per("junction")
    )
    """States after the step."""
    junction_conductance: Declared[Float[Array, "time junctions"]] = eqx.field(
        default=NotRecorded("junction_conductance"), metadata=unit("S") | per("junction")
    )
    """Conductances that the step was solved with [S]."""
    junction_voltage: Declared[Float[Array, "time junctions"]] = eqx.field(
        default=NotRecorded("junction_voltage"), metadata=unit("V") | per("junction")
    )
    """phi_a - phi_b of junction (a, b) [V]."""
    node_potential: Declared[Float[Array, "time nodes"]] = eqx.field(
        default=NotRecorded("node_potential"), metadata=unit("V") | per("node")
    )
    """Potentials of the wires [V]."""
    kirchhoff_residual: Declared[Float[Array, "time *networks"]] = eqx.field(
        default=NotRecorded("kirchhoff_residual"), metadata=unit("A") | per("network")
    )
    """Largest current that a wire other than a terminal fails to pass on [A]."""
    power: Declared[Float[Array, "time *networks"]] = eqx.field(
        default=NotRecorded("power"), metadata=unit("W") | per("network")
    )
    """Power dissipated in all junctions [W]."""
    cut_off: Declared[Int[Array, "time *networks"]] = eqx.field(
        default=NotRecorded("cut_off"), metadata=per("network")
    )
    """Number of wires that no closed junction joins to a terminal, and that float."""
    electrode_potential: Declared[Float[Array, "time *terminals"]] = eqx.field(
        default=NotRecorded("electrode_potential"), metadata=unit("V") | per("network")
    )
    """Potentials of the wires that the terminals touch [V]."""
    electrode_charge: Declared[Float[Array, "time *terminals"]] = eqx.field(
        default=NotRecorded("electrode_charge"), metadata=unit("C") | per("network")
    )
    """Charge that came through each terminal in the step [C]."""
    supplied_energy: Declared[Float[Array, "time *networks"]] = eqx.field(
        default=NotRecorded("supplied_energy"), metadata=unit("J") | per("network")
    )
    """Energy that the sources behind the terminals gave in the step [J]."""
    dissipated_energy: Declared[Float[Array, "time *networks"]] = eqx.field(
        default=NotRecorded("dissipated_energy"), metadata=unit("J") | per("network")
    )
    """Energy that became heat in junctions and series resistances in the step [J]."""
    stored_energy: Declared[Float[Array, "time *networks"]] = eqx.field(
        default=NotRecorded("stored_energy"), metadata=unit("J") | per("network")
    )
    """Energy on the capacitors after the step [J]."""
    final_potential: Declared[Float[Array, " nodes"] | None] = eqx.field(
        default=None, metadata=unit("V") | per("node")
    )
    """Potentials of the wires after the last step [V], of a run with electrodes, capacitors or nonlinear
    junctions."""
    recorded: dict[str, Any] = eqx.field(default_factory=dict)
    """Values of the functions in `record`, time first, and results of its observers, by name."""
    setup: Declared[Setup | None] = eqx.field(default=None, repr=False)
    """What the run was set up with, behind `network`, `junction`, `terminals` and `dt`."""

    def _repr_html_(self) -> str:
        """What a notebook shows: the conductance against time, of a batch or an ensemble its first runs."""
        if not is_known(self.time, self.conductance):
            return beside_text(self, "")
        time, values = np.asarray(self.time), np.asarray(self.conductance)
        time = time.reshape(-1, time.shape[-1])[0]
        values = values if values.shape[-1:] == time.shape else np.moveaxis(values, -2, -1)
        return beside_text(
            self, curves(time, values, xlabel="time [s]", ylabel="conductance [S]", log=True)
        )

    @property
    def network(self) -> Any:
        """The `Network` or `Ensemble` of the run."""
        return self._known_setup().network

    @property
    def junction(self) -> Any:
        """The law of the run's junctions; a `ValueError` if a file has its numbers alone: see `load`."""
        return self._known_setup().junction

    @property
    def terminals(self) -> Array | np.ndarray:
        """The terminals of the run, as they were given, in each network's own numbers."""
        return self._known_setup().terminals

    @property
    def dt(self) -> Array | np.ndarray | np.floating:
        """The time step of the run [s]."""
        return self._known_setup().dt

    def _known_setup(self) -> Setup:
        if self.setup is None:
            raise ValueError(
                "this Solution does not know its network, junction, terminals and dt: it was saved before "
                "these were kept, or is that of one network of an ensemble in a sweep."
            )
        return self.setup

    @property
    def diagnosis(self) -> Diagnosis:
        """The first thing that went wrong, when and where, in one piece."""
        return Diagnosis(self.largest_change, self.failed_step, self.failed_junction, self.cause)

    @property
    def result(self) -> Any:
        """The way in which the run ended, a `Result`; of several, one each."""
        return self.diagnosis.result

    def check(self) -> "Solution":
        """Warns of steps that were too large and of numbers that cannot be right; returns itself.

        `simulate` does so by itself unless it runs inside a transformation (`jit`, `vmap`, `grad`),
        where nothing has a value yet: call this on what comes out. What an observer gives back is asked
        too, where it has a method `check`.
        """
        self.diagnosis.check()
        for found in self.recorded.values():
            if isinstance(found, Module) and callable(check := getattr(found, "check", None)):
                check()
        return self

    @arguments.checked(i=arguments.count(None))
    def part(self, i: SupportsIndex) -> "Solution":
        """Returns the run of network `i` of an ensemble, as if it had run alone.

        What functions and observers kept in `recorded` is of all networks together, and left out.

        Raises a `ValueError` for the run of one network.

        ```python
        ensemble = jaxnn.Ensemble([network, jaxnn.nanowire_network(14, box=10e-6, seed=1)])
        both = [jaxnn.farthest_pair(network), (0, 1)]
        runs = jaxnn.simulate(ensemble, law, drive, terminals=both, dt=3e-3, steps=50)
        runs.part(0).conductance.shape  # (50,)
        ```
        """
        return _solution(fields_of_part(self, i))

    def view(
        self,
        path: FilePath | None = None,
        *,
        member: Member = None,
        limit: float | int = LIMIT,
    ) -> View:
        """Makes one HTML file in which the run is played back, hovered and clicked, see docs/viewer.md.

        - `path`: the file to write; a notebook shows what comes back by itself.
        - `member`: one run of a batch, its place along the axis that `vmap` added, or along each of
          several. By default all of them are in the page, and chosen there.
        - `limit`: the most that its numbers may take [MB]. Of more moments than that, and of more than
          2000, an even choice is kept; numbers are in steps of 1/65534 of their range.

        Raises a `ValueError` for an ensemble (see `part`), a member that there is not, and a run that
        recorded none of "junction_conductance", "junction_voltage" and "state".
        """
        made = view_of(self, limit, member)
        if path is not None:
            made.save(path)
        return made

    def save(self, path: FilePath) -> None:
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

    @arguments.checked(batch=arguments.either(str, arguments.list_of(_NAME, "names of axes")))
    def to_xarray(self, batch: Declared[str | Sequence[str] | None] = None) -> Dataset:
        """Returns everything recorded as an `xarray.Dataset`, its axes labelled and its units attached.

        The axes are `time`, `wire`, `junction`, `terminal` and, of an ensemble, `network`; a state of
        several variables has `variable` too. Coordinates are the times [s], the two wires of each junction
        as `first_wire` and `second_wire`, whether it is `passive`, the places `x` and `y` of the wires [m],
        the wires that the terminals touch as `terminal_wire`, and `dt` [s]. Runs of a batch with time steps
        of their own have the axis `step`, and a `time` for each. Wires and junctions of an ensemble are
        those of its union.

        Where electrodes are fed a current, `drive_unit` says "A" of their `drive`, and "V" of the others.

        - `batch`: names of the leading axes of a mapped run; by default `run`, or `run_0`, `run_1`, ...

        Raises an `ImportError` without xarray, which is in the extra "sweep"; a `ValueError` for other
        names, and for an observer's result that is no array.

        ```python
        dataset = solution.to_xarray()
        dataset.junction_voltage.sel(time=0.15).dims  # ("junction",)
        dataset.conductance.units  # "S"
        ```
        """
        return dataset_of(self, batch)

    @arguments.checked(path=arguments.path, layout=arguments.word("recording", "iv"))
    def to_csv(self, path: FilePath, layout: Literal["recording", "iv"] = "recording") -> None:
        """Writes time, voltage, current and conductance of the terminals as a table, units in its head.

        - `layout`: "recording" has a potential and a current of each terminal, by the number of its wire,
          `Time[s],9_V[V],9_I[A],2_V[V],2_I[A],G[S]`, which `jaxnn.data.read_recording` reads; "iv" the
          voltage between two and the current into the first, `Time[s],V[V],I[A],G[S]`, for
          `jaxnn.data.read_iv`.

        Raises a `ValueError` for a batch or an ensemble, for a third terminal in "iv", and for a
        run with electrodes, capacitors or nonlinear junctions that lacks `record="electrode_potential"`.

        ```python
        solution.to_csv("run.csv")
        jaxnn.data.read_recording("run.csv").pads  # ("9", "2")
        ```
        """
        write_table(path, *table_of(self, layout))

    @classmethod
    def load(cls, path: FilePath, junction: Declared[AbstractJunction | None] = None) -> "Solution":
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
        return _solution(fields)


def _solution(fields: dict[str, Any]) -> Solution:
    """As JAX puts a tree together, because arrays of a batch have more axes than the fields say."""
    solution = object.__new__(Solution)
    for name, value in fields.items():
        object.__setattr__(solution, name, value)
    return solution
