"""The edge of chaos: a drive whose Lyapunov exponent is zero, approached from order and from chaos.

After Fig. 6 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire
networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

1. A map of the largest exponent over amplitude and frequency of a triangular drive.
2. The slope of the exponent in the amplitude, by three ways: the gradient through the whole run, the
   gradient through windows (`window=` of `jaxnn.lyapunov_exponents`), and the secant of long runs.
3. `jaxnn.optimise` makes the squared exponent small, from starts on both sides, with the gradient
   through the run and with an averaged secant: a plane through the exponents of runs whose amplitudes
   and frequencies lie around the present ones. Longer runs from other states judge the ends.

    python experiments/gradients/edge_of_chaos.py --out results/edge_of_chaos
"""

import time

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

import jaxnn
from experiments.shared import figures, script
from experiments.shared.compilation import compile_quickly
from experiments.shared.figures import plt


DT = 2e-3  # [s]
FREQUENCY = 0.8  # [Hz] where slopes are compared and tuning starts
MAP_FREQUENCIES = (0.2, 0.5, 0.8)  # [Hz]
MAP_AMPLITUDES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.75, 2.5)  # [V]
PROBES = (0.6, 1.0, 1.5)  # [V] where slopes are compared
SECANT = 0.1  # [V] half the distance of its two points
SCATTER = 0.15  # of amplitude and frequency, up and down, in an averaged secant
WINDOWS = (1, 5, 20)  # intervals: 0.25, 1.25 and 5 s
STARTS = (0.5, 0.65, 0.75, 1.3, 1.5, 1.8)  # [V]
BOXES = {"amplitude": (0.3, 3.0), "frequency": (0.1, 2.0)}  # [V], [Hz]
LEARNING_RATE = 0.03  # of a box, about 0.08 V
# Where all states are clamped or dissolved at once every difference vanishes, and its exponent is -inf:
# for a loss, this takes its place.
LEAST = -5.0  # [1/s]
MEMBERS = {"gradient": 2, "secant": 16}  # runs per evaluation


class Setting:
    """The network, and the lengths of runs in steps."""

    def __init__(self, quick: bool):
        n_wires = 12 if quick else 100
        self.network = jaxnn.nanowire_network(n_wires, box=3e-6 * n_wires**0.5, seed=3)
        self.terminals = jaxnn.farthest_pair(self.network)
        # The full elimination compiles faster.
        self.solver = jaxnn.Dense() if quick else None
        self.interval = 25 if quick else 125  # [steps]; 125 are 0.2 periods at the start
        # Intervals of transient, which takes as long to compile as the run, and of the run: 4 and 8 s.
        self.short = (0, 2) if quick else (16, 32)
        self.long = (0, 2) if quick else (16, 40)  # 4 and 10 s
        self.members = 2 if quick else 4  # runs of a long mean
        self.iterations = 2 if quick else 20


