"""Good calls of functions of networks, and of tuning."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np

import jaxnn
from good_calls.examples import Call, crossed, found, network


def of_networks_and_tuning() -> dict[str, Call]:
    box, drive = jaxnn.Box(0.0, 0.5), jaxnn.Sine(0.1, 1.0)
    wires = {"n_wires": 14, "box": 1e-5, "length_mean": 1e-5, "length_std": 1e-6, "seed": 0}
    hysteresis = {"drive": [0.5, 1.0], "up": [1e-3, 1.0], "down": [1e-3, 1.0], "thresholds": (1.0, 0.5)}
    return {
        "nanowire_network": (jaxnn.nanowire_network, wires | {"density": None}),
        "network_from_wires": (
            jaxnn.network_from_wires,
            {
                "wire_ends": [[0.0, 0, 2, 0], [1, -1, 1, 1]],
                "unit": "um",
                "touching": 0.1,
                "box": (3.0, 4.0),
            },
        ),
        "spice_netlist": (
            jaxnn.spice_netlist,
            {"network": network(), "junction": jaxnn.Resistor(1e-3), "terminals": (0, 3), "name": "bridge"},
        ),
        "farthest_pair": (jaxnn.farthest_pair, {"network": network(), "by": "hops"}),
        "pair_at": (jaxnn.pair_at, {"network": network(), "path_length": 2}),
        "random_terminals": (jaxnn.random_terminals, {"network": network(), "count": 2, "seed": 0}),
        "keep_programs": (jaxnn.keep_programs, {"n": 10_000}),
        "measured": (jaxnn.measured, {"value": 4.1, "twin": 4.0}),
        "to_free": (jaxnn.to_free, {"parameters": 0.1, "constraints": box}),
        "from_free": (jaxnn.from_free, {"free": jnp.asarray(0.1), "parameters": 0.1, "constraints": box}),
        "only": (jaxnn.only, {"module": drive, "amplitude": box}),
        "spread": (
            jaxnn.spread,
            {"parameters": 0.1, "key": jr.key(0), "restarts": 3, "constraints": box},
        ),
        "plot_conductance": (
            jaxnn.plot_conductance,
            {"time": [0.0, 1.0], "conductance": [1.0, 2.0], "label": None, "unit": "S"},
        ),
        "plot_hysteresis": (jaxnn.plot_hysteresis, hysteresis),
        "plot_network": (
            jaxnn.plot_network,
            {"network": network(), "values": np.ones(4), "terminals": (0, 3), "log": True, "limits": None},
        ),
        "plot_optimisation": (jaxnn.plot_optimisation, {"optimisation": found(), "target": 1e-3}),
        "Network.path_length": (network().path_length, {"a": 0, "b": 3}),
        "Network.with_pad": (
            crossed().with_pad,
            {"rectangle": [0.0, 0, 1, 1], "conductance": 0.1, "side": None, "fraction": 0.1},
        ),
        "Network.with_wire_resistance": (
            crossed().with_wire_resistance,
            {"resistivity": 2e-8, "diameter": 5e-8},
        ),
        "Network.node_on": (crossed().node_on, {"wire": 0, "at": 0.5}),
    }


CHEAP = (of_networks_and_tuning,)
ALL = CHEAP
