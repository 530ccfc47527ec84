"""Every law, set of electrodes, element and solver together, under every transform.

One network small enough to compile in seconds. A case has four numbers, of its drive, law, electrodes and
element, and a loss that hangs on all that a run gives.
"""

import functools as ft
import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from circuits import central, lowers


NETWORK = jaxnn.nanowire_network(10, box=7e-6, seed=3)
ENDS = jaxnn.farthest_pair(NETWORK)
MORE = [wire for wire in range(NETWORK.n_nodes) if wire not in ENDS][:2]
DT, STEPS = 1e-3, 6
NAMES = "drive", "law", "electrodes", "element"
RECORD = "junction_voltage", "electrode_potential", "dissipated_energy", "stored_energy"


class Sinh(jaxnn.AbstractCurrentJunction):
    """A junction that is no resistor, and that learns."""

    scale: jax.Array

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def current(self, state, voltage):
        return self.scale * (1 + state) * jnp.sinh(voltage / 0.1)

    def update(self, state, voltage, dt):
        return state + 20 * dt * (jnp.tanh(voltage**2) - state)

    def critical_state(self):
        return jnp.inf


class Follow(eqx.Module):
    """The next drive from what was read."""

    gain: jax.Array
    around: jax.Array

    def __call__(self, step):
        read = jnp.mean(step.node_potential) + 1e6 * jnp.sum(step.terminal_current[1:])
        return self.around * (1 + 0.3 * self.gain * jnp.tanh(read))


def tunnel(x):
    return jaxnn.TunnelJunction(off_conductance=7.77e-8 * x, set_voltage=1e-2 * x)


def binary(x):
    return jaxnn.SmoothJunction(jaxnn.BinaryJunction(off_conductance=1e-7 * x, critical_flux=2e-3), 3.0)


def mixed(x, network):
    laws = [tunnel(x), jaxnn.Resistor(1e-6 * x), random(x)]
    return jaxnn.MixedJunction(laws, np.arange(network.n_junctions) % 3)


def random(x):
    """With noise for several jumps in a run."""
    return jaxnn.OrnsteinUhlenbeckJunction(
        growth_rate=0.5 * x, decay_rate=30.0 * x, noise=0.1, jump_rate=100.0
    )


# Published laws with conductances of about 1 uS, and rates that a few milliseconds show.
RESISTANCES: dict[str, Any] = {"on_resistance": 3e5, "off_resistance": 3e6}
CONDUCTANCES: dict[str, Any] = {"on_conductance": 2e-6, "off_conductance": 1e-7}
PUBLISHED = {
    "rate balance": lambda x: jaxnn.RateBalanceJunction(5 * x, 20.0, 3.0, **CONDUCTANCES),
    "linear drift": lambda x: jaxnn.LinearDriftJunction(mobility=1e-12 * x, start=0.3, **RESISTANCES),
    "decaying drift": lambda x: jaxnn.DecayingDriftJunction(
        mobility=3e-12 * x, start=0.3, decay_time=0.02, polar=False, **RESISTANCES
    ),
    "VTEAM": lambda x: jaxnn.VteamJunction(
        off_speed=2e-8 * x, on_speed=2e-8, on_threshold=0.03, on_exponent=1.5, start=0.5, **RESISTANCES
    ),
    "Yakopcic": lambda x: jaxnn.YakopcicJunction(
        2e-6 * x,
        1e-6,
        2.0,
        positive_threshold=0.05,
        negative_threshold=0.04,
        growth_rate=200.0,
        decay_rate=200.0,
        start=0.4,
    ),
    "switches": lambda x: jaxnn.MetastableSwitchJunction(
        0.1 * x, 0.1, 0.01, switches=1e4, start=0.2, **CONDUCTANCES
    ),
    "filament": lambda x: jaxnn.VolatileFilamentJunction(0.05 * x, 50.0, **CONDUCTANCES),
    "dynamic": lambda x: jaxnn.DynamicMemristorJunction(
        1e-6, 2.0, 1e-6, 3.0, growth_rate=30.0 * x, decay_time=0.02
    ),
}


def published(x, network):
    """All of them side by side."""
    laws = [law(x) for law in PUBLISHED.values()]
    return jaxnn.MixedJunction(laws, np.arange(network.n_junctions) % len(laws))


LAWS = {
    "tunnel": lambda x, _: tunnel(x),
    "binary": lambda x, _: binary(x),
    "Simmons": lambda x, _: jaxnn.SimmonsJunction(tunnel(x)),
    "lagged": lambda x, _: jaxnn.LaggedSimmonsJunction(tunnel(x)),
    "resistor": lambda x, _: jaxnn.Resistor(1e-6 * x),
    "sinh": lambda x, _: Sinh(1e-7 * x),
    "jumps": lambda x, _: random(x),
    "read noise": lambda x, _: jaxnn.WithReadNoise(tunnel(x), 0.1 * x),
    "Langevin": lambda x, _: jaxnn.WithLangevinNoise(tunnel(x), 1e-3 * x),
    "mixed": mixed,
}
ALIKE = {name: lambda x, _, law=law: law(x) for name, law in PUBLISHED.items()} | {"published": published}
NOISY = "jumps", "read noise", "Langevin", "mixed", "switches", "published"


