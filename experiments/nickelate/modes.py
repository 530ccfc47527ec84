"""One nickelate device in four modes, its walk from one to the next by pulses, and what each term does.

The device of: Zhang, H.-T. et al. Reconfigurable perovskite nickelate electronics for artificial
intelligence. Science 375, 533-539 (2022). doi 10.1126/science.abj7943. Its curves could not be read:
a panel says where a published number stands beside it. Writes modes.png, walk.png and ablations.png.

    python experiments/nickelate/modes.py --out results/nickelate_modes          (--hot: set A)

The parameters were found for function, not fitted to devices: docs/nickelate.md.
"""

import dataclasses as dc
from typing import Any

import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.nickelate import _pictures as plots
from experiments.nickelate._runs import LANES, P, Runner, pick
from experiments.shared import script


NAMES = ("resistor", "neuron", "synapse", "memory capacitor")
FIRED = 1e-3  # [A] at the end of a pulse, some five times what passes before it


def pulse_map(runner: Runner, largest: float) -> dict[str, Any]:
    """Resistance by the standard read, after one pulse of 1 us on an erased device."""
    volts = np.concatenate([[-5.0, 0.0], np.linspace(3, largest, LANES - 2)])
    ends = runner(P.pulse(volts, 1e-6, steps=runner.steps))
    return {
        "voltage": volts,
        "resistance": runner.read(ends.state),
        "after 1 us": runner.read(ends.state, wait=1e-6, hold=1e-6),
        "peak": ends.peak,
    }


def firing(runner: Runner, neuron: Any, volts: np.ndarray, period: float, pulses: int) -> np.ndarray:
    """Currents at the ends of the pulses of a train, (pulses, amplitudes)."""
    train = P.train(volts, count=pulses, width=5e-7, period=period, steps=runner.steps)
    return runner(train, neuron).current[::2]


def pulses_to_fire(current: np.ndarray) -> np.ndarray:
    """The first pulse that fired, NaN where none did."""
    fired = current > FIRED
    return np.where(fired.any(axis=0), fired.argmax(axis=0) + 1.0, np.nan)


def levels(runner: Runner, state: Any, volts: np.ndarray, compliance: float) -> tuple[np.ndarray, Any]:
    """Resistance after each pulse of 1 us, by 0.1 V for 1 ms after 10 s at rest."""
    n = volts.size
    of = lambda *x: np.tile(np.asarray(x), n)
    voltage = np.stack([volts, 0 * volts, 0 * volts + 0.1], axis=1).reshape(-1)
    programme = P(
        voltage, voltage, of(1e-6, 10.0, 1e-3), of(1e-9, 1e-9, 1e-9), of(compliance, 0, 0), runner.steps
    )
    ends = runner(programme, state)
    return 0.1 / ends.current[2::3, 0], ends.state


