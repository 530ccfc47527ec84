"""One picture of each kind that `jaxnn.plot` draws, from small runs: the figure of docs/plots.md.

The avalanches are drawn from a law, and the hysteresis is a sketch.

python experiments/plots.py --out results/plots
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import tempfile
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxnn
from experiments.shared import figures
from experiments.shared.figures import plt


DT = 1e-3  # [s]
VOLTS = np.linspace(0.5, 6.0, 23)  # [V] pulses of the device
AMPLITUDES, FREQUENCIES = (0.1, 0.2, 0.4, 0.8, 1.2), (0.25, 0.5, 1.0, 2.0)  # [V], [Hz]


def run_network() -> jaxnn.Solution:
    """A network of 60 wires driven up, down and up again, far above its threshold."""
    network = jaxnn.nanowire_network(60, box=20e-6, seed=1)
    terminals, law = jaxnn.farthest_pair(network), jaxnn.TunnelJunction()
    top = 8 * float(jaxnn.threshold_voltage(network, terminals, law))
    steps = 3000
    drive = jaxnn.Triangle(top, 1.25 / (steps * DT))
    record = ("junction_conductance",)
    return jaxnn.simulate(network, law, drive, terminals=terminals, dt=DT, steps=steps, record=record)


def exponents(solution: jaxnn.Solution, quick: bool) -> np.ndarray:
    """The largest exponent at every drive, by two trajectories in one batch."""
    network, law = solution.network, jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 3.0)
    steps = 200 if quick else 2000

    def largest(amplitude: Any, frequency: Any) -> Any:
        drive = jaxnn.Triangle(amplitude, frequency)
        setup = {"terminals": tuple(map(int, solution.terminals)), "dt": 5e-3, "steps": steps}
        return jaxnn.lyapunov_exponents(network, law, drive, interval=100, **setup).exponents[0]

    one_row = jax.vmap(largest, in_axes=(None, 0))
    every = jax.jit(jax.vmap(one_row, in_axes=(0, None)))
    return np.asarray(every(jnp.asarray(AMPLITUDES), jnp.asarray(FREQUENCIES)))


def device() -> tuple[np.ndarray, np.ndarray]:
    """V/I of devices, one for each amplitude of a pulse of 1 µs: 100 s after it, and at once."""
    model = jaxnn.NickelateDevice()
    volts = jnp.asarray(VOLTS)
    pulse = jaxnn.Programme.pulse(volts, 1e-6)
    pulsed = jaxnn.simulate_devices(model, pulse).final_state
    at_once = jaxnn.Programme.read(wait=1e-6, hold=1e-6)
    early = jaxnn.simulate_devices(model, at_once, state=pulsed).resistance[-1]
    return np.asarray(jaxnn.read_resistance(model, pulsed)), np.abs(np.asarray(early))


def draw_runs(axes: Any, solution: jaxnn.Solution) -> None:
    """What one network did."""
    names = ("network", "path", "iv_loop", "conductance")
    for ax, name in zip(axes, names, strict=True):
        draw = getattr(jaxnn.plot, name)
        draw(solution, ax=ax)


def draw_events(axes: Any, solution: jaxnn.Solution, rows: np.ndarray) -> None:
    """When junctions switched, how large avalanches are, and where neighbouring runs part."""
    jaxnn.plot.raster(solution, level=1e-6, ax=axes[0])
    sample = jaxnn.analysis.power_law_sample(1.9, 1, 300, 3000, seed=0)
    found = jaxnn.analysis.fit_power_law(sample, 1, 300, samples=50)
    jaxnn.plot.avalanches(sample, fit=found, label="drawn from a law", ax=axes[1])
    jaxnn.plot.exponent_map(FREQUENCIES, AMPLITUDES, rows, ax=axes[2])


def draw_tuning(axes: Any, solution: jaxnn.Solution) -> None:
    """A sweep, a training curve, and a fit."""
    network, law = solution.network, jaxnn.TunnelJunction()
    setup = {"terminals": tuple(map(int, solution.terminals)), "dt": 1e-3, "steps": 1000}
    amplitudes = np.round(np.linspace(0.1, 1.2, 8), 2)
    over = {"drive.amplitude": amplitudes, "junction.boost": [2.0, 10.0, 50.0]}
    with tempfile.TemporaryDirectory() as out:
        drive = jaxnn.Sine(0.2, 0.5)
        swept = jaxnn.sweep(network, law, drive, over=over, out=out, progress=False, **setup)
        jaxnn.plot.sweep_map(swept, ax=axes[0])
    loss = lambda x: jnp.sum((x - 1.0) ** 2) + 1e-6
    tuned = jaxnn.optimise(
        loss, jnp.linspace(-2.0, 3.0, 6), optimiser=optax.adam(0.1), steps=80, restarts=6, progress=False
    )
    jaxnn.plot.training(tuned, target=1e-5, ax=axes[1])
    time = np.linspace(0.0, 2.0, 60)
    noise = 0.03 * np.random.default_rng(0).standard_normal(60)
    fitted = jaxnn.fit.fit_parameters(
        lambda p: p[0] * jnp.exp(-jnp.asarray(time) / p[1]),
        jnp.asarray([0.5, 1.0]),
        np.exp(-time / 0.6) + noise,
        sigma=0.03,
        held_out=0.2,
    )
    jaxnn.plot.fit(fitted, time, xlabel="time [s]", ylabel="current [µA]", ax=axes[2])


def main() -> None:
    """Runs everything and writes the picture."""
    arguments = script.start(script.parser(__doc__, "results/plots", quick="short runs"))
    figure, axes = plt.subplots(4, 3, figsize=(17, 19), layout="constrained")
    flat = axes.ravel()
    solution = run_network()
    draw_runs(flat[:4], solution)
    draw_events(flat[4:7], solution, exponents(solution, arguments.quick))
    draw_tuning(flat[7:10], solution)
    late, early = device()
    modes = {"resistor": (0.3, 3.9), "synapse": (3.9, 6.2)}
    jaxnn.plot.device_modes(VOLTS, late, early, modes=modes, ax=flat[10])
    reduced = np.linspace(0.2, 2.0, 12)
    up, down = np.where(reduced > 1, 0.9, 1e-3), np.where(reduced > 0.5, 0.9, 1e-3)
    jaxnn.plot.hysteresis(reduced, up, down, ax=flat[11])
    figures.save(figure, arguments.out / "plots.png", dpi=80)
    print(f"picture     {arguments.out / 'plots.png'}")


if __name__ == "__main__":
    main()
