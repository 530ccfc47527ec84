"""Smooth stand-ins: their limits, their slopes, what stays exact, and what cannot be stood in for."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import jaxnn
import jaxnn_kernels as jk
from helpers import line, relative_difference
from scripts import run_script


STEPS, DT = 2000, 1e-3
EXACT = {"tunnel": jaxnn.TunnelJunction(), "binary": jaxnn.BinaryJunction()}
BRIDGE = jaxnn.Network(4, [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2)])
THRESHOLD = 2 * 1e-2  # two junctions on the shortest path [V]


def smooth(law, sharpness):
    return jaxnn.SmoothJunction(EXACT[law], sharpness)


def run(junction, drive, **changes):
    setup = {
        "terminals": (0, 3),
        "dt": DT,
        "steps": STEPS,
        "every": STEPS,
        "solver": jaxnn.Dense(),
    } | changes
    return jaxnn.simulate(BRIDGE, junction, drive, **setup)


def log_conductance(junction, voltage):
    return jnp.log(run(junction, jaxnn.Constant(voltage), dt=5e-3).conductance[-1])


UPDATE = jax.jit(lambda law, flux, voltage, dt: law.update(flux, voltage, dt))
CONDUCTANCE = jax.jit(lambda law, flux: law.conductance(flux))


def around(centre, scale, sharpness):
    """Thirty widths to either side of a kink, and the kink."""
    return centre + scale / sharpness * jnp.linspace(-30.0, 30.0, 601)


DECAY, GROWTH = 10 * 5e-3 * 1e-4, (0.1 - 1e-2) * 1e-4  # [V s] of a step of 0.1 ms at 0 V and 0.1 V

# Flux and voltage, one of them around a kink of the step.
KINKS = {
    "set": lambda k: (jnp.full(601, 2e-3), around(1e-2, 1e-2, k)),
    "reset": lambda k: (jnp.full(601, 2e-3), around(-5e-3, 5e-4, k)),
    "no voltage": lambda k: (jnp.full(601, 2e-3), around(0.0, 5e-4, k)),
    "sign": lambda k: (around(DECAY, 1.5e-2, k), jnp.zeros(601)),
    "sign of a negative flux": lambda k: (around(-DECAY, 1.5e-2, k), jnp.zeros(601)),
    "clamp": lambda k: (around(1.5e-2 - GROWTH, 1.5e-2, k), jnp.full(601, 0.1)),
    "clamp of a negative flux": lambda k: (around(GROWTH - 1.5e-2, 1.5e-2, k), jnp.full(601, -0.1)),
}


@pytest.mark.parametrize("kind", KINKS)
def test_step_tends_to_the_exact_one(kind):
    """With the first power of the width."""
    errors = []
    for k in (1e5, 1e6, 1e7):
        flux, voltage = KINKS[kind](k)
        ours = UPDATE(smooth("tunnel", k), flux, voltage, 1e-4)
        errors.append(np.abs(ours - UPDATE(EXACT["tunnel"], flux, voltage, 1e-4)).max())
    np.testing.assert_allclose(np.log10(np.asarray(errors[:-1]) / np.asarray(errors[1:])), 1, atol=0.1)


def test_conductance_tends_to_the_exact_one():
    """The gap's zero with the first power of the width; the switch at once, but for half way at it."""
    errors = []
    for k in (1e4, 1e5, 1e6):
        flux = around(1e-2, 1e-2, k)
        ours, exact = (CONDUCTANCE(law, flux) for law in (smooth("tunnel", k), EXACT["tunnel"]))
        errors.append(relative_difference(ours, exact))
        ours, exact = (CONDUCTANCE(law, flux) for law in (smooth("binary", k), EXACT["binary"]))
        np.testing.assert_allclose(ours[300], (7.77e-5 + 7.77e-8) / 2, rtol=1e-9)
        np.testing.assert_allclose(ours[np.asarray([0, 600])], exact[np.asarray([0, 600])])
    np.testing.assert_allclose(np.log10(np.divide(errors[:-1], errors[1:])), 1, atol=0.1)
    flux = jnp.linspace(-9e-3, 9e-3, 601)
    ours, exact = (CONDUCTANCE(law, flux) for law in (smooth("tunnel", 1e3), EXACT["tunnel"]))
    np.testing.assert_allclose(ours, exact)