def facilitation(runner: Runner, synapse: Any, volts: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Current at the end of the second of two pulses over the first, (gaps, amplitudes)."""
    out = []
    for gap in gaps:
        pulse = P.pulse(volts, 5e-7, steps=runner.steps)
        ends = runner(pulse + P.rest(gap, steps=runner.steps) + pulse, synapse)
        out.append(ends.current[-1] / ends.current[0])
    return np.array(out)


def loops(
    runner: Runner, state: Any, amplitudes: np.ndarray, frequency: float, samples: int
) -> dict[str, Any]:
    """The last of two cycles of a sine: charge, stored over leaked current, effective capacitance."""
    phase = 2 * np.pi * np.arange(2 * samples + 1) / samples
    volts = np.sin(phase)[:, None] * amplitudes
    ends = runner(P.sampled(volts, 1 / frequency / samples, steps=runner.steps), state)
    current = ends.charge[-samples:] * frequency * samples
    leak = ends.leaked[-samples:] * frequency * samples
    middle = phase[-samples - 1 : -1] + np.pi / samples
    conductive = 2 / samples * (np.sin(middle)[:, None] * current).sum(0)
    reactive = 2 / samples * (np.cos(middle)[:, None] * current).sum(0)
    stored = np.cumsum(ends.charge[-samples:] - ends.leaked[-samples:], axis=0)
    last = volts[-samples:]
    area = np.abs(np.trapezoid(np.vstack([stored, stored[:1]]), np.vstack([last, last[:1]]), axis=0))
    return {
        "voltage": last,
        "charge": stored - stored.mean(axis=0),
        "ratio": np.ptp(current - leak, axis=0) / np.ptp(leak, axis=0),
        "phase ratio": reactive / conductive,
        "capacitance": np.ptp(stored, axis=0) / np.ptp(volts, axis=0),
        "area": area / (np.ptp(stored, axis=0) * np.ptp(volts, axis=0)),
    }


def retention(runner: Runner, states: Any, times: np.ndarray) -> np.ndarray:
    """Resistance [ohm] at 0.1 V, 1 us after each rest, (times, modes)."""
    programme = None
    for rest in np.diff(times, prepend=0.0):
        one = P.rest(rest, steps=runner.steps) + P.pulse(0.1, 1e-6, steps=runner.steps)
        programme = one if programme is None else programme + one
    return 0.1 / runner(programme, states).current[1::2]


def relaxation(runner: Runner, capacitor: Any, times: np.ndarray) -> np.ndarray:
    """Charge that comes back at 0 V by each time after poling at 533 kV/cm, as a share still to come."""
    length = float(capacitor.length[0] + runner.device.edge_length)
    programme = P.pulse(533e5 * length, 0.07, steps=runner.steps)
    for rest in np.diff(times, prepend=0.0):
        programme = programme + P.rest(rest, steps=runner.steps)
    returned = -np.cumsum(runner(programme, capacitor).charge[1:, 0])
    total = returned[-1]
    return (total - returned[:-1]) / (total - returned[0])


def walk(runner: Runner, set_volts: tuple[float, ...], erase: float, fire: float) -> dict[str, Any]:
    """Resistor, neuron, synapse, memory capacitor and back by one pulse each, tried in each of them."""
    rows, state = [], None
    for name, voltage in zip((*NAMES, "resistor again"), (*set_volts, erase), strict=True):
        ends = runner(P.pulse(np.full(LANES, voltage), 1e-6, steps=runner.steps), state)
        state = ends.state
        resistance = float(runner.read(state)[0])
        state = runner(P.rest(100.0, steps=runner.steps), state).state
        fired = firing(runner, state, np.full(LANES, fire), 1e-6, 20)[:, 0]
        pulses = np.full(8, 4.2 if name in NAMES[2:] else 0.0)
        analog, _ = levels(runner, state, pulses, 0.0)
        loop = loops(runner, state, np.full(LANES, 1.0), 1e4, 16)
        rows.append(
            {
                "mode": name,
                "voltage": voltage,
                "resistance": resistance,
                "fired": fired,
                "analog": analog,
                "ratio": float(loop["ratio"][0]),
                "length": float(state.length[0]),
            }
        )
    return {"rows": rows, "fire": fire}


def ablations(runner: Runner, states: Any, volts: np.ndarray, pulses: int) -> dict[str, Any]:
    """What is lost without integration, without the transition, with an atomic hop, with one time."""
    device = runner.device
    neuron = pick(states, 1)
    without = {
        "as it is": device,
        "gamma = 0": dc.replace(device, charge_gating=0.0 * device.charge_gating),
        "phi = 0": dc.replace(device, transition_temperature=1e5 + 0.0 * device.transition_temperature),
    }
    out: dict[str, Any] = {"voltage": volts}
    for name, changed in without.items():
        start = runner.on(changed)(P.rest(1.0, steps=runner.steps), neuron).state
        out[name] = firing(runner.on(changed), start, volts, 1e-6, pulses)
    fields = np.linspace(50e5, 600e5, LANES)
    for name, hop in (("a = 4 nm", device.hop_length), ("a = 0.38 nm", 0.095 * device.hop_length)):
        other = dc.replace(device, hop_length=hop + 0.0 * device.hop_length)
        numbers = other.cloud()
        hops = jaxnn.kernels.hopping(numbers, jnp.asarray(fields), jnp.full(LANES, 300.0))
        out[name] = np.asarray(numbers.P0 * hops.sinh)
    out["field"] = fields
    times = np.array([3e-4, 1e-3, 1e-2, 1e-1, 1.0, 100.0])
    single = dc.replace(device, relaxation_times=np.full(5, 0.05))
    out["relaxation"] = {
        "time": times[:-1],
        "five times": relaxation(runner, pick(states, 3), times),
        "one of 50 ms": relaxation(runner.on(single), pick(states, 3), times),
    }
    return out


def coupling(runner: Runner, synapse: Any, strengths: tuple[float, ...]) -> dict[str, list[float]]:
    """Charge that a device at 0 V collects while so many of its 15 neighbours are at 2 V for 2 us."""
    found: dict[str, list[float]] = {}
    for strength in strengths:
        sheet = jaxnn.CapacitiveSheet.grid(4, 4, coupling=strength)
        found[str(strength)] = []
        for neighbours in range(0, LANES, 3):
            # The reference is in the middle; the nearest come first.
            far = np.hypot(*(sheet.positions - sheet.positions[5]).T)
            volts = np.zeros(LANES)
            volts[np.argsort(far, kind="stable")[1 : neighbours + 1]] = 2.0
            pulse = P.pulse(volts, 2e-6, steps=runner.steps)
            solution = jaxnn.simulate_devices(runner.device, pulse, state=synapse, sheet=sheet)
            found[str(strength)].append(abs(float(solution.charge[-1, 5])))
    return found


def measure(runner: Runner, hot: bool, short: bool) -> dict[str, Any]:
    """All that the pictures show."""
    volts = (3.0, 4.25, 5.25, 8.5 if hot else 9.5)
    found: dict[str, Any] = {"map": pulse_map(runner, volts[-1] + 1)}
    fresh = runner(P.pulse(np.resize(np.array(volts), LANES), 1e-6, steps=runner.steps)).state
    prepared = runner(P.rest(100.0, steps=runner.steps), fresh).state
    neuron, synapse, capacitor = (pick(prepared, i) for i in (1, 2, 3))

    train = np.linspace(1.47, 1.77, LANES)
    pulses, samples, periods = (20, 16, (1e-6,)) if short else (400, 64, (1e-6, 2e-6, 5e-6))
    currents = {period: firing(runner, neuron, train, period, pulses) for period in periods}
    found["train"] = {"voltage": train, "current": currents[1e-6][:200]}
    found["fire"] = {str(period): pulses_to_fire(current) for period, current in currents.items()}

    negative, positive = ((2.52, 2.62), (2.9, 3.4)) if hot else ((3.0, 3.16), (3.6, 4.2))
    count = 13 if short else 128
    down, middle = levels(runner, synapse, -np.linspace(*negative, count), 3e3)
    up, _ = levels(runner, middle, np.linspace(*positive, count), 3e3)
    found["levels"] = {"potentiation": down, "depression": up}
    gaps = np.array([5e-7, 1e-2]) if short else np.array([5e-7, 2e-6, 9.5e-6, 1e-4, 1e-3, 1e-2])
    pairs = np.resize([2.2, 2.5, 2.8, 3.0], LANES)
    found["facilitation"] = {"gaps": gaps, "ratio": facilitation(runner, synapse, pairs, gaps)}

    sizes = np.resize([0.5, 1.0, 2.0, 3.0, 4.0], LANES)
    found["loops"] = loops(runner, capacitor, sizes, 1e3, samples)
    modes = loops(runner, prepared, np.ones(LANES), 1e4, samples)
    found["reactive"] = {name: modes[name][:4] for name in ("ratio", "phase ratio")}
    times = np.array([1e-6, 1e-3, 1.0, 1e3, 1.6e7]) if short else np.append(np.logspace(-6, 7, 14), 1.6e7)
    found["retention"] = {"time": times, "resistance": retention(runner, fresh, times)[:, :4]}
    decay = np.array([3e-4, 1e-3, 1e-2, 1e-1, 1.0, 100.0])
    found["relaxation"] = {"time": decay, "left": relaxation(runner, capacitor, decay)}
    if not short:
        found["ablations"] = ablations(runner, prepared, train, 200)
        found["coupling"] = coupling(runner, synapse, (0.0, 3e-7, 1e-6))
        found["walk"] = walk(runner, volts, -8.0, 1.7)
    found["largest residual"] = runner.residual
    return found


def _count_text(pulses: float) -> str:
    return "never" if np.isnan(pulses) else f"{pulses:.0f}"


def report(found: dict[str, Any]) -> str:
    """What the criteria of docs/nickelate.md ask for, in words."""
    resistance, (down, up) = found["map"]["resistance"], found["levels"].values()
    count = zip(found["train"]["voltage"].round(2), found["fire"]["1e-06"], strict=True)
    lines = [
        f"resistance from {resistance.min():.4g} to {resistance.max():.4g} ohm",
        f"hottest pulse: {found['map']['peak'].max():.0f} K",
        "pulses to fire: " + ", ".join(f"{volts:.2f} V {_count_text(n)}" for volts, n in count),
        f"levels: {down[0]:.4g} to {down[-1]:.4g} ohm, then to {up[-1]:.4g} ohm",
        f"facilitation: {found['facilitation']['ratio'][:, :4].round(3).tolist()}",
        f"1 V at 10 kHz, stored over leaked current: {found['reactive']['ratio'].round(5).tolist()}",
        f"the same, reactive over in phase: {found['reactive']['phase ratio'].round(5).tolist()}",
        f"area of the Q-V loops over Q V: {found['loops']['area'][:5].round(3).tolist()}",
        f"left after poling: {found['relaxation']['left'].round(3).tolist()}",
        f"largest residual of a step: {found['largest residual']:.1e}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures, draws, and writes the numbers."""
    parser = script.parser(
        __doc__, "results/nickelate_modes", quick="few steps and short trains, one picture"
    )
    parser.add_argument("--hot", action="store_true", help="parameter set A instead of B")
    parser.add_argument("--steps", type=int, help="time steps of a segment: 64, or 16 with --quick")
    arguments = script.start(parser, float64=True)
    device = jaxnn.parameters.nickelate_hot() if arguments.hot else jaxnn.NickelateDevice()
    steps = arguments.steps or (16 if arguments.quick else 64)
    found = measure(Runner(device, steps=steps), arguments.hot, arguments.quick)
    print(report(found))
    name = "A" if arguments.hot else "B"
    plots.modes(found, name, arguments.out / "modes.png")
    if not arguments.quick:
        plots.ablations(found, arguments.out / "ablations.png")
        plots.walk(found["walk"], name, arguments.out / "walk.png")
    script.finish(arguments.out / "nickelate_modes.json", found)


if __name__ == "__main__":
    main()
