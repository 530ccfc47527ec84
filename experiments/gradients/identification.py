"""The hidden parameters of a network's junctions, recovered from its conductance traces by gradient.

The network is known; six numbers of its junctions are not: set and reset voltage, critical and
largest flux, boost and off conductance, each within 30 % of the nominal one. Three voltage
waveforms (one that sets and decays, one that saturates and ramps down, one that sets, holds and
decays) give three traces of the conductance G. The estimate minimises the sum of squares of
ln G - ln G(measured) by the Levenberg-Marquardt method:

    (J^T J + mu diag J^T J) step = -J^T residual,        J = d ln G / d ln(parameters)

in forward mode, one tangent per parameter, with all damping factors mu tried at once. It starts
from those of many random draws whose traces come closest. For Gaussian noise of deviation sigma on
ln G this is the estimate of maximum likelihood, and no unbiased one has smaller error bars than
sigma sqrt(diag (J^T J)^-1): the bound of Cramer and Rao (Kay, Fundamentals of Statistical Signal
Processing I, ch. 3), which the spread over noisy traces is compared with.

    python experiments/gradients/identification.py --out results/identification
"""

import dataclasses
import time
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import jaxnn
from experiments.shared import figures, script
from experiments.shared.compilation import compile_quickly
from experiments.shared.figures import plt


