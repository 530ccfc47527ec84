"""Activation: the conductance jumps at V* = 1, and returns at V* = 0.5.

Figs 2, S3, S4 and S5 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic
nanowire networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

V* = V / (n V_set) and G* = n G / G0, with n the junctions on the shortest path between the electrodes. The
network is the published one of 100 wires where --reference (or JAXNN_REFERENCE) names its folder, or else
one of our own. Then the same threshold is looked for on networks that are generated: the smallest V* that
has G* > 0.1 after 60 s, by bisection. The time to activation diverges at V* = 1, so the 60 s are part of
the claim.

    python experiments/hochstetter2021/activation.py --out results/activation --reference FOLDER
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import dataclasses
import time
import warnings
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared import figures, hochstetter2021 as published
from experiments.shared.figures import plt
from experiments.shared.hochstetter2021 import V_SET


DT = 1e-3  # [s]
SLOW_DT = 5e-3  # [s] for states that creep; the effect of halving it is measured


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is computed."""

    seconds: float = 10.0
    long: float = 60.0
    voltages: tuple[float, ...] = tuple(published.ACTIVATION)
    drives: int = 80
    starts: int = 15
    start_drives: int = 51
    lengths: tuple[int, ...] = (5, 20, 35, 50)
    strip_wires: int = 2400
    strip_drives: int = 18
    networks: int = 100
    bisections: int = 5
    bracket: tuple[float, float] = (0.99, 1.02)


QUICK = Size(2.0, 6.0, (0.9, 1.5, 3.0), 8, 3, 5, (3,), 120, 6, 3, 2, (0.9, 1.6))


class Bench:
    """A network with its electrodes, for batches of constant voltages."""

    def __init__(self, network, terminals, junction=None):
        self.network, self.terminals = network, terminals
        self.path = network.path_length(*terminals)
        self.junction = jaxnn.parameters.hochstetter2021_dc() if junction is None else junction
        self.steps = 0

    def run(self, reduced, seconds, states=None, every=None, dt=DT):
        """Runs at each V* in `reduced` from each of the states: times, G* (..., times) and final states."""
        steps = round(seconds / dt)
        states = jnp.zeros((1, self.network.n_junctions)) if states is None else states
        self.steps += steps * len(reduced) * len(states)

        def one(voltage, state):
            return jaxnn.simulate(
                self.network,
                self.junction,
                jaxnn.Constant(voltage),
                terminals=self.terminals,
                dt=dt,
                steps=steps,
                every=every or steps,
                state=state,
            )

        volts = jnp.asarray(reduced) * self.path * V_SET
        batch = jax.jit(jax.vmap(jax.vmap(one, in_axes=(0, None)), in_axes=(None, 0)))
        solution = batch(volts, states)
        assert np.all(np.asarray(solution.failed_step) < 0), "a step was not finite"
        scaled = self.path * np.asarray(solution.conductance) / jaxnn.G0
        return np.asarray(solution.time[0, 0]), scaled, solution.final_state


def relative(ours, expected):
    """Relative deviation, None where nothing is published."""
    return None if expected is None else abs(ours / expected - 1)


def activation_table(bench, size, same):
    """Fig 2a: G* against time at some V*, beside the re-run values if it is the `same` network."""
    time_, scaled, _ = bench.run(size.voltages, size.seconds, every=10)
    _, late, _ = bench.run(size.voltages, size.long)
    rows = []
    for i, reduced in enumerate(size.voltages):
        known = published.ACTIVATION[reduced]
        at = [k for k in published.TIMES if k <= size.seconds]
        ours = [float(np.interp(k, time_, scaled[0, i])) / bench.path for k in at]
        row = {"V*": reduced, "G/G0": ours, "late G*": float(late[0, i, -1])}
        if same:
            row |= {"re-run G/G0": known[: len(at)], "re-run late G*": known[-1]}
            row |= {"relative": [relative(*pair) for pair in zip(ours, known, strict=False)]}
            row |= {"relative late": relative(row["late G*"], known[-1])}
        rows.append(row)
    return time_, scaled[0], rows


