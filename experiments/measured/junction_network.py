"""A generated network of junctions behind the pads of a measured device, every junction fitted.

Wires dropped at random, some of them pads; a conductance for every junction, a capacitance and a read
delay for every pad, found by Levenberg's and Marquardt's steps through the simulation; then a
memristive law on top, the rate balance of the group that made the devices (Milano et al., Nat. Mater.
21, 195, 2022), with its four rates and its ratio of conductances fitted too. Scores are R2 of the live
pads on scans that were not fitted, beside those of `jaxnn.twin`: a network of unknown wiring, given by
what is seen of it at the pads.

    python experiments/measured/junction_network.py --folder DATA/inrim --out results/junction_network
"""

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt


STEPS = 2  # of a scan
UNIT = 1e-6  # [S] and [F]: potentials tell ratios only
DRIFT = 29.5  # scans: what is slower is drift and not compared, as in `jaxnn.twin`
MEMORY = 74.0  # scans over which the last level is averaged, as in `jaxnn.twin`
RATIO = 3.0  # of conductances, with which the memristive law begins
DEVICES = ("011_first70.txt", "074_first70.txt")


class Scans(NamedTuple):
    """What is fitted and judged: scans of a recording, taken as even."""

    source: Float[np.ndarray, " scans"]
    pads: Float[np.ndarray, "scans pads"]
    interval: float
    fitted: int


class Wiring(NamedTuple):
    """A generated network and which of its wires are pads: source, ground, and the others in turn."""

    network: jaxnn.Network
    pads: Float[np.ndarray, " all_pads"]


def drop(wires: int, pads: int, seed: int) -> Wiring:
    """Wires at random; pads far from each other, which is which at random."""
    network = jaxnn.nanowire_network(wires, box=(wires / 0.12e12) ** 0.5, seed=seed)
    places, rng = np.asarray(network.positions), np.random.default_rng(seed)
    chosen = [int(rng.integers(network.n_nodes))]
    while len(chosen) < pads + 2:
        away = np.linalg.norm(places[:, None] - places[None, chosen], axis=2).min(axis=1)
        chosen.append(int(away.argmax()))
    return Wiring(network, rng.permutation(chosen))


