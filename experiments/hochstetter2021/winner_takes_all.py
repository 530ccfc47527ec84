"""A single path takes all the current, one junction after the other.

Figs 3, S6 and S14 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic
nanowire networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

At V* = 1.11 (0.1 V on the published network, b = 1) which junctions are ever above 0.01 G0, when, and the
voltages along their path against time; snapshots and an animation. Beside it V* = 2 (S6), and an on/off
ratio of 10 (S14). The network is the published one of 100 wires where --reference (or JAXNN_REFERENCE)
names its folder, or else one of our own.

    python experiments/hochstetter2021/winner_takes_all.py --out results/winner_takes_all --reference FOLDER
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import dataclasses
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.animation as animation
import numpy as np

import jaxnn
from experiments.shared import figures, hochstetter2021 as published
from experiments.shared.figures import plt
from experiments.shared.hochstetter2021 import V_SET
from jaxnn import analysis


DT = 1e-3  # [s]
SNAPSHOTS = (2.0, 4.0, 6.0)  # [s]
ACTIVE = 0.01  # [G0]
# V* and off conductance [S] of Figs 3, S6 and S14.
CASES = {"V* = 1.11": (10 / 9, 7.77e-8), "V* = 2": (2.0, 7.77e-8), "on/off ratio 10": (10 / 9, 7.77e-6)}


@dataclasses.dataclass(frozen=True)
class Run:
    """What one case did."""

    time: np.ndarray
    scaled: np.ndarray
    """G* = n G / G0 against time."""
    conductance: np.ndarray
    """Of all junctions [G0]."""
    voltage: np.ndarray
    """|v| / V_set of all junctions."""


def simulate(network, terminals, seconds):
    """All cases in one batch."""
    path = network.path_length(*terminals)
    slow = eqx.tree_at(lambda law: law.boost, jaxnn.parameters.hochstetter2021_dc(), jnp.asarray(1.0))

    def one(reduced, off):
        return jaxnn.simulate(
            network,
            eqx.tree_at(lambda law: law.off_conductance, slow, off),
            jaxnn.Constant(reduced * path * V_SET),
            terminals=terminals,
            dt=DT,
            steps=round(seconds / DT),
            record=("junction_conductance", "junction_voltage"),
        )

    solution = jax.jit(jax.vmap(one))(*map(jnp.asarray, zip(*CASES.values(), strict=True)))
    return path, {
        name: Run(
            np.asarray(solution.time[i]),
            path * np.asarray(solution.conductance[i]) / jaxnn.G0,
            np.asarray(solution.junction_conductance[i]) / jaxnn.G0,
            np.abs(np.asarray(solution.junction_voltage[i])) / V_SET,
        )
        for i, name in enumerate(CASES)
    }


def find_winner(network, terminals, run):
    """The path of least resistance at the end, source to drain, and when junctions become active."""
    winner = analysis.least_resistance_path(network, run.conductance[-1], terminals)
    times = {
        level: analysis.activation_times(run.time, run.conductance, level, network=network)
        for level in (ACTIVE, 0.1, 0.5)
    }
    return winner, times


def numbers(network, terminals, run, same):
    """What is compared with the run again, with its numbers if the network is the `same`."""
    winner, times = find_winner(network, terminals, run)
    active = np.flatnonzero(np.isfinite(times[ACTIVE]))
    finite = lambda x: np.sort(x[np.isfinite(x)]).tolist()
    conductance = {
        str(t): {"G*": float(np.interp(t, run.time, run.scaled))} | ({"re-run": g} if same else {})
        for t, g in published.PATH_CONDUCTANCE.items()
        if t <= run.time[-1]
    }
    return {
        "path": winner.tolist(),
        "active_junctions": active.tolist(),
        "active_is_the_path": set(active.tolist()) == set(winner.tolist()),
        "activation_s": finite(times[ACTIVE]),
        "above_0.1_G0_s": finite(times[0.1]),
        "above_0.5_G0_s": finite(times[0.5]),
        "steepest_rise_s": float(run.time[np.argmax(np.diff(np.log(run.scaled)))]),
        "G*": conductance,
        "final_G*": float(run.scaled[-1]),
    }


def plot_path(ax, run, winner):
    """Fig 3a: conductances along the path, and of the network."""
    colours = plt.colormaps["viridis"](np.linspace(0, 0.93, len(winner)))
    for number, (junction, colour) in enumerate(zip(winner, colours, strict=True), start=1):
        label = f"junction {number} of the path" if number in (1, len(winner)) else None
        ax.semilogy(run.time, run.conductance[:, junction], color=colour, lw=1.2, label=label)
    ax.semilogy(run.time, run.scaled, color="#D55E00", lw=2, label="$G^*$ of the network")
    if len(winner) == len(published.PATH_TIMES):
        ax.plot(published.PATH_TIMES, [ACTIVE] * len(winner), "k|", ms=9, label="re-run: above 0.01 $G_0$")
    ax.set(xlabel="time [s]", ylabel="conductance [$G_0$]", xlim=(0, run.time[-1]))
    ax.legend(fontsize=8, loc="upper left")


def plot_voltages(ax, run, winner):
    """Fig 3b: voltages along the path against time."""
    shown = run.time <= 5.5
    image = ax.imshow(
        run.voltage[shown][:, winner].T,
        aspect="auto",
        origin="lower",
        extent=(0, run.time[shown][-1], 0.5, len(winner) + 0.5),
        vmin=0,
        vmax=2.5,
        cmap="viridis",
        interpolation="nearest",
    )
    ax.figure.colorbar(image, ax=ax, label=r"$|V_{jn}| / V_\mathrm{set}$", pad=0.02)
    ax.set(xlabel="time [s]", ylabel="junction of the path, from the source")


def plot_cases(ax, runs):
    """Fig 3, S6 and S14: the networks' conductances."""
    for (name, run), colour in zip(runs.items(), ("#D55E00", "#0072B2", "#009E73"), strict=True):
        count = int(np.sum(run.conductance.max(axis=0) > ACTIVE))
        label = f"{name}: {count} junctions ever above {ACTIVE:g} $G_0$"
        if name == "on/off ratio 10":
            label = f"{name}: {int(np.sum(run.conductance[-1] > 0.5))} junctions above 0.5 $G_0$ at the end"
        ax.semilogy(run.time, run.scaled, color=colour, label=label)
    ax.set(xlabel="time [s]", ylabel="$G^*$", xlim=(0, runs["V* = 2"].time[-1]))
    ax.set_ylim(min(3e-3, 0.8 * min(run.scaled.min() for run in runs.values())), 60)
    ax.legend(fontsize=8, loc="upper left")


