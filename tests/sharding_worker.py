"""One batch on eight devices in the three ways that JAX has, in a process of its own: `python sharding_worker.py CASE ...`.

Each way must give the numbers of one device, and no loop may wait for another device.
"""

import os
import re
import sys


# Before JAX, which reads it when it starts.
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P  # noqa: E402

import jaxnn  # noqa: E402


DEVICES, STEPS = 8, 6
# Every junction of the square has a neighbour, and one hangs on a wire of its own.
NETWORK = jaxnn.Network(6, [(0, 1), (1, 2), (2, 3), (3, 0), (1, 3), (1, 4), (4, 2), (3, 5)])
ENSEMBLE = jaxnn.Ensemble([jaxnn.Network(3, [(0, 1), (1, 2), (0, 2)]), jaxnn.Network(2, [(0, 1)])])
BATCH = np.linspace(0.1, 0.6, 2 * DEVICES)
EVERYTHING = ("state", "junction_conductance", "junction_voltage", "node_potential")
EVERYTHING += ("kirchhoff_residual", "power", "cut_off")


def law(x=0.0, **numbers):
    """A law whose conductances depend on the batch, so that no comparison is known in advance."""
    return jaxnn.BinaryJunction(off_conductance=1e-8 * (1 + x), **numbers)


def run(x, network=NETWORK, terminals=(0, 2), drive=None, record=(), junction=None, **settings):
    drive = jaxnn.Sine(x, 40.0) if drive is None else drive
    junction = law(x) if junction is None else junction
    return jaxnn.simulate(
        network, junction, drive, terminals=terminals, dt=1e-3, steps=STEPS, record=record, **settings
    )


def fields(solution):
    """What was recorded; of the residual, which is rounding, that it is none."""
    kept = {name: value for name, value in vars(solution).items() if value is not None}
    return kept | {"kirchhoff_residual": kept.get("kirchhoff_residual", 0) < 1e-12}


def last(x, **settings):
    solution = run(x, **settings)
    return jnp.sum(solution.terminal_current[-1] ** 2)


def derivatives(**settings):
    loss = lambda x: 1e12 * last(x, **settings)
    return lambda x: (jax.value_and_grad(loss)(x), jax.jvp(loss, (x,), (jnp.ones_like(x),)))


def of_ensemble(x):
    return fields(run(x, ENSEMBLE, [(0, 2), (0, 1)], record=EVERYTHING))


def of_arrays(x):
    """A drive as an array, a state and parameters of each junction, all mapped."""
    drive = x * jnp.linspace(0, 1, STEPS)
    state = jnp.full(NETWORK.n_junctions, 1e-3) * x
    return fields(run(x, drive=drive, state=state, junction=law(x * jnp.ones(NETWORK.n_junctions))))


def of_nested(x):
    """A mapped axis within the one that is shared out."""
    return jax.vmap(lambda y: last(x + y))(jnp.arange(3.0) / 10)


def of_count(x):
    rule = jaxnn.analysis.Crossing(2e-8)
    counted = jaxnn.analysis.count_events(
        NETWORK, law(x), jaxnn.Sine(x, 40.0), rule=rule, terminals=(0, 2), dt=1e-3, steps=STEPS
    )
    return vars(counted)


def of_drives(x):
    t = jnp.zeros(())
    drives = [
        jaxnn.Constant(x),
        jaxnn.Square(0.1, 10 * (1 + x)),
        jaxnn.Triangle(x, 10.0),
        jaxnn.PulseTrain(0.1, 0.02 * x, 0.05),
        jaxnn.OnThenOff(x, 0.0, 0.003),
        jaxnn.Ramp(x, 0.004),
        jaxnn.Samples(x * jnp.arange(8.0), 1e-3),
        jaxnn.Sine(x, 10.0) + jaxnn.Constant(0.1),
    ]
    del t
    return [last(x, drive=drive) for drive in drives]


