"""The best drive for a computation: read-out in closed form inside the loss, drive tuned through it.

The task is the waveform transformation of Fig. 8 from: Hochstetter, J. et al. Avalanches and
edge-of-chaos learning in neuromorphic nanowire networks. Nat. Commun. 12, 4008 (2021).
doi 10.1038/s41467-021-24260-z

A triangular drive goes into the network; a linear read-out of all wire potentials, by least squares
over a window after a transient, has to give another waveform: the triangle at twice the frequency
(or a square wave, a sine, a triangle shifted by pi/2). Accuracy is 1 - RNMSE, in-sample as published.
Amplitude, frequency and offset are chosen in three ways, at equal numbers of simulated steps:

- gradient: Adam through read-out and network from random drives, a step at its true cost;
- random search: drives drawn as the starts of the gradient are;
- published grid: the amplitudes and frequencies of Fig. 8 in random order, without offset.

Gradients through a chaotic run explode: they are cut every second, and at the end of the transient.

    python experiments/waveform_drive.py --out results/waveform_drive
    python experiments/waveform_drive.py --full    # 20 s and 80 s as published, not 2 s and 10 s
"""

import argparse
import dataclasses
import functools as ft
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import matplotlib
import numpy as np
import optax
from tqdm import tqdm

import jaxnn


matplotlib.use("agg")
import matplotlib.pyplot as plt  # the backend has to be chosen before this import


# The read-out is solved in float64; the simulation itself runs in float32.
jax.config.update("jax_enable_x64", True)

DT = 1e-3  # [s]
# Steps between two samples of the read-out. Prime to the steps of a period: every 10th step of a 1 Hz
# drive would be 100 different rows for 100 wires, which fit anything.
EVERY = 13
CUT = 1000  # steps after which a gradient is cut
RIDGE = 1e-6  # smallest singular value that the read-out uses, relative to the norm of all potentials
LEARNING_RATE = 0.05  # of the searched range
BATCH = 48  # drives that are simulated together
# The grid of the authors' script runACAttractor (github.com/joelhochstetter/NWNsim), [V] and [Hz].
AMPLITUDES = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 1.75, 2, 2.5, 3)
FREQUENCIES = (0.025, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 1, 1.25, 1.5, 1.75, 2)
OFFSETS = (-0.5, 0.5)  # searched, relative to the amplitude
TARGETS = ("double", "square", "sine", "shift")
METHODS = ("gradient", "random search", "published grid")


class Scale(NamedTuple):
    """How much is simulated."""

    wires: int
    transient: int  # [steps]
    window: int  # [steps]
    restarts: int
    iterations: int  # of the gradient
    draws: int  # of the random search, per restart
    grid_stride: int = 1  # simulate every so many drives of the grid


SCALES = {
    "quick": Scale(wires=14, transient=500, window=2600, restarts=2, iterations=3, draws=8, grid_stride=8),
    "default": Scale(wires=100, transient=2_000, window=10_000, restarts=8, iterations=12, draws=48),
    "full": Scale(wires=100, transient=20_000, window=80_000, restarts=8, iterations=12, draws=48),
}


class Choice(eqx.Module):
    """A drive in the coordinates that are searched."""

    log_amplitude: Any  # ln of volts
    log_frequency: Any  # ln of hertz
    offset: Any  # relative to the amplitude


