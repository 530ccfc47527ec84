"""Steps so short that a state loses what it gains in them to rounding."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._drives import AbstractDrive, AbstractFeedback, Clock, drive_at
from .._junctions import call_law, loses_rounding
from .instant import instant_of
from .problem import Problem, terminal_potential


# A gain of so many roundings of the state is wrong by 3 per cent, and by as much in every step.
_LEAST = 32
# Times as long, a step has enough digits to say what the short one is.
_LONGER = 1024
# Instants at which a drive is asked how large it is.
_SAMPLES = 16


def below_rounding(problem: Problem, last: Int[Array, ""]) -> Bool[Array, "*networks"]:
    r"""Whether steps up to the number `last` are too short for the dtype of the state.

    A state $\lambda$ keeps what it gains in a step only down to $\epsilon |\lambda|$. So what the law adds
    to its critical state, at 0 V and at the largest voltage that the drive can put across a junction, is
    held against $32 \epsilon$ of that state, wherever it adds anything. So is what it adds to half of it: a
    law that relaxes gains next to nothing near where it comes to rest, and loses nothing there. In float64
    that takes a step of picoseconds, and nothing is looked at; nor for laws that keep their rounding, or
    that add noise, which carries small gains over the rounding on average.
    """
    networks, dtype = problem.shape[:-1], problem.state.dtype
    law, dt, shape = problem.junction, problem.dt, problem.state.shape
    loses = loses_rounding(law, shape[-1])
    # Nobody knows beforehand what voltages a current makes, or what is fed back.
    fed = problem.circuit is not None and problem.circuit.of_kind("current").size > 0
    if (
        fed
        or isinstance(problem.drive, AbstractFeedback)
        or jnp.finfo(dtype).bits > 32
        or not np.any(loses)
    ):
        return jnp.zeros(networks, bool)
    scale = jnp.broadcast_to(jnp.asarray(law.critical_state(), dtype), shape)
    critical = jnp.where(jnp.isfinite(scale), scale, 0)
    largest = _largest_voltage(problem, last)
    voltage = (
        jnp.broadcast_to(largest, shape[-1:]) if not networks else largest[problem.network_of_junction]
    )
    first = instant_of(problem, problem.start_step + 1)
    update = lambda state, voltage: call_law(law, "update", state, voltage, _LONGER * dt, **first.of_update)
    gain = lambda state, voltage: jnp.abs(update(state, voltage) - state) / _LONGER / scale
    voltages = voltage[None] * np.array([[1], [-1], [0]], dtype)
    at_each = lambda state: jax.vmap(lambda voltage: gain(state, voltage))(voltages)
    gains, further_down = at_each(critical), at_each(critical / 2)
    lost = (gains > 0) & (jnp.maximum(gains, further_down) < _LEAST * jnp.finfo(dtype).eps)
    lost = jnp.any(lost, axis=tuple(range(lost.ndim - 1))) & ~problem.network.passive & loses
    if not networks:
        return jnp.any(lost)
    return jnp.any(jnp.take(lost, problem.junctions_of_network, mode="fill", fill_value=False), axis=-1)


def _largest_voltage(problem: Problem, last: Int[Array, ""]) -> Float[Array, "*networks"]:
    """The most that lies between two terminals [V], which no junction's voltage exceeds."""
    values = drive = problem.drive
    if isinstance(drive, AbstractDrive):
        start = problem.start_step
        steps = start + 1 + (last - start - 1) * jnp.arange(_SAMPLES, dtype=jnp.int32) // (_SAMPLES - 1)
        clock = lambda step: Clock.at_step(step, problem.dt, problem.dt_remainder)
        values = jax.vmap(lambda step: drive_at(drive, clock(step)))(steps)
    potential = jax.vmap(lambda value: terminal_potential(value, problem.shape))(values)
    return jnp.max(jnp.max(potential, axis=-1) - jnp.min(potential, axis=-1), axis=0)
