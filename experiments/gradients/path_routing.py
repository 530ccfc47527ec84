"""Path routing: voltages that join two of six terminals and no others, found by gradient.

The task: a network with six terminals, four to six junctions apart, with the AC junctions of
Hochstetter, J. et al. Nat. Commun. 12, 4008 (2021), doi 10.1038/s41467-021-24260-z. Starting from
the blank network, voltages of one second shall make a chosen pair conduct at least 100 times better
than each of the 14 other pairs, read at 1 mV with the other four terminals floating.

Every terminal has a lead, a passive junction: closed it passes the voltage on, open the wire floats.
Two ways to drive:

- pair: leads of the chosen pair are closed, the others float. A constant voltage is the baseline.
- all six: all leads are closed, so that every waveform meddles with every path.

In both, three methods get the same number of simulated steps: Adam from random waveforms, random
search among the same, and a third of it in random search whose best waveform is where Adam starts.
The junctions of this set decay below 10 mV, so the last part
follows a path after the drive: at rest, under the 1 mV of the read, and under a voltage that holds it.

    python experiments/gradients/path_routing.py --out results/path_routing
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import functools as ft
import itertools
import time
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import networkx as nx
import numpy as np
import optax
from matplotlib.colors import LogNorm
from scipy.spatial.distance import cdist

import jaxnn
from experiments.shared import figures
from experiments.shared.compilation import compile_quickly
from experiments.shared.figures import plt


DT = 2e-3  # [s]
DURATION = 1.0  # [s]
LEAD = 0.1  # [S] of a closed lead; an open one has none
READ = 1e-3  # [V]
LIMIT = 0.2  # [V] the largest voltage of a terminal
KNOTS = 5  # a waveform is a polygon of so many voltages
DRAWS = 300  # runs per restart of every method
LEARNING_RATE = 0.02  # of the range -LIMIT..LIMIT
SHARPNESS = 10.0  # of the smooth maximum over the other pairs, per decade
GRADIENT_COST = 3  # runs: forward, once more, and back
METHODS = ("gradient", "random", "random, then gradient")
GOAL = 100.0
PAIRS = list(itertools.combinations(range(6), 2))
CHOSEN = ((0, 1), (2, 3), (4, 5))  # they share no terminal
MODES = ("pair", "all six")
CONSTANT = (1.2, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0)  # voltages of the baseline, in n V_set
SAMPLE = 1e-2  # [s] between two looks at what is left of a path
HOLD = 1.2  # voltage that holds a path, in n V_set
law = jaxnn.parameters.hochstetter2021_ac  # called late, see `compile_quickly`


class Device(NamedTuple):
    """Wires, their six terminals, and the same network with a lead at each terminal."""

    wires: jaxnn.Network
    terminals: tuple[int, ...]
    network: jaxnn.Network


def choose_terminals(wires, apart):
    """Of all six wires with so many junctions between any two, those whose centres are farthest apart."""
    hops = np.asarray(nx.floyd_warshall_numpy(wires.to_graph(), range(wires.n_nodes), weight=None))
    allowed = nx.from_numpy_array((hops >= apart[0]) & (hops <= apart[1]))
    distance = cdist(wires.positions, wires.positions)
    nearest = lambda six: min(distance[a, b] for a, b in itertools.combinations(six, 2))
    sixes = (
        six for clique in nx.find_cliques(allowed) for six in itertools.combinations(sorted(clique), 6)
    )
    return tuple(int(wire) for wire in max(sixes, key=nearest))


def build(n_wires, box, seed, apart=(4, 6)):
    """The network, with node `n_nodes + k` behind the lead of terminal k; leads come last."""
    wires = jaxnn.nanowire_network(n_wires, box=box, seed=seed)
    terminals = choose_terminals(wires, apart)
    leads = [(wire, wires.n_nodes + k) for k, wire in enumerate(terminals)]
    network = jaxnn.Network(
        wires.n_nodes + 6,
        np.concatenate([wires.edges, leads]),
        passive=np.arange(wires.n_junctions + 6) >= wires.n_junctions,
        passive_conductance=np.full(6, LEAD),
    )
    return Device(wires, terminals, network)


def simulate(device, voltages, closed, state=None, dt=DT, every=None, record=()):
    """A run under voltages [V] of the six terminals, `(steps, 6)`, of which only `closed` ones count."""
    return jaxnn.simulate(
        eqx.tree_at(lambda n: n.passive_conductance, device.network, LEAD * closed),
        law(),
        voltages,
        terminals=range(device.wires.n_nodes, device.network.n_nodes),
        dt=dt,
        steps=len(voltages),
        state=state,
        record=record,
        every=every or len(voltages),
    )


def closed_for(pair):
    """Which leads are closed to drive or read a pair: 1 or 0 for each terminal."""
    return np.isin(np.arange(6), pair).astype(float)


def one_hot(pair):
    """1 for a pair and 0 for the 14 others, in the order of `PAIRS`."""
    return np.asarray([float(pair == other) for other in PAIRS])


def pair_conductances(device, state):
    """The conductance [S] of all 15 pairs in the order of `PAIRS`, the other terminals floating."""
    closed = np.stack([closed_for(pair) for pair in PAIRS])
    sources = jnp.asarray([first for first, _ in PAIRS])

    def read(closed, source):
        voltages = READ * jax.nn.one_hot(source, 6, dtype=state.dtype)
        return simulate(device, voltages[None], closed, state).terminal_current[0, source] / READ

    return jax.vmap(read)(closed, sources)


def selectivities(conductances, chosen):
    """log10 of the conductance of the `chosen` pair over the largest of the others, true and smooth.

    `chosen` is 1 for that pair and 0 for the others.
    """
    decades = jnp.log10(conductances)
    others = jnp.where(chosen > 0, -jnp.inf, decades)
    smooth = jax.nn.logsumexp(SHARPNESS * others) / SHARPNESS
    ours = chosen @ decades
    return ours - others.max(), ours - smooth


def score(conductances, chosen):
    """True selectivities [decades] of many results, as NumPy."""
    ours = np.where(chosen > 0, conductances, 0).max(axis=-1)
    others = np.where(chosen > 0, 0, conductances).max(axis=-1)
    return np.log10(ours / others).astype(float)


def waveform(knots, dt=DT):
    """The voltages of all steps `(steps, 6)` of polygons with `knots`, `(KNOTS, 6)`."""
    steps = round(DURATION / dt)
    at = jnp.linspace(0, len(knots) - 1, steps)
    return jax.vmap(lambda column: jnp.interp(at, jnp.arange(len(knots)), column), 1, 1)(knots)


def threshold(device, pair):
    """n V_set [V], with n the junctions of the shortest path between a pair."""
    first, second = (device.terminals[k] for k in pair)
    return device.wires.path_length(first, second) * float(law().set_voltage)


def outcome(device, member, dt=DT):
    """What a member's waveforms make of the blank network: the state and the conductances [S]."""
    state = simulate(device, waveform(member["knots"], dt), member["closed"], dt=dt).final_state
    return state, pair_conductances(device, state)


