"""What a reservoir is: pulses in, features out, and nothing in it is trained."""

import abc
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from .._core import Declared, Module, Numbers, announced, arguments, cast_inexact, compiled, unit, user_code


class Response(NamedTuple):
    """The answer of devices to samples.

    ```python
    pulses = jnp.array([[[0.2, 0.5, 0.9], [0.1, 0.0, 0.0]]])
    response = jaxnn.reservoirs.RowSums().respond(pulses)
    response.features[0, :, 0]  # [1.6, 0.1]
    ```
    """

    features: Float[Array, "samples devices features"]
    """Measured at each device, in its own unit."""
    energy: Float[Array, "samples devices"] = eqx.field(metadata=unit("J"))
    """Energy that the pulses delivered [J]; NaN for a reservoir that is no physical device."""


class AbstractReservoir(Module):
    """A row of devices that turn pulses into features, one channel of pulses for each.

    A reservoir of your own subclasses this and implements the two methods; it can then be compared
    with the others. Its arrays are numbers that may be batched and differentiated; the dtype of a
    response is that of the pulses.

    ```python
    class LastPulses(jaxnn.reservoirs.AbstractReservoir):
        def respond(self, pulses):
            return jaxnn.reservoirs.Response(pulses[:, :, -2:], pulses.sum(axis=-1))

        def shares_trains(self):
            return False


    jaxnn.reservoirs.reservoir_features(LastPulses(), np.ones((5, 3, 4)))[0].shape  # (5, 6)
    ```
    """

    @abc.abstractmethod
    def respond(self, pulses: Declared[Float[Array, "samples devices slots"]]) -> Response:
        """Returns the response to amplitudes 0 to 1, every sample from the same initial state; pure JAX."""

    @abc.abstractmethod
    def shares_trains(self) -> bool:
        """Returns whether to simulate equal trains once: a device has to answer to its own pulses only.

        Looking for them costs about as much as a simple reservoir itself.
        """


def check_pulses(pulses: Numbers) -> Any:
    """Pulses as an array of floats, a traced one as it is; a `ValueError` for what is none."""
    array = arguments.as_numbers("pulses", pulses)
    if array.ndim != 3 or 0 in array.shape:
        one = " One sample is pulses[None]." if array.ndim == 2 else ""
        raise ValueError(f"pulses must be (samples, devices, slots), got shape {array.shape}.{one}")
    if not isinstance(array, Tracer):
        values = np.asarray(array)
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(
                f"pulses must be amplitudes from 0 to 1, got {values.min():g} to {values.max():g}: scale "
                "them first, pixels of 8 bits by 1/255."
            )
    if jnp.issubdtype(array.dtype, jnp.floating):
        return array
    return array.astype(jnp.result_type(float))  # flags, and whole numbers such as spikes


Numeric = TypeVar("Numeric")


def in_dtype_of(pulses: Array, reservoir: Numeric) -> Numeric:
    """The numbers of a reservoir, in the dtype of what it is shown."""
    return cast_inexact(reservoir, pulses.dtype)


class SideBySide(AbstractReservoir):
    """Several reservoirs as one: the first takes the first channels, and so on.

    All must have as many features per device. `sizes` are their numbers of devices.

    ```python
    sums, decay = jaxnn.reservoirs.RowSums(), jaxnn.reservoirs.LeakyIntegrator(3.0, every=4)
    both = jaxnn.reservoirs.SideBySide((sums, decay), sizes=(2, 1))
    both.respond(jnp.ones((5, 3, 4))).features.shape  # (5, 3, 1)
    ```
    """

    parts: tuple[AbstractReservoir, ...]
    """The reservoirs, in the order of their channels."""
    sizes: tuple[int, ...] = eqx.field(static=True)
    """Number of devices of each."""

    def __check_init__(self):
        of_kind = arguments.one_of(AbstractReservoir)
        arguments.list_of(of_kind, "a tuple of reservoirs")("parts of SideBySide", self.parts)
        arguments.whole_numbers(ndim=1, low=0)("sizes of SideBySide", self.sizes)
        if not len(self.parts) or len(self.parts) != len(self.sizes):
            raise ValueError(
                f"SideBySide needs one size per reservoir, got {len(self.parts)} reservoirs and "
                f"sizes {self.sizes}."
            )

    def respond(self, pulses: Declared[Float[Array, "samples devices slots"]]) -> Response:
        pulses = jnp.asarray(check_pulses(pulses))
        if pulses.shape[1] != sum(self.sizes):
            raise ValueError(f"pulses for {sum(self.sizes)} devices wanted, got shape {pulses.shape}.")
        ends = np.cumsum(self.sizes)[:-1]
        channels = jnp.split(pulses, ends, axis=1)
        answers = [part.respond(x) for part, x in zip(self.parts, channels, strict=True)]
        return Response(*(jnp.concatenate(x, axis=1) for x in zip(*answers, strict=True)))

    def shares_trains(self) -> bool:
        return all(part.shares_trains() for part in self.parts)


