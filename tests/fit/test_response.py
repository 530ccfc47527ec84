"""Responses are simulations at the times of a measurement, even or not."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from jaxnn.fit import Response
from jaxnn.fit._response import halved


LAW = jaxnn.TunnelJunction()
TIME = 5e-3 * np.arange(1, 201)
VOLTAGE = 0.04 * np.sin(2 * np.pi * TIME)


def simulated(network, voltage, dt, **options):
    return jaxnn.simulate(network, LAW, jnp.asarray(voltage), dt=dt, steps=len(voltage), **options)


def test_even_samples_are_the_steps_of_a_simulation():
    network = jaxnn.Network(2, [(0, 1)])
    run = simulated(network, VOLTAGE, 5e-3, terminals=(0, 1))
    for read, expected in (
        ("current", run.terminal_current[:, 0]),
        ("conductance", run.conductance),
        ("log_conductance", jnp.log(run.conductance)),
    ):
        found = Response(None, TIME, VOLTAGE, read=read)(LAW)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_networks_states_and_own_readings():
    network = jaxnn.nanowire_network(10, box=9e-6, seed=5)
    terminals = jaxnn.farthest_pair(network)
    volts = np.stack([3 * VOLTAGE, 0 * VOLTAGE], axis=1)
    state = jnp.full(network.n_junctions, 0.012)
    run = simulated(network, volts, 5e-3, terminals=terminals, state=state, record="node_potential")
    response = Response(
        network,
        TIME,
        volts,
        terminals=terminals,
        read=lambda run: run.node_potential[:, :3],
        record="node_potential",
    )
    np.testing.assert_allclose(response(LAW, state=state), run.node_potential[:, :3], atol=1e-12)


def test_uneven_samples_are_read_off_the_run():
    """At times between steps, of a drive that is a line between its samples."""
    time = np.sort(np.random.default_rng(0).uniform(0, 1, 80))
    time = np.concatenate([[0.0], time, [1.0]])
    volts = 0.05 * np.interp(time, [0, 0.5, 1], [0, 1, 0])
    fine = 1e-3
    steps = fine * np.arange(1001)
    run = simulated(jaxnn.Network(2, [(0, 1)]), np.interp(steps, time, volts), fine, terminals=(0, 1))
    expected = np.interp(time, steps, np.asarray(run.terminal_current[:, 0]))
    response = Response(None, time, volts, dt=fine)
    np.testing.assert_allclose(response(LAW), expected, rtol=1e-9, atol=1e-20)
    assert Response(None, time, volts).dt >= 1 / 810
    later = Response(None, time + 7.0, volts, dt=fine)
    np.testing.assert_allclose(later(LAW), expected, rtol=1e-6, atol=1e-20)


def test_a_missing_voltage_is_on_the_line_between_its_neighbours():
    gap = VOLTAGE.copy()
    gap[50:53] = np.nan
    filled = gap.copy()
    filled[50:53] = np.interp(TIME[50:53], TIME[[49, 53]], VOLTAGE[[49, 53]])
    np.testing.assert_allclose(Response(None, TIME, gap)(LAW), Response(None, TIME, filled)(LAW))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time": TIME[::-1]}, "time must increase, but sample 1 is at"),
        ({"time": np.where(TIME == TIME[7], TIME[6], TIME)}, "time must increase, but sample 7"),
        ({"voltage": VOLTAGE[:-1]}, "voltage must have a value for each of 200 times, got 199"),
        ({"voltage": VOLTAGE * np.nan}, "voltage has no known value in column 0"),
        ({"time": TIME[:1], "voltage": VOLTAGE[:1]}, "at least two samples"),
        ({"dt": 0.0}, "dt must be"),
        ({"read": "resistance"}, "read must be 'current' or"),
        ({"network": jaxnn.nanowire_network(10, box=9e-6, seed=5)}, "terminals must name the wires"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    given = {"network": None, "time": TIME, "voltage": VOLTAGE}
    with pytest.raises(ValueError, match=message):
        Response(**(given | changes))


@pytest.mark.parametrize("terminals", [1, 2])
def test_half_the_time_step(terminals):
    """Of the same measurement, with what was missing in it."""
    time = np.array([0.0, 0.1, 0.25, 0.3])
    volts = np.stack([[0.0, np.nan, 0.05, 0.06], [0.0, 0.01, 0.02, 0.0]], axis=1)[:, :terminals]
    volts = volts[:, 0] if terminals == 1 else volts
    half = halved(Response(None, time, volts, dt=0.02))
    expected = Response(None, time, volts, dt=0.01)
    assert half.dt == 0.01
    np.testing.assert_array_equal(half.voltage, expected.voltage)
    np.testing.assert_array_equal(half(LAW), expected(LAW))
