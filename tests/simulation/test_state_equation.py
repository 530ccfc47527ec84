"""The state equation under diffrax: what `simulate` converges to, orders, gradients, dtypes.

`simulate` takes explicit Euler steps with the drive at their end, t_k = k dt; Euler's method as
diffrax has it takes the drive at their beginning, t_{k-1}. Nothing else differs as long as no state
is clamped and none reaches zero.
"""

import sys
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from scipy.integrate import solve_ivp

import jaxnn
from helpers import line, relative_difference, small_network


LADDER = jaxnn.Network(4, [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2)])
ENDS = (0, 3)
# Filaments that nearly touch, where conductances hang on the state; the bridge's is negative.
NEAR = jnp.asarray([8.0e-3, 7.96e-3, 7.98e-3, 8.01e-3, -7.2e-3])
DURATION = 0.08  # [s]
TIMES = jnp.linspace(0, DURATION, 161)
# Every junction stays on its branch of the law: four grow, or all decay.
SMOOTH = {
    "growing": jaxnn.Sine(0.01, 4.0, offset=0.05),
    "decaying": jaxnn.Sine(1e-4, 4.0, offset=1e-3),
}


class Ahead(jaxnn.AbstractDrive):
    """A drive some seconds early."""

    drive: jaxnn.AbstractDrive
    by: float

    def __call__(self, time):
        return self.drive(time + self.by)


def equation(drive, **changes):
    given = {"terminals": ENDS, "state": NEAR} | changes
    return jaxnn.StateEquation(LADDER, jaxnn.TunnelJunction(), drive, **given)


@eqx.filter_jit
def solve(equation, solver, dt, controller=None) -> Any:
    """The states at `TIMES`."""
    return diffrax.diffeqsolve(
        equation.term,
        solver,
        TIMES[0],
        TIMES[-1],
        dt,
        equation.initial_state,
        stepsize_controller=diffrax.ConstantStepSize() if controller is None else controller,
        saveat=diffrax.SaveAt(ts=TIMES),
    ).ys


@eqx.filter_jit
def final(equation, solver, dt) -> Any:
    """The state at the end of equal steps."""
    start, stop = jnp.zeros_like(dt), jnp.asarray(DURATION, dt.dtype)
    initial = equation.initial_state
    states: Any = diffrax.diffeqsolve(equation.term, solver, start, stop, dt, initial, max_steps=8000).ys
    return states[0]


def exact(equation):
    """The states at `TIMES`, to rounding."""
    controller = diffrax.PIDController(rtol=1e-12, atol=1e-16)
    return solve(equation, diffrax.Tsit5(), jnp.asarray(1e-4), controller)


def observed_order(errors):
    """log2 of the ratios of errors whose steps were halved."""
    errors = np.asarray(errors)
    return np.log2(errors[:-1] / errors[1:])


def test_rate_is_the_limit_of_the_step():
    """(update(dt) - state) / dt for states of both signs, in every branch away from the jumps."""
    rng = np.random.default_rng(0)
    state, voltage = rng.uniform(-1.4e-2, 1.4e-2, 2000), rng.uniform(-3e-2, 3e-2, 2000)
    state, voltage = jnp.asarray(state), jnp.asarray(voltage)
    dt = 2.0**-24
    for law in (jaxnn.TunnelJunction(), jaxnn.BinaryJunction(one_sided_reset=True)):
        rate = law.rate(state, voltage)
        difference = (law.update(state, voltage, dt) - state) / dt
        apart = jnp.abs(state) > 1e-6  # farther from zero than a step decays
        np.testing.assert_allclose(rate[apart], difference[apart], rtol=0, atol=1e-10)


def test_rate_at_the_ends():
    law = jaxnn.TunnelJunction()
    state = jnp.asarray([1.5e-2, 1.5e-2, 1.6e-2, -1.5e-2, -1.5e-2, 0.0, 0.0, 1.5e-2])
    voltage = jnp.asarray([0.03, -0.03, 0.03, -0.03, 0.03, 1e-3, 0.03, 1e-3])
    expected = [0, -0.02, 0, 0, 0.02, 0, 0.02, -10 * 4e-3]
    np.testing.assert_allclose(law.rate(state, voltage), expected, rtol=1e-12, atol=1e-17)
    assert (jaxnn.Resistor(1.0).rate(state, voltage) == 0).all()