def sweep(bench, size):
    """Fig 2c and S3: G* after 10 s from rest and from the state that V* = 20 (the paper: 1.8 V) leaves."""
    reduced = np.r_[np.linspace(0.05, 3, size.drives), list(published.RETURN), list(published.ACTIVATION)]
    reduced = np.r_[reduced, np.arange(0.9, 1.1, 0.01)] if size.drives > 20 else reduced
    (reduced,) = figures.in_order(np.round(reduced, 4))
    _, prepared, states = bench.run([20.0], size.seconds)
    states = jnp.stack([jnp.zeros(bench.network.n_junctions), states[0, 0]])
    _, scaled, _ = bench.run(reduced, size.seconds, states)
    _, late, _ = bench.run(reduced, size.long)
    back = (
        {v: float(np.interp(v, reduced, scaled[1, :, -1])) for v in published.RETURN}
        if size.drives > 20
        else {}
    )
    return reduced, np.stack([*scaled[..., -1], late[0, :, -1]]), float(prepared[0, 0, -1]), back


def initial_states(network, terminals, size):
    """S4: G* after 10 s from states along the run at 1.8 V, log-spaced in their conductance."""
    law = eqx.tree_at(lambda j: j.off_conductance, jaxnn.parameters.hochstetter2021_dc(), jnp.asarray(1e-8))
    bench = Bench(network, terminals, law)
    steps = round(size.seconds / DT)
    run = jaxnn.simulate(
        network,
        law,
        jaxnn.Constant(20 * bench.path * V_SET),
        terminals=terminals,
        dt=DT,
        steps=steps,
        every=5,
        record=("state",),
    )
    trace = np.asarray(run.conductance)
    wanted = np.geomspace(trace[0], trace[-1], size.starts)
    picked = np.minimum(np.searchsorted(np.maximum.accumulate(trace), wanted), len(trace) - 1)
    reduced = np.linspace(0.5, 3, size.start_drives)
    _, scaled, _ = bench.run(reduced, size.seconds, run.state[picked])
    return reduced, trace[picked] * bench.path / jaxnn.G0, scaled[..., -1], bench.steps + steps


def strip(size):
    """S5: a long strip of wires, its electrodes at several path lengths: all switch at V* = 1."""
    width = 500e-6 * size.strip_wires / 2400
    network = jaxnn.nanowire_network(size.strip_wires, (width, 40e-6), 7e-6, 1.6e-6, seed=1)
    reduced = np.unique(np.r_[np.linspace(0.5, 3, size.strip_drives), 0.95, 1.0, 1.05])
    curves, steps = {}, 0
    for length in size.lengths:
        bench = Bench(network, jaxnn.pair_at(network, length))
        curves[length] = bench.run(reduced, 3 * size.seconds, dt=SLOW_DT)[1][0, :, -1]
        steps += bench.steps
    return network, reduced, curves, steps


def thresholds(size):
    """The smallest V* with G* > 0.1 after 60 s, by bisection on all generated networks at once."""
    networks = [jaxnn.nanowire_network(100, box=30e-6, seed=seed) for seed in range(size.networks)]
    pairs = [jaxnn.farthest_pair(network) for network in networks]
    lengths = np.array([network.path_length(*pair) for network, pair in zip(networks, pairs, strict=True)])
    ensemble, junction = jaxnn.Ensemble(networks), jaxnn.parameters.hochstetter2021_dc()

    @eqx.filter_jit
    def activates(reduced, dt, steps):
        volts = (reduced * lengths * V_SET)[:, None]
        run = jaxnn.simulate(
            ensemble, junction, jaxnn.Constant(volts), terminals=pairs, dt=dt, steps=steps, every=steps
        )
        return run.conductance[-1] * lengths / jaxnn.G0 > 0.1

    steps = round(size.long / SLOW_DT)
    low, high = (np.full(len(lengths), end) for end in size.bracket)
    ends = (
        np.asarray(activates(jnp.asarray(low), SLOW_DT, steps)),
        np.asarray(activates(jnp.asarray(high), SLOW_DT, steps)),
    )
    bracketed = ~ends[0] & ends[1]
    for _ in range(size.bisections):
        middle = (low + high) / 2
        above = np.asarray(activates(jnp.asarray(middle), SLOW_DT, steps))
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    # With half the step, just below and just above: is the answer the same?
    halved = 0
    if size.networks >= 100:
        half = [np.asarray(activates(jnp.asarray(v), SLOW_DT / 2, 2 * steps)) for v in (low, high)]
        halved = int(np.sum(bracketed & (half[0] | ~half[1])))
    count = size.networks * steps * (2 + size.bisections + (4 if size.networks >= 100 else 0))
    return lengths, np.where(bracketed, high, np.nan), float((high - low)[0]), halved, count


