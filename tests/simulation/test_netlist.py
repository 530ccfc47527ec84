"""Networks written down for SPICE: what is in the text, and what ngspice makes of it."""

import shutil
import subprocess

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from bridge import AMPLITUDE, BRIDGE, CIRCUITS, FREQUENCY, TIME, simulated


NGSPICE = shutil.which("ngspice")


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
    coarse, fine = simulated(law, unit, 1000), simulated(law, unit, 2000)
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
