"""Drives: their values by formula, exact phase in float32, derivatives, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from jaxnn_kernels import fractional_cycles, split_time_step, step_time


TIME = np.arange(1, 4001) * 1e-3  # [s]


def values(drive):
    """The drive at the steps of 1 ms, as the simulation evaluates it."""
    dt, rest = split_time_step(1e-3, jnp.dtype(float))
    clock = lambda k: jaxnn.Clock(*step_time(k, dt, rest))
    return jax.vmap(lambda k: drive.at(clock(k)))(jnp.arange(1, 4001, dtype=jnp.int32))


def triangle(x):
    """0 and rising at 0, 1 at a quarter."""
    return 1 - 4 * np.abs((x - 0.25) - np.round(x - 0.25))


@pytest.mark.parametrize(
    ("drive", "expected"),
    [
        (jaxnn.Constant(0.3), np.full(4000, 0.3)),
        (jaxnn.Sine(1.2, 0.5, 0.3, 0.1), 1.2 * np.sin(np.pi * TIME + 0.3) + 0.1),
        (jaxnn.Triangle(1.25, 0.5), 1.25 * triangle(0.5 * TIME)),
        (jaxnn.Triangle(2.0, 3.0, np.pi / 2, 0.2), 2 * triangle(3 * TIME + 0.25) + 0.2),
        (jaxnn.Ramp(0.5, 2.5, 2.0), 0.5 + np.clip(TIME / 2, 0, 1) * 2),
        (jaxnn.OnThenOff(0.2, 0.01, 2.0), np.where(np.arange(1, 4001) < 2000, 0.2, 0.01)),
        (
            jaxnn.Square(0.5, 2.0, offset=0.1, duty=0.25),
            np.where(np.arange(1, 4001) % 500 < 125, 0.6, -0.4),
        ),
        (
            jaxnn.PulseTrain(1.0, 0.01, 0.1, start=0.5, base=0.05, count=3),
            np.where(
                (np.arange(-500, 3500) >= 0)
                & (np.arange(-500, 3500) % 100 < 10)
                & (np.arange(-500, 3500) < 300),
                1.0,
                0.05,
            ),
        ),
        (jaxnn.Samples(np.arange(4000.0), 1e-3), np.arange(4000.0)),
        (jaxnn.Samples(np.arange(40.0), 0.1), np.arange(4000) // 100),
        (jaxnn.Samples(np.arange(10.0), 0.1), np.minimum(np.arange(4000) // 100, 9)),
        (jaxnn.Sine(1.0, 1.0) + jaxnn.Constant(2.0), np.sin(2 * np.pi * TIME) + 2),
    ],
)
def test_values(drive, expected):
    np.testing.assert_allclose(values(drive), expected, rtol=0, atol=1e-11)


def test_call_with_a_plain_time():
    assert abs(jaxnn.Sine(2.0, 0.25)(1.0) - 2.0) < 1e-15
    assert jaxnn.Constant([1.0, 0.5])(3.0).shape == (2,)


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
        return fractional_cycles(f, *step_time(k, high, low))

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


@pytest.mark.parametrize(
    "drive",
    [
        jaxnn.Constant(0.7),
        jaxnn.Sine(0.7, 1.3, 0.4, 0.2),
        jaxnn.Triangle(0.7, 1.3, 0.4, 0.2),
        jaxnn.Ramp(0.1, 0.7, 3.0),
        jaxnn.Sine(0.7, 1.3) + jaxnn.Triangle(0.2, 3.1),
    ],
)
def test_derivatives(drive):
    """In every parameter, against central differences."""
    at = lambda d: d.at(jaxnn.Clock.at(1.2345))
    gradient = jax.tree.leaves(jax.grad(at)(drive))
    leaves, structure = jax.tree.flatten(drive)
    for i, exact in enumerate(gradient):
        moved = [
            at(structure.unflatten([x + d * (j == i) for j, x in enumerate(leaves)])) for d in (1e-6, -1e-6)
        ]
        assert abs((moved[0] - moved[1]) / 2e-6 - exact) < 1e-7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jaxnn.Constant(np.nan), "voltage of Constant must be finite"),
        (lambda: jaxnn.Sine(1.0, np.inf), "frequency of Sine must be finite"),
        (lambda: jaxnn.Ramp(0.0, 1.0, 0.0), "duration of Ramp must be greater than 0 s"),
        (lambda: jaxnn.PulseTrain(1.0, 0.0, 1.0), "width of PulseTrain must be greater than 0"),
        (lambda: jaxnn.PulseTrain(1.0, 2.0, 1.0), "period less width of PulseTrain"),
        (lambda: jaxnn.PulseTrain(1.0, 0.1, 1.0, count=0), "count of PulseTrain"),
        (lambda: jaxnn.Samples(np.array([0.0, np.nan]), 0.1), r"values of Samples.* index \[1\]"),
        (lambda: jaxnn.Samples(np.zeros(0), 0.1), "at least one sample"),
        (lambda: jaxnn.Samples(np.zeros(3), -0.1), "interval of Samples must be greater than 0"),
        (lambda: jaxnn.Sum(()), "Sum needs one or more drives"),
        (lambda: jaxnn.Sum((jaxnn.Constant(1.0), 2.0)), "wrap a fixed voltage as jaxnn.Constant"),
    ],
)
def test_bad_drives(make, message):
    with pytest.raises(ValueError, match=message):
        make()