def switched(x, a, b, c, d):
    later = jaxnn.Samples(jnp.array([0.0, 0.0, 0.5, 0.5, 0.2, 0.2, 0.5, 0.5], x.dtype) * x, DT)
    return jaxnn.Electrode(a, on=0.5 * x), jaxnn.Electrode(b, "ground"), jaxnn.Electrode(c, on=later)


# Electrodes on wires that are numbers, or traced where they are moved, and what the drive says for them.
ELECTRODES = {
    "plain": (lambda x, a, b, c, d: (a, b), [1.0, 0.0]),
    "series resistor": (
        lambda x, a, b, c, d: (
            jaxnn.Electrode(a, resistance=1e5 * x),
            jaxnn.Electrode(b, "ground", resistance=1e6 * x),
        ),
        [1.0, 0.0],
    ),
    "current": (
        lambda x, a, b, c, d: (jaxnn.Electrode(a, "current", on=0.5 * x), jaxnn.Electrode(b, "ground")),
        [1e-6, 0.0],
    ),
    "switched": (switched, [1.0, 0.0, 0.4]),
    "floating": (
        lambda x, a, b, c, d: (
            jaxnn.Electrode(a, resistance=1e5 * x),
            b,
            jaxnn.Electrode(c, "floating"),
            jaxnn.Electrode(d, "floating"),
        ),
        [1.0, 0.0, 0.0, 0.0],
    ),
    "moved": (
        lambda x, a, b, c, d: (jaxnn.Electrode(a, resistance=1e5 * x), jaxnn.Electrode(b)),
        [1.0, 0.1],
    ),
}
ELEMENTS = "none", "capacitors", "wire resistance", "feedback"
SOLVERS = {"star mesh": jaxnn.StarMesh(), "dense": jaxnn.Dense()}
FULL = list(itertools.product(LAWS, ELECTRODES, ELEMENTS, SOLVERS))
# What is new in these is the law alone: each with every set of electrodes, every element and every solver.
FULL += [
    (law, on, ELEMENTS[(i + k) % len(ELEMENTS)], list(SOLVERS)[(i + k // 2) % len(SOLVERS)])
    for i, law in enumerate(ALIKE)
    for k, on in enumerate(ELECTRODES)
]
# Each law, set of electrodes, element and solver, each solver with each element.
FEW = [
    ("tunnel", "moved", "capacitors", "star mesh"),
    ("binary", "switched", "feedback", "dense"),
    ("resistor", "current", "capacitors", "dense"),
    ("sinh", "series resistor", "none", "dense"),
    ("sinh", "switched", "none", "star mesh"),  # a contact so ideal that its voltage has no digits
    ("jumps", "floating", "feedback", "star mesh"),
    ("read noise", "plain", "wire resistance", "star mesh"),
    ("Langevin", "moved", "wire resistance", "dense"),
    ("mixed", "switched", "none", "star mesh"),
    ("decaying drift", "series resistor", "feedback", "star mesh"),
    ("VTEAM", "plain", "feedback", "dense"),
]
REST = [case for case in FULL if case not in FEW]


def setup(x, wires, law, electrodes, element, solver):
    """Network, law, drive as a function of what was read, and the other arguments of a run."""
    network = NETWORK
    places = np.arange(network.n_nodes)
    if element == "wire resistance":
        network = NETWORK.with_wire_resistance(1e-3 * x[3], 50e-9)
        places = np.array([network.node_on(wire) for wire in places])
    of, values = ELECTRODES[electrodes]
    if electrodes == "moved":
        on = [jnp.asarray(places)[wire] for wire in wires]
    else:
        on = [int(places[wire]) for wire in (*ENDS, *MORE)]
    capacitance = None
    if element == "capacitors":
        spread = jnp.linspace(0.5, 1.5, network.n_nodes).astype(x.dtype)
        capacitance = jaxnn.Capacitance(1e-10 * x[3] * spread, 2e-10 * x[3])
    value = jnp.asarray(values, x.dtype) * x[0]
    gain = x[3] if element == "feedback" else jnp.zeros((), x.dtype)
    options = {
        "terminals": of(x[2], *on),
        "dt": DT,
        "solver": SOLVERS[solver],
        "capacitance": capacitance,
        "key": jax.random.key(7),
    }
    return network, (LAWS | ALIKE)[law](x[1], network), Follow(gain, value), options


def measured(current, potential, voltage, heat, stored, state):
    """One number of all that came out, each part of about the size of one."""
    parts = 1e6 * current, potential, voltage, 1e9 * heat, 1e10 * stored, state
    return sum(jnp.sum(jnp.sin(1 + x)) for x in parts)


def simulated(case, x, wires):
    network, law, follow, options = setup(x, wires, *case)
    drive = jaxnn.Constant(follow.around)
    if case[2] == "feedback":
        drive = jaxnn.Feedback(follow, first=follow.around)
    out = jaxnn.simulate(network, law, drive, steps=STEPS, record=RECORD, **options)
    kept = [getattr(out, name) for name in RECORD]
    voltage, potential, heat, stored = kept
    return measured(out.terminal_current, potential, voltage, heat, stored, out.final_state)


def scanned(case, x, wires):
    """The same by steps in a loop of one's own."""
    network, law, follow, options = setup(x, wires, *case)
    stepper = jaxnn.Stepper(network, law, **options)

    def step(carried, _):
        carry, voltage = carried
        carry, now = stepper.step(carry, voltage)
        return (carry, follow(now)), now

    (carry, _), steps = jax.lax.scan(step, (stepper.start(), follow.around), length=STEPS)
    heat, stored, potential = jnp.zeros(()), jnp.zeros(()), steps.drive
    if steps.circuit is not None:
        heat, stored = steps.circuit.dissipated, steps.circuit.stored
        potential = steps.circuit.electrode_potential
    else:
        heat = DT * jnp.sum(steps.junction_conductance * steps.junction_voltage**2, axis=-1)
        stored = jnp.zeros_like(heat)
    return measured(steps.terminal_current, potential, steps.junction_voltage, heat, stored, carry.state)


def placements():
    """Wires for a run of each number."""
    a, b = ENDS
    c, d = MORE
    return jnp.array([(a, b, c, d), (b, a, c, d), (c, b, a, d), (a, d, c, b)])


def check(case):
    """Batches are loops, steps in a loop are those of `simulate`, and gradients those of differences."""
    wires = placements()
    mapped = jax.jit(jax.vmap(jax.value_and_grad(ft.partial(simulated, case))))
    alone = jax.jit(ft.partial(scanned, case))
    each, at = jnp.eye(len(NAMES)), jnp.ones((len(NAMES), len(NAMES)))
    of = lambda x: np.asarray(mapped(x, wires)[0])
    value, gradient = mapped(at, wires)
    # A law may bend between the points of the wider one, and the narrower one has fewer digits.
    wide, narrow = (central(of, at, each, h) for h in (1e-4, 5e-6))
    nearer = jnp.abs(wide - jnp.diag(gradient)) < jnp.abs(narrow - jnp.diag(gradient))
    expected = jnp.where(nearer, wide, narrow)
    size = float(jnp.abs(value).max())
    assert np.isfinite(size)
    assert float(jnp.abs(gradient).max()) > 1e-3
    # The second term is what rounding leaves of a difference.
    np.testing.assert_allclose(jnp.diag(gradient), expected, rtol=1e-6, atol=1e-10 * size)
    apart = at + 0.1 * each
    loop = [alone(x, on) for x, on in zip(apart, wires, strict=True)]
    np.testing.assert_allclose(mapped(apart, wires)[0], loop, rtol=1e-10)


name = "-".join


@pytest.mark.parametrize("case", FEW, ids=map(name, FEW))
def test_a_few_of_all(case):
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", REST, ids=map(name, REST))
def test_all_with_all(case):
    check(case)


PLAIN = [(law, "series resistor", element, "star mesh") for law, element in zip(
    ("tunnel", "sinh", "tunnel", "binary"), ELEMENTS, strict=True
)]  # fmt: skip


def check_single(case):
    one, wires = jnp.ones(len(NAMES)), placements()[0]
    run = jax.jit(ft.partial(simulated, case))
    single = run(one.astype(jnp.float32), wires)
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, run(one, wires), rtol=1e-4)


@pytest.mark.parametrize("case", PLAIN, ids=map(name, PLAIN))
def test_single_precision(case):
    check_single(case)


# Other dtypes draw other random numbers.
QUIET = [case for case in FULL if case[0] not in NOISY and case not in PLAIN]


@pytest.mark.slow
@pytest.mark.parametrize("case", QUIET, ids=map(name, QUIET))
def test_all_in_single_precision(case):
    check_single(case)


def check_lowers(case):
    run = jax.vmap(jax.value_and_grad(ft.partial(simulated, case)))
    lowers(run, jnp.ones((4, len(NAMES))), placements())


@pytest.mark.parametrize("case", FEW, ids=map(name, FEW))
def test_a_gpu_can_run_a_few_of_all(case):
    check_lowers(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", REST, ids=map(name, REST))
def test_a_gpu_can_run_all_with_all(case):
    check_lowers(case)
