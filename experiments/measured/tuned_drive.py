"""A drive tuned through the twin of a device, the device in the loop or not, under deliberate mismatch.

A twin is fitted to a recording. The device is the twin's own network with every conductance and
capacitance off by a factor drawn by lot, so that what is wrong with the twin is known. The drive shall
make one pad follow a sine. `jaxnn.measured` takes the device's answer and the twin's slope; the twin
alone takes both from itself, and is then judged on the device.

    python experiments/measured/tuned_drive.py --folder DATA/inrim --out results/tuned_drive
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt


SCANS, INTERVAL = 80, 0.2  # of the tuned drive, and [s]
MISMATCH = (0.0, 0.1, 0.3, 0.5)  # standard deviation of the logarithm of each number
PERIOD = 4.0  # [s] of the sine
LEAST = 1e-6  # [mV] that is drawn
SWING = (0.4, 1.0)  # [V] that the drive may take, as in the recordings


def generated() -> jaxnn.data.Recording:
    """A recording of three pads of one slow network, where no measured one is given."""
    rng = np.random.default_rng(1)
    time, source = 0.2 * np.arange(600), rng.uniform(*SWING, 600)
    network = jaxnn.twin.PadNetwork(
        between=[0.1, 0.3, 0.2],
        to_source=[1.0, 0.4, 0.2],
        to_ground=[0.5, 1.0, 1.0],
        capacitance=[0.3, 1.5, 0.6],
        read_delay=[0.01, 0.02, 0.03],
    )
    pads = np.asarray(network(time, source)) + 5e-4 * rng.normal(size=(600, 3))
    current = np.full((600, 4), np.nan)
    current[:, 0] = 1e-4 * source
    return jaxnn.data.Recording(time, np.column_stack([source, pads]), current, ("s", "a", "b", "c"))


def mismatched(network: jaxnn.twin.PadNetwork, spread: float, seed: int) -> jaxnn.twin.PadNetwork:
    """The network with every number times a factor drawn by lot."""
    leaves, structure = jax.tree.flatten(network)
    rng = np.random.default_rng(seed)
    return jax.tree.unflatten(structure, [x * np.exp(spread * rng.normal(size=x.shape)) for x in leaves])


def tune(
    answer: Callable[[Array], Array], slope: Callable[[Array], Array], target: Array, steps: int
) -> Float[np.ndarray, " scans"]:
    """The drive with which `answer` is nearest to the target, by the derivative of `slope`."""

    def loss(drive: Array, answered: Array) -> Array:
        return jnp.mean((jaxnn.measured(answered, slope(drive)) - target) ** 2) / target.var()

    def step(carry: Any, _: None) -> tuple[Any, Array]:
        drive, state = carry
        value, gradient = jax.value_and_grad(loss)(drive, answer(drive))
        updates, state = optimiser.update(gradient, state)
        return (jnp.clip(drive + updates, *SWING), state), value

    optimiser = optax.adam(optax.cosine_decay_schedule(0.03, steps))
    start = jnp.full(SCANS, float(np.mean(SWING)))
    (drive, _), _ = jax.jit(lambda x: jax.lax.scan(step, x, None, length=steps))(
        (start, optimiser.init(start))
    )
    return np.asarray(drive)


def target_of(network: jaxnn.twin.PadNetwork, pad: int) -> Float[Array, " scans"]:
    """A sine that the pad can follow: half the swing that the sine at the source would give it."""
    grid = INTERVAL * np.arange(SCANS)
    wave = np.mean(SWING) + 0.5 * np.ptp(SWING) * np.sin(2 * np.pi * grid / PERIOD)
    natural = np.asarray(network(grid, wave))[:, pad]
    return jnp.asarray(natural.mean() + 0.5 * (natural - natural.mean()))


def study(recording: jaxnn.data.Recording, seeds: int, steps: int) -> dict[str, Any]:
    """The twin's slowest pad that is explained well, tuned for each mismatch and seed."""
    compared = jaxnn.twin.compare(recording)
    twin = compared.twin.network
    good = np.flatnonzero(compared.scores["network"] > 0.9)
    pad = int(good[np.argmin(compared.scores["divider"][good])])
    grid, target = INTERVAL * np.arange(SCANS), target_of(twin, pad)
    read = lambda network: lambda drive: network(grid, drive)[:, pad]
    rows, shown = [], {}
    for spread in MISMATCH:
        for seed in range(seeds if spread else 1):
            device = read(mismatched(twin, spread, seed))
            drives = {"in the loop": tune(device, read(twin), target, steps)}
            drives["twin alone"] = tune(read(twin), read(twin), target, steps)
            answers = {name: np.asarray(device(jnp.asarray(x))) for name, x in drives.items()}
            miss = {name: float(np.sqrt(np.mean((x - target) ** 2))) for name, x in answers.items()}
            rows.append({"mismatch": spread, "seed": seed, "rms miss [V]": miss})
            if seed == 0 and spread == 0.3:
                shown = {"target": target} | answers
    return {"pad": compared.twin.roles.live[pad], "runs": rows, "shown": shown}


def picture(report: dict[str, Any], path: Path) -> None:
    """What the pad does beside what it should, and the misses against the mismatch."""
    figure, axes = plt.subplots(
        len(report), 2, figsize=(11, 3.6 * len(report)), squeeze=False, layout="constrained"
    )
    styles = {"target": "k:", "in the loop": "C0", "twin alone": "C1"}
    for (left, right), (device, found) in zip(axes, report.items(), strict=True):
        for name, style in styles.items():
            left.plot(
                INTERVAL * np.arange(SCANS), 1e3 * np.asarray(found["shown"][name]), style, label=name
            )
        left.set(xlabel="time [s]", ylabel="potential of the pad [mV]")
        left.set_title(f"{device}, pad {found['pad']}, mismatch 30 %", fontsize="medium")
        left.margins(y=0.25)
        left.legend(ncols=3, fontsize=8, frameon=False, loc="upper center")
        for name in ("in the loop", "twin alone"):
            points = [(100 * x["mismatch"], 1e3 * x["rms miss [V]"][name]) for x in found["runs"]]
            x, y = np.transpose(points)
            # Without a mismatch both are at rounding, below the panel.
            right.plot(x, np.maximum(y, LEAST), "o", color=styles[name], mfc="none", label=name)
        right.set(xlabel="mismatch of every number [%]", ylabel="rms miss [mV]", yscale="log")
        right.set_ylim(LEAST / 2, 1e3)
        right.legend(fontsize=8, frameon=False, loc="lower right")
    figures.save(figure, path)


def main() -> None:
    """Fits, tunes, draws and reports."""
    parser = script.parser(__doc__, "results/tuned_drive", quick="a generated recording, one seed")
    parser.add_argument("--folder", type=Path, help="folder of the two measured recordings")
    arguments = script.start(parser, float64=True)
    recordings = {"generated": generated()}
    if arguments.folder is not None and not arguments.quick:
        paths = sorted(arguments.folder.glob("*_first70.txt"))
        recordings |= {path.stem.split("_")[0]: jaxnn.data.read_recording(path) for path in paths}
    seeds, steps = (1, 200) if arguments.quick else (5, 600)
    report = {name: study(recording, seeds, steps) for name, recording in recordings.items()}
    picture(report, arguments.out / "tuned_drive.png")
    script.finish(arguments.out / "tuned_drive.json", report)


if __name__ == "__main__":
    main()
