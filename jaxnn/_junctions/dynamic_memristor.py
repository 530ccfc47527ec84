"""The dynamic memristor of tungsten oxide: two currents in parallel, and a state that fades."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import bounded

from .._core import Number, as_inexact, check_at_least, following, unit
from .abstract import AbstractCurrentJunction
from .spice import AbstractSpiceJunction, held_in_spice, written
from .unit_state import held


class DynamicMemristorJunction(AbstractCurrentJunction, AbstractSpiceJunction):
    r"""A memristor of tungsten oxide with a short memory: a Schottky and a tunnelling current in parallel.

    $$i = (1 - w)\,\alpha\,(1 - e^{-\beta v}) + w\,\gamma \sinh \delta v, \qquad
      \dot w = \lambda \sinh \eta v - \frac{w}{\tau}, \qquad 0 \le w \le 1$$

    The state $w$ is the share of the area that conducts by tunnelling. A positive voltage, from the first
    wire of an edge to the second, makes it grow, a negative one undoes it, and it decays in $\tau$. A step
    is exact at a constant voltage. The current is not proportional to the voltage, so that a network is
    solved by Newton's method.

    The form is that of the paper. **The numbers are assumed**: they are those of
    `jaxnn.reservoirs.TungstenOxideReservoir`, which drives the same memristor with pulses, without a
    network.

    Raises a `ValueError` for a parameter outside its domain.

    Source: Chang et al., Appl. Phys. A 102, 857 (2011), with the symmetric growth of Du et al., Nat.
    Commun. 8, 2204 (2017), quoted second-hand.

    ```python
    law = jaxnn.DynamicMemristorJunction()
    state = law.update(jnp.full(2, 0.2), jnp.array([0.0, 3.0]), 1e-3)
    state  # [0.196, 0.396]
    law.current(state, jnp.array([0.6, 3.0]))  # [1.29e-6, 3.2e-4] [A]
    ```
    """

    insulating_current: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=5e-7, metadata=unit("A")
    )
    """Scale of the Schottky current, alpha [A], positive."""
    insulating_slope: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.5, metadata=unit("1/V")
    )
    """How the Schottky current bends with the voltage, beta [1/V], positive."""
    tunnelling_current: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=4e-6, metadata=unit("A")
    )
    """Scale of the tunnelling current, gamma [A], positive."""
    tunnelling_slope: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=2.0, metadata=unit("1/V")
    )
    """How the tunnelling current bends with the voltage, delta [1/V], positive."""
    growth_rate: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1/s"))
    """Scale of the rate at which a voltage moves the state, lambda [1/s], not negative."""
    growth_slope: Float[Number, "..."] = eqx.field(converter=as_inexact, default=2.0, metadata=unit("1/V"))
    """How that rate bends with the voltage, eta [1/V], positive."""
    decay_time: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.05, metadata=unit("s"))
    """Time in which the state decays, tau [s], positive."""

    def __check_init__(self):
        check_at_least("growth_rate", self.growth_rate, 0, "1/s")
        currents = ("insulating_current", "insulating_slope", "tunnelling_current", "tunnelling_slope")
        for name in (*currents, "growth_slope", "decay_time"):
            check_at_least(name, getattr(self, name), 0, "", strict=True)

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return jnp.zeros(n_junctions)

    @following
    def current(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        insulating = -self.insulating_current * jnp.expm1(-self.insulating_slope * voltage)
        tunnelling = self.tunnelling_current * jnp.sinh(self.tunnelling_slope * voltage)
        return (1 - state) * insulating + state * tunnelling

    @following
    def update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, " junctions"]:
        end = self._growth(voltage) * self.decay_time
        passed = jnp.asarray(dt, state.dtype) / self.decay_time
        # On its way to the end a state passes a bound once, where it stays: clipping is exact too.
        return bounded(state - (state - end) * -jnp.expm1(-passed), 0, 1)

    @following
    def rate(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        return held(self._growth(voltage) - state / self.decay_time, state)

    def spice_current(self, voltage: str, state: str) -> str:
        decay = f"exp(-{written(self.insulating_slope)}*{voltage})"
        insulating = f"{written(self.insulating_current)}*(1-{decay})"
        sinh = f"sinh({written(self.tunnelling_slope)}*{voltage})"
        return f"(1-{state})*{insulating}+{state}*{written(self.tunnelling_current)}*{sinh}"

    def spice_rate(self, voltage: str, state: str) -> str:
        growth = f"{written(self.growth_rate)}*sinh({written(self.growth_slope)}*{voltage})"
        return held_in_spice(f"{growth}-{state}/{written(self.decay_time)}", state)

    def _growth(self, voltage: Array) -> Array:
        """What the voltage adds to the rate [1/s]."""
        return self.growth_rate * jnp.sinh(self.growth_slope * voltage)

    def critical_state(self) -> float:
        return 1.0

    def state_bounds(self) -> tuple[float, float]:
        return 0.0, 1.0
