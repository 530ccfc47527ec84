"""The Lorenz system forecast by a network in closed loop, after Xu, Gottwald and Kuncic (2025).

arXiv 2506.10773. The protocol is that of the code published with it (github.com/xvyh/dynamicRC_NWN).
Lorenz' equations (sigma 10, rho 28, beta 2.6667) by Euler's steps of 0.005, each component of mean 0 and
deviation 1, drive 24 wires at

    V = u W + b,    W uniform within alpha,    |b| uniform from 2.5 alpha to 5 alpha, of a random sign,

against one wire at 0 V; one step of the network, of 0.05 s, for each of the series. Ridge regression
(1e-6) of the potentials of all other wires, without a constant, learns u(t + 1) - u(t) from steps 100 to
27,000. Then the loop is closed: what is forecast is the next input. A forecast lasts until |y - u|^2
exceeds 0.4 of the mean square of the deviations, in Lyapunov times (0.91 per unit of time).

Ours: the published network of 500 wires and 9,905 junctions is not at hand, and others are generated
whose wires have as many neighbours, of 250 wires by default, which take a quarter of the time; the loop
is closed from its first step, where the published one is given one value more; the scale is that of the
training part; forecasts begin at several points after the training, the network driven up to each. The
published measure takes deviations from one mean of all three components; both are reported. A linear map
of u, which is what wires would give whose junctions do not move, is compared.

    python experiments/reservoirs/lorenz_forecast.py --seeds 0 1
    python experiments/reservoirs/lorenz_forecast.py --wires 500 --alphas 0.2
    python experiments/reservoirs/lorenz_forecast.py --quick
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared import figures
from experiments.shared.figures import plt
from experiments.shared.pieces import Pieces


ALPHAS = (0.02, 0.2, 2.0)  # [V]
INPUTS, STEP = 24, 0.05  # [s]
INTERVAL, LYAPUNOV, LIMIT = 0.005, 0.91, 0.4
WASHOUT, PENALTY = 100, 1e-6
LARGEST = 50.0  # deviations, which keep a forecast that has failed finite
# Wires -> side of the box [m], for 40 neighbours as published; steps to train and of a forecast; starts.
SIZES = {60: (9e-6, 3000, 400, 2), 250: (17e-6, 27_000, 1000, 5), 500: (25.3e-6, 27_000, 1000, 4)}


class ClosedLoop(jaxnn.AbstractFeedback):
    """Drives the network with its own forecast: y, which the read-out of a step moves on."""

    first: jax.Array
    weights: jax.Array
    bias: jax.Array
    read_out: jax.Array

    def start(self, run: Any) -> jax.Array:
        """Returns the last value that is known."""
        return self.first

    def voltage(self, memory: jax.Array, time: jax.Array) -> jax.Array:
        """Returns the voltages of the inputs and of the drain [V]."""
        return jnp.append(memory @ self.weights + self.bias, 0.0)

    def follow(self, memory: jax.Array, step: Any) -> jax.Array:
        """Returns the next forecast."""
        return jnp.clip(memory + step.node_potential @ self.read_out, -LARGEST, LARGEST)


def lorenz(count: int) -> np.ndarray:
    """The series, from the published start on the attractor."""
    found = np.empty((count, 3))
    found[0] = 17.67715816276679, 12.931379185960404, 43.91404334248268
    for k in range(count - 1):
        x, y, z = found[k]
        rate = np.array([10 * (y - x), x * (28 - z) - y, x * y - 2.6667 * z])
        found[k + 1] = found[k] + INTERVAL * rate
    return found


class Forecaster:
    """A network with electrodes and weights at random, at an amplitude of its input [V]."""

    def __init__(self, wires: int, box: float, seed: int, alpha: float):
        self.network = jaxnn.nanowire_network(wires, box=box, seed=seed)
        random = np.random.default_rng(seed)
        chosen = random.choice(self.network.n_nodes, INPUTS + 1, replace=False)
        self.terminals = tuple(int(wire) for wire in chosen)
        self.read = np.setdiff1d(np.arange(self.network.n_nodes), chosen)
        self.weights = random.uniform(-alpha, alpha, (3, INPUTS))
        self.bias = random.uniform(2.5 * alpha, 5 * alpha, INPUTS) * random.choice([-1, 1], INPUTS)
        self.law = jaxnn.TunnelJunction(
            on_conductance=1 / 12.9e3, off_conductance=1 / 12.9e6, prefactor_power=2, one_sided_reset=False
        )

    def run(self, drive: Any, steps: int, state: Any) -> jaxnn.Solution:
        """So many steps from a state."""
        with warnings.catch_warnings():
            # Published steps, in which a junction may pass from one end of its range to the other.
            warnings.simplefilter("ignore", jaxnn.NumericalWarning)
            return jaxnn.simulate(
                self.network, self.law, drive, terminals=self.terminals, dt=STEP, steps=steps, state=state,
                record="node_potential",
            )  # fmt: skip

    def driven(self, series: np.ndarray, state: Any) -> tuple[np.ndarray, jax.Array]:
        """Potentials that are read, and the state at the end."""
        voltage = np.column_stack([series @ self.weights + self.bias, np.zeros(len(series))])
        run = self.run(jnp.asarray(voltage), len(series), state)
        return np.asarray(run.node_potential)[:, self.read], run.final_state

    def forecast(self, first: np.ndarray, read_out: np.ndarray, steps: int, state: Any) -> np.ndarray:
        """What the closed loop says of the steps after `first`."""
        whole = np.zeros((self.network.n_nodes, 3))
        whole[self.read] = read_out
        loop = ClosedLoop(*map(jnp.asarray, (first, self.weights, self.bias, whole)))
        run = self.run(loop, steps, state)
        # The last three inputs would do, were it not for the limit.
        return np.linalg.lstsq(self.weights.T, (np.asarray(run.drive)[:, :-1] - self.bias).T)[0].T[1:]


def ridge(features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Weights without a constant."""
    gram = features.T @ features + PENALTY * np.eye(features.shape[1])
    return np.linalg.pinv(gram, hermitian=True) @ (features.T @ target)


