"""Pictures of networks that grow: nodes per class, who is on, and what is remembered."""

import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter

from experiments.shared import figures
from experiments.shared.figures import plt


def plot_phases(n_classes, setting, snapshots, path):
    """Nodes on per class against samples, and the map of nodes on and off after each phase."""
    figure, axes = plt.subplots(1, 5, figsize=(17, 3.6), layout="constrained", width_ratios=[2, 1, 1, 1, 1])
    at = [shown for shown, _, _ in snapshots]
    counts = np.array([[np.sum(on & (label == c)) for c in range(n_classes)] for _, on, label in snapshots])
    half = n_classes // 2
    for c in range(n_classes):
        hue = plt.get_cmap("Blues" if c < half else "Oranges")
        color = hue(0.4 + 0.6 * (c % half) / half)
        axes[0].plot(at, counts[:, c], color=color, lw=1, label=str(c) if n_classes <= 10 else None)
    for end in np.cumsum(setting.phases)[:-1]:
        axes[0].axvline(end, color="0.7", lw=0.8)
    axes[0].set(xlabel="samples", ylabel="nodes that are on")
    if n_classes <= 10:
        axes[0].legend(ncols=2, fontsize="x-small", frameon=False)
    for k, ax in enumerate(axes[1:], start=1):
        picture(ax, n_classes, *snapshots[k * setting.snapshots - 1][1:])
        ax.set_title(f"after phase {k}")
    figures.save(figure, path, dpi=110)


def picture(ax, n_classes, on, label):
    """Nodes as squares: blue for the first half of the classes, orange for the second, pale where off."""
    side = int(np.ceil(len(on) ** 0.5))
    rgb = np.ones((side * side, 3))
    for half, color in ((0, (0.12, 0.47, 0.71)), (1, (1.0, 0.5, 0.05))):
        of = (label >= 0) & ((label >= n_classes // 2) == half)
        rgb[: len(on)][of & on] = color
        rgb[: len(on)][of & ~on] = 0.75 + 0.25 * np.array(color)
    rgb[: len(on)][label == -1] = 0.5
    ax.imshow(rgb.reshape(side, side, 3), interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])


def animate(n_classes, snapshots, path):
    """Nodes that grow, dim and wake."""
    figure, ax = plt.subplots(figsize=(3.4, 3.7), layout="constrained")

    def show(frame):
        shown, on, label = snapshots[frame]
        ax.clear()
        picture(ax, n_classes, on, label)
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
    figures.save(figure, path, dpi=110)
