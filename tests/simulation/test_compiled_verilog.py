"""Laws in Verilog-A, compiled by OpenVAF, and what a circuit of them does.

OpenVAF's front end is in the package openvaf-py: it parses and checks a module, takes derivatives, and
runs the equations that come of it, which ngspice would get by OSDI. Debian builds ngspice without OSDI, so
that the circuit is solved here, by the trapezoidal rule and Newton's method in NumPy, on the compiled
residuals and their compiled derivatives.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from bridge import AMPLITUDE, BRIDGE, CIRCUITS, FREQUENCY, LAWS, SWITCHES, TIME, simulated


openvaf = pytest.importorskip("openvaf_py", reason="OpenVAF is not there: pip install openvaf-py")
# The interpreter takes the lowest byte of a number for a flag.
FLAGS = {False: 0.0, True: 5e-324}
UNKNOWNS = ["p", "n", "x", "flow(x)", "implicit_equation_0"]  # the last is what idt integrates
FORMS: dict[str, Any] = {
    **{f"{type(law).__name__}": law for law in LAWS},
    **dict(zip(("VTEAM", "VTEAM, exponential", "VTEAM in a window"), SWITCHES, strict=False)),
    "drift in Biolek's window": jaxnn.LinearDriftJunction(start=0.3, window=jaxnn.BiolekWindow(2)),
    "drift in Prodromakis' window": jaxnn.LinearDriftJunction(start=0.3, window=jaxnn.ProdromakisWindow(2)),
}


class Found(NamedTuple):
    """Residuals of the unknowns, which have to vanish with the slopes of the charges, and derivatives."""

    residual: np.ndarray
    charge: np.ndarray
    residual_slope: np.ndarray
    charge_slope: np.ndarray


class Compiled:
    """A module, and the equations that OpenVAF makes of it."""

    def __init__(self, law, folder):
        path = folder / "device.va"
        path.write_text(jaxnn.verilog_a(law, name="device"))
        (self.module,) = openvaf.compile_va(str(path))
        assert [node["name"] for node in self.module.get_dae_system()["nodes"]] == UNKNOWNS
        self.start = self.module.get_param_defaults()["start"]

    def __call__(self, unknowns, running=True):
        p, n, x, flow, integral = map(float, unknowns)
        named = {"V(p,n)": p - n, "V(x)": x, "I(x)": flow, "inode0": integral, "start": self.start}
        named |= {"enable_integration": FLAGS[running], "mfactor": 1.0}
        residuals, slopes = self.module.run_init_eval(named)
        residual, charge = np.array(residuals).T
        matrices = np.zeros((2, 5, 5))
        for row, column, *values in slopes:
            matrices[:, row, column] = values
        return Found(residual, charge, *matrices)


class Bench:
    """The bridge with a module in each junction; unknown are two potentials and the insides of modules."""

    def __init__(self, parts, law_of):
        self.devices = [parts[k] for k in law_of]
        count = BRIDGE.n_nodes
        inside = count + 3 * np.arange(len(self.devices))[:, None] + np.arange(3)
        self.places = np.column_stack([BRIDGE.edges[: len(inside)], inside])
        self.size, self.held = inside.max() + 1, (0, 3)
        self.free = np.setdiff1d(np.arange(self.size), self.held)
        a, b = BRIDGE.edges[-1]
        self.wire = np.zeros((self.size, self.size))
        self.wire[np.ix_((a, b), (a, b))] = 3e-6 * np.array([[1, -1], [-1, 1]])

    def __call__(self, unknowns, running):
        residual, residual_slope = self.wire @ unknowns, self.wire.copy()
        charge, charge_slope = np.zeros(self.size), np.zeros_like(self.wire)
        for device, place in zip(self.devices, self.places, strict=True):
            found = device(unknowns[place], running)
            np.add.at(residual, place, found.residual)
            np.add.at(charge, place, found.charge)
            block = np.ix_(place, place)
            residual_slope[block] += found.residual_slope
            charge_slope[block] += found.charge_slope
        return Found(residual, charge, residual_slope, charge_slope)

    def solved(self, unknowns, volts, running, defect, slope):
        """The root of a defect of what was found, and what was found there.

        Newton's method; a step is halved until the next one is shorter, as rates have kinks at the bounds.
        """
        unknowns = unknowns.copy()
        unknowns[list(self.held)] = volts, 0
        found = self(unknowns, running)
        for _ in range(60):
            inverse = np.linalg.inv(slope(found)[np.ix_(self.free, self.free)])
            step, part = inverse @ defect(found)[self.free], 1.0
            if abs(step).max() < 1e-12:
                return unknowns, found
            while True:
                moved = unknowns.copy()
                moved[self.free] -= part * step
                found = self(moved, running)
                shorter = abs(inverse @ defect(found)[self.free]).max() <= (1 - part / 4) * abs(step).max()
                if shorter or part < 1e-12:
                    break
                part /= 2
            unknowns = moved
        raise AssertionError("Newton's method has not come to rest")

    def run(self, steps):
        """States, the current of the source [uA] and potentials at fifty instants, as `simulated` has."""
        h, rows = TIME / steps, []
        rest = lambda found: found.residual, lambda found: found.residual_slope
        unknowns, _ = self.solved(np.zeros(self.size), 0, False, *rest)
        before = self(unknowns, True)
        for k in range(1, steps + 1):
            volts = AMPLITUDE * np.sin(2 * np.pi * FREQUENCY * k * h)
            for weight in (0.5, 1.0):
                found, there = self.solved(unknowns, volts, True, *self.implicit(before, h, weight))
                states = found[self.places[:, 2]]
                # The trapezoidal rule may shoot past a bound, backward Euler does not.
                if -2e-6 <= states.min() and states.max() <= 1 + 2e-6:
                    break
            unknowns, before = found, there
            if k % (steps // 50) == 0:
                rows.append([*states, 1e6 * before.residual[0], *unknowns[1:3]])
        return np.array(rows)

    @staticmethod
    def implicit(old, h, weight):
        """The defect of a step, whose end has a weight of 1/2 or 1 in the slope, and its derivative."""
        charged = old.charge_slope.any(axis=1)
        return (
            lambda new: np.where(
                charged,
                (new.charge - old.charge) / h + weight * new.residual + (1 - weight) * old.residual,
                new.residual,
            ),
            lambda new: np.where(
                charged[:, None], new.charge_slope / h + weight * new.residual_slope, new.residual_slope
            ),
        )


@pytest.mark.parametrize("name", FORMS)
def test_a_module_is_compiled_and_has_the_laws_equations(name, tmp_path):
    law: Any = FORMS[name]
    device = Compiled(law, tmp_path)
    critical = float(np.asarray(law.critical_state()))
    unit = critical if np.isfinite(critical) else 1.0
    voltage, share = (x.ravel() for x in np.meshgrid(np.linspace(-0.9, 0.9, 13), [0.05, 0.4, 0.95]))
    found = [device((v, 0, s, 0.25, s + 0.125)) for v, s in zip(voltage, share, strict=True)]
    residual = np.array([one.residual for one in found])
    v, x = jnp.asarray(voltage), jnp.asarray(share * unit)
    slope = law.rate(x, v) / unit
    current = (
        law.current(x, v) if isinstance(law, jaxnn.AbstractCurrentJunction) else law.conductance(x) * v
    )
    np.testing.assert_allclose(residual[:, 0], current, rtol=1e-12, atol=1e-18)
    np.testing.assert_array_equal(residual[:, 1], -residual[:, 0])
    np.testing.assert_allclose(residual[:, 4], -slope, rtol=1e-9, atol=1e-12)
    # The state is what is integrated; what holds it there draws its own current alone.
    np.testing.assert_allclose(residual[:, 2], 0.25)
    np.testing.assert_allclose(residual[:, 3], 0.125)
    np.testing.assert_array_equal([one.charge[4] for one in found], share + 0.125)
    start = float(np.asarray(law.init_state(1))[0]) / unit
    before = device((0.5, 0, 0.3, 0, 0.3), running=False)
    np.testing.assert_allclose([before.residual[4], before.charge[4]], [0.3 - start, 0], atol=1e-15)


@pytest.mark.parametrize("name", CIRCUITS)
def test_all_modules_in_one_circuit(name, tmp_path):
    """To 1e-4 of the largest: ours, of first order in the step, from two numbers of steps.

    The dynamic memristor comes to its bound of 0 there.
    """
    mixed, unit = CIRCUITS[name]
    coarse, fine = simulated(mixed, unit, 1000), simulated(mixed, unit, 2000)
    bench = Bench([Compiled(law, tmp_path) for law in mixed.laws], mixed.assignment.law_of_junction[:7])
    reference = bench.run(1000)
    largest = np.abs(reference).max(axis=0)
    off = np.abs(2 * fine - coarse - reference).max(axis=0)
    print(name, (off[largest > 0] / largest[largest > 0]).max())
    assert (off <= 1e-4 * largest).all()
    # And the states moved.
    assert (np.ptp(reference[:, :6], axis=0) > 0.02).all()
