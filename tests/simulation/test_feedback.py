"""Steps of one's own, and drives that feed back what was read."""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from circuits import central
from helpers import small_network


NETWORK, TERMINALS, _ = small_network()
LAW = jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 3.0)
SETUP = {"terminals": TERMINALS, "dt": 1e-3}


class ReadOut(eqx.Module):
    weights: jax.Array

    def __call__(self, step):
        return 0.5 + jnp.tanh(self.weights @ step.node_potential)


def test_steps_are_those_of_simulate():
    voltage = 0.5 + 0.3 * jnp.sin(jnp.arange(40.0))
    whole = jaxnn.simulate(NETWORK, LAW, voltage, steps=40, record="state", **SETUP)
    stepper = jaxnn.Stepper(NETWORK, LAW, **SETUP)
    carry, steps = jax.jit(lambda v: jax.lax.scan(stepper.step, stepper.start(), v))(voltage)
    # Another program, which rounds otherwise.
    np.testing.assert_allclose(steps.state, whole.state, rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(steps.conductance, whole.conductance, rtol=1e-12)
    diagnosis = stepper.finish(carry)
    assert diagnosis.result == jaxnn.Result.successful
    np.testing.assert_allclose(diagnosis.largest_change, whole.largest_change, rtol=1e-12)


def test_a_step_with_electrodes_under_vmap_and_grad():
    electrodes = jaxnn.Electrode(TERMINALS[0], resistance=1e4), jaxnn.Electrode(TERMINALS[1], "ground")
    stepper = jaxnn.Stepper(NETWORK, LAW, terminals=electrodes, dt=1e-3)

    @jax.jit
    def loss(v):
        _, steps = jax.lax.scan(stepper.step, stepper.start(), v * jnp.ones(10))
        assert steps.circuit is not None
        return jnp.sum(steps.circuit.electrode_potential[-1])

    expected = central(lambda h: float(loss(0.8 + h)), 0.0, 1.0)
    np.testing.assert_allclose(jax.grad(loss)(0.8), expected, rtol=1e-6)
    several = jnp.array([0.3, 0.8])
    np.testing.assert_allclose(jax.vmap(loss)(several), [loss(v) for v in several], rtol=1e-12)


def test_a_scan_keeps_what_changes_in_time_alone():
    """Of a network of N junctions and M wires: three and one numbers a step, and those of the terminals."""
    stepper = jaxnn.Stepper(NETWORK, LAW, **SETUP)
    _, steps = jax.lax.scan(stepper.step, stepper.start(), jnp.full(50, 0.3))
    kept = {name: x.shape for name in vars(steps) if (x := getattr(steps, name)) is not None}
    n, wires = NETWORK.n_junctions, NETWORK.n_nodes
    per_junction = ("state", "junction_conductance", "junction_voltage")
    assert kept == {
        **dict.fromkeys(("number", "time", "conductance"), (50,)),
        **dict.fromkeys(("drive", "terminal_current"), (50, 2)),
        **dict.fromkeys(per_junction, (50, n)),
        "node_potential": (50, wires),
    }
    assert sum(x.size for x in jax.tree.leaves(steps)) == 50 * (3 * n + wires + 7)
    with pytest.raises(ValueError, match=r"take `stepper\.run`"):
        _ = steps.run
    assert stepper.run.junction_conductance.shape == (n,)


def test_a_loop_through_the_network_is_what_a_python_loop_gives():
    weights = jnp.asarray(np.random.default_rng(0).normal(size=NETWORK.n_nodes)) / 10
    drive = jaxnn.Feedback(ReadOut(weights), first=0.2)
    closed = jaxnn.simulate(NETWORK, LAW, drive, steps=20, record="node_potential", **SETUP)
    stepper = jaxnn.Stepper(NETWORK, LAW, **SETUP)
    carry, voltage, step = stepper.start(), 0.2, jax.jit(stepper.step)
    for k in range(20):
        np.testing.assert_allclose(closed.drive[k, 0], voltage, rtol=1e-12)
        carry, now = step(carry, voltage)
        voltage = ReadOut(weights)(now)
    # Open loop with the voltages that came about: the same run.
    opened = jaxnn.simulate(NETWORK, LAW, closed.drive, steps=20, **SETUP)
    np.testing.assert_allclose(opened.conductance, closed.conductance, rtol=1e-9)


@pytest.mark.parametrize("adjoint", [jaxnn.StoreStates(), jaxnn.Checkpointed(5)])
def test_gradients_go_round_the_loop(adjoint):
    def loss(x):
        drive = jaxnn.Feedback(ReadOut(x * jnp.cos(jnp.arange(NETWORK.n_nodes)) / 5), first=0.2)
        run = jaxnn.simulate(NETWORK, LAW, drive, steps=20, adjoint=adjoint, **SETUP)
        return jnp.sum(run.drive[:, 0] ** 2)

    expected = central(lambda h: float(loss(1.0 + h)), 0.0, 1.0)
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(1.0), expected, rtol=1e-6)
    several = jnp.array([0.5, 1.0])
    np.testing.assert_allclose(jax.vmap(loss)(several), [loss(x) for x in several], rtol=1e-12)


def test_wrong_feedback_is_named():
    with pytest.raises(ValueError, match="function of Feedback must be a function"):
        jaxnn.Feedback(cast(Any, 3.0))
    broken = jaxnn.Feedback(lambda step: step.no_such_thing)
    with pytest.raises(ValueError, match="the drive Feedback"):
        jaxnn.simulate(NETWORK, LAW, broken, steps=5, **SETUP)
    with pytest.raises(ValueError, match="feedback of Feedback"):
        jaxnn.two_trajectory_exponents(
            NETWORK, LAW, jaxnn.Feedback(lambda step: step.drive[0]), distance=1e-4, steps=100, **SETUP
        )
    with pytest.raises(TypeError, match="Stepper"):
        jaxnn.Stepper(NETWORK, LAW, **cast(Any, {"terminals": TERMINALS}))


def test_wrong_voltages_and_carries_are_named():
    stepper = jaxnn.Stepper(NETWORK, LAW, **SETUP)
    carry, step = stepper.step(stepper.start(), 0.1)
    with pytest.raises(
        ValueError, match=r"voltage has shape \(3,\), but the terminals need a scalar, \(1,\) or"
    ):
        stepper.step(carry, np.zeros(3))
    with pytest.raises(ValueError, match="voltage must be real numbers, got Constant"):
        stepper.step(carry, cast(Any, jaxnn.Constant(0.1)))
    for wrong in (step, step.state):
        with pytest.raises(ValueError, match=r"carry must be what start\(\) gave"):
            stepper.step(cast(Any, wrong), 0.1)
        with pytest.raises(ValueError, match=r"carry must be what start\(\) gave"):
            stepper.finish(cast(Any, wrong))
