"""Solves that a run needs for its accuracy: Euler's steps, larger ones of fourth order, adaptive ones.

`jaxnn.simulate` takes Euler steps, one solve each. `jaxnn.StateEquation` is the differential equation
behind them. Here it is integrated by the classical method of fourth order (Kutta 1901), four solves a step,
and, if diffrax is there, by its Bosh3 (Bogacki and Shampine, Appl. Math. Lett. 2, 321, 1989), three a step:
with equal steps, with adaptive ones, and with adaptive ones of at most 20 ms.

- DC at V* = 1.5: filaments form, and after some seconds next to nothing changes.
- AC: a sine of 2 Hz, where filaments dissolve at each zero crossing; at V* = 14 it is chaotic.

The error is that of the conductance over its own value, at the end, and the largest on the way. The
reference are fourth-order steps of 50 us; its own error is estimated by steps of twice that.

    python experiments/circuits/adaptive_time.py --out results/adaptive_time
"""

import functools as ft
import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt


try:
    import diffrax
except ImportError:  # it is optional
    diffrax = None

# V*, the voltage over the threshold of the shortest path, and whether it is constant.
DRIVES = ((1.5, True), (5.0, False), (14.0, False))
FREQUENCY = 2.0  # [Hz]
SAMPLE = 0.05  # [s] between two times at which runs are compared


class Case:
    """A network under a drive, and how finely it is looked at."""

    def __init__(self, wires: int, seconds: float, strength: float, is_dc: bool):
        self.network = jaxnn.nanowire_network(wires, box=(wires / 0.1e12) ** 0.5, seed=0)
        self.ends = jaxnn.farthest_pair(self.network)
        volts = strength * 0.01 * self.network.path_length(*self.ends)
        # Of one form, so that both share their programs.
        self.drive = jaxnn.Sine(volts * (not is_dc), FREQUENCY, offset=volts * is_dc)
        self.times = np.arange(1, round(seconds / SAMPLE) + 1) * SAMPLE

    @ft.cached_property
    def equation(self) -> jaxnn.StateEquation:
        """The differential equation."""
        return jaxnn.StateEquation(self.network, jaxnn.TunnelJunction(), self.drive, terminals=self.ends)

    def euler(self, dt: float) -> tuple[np.ndarray, int]:
        """Conductances [S] at the times, and the number of solves."""
        every = round(SAMPLE / dt)
        out = jaxnn.simulate(
            self.network,
            jaxnn.TunnelJunction(),
            self.drive,
            terminals=self.ends,
            dt=SAMPLE / every,
            steps=every * len(self.times),
            every=every,
            record="state",
        )
        seen = _observed(self.equation, jnp.asarray(self.times), out.state)
        return np.asarray(seen), every * len(self.times)

    def fourth_order(self, dt: float) -> tuple[np.ndarray, int]:
        """The same by the classical method of fourth order."""
        every = round(SAMPLE / dt)
        found = _fourth_order(self.equation, jnp.asarray(every), jnp.asarray(self.times))
        return np.asarray(found), 4 * every * len(self.times)

    def third_order(self, tolerance: float, least: float, most: float) -> tuple[np.ndarray, int]:
        """The same by Bosh3 with steps from `least` to `most` [s]; equal ones if these are."""
        numbers = map(jnp.asarray, (tolerance, least, most, self.times))
        found, count = _third_order(self.equation, *numbers)
        return np.asarray(found), 3 * int(count)


@eqx.filter_jit
def _observed(equation: jaxnn.StateEquation, times: jax.Array, states: jax.Array) -> jax.Array:
    """Conductances [S] of the states after a step, where `Solution.conductance` has those before."""
    return jax.lax.map(lambda at: equation.observe(*at).conductance, (times, states))