def draw(ax, network, terminals, run, t, label):
    """The network at a time, colours 1e-3 to 2e-2 G0."""
    i = min(np.searchsorted(run.time, t - DT / 2), len(run.time) - 1)
    style = {"limits": (1e-3, 2e-2), "label": label, "terminals": terminals}
    jaxnn.plot_network(network, run.conductance[i], ax=ax, **style)
    ax.set_title(f"t = {run.time[i]:.2f} s, $G^*$ = {run.scaled[i]:.3g}", fontsize=10)


def plot(network, terminals, runs, path):
    """Everything in one picture."""
    run = runs["V* = 1.11"]
    winner, _ = find_winner(network, terminals, run)
    figure, axes = plt.subplots(2, 3, figsize=(16, 9.5), layout="constrained")
    plot_path(axes[0, 0], run, winner)
    plot_voltages(axes[0, 1], run, winner)
    plot_cases(axes[0, 2], runs)
    for ax, t in zip(axes[1], SNAPSHOTS, strict=True):
        draw(ax, network, terminals, run, t, None)
    figure.colorbar(
        axes[1, 2].collections[-1], ax=axes[1], label="junction conductance [$G_0$]", shrink=0.8
    )
    for ax, title in zip(axes[0], ("Fig 3a", "Fig 3b", "Figs 3, S6, S14"), strict=True):
        ax.set_title(title, fontsize=10)
    figures.save(figure, path, dpi=80)


def animate(network, terminals, run, path, frames):
    """The growth of the path as a GIF, a frame every so many seconds."""
    figure, ax = plt.subplots(figsize=(5, 4.8), layout="constrained")
    times = np.linspace(0, run.time[-1], frames + 1)[1:]

    def show(t):
        ax.clear()
        draw(ax, network, terminals, run, t, None)

    film = animation.FuncAnimation(figure, show, frames=times)
    film.save(path, writer=animation.PillowWriter(fps=8), dpi=60)
    plt.close(figure)


def main() -> None:
    """Simulates, draws, prints and writes."""
    parser = script.parser(
        __doc__, "results/winner_takes_all", quick="a small network, few frames", reference=True
    )
    arguments = script.start(parser, float64=True, keep_compiled=True)
    begin = time.perf_counter()
    network, terminals, origin = published.network_for(arguments.reference, arguments.quick)
    n, runs = simulate(network, terminals, 7.0)
    simulated = time.perf_counter() - begin
    found = {name: numbers(network, terminals, run, origin == "published") for name, run in runs.items()}
    plot(network, terminals, runs, arguments.out / "winner_takes_all.png")
    animate(
        network,
        terminals,
        runs["V* = 1.11"],
        arguments.out / "winner_takes_all.gif",
        3 if arguments.quick else 56,
    )
    report = {
        "network": origin,
        "wires": network.n_nodes,
        "path_length": n,
        "cases": found,
        "network_steps": len(CASES) * round(7.0 / DT),
        "seconds_simulation": simulated,
        "seconds": time.perf_counter() - begin,
    }
    main_case = found["V* = 1.11"]
    if origin == "published":
        main_case["re_run_activation_s"] = list(published.PATH_TIMES)
        main_case["largest_difference_s"] = float(
            np.max(np.abs(np.subtract(main_case["activation_s"], published.PATH_TIMES)))
        )
    print(f"{origin} network, n = {n}: {len(main_case['active_junctions'])} active junctions", flush=True)
    if origin != "published":
        print("re-run numbers are of another network: they are left out")
    for key, value in main_case.items():
        if key not in ("path", "active_junctions"):
            print(f"  {key:24}{value}")
    print(f"{report['seconds']:.0f} s in all")
    script.finish(arguments.out / "winner_takes_all.json", report)


if __name__ == "__main__":
    main()