def loss(device, member):
    """Minus the smooth selectivity [decades] after a drive, and the true one."""
    true, smooth = selectivities(outcome(device, member)[1], member["chosen"])
    return -smooth, true


def random_knots(key, members):
    """Random waveforms, `(members, KNOTS, 6)`."""
    return np.asarray(jr.uniform(key, (members, KNOTS, 6), minval=-LIMIT, maxval=LIMIT))


def make_members(restarts, key):
    """Random waveforms for every mode, chosen pair and restart, in this order on one axis."""
    closed = {"pair": closed_for, "all six": lambda _: np.ones(6)}
    members = list(itertools.product(MODES, CHOSEN, range(restarts)))
    return {
        "knots": random_knots(key, len(members)),
        "closed": np.stack([closed[mode](pair) for mode, pair, _ in members]).astype(np.float32),
        "chosen": np.stack([one_hot(pair) for _, pair, _ in members]).astype(np.float32),
    }


def make_tune(device):
    """`jaxnn.optimise` for all members at once, by Adam; it wants `steps` and `restarts`."""
    fixed = jaxnn.Fixed()
    # What does not change from call to call is compiled once.
    return ft.partial(
        jaxnn.optimise,
        ft.partial(loss, device),
        optimiser=optax.adam(LEARNING_RATE),
        constraints={"knots": jaxnn.Box(-LIMIT, LIMIT), "closed": fixed, "chosen": fixed},
        has_aux=True,
    )


def constant_knots(device, constants):
    """Constant voltages of so many n V_set across the chosen pair, the others between them."""
    knots = []
    for (_, pair), volts in itertools.product(itertools.product(MODES, CHOSEN), constants):
        direction = (np.eye(6)[pair[0]] - np.eye(6)[pair[1]]) / 2
        knots.append(np.tile(volts * threshold(device, pair) * direction, (KNOTS, 1)))
    return np.stack(knots).astype(np.float32)


