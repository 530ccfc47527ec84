"""Junctions that are driven alone, without a network around them."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import jaxnn


def driven(law, voltages, dt, state):
    """Currents [A] and states of junctions that all are at a voltage, (steps,), step after step.

    A current is that of the state which its step began with, as in a run.
    """
    draws = not isinstance(law, jaxnn.AbstractRateJunction)

    def step(state, now):
        number, voltage = now
        voltage = jnp.broadcast_to(voltage, state.shape)
        keys = {"key": jr.fold_in(jr.key(3), number)} if draws else {}
        after = law.update(state, voltage, dt, **keys)
        return after, (law.current(state, voltage), after)

    return jax.lax.scan(step, state, (jnp.arange(len(voltages)), voltages))[1]


def sine(amplitude, steps, periods=1.0):
    """A sine that begins half a step after 0 V."""
    return amplitude * jnp.asarray(np.sin(2 * np.pi * periods * (np.arange(steps) + 0.5) / steps))
