"""The reservoirs that are compared, and what they answer; answers to trains of pulses are kept on disk."""

from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import jax.random as jr
import numpy as np

import jaxnn
from experiments.shared.pieces import Pieces
from experiments.shared.reservoir_tasks import SLOTS, Task, encode, trains
from jaxnn import reservoirs


READS = 2
TAPS = SLOTS + READS  # features per device
SHEET = 8  # devices on a sheet
NICKELATE = ("nickelate, neurons", "nickelate, capacitors", "nickelate, mixed", "nickelate, coupled")
OTHERS = ("raw data", "row sums", "leaky integrators", "echo state", "WOx memristors", "silver nanowires")
METHODS = NICKELATE + OTHERS
NEURONS, CAPACITORS, MIXED, COUPLED = NICKELATE


class Answers(NamedTuple):
    """What devices say, and what it took; `cases` are samples, or trains of pulses."""

    features: np.ndarray
    """(cases, devices, features each)."""
    energy: np.ndarray
    """(cases, devices) [J]; NaN of what is no device."""

    def of(self, devices: slice) -> "Answers":
        return Answers(self.features[:, devices], self.energy[:, devices])


def nickelate(devices: int, mode: str, seed: int, **numbers: Any) -> Any:
    return reservoirs.NickelateReservoir.prepared(devices, mode, jr.key(seed), reads=READS, **numbers)


def build(method: str, devices: int, seed: int) -> Any:
    """A reservoir of devices that differ as the seed says; a larger one begins with the smaller one."""
    match method:
        case "nickelate, neurons":
            return nickelate(devices, "neuron", seed)
        case "nickelate, capacitors":
            return nickelate(devices, "capacitor", seed)
        case "nickelate, coupled":
            sheet = jaxnn.CapacitiveSheet.grid(2, SHEET // 2)
            return nickelate(devices, "capacitor", seed, sheet=sheet)
        case "echo state":  # but for this one: its weights are drawn for all nodes
            return reservoirs.EchoState.drawn(devices, seed, reads=READS)
        case "WOx memristors":
            normal = np.random.default_rng(seed).normal(size=(devices, 2)).astype(np.float32)
            growth, decay = np.exp(0.1 * normal).T
            return reservoirs.TungstenOxideReservoir(
                growth_rate=jnp.asarray(growth), decay_time=jnp.asarray(0.05 * decay), reads=READS
            )
        case "silver nanowires":
            return reservoirs.NanowireReservoir.drawn(devices, jr.key(seed), reads=READS)
    raise ValueError(f"method must be one of {METHODS}, got {method!r}.")


def memory(neurons: Answers, levels: int) -> np.ndarray:
    """Time constant of each device [slots]: how the trace of a first pulse fades from slot to slot."""
    first = (levels - 1) * levels ** (SLOTS - 1)
    trace = np.abs(neurons.features[first] - neurons.features[0])[:, 1:]
    return np.clip(1 / np.log(np.maximum(trace[:, 0] / trace[:, 1], 1.01)), 0.3, 30.0)


class Presentation:
    """A task shown to the reservoirs of one seed, all of which see the same lines of its pictures.

    `lines` is the seed of these, by default that of the devices; `folder` is where answers are kept.
    """

    def __init__(self, task: Task, seed: int, folder: Path, lines: int | None = None):
        self.task, self.seed, self.pieces = task, seed, Pieces(folder)
        self.lines = seed if lines is None else lines
        self._shown = np.zeros((len(task.labels), 0), int)
        self._coupled: Answers | None = None

    def shown(self, channels: int) -> np.ndarray:
        """Which train each channel gets, (samples, channels)."""
        if self._shown.shape[1] < channels:
            self._shown = encode(self.task, channels, self.lines)
        return self._shown[:, :channels]

    def respond(self, method: str, devices: int, largest: int) -> tuple[np.ndarray, float | None]:
        """Features (samples, all) of `devices` of the `largest` number asked for, and energy [J]."""
        levels = self.task.levels
        if method == "raw data":
            return self.task.pictures.reshape(len(self.task.pictures), -1), None
        if method == "row sums":  # a sum is one feature where a device gives several
            return trains(levels).sum(axis=1)[self.shown(TAPS * largest)[:, : TAPS * devices]], None
        shown = self.shown(largest)[:, :devices]
        if method == "echo state":
            pulses = trains(levels)[shown]
            return reservoirs.reservoir_features(build(method, devices, self.seed), pulses)[0], None
        if method == COUPLED:
            if self._coupled is None or self._coupled.energy.shape[1] < devices:
                pulses = trains(levels)[self.shown(largest)]
                self._coupled = Answers(
                    *reservoirs.respond_in_batches(build(method, largest, self.seed), pulses)
                )
            found = self._coupled.of(slice(devices))
        elif method == MIXED:
            neurons = self.answers(NEURONS, largest).of(slice(devices // 2))
            capacitors = self.answers(CAPACITORS, largest).of(slice(devices // 2, devices))
            both = [np.concatenate(x, axis=1) for x in zip(neurons, capacitors, strict=True)]
            found = looked_up(Answers(*both), shown)
        else:
            found = looked_up(self.answers(method, largest).of(slice(devices)), shown)
        energy = float(found.energy.sum(axis=1, dtype=float).mean())
        return found.features.reshape(len(shown), -1), None if np.isnan(energy) else energy

    def answers(self, method: str, devices: int) -> Answers:
        """To every train there is: simulated once, for all tasks."""
        levels = self.task.levels

        def simulate() -> dict[str, Any]:
            if method == "leaky integrators":
                times = memory(self.answers(NEURONS, devices), levels)
                reservoir: Any = reservoirs.LeakyIntegrator(jnp.asarray(times, jnp.float32), reads=READS)
            else:
                reservoir = build(method, devices, self.seed)
            every = np.broadcast_to(trains(levels)[:, None], (levels**SLOTS, devices, SLOTS))
            return Answers(*reservoirs.respond_in_batches(reservoir, every))._asdict()

        name = f"{method}-{self.seed}-{levels}".replace(" ", "-")
        enough = lambda kept: kept["energy"].shape[1] >= devices
        return Answers(**self.pieces.keep(name, simulate, fits=enough)).of(slice(devices))


def looked_up(table: Answers, shown: np.ndarray) -> Answers:
    """The answers to the trains that were shown."""
    return Answers(*(x[shown, np.arange(shown.shape[1])] for x in table))
