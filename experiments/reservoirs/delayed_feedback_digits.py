"""Digits through one volatile memristor with delayed feedback, after Daniels et al. (2026), arXiv
2604.21602.

Published: 95.89 % of MNIST by a parallel network of volatile memristors with delayed feedback, its images
preprocessed; 94.2 % with devices that vary by 20 %. Of its protocol only the abstract could be read. Ours
is the scheme of Appeltant et al., Nat. Commun. 2, 468 (2011): a device, a line that delays, and a mask.

An image is shown column by column. A column u_k of 28 pixels is spread over N virtual nodes by a fixed
matrix of -1, 0 and 1, every node hearing four pixels, and each node is a pulse of 1 ms across the device,

    V = A |m_n . u_k + G f_(n, k-1)|,

f the read-out of the same node one column before, the logarithm of the conductance from 0 to 1, which a
delay line feeds back. After every pulse the device rests for 1 ms and is read. Of the N x 28 readings
every one is a feature, for ridge regression (`jaxnn.reservoirs.fit_ridge`, its penalty by a fifth of the
training set that is left out once). Several devices in parallel have a mask each. The device is
`jaxnn.VolatileFilamentJunction`, whose numbers are fitted to no device. A, G and the decay time are those
of a few with the best score on a part of the training set that was left out.

    python experiments/reservoirs/delayed_feedback_digits.py --folder /data   # or JAXNN_DATA
    python experiments/reservoirs/delayed_feedback_digits.py --quick          # 8 x 8 digits of scikit-learn

--redraw REPORT draws what an earlier run has reported.
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import itertools
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.reservoirs import _digits as digits
from experiments.shared import figures
from experiments.shared.figures import plt
from experiments.shared.pieces import Pieces


PULSE = 1e-3  # [s], and as long a rest
HEARD = 4  # pixels of a node
AMPLITUDES, GAINS, DECAYS = (0.4, 0.8, 1.6, 3.2), (0.0, 0.5), (5e-4, 2e-3, 1e-2)  # [V], [1], [s]
DEVICES = (1, 2, 4, 8)
SPREAD = 0.2  # of devices that vary
PUBLISHED = 0.9589


class Set(NamedTuple):
    """Numbers that are chosen by what is left out of the training set."""

    amplitude: float
    gain: float
    decay: float


class Line:
    """Devices in parallel, `nodes` virtual nodes of each."""

    def __init__(self, side: int, nodes: int, devices: int, chosen: Set, spread: float = 0.0):
        random = np.random.default_rng(0)
        mask = np.zeros((devices, nodes, side), np.float32)
        for place in np.ndindex(devices, nodes):
            mask[place][random.choice(side, HEARD, replace=False)] = random.choice([-1, 1], HEARD)
        self.mask, self.chosen = jnp.asarray(mask), chosen
        vary = lambda x: (
            np.float32(x) * (1 + spread * random.normal(size=devices)).clip(0.3).astype(np.float32)
        )
        self.law = jaxnn.VolatileFilamentJunction(
            threshold_voltage=vary(0.3), growth_rate=vary(1e3), decay_time=vary(chosen.decay)
        )

    def reading(self, state: jax.Array) -> jax.Array:
        """The logarithm of the conductance, 0 of no filament and 1 of a whole one."""
        logarithm = lambda x: jnp.log(self.law.conductance(x))
        low, high = logarithm(jnp.zeros_like(state)), logarithm(jnp.ones_like(state))
        return (logarithm(state) - low) / (high - low)

    def __call__(self, image: jax.Array) -> jax.Array:
        """The readings of all nodes at all columns."""
        a, gain, _ = self.chosen

        def node(state: jax.Array, volts: jax.Array) -> tuple[jax.Array, jax.Array]:
            state = self.law.update(state, volts, PULSE)
            state = self.law.update(state, jnp.zeros_like(volts), PULSE)
            return state, self.reading(state)

        def column(carry: Any, pixels: jax.Array) -> tuple[Any, jax.Array]:
            state, before = carry
            volts = a * jnp.abs(self.mask @ pixels + gain * before)  # (devices, nodes)
            state, read = jax.lax.scan(node, state, volts.T)
            return (state, read.T), read.T

        devices, nodes, _ = self.mask.shape
        start = jnp.zeros(devices, jnp.float32), jnp.zeros((devices, nodes), jnp.float32)
        return jax.lax.scan(column, start, image.T)[1].reshape(-1)


def score(line: Line, train: Any, labels: Any, test: Any, test_labels: Any) -> dict[str, Any]:
    """Accuracy of a ridge regression of the readings."""
    begin = time.perf_counter()
    learnt, tested = (digits.in_batches(line, x, size=256) for x in (train, test))
    simulated = time.perf_counter() - begin
    read_out = jaxnn.reservoirs.fit_ridge(learnt, labels, 10, folds=1)
    return {
        "accuracy": np.mean(read_out.classify(tested) == test_labels),
        "features": learnt.shape[1],
        "penalty": read_out.penalty,
        "seconds of simulation": simulated,
        "seconds": time.perf_counter() - begin,
    }


def choose(
    shown: digits.Digits, nodes: int, count: int, tried: Any
) -> tuple[dict[float, Set], dict[str, float]]:
    """For each gain, the set with the best score on images of the training set not learnt from."""
    train, labels = shown.train[:count], shown.train_labels[:count]
    cut, found = 3 * count // 4, {}
    for chosen in itertools.starmap(Set, itertools.product(*tried)):
        line = Line(shown.train.shape[1], nodes, 1, chosen)
        one = score(line, train[:cut], labels[:cut], train[cut:], labels[cut:])
        found[chosen] = float(one["accuracy"])
        print(f"{chosen}: {found[chosen]:.4f} of what was left out", flush=True)
    of = lambda gain: max((x for x in found if x.gain == gain), key=lambda x: found[x])
    return {gain: of(gain) for gain in GAINS}, {str(tuple(x)): value for x, value in found.items()}


def picture(line: Line, image: np.ndarray, found: dict[str, Any], path: Path) -> None:
    """An image, what the device makes of it, and how well it is named."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
    axes[0].imshow(image, cmap="gray_r")
    axes[0].set(title="image, shown column by column", xlabel="column")
    devices, nodes, side = line.mask.shape
    read = np.asarray(line(jnp.asarray(image))).reshape(side, devices, nodes)[:, 0]
    seen = axes[1].imshow(read.T, aspect="auto", cmap="viridis", vmin=0, vmax=max(read.max(), 1e-3))
    axes[1].set(title="readings of one device", xlabel="column", ylabel="virtual node")
    figure.colorbar(seen, ax=axes[1], label="logarithm of the conductance, 0 to 1")
    names = list(found)
    values = [found[name]["accuracy"] for name in names]
    axes[2].barh(range(len(names)), values, color="C0")
    for k, value in enumerate(values):
        axes[2].text(value, k, f" {value:.4f}", va="center", ha="right", color="w")
    axes[2].axvline(PUBLISHED, color="k", ls="--", lw=1, label=f"published, {PUBLISHED:g}")
    axes[2].set_yticks(range(len(names)), names, fontsize=8)
    axes[2].set(xlabel="accuracy of the test set", xlim=(max(0, min(values) - 0.15), 1))
    axes[2].invert_yaxis()
    axes[2].legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    figures.save(figure, path)


