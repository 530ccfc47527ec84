"""Sums, multiples and successions of drives: identities, times, shapes, derivatives, files."""

import dataclasses as dc
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line
from jaxnn_kernels import split_time_step


DT, STEPS = 1e-3, 800
VOLT: Any = 1.0
DRIVES = {
    "constant": jaxnn.Constant(0.3),
    "sine": jaxnn.Sine(0.2, 1.3, 0.4, 0.1),
    "square": jaxnn.Square(0.2, 5.0, duty=0.3),
    "pulses": jaxnn.PulseTrain(0.3, 0.01, 0.1, start=0.05, count=3),
    "samples": jaxnn.Samples(np.linspace(-0.2, 0.4, 20), 0.02),
    "terminals": jaxnn.Sine([0.3, 0.0, -0.2], 2.0),
}


class Root(jaxnn.AbstractDrive):
    """A drive that has no derivative, and before 0 s no value."""

    def __call__(self, time):
        return jnp.sqrt(time)


def sampled(drive: Any, steps=STEPS, start=0):
    """The drive at every step, as a run has it."""
    dt, rest = map(jnp.asarray, split_time_step(DT, jnp.dtype(float)))
    at = lambda k: drive.at(jaxnn.Clock.at_step(k, dt, rest))
    return np.asarray(jax.vmap(at)(jnp.arange(start + 1, start + steps + 1, dtype=jnp.int32)))


