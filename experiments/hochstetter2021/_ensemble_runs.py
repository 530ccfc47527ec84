"""Events of many generated networks, in chunks on disk: a run that was cut off goes on where it was."""

import itertools
import time
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared.hochstetter2021 import V_SET
from experiments.shared.pieces import Pieces
from jaxnn import analysis


DT = 1e-3  # [s]
DENSITY = 0.10  # [1/um^2], that of most ensembles


def with_error(value: float, error: float, sign: str = "+-") -> str:
    """A number with its error, without it or "-" where these are not known."""
    if not np.isfinite(value):
        return "-"
    return f"{value:.2f} {sign} {error:.2f}" if np.isfinite(error) else f"{value:.2f}"


class Case(NamedTuple):
    """Networks of one size under one rule, each at every one of the voltages."""

    size: float
    """Side of the box [um]."""
    pads: float
    """Fraction of the height that each pad covers."""
    rule: str
    """"crossing" of 1.1 G_off at G_off = 1e-8 S, or "rate": |dG| / (G dt) > 1e-3 /s at 7.77e-8 S."""
    reduced: tuple[float, ...]
    """V* = V / (n V_set)."""
    networks: int
    """How many in all."""
    chunk: int
    """How many are simulated as one."""
    seconds: float = 30.0
    density: float = DENSITY

    @property
    def name(self) -> str:
        """The folder of its chunks."""
        voltages = "_".join(f"{v:g}" for v in self.reduced)
        density = "" if self.density == DENSITY else f"_d{self.density:g}"
        return f"{self.rule}_{self.size:g}um{density}_V{voltages}_T{self.seconds:g}"


class Trains(NamedTuple):
    """Event trains, one row per network."""

    counts: np.ndarray
    """Events per step, (networks, steps)."""
    final: np.ndarray
    """G* = n G / G0 at the end."""
    seconds: float
    """Time it took, compilation included [s]."""


def connected(case: Case, seed: int):
    """The networks of a chunk from `seed` on, their terminals, path lengths, and the next seed.

    A seed whose pads touch no wire of the largest component is left out, as the paper does.
    """
    networks, terminals, lengths = [], [], []
    box = case.size * 1e-6
    while len(networks) < case.chunk:
        try:
            network = jaxnn.nanowire_network(density=case.density * 1e12, box=box, seed=seed).with_pads(
                case.pads
            )
        except ValueError:
            seed += 1
            continue
        seed += 1
        pair = network.n_nodes - 2, network.n_nodes - 1
        networks.append(network)
        terminals.append(pair)
        lengths.append(network.path_length(*pair))
    return networks, terminals, np.array(lengths), seed


def simulate_chunk(case: Case, seed: int) -> dict[str, np.ndarray]:
    """The events of one chunk as (voltage, network, step, count), and whose they are."""
    # Rates of 1e-3 /s are lost in the rounding of float32; crossings are not, and run twice as fast.
    with jax.enable_x64(case.rule == "rate"):
        return _simulate_chunk(case, seed)


def _simulate_chunk(case: Case, seed: int) -> dict[str, np.ndarray]:
    networks, terminals, lengths, following = connected(case, seed)
    junction = jaxnn.parameters.hochstetter2021_dc()
    rule = analysis.RelativeRate()
    if case.rule == "crossing":
        junction = eqx.tree_at(lambda law: law.off_conductance, junction, jnp.asarray(1e-8))
        rule = analysis.Crossing.of(junction)
    ensemble = jaxnn.Ensemble(networks)
    threshold = jnp.asarray(lengths * V_SET)[:, None]

    def run(reduced):
        return analysis.count_events(
            ensemble,
            junction,
            jaxnn.Constant(reduced * threshold),
            rule=rule,
            terminals=terminals,
            dt=DT,
            steps=round(case.seconds / DT),
        )

    if len(case.reduced) == 1:
        found = jax.tree.map(lambda x: x[None], run(case.reduced[0]))
    else:
        found = jax.vmap(run)(jnp.asarray(case.reduced))
    assert np.all(np.asarray(found.failed_step) < 0), "a step was not finite"
    counts = np.asarray(found.counts)  # (voltages, steps, networks)
    voltage, step, network = np.nonzero(counts)
    final = np.asarray(found.conductance[:, -1]) * lengths / 7.77e-5
    return {
        "events": np.stack([voltage, network, step, counts[voltage, step, network]]).astype(np.int32),
        "final": final,
        "lengths": lengths,
        "wires": np.array([network.n_nodes - 2 for network in networks]),
        "seed": np.array([seed, following]),
    }


def extend(case: Case, pieces: Pieces, chunks: int) -> None:
    """Simulates until there are the networks of so many chunks, or all of the case.

    Chunks that are there may be of another size.
    """
    there = seed = number = 0
    while there < min(chunks * case.chunk, case.networks):
        name = _name(case, number)
        new = not pieces.has(name)
        found = pieces.keep(name, lambda seed=seed: simulate_chunk(case, seed))
        if new:
            took = pieces.took[name]
            each = 1e6 * took / (case.chunk * len(case.reduced) * case.seconds / DT)
            text = f"{case.name} chunk {number}: {took:.0f} s, {each:.0f} us per network-step"
            print(time.strftime("%H:%M:%S"), text, flush=True)
            jax.clear_caches()  # each chunk compiles its own program
        there += len(found["lengths"])
        seed = int(found["seed"][1])
        number += 1


def load(case: Case, pieces: Pieces, reduced: float) -> Trains:
    """All trains of a case at one of its voltages, as far as they are simulated."""
    row, steps = case.reduced.index(reduced), round(case.seconds / DT)
    counts, final, seconds = [np.zeros((0, steps), np.int32)], [np.zeros(0)], 0.0
    for number in itertools.count():
        name = _name(case, number)
        found = pieces.find(name)
        if found is None:
            break
        voltage, network, step, count = found["events"]
        here = voltage == row
        train = np.zeros((len(found["lengths"]), steps), np.int32)
        train[network[here], step[here]] = count[here]
        counts.append(train)
        final.append(found["final"][row])
        seconds += pieces.took[name] / len(case.reduced)
    return Trains(np.concatenate(counts)[: case.networks], np.concatenate(final)[: case.networks], seconds)


def _name(case: Case, number: int) -> str:
    """Of a chunk, in the folder of its case."""
    return f"{case.name}/{number:04d}"