def begin(
    wiring: Wiring, constants: Float[np.ndarray, " pads"], memristive: bool, seed: int
) -> dict[str, Array]:
    """Logarithms of what is fitted; each pad begins with the time constant that it shows."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(0, 0.3, wiring.network.n_junctions)
    at_wire = np.bincount(wiring.network.edges.ravel(), np.repeat(np.exp(logs), 2))
    numbers = {
        "conductance": logs,
        "capacitance": np.log(constants * at_wire[wiring.pads[2:]]),  # s * UNIT
        "delay": np.full(len(constants), -2.0),  # logit of the share of a scan
    }
    if memristive:
        numbers |= {"ratio": np.log(RATIO - 1), "growth": np.log(0.3), "decay": np.log(1.0)}
        numbers |= {"growth_sensitivity": np.log(3.0), "decay_sensitivity": np.log(1.0)}
    return jax.tree.map(jnp.asarray, numbers)


def law_of(numbers: dict[str, Array]) -> jaxnn.AbstractJunction:
    """The junctions: resistors, or memristive ones if there is a ratio."""
    conductance = UNIT * jnp.exp(numbers["conductance"])
    if "ratio" not in numbers:
        return jaxnn.Resistor(conductance)
    return jaxnn.RateBalanceJunction(
        growth_rate=jnp.exp(numbers["growth"]),
        decay_rate=jnp.exp(numbers["decay"]),
        growth_sensitivity=jnp.exp(numbers["growth_sensitivity"]),
        decay_sensitivity=jnp.exp(numbers["decay_sensitivity"]),
        off_conductance=conductance,
        on_conductance=conductance * (1 + jnp.exp(numbers["ratio"])),
    )


def predict(wiring: Wiring, numbers: dict[str, Array], source: Array, interval: float) -> Array:
    """Potentials of the pads as they are read [V], (scans, pads)."""
    ends, pads = wiring.pads[:2], wiring.pads[2:]
    held = jnp.zeros(wiring.network.n_nodes).at[pads].set(UNIT * jnp.exp(numbers["capacitance"]))
    run = jaxnn.simulate(
        wiring.network,
        law_of(numbers),
        jnp.repeat(source, STEPS),
        terminals=tuple(ends.tolist()),
        dt=interval / STEPS,
        steps=STEPS * source.shape[0],
        record="node_potential",
        capacitance=jaxnn.Capacitance(held),
    )
    potential = run.node_potential[:, pads]
    begins = interval * jnp.arange(source.shape[0])
    read = begins[:, None] + interval * jax.nn.sigmoid(numbers["delay"])
    return jax.vmap(lambda t, x: jnp.interp(t, run.time, x), in_axes=1, out_axes=1)(read, potential)


def changes(values: Array) -> Float[Array, "scans pads"]:
    """Each value less a level that follows the ones before, so that drift is not compared."""
    gain = -np.expm1(-1 / DRIFT)

    def step(level: Array, value: Array) -> tuple[Array, Array]:
        return level + gain * (value - level), value - level

    return jax.lax.scan(step, values[0], values)[1][round(DRIFT) :]


def fit(wiring: Wiring, numbers: dict[str, Array], scans: Scans, steps: int) -> jaxnn.fit.Fit:
    """Fits the changes of all pads on the fitted part, each pad's in units of their own spread."""
    source = jnp.asarray(scans.source[: scans.fitted])
    target = np.asarray(changes(jnp.asarray(scans.pads[: scans.fitted])))
    scale = jnp.asarray(target.std(axis=0))
    with warnings.catch_warnings():
        # That it does not explain all, and that pads do not tell every junction, is what is studied.
        warnings.simplefilter("ignore", jaxnn.NumericalWarning)
        return jaxnn.fit.fit_parameters(
            lambda numbers: changes(predict(wiring, numbers, source, scans.interval)) / scale,
            numbers,
            target / np.asarray(scale),
            starts=1,
            held_out=0,
            method=jaxnn.fit.LevenbergMarquardt(steps=steps),
        )


def scores(wiring: Wiring, numbers: dict[str, Array], scans: Scans) -> Float[np.ndarray, " pads"]:
    """R2 of each pad on the judged part, with the level that it had drifted to when the fit ended."""
    whole = jax.jit(lambda numbers, source: predict(wiring, numbers, source, scans.interval))
    model = np.asarray(whole(numbers, jnp.asarray(scans.source)))
    left, n = scans.pads - model, scans.fitted
    weight = np.exp((np.arange(n) - n) / MEMORY)
    level = weight @ left[:n] / weight.sum()
    return 1 - ((left[n:] - level) ** 2).mean(axis=0) / scans.pads[n:].var(axis=0)


def generated(scans: int) -> jaxnn.data.Recording:
    """A recording of a network whose junctions are known, where no measured one is given."""
    wiring, rng = drop(30, 4, seed=7), np.random.default_rng(0)
    source = rng.uniform(0.4, 1.0, scans)
    numbers = begin(wiring, np.array([0.05, 0.2, 0.5, 1.0]), False, seed=7)
    numbers["conductance"] = jnp.asarray(rng.normal(0, 1.0, wiring.network.n_junctions))
    pads = np.asarray(predict(wiring, numbers, jnp.asarray(source), 0.2))
    pads = pads + 1e-3 * rng.normal(size=pads.shape)
    current = np.full((scans, 6), np.nan)
    current[:, :2] = 1e-4 * source[:, None] * [1, -1]
    voltage = np.column_stack([source, 1e-4 * source, pads])
    names = ("source", "ground", *(f"pad {k}" for k in range(4)))
    return jaxnn.data.Recording(0.2 * np.arange(scans), voltage, current, names)


