"""Circuits against ngspice, which shares nothing with this library: not its equations, nor its method."""

import shutil
import subprocess
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.interpolate

import jaxnn


NGSPICE = shutil.which("ngspice")
pytestmark = pytest.mark.skipif(NGSPICE is None, reason="the program `ngspice` is not installed")

NETWORK = jaxnn.Network(5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 2), (1, 3), (2, 4)])
RANDOM = np.random.default_rng(0)
CONDUCTANCE = 10 ** RANDOM.uniform(-5, -4, NETWORK.n_junctions)  # [S]
ACROSS = RANDOM.uniform(0.5, 1.5, NETWORK.n_junctions) * 1e-10  # [F]
BELOW = RANDOM.uniform(0.5, 1.5, NETWORK.n_nodes) * 1e-9  # [F]
BEHIND, DRAIN = 2e3, 1e3  # [Ohm] in series with source and ground
VOLTAGE, CURRENT, FREQUENCY = 1.0, 2e-5, 1e4  # [V], [A], [Hz]
TIME = 1e-4  # [s]: one period, and some of the time constants, which are 2 us to 100 us
INSTANTS = TIME * np.arange(1, 51) / 50
SCALE = 0.3  # [V] of a junction that is no resistor


class Shaped(jaxnn.AbstractCurrentJunction):
    """i = g v_0 shape(v / v_0), with a state that stays."""

    cubic: bool

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def current(self, state, voltage):
        x = voltage / SCALE
        return jnp.asarray(CONDUCTANCE) * SCALE * (x + x**3 if self.cubic else jnp.sinh(x))

    def update(self, state, voltage, dt):
        return state

    def critical_state(self):
        return jnp.inf


LAWS = {
    "resistors": jaxnn.Resistor(CONDUCTANCE),
    "sinh": Shaped(cubic=False),
    "cubic": Shaped(cubic=True),
}
# No powers: of a negative base ngspice takes that of its absolute value.
SHAPES = {"sinh": "sinh({x})", "cubic": "({x}+{x}*{x}*{x})"}


def ours(law: str, steps: int) -> np.ndarray:
    """Potentials of the wires, and what comes through source and drain [20 uA], at `INSTANTS`."""
    electrodes = (
        jaxnn.Electrode(0, resistance=BEHIND),
        jaxnn.Electrode(4, "ground", resistance=DRAIN),
        jaxnn.Electrode(2, "current"),
    )
    out = jaxnn.simulate(
        NETWORK,
        LAWS[law],
        jaxnn.Sine(jnp.array([VOLTAGE, 0.0, CURRENT]), FREQUENCY),
        terminals=electrodes,
        capacitance=jaxnn.Capacitance(BELOW, ACROSS),
        record="node_potential",
        every=steps // len(INSTANTS),
        dt=TIME / steps,
        steps=steps,
    )
    np.testing.assert_allclose(out.time, INSTANTS, rtol=1e-12)
    return np.column_stack([out.node_potential, out.terminal_current[:, :2] / CURRENT])


def junction(law: str, k: int, a: int, b: int) -> str:
    """The line of a netlist that is junction `k`."""
    g = float(CONDUCTANCE[k])
    if law == "resistors":
        return f"R{k} w{a} w{b} {1 / g!r}"
    return f"B{k} w{a} w{b} I={g * SCALE!r}*" + SHAPES[law].format(x=f"((V(w{a})-V(w{b}))/{SCALE})")


def netlist(law: str, steps: int) -> str:
    """The same circuit for ngspice, which takes no step longer than `TIME / steps`."""
    longest, wires = TIME / steps, range(NETWORK.n_nodes)
    lines = ["* a small network", f"Vs s 0 SIN(0 {VOLTAGE} {FREQUENCY})", f"Rs s w0 {BEHIND}"]
    # A source of 0 V is how ngspice tells a current.
    lines += ["Vd d 0 0", f"Rd w4 d {DRAIN}", f"If 0 w2 SIN(0 {CURRENT} {FREQUENCY})"]
    for k, (a, b) in enumerate(NETWORK.edges.tolist()):
        lines += [junction(law, k, a, b), f"C{k} w{a} w{b} {float(ACROSS[k])!r} IC=0"]
    lines += [f"Cw{j} w{j} 0 {float(BELOW[j])!r} IC=0" for j in wires]
    return "\n".join(
        [
            *lines,
            # So that its steps are the longest ones, and what it rounds is less than what these err by.
            ".options method=trap reltol=1e-10 abstol=1e-16 vntol=1e-12 chgtol=1e-18 trtol=1000000",
            ".control",
            "set wr_singlescale",
            "set numdgt=15",
            f"tran {longest!r} {TIME!r} 0 {longest!r} uic",
            f"wrdata out.data {' '.join(f'v(w{j})' for j in wires)} i(Vs) i(Vd)",
            "quit",
            ".endc",
            ".end\n",
        ]
    )


def theirs(law: str, steps: int, folder: Path) -> np.ndarray:
    """The same quantities by ngspice, interpolated between its own steps by cubics."""
    (folder / "circuit.cir").write_text(netlist(law, steps))
    command = [str(NGSPICE), "-b", "circuit.cir"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (folder / "out.data").exists(), done.stdout + done.stderr
    table = np.loadtxt(folder / "out.data")
    assert len(table) > steps  # it took the steps that it was allowed, and a few before
    # A source's current runs through it from its plus to its minus.
    unit = np.array([1.0] * NETWORK.n_nodes + [-CURRENT] * 2)
    return scipy.interpolate.CubicSpline(table[:, 0], table[:, 1:] / unit)(INSTANTS)


@pytest.mark.parametrize("law", LAWS)
def test_a_charging_network_is_that_of_ngspice(law, tmp_path):
    """As near as the steps of both let it be.

    Both methods are of second order, the trapezoidal rule of ngspice and ours, so that a run with
    twice the steps errs by a third of its distance from the coarser one. The two may differ by the sum of
    both errors, and by a half more for terms of third order, which the steep beginning has most of. What
    is left has to fall by four with twice the steps, as ngspice itself errs by far less.
    """
    coarse, fine = ours(law, 400), ours(law, 800)
    other, reference = theirs(law, 4000, tmp_path), theirs(law, 8000, tmp_path)
    largest = lambda x: np.abs(x).max(axis=0)
    allowed = 1.5 * (largest(fine - coarse) + largest(reference - other)) / 3
    assert np.all(largest(fine - reference) < allowed)
    assert allowed[:5].max() < 1.5e-5  # [V] of 0.9 V
    assert allowed[5:].max() < 4e-4  # of 5
    order = np.log2(np.linalg.norm(coarse - reference, axis=0) / np.linalg.norm(fine - reference, axis=0))
    np.testing.assert_allclose(order, 2, atol=0.1)
