"""What anything with a memory could do: sums and exponential decay, without a device."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import (
    Declared,
    Number,
    arguments,
    as_inexact,
    check_at_least,
    check_shape,
)
from ._abstract import AbstractReservoir, Response, check_pulses, in_dtype_of


class RowSums(AbstractReservoir):
    """The sum of each train: one feature per channel, and the least that a device has to beat.

    ```python
    pulses = jnp.array([[[0.2, 0.5, 0.9]]])
    jaxnn.reservoirs.RowSums().respond(pulses).features[0, 0]  # [1.6]
    ```
    """

    def respond(self, pulses: Declared[Float[Array, "samples devices slots"]]) -> Response:
        pulses = jnp.asarray(check_pulses(pulses))
        return without_energy(jnp.sum(pulses, axis=2, keepdims=True))

    def shares_trains(self) -> bool:
        return False


class LeakyIntegrator(AbstractReservoir):
    r"""A linear node with one time constant: $x_k = e^{-1/\tau} x_{k-1} + u_k$, in slots.

    The features are x after the slots that a device would be read at: every `every`-th, counted from
    the last one, and `reads` slots without a pulse after the train. `time_constant` [slots] is one for
    all or one per device.

    ```python
    decay = jaxnn.reservoirs.LeakyIntegrator(time_constant=2.0)
    decay.respond(jnp.array([[[1.0, 0.0, 0.0]]])).features[0, 0]  # [1.0, 0.607, 0.368]
    ```
    """

    time_constant: Float[Number, "..."] = eqx.field(converter=as_inexact)
    """Time constant tau, in slots; positive."""
    reads: int = eqx.field(static=True, default=0)
    """Slots without a pulse after the train, each of them a feature; at least 0."""
    every: int = eqx.field(static=True, default=1)
    """Slots from one feature to the next, counted back from the last; at least 1."""

    def __check_init__(self):
        check_at_least("time_constant of a LeakyIntegrator", self.time_constant, 0, "slots", strict=True)
        check_taps(self)

    def respond(self, pulses: Declared[Float[Array, "samples devices slots"]]) -> Response:
        pulses = jnp.asarray(check_pulses(pulses))
        time_constant = in_dtype_of(pulses, self.time_constant)
        keep = jnp.broadcast_to(jnp.exp(-1 / time_constant), pulses.shape[:2])

        def step(x: Array, u: Array) -> tuple[Array, Array]:
            x = keep * x + u
            return x, x

        return without_energy(tapped(step, jnp.zeros_like(pulses[..., 0]), pulses, self.every, self.reads))

    def shares_trains(self) -> bool:
        return False


def tapped(step: Callable, start: Array, pulses: Array, every: int, reads: int) -> Array:
    """Scans over the slots of a train and `reads` empty ones; what is tapped, (samples, devices, taps)."""
    check_reads(pulses, reads)
    slots = pulses.shape[2]
    drive = jnp.pad(pulses, ((0, 0), (0, 0), (0, reads)))
    _, out = jax.lax.scan(step, start, jnp.moveaxis(drive, 2, 0))
    return jnp.moveaxis(out[taps(slots, every, reads)], 0, -1)


def check_taps(reservoir: Any) -> None:
    """Raises a `ValueError` unless `reads` and `every` of a reservoir say which slots are read."""
    owner = type(reservoir).__name__
    arguments.as_count(f"reads of {owner}", reservoir.reads, least=0)
    arguments.as_count(f"every of {owner}", reservoir.every)


def taps(slots: int, every: int, reads: int) -> Array:
    """The slots that are read: every `every`-th, counted from the last, and all after the train."""
    kept = np.arange((slots - 1) % every, slots, every), np.arange(slots, slots + reads)
    return jnp.asarray(np.concatenate(kept))


def check_reads(pulses: Array, reads: int, steps: int = 1) -> None:
    """Raises a `ValueError` for more reads, each of so many steps, than there is room for."""
    samples, devices, slots = pulses.shape
    shape = (4, samples, devices, slots + max(reads, 0), steps)
    what = (
        f"A train of {slots:,} pulses and {reads:,} reads for {samples:,} samples and {devices:,} devices"
    )
    check_shape(what, shape, "take fewer reads, or fewer samples at a time")


def without_energy(features: Array) -> Response:
    return Response(features, jnp.full(features.shape[:2], jnp.nan, features.dtype))
