"""Current against voltage of junctions that are no resistors, behind a resistor, against root finding.

    sinh:   i = 1 uA sinh(v / 0.1 V)                  tunnelling through a barrier, at small currents
    diode:  i = 1 uA (exp(v / 0.03 V) - 1)            a Schottky contact; it has a polarity

Each is in series with a resistor: I = (V - v) / R = i(v). One run of as many steps as there are voltages
has a whole curve, and `jax.vmap` has all resistors at once. SciPy's `brentq` solves the same equation.

    python experiments/circuits/current_laws.py --out results/current_laws
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt


SCALE = 1e-6  # [A]
RESISTANCES = (1e3, 1e4, 1e5)  # [ohm]
LARGEST = 1.5  # [V]


class Law(jaxnn.AbstractCurrentJunction):
    """A current that is a function of the voltage alone."""

    shape: Callable[[Any], Any] = eqx.field(static=True)

    def init_state(self, n_junctions):
        """Returns a state that stays."""
        return jnp.zeros(n_junctions)

    def current(self, state, voltage):
        """Returns the current [A]."""
        return SCALE * self.shape(voltage)

    def update(self, state, voltage, dt):
        """Returns the state as it was."""
        return state

    def critical_state(self):
        """Returns no scale: the state never moves."""
        return jnp.inf


# The current over its scale, in JAX and in NumPy.
LAWS = {
    "sinh": (lambda v: jnp.sinh(v / 0.1), lambda v: np.sinh(v / 0.1)),
    "diode": (lambda v: jnp.expm1(v / 0.03), lambda v: np.expm1(v / 0.03)),
}


def run(law: Law, voltages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Currents [A] and voltages of the junction [V], (resistances, voltages)."""

    def curve(resistance: jax.Array) -> tuple[jax.Array, jax.Array]:
        ends: Any = jaxnn.Electrode(0, resistance=resistance), jaxnn.Electrode(1, "ground")
        out = jaxnn.simulate(
            jaxnn.Network(2, [(0, 1)]),
            law,
            jnp.asarray(voltages),
            terminals=ends,
            dt=1e-3,
            steps=len(voltages),
            record="junction_voltage",
        )
        return out.terminal_current[:, 0], out.junction_voltage[:, 0]

    current, across = jax.vmap(curve)(jnp.asarray(RESISTANCES))
    return np.asarray(current), np.asarray(across)


def root(shape: Callable[[Any], Any], resistance: float, voltage: float) -> float:
    """The voltage of the junction [V] by bracketing."""
    lost = lambda v: float((voltage - v) / resistance - SCALE * shape(v))
    low, high = min(voltage, 0.0), max(voltage, 0.0)
    return float(brentq(lost, low, high, xtol=1e-16)) if voltage else 0.0  # pyright: ignore[reportArgumentType]


def main() -> None:
    """Computes, draws and reports."""
    parser = script.parser(__doc__, "results/current_laws", quick="31 voltages")
    arguments = script.start(parser, float64=True)
    count = 31 if arguments.quick else 151
    voltages = np.linspace(-LARGEST, LARGEST, count)
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    report: dict[str, Any] = {"voltages": count, "resistances [ohm]": RESISTANCES}
    for ax, (name, (shape, again)) in zip(axes, LAWS.items(), strict=False):
        current, across = run(Law(shape), voltages)
        roots = np.array([[root(again, r, v) for v in voltages] for r in RESISTANCES])
        report[name] = {
            "largest difference of the voltage [V]": np.abs(across - roots).max(),
            "current at the last voltage [A]": current[:, -1],
            "current at the first voltage [A]": current[:, 0],
            "voltage of the junction at the last [V]": across[:, -1],
        }
        for k, resistance in enumerate(RESISTANCES):
            by_root = SCALE * again(roots[k])
            label = f"{resistance / 1e3:g} k$\\Omega$"
            ax.plot(voltages, 1e6 * current[k], color=f"C{k}", label=label)
            few = slice(None, None, max(count // 30, 1))
            ax.plot(voltages[few], 1e6 * by_root[few], "o", ms=3, mfc="none", color=f"C{k}")
            difference = np.abs(across[k] - roots[k]) + 1e-18
            mark = "." if name == "sinh" else "x"
            axes[2].semilogy(voltages, difference, mark, color=f"C{k}", ms=4, label=f"{name}, {label}")
        ax.plot([], [], "ko", ms=3, mfc="none", label="brentq")
        ax.set(title=name, xlabel="voltage of the source [V]", ylabel="current [uA]", yscale="symlog")
        ax.legend(fontsize=8)
    axes[2].set(xlabel="voltage of the source [V]", ylabel="difference to brentq [V]")
    axes[2].legend(fontsize=7, loc="lower center", ncols=2)
    axes[2].set_ylim(1e-21, None)
    figures.save(figure, arguments.out / "current_laws.png")
    script.finish(arguments.out / "current_laws.json", report)


if __name__ == "__main__":
    main()
