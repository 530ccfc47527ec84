"""Set-points of nickelate devices tuned by gradient, through their physics, on training data only."""

import dataclasses as dc
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm.auto import tqdm

from experiments.reservoirs._study import evaluate
from experiments.shared.reservoir_answers import nickelate
from experiments.shared.reservoir_tasks import SLOTS, Task, encode, trains
from jaxnn import reservoirs


PENALTY = 1e-3
SAMPLES = (3000, 2000)  # to fit a read-out, and to ask how well it does
UPDATES = 20


class SetPoints(NamedTuple):
    """What is tuned: volts of each device, and the logarithms of the times of all."""

    low: Any
    high: Any
    read_voltage: Any
    log_width: Any
    log_gap: Any

    @classmethod
    def of(cls, reservoir: Any, devices: int) -> "SetPoints":
        full = lambda volts: jnp.full(devices, volts)
        gap = reservoir.period - reservoir.width
        return cls(
            full(reservoir.low),
            full(reservoir.high),
            full(reservoir.read_voltage),
            jnp.log(reservoir.width),
            jnp.log(gap),
        )

    def within(self) -> "SetPoints":
        """0.1 to 2.5 V, 50 ns to 20 us."""
        volts = [jnp.clip(x, 0.1, 2.5) for x in (self.low, self.high, self.read_voltage)]
        times = [jnp.clip(x, np.log(5e-8), np.log(2e-5)) for x in (self.log_width, self.log_gap)]
        return SetPoints(volts[0], volts[1], volts[2], times[0], times[1])

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


def read_out_error(features: Any, scale: Any, targets: Any) -> Any:
    """Squared error, on the samples behind, of the ridge read-out of those in front."""
    front = SAMPLES[0]
    x = (features - jnp.mean(features[:front], axis=0)) / scale
    matrix = x[:front].T @ x[:front] / front + PENALTY * jnp.eye(x.shape[1], dtype=x.dtype)
    level = targets[:front].mean(axis=0)
    right = x[:front].T @ (targets[:front] - level) / front
    weights = jax.scipy.linalg.solve(matrix, right, assume_a="pos")
    return jnp.mean((x[front:] @ weights + level - targets[front:]) ** 2)


def tune(task: Task, devices: int, seed: int) -> tuple[Any, Any, dict[str, Any]]:
    """The reservoir as it comes, as tuned, and how the error went."""
    reservoir = nickelate(devices, "neuron", seed, steps=32)
    train = task.splits["official"][0][0]
    chosen = np.random.default_rng(seed + 1).choice(train, sum(SAMPLES), replace=False)
    number = jnp.asarray(encode(task.only(chosen), devices, seed))
    targets = jnp.asarray(np.where(task.labels[chosen][:, None] == np.arange(task.n_classes), 1.0, -1.0))
    targets = targets.astype(jnp.float32)
    every = jnp.broadcast_to(jnp.asarray(trains(2))[:, None], (2**SLOTS, devices, SLOTS))

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def error(points: SetPoints) -> Any:
        table = points.put(reservoir).respond(every).features
        features = table[number, jnp.arange(devices)]
        # By the range over all trains: some are the same in all samples in front and not behind, and
        # a few of these, divided by a deviation of next to nothing, would be all of the error.
        scale = jnp.ptp(table, axis=0).ravel()
        return read_out_error(features.reshape(len(features), -1), scale, targets)

    points = SetPoints.of(reservoir, devices)
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
        "samples": SAMPLES,
    }
    fine = lambda r: dc.replace(r, steps=128)
    return fine(reservoir), fine(points.put(reservoir)), record


def what_it_buys(task: Task, devices: int, seed: int) -> dict[str, Any]:
    """Scores of the whole task with the volts as they come and as tuned."""
    *both, record = tune(task, devices, seed)
    pulses = trains(2)[encode(task, devices, seed)]
    for name, reservoir in zip(("before", "after"), both, strict=True):
        features, energy = reservoirs.reservoir_features(reservoir, pulses)
        record[name] = evaluate(task, features, seed, None)
        record[name]["energy"] = float(energy.mean())
    return record
