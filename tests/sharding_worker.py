"""One batch on eight devices in the three ways that JAX has: `python sharding_worker.py CASE ...`.

A process of its own, because devices are made when JAX starts. Each way must give the numbers of one
device, and no loop may wait for another device.
"""

import os
import re
import sys


# Before JAX, which reads it when it starts.
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

import jaxnn


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


def run(
    x,
    network: jaxnn.Network | jaxnn.Ensemble = NETWORK,
    terminals=(0, 2),
    drive=None,
    record=(),
    junction=None,
    **settings,
):
    drive = jaxnn.Sine(x, 40.0) if drive is None else drive
    junction = law(x) if junction is None else junction
    return jaxnn.simulate(
        network, junction, drive, terminals=terminals, dt=1e-3, steps=STEPS, record=record, **settings
    )


def fields(solution):
    """What was recorded; of the residual, which is rounding, that it is none."""
    kept = {name: value for name, value in vars(solution).items() if value is not None}
    kept["successful"] = solution.result == jaxnn.Result.successful
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
    junction = law(x * jnp.ones(NETWORK.n_junctions))
    return fields(run(x, drive=drive, state=state, junction=junction, record=EVERYTHING))


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
    drives = [
        jaxnn.Constant(x),
        jaxnn.Square(0.1, 10 * (1 + x)),
        jaxnn.Triangle(x, 10.0),
        jaxnn.PulseTrain(0.1, 0.02 * x, 0.05),
        jaxnn.OnThenOff(x, 0.0, 0.003),
        jaxnn.Ramp(0.0, x, 0.004),
        jaxnn.Samples(x * jnp.arange(8.0), 1e-3),
        jaxnn.Sine(x, 10.0) + jaxnn.Constant(0.1),
    ]
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
    factor = run.record.factor  # its rows are free to turn
    return factor.T @ factor, run.conductance


def of_noise(x):
    """Each run with a key of its own, and a law of each kind."""
    shaken = jaxnn.WithLangevinNoise(jaxnn.WithReadNoise(law(x), 0.1), 1e-3)
    random = jaxnn.OrnsteinUhlenbeckJunction(jump_rate=100.0, noise=0.1)
    junction = jaxnn.MixedJunction([shaken, random, law()], np.arange(NETWORK.n_junctions) % 3)
    key = jax.random.fold_in(jax.random.key(0), (1e3 * x).astype(int))
    loss = lambda x: 1e12 * last(x, junction=junction, key=key)
    return fields(run(x, junction=junction, key=key, record=EVERYTHING)), jax.grad(loss)(x)


def of_circuit(x):
    """Electrodes with resistances and wires of their own, and capacitors, all mapped."""
    place = (10 * x).astype(int) % 2
    ends = jaxnn.Electrode(place, resistance=1e5 * x), jaxnn.Electrode(2, "ground")
    fed = (*ends, jaxnn.Electrode(4, "current", on=x))
    drive = jaxnn.Constant(jnp.array([1.0, 0.0, 1e-8]) * x)
    record = (*EVERYTHING, "electrode_potential", "stored_energy", "supplied_energy")

    def charged(x):
        capacitance = jaxnn.Capacitance(1e-11 * x, 1e-11)
        return run(x, terminals=fed, drive=drive, record=record, capacitance=capacitance)

    return fields(charged(x)), jax.grad(lambda x: 1e6 * jnp.sum(charged(x).terminal_current[-1] ** 2))(x)


def of_newton(x):
    """Currents that are no multiples of voltages: each device goes on until its own are at rest."""
    junction = jaxnn.SimmonsJunction(jaxnn.TunnelJunction())
    loss = lambda x: 1e6 * last(x, junction=junction)
    return fields(run(x, junction=junction, record=EVERYTHING)), jax.grad(loss)(x)


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
    "noise": of_noise,
    "circuit": of_circuit,
    "devices": of_devices,
    "newton": of_newton,
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


# What JAX cannot do on explicit axes: its own rules for a QR decomposition. And loops of as many rounds as
# the slowest run needs, which only devices that know nothing of each other can end by themselves.
WAYS = {
    "exponents": (automatic, by_itself),
    "read_out": (automatic, by_itself),
    "devices": (by_itself,),
    "newton": (by_itself,),
}


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


def check_shared():
    """The gradient in a parameter that all runs share: one sum over the devices, after the loop."""
    mesh, x = jax.make_mesh((DEVICES,), ("runs",)), jnp.asarray(BATCH)
    one = lambda x, on: last(x, junction=law(x, on_conductance=on)) * 1e12
    mapped = jax.vmap(one, in_axes=(0, None))
    alone = jax.shard_map(mapped, mesh=mesh, in_specs=(P("runs"), P()), out_specs=P("runs"))
    slope = lambda f: jax.jit(jax.grad(lambda on, x: f(x, on).sum()))
    on = jnp.asarray(1e-4)
    placed = jax.device_put(BATCH, NamedSharding(mesh, P("runs")))
    assert waits_in_loops(slope(alone).lower(on, placed).compile().as_text()) == []
    assert_close(slope(alone)(on, placed), slope(mapped)(on, x), "shared")


def check(name):
    if name == "shared":
        return check_shared()
    function = CASES[name]
    wanted = jax.jit(jax.vmap(function))(jnp.asarray(BATCH))
    for way in WAYS.get(name, (automatic, explicit, by_itself)):
        mapped, batch = way(function)
        where = f"{name}, {way.__name__}"
        waits = waits_in_loops(mapped.lower(batch).compile().as_text())
        assert waits == [], f"{where}: {waits}"
        found = jax.tree.leaves_with_path(mapped(batch))
        for (path, a), b in zip(found, jax.tree.leaves(wanted), strict=True):
            assert_close(a, b, where + jax.tree_util.keystr(path))


def assert_close(a, b, where):
    # Fluxes of a circuit are roundings of its potentials, summed up, and a hundred times less than these.
    is_flux = where.startswith("circuit") and where.endswith("state']")
    atol = (4e-6 if is_flux else 1e-6) * np.nanmax(np.abs(b), initial=0)
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=atol, err_msg=where)


if __name__ == "__main__":
    for name in sys.argv[1:] or (*CASES, "shared"):
        check(name)
        print(name, flush=True)
