"""Networks written down for SPICE: what is in the text, and what ngspice makes of it."""

import shutil
import subprocess
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn


NGSPICE = shutil.which("ngspice")
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
# Slow enough that no state comes to a bound, where the order of both methods would end.
# A law, and the state that 1 V stands for of each junction.
CIRCUITS = {"all laws": (MIXED, 1.0), "VTEAM": (MIXED_SWITCHES, np.array([THICKNESS] * 6 + [1.0]))}
AMPLITUDE, FREQUENCY, TIME = 0.8, 40.0, 0.02  # [V], [Hz], [s]


def ours(law, unit, steps):
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


def theirs(law, folder):
    text = jaxnn.spice_netlist(BRIDGE, law, terminals=(0, 3), name="bridge")
    shown = [*(f"v(x1.x{k})" for k in range(7)), "i(Vs)", "v(x1.w1)", "v(x1.w2)"]
    control = [
        f"Vs s 0 SIN(0 {AMPLITUDE} {FREQUENCY})",
        "X1 s 0 bridge",
        ".options method=trap reltol=1e-7 abstol=1e-15 vntol=1e-9",
        ".control",
        "set wr_singlescale",
        "set numdgt=12",
        f"tran {TIME / 4000!r} {TIME!r} 0 {TIME / 4000!r} uic",
        f"wrdata out.data {' '.join(shown)}",
        "quit",
        ".endc",
        ".end\n",
    ]
    (folder / "circuit.cir").write_text("* a bridge\n" + text + "\n".join(control))
    command = [str(NGSPICE), "-b", "circuit.cir"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert (folder / "out.data").exists(), done.stdout + done.stderr
    found = np.loadtxt(folder / "out.data")
    at = TIME * np.arange(1, 51) / 50
    table = np.stack([np.interp(at, found[:, 0], column) for column in found[:, 1:].T], axis=1)
    table[:, 7] *= -1e6
    return table


@pytest.mark.skipif(NGSPICE is None, reason="the program `ngspice` is not installed")
@pytest.mark.parametrize("name", CIRCUITS)
def test_all_laws_in_one_circuit(name, tmp_path):
    """To 1e-4 of the largest: ours, of first order in the step, from two numbers of steps."""
    law, unit = CIRCUITS[name]
    coarse, fine = ours(law, unit, 1000), ours(law, unit, 2000)
    reference = theirs(law, tmp_path)
    largest = np.abs(reference).max(axis=0)
    off = np.abs(2 * fine - coarse - reference).max(axis=0)
    print(name, (off[largest > 0] / largest[largest > 0]).max())
    assert (off <= 1e-4 * largest).all()
    # And the states moved.
    assert (np.ptp(reference[:, :6], axis=0) > 0.02).all()


def test_what_is_written():
    law = jaxnn.RateBalanceJunction(decay_rate=[0.5, 0.25], start=[0.1, 0.2])
    row = jaxnn.Network(3, [(0, 1), (2, 1)])
    lines = jaxnn.spice_netlist(row, law, terminals=(0, 2), name="row").splitlines()
    assert lines[1] == ".subckt row w0 w2"
    assert lines[2] == "B0 w0 w1 I=(0.001*(1-V(x0))+0.1*V(x0))*V(w0,w1)"
    assert lines[3].startswith("Bx0 0 x0 I=0.0001*exp(10.0*abs(V(w0,w1)))*(1-V(x0))-0.5*exp(")
    assert lines[7] == "Cx1 x1 0 1 IC=0.2"
    assert "-0.25*exp(" in lines[6]
    assert lines[8] == ".ends row"
    given = jaxnn.spice_netlist(row, law, terminals=(0, 2), state=jnp.array([0.3, 0.4]))
    assert "IC=0.4" in given


class Own(jaxnn.AbstractWindow):
    def factor(self, state, direction):
        return state


@pytest.mark.parametrize(
    ("law", "options", "message"),
    [
        (jaxnn.TunnelJunction(), {}, "TunnelJunction has no form in SPICE"),
        (jaxnn.RateBalanceJunction(as_published=True), {}, "as_published"),
        (jaxnn.LinearDriftJunction(window=Own()), {}, "windows of this library alone"),
        (jaxnn.RateBalanceJunction(), {"state": [0.1]}, r"shape \(8,\)"),
        (jaxnn.RateBalanceJunction(), {"name": "two words"}, "name must be"),
    ],
)
def test_refusals(law, options, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.spice_netlist(BRIDGE, law, terminals=(0, 3), **options)
