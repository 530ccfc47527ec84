"""Drives: their values by formula, shapes and sums, derivatives, bad input."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from jaxnn._simulation.problem import terminal_potential
from jaxnn._sweep.study import PerNetwork
from jaxnn_kernels import split_time_step


TIME = np.arange(1, 4001) * 1e-3  # [s]


def values(drive):
    """The drive at the steps of 1 ms, as the simulation evaluates it."""
    dt, rest = split_time_step(1e-3, jnp.dtype(float))
    clock = lambda k: jaxnn.Clock.at_step(k, jnp.asarray(dt), jnp.asarray(rest))
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


# By the voltages that each has, in this order.
TWO_VOLTAGES = {
    "sine": lambda a, b: jaxnn.Sine(a, 3.0, 0.4, b),
    "triangle": lambda a, b: jaxnn.Triangle(a, 3.0, 0.4, b),
    "square": lambda a, b: jaxnn.Square(a, 3.0, 0.4, b, 0.3),
    "ramp": lambda a, b: jaxnn.Ramp(a, b, 1.0),
    "on then off": lambda a, b: jaxnn.OnThenOff(a, b, 0.3),
    "pulses": lambda a, b: jaxnn.PulseTrain(a, 0.1, 0.2, base=b),
    "sum": lambda a, b: jaxnn.Constant(a) + jaxnn.Sine(b, 3.0),
    "nested sum": lambda a, b: jaxnn.Constant(a) + (jaxnn.Constant(b) + jaxnn.Sine(b, 3.0)),
    "one's own": lambda a, b: Own(jnp.asarray(a)) + jaxnn.Constant(b),
}
VOLTAGES = {
    "scalar": np.asarray(0.7),
    "one": np.asarray([0.5]),
    "terminals": np.asarray([0.3, 0.2, -0.3]),
    "networks and one": np.asarray([[0.4], [0.8]]),
    "networks and terminals": np.asarray([[0.1, 0.2, 0.3], [0.6, 0.5, 0.4]]),
}


class Own(jaxnn.AbstractDrive):
    """A drive of a user's."""

    voltage: jax.Array

    def __call__(self, time):
        return self.voltage * jnp.cos(time)


def on_terminals(voltage):
    """By the convention: what has no axis of terminals is the first terminal's. On (2, 3)."""
    voltage = np.asarray(voltage)
    if voltage.ndim == 0 or voltage.shape[-1] == 1:
        voltage = voltage.reshape((*voltage.shape[:-1], 1)) * np.asarray([1.0, 0.0, 0.0])
    return np.broadcast_to(voltage, (2, 3))


@pytest.mark.parametrize("second", VOLTAGES)
@pytest.mark.parametrize("first", VOLTAGES)
def test_a_voltage_is_linear_in_voltages_of_any_shape(first, second):
    """A drive's value is what its voltages alone give at each terminal, so that currents add up too."""
    a, b = VOLTAGES[first], VOLTAGES[second]
    for name, make in TWO_VOLTAGES.items():
        value = make(a, b)(0.35)
        if max(a.ndim and a.shape[-1], b.ndim and b.shape[-1]) < 2:
            assert value.ndim == 0 or value.shape[-1] == 1  # still the first terminal's alone
        share = shares(name)
        expected = share[0] * on_terminals(a) + share[1] * on_terminals(b)
        np.testing.assert_allclose(terminal_potential(value, (2, 3)), expected, rtol=0, atol=1e-14)


@ft.cache
def shares(name):
    """What 1 V of each voltage of a drive gives."""
    make = TWO_VOLTAGES[name]
    return float(make(1.0, 0.0)(0.35)), float(make(0.0, 1.0)(0.35))