def lasts(said: np.ndarray, true: np.ndarray, scale: float) -> float:
    """How long a forecast lasts, in Lyapunov times; as long as it is if it never fails."""
    wrong = ((said - true) ** 2).sum(axis=1) / scale > LIMIT
    steps = int(np.argmax(wrong)) if wrong.any() else len(said)
    return (steps + 1) * INTERVAL * LYAPUNOV


def learn_and_forecast(seed: int, alpha: float, wires: int) -> dict[str, Any]:
    """One network at one amplitude: training, and forecasts from several starts."""
    box, training, horizon, starts = SIZES[wires]
    raw = lorenz(training + starts * horizon + horizon)
    mean, deviation = raw[:training].mean(axis=0), raw[:training].std(axis=0)
    series = (raw - mean) / deviation
    one = Forecaster(wires, box, seed, alpha)
    potential, state = one.driven(series[:training], None)
    target = series[1 : training + 1] - series[:training]
    read_out = ridge(potential[WASHOUT:], target[WASHOUT:])
    flux = np.abs(np.asarray(state)) / 0.015
    classes = np.histogram(flux, [0, 0.55, 2 / 3, np.inf])[0] / flux.size
    # Deviations of a component from its own mean; from one mean of all, as published.
    own = ((raw[:training] - mean) ** 2).sum(axis=1).mean()
    common = ((raw[:training] - raw[:training].mean()) ** 2).sum(axis=1).mean()
    known = np.column_stack([series[:training], np.ones(training)])
    linear = ridge(known[WASHOUT:], target[WASHOUT:])
    found: dict[str, Any] = {"times": [], "times as published": [], "times of a linear map": []}
    for k in range(starts):
        at = training + k * horizon
        true = raw[at + 1 : at + horizon]
        said = one.forecast(series[at], read_out, horizon, state) * deviation + mean
        plain = [series[at]]
        for _ in range(horizon - 1):
            plain.append(np.clip(plain[-1] + np.append(plain[-1], 1) @ linear, -LARGEST, LARGEST))
        found["times"].append(lasts(said, true, own))
        found["times as published"].append(lasts(said, true, common))
        found["times of a linear map"].append(lasts(np.array(plain[1:]) * deviation + mean, true, own))
        if k == 0:
            found |= {"said": said, "true": true}
        if k + 1 < starts:
            _, state = one.driven(series[at : at + horizon], state)
    error = potential[WASHOUT:] @ read_out - target[WASHOUT:]
    return found | {
        "error of increments": (error**2).mean(),
        "variance of increments": target.var(),
        "states": classes,
        "junctions": one.network.n_junctions,
        "wires": one.network.n_nodes,
        "linear error of increments": ((known @ linear - target)[WASHOUT:] ** 2).mean(),
    }


def example_of(found: dict[float, list[dict[str, Any]]], every: int = 4) -> dict[str, Any]:
    """The first forecast of the amplitude with the longest ones, thinned out."""
    best = max(found, key=lambda alpha: np.mean([one["times"] for one in found[alpha]]))
    first = found[best][0]
    shown = {key: np.round(first[key][::every], 2) for key in ("said", "true")}
    return {"alpha": best, "lasts": first["times"][0], "every": every} | shown


