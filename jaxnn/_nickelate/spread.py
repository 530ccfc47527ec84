"""How nickelate devices differ from each other, and one from itself from cycle to cycle."""

import dataclasses as dc

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Float

from .._core import (
    Key,
    Module,
    Number,
    arguments,
    as_inexact,
    check_at_least,
    check_deviation,
    check_shape,
    common_dtype,
    follow,
)
from .device import NickelateDevice


class NickelateSpread(Module):
    r"""The relative standard deviations of a device's numbers, each drawn as $x\,e^{\sigma n}$, $n$ normal.

    `draw` gives an array of devices that differ; as `cycle_spread` of `simulate_devices` the numbers are
    drawn anew in every segment. The defaults give ln R of a synapse of set B a standard
    deviation of 0.6; they are assumed, no spread of devices has been published.

    Raises a `ValueError` for a negative deviation.

    ```python
    spread = jaxnn.NickelateSpread(pinning_field=0.05)
    devices = spread.draw(jaxnn.NickelateDevice(), jr.key(0), 3)
    devices.pinning_field.shape  # (3,)
    ```
    """

    pinning_field: Float[Number, ""] = eqx.field(converter=as_inexact, default=0.03)
    """Relative deviation of `NickelateDevice.pinning_field` [1], not negative."""
    insulator_energy: Float[Number, ""] = eqx.field(converter=as_inexact, default=0.01)
    """Relative deviation of `NickelateDevice.insulator_energy` [1], not negative."""
    insulator_length: Float[Number, ""] = eqx.field(converter=as_inexact, default=0.02)
    """Relative deviation of `NickelateDevice.insulator_length` [1], not negative."""

    def __check_init__(self):
        for name, value in vars(self).items():
            check_at_least(name, value, 0)
            check_deviation(f"{name} of NickelateSpread", value)

    @arguments.checked(device=arguments.one_of(NickelateDevice), key=arguments.key)
    def draw(self, device: NickelateDevice, key: Key, *shape: int) -> NickelateDevice:
        """Draws an array of devices of that shape around `device`, the same for the same key."""
        check_shape(f"Devices of shape {shape}", (2 * len(vars(self)), *shape), "draw fewer at a time")
        changes = {}
        own = follow(self, device)
        for (name, sigma), subkey in zip(vars(own).items(), jr.split(key, len(vars(own))), strict=True):
            value = follow(getattr(device, name), sigma)
            normal = jr.normal(subkey, shape, common_dtype((value, sigma)))
            changes[name] = value * jnp.exp(sigma * normal)
        return dc.replace(device, **changes)