def study(recording: jaxnn.data.Recording, setup: dict[str, Any]) -> dict[str, Any]:
    """Fits and scores the kinds of models of one recording, for each wiring."""
    twin = jaxnn.twin.compare(recording)
    roles, (fitted, judged) = twin.twin.roles, twin.scans
    used = recording.part(0, fitted + judged)
    pads = used.voltage[:, [used.column(pad) for pad in roles.live]]
    interval = float(np.median(np.diff(used.time)))
    scans = Scans(used.of(roles.source), pads, interval, fitted)
    seen = twin.twin.network
    constants = np.asarray(seen.capacitance / jnp.diag(seen.matrix()))
    found: dict[str, list[Any]] = {"resistors": [], "memristive": []}
    losses: dict[str, list[float]] = {kind: [] for kind in found}
    for seed in range(setup["wirings"]):
        wiring = drop(setup["wires"], len(roles.live), seed)
        numbers: dict[str, Array] = {}
        for kind in found:
            # The memristive law goes on from what the resistors found.
            numbers = begin(wiring, constants, kind == "memristive", seed) | numbers
            best = fit(wiring, numbers, scans, setup["steps"])
            numbers = best.parameters
            found[kind].append(scores(wiring, numbers, scans))
            losses[kind].append(float(np.mean((np.asarray(best.predicted) - np.asarray(best.data)) ** 2)))
            print(f"wiring {seed}, {kind}: {losses[kind][-1]:.4f} of the changes left")
    by_pad = lambda values: dict(zip(roles.live, np.asarray(values), strict=True))
    compared = {name: by_pad(twin.scores[name]) for name in ("divider", "pole", "network", "twin")}
    ours = {kind: [by_pad(x) for x in values] for kind, values in found.items()}
    medians = {name: np.median(list(x.values())) for name, x in compared.items()}
    medians |= {kind: np.median(values, axis=1) for kind, values in found.items()}
    return {
        "scans": [fitted, judged],
        "median_r2": medians,
        "r2": compared | ours,
        "share of the changes not explained": losses,
    }


def picture(report: dict[str, Any], path: Path) -> None:
    """R2 of each pad by each kind of model; of ours the best wiring by what was fitted."""
    figure, axes = plt.subplots(
        len(report), 1, figsize=(9, 3.4 * len(report)), squeeze=False, layout="constrained"
    )
    names = {"divider": "divider", "network": "network seen from the pads", "resistors": "fitted junctions"}
    names |= {"memristive": "fitted memristive junctions", "twin": "twin"}
    for ax, (device, found) in zip(axes[:, 0], report.items(), strict=True):
        pads = list(found["r2"]["twin"])
        for k, (name, label) in enumerate(names.items()):
            values = found["r2"][name]
            if name in found["share of the changes not explained"]:
                values = values[int(np.argmin(found["share of the changes not explained"][name]))]
            heights = np.maximum([values[pad] for pad in pads], 0)
            ax.bar(np.arange(len(pads)) + 0.16 * (k - 2), heights, 0.15, label=label)
        ax.set_xticks(range(len(pads)), pads)
        ax.set(xlabel="pad", ylabel="$R^2$ of scans not fitted", ylim=(0, 1.25), title=device)
        ax.legend(fontsize=8, ncols=5, loc="upper center", frameon=False)
    figures.save(figure, path)


def main() -> None:
    """Fits, draws and reports."""
    parser = script.parser(__doc__, "results/junction_network", quick="a generated recording, one wiring")
    parser.add_argument("--folder", type=Path, help="folder of the two measured recordings")
    arguments = script.start(parser, float64=True)
    setup = {"wires": 40, "wirings": 2, "steps": 60}
    if arguments.quick or arguments.folder is None:
        setup |= {"wires": 30, "wirings": 1, "steps": 20}
        recordings = {"generated": generated(440)}
    else:
        names = {name.split("_")[0]: arguments.folder / name for name in DEVICES}
        recordings = {device: jaxnn.data.read_recording(path) for device, path in names.items()}
    report = {device: study(recording, setup) for device, recording in recordings.items()}
    picture(report, arguments.out / "junction_network.png")
    script.finish(arguments.out / "junction_network.json", {"setup": setup, "devices": report})


if __name__ == "__main__":
    main()
