"""One network under each law: its scales, its candidates, its answers, and what validation chooses."""

import dataclasses as dc
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from jaxnn import parameters, reservoirs, tasks


NOISE = 1e-3  # of reading, in deviations of each feature
DEGREES = (40, 12, 6)  # delays of the products of the first, second and third degree
WIRES, BOX, ELECTRODES = 100, 30e-6, 4  # as many wires and about as many junctions as Hochstetter et al.


class Scale(NamedTuple):
    """A law with its own voltage and time: where it begins to switch, and how long that takes."""

    law: jaxnn.AbstractJunction
    volts: float  # [V] of a junction
    seconds: float  # [s]
    said: str  # where both come from
    explicit: bool = False  # whether its steps are Euler's, and to be trusted up to a tenth of a state
    steps: int = 8  # of time in a sample


def scales() -> dict[str, Scale]:
    """The laws with the numbers of their papers; volts and seconds follow from these alone."""
    tunnel, balance = parameters.hochstetter2021_ac(), parameters.milano2022_connectome()
    decaying, vteam = parameters.kasdorf2025(), parameters.kvatinsky2015()
    general = parameters.yakopcic2013()
    switches, oxide = parameters.nugent2014(), jaxnn.DynamicMemristorJunction()
    ratio = math.log(float(balance.decay_rate / balance.growth_rate))
    film = parameters.strukov2008(jaxnn.BiolekWindow(2))
    ratio_of_film = float(film.off_resistance / film.on_resistance)
    first = float(film.start) + ratio_of_film * (1 - float(film.start))  # resistance, in the smallest
    growth = float(
        decaying.mobility * decaying.on_resistance / decaying.thickness**2 / decaying.off_resistance
    )
    over = float(vteam.on_threshold / vteam.off_threshold) - 1
    threshold = float(general.positive_threshold)
    faster = math.exp(2 * threshold) - math.exp(threshold)
    steep = 1 / float(oxide.growth_rate * oxide.decay_time)
    return {
        "threshold flux, tunnelling": Scale(
            tunnel,
            float(tunnel.set_voltage),
            float(tunnel.critical_flux / tunnel.set_voltage),
            "set voltage; critical flux over it",
            True,
            20,
        ),
        "rate balance": Scale(
            balance,
            ratio / float(balance.growth_sensitivity + balance.decay_sensitivity),
            1 / float(balance.decay_rate),
            "growth as fast as decay; decay at 0 V",
        ),
        "linear drift, Biolek's window": Scale(
            film, 1.0, float(film.thickness**2 / film.mobility) * first, "1 V; the way at first", True, 20
        ),
        "decaying drift": Scale(
            decaying,
            1 / growth / float(decaying.decay_time),
            float(decaying.decay_time),
            "drift as fast as decay; decay",
        ),
        "voltage thresholds": Scale(
            vteam,
            float(vteam.on_threshold),
            float(vteam.thickness / vteam.off_speed) / over,
            "larger threshold; the way at it",
        ),
        "generalised memristor": Scale(
            general,
            threshold,
            1 / float(general.growth_rate) / faster,
            "threshold; the way at twice it",
            True,
            4,
        ),
        "metastable switches": Scale(
            switches, float(switches.on_barrier), float(switches.switching_time), "barrier; switching time"
        ),
        "dynamic memristor (assumed numbers)": Scale(
            oxide,
            math.asinh(steep) / float(oxide.growth_slope),
            float(oxide.decay_time),
            "growth as fast as decay; decay",
        ),
    }


class Candidates(NamedTuple):
    """Fractions of a law's own voltage and time, and offsets in units of the gain; all combinations."""

    gain: np.ndarray
    time: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, gains: Any, times: Any, offsets: Any) -> "Candidates":
        """All combinations, each a flat array."""
        return cls(*(x.reshape(-1) for x in np.meshgrid(gains, times, offsets, indexing="ij")))


def bench(law: jaxnn.AbstractJunction, steps: int) -> tuple[reservoirs.NetworkReservoir, float]:
    """The one network with its electrodes and a drain, and the mean path between them [junctions]."""
    network = jaxnn.nanowire_network(WIRES, box=BOX, seed=0)
    *driven, drain = jaxnn.random_terminals(network, ELECTRODES + 1, seed=0)
    weights = np.random.default_rng(0).uniform(-1, 1, (ELECTRODES, 1))
    path = float(np.mean([network.path_length(wire, drain) for wire in driven]))
    numbers = {"electrodes": tuple(driven), "drains": (drain,), "dt": 1.0, "steps": steps}
    return reservoirs.NetworkReservoir(network, law, weights, **numbers), path


def answers(
    scale: Scale, candidates: Candidates, series: np.ndarray, together: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Features, (candidates, series, time, wires), and whether the numbers of each can be trusted.

    One compiled call: `together` candidates at a time, each with all series.
    """
    reservoir, path = bench(scale.law, scale.steps)
    volts = jnp.asarray(candidates.gain * scale.volts * path)
    seconds = jnp.asarray(candidates.time * scale.seconds / scale.steps)
    weights = jnp.asarray(reservoir.gain)

    def one(numbers: tuple[Any, Any, Any]) -> Any:
        volt, dt, offset = numbers
        own = dc.replace(reservoir, gain=volt * weights, offset=offset * volt * weights[:, 0], dt=dt)
        found = own.run(series, key=jax.random.key(0))
        return found.features, found.diagnosis.largest_change, found.diagnosis.failed_step

    run = jax.jit(lambda *numbers: jax.lax.map(one, numbers, batch_size=together))
    features, change, failed = run(volts, seconds, jnp.asarray(candidates.offset))
    sound = np.asarray(failed).max(axis=1) < 0
    if scale.explicit:
        sound &= np.asarray(change).max(axis=1) <= 0.1
    return np.asarray(features), sound


def judged(features: np.ndarray, sound: np.ndarray, task: tasks.Task) -> tuple[int, tasks.Judgement]:
    """The candidate that validation chooses for a task, and how it is judged on the test."""
    found = {i: tasks.judge(task, features[i], noise=NOISE) for i in np.flatnonzero(sound)}
    sign = -1 if task.metric == "nrmse" else 1
    best = max(found, key=lambda i: sign * found[i].validation)
    return int(best), found[best]


def capacities(
    features: np.ndarray, sound: np.ndarray, inputs: np.ndarray
) -> tuple[int, tasks.ProcessingCapacity]:
    """The candidate with the largest capacity in the first half of the samples, and its in the second."""
    random = np.random.default_rng(1)
    half = len(inputs) // 2

    def of(i: int, part: slice) -> tasks.ProcessingCapacity:
        x = features[i, part]
        read = x + NOISE * x.std(axis=0) * random.normal(size=x.shape)
        return tasks.processing_capacity(inputs[part], read, delays=DEGREES, washout=100)

    first = {int(i): of(int(i), slice(0, half)).total for i in np.flatnonzero(sound)}
    best = max(first, key=lambda i: first[i])
    return int(best), of(best, slice(half, None))
