"""A network of wires that hold charge, charged through a series resistor, against the matrix exponential.

All wires have a capacitance to the substrate and all junctions one across them, with conductances that do
not change. Then potentials off the electrodes' resistors follow

    C dphi/dt + G phi = I / R_series,        phi(t) = (1 - exp(-t C^-1 G)) G^-1 I / R_series,

which SciPy has by the eigenvalues of (G, C). The steps are those of `jaxnn.Capacitance`: the diagonally
implicit Runge-Kutta method of two stages and second order (Alexander, SIAM J. Numer. Anal. 14, 1006, 1977).

    python experiments/circuits/charging.py --out results/charging
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy import linalg

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt


VOLTAGE = 1.0  # [V] of the source, from t = 0 on
SERIES = 1e6  # [ohm] before the source and behind the drain
DURATION = 2e-6  # [s]
BELOW = 1e-14  # [F] of a wire to the substrate, within 50 %
ACROSS = 1e-15  # [F] of a junction, within 50 %
RECORD = ("node_potential", "electrode_charge", "supplied_energy", "dissipated_energy", "stored_energy")


class Film:
    """A network with its numbers, drawn once."""

    def __init__(self, wires: int):
        rng = np.random.default_rng(0)
        self.network = jaxnn.nanowire_network(wires, box=(wires / 0.1e12) ** 0.5, seed=0)
        self.ends = jaxnn.farthest_pair(self.network)
        self.conductance = 10 ** rng.uniform(-7, -6, self.network.n_junctions)  # [S]
        self.across = ACROSS * rng.uniform(0.5, 1.5, self.network.n_junctions)
        self.below = BELOW * rng.uniform(0.5, 1.5, self.network.n_nodes)

    def run(self, steps: int) -> jaxnn.Solution:
        """So many equal steps."""
        source, drain = self.ends
        before = jaxnn.Electrode(source, resistance=SERIES)
        electrodes: Any = before, jaxnn.Electrode(drain, "ground", resistance=SERIES)
        return jaxnn.simulate(
            self.network,
            jaxnn.Resistor(jnp.asarray(self.conductance)),
            jaxnn.Constant(VOLTAGE),
            terminals=electrodes,
            dt=DURATION / steps,
            steps=steps,
            record=RECORD,
            capacitance=jaxnn.Capacitance(self.below, self.across),
        )

    def exact(self, times: np.ndarray) -> np.ndarray:
        """Potentials [V], (times, wires), by the eigenvalues of the two matrices."""
        n, (a, b) = self.network.n_nodes, self.network.edges.T
        rows = np.arange(len(a))
        incidence = np.zeros((len(a), n))
        incidence[rows, a], incidence[rows, b] = 1, -1
        flows = incidence.T @ (self.conductance[:, None] * incidence)
        flows[self.ends, self.ends] += 1 / SERIES
        holds = incidence.T @ (self.across[:, None] * incidence) + np.diag(self.below)
        steady = np.linalg.solve(flows, VOLTAGE / SERIES * np.eye(n)[self.ends[0]])
        rates, modes = linalg.eigh(flows, holds)
        amplitude = modes.T @ holds @ steady
        return steady - (np.exp(-times[:, None] * rates) * amplitude) @ modes.T

    def errors(self, run: jaxnn.Solution) -> tuple[float, float, float]:
        """Of the potentials at the end [V]; energy and charge that are not accounted for, as shares."""
        final = self.exact(np.array([DURATION]))[0]
        supplied, held = run.supplied_energy.sum(), self.below @ np.asarray(run.node_potential[-1])
        lost = supplied - run.dissipated_energy.sum() - run.stored_energy[-1]
        charge = run.electrode_charge.sum() - held
        potential = np.abs(run.node_potential[-1] - final).max()
        return float(potential), float(abs(lost) / supplied), float(abs(charge) / held)


def picture(film: Film, shown: jaxnn.Solution, errors: dict[str, np.ndarray], path: Any) -> None:
    """Potentials in time, errors against the step, and where the energy goes."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    exact, order = film.exact(np.asarray(shown.time)), np.argsort(shown.node_potential[-1])
    chosen = order[np.linspace(0, len(order) - 1, 8).round().astype(int)]
    for k, wire in enumerate(chosen):
        colour = plt.get_cmap("viridis")(k / 8)
        left.plot(1e9 * shown.time, shown.node_potential[:, wire], color=colour)
        left.plot(1e9 * shown.time[::4], exact[::4, wire], "o", ms=3, mfc="none", color=colour)
    left.plot([], [], "k-", label=f"{len(shown.time)} steps")
    left.plot([], [], "ko", ms=3, mfc="none", label="matrix exponential")
    left.set(xlabel="time [ns]", ylabel="potential of a wire [V]")
    left.legend(fontsize=8)
    dt = DURATION / errors["steps"]
    middle.loglog(1e9 * dt, errors["potential"], "o-", label="potentials at the end [V]")
    middle.loglog(1e9 * dt, errors["energy"], "s-", label="energy not accounted for / supplied")
    middle.loglog(1e9 * dt, errors["charge"], "^-", label="charge not accounted for / held")
    slope = errors["potential"][-1] * (dt / dt[-1]) ** 2
    middle.loglog(1e9 * dt, slope, "k:", lw=1, label="second order")
    middle.set(xlabel="time step [ns]", ylabel="error")
    middle.set_xticks(1e9 * dt, [f"{1e9 * x:g}" for x in dt])
    middle.minorticks_off()
    middle.legend(fontsize=8)
    lost, held = np.cumsum(shown.dissipated_energy), np.asarray(shown.stored_energy)
    right.plot(1e9 * shown.time, 1e15 * np.cumsum(shown.supplied_energy), "k", label="supplied")
    right.stackplot(1e9 * shown.time, 1e15 * held, 1e15 * lost, labels=["stored", "heat"], alpha=0.5)
    right.set(xlabel="time [ns]", ylabel="energy [fJ]")
    right.legend(fontsize=8, loc="upper left")
    figures.save(figure, path)


def main() -> None:
    """Computes, draws and reports."""
    parser = script.parser(__doc__, "results/charging", quick="40 wires, 200 and 400 steps")
    arguments = script.start(parser, float64=True)
    film = Film(40 if arguments.quick else 100)
    steps = np.array([200, 400] if arguments.quick else [50, 100, 200, 400, 800])
    runs = [film.run(n) for n in steps.tolist()]
    found = np.array([film.errors(run) for run in runs]).T
    errors = dict(zip(("potential", "energy", "charge"), found, strict=True)) | {"steps": steps}
    picture(film, runs[1], errors, arguments.out / "charging.png")
    order = lambda name: np.log2(errors[name][:-1] / errors[name][1:])
    report = {
        "wires": film.network.n_nodes,
        "duration [s]": DURATION,
        "steps": steps,
        "error of potentials [V]": errors["potential"],
        "order of potentials": order("potential"),
        "energy not accounted for / supplied": errors["energy"],
        "order of the energy": order("energy"),
        "charge not accounted for / held": errors["charge"],
        "supplied [J]": runs[-1].supplied_energy.sum(),
        "stored at the end [J]": runs[-1].stored_energy[-1],
        "heat [J]": runs[-1].dissipated_energy.sum(),
    }
    script.finish(arguments.out / "charging.json", report)


if __name__ == "__main__":
    main()
