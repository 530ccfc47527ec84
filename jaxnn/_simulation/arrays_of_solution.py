"""What a file of a solution may hold: names, kinds of numbers and shapes that fit each other."""

from typing import Any

import numpy as np

from .._networks import KNOWN, REQUIRED as OF_NETWORK, Ensemble
from .step import ALWAYS, ON_REQUEST


OWN = "recorded."
REQUIRED = (
    "time",
    "drive",
    "terminal_current",
    "conductance",
    "final_state",
    "final_step",
    "largest_change",
    "failed_step",
)
_WHOLE = ("final_step", "failed_step", "failed_junction", "cause", "cut_off")
PER_RUN = ("failed_step", "largest_change", "failed_junction", "cause")
_PER_NODE = ("node_potential", "final_potential")
_PER_JUNCTION = ("final_state", "state", "junction_conductance", "junction_voltage")
_TIMED = (*ALWAYS, *ON_REQUEST)
_SETUP = ("terminals", "fed", "dt", "dt_remainder", "node_offsets", "junction_offsets")


def check_names(names: set[str]) -> None:
    """Raises a `ValueError` for arrays that no solution has, and for parts of a setup that is not whole."""
    network = {f"setup.network.{name}" for name in KNOWN}
    known = {*REQUIRED, *_TIMED, *_WHOLE, *_PER_NODE} | network | {f"setup.{name}" for name in _SETUP}
    unknown = sorted(name for name in names - known if not name.startswith((OWN, "setup.law.")))
    if unknown:
        raise ValueError(f"no solution has the arrays {unknown}: the file was altered, save it again.")
    needed = {f"setup.network.{name}" for name in OF_NETWORK} | {
        f"setup.{name}" for name in ("terminals", "dt", "dt_remainder", "law.")
    }
    if any(name.startswith("setup.") for name in names) and (missing := sorted(needed - names)):
        raise ValueError(f"it is damaged: it lacks {missing}, save the solution again.")


def check_shapes(arrays: dict[str, np.ndarray], setup: Any) -> None:
    """Raises a `ValueError` for arrays that do not fit the times, each other or the network."""
    time = arrays["time"]
    if not time.ndim:
        raise ValueError("`time` has no axis")
    batch = time.shape[:-1]
    for name, array in arrays.items():
        kind = "iu" if name in _WHOLE else "f"
        if name.startswith(OWN) or name in ("state", "final_state"):
            kind = "biufc"
        if array.dtype.kind not in kind:
            raise ValueError(f"`{name}` is of {array.dtype}")
        # A map may have left out the times, which are the same for all.
        timed = array.shape[: time.ndim] == time.shape or (not batch and time.shape[0] in array.shape)
        if name in _TIMED and not timed:
            raise ValueError(f"`{name}` has shape {array.shape}, and `time` has {time.shape}")
        if not name.startswith(OWN) and array.shape[: len(batch)] != batch:
            raise ValueError(f"`{name}` has shape {array.shape}, and all others begin with {batch}")
    _check_same(arrays, PER_RUN)
    _check_same(arrays, ("drive", "terminal_current"))
    if setup is None:
        return
    ensemble = setup.network if isinstance(setup.network, Ensemble) else None
    network: Any = setup.network if ensemble is None else ensemble.network
    sizes = dict.fromkeys(_PER_JUNCTION, network.n_junctions) | dict.fromkeys(_PER_NODE, network.n_nodes)
    if ensemble is not None:
        sizes |= dict.fromkeys(("conductance", *PER_RUN), ensemble.n_networks)
    for name, size in sizes.items():
        if name in arrays and arrays[name].shape[-1:] != (size,):
            raise ValueError(f"`{name}` has shape {arrays[name].shape}, and its network needs {size}")


def _check_same(arrays: dict[str, np.ndarray], names: tuple[str, ...]) -> None:
    shapes = {name: arrays[name].shape for name in names if name in arrays}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"arrays of one shape have several: {shapes}")
