"""A network that forecasts in closed loop: what its read-out says next is its next voltage.

Wires cross at junctions i = i_0 sinh(v / v_0) and hold charge to the substrate, so that the network
remembers for as long as its wires take to charge. In open loop it is driven with a series,

    V_k = 1 V + 0.5 V z_k,        z of mean 0 and deviation 1,

and a linear read-out of all potentials learns V_(k+1), by ridge regression. Then the loop is closed, by
`jaxnn.Feedback`: V_(k+1) = w . [1, phi_k], within 1 V +- 2 V, where an amplifier saturates. Two series:

- two sines, of 17 and 43.3 steps a period: a linear memory of four numbers is enough;
- the Mackey-Glass equation with a delay of 17 (Science 197, 287, 1977), every time unit; weakly chaotic.

The interval of a step is a twentieth of the network's slowest time constant, of its equations linearised at
1 V. The penalty of the ridge is that with the smallest error of closed loops from a few starts between
training and test; errors are those from later starts, which nothing was chosen by. No noise is added.
Compared are the same network without capacitors, the mean of the series, and the last value held.

    python experiments/circuits/closed_loop.py --out results/closed_loop
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import linalg

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt


CURRENT, SCALE = 1e-8, 0.1  # [A], [V] of a junction
BELOW = 1e-14  # [F] of a wire to the substrate
OFFSET, DEVIATION = 1.0, 0.5  # [V]
WASHOUT, TRAINING, GAP = 200, 1500, 100  # [steps]
HORIZON = 200  # [steps] of a closed loop
LIMIT = 4  # deviations from the mean, beyond which the read-out's amplifier saturates
FAILED = 0.5  # deviations that a forecast may be off
PENALTIES = 10.0 ** np.arange(-10, 1, 2)  # over the square of the largest singular value


class Sinh(jaxnn.AbstractCurrentJunction):
    """i = i_0 sinh(v / v_0), without a state that moves."""

    def init_state(self, n_junctions):
        """Returns a state that stays."""
        return jnp.zeros(n_junctions)

    def current(self, state, voltage):
        """Returns the current [A]."""
        return CURRENT * jnp.sinh(voltage / SCALE)

    def update(self, state, voltage, dt):
        """Returns the state as it was."""
        return state

    def critical_state(self):
        """Returns no scale: the state never moves."""
        return jnp.inf


class ReadOut(eqx.Module):
    """The next voltage [V] of the potentials of a step, within what an amplifier gives."""

    weights: jax.Array

    def of(self, potential: jax.Array) -> jax.Array:
        """The voltage [V] that potentials [V] stand for."""
        voltage = self.weights[0] + self.weights[1:] @ potential
        return jnp.clip(voltage, OFFSET - LIMIT * DEVIATION, OFFSET + LIMIT * DEVIATION)

    def __call__(self, step: jaxnn.Step) -> jax.Array:
        return self.of(step.node_potential)


def mackey_glass(count: int) -> np.ndarray:
    """The series every 1, by steps of 1/20."""
    return jaxnn.tasks.mackey_glass_series(count, before=501, substeps=20)


def two_sines(count: int) -> np.ndarray:
    """The sum of two sines."""
    k = np.arange(count)
    return np.sin(2 * np.pi * k / 17) + np.sin(2 * np.pi * k / 43.3)


SERIES = {"two sines": two_sines, "Mackey-Glass": mackey_glass}


class Loop:
    """A network, its electrodes, and the interval of its steps, for series of `count` values."""

    def __init__(self, wires: int, seed: int, count: int):
        self.network = jaxnn.nanowire_network(wires, box=(wires / 0.1e12) ** 0.5, seed=seed)
        source, drain = jaxnn.farthest_pair(self.network)
        self.terminals: Any = source, jaxnn.Electrode(drain, "ground")
        # One that is long enough for whatever wires hold, until it is known.
        self.dt = 1.0
        self.dt = self._slowest(count, source, drain) / 20
        from_starts = jax.vmap(self._forecast, in_axes=(None, 0, None))
        self.forecast = jax.jit(jax.vmap(from_starts, in_axes=(0, None, None)))
        """Voltages [V] of closed loops, of weights, potentials at the start and the capacitance."""

    def _slowest(self, count: int, *held: int) -> float:
        """The slowest time constant [s] of the network near the mean voltage of a series."""
        n, (a, b) = self.network.n_nodes, self.network.edges.T
        # As a series that does not change, by the program of the others: to compile is most of the time.
        potential = np.asarray(self.run(jnp.full(count, OFFSET), count, BELOW).node_potential[-1])
        across = potential[a] - potential[b]
        slope, flows = CURRENT / SCALE * np.cosh(across / SCALE), np.zeros((n, n))
        for i, j, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
            np.add.at(flows, (i, j), sign * slope)
        free = np.setdiff1d(np.arange(n), held)
        return BELOW / linalg.eigvalsh(flows[np.ix_(free, free)])[0]

    def run(self, drive: Any, steps: int, below: Any, potential: Any = None) -> jaxnn.Solution:
        """So many steps, from wires at 0 V or at given potentials."""
        holds = jaxnn.Capacitance(below, potential=potential)
        setup = {"terminals": self.terminals, "dt": self.dt, "steps": steps, "capacitance": holds}
        return jaxnn.simulate(self.network, Sinh(), drive, record="node_potential", **setup)

    def _forecast(self, weights: jax.Array, potential: jax.Array, below: jax.Array) -> jax.Array:
        read_out = ReadOut(weights)
        drive = jaxnn.Feedback(read_out, first=read_out.of(potential))
        return self.run(drive, HORIZON, below, potential).drive[:, 0]


def ridge(features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Weights of all penalties, that of a constant first."""
    centre, middle = features.mean(axis=0), target.mean()
    left, size, right = np.linalg.svd(features - centre, full_matrices=False)
    damped = size / (size**2 + PENALTIES[:, None] * size[0] ** 2)
    weights = (damped * (left.T @ (target - middle))) @ right
    return np.column_stack([middle - weights @ centre, weights])


