"""Good calls of what the digits and the information measures brought."""

import numpy as np

import jaxnn
from good_calls.examples import Call


def of_grids() -> dict[str, Call]:
    grid = {"rows": 3, "columns": 4, "diagonals": True, "seed": 2, "spacing": 1e-6}
    return {"grid_network": (jaxnn.grid_network, grid)}


def of_information() -> dict[str, Call]:
    x, y = np.random.default_rng(0).normal(size=(2, 60))
    of_one = {"series": y, "estimator": "kraskov", "length": 2, "spacing": 1, "neighbours": 3}
    of_two = {
        "source": x,
        "target": y,
        "estimator": "gaussian",
        "delay": 2,
        "length": 2,
        "source_length": 2,
    }
    drawn = {"surrogates": 2, "seed": 0}
    return {
        "analysis.active_information_storage": (
            jaxnn.analysis.active_information_storage,
            of_one | drawn,
        ),
        "analysis.transfer_entropy": (
            jaxnn.analysis.transfer_entropy,
            of_two | drawn | {"spacing": 1, "neighbours": 3},
        ),
    }


CHEAP = (of_grids, of_information)
ALL = CHEAP