@pytest.mark.parametrize("name", DRIVES)
def test_multiples_and_sums(name):
    d, e = DRIVES[name], jaxnn.Triangle(0.4, 3.0)
    v, w = sampled(d), sampled(e)
    first = np.asarray([1.0, 0.0, 0.0]) if v.ndim == 2 else 1.0
    w = w[:, None] * first if v.ndim == 2 else w
    every = (
        (d - e, v - w),
        (3 * (0.1 - d) / 2, 1.5 * (0.1 * first - v)),
        (2 * d, 2 * v),
        (d * np.float64(2), 2 * v),
        (np.float64(2) * d, 2 * v),
        (jnp.asarray(2.0) * d, 2 * v),
        (d / 4, v / 4),
        (-d, -v),
        (d + 0.1, v + 0.1 * first),
        (0.1 + d, v + 0.1 * first),
        (d - 0.1, v - 0.1 * first),
        (d + e, v + w),
        (sum([d, e, d]), 2 * v + w),
        (d - d, 0 * v),
    )
    # All of them on two drives; each part of a drive is compiled, and the rules are the same for all.
    for made, expected in every if name in ("sine", "terminals") else every[:2]:
        np.testing.assert_allclose(sampled(made), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", DRIVES)
def test_one_after_the_other(name):
    """With the edge on a step: the steps of the first, then those of the second from its own first."""
    d, e = DRIVES[name], jaxnn.Sine(0.4, 3.0)
    made = sampled(d.then(e, at=0.3))
    first, then = sampled(d), sampled(e)
    np.testing.assert_array_equal(made[:300], first[:300])
    then = then if made.ndim == 1 else then[:, None] * np.asarray([1.0, 0.0, 0.0])
    # 0.3 s less 0.3 s is not 0 to the last digit.
    np.testing.assert_allclose(made[300:], then[:500], rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("drive", "end"),
    [
        (jaxnn.Ramp(0.0, 0.2, 0.25), 0.25),
        (jaxnn.Samples(np.ones(30), 0.01), 0.3),
        (jaxnn.PulseTrain(0.1, 0.01, 0.1, start=0.05, count=2), 0.25),
        (jaxnn.PulseTrain([0.1, 0.2], 0.01, [0.1, 0.2], count=2), 0.4),
        (-jaxnn.Ramp(0.0, 0.2, jnp.asarray(0.25)), 0.25),
        (jaxnn.Ramp(0.0, 0.2, jnp.float32(0.25)) + jaxnn.Ramp(0.0, 0.2, 0.5), 0.5),
        (0.2 - jaxnn.Ramp(0.0, 0.2, 0.25), 0.25),
        (jaxnn.Ramp(0.0, 0.2, 0.25).then(jaxnn.Ramp(0.2, 0.0, 0.5)), 0.75),
    ],
)
def test_ends(drive, end):
    assert drive.end_time() == end
    assert drive.then(0.05)(end + 1e-3).ravel()[0] == 0.05
    np.testing.assert_allclose(drive.then(0.05)(end), drive(end), rtol=1e-15)


def test_like_programmes():
    """`then` means the same of both, and of programmes so does `+`, as it did."""
    up, rest = jaxnn.Programme.ramp(0.0, 0.2, 0.25), jaxnn.Programme.pulse(0.1, 0.5)
    drive = jaxnn.Ramp(0.0, 0.2, 0.25).then(jaxnn.Constant(0.1))
    for programme in (up.then(rest), up + rest):
        for time in (0.1, 0.25, 0.2500001, 0.6):
            np.testing.assert_allclose(drive(time), programme(time), rtol=1e-12)


def test_after_hours_of_float32():
    """The second drive begins at the step that is meant, and keeps its phase."""
    with jax.enable_x64(False):
        drive = jaxnn.Constant(0.1).then(jaxnn.Sine(0.2, 1.3), at=3600.0)
        dt, rest = map(jnp.asarray, split_time_step(DT, jnp.float32))
        at = lambda k: drive.at(jaxnn.Clock.at_step(k, dt, rest))
        values = jax.vmap(at)(jnp.arange(3_599_999, 3_600_500, dtype=jnp.int32))
    assert values.dtype == jnp.float32
    np.testing.assert_array_equal(values[:2], np.float32(0.1))
    exact = 0.2 * np.sin(2 * np.pi * 1.3e-3 * np.arange(1, 500))
    np.testing.assert_allclose(values[2:], exact, rtol=0, atol=2e-7)


def test_derivatives():
    """In every number of a composite, against central differences."""

    at = jax.jit(lambda drive: drive.at(jaxnn.Clock.at(1.2345)))
    drive = (2.5 * jaxnn.Sine(0.7, 1.3) - 0.2).then(jaxnn.Sine(0.4, 0.3) / 3, at=0.4)
    for made in (drive, dc.replace(drive, switch_time=2.0)):
        made = jax.tree.map(jnp.asarray, made)
        leaves, structure = jax.tree.flatten(made)
        gradient = jax.tree.leaves(jax.grad(at)(made))
        for i, exact in enumerate(gradient):
            moved = [
                at(structure.unflatten([x + d * (j == i) for j, x in enumerate(leaves)]))
                for d in (1e-6, -1e-6)
            ]
            assert abs((moved[0] - moved[1]) / 2e-6 - exact) < 1e-7


def test_no_drive_is_asked_outside_of_its_time():
    """Where it may be NaN, which would come through the choice as a derivative."""
    drive = jaxnn.Constant(0.1).then(Root(), at=0.5)
    assert jax.jit(jax.grad(lambda at: jaxnn.Constant(0.1).then(Root(), at)(0.2)))(0.5) == 0
    assert drive(0.2) == 0.1
    np.testing.assert_allclose(drive(0.75), 0.5, rtol=1e-15)
    np.testing.assert_allclose(Root().then(0.1, at=0.25)(9.0), 0.1, rtol=1e-15)


def test_maps_and_compilation():
    gains, ends = jnp.asarray([1.0, 2.0, -1.0]), jnp.asarray([0.1, 0.2, 0.3])
    make = lambda g, t: (g * jaxnn.Sine(0.2, 1.3)).then(jaxnn.Ramp(0.1, 0.2, 0.1) - g, at=t)
    batch = jax.jit(jax.vmap(make))(gains, ends)
    values = jax.jit(jax.vmap(lambda d: d(0.25)))(batch)
    np.testing.assert_allclose(values, [make(*x)(0.25) for x in zip(gains, ends, strict=True)], rtol=1e-14)
    lengths = jax.vmap(lambda t: jaxnn.Ramp(0.0, 0.2, t).then(0.05).switch_time)(ends)
    np.testing.assert_array_equal(lengths, ends)


def test_a_run_of_multiples():
    """A resistor answers twice as much; a junction is driven by all parts."""
    network, setup = line(3), {"terminals": (0, 3), "dt": DT, "steps": 40}
    drive = jaxnn.Sine(0.1, 10.0)
    current = lambda d: jaxnn.simulate(network, jaxnn.Resistor(1e-3), d, **setup).terminal_current
    np.testing.assert_allclose(current(2 * drive), 2 * current(drive), rtol=1e-12)
    both = current(drive.then(-drive, at=0.02))
    np.testing.assert_allclose(both[20:], -both[:20], rtol=0, atol=1e-17)


def test_in_a_sweep_and_its_files(tmp_path):
    pytest.importorskip("zarr")
    drive = (2 * jaxnn.Constant(0.1)).then(jaxnn.Constant(0.05) - 0.01, at=0.01)
    over = {"drive.first.gain": [1.0, 3.0], "drive.second.drives.1.gain": [-1.0, 1.0]}
    setup = {"terminals": (0, 3), "dt": DT, "steps": 20, "progress": False}
    last = jaxnn.Reduction(lambda s: s.drive[jnp.asarray([0, -1]), 0], "V", "ends", ("end",))
    found = jaxnn.sweep(
        line(3), jaxnn.Resistor(1e-3), drive, over=over, out=tmp_path, reduce={"ends": last}, **setup
    )
    expected = [[[0.1, 0.04], [0.1, 0.06]], [[0.3, 0.04], [0.3, 0.06]]]
    np.testing.assert_allclose(found["ends"].values.reshape(2, 2, 2), expected, rtol=1e-6)
    again = jaxnn.open_sweep(tmp_path)
    np.testing.assert_array_equal(again["ends"].values, found["ends"].values)


def test_by_name_in_a_specification():
    from jaxnn._sweep.registry import REGISTRY, registered

    jaxnn.register_drive("ThereAndBack", lambda top=0.2, time=0.1: _there_and_back(top, time))
    try:
        drive = registered("drive", "ThereAndBack", {"top": 0.4})
        np.testing.assert_allclose(
            sampled(drive, 200)[[49, 99, 149, 199]], [0.2, 0.4, 0.2, 0.0], atol=1e-12
        )
    finally:
        del REGISTRY["drive"]["ThereAndBack"]


def _there_and_back(top: float, time: float) -> Any:
    up = jaxnn.Ramp(0.0, top, time)
    return up.then(top - up)


def test_what_they_lose_at_a_time_step():
    network = line(3), jaxnn.Resistor(1e-3)
    setup = {"terminals": (0, 3), "dt": DT, "steps": 50}
    with pytest.warns(jaxnn.NumericalWarning, match=r"Amplified: Sine: 700 Hz"):
        jaxnn.simulate(*network, 2 * jaxnn.Sine(0.2, 700.0), **setup)
    with pytest.warns(jaxnn.NumericalWarning, match="the second drive takes over at 0.1 s, no earlier"):
        jaxnn.simulate(*network, jaxnn.Constant(0.1).then(0.2, at=0.1), **setup)
    with pytest.warns(jaxnn.NumericalWarning, match="Succession: Sine: 700 Hz"):
        jaxnn.simulate(*network, jaxnn.Constant(0.1).then(jaxnn.Sine(0.2, 700.0), at=0.01), **setup)
    # A pulse that is over before the switch, and samples of the time after it, lose nothing.
    before, after = jaxnn.OnThenOff(0.1, 0.0, 0.01), jaxnn.Samples(np.ones(30), DT)
    jaxnn.simulate(*network, before.then(after, at=0.02), **setup)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: d + "loud", "what is added to a drive"),
        (lambda d: d + jaxnn.Programme.read(), "what is added to a drive"),
        (lambda d: d + np.nan, "what is added to a drive.*must be finite"),
        (lambda d: d * d, "gain"),
        (lambda d: d * [1.0, 2.0], "gain of Amplified must be one number.*belong in the drive"),
        (lambda d: d / 0, "gain of Amplified must be finite"),
        (lambda d: d.then(0.1), "Sine has no end: say when"),
        (lambda d: d.then(0.1, at=-1.0), "switch_time of Succession must be"),
        (lambda d: d.then(0.1, at=[1.0, 2.0]), "switch_time of Succession must be one number"),
        (lambda d: d.then("loud", at=1.0), "what is added to a drive, or follows it, must be"),
        (lambda d: jaxnn.Succession(d, VOLT, 1.0), "second of Succession must be a drive"),
        (lambda d: jaxnn.Amplified(VOLT, 2.0), "drive of Amplified must be a drive.*jaxnn.Constant"),
        (lambda d: (jaxnn.Constant([1.0, 2.0]).then([1.0, 2.0, 3.0], 1.0))(0.0), "drives of a Succession"),
        (lambda d: jaxnn.Programme.read().then(d), "only another Programme"),
    ],
)
def test_bad_arithmetic(make, message):
    with pytest.raises(ValueError, match=message):
        make(jaxnn.Sine(0.1, 1.0))