def test_bounds_of_the_error():
    """The documentation's: the rate is wrong by log 2 V_set / k at set, log 2 V_reset / k at reset."""
    k, dt = 50.0, 1e-3
    voltage, flux = np.linspace(4.5e-3, 2e-2, 1551), jnp.full(1551, 7.5e-3)
    laws = smooth("tunnel", k), EXACT["tunnel"]
    error = np.abs(np.subtract(*(UPDATE(law, flux, jnp.asarray(voltage), dt) for law in laws)))
    for near, scale in ((voltage > 7.5e-3, 1e-2), (voltage < 7.5e-3, 5e-3)):
        np.testing.assert_allclose(error[near].max(), np.log(2) * scale / k * dt, rtol=0.02)


def test_what_a_width_changes_does_not_depend_on_dt():
    """Long against the clamp, and down to zero: one step or a thousand end within a hundredth width."""
    law = smooth("tunnel", 10.0)
    step = lambda dt, voltage: lambda _, x: law.update(x, voltage, dt)
    walk = jax.jit(lambda flux, v, dt, n: jax.lax.fori_loop(0, n, step(dt, v), flux))
    up = [walk(jnp.asarray([1.2e-2, -1.2e-2]), jnp.asarray([0.1, -0.1]), 0.1 / n, n) for n in (1, 1000)]
    np.testing.assert_allclose(*up, atol=1.5e-5)
    down = [walk(jnp.asarray([8e-3, -8e-3]), jnp.zeros(2), 0.2 / n, n)[0] for n in (100, 1000, 10_000)]
    assert abs(down[1] - down[2]) < 0.15 * abs(down[0] - down[2])  # first order in dt
    assert down[-1] < 0.3 * 1.5e-3


EDGES = np.asarray([0.0, 1e-30, 5e-3, 1e-2, 1.5e-2, 2e-2])
FLUX, VOLTAGE = (x.ravel() for x in np.meshgrid(np.r_[EDGES, -EDGES], np.r_[EDGES, -EDGES, 0.3, -10.0]))


def test_stable_and_finite_in_float32():
    """Rest stays rest, the clamp holds, nothing crosses zero by decay; slopes are finite."""
    single = lambda x: jnp.asarray(x, jnp.float32)
    flux, voltage, dt = single(FLUX), single(VOLTAGE), single(1e-3)

    @jax.jit
    def evaluate(k):
        laws = [jax.tree.map(single, smooth(law, k)) for law in EXACT]
        conduct = lambda laws, x, v: (laws[0].update(x, v, dt), *(law.conductance(x) for law in laws))
        value, pull = jax.vjp(conduct, laws, flux, voltage)
        return value, pull(jax.tree.map(jnp.ones_like, value))

    for k in (0.1, 3.0, 1e3, 1e6):
        (state, *conductances), gradient = evaluate(single(k))
        assert all(jnp.isfinite(x).all() for x in jax.tree.leaves((state, gradient)))
        assert all((x > 0).all() for x in conductances)
        assert (jnp.abs(state) <= single(1.5e-2)).all()
        rest = VOLTAGE == 0
        # Up to rounding: a compiler may contract the two halves of the growth differently.
        assert (jnp.abs(state[rest & (FLUX == 0)]) < 1e-12).all()
        assert (state * jnp.sign(flux) > -1e-12)[rest].all()
        assert (jnp.abs(state) < jnp.abs(flux) + 1e-12)[rest].all()
    # Outside the clamp, where only a user can put it, a flux is brought back before it moves.
    inside = np.abs(FLUX) <= 1.5e-2
    # At the boundary of a compiled function plain numbers become arrays of the default float.
    exact = UPDATE(jax.tree.map(single, EXACT["tunnel"]), flux, voltage, dt)
    np.testing.assert_allclose(state[inside], exact[inside], atol=2e-7)


def displaced(point):
    """A point, and four displaced along each direction for a central difference of fourth order."""
    scale = jnp.where(point == 0, 1.0, jnp.abs(point))
    step = 1e-5 * jnp.diag(scale)
    around = [point[None] + h * step for h in (-2, -1, 1, 2)]
    return jnp.concatenate([point[None], *around]), scale


