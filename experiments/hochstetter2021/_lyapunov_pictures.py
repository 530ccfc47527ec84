"""Pictures of Lyapunov exponents over drives, in the paper's axes."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, SymLogNorm

from experiments.shared import figures
from experiments.shared.figures import plt


NORM = SymLogNorm(0.5, vmin=-60, vmax=60)
FLOOR = -300.0  # [1/s] where -inf is drawn


def draw_map(path: Path, amplitudes: Any, frequencies: Any, rows: list[dict]) -> None:
    """Fig 6: our exponents, the deposited ones, those of tangents, and ours against deposited."""
    shape = len(amplitudes), len(frequencies)
    column = lambda name: np.array([np.nan if r[name] is None else r[name] for r in rows], float)
    ours, deposited = column("exponent"), column("published")
    early, error = column("early"), column("early_error")
    tangent = np.array([row["tangent"][0] for row in rows])
    figure, axes = plt.subplots(2, 2, figsize=(12.5, 9.5), layout="constrained")
    panels = (ours, "two trajectories"), (deposited, "deposited"), (tangent, "tangent")
    for ax, (values, title) in zip(axes.flat, panels, strict=False):
        if np.isnan(values).all():
            ax.set_title(f"{title}: " + ("none" if values is deposited else "not simulated yet"))
            continue
        title += " (white: not given)" if values is deposited else ""
        # pcolormesh leaves out what is not finite.
        ax.pcolormesh(np.maximum(values, -1e3).reshape(shape), norm=NORM, cmap="RdBu_r")
        if np.any(np.isneginf(values)):
            y, x = np.nonzero(np.isneginf(values).reshape(shape))
            ax.plot(x + 0.5, y + 0.5, "w_", ms=7)
            title += " (bar: -inf)"
        ax.set_xticks(np.arange(shape[1]) + 0.5, [f"{f:g}" for f in frequencies], fontsize=7)
        ax.set_yticks(np.arange(shape[0]) + 0.5, [f"{a:g}" for a in amplitudes], fontsize=7)
        ax.set(xlabel="frequency [Hz]", ylabel="amplitude [V]", title=title)
    colours = plt.cm.ScalarMappable(NORM, "RdBu_r")
    figure.colorbar(colours, ax=axes[0].tolist(), label="exponent [1/s]")
    if not np.isnan(deposited).all():
        _draw_agreement(axes[1, 1], deposited, ours, early, error)
    figures.save(figure, path, dpi=100)


def _draw_agreement(ax: Any, deposited: Any, ours: Any, early: Any, error: Any) -> None:
    """Our exponents against the deposited ones."""
    line = np.linspace(-150, 150, 1001)
    tolerance = np.maximum(0.3, 0.1 * abs(line))
    ax.fill_between(line, line - tolerance, line + tolerance, color="0.85", label="10 % or 0.3 /s")
    ax.plot(deposited, ours, "o", color="0.5", ms=3, mfc="none", label="all that is simulated")
    ax.errorbar(deposited, early, 2 * error, fmt="o", ms=3, lw=0.8, label="the first 80 s, twice the error")
    for axis in (ax.set_xscale, ax.set_yscale):
        axis("symlog", linthresh=1)
    ax.axhline(0, color="k", lw=0.6)
    ax.axvline(0, color="k", lw=0.6)
    ax.set(xlabel="deposited exponent [1/s]", ylabel="ours [1/s]", xlim=(-150, 150), ylim=(-150, 150))
    ax.legend(fontsize=8)


def draw_methods(path: Path, rows: list[dict], probes: dict[str, Any], distances: Any) -> None:
    """Where the two methods part: exponents against the distance, and both over all drives."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
    floor = lambda values: np.maximum(np.asarray(values, float), FLOOR)
    for i, (amplitude, frequency) in enumerate(probes["drives"]):
        found = [probes["settings"][f"{d:g} V s"]["exponent"][i] for d in distances]
        (line,) = left.plot(distances, floor(found), "o-", ms=4, label=f"{amplitude:g} V, {frequency:g} Hz")
        left.plot(
            min(distances) / 10, floor(probes["tangent"]["exponent"][i][0]), "*", color=line.get_color()
        )
    left.set(xscale="log", xlabel="distance [V s] (stars: tangent)", title=f"-inf is drawn at {FLOOR:g}")
    left.legend(fontsize=7)
    tangent = floor([row["tangent"][0] for row in rows])
    if rows:
        slope = np.array([row["amplitude_V"] * row["frequency_Hz"] for row in rows])
        norm = LogNorm(slope.min(), slope.max())
        points = right.scatter([row["exponent"] for row in rows], tangent, c=slope, norm=norm, s=14)
        figure.colorbar(points, ax=right, label="amplitude x frequency [V/s]")
    right.plot([-300, 300], [-300, 300], "k-", lw=0.6)
    right.set(xlabel="two trajectories, 5e-4 V s [1/s]", xscale="symlog", xlim=(-300, 300))
    right.set_title("not simulated yet" if np.isnan(tangent).all() else "all drives")
    for ax in (left, right):
        ax.set_yscale("symlog")
        ax.set(ylabel="exponent [1/s]", ylim=(1.3 * FLOOR, 300))
        ax.axhline(0, color="k", lw=0.6)
    right.set_ylabel("tangent [1/s]")
    figures.save(figure, path, dpi=100)


def draw_loops(path: Path, curves: list[tuple[Any, Any, Any]], rows: list[dict]) -> None:
    """Fig 7: current against voltage."""
    figure, axes = plt.subplots(
        1, len(curves), figsize=(4.2 * len(curves), 4), layout="constrained", squeeze=False
    )
    for ax, ((amplitude, frequency), voltage, current) in zip(axes[0], curves, strict=True):
        (row,) = (r for r in rows if (r["amplitude_V"], r["frequency_Hz"]) == (amplitude, frequency))
        ax.plot(voltage, 1e6 * current, lw=0.4)
        known = "" if row["published"] is None else f" (deposited {row['published']:.2f})"
        ours = "" if np.isnan(row["exponent"]) else f": {row['exponent']:.2f} /s"
        title = f"{amplitude:g} V, {frequency:g} Hz{ours}{known}"
        ax.set(xlabel="voltage [V]", ylabel="current [µA]", title=title)
    figures.save(figure, path, dpi=100)
