"""Current against voltage of every published junction law, with the parameters of its paper, under a sine.

Each is one junction between two wires. Milano et al. (2022): the exact step of the rate balance, and the
one that was published, whose bracket is misplaced, with many steps and with few. Strukov et al. (2008):
without a window and with two. Kasdorf et al. (2025): dopants that drift back under a negative voltage, and
dopants that both signs bring in. Nugent and Molter (2014): a million switches and a hundred. The volatile
filament and the dynamic memristor have numbers of this library's choice.

    python experiments/junctions/published_laws.py --out results/published_laws
"""

import warnings
from typing import Any, NamedTuple

import jax
import numpy as np

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt
from jaxnn import parameters


class Panel(NamedTuple):
    """Laws that are shown together, and the sine that drives them."""

    laws: dict[str, jaxnn.AbstractJunction]
    amplitude: float  # [V]
    frequency: float  # [Hz]
    unit: float  # [A] of the axis
    name: str  # of that unit
    log: bool = False  # whether currents are shown by their magnitude, on a logarithmic axis


FEW = "as published, 200 steps"


def balances(made: Any) -> dict[str, jaxnn.AbstractJunction]:
    """The exact step and the published one, which depends on how many there are."""
    published = made(as_published=True)
    return {"exact step": made(), "as published": published, FEW: published}


HP = parameters.strukov2008
PANELS = {
    "rate balance, Milano 2022,\nconnectome": Panel(
        balances(parameters.milano2022_connectome), 0.8, 0.2, 1e-3, "mA"
    ),
    "rate balance, Milano 2022,\npulses": Panel(
        balances(parameters.milano2022_pulses), 0.15, 0.02, 1e-3, "mA"
    ),
    "rate balance, Milano 2022,\nreservoir": Panel(
        balances(parameters.milano2022_reservoir), 0.45, 5.0, 1e-3, "mA"
    ),
    "linear drift, Strukov 2008": Panel(
        {"no window": HP(), "Joglekar": HP(jaxnn.JoglekarWindow(2)), "Biolek": HP(jaxnn.BiolekWindow(2))},
        1.2,
        0.65,
        1e-3,
        "mA",
    ),
    "decaying drift, Kasdorf 2025": Panel(
        {"polar": parameters.kasdorf2025(polar=True), "both signs": parameters.kasdorf2025()},
        10.0,
        1.0,
        1.0,
        "A",
        log=True,
    ),
    "VTEAM, Kvatinsky 2015": Panel(
        {"linear": parameters.kvatinsky2015(), "exponential": jaxnn.VteamJunction(exponential=True)},
        0.3,
        5e6,
        1e-3,
        "mA",
    ),
    "generalised, Yakopcic 2013": Panel({"": parameters.yakopcic2013()}, 0.45, 100.0, 1e-3, "mA"),
    "metastable switches, Nugent 2014": Panel(
        {
            "$10^2$ switches": jaxnn.MetastableSwitchJunction(switches=100),
            "$10^6$": parameters.nugent2014(),
        },
        0.25,
        100.0,
        1e-3,
        "mA",
    ),
    "volatile filament\n(assumed numbers)": Panel(
        {"": jaxnn.VolatileFilamentJunction()}, 0.5, 20.0, 1.0, "A", log=True
    ),
    "dynamic memristor of WO$_x$\n(assumed numbers)": Panel(
        {"": jaxnn.DynamicMemristorJunction()}, 1.8, 5.0, 1e-6, "uA"
    ),
}
QUICK = ("rate balance, Milano 2022,\nconnectome", "generalised", "metastable")  # what titles begin with
PERIODS = 2


def loop(
    law: jaxnn.AbstractJunction, panel: Panel, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voltage [V], current [A] and state of a junction, step by step."""
    out = jaxnn.simulate(
        jaxnn.Network(2, [(0, 1)]),
        law,
        jaxnn.Sine(panel.amplitude, panel.frequency),
        terminals=(0, 1),
        dt=PERIODS / panel.frequency / steps,
        steps=steps,
        record="state",
        key=jax.random.key(0),
    )
    return np.asarray(out.drive[:, 0]), np.asarray(out.terminal_current[:, 0]), np.asarray(out.state[:, 0])


def described(voltage: np.ndarray, current: np.ndarray, state: np.ndarray) -> dict[str, float]:
    """What a loop is judged by, of its last period."""
    last = slice(len(voltage) // PERIODS * (PERIODS - 1), None)
    quarter = len(voltage) // PERIODS // 4
    up, down = current[last][: quarter + 1], current[last][quarter : 2 * quarter + 1][::-1]
    half = np.interp(0.5 * voltage.max(), voltage[last][: quarter + 1], np.arange(quarter + 1))
    return {
        "largest current [A]": np.abs(current).max(),
        "least state": state.min(),
        "largest state": state.max(),
        "current falling over rising, at half the voltage": float(down[round(half)] / up[round(half)]),
        "current at 0 V over the largest": np.abs(current[np.abs(voltage) < 1e-9 * voltage.max()]).max(
            initial=0
        )
        / np.abs(current).max(),
    }


def main() -> None:
    """Computes, draws and reports."""
    parser = script.parser(__doc__, "results/published_laws", quick="three panels, 1,000 steps a loop")
    arguments = script.start(parser, float64=True)
    steps = 1000 if arguments.quick else 8000
    figure, axes = plt.subplots(2, 5, figsize=(18, 7), layout="constrained")
    report: dict[str, Any] = {"steps": steps, "periods": PERIODS}
    for ax, (title, panel) in zip(axes.flat, PANELS.items(), strict=True):
        if arguments.quick and not title.startswith(QUICK):
            continue
        for k, (name, law) in enumerate(panel.laws.items()):
            with warnings.catch_warnings():
                if name == FEW:  # whose steps are as long as those of the paper
                    warnings.simplefilter("ignore", jaxnn.NumericalWarning)
                voltage, current, state = loop(law, panel, 200 if name == FEW else steps)
            report[" ".join([*title.split(), name]).strip()] = described(voltage, current, state)
            shown = np.abs(current) if panel.log else current / panel.unit
            ax.plot(voltage, shown, lw=1, color=f"C{k}", label=name or None)
        period = 1 / panel.frequency
        ax.set_title(f"{title}\n{panel.amplitude:g} V, {in_words(period)}", fontsize=9)
        ax.set(xlabel="voltage [V]", ylabel=f"current [{panel.name}]")
        if panel.log:
            ax.set(yscale="log", ylabel="|current| [A]")
            ax.set_ylim(bottom=1e-6 * ax.get_ylim()[1])
        if "" not in panel.laws:
            ax.legend(fontsize=7)
        ax.axhline(0, color="0.8", lw=0.5, zorder=0)
        ax.axvline(0, color="0.8", lw=0.5, zorder=0)
    figures.save(figure, arguments.out / "published_laws.png")
    script.finish(arguments.out / "published_laws.json", report)


def in_words(period: float) -> str:
    """A period with a unit that fits it."""
    units = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
    scale, unit = next((x, unit) for x, unit in units if period >= x)
    return f"a period of {period / scale:.3g} {unit}"


if __name__ == "__main__":
    main()
