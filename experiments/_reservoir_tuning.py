"""Thresholds and set-points of nickelate devices tuned by gradient through their physics."""

import dataclasses as dc
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from _reservoir_answers import Answers, looked_up, nickelate
from _reservoir_study import NOISE, evaluate
from _reservoir_tasks import SLOTS, Task, encode, fields, trains
from tqdm import tqdm

from jaxnn import reservoirs


PENALTY = 1e-2
SAMPLES = 5000  # of the training set, classes alike
FRONT = 0.6  # of them to fit a read-out, the rest to ask how well it does
UPDATES = 20
SOFTNESS = 0.05  # of the slope of a threshold, where there is none


class SetPoints(NamedTuple):
    """What is tuned: thresholds and volts of each device, and the logarithms of the times of all."""

    threshold: Any
    low: Any
    high: Any
    read_voltage: Any
    log_width: Any
    log_gap: Any

    @classmethod
    def of(cls, task: Task, reservoir: Any, devices: int) -> "SetPoints":
        full = lambda volts: jnp.full(devices, volts)
        gap = reservoir.period - reservoir.width
        return cls(
            jnp.asarray(np.resize(np.asarray(task.thresholds, np.float32), devices)),
            full(reservoir.low),
            full(reservoir.high),
            full(reservoir.read_voltage),
            jnp.log(reservoir.width),
            jnp.log(gap),
        )

    def within(self) -> "SetPoints":
        """0.02 to 0.98 of the amplitude, 0.1 to 2.5 V, 50 ns to 20 us."""
        volts = [jnp.clip(x, 0.1, 2.5) for x in (self.low, self.high, self.read_voltage)]
        times = [jnp.clip(x, np.log(5e-8), np.log(2e-5)) for x in (self.log_width, self.log_gap)]
        return SetPoints(jnp.clip(self.threshold, 0.02, 0.98), *volts, *times)

    def put(self, reservoir: Any) -> Any:
        """The reservoir driven so."""
        width = jnp.exp(self.log_width)
        return dc.replace(
            reservoir,
            low=self.low,
            high=self.high,
            read_voltage=self.read_voltage,
            width=width,
            period=width + jnp.exp(self.log_gap),
        )


def shares(seen: Any, threshold: Any) -> Any:
    """How much of each train a device is shown, (samples, devices, trains): all of one, with a slope.

    The slope is that of pulses which come with probability p = 1/(1 + exp((threshold - v)/SOFTNESS)).
    """
    bits = trains(2)
    soft = jax.nn.sigmoid((seen - threshold[None, :, None]) / SOFTNESS)
    log = lambda x: jnp.log(jnp.maximum(x, 1e-20))
    likely = jnp.exp(log(soft) @ bits.T + log(1 - soft) @ (1 - bits).T)
    number = (seen > threshold[None, :, None]) @ jnp.asarray(2.0 ** np.arange(SLOTS)[::-1], seen.dtype)
    shown = jax.nn.one_hot(number.astype(int), len(bits), dtype=seen.dtype)
    return likely + jax.lax.stop_gradient(shown - likely)


def read_out_error(features: Any, targets: Any) -> Any:
    """Squared error, on the samples behind, of the ridge read-out of those in front; with read noise."""
    front = int(FRONT * len(targets))
    noise = NOISE * jnp.ptp(features, axis=0)
    scale = jnp.sqrt(jnp.var(features[:front], axis=0) + noise**2)
    x = (features - jnp.mean(features[:front], axis=0)) / jnp.where(scale > 0, scale, 1)
    ridge = PENALTY + (noise / jnp.where(scale > 0, scale, 1)) ** 2
    matrix = x[:front].T @ x[:front] / front + jnp.diag(ridge)
    level = targets[:front].mean(axis=0)
    right = x[:front].T @ (targets[:front] - level) / front
    weights = jax.scipy.linalg.solve(matrix, right, assume_a="pos")
    return jnp.mean((x[front:] @ weights + level - targets[front:]) ** 2)


def some_of_each_class(task: Task, seed: int) -> np.ndarray:
    """Training samples, equally many of each class where there are so many."""
    train, rng = next(iter(task.splits.values()))[0][0], np.random.default_rng(seed + 1)
    of = [np.flatnonzero(task.labels[train] == c) for c in range(task.n_classes)]
    chosen = [train[rng.permutation(x)[: SAMPLES // task.n_classes]] for x in of]
    return rng.permutation(np.concatenate(chosen))


def tune(task: Task, devices: int, seed: int) -> tuple[Any, Any, dict[str, Any]]:
    """The neurons as they come, the set-points found for them, and how the error went."""
    reservoir = nickelate(devices, "neuron", seed)
    chosen = some_of_each_class(task, seed)
    seen = jnp.asarray(task.pictures[chosen].reshape(len(chosen), -1)[:, fields(task, devices, seed)])
    targets = np.where(task.labels[chosen][:, None] == np.arange(task.n_classes), 1.0, -1.0)
    targets = jnp.asarray(targets, jnp.float32)
    every = jnp.broadcast_to(jnp.asarray(trains(2))[:, None], (2**SLOTS, devices, SLOTS))

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def error(points: SetPoints) -> Any:
        table = points.put(reservoir).respond(every).features
        features = jnp.einsum("sdt,tdf->sdf", shares(seen, points.threshold), table)
        return read_out_error(features.reshape(len(features), -1), targets)

    points = SetPoints.of(task, reservoir, devices)
    rule = optax.adam(0.03)
    state, errors, begin = rule.init(points), [], time.perf_counter()
    for _ in tqdm(range(UPDATES), desc="set-points", disable=None):
        value, slope = error(points)
        errors.append(float(value))
        change, state = rule.update(slope, state)
        moved: Any = optax.apply_updates(points, change)
        points = moved.within()
    record = {
        "error": errors,
        "seconds": time.perf_counter() - begin,
        "set_points": {k: np.asarray(v).tolist() for k, v in points._asdict().items()},
        "samples": len(chosen),
    }
    return reservoir, points, record


def what_it_buys(task: Task, devices: int, seed: int) -> dict[str, Any]:
    """Scores of the whole task with thresholds and volts as they come and as tuned."""
    reservoir, points, record = tune(task, devices, seed)
    every = np.broadcast_to(trains(2)[:, None], (2**SLOTS, devices, SLOTS))
    thresholds = tuple(np.asarray(points.threshold).tolist())
    cases = {
        "before": (task, reservoir),
        "after": (dc.replace(task, thresholds=thresholds), points.put(reservoir)),
    }
    for name, (shown, driven) in cases.items():
        table = Answers(*reservoirs.respond_in_batches(driven, every))
        found = looked_up(table, encode(shown, devices, seed))
        features = found.features.reshape(len(task.labels), -1)
        record[name] = evaluate(task, features, seed, None)
        record[name]["energy"] = float(found.energy.sum(axis=1).mean())
    return record