def plot_time(ax, size, same, time_, scaled, path):
    """Fig 2a."""
    wanted = [
        v for v in (0.7, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0) if v in size.voltages
    ] or size.voltages
    colours = plt.colormaps["viridis"](np.linspace(0, 0.93, len(wanted)))
    for reduced, colour in zip(wanted, colours, strict=True):
        i = size.voltages.index(reduced)
        ax.semilogy(time_, scaled[i] / path, color=colour, lw=1.4, label=f"{reduced:g}")
        known = [(t, g) for t, g in zip(published.TIMES, published.ACTIVATION[reduced], strict=False) if g]
        if same:
            ax.plot(*np.transpose(known), "o", color=colour, mfc="none", ms=5)
    if same:
        ax.plot([], [], "ko", mfc="none", label="re-run")
    least = min(4e-4, 0.9 * scaled.min() / path)
    ax.set(xlabel="time [s]", ylabel="$G_{nw} / G_0$", xlim=(0, time_[-1]), ylim=(least, 1))
    ax.legend(title="$V^*$", fontsize=7, ncols=2)


def plot_sweep(ax, size, same, reduced, final):
    """Fig 2c, with its inset where no point lies: below the curves, or above them if these are low."""
    inset = ax.inset_axes((0.55, 0.12 if final.max() > 3 else 0.54, 0.42, 0.4))
    for draw, log in ((ax, False), (inset, True)):
        names = (f"from rest, {size.seconds:g} s", f"from $V^*$ = 20, {size.seconds:g} s")
        for row, marker, name in zip(final, "o^v", (*names, f"from rest, {size.long:g} s"), strict=True):
            draw.plot(reduced, row, marker, ls="-", lw=0.8, ms=3 if log else 4, label=name)
        if same:
            known = {v: row[-1] for v, row in published.ACTIVATION.items()}
            draw.plot(list(known), list(known.values()), "kx", ms=5, label="re-run, from rest, a long time")
            known = published.RETURN
            draw.plot(list(known), list(known.values()), "k+", ms=6, label="re-run, return, 10 s")
        draw.axhline(1, color="0.7", lw=0.8, zorder=0)
        for threshold in (0.5, 1):
            draw.axvline(threshold, color="0.7", lw=0.8, ls="--", zorder=0)
    inset.set(xlim=(0.7, 1.3), ylim=(1e-3, 10), yscale="log")
    inset.tick_params(labelsize=7)
    ax.set(xlabel="$V^*$", ylabel="$G^*$", xlim=(0, 3.05), ylim=(0, 5))
    ax.legend(fontsize=7, loc="upper left")


def plot_starts(ax, size, reduced, start, final):
    """S4."""
    colours = plt.colormaps["viridis"](np.linspace(0, 0.93, len(start)))
    labels = [f"{g:.4g}" for g in start]
    for i, (row, colour) in enumerate(zip(final, colours, strict=True)):
        # States that conduct alike to four digits share an entry.
        label = labels[i] if labels[i] not in labels[:i] else None
        ax.semilogy(reduced, row, color=colour, lw=1, label=label)
    ax.legend(title="$G^*$ at the start", fontsize=6, ncols=2)
    ax.set(xlabel="$V^*$", ylabel=f"$G^*$ after {size.seconds:g} s")


def plot_strip(ax, size, reduced, curves):
    """S5."""
    for length, row in curves.items():
        ax.plot(reduced, row, "o-", ms=3, lw=1, label=f"n = {length}")
    ax.axvline(1, color="0.7", lw=0.8, ls="--", zorder=0)
    ax.axhline(1, color="0.7", lw=0.8, zorder=0)
    ax.set(xlabel="$V^*$", ylabel=f"$G^*$ after {3 * size.seconds:g} s")
    ax.legend(fontsize=8)


