"""The pictures of `modes.py`."""

from pathlib import Path
from typing import Any

import numpy as np

import jaxnn
from experiments.shared import figures
from experiments.shared.figures import plt


NAMES = ("resistor", "neuron", "synapse", "memory capacitor")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
# Shares left 1 to 1000 ms after poling at 533 kV/cm: a fit of Fig. 2h of 10.1038/s41467-024-49213-0.
MEASURED = {1e-3: 0.88, 1e-2: 0.61, 1e-1: 0.33, 1.0: 0.12}
NONE = "no published curve could be read"


def _title(ax: Any, text: str, published: str = NONE) -> None:
    ax.set_title(text, fontsize=10, loc="left", pad=16)
    ax.text(0, 1.02, published, transform=ax.transAxes, fontsize=7, color="0.4")


def _shades(count: int) -> np.ndarray:
    return plt.get_cmap("viridis")(np.linspace(0, 0.9, count))


def _map(ax: Any, found: dict[str, Any]) -> None:
    volts = found["map"]["voltage"]
    jaxnn.plot.device_modes(volts, found["map"]["resistance"], found["map"]["after 1 us"], ax=ax)
    ax.set(xlabel="amplitude of one 1 µs pulse [V]", ylabel="V/I at 0.1 V [Ω]")
    ax.legend(["100 s after it", "1 µs after it"], fontsize=7)
    _title(ax, "Single-pulse map", "8 decades are possible (SmNiO$_3$); " + NONE)


def _trains(ax: Any, found: dict[str, Any]) -> None:
    train = found["train"]
    chosen = range(2, len(train["voltage"]), 2)
    for i, colour in zip(chosen, _shades(len(chosen)), strict=True):
        current = train["current"][:, i]
        ax.semilogy(
            np.arange(1, current.size + 1),
            current,
            color=colour,
            lw=1,
            label=f"{train['voltage'][i]:.2f} V",
        )
    ax.set(xlabel="pulse (0.5 µs, every µs)", ylabel="current at its end [A]")
    ax.legend(fontsize=6, ncol=2)
    _title(ax, "Neuron: trains")


def _fire(ax: Any, found: dict[str, Any]) -> None:
    for (period, count), colour in zip(found["fire"].items(), _shades(len(found["fire"])), strict=True):
        ax.semilogy(
            found["train"]["voltage"],
            count,
            "o-",
            ms=3,
            color=colour,
            label=f"every {1e6 * float(period):g} µs",
        )
    ax.set(xlabel="amplitude [V]", ylabel="pulses until it fires")
    ax.legend(fontsize=7)
    _title(ax, "Neuron: pulses to fire", "accumulates, then fires (Science 2022); " + NONE)


def _levels(ax: Any, found: dict[str, Any]) -> None:
    down, up = found["levels"]["potentiation"], found["levels"]["depression"]
    ax.plot(np.arange(down.size), down / 1e3, ".", ms=3, color=COLOURS[2], label="negative, through 3 kΩ")
    ax.plot(
        np.arange(down.size, down.size + up.size),
        up / 1e3,
        ".",
        ms=3,
        color=COLOURS[1],
        label="positive, through 3 kΩ",
    )
    ax.set(xlabel="pulse (1 µs, amplitude rising)", ylabel="V/I at 0.1 V [kΩ]", yscale="log")
    ax.legend(fontsize=7)
    _title(
        ax, "Synapse: potentiation and depression", "128 levels measured (ACS Nano 2025), curve not read"
    )


def _facilitation(ax: Any, found: dict[str, Any]) -> None:
    gaps, ratio = found["facilitation"]["gaps"], found["facilitation"]["ratio"]
    for i, (volts, colour) in enumerate(zip((2.2, 2.5, 2.8, 3.0), _shades(4), strict=True)):
        ax.semilogx(gaps, ratio[:, i], "o-", ms=3, color=colour, label=f"{volts} V")
    ax.axhline(1, color="0.7", lw=0.8)
    ax.set(xlabel="gap between two 0.5 µs pulses [s]", ylabel="second / first current")
    ax.legend(fontsize=7)
    _title(ax, "Synapse: short-term facilitation")


def _loops(axes: Any, found: dict[str, Any]) -> None:
    loop = found["loops"]
    for i, (volts, colour) in enumerate(zip((0.5, 1, 2, 3, 4), _shades(5), strict=True)):
        closed = np.append(np.arange(len(loop["voltage"])), 0)
        axes[0].plot(
            loop["voltage"][closed, i], 1e12 * loop["charge"][closed, i], color=colour, label=f"{volts} V"
        )
    axes[0].set(xlabel="voltage [V]", ylabel="charge [pC]")
    axes[0].legend(fontsize=7)
    _title(axes[0], "Memory capacitor: Q-V at 1 kHz", "transient space charge measured; " + NONE)
    axes[1].plot((0.5, 1, 2, 3, 4), 1e12 * loop["capacitance"][:5], "o-", color=COLOURS[3])
    axes[1].set(xlabel="amplitude at 1 kHz [V]", ylabel="effective capacitance [pF]", ylim=(0, None))
    _title(axes[1], "Memory capacitor: C-V")


def _retention(ax: Any, found: dict[str, Any]) -> None:
    for i, name in enumerate(NAMES):
        keep = found["retention"]["resistance"][:, i]
        ax.loglog(found["retention"]["time"], np.abs(keep), "o-", ms=3, color=COLOURS[i], label=name)
    ax.set(xlabel="time since the set pulse [s]", ylabel="|V/I| at 0.1 V for 1 µs [Ω]")
    ax.legend(fontsize=7, loc="center right", bbox_to_anchor=(1, 0.3))
    _title(ax, "Retention, read at every point", "six months reported (Science 2022), no curve")


