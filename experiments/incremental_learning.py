"""Classes that come, go and come back: growing networks that switch off, against static ones.

After: Zhang, H.-T. et al. Reconfigurable perovskite nickelate electronics for artificial
intelligence. Science 375, 533 (2022). doi 10.1126/science.abj7943

1. Phases: half of the classes, all of them, the first half again, all again. Nodes of the second half
   should switch off in the third phase and be woken, not grown again, in the fourth.
2. Class-incremental: a group of classes at a time, never shown again. The growing network against static
   ones with as many nodes and the same learning rule, started from copies of samples of the first
   group or from random numbers in the range of the data. Five seeds each.

    python experiments/incremental_learning.py --data digits --out results/incremental_digits
    python experiments/incremental_learning.py --data mnist --folder /data   # or JAXNN_DATA
    python experiments/incremental_learning.py --data cub --folder /data
"""

# Before JAX, because it also sets what XLA logs.
from _cache import keep_compiled  # isort: skip

import argparse
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from tqdm import tqdm

import jaxnn
from jaxnn import data


matplotlib.use("agg")
import matplotlib.pyplot as plt  # the backend has to be chosen before this import
from matplotlib.animation import FuncAnimation, PillowWriter


class Setting(NamedTuple):
    """Everything a result hangs on, in samples where it is a number of them."""

    capacity: int
    activity_threshold: float
    off_after: int
    phases: tuple[int, ...]
    per_group: int
    group: int  # classes that come together
    snapshots: int  # per phase


SETTINGS = {
    "digits": Setting(400, 0.877, 900, (3000, 4000, 3000, 1500), 300, 1, 20),
    "mnist": Setting(2000, 0.80, 6000, (20_000, 30_000, 20_000, 10_000), 3000, 1, 20),
    "cub": Setting(1500, 0.62, 2000, (5_000, 8_000, 5_000, 3_000), 1500, 10, 20),
}
SEEDS = 5
METHODS = ("growing", "static, copies of the first group", "static, random numbers")


class Task(NamedTuple):
    """Samples `(samples, inputs)` and labels, to learn and to test."""

    train: Any
    train_label: Any
    test: Any
    test_label: Any

    @property
    def n_classes(self):
        return int(self.train_label.max()) + 1


def load(name, folder):
    """A data set as rows of numbers of the size of one."""
    if name == "digits":
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        images, labels = load_digits(return_X_y=True)
        parts = train_test_split(images / 16, labels, test_size=500, random_state=0, stratify=labels)
        train, test, train_label, test_label = parts
    elif name == "mnist":
        (train, train_label), (test, test_label) = (data.mnist(folder, s) for s in ("train", "test"))
    else:
        archive = np.load(data.data_folder(folder) / "cub" / "cub100_features.npz", allow_pickle=False)
        features, label, first = archive["features"].astype(np.float32), archive["label"], archive["train"]
        # The same length for every picture, so that nothing of other classes is used.
        features /= np.sqrt(np.mean(features**2, axis=1, keepdims=True))
        train, train_label, test, test_label = (
            features[first],
            label[first],
            features[~first],
            label[~first],
        )
    flat = lambda x: np.asarray(x, np.float32).reshape(len(x), -1)
    return Task(flat(train), np.asarray(train_label), flat(test), np.asarray(test_label))