def growth(setting, amplitude, frequency, key, intervals, dt=DT, window=None):
    """Growth rates [1/s] of a difference over each interval, after a transient from a random state."""
    transient, length = (setting.interval * n for n in intervals)
    junction, drive = jaxnn.parameters.hochstetter2021_ac(), jaxnn.Triangle(amplitude, frequency)
    state_key, difference_key = jr.split(key)
    setup = {"terminals": setting.terminals, "dt": dt, "solver": setting.solver}
    state = jr.uniform(state_key, (setting.network.n_junctions,), minval=-0.01, maxval=0.01)
    step = 0
    if transient:
        settled = jaxnn.simulate(
            setting.network,
            junction,
            jax.lax.stop_gradient(drive),
            **setup,
            state=state,
            steps=transient,
            every=transient,
        )
        state, step = settled.final_state, settled.final_step
    spectrum = jaxnn.lyapunov_exponents(
        setting.network,
        junction,
        drive,
        **setup,
        state=state,
        start_step=step,
        steps=length,
        interval=setting.interval,
        window=window,
        key=difference_key,
    )
    # The difference turns to its leading direction in the first quarter.
    return spectrum.growth[intervals[1] // 4 :, 0]


def make_measure(setting):
    """Long exponents [1/s], (drives, members), of amplitudes and frequencies (drives,)."""

    def one(amplitude, frequency, key, dt):
        return jnp.mean(growth(setting, amplitude, frequency, key, setting.long, dt))

    batch = jax.vmap(jax.vmap(one, in_axes=(None, None, 0, None)), in_axes=(0, 0, 0, None))
    compiled = jax.jit(batch)

    def measure(amplitudes, frequencies, seed, dt=DT):
        # Always as many as the map has, so that one compiled program does for all.
        n_map = len(MAP_AMPLITUDES) * len(MAP_FREQUENCIES)
        fill = lambda x: jnp.pad(jnp.asarray(x, jnp.float32), (0, n_map - len(x)), mode="edge")
        keys = jr.split(jr.key(seed), (n_map, setting.members))
        return np.asarray(compiled(fill(amplitudes), fill(frequencies), keys, dt))[: len(amplitudes)]

    return measure


def statistics(values):
    """Mean and standard error over the members; None where a difference vanished."""
    if np.isneginf(values).any():
        return {"exponent_per_s": None, "error_per_s": None}
    error = values.std(ddof=1) / len(values) ** 0.5
    return {"exponent_per_s": float(values.mean()), "error_per_s": float(error)}


def compare_slopes(setting, measure):
    """Slopes of the exponent [1/(V s)] at the probes: secants, and gradients by window."""
    at = np.concatenate([PROBES, np.add(PROBES, SECANT), np.subtract(PROBES, SECANT)])
    middle, above, below = measure(at, np.full(len(at), FREQUENCY), 2).reshape(3, len(PROBES), -1)
    secant = (above - below) / (2 * SECANT)

    def one(amplitude, key, window):
        mean = lambda a: jnp.mean(growth(setting, a, FREQUENCY, key, setting.short, window=window))
        # Of one number, so that forward mode is the cheaper one; the slope is the same.
        return jax.jacfwd(mean)(amplitude)

    batch = jax.vmap(jax.vmap(one, in_axes=(None, 0, None)), in_axes=(0, None, None))
    compiled, keys = jax.jit(batch), jr.split(jr.key(3), setting.members)
    windows = {f"{setting.interval * DT * w:g} s": w for w in WINDOWS} | {"whole run": setting.short[1]}
    slopes = {"secant": secant}
    for name, window in windows.items():
        slopes[name] = np.asarray(compiled(jnp.asarray(PROBES), keys, jnp.int32(setting.interval * window)))
    table = []
    for i, amplitude in enumerate(PROBES):
        row = {"amplitude_V": amplitude, **statistics(middle[i])}
        for name, values in slopes.items():
            v = values[i][np.isfinite(values[i])]
            if len(v) > 1:
                row[name] = {"median": float(np.median(v)), "mean": float(v.mean())}
                row[name]["error"] = float(v.std(ddof=1) / len(v) ** 0.5)
        table.append(row)
    return table


def make_loss(setting, method):
    """The squared exponent as `jaxnn.optimise` wants it, with the exponent and the drive."""

    def exponents(amplitudes, frequencies, key):
        keys = jr.split(key, len(amplitudes))
        rate = lambda a, f, k: jnp.mean(growth(setting, a, f, k, setting.short))
        return jnp.maximum(jax.vmap(rate)(amplitudes, frequencies, keys), LEAST)

    def gradient(drive, key):
        every = {name: jnp.broadcast_to(value, MEMBERS[method]) for name, value in drive.items()}
        mean = jnp.mean(exponents(every["amplitude"], every["frequency"], key))
        return mean**2, (mean, drive)

    def secant(drive, key):
        # Half of the runs at the drive itself; as many at each of four corners around it as at the
        # others, which makes the two slopes independent.
        n = MEMBERS[method] // 8
        corners = jnp.tile(jnp.asarray([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]), (n, 1))
        factors = jnp.exp(SCATTER * jnp.concatenate([corners, jnp.zeros((4 * n, 2))]))
        here = jax.lax.stop_gradient(drive)
        rates = exponents(here["amplitude"] * factors[:, 0], here["frequency"] * factors[:, 1], key)
        slopes = jnp.mean(corners * rates[: 4 * n, None], axis=0) / SCATTER
        plane = slopes[0] * jnp.log(drive["amplitude"]) + slopes[1] * jnp.log(drive["frequency"])
        mean = jaxnn.measured(jnp.mean(rates[4 * n :]), plane)
        return mean**2, (mean, drive)

    return {"gradient": gradient, "secant": secant}[method]


def tune(setting, method):
    """All starts at once."""
    schedule = optax.cosine_decay_schedule(LEARNING_RATE, setting.iterations)
    return jaxnn.optimise(
        make_loss(setting, method),
        {"amplitude": jnp.asarray(STARTS), "frequency": jnp.full(len(STARTS), FREQUENCY)},
        optimiser=optax.adam(schedule, b1=0.5),  # little momentum, which would overshoot
        steps=setting.iterations,
        constraints={name: jaxnn.Box(*limits) for name, limits in BOXES.items()},
        restarts=len(STARTS),
        key=jr.key(4),
        has_aux=True,
    )


def judge(setting, measure, runs):
    """Exponents at the starts and at the last drives, by long runs; and with half the time step."""
    last = {name: {k: np.asarray(v[-1]) for k, v in run.aux[1].items()} for name, run in runs.items()}
    amplitudes = np.concatenate([STARTS, *(drive["amplitude"] for drive in last.values())])
    frequencies = np.full(len(STARTS), FREQUENCY)
    frequencies = np.concatenate([frequencies, *(drive["frequency"] for drive in last.values())])
    whole = measure(amplitudes, frequencies, 5).reshape(3, len(STARTS), -1)
    halved = measure(amplitudes, frequencies, 6, DT / 2).reshape(3, len(STARTS), -1)
    rows = []
    for m, (method, drive) in enumerate(last.items(), start=1):
        per_run = setting.interval * sum(setting.short)
        steps = setting.iterations * MEMBERS[method] * per_run
        for i, start in enumerate(STARTS):
            rows.append(
                {
                    "method": method,
                    "start_V": start,
                    "start": statistics(whole[0, i]),
                    "end_V": float(drive["amplitude"][i]),
                    "end_Hz": float(drive["frequency"][i]),
                    "end": statistics(whole[m, i]),
                    "end_half_dt": statistics(halved[m, i]),
                    "network_steps": steps,
                    "exponents_on_the_way": np.round(runs[method].aux[0][:, i], 3).tolist(),
                    "median_gradient_norm": float(np.median(runs[method].gradient_norm[:, i])),
                }
            )
    return rows


def make_map(measure):
    """Exponents over the grid, (amplitudes, frequencies, members)."""
    a, f = np.meshgrid(MAP_AMPLITUDES, MAP_FREQUENCIES, indexing="ij")
    return measure(a.ravel(), f.ravel(), 1).reshape(*a.shape, -1)


def plot(grid, slopes, runs, rows, path):
    """The map, the slopes, and the ways of all starts."""
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.4), layout="constrained")
    for i, frequency in enumerate(MAP_FREQUENCIES):
        finite = np.isfinite(grid[:, i]).all(-1)
        mean, deviation = grid[finite, i].mean(-1), grid[finite, i].std(-1, ddof=1)
        error = deviation / grid.shape[-1] ** 0.5
        label = f"{frequency:g} Hz"
        axes[0].errorbar(np.asarray(MAP_AMPLITUDES)[finite], mean, error, marker="o", ms=3, label=label)
    axes[0].axhline(0, color="k", lw=0.8)
    axes[0].set(xlabel="amplitude [V]", ylabel="exponent [1/s]", title="left out: -inf")
    axes[0].legend()
    for row in slopes:
        names = [n for n in row if isinstance(row[n], dict)]
        centre = [row[n]["mean"] for n in names]
        error = [row[n]["error"] for n in names]
        label = f"{row['amplitude_V']:g} V"
        axes[1].errorbar(names, centre, error, fmt="o", capsize=3, label=label)
    axes[1].set_yscale("symlog", linthresh=10)
    axes[1].set(xlabel="way", ylabel="slope of the exponent [1/(V s)]", title="mean and standard error")
    axes[1].legend()
    for (method, run), style in zip(runs.items(), (":", "-"), strict=True):
        axes[2].set_prop_cycle(None)  # the colours of the starts over again
        drive = run.aux[1]
        label = [method] + [None] * (len(STARTS) - 1)
        axes[2].plot(drive["amplitude"], drive["frequency"], style, label=label)
    for row in (row for row in rows if row["method"] == "secant"):
        rate = row["end"]["exponent_per_s"]
        text = " -inf" if rate is None else f" {rate:.2f}"
        axes[2].plot(row["end_V"], row["end_Hz"], "ko", ms=3)
        axes[2].annotate(text, (row["end_V"], row["end_Hz"]), fontsize=8, va="center")
    axes[2].set(
        xlabel="amplitude [V]", ylabel="frequency [Hz]", title="all start at 0.8 Hz; exponents [1/s]"
    )
    axes[2].legend(loc="center")
    figures.save(figure, path, dpi=120)


