"""What the calls are made of: a small network, its run, numbers of a law, and the like."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import optax

import jaxnn


Call = tuple[Callable[..., Any], dict[str, Any]]

LAW_NUMBERS = {"on_conductance": 7e-5, "off_conductance": 7e-8, "set_voltage": 0.01, "reset_voltage": 0.005}
LAW_NUMBERS |= {"critical_flux": 0.01, "max_flux": 0.015, "boost": 10.0}
WAVE = {"amplitude": 0.1, "frequency": 1.0, "phase": 0.0, "offset": 0.0}
EDGES = np.array([[0, 1], [1, 2], [0, 2], [2, 3]])
PULSES = np.random.default_rng(0).random((5, 3, 4))
LABELS = np.array([0, 0, 1, 1] * 5)
FEATURES = np.random.default_rng(1).random((20, 3)) + LABELS[:, None]
EVENTS = np.random.default_rng(0).poisson(0.7, 3000)
SOLVED = {"terminals": (0, 3), "dt": 1e-3}


def network() -> jaxnn.Network:
    return jaxnn.Network(4, EDGES, positions=np.arange(8.0).reshape(4, 2), box=(9.0, 9.0))


def crossed() -> jaxnn.Network:
    ends = np.array([[(0, 0), (2, 0)], [(1, -1), (1, 1)]], float)
    return jaxnn.Network(2, [(0, 1)], ends.mean(axis=1), wire_ends=ends)


def solution() -> jaxnn.Solution:
    record = ("state", "junction_conductance", "junction_voltage", "power")
    setup = {"terminals": (0, 3), "dt": 1e-3, "steps": 8, "record": record}
    return jaxnn.simulate(network(), jaxnn.TunnelJunction(), jaxnn.Constant(0.1), **setup)


def solution_of_two() -> jaxnn.Solution:
    both = jaxnn.Ensemble([network(), network()])
    setup = {"terminals": [(0, 3), (0, 3)], "dt": 1e-3, "steps": 8}
    return jaxnn.simulate(both, jaxnn.TunnelJunction(), jaxnn.Constant(0.1), **setup)


def sample() -> np.ndarray:
    return jaxnn.analysis.power_law_sample(2.0, 1, 30, 300, seed=0)


def read_out() -> jaxnn.reservoirs.LinearReadOut:
    return jaxnn.reservoirs.fit_ridge(FEATURES, LABELS, n_classes=2)


def run(**more: Any) -> dict[str, Any]:
    first = {"network": network(), "junction": jaxnn.TunnelJunction(), "drive": jaxnn.Sine(0.3, 2.0)}
    return first | SOLVED | {"start_step": 0, "state": None, "solver": None, "key": None} | more


def train(**more: Any) -> dict[str, Any]:
    voltages = {"amplitude": 0.2, "width": 0.01, "period": 0.05, "start": 0.0, "base": 0.0}
    return voltages | {"count": 3} | more


def found() -> Any:
    loss = lambda x: (x - 1.0) ** 2
    return jaxnn.optimise(loss, 0.0, optimiser=optax.adam(0.1), steps=3, progress=False)


def a_device() -> dict[str, Any]:
    device = jaxnn.NickelateDevice()
    return {"device": device, "state": device.init_state()}


def without(numbers: dict[str, Any], *names: str) -> dict[str, Any]:
    return {k: v for k, v in numbers.items() if k not in names}


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {x.name: x.default for x in parameters if x.default is not x.empty}
