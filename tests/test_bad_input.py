"""Every kind of bad input to `simulate` gets a ValueError that says what to do."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line


TWO_PARTS = jaxnn.Network(5, [[0, 1], [1, 2], [3, 4]])
CHAIN = line(3)
GOOD = {"terminals": (0, 3), "dt": 1e-3, "steps": 5}


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        (TWO_PARTS, {"terminals": (0, 4)}, "component"),
        (TWO_PARTS, {"terminals": (0, 2)}, "component_of"),
        (CHAIN, {"terminals": (0,)}, "two"),
        (CHAIN, {"terminals": (0, 0)}, "0"),
        (CHAIN, {"terminals": (0, 9)}, "9"),
        (CHAIN, {"dt": 0.0}, "dt must be greater than 0 s"),
        (CHAIN, {"dt": -1e-3}, "dt must be greater than 0 s, got -0.001"),
        (CHAIN, {"dt": np.nan}, "dt must be finite"),
        (CHAIN, {"steps": 0}, "steps must be at least 1, got 0"),
        (CHAIN, {"every": 0}, "every must be at least 1"),
        (CHAIN, {"every": 6}, "every=6 keeps none of 5 steps; use every=5"),
        (CHAIN, {"start_step": -1}, "start_step must be at least 0"),
        (CHAIN, {"start_step": 2**31 - 3}, r"below 2\*\*31"),
        (CHAIN, {"record": ("voltage",)}, r"record has \['voltage'\]; it can name"),
        (CHAIN, {"state": np.zeros(4)}, r"state must have shape \(3,\).*got \(4,\)"),
        (CHAIN, {"state": np.array([0, np.nan, 0])}, r"state must be finite.*index \[1\]"),
        (CHAIN, {"drive": np.zeros(4)}, r"one value per step.*got shape \(4,\)"),
        (CHAIN, {"drive": np.array([0, 0, np.inf, 0, 0])}, r"drive must be finite.*index \[2\]"),
        (CHAIN, {"drive": np.zeros((5, 3))}, r"values have shape \(3,\), but the terminals need"),
        (CHAIN, {"drive": 0.5}, "use jaxnn.Constant"),
        (CHAIN, {"drive": jnp.sin}, "wrap a function of time in a subclass"),
        (CHAIN, {"drive": jaxnn.Constant([1.0, 2.0, 3.0])}, "Constant gives values of shape"),
        (
            CHAIN,
            {"junction": jaxnn.TunnelJunction(boost=jnp.ones(5))},
            r"do not fit 3 junctions.*'boost': \(5,\)",
        ),
        (
            CHAIN,
            {"junction": jaxnn.Resistor(jnp.ones(5))},
            r"parameters of Resistor do not fit 3 junctions",
        ),
    ],
)
def test_bad_input(network, changes, message):
    settings = GOOD | {"junction": jaxnn.TunnelJunction(), "drive": jaxnn.Constant(0.1)} | changes
    junction, drive = settings.pop("junction"), settings.pop("drive")
    with pytest.raises(ValueError, match=message):
        jaxnn.simulate(network, junction, drive, **settings)