class PhaseLocked(jaxnn.AbstractClockDrive):
    """A triangular drive whose frequency has no slope: `Task.run` puts that into the time step.

    At a fixed step the phase after a time t moves by t df, far faster than the network's state, and
    a gradient that is cut would see the phase move and the state stand still.
    """

    amplitude: Any
    frequency: Any
    offset: Any

    def at(self, clock: jaxnn.Clock) -> Any:
        unit = jaxnn.Triangle(1.0, self.frequency).at(clock)
        return self.amplitude * jax.lax.stop_gradient(unit).astype(self.amplitude.dtype) + self.offset


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """Network, target and lengths: what the score of a drive depends on."""

    network: jaxnn.Network
    terminals: tuple
    target: str
    transient: int
    window: int
    cut: int = CUT
    dt: float = DT
    every: int = EVERY
    dtype: Any = jnp.float32

    def run(self, choice: Choice, windows: int = 1) -> tuple[Any, Any]:
        """Potentials and target waveform over the window(s), (rows, wires) and (rows,)."""
        setup = self.setup(choice)
        first = jaxnn.simulate(**setup, steps=self.transient, every=self.transient)
        steps = windows * self.window
        solution = jaxnn.simulate(
            **setup,
            state=jax.lax.stop_gradient(first.final_state),
            start_step=self.transient,
            steps=steps,
            every=self.every,
            record="node_potential",
            adjoint=jaxnn.Truncated(self.cut, jaxnn.Checkpointed()),
        )
        step = self.transient + self.every * np.arange(1, steps // self.every + 1)
        frequency = jax.lax.stop_gradient(setup["drive"].frequency).astype(float)
        return solution.node_potential.astype(float), waveform(self.target, frequency * (self.dt * step))

    def setup(self, choice: Choice) -> dict[str, Any]:
        """The arguments of `jaxnn.simulate` that every run shares."""
        single = ft.partial(jax.tree.map, lambda x: jnp.asarray(x, self.dtype))
        amplitude, frequency = single((jnp.exp(choice.log_amplitude), jnp.exp(choice.log_frequency)))
        return {
            "network": self.network,
            "junction": single(jaxnn.parameters.hochstetter2021_ac()),
            "drive": PhaseLocked(amplitude, frequency, amplitude * single(choice.offset)),
            "terminals": self.terminals,
            # Its value is dt. Its slope is that of a slower clock over the same periods.
            "dt": self.dt * jax.lax.stop_gradient(frequency) / frequency,
        }

    def loss(self, choice: Choice) -> Any:
        """RNMSE of the best read-out."""
        return train(*self.run(choice))[0]

    def exponent(self, choice: Choice) -> Any:
        """Largest Lyapunov exponent after the transient [1/s]."""
        setup = self.setup(choice)
        first = jaxnn.simulate(**setup, steps=self.transient, every=self.transient)
        after = {"state": first.final_state, "start_step": self.transient}
        steps = self.window // 200 * 100
        return jaxnn.lyapunov_exponents(**setup, **after, steps=steps, interval=100).exponents[0]

    def unseen(self, choice: Choice) -> Any:
        """Accuracy in-sample, and of the same read-out over the window that follows."""
        potential, target = self.run(choice, windows=2)
        half = len(target) // 2
        loss, weights = train(potential[:half], target[:half])
        return 1 - loss, 1 - relative_error(potential[half:] @ weights, target[half:])


def waveform(name: str, cycles: Any) -> Any:
    """What the read-out has to give, of amplitude 1, after so many cycles of the drive."""
    triangle = lambda x: 1 - 4 * jnp.abs(x - 0.25 - jnp.round(x - 0.25))
    if name == "sine":
        return jnp.sin(2 * jnp.pi * cycles)
    if name == "square":
        return jnp.where(cycles % 1 < 0.5, 1.0, -1.0)
    return triangle(2 * cycles) if name == "double" else triangle(cycles + 0.25)


def relative_error(output: Any, target: Any) -> Any:
    """RNMSE."""
    return jnp.sqrt(jnp.sum((output - target) ** 2) / jnp.sum(target**2))


def train(potential: Any, target: Any) -> tuple[Any, Any]:
    r"""RNMSE of the read-out and its weights [1/V], without an intercept.

    $$\min_w |\Phi w - y|^2 + r^2 |w|^2, \qquad r = \mathrm{RIDGE} \, |\Phi|_F$$

    by QR of $\Phi$ with $r I$ below it: the normal equations would square the condition number. The
    potentials hardly have full rank (a wire that carries no current has the potential of its
    neighbour), and below r there is only the rounding of float32. At the minimum the slope along w
    vanishes, so that the derivative needs none of w.
    """
    wires = potential.shape[1]
    ridge = RIDGE * jax.lax.stop_gradient(jnp.linalg.norm(potential))
    below = ridge * jnp.eye(wires)
    q, r = jnp.linalg.qr(jax.lax.stop_gradient(jnp.concatenate([potential, below])))
    weights = jax.scipy.linalg.solve_triangular(r, q[: len(target)].T @ target)
    square = jnp.sum((potential @ weights - target) ** 2) + ridge**2 * jnp.sum(weights**2)
    return jnp.sqrt(square / jnp.sum(target**2)), weights


def build(scale: Scale, target: str) -> Task:
    """Wires at a density of 0.11 per square micrometre, contacts at the two farthest apart."""
    network = jaxnn.nanowire_network(scale.wires, box=30e-6 * (scale.wires / 100) ** 0.5, seed=1)
    terminals = tuple(int(wire) for wire in jaxnn.farthest_pair(network))
    return Task(network, terminals, target, scale.transient, scale.window)


def search_space(scale: Scale) -> tuple[Choice, tuple[float, ...]]:
    """The range of the grid, from two periods per window up, and the frequencies of the grid in it."""
    lowest = 2 / (DT * scale.window)
    frequencies = tuple(f for f in FREQUENCIES if f >= lowest * (1 - 1e-9))
    amplitude, frequency = np.log([AMPLITUDES[0], AMPLITUDES[-1]]), np.log([lowest, FREQUENCIES[-1]])
    return Choice(jaxnn.Box(*amplitude), jaxnn.Box(*frequency), jaxnn.Box(*OFFSETS)), frequencies


def draw(space: Choice, key: Any, count: int) -> Choice:
    """Drives drawn evenly from the space."""
    middle = jax.tree.map(
        lambda box: (box.low + box.high) / 2, space, is_leaf=lambda x: isinstance(x, jaxnn.Box)
    )
    drawn = jaxnn.spread(middle, key, count + 1, constraints=space)
    return jax.tree.map(lambda x: x[1:], drawn)  # the first is the middle itself


def take(choices: Choice, index: Any) -> Choice:
    """Some of the drives."""
    return jax.tree.map(lambda x: x[index], choices)


def in_batches(function: Callable, choices: Choice, size: int, name: str) -> np.ndarray:
    """`function` of all choices, `size` of them at a time, which it takes."""
    count = len(choices.offset)
    results = []
    for start in tqdm(range(0, count, size), desc=name, disable=None):
        # The last batch is filled up, so that nothing is compiled twice.
        index = np.minimum(np.arange(start, start + size), count - 1)
        results.append(np.asarray(function(take(choices, index))))
    return np.concatenate(results, axis=-1)[..., :count]


def cost_ratio(losses: Callable, slopes: Callable, choices: Choice) -> float:
    """Time of losses with their gradients by that of the losses alone, the better of two each."""
    seconds = []
    for function in (losses, slopes):
        jax.block_until_ready(function(choices))  # compiles
        times = []
        for _ in range(2):
            begin = time.perf_counter()
            jax.block_until_ready(function(choices))
            times.append(time.perf_counter() - begin)
        seconds.append(min(times))
    return seconds[1] / seconds[0]


def tune(task: Task, space: Choice, starts: Choice, iterations: int) -> tuple[np.ndarray, Choice]:
    """Accuracies that the gradient met, (restarts, iterations), and the best drive of each restart."""
    run = jaxnn.optimise(
        task.loss,
        starts,
        optimiser=optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, iterations)),
        steps=iterations,
        constraints=space,
        restarts=len(starts.offset),
    )
    return 1 - np.asarray(run.loss).T, run.parameters


