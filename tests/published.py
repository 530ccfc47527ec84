"""Runs of the published simulator, made with its authors' code; tests skip where they are absent.

They may not be redistributed, so they lie beside the repository, in `../shared/reference` or
wherever the environment variable JAXNN_REFERENCE points.
"""

import functools as ft
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from numpy_simulator import Parameters


DC_TUNNEL = "nw100_dc_0p1V_tunnel"
DC_BINARY = "nw100_dc_0p2V_binary"
PULSE = "nw100_pulse_0p2V_then_0V_tunnel"
AC_TUNNEL = "nw100_ac_1p25V_0p5Hz_tunnel"
RUNS = (DC_TUNNEL, DC_BINARY, PULSE, AC_TUNNEL)

_beside = Path(__file__).resolve().parents[2] / "shared" / "reference"


def reference(name: str) -> Mapping[str, np.ndarray]:
    """The arrays of one run, or a skipped test that says why."""
    folder = Path(os.environ.get("JAXNN_REFERENCE") or _beside)
    path = folder / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"no published run at {path}: set JAXNN_REFERENCE to the folder that has it")
    return _load(path)


@ft.cache
def _load(path: Path) -> Mapping[str, np.ndarray]:
    with np.load(path) as file:
        arrays = {key: file[key] for key in file}
    for array in arrays.values():
        array.flags.writeable = False  # shared between tests
    return arrays


def model(run: Mapping[str, np.ndarray]) -> str:
    """The conductance law of a run: "tunnel" or "binary"."""
    return {"tunnelSwitchL": "tunnel", "atomicSwitch": "binary"}[str(run["param_model"])]


def parameters(run: Mapping[str, np.ndarray]) -> Parameters:
    """The junction parameters of a run, in SI units."""
    return Parameters(
        on_conductance=float(run["param_G_on"]),
        off_conductance=float(run["param_G_off"]),
        set_voltage=float(run["param_V_set"]),
        reset_voltage=float(run["param_V_reset"]),
        critical_flux=float(run["param_lambda_crit"]),
        max_flux=float(run["param_lambda_max"]),
        boost=float(run["param_boost"]),
        barrier_height=float(run["param_phi"]),
        filament_area=float(run["param_area"]) * 1e-18,
    )


def where_known(conductance, theirs):
    """Conductances with the gaps of the published ones, whose code divides 0 A by 0 V."""
    return np.where(np.isnan(theirs), np.nan, conductance)