def picture(found: dict[float, list[dict[str, Any]]], example: dict[str, Any], path: Path) -> None:
    """The first forecast of the best amplitude, the times of all, and the states of the junctions."""
    figure, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    said, true = (np.asarray(example[key]) for key in ("said", "true"))
    time = (1 + example["every"] * np.arange(len(said))) * INTERVAL * LYAPUNOV
    for k, name in enumerate("xyz"):
        axes[0].plot(time, true[:, k], "0.6", lw=1.5)
        axes[0].plot(time, said[:, k], f"C{k}--", lw=1, label=name)
    axes[0].axvline(example["lasts"], color="k", lw=0.7)
    low, high = true.min(), true.max()
    title = f"closed loop at {example['alpha']:g} V (grey: Lorenz)"
    axes[0].set(xlabel="Lyapunov times", title=title)
    axes[0].set_ylim(low - 5, high + 15)
    axes[0].legend(fontsize=8, loc="upper right", ncols=3, frameon=False)
    for k, (alpha, several) in enumerate(found.items()):
        for i, one in enumerate(several):
            place = k + 0.12 * (i - (len(several) - 1) / 2) + np.linspace(-0.03, 0.03, len(one["times"]))
            axes[1].plot(place, one["times"], "o", ms=4, color=f"C{i}")
            axes[1].plot([k - 0.3, k + 0.3], [np.mean(one["times"])] * 2, lw=1, color=f"C{i}")
        axes[2].bar(np.arange(3) + 0.25 * (k - 1), several[0]["states"], 0.25, label=f"{alpha:g} V")
    linear = np.mean([one["times of a linear map"] for several in found.values() for one in several])
    axes[1].axhline(linear, color="0.5", ls=":", label="linear map of the input")
    axes[1].axhline(1.67, color="k", ls="--", label="published network, one run")
    axes[1].set_xticks(range(len(found)), [f"{alpha:g}" for alpha in found])
    axes[1].set(
        xlabel="alpha [V]", ylabel="forecast time [Lyapunov times]", title="each start; bars: means"
    )
    axes[1].set_ylim(bottom=0)
    axes[1].legend(fontsize=8)
    axes[2].set_xticks(range(3), ["< 0.55", "to 2/3", "above (closed)"])
    axes[2].set(xlabel="flux over the largest", ylabel="share of the junctions", title="after the training")
    axes[2].legend(fontsize=8)
    figures.save(figure, path)


def reported(found: dict[float, list[dict[str, Any]]]) -> dict[str, Any]:
    """Of each amplitude all but the series."""
    report = {}
    for alpha, several in found.items():
        kept = [key for key in several[0] if key not in ("said", "true")]
        of: dict[str, Any] = {key: [one[key] for one in several] for key in kept}
        of["mean time"] = np.mean(of["times"])
        of["mean time as published"] = np.mean(of["times as published"])
        report[f"{alpha:g} V"] = of
    return report


def of_report(report: dict[str, Any]) -> dict[float, list[dict[str, Any]]]:
    """What was found, from the report."""
    found = {}
    for name, of in report.items():
        if name.endswith(" V"):
            several = {key: x for key, x in of.items() if isinstance(x, list)}
            found[float(name[:-2])] = [
                dict(zip(several, x, strict=True)) for x in zip(*several.values(), strict=True)
            ]
    return found


def main() -> None:
    """Runs what is not on disk yet, draws and reports."""
    quick = "60 wires, 3,000 steps, two amplitudes"
    parser = script.parser(__doc__, "results/lorenz_forecast", quick=quick, redraw=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=(0,), help="of networks and weights")
    parser.add_argument("--alphas", type=float, nargs="+", default=ALPHAS, help="amplitudes [V]")
    parser.add_argument("--wires", type=int, default=250, choices=SIZES, help="of the network")
    arguments = script.start(parser, float64=True)
    wires, alphas = (60, ALPHAS[:2]) if arguments.quick else (arguments.wires, arguments.alphas)
    label = "" if wires in (60, 250) else f"_{wires}"
    target = arguments.out / f"lorenz_forecast{label}.png"
    if arguments.redraw:
        report = script.read_report(arguments.redraw)
        picture(of_report(report), report["example"], target)
        return
    pieces = Pieces(arguments.out / "pieces", aloud=True)
    found: dict[float, list[dict[str, Any]]] = {alpha: [] for alpha in alphas}
    for seed in arguments.seeds:
        for alpha in alphas:
            make = lambda seed=seed, alpha=alpha: learn_and_forecast(seed, alpha, wires)
            one = pieces.keep(f"{wires}-{seed}-{alpha:g}", make)
            found[alpha].append(one)
            print(f"alpha {alpha:g} V, seed {seed}: {one['times'].round(2)}", flush=True)
    report = {"seeds": arguments.seeds, "forecast time of the published network": 1.67}
    report |= reported(found) | {"seconds": pieces.seconds, "example": example_of(found)}
    script.finish(target.with_suffix(".json"), report)
    picture(found, report["example"], target)


if __name__ == "__main__":
    main()