def search(losses: Callable, space: Choice, scale: Scale) -> tuple[np.ndarray, Choice]:
    """The same for drives drawn at random."""
    shape = (scale.restarts, scale.draws)
    choices = draw(space, jr.key(2), scale.restarts * scale.draws)
    values = 1 - in_batches(losses, choices, BATCH, "random").reshape(shape)
    best = values.argmax(axis=1) + np.arange(shape[0]) * shape[1]
    return values, take(choices, best)


def sweep(losses: Callable, frequencies: Any, scale: Scale) -> tuple[np.ndarray, Choice, Choice]:
    """The same for the grid in a random order for each restart, and the best drive of the whole grid."""
    amplitude, frequency = np.log(np.meshgrid(AMPLITUDES, frequencies, indexing="ij"))
    amplitude, frequency = jnp.asarray(amplitude.ravel()), jnp.asarray(frequency.ravel())
    choices = Choice(amplitude, frequency, jnp.zeros(amplitude.shape))
    choices = take(choices, slice(None, None, scale.grid_stride))
    values = 1 - in_batches(losses, choices, BATCH, "grid")
    random = np.random.default_rng(3)
    order = np.stack([random.permutation(len(values))[: scale.draws] for _ in range(scale.restarts)])
    best = order[np.arange(scale.restarts), values[order].argmax(axis=1)]
    return values[order], take(choices, best), take(choices, np.atleast_1d(values.argmax()))