def central_difference(values):
    far_behind, behind, ahead, far_ahead = values[1:].reshape(4, -1)
    return (far_behind - 8 * behind + 8 * ahead - far_ahead) / 12e-5


INPUTS = (jaxnn.Sine(0.03, 0.7, 0.4, 0.015), jnp.asarray([6e-3, 8e-3, -7e-3, 9e-3, -5e-3]))


class Mixed(jaxnn.AbstractJunction):
    """Tunnelling junctions and switches in one network, so that one program shows both."""

    tunnel: jaxnn.SmoothJunction
    binary: jaxnn.SmoothJunction

    def init_state(self, n_junctions):
        return self.tunnel.init_state(n_junctions)

    def conductance(self, state):
        return jnp.where(TUNNELS, self.tunnel.conductance(state), self.binary.conductance(state))

    def update(self, state, voltage, dt):
        laws = self.tunnel, self.binary
        return jnp.where(TUNNELS, *(law.update(state, voltage, dt) for law in laws))

    def critical_state(self):
        return self.tunnel.critical_state()


TUNNELS = np.asarray([True, False, False, True, True])


def test_against_central_differences():
    """Through 2,000 steps in every number of drive, junctions and state, at three sharpnesses."""
    mixed = lambda k: Mixed(smooth("tunnel", k), smooth("binary", k))
    _, unravel = ravel_pytree((mixed(1.0), *INPUTS))

    def value(x):
        junction, drive, state = unravel(x)
        return jnp.log(run(junction, drive, state=state).conductance[-1])

    many = jax.jit(jax.vmap(jax.value_and_grad(value)))
    for k in (3.0, 10.0, 40.0):
        points, scale = displaced(ravel_pytree((mixed(k), *INPUTS))[0])
        values, gradients = many(points)
        exact, estimate = gradients[0] * scale, central_difference(values)
        largest = float(jnp.abs(exact).max())
        np.testing.assert_allclose(exact, estimate, rtol=1e-6, atol=1e-7 * largest)
        assert (jnp.abs(exact) > 1e-4 * largest).sum() > 12
    tangent = scale * jax.random.normal(jax.random.key(1), scale.shape)
    forward = jax.jit(lambda x, t: jax.jvp(value, (x,), (t,))[1])(points[0], tangent)
    np.testing.assert_allclose(forward, gradients[0] @ tangent, rtol=1e-9)


def test_exact_rule_against_central_differences():
    """Through 2,000 steps, in the directions along which no displaced run takes another branch."""
    point, unravel = ravel_pytree((EXACT["tunnel"], *INPUTS))

    def value(x):
        junction, drive, state = unravel(x)
        solution = run(junction, drive, state=state, record=("state", "junction_voltage"), every=1)
        size, flux = jnp.abs(solution.junction_voltage), solution.state
        bounds = (flux > 0, flux < 0, jnp.abs(flux) >= junction.critical_flux)
        moves = (size > junction.set_voltage, size < junction.reset_voltage)
        branch = jnp.stack([*moves, *bounds, jnp.abs(flux) >= junction.max_flux])
        return jnp.log(solution.conductance[-1]), branch

    points, scale = displaced(point)
    (values, branches), gradients = jax.jit(jax.vmap(jax.value_and_grad(value, has_aux=True)))(points)
    same = (branches[1:] == branches[:1]).all(axis=(1, 2, 3)).reshape(4, -1).all(axis=0)
    exact, estimate = (gradients[0] * scale)[same], central_difference(values)[same]
    assert same.sum() >= 10
    largest = float(jnp.abs(exact).max())
    assert largest > 1
    np.testing.assert_allclose(exact, estimate, rtol=1e-6, atol=1e-7 * largest)


MIXED = jax.jit(lambda law, v: jax.value_and_grad(log_conductance, argnums=1)(law, v))
BELOW, ABOVE = 0.9 * THRESHOLD, 1.1 * THRESHOLD