@pytest.mark.parametrize("case", [*SMOOTH, "alternating"])
def test_euler_is_simulate_with_the_drive_one_step_early(case):
    dt, drive = 5e-4, (SMOOTH | {"alternating": jaxnn.Sine(0.05, 25.0)})[case]
    ours = jaxnn.simulate(
        LADDER,
        jaxnn.TunnelJunction(),
        drive,
        terminals=ENDS,
        dt=dt,
        steps=160,
        state=NEAR,
        record=("state", "junction_voltage"),
    )
    theirs = solve(equation(Ahead(drive, dt)), diffrax.Euler(), jnp.asarray(dt))
    np.testing.assert_allclose(theirs[1:], ours.state, rtol=1e-11)
    # Without the shift they differ by what the drive moves in a step.
    unshifted = solve(equation(Ahead(drive, 0.0)), diffrax.Euler(), jnp.asarray(dt))
    assert relative_difference(unshifted[-1], ours.final_state) > 1e-6
    if case == "alternating":
        size = jnp.abs(ours.junction_voltage)
        for branch in (size > 1e-2, (size < 1e-2) & (size > 5e-3), size < 5e-3):
            assert branch.any()


@pytest.mark.parametrize("voltage", [1e-3, 0.05], ids=["below", "above"])
def test_simulate_converges_to_the_equation(voltage):
    """First order, at DC below and above the threshold of 20 mV, to a solution exact to 1e-12."""
    drive = jaxnn.Sine(0.0, 4.0, offset=voltage)
    reference = exact(equation(drive))[-1]
    end = lambda steps: (
        jaxnn.simulate(
            LADDER,
            jaxnn.TunnelJunction(),
            drive,
            terminals=ENDS,
            dt=DURATION / steps,
            steps=steps,
            state=NEAR,
        ).final_state
    )
    errors = [jnp.abs(end(steps) - reference).max() for steps in (80, 160, 320)]
    np.testing.assert_allclose(observed_order(errors), 1, atol=0.1)
    assert errors[-1] < 2e-2 * jnp.abs(reference).max()


@pytest.mark.parametrize(("case", "counts"), [("growing", (16, 32, 64)), ("decaying", (4, 8, 16))])
def test_higher_orders_where_the_solution_is_smooth(case, counts):
    smooth = equation(SMOOTH[case])
    along = exact(smooth)
    seen = jax.jit(jax.vmap(lambda t, y: smooth.observe(t, y)))(TIMES, along)
    size, flux = jnp.abs(seen.junction_voltage), jnp.abs(along)
    for branch in (size > 1e-2, size < 5e-3, flux > 0, flux < 1e-2):
        assert (branch == branch[:1]).all()
    end = lambda solver, n: final(smooth, solver, jnp.asarray(DURATION / n))
    error = lambda solver, n: jnp.abs(end(solver, n) - along[-1]).max()
    orders = observed_order([error(diffrax.Heun(), 20 * n) for n in counts])
    np.testing.assert_allclose(orders, 2, atol=0.1)
    # The leading error of Tsit5 is made so small that the next one is seen as well.
    orders = observed_order([error(diffrax.Tsit5(), n) for n in counts])
    assert ((orders > 4.9) & (orders < 6.2)).all(), orders


def log_conductance(inputs):
    drive, junction, state = inputs
    given = jaxnn.StateEquation(LADDER, junction, drive, terminals=ENDS, state=state)
    # A power of two of steps, so that rounding adds no last tiny one.
    end = final(given, diffrax.Tsit5(), jnp.asarray(DURATION / 64))
    return jnp.log(given.observe(DURATION, end).conductance)