def rows(
    shown: digits.Digits, nodes: int, counts: tuple[int, ...], best: dict[float, Set], pieces: Pieces
) -> dict[str, Any]:
    """The scores of all that are compared; those on disk are not worked out again."""
    side, size = shown.train.shape[1], len(shown.train)
    feedback = best[GAINS[1]]
    lines = {
        "one device": Line(side, nodes, 1, feedback),
        "one without feedback": Line(side, nodes, 1, best[0.0]),
        f"two that vary by {SPREAD:.0%}": Line(side, nodes, 2, feedback, SPREAD),
        **{f"{n} devices": Line(side, nodes, n, feedback) for n in counts[1:]},
    }
    found = {}
    for name, line in lines.items():
        make = lambda line=line: score(line, shown.train, shown.train_labels, shown.test, shown.test_labels)
        label = f"{name}-{nodes}-{size}".replace(" ", "-")
        found[name] = pieces.keep_json(label, lambda make=make: script.plain(make()))
        print(f"{name}: {found[name]['accuracy']:.4f}", flush=True)
    flat = lambda images: images.reshape(len(images), -1)
    plain = jaxnn.reservoirs.fit_ridge(flat(shown.train), shown.train_labels, 10, folds=1)
    named = plain.classify(flat(shown.test))
    return found | {"pixels alone": {"accuracy": np.mean(named == shown.test_labels), "features": side**2}}


def main() -> None:
    """Chooses, learns, tests, draws and reports."""
    parser = script.parser(__doc__, "results/delayed_feedback_digits", quick="8 x 8 digits", redraw=True)
    parser.add_argument("--folder", type=Path, help="of the data sets; JAXNN_DATA by default")
    parser.add_argument("--images", type=int, default=60_000, help="to learn from")
    arguments = script.start(parser)
    shown = digits.load(arguments.quick, arguments.folder, arguments.images)
    nodes, count, counts = (24, 800, DEVICES[:2]) if arguments.quick else (28, 6000, DEVICES)
    target = arguments.out / "delayed_feedback_digits.png"
    if arguments.redraw:
        report = script.read_report(arguments.redraw)
        best = {one["gain"]: Set(**one) for one in report["chosen"]}
        found = {k: v for k, v in report.items() if isinstance(v, dict) and "accuracy" in v}
    else:
        some = slice(1) if arguments.quick else slice(None)
        pieces = Pieces(arguments.out / "pieces", aloud=True)
        best, tried = choose(shown, nodes, count, (AMPLITUDES[some], GAINS, DECAYS[some]))
        found = rows(shown, nodes, counts, best, pieces)
        report = {
            "training images": len(shown.train),
            "test images": len(shown.test),
            "published": PUBLISHED,
            "chosen": [one._asdict() for one in best.values()],
            "tried on what was left out": tried,
            **found,
        }
        script.finish(arguments.out / "delayed_feedback_digits.json", report)
    line = Line(shown.train.shape[1], nodes, 1, best[GAINS[1]])
    picture(line, shown.test[0], found, target)


if __name__ == "__main__":
    main()
