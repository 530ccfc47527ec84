"""Channels spread over devices and, in time, over virtual nodes."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from .._core import (
    Key,
    Numbers,
    arguments,
    as_array,
    check_shape,
    concrete,
)
from ._pulses import unit_values


_AXES = "samples channels slots"


@arguments.checked(pulses=arguments.real(finite=False), mask=arguments.real())
def mask_pulses(pulses: Numbers, mask: Numbers) -> Float[Array, "samples devices slots"]:
    r"""Sends every channel to several devices, each pulse stretched over several slots, by a mask.

    $J_{c r}(t N + n) = m_{rn}\, u_c(t)$: device `c * repeats + r` sees channel c, and slot t becomes the N
    slots of its virtual nodes, whose weights differ so that the device's own dynamics is sampled at
    different points of its response.

    - `mask`: `(repeats, nodes)` from 0 to 1, from `random_mask` or your own.

    Raises a `ValueError` for other shapes and values outside 0 to 1.

    Source: Appeltant et al., Nature Communications 2, 468 (2011), doi 10.1038/ncomms1476; parallel masks:
    Zhong et al., Nature Communications 12, 408 (2021), doi 10.1038/s41467-020-20692-1.

    ```python
    pulses = jnp.array([[[0.5, 1.0]]])
    jaxnn.encoders.mask_pulses(pulses, jnp.array([[0.2, 0.8]]))[0, 0]  # [0.1, 0.4, 0.2, 0.8]
    ```
    """
    pulses = unit_values("pulses", pulses, _AXES)
    mask = unit_values("mask", mask, "repeats nodes").astype(pulses.dtype)
    _check_pulses(*pulses.shape, *mask.shape)
    masked = pulses[:, :, None, :, None] * mask[None, None, :, None, :]
    n, channels, slots = pulses.shape
    repeats, nodes = mask.shape
    return masked.reshape(n, channels * repeats, slots * nodes)


@arguments.checked(pulses=arguments.real(finite=False), weights=arguments.real())
def mix_channels(pulses: Numbers, weights: Numbers) -> Float[Array, "samples devices slots"]:
    r"""Gives devices weighted sums of channels: $J_d(t) = \sum_c w_{dc} u_c(t)$.

    - `weights`: `(devices, channels)`, not negative, with rows that sum up to 1 at the most, from
      `random_mix` or your own: amplitudes stay in 0 to 1, and devices can be fewer than channels.

    Raises a `ValueError` for other shapes and weights.

    ```python
    pulses = jnp.array([[[0.5, 1.0], [0.0, 1.0]]])
    jaxnn.encoders.mix_channels(pulses, jnp.array([[0.5, 0.5]]))[0, 0]  # [0.25, 1.0]
    ```
    """
    pulses = unit_values("pulses", pulses, _AXES)
    weights = unit_values("weights", weights, "devices channels").astype(pulses.dtype)
    if weights.shape[1] != pulses.shape[1]:
        raise ValueError(
            f"weights must have one column per channel, {pulses.shape[1]} of them, got {weights.shape[1]}."
        )
    _check_pulses(pulses.shape[0], weights.shape[0], pulses.shape[2])
    sums = concrete(weights.sum(axis=1))
    # Rounding errors of sums are forgiven here, and cut off below.
    if sums is not None and sums.size and np.max(sums) > 1.001:
        raise ValueError(
            f"rows of weights must sum up to 1 at the most, got {np.max(sums):g}: divide by it."
        )
    return jnp.clip(jnp.einsum("dc,sct->sdt", weights, pulses, precision="highest"), 0, 1)


@arguments.checked(
    key=arguments.key, repeats=arguments.count(), nodes=arguments.count(), levels=arguments.count()
)
def random_mask(key: Key, repeats: int, nodes: int, *, levels: int | None = None) -> Array:
    """Draws a mask `(repeats, nodes)` for `mask_pulses`, of weights evenly from 0 to 1.

    - `key`: of `jax.random`.
    - `levels`: how many weights there are to draw from, 0 and 1 among them; 2 makes a binary mask.

    ```python
    mask = jaxnn.encoders.random_mask(jr.key(0), repeats=2, nodes=3, levels=2)
    mask.shape  # (2, 3)
    ```
    """
    shape = (arguments.as_count("repeats", repeats), arguments.as_count("nodes", nodes))
    check_shape(f"A mask of {shape[0]:,} x {shape[1]:,} weights", (3, *shape), "take fewer")
    if levels is None:
        return jr.uniform(key, shape)
    top = arguments.as_count("levels", levels) - 1
    if top < 1:
        raise ValueError("levels of a mask must be at least 2: a mask of one level is none.")
    return as_array(jr.randint(key, shape, 0, top + 1)) / top


@arguments.checked(
    key=arguments.key, devices=arguments.count(), channels=arguments.count(), fan_in=arguments.count()
)
def random_mix(key: Key, devices: int, channels: int, *, fan_in: int | None = None) -> Array:
    """Draws weights `(devices, channels)` for `mix_channels`: each device sees `fan_in` channels.

    These are drawn by lot, with even weights that sum up to 1; by default a device sees all, with weights
    drawn evenly.

    - `key`: of `jax.random`.

    ```python
    weights = jaxnn.encoders.random_mix(jr.key(0), devices=2, channels=6, fan_in=3)
    weights.sum(axis=1)  # [1.0, 1.0]
    ```
    """
    shape = (arguments.as_count("devices", devices), arguments.as_count("channels", channels))
    check_shape(f"{shape[0]:,} x {shape[1]:,} weights", (4, *shape), "take fewer devices")
    drawn = jr.uniform(key, shape)
    if fan_in is None:
        return drawn / drawn.sum(axis=1, keepdims=True)
    if arguments.as_count("fan_in", fan_in) > channels:
        raise ValueError(f"fan_in must be at most the {channels} channels, got {fan_in}.")
    rank = jnp.argsort(jnp.argsort(drawn, axis=1), axis=1)
    return as_array(rank < fan_in) / fan_in


def _check_pulses(*shape: int) -> None:
    """Raises a `ValueError` for more pulses than there is room for."""
    check_shape(f"Pulses of shape {shape}", (2, *shape), "encode fewer samples at a time")