@pytest.mark.parametrize("wrap", [lambda law: law, jaxnn.StraightThrough], ids=["smooth", "straight"])
def test_slope_below_threshold(wrap):
    """Where the exact law has none: upwards, and steep enough to follow."""
    assert abs(MIXED(EXACT["tunnel"], BELOW)[1]) < 1e-12
    for k in (4.0, 5.0, 6.0):
        assert MIXED(wrap(smooth("tunnel", k)), BELOW)[1] > 0.1


def test_straight_through_is_exact_forward():
    """Bit for bit; and in float32 both of its states stay near those of float64."""
    law, drive = jaxnn.StraightThrough(smooth("tunnel", 10.0)), jaxnn.Sine(0.1, 0.7)
    record = {"record": ("state", "junction_voltage"), "every": 1}
    ours, exact = run(law, drive, **record), run(EXACT["tunnel"], drive, **record)
    np.testing.assert_array_equal(ours.state[:, 0], exact.state)
    np.testing.assert_array_equal(ours.junction_voltage, exact.junction_voltage)
    np.testing.assert_array_equal(ours.conductance, exact.conductance)
    assert exact.conductance.max() > 10 * exact.conductance.min()
    single = run(law, drive, state=law.init_state(5).astype(jnp.float32), **record)
    assert single.state.dtype == jnp.float32
    np.testing.assert_allclose(single.state, ours.state, atol=1e-3 * 1e-2)
    assert relative_difference(single.conductance, ours.conductance) < 1e-3


def test_straight_through_gradient():
    """That of the smooth law about an exact run: a run without the exact law, by central differences.

    It has the exact run's conductances, changed by the ratio by which the smooth ones change.
    """
    steps, dt, law = 1600, 5e-3, smooth("tunnel", 5.0)
    plan = jk.star_mesh_plan(BRIDGE.n_nodes, BRIDGE.edges, np.asarray([0, 3]))
    solve = lambda g, v: jk.solve_nodes(plan, g, jnp.stack([v, jnp.zeros(())]))
    record = {"every": 1, "record": ("state", "junction_conductance")}

    def value(v):
        solution = run(jaxnn.StraightThrough(law), jaxnn.Constant(v), dt=dt, steps=steps, **record)
        return jnp.log(solution.conductance[-1]), solution

    _, slope, base = jax.jit(lambda v: jax.jvp(value, (v,), (1.0,), has_aux=True))(ABOVE)
    shadow = jnp.concatenate([jnp.zeros((1, 5)), base.state[:-1, 1]])
    reference = base.junction_conductance / jax.vmap(law.conductance)(shadow)

    @jax.jit
    def without(voltage):
        def step(flux, ratio):
            nodal = solve(ratio * law.conductance(flux), voltage)
            return law.update(flux, nodal.junction_voltage, dt), nodal.terminal_current[0]

        current = jax.lax.scan(step, jnp.zeros(5), reference)[1]
        return jnp.log(current[-1] / voltage)

    h = 1e-5 * ABOVE
    estimate = (without(ABOVE + h) - without(ABOVE - h)) / (2 * h)
    assert abs(slope) > 1
    np.testing.assert_allclose(slope, estimate, rtol=1e-6)


def test_gradients_tend_to_the_exact_one():
    exact = MIXED(EXACT["tunnel"], ABOVE)
    for wrap in (lambda law: law, jaxnn.StraightThrough):
        ours = MIXED(wrap(smooth("tunnel", 1e6)), ABOVE)
        np.testing.assert_allclose(ours, exact, rtol=1e-3)