def draw(task, classes, count, rng):
    """`count` samples of some classes at random, as a stream; all of them once before any again."""
    of = np.flatnonzero(np.isin(task.train_label, classes))
    rounds = [rng.permutation(of) for _ in range(-(-count // len(of)))]
    chosen = np.concatenate(rounds)[:count]
    return task.train[chosen], task.train_label[chosen]


def accuracy(network, state, task, classes, stored=False):
    """The fraction of test samples of some classes that the network names."""
    of = np.isin(task.test_label, classes)
    return float(np.mean(np.asarray(network.classify(state, task.test[of], stored)) == task.test_label[of]))


def run_phases(task, setting, seed):
    """Half of the classes, all, the first half, all: what is on, and how well it does."""
    rng = np.random.default_rng(seed)
    everything = np.arange(task.n_classes)
    first, second = np.split(everything, [task.n_classes // 2])
    network = jaxnn.GrowWhenRequired(
        setting.capacity, activity_threshold=setting.activity_threshold, off_after=setting.off_after
    )
    seeds, seed_labels = draw(task, first, 2, rng)
    state = network.start(seeds, task.n_classes, seed_labels)
    rows, snapshots = [], []
    shown = 0
    for number, (classes, count) in enumerate(
        zip((first, everything, first, everything), setting.phases, strict=True), start=1
    ):
        inputs, labels = draw(task, classes, count, rng)
        parts = setting.snapshots
        kinds, early = np.zeros(4, int), None
        pairs = zip(np.split(inputs, parts), np.split(labels, parts), strict=True)
        for part, (x, y) in enumerate(
            tqdm(pairs, total=parts, desc=f"phase {number}", disable=None), start=1
        ):
            state, history = network.learn(state, x, y)
            kinds += np.bincount(np.asarray(history.kind), minlength=4)
            shown += len(x)
            label = np.where(np.asarray(state.stored), np.asarray(jaxnn.node_labels(state)), -2)
            snapshots.append((shown, np.asarray(state.on), label))
            if part == parts // 10:
                early = accuracy(network, state, task, classes)
        _, on, label = snapshots[-1]
        rows.append(
            {
                "phase": number,
                "classes": classes.tolist(),
                "samples": count,
                "on": int(on.sum()),
                "stored": int(state.stored.sum()),
                "on_of_the_second_half": int(np.isin(label[on], second).sum()),
                "inserted": int(kinds[1]),
                "woken": int(kinds[2]),
                "refused_for_want_of_room": int(kinds[3]),
                "accuracy_first_half": accuracy(network, state, task, first),
                "accuracy_all": accuracy(network, state, task, everything),
                "accuracy_all_stored": accuracy(network, state, task, everything, stored=True),
                "accuracy_of_the_phase_after_a_tenth": early,
            }
        )
    return rows, snapshots


def starts(task, setting, network, method, first, rng):
    """The first network of a class-incremental stream."""
    if method == "growing":
        return network.start(draw(task, first, 2, rng)[0], task.n_classes)
    if method == METHODS[1]:
        return network.start(draw(task, first, setting.capacity, rng)[0], task.n_classes)
    low, high = task.train.min(), task.train.max()
    noise = rng.uniform(low, high, (setting.capacity, task.train.shape[1]))
    return network.start(noise.astype(np.float32), task.n_classes)


def run_incremental(task, setting):
    """Group by group, all seeds of a method at once: accuracies over the classes seen so far."""
    groups = np.arange(task.n_classes).reshape(-1, setting.group)
    out = {}
    for method in METHODS:
        threshold = setting.activity_threshold if method == "growing" else 0.0
        network = jaxnn.GrowWhenRequired(setting.capacity, activity_threshold=threshold)
        rngs = [np.random.default_rng(seed) for seed in range(SEEDS)]
        stack = lambda trees: jax.tree.map(lambda *x: jnp.stack(x), *trees)
        state = stack([starts(task, setting, network, method, groups[0], rng) for rng in rngs])
        learn = jax.jit(jax.vmap(network.learn))
        classify = jax.jit(jax.vmap(network.classify, in_axes=(0, None)))
        seen_so_far, last, nodes = [], [], []
        for k, group in enumerate(tqdm(groups, desc=method, disable=None)):
            inputs, labels = zip(*(draw(task, group, setting.per_group, rng) for rng in rngs), strict=True)
            state, _ = learn(state, np.stack(inputs), np.stack(labels))
            named = np.asarray(classify(state, task.test)) == task.test_label
            seen = np.isin(task.test_label, groups[: k + 1])
            seen_so_far.append(named[:, seen].mean(axis=1))
            nodes.append(np.asarray((jnp.max(state.label_count, axis=2) > 0).sum(axis=1)))
            last.append([named[:, np.isin(task.test_label, g)].mean(axis=1) for g in groups[: k + 1]])
        at_once = np.array([each[-1] for each in last])
        at_the_end = np.array(last[-1])
        out[method] = {
            "accuracy_of_seen": np.array(seen_so_far).T.tolist(),
            "final_accuracy": np.array(seen_so_far)[-1].tolist(),
            "forgetting": (at_once[:-1] - at_the_end[:-1]).mean(axis=0).tolist(),
            "nodes_used": np.array(nodes)[-1].tolist(),
        }
    return out


def plot_phases(task, setting, snapshots, path):
    """Nodes on per class against samples, and the map of nodes on and off after each phase."""
    figure, axes = plt.subplots(1, 5, figsize=(17, 3.6), layout="constrained", width_ratios=[2, 1, 1, 1, 1])
    at = [shown for shown, _, _ in snapshots]
    counts = np.array(
        [[np.sum(on & (label == c)) for c in range(task.n_classes)] for _, on, label in snapshots]
    )
    half = task.n_classes // 2
    for c in range(task.n_classes):
        hue = plt.get_cmap("Blues" if c < half else "Oranges")
        color = hue(0.4 + 0.6 * (c % half) / half)
        axes[0].plot(at, counts[:, c], color=color, lw=1, label=str(c) if task.n_classes <= 10 else None)
    for end in np.cumsum(setting.phases)[:-1]:
        axes[0].axvline(end, color="0.7", lw=0.8)
    axes[0].set(xlabel="samples", ylabel="nodes that are on")
    if task.n_classes <= 10:
        axes[0].legend(ncols=2, fontsize="x-small", frameon=False)
    for k, ax in enumerate(axes[1:], start=1):
        picture(ax, task, *snapshots[k * setting.snapshots - 1][1:])
        ax.set_title(f"after phase {k}")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def picture(ax, task, on, label):
    """Nodes as squares: blue for the first half of the classes, orange for the second, pale where off."""
    side = int(np.ceil(len(on) ** 0.5))
    rgb = np.ones((side * side, 3))
    for half, color in ((0, (0.12, 0.47, 0.71)), (1, (1.0, 0.5, 0.05))):
        of = (label >= 0) & ((label >= task.n_classes // 2) == half)
        rgb[: len(on)][of & on] = color
        rgb[: len(on)][of & ~on] = 0.75 + 0.25 * np.array(color)
    rgb[: len(on)][label == -1] = 0.5
    ax.imshow(rgb.reshape(side, side, 3), interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])


def animate(task, snapshots, path):
    """Nodes that grow, dim and wake."""
    figure, ax = plt.subplots(figsize=(3.4, 3.7), layout="constrained")

    def show(frame):
        shown, on, label = snapshots[frame]
        ax.clear()
        picture(ax, task, on, label)
        ax.set_title(f"{shown:,} samples: {on.sum()} on, {np.sum(label > -2) - on.sum()} off", fontsize=9)

    FuncAnimation(figure, show, frames=len(snapshots)).save(path, PillowWriter(fps=8), dpi=70)
    plt.close(figure)


def plot_incremental(results, path):
    """Accuracy over the classes seen so far: median and range of the seeds."""
    figure, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
    for name, numbers in results.items():
        curves = np.array(numbers["accuracy_of_seen"])
        at = np.arange(1, curves.shape[1] + 1)
        (line,) = ax.plot(at, np.median(curves, axis=0), "o-", ms=3, label=name)
        ax.fill_between(at, curves.min(0), curves.max(0), color=line.get_color(), alpha=0.2, lw=0)
    ax.set(xlabel="groups of classes shown", ylabel="accuracy over the classes seen", ylim=(0, 1))
    ax.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def ratios(results):
    """Final accuracies of the growing network over the static ones: median and range over the seeds."""
    growing = np.array(results["growing"]["final_accuracy"])
    table = {}
    for method in METHODS[1:]:
        ratio = growing / np.array(results[method]["final_accuracy"])
        table[method] = {
            "median": float(np.median(ratio)),
            "range": [float(ratio.min()), float(ratio.max())],
        }
    return table


def main() -> None:
    """Learns, prints both tables, writes pictures and numbers."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", choices=SETTINGS, default="digits")
    parser.add_argument("--folder", type=Path, help="of the data sets; JAXNN_DATA by default")
    parser.add_argument("--out", type=Path, default=Path("results/incremental_learning"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    keep_compiled()
    begin = time.perf_counter()
    setting, task = SETTINGS[arguments.data], load(arguments.data, arguments.folder)
    print(f"{arguments.data}: {task.train.shape[0]:,} samples of {task.train.shape[1]} inputs; {setting}")
    rows, snapshots = run_phases(task, setting, 0)
    for row in rows:
        print({k: v for k, v in row.items() if k != "classes"})
    results = run_incremental(task, setting)
    for method, numbers in results.items():
        final = np.array(numbers["final_accuracy"])
        print(
            f"{method:34} final {np.median(final):.3f} ({final.min():.3f} to {final.max():.3f}), "
            f"forgetting {np.median(numbers['forgetting']):.3f}, "
            f"nodes {np.median(numbers['nodes_used']):.0f}"
        )
    ratio = ratios(results)
    for method, numbers in ratio.items():
        low, high = numbers["range"]
        print(f"growing / {method}: {numbers['median']:.2f} ({low:.2f} to {high:.2f})")
    seconds = time.perf_counter() - begin
    print(f"{seconds:.0f} s")
    plot_phases(task, setting, snapshots, arguments.out / "phases.png")
    animate(task, snapshots, arguments.out / "nodes.gif")
    plot_incremental(results, arguments.out / "incremental.png")
    report = {"setting": setting._asdict(), "seconds": seconds, "phases": rows, "incremental": results}
    report["ratios"] = ratio
    (arguments.out / "incremental_learning.json").write_text(json.dumps(report, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
