"""Laws that can be written down for programs of circuits, in one circuit of four wires under a sine."""

from typing import Any

import numpy as np

import jaxnn


BRIDGE = jaxnn.Network(
    4,
    [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2), (0, 3), (0, 1), (2, 3)],
    passive=[False] * 7 + [True],
    passive_conductance=3e-6,
)
RESISTANCES: dict[str, Any] = {"on_resistance": 3e5, "off_resistance": 3e6}
CONDUCTANCES: dict[str, Any] = {"on_conductance": 2e-6, "off_conductance": 1e-7}
LAWS = [
    jaxnn.RateBalanceJunction(50.0, 200.0, 3.0, **CONDUCTANCES),
    jaxnn.LinearDriftJunction(mobility=1e-13, start=0.3, window=jaxnn.JoglekarWindow(), **RESISTANCES),
    jaxnn.DecayingDriftJunction(mobility=5e-13, start=0.3, decay_time=0.02, polar=False, **RESISTANCES),
    jaxnn.YakopcicJunction(
        2e-6, 1e-6, 2.0, positive_threshold=0.03, negative_threshold=0.02, growth_rate=300.0,
        decay_rate=200.0, start=0.4,
    ),
    jaxnn.VolatileFilamentJunction(0.05, 30.0, **CONDUCTANCES),
    jaxnn.DynamicMemristorJunction(1e-6, 2.0, 1e-6, 3.0, growth_rate=30.0, decay_time=0.02),
    jaxnn.Resistor(4e-7),
]  # fmt: skip
MIXED = jaxnn.MixedJunction(LAWS, [0, 1, 2, 3, 4, 5, 6, 0])
THICKNESS = 3e-9  # [m], which is 1 V in the netlist
SPEEDS: dict[str, Any] = {
    "on_threshold": 0.03, "off_threshold": 0.05, "on_speed": 8e-9, "off_speed": 1e-8, "on_exponent": 1.5,
    "thickness": THICKNESS, "start": 0.6,
}  # fmt: skip
SWITCHES = [
    jaxnn.VteamJunction(**RESISTANCES, **SPEEDS),
    jaxnn.VteamJunction(**RESISTANCES, **SPEEDS, exponential=True),
    jaxnn.VteamJunction(**RESISTANCES, **SPEEDS, window=jaxnn.JoglekarWindow(2)),
    jaxnn.Resistor(4e-7),
]
MIXED_SWITCHES = jaxnn.MixedJunction(SWITCHES, [0, 1, 2, 0, 1, 2, 3, 0])
# Slow enough that no state but that of the dynamic memristor comes to a bound, where the order of both
# methods would end. A law, and the state that 1 V stands for of each junction.
CIRCUITS = {"all laws": (MIXED, 1.0), "VTEAM": (MIXED_SWITCHES, np.array([THICKNESS] * 6 + [1.0]))}
AMPLITUDE, FREQUENCY, TIME = 0.8, 40.0, 0.02  # [V], [Hz], [s]


def simulated(law, unit, steps):
    """Potentials [V], states and the current of the source [uA] at fifty instants."""
    out = jaxnn.simulate(
        BRIDGE,
        law,
        jaxnn.Sine(AMPLITUDE, FREQUENCY),
        terminals=(0, 3),
        dt=TIME / steps,
        steps=steps,
        every=steps // 50,
        record=("node_potential", "state"),
    )
    # A potential is that of the states which its step began with: of a step before its time.
    return np.column_stack(
        [np.asarray(out.state)[:, :7] / unit, 1e6 * out.terminal_current[:, 0], out.node_potential[:, 1:3]]
    )