def forecasts(
    loop: Loop, series: np.ndarray, below: jax.Array, starts: np.ndarray, chosen: int
) -> dict[str, Any]:
    """Errors of closed loops from the last starts; the first `chosen` choose the penalty."""
    voltage = OFFSET + DEVIATION * (series - series.mean()) / series.std()
    potential = np.asarray(loop.run(jnp.asarray(voltage), len(voltage), below).node_potential)
    learnt = slice(WASHOUT, WASHOUT + TRAINING)
    features, target = potential[:-1], voltage[1:]
    weights = ridge(features[learnt], target[learnt])
    # Memory is in the potentials alone: these are what a loop goes on from.
    said = np.asarray(loop.forecast(jnp.asarray(weights), jnp.asarray(potential[starts]), below))
    true = voltage[starts[:, None] + 1 + np.arange(HORIZON)]
    error = (said - true) / DEVIATION
    best = int(np.argmin(np.mean(error[:, :chosen] ** 2, axis=(1, 2))))
    unseen = slice(WASHOUT + TRAINING + GAP, None)
    one_step = features[unseen] @ weights[best, 1:] + weights[best, 0] - target[unseen]
    held = voltage[starts[chosen:], None] - true[chosen:]
    late = np.abs(error[best, chosen:]) > FAILED
    return {
        "penalty": PENALTIES[best],
        "error of one step, open loop": np.sqrt(np.mean(one_step**2)) / DEVIATION,
        "error over the horizon": np.sqrt(np.mean(error[best, chosen:] ** 2)),
        "steps to failure": np.where(late.any(axis=1), late.argmax(axis=1), HORIZON),
        "error": np.sqrt(np.mean(error[best, chosen:] ** 2, axis=0)),
        "error of the last value": np.sqrt(np.mean(held**2, axis=0)) / DEVIATION,
        "example": said[best, chosen],
        "true": true[chosen],
    }


def picture(found: dict[str, dict[str, list[dict[str, Any]]]], path: Any) -> None:
    """One forecast of each kind, and errors of all."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 7), layout="constrained")
    ahead = 1 + np.arange(HORIZON)
    for (left, right), (name, kinds) in zip(axes, found.items(), strict=True):
        for k, (kind, several) in enumerate(kinds.items()):
            for i, one in enumerate(several):
                label = f"{kind}, each network" if i == 0 else None
                left.plot(ahead, one["example"], color=f"C{k}", lw=1.5 - 0.4 * i, label=label)
                right.semilogy(ahead, one["error"], color=f"C{k}", lw=0.6, alpha=0.6)
            median = np.median([one["error"] for one in several], axis=0)
            right.semilogy(ahead, median, color=f"C{k}", lw=2, label=f"{kind}, median")
        first = next(iter(kinds.values()))[0]
        left.plot(ahead, first["true"], "k--", lw=1, label="series")
        right.semilogy(ahead, first["error of the last value"], "k:", lw=1, label="last value held")
        right.axhline(1, color="0.7", lw=1, label="mean of the series")
        left.set(title=name, xlabel="steps ahead", ylabel="voltage [V]")
        right.set(title=name, xlabel="steps ahead", ylabel="error / deviation of the series")
    for ax in axes[0]:
        ax.legend(fontsize=8)
    figures.save(figure, path)


def main() -> None:
    """Computes, draws and reports."""
    parser = script.parser(__doc__, "results/closed_loop", quick="one network of 25 wires")
    arguments = script.start(parser, float64=True)
    wires, networks, chosen, tested = (25, 1, 2, 3) if arguments.quick else (40, 3, 3, 10)
    begin = WASHOUT + TRAINING + GAP
    starts = begin + np.round(np.arange(chosen + tested) * 1.3 * GAP).astype(int)
    # Starts that choose and starts that test have no step in common.
    starts[chosen:] += HORIZON
    found: dict[str, Any] = {name: {} for name in SERIES}
    count = int(starts[-1]) + HORIZON + 2
    series = {name: make(count) for name, make in SERIES.items()}
    for seed in range(networks):
        loop = Loop(wires, seed, count)
        # Next to none, for the same program: what wires hold is gone within a step.
        for kind, below in (("with capacitors", BELOW), ("without", 1e-9 * BELOW)):
            for name, values in series.items():
                errors = forecasts(loop, values, jnp.asarray(below), starts, chosen)
                found[name].setdefault(kind, []).append(errors)
    picture(found, arguments.out / "closed_loop.png")
    shown = ("penalty", "error of one step, open loop", "error over the horizon", "steps to failure")
    report: dict[str, Any] = {"wires": wires, "horizon [steps]": HORIZON, "starts": tested}
    for name, kinds in found.items():
        report[name] = {
            kind: {key: [one[key] for one in several] for key in shown} for kind, several in kinds.items()
        }
        report[name]["error of the last value over the horizon"] = np.sqrt(
            np.mean(found[name]["without"][0]["error of the last value"] ** 2)
        )
    script.finish(arguments.out / "closed_loop.json", report)


if __name__ == "__main__":
    main()
