"""The hidden parameters of a network's junctions, recovered from its conductance traces by gradient.

The network is known; six numbers of its junctions are not: set and reset voltage, critical and
largest flux, boost and off conductance, each within 30 % of the nominal one. Three voltage
waveforms (one that sets and decays, one that saturates and ramps down, one that sets, holds and
decays) give three traces of the conductance G. `jaxnn.fit.fit_parameters` minimises the sum of squares of
ln G - ln G(measured) by the Levenberg-Marquardt method, in forward mode, one tangent per parameter,
from the draws whose traces come closest. For Gaussian noise of deviation sigma on ln G this is the
estimate of maximum likelihood, and no unbiased one has smaller error bars than
sigma sqrt(diag (J^T J)^-1): the bound of Cramer and Rao (Kay, Fundamentals of Statistical Signal
Processing I, ch. 3), which the spread over noisy traces is compared with.

    python experiments/gradients/identification.py --out results/identification
"""

import dataclasses
import time
import warnings
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
ALLOWED = 2.0  # times nominal, and nominal over it, are the bounds of an estimate
INTERVAL = 2e-3  # [s] between two samples of the conductance, and the time step of the model
# Duration [s], first and last voltage [mV for each junction of the shortest path].
WAVEFORMS = {
    "set and decay": ((1.1, 25, 25), (0.9, 1, 1)),
    "saturate and ramp down": ((0.9, 40, 40), (1.1, 20, 0.2)),
    "set, hold and decay": ((1.0, 30, 30), (0.2, 7, 7), (0.8, 2.5, 2.5)),
}
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
    iterations: int = 40
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
    iterations=40,
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
    """For each measurement the draw that comes closest, (data, parameters)."""
    draws, simulated = library
    squares = jax.lax.map(lambda one: jnp.sum((simulated - one) ** 2, axis=1), measured)
    return draws[jnp.argmin(squares, axis=1)]


class Fitter:
    """The fit of one measurement after another, with programs that are compiled once."""

    def __init__(self, traces, library, size):
        self.library, self.size = library, size
        nominal = jaxnn.TunnelJunction()
        value = lambda name: float(getattr(nominal, name))
        bounds = {name: jaxnn.Box(value(name) / ALLOWED, value(name) * ALLOWED) for name in HIDDEN}
        self.constraints = jaxnn.only(nominal, **bounds)
        self.nominal = np.array([value(name) for name in HIDDEN])
        self.predict = lambda law: traces(
            jnp.stack([jnp.log(getattr(law, name) / value(name)) for name in HIDDEN])
        )

    def __call__(self, measured, starts, noise=1.0):
        """The `jaxnn.fit.Fit` of each measurement, samples last; what it says against itself is in it."""
        method = jaxnn.fit.LevenbergMarquardt(self.size.iterations, draws=16)
        first = nearest(self.library, measured)
        with warnings.catch_warnings(action="ignore", category=jaxnn.NumericalWarning):
            return [
                jaxnn.fit.fit_parameters(
                    self.predict,
                    junction_at(start),
                    data,
                    sigma=noise,
                    constraints=self.constraints,
                    starts=starts,
                    held_out=0,
                    method=method,
                )
                for start, data in zip(first, np.asarray(measured), strict=True)
            ]

    def theta(self, fit):
        """The estimate as ln(value / nominal), in the order of `HIDDEN`."""
        return np.log(self.ordered(fit, fit.estimate) / self.nominal)

    def ordered(self, fit, numbers):
        """Numbers of a fit, parameters last, in the order of `HIDDEN`."""
        return numbers[..., [fit.names.index(name) for name in HIDDEN]]


def bounds(fitter, fit):
    """Cramer-Rao bound of the logarithms for unit noise, and the condition number of the Jacobian."""
    values = fitter.ordered(fit, fit.estimate)
    order = [fit.names.index(name) for name in HIDDEN]
    covariance = fit.covariance[np.ix_(order, order)] / np.outer(values, values)
    return np.sqrt(np.diag(covariance)), float(np.sqrt(np.linalg.cond(covariance)))


def named(values):
    """Numbers under the names of the parameters."""
    return dict(zip(HIDDEN, np.asarray(values, float).tolist(), strict=True))


def summarise_sets(fitter, hidden, fits, draws, limits):
    """One record for every hidden set; errors are relative, estimate / truth - 1."""
    records = []
    for i, (fit, (bound, condition)) in enumerate(zip(fits, limits, strict=True)):
        error = np.expm1(fitter.theta(fit) - hidden[i])
        ends = fitter.ordered(fit, fit.start_estimates) / fitter.nominal
        every_start = abs(ends / np.exp(hidden[i]) - 1).max(axis=-1)
        records.append(
            {
                "truth_over_nominal": named(np.exp(hidden[i])),
                "error": named(error),
                "largest_error": abs(error).max(),
                "rms_residual": float(np.sqrt(np.mean((fit.predicted - fit.data) ** 2))),
                "starts": len(every_start),
                "starts_within": int((every_start < WANTED).sum()),
                "best_draw_largest_error": draws[i],
                "condition": condition,
                "bound_at_1_percent_noise": named(0.01 * bound),
            }
        )
    return records


def summarise_noise(fitter, truth, fits, level, bound):
    """Bias and spread over the noise of one level, next to the bound; errors are relative."""
    error = np.expm1(np.stack([fitter.theta(fit) for fit in fits]) - truth)
    covered = np.stack(
        [
            fitter.ordered(fit, (abs(fit.estimate - truth_of(fit, truth)) < 2 * fit.standard_error))
            for fit in fits
        ]
    )
    rms = [np.sqrt(fit.chi2_per_freedom) for fit in fits]
    return {
        "noise": level,
        "bias": named(error.mean(axis=0)),
        "spread": named(error.std(axis=0, ddof=1)),
        "bound": named(level * bound),
        "covered": named(covered.mean(axis=0)),
        "problems": sum(bool(fit.problems) for fit in fits),
        "rms_over_noise": [min(rms), max(rms)],
        "largest_error": abs(error).max(),
        "errors": error.tolist(),
    }


def truth_of(fit, truth):
    """The hidden values in the order of a fit."""
    law = junction_at(jnp.asarray(truth))
    return np.array([float(getattr(law, name)) for name in fit.names])


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
    fitter = Fitter(traces, library, size)
    fits = {name: fitter(measured[name], size.starts) for name in ("clean", "finer") if name in measured}
    limits = [bounds(fitter, fit) for fit in fits["clean"]]

    truth = np.asarray(hidden, float)
    first = nearest(library, measured["clean"])
    draw_error = abs(np.expm1(np.asarray(first, float) - truth)).max(axis=1)
    noise, last = [], []
    for level, data in zip(size.noise, measured["noisy"], strict=True):
        last = fitter(data, size.noisy_starts, level)
        noise.append(summarise_noise(fitter, truth[0], last, level, limits[0][0]))
    shown = [simulate_all(traces, first[:1])[0], last[0].predicted]
    plot_traces(measured["noisy"][-1, 0], truth[0], shown, out / "identification_traces.png")
    plot_errors(noise, out / "identification_errors.png")
    by_set = lambda name: summarise_sets(fitter, truth, fits[name], draw_error, limits)
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
        hits, starts = (sum(record[name] for record in records) for name in ("starts_within", "starts"))
        print(f"  {within} of {len(records)} sets within 1 %; {hits} of {starts} starts led there")
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