def of_exponents(x):
    spectrum = jaxnn.lyapunov_exponents(
        NETWORK, law(x), jaxnn.Sine(x, 40.0), terminals=(0, 2), dt=1e-3, steps=STEPS, interval=2, count=2
    )
    growth = jaxnn.two_trajectory_exponents(
        NETWORK, law(x), jaxnn.Sine(x, 40.0), distance=1e-4, terminals=(0, 2), dt=1e-3, steps=STEPS
    )
    return spectrum.exponents, growth.exponents


def of_read_out(x):
    run = jaxnn.analysis.record_read_out(
        NETWORK, law(x), jaxnn.Sine(x, 40.0), jnp.ones((STEPS, 1)), terminals=(0, 2), dt=1e-3, segment=3
    )
    return run.record.factor, run.conductance


def of_optimise(x):
    loss = lambda p: last(x, junction=law(x, on_conductance=p)) * 1e8
    found = jaxnn.optimise(loss, jnp.asarray(1e-4), optimiser=optax.sgd(1e-9), steps=2, progress=False)
    return found.best


def of_devices(x):
    device = jaxnn.NickelateDevice()
    programme = jaxnn.Programme.pulse(x, 1e-3, steps=3) + jaxnn.Programme.rest(1e-3, steps=3)
    return vars(jaxnn.simulate_devices(device, programme))


CASES = {
    "fields": lambda x: fields(run(x, record=EVERYTHING)),
    "derivatives": derivatives(),
    "windows": derivatives(adjoint=jaxnn.Truncated(2, jaxnn.Checkpointed()), every=2),
    "dense": derivatives(solver=jaxnn.Dense()),
    "ensemble": of_ensemble,
    "arrays": of_arrays,
    "nested": of_nested,
    "count": of_count,
    "drives": of_drives,
    "exponents": of_exponents,
    "read_out": of_read_out,
    "optimise": of_optimise,
    "devices": of_devices,
}


def automatic(function):
    mesh = jax.make_mesh((DEVICES,), ("runs",), axis_types=(AxisType.Auto,))
    return jax.jit(jax.vmap(function)), jax.device_put(BATCH, NamedSharding(mesh, P("runs")))


def explicit(function):
    mesh = jax.make_mesh((DEVICES,), ("runs",))
    return jax.jit(jax.vmap(function)), jax.device_put(BATCH, NamedSharding(mesh, P("runs")))


def by_itself(function):
    mesh = jax.make_mesh((DEVICES,), ("runs",))
    spec = P("runs")
    mapped = jax.shard_map(jax.vmap(function), mesh=mesh, in_specs=spec, out_specs=spec)
    return jax.jit(mapped), jax.device_put(BATCH, NamedSharding(mesh, spec))


def waits_in_loops(text):
    """The collectives of a compiled program that are in the body of a loop, or in what that calls."""
    parts = dict(re.findall(r"^(?:ENTRY )?%?([\w.\-]+) [^\n]*\{\n(.*?)^\}", text, re.M | re.S))
    todo = set(re.findall(r"(?:body|condition)=%?([\w.\-]+)", text)) & set(parts)
    assert todo, "there is no loop: has the notation changed?"
    done, found = set(), []
    while todo:
        name = todo.pop()
        done.add(name)
        todo |= set(re.findall(r"[\w.\-]+", parts[name])) & set(parts) - done
        found += re.findall(r"= \S+ ((?:all-|collective-|reduce-scatter|ragged)[\w\-]*)\(", parts[name])
    return found


def check(name):
    function = CASES[name]
    wanted = jax.jit(jax.vmap(function))(jnp.asarray(BATCH))
    for way in (automatic, explicit, by_itself):
        mapped, batch = way(function)
        compiled = mapped.lower(batch).compile()
        assert waits_in_loops(compiled.as_text()) == [], f"{name}, {way.__name__}"
        same = lambda a, b: np.testing.assert_allclose(
            a, b, rtol=1e-5, atol=1e-6 * np.nanmax(np.abs(b), initial=0), err_msg=f"{name}, {way.__name__}"
        )
        jax.tree.map(same, mapped(batch), wanted)


if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        check(name)
        print(name, flush=True)
