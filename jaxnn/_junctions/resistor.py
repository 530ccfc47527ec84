"""A junction without memory."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._core import Number, Numbers, as_inexact, check_at_least, check_conductance, following, unit
from .spice import AbstractSpiceJunction, written


class Resistor(AbstractSpiceJunction):
    """A fixed conductance [S], one for all junctions or one per junction.

    Its state is never used and stays zero. Raises a `ValueError` for a negative conductance.

    ```python
    resistor = jaxnn.Resistor(1e-3)
    run = jaxnn.simulate(network, resistor, drive, **setup)
    run.conductance[-1]  # 0.00166 [S]
    ```
    """

    conductance_value: Float[Number, "..."] = eqx.field(metadata=unit("S"))
    """Conductance [S], not negative; one for all junctions or one per junction."""

    def __init__(self, conductance: Numbers):
        self.conductance_value = as_inexact(conductance)

    def __check_init__(self):
        check_at_least("conductance", self.conductance_value, 0, "S")
        check_conductance("conductance", self.conductance_value)

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return jnp.zeros(n_junctions)

    @following
    def conductance(self, state: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        return jnp.broadcast_to(self.conductance_value, state.shape)

    @following
    def update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, " junctions"]:
        del voltage, dt
        return state

    @following
    def rate(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        del voltage
        return jnp.zeros_like(state)

    def spice_current(self, voltage: str, state: str) -> str:
        return f"{written(self.conductance_value)}*{voltage}"

    def spice_rate(self, voltage: str, state: str) -> str:
        return "0"

    def critical_state(self) -> float:
        return jnp.inf
