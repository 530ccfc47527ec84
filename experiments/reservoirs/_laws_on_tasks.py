"""Networks under each law: their candidates, their answers, and what validation chooses."""

import functools as ft
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.reservoirs._scales import Scale
from jaxnn import reservoirs, tasks


NOISE = 1e-3  # of reading, in deviations of each feature
DEGREES = (40, 12, 6)  # delays of the products of the first, second and third degree
WIRES, BOX, ELECTRODES = 100, 30e-6, 4  # as many wires and about as many junctions as Hochstetter et al.


class Candidates(NamedTuple):
    """Fractions of a law's own voltage and time, and offsets in units of the gain; all combinations."""

    gain: np.ndarray
    time: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, gains: Any, times: Any, offsets: Any) -> "Candidates":
        """All combinations, each a flat array."""
        return cls(*(x.reshape(-1) for x in np.meshgrid(gains, times, offsets, indexing="ij")))


def placed(seed: int) -> tuple[jaxnn.Network, tuple[int, ...], np.ndarray, float]:
    """A network, its electrodes and drain, their weights, and the mean path between them [junctions]."""
    network = jaxnn.nanowire_network(WIRES, box=BOX, seed=seed)
    *driven, drain = jaxnn.random_terminals(network, ELECTRODES + 1, seed=seed)
    weights = np.random.default_rng(seed).uniform(-1, 1, ELECTRODES)
    path = float(np.mean([network.path_length(wire, drain) for wire in driven]))
    return network, (*driven, drain), weights, path


def bench(law: jaxnn.AbstractJunction, steps: int) -> tuple[reservoirs.NetworkReservoir, float]:
    """The network of the first seed as a reservoir, and the mean path in it [junctions]."""
    network, (*driven, drain), weights, path = placed(0)
    numbers = {"electrodes": tuple(driven), "drains": (drain,), "dt": 1.0, "steps": steps}
    return reservoirs.NetworkReservoir(network, law, weights[:, None], **numbers), path


def answers(
    scale: Scale, candidates: Candidates, series: np.ndarray, seeds: tuple[int, ...], together: int = 6
) -> tuple[list[np.ndarray], np.ndarray]:
    """Features of each seed, (candidates, series, time, wires), and which can be trusted.

    What `NetworkReservoir` does, of an ensemble: one compiled call of all seeds, `together` candidates at a
    time, each with all `series`, (series, time, seeds).
    """
    networks, terminals, weights, path = zip(*map(placed, seeds), strict=True)
    ensemble = jaxnn.Ensemble(networks)
    per_volt = jnp.asarray(np.array(weights) * np.array(path)[:, None])  # (seeds, electrodes)
    run = ft.partial(
        jaxnn.simulate,
        ensemble,
        scale.law,
        terminals=terminals,
        steps=scale.steps * series.shape[1],
        every=scale.steps,
        record="node_potential",
    )

    def one(numbers: tuple[Any, Any, Any]) -> Any:
        volt, dt, offset = numbers

        def of(inputs: jax.Array, key: jax.Array) -> Any:
            held = volt * per_volt * (inputs[..., None] + offset)
            held = jnp.pad(held, ((0, 0), (0, 0), (0, 1)))  # the drain
            found = run(jnp.repeat(held, scale.steps, axis=0), dt=dt, key=key)
            return found.node_potential, found.largest_change, found.failed_step

        return jax.vmap(of)(jnp.asarray(series), jax.random.split(jax.random.key(0), len(series)))

    numbers = (
        candidates.gain * scale.volts,
        candidates.time * scale.seconds / scale.steps,
        candidates.offset,
    )
    every = jax.jit(lambda *x: jax.lax.map(one, x, batch_size=together))
    potential, change, failed = map(np.asarray, every(*map(jnp.asarray, numbers)))
    # Of all series of a candidate.
    sound = failed.max(axis=1) < 0
    if scale.explicit:
        sound &= change.max(axis=1) <= 0.1
    read = [np.setdiff1d(np.arange(n.n_nodes), held) for n, held in zip(networks, terminals, strict=True)]
    first = ensemble.node_offsets[:-1]
    return [potential[..., begin + own] for begin, own in zip(first, read, strict=True)], sound.T


def judged(
    features: np.ndarray, sound: np.ndarray, task: tasks.Task, seed: int
) -> tuple[int, tasks.Judgement]:
    """The candidate that validation chooses for a task, and how it is judged on the test."""
    found = {i: tasks.judge(task, features[i], noise=NOISE, seed=seed) for i in np.flatnonzero(sound)}
    sign = -1 if task.metric == "nrmse" else 1
    best = max(found, key=lambda i: sign * found[i].validation)
    return int(best), found[best]


def capacities(
    features: np.ndarray, sound: np.ndarray, inputs: np.ndarray, seed: int
) -> tuple[int, tasks.ProcessingCapacity]:
    """The candidate with the largest capacity in the first half of the samples, and its in the second."""
    random = np.random.default_rng(1 + seed)
    half = len(inputs) // 2

    def of(i: int, part: slice) -> tasks.ProcessingCapacity:
        x = features[i, part]
        read = x + NOISE * x.std(axis=0) * random.normal(size=x.shape)
        return tasks.processing_capacity(inputs[part], read, delays=DEGREES, washout=100)

    first = {int(i): of(int(i), slice(0, half)).total for i in np.flatnonzero(sound)}
    best = max(first, key=lambda i: first[i])
    return int(best), of(best, slice(half, None))