def check_gradient(losses: Callable, slopes: Any, space: Choice, choices: Choice) -> dict[str, list]:
    """Gradients by several functions against central differences over 2 % of the range: their cosines.

    The differences are wide because the accuracy of a finite chaotic run is rough on a fine scale.
    """
    ranges = jax.tree.map(lambda b: b.high - b.low, space, is_leaf=lambda x: isinstance(x, jaxnn.Box))
    width = jnp.stack(jax.tree.leaves(ranges))
    points = jnp.stack(jax.tree.leaves(choices), axis=1)
    displaced = points[:, None, None] + 0.01 * jnp.asarray([1.0, -1.0])[:, None, None] * jnp.diag(width)
    displaced = Choice(*displaced.reshape(-1, 3).T)
    loss = in_batches(losses, displaced, BATCH, "differences").reshape(-1, 2, 3)
    difference = (loss[:, 0] - loss[:, 1]) / 0.02
    report: dict[str, list] = {"differences": difference.tolist()}
    for name, function in slopes.items():
        slope = function(choices)[1]
        slope = np.stack(jax.tree.leaves(slope), axis=1) * width
        norms = np.linalg.norm(slope, axis=1), np.linalg.norm(difference, axis=1)
        report[f"cosine, {name}"] = (np.sum(slope * difference, axis=1) / (norms[0] * norms[1])).tolist()
        report[f"size ratio, {name}"] = (norms[0] / norms[1]).tolist()
    return report


def quartiles(values: Any) -> list[float | None]:
    """First quartile, median and third; None for what is not finite."""
    values = np.asarray(values, float)
    # Between a number and infinity there is no interpolation; "higher" counts against the method.
    rule = "linear" if np.isfinite(values).all() else "higher"
    found = np.percentile(values, [25, 50, 75], method=rule)
    return [float(x) if np.isfinite(x) else None for x in found]


def compare(values: dict[str, np.ndarray], costs: dict[str, float]) -> dict[str, Any]:
    """Accuracies at the same cost, and what each method needs to reach those of the others.

    Costs are in simulations.
    """
    best = {method: np.maximum.accumulate(v, axis=1) for method, v in values.items()}
    spent = {method: costs[method] * np.arange(1, v.shape[1] + 1) for method, v in values.items()}
    budget = min(x[-1] for x in spent.values())
    at_budget = {m: best[m][:, np.searchsorted(spent[m], budget, side="right") - 1] for m in best}
    levels = {f"{m} at the budget": float(np.median(at_budget[m])) for m in best}
    needs: dict[str, Any] = {}
    for name, level in levels.items():
        needs[name] = {"accuracy": level}
        for method in best:
            reached = best[method] >= level - 1e-12
            needed = np.where(reached.any(axis=1), spent[method][reached.argmax(axis=1)], np.inf)
            needs[name][method] = {
                "simulations": quartiles(needed),
                "restarts_that_reach_it": int(np.isfinite(needed).sum()),
            }
    return {
        "budget_simulations": budget,
        "accuracy_at_budget": {m: quartiles(a) for m, a in at_budget.items()},
        "best_at_budget": {m: float(a.max()) for m, a in at_budget.items()},
        "simulations_to_reach": needs,
    }


