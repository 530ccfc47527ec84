"""Pictures of the waveform transformation."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from experiments.shared import figures
from experiments.shared.figures import plt
from experiments.shared.hochstetter2021 import LINEAR, TARGETS


LEAST_RATIO = 10  # on/off, of the drives that the paper shows
FARTHEST = 32  # [1/s], of the exponents that are shown


def plot_exponent(rows: list[dict[str, Any]], exponents: dict[Any, float], path: Path) -> None:
    """Fig 8: the accuracy of each target against the Lyapunov exponent, ours and what is deposited."""
    shown = [row for row in rows if row["on_off_ratio"] >= LEAST_RATIO]
    at = np.asarray([exponents.get((row["amplitude_V"], row["frequency_Hz"]), np.nan) for row in shown])
    if not np.isfinite(at).any():
        return
    norm = LogNorm(0.025, 2)
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained", sharex=True)
    for i, (ax, target, linear) in enumerate(zip(axes.flat, TARGETS, LINEAR, strict=True)):
        known = np.asarray([row["deposited"][i] if row["deposited"] else np.nan for row in shown])
        ours = np.asarray([row["in_sample"][i] for row in shown])
        ax.scatter(at, known, s=60, facecolors="none", edgecolors="0.5", label="deposited, in-sample")
        ax.scatter(at, ours, c=[row["frequency_Hz"] for row in shown], norm=norm, s=18, label="in-sample")
        unseen = [row["unseen"][i] for row in shown]
        ax.scatter(at, unseen, marker="x", color="k", s=14, lw=0.8, label="unseen")
        ax.axhline(linear, color="tab:red", lw=1, ls="--", label="linear network")
        ax.axvline(0, color="0.8", lw=1, zorder=0)
        ax.set(title=target, ylabel="accuracy, 1 - RNMSE")
        # Read-outs trained in chaos can be far worse than none: their marks stand below the picture.
        ax.set_ylim(min(linear, np.nanmin([known, ours])) - 0.1, min(1.02, np.nanmax([known, ours]) + 0.1))
    outside = int(np.sum(np.abs(at) > FARTHEST))
    for ax in axes[1]:
        ax.set(
            xlabel=f"largest Lyapunov exponent [1/s]; {outside} drives beyond", xlim=(-FARTHEST, FARTHEST)
        )
    axes[0, 0].legend(fontsize=8, loc="lower right")
    scale = plt.cm.ScalarMappable(norm)
    bar = figure.colorbar(scale, ax=axes, label="frequency [Hz]", shrink=0.6)
    bar.set_ticks([0.025, 0.1, 0.5, 2], labels=["0.025", "0.1", "0.5", "2"])
    figures.save(figure, path, dpi=110)


def plot_map(rows: list[dict[str, Any]], path: Path) -> None:
    """Accuracy over amplitude and frequency: in-sample, and unseen beyond the input."""
    names = {
        "in_sample": "in-sample",
        "beyond_input": "unseen, beyond the input",
        "coarse": "unseen, coarse",
    }
    norm = Normalize(0, 1)
    figure, axes = plt.subplots(len(names), 4, figsize=(14, 9.5), layout="constrained")
    amplitudes, frequencies = (sorted({row[k] for row in rows}) for k in ("amplitude_V", "frequency_Hz"))
    for r, (name, label) in enumerate(names.items()):
        for i, target in enumerate(TARGETS):
            grid = np.full((len(amplitudes), len(frequencies)), np.nan)
            for row in rows:
                place = amplitudes.index(row["amplitude_V"]), frequencies.index(row["frequency_Hz"])
                grid[place] = row[name][i]
            ax = axes[r, i]
            ax.imshow(grid, origin="lower", aspect="auto", norm=norm)
            figures.all_ticks(ax.xaxis, frequencies)
            figures.all_ticks(ax.yaxis, amplitudes)
            ax.set_title(f"{target}: {label}", fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel("frequency [Hz]")
    for ax in axes[:, 0]:
        ax.set_ylabel("amplitude [V]")
    scale = plt.cm.ScalarMappable(norm)
    figure.colorbar(scale, ax=axes, label="accuracy, 1 - RNMSE; below 0 as 0", shrink=0.5)
    figures.save(figure, path, dpi=100)
