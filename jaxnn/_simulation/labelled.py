"""A solution with names on its axes, for xarray, and as a table of its terminals, for all else."""

import dataclasses as dc
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import equinox as eqx
import numpy as np

from .._core import FilePath, arguments, written_whole
from .._networks import Ensemble
from .._version import __version__
from .arrays_of_solution import PER_RUN
from .step import ALWAYS, ON_REQUEST


if TYPE_CHECKING:
    from xarray import Dataset as Dataset
else:
    # Annotations that are evaluated must not import xarray, which may be missing.
    Dataset = Any

Axes: TypeAlias = tuple[str, ...]

_TIMED = (*ALWAYS, *ON_REQUEST)
PER_TERMINAL = ("drive", "terminal_current", "electrode_potential", "electrode_charge")
_OF_LAST_AXIS = {"junction": "junction", "node": "wire"}


def dataset_of(solution: Any, batch: Sequence[str] | None) -> Dataset:
    """What `jaxnn.Solution.to_xarray` returns."""
    xarray = _xarray()
    _check_known(solution)
    setup = solution._known_setup()
    ensemble = setup.network if isinstance(setup.network, Ensemble) else None
    # One number a run, so that all axes but that of networks are those of a batch.
    shape = np.shape(solution.failed_step)[: np.ndim(solution.failed_step) - (ensemble is not None)]
    names = _batch_names(batch, len(shape))
    time, clock = _times(np.asarray(solution.time), names)
    fields: dict[str, Any] = {}
    for field in dc.fields(solution):
        value = getattr(solution, field.name)
        if field.name != "time" and eqx.is_array(value):
            axes = _axes(field, np.ndim(value), names, clock, ensemble is not None)
            unit = {"units": field.metadata["unit"]} if "unit" in field.metadata else {}
            fields[field.name] = (axes, np.asarray(value), unit)
    recorded = {}
    for name, value in solution.recorded.items():
        label = f"recorded_{name}" if name in fields or name == "time" else name
        recorded[label] = _recorded(name, value, names, clock, np.shape(solution.time)[-1])
    coordinates = time | _places(setup, ensemble, names)
    if setup.fed:
        units = np.where(setup.fed, "A", "V")
        coordinates["drive_unit"] = ("terminal", units)
        if ensemble is not None:
            coordinates["drive_unit"] = (("network", "terminal"), units.reshape(ensemble.n_networks, -1))
        fields["drive"][2]["units"] = "V, or A where drive_unit says so"
    attributes = {"program": f"jaxnn {__version__}"}
    return xarray.Dataset(fields | recorded, coordinates, attributes)


def table_of(solution: Any, layout: Literal["recording", "iv"]) -> tuple[list[str], np.ndarray]:
    """The head and the numbers that `jaxnn.Solution.to_csv` writes."""
    _check_known(solution)
    setup = solution._known_setup()
    if np.ndim(solution.time) != 1 or isinstance(setup.network, Ensemble):
        raise ValueError(
            "a table is of one run of one network, got conductances of shape "
            f"{solution.conductance.shape}: write each apart, as "
            "jax.tree.map(lambda x: x[0], solution).to_csv(path) of a batch, or all in "
            "one file by solution.to_xarray().to_netcdf(path)."
        )
    voltage, current = _potentials(solution), np.asarray(solution.terminal_current)
    wires = np.asarray(setup.terminals)
    time = [("Time[s]", np.asarray(solution.time))]
    if layout == "recording":
        pads = [((f"{w}_V[V]", voltage[:, k]), (f"{w}_I[A]", current[:, k])) for k, w in enumerate(wires)]
        columns = [*time, *(column for pair in pads for column in pair)]
    elif len(wires) == 2:
        columns = [*time, ("V[V]", voltage[:, 0] - voltage[:, 1]), ("I[A]", current[:, 0])]
    else:
        raise ValueError(
            f'layout="iv" is for a run with two terminals, got {len(wires)}: take layout="recording".'
        )
    columns.append(("G[S]", np.asarray(solution.conductance)))
    return [name for name, _ in columns], np.stack([column for _, column in columns], axis=1)


def write_table(path: FilePath, head: list[str], rows: np.ndarray) -> None:
    """Writes a head and rows of numbers, with all digits that they have, whole or not at all."""
    lines = [",".join(head), *(",".join(map(str, row)) for row in rows)]
    with written_whole(Path(path)) as file:
        file.write("\n".join([*lines, ""]).encode())


def _xarray() -> Any:
    try:
        return importlib.import_module("xarray")
    except ImportError as error:
        raise ImportError(
            'Solution.to_xarray needs xarray, an optional dependency of jaxnn (its extra "sweep"): pip '
            'install "xarray>=2024.7". Solution.to_csv and Solution.save go without.',
            name="xarray",
        ) from error