def examine(task: Task, choices: dict[str, Choice]) -> dict[str, Any]:
    """Growth rates, accuracies on unseen data and the drives themselves, for every group of drives."""
    joined = jax.tree.map(lambda *x: jnp.concatenate(x), *choices.values())
    size = len(joined.offset)
    exponent = in_batches(jax.jit(jax.vmap(task.exponent)), joined, size, "exponents")
    seen, unseen = in_batches(jax.jit(jax.vmap(task.unseen)), joined, size, "unseen")
    ends = np.cumsum([len(c.offset) for c in choices.values()])
    groups = zip(choices.items(), np.split(np.arange(ends[-1]), ends[:-1]), strict=True)
    return {
        name: {
            "amplitude_volts": np.exp(choice.log_amplitude).tolist(),
            "frequency_hertz": np.exp(choice.log_frequency).tolist(),
            "offset_relative": np.asarray(choice.offset).tolist(),
            # A difference that vanishes has an exponent of -inf, which JSON does not know.
            "exponent_per_second": [float(x) if np.isfinite(x) else None for x in exponent[index]],
            "accuracy": seen[index].tolist(),
            "accuracy_unseen": unseen[index].tolist(),
        }
        for (name, choice), index in groups
    }


def check_numerics(task: Task, choices: Choice) -> dict[str, list[float]]:
    """Accuracies of the same drives by other numerics."""
    twice = {name: 2 * getattr(task, name) for name in ("transient", "window", "every")}
    variants = {
        "half the time step": dataclasses.replace(task, dt=task.dt / 2, **twice),
        "float64, every step in the read-out": dataclasses.replace(task, dtype=jnp.float64, every=1),
    }
    losses = {name: jax.jit(jax.vmap(variant.loss))(choices) for name, variant in variants.items()}
    return {name: (1 - loss).tolist() for name, loss in losses.items()}


