"""The best drive for a computation: read-out in closed form inside the loss, drive tuned through it.

The task is the waveform transformation of Fig. 8 from: Hochstetter, J. et al. Avalanches and
edge-of-chaos learning in neuromorphic nanowire networks. Nat. Commun. 12, 4008 (2021).
doi 10.1038/s41467-021-24260-z

A triangular drive goes into the network; a linear read-out of all wire potentials, by least squares
over a window after a transient, has to give another waveform: the triangle at twice the frequency
(or a square wave, a sine, a triangle shifted by pi/2). Accuracy is 1 - RNMSE, in-sample as published.
Amplitude, frequency and offset are chosen in three ways, at equal numbers of simulated steps:

- gradient: Adam through read-out and network from random drives, a step at its true cost;
- random search: the first drive of a restart is where its gradient starts, the others are drawn alike;
- published grid: the amplitudes and frequencies of Fig. 8 in random order, without offset.

Gradients through a chaotic run explode: they are cut every second, and at the end of the transient.
Pieces are kept in --out: call again to go on. --minutes says how long to compute this time.

    python experiments/gradients/waveform_drive.py --out results/waveform_drive
    python experiments/gradients/waveform_drive.py --full    # 20 s and 80 s as published, not 2 s and 10 s
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import dataclasses
import functools as ft
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

import jaxnn
from experiments.gradients._waveform_drive_report import METHODS, plot, print_report
from experiments.shared.compilation import compile_quickly
from experiments.shared.hochstetter2021 import AMPLITUDES, FREQUENCIES
from experiments.shared.pieces import Pieces, TimeUp


# The read-out is solved in float64; the simulation itself runs in float32.
jax.config.update("jax_enable_x64", True)

DT = 1e-3  # [s]
# Steps between two samples of the read-out. Prime to the steps of a period: every 10th step of a 1 Hz
# drive would be 100 different rows for 100 wires, which fit anything.
EVERY = 13
CUT = 1000  # steps after which a gradient is cut
RIDGE = 1e-6  # smallest singular value that the read-out uses, relative to the norm of all potentials
LEARNING_RATE = 0.05  # of the searched range
OFFSETS = (-0.5, 0.5)  # searched, relative to the amplitude
TARGETS = ("double", "square", "sine", "shift")


class Scale(NamedTuple):
    """How much is simulated."""

    wires: int
    transient: int  # [steps]
    window: int  # [steps]
    restarts: int
    iterations: int  # of the gradient
    draws: int  # of the random search, per restart
    batch: int = 48  # drives that are simulated together
    grid_stride: int = 1  # simulate every so many drives of the grid


SCALES = {
    "quick": Scale(10, 500, 2600, restarts=2, iterations=3, draws=8, batch=2, grid_stride=8),
    "default": Scale(wires=100, transient=2_000, window=10_000, restarts=8, iterations=12, draws=48),
    "full": Scale(100, 20_000, 80_000, restarts=8, iterations=8, draws=32, grid_stride=2),
}
# Of the numerics, and of gradients against differences.
CHECKS = {"quick": (), "default": ("numerics", "gradient"), "full": ("numerics",)}


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

    def examine(self, choice: Choice) -> tuple[Any, Any, Any]:
        """Accuracy, that of the same read-out over the window that follows, and largest exponent [1/s]."""
        potential, target = self.run(choice, windows=2)
        half = len(target) // 2
        loss, weights = train(potential[:half], target[:half])
        unseen = 1 - relative_error(potential[half:] @ weights, target[half:])
        setup = self.setup(choice)
        first = jaxnn.simulate(**setup, steps=self.transient, every=self.transient)
        after = {"state": first.final_state, "start_step": self.transient}
        steps = self.window // 200 * 100
        exponents = jaxnn.lyapunov_exponents(**setup, **after, steps=steps, interval=100).exponents
        return 1 - loss, unseen, exponents[0]


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
    return take(drawn, slice(1, None))  # the first is the middle itself


def take(choices: Choice, index: Any) -> Choice:
    """Some of the drives."""
    # Weak types would compile everything twice.
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x)[index]), choices)


def in_batches(
    function: Callable, choices: Choice, size: int, name: str, pieces: Pieces
) -> dict[str, np.ndarray]:
    """`function`, which gives a dictionary, of all choices, `size` of them at a time, which it takes."""
    count = len(choices.offset)
    results = []
    for start in range(0, count, size):
        # The last batch is filled up, so that nothing is compiled twice.
        index = np.minimum(np.arange(start, start + size), count - 1)
        results.append(pieces.keep(f"{name}_{start}", lambda index=index: function(take(choices, index))))
    return {k: np.concatenate([piece[k] for piece in results])[:count] for k in results[0]}


def tune(
    task: Task, space: Choice, starts: Choice, iterations: int, pieces: Pieces
) -> tuple[np.ndarray, Choice, float]:
    """Accuracies that the gradient met, (restarts, iterations), best drives, and seconds a step."""
    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, iterations))
    go_on = ft.partial(
        jaxnn.optimise,
        task.loss,
        starts,
        optimiser=optimiser,
        constraints=space,
        restarts=len(starts.offset),
        checkpoint=pieces.folder / "gradient.npz",
    )
    seconds = []
    for step in range(1, iterations + 1):

        def one(step: int = step) -> dict[str, Any]:
            begin = time.perf_counter()
            go_on(steps=step)
            return {"seconds": time.perf_counter() - begin}

        seconds.append(float(pieces.keep(f"gradient_step_{step}", one)["seconds"]))
    run = go_on(steps=iterations)
    # The quickest step compiles nothing, and nobody else held the core.
    return 1 - np.asarray(run.loss).T, run.parameters, min(seconds)


def search(losses: Callable, space: Choice, starts: Choice, scale: Scale, pieces: Pieces) -> tuple:
    """The same for drives drawn at random, the first of each restart being that of the gradient."""
    shape = (scale.restarts, scale.draws)
    others = draw(space, jr.key(2), scale.restarts * (scale.draws - 1))
    join = lambda a, b: jnp.concatenate([a[:, None], b.reshape(scale.restarts, -1)], axis=1).reshape(-1)
    choices = jax.tree.map(join, starts, others)
    values = 1 - in_batches(losses, choices, scale.batch, "random", pieces)["loss"].reshape(shape)
    best = values.argmax(axis=1) + np.arange(shape[0]) * shape[1]
    return values, take(choices, best)


def sweep(losses: Callable, frequencies: Any, scale: Scale, pieces: Pieces) -> tuple:
    """The same for the grid in a random order for each restart, and the best drive of the whole grid."""
    amplitude, frequency = np.log(np.meshgrid(AMPLITUDES, frequencies, indexing="ij"))
    amplitude, frequency = jnp.asarray(amplitude.ravel()), jnp.asarray(frequency.ravel())
    choices = Choice(amplitude, frequency, jnp.zeros(amplitude.shape))
    choices = take(choices, slice(None, None, scale.grid_stride))
    values = 1 - in_batches(losses, choices, scale.batch, "grid", pieces)["loss"]
    random = np.random.default_rng(3)
    order = np.stack([random.permutation(len(values))[: scale.draws] for _ in range(scale.restarts)])
    best = order[np.arange(scale.restarts), values[order].argmax(axis=1)]
    return values[order], take(choices, best), take(choices, np.atleast_1d(values.argmax()))


def seconds_of_losses(losses: Callable, starts: Choice, pieces: Pieces) -> float:
    """Time that the losses of all starts take, the better of two."""

    def measure() -> dict[str, Any]:
        jax.block_until_ready(losses(starts))  # compiles
        times = []
        for _ in range(2):
            begin = time.perf_counter()
            jax.block_until_ready(losses(starts))
            times.append(time.perf_counter() - begin)
        return {"seconds": min(times)}

    return float(pieces.keep("seconds_of_losses", measure)["seconds"])


def check_gradient(losses: Callable, task: Task, space: Choice, choices: Choice, pieces: Pieces) -> dict:
    """Gradients by several functions against central differences over 2 % of the range: their cosines.

    The differences are wide because the accuracy of a finite chaotic run is rough on a fine scale.
    """
    ranges = jax.tree.map(lambda b: b.high - b.low, space, is_leaf=lambda x: isinstance(x, jaxnn.Box))
    width = jnp.stack(jax.tree.leaves(ranges))
    points = jnp.stack(jax.tree.leaves(choices), axis=1)
    displaced = points[:, None, None] + 0.01 * jnp.asarray([1.0, -1.0])[:, None, None] * jnp.diag(width)
    displaced = Choice(*displaced.reshape(-1, 3).T)
    size = len(displaced.offset)
    loss = in_batches(losses, displaced, size, "differences", pieces)["loss"].reshape(-1, 2, 3)
    difference = (loss[:, 0] - loss[:, 1]) / 0.02
    report: dict[str, list] = {"differences": difference.tolist()}
    for name, variant in {"cut": task, "uncut": dataclasses.replace(task, cut=task.window)}.items():
        gradient = lambda variant=variant: {
            "slope": jnp.stack(jax.tree.leaves(jax.jit(jax.vmap(jax.grad(variant.loss)))(choices)), axis=1)
        }
        slope = pieces.keep(f"slopes_{name}", gradient)["slope"] * width
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
    # These two start from the same drives, restart by restart.
    ahead = at_budget["gradient"] - at_budget["random search"]
    return {
        "budget_simulations": budget,
        "accuracy_at_budget": {m: quartiles(a) for m, a in at_budget.items()},
        "gradient_ahead": {"restarts": int((ahead > 0).sum()), "by": quartiles(ahead)},
        "best_at_budget": {m: float(a.max()) for m, a in at_budget.items()},
        "simulations_to_reach": needs,
    }


def examine(task: Task, choices: dict[str, Choice], size: int, pieces: Pieces) -> dict[str, Any]:
    """Growth rates, accuracies on unseen data and the drives themselves, for every group of drives."""
    joined = jax.tree.map(lambda *x: jnp.concatenate(x), *choices.values())
    batch = jax.jit(jax.vmap(task.examine))
    names = "accuracy", "unseen", "exponent"
    found = in_batches(lambda x: dict(zip(names, batch(x), strict=True)), joined, size, "examined", pieces)
    ends = np.cumsum([len(c.offset) for c in choices.values()])
    groups = zip(choices.items(), np.split(np.arange(ends[-1]), ends[:-1]), strict=True)
    return {
        name: {
            "amplitude_volts": np.exp(choice.log_amplitude).tolist(),
            "frequency_hertz": np.exp(choice.log_frequency).tolist(),
            "offset_relative": np.asarray(choice.offset).tolist(),
            # A difference that vanishes has an exponent of -inf, which JSON does not know.
            "exponent_per_second": [float(x) if np.isfinite(x) else None for x in found["exponent"][index]],
            "accuracy": found["accuracy"][index].tolist(),
            "accuracy_unseen": found["unseen"][index].tolist(),
        }
        for (name, choice), index in groups
    }


def check_numerics(task: Task, choices: Choice, pieces: Pieces) -> dict[str, list[float]]:
    """Accuracies of the same drives by other numerics."""
    twice = {name: 2 * getattr(task, name) for name in ("transient", "window", "every")}
    variants = {
        "half the time step": dataclasses.replace(task, dt=task.dt / 2, **twice),
        "float64, every step in the read-out": dataclasses.replace(task, dtype=jnp.float64, every=1),
    }
    found = {}
    for name, variant in variants.items():
        losses = lambda variant=variant: {"loss": jax.jit(jax.vmap(variant.loss))(choices)}
        found[name] = (1 - pieces.keep(f"numerics_{name.split()[0]}", losses)["loss"]).tolist()
    return found


def run(scale: Scale, target: str, checks: tuple[str, ...], pieces: Pieces) -> dict[str, Any]:
    """All numbers, with the checks that are named."""
    task = build(scale, target)
    space, frequencies = search_space(scale)
    starts = draw(space, jr.key(1), scale.restarts)
    batch = jax.jit(jax.vmap(task.loss))
    losses = lambda choices: {"loss": batch(choices)}
    values, best = {}, {}
    simulation = seconds_of_losses(batch, starts, pieces)
    values["gradient"], best["gradient"], step = tune(task, space, starts, scale.iterations, pieces)
    costs = dict.fromkeys(METHODS, 1.0) | {"gradient": step / simulation}
    values["random search"], best["random search"] = search(losses, space, starts, scale, pieces)
    values["published grid"], best["published grid"], whole = sweep(losses, frequencies, scale, pieces)
    drives = {"start": starts, **best, "best of the whole grid": whole}
    return scale._asdict() | {
        "target": target,
        "steps_per_simulation": scale.transient + scale.window,
        "junctions": task.network.n_junctions,
        "distance_of_contacts": int(task.network.path_length(*task.terminals)),
        "cost_simulations": costs,
        "comparison": compare(values, costs),
        "drives": examine(task, drives, scale.restarts, pieces),
        "numerics": check_numerics(task, best["gradient"], pieces) if "numerics" in checks else {},
        "gradient": check_gradient(losses, task, space, starts, pieces) if "gradient" in checks else {},
        "accuracies": {method: v.tolist() for method, v in values.items()},
    }


def main() -> None:
    """Runs the three searches, prints the comparison, writes the picture and all numbers."""
    parser = script.parser(
        __doc__,
        "results/waveform_drive",
        quick="a small network and few, short runs",
        full="20 s of transient and 80 s of window",
        minutes=60,
    )
    parser.add_argument("--target", choices=TARGETS, default="double")
    arguments = script.start(parser, keep_compiled=True)
    size = "quick" if arguments.quick else "full" if arguments.full else "default"
    if arguments.quick:
        compile_quickly()

    pieces = Pieces(arguments.out / f"pieces_{arguments.target}_{size}", arguments.minutes)
    try:
        report = {"scale": size, **run(SCALES[size], arguments.target, CHECKS[size], pieces)}
    except TimeUp:
        print(f"the time is up; call again to go on from {pieces.folder}")
        return
    report["seconds"] = pieces.seconds
    print_report(report)
    print(f"{report['seconds']:.0f} s of all calls")
    name = f"waveform_drive_{arguments.target}"
    plot(report, arguments.out / f"{name}.png")
    script.finish(arguments.out / f"{name}.json", report)


if __name__ == "__main__":
    main()