HIDDEN = ("set_voltage", "reset_voltage", "critical_flux", "max_flux", "boost", "off_conductance")
RANGE = (np.log(0.7), np.log(1.3))  # of the hidden parameters, ln(value / nominal)
ALLOWED = np.log(2)  # how far from nominal an estimate may go, |ln(value / nominal)|
INTERVAL = 2e-3  # [s] between two samples of the conductance, and the time step of the model
# Duration [s], first and last voltage [mV for each junction of the shortest path].
WAVEFORMS = {
    "set and decay": ((1.1, 25, 25), (0.9, 1, 1)),
    "saturate and ramp down": ((0.9, 40, 40), (1.1, 20, 0.2)),
    "set, hold and decay": ((1.0, 30, 30), (0.2, 7, 7), (0.8, 2.5, 2.5)),
}
DAMPING = np.logspace(-4, 2, 7)
SMALLEST_CURVATURE = 1e-6  # relative: below this float32 has only rounding
NOISE = (0.001, 0.01, 0.03)  # standard deviation of ln G
WANTED = 0.01  # largest relative error of a success


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is computed."""

    wires: int = 30
    box: float = 17e-6  # [m]
    sets: int = 8  # of hidden parameters
    draws: int = 256
    starts: int = 4
    noisy_starts: int = 1
    iterations: int = 8
    noise: tuple[float, ...] = NOISE
    realisations: int = 16
    half_time_step: bool = True


QUICK = Size(
    wires=10,
    box=9e-6,
    sets=2,
    draws=62,
    starts=2,
    noisy_starts=2,
    iterations=8,
    noise=(0.01,),
    realisations=2,
    half_time_step=False,
)


def build(size):
    """A network, the two farthest wires, and how many junctions they are apart."""
    network = jaxnn.nanowire_network(size.wires, box=size.box, seed=5)
    terminals = jaxnn.farthest_pair(network)
    return network, terminals, network.path_length(*terminals)


def sample(segments, dt):
    """A waveform at the steps dt, 2 dt, ...; an edge belongs to the segment that it ends."""
    ends = np.cumsum([duration for duration, _, _ in segments])
    times = dt * np.arange(1, round(ends[-1] / dt) + 1)
    segment = np.searchsorted(ends, times - dt / 2)
    duration, first, last = np.asarray(segments).T[:, segment]
    passed = 1 - (ends[segment] - times) / duration
    return first + (last - first) * passed


def junction_at(theta):
    """The law whose hidden parameters are exp(theta) times the nominal ones."""
    nominal = jaxnn.TunnelJunction()
    return jaxnn.TunnelJunction(
        **{name: getattr(nominal, name) * jnp.exp(x) for name, x in zip(HIDDEN, theta, strict=True)}
    )


def make_traces(network, terminals, path, dt=INTERVAL):
    """ln G as a function of theta, (waveforms * samples,), simulated with time step dt [s]."""
    volts = 1e-3 * path * np.stack([sample(segments, dt) for segments in WAVEFORMS.values()])
    every = round(INTERVAL / dt)

    def traces(theta):
        def run(drive):
            solution = jaxnn.simulate(
                network,
                junction_at(theta),
                drive,
                terminals=terminals,
                dt=dt,
                steps=volts.shape[1],
                every=every,
            )
            return jnp.log(solution.conductance)

        return jax.vmap(run)(jnp.asarray(volts, theta.dtype)).ravel()

    return traces


def jacobian(traces, theta):
    """ln G and its derivatives, (samples,) and (samples, parameters)."""
    push = lambda tangent: jax.jvp(traces, (theta,), (tangent,))
    return jax.vmap(push, out_axes=(None, 1))(jnp.eye(theta.size, dtype=theta.dtype))


def make_fit(traces, iterations):
    """Levenberg-Marquardt from one start to one measurement: theta and the rms residual, by iteration."""

    def iterate(theta, measured):
        value, J = jacobian(traces, theta)
        residual = value - measured
        gradient, curvature = J.T @ residual, J.T @ J
        scale = jnp.sqrt(jnp.diag(curvature))
        scale = jnp.maximum(scale, 1e-3 * jnp.max(scale))
        # One eigendecomposition solves the damped equations for every mu.
        eigenvalues, axes = jnp.linalg.eigh(curvature / jnp.outer(scale, scale))
        eigenvalues = jnp.maximum(eigenvalues, SMALLEST_CURVATURE)
        parts = axes.T @ (gradient / scale)
        damped = eigenvalues + jnp.asarray(DAMPING, theta.dtype)[:, None]
        tried = jnp.clip(theta - (parts / damped) @ axes.T / scale, -ALLOWED, ALLOWED)
        squares = jax.vmap(lambda t: jnp.mean((traces(t) - measured) ** 2))(tried)
        # The present one is among the candidates: the residual never grows.
        tried = jnp.concatenate([theta[None], tried])
        squares = jnp.append(jnp.mean(residual**2)[None], squares)
        best = jnp.argmin(jnp.where(jnp.isfinite(squares), squares, jnp.inf))
        return tried[best], (tried[best], jnp.sqrt(squares[best]))

    def fit(start, measured):
        step = lambda theta, _: iterate(theta, measured)
        return jax.lax.scan(step, start, length=iterations)[1]

    return fit


def simulate_all(traces, thetas):
    """ln G at many parameters, in batches so that memory does not grow with their number."""
    return jax.jit(lambda x: jax.lax.map(traces, x, batch_size=64))(thetas)


def measure(clean, finer, key, size):
    """The measurements by name, samples last: of all sets, and noisy ones of the first set.

    The finer ones, (sets, samples), are simulated with a shorter time step than the model's.
    """
    noise = jr.normal(key, (len(size.noise), size.realisations, clean.shape[1]))
    noisy = clean[0] + jnp.asarray(size.noise)[:, None, None] * noise
    return {"clean": clean, "noisy": noisy} | ({} if finer is None else {"finer": finer})


def nearest(library, measured):
    """For each measurement the draws that come closest, nearest first, (data, draws, parameters)."""
    draws, simulated = library
    squares = jax.lax.map(lambda one: jnp.sum((simulated - one) ** 2, axis=1), measured)
    return draws[jnp.argsort(squares, axis=1)]


def fit_all(traces, measured, library, size):
    """The fits of the measurements, by name: path (iterations, ..., starts, parameters) and rms of each.

    Each starts from the draws nearest to it, of which the noisy ones take fewer.
    """
    starts_of = {"clean": size.starts, "finer": size.starts // 2, "noisy": size.noisy_starts}
    flat = {name: data.reshape(-1, data.shape[-1]) for name, data in measured.items()}
    starts = [nearest(library, data)[:, : starts_of[name]] for name, data in flat.items()]
    # All in one compiled call.
    every_start = jnp.concatenate([start.reshape(-1, len(HIDDEN)) for start in starts])
    every_data = jnp.concatenate([jnp.repeat(flat[name], starts_of[name], axis=0) for name in flat])
    fit = jax.jit(jax.vmap(make_fit(traces, size.iterations), out_axes=1))
    results = [np.asarray(x, float) for x in fit(every_start, every_data)]
    fits, begin = {}, 0
    for name, data in measured.items():
        end = begin + len(flat[name]) * starts_of[name]
        shape = (size.iterations, *data.shape[:-1], starts_of[name])
        path, rms = (x[:, begin:end].reshape(*shape, *x.shape[2:]) for x in results)
        fits[name] = {"path": path, "rms": rms}
        begin = end
    return fits


def best_of(fit):
    """The estimate with the smallest residual among the starts, and that residual."""
    path, rms = fit["path"][-1], fit["rms"][-1]
    best = np.argmin(rms, axis=-1)[..., None]
    return np.take_along_axis(path, best[..., None], -2)[..., 0, :], np.take_along_axis(rms, best, -1)[
        ..., 0
    ]


def bounds(J):
    """Cramer-Rao bound for unit noise and condition number of the Jacobians at the truths."""
    bound = np.sqrt(np.diagonal(np.linalg.inv(np.swapaxes(J, 1, 2) @ J), axis1=1, axis2=2))
    return bound, np.linalg.cond(J)


def named(values):
    """Numbers under the names of the parameters."""
    return dict(zip(HIDDEN, np.asarray(values, float).tolist(), strict=True))


def summarise_sets(hidden, fit, draws, bound, condition):
    """One record for every hidden set; errors are relative, estimate / truth - 1."""
    estimate, rms = best_of(fit)
    error = np.expm1(estimate - hidden)
    every_start = abs(np.expm1(fit["path"] - hidden[:, None])).max(axis=-1)
    records = []
    for i in range(len(hidden)):
        records.append(
            {
                "truth_over_nominal": named(np.exp(hidden[i])),
                "error": named(error[i]),
                "largest_error": abs(error[i]).max(),
                "rms_residual": rms[i],
                "starts_within": int((every_start[-1, i] < WANTED).sum()),
                "best_draw_largest_error": draws[i],
                "condition": condition[i],
                "bound_at_1_percent_noise": named(0.01 * bound[i]),
            }
        )
    return records


def summarise_noise(truth, fit, bound, size):
    """Bias and spread over the noise for each level, next to the bound; errors are relative."""
    estimate, rms = best_of(fit)
    error = np.expm1(estimate - truth)
    return [
        {
            "noise": level,
            "bias": named(error[i].mean(axis=0)),
            "spread": named(error[i].std(axis=0, ddof=1)),
            "bound": named(level * bound),
            "rms_over_noise": [rms[i].min() / level, rms[i].max() / level],
            "largest_error": abs(error[i]).max(),
            "errors": error[i].tolist(),
        }
        for i, level in enumerate(size.noise)
    ]


def plot_traces(measured, truth, values, path):
    """A noisy measurement with the traces of the nearest draw and of the fit."""
    shape = (len(WAVEFORMS), -1)
    figure, axes = plt.subplots(2, len(WAVEFORMS), figsize=(13, 6), layout="constrained", sharex=True)
    for i, (name, segments) in enumerate(WAVEFORMS.items()):
        voltage = sample(segments, INTERVAL)
        time_ = INTERVAL * np.arange(1, len(voltage) + 1)
        axes[0, i].plot(time_, voltage, color="k", lw=1)
        for threshold, dashes in (("set_voltage", ":"), ("reset_voltage", "--")):
            level = 1e3 * float(getattr(jaxnn.TunnelJunction(), threshold))
            level *= float(np.exp(truth[HIDDEN.index(threshold)]))
            axes[0, i].axhline(level, ls=dashes, lw=1, color="tab:red", label=threshold.replace("_", " "))
        axes[0, i].set_title(name)
        G = lambda x, i=i: np.exp(np.asarray(x).reshape(shape)[i])
        axes[1, i].semilogy(time_, G(measured), ".", ms=3, color="0.7", label="measured")
        axes[1, i].semilogy(time_, G(values[0]), lw=1, ls="--", color="tab:orange", label="start")
        axes[1, i].semilogy(time_, G(values[1]), lw=1.2, color="tab:blue", label="fit")
        axes[1, i].set(xlabel="time [s]")
    axes[0, 0].set(ylabel="voltage / path length [mV]")
    axes[1, 0].set(ylabel="conductance [S]")
    axes[0, 0].legend(loc="upper right", fontsize=8)
    axes[1, 1].legend(loc="lower center")
    figures.save(figure, path, dpi=120)


def plot_errors(records, path):
    """Every estimate over its truth against noise, with the bound of Cramer and Rao as error bars."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 6), layout="constrained", sharex=True)
    at = np.arange(len(records))
    for i, (ax, name) in enumerate(zip(axes.flat, HIDDEN, strict=True)):
        for k, record in enumerate(records):
            errors = 100 * np.asarray(record["errors"])[:, i]
            ax.plot(k + np.linspace(-0.3, -0.1, len(errors)), errors, ".", color="0.6", ms=4)
        mean = [100 * record["bias"][name] for record in records]
        spread = [100 * record["spread"][name] for record in records]
        bound = [100 * record["bound"][name] for record in records]
        ax.errorbar(at, mean, spread, fmt="o", ms=4, capsize=4, color="tab:blue", label="mean, spread")
        ax.errorbar(
            at + 0.2, np.zeros(len(at)), bound, fmt="_", capsize=4, color="tab:red", label="Cramer-Rao"
        )
        ax.axhline(0, color="k", lw=0.5)
        ax.set(title=name.replace("_", " "), xlim=(-0.5, len(at) - 0.5))
        ax.set_xticks(at, [f"{100 * record['noise']:g} %" for record in records])
    for ax in axes[:, 0]:
        ax.set_ylabel("estimate / truth - 1 [%]")
    for ax in axes[1]:
        ax.set_xlabel("noise of the conductance")
    axes[0, 0].legend(fontsize=8)
    figures.save(figure, path, dpi=120)