def test_gradient_through_an_integrator():
    """In drive, junction and state, against differences of fourth order, to 1e-6."""
    inputs = (SMOOTH["growing"], jaxnn.TunnelJunction(), NEAR)
    gradient = jax.jit(jax.grad(log_conductance))(inputs)
    rng = np.random.default_rng(0)
    random = jax.tree.map(lambda x: np.asarray(x) * rng.uniform(0.5, 1, x.shape), inputs)
    only = lambda i: tuple(t if j == i else jax.tree.map(np.zeros_like, t) for j, t in enumerate(random))
    tangents = [only(i) for i in range(3)]
    step = 1e-4
    moved = [
        jax.tree.map(lambda x, t, h=h: x + h * step * t, inputs, tangent)
        for tangent in tangents
        for h in (-2, -1, 1, 2)
    ]
    values = jax.jit(jax.vmap(log_conductance))(jax.tree.map(lambda *x: jnp.stack(x), *moved))
    estimate = values.reshape(3, 4) @ jnp.asarray([1.0, -8.0, 8.0, -1.0]) / (12 * step)
    product = lambda t: sum(jax.tree.leaves(jax.tree.map(lambda g, t: jnp.sum(g * t), gradient, t)))
    exactly = np.asarray([product(t) for t in tangents])
    assert (abs(exactly) > 1e-2).all()
    np.testing.assert_allclose(exactly, estimate, rtol=1e-6)


def test_batches_equal_loops():
    offsets = jnp.asarray([0.045, 0.05, 0.055])
    run = lambda offset: exact(equation(jaxnn.Sine(0.01, 4.0, offset=offset)))
    together = jax.jit(jax.vmap(run))(offsets)
    for offset, states in zip(offsets, together, strict=True):
        np.testing.assert_allclose(states, run(offset), rtol=1e-9)


def test_single_precision():
    """A float32 equation stays float32, near to float64, and says what would raise it."""
    drive = jax.tree.map(lambda x: x.astype(jnp.float32), SMOOTH["growing"])
    single = equation(drive, state=NEAR.astype(jnp.float32))
    end = final(single, diffrax.Tsit5(), jnp.float32(DURATION / 64))
    assert end.dtype == jnp.float32
    double = final(equation(SMOOTH["growing"]), diffrax.Tsit5(), jnp.asarray(DURATION / 64))
    # 64 steps of six stages, each rounded to 6e-8, in a state that grows.
    assert relative_difference(end, double) < 5e-5
    assert jax.eval_shape(single.observe, 0.03, end).conductance.dtype == jnp.float32
    with pytest.raises(ValueError, match=r"got \(5,\) float64.*as float32 arrays"):
        final(single, diffrax.Tsit5(), jnp.asarray(1e-3))


def test_float64_times_keep_their_digits_in_single_precision():
    drive = jaxnn.Sine(jnp.float32(0.1), jnp.float32(10.0))
    single = equation(drive, state=NEAR.astype(jnp.float32))
    double = equation(jaxnn.Sine(0.1, 10.0))
    seen = [e.observe(jnp.asarray(50_000.0123), e.initial_state).drive for e in (single, double)]
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-5)


def test_rate_and_observation_are_those_of_a_step():
    """An ensemble with pads: what `simulate` records of its first step, which is dt times the rate."""
    network = small_network(5, 20)[0].with_pads(0.3)
    both = jaxnn.Ensemble([network, LADDER])
    n_junctions = both.network.n_junctions
    n, law, dt = network.n_nodes, jaxnn.TunnelJunction(), 1e-3
    drive = jaxnn.Sine(jnp.asarray([[0.3], [0.1]]), 3.0)
    rng = np.random.default_rng(0)
    setup = {
        "terminals": [(n - 2, n - 1), ENDS],
        "state": jnp.asarray(rng.uniform(7e-3, 9.9e-3, n_junctions)),
    }
    fields = ("junction_conductance", "junction_voltage", "node_potential")
    step = jaxnn.simulate(both, law, drive, dt=dt, steps=1, record=fields, **setup)
    ours = jaxnn.StateEquation(both, law, drive, **setup)
    seen = eqx.filter_jit(ours.observe)(dt, ours.initial_state)
    for name in ("drive", "terminal_current", "conductance", *fields):
        np.testing.assert_allclose(getattr(seen, name), getattr(step, name)[0], rtol=1e-11, atol=1e-20)
    rate = eqx.filter_jit(ours)(dt, ours.initial_state)
    active = ~both.network.passive
    moved = (step.final_state - setup["state"])[active] / dt
    np.testing.assert_allclose(rate[active], moved, rtol=1e-9, atol=1e-12)
    assert (rate[~active] == 0).all()


