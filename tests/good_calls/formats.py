"""Good calls of what reads and writes formats of others: pictures, generators, measures, circuits."""

import functools as ft
import importlib.util
from typing import Any

import numpy as np

import jaxnn
from good_calls.examples import Call


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


CHEAP = (of_pictures,)
ALL = CHEAP