def experiment(size, out):
    """Everything but the printing: the report, with two pictures on the way."""
    network, terminals, path = build(size)
    traces = make_traces(network, terminals, path)
    keys = jr.split(jr.key(0), 2)
    thetas = jr.uniform(keys[0], (size.sets + size.draws, len(HIDDEN)), minval=RANGE[0], maxval=RANGE[1])
    simulated = simulate_all(traces, thetas)
    hidden, library = thetas[: size.sets], (thetas[size.sets :], simulated[size.sets :])
    finer = make_traces(network, terminals, path, dt=INTERVAL / 2)
    finer = simulate_all(finer, hidden) if size.half_time_step else None
    measured = measure(simulated[: size.sets], finer, keys[1], size)
    fits = fit_all(traces, measured, library, size)

    truth = np.asarray(hidden, float)
    first = nearest(library, measured["clean"])[:, 0]
    shown = jnp.stack([first[0], jnp.asarray(fits["noisy"]["path"][-1, -1, 0, 0], first.dtype)])
    slopes = jax.jit(jax.vmap(lambda theta: jacobian(traces, theta)))
    values, J = slopes(jnp.concatenate([hidden, shown]))
    bound, condition = bounds(np.asarray(J, float)[: size.sets])
    draw_error = abs(np.expm1(np.asarray(first, float) - truth)).max(axis=1)
    noise = summarise_noise(truth[0], fits["noisy"], bound[0], size)
    plot_traces(measured["noisy"][-1, 0], truth[0], values[-2:], out / "identification_traces.png")
    plot_errors(noise, out / "identification_errors.png")
    by_set = lambda name: summarise_sets(truth, fits[name], draw_error, bound, condition)
    return {
        "size": dataclasses.asdict(size),
        "network": {"wires": network.n_nodes, "junctions": network.n_junctions, "path": path},
        "clean": by_set("clean"),
        "half_time_step": by_set("finer") if "finer" in fits else [],
        "noise": noise,
    }


