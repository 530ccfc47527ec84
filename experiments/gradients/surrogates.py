"""What smoothing the threshold law costs forward and gives backward, against its sharpness.

The law of: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire
networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

    python experiments/gradients/surrogates.py --out results/surrogates

Each discontinuity of the law is smoothed alone, the others kept a million times sharper than their
scale; then all of them together, as `jaxnn.SmoothJunction` does.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import jaxnn
import jaxnn_kernels as jk
from experiments.shared import figures, script
from experiments.shared.compilation import compile_quickly
from experiments.shared.figures import plt


DT = 1e-3  # [s]
SHARP = 1e6
KINDS = ("set", "reset", "sign", "clamp", "gap", "switch")
LABELS = {
    "set": "set",
    "reset": "reset",
    "sign": "sign of the state in the reset",
    "clamp": "clamp",
    "gap": "zero of the gap",
    "switch": "switch of the binary law",
    "all": "all, tunnelling law",
    "all binary": "all, binary law",
}


class PartlySmooth(jaxnn.AbstractJunction):
    """A tunnelling or binary junction, each of its discontinuities with a sharpness of its own."""

    law: jaxnn.TunnelJunction | jaxnn.BinaryJunction
    sharpness: dict[str, Array]

    def init_state(self, n_junctions):
        return self.law.init_state(n_junctions)

    def conductance(self, state):
        kind = "gap" if isinstance(self.law, jaxnn.TunnelJunction) else "switch"
        return jaxnn.SmoothJunction(self.law, self.sharpness[kind]).conductance(state)

    def update(self, state, voltage, dt):
        law, k = self.law, self.sharpness
        return jk.smooth_threshold_flux_step(
            state,
            voltage,
            dt,
            set_voltage=law.set_voltage,
            reset_voltage=law.reset_voltage,
            max_flux=law.max_flux,
            boost=law.boost,
            widths=jk.FluxWidths(
                set=law.set_voltage / k["set"],
                reset=law.reset_voltage / (k["reset"] * law.boost),
                sign=law.max_flux / k["sign"],
                clamp=law.max_flux / k["clamp"],
            ),
        )

    def critical_state(self):
        return self.law.critical_state()


def law_of(kind):
    return jaxnn.BinaryJunction() if kind in ("switch", "all binary") else jaxnn.TunnelJunction()


def smoothed(kind, sharpness):
    """The law with one discontinuity, or all of them, at `sharpness`."""
    chosen = lambda name: sharpness if kind in (name, "all", "all binary") else SHARP
    return PartlySmooth(law_of(kind), {name: jnp.asarray(chosen(name)) for name in KINDS})


def junction_error(kind, sharpness):
    """The largest error at one junction, swept across the discontinuity, in units of its scale.

    Set and reset: of the flux's rate, over set_voltage and reset_voltage. Sign and clamp:
    of the flux after 0.1 s without voltage, and of 0.1 V, over max_flux. Gap and switch: of the
    conductance, over the on conductance; the switch as its mean over fluxes up to max_flux, because
    a jump has an error of one half wherever it is put.
    """
    ours, exact = smoothed(kind, sharpness), law_of(kind)
    flux, ones = jnp.linspace(0.0, 1.5e-2, 20_001), jnp.ones(20_001)
    if kind in ("gap", "switch"):
        error = jnp.abs(ours.conductance(flux) - exact.conductance(flux)) / exact.on_conductance
        return error.mean() if kind == "switch" else error.max()
    if kind in ("set", "reset"):
        voltage = jnp.linspace(0.0, 2.5e-2, 20_001)
        scale = exact.set_voltage if kind == "set" else exact.reset_voltage
        start, dt = 5e-3 * ones, 1e-6
        return (
            jnp.abs(ours.update(start, voltage, dt) - exact.update(start, voltage, dt)).max() / dt / scale
        )
    voltage = 0.1 * ones if kind == "clamp" else 0 * ones
    walk = lambda law: jax.lax.fori_loop(0, 100, lambda _, x: law.update(x, voltage, DT), flux)
    return jnp.abs(walk(ours) - walk(exact)).max() / exact.max_flux


def network_errors(kinds, sharpness, n_wires, steps, reduced):
    """Mean |log10 G / G_exact| over 2/3 of a run at V* = `reduced`, and 1/3 at a third of that.

    What is left of a sharpness of a million in the others is the floor, at about 1e-7.
    """
    network = jaxnn.nanowire_network(n_wires, box=3e-6 * np.sqrt(n_wires), seed=3)
    terminals = jaxnn.farthest_pair(network)
    voltage = reduced * jaxnn.threshold_voltage(network, terminals, jaxnn.TunnelJunction())
    drive = jaxnn.OnThenOff(voltage, voltage / 3, steps * DT * 2 / 3)

    def log_conductance(junction):
        run = jaxnn.simulate(
            network, junction, drive, terminals=terminals, dt=DT, steps=steps, every=steps // 100
        )
        return jnp.log10(run.conductance)

    exact = {type(law): log_conductance(law) for law in map(law_of, kinds)}
    errors, traces = {}, {}
    for kind in kinds:
        run = lambda k, kind=kind: log_conductance(smoothed(kind, k))
        traces[kind] = jax.jit(jax.vmap(run))(sharpness)
        errors[kind] = jnp.abs(traces[kind] - exact[type(law_of(kind))][None]).mean(axis=1)
    time = DT * (steps // 100) * np.arange(1, 1 + len(exact[jaxnn.TunnelJunction]))
    return errors, time, exact[jaxnn.TunnelJunction], traces["all"]


def slopes(n_wires, reduced, sharpness, steps):
    """d log10 G / d V* against V* for the exact law, smooth ones, and straight through those."""
    network = jaxnn.nanowire_network(n_wires, box=3e-6 * np.sqrt(n_wires), seed=3)
    terminals = jaxnn.farthest_pair(network)
    threshold = jaxnn.threshold_voltage(network, terminals, jaxnn.TunnelJunction())

    def log_conductance(v, junction):
        setup = {"terminals": terminals, "dt": 2e-3, "steps": steps, "every": steps}
        return jnp.log10(
            jaxnn.simulate(network, junction, jaxnn.Constant(v * threshold), **setup).conductance[-1]
        )

    smooth = lambda k: jaxnn.SmoothJunction(jaxnn.TunnelJunction(), k)
    laws = {
        "exact": lambda _: jaxnn.TunnelJunction(),
        "smooth": smooth,
        "straight through": lambda k: jaxnn.StraightThrough(smooth(k)),
    }
    found = {}
    for name, law in laws.items():
        # Of one number, forward mode is the cheaper one; the law decides what it gives.
        slope = lambda v, k, law=law: jax.jacfwd(log_conductance)(v, law(k))
        batch = jax.jit(jax.vmap(jax.vmap(slope, in_axes=(0, None)), in_axes=(None, 0)))
        found[name] = batch(reduced, sharpness[:1] if name == "exact" else sharpness)
    return found


def plot(sharpness, single, network, time, exact, traces, driven, reduced, chosen, found, out):
    """Errors against sharpness, conductance over the run, and the slopes below threshold."""
    figure, axes = plt.subplots(2, 2, figsize=(13, 9.5), layout="constrained")
    for kind, errors in single.items():
        axes[0, 0].loglog(sharpness, errors, "o-", ms=3, label=LABELS[kind])
    axes[0, 0].loglog(sharpness, 1 / sharpness, "k:", label="1 / sharpness")
    axes[0, 0].set(title="One junction", ylabel="largest error / scale")
    for kind, errors in network.items():
        axes[0, 1].loglog(sharpness, errors, "o-", ms=3, label=LABELS[kind])
    axes[0, 1].set(title="Network", ylabel="mean |log10 G / G exact| over the run")
    for ax in axes[0]:
        ax.set_xlabel("sharpness")
        ax.legend(fontsize=8)
    shown = np.unique(np.linspace(0, len(sharpness) - 1, 6).astype(int))
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(shown)))
    for i, colour in zip(shown, colours, strict=True):
        axes[1, 0].semilogy(time, 10 ** traces[i], color=colour, label=f"sharpness {sharpness[i]:.3g}")
    axes[1, 0].semilogy(time, 10**exact, "k--", label="exact")
    axes[1, 0].set(
        title=f"V* = {driven:g}, then a third of it", xlabel="time [s]", ylabel="conductance [S]"
    )
    axes[1, 0].legend(fontsize=8)
    for name, style in (("smooth", "-"), ("straight through", "--")):
        axes[1, 1].set_prop_cycle(None)
        for k, slope in zip(chosen, found[name], strict=True):
            axes[1, 1].semilogy(reduced, np.maximum(slope, 1e-20), style, label=f"{name}, {k:g}")
    axes[1, 1].semilogy(reduced, np.maximum(found["exact"][0], 1e-20), "k:", label="exact")
    axes[1, 1].set(title="Slope of the final conductance", xlabel="V*", ylabel="d log10 G / d V*")
    axes[1, 1].set_ylim(1e-6, 1e3)
    axes[1, 1].legend(fontsize=8)
    figures.save(figure, out / "surrogates.png", dpi=120)


def main() -> None:
    """Measures, prints a table, and writes it with the picture."""
    parser = script.parser(__doc__, "results/surrogates", quick="a small network and few sharpnesses")
    # Errors far below float32's rounding are to be seen.
    arguments = script.start(parser, float64=True)
    if arguments.quick:
        compile_quickly()

    sharpness = np.logspace(0.5, 4, 4 if arguments.quick else 15)
    wires, steps = (10, 600) if arguments.quick else (100, 15_000)
    # Just above threshold; far above it a path forms within the steps of a quick run.
    driven = 4.0 if arguments.quick else 1.1
    # In one program, because compiling is most of a quick run.
    errors = lambda x: {kind: junction_error(kind, x) for kind in KINDS}
    single = jax.tree.map(np.asarray, jax.jit(lambda k: jax.lax.map(errors, k))(sharpness))
    kinds = ("all",) if arguments.quick else (*KINDS, "all", "all binary")
    network, time, exact, traces = network_errors(kinds, jnp.asarray(sharpness), wires, steps, driven)
    reduced = np.linspace(1.0, 4.0, 7) if arguments.quick else np.linspace(0.4, 1.3, 37)
    chosen = np.asarray([2.0, 4.0, 10.0])
    found = slopes(10 if arguments.quick else 40, reduced, chosen, 200 if arguments.quick else 5000)

    print("sharpness " + " ".join(f"{k:9.3g}" for k in sharpness))
    for title, table in (("one junction", single), ("network", network)):
        print(title)
        for kind, errors in table.items():
            print(f"{kind:10s}" + " ".join(f"{float(e):9.1e}" for e in errors))
    plot(sharpness, single, network, time, exact, traces, driven, reduced, chosen, found, arguments.out)
    numbers = {
        "sharpness": sharpness,
        "junction": single,
        "network": network,
        "slopes": {"reduced_voltage": reduced, "sharpness": chosen, **found},
    }
    script.finish(arguments.out / "surrogates.json", numbers)


if __name__ == "__main__":
    main()
