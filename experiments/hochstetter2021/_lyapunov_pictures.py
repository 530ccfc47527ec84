"""Pictures of Lyapunov exponents over drives, in the paper's axes."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, SymLogNorm

from experiments.shared import figures
from experiments.shared.figures import plt


NORM = SymLogNorm(0.5, vmin=-60, vmax=60)
FLOOR = -300.0  # [1/s] where -inf is drawn


LAW_COLOURS = {"deposited": "#0072B2", "printed": "#D55E00"}
LAW_NAMES = {
    "deposited": "Simmons, voltage of the step before",
    "printed": "law for low voltages (printed)",
}


def draw_map(path: Path, amplitudes: Any, frequencies: Any, rows: dict[str, list[dict]]) -> None:
    """Fig 6: the deposited exponents, ours by each law, and ours against deposited."""
    shape = len(amplitudes), len(frequencies)
    figure, axes = plt.subplots(2, 2, figsize=(12.5, 9.5), layout="constrained")
    column = lambda law, name: np.array([np.nan if r[name] is None else r[name] for r in rows[law]], float)
    deposited = column(next(iter(rows)), "deposited")
    panels = {"deposited (white: not given)": deposited}
    panels |= {f"ours: {LAW_NAMES[law]}": column(law, "exponent") for law in rows}
    for ax, (title, values) in zip(axes.flat, panels.items(), strict=False):
        if np.isnan(values).all():
            ax.set_title("nothing is deposited of this network")
        # pcolormesh leaves out what is not finite.
        ax.pcolormesh(np.maximum(values, -1e3).reshape(shape), norm=NORM, cmap="RdBu_r")
        if not np.isnan(values).all():
            ax.set_title(title)
        ax.set_xticks(np.arange(shape[1]) + 0.5, [f"{f:g}" for f in frequencies], fontsize=7)
        ax.set_yticks(np.arange(shape[0]) + 0.5, [f"{a:g}" for a in amplitudes], fontsize=7)
        ax.set(xlabel="frequency [Hz]", ylabel="amplitude [V]")
    colours = plt.cm.ScalarMappable(NORM, "RdBu_r")
    figure.colorbar(colours, ax=axes[:, 0].tolist(), label="exponent [1/s]")
    for unused in axes.flat[len(panels) : 3]:
        unused.set_axis_off()
    if np.isnan(deposited).all():
        axes[1, 1].set_axis_off()
    else:
        _draw_agreement(axes[1, 1], deposited, {law: column(law, "exponent") for law in rows})
    figures.save(figure, path, dpi=100)


def _draw_agreement(ax: Any, deposited: Any, ours: dict[str, Any]) -> None:
    """Our exponents against the deposited ones, over the same window."""
    line = np.linspace(-150, 150, 1001)
    tolerance = np.maximum(0.3, 0.1 * abs(line))
    ax.fill_between(line, line - tolerance, line + tolerance, color="0.85", label="10 % or 0.3 /s")
    for (law, values), marker in zip(ours.items(), "ox", strict=False):
        fill = "none" if marker == "o" else LAW_COLOURS[law]
        ax.scatter(
            deposited,
            values,
            s=18,
            marker=marker,
            lw=0.9,
            edgecolors=LAW_COLOURS[law] if marker == "o" else None,
            facecolors=fill,
            label=LAW_NAMES[law],
        )
    for axis in (ax.set_xscale, ax.set_yscale):
        axis("symlog", linthresh=1)
    ax.axhline(0, color="k", lw=0.6)
    ax.axvline(0, color="k", lw=0.6)
    ax.set(xlabel="deposited exponent [1/s]", ylabel="ours [1/s]", xlim=(-150, 200), ylim=(-150, 200))
    ax.set_title("means over the deposited window of 70 s")
    ax.legend(fontsize=8, loc="upper left")


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
    tangent = floor([row["tangent"] for row in rows])
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
        known = "" if row["deposited"] is None else f" (deposited {row['deposited']:.2f})"
        ours = "" if np.isnan(row["exponent"]) else f": {row['exponent']:.2f} /s"
        title = f"{amplitude:g} V, {frequency:g} Hz{ours}{known}"
        ax.set(xlabel="voltage [V]", ylabel="current [µA]", title=title)
    figures.save(figure, path, dpi=100)