def random_search(run, members, draws, key):
    """The selectivity [decades] of random waveforms `(draws, members)`, and the best of the first third.

    `run` gives the outcomes of members. The first draws are the starts of the gradient, `key` theirs.
    """
    best, values = members["knots"], []
    for k in [key, *jr.split(jr.fold_in(key, 1), draws - 1)]:
        knots = random_knots(k, len(best))
        values.append(score(run(members | {"knots": knots})[1], members["chosen"]))
        if 3 * len(values) <= draws:
            better = values[-1] >= np.max(values, axis=0)
            best = np.where(better[:, None, None], knots, best)
    return np.stack(values), best


def compare(tune, run, members, draws, key):
    """Per method the best selectivity so far [decades] `(costs, members)`, and the best members.

    Costs are in simulated runs per restart. The best members are those of all methods with a gradient.
    """
    optimise = lambda members, runs: tune(
        members, steps=runs // GRADIENT_COST, restarts=len(members["chosen"])
    )
    random, promising = random_search(run, members, draws, key)
    first = draws // 3
    cold = optimise(members, draws)
    warm = optimise(members | {"knots": promising}, draws - first)
    cost = lambda values: GRADIENT_COST * np.arange(1, len(values) + 1)
    progress = {
        "gradient": (cost(cold.aux), np.asarray(cold.aux)),
        "random": (np.arange(1, draws + 1), random),
        "random, then gradient": (
            np.concatenate([np.arange(1, first + 1), first + cost(warm.aux)]),
            np.concatenate([random[:first], warm.aux]),
        ),
    }
    progress = {k: (c, np.maximum.accumulate(v)) for k, (c, v) in progress.items()}
    losses = np.asarray(warm.best_loss), np.asarray(cold.best_loss)
    warmer = losses[0] < losses[1]
    choose = lambda a, b: np.where(warmer.reshape(-1, *[1] * (a.ndim - 1)), a, b)
    tuned = jax.tree.map(choose, warm.parameters, cold.parameters)
    return progress, random, tuned, np.minimum(*losses)


def best_of(losses):
    """Of every mode and chosen pair the member with the smallest loss: indices (modes, pairs), flat."""
    by_start = losses.reshape(len(MODES) * len(CHOSEN), -1)
    return by_start.shape[1] * np.arange(len(by_start)) + by_start.argmin(axis=1)


def retention(device, read, states):
    """Selectivities [decades] in the second after the drive, `(chosen pairs, conditions, times)`."""
    steps, every = round(1 / DT), round(SAMPLE / DT)
    conditions = lambda pair: np.asarray([0.0, READ, HOLD * threshold(device, pair)])
    volts = np.stack([conditions(pair)[:, None] * np.eye(6)[pair[0]] for pair in CHOSEN])
    closed = np.stack([closed_for(pair) for pair in CHOSEN])
    chosen = np.stack([one_hot(pair) for pair in CHOSEN])

    def run(state, volts, closed):
        drive = jnp.broadcast_to(volts, (steps, 6))
        kept = simulate(device, drive, closed, state, every=every, record="state").state
        return jnp.concatenate([state[None], kept])

    batch = jax.vmap(jax.vmap(run, in_axes=(None, 0, None)))
    kept = np.asarray(jax.jit(batch)(states, volts, closed))
    conductances = np.stack([read(state) for state in kept.reshape(-1, kept.shape[-1])])
    return score(conductances.reshape(*kept.shape[:-1], -1), chosen[:, None, None])


def single_path(device, read, pair):
    """Selectivity if the junctions of one shortest path were on and all others untouched."""
    path = device.wires.shortest_path(*(device.terminals[k] for k in pair))
    state = np.zeros(device.network.n_junctions, np.float32)
    state[path] = law().max_flux
    return 10 ** float(score(np.asarray(read(state)), one_hot(pair)))


def statistics(values):
    """Best, median and worst of the restarts, and how many reached the goal."""
    numbers = {"best": values.max(), "median": np.median(values), "worst": values.min()}
    return {k: float(v) for k, v in numbers.items()} | {"reached_goal": int((values >= GOAL).sum())}