@eqx.filter_jit
def _fourth_order(equation: jaxnn.StateEquation, every: jax.Array, times: jax.Array) -> jax.Array:
    dt = SAMPLE / every

    def step(k: jax.Array, begin: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        state, start = begin
        t = start + k * dt
        a = equation(t, state)
        b = equation(t + dt / 2, state + dt / 2 * a)
        c = equation(t + dt / 2, state + dt / 2 * b)
        d = equation(t + dt, state + dt * c)
        return state + dt / 6 * (a + 2 * b + 2 * c + d), start

    def sample(state: jax.Array, end: jax.Array) -> tuple[jax.Array, jax.Array]:
        # A number of steps that is traced: one program for all.
        state, _ = jax.lax.fori_loop(0, every, step, (state, end - SAMPLE))
        return state, state

    return _observed(equation, times, jax.lax.scan(sample, equation.initial_state, times)[1])


@eqx.filter_jit
def _third_order(
    equation: jaxnn.StateEquation, tolerance: jax.Array, least: jax.Array, most: jax.Array, times: jax.Array
) -> tuple[jax.Array, jax.Array]:
    assert diffrax is not None
    out = diffrax.diffeqsolve(
        equation.term,
        diffrax.Bosh3(),
        t0=0.0,
        t1=times[-1],
        dt0=jnp.clip(1e-3, least, most),
        y0=equation.initial_state,
        # An absolute tolerance in units of the critical flux of 0.01 V s.
        stepsize_controller=diffrax.PIDController(
            rtol=tolerance, atol=0.01 * tolerance, dtmin=least, dtmax=most, force_dtmin=True
        ),
        saveat=diffrax.SaveAt(ts=times),
        max_steps=1_000_000,
    )
    assert out.ys is not None
    return _observed(equation, times, out.ys), out.stats["num_steps"]


def measured(case: Case, finest: float, is_quick: bool) -> dict[str, Any]:
    """For each method and step: solves, errors and seconds of the second call."""
    reference, coarser = case.fourth_order(finest)[0], case.fourth_order(2 * finest)[0]
    dts = (1e-2,) if is_quick else (2.5e-2, 1e-2, 5e-3, 2.5e-3, 1e-3)
    tolerances = (1e-3,) if is_quick else (1e-2, 1e-3, 1e-4, 1e-5)
    label = lambda dt: f"dt = {1e3 * dt:g} ms"
    euler = (1e-2,) if is_quick else (1e-2, 2.5e-3, 5e-4, 1e-4)
    runs = {"Euler": [(label(dt), ft.partial(case.euler, dt)) for dt in euler]}
    runs["fourth order"] = [(label(dt), ft.partial(case.fourth_order, dt)) for dt in dts]
    if diffrax is not None:
        third = case.third_order
        runs["Bosh3"] = [(label(dt), ft.partial(third, 1.0, dt, dt)) for dt in dts]
        for name, most in (("Bosh3, adaptive", 1e3), ("Bosh3, adaptive to 20 ms", 2e-2)):
            runs[name] = [(f"tolerance {x:g}", ft.partial(third, x, 1e-3, most)) for x in tolerances]
    found: dict[str, Any] = {"reference": _errors(coarser, reference)}
    for name, several in runs.items():
        found[name] = []
        for what, run in several:
            run()
            start = time.perf_counter()
            conductance, solves = run()
            row = {"run": what, "solves": solves, "seconds": time.perf_counter() - start}
            found[name].append(row | _errors(conductance, reference))
    return found | {"conductance": reference}


def _errors(conductance: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    error = np.abs(conductance / reference - 1)
    return {"error at the end": float(error[-1]), "largest error": float(error.max())}


def picture(cases: dict[str, tuple[Case, dict[str, Any]]], path: Any) -> None:
    """The conductances, and errors against solves."""
    figure, axes = plt.subplots(3, 2, figsize=(11, 10), layout="constrained", width_ratios=(1, 1.3))
    for (trace, ax), (title, (case, found)) in zip(axes, cases.items(), strict=True):
        trace.semilogy(case.times, found["conductance"], "k")
        trace.set(title=title, xlabel="time [s]", ylabel="conductance [S]")
        methods = [name for name in found if name not in ("reference", "conductance")]
        for k, name in enumerate(methods):
            rows = sorted(found[name], key=lambda row: row["solves"])
            solves = [row["solves"] for row in rows]
            style = {"color": f"C{k}", "ms": 5}
            ax.loglog(solves, [row["largest error"] for row in rows], "o-", label=name, **style)
            ends = [row["error at the end"] for row in rows]
            ax.loglog(solves, ends, "o:", mfc="none", lw=0.7, alpha=0.6, **style)
        ax.plot([], [], "ko:", mfc="none", lw=0.7, label="at the end alone")
        own = found["reference"]["largest error"]
        ax.axhline(own, color="0.7", lw=1, label="of the reference, largest")
        ax.set(xlabel="solves", ylabel="relative error of the conductance")
    axes[0, 0].legend(*axes[0, 1].get_legend_handles_labels(), fontsize=7, loc="lower right")
    figures.save(figure, path)


def main() -> None:
    """Computes, draws and reports."""
    parser = script.parser(__doc__, "results/adaptive_time", quick="20 wires, 2 s, few steps")
    arguments = script.start(parser, float64=True)
    if diffrax is None:
        print("diffrax is missing: adaptive steps are skipped")
    wires, seconds = (20, 2.0) if arguments.quick else (100, 10.0)
    cases, report = {}, {"diffrax": getattr(diffrax, "__version__", None), "wires": wires}
    for strength, is_dc in DRIVES:
        title = f"{'DC' if is_dc else f'AC of {FREQUENCY:g} Hz'}, V* = {strength:g}"
        case = Case(wires, seconds, strength, is_dc)
        found = measured(case, 5e-4 if arguments.quick else 5e-5, arguments.quick)
        cases[title] = case, found
        report[title] = {name: x for name, x in found.items() if name != "conductance"}
    picture(cases, arguments.out / "adaptive_time.png")
    script.finish(arguments.out / "adaptive_time.json", report)


if __name__ == "__main__":
    main()