class Relaxation(jaxnn.AbstractRateJunction):
    """A law of one's own: a state that relaxes to the voltage."""

    rates: float = 20.0  # [1/s]

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return 1e-3 * (1 + jnp.abs(state))

    def rate(self, state, voltage):
        return self.rates * (voltage - state)

    def update(self, state, voltage, dt):
        return state + dt * self.rate(state, voltage)

    def critical_state(self):
        return jnp.inf


def test_law_of_ones_own_and_another_integrator():
    """SciPy's, on one junction that relaxes exponentially."""
    given = jaxnn.StateEquation(line(1), Relaxation(), jaxnn.Constant(0.3), terminals=(0, 1))
    right_side = eqx.filter_jit(given)
    solution = solve_ivp(
        lambda t, y: np.asarray(right_side(t, jnp.asarray(y))),
        (0.0, DURATION),
        given.initial_state,
        rtol=1e-10,
        atol=1e-12,
    )
    expected = 0.3 * (1 - np.exp(-20 * solution.t))
    np.testing.assert_allclose(solution.y[0], expected, rtol=1e-8, atol=1e-10)


def test_a_reset_passes_zero_by_part_of_a_step():
    """Filaments dissolve within 50 ms; at zero the law jumps, and a step is pulled back by the next."""
    formed = equation(jaxnn.Sine(0.0, 4.0), state=NEAR / 4)
    for n in (160, 1600):
        end = final(formed, diffrax.Heun(), jnp.asarray(DURATION / n))
        assert 0 < jnp.abs(end).max() < 10 * 5e-3 * DURATION / n


class Steps(jaxnn.AbstractJunction):
    """A law without a rate."""

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return 1e-3 + 0 * state

    def update(self, state, voltage, dt):
        return state + voltage

    def critical_state(self):
        return 1.0


class Misshapen(Relaxation):
    def rate(self, state, voltage):
        return voltage.sum()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"junction": Steps()}, "Steps has steps but no rate: derive it from jaxnn.AbstractRateJunction"),
        ({"junction": jaxnn.TunnelJunction(compensated=True)}, "set compensated=False"),
        ({"junction": Misshapen()}, r"rate of Misshapen.*\(5,\) float64, got \(\) float64"),
        ({"drive": np.zeros(10)}, "every time, got ndarray; wrap samples as jaxnn.Samples"),
        ({"terminals": (0, 9)}, "9"),
        ({"state": np.zeros(4)}, r"state must have shape \(5,\)"),
    ],
)
def test_bad_input(changes, message):
    given = {"junction": jaxnn.TunnelJunction(), "drive": jaxnn.Constant(0.1), "terminals": ENDS} | changes
    with pytest.raises(ValueError, match=message):
        jaxnn.StateEquation(LADDER, given.pop("junction"), given.pop("drive"), **given)


def test_without_diffrax(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffrax", None)
    given = equation(jaxnn.Constant(0.1))
    assert jax.eval_shape(lambda: given(0.0, NEAR)).shape == NEAR.shape
    with pytest.raises(ImportError, match='pip install "diffrax'):
        _ = given.term


def test_lowers_for_cuda():
    given = equation(SMOOTH["growing"])
    lowered = export.export(jax.jit(lambda t, y: given(t, y)), platforms=["cuda"])(0.0, NEAR)
    assert "callback" not in lowered.mlir_module()