@arguments.checked(
    reservoir=arguments.one_of(AbstractReservoir),
    pulses=arguments.real(known=True),
    batch=arguments.count(),
)
def reservoir_features(
    reservoir: AbstractReservoir, pulses: Numbers, *, batch: int | None = None
) -> tuple[Float[np.ndarray, "samples features"], Float[np.ndarray, " samples"]]:
    """Computes the features of all devices side by side, and the energy per sample [J].

    One compiled call over samples, `batch` of them at a time, and devices. Where a reservoir shares
    trains and few different ones occur, as with amplitudes of a few levels, every device is simulated
    once for each of them: the result is the same, since all samples start from one state.

    - `pulses`: amplitudes 0 to 1, `(samples, devices, slots)`.
    - `batch`: as of `respond_in_batches`.

    Raises a `ValueError` for pulses of another shape or outside 0 to 1.

    ```python
    pulses = np.random.default_rng(0).random((5, 3, 4))
    decay = jaxnn.reservoirs.LeakyIntegrator(3.0)
    features, energy = jaxnn.reservoirs.reservoir_features(decay, pulses)
    features.shape  # (5, 12)
    ```
    """
    pulses = np.asarray(check_pulses(pulses))
    samples, devices, _ = pulses.shape
    if reservoir.shares_trains():
        trains, which = _distinct(pulses)
        if len(trains) < samples:
            shared = np.broadcast_to(trains[:, None], (len(trains), devices, trains.shape[1]))
            table, energy = respond_in_batches(reservoir, shared, batch)
            device = np.arange(devices)
            return table[which, device].reshape(samples, -1), energy[which, device].sum(axis=1)
    features, energy = respond_in_batches(reservoir, pulses, batch)
    return features.reshape(samples, -1), energy.sum(axis=1)


@arguments.checked(
    reservoir=arguments.one_of(AbstractReservoir),
    pulses=arguments.real(ndim=3, finite=False, known=True),
    batch=arguments.count(),
)
def respond_in_batches(
    reservoir: AbstractReservoir, pulses: np.ndarray, batch: int | None = None
) -> tuple[Float[np.ndarray, "samples devices features"], Float[np.ndarray, "samples devices"]]:
    """Computes features and energies [J] of `(samples, devices, slots)`, `batch` samples at a time.

    One batch is compiled, and all run in it. `batch`: 64 samples by default, fewer of many devices, so
    that some 4,096 at a time fit a cache.

    ```python
    pulses = np.random.default_rng(0).random((5, 3, 4))
    decay = jaxnn.reservoirs.LeakyIntegrator(3.0)
    features, energy = jaxnn.reservoirs.respond_in_batches(decay, pulses, batch=2)
    features.shape  # (5, 3, 4)
    ```
    """
    pulses = np.asarray(check_pulses(pulses))
    batch = (
        min(64, max(1, 4096 // pulses.shape[1])) if batch is None else arguments.as_count("batch", batch)
    )
    # Whole batches only: a remainder, or fewer samples, would be compiled a second time.
    lacking = -len(pulses) % batch
    padded = np.concatenate([pulses, np.broadcast_to(pulses[:1], (lacking, *pulses.shape[1:]))])
    out = _mapped(reservoir, jnp.asarray(padded.reshape(-1, batch, *pulses.shape[1:])))
    features, energy = (np.asarray(x).reshape(-1, *x.shape[2:])[: len(pulses)] for x in out)
    return features, energy


def _distinct(pulses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The trains that occur, (trains, slots), and which of them each device gets, (samples, devices)."""
    samples, devices, slots = pulses.shape
    levels, level = np.unique(pulses, return_inverse=True)
    level = level.reshape(-1, slots)
    if len(levels) ** slots < 2**62:  # a whole number for each train sorts faster than rows
        number = level @ len(levels) ** np.arange(slots)[::-1]
        numbers, which = np.unique(number, return_inverse=True)
        digits = numbers[:, None] // len(levels) ** np.arange(slots)[::-1] % len(levels)
        trains = levels[digits]
    else:
        trains, which = np.unique(pulses.reshape(-1, slots), axis=0, return_inverse=True)
    return trains, which.reshape(samples, devices)


@announced("reservoir", lambda _, pulses: f"{pulses.shape[0] * pulses.shape[1]:,} samples", wait=True)
@compiled
def _mapped(reservoir: AbstractReservoir, pulses: Array) -> Response:
    with user_code(f"the reservoir {type(reservoir).__name__}"):
        return jax.lax.map(reservoir.respond, pulses)