def show(numbers):
    """An exponent with its error."""
    if numbers["exponent_per_s"] is None:
        return "-inf"
    return f"{numbers['exponent_per_s']:.2f} +- {numbers['error_per_s']:.2f}"


def main() -> None:
    """Measures, tunes, prints the table and writes picture and numbers."""
    parser = script.parser(__doc__, "results/edge_of_chaos", quick="a small network, short runs")
    arguments = script.start(parser)
    if arguments.quick:
        compile_quickly()
    begin = time.perf_counter()
    setting = Setting(arguments.quick)
    measure = make_measure(setting)

    grid = make_map(measure)
    for amplitude, row in zip(MAP_AMPLITUDES, grid, strict=True):
        print(f"{amplitude:5g} V ", "  ".join(f"{show(statistics(r)):>14}" for r in row), flush=True)
    slopes = compare_slopes(setting, measure)
    for row in slopes:
        print(
            {
                k: v if not isinstance(v, dict) else f"{v['mean']:.3g} +- {v['error']:.2g}"
                for k, v in row.items()
            }
        )
    runs = {method: tune(setting, method) for method in MEMBERS}
    rows = judge(setting, measure, runs)
    for row in rows:
        print(
            f"{row['method']:9} {row['start_V']:5.2f} V ({show(row['start'])}) -> {row['end_V']:.3f} V, "
            f"{row['end_Hz']:.3f} Hz "
            f"({show(row['end'])}; half dt {show(row['end_half_dt'])}), {row['network_steps']:,} steps"
        )
    seconds = time.perf_counter() - begin
    print(f"{seconds:.0f} s in all")
    plot(grid, slopes, runs, rows, arguments.out / "edge_of_chaos.png")
    finite = grid.astype(object)
    finite[~np.isfinite(grid)] = None
    report = {
        "wires": setting.network.n_nodes,
        "junctions": setting.network.n_junctions,
        "seconds": seconds,
    }
    report |= {"map": finite.tolist(), "slopes": slopes, "tuning": rows}
    script.finish(arguments.out / "edge_of_chaos.json", report)


if __name__ == "__main__":
    main()
