"""Laws that draw random numbers: their statistics, and the same numbers however a run is cut."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import jaxnn
from helpers import assert_same, line, relative_difference


# Noise moves states far in a step on purpose here.
pytestmark = pytest.mark.filterwarnings("ignore:a step moved a state:jaxnn.NumericalWarning")
KEY = jr.key(7)
BRIDGE = jaxnn.Network(4, [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2)])
DRIVE = jaxnn.Sine(0.3, 5.0)
RANDOM = jaxnn.OrnsteinUhlenbeckJunction(
    growth_rate=3.0,
    decay_rate=5.0,
    growth_sensitivity=0.3,
    decay_sensitivity=0.2,
    noise=0.3,
    jump_rate=20.0,
)
SHAKEN = jaxnn.WithLangevinNoise(jaxnn.WithReadNoise(jaxnn.TunnelJunction(), 0.1), 2e-3)
EXACT = jaxnn.StraightThrough(jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 3.0))
NOISY = {
    "mixed": jaxnn.MixedJunction([SHAKEN, RANDOM], [0, 1, 0, 1, 1]),
    "straight through": jaxnn.WithReadNoise(EXACT, 0.1),
}


class Timed(jaxnn.AbstractJunction):
    """Asks for everything; its state counts seconds, its conductance shows the time."""

    def init_state(self, n_junctions):
        return jnp.zeros((2, n_junctions))

    def conductance(self, state, *, time):  # pyright: ignore[reportIncompatibleMethodOverride]
        return 1.0 + time + 0 * state[0]

    def update(self, state, voltage, dt, *, key, time):  # pyright: ignore[reportIncompatibleMethodOverride]
        assert not jnp.asarray(time).aval.weak_type
        assert time.dtype == state.dtype
        return jnp.stack([time + 0 * state[0], jr.uniform(key, voltage.shape, state.dtype)])

    def critical_state(self):
        return jnp.inf


class Old(jaxnn.AbstractJunction):
    """A law of three arguments whose time step has the name of an input."""

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return 1e-3 + 0 * state

    def update(self, state, voltage, time):  # pyright: ignore[reportIncompatibleMethodOverride]
        return state + time

    def critical_state(self):
        return jnp.inf


def run(law, steps=24, key: Any = KEY, network=BRIDGE, drive: Any = DRIVE, **changes):
    setup = {"terminals": (0, 3), "dt": 5e-3, "steps": steps, "record": ("state", "junction_conductance")}
    return jaxnn.simulate(network, law, drive, key=key, **(setup | changes))


def many(law, n=4000, **changes):
    """Junctions side by side between two wires."""
    network = jaxnn.Network(2, np.tile([[0, 1]], (n, 1)))
    return run(law, network=network, drive=jaxnn.Constant(0.1), terminals=(0, 1), **changes)


def test_a_step_has_the_key_of_its_number():
    solution = run(Timed(), steps=4, start_step=6)
    np.testing.assert_allclose(solution.state[:, 0, 0], solution.time, rtol=1e-15)
    np.testing.assert_allclose(solution.junction_conductance[:, 0], 1 + solution.time, rtol=1e-15)
    for k in range(4):
        key = jr.fold_in(jr.fold_in(KEY, 7 + k), 0)
        np.testing.assert_array_equal(solution.state[k, 1], jr.uniform(key, (5,)))


def test_old_laws_are_called_as_before():
    solution = run(Old(), steps=3, key=None)
    np.testing.assert_allclose(solution.state[-1], 0.015)
    text = lambda key: str(
        jax.make_jaxpr(lambda s: run(Old(), steps=3, key=key, state=s).conductance)(jnp.zeros(5))
    )
    assert text(None) == text(KEY)
    assert "random" not in text(KEY)


@pytest.mark.parametrize("name", NOISY)
def test_the_same_numbers_however_a_run_is_cut(name):
    law = NOISY[name]
    whole = run(law)
    first = run(law, steps=10)
    rest = run(law, steps=14, state=first.final_state, start_step=first.final_step)
    for field in ("conductance", "state", "junction_conductance"):
        both = jnp.concatenate([getattr(first, field), getattr(rest, field)])
        np.testing.assert_array_equal(both, getattr(whole, field))
    assert_same(run(law, every=4).state, whole.state[3::4])
    assert_same(run(law, key=jr.key_data(KEY)).state, whole.state)
    keys = jr.split(jr.key(1), 3)
    batch = jax.jit(jax.vmap(lambda key: run(law, key=key).state))(keys)
    np.testing.assert_allclose(batch[1], run(law, key=keys[1]).state, rtol=1e-12, atol=1e-15)
    assert jnp.any(batch[0] != batch[1]) or name == "straight through"
    assert jnp.any(run(law, key=jr.key(1)).junction_conductance != whole.junction_conductance)


@pytest.mark.parametrize("name", NOISY)
def test_the_way_back_sees_the_same_numbers(name):
    law = NOISY[name]
    state = jnp.full_like(law.init_state(5), 6e-3)

    def loss(amplitude, adjoint=None):
        solution = jaxnn.simulate(
            BRIDGE,
            law,
            jaxnn.Sine(amplitude, 5.0),
            terminals=(0, 3),
            dt=5e-3,
            steps=24,
            key=KEY,
            state=state,
            adjoint=adjoint,
        )
        return jnp.log(solution.conductance).sum()

    exact = jax.grad(loss)(0.3)
    for adjoint in (jaxnn.StoreAll(), jaxnn.Checkpointed(5)):
        np.testing.assert_allclose(jax.grad(loss)(0.3, adjoint), exact, rtol=1e-9)
    if name != "straight through":  # whose derivative is another's
        step = 1e-6
        difference = (loss(0.3 + step) - loss(0.3 - step)) / (2 * step)
        np.testing.assert_allclose(exact, difference, rtol=1e-6)


def test_gradients_in_the_numbers_of_laws():
    law = jaxnn.WithLangevinNoise(jaxnn.WithReadNoise(RANDOM, 0.1), 0.05)
    flat, rebuild = ravel_pytree(jax.tree.map(jnp.asarray, law))
    loss = jax.jit(lambda flat: jnp.log(run(rebuild(flat), state=jnp.full(5, 0.4)).conductance[-1]))
    exact = jax.grad(loss)(flat)
    step = 1e-6 * flat
    for i in range(len(flat)):
        moved = jnp.zeros_like(flat).at[i].set(step[i])
        difference = (loss(flat + moved) - loss(flat - moved)) / (2 * step[i])
        np.testing.assert_allclose(exact[i], difference, rtol=2e-6, atol=1e-8)


def test_stationary_mean_and_variance():
    law = jaxnn.OrnsteinUhlenbeckJunction(
        growth_rate=3.0, decay_rate=5.0, growth_sensitivity=0, decay_sensitivity=0, noise=0.3, jump_rate=0
    )
    # Long steps and short ones alike: a step is exact.
    for dt, steps in ((0.5, 12), (0.02, 150)):
        state = many(law, dt=dt, steps=steps, every=steps).state[-1]
        mean, variance = 3 / 8, 0.3**2 / (2 * 8)
        # Of 4000 normal numbers, within four standard errors.
        assert abs(jnp.mean(state) - mean) < 4 * (variance / 4000) ** 0.5
        assert abs(jnp.var(state) / variance - 1) < 4 * (2 / 4000) ** 0.5
    # And how fast they forget.
    states = many(law, dt=0.05, steps=60).state[-2:]
    correlation = jnp.corrcoef(states)[0, 1]
    assert abs(correlation - np.exp(-8 * 0.05)) < 4 * (1 - np.exp(-0.8)) / 4000**0.5


def test_jumps():
    law = jaxnn.OrnsteinUhlenbeckJunction(
        growth_rate=1e-9,
        decay_rate=1e-9,
        noise=0,
        jump_rate=4.0,
        smallest_jump=1e-4,
        largest_jump=1e-2,
        decay_sensitivity=0,
        growth_sensitivity=0,
    )
    steps, dt = 100, 5e-3
    states = many(law, state=jnp.full(4000, 0.5), steps=steps, dt=dt).state
    moves = np.diff(np.asarray(states), axis=0, prepend=0.5)
    jumped = np.abs(moves) > 5e-5
    wanted = 1 - np.exp(-4.0 * dt)
    counts = jumped.sum(axis=0)
    # A Poisson process cut into steps: mean and variance of the counts, waits, sizes and directions.
    assert abs(counts.mean() - steps * wanted) < 4 * (steps * wanted / 4000) ** 0.5
    assert abs(counts.var() / (steps * wanted * (1 - wanted)) - 1) < 4 * (2 / 4000) ** 0.5
    assert abs((counts == 0).mean() - np.exp(-4.0 * steps * dt)) < 4 * (np.exp(-2) / 4000) ** 0.5
    sizes, power = np.abs(moves[jumped]), 1.78
    share = lambda x: (1 - (x / 1e-4) ** -power) / (1 - (1e-2 / 1e-4) ** -power)
    for x in (1.5e-4, 3e-4, 1e-3):
        assert abs((sizes < x).mean() - share(x)) < 4 * (0.25 / len(sizes)) ** 0.5
    assert sizes.min() >= 1e-4 * (1 - 1e-6)
    assert sizes.max() <= 1e-2 * (1 + 1e-6)
    assert abs((moves[jumped] > 0).mean() - 0.5) < 4 * (0.25 / len(sizes)) ** 0.5


def test_jumps_go_towards_the_mean():
    law = jaxnn.OrnsteinUhlenbeckJunction(growth_rate=1e-9, decay_rate=1e-12, noise=0, jump_rate=1e9)
    moves = many(law, state=jnp.full(4000, 0.1), steps=1).state[0] - 0.1
    wanted = 0.5 + 0.9 / (2 * (1 + 2 * 1.0195e-2))
    assert abs(jnp.mean(moves > 0) - wanted) < 4 * (wanted * (1 - wanted) / 4000) ** 0.5


@pytest.mark.parametrize("gaussian", [False, True])
def test_read_noise(gaussian):
    law = jaxnn.WithReadNoise(jaxnn.Resistor(1e-3), 0.3, gaussian=gaussian)
    factor = many(law, steps=20).junction_conductance.reshape(-1) / 1e-3
    n = len(factor)
    assert abs(jnp.mean(factor) - 1) < 4 * 0.3 / n**0.5
    assert abs(jnp.std(factor) / 0.3 - 1) < 8 / n**0.5  # a lognormal has the longer tail
    skewness = jnp.mean((factor - 1) ** 3) / 0.3**3
    assert abs(skewness - (0 if gaussian else 0.3 * (3 + 0.09))) < 0.06


def test_langevin_noise_diffuses():
    law = jaxnn.WithLangevinNoise(jaxnn.Resistor(1e-3), 0.2)
    for dt, steps in ((0.1, 5), (5e-3, 100)):
        state = many(law, dt=dt, steps=steps).final_state
        assert abs(jnp.std(state) / (0.2 * 0.5**0.5) - 1) < 4 / (2 * 4000) ** 0.5
    clipped = many(jaxnn.WithLangevinNoise(jaxnn.TunnelJunction(), 0.2), steps=3).state
    assert jnp.abs(clipped).max() == 1.5e-2


def test_no_noise_is_the_law():
    law = jaxnn.TunnelJunction()
    silent = jaxnn.WithLangevinNoise(jaxnn.WithReadNoise(law, 0), 0)
    assert relative_difference(run(silent).conductance, run(law).conductance) < 1e-14


def test_spread_of_devices():
    law = jaxnn.draw_junctions(jaxnn.TunnelJunction(), KEY, 20_000, critical_flux=0.2, max_gap=0.01)
    drawn = jnp.log(law.critical_flux / 1e-2)
    assert abs(jnp.mean(drawn)) < 4 * 0.2 / 20_000**0.5
    assert abs(jnp.std(drawn) / 0.2 - 1) < 0.02
    assert abs(jnp.corrcoef(drawn, jnp.log(law.max_gap))[0, 1]) < 4 / 20_000**0.5
    alone = jaxnn.draw_junctions(jaxnn.TunnelJunction(), KEY, 20_000, critical_flux=0.2)
    assert_same(alone.critical_flux, law.critical_flux)
    with pytest.raises(ValueError, match="no number 'gap'"):
        jaxnn.draw_junctions(jaxnn.TunnelJunction(), KEY, 3, gap=0.1)
    with pytest.raises(ValueError, match="n_junctions must have at least one number"):
        jaxnn.draw_junctions(jaxnn.TunnelJunction(), KEY, [], boost=0.1)
    with pytest.raises(ValueError, match="reset_voltage must not exceed"):
        jaxnn.draw_junctions(jaxnn.TunnelJunction(), KEY, 1000, set_voltage=0.9)


def test_every_function_that_runs_a_network():
    setup = {"terminals": (0, 3), "dt": 5e-3, "key": KEY}
    wanted = run(SHAKEN).conductance
    rule = jaxnn.analysis.Crossing(1e-7)
    counted = jaxnn.analysis.count_events(BRIDGE, SHAKEN, DRIVE, rule=rule, steps=24, **setup)
    assert_same(counted.conductance, wanted)
    recorded = jaxnn.analysis.record_read_out(BRIDGE, SHAKEN, DRIVE, jnp.ones((24, 1)), segment=6, **setup)
    assert_same(recorded.conductance, wanted)
    pairs = jaxnn.two_trajectory_exponents(BRIDGE, SHAKEN, DRIVE, distance=1e-4, steps=24, **setup)
    np.testing.assert_allclose(pairs.conductance, wanted, rtol=1e-12)


def test_runs_of_a_sweep_draw_the_same_numbers(tmp_path):
    pytest.importorskip("zarr")
    law = jaxnn.WithReadNoise(jaxnn.TunnelJunction(), 0.1)
    setup = {"terminals": (0, 3), "dt": 5e-3, "steps": 24, "key": KEY}
    over = {"junction.relative": [0.05, 0.1], "drive.amplitude": [0.1, 0.3]}
    swept = jaxnn.sweep(BRIDGE, law, DRIVE, over=over, out=tmp_path / "out", progress=False, **setup)
    wanted = run(law, record=()).conductance[-1]
    np.testing.assert_allclose(swept.final_conductance.values[1, 1], wanted, rtol=1e-12)


def test_both_trajectories_see_the_same_noise():
    # A linear law: the noise cancels in any difference, which decays at the law's own rate.
    law = jaxnn.OrnsteinUhlenbeckJunction(
        growth_rate=3.0, decay_rate=5.0, growth_sensitivity=0, decay_sensitivity=0, noise=0.1, jump_rate=0
    )
    setup = {"terminals": (0, 3), "dt": 5e-3, "steps": 20, "state": jnp.full(5, 0.4), "key": KEY}
    pairs = jaxnn.two_trajectory_exponents(BRIDGE, law, DRIVE, distance=1e-3, **setup)
    np.testing.assert_allclose(pairs.exponents, -8.0, rtol=1e-9)
    spectrum = jaxnn.lyapunov_exponents(BRIDGE, law, DRIVE, interval=5, **setup)
    np.testing.assert_allclose(spectrum.exponents, -8.0, rtol=1e-12)


def test_single_precision_and_its_watch():
    law = jaxnn.WithLangevinNoise(jaxnn.TunnelJunction(boost=jnp.float32(10)), 1e-4)
    solution = run(law, dt=1e-7, steps=20)
    assert solution.state.dtype == jnp.float32
    # Without noise such steps are reported as lost to rounding.
    assert solution.cause == 0


NOT_A_LAW: Any = DRIVE
REFUSED = {
    "no key": (lambda: run(SHAKEN, key=None), "WithLangevinNoise draws random numbers and needs a key"),
    "no key for a part": (lambda: run(NOISY["mixed"], key=None), "MixedJunction draws random numbers"),
    "several keys": (lambda: run(SHAKEN, key=jr.split(KEY, 3)), r"one random key, got \(3,\)"),
    "a number": (lambda: run(SHAKEN, key=0), "key must be a random key"),
    "called by itself": (
        lambda: NOISY["mixed"].update(jnp.zeros(5), jnp.zeros(5), 0.1),
        "WithLangevinNoise draws random numbers in `update`",
    ),
    "an equation": (
        lambda: jaxnn.StateEquation(BRIDGE, NOISY["mixed"], DRIVE, terminals=(0, 3)),
        "MixedJunction draws random numbers, and an ordinary differential equation has none",
    ),
    "a remainder": (
        lambda: jaxnn.WithLangevinNoise(jaxnn.TunnelJunction(compensated=True), 0.1),
        "compensated=False",
    ),
    "no law": (lambda: jaxnn.WithReadNoise(NOT_A_LAW, 0.1), "junction .*AbstractJunction"),
    "sizes": (lambda: jaxnn.OrnsteinUhlenbeckJunction(largest_jump=1e-5), "largest_jump must be at least"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_against_the_published_steps():
    """The mean path of the published model under 3.6 V, from its equations in plain NumPy."""
    law = jaxnn.OrnsteinUhlenbeckJunction(noise=0, jump_rate=0)
    up, down = (
        5.217037178270165e-4 * np.exp(1.2922283233062284 * 3.6),
        37.93422536389374 * np.exp(-1.785933208836627 * 3.6),
    )
    g = (1.23364e-5 - 1.4558148272052695e-7) / (6.857961268862245e-5 - 1.4558148272052695e-7)
    ours = jaxnn.simulate(
        line(1),
        law,
        jaxnn.Constant(3.6),
        terminals=(0, 1),
        dt=0.6295,
        steps=50,
        state=[g],
        record="state",
        key=KEY,
    )
    for k in range(50):
        g = up / (up + down) + (g - up / (up + down)) * np.exp(-(up + down) * 0.6295)
        np.testing.assert_allclose(ours.state[k, 0], g, rtol=1e-12)
