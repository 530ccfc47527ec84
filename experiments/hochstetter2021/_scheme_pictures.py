"""The picture of `scheme_chaos.py`."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared import figures
from experiments.shared.figures import plt


COLOURS = {
    "deposited": "#0072B2",
    "deposited, voltage set back": "#56B4E9",
    "printed": "#D55E00",
    "within the step": "#009E73",
}
NAMES = {
    "deposited": "step before, flux set back (deposited)",
    "deposited, voltage set back": "step before, both set back",
    "printed": "law for low voltages (printed)",
    "within the step": "three ranges, within the step",
}
SHOWN = 40  # steps of a voltage
FLOOR = -300.0  # [1/s] where -inf is drawn
GAPS = (1.0, 0.5, 0.3, 0.1)  # [nm]


def draw(path: Path, report: dict[str, Any], simmons: jaxnn.SimmonsJunction) -> None:
    """The law and its jumps, flips, exponents against the step, validity, and what remains."""
    figure, axes = plt.subplots(2, 3, figsize=(16, 9), layout="constrained")
    _draw_law(axes[0, 0], simmons)
    _draw_flips(axes[0, 1], report, float(simmons.filament.barrier_height) / 2)
    _draw_steps(axes[0, 2], report, 0)
    _draw_steps(axes[1, 0], report, len(report["fast"]) - 1)
    _draw_validity(axes[1, 1], report)
    _draw_line(axes[1, 2], report)
    figures.save(figure, path, dpi=100)


def _draw_law(ax: Any, simmons: jaxnn.SimmonsJunction) -> None:
    """Conductance against voltage at several gaps: as published, and over a width."""
    filament, voltage = simmons.filament, np.linspace(0.01, 1.2, 1191)
    lagged = jaxnn.LaggedSimmonsJunction(filament)
    for gap, colour in zip(GAPS, plt.colormaps["viridis"](np.linspace(0, 0.85, len(GAPS))), strict=True):
        flux = np.full(
            len(voltage), float(filament.critical_flux) * (1 - gap * 1e-9 / float(filament.max_gap))
        )
        state = jnp.stack([jnp.asarray(flux), jnp.asarray(voltage)])
        ax.semilogy(voltage, lagged.conductance(state), color=colour, label=f"gap {gap:g} nm")
        joined = simmons.current(state[0], state[1]) / voltage
        ax.semilogy(voltage, joined, "--", lw=1, color=colour)
    ax.axvline(float(filament.barrier_height) / 2, color="0.7", lw=1, zorder=0)
    ax.set(xlabel="voltage of the junction [V]", ylabel="conductance [S]")
    ax.set_title("it jumps at half the barrier (dashed: a width)")
    ax.legend(fontsize=8)


def _draw_flips(ax: Any, report: dict[str, Any], limit: float) -> None:
    """The voltage of the junction that flips most, where it begins to."""
    voltage = np.array(report["flips"]["deposited, fast"]["voltage"])
    beyond = np.abs(voltage) > limit
    flips = (beyond[2:] != beyond[1:-1]) & (beyond[1:-1] != beyond[:-2])
    # Where most of the flips are within what is shown.
    counts = np.convolve(flips, np.ones(min(SHOWN, len(flips)), int), "valid")
    start = int(np.argmax(counts))
    steps = np.arange(start, min(start + SHOWN, len(voltage)))
    ax.plot(0.5 * (steps - start), voltage[steps], ".-", ms=4, lw=0.7, color=COLOURS["deposited"])
    for sign in (-1, 1):
        ax.axhline(sign * limit, color="0.7", lw=1, zorder=0)
    amplitude, frequency = report["fast"][0]
    share = 100 * report["flips"]["deposited, fast"]["flips"][0]
    ax.set(xlabel="time [ms], steps of 0.5 ms", ylabel="voltage of one junction [V]")
    ax.set_title(f"{amplitude:g} V, {frequency:g} Hz: a junction flips in {share:.1f} % of the steps")


def _draw_steps(ax: Any, report: dict[str, Any], drive: int) -> None:
    """Exponents of one drive against the step."""
    for name, colour in COLOURS.items():
        rows = [row for row in report["steps"] if row["scheme"] == name]
        value, error = (np.array([row[key][drive] for row in rows], float) for key in ("exponent", "error"))
        value = np.maximum(value, FLOOR)
        ax.errorbar(
            [1e3 * row["dt"] for row in rows],
            value,
            2 * error,
            fmt="o-",
            ms=4,
            capsize=2,
            color=colour,
            label=NAMES[name],
        )
    amplitude, frequency = report["fast"][drive]
    ax.set(xscale="log", xlabel="time step [ms]", ylabel="exponent [1/s]")
    ticks = sorted({1e3 * row["dt"] for row in report["steps"]})
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_title(f"{amplitude:g} V, {frequency:g} Hz (bars: twice the error of ten parts)")
    # Room for the legend above the bars.
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.3 * (high - low))
    ax.legend(fontsize=8, loc="upper right")


def _draw_validity(ax: Any, report: dict[str, Any]) -> None:
    """The share of steps in which some junction is beyond half the barrier, over amplitude."""
    for name in ("printed", "within the step"):
        found = report["flips"][f"{name}, line"]
        share = 100 * np.array(found["beyond"])
        ax.plot(report["line_V"], share, "o-", ms=4, color=COLOURS[name], label=NAMES[name])
    ax.set(xlabel=f"amplitude at {report['line_Hz']:g} Hz [V]", ylabel="steps beyond half the barrier [%]")
    ax.set_title("beyond half the barrier")
    ax.legend(fontsize=8)


def _draw_line(ax: Any, report: dict[str, Any]) -> None:
    """Exponents over amplitude by the laws that have a limit, at two steps."""
    for row in report["line"]:
        coarse = row["dt"] == max(other["dt"] for other in report["line"])
        ax.errorbar(
            report["line_V"],
            np.maximum(np.array(row["exponent"], float), FLOOR),
            2 * np.array(row["error"], float),
            fmt="o--" if coarse else "s-",
            ms=4,
            mfc="none" if coarse else None,
            capsize=2,
            color=COLOURS[row["scheme"]],
            label=f"{NAMES[row['scheme']]}, {1e3 * row['dt']:g} ms",
        )
    ax.axhline(0, color="k", lw=0.6)
    ax.set(xlabel=f"amplitude at {report['line_Hz']:g} Hz [V]", ylabel="exponent [1/s]", yscale="symlog")
    ax.set_title("what remains as the step becomes small")
    ax.legend(fontsize=8)
