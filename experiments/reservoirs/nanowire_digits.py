"""Digits streamed through a nanowire network, learnt in batch and online, after Zhu et al. (2021, 2023).

Nat. Commun. 14, 6697 (2023), doi 10.1038/s41467-023-42470-5: images go into one electrode of a nanowire
device as a stream of voltages, one pixel after the other; voltages of other electrodes over time are what
a linear layer learns from, online by recursive least squares (93.4 %) or in batch (91.4 %).

Ours is a simulated network of some 100 wires (`jaxnn.parameters.hochstetter2021_dc`), one wire driven,
the farthest at 0 V, two or five others read. A pixel of brightness p is 20 ms at A p times what the
shortest path needs to switch, one step each. Every image begins with a network at rest; the device kept
what images before it had left. The potentials are read after every pixel. A is the one of a few with the
best score of two wires on 6,000 images of the training set, after 18,000 others. The numbers of channels,
samples and volts of the device are not all known here. MNIST: 10,000 or all of the 60,000 images to learn
from, in order, and all 10,000 to test.

Recursive least squares, without forgetting, is ridge regression of what was seen so far: after the last
image both read-outs are one, to rounding. A hundred images are learnt at once; before, each is asked for,
which gives the error online. The published batch read-out was worse than the published online one, so it
must have been another.

    python experiments/reservoirs/nanowire_digits.py --folder /data   # or JAXNN_DATA
    python experiments/reservoirs/nanowire_digits.py --quick          # 8 x 8 digits of scikit-learn
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jaxnn
from experiments.reservoirs import _digits as digits
from experiments.shared import figures
from experiments.shared.figures import plt
from experiments.shared.pieces import Pieces


AMPLITUDES = (1.0, 3.0, 10.0, 30.0)
STEP, READ = 2e-2, 1  # [s], pixels
CHANNELS, IMAGES = (2, 5), (10_000, 60_000)  # wires that are read and images to learn from, all compared
BLOCK = 100  # images that are learnt at once
PENALTY = 1e-2  # of recursive least squares, on features of deviation 1


class Stream:
    """A network and its electrodes."""

    def __init__(self, wires: int, seed: int = 0):
        self.network = jaxnn.nanowire_network(wires, box=(wires / 0.1e12) ** 0.5, seed=seed)
        self.terminals = jaxnn.farthest_pair(self.network)
        free = np.setdiff1d(np.arange(self.network.n_nodes), self.terminals)
        self.read = np.random.default_rng(seed).permutation(free)[: max(CHANNELS)]
        self.needed = 0.01 * self.network.path_length(*self.terminals)  # [V]
        self.law = jaxnn.parameters.hochstetter2021_dc()

    def features(self, amplitude: float) -> Any:
        """A function of an image that gives potentials over time, `(channels x times,)` [V]."""

        def read(step: jaxnn.Step) -> jax.Array:
            return step.node_potential[self.read]

        def function(image: jax.Array) -> jax.Array:
            volts = amplitude * self.needed * image.reshape(-1)
            run = jaxnn.simulate(
                self.network, self.law, volts, terminals=self.terminals, dt=STEP, steps=volts.size,
                every=READ, record={"read": read},
            )  # fmt: skip
            return run.recorded["read"].T.reshape(-1)

        return function


def with_constant(features: np.ndarray) -> np.ndarray:
    """Features in float64, and one that is 1."""
    return np.column_stack([features.astype(float), np.ones(len(features))])


def online(learnt: np.ndarray, labels: np.ndarray, tested: np.ndarray, tested_labels: np.ndarray) -> dict:
    """Scores of recursive least squares, and its distance from the batch solution of the same penalty."""
    x, u = map(with_constant, digits.standard(learnt, tested))
    targets = 2.0 * (labels[:, None] == np.arange(10)) - 1
    learner = jaxnn.reservoirs.RecursiveLeastSquares(penalty=PENALTY)
    memory, said = learner.follow(x, targets, together=BLOCK)
    weights, before = np.asarray(memory.weights), np.argmax(said, axis=1)
    batch = np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ targets)
    right = before == labels
    width = max(1, len(right) // 20)
    running = np.convolve(right, np.full(width, 1 / width), "valid")[:: max(1, width // 4)]
    named = np.argmax(u @ weights, axis=1)
    return {
        "accuracy": np.mean(named == tested_labels),
        "accuracy before learning, last part": np.mean(right[-width:]),
        "accuracy over time": running,
        "images of a part": width,
        "distance from batch": abs(weights - batch).max() / abs(batch).max(),
        "confusion": digits.confusion(tested_labels, named),
    }


def choose(stream: Stream, shown: digits.Digits, count: int) -> tuple[float, dict[str, float]]:
    """The amplitude with the best score on images of the training set that were not learnt from."""
    cut, found = 3 * count // 4, {}
    labels = shown.train_labels[:count]
    for amplitude in AMPLITUDES:
        x = digits.in_batches(stream.features(amplitude), shown.train[:count], size=50)
        x = x[:, : min(CHANNELS) * (x.shape[1] // max(CHANNELS))]
        read_out = jaxnn.reservoirs.fit_ridge(x[:cut], labels[:cut], 10, folds=1)
        found[amplitude] = float(np.mean(read_out.classify(x[cut:]) == labels[cut:]))
        print(f"A = {amplitude:g}: {found[amplitude]:.4f} of what was left out", flush=True)
    return max(found, key=lambda a: found[a]), {f"{a:g}": value for a, value in found.items()}


def picture(image: np.ndarray, potentials: np.ndarray, report: dict[str, Any], path: Path) -> None:
    """An image as a stream, what is read of it, and how the read-outs do."""
    figure, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    time = 1 + np.arange(image.size)
    axes[0].fill_between(time, image.reshape(-1), step="pre", color="0.8", label="brightness")
    axes[0].set(xlabel="pixel", ylabel="brightness", title="a digit as a stream, and the potentials read")
    beside = axes[0].twinx()
    beside.plot(READ * (1 + np.arange(potentials.shape[1])), 1e3 * potentials.T, lw=0.7)
    beside.set_ylabel("potential [mV]")
    learnt = report["largest"]["online"]
    seen = len(learnt["accuracy over time"])
    place = np.linspace(learnt["images of a part"], report["training images"], seen)
    axes[1].plot(place, learnt["accuracy over time"], label="online, of images before they are learnt")
    for k, (name, value) in enumerate(
        {
            "online": learnt["accuracy"],
            "batch": report["largest"]["batch"],
            "pixels alone": report["largest"]["pixels"],
        }.items()
    ):
        axes[1].axhline(value, color=f"C{k + 1}", ls="--", lw=1, label=f"test set, {name}: {value:.4f}")
    axes[1].axhline(0.934, color="k", ls=":", lw=1, label="published, a device online: 0.934")
    axes[1].set(xlabel="images seen", ylabel="accuracy", title="read-outs")
    axes[1].legend(fontsize=8, loc="lower right")
    table = np.asarray(learnt["confusion"])
    shown = axes[2].imshow(table / table.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    axes[2].set(title="online", xlabel="named", ylabel="digit", xticks=range(10), yticks=range(10))
    figure.colorbar(shown, ax=axes[2], label="share of a digit")
    figures.save(figure, path)


def compared(read: Any, shown: digits.Digits, pieces: Pieces, label: str) -> dict[str, Any]:
    """Read-outs of so many images and channels, and of the pixels, by how many they are."""
    fit, flat = jaxnn.reservoirs.fit_ridge, lambda images: images.reshape(len(images), -1)
    (learnt, tested), found = read, {}
    sizes = sorted({min(n, len(learnt)) for n in IMAGES})
    for count in sizes:
        labels = shown.train_labels[:count]
        plain = fit(flat(shown.train[:count]), labels, 10).classify(flat(shown.test))
        for channels in CHANNELS:
            width = channels * (learnt.shape[1] // max(CHANNELS))
            x, u = learnt[:count, :width], tested[:, :width]

            def make(x: Any = x, u: Any = u, labels: Any = labels) -> dict[str, Any]:
                batch = fit(x, labels, 10, folds=1)
                return {
                    "features": x.shape[1],
                    "batch": np.mean(batch.classify(u) == shown.test_labels),
                    "batch penalty": batch.penalty,
                    "online": online(x, labels, u, shown.test_labels),
                }

            name = f"{count} images, {channels} channels"
            piece = f"{label}-{count}-{channels}"
            found[name] = pieces.keep_json(piece, lambda make=make: script.plain(make()))
            found[name]["pixels"] = np.mean(plain == shown.test_labels)
            kept = found[name]
            scores = f"online {kept['online']['accuracy']:.4f}, batch {kept['batch']:.4f}"
            print(f"{name}: {scores}, pixels {kept['pixels']:.4f}", flush=True)
    return found


def main() -> None:
    """Simulates what is not on disk yet, learns, draws and reports."""
    parser = script.parser(__doc__, "results/nanowire_digits", quick="8 x 8 digits, 30 wires")
    parser.add_argument("--folder", type=Path, help="of the data sets; JAXNN_DATA by default")
    parser.add_argument("--images", type=int, default=max(IMAGES), help="to learn from")
    # Ridge regressions in float64; the network in the precision of the images, float32.
    arguments = script.start(parser, float64=True)
    shown = digits.load(arguments.quick, arguments.folder, arguments.images)
    wires, count = (30, 600) if arguments.quick else (100, 24_000)
    stream = Stream(wires)
    pieces = Pieces(arguments.out / "pieces", aloud=True)
    begin = time.perf_counter()
    best, tried = choose(stream, shown, count)
    function = stream.features(best)
    label = f"{wires}-{best:g}-{READ}"
    read = [
        pieces.keep(
            f"{label}-{len(images)}-{kind}",
            lambda images=images: {"found": digits.in_batches(function, images, size=50)},
        )["found"]
        for kind, images in (("train", shown.train), ("test", shown.test))
    ]
    simulated = dict(pieces.took)
    found = compared(read, shown, pieces, label)
    report: dict[str, Any] = {
        "training images": len(shown.train),
        "test images": len(shown.test),
        "wires": stream.network.n_nodes,
        "junctions": stream.network.n_junctions,
        "amplitude": best,
        "tried on what was left out": tried,
        "published online and batch": (0.934, 0.914),
        "seconds of simulation": simulated,
        "seconds": time.perf_counter() - begin,
        **found,
    }
    script.finish(arguments.out / "nanowire_digits.json", report)
    (*_, largest) = found.values()
    potentials = read[1][0].reshape(max(CHANNELS), -1)
    target = arguments.out / "nanowire_digits.png"
    picture(shown.test[0], potentials, report | {"largest": largest}, target)


if __name__ == "__main__":
    main()
