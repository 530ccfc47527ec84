"""Adaptation: a network shares its load without any algorithm; slow drives calm it, fast ones excite it.

With the junctions and drives of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in
neuromorphic nanowire networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

1. Load sharing: generated networks from rest at constant V* = V / (n V_set). How unequally |v| is shared by
   the junctions (their Gini coefficient), by those of the path that conducts best at the end, and
   what the most loaded junction bears, against time.
2. Perturbations: triangular drives of V* = 13.9 (1.25 V on the published network). Ten seconds after rest,
   at a peak of the drive, each state is changed by about 1e-8 V s; how far the network is then from
   where it would have been without, against time and frequency. A slow drive dissolves all filaments at
   every change of its sign, and with them the difference.

Everything is over 20 networks. Frequencies that are done are kept in --out: call again to go on.
--minutes says how long to compute them this time.

    python experiments/hochstetter2021/adaptation.py --out results/adaptation
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import contextlib
import dataclasses
import functools as ft
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared import figures
from experiments.shared.figures import plt
from experiments.shared.hochstetter2021 import V_SET
from experiments.shared.pieces import Pieces, TimeUp
from jaxnn import analysis


DC_DT, AC_DT = 1e-3, 5e-4  # [s]
DRIVE = 1.25 / 0.09  # V* of the triangular drive
PERTURBATION = 1e-8  # [V s]
FLOOR = 1e-9  # relative to its start, a difference so small is rounding: it counts as vanished
SHOWN = (0.1, 0.3, 0.5, 1.0)  # [Hz] whose differences are drawn against time


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is computed."""

    networks: int = 20
    wires: int = 100
    voltages: tuple[float, ...] = (0.9, 1.1, 1.5, 3.0)
    seconds: float = 20.0
    frequencies: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
    followed: float = 10.0
    """Before the perturbation and after it [s]: whole periods of all frequencies."""


QUICK = Size(4, 16, (0.9, 2.0), 2.0, (0.5, 2.0), 2.0)


def deposited(size):
    """The networks, their farthest pairs, and the path lengths between these."""
    box = 3e-6 * size.wires**0.5
    networks = [jaxnn.nanowire_network(size.wires, box=box, seed=seed) for seed in range(size.networks)]
    pairs = [jaxnn.farthest_pair(network) for network in networks]
    lengths = [network.path_length(*pair) for network, pair in zip(networks, pairs, strict=True)]
    return networks, pairs, np.array(lengths)


