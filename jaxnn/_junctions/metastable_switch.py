"""A junction of many switches that are metastable: each turns by chance, as the voltage lets it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import bounded

from .._core import (
    Key,
    Number,
    as_inexact,
    check_at_least,
    check_conductance,
    check_on_above_off,
    following,
    unit,
)
from .abstract import AbstractJunction
from .unit_state import check_share, start_state


_THERMAL = 1.380649e-23 / 1.602176634e-19  # k / q [V/K]


class MetastableSwitchJunction(AbstractJunction):
    r"""A stochastic junction: N switches in parallel, each of which turns on and off at random.

    $$k_\mathrm{on} = \frac1{t_c}\,\sigma\!\left(\frac{v - V_\mathrm{on}}{V_T}\right), \qquad
      k_\mathrm{off} = \frac1{t_c}\,\sigma\!\left(-\frac{v + V_\mathrm{off}}{V_T}\right), \qquad
      g = G_\mathrm{off} (1 - x) + G_\mathrm{on} x$$

    $\sigma(y) = 1 / (1 + e^{-y})$, $V_T = k T / q$, and the state $x$ is the share of switches that are on.
    In a step at a constant voltage a switch that is off turns on with the probability
    $\frac{k_\mathrm{on}}{k} (1 - e^{-k\,dt})$, $k = k_\mathrm{on} + k_\mathrm{off}$, and one that is on
    turns off with the same of $k_\mathrm{off}$: mean and variance of the state are those of N independent
    switches, whatever `dt` is. How many turn is drawn from a normal distribution of their mean and
    variance, as in the paper, which is good where N is large; the state is clipped into [0, 1].

    The published step has the probabilities $k_\mathrm{on}\,dt$ and $k_\mathrm{off}\,dt$, to which these
    tend for short steps. The Schottky current that the paper puts in parallel to some devices is not part
    of this law. A positive voltage, from the first wire of an edge to the second, switches on.

    The defaults are `jaxnn.parameters.nugent2014`.

    Raises a `ValueError` for a parameter outside its domain, and in a run without a `key`.

    Source: Nugent and Molter, PLoS ONE 9, e85175 (2014), with V_A and V_B for the two barriers.

    ```python
    law = jaxnn.MetastableSwitchJunction()
    state = law.update(jnp.full(2, 0.5), jnp.array([0.25, -0.25]), 1e-4, key=jr.key(0))
    state  # [0.632, 0.395]
    law.conductance(state)  # [5.83e-3, 3.99e-3] [S]
    ```
    """

    on_barrier: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.17, metadata=unit("V"))
    """Voltage at which switches turn on at half of the fastest rate, V_on [V]."""
    off_barrier: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.22, metadata=unit("V"))
    """How far below 0 V they turn off at half of the fastest rate, V_off [V]."""
    switching_time: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=3.2e-4, metadata=unit("s")
    )
    """Shortest mean time that a switch takes to turn, t_c [s], positive."""
    temperature: Float[Number, "..."] = eqx.field(converter=as_inexact, default=298.0, metadata=unit("K"))
    """Temperature [K], positive."""
    on_conductance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=8.7e-3, metadata=unit("S")
    )
    """Conductance with all switches on [S], positive."""
    off_conductance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=9.1e-4, metadata=unit("S")
    )
    """Conductance with all switches off [S], not negative."""
    switches: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e6, metadata=unit("1"))
    """Number of switches N [1], at least 1."""
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("1"))
    """Share of switches that are on when a run begins [1], from 0 to 1."""

    def __check_init__(self):
        for name in ("on_barrier", "off_barrier", "off_conductance"):
            check_at_least(name, getattr(self, name), 0, "")
        for name in ("switching_time", "temperature", "on_conductance"):
            check_at_least(name, getattr(self, name), 0, "", strict=True)
        check_at_least("switches", self.switches, 1, "")
        check_share("start", self.start)
        check_conductance("on_conductance", self.on_conductance)
        check_on_above_off(self.on_conductance, self.off_conductance)

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return start_state(self.start, n_junctions)

    @following
    def conductance(self, state: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        return self.off_conductance * (1 - state) + self.on_conductance * state

    @following
    def update(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
        *,
        key: Key,
    ) -> Float[Array, " junctions"]:
        thermal = _THERMAL * self.temperature
        on = jax.nn.sigmoid((voltage - self.on_barrier) / thermal) / self.switching_time
        off = jax.nn.sigmoid(-(voltage + self.off_barrier) / thermal) / self.switching_time
        total, dt = on + off, jnp.asarray(dt, state.dtype)
        # Far between both barriers both rates may be 0 to rounding.
        some = total > 0
        per_rate = jnp.where(some, -jnp.expm1(-total * dt) / jnp.where(some, total, 1), dt)
        turns_on, turns_off = on * per_rate, off * per_rate
        mean = (1 - state) * turns_on - state * turns_off
        variance = (1 - state) * turns_on * (1 - turns_on) + state * turns_off * (1 - turns_off)
        variance = variance / self.switches
        # The root has no derivative at 0, where nothing can turn.
        varies = variance > 0
        deviation = jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1)), 0)
        return bounded(state + mean + deviation * jr.normal(key, state.shape, state.dtype), 0, 1)

    def critical_state(self) -> float:
        return 1.0

    def state_bounds(self) -> tuple[float, float]:
        return 0.0, 1.0
