"""Gradients through a chaotic drive explode, and cut windows tune what plain backpropagation cannot.

After the Lyapunov exponents of Fig. 6 of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning
in neuromorphic nanowire networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z; and
Metz, L. et al. Gradients are not all you need. arXiv 2111.05803 (2021).

1. The slope of a late conductance in every earlier drive sample, under an ordered and a chaotic drive,
   beside the growth that `jaxnn.lyapunov_exponents` finds.
2. The shape of a chaotic drive is tuned until the conductance, averaged over the periods of a run, follows
   that of a hidden drive through the period: by backpropagation through the whole run, and by
   `jaxnn.Truncated(window)`. Judged on longer runs from other initial states.

    python experiments/gradients/exploding_gradients.py --out results/exploding_gradients
"""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from matplotlib.ticker import MaxNLocator

import jaxnn
from experiments.shared import figures, script
from experiments.shared.compilation import compile_quickly
from experiments.shared.figures import plt


FREQUENCY = 1.0  # [Hz]
PERIOD = 500  # [steps]
DT = 1 / (FREQUENCY * PERIOD)  # [s]
INTERVAL = 50  # [steps] between two normalisations of the differences
AMPLITUDES = (1.75, 0.8)  # [V] ordered and chaotic in a full run; the exponents tell which is which
TRANSIENT = 4  # periods before slopes are taken
SHAPE = np.asarray([0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5])  # knots of a triangle wave
HIDDEN = 0.8  # [V]
SCATTER = 0.3  # relative deviation of the starts' knots from the hidden ones
BINS = 4  # per period
WINDOWS = {"whole run": None, "1 period": PERIOD, "1/5 period": PERIOD // 5}
LEARNING_RATE = 0.02  # [V]


def build(n_wires):
    """A network at the density of 100 wires on 30 um, and `jaxnn.simulate` and exponents on it."""
    network = jaxnn.nanowire_network(n_wires, box=3e-6 * n_wires**0.5, seed=3)
    junction = jaxnn.parameters.hochstetter2021_ac()
    setup = {"terminals": jaxnn.farthest_pair(network), "dt": DT}
    on_it = lambda f: lambda drive, **options: f(network, junction, drive, **setup, **options)
    return network, on_it(jaxnn.simulate), on_it(jaxnn.lyapunov_exponents)


def wave(knots, periods):
    """Samples [V] of a polygon through the knots, repeated."""
    phase = jnp.arange(1, PERIOD + 1) * (len(SHAPE) / PERIOD)
    period = jnp.interp(phase, jnp.arange(len(SHAPE) + 1), jnp.append(knots, knots[0]))
    return jnp.tile(period, periods)


def random_states(key, network, count):
    """Fluxes [V s] drawn evenly between closed gaps of both signs."""
    return jr.uniform(key, (count, network.n_junctions), minval=-0.01, maxval=0.01)


def slopes(run, exponents, states, periods):
    """|d ln G(T) / d V(t)| [1/V] for every t before T, and the exponents [1/s] of the same runs.

    Shapes (drives, states, steps) and (drives, states).
    """
    steps = periods * PERIOD

    def one(amplitude, state):
        # From a peak of the drive to a peak, or the conductance would be that of no voltage.
        samples = jnp.roll(wave(amplitude * SHAPE, periods), -PERIOD // 4)
        settle = jnp.tile(samples[:PERIOD], TRANSIENT)
        settled = run(settle, state=state, steps=len(settle), every=len(settle)).final_state
        late = lambda v: jnp.log(run(v, state=settled, steps=steps, every=steps).conductance[-1])
        spectrum = exponents(samples, state=settled, steps=steps, interval=INTERVAL)
        return jnp.abs(jax.grad(late)(samples)), spectrum.exponents[0]

    batch = jax.vmap(jax.vmap(one, in_axes=(None, 0)), in_axes=(0, None))
    return jax.tree.map(np.asarray, jax.jit(batch)(jnp.asarray(AMPLITUDES), states))


def profile(run, knots, state, periods, adjoint=None):
    """log10 of the conductance [S] by quarters of the period, averaged over all periods but the first."""
    solution = run(wave(knots, periods), state=state, steps=periods * PERIOD, adjoint=adjoint)
    log = jnp.log10(solution.conductance[PERIOD:]).reshape(periods - 1, BINS, PERIOD // BINS)
    return jnp.nanmean(log, axis=(0, 2))  # there is no conductance where the drive crosses zero


def tune(run, starts, target, states, *, iterations, periods):
    """For every window: the `jaxnn.Optimisation` of all starts."""

    def loss(adjoint, knots, key):
        # A new initial state at every iteration: no drive can fit a single trajectory.
        state = states[jr.randint(key, (), 0, len(states))]
        return jnp.mean((profile(run, knots, state, periods, adjoint) - target) ** 2), knots

    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, iterations))
    runs = {}
    for name, window in WINDOWS.items():
        window = periods * PERIOD if window is None else window
        runs[name] = jaxnn.optimise(
            eqx.Partial(loss, jaxnn.Truncated(jnp.int32(window))),
            starts,
            optimiser=optimiser,
            steps=iterations,
            restarts=len(starts),
            key=jr.key(7),
            has_aux=True,
        )
    return runs


def make_mean_profiles(run, periods, batch):
    """Profiles of drives, (drives, bins), averaged over runs from all states; `batch` runs at a time."""
    simulated = jax.jit(jax.vmap(lambda knots, state: profile(run, knots, state, periods)))

    def mean_profiles(knots, states):
        drive, state = (x.ravel() for x in np.mgrid[: len(knots), : len(states)])
        found = []
        for start in range(0, len(drive), batch):
            # The last batch is filled up, so that one compiled program does for all.
            index = np.minimum(np.arange(start, start + batch), len(drive) - 1)
            found.append(simulated(np.asarray(knots)[drive[index]], np.asarray(states)[state[index]]))
        found = np.concatenate(found)[: len(drive)]
        return found.reshape(len(knots), len(states), BINS).mean(axis=1)

    return mean_profiles


def decay(slope, periods):
    """Median over the states of the largest slope in each tenth of a period: lag [s] and value [1/V]."""
    bins = slope.reshape(len(slope), periods * 10, PERIOD // 10).max(axis=2)
    lag = (periods * 10 - np.arange(periods * 10) - 0.5) / (10 * FREQUENCY)
    return lag, np.median(bins, axis=0)


def summarise(slope, exponents, runs, before, after):
    """All that the table says."""
    drives = {}
    for amplitude, values, growth in zip(AMPLITUDES, slope, exponents, strict=True):
        lag, size = decay(values, values.shape[1] // PERIOD)
        finite = size > 0
        rate = np.polyfit(lag[finite], np.log(size[finite]), 1)[0] if finite.sum() > 2 else None
        exponent = float(growth.mean()) if np.isfinite(growth).all() else None
        # A difference that vanishes, at an exponent of -inf, is ordered too.
        kind = "chaotic" if exponent is not None and exponent > 0 else "ordered"
        drives[f"{amplitude:g} V, {kind}"] = {
            "amplitude_V": amplitude,
            "exponent_per_s": exponent,
            "slope_growth_per_s": rate,
            "lag_s": lag.tolist(),
            "median_slope_per_V": size.tolist(),
        }
    tuning = {}
    for name, result in runs.items():
        tuning[name] = {
            "median_gradient_norm": float(np.median(result.gradient_norm)),
            "largest_gradient_norm": float(result.gradient_norm.max()),
            "median_loss_before": float(np.median(before)),
            "median_loss_after": float(np.median(after[name])),
            "loss_after": after[name].tolist(),
            "improved_tenfold": int((after[name] < before / 10).sum()),
        }
    return {"drives": drives, "tuning": tuning}


def plot(summary, runs, path):
    """Slopes against the time between cause and effect, and what the tuning made of them."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    for colour, (name, numbers) in zip(("C0", "C3"), summary["drives"].items(), strict=True):
        lag, size = np.asarray(numbers["lag_s"]), np.asarray(numbers["median_slope_per_V"])
        axes[0].semilogy(lag, np.where(size > 0, size, np.nan), color=colour, label=name)
        exponent = numbers["exponent_per_s"]
        if exponent is not None:
            line = np.nanmedian(size[-10:]) * np.exp(exponent * (lag - lag[-5]))
            axes[0].semilogy(lag, line, "--", color=colour, label=f"exp({exponent:.2f} t / s)")
    axes[0].set(xlabel="time between drive sample and conductance [s]", ylabel="|d ln G / d V| [1/V]")
    axes[0].legend()
    for name, result in runs.items():
        low, median, high = np.percentile(result.loss, [25, 50, 75], axis=1)
        (curve,) = axes[1].semilogy(median, label=name)
        axes[1].fill_between(np.arange(len(median)), low, high, color=curve.get_color(), alpha=0.2, lw=0)
    axes[1].set(xlabel="iteration", ylabel="loss (decades²), median and quartiles of starts")
    axes[1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[1].legend(title="gradient through")
    figures.save(figure, path, dpi=120)


def main() -> None:
    """Measures the slopes, tunes the drive, prints both and writes the picture."""
    parser = script.parser(
        __doc__, "results/exploding_gradients", quick="a small network and few iterations"
    )
    arguments = script.start(parser)
    if arguments.quick:
        compile_quickly()
    quick = arguments.quick
    n_wires, count, iterations, periods = (10, 2, 2, 2) if quick else (40, 8, 20, 4)

    begin = time.perf_counter()
    network, run, growth = build(n_wires)
    keys = jr.split(jr.key(0), 4)
    states = random_states(keys[0], network, count)
    slope, exponents = slopes(run, growth, states, 2 * periods)

    hidden = np.asarray(HIDDEN * SHAPE, np.float32)
    starts = hidden + HIDDEN * SCATTER * jr.normal(keys[1], (count, len(SHAPE)))
    others = random_states(keys[2], network, 2 * count)
    mean_profiles = make_mean_profiles(run, 2 * periods, len(others))
    (target,) = mean_profiles(hidden[None], others)
    runs = tune(run, starts, target, states, iterations=iterations, periods=periods)
    # Judged on states that neither the target nor the tuning has seen.
    fresh = random_states(keys[3], network, count)
    ends = np.concatenate([hidden[None], starts, *(result.aux[-1] for result in runs.values())])
    scores = ((mean_profiles(ends, fresh) - target) ** 2).mean(axis=1).astype(float)
    before, *after = scores[1:].reshape(-1, count)
    after = dict(zip(runs, after, strict=True))

    summary = summarise(slope, exponents, runs, before, after)
    summary |= {"wires": network.n_nodes, "junctions": network.n_junctions, "starts": count}
    summary |= {"iterations": iterations, "floor": float(scores[0])}
    summary |= {"seconds": time.perf_counter() - begin}
    report(summary)
    plot(summary, runs, arguments.out / "exploding_gradients.png")
    script.finish(arguments.out / "exploding_gradients.json", summary)


def report(summary):
    """The table."""
    for name, numbers in summary["drives"].items():
        exponent, rate = numbers["exponent_per_s"], numbers["slope_growth_per_s"]
        print(f"{name:15} exponent {exponent} /s, slopes grow by {rate} /s going back in time")
    for name, numbers in summary["tuning"].items():
        print(
            f"{name:12} gradient norm {numbers['median_gradient_norm']:.3g} (largest "
            f"{numbers['largest_gradient_norm']:.3g}); loss {numbers['median_loss_before']:.3g} -> "
            f"{numbers['median_loss_after']:.3g}; {numbers['improved_tenfold']} improved tenfold"
        )
    print(f"hidden drive scores {summary['floor']:.3g}; {summary['seconds']:.0f} s in all")


if __name__ == "__main__":
    main()
