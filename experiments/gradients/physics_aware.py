"""A drive tuned on devices that differ from their simulation: values measured, gradients simulated.

After: Wright, L. G. et al. Deep physical neural networks trained with backpropagation.
Nature 601, 549 (2022). doi 10.1038/s41586-021-04223-6

The "devices" are simulations as well, with other junctions than the twin: their off conductance is
30 % higher, their set voltage 10 % higher, and both are spread over the junctions. The task is a
drive that leaves a given conductance behind. Three gradients tune it:

- twin alone: values and gradients of the twin, the drive then transferred to the devices;
- physics-aware: values of the device, gradients of the twin, by `jaxnn.measured`;
- true gradient: what no experiment has, the gradient of the device itself, for reference.

    python experiments/gradients/physics_aware.py --out results/physics_aware
"""

import time

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


DT = 5e-3  # [s]
STEPS = 400
KNOTS = 8  # the drive is a polygon of so many voltages
LEARNING_RATE = 0.02  # [V / threshold]
START = 1.5  # [V / threshold]
TARGETS = (-7.0, -5.2)  # log10 of the final conductance [S], drawn evenly
SPREAD = 0.05  # standard deviation of a junction's parameters, relative
# Whether the gradient is the device's own, and whether values are measured on the device.
METHODS = {
    "twin alone": (False, False),
    "physics-aware": (False, True),
    "true gradient": (True, True),
}


def build(n_wires):
    """So many wires, the two farthest apart, and the threshold between them [V]."""
    network = jaxnn.nanowire_network(n_wires, box=17e-6 * (n_wires / 30) ** 0.5, seed=5)
    terminals = jaxnn.farthest_pair(network)
    return network, terminals, float(jaxnn.threshold_voltage(network, terminals, jaxnn.TunnelJunction()))


def device_parameters(key, n_junctions):
    """Off conductances [S] and set voltages [V] of one device, one for each junction."""
    nominal = jaxnn.TunnelJunction()
    spread = 1 + SPREAD * jr.normal(key, (2, n_junctions))
    return 1.3 * nominal.off_conductance * spread[0], 1.1 * nominal.set_voltage * spread[1]


def make_final(network, terminals, threshold):
    """log10 of the final conductance [S] as a function of the knots and the junctions."""

    def final(knots, off_conductance, set_voltage):
        junction = jaxnn.TunnelJunction(off_conductance=off_conductance, set_voltage=set_voltage)
        at = jnp.linspace(0, KNOTS - 1, STEPS)
        drive = threshold * jnp.interp(at, jnp.arange(KNOTS), knots)
        solution = jaxnn.simulate(
            network, junction, drive, terminals=terminals, dt=DT, steps=STEPS, every=STEPS
        )
        return jnp.log10(solution.conductance[-1])

    return final


def tune(final, model, device, measures, target, iterations):
    """Adam from a constant drive: log10 of G / target on the device, before and after every update.

    Gradients are those of the junctions `model`; values are measured on the `device`, or are the
    model's own.
    """
    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, iterations))

    def loss(knots):
        on_device = final(jax.lax.stop_gradient(knots), *device)
        simulated = final(knots, *model)
        output = jaxnn.measured(jnp.where(measures, on_device, simulated), simulated)
        return (output - target) ** 2, on_device - target

    def iterate(carry, _):
        knots, memory = carry
        gradient, miss = jax.grad(loss, has_aux=True)(knots)
        updates, memory = optimiser.update(gradient, memory)
        return (optax.apply_updates(knots, updates), memory), miss

    start = jnp.full(KNOTS, START)
    # The last pass looks where the last update led.
    return jax.lax.scan(iterate, (start, optimiser.init(start)), length=iterations + 1)[1]


def compare(n_wires, n_devices, iterations):
    """For every method, the misses [decades] of all devices, (devices, 1 + iterations)."""
    network, terminals, threshold = build(n_wires)
    final = make_final(network, terminals, threshold)
    law = jaxnn.TunnelJunction()
    uniform = lambda value: jnp.full(network.n_junctions, value)
    twin = (uniform(law.off_conductance), uniform(law.set_voltage))

    def run(key, true_gradient, measures):
        device_key, target_key = jr.split(key)
        device = device_parameters(device_key, network.n_junctions)
        model = jax.tree.map(lambda ours, theirs: jnp.where(true_gradient, ours, theirs), device, twin)
        target = jr.uniform(target_key, minval=TARGETS[0], maxval=TARGETS[1])
        return tune(final, model, device, measures, target, iterations)

    # All methods and devices in one compiled call.
    batch = jax.vmap(jax.vmap(run, in_axes=(0, None, None)), in_axes=(None, 0, 0))
    true_gradient, measures = jnp.asarray(list(METHODS.values())).T
    misses = jax.jit(batch)(jr.split(jr.key(1), n_devices), true_gradient, measures)
    return dict(zip(METHODS, np.asarray(misses), strict=True))


def summarise(misses):
    """Median and quartiles of |log10 G / target| at the end, and how many are within 10 %."""
    summary = {}
    for method, miss in misses.items():
        low, median, high = np.percentile(abs(miss[:, -1]), [25, 50, 75])
        within = int((abs(miss[:, -1]) < np.log10(1.1)).sum())
        summary[method] = {
            "quartile_decades": low,
            "median_decades": median,
            "third_quartile_decades": high,
            "within_10_percent": within,
        }
    return summary


def plot(misses, path):
    """Median and quartiles of the loss on the devices against the iteration."""
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    n_devices = len(misses["true gradient"])
    for method, miss in misses.items():
        low, median, high = np.percentile(miss**2, [25, 50, 75], axis=0)
        iterations = np.arange(len(median))
        (curve,) = ax.semilogy(iterations, median, label=method)
        ax.fill_between(iterations, low, high, color=curve.get_color(), alpha=0.2, lw=0)
    ax.set(xlabel="iteration", ylabel="loss on the device (log10 G/target)²")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(f"Median and quartiles of {n_devices} devices")
    ax.legend()
    figures.save(figure, path, dpi=120)


def main() -> None:
    """Tunes every device in three ways, prints the medians and writes the picture."""
    parser = script.parser(__doc__, "results/physics_aware", quick="few devices and iterations")
    arguments = script.start(parser)
    n_wires, n_devices, iterations = (10, 4, 4) if arguments.quick else (30, 32, 100)
    if arguments.quick:
        compile_quickly()

    begin = time.perf_counter()
    misses = compare(n_wires, n_devices, iterations)
    summary = summarise(misses)
    seconds = time.perf_counter() - begin
    print(f"{n_devices} devices, {iterations} iterations, {seconds:.0f} s")
    for method, numbers in summary.items():
        print(
            f"{method:14} misses the target by {numbers['median_decades']:.2g} decades (median; "
            f"quartiles {numbers['quartile_decades']:.2g} and {numbers['third_quartile_decades']:.2g}); "
            f"{numbers['within_10_percent']} within 10 %"
        )
    plot(misses, arguments.out / "physics_aware.png")
    report = {
        "devices": n_devices,
        "iterations": iterations,
        "seconds": seconds,
        "summary": summary,
        "misses_decades": {method: miss.tolist() for method, miss in misses.items()},
    }
    script.finish(arguments.out / "physics_aware.json", report)


if __name__ == "__main__":
    main()