def plot(path, made, size, same):
    """All panels, with re-run points if it is the `same` network."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    plot_time(axes[0, 0], size, same, *made["time"])
    plot_sweep(axes[0, 1], size, same, *made["sweep"])
    plot_starts(axes[1, 0], size, *made["starts"])
    plot_strip(axes[1, 1], size, *made["strip"])
    titles = (
        "Fig 2a: from rest",
        "Fig 2c: hysteresis",
        "S4: initial states",
        "S5: path lengths, strip of wires",
    )
    for ax, title in zip(axes.flat, titles, strict=True):
        ax.set_title(title, fontsize=10)
    figures.save(figure, path, dpi=100)


def largest(rows, name):
    """The largest relative deviation in a column."""
    found = [x for row in rows for x in np.atleast_1d(np.asarray(row[name], dtype=object)) if x is not None]
    return max(found, default=None)


def report_thresholds(size):
    """The thresholds of the generated networks, as numbers for the report."""
    lengths, found, width, halved, steps = thresholds(size)
    known = found[np.isfinite(found)]
    return {
        "networks": len(found),
        "path lengths": [int(lengths.min()), int(lengths.max())],
        "outside the bracket": int(np.sum(np.isnan(found))),
        "quantiles": np.percentile(known, (0, 25, 50, 75, 100)).tolist() if known.size else [],
        "resolution": width,
        "within 0.01 above 1": int(np.sum((known > 1) & (known <= 1.01))),
        "changed by half the step": halved,
        "seconds": size.long,
        "dt": SLOW_DT,
        "network_steps": int(steps),
    }


def largest_deviations(rows, back, prepared, path):
    """How far the worst of our numbers is from what is re-run or deposited of the same network."""
    return {
        "table": largest(rows, "relative"),
        "late": largest(rows, "relative late"),
        "return": max(abs(g / published.RETURN[v] - 1) for v, g in back.items()),
        "prepared": relative(prepared, published.PREPARED * path / jaxnn.G0),
    }


def show(rows, size):
    """The table's last column, beside what is re-run."""
    for row in rows:
        text = f" (re-run {row['re-run late G*']})" if "re-run late G*" in row else ""
        print(f"V* {row['V*']:5g}: G* {row['late G*']:.4g} after {size.long:g} s{text}", flush=True)


def main() -> None:
    """Runs everything, prints the tables and writes picture and numbers."""
    parser = script.parser(
        __doc__, "results/activation", quick="a small network, short runs", reference=True
    )
    arguments = script.start(parser, float64=True, keep_compiled=True)
    # The published step of 1 ms is long for 1.8 V: a state moves by up to 0.15 of its critical value.
    warnings.simplefilter("ignore", jaxnn.NumericalWarning)
    begin = time.perf_counter()
    size = QUICK if arguments.quick else Size()
    network, terminals, origin = published.network_for(arguments.reference, arguments.quick)
    bench = Bench(network, terminals)
    print(f"{origin} network of {network.n_nodes} wires, n = {bench.path}", flush=True)

    same = origin == "published"
    if not same:
        print("re-run numbers are of another network: they are left out", flush=True)
    time_, scaled, rows = activation_table(bench, size, same)
    show(rows, size)
    reduced, final, prepared, back = sweep(bench, size)
    starts = initial_states(network, terminals, size)
    strip_network, strip_reduced, curves, strip_steps = strip(size)
    found = report_thresholds(size)
    made: dict[str, Any] = {
        "time": (time_, scaled, bench.path),
        "sweep": (reduced, final),
        "starts": starts[:3],
        "strip": (strip_reduced, curves),
    }
    plot(arguments.out / "activation.png", made, size, same)
    report = {
        "network": origin,
        "wires": network.n_nodes,
        "path": bench.path,
        "table": rows,
        "prepared_G*": prepared,
        "return": {
            str(v): {"G*": g} | ({"re-run": published.RETURN[v]} if same else {}) for v, g in back.items()
        },
        "sweep": {"V*": reduced.tolist(), "from rest": final[0].tolist(), "return": final[1].tolist()}
        | {"from rest, long": final[2].tolist()},
        "starts": {"G* at start": starts[1].tolist(), "V*": starts[0].tolist(), "G*": starts[2].tolist()},
        "strip": {"wires": strip_network.n_nodes, "V*": strip_reduced.tolist()}
        | {str(n): row.tolist() for n, row in curves.items()},
        "thresholds": found,
        "network_steps": bench.steps + starts[3] + strip_steps + found["network_steps"],
        "seconds": time.perf_counter() - begin,
    }
    if same:
        report["largest relative deviation"] = largest_deviations(rows, back, prepared, bench.path)
        print(report["largest relative deviation"])
    print("thresholds of generated networks:", found)
    print(f"{report['network_steps']:,} network-steps, {report['seconds']:.0f} s in all")
    script.finish(arguments.out / "activation.json", report)


if __name__ == "__main__":
    main()