def show(report: dict[str, Any]) -> None:
    """A short table of the report."""
    row = lambda values, scale=100: " ".join(f"{scale * values[name]:>16.3g}" for name in HIDDEN)
    print(" " * 24 + " ".join(f"{name:>16}" for name in HIDDEN))
    for title, key in (("clean", "clean"), ("data with half dt", "half_time_step")):
        records = report[key]
        if not records:
            continue
        for i, record in enumerate(records):
            print(f"{title:19} {i:2} %  {row(record['error'])}")
        within = sum(record["largest_error"] < WANTED for record in records)
        hits = sum(record["starts_within"] for record in records)
        print(f"  {within} of {len(records)} sets within 1 %; {hits} of all starts led there")
    for record in report["noise"]:
        for name in ("bias", "spread", "bound"):
            print(f"noise {100 * record['noise']:3g} %, {name:8} % {row(record[name])}")
    worst = max(report["clean"], key=lambda record: record["condition"])
    print(f"largest condition number {worst['condition']:.0f}; there 1 % of noise gives at least, in %")
    print(" " * 24 + row(worst["bound_at_1_percent_noise"]))


def main() -> None:
    """Runs the experiment, prints the table and writes pictures and JSON."""
    parser = script.parser(__doc__, "results/identification", quick="a small network and few measurements")
    arguments = script.start(parser)
    if arguments.quick:
        compile_quickly(optimise=True)
    begin = time.perf_counter()
    report = experiment(QUICK if arguments.quick else Size(), arguments.out)
    report["seconds"] = time.perf_counter() - begin
    show(report)
    print(f"{report['seconds']:.0f} s")
    script.finish(arguments.out / "identification.json", report)


if __name__ == "__main__":
    main()
