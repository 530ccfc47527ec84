"""Where networks store and pass on most, after Zhu et al., Sci. Rep. 11, 13047 (2021).

doi 10.1038/s41598-021-92170-7 says that transfer entropy and active information storage are largest where
a network passes from quiescent to active. Its series, drives and sizes could not be read; these are ours.

A network of some 60 wires is driven by V (1 + 0.5 x), x uniform from -1 to 1 and new every 10 ms; V is V*
times what the shortest path needs to switch. After 8 s, the conductances of all junctions are taken for
another 8 s, once per value of x, as logarithms. Storage is that of a junction's own series; transfer is
from the drive, A = I(g_t; g_(t-1)) and T = I(g_t; x_t | g_(t-1)) with x_t the value that held since
g_(t-1). Both are by nearest neighbours (Kraskov), less the same of a surrogate, in the mean over all
junctions: one that does not move has none. A second part follows the same along the activation at one V*.

    python experiments/networks/information_dynamics.py
    python experiments/networks/information_dynamics.py --quick
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

from pathlib import Path
from typing import Any

import numpy as np

import jaxnn
from experiments.shared import figures
from experiments.shared.figures import plt
from experiments.shared.pieces import Pieces
from jaxnn.analysis import active_information_storage, transfer_entropy


STEP, HOLD = 1e-3, 10  # [s], steps for which a value of the drive holds
AMPLITUDES = (0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 8.0)
SPREAD = 0.5
ALONG, WINDOW = 1.5, 100  # V* of the second part, values of its windows


class Driven:
    """A network with terminals far apart, and the voltage that its shortest path needs."""

    def __init__(self, wires: int, seed: int):
        self.network = jaxnn.nanowire_network(wires, box=(wires / 0.1e12) ** 0.5, seed=seed)
        self.terminals = jaxnn.farthest_pair(self.network, by="hops")
        self.law = jaxnn.parameters.hochstetter2021_dc()
        self.needed = 0.01 * self.network.path_length(*self.terminals)  # [V]

    def run(self, amplitude: float, values: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The drive's values, logarithms of conductances after each, and the network's conductance [G0]."""
        noise = np.random.default_rng(seed).uniform(-1, 1, values)
        drive = amplitude * self.needed * (1 + SPREAD * np.repeat(noise, HOLD))
        run = jaxnn.simulate(
            self.network, self.law, drive, terminals=self.terminals, dt=STEP, steps=len(drive), every=HOLD,
            record="junction_conductance",
        )  # fmt: skip
        scale = self.network.path_length(*self.terminals) / jaxnn.G0
        return noise, np.log(np.asarray(run.junction_conductance)), np.asarray(run.conductance) * scale


def information(noise: np.ndarray, series: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Transfer and storage [nat] of each junction, less that of a surrogate."""
    found = np.zeros((2, series.shape[1]))
    for j in np.flatnonzero(np.ptp(series, axis=0) > 1e-9):
        # The drive's value of a time acts before its conductance is read: a delay of 1 of the value before.
        one = transfer_entropy(np.append(noise[1:], 0.0), series[:, j], surrogates=1, seed=seed)
        other = active_information_storage(series[:, j], surrogates=1, seed=seed)
        found[:, j] = [x.value - x.surrogates.mean() for x in (one, other)]
    return found[0], found[1]


def over_amplitudes(wires: int, seed: int, amplitudes: Any, values: int) -> dict[str, Any]:
    """Means over junctions at each amplitude, in the second half of a run."""
    driven, rows = Driven(wires, seed), []
    for amplitude in amplitudes:
        noise, series, whole = driven.run(amplitude, 2 * values, seed)
        transfer, storage = information(noise[values:], series[values:], seed)
        moving = np.ptp(series[values:], axis=0) > 1e-9
        rows.append([transfer.mean(), storage.mean(), moving.mean(), whole[values:].mean()])
    return dict(zip(("transfer", "storage", "moving", "conductance"), np.transpose(rows), strict=True))


def along_activation(wires: int, seed: int, values: int) -> dict[str, Any]:
    """The same in windows of one run from rest."""
    driven = Driven(wires, seed)
    noise, series, whole = driven.run(ALONG, values, seed)
    rows = []
    for k in range(0, values - WINDOW + 1, WINDOW):
        part = slice(k, k + WINDOW)
        transfer, storage = information(noise[part], series[part], seed)
        rows.append([transfer.mean(), storage.mean(), whole[part].mean()])
    return dict(zip(("transfer", "storage", "conductance"), np.transpose(rows), strict=True))


def picture(amplitudes: Any, over: list[dict], along: list[dict], path: Path) -> None:
    """Both measures beside the conductance: over amplitudes and along an activation."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 6), layout="constrained", sharex="col")
    time = (0.5 + np.arange(len(along[0]["transfer"]))) * WINDOW * HOLD * STEP
    for column, (x, several) in enumerate(((amplitudes, over), (time, along))):
        whole = np.array([one["conductance"] for one in several])
        for row, name in enumerate(("storage", "transfer")):
            ax = axes[row, column]
            beside = ax.twinx()
            beside.semilogy(x, whole.mean(axis=0), "0.6", ls=":")
            beside.set_ylabel("conductance G* (dotted)", color="0.4")
            values = np.array([one[name] for one in several])
            ax.plot(x, values.T, color=f"C{row}", lw=0.5, alpha=0.6)
            ax.plot(x, values.mean(axis=0), "o-", ms=3, color=f"C{row}")
            label = {"transfer": "transfer from the drive [nat]", "storage": "storage [nat]"}[name]
            ax.set_ylabel(label)
            ax.set_ylim(bottom=min(0.0, values.min()))
    axes[0, 0].set(xscale="log", title="after 8 s of a noisy drive (thin: each network)")
    axes[1, 0].set_xlabel("V*")
    axes[1, 0].set_xticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"], minor=False)
    axes[1, 0].minorticks_off()
    axes[0, 1].set_title(f"along an activation, V* = {ALONG:g}")
    axes[1, 1].set_xlabel("time [s]")
    figures.save(figure, path)


def main() -> None:
    """Computes what is not on disk yet, draws and reports."""
    parser = script.parser(__doc__, "results/information_dynamics", quick="one network of 25 wires")
    arguments = script.start(parser, float64=True)
    wires, networks, values = (25, 1, 200) if arguments.quick else (60, 3, 800)
    amplitudes = AMPLITUDES[1::3] if arguments.quick else AMPLITUDES
    pieces = Pieces(arguments.out / "pieces", aloud=True)
    over, along = [], []
    for seed in range(networks):
        make = lambda seed=seed: over_amplitudes(wires, seed, amplitudes, values)
        over.append(pieces.keep(f"over-{wires}-{seed}", make))
        make = lambda seed=seed: along_activation(wires, seed, 2 * values)
        along.append(pieces.keep(f"along-{wires}-{seed}", make))
    picture(amplitudes, over, along, arguments.out / "information_dynamics.png")
    report: dict[str, Any] = {"wires": wires, "networks": networks, "amplitudes": amplitudes}
    for name in ("transfer", "storage", "moving", "conductance"):
        table = np.array([one[name] for one in over])
        report[name] = {"mean": table.mean(axis=0), "networks": table}
    for name in ("transfer", "storage"):
        peaks = np.argmax([one[name] for one in over], axis=1)
        report[name]["amplitude of the peak"] = [amplitudes[k] for k in peaks]
    report["along"] = {key: [one[key] for one in along] for key in along[0]}
    report["seconds"] = pieces.seconds
    script.finish(arguments.out / "information_dynamics.json", report)


if __name__ == "__main__":
    main()
