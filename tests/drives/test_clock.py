"""Time, phases and edges after hours, in float32 and float64, against integer arithmetic."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from jaxnn._drives.abstract import drive_at, settled
from jaxnn_kernels import fractional_cycles, split_time_step, step_time


DT = 1e-4  # [s]
HOUR = 36_000_000  # steps
DAY = 24 * HOUR
# Where windows of steps begin: also beyond 20 bits, beyond float32's 24, and at the last step there is.
STARTS = (0, 2**20 - 500, 2**24 - 500, HOUR - 500, DAY - 500, 2**31 - 1002)
STEPS = np.concatenate([np.arange(start + 1, start + 1001) for start in STARTS])  # int64


@pytest.mark.parametrize("dt", [5e-4, 1e-3, 0.03])
def test_float32_time_is_exact_after_an_hour(dt):
    """Time with its remainder is right to 1e-6 of a step at ten million steps."""
    high, low = split_time_step(dt, jnp.dtype(jnp.float32))
    steps = np.r_[1, 7, 12345, 5_999_999, 7_200_001, 2**24 + 1, 2**31 - 1].astype(np.int32)
    time, rest = jax.jit(jax.vmap(step_time, (0, None, None)))(jnp.asarray(steps), high, low)
    exact = np.asarray(time, np.float64) + np.asarray(rest, np.float64)
    np.testing.assert_allclose(exact, steps * dt, rtol=1e-13, atol=1e-9 * dt)
    naive = np.asarray(steps, np.float32) * np.float32(dt)
    assert abs(naive[4] - steps[4] * dt) > 0.1 * dt or dt != 5e-4  # what this is for


@pytest.mark.parametrize("frequency", [0.5, 0.85, 7.0])
def test_float32_phase_is_exact_after_an_hour(frequency):
    high, low = split_time_step(5e-4, jnp.dtype(jnp.float32))
    steps = jnp.arange(7_199_000, 7_200_000, dtype=jnp.int32)
    f = jnp.float32(frequency)

    def cycles(k):
        return fractional_cycles((f, 0 * f), step_time(k, high, low))[0]

    ours = np.asarray(jax.jit(jax.vmap(cycles))(steps), np.float64)
    # The frequency is a float32 number itself: 0.85 differs from the decimal by 3e-8.
    exact = float(f) * np.asarray(steps, np.float64) * 5e-4
    error = ours - exact
    assert np.abs(error - np.round(error)).max() < 2e-7


def test_float32_drive_of_a_long_run():
    network = jaxnn.Network(2, [[0, 1]])
    solution = jaxnn.simulate(
        network,
        jaxnn.Resistor(jnp.float32(1e-3)),
        jaxnn.Sine(1.0, 0.5),
        terminals=(0, 1),
        dt=5e-4,
        steps=500,
        start_step=6_000_000,
    )
    assert solution.drive.dtype == jnp.float32
    exact = np.sin(np.pi * (np.arange(1, 501) * 5e-4))  # 3,000 s are 1,500 whole periods
    np.testing.assert_allclose(solution.drive[:, 0], exact, rtol=0, atol=2e-6)


def wave(k):
    """Cycles at 1.3 Hz less the whole ones, in integers."""
    return (13 * k % 100_000) / 100_000


def drive_values(drive, steps, dt, dtype):
    """A drive at some steps, as the compiled loop evaluates it."""
    step = jax.tree.map(jnp.asarray, split_time_step(dt, dtype))
    drive = settled(drive, dtype)
    at = lambda k: drive_at(drive, jaxnn.Clock.at_step(k, *step))
    value = jax.jit(jax.vmap(at))(jnp.asarray(steps, jnp.int32))
    assert value.dtype == dtype
    return np.asarray(value)


# At 10,000 steps a second, so that each edge is at a whole number of steps k.
CASES = {
    "constant": (jaxnn.Constant(0.3), lambda k: 0.3 + 0 * k),
    "sine": (jaxnn.Sine(1.0, 1.3), lambda k: np.sin(2 * np.pi * wave(k))),
    "triangle": (
        jaxnn.Triangle(1.0, 1.3),
        lambda k: 1 - 4 * np.abs((wave(k) - 0.25) - np.round(wave(k) - 0.25)),
    ),
    "square": (jaxnn.Square(1.0, 50.0), lambda k: np.where(k % 200 < 100, 1, -1)),
    "square of 30 ms": (jaxnn.Square(1.0, 1 / 0.03), lambda k: np.where(k % 300 < 150, 1, -1)),
    "square with phase": (
        jaxnn.Square(1.0, 50.0, np.pi / 2, 0.1, 0.3),
        lambda k: np.where((k + 50) % 200 < 60, 1.1, -0.9),
    ),
    "square of a day": (  # an edge within the window, of 864,000,000 steps a period
        jaxnn.Square(1.0, 1 / 86400, 2 * np.pi * 300 / DAY),
        lambda k: np.where((k + 300) % DAY < DAY // 2, 1, -1),
    ),
    # Just after an edge the phase of a negative frequency is just below it.
    "square backwards": (jaxnn.Square(1.0, -50.0), lambda k: np.where((-k - 1) % 200 < 100, 1, -1)),
    "pulses": (jaxnn.PulseTrain(1.0, 0.002, 0.02), lambda k: np.where((k - 1) % 200 < 20, 1, 0)),
    "pulses of one step": (
        jaxnn.PulseTrain(1.0, 0.0001, 0.0003, 0.0002),
        lambda k: np.where((k > 2) & ((k - 3) % 3 < 1), 1, 0),
    ),
    "pulses without gaps": (jaxnn.PulseTrain(1.0, 0.02, 0.02), lambda k: 1 + 0 * k),
    "counted pulses": (
        jaxnn.PulseTrain(1.0, 0.002, 0.02, 0.01, -1.0, HOUR // 200),
        lambda k: np.where((k > 100) & ((k - 101) % 200 < 20) & (k <= HOUR + 100), 1, -1),
    ),
    "on then off": (
        jaxnn.OnThenOff([1.0, 2.0, 3.0], 0.0, [2.0**20 / 1e4, 3600.0, 86400.0]),
        lambda k: np.where(k[:, None] < np.asarray([2**20, HOUR, DAY]), [1, 2, 3], [0, 0, 0]),
    ),
    "ramp": (jaxnn.Ramp(0.2, 0.7, 3600.0), lambda k: 0.2 + 0.5 * np.minimum(k / HOUR, 1)),
    "samples": (jaxnn.Samples(np.arange(7.0), 360.0), lambda k: np.minimum((k - 1) // (HOUR // 10), 6)),
    "sum": (
        jaxnn.Square([1.0, 0.0], 50.0) + jaxnn.PulseTrain(1.0, 0.002, 0.02),
        lambda k: np.stack([np.where(k % 200 < 100, 1, -1) + np.where((k - 1) % 200 < 20, 1, 0), 0 * k], 1),
    ),
}


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("name", CASES)
def test_drives_of_24_hours_and_more(name, dtype):
    """No edge is a step off, and no phase, up to the last step."""
    drive, expected = CASES[name]
    smooth = 1e-6 if dtype == jnp.float32 else 1e-9
    np.testing.assert_allclose(drive_values(drive, STEPS, DT, dtype), expected(STEPS), rtol=0, atol=smooth)


def test_drives_without_float64():
    """As a reader has it: the digits of plain numbers come through where JAX knows float32 only."""
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        network, law = jaxnn.Network(2, [(0, 1)]), jaxnn.Resistor(1.0)
        drive = jaxnn.Square(1.0, 50.0) + jaxnn.Sine(1.0, 1.3) + jaxnn.PulseTrain(1.0, 0.002, 0.02)
        run = {"terminals": (0, 1), "dt": DT, "steps": 1000, "start_step": DAY - 500}
        value = jax.jit(lambda: jaxnn.simulate(network, law, drive, **run).drive[:, 0])()
        mapped = jax.vmap(lambda a: a * drive(jnp.float32(0.05)))(jnp.ones(2))
    assert value.dtype == jnp.float32
    k = np.arange(DAY - 499, DAY + 501)
    expected = sum(CASES[name][1](k) for name in ("square", "sine", "pulses"))
    np.testing.assert_allclose(value, expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(mapped, -1 + np.sin(0.13 * np.pi), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_samples_of_one_step_each(dtype):
    """With interval = dt, step k + 1 gets sample k."""
    steps = np.r_[0:400_000:7, 32_760:32_780, 35_370:35_390, 399_980:400_010]
    values = np.arange(400_000) % 1009
    for dt in (0.01, 1 / 44100, 1 / 16000):
        drive = jaxnn.Samples(values, dt)
        taken = drive_values(drive, steps + 1, dt, dtype)
        np.testing.assert_array_equal(taken, values[np.minimum(steps, 399_999)])


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_periods_of_whole_steps_are_counted(dtype):
    """Beyond 24 bits too, for periods of one step and of many, in no decimal that is a binary number."""
    for dt in (1e-4, 0.03, 1 / 44100, 1e-9):
        step = jax.tree.map(jnp.asarray, split_time_step(dt, dtype))
        for many in (1, 3, 1000):

            def edge(k, dt=dt, step=step, many=many):
                clock = jaxnn.Clock.at_step(k, *step)
                number, since = clock.nearest_edge(many * dt)
                return number, since.value / step[0], clock.tolerance / step[0]

            number, since, tolerance = jax.jit(jax.vmap(edge))(jnp.asarray(STEPS, jnp.int32))
            counted = STEPS // many < 2**31 - 2**12
            assert (number[~counted] > 2**31 - 2**12).all()
            rest = (STEPS - np.asarray(number, np.int64) * many)[counted]
            assert np.abs(rest).max() <= many / 2
            assert np.abs(np.asarray(since)[counted] - rest).max() < 0.1 * float(tolerance[0])


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("drive", [jaxnn.Sine(0.7, 1.3, 0.4), jaxnn.Triangle(0.7, 1.3, 0.4)])
def test_derivatives_after_an_hour(drive, dtype):
    """In the frequency as exact as the phase, in both modes, and as large as the time that has passed."""
    step = jax.tree.map(jnp.asarray, split_time_step(DT, dtype))
    clock = jaxnn.Clock.at_step(jnp.int32(HOUR + 1234), *step)
    given = jax.tree.map(lambda x: jnp.asarray(x, dtype), drive)
    reverse = jax.jit(jax.grad(lambda d: d.at(clock)))(given)
    for name in ("amplitude", "frequency", "phase", "offset"):
        tangent = jax.tree.map(jnp.zeros_like, given)
        tangent = eqx.tree_at(lambda d, n=name: getattr(d, n), tangent, jnp.ones((), dtype))
        _, forward = jax.jvp(lambda d: d.at(clock), (given,), (tangent,))
        np.testing.assert_allclose(forward, getattr(reverse, name), rtol=1e-5)
        # In float64 around the number that the dtype has made of it.
        exact = jax.tree.map(lambda x: np.asarray(x, np.float64), given)
        h = 1e-8 if name == "frequency" else 1e-6
        moved = [
            eqx.tree_at(lambda d, n=name: getattr(d, n), exact, getattr(exact, name) + s) for s in (h, -h)
        ]
        time = (HOUR + 1234) * DT
        difference = (moved[0](time) - moved[1](time)) / (2 * h)
        np.testing.assert_allclose(forward, difference, rtol=3e-5 if dtype == jnp.float32 else 1e-6)
