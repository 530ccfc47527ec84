"""A filament that grows above a threshold and dissolves by itself."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._core import (
    Number,
    as_inexact,
    check_at_least,
    check_conductance,
    check_on_above_off,
    following,
    unit,
)
from .spice import AbstractSpiceJunction, written


class VolatileFilamentJunction(AbstractSpiceJunction):
    r"""A diffusive memristor: a filament grows above a threshold voltage and relaxes exponentially.

    $$\dot x = r\,(1 - x) - \frac{x}{\tau}, \qquad
      r = r_0 \max\left(0, \frac{|v|}{V_\mathrm{th}} - 1\right), \qquad
      g = G_\mathrm{off}^{1 - x}\, G_\mathrm{on}^x$$

    The state $x$ is the length of the filament, from 0 to 1; tunnelling through the gap that it leaves
    makes the conductance exponential in it. Both signs of the voltage are alike. A step is exact at a
    constant voltage.

    The form and the numbers are this library's, chosen for what such devices do, a sharp threshold of some
    0.3 V, a large ratio, and relaxation within milliseconds: they are fitted to no device.

    Raises a `ValueError` for a parameter outside its domain.

    Source: chosen after Wang et al., Nat. Mater. 16, 101 (2017), who describe the devices.

    ```python
    law = jaxnn.VolatileFilamentJunction()
    state = law.update(jnp.full(2, 0.5), jnp.array([0.0, 0.6]), 1e-3)
    state  # [0.452, 0.773]
    law.conductance(state)  # [1.83e-7, 7.32e-6] [S]
    ```
    """

    threshold_voltage: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.3, metadata=unit("V")
    )
    """Voltage above which the filament grows, V_th [V], positive."""
    growth_rate: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e3, metadata=unit("1/s"))
    """Rate of growth at twice the threshold, r_0 [1/s], not negative."""
    decay_time: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e-2, metadata=unit("s"))
    """Time in which the filament dissolves, tau [s], positive."""
    on_conductance: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e-4, metadata=unit("S"))
    """Conductance of a whole filament [S], positive."""
    off_conductance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1e-9, metadata=unit("S")
    )
    """Conductance without a filament [S], positive."""

    def __check_init__(self):
        check_at_least("growth_rate", self.growth_rate, 0, "1/s")
        for name in ("threshold_voltage", "decay_time", "on_conductance", "off_conductance"):
            check_at_least(name, getattr(self, name), 0, "", strict=True)
        check_conductance("on_conductance", self.on_conductance)
        check_on_above_off(self.on_conductance, self.off_conductance)

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return jnp.zeros(n_junctions)

    @following
    def conductance(self, state: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        return self.off_conductance * jnp.exp(jnp.log(self.on_conductance / self.off_conductance) * state)

    @following
    def update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, " junctions"]:
        growth = self._growth(voltage)
        total = growth + 1 / self.decay_time
        # A short step is a small number that is added, and rounds less than one that is left over.
        return state - (state - growth / total) * -jnp.expm1(-total * jnp.asarray(dt, state.dtype))

    @following
    def rate(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        return self._growth(voltage) * (1 - state) - state / self.decay_time

    def spice_current(self, voltage: str, state: str) -> str:
        decades = written(jnp.log(self.on_conductance / self.off_conductance))
        return f"{written(self.off_conductance)}*exp({decades}*{state})*{voltage}"

    def spice_rate(self, voltage: str, state: str) -> str:
        excess = f"(abs({voltage})/{written(self.threshold_voltage)}-1)"
        growth = f"({excess}>0 ? {written(self.growth_rate)}*{excess} : 0)"
        return f"{growth}*(1-{state})-{state}/{written(self.decay_time)}"

    def _growth(self, voltage: Array) -> Array:
        """The rate of growth [1/s]."""
        return self.growth_rate * jnp.maximum(jnp.abs(voltage) / self.threshold_voltage - 1, 0)

    def critical_state(self) -> float:
        return 1.0

    def state_bounds(self) -> tuple[float, float]:
        return 0.0, 1.0
