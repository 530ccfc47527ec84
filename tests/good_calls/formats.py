"""Good calls of what reads and writes formats of others: pictures, generators, measures, circuits."""

import functools as ft
import importlib.util
from typing import Any

import numpy as np

import jaxnn
from good_calls.examples import Call, network


@ft.cache
def picture() -> Any:
    """Two wires that cross."""
    rows, columns = np.mgrid[:60, :80]
    return np.exp(-((rows - 30) ** 2) / 4) + np.exp(-((columns - 40) ** 2) / 4)


def of_pictures() -> dict[str, Call]:
    options = {"pixel": 1e-8, "shortest": 20.0, "gap": 6.0, "contrast": 5.0, "dark": False}
    ends = np.array([[[0.0, 1], [2, 3]]])
    # Without scikit-image every call is refused for the want of it.
    found = {"image": picture(), "width": 3.0} | options
    known = importlib.util.find_spec("skimage") is not None
    finding = {"data.wires_from_image": (jaxnn.data.wires_from_image, found)} if known else {}
    return finding | {
        "data.plot_wires": (
            jaxnn.data.plot_wires,
            {"image": picture(), "wire_ends": ends, "pixel": 1e-8, "ax": None},
        ),
    }


def of_generators() -> dict[str, Call]:
    wires = {"n_wires": 20, "box": 1e-5, "length_mean": 1e-5, "length_std": 1e-6, "seed": 0}
    graph = {"n_nodes": 12, "kind": "small-world", "degree": 4, "rewiring": 0.1, "box": 1e-5, "seed": 0}
    return {
        "stacked_network": (
            jaxnn.stacked_network,
            wires | {"density": None, "diameter": 5e-8, "bend": 0.0},
        ),
        "lattice_network": (
            jaxnn.lattice_network,
            {"shape": (3, 4), "kind": "triangular", "spacing": 1e-6},
        ),
        "verilog_a": (jaxnn.verilog_a, {"junction": jaxnn.Resistor(1e-3), "name": "resistor"}),
        "analysis.graph_measures": (
            jaxnn.analysis.graph_measures,
            {"network": network(), "conductance": np.ones(4), "seed": 0},
        ),
        "random_graph_network": (jaxnn.random_graph_network, graph),
    }


CHEAP = (of_pictures, of_generators)
ALL = CHEAP