def test_sharpness_batches_and_does_not_recompile():
    many = jnp.asarray([3.0, 10.0, 1e3])
    each, compiled = list(many), []

    def count(event: str, duration_secs: float, **kwargs: str | int) -> None:
        del kwargs
        if "backend_compile" in event:
            compiled.append(duration_secs)

    law, drive = smooth("tunnel", 2.0), jaxnn.Constant(BELOW)
    conductance = lambda k: run(dataclasses.replace(law, sharpness=k), drive).conductance[-1]
    conductance(each[0])
    jax.monitoring.register_event_duration_secs_listener(count)
    alone = [conductance(k) for k in each]
    assert not compiled
    np.testing.assert_allclose(jax.vmap(conductance)(many), jnp.stack(alone), rtol=1e-11)
    assert len({float(x) for x in alone}) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jaxnn.SmoothJunction(jaxnn.Resistor(1e-3), 10.0), "got Resistor; write the smooth form"),
        (
            lambda: jaxnn.SmoothJunction(jaxnn.parameters.hochstetter2021_dc(), 10.0),
            r"one_sided_reset=True; use dataclasses.replace\(junction, one_sided_reset=False\)",
        ),
        (
            lambda: jaxnn.SmoothJunction(jaxnn.BinaryJunction(compensated=True), 10.0),
            "compensated=True; use",
        ),
        (lambda: smooth("tunnel", 0.0), "sharpness must be greater than 0, got 0"),
        (lambda: smooth("tunnel", jnp.asarray([1.0, np.inf])), "sharpness must be finite"),
        (
            lambda: jaxnn.SmoothJunction(jaxnn.TunnelJunction(reset_voltage=0.0), 10.0),
            "reset_voltage of a SmoothJunction, the scale of its width, must be greater than 0 V",
        ),
        (lambda: run(smooth("tunnel", jnp.ones(4)), jaxnn.Constant(0.1)), r"'sharpness': \(4,\)"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


class Latch(jaxnn.AbstractJunction):
    """A user's own law, with a jump: on from 1 V s on."""

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return jnp.where(state >= 1, 1.0, 0.1)

    def update(self, state, voltage, dt):
        return state + jnp.abs(voltage) * dt

    def critical_state(self):
        return jnp.inf


class SmoothLatch(jaxnn.AbstractSurrogate):
    """Its surrogate."""

    junction: jaxnn.AbstractJunction

    def init_state(self, n_junctions):
        return self.junction.init_state(n_junctions)

    def conductance(self, state):
        return 0.1 + 0.9 * jax.nn.sigmoid(10 * (state - 1))

    def update(self, state, voltage, dt):
        return self.junction.update(state, voltage, dt)

    def critical_state(self):
        return self.junction.critical_state()


def test_surrogate_of_ones_own():
    """One junction: G = 0.1 S exactly, with the slope of the smooth law at its own flux."""
    law = jaxnn.StraightThrough(SmoothLatch(Latch()))

    def conductance(voltage):
        setup = {"terminals": (0, 1), "dt": 0.1, "steps": 10}
        return jaxnn.simulate(line(1), law, jaxnn.Constant(voltage), **setup).conductance[-1]

    value, slope = jax.value_and_grad(conductance)(0.5)
    np.testing.assert_allclose(value, 0.1)
    on = jax.nn.sigmoid(10 * (0.9 * 0.5 - 1))
    np.testing.assert_allclose(slope, 0.1 * 9 * on * (1 - on) * 0.9 / (0.1 + 0.9 * on), rtol=1e-9)


def test_gradient_of_a_batch_is_finite_in_float32():
    """Amplitudes from nothing to far above the clamp, with junctions that start at the clamp."""
    law = jaxnn.StraightThrough(smooth("binary", 1e6))
    state = jnp.asarray([[1.5e-2, -1.5e-2, 0.0, 1e-2, 0.0]] * 2, jnp.float32)
    loss = lambda v, x: run(law, jaxnn.Constant(v), state=x, steps=50, every=50).terminal_current[-1, 0]
    voltage = jnp.asarray([0.0, 1e-3, 0.02, 1.0], jnp.float32)
    gradients = jax.jit(jax.vmap(jax.grad(loss, argnums=(0, 1)), in_axes=(0, None)))(voltage, state)
    assert all(jnp.isfinite(x).all() for x in gradients)


@pytest.mark.slow
def test_experiment(tmp_path):
    """Its quick mode: a table on screen, the numbers and the picture in files."""
    done = run_script("experiments/gradients/surrogates.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "one junction" in done.stdout
    text = (tmp_path / "surrogates.json").read_text()
    assert "NaN" not in text
    errors = json.loads(text)["junction"]
    assert set(errors) == {"set", "reset", "sign", "clamp", "gap", "switch"}
    assert all(error[-1] < 0.03 * error[0] for error in errors.values())
    assert (tmp_path / "surrogates.png").stat().st_size > 0
