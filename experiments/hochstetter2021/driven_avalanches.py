"""Avalanches under periodic drives, in order, near the edge of chaos and in chaos.

Fig S15 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire
networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

The paper drives 500 networks of 150 um by triangular waves of 5 V at 0.25, 0.5 and 1 Hz, takes the
Lyapunov exponent from 100 perturbed junctions of each, and compares the avalanches of order, of the edge
and of chaos. Here are smaller and fewer networks, at the V* = V / (n V_set) of theirs: pads of our
generated networks of 150 um are 30 junctions apart, so that 5 V are V* = 16.7. Which of these drives is
order or chaos for networks of our size the exponents must say.

After a transient of 20 s the events of 40 s are counted, crossings of 1.1 G_off, and pairs of trajectories
are followed for 20 s from four random junctions of each network that are no dead ends. The first fifth
of these 20 s is left out: a pair that starts in one junction loses some e^-41 there once. The exponent of a
network is the median of its pairs, the paper's a mean of 100: one pair that stays in its junction would
weigh a quarter.

Chunks of networks are kept in --out: call again to go on. --minutes says how long to simulate this time.

    python experiments/hochstetter2021/driven_avalanches.py --out results/driven_avalanches
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import functools as ft
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np

import jaxnn
from experiments.hochstetter2021 import _avalanche_pictures as pictures
from experiments.hochstetter2021._avalanche_statistics import fit_text, measure_avalanches
from experiments.hochstetter2021._ensemble_runs import Case, connected
from experiments.shared import figures
from experiments.shared.compilation import compile_quickly
from experiments.shared.figures import plt
from experiments.shared.hochstetter2021 import V_SET
from experiments.shared.pieces import Pieces, TimeUp
from jaxnn import analysis


DT = 5e-4  # [s]
REDUCED = 16.7  # V*
FREQUENCIES = (0.25, 0.5, 1.0)  # [Hz]
WINDOW = 20.0  # [s] that are simulated as one: whole periods of all drives
WINDOWS = 2  # of events
PERTURBED = 4  # junctions of each network
DISTANCE = 5e-4  # [V s]
PARTS = 5  # of a window, of which pairs lose the first
COLOURS = "#0072B2", "#000000", "#D55E00"

SMALL = Case(50.0, 0.02, "driven", (REDUCED,), 64, 32, WINDOW)
MEDIUM = Case(100.0, 0.03, "driven", (REDUCED,), 16, 16, WINDOW)
QUICK = Case(22.0, 0.08, "driven", (REDUCED,), 3, 3, 2.0)


def simulate_chunk(case: Case, seed: int) -> dict[str, Any]:
    """Events (windows, frequencies, ms, networks) and exponents (frequencies, networks, pairs) [1/s]."""
    # Pairs need it: float32 rounds off what leaks from the perturbed junction into others.
    with jax.enable_x64(True):
        return _simulate_chunk(case, seed)


def _simulate_chunk(case: Case, seed: int) -> dict[str, Any]:
    networks, terminals, lengths, following = connected(case, seed)
    ensemble, junction = jaxnn.Ensemble(networks), jaxnn.parameters.hochstetter2021_ac()
    amplitude = jnp.asarray(case.reduced[0] * V_SET * lengths)[:, None]
    rng, steps = np.random.default_rng(seed), round(case.seconds / DT)
    live = [conducting(*pair) for pair in zip(networks, terminals, strict=True)]
    perturbed = np.array([rng.permutation(junctions)[:PERTURBED] for junctions in live])

    def arguments(frequency, state, start):
        drive = jaxnn.Triangle(amplitude, frequency)
        setting = {"junction": junction, "drive": drive, "terminals": terminals, "dt": DT, "steps": steps}
        return setting | {"state": state, "start_step": start}

    @jax.jit
    @ft.partial(jax.vmap, in_axes=(0, 0, None))
    def follow(frequency, state, start):
        rule = analysis.Crossing.of(junction)
        run = analysis.count_events(
            ensemble, **arguments(frequency, state, start), rule=rule, margins=(0, 0)
        )
        return run.counts.reshape(-1, 2, len(networks)).sum(1), run.final_state, run.failed_step

    @jax.jit
    @ft.partial(jax.vmap, in_axes=(0, 0, None))
    def separate(frequency, state, start):
        setting = arguments(frequency, state, start) | {"distance": DISTANCE, "every": steps // PARTS}
        return jaxnn.two_trajectory_exponents(ensemble, **setting, junctions=perturbed).growth[1:].mean(0)

    frequencies, counts = jnp.asarray(FREQUENCIES), []
    rest = jnp.zeros((len(frequencies), ensemble.network.n_junctions))
    _, settled, _ = follow(frequencies, rest, 0)
    state = settled
    for window in range(1, 1 + WINDOWS):
        events, state, failed = follow(frequencies, state, window * steps)
        # What was not finite before is not here either.
        assert np.all(np.asarray(failed) < 0), "a step was not finite"
        counts.append(np.asarray(events, np.int32))
    exponents = separate(frequencies, settled, steps)
    return {"counts": np.stack(counts), "exponents": exponents, "seed": np.array([seed, following])}


def conducting(network: jaxnn.Network, terminals: tuple[int, int]) -> np.ndarray:
    """The junctions, none of them passive, that lie on a path from one terminal to the other."""
    graph = nx.Graph([*network.edges.tolist(), terminals])
    parts = (np.array(list(part)) for part in nx.biconnected_components(graph))
    (part,) = (part for part in parts if np.isin(terminals, part).all())
    inside = np.isin(network.edges, part).all(axis=1)
    return np.flatnonzero(inside & ~network.passive)


def simulate(case: Case, pieces: Pieces) -> dict[str, np.ndarray] | None:
    """Events and the networks' exponents of all chunks that are there or that the time allows."""
    found, seed = [], 0
    for number in range(case.networks // case.chunk):
        try:
            name = f"{case.name}_{case.chunk}_{number}"
            found.append(pieces.keep(name, lambda seed=seed: simulate_chunk(case, seed)))
        except TimeUp:
            break
        seed = int(found[-1]["seed"][1])
        print(f"{time.strftime('%H:%M:%S')} {name} of {case.networks // case.chunk}", flush=True)
        jax.clear_caches()  # each chunk compiles its own programs
    if not found:
        return None
    exponents = np.concatenate([chunk["exponents"] for chunk in found], axis=1)
    counts = np.concatenate([chunk["counts"] for chunk in found], axis=-1)
    return {"counts": counts, "exponents": np.median(exponents, axis=-1)}


def report(
    case: Case, found: dict[str, np.ndarray]
) -> tuple[list[dict[str, Any]], list[analysis.Avalanches]]:
    """Per frequency: exponents of the networks, and all that is said of an ensemble's avalanches."""
    rows, avalanches = [], []
    for i, frequency in enumerate(FREQUENCIES):
        exponents = found["exponents"][i]
        # A window is a run of its own: avalanches do not go on from one into the next.
        counts = np.moveaxis(found["counts"][:, i], -1, 1)
        counts = counts.reshape(-1, counts.shape[-1])
        row, made = measure_avalanches(counts)
        mean, deviation = float(exponents.mean()), float(exponents.std(ddof=1))
        exponent = {"mean per s": mean, "error": deviation / len(exponents) ** 0.5, "deviation": deviation}
        exponent |= {"median per s": float(np.median(exponents)), "above 0": float(np.mean(exponents > 0))}
        drive = {"size um": case.size, "frequency Hz": frequency, "networks": len(exponents)}
        rows.append(drive | {"exponent": exponent} | row)
        avalanches.append(made)
        show(rows[-1])
    return rows, avalanches


def show(row: dict[str, Any]) -> None:
    """One drive in a few lines."""
    exponent = row["exponent"]
    print(
        f"\n{row['size um']:g} um, {row['frequency Hz']:g} Hz, {row['networks']} networks: exponent "
        f"{exponent['mean per s']:.2f} +- {exponent['error']:.2f} /s, {exponent['above 0']:.0%} above 0; "
        f"{row['avalanches']} avalanches in bins of {row['bin ms']} ms, largest {row['largest']}"
    )
    for name in ("size", "lifetime"):
        fit, line = row[name].get("scan"), row[name]["line"]
        print(f"  {name:9} {fit_text(fit) if fit else '-'}; line {line['exponent']:.2f}")


def plot(results, path: Path) -> None:
    """Sizes, lifetimes, and the exponents of the networks: a row for each size of network."""
    figure, axes = plt.subplots(len(results), 3, figsize=(15, 4.5 * len(results)), layout="constrained")
    for row, (case, found, rows, avalanches) in zip(np.atleast_2d(axes), results, strict=True):
        for i, (line, made, colour) in enumerate(zip(rows, avalanches, COLOURS, strict=True)):
            label = f"{line['frequency Hz']:g} Hz, {line['exponent']['mean per s']:.2f} /s"
            pictures.distribution(row[0], made.size, label, colour, line["size"].get("scan"))
            pictures.distribution(row[1], made.lifetime, label, colour, line["lifetime"].get("scan"))
            values = np.sort(found["exponents"][i])
            row[2].plot(
                values, (1 + np.arange(len(values))) / len(values), drawstyle="steps-pre", color=colour
            )
        row[0].set(
            xlabel="size S", ylabel="P(S)", title=f"{case.size:g} µm, {rows[0]['networks']} networks"
        )
        row[1].set(xlabel="lifetime T [bins]", ylabel="P(T)")
        row[2].set(xlabel="Lyapunov exponent [1/s]", ylabel="share of networks below")
        row[2].axvline(0, color="0.5", lw=0.8, ls="--")
        row[0].legend(frameon=False, title="drive, mean exponent")
    figures.save(figure, path, dpi=100)


def main() -> None:
    """Simulates what the time allows, analyses all that is there, draws and writes."""
    parser = script.parser(__doc__, "results/driven_avalanches", quick="a few small networks", minutes=60)
    arguments = script.start(parser)
    if arguments.quick:
        compile_quickly(optimise=True)
    begin = time.perf_counter()
    pieces = Pieces(arguments.out / "chunks", arguments.minutes)
    results = []
    for case in (QUICK,) if arguments.quick else (SMALL, MEDIUM):
        if (found := simulate(case, pieces)) is not None:
            results.append((case, found, *report(case, found)))
    if not results:
        parser.error("no chunk is there yet and --minutes leaves no time for one: give it more.")
    plot(results, arguments.out / "driven_avalanches.png")
    print(f"\n{pieces.seconds:.0f} s in all calls, {time.perf_counter() - begin:.0f} s in this one")
    text: dict[str, Any] = {
        "drives": [row for *_, rows, _ in results for row in rows],
        "seconds": pieces.seconds,
    }
    script.finish(arguments.out / "driven_avalanches.json", text)


if __name__ == "__main__":
    main()
