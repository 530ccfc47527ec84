"""What a drive loses at the time steps of a run is told, with the figure and the remedy."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from jaxnn._drives.resolution import Span, losses
from jaxnn._sweep.study import PerNetwork


DT, STEPS = 1e-3, 100  # the run ends at 0.1 s


class Spike(jaxnn.AbstractDrive):
    """A drive of a user's that says how short it is."""

    width: float

    def __call__(self, time):
        return jnp.exp(-((time / self.width - 0.05 / self.width) ** 2))

    def shortest_time(self):
        return self.width


# All drives but `Constant`, which loses nothing, with every fault that each can have.
LOSING = [
    (jaxnn.Sine(0.2, 700.0), r"1\.43 samples a period, and the network is driven at 300 Hz .* 0\.000179 s"),
    (
        jaxnn.Sine(0.2, [1.0, -300.0]),
        r"3\.33 samples a period, which miss a peak by up to 41 %",
    ),
    (jaxnn.Triangle(0.2, 1e4), r"0\.1 samples a period, and the network is driven at 0 Hz"),
    (jaxnn.Square(0.2, 50.0, duty=0.01), r"part of a period of 0\.0002 s is shorter.* at most 0\.0002 s"),
    (jaxnn.Square(0.2, 150.0), r"3\.33 steps of dt = 0\.001 s, so that it takes 3 steps .* 4 at another"),
    (jaxnn.Ramp(0.0, 1.0, 1e-4), r"ramp of 0\.0001 s is shorter than dt = 0\.001 s.* at most 0\.0001 s"),
    (
        jaxnn.OnThenOff(1.0, 0.0, 3.0),
        r"off_time = 3 s is after the end of the run, 0\.1 s",
    ),
    (jaxnn.OnThenOff(1.0, 0.0, 1e-3), r"off_time = 0\.001 s is no later than the first step"),
    (jaxnn.PulseTrain(1.0, 1e-4, 1e-2), r"a pulse of 0\.0001 s is shorter than dt = 0\.001 s"),
    (
        jaxnn.PulseTrain(1.0, 2.5e-3, 12.5e-3),
        r"a pulse of 0\.0025 s is 2\.5 steps .* 0\.000833333 s",
    ),
    (jaxnn.PulseTrain(1.0, 9.8e-3, 1e-2), r"between two pulses of 0\.0002 s is shorter than dt = 0\.001 s"),
    (jaxnn.PulseTrain(1.0, 0.01, 0.02, 5.0), r"first pulse, at 5 s, is after the end of the run, 0\.1 s"),
    (jaxnn.Samples(np.arange(1000.0), 1e-4), r"a sample of 0\.0001 s is shorter than dt"),
    (jaxnn.Samples(np.arange(10.0), 1e-3), r"10 samples end at 0\.01 s and the run at 0\.1 s: .* is held"),
    (jaxnn.Samples(np.arange(10.0), 1.0), r"the run ends at 0\.1 s and reaches 1 of the 10 samples"),
    (jaxnn.Constant(0.1) + jaxnn.Sine(0.2, 700.0), r"^Sine: 700 Hz"),
    (PerNetwork(jaxnn.Sine(0.2, np.asarray([1.0, 700.0])), ("frequency",)), r"^Sine: 700 Hz"),
    (Spike(1e-4), r"a change of 0\.0001 s is shorter than dt = 0\.001 s"),
]
KEEPING = [
    jaxnn.Constant(1.0),
    jaxnn.Sine(1.0, 125.0) + jaxnn.Sine(1.0, 0.0),
    jaxnn.Triangle(1.0, 10.0),
    jaxnn.Square(1.0, 125.0),
    jaxnn.Square(1.0, 50.0, duty=1.0) + jaxnn.Square(1.0, 0.0),
    jaxnn.Ramp(0.0, 1.0, 1e-3),
    jaxnn.OnThenOff(1.0, 0.0, 0.1),
    jaxnn.PulseTrain(1.0, 1e-3, 3e-3) + jaxnn.PulseTrain(1.0, 0.05, 0.05),
    jaxnn.PulseTrain(1.0, 0.0101, 0.0303),
    jaxnn.Samples(np.arange(100.0), 1e-3),
    jaxnn.Samples(np.arange(10.0), 0.01) + jaxnn.Samples(np.arange(1.0), 1e-5),
    jaxnn.Samples(np.arange(100.0), 7e-3),
    Spike(1e-3),
]


@pytest.mark.parametrize(("drive", "message"), LOSING)
def test_what_a_step_cannot_resolve(drive, message):
    found = [*losses(drive, Span(DT, 0.0, DT * STEPS))]
    assert len(found) == 1
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(found[0])
    # Neither if dt is traced, nor if the numbers of the drive are, is there anything to be said.
    nothing = [*losses(drive, Span(float("nan"), float("nan"), float("nan")))]
    assert not nothing


@pytest.mark.parametrize("drive", KEEPING)
def test_what_it_can(drive):
    assert not [*losses(drive, Span(DT, 0.0, DT * STEPS))]


def test_a_run_that_goes_on_has_seen_the_rest():
    for drive in (jaxnn.OnThenOff(1.0, 0.0, 1e-3), jaxnn.PulseTrain(1.0, 0.01, 0.02, 15.0)):
        assert [*losses(drive, Span(DT, 0.0, 0.1))]
        assert not [*losses(drive, Span(DT, 10.0, 10.1))]


def test_simulate_warns_once_and_traced_numbers_are_left_alone():
    network, law = jaxnn.Network(2, [(0, 1)]), jaxnn.Resistor(1.0)
    settings = {"terminals": (0, 1), "dt": DT, "steps": 10}
    run = lambda f, **other: jaxnn.simulate(network, law, jaxnn.Sine(1.0, f), **(settings | other)).drive
    with pytest.warns(jaxnn.NumericalWarning, match="Sine: 700 Hz in steps of dt = 0.001 s") as caught:
        run(700.0)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jax.vmap(run)(jnp.asarray([300.0, 700.0]))
        jaxnn.StateEquation(network, jaxnn.TunnelJunction(), jaxnn.Sine(1.0, 700.0), terminals=(0, 1))