def _check_known(solution: Any) -> None:
    arguments.check_known("a solution that is labelled or written down", list(vars(solution).values()))


def _batch_names(batch: Sequence[str] | None, axes: int) -> Axes:
    """The names of the leading axes; by default run, or run_0, run_1 and so on."""
    if batch is None:
        return ("run",) if axes == 1 else tuple(f"run_{k}" for k in range(axes))
    names = (batch,) if isinstance(batch, str) else tuple(batch)
    taken = {"time", "step", "wire", "junction", "terminal", "network", "variable"}
    if len(names) != axes or len({*names}) < axes or not all(isinstance(x, str) for x in names):
        arguments.refuse("batch", f"{axes} different names, one for each leading axis", str(batch))
    if bad := sorted(taken & {*names}):
        arguments.refuse("batch", f"other names than {', '.join(sorted(taken))}", bad[0])
    return names


def _times(time: np.ndarray, names: Axes) -> tuple[dict[str, Any], str]:
    """The coordinate of time, and the name of its axis."""
    every = time.reshape(-1, time.shape[-1])
    if (every == every[:1]).all():
        return {"time": ("time", every[0], {"units": "s"})}, "time"
    # Runs with time steps of their own share the number of a row, not its time.
    return {"time": ((*names, "step"), time, {"units": "s"})}, "step"


def _axes(field: Any, ndim: int, names: Axes, clock: str, many: bool) -> Axes:
    """The names of a field's axes."""
    name, per = field.name, field.metadata.get("per")
    own = (clock,) if name in _TIMED else ()
    if many and (per == "network" or name in PER_RUN):
        own += ("network",)
    if name in PER_TERMINAL:
        own += ("terminal",)
    own += (_OF_LAST_AXIS[per],) if per in _OF_LAST_AXIS else ()
    # A law may have several variables a junction, on axes in front of it.
    more = max(ndim - len(names) - len(own), 0)
    if more:
        variables = ("variable",) if more == 1 else tuple(f"variable_{k}" for k in range(more))
        own = (*own[:-1], *variables, *own[-1:])
    # What a map left out has no axes of the batch.
    return (*names, *own) if ndim > len(own) else own


def _recorded(name: str, value: Any, names: Axes, clock: str, times: int) -> tuple[Axes, np.ndarray]:
    """What a function in `record` kept, its axes behind those of the batch and time numbered."""
    if not eqx.is_array(value):
        raise ValueError(
            f"recorded[{name!r}] is no array but {type(value).__name__}: take it apart first, as "
            "dataclasses.replace(solution, recorded={...}).to_xarray()."
        )
    array = np.asarray(value)
    known = (*names, clock) if array.shape[len(names) : len(names) + 1] == (times,) else names
    return (*known, *(f"{name}_{k}" for k in range(array.ndim - len(known)))), array


def _places(setup: Any, ensemble: Ensemble | None, names: Axes) -> dict[str, Any]:
    """Wires, junctions with their two wires, terminals, and the time step."""
    network = setup.network if ensemble is None else ensemble.network
    first, second = network.edges.T
    found: dict[str, Any] = {
        "wire": np.arange(network.n_nodes),
        "junction": np.arange(network.n_junctions),
        "first_wire": ("junction", first),
        "second_wire": ("junction", second),
        "passive": ("junction", network.passive),
    }
    if network.positions is not None:
        found |= {
            axis: ("wire", column, {"units": "m"})
            for axis, column in zip("xy", network.positions.T, strict=True)
        }
    own = ("terminal",)
    if ensemble is not None:
        own = ("network", "terminal")
        of = lambda offsets: np.repeat(np.arange(ensemble.n_networks), np.diff(offsets))
        found |= {
            "network": np.arange(ensemble.n_networks),
            "network_of_wire": ("wire", of(ensemble.node_offsets)),
            "network_of_junction": ("junction", of(ensemble.junction_offsets)),
        }
    wires, dt = np.asarray(setup.terminals), np.asarray(setup.dt)
    found["terminal"] = np.arange(wires.shape[-1])
    found["terminal_wire"] = ((*names, *own) if wires.ndim > len(own) else own, wires)
    return found | {"dt": (names[: dt.ndim], dt, {"units": "s"})}


def _potentials(solution: Any) -> np.ndarray:
    """The potentials of the wires that the terminals touch [V]."""
    if eqx.is_array(solution.electrode_potential):
        return np.asarray(solution.electrode_potential)
    if solution.final_potential is not None:
        # Behind a resistor, fed by a current or left alone, a wire is not at what the drive says.
        raise ValueError(
            "a run with electrodes, capacitors or junctions that are no resistors does not hold its wires "
            'at the drive alone, and what they are at was not recorded: add record="electrode_potential".'
        )
    return np.asarray(solution.drive)