def _relaxation(ax: Any, found: dict[str, Any]) -> None:
    time, left = found["relaxation"]["time"], found["relaxation"]["left"]
    ax.semilogx(time[:-1], left, "o-", color=COLOURS[3], label="device, poled at 533 kV/cm")
    ax.semilogx(list(MEASURED), list(MEASURED.values()), "k^", label="measured at 533 kV/cm")
    ax.set(xlabel="time at 0 V [s]", ylabel="charge still to come back / at 0.3 ms")
    ax.legend(fontsize=7)
    _title(ax, "Relaxation after poling", "beside Nat. Commun. 2024, Fig. 2h (fit of its points)")


def modes(found: dict[str, Any], name: str, path: Path) -> None:
    """All modes on one page."""
    figure, axes = plt.subplots(3, 3, figsize=(14, 12), layout="constrained")
    _map(axes[0, 0], found)
    _trains(axes[0, 1], found)
    _fire(axes[0, 2], found)
    _levels(axes[1, 0], found)
    _facilitation(axes[1, 1], found)
    _retention(axes[1, 2], found)
    _loops(axes[2, :2], found)
    _relaxation(axes[2, 2], found)
    figure.suptitle(
        f"One set of equations, parameter set {name}: found for function, not fitted to devices"
    )
    figures.save(figure, path, dpi=110)


def walk(found: dict[str, Any], name: str, path: Path) -> None:
    """What one device does between the pulses that change its mode."""
    rows = found["rows"]
    figure, axes = plt.subplots(3, len(rows), figsize=(15, 8), layout="constrained", sharey="row")
    for i, row in enumerate(rows):
        colour = COLOURS[i % len(COLOURS)]
        top, middle, bottom = axes[:, i]
        top.plot(np.arange(1, 21), row["fired"], ".-", color=colour)
        top.set(yscale="log", xlabel="pulse")
        top.set_title(
            f"{row['mode']}\nby one pulse of {row['voltage']:+g} V, 1 µs\n"
            f"{row['resistance']:.3g} Ω, l = {1e9 * row['length']:.1f} nm",
            fontsize=10,
        )
        middle.plot(np.arange(1, 9), row["analog"] / row["analog"][0], "o-", color=colour)
        middle.set(xlabel="pulse")
        bottom.bar([0], [row["ratio"]], color=colour)
        bottom.set(xticks=[], xlim=(-1, 1), yscale="log")
        bottom.text(0, row["ratio"], f"{row['ratio']:.2g}", ha="center", va="bottom")
    axes[0, 0].set_ylabel(f"current in a train\nof {found['fire']} V pulses [A]")
    axes[1, 0].set_ylabel("V/I after pulses of 4.2 V\n(0 V if short), over the first")
    axes[2, 0].set_ylabel("stored / leaked\ncurrent, 1 V at 10 kHz")
    figure.suptitle(f"One device (set {name}) walks through its modes by single pulses")
    figures.save(figure, path, dpi=110)


def ablations(found: dict[str, Any], path: Path) -> None:
    """What each term does, by taking it away."""
    rows = found["ablations"]
    figure, axes = plt.subplots(2, 3, figsize=(14, 8.4), layout="constrained")
    axes = axes.ravel()
    for name, colour in zip(("as it is", "gamma = 0", "phi = 0"), COLOURS, strict=False):
        current = rows[name]
        axes[0].semilogy(rows["voltage"], current[-1] / current[0], "o-", ms=3, color=colour, label=name)
        jump = np.max(current[1:] / current[:-1], axis=0)
        axes[1].semilogy(rows["voltage"], jump, "o-", ms=3, color=colour, label=name)
    axes[0].set(
        xlabel="amplitude [V]", ylabel="last / first current of the train", title="Integration needs gamma"
    )
    axes[1].set(
        xlabel="amplitude [V]",
        ylabel="largest jump from pulse to pulse",
        title="Firing needs the transition",
    )
    for name, colour in zip(("a = 4 nm", "a = 0.38 nm"), COLOURS, strict=False):
        axes[2].semilogy(rows["field"] / 1e5, rows[name], color=colour, label=name)
    axes[2].semilogy(
        [133, 267, 400, 533], [0.0381, 0.1125, 0.313, 0.970], "k^", label="measured, 0.3 ms after poling"
    )
    axes[2].set(
        xlabel="field [kV/cm]", ylabel="poled charge [C/m$^2$]", title="The field law needs hops of 4 nm"
    )
    for name, colour in zip(("five times", "one of 50 ms"), COLOURS, strict=False):
        axes[3].semilogx(
            rows["relaxation"]["time"], rows["relaxation"][name], "o-", color=colour, label=name
        )
    axes[3].semilogx(list(MEASURED), list(MEASURED.values()), "k^", label="measured at 533 kV/cm")
    axes[3].set(
        xlabel="time at 0 V [s]", ylabel="charge still to come back", title="Relaxation needs many times"
    )
    for (strength, charge), colour in zip(found.get("coupling", {}).items(), COLOURS, strict=False):
        count = 3 * np.arange(len(charge))
        axes[4].plot(
            count,
            1e15 * np.array(charge),
            "o-",
            color=colour,
            label=f"$g_0$ = {1e6 * float(strength):g} µS",
        )
    axes[4].set(
        xlabel="neighbours at 2 V",
        ylabel="collected by a device at 0 V in 2 µs [fC]",
        title="Neighbours need the sheet",
    )
    axes[5].axis("off")
    for ax in axes[:5]:
        if ax.lines:
            ax.legend(fontsize=8)
    figures.save(figure, path, dpi=110)
