"""Good calls of `jaxnn.twin`: the network behind pads, its fit and judgement, the map of what is inside."""

import functools as ft

import matplotlib.pyplot as plt
import numpy as np

import jaxnn
from good_calls.examples import EDGES, Call


NETWORK = {"between": [0.1], "to_source": [1.0, 0.2], "to_ground": [1.0, 1.0], "capacitance": [0.5, 0.9]}
NETWORK |= {"read_delay": [0.01, 0.02]}


@ft.cache
def recording() -> jaxnn.data.Recording:
    """Two pads between a source and ground, and one beside them."""
    time, source = 0.2 * np.arange(420), np.random.default_rng(0).uniform(0.4, 1.0, 420)
    pads = np.asarray(jaxnn.twin.PadNetwork(**NETWORK)(time, source))
    voltage = np.column_stack([source, pads, np.full(420, 0.04)])
    return jaxnn.data.Recording(time, voltage, np.full((420, 4), np.nan), ("s", "a", "b", "dead"))


@ft.cache
def compared() -> jaxnn.twin.Comparison:
    return jaxnn.twin.compare(recording(), judge=0.4)


def of_networks() -> dict[str, Call]:
    """What is quick."""
    twin, wires = jaxnn.twin, jaxnn.Network(4, EDGES)
    pads, conductance = [0, 1, 3], [2e-5, 1e-5, 1e-5, 1e-5]
    resistance = np.asarray(twin.pad_resistance(wires, conductance, pads))
    given = {"time": 0.2 * np.arange(5), "source": np.ones(5)}
    return {
        "twin.PadNetwork": (twin.PadNetwork, NETWORK),
        "twin.PadNetwork()": (twin.PadNetwork(**NETWORK), given),
        "twin.pad_resistance": (
            twin.pad_resistance,
            {"network": wires, "conductance": conductance, "pads": pads},
        ),
        "twin.map_conductances": (
            twin.map_conductances,
            {"network": wires, "pads": pads, "resistance": resistance, "noise": 10.0},
        ),
    }


def of_fits() -> dict[str, Call]:
    """What fits a twin, or has one fitted."""
    twin, found = jaxnn.twin, compared()
    fitted = {"recording": recording(), "roles": None, "hidden": 0, "seed": 0}
    given = {"time": 0.2 * np.arange(5), "source": np.ones(5), "stage": "static"}
    given["dead"] = np.full((5, 1), np.nan)
    return {
        "twin.fit_twin": (twin.fit_twin, fitted),
        "twin.compare": (twin.compare, fitted | {"fit": 0.5, "judge": 0.4}),
        "twin.Twin.predict": (found.twin.predict, given),
        "twin.Comparison.median": (found.median, {"model": "twin"}),
        "twin.draw_predictions": (_closing(twin.draw_predictions), {"found": found}),
        "twin.draw_scores": (_closing(twin.draw_scores), {"found": found}),
    }


def _closing(draw):
    """Pictures are closed: Matplotlib keeps them all."""

    @ft.wraps(draw)
    def closed(*given, **named):
        figure = draw(*given, **named)
        plt.close(figure)
        return figure

    return closed


CHEAP = (of_networks,)
ALL = (*CHEAP, of_fits)
