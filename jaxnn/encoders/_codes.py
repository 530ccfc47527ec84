"""How a pulse carries a value: by its amplitude or by how often it comes; and what it is in volts."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import (
    Key,
    Numbers,
    arguments,
    as_array,
    check_at_least,
    check_finite,
    check_shape,
)
from ._pulses import unit_values


_AXES = "samples channels slots"
_ONE = 2**16


@arguments.checked(pulses=arguments.real(finite=False), levels=arguments.count(), power=arguments.real())
def amplitude_code(
    pulses: Numbers, *, levels: int | None = None, power: Numbers | None = None
) -> Float[Array, "samples channels slots"]:
    """Makes one pulse per value, as high as the value.

    - `levels`: the number of amplitudes, evenly spaced from 0 to 1, that there are; 2 makes pulses
      that are there or not. Without it every amplitude occurs, and gradients pass.
    - `power`: that values are raised to before, one or one per channel: a change of contrast.

    Raises a `ValueError` for values outside 0 to 1, fewer than two levels and powers that are not positive.

    ```python
    values = jnp.array([[[0.2, 0.5, 0.9]]])
    jaxnn.encoders.amplitude_code(values, levels=3)[0, 0]  # [0.0, 0.5, 1.0]
    ```
    """
    pulses = unit_values("pulses", pulses, _AXES)
    if power is not None:
        power = _per_channel("power", power, pulses)
        check_at_least("power", power, 0, strict=True)
        # The slope of 0 against the power would be NaN.
        quiet = pulses == 0
        pulses = jnp.where(quiet, 0, jnp.where(quiet, 1, pulses) ** power)
    if levels is None:
        return pulses
    top = arguments.as_count("levels", levels) - 1
    if top < 1:
        raise ValueError("levels must be at least 2: nothing can be told from a single amplitude.")
    return jnp.round(pulses * top) / top


@arguments.checked(pulses=arguments.real(finite=False), threshold=arguments.real())
def threshold_code(pulses: Numbers, threshold: Numbers) -> Float[Array, "samples channels slots"]:
    """Makes a full pulse where the value is above `threshold`, else none.

    - `threshold`: one for all channels, or one per channel.

    Channels that see the same values with rising thresholds make a thermometer of them. Pulses that
    are there or not have no slope: gradients are zero.

    Raises a `ValueError` for values outside 0 to 1, and for thresholds that fit neither.

    ```python
    values = jnp.array([[[0.2, 0.5, 0.9]]])
    jaxnn.encoders.threshold_code(values, 0.4)[0, 0]  # [0.0, 1.0, 1.0]
    ```
    """
    pulses = unit_values("pulses", pulses, _AXES)
    code = (pulses > _per_channel("threshold", threshold, pulses)).astype(pulses.dtype)
    return _with_nan_of(pulses, code)


@arguments.checked(pulses=arguments.real(finite=False), slots=arguments.count(), key=arguments.key)
def rate_code(
    pulses: Numbers, slots: int = 1, *, key: Key | None = None
) -> Float[Array, "samples channels slots"]:
    r"""Holds every value for `slots` slots, in which spikes, 0 or 1, come at its rate.

    Without a key a running sum decides, $c_n = \sum_{m \le n} v_m$: a spike comes in slot n where
    $\lfloor c_n + 1/2 \rfloor$ rises, as in an integrate-and-fire neuron without a leak. The number of
    spikes up to any slot is within one half of $c_n$ (of values rounded to 16 bits). With a `key` of
    `jax.random` every slot is drawn by itself.

    Spikes have no slope: gradients are zero.

    Raises a `ValueError` for values outside 0 to 1.

    ```python
    values = jnp.array([[[0.25, 0.5]]])
    jaxnn.encoders.rate_code(values, slots=4)[0, 0]  # [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    ```
    """
    pulses = unit_values("pulses", pulses, _AXES)
    slots = arguments.as_count("slots", slots)
    check_shape(
        f"{pulses.size:,} values over {slots:,} slots each",
        (4, pulses.size, slots),
        "take fewer slots, or fewer samples at a time",
    )
    held = jnp.repeat(pulses, slots, axis=-1)
    if key is not None:
        return _with_nan_of(held, jax.random.bernoulli(key, held).astype(held.dtype))
    # Whole numbers, for sums of floats need not rise. The sum may run over: its low bits stay right.
    steps = jnp.round(held * _ONE).astype(jnp.uint32)
    phase = jnp.cumsum(steps, axis=-1, dtype=jnp.uint32) + _ONE // 2
    return _with_nan_of(held, (phase % _ONE < steps).astype(held.dtype))


@arguments.checked(pulses=arguments.real(finite=False), low=arguments.real(), high=arguments.real())
def to_volts(pulses: Numbers, low: Numbers, high: Numbers) -> Float[Array, "samples channels slots"]:
    """Turns pulses from 0 to 1 into voltages between the set-points `low` and `high`, in their unit.

    - `low`, `high`: what 0 and 1 are, one for all channels or one per channel.

    `jaxnn.Programme.train` wants the slots in front: `jnp.moveaxis(volts, -1, 0)`.

    Raises a `ValueError` for values outside 0 to 1 and voltages that fit neither.

    ```python
    pulses = jnp.array([[[0.0, 0.5, 1.0]]])
    jaxnn.encoders.to_volts(pulses, low=0.5, high=2.0)[0, 0]  # [0.5, 1.25, 2.0] [V]
    ```
    """
    pulses = unit_values("pulses", pulses, _AXES)
    low, high = _per_channel("low", low, pulses), _per_channel("high", high, pulses)
    return low + (high - low) * pulses


def _with_nan_of(values: Array, code: Array) -> Array:
    """A code that is NaN where its values are, as under `jit`, where nothing is refused."""
    return jnp.where(jnp.isnan(values), values, code)


def _per_channel(name: str, value: Numbers, pulses: Array) -> Array:
    """A number, or one per channel, with axes that fit pulses."""
    # Python's floats follow the dtype of the pulses, its whole numbers would not.
    value = as_array(float(value) if isinstance(value, int) else value)
    check_finite(name, value)
    if value.shape not in ((), pulses.shape[1:2]):
        raise ValueError(
            f"{name} must be one number or one per channel, {pulses.shape[1]} of them, "
            f"got shape {value.shape}."
        )
    return value[None, :, None] if value.ndim else value