def summarise(device, progress, random, constants, constant, kept):
    """The numbers of the report: one entry per mode and chosen pair.

    `progress` is that of `compare`; `random` (draws, members), `constant` (members,), of the voltages
    `constants`, and `kept` (chosen pairs, conditions, times) are log10 of the selectivity.
    """
    shape = (len(MODES), len(CHOSEN), -1)
    reached = {name: 10 ** values[-1].reshape(shape) for name, (_, values) in progress.items()}
    constant = 10 ** constant.reshape(shape)
    share = (10**random >= GOAL).mean(axis=0).reshape(shape).mean(axis=2)
    rows = []
    for (m, mode), (p, pair) in itertools.product(enumerate(MODES), enumerate(CHOSEN)):
        row = {"mode": mode, "terminals": [k + 1 for k in pair]}
        row["junctions_apart"] = round(threshold(device, pair) / float(law().set_voltage))
        row["constant"] = dict(zip(map(str, constants), constant[m, p].tolist(), strict=True))
        row["methods"] = {name: statistics(reached[name][m, p]) for name in METHODS}
        row["share_of_draws_at_goal"] = float(share[m, p])
        if mode == "pair":
            above = kept[p] >= np.log10(GOAL)
            # The first sample is at the end of the drive.
            last = [int(np.argmin(np.append(curve, False))) - 1 for curve in above]
            row["seconds_above_goal"] = {
                name: SAMPLE * n for name, n in zip(("rest", "read", "hold"), last, strict=True)
            }
        rows.append(row)
    return rows


def plot_routes(device, members, states, conductances, path):
    """For every chosen pair the junctions after the drive, the waveforms, and all pair conductances."""
    figure, axes = plt.subplots(len(CHOSEN), 3, figsize=(15, 4.3 * len(CHOSEN)), layout="constrained")
    ticks = np.arange(6)
    for row, pair, member, state, values in zip(axes, CHOSEN, members, states, conductances, strict=True):
        on = np.asarray(law().conductance(state[: device.wires.n_junctions]))
        shown = {"terminals": device.terminals, "limits": (1e-8, 8e-5), "label": None}
        jaxnn.plot_network(device.wires, on, ax=row[0], **shown)
        row[0].set_title(f"terminals {pair[0] + 1} and {pair[1] + 1}")
        time = np.linspace(0, DURATION, KNOTS)
        for k in np.flatnonzero(member["closed"]):
            style = {"lw": 2.2} if k in pair else {"lw": 1, "ls": "--"}
            row[1].plot(
                time, 1e3 * member["knots"][:, k], label=f"terminal {k + 1}", color=f"C{k}", **style
            )
        row[1].set(xlabel="time [s]", ylabel="voltage [mV]", ylim=(-1.1e3 * LIMIT, 1.1e3 * LIMIT))
        row[1].legend(frameon=False, ncols=3, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1))
        table = np.full((6, 6), np.nan)
        for (a, b), value in zip(PAIRS, np.asarray(values), strict=True):
            table[a, b] = table[b, a] = value
            ink = "w" if value > 1e-6 else "k"
            for x, y in ((a, b), (b, a)):
                row[2].text(
                    x, y, f"{value:.0e}", ha="center", va="center", fontsize=8, color=ink, in_layout=False
                )
        norm = LogNorm(1e-9, 1e-4)
        row[2].imshow(table, norm=norm, cmap="YlOrRd")
        row[2].set_xticks(ticks, ticks + 1)
        row[2].set_yticks(ticks, ticks + 1)
        row[2].set(xlabel="terminal", ylabel="terminal")
    # One bar for all rows: scales take most of the time of such a picture.
    junctions, table = axes[0, 0].collections[-1], axes[0, 2].images[0]
    figure.colorbar(junctions, ax=axes[:, 0], label="conductance of junctions [S]", shrink=0.4)
    figure.colorbar(table, ax=axes[:, 2], label="conductance at 1 mV [S]", shrink=0.4)
    figures.save(figure, path, dpi=100)