def test_the_current_of_a_sum_is_the_sum_of_the_currents():
    """Three resistors in a star, whose currents are known."""
    network = jaxnn.Network(4, [(0, 3), (1, 3), (2, 3)])
    conductance = np.asarray([1e-3, 2e-3, 3e-3])
    setup = {"terminals": (0, 1, 2), "dt": 1e-3, "steps": 40}
    drive = jaxnn.Constant([0.3, 0.0, -0.3]) + jaxnn.Sine(0.1, 10.0)
    wave = 0.1 * np.sin(2 * np.pi * 10 * 1e-3 * np.arange(1, 41))
    potential = np.stack([0.3 + wave, 0 * wave, -0.3 + 0 * wave], axis=-1)
    middle = potential @ conductance / 6e-3
    solution = jaxnn.simulate(network, jaxnn.Resistor(conductance), drive, **setup)
    expected = conductance * (potential - middle[:, None])
    np.testing.assert_allclose(solution.terminal_current, expected, rtol=0, atol=1e-15)
    alternating = solution.terminal_current[:, 0] - conductance[0] * (0.3 + 6e-4 / 6e-3)
    np.testing.assert_allclose(alternating.max(), 0.1 * 1e-3 * 5e-3 / 6e-3, rtol=1e-9)


def test_voltages_that_are_mapped():
    """Under vmap a batch of scalars is a batch of drives of the first terminal."""
    at = lambda a, b: (jaxnn.Constant([0.3, 0.0, -0.3]) + jaxnn.Sine(a, 0.25, offset=b))(1.0)
    value = jax.vmap(at)(jnp.asarray([0.1, 0.2]), jnp.asarray([0.0, 1.0]))
    np.testing.assert_allclose(value, [[0.4, 0, -0.3], [1.5, 0, -0.3]], rtol=0, atol=1e-15)
    batch = jax.vmap(lambda a: jaxnn.Sine(a, 0.25))(jnp.asarray([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(jax.vmap(lambda d: d(1.0))(batch), [0.1, 0.2, 0.3], rtol=1e-15)


def test_times_of_each_terminal():
    drive = jaxnn.PulseTrain([1.0, 1.0, 2.0], 0.1, 0.3, start=[0.0, 0.1, 0.2])
    expected = [[1, 0, 0], [0, 1, 0], [0, 0, 2]]
    np.testing.assert_array_equal(jax.vmap(drive)(jnp.asarray([0.05, 0.15, 0.25])), expected)
    for drive in (jaxnn.Sine(0.1, [1.0, 2.0]), jaxnn.OnThenOff(1.0, 0.0, [0.1, 0.2])):
        with pytest.raises(ValueError, match=r"times for each of 2 terminals.*jnp.full\(2, voltage\)"):
            drive(1.0)


def test_numbers_of_each_network():
    """As a sweep puts them in: the others keep their digits."""
    base = jaxnn.Sine([0.1, 0.2], 1.3) + jaxnn.Constant(1.0)
    frequency, second = jnp.asarray([2.0, 3.0, 4.0]), jnp.asarray([0.5, 0.6, 0.7])
    drive = PerNetwork.of(base, {"drives.0.frequency": frequency, "drives.0.amplitude.1": second})
    wave = np.sin(2 * np.pi * np.asarray(frequency) * 0.3)
    expected = np.stack([0.1 * wave + 1, second * wave], axis=-1)
    np.testing.assert_allclose(drive(0.3), expected, rtol=1e-12)
    assert isinstance(jax.tree.leaves(drive)[-1], np.ndarray)


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
        (lambda: jaxnn.Square(1.0, 1.0, duty=30), "duty of Square .* 0.3 for 30 %"),
        (lambda: jaxnn.PulseTrain(1.0, 0.1, 1.0, count=0), "count of PulseTrain"),
        (lambda: jaxnn.Samples(np.array([0.0, np.nan]), 0.1), r"values of Samples.* index \[1\]"),
        (lambda: jaxnn.Samples(np.zeros(0), 0.1), "at least one sample"),
        (lambda: jaxnn.Samples(np.zeros(3), -0.1), "interval of Samples must be greater than 0"),
        (lambda: jaxnn.Sum(()), "Sum needs one or more drives"),
        (
            lambda: (jaxnn.Constant([1.0, 2.0]) + jaxnn.Constant([1.0, 2.0, 3.0]))(0.0),
            "do not fit each other",
        ),
        (lambda: jaxnn.Sum((jaxnn.Constant(1.0), 2.0)), "wrap a fixed voltage as jaxnn.Constant"),
    ],
)
def test_bad_drives(make, message):
    with pytest.raises(ValueError, match=message):
        make()