def plot(report: dict[str, Any], path: Path) -> None:
    """Best accuracy so far against the number of simulations, and where the drives ended."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    millions = report["steps_per_simulation"] / 1e6
    colours = {}
    for method, values in report["accuracies"].items():
        best = np.maximum.accumulate(np.asarray(values), axis=1)
        low, median, high = np.percentile(best, [25, 50, 75], axis=0)
        spent = report["cost_simulations"][method] * np.arange(1, best.shape[1] + 1)
        (curve,) = left.step(spent, median, where="post", label=method)
        left.fill_between(spent, low, high, step="post", color=curve.get_color(), alpha=0.2, lw=0)
        colours[method] = curve.get_color()
    left.axvline(report["comparison"]["budget_simulations"], color="0.7", ls=":", lw=1)
    left.set(xlabel="simulations (a gradient step at its cost)", ylabel="best accuracy so far, 1 - RNMSE")
    left.set_title(f"{report['target']}: median and quartiles of {report['restarts']} restarts")
    left.secondary_xaxis("top", functions=(lambda n: n * millions, lambda n: n / millions)).set_xlabel(
        "simulated steps (millions)"
    )
    left.legend(loc="lower right")
    for name, group in report["drives"].items():
        if name not in colours and name != "start":
            continue
        method = "gradient" if name == "start" else name
        exponent = np.asarray([np.nan if x is None else x for x in group["exponent_per_second"]])
        style = {"facecolors": "none"} if name == "start" else {}
        right.scatter(exponent, group["accuracy"], color=colours[method], label=name, **style)
    right.axvline(0, color="0.7", lw=1)
    right.set(xlabel="largest Lyapunov exponent (1/s)", ylabel="accuracy")
    right.set_title("Best drive of each restart; exponents of -inf left out")
    right.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def print_report(report: dict[str, Any]) -> None:
    """The comparison in a few lines."""
    comparison = report["comparison"]
    budget = comparison["budget_simulations"]
    print(f"{report['target']}: {report['wires']} wires, {report['restarts']} restarts")
    print(f"a gradient step costs {report['cost_simulations']['gradient']:.2g} simulations")
    for method, (low, median, high) in comparison["accuracy_at_budget"].items():
        drives = report["drives"][method]
        print(
            f"{method:15} accuracy after {budget:.0f} simulations: {median:.3f} ({low:.3f} to {high:.3f}),"
            f" best {comparison['best_at_budget'][method]:.3f};"
            f" unseen {np.median(drives['accuracy_unseen']):.3f}"
        )
    for name, needs in comparison["simulations_to_reach"].items():
        parts = []
        for method in METHODS:
            median, reach = needs[method]["simulations"][1], needs[method]["restarts_that_reach_it"]
            parts.append(f"{method} {'-' if median is None else f'{median:.0f}'} ({reach} restarts)")
        print(f"simulations to {needs['accuracy']:.3f} ({name}): {', '.join(parts)}")
    for name, numbers in report["numerics"].items():
        print(f"tuned drives, {name}: median accuracy {np.median(numbers):.3f}")


def run(scale: Scale, target: str, checks: bool) -> dict[str, Any]:
    """All numbers; `checks` are of the numerics and of the cut."""
    task = build(scale, target)
    space, frequencies = search_space(scale)
    starts = draw(space, jr.key(1), scale.restarts)
    losses = jax.jit(jax.vmap(task.loss))
    slopes = {"cut": jax.jit(jax.vmap(jax.value_and_grad(task.loss)))}
    costs = dict.fromkeys(METHODS, 1.0) | {"gradient": cost_ratio(losses, slopes["cut"], starts)}
    values, best = {}, {}
    values["gradient"], best["gradient"] = tune(task, space, starts, scale.iterations)
    values["random search"], best["random search"] = search(losses, space, scale)
    values["published grid"], best["published grid"], whole = sweep(losses, frequencies, scale)
    if checks:
        uncut = dataclasses.replace(task, cut=task.window)
        slopes["uncut"] = jax.jit(jax.vmap(jax.value_and_grad(uncut.loss)))
    return scale._asdict() | {
        "target": target,
        "steps_per_simulation": scale.transient + scale.window,
        "junctions": task.network.n_junctions,
        "distance_of_contacts": int(task.network.path_length(*task.terminals)),
        "cost_simulations": costs,
        "comparison": compare(values, costs),
        "drives": examine(task, {"start": starts, **best, "best of the whole grid": whole}),
        "numerics": check_numerics(task, best["gradient"]) if checks else {},
        "gradient": check_gradient(losses, slopes, space, starts),
        "accuracies": {method: v.tolist() for method, v in values.items()},
    }


def main() -> None:
    """Runs the three searches, prints the comparison, writes the picture and all numbers."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/waveform_drive"))
    parser.add_argument("--target", choices=TARGETS, default="double")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--quick", action="store_true", help="a small network and few, short runs")
    group.add_argument("--full", action="store_true", help="20 s of transient and 80 s of window")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    size = "quick" if arguments.quick else "full" if arguments.full else "default"

    begin = time.perf_counter()
    report = {"scale": size, **run(SCALES[size], arguments.target, checks=size != "quick")}
    report["seconds"] = time.perf_counter() - begin
    print_report(report)
    print(f"{report['seconds']:.0f} s")
    name = f"waveform_drive_{arguments.target}"
    plot(report, arguments.out / f"{name}.png")
    (arguments.out / f"{name}.json").write_text(json.dumps(report, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