def share_load(size, networks, pairs, lengths):
    """Per network and V* how |v| is shared, (networks, voltages, times) each; and the times [s]."""
    ensemble, junction = jaxnn.Ensemble(networks), jaxnn.parameters.hochstetter2021_dc()
    steps = round(size.seconds / DC_DT)

    def one(reduced):
        return jaxnn.simulate(
            ensemble,
            junction,
            jaxnn.Constant(reduced * jnp.asarray(lengths * V_SET)[:, None]),
            terminals=pairs,
            solver=jaxnn.AutoSolver(mapped=True),
            dt=DC_DT,
            steps=steps,
            every=max(1, steps // 1000),
            record=("junction_voltage", "junction_conductance"),
        )

    run = jax.jit(jax.vmap(one))(jnp.asarray(size.voltages))
    assert np.all(np.asarray(run.failed_step) < 0), "a step was not finite"
    load = ensemble.split_junctions(np.abs(np.asarray(run.junction_voltage)) / V_SET)
    final = ensemble.split_junctions(np.asarray(run.junction_conductance[:, -1]))
    found = {"all": [], "path": [], "largest": [], "curve": []}
    for network, pair, values, conductance in zip(networks, pairs, load, final, strict=True):
        paths = [analysis.least_resistance_path(network, g, pair) for g in conductance]
        on_path = [values[i][:, path] for i, path in enumerate(paths)]
        found["all"].append(analysis.gini_coefficient(values, network=network))
        found["path"].append([analysis.gini_coefficient(v) for v in on_path])
        found["largest"].append(values.max(axis=-1))
        found["curve"].append([[lorenz_curve(v[k]) for k in (0, -1)] for v in values])
    return {name: np.array(rows) for name, rows in found.items()} | {"time": np.asarray(run.time[0])}


def lorenz_curve(values, points=101):
    """The share of the total that the least loaded junctions bear, against their share of the number."""
    share = np.r_[0, np.cumsum(np.sort(values))] / values.sum()
    return np.interp(np.linspace(0, 1, points), np.linspace(0, 1, len(share)), share)


def differences(size, networks, pairs, lengths):
    """frequency -> times [s], and how far each network is from where it would have been, over the start."""
    ensemble, junction = jaxnn.Ensemble(networks), jaxnn.parameters.hochstetter2021_ac()
    amplitude = jnp.asarray(DRIVE * V_SET * lengths)[:, None]
    steps = round(size.followed / AC_DT)

    @jax.jit
    def run(frequency, states, start_step):
        def one(state):
            return jaxnn.simulate(
                ensemble,
                junction,
                jaxnn.Triangle(amplitude, frequency, phase=jnp.pi / 2),  # from a peak to a peak
                terminals=pairs,
                dt=AC_DT,
                steps=steps,
                every=max(1, steps // 200),
                start_step=start_step,
                state=state,
                record=("state",),
            )

        return jax.vmap(one)(states)

    def differ(frequency):
        settled = run(frequency, jnp.zeros((2, ensemble.network.n_junctions)), 0).final_state[0]
        change = PERTURBATION * jax.random.normal(jax.random.key(0), settled.shape)
        solution = run(frequency, jnp.stack([settled, settled + change]), steps)
        assert np.all(np.asarray(solution.failed_step) < 0), "a step was not finite"
        size_of = lambda x: np.array(
            [np.linalg.norm(part, axis=-1) for part in ensemble.split_junctions(x)]
        )
        states = np.asarray(solution.state)
        ratio = size_of(states[1] - states[0]) / size_of(np.asarray(change))[:, None]
        return {"time": np.asarray(solution.time[0]) - size.followed, "ratio": ratio}

    return differ


def follow_perturbations(size, made, pieces):
    """What `differences` gives, frequency by frequency as far as there is time: at least for one."""
    differ, found = differences(size, *made), {}
    for frequency in size.frequencies:
        name, make = f"differences_{frequency:g}_Hz", ft.partial(differ, frequency)
        with contextlib.suppress(TimeUp):
            found[frequency] = pieces.keep(name, make, late=not found)
    return found


def mean_error(values):
    """Mean over the networks, the first axis, and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / len(values) ** 0.5


def as_text(values):
    """Mean and standard error as a report has them."""
    mean, error = mean_error(np.asarray(values))
    return {"mean": float(mean), "error": float(error)}


def load_report(size, found):
    """Shares of the load at the first step and at the end, V* by V*."""
    rows = []
    for i, reduced in enumerate(size.voltages):
        row: dict[str, Any] = {"V*": reduced}
        for name in ("all", "path", "largest"):
            first, last = found[name][:, i, 0], found[name][:, i, -1]
            row[name] = {"first": as_text(first), "last": as_text(last), "change": as_text(last - first)}
            row[name]["networks where it fell"] = int(np.sum(last < first))
        rows.append(row)
    return rows


def growth_report(found, seconds):
    """Differences at the end, relative to their start, frequency by frequency."""
    rows = []
    for frequency, ratio in found.items():
        last = ratio[:, -1]
        share = np.mean(last > 1)
        rows.append(
            {
                "Hz": frequency,
                "mean rate per s": as_text(np.log(np.maximum(last, FLOOR)) / seconds),
                "expanded": float(share),
                "error of it": float((share * (1 - share) / (len(last) - 1)) ** 0.5),
                "vanished": float(np.mean(last < FLOOR)),
                "quartiles of the ratio": np.percentile(last, (25, 50, 75)).tolist(),
                "largest ratio": float(ratio.max()),
            }
        )
    return rows


def band(ax, x, values, colour, label):
    """A mean with its standard error around it."""
    mean, error = mean_error(values)
    ax.plot(x, mean, color=colour, label=label)
    ax.fill_between(x, mean - error, mean + error, color=colour, alpha=0.25, lw=0)


def plot_load(size, found, path):
    """Gini coefficients, the heaviest load, and Lorenz curves."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 8.5), layout="constrained")
    time_ = found["time"]
    colours = plt.colormaps["viridis"](np.linspace(0, 0.9, len(size.voltages)))
    wanted = ("all", "path", "largest")
    for i, (reduced, colour) in enumerate(zip(size.voltages, colours, strict=True)):
        for ax, name in zip(axes.flat, wanted, strict=False):
            band(ax, time_, found[name][:, i], colour, f"$V^*$ = {reduced:g}")
        x = np.linspace(0, 1, found["curve"].shape[-1])
        first, last = found["curve"][:, i].mean(axis=0)
        axes[1, 1].plot(x, last, color=colour, label=f"at the end, $V^*$ = {reduced:g}")
        if i == 0:
            axes[1, 1].plot(x, first, "k--", lw=1, label="at the start, all $V^*$")
    axes[1, 1].plot([0, 1], [0, 1], color="0.7", lw=0.8, label="equal shares")
    axes[1, 0].axhline(1, color="0.7", lw=0.8, ls="--", zorder=0)
    titles = (
        "how unequally all junctions share |v|",
        "how unequally the best path's junctions share it",
        "the most loaded junction",
        "shares of |v| at the start and at the end",
    )
    names = (
        "Gini coefficient",
        "Gini coefficient",
        r"largest |v| / $V_\mathrm{set}$",
        "share of the sum of |v|",
    )
    for ax, title, name in zip(axes.flat, titles, names, strict=True):
        ax.set_title(title, fontsize=10)
        ax.set(xlabel="time [s]", ylabel=name)
        ax.legend(fontsize=8)
    for ax in axes.flat[:3]:
        ax.set(xscale="log", xlim=(time_[-1] / 200, time_[-1]))
    for ax in axes[0]:
        ax.set_ylim(0, None)
    axes[1, 0].set(yscale="log", yticks=[1, 2, 5, 10], yticklabels=["1", "2", "5", "10"])
    axes[1, 1].set(xlabel="share of the junctions, least loaded first")
    figure.suptitle(
        f"{len(found['all'])} networks of {size.wires} wires: means and standard errors", fontsize=11
    )
    figures.save(figure, path, dpi=90)


def plot_growth(times, found, rows, path):
    """Differences at the end against frequency, the share that grew, and differences against time."""
    figure, axes = plt.subplots(1, 3, figsize=(16, 4.6), layout="constrained")
    frequencies = np.array([row["Hz"] for row in rows])
    for frequency, ratio in found.items():
        axes[0].loglog(
            np.full(len(ratio), frequency), np.maximum(ratio[:, -1], FLOOR), "o", color="0.7", ms=4
        )
    low, middle, high = np.maximum([row["quartiles of the ratio"] for row in rows], FLOOR).T
    bars = [middle - low, high - middle]
    axes[0].errorbar(
        frequencies, middle, bars, fmt="o-", color="#D55E00", capsize=3, label="median, quartiles"
    )
    axes[0].plot([], [], "o", color="0.7", ms=4, label="networks; lowest: vanished")
    share, error, gone = ([row[k] for row in rows] for k in ("expanded", "error of it", "vanished"))
    axes[1].errorbar(frequencies, share, error, fmt="o-", color="#D55E00", capsize=3, label="grew")
    axes[1].plot(frequencies, gone, "s--", color="#0072B2", label="vanished")
    axes[1].set(xscale="log", ylabel="share of the networks", ylim=(-0.05, 1.05))
    shown = [f for f in found if f in SHOWN] or list(found)
    colours = plt.colormaps["viridis"](np.linspace(0, 0.9, len(shown)))
    for frequency, colour in zip(shown, colours, strict=True):
        low, middle, high = np.percentile(np.maximum(found[frequency], FLOOR), (25, 50, 75), axis=0)
        axes[2].semilogy(times, middle, color=colour, label=f"{frequency:g} Hz")
        axes[2].fill_between(times, low, high, color=colour, alpha=0.2, lw=0)
    for ax in (axes[0], axes[2]):
        ax.axhline(1, color="k", lw=0.8)
        ax.set(ylabel="difference, relative to its start")
        if min(ratio.min() for ratio in found.values()) < FLOOR:
            ax.set_ylim(FLOOR / 3, None)
    for ax in axes[:2]:
        ax.set(xlabel="frequency [Hz]", xticks=frequencies, xticklabels=[f"{f:g}" for f in frequencies])
        ax.minorticks_off()
    axes[2].set(xlabel="time after the perturbation [s]")
    for ax, title in zip(
        axes, (f"after {times[-1]:g} s", f"after {times[-1]:g} s", "on the way"), strict=True
    ):
        ax.set_title(title, fontsize=10)
        ax.legend(fontsize=8)
    figures.save(figure, path, dpi=80)


def main() -> None:
    """Computes both, draws, prints and writes."""
    parser = script.parser(
        __doc__, "results/adaptation", quick="a few small networks, short runs", minutes=60
    )
    arguments = script.start(parser, float64=True, keep_compiled=True)
    # The published steps are long for strong drives: a state moves far in one.
    warnings.simplefilter("ignore", jaxnn.NumericalWarning)
    size = QUICK if arguments.quick else Size()
    made = deposited(size)
    pieces = Pieces(arguments.out, arguments.minutes, aloud=True)
    found = pieces.keep("load", ft.partial(share_load, size, *made), late=True)
    plot_load(size, found, arguments.out / "load_sharing.png")
    loads = load_report(size, found)
    for row in loads:
        parts = (
            f"{name} {row[name]['first']['mean']:.3f} -> {row[name]['last']['mean']:.3f} "
            f"(change {row[name]['change']['mean']:+.3f} +- {row[name]['change']['error']:.3f})"
            for name in ("all", "path", "largest")
        )
        print(f"V* {row['V*']:g}: " + ", ".join(parts), flush=True)
    followed = follow_perturbations(size, made, pieces)
    times = next(iter(followed.values()))["time"]
    differing = {frequency: one["ratio"] for frequency, one in followed.items()}
    growth = growth_report(differing, size.followed)
    plot_growth(times, differing, growth, arguments.out / "perturbations.png")
    for row in growth:
        print(row)
    steps = {
        "load": size.networks * len(size.voltages) * round(size.seconds / DC_DT),
        "growth": 4 * size.networks * len(differing) * round(size.followed / AC_DT),
    }
    report = {
        "networks": size.networks,
        "wires": size.wires,
        "path lengths": [int(made[2].min()), int(made[2].max())],
        "load": loads,
        "growth": growth,
        "network_steps": steps,
        "seconds": pieces.seconds,
    }
    print(f"{sum(steps.values()):,} network-steps in {report['seconds']:.0f} s of all calls")
    script.finish(arguments.out / "adaptation.json", report)


if __name__ == "__main__":
    main()