def plot_comparison(progress, constants, constant, kept, path):
    """The three methods, constant voltages, and what becomes of a path."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
    shape = (len(MODES), len(CHOSEN), -1)
    for m, (ax, mode) in enumerate(zip(axes[0], MODES, strict=True)):
        for name, (runs, values) in progress.items():
            best = 10 ** values.reshape(len(runs), len(MODES), -1)[:, m]
            low, middle, high = np.percentile(best, [25, 50, 75], axis=1)
            (curve,) = ax.plot(runs, middle, label=name)
            ax.fill_between(runs, low, high, color=curve.get_color(), alpha=0.2, lw=0)
        ax.set(yscale="log", xlabel="simulated runs per restart", ylabel="best selectivity so far")
        ax.set_title(f"{mode}: median and quartiles, 3 pairs x {constant.size // 6} restarts")
        ax.legend(frameon=False)
    for pair, values in zip(CHOSEN, constant.reshape(shape)[0], strict=True):
        axes[1, 0].plot(constants, 10**values, "o-", label=f"terminals {pair[0] + 1}, {pair[1] + 1}")
    axes[1, 0].set(yscale="log", xlabel="constant voltage across the pair [n V_set]", ylabel="selectivity")
    axes[1, 0].set_title(f"{DURATION:g} s of a constant voltage, the others floating")
    axes[1, 0].legend(frameon=False)
    styles = (("at rest", "-"), ("read at 1 mV", ":"), (f"held at {HOLD} n V_set", "--"))
    for p, values in enumerate(kept):
        for (name, style), curve in zip(styles, values, strict=True):
            time = SAMPLE * np.arange(len(curve))
            axes[1, 1].plot(time, 10**curve, style, color=f"C{p}", label=name if p == 0 else None)
    axes[1, 1].set(yscale="log", xlabel="time after the drive [s]", ylabel="selectivity")
    axes[1, 1].set_title("What becomes of the tuned paths (mode: pair)")
    axes[1, 1].legend(frameon=False)
    for ax in axes.flat:
        ax.axhline(GOAL, color="0.5", ls="--", lw=0.8)
    figures.save(figure, path, dpi=100)


def print_table(rows):
    """One line per mode, chosen pair and method."""
    print("driven   pair    apart  constant  method                  best  median   worst  reached")
    for row in rows:
        for name, numbers in row["methods"].items():
            print(
                f"{row['mode']:8} {row['terminals']}  {row['junctions_apart']:5}  "
                f"{max(row['constant'].values()):8.0f}  {name:21} {numbers['best']:6.0f}  "
                f"{numbers['median']:6.3g}  {numbers['worst']:6.2g}  {numbers['reached_goal']:7}"
            )


def main() -> None:
    """Tunes, searches, follows the paths, prints the table and writes the pictures."""
    parser = script.parser(__doc__, "results/path_routing", quick="a smaller network and few iterations")
    arguments = script.start(parser, keep_compiled=True)
    size, draws, constants = (100, 30e-6, 3), DRAWS, CONSTANT
    if arguments.quick:
        size, draws, constants = (14, 14e-6, 0, (2, 3)), 4, CONSTANT[::2]
    if arguments.quick:
        compile_quickly()

    begin = time.perf_counter()
    device, key, restarts = build(*size), jr.key(0), len(constants)
    print(f"{device.wires.n_nodes} wires, {device.wires.n_junctions} junctions, wires {device.terminals}")
    members = make_members(restarts, key)
    run = jax.jit(jax.vmap(ft.partial(outcome, device)))
    progress, random, tuned, losses = compare(make_tune(device), run, members, draws, key)
    constant = score(run(members | {"knots": constant_knots(device, constants)})[1], members["chosen"])
    best = best_of(losses)
    tuned, (states, conductances) = jax.tree.map(lambda x: np.asarray(x)[best], (tuned, run(tuned)))
    read = jax.jit(ft.partial(pair_conductances, device))
    kept = retention(device, read, states[: len(CHOSEN)])
    rows = summarise(device, progress, random, constants, constant, kept)
    finer = None if arguments.quick else jax.jit(jax.vmap(ft.partial(outcome, device, dt=DT / 2)))(tuned)
    for k, row in enumerate(rows):
        row["single_path"] = single_path(device, read, CHOSEN[k % len(CHOSEN)])
        row["tuned"] = 10 ** float(score(conductances[k], tuned["chosen"][k]))
        row["at_half_dt"] = finer and 10 ** float(score(finer[1][k], tuned["chosen"][k]))
    seconds = time.perf_counter() - begin
    print_table(rows)
    print(f"{draws} runs per restart, a gradient counted as {GRADIENT_COST}; {restarts} restarts")
    print(f"{seconds:.0f} s")

    for m, mode in enumerate(MODES):
        part = slice(m * len(CHOSEN), (m + 1) * len(CHOSEN))
        chosen = [jax.tree.map(lambda x, k=k: x[k], tuned) for k in range(len(best))[part]]
        path = arguments.out / f"routes_{mode.replace(' ', '_')}.png"
        plot_routes(device, chosen, states[part], conductances[part], path)
    plot_comparison(progress, constants, constant, kept, arguments.out / "comparison.png")
    report = {
        "wires": list(device.terminals),
        "runs": draws,
        "restarts": restarts,
        "seconds": seconds,
        "results": rows,
        "pairs": [[a + 1, b + 1] for a, b in PAIRS],
        "conductances": conductances.tolist(),
        "knots": tuned["knots"].tolist(),
        "retention_decades": kept.tolist(),
    }
    script.finish(arguments.out / "path_routing.json", report)


if __name__ == "__main__":
    main()
