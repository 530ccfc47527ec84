"""The generalised memristor: a hyperbolic sine of the voltage, and thresholds in an exponential."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import bounded

from .._core import Number, as_inexact, check_at_least, following, holds, unit
from .abstract import AbstractCurrentJunction
from .spice import AbstractSpiceJunction, held_in_spice, written
from .unit_state import check_share, held, start_state


class YakopcicJunction(AbstractCurrentJunction, AbstractSpiceJunction):
    r"""A memristor fitted to many devices: a sinh of the voltage, and a state with two thresholds.

    $$i = a\, x \sinh(b v), \qquad a = a_p \text{ for } v \ge 0,\ a_n \text{ for } v < 0$$

    $$\dot x = \begin{cases} A_p (e^v - e^{V_p})\, f_p(x) & v > V_p \\
        -A_n (e^{-v} - e^{V_n})\, f_n(x) & v < -V_n \\ 0 & \text{between} \end{cases} \qquad 0 \le x \le 1$$

    $$f_p = e^{-\alpha_p (x - x_p)} \frac{1 - x}{1 - x_p} \text{ for } x \ge x_p, \qquad
      f_n = e^{\alpha_n (x + x_n - 1)} \frac{x}{1 - x_n} \text{ for } x \le 1 - x_n, \qquad
      1 \text{ elsewhere}$$

    with voltages in volts in the exponents. Steps are Euler's. The current is not proportional to the
    voltage, so that a network is solved by Newton's method. A positive voltage, from the first wire of an
    edge to the second, switches on ($\eta = 1$ in the paper). A state of 0 is an open junction.

    The defaults are `jaxnn.parameters.yakopcic2013`.

    Raises a `ValueError` for a parameter outside its domain.

    Source: Yakopcic, Taha, Subramanyam and Pino, IEEE Trans. Comput.-Aided Des. 32, 1201 (2013).

    ```python
    law = jaxnn.YakopcicJunction()
    state = law.update(jnp.full(3, 0.3), jnp.array([0.1, 0.4, -0.4]), 1e-4)
    state  # [0.3, 0.427, 0.271]
    law.current(state, jnp.full(3, 0.4))  # [1.02e-3, 1.453e-3, 9.21e-4] [A]
    ```
    """

    positive_current: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.17, metadata=unit("A")
    )
    """Scale of the current of positive voltages, a_p [A], positive."""
    negative_current: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.17, metadata=unit("A")
    )
    """Scale of the current of negative voltages, a_n [A], positive."""
    curvature: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.05, metadata=unit("1/V"))
    """How the current bends with the voltage, b [1/V], positive."""
    positive_threshold: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.16, metadata=unit("V")
    )
    """Voltage above which the state grows, V_p [V], not negative."""
    negative_threshold: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.15, metadata=unit("V")
    )
    """How far below 0 V the state begins to fall, V_n [V], not negative."""
    growth_rate: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=4000.0, metadata=unit("1/s")
    )
    """Rate of growth, A_p [1/s], not negative."""
    decay_rate: Float[Number, "..."] = eqx.field(converter=as_inexact, default=4000.0, metadata=unit("1/s"))
    """Rate of the fall, A_n [1/s], not negative."""
    growth_knee: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.3, metadata=unit("1"))
    """State from which on the growth slows down, x_p [1], from 0 to below 1."""
    decay_knee: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.5, metadata=unit("1"))
    """How far below 1 the fall begins to slow down, x_n [1], from 0 to below 1."""
    growth_slowing: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1"))
    """How fast the growth slows down, alpha_p [1], not negative."""
    decay_slowing: Float[Number, "..."] = eqx.field(converter=as_inexact, default=5.0, metadata=unit("1"))
    """How fast the fall slows down, alpha_n [1], not negative."""
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.11, metadata=unit("1"))
    """State that a run begins in [1], from 0 to 1."""

    def __check_init__(self):
        for name in ("positive_current", "negative_current", "curvature"):
            check_at_least(name, getattr(self, name), 0, "", strict=True)
        not_negative = ("positive_threshold", "negative_threshold", "growth_rate", "decay_rate")
        for name in (*not_negative, "growth_slowing", "decay_slowing"):
            check_at_least(name, getattr(self, name), 0, "")
        for name in ("growth_knee", "decay_knee", "start"):
            check_share(name, getattr(self, name))
        for name in ("growth_knee", "decay_knee"):
            if not holds(lambda x: x < 1, getattr(self, name)):
                raise ValueError(f"{name} must be below 1, from where on nothing would move.")

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return start_state(self.start, n_junctions)

    @following
    def current(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        scale = jnp.where(voltage >= 0, self.positive_current, self.negative_current)
        return scale * state * jnp.sinh(self.curvature * voltage)

    @following
    def update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, " junctions"]:
        return bounded(state + jnp.asarray(dt, state.dtype) * self._motion(state, voltage), 0, 1)

    @following
    def rate(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        return held(self._motion(state, voltage), state)

    def spice_current(self, voltage: str, state: str) -> str:
        scale = f"({voltage}>=0 ? {written(self.positive_current)} : {written(self.negative_current)})"
        return f"{scale}*{state}*sinh({written(self.curvature)}*{voltage})"

    def spice_rate(self, voltage: str, state: str) -> str:
        high, low = written(self.positive_threshold), written(self.negative_threshold)
        beyond, below = (
            f"({state}-{written(self.growth_knee)})",
            f"({written(1 - self.decay_knee)}-{state})",
        )
        slow_up = (
            f"exp(-{written(self.growth_slowing)}*{beyond})*(1-{state})/{written(1 - self.growth_knee)}"
        )
        slow_down = f"exp(-{written(self.decay_slowing)}*{below})*{state}/{written(1 - self.decay_knee)}"
        up = f"{written(self.growth_rate)}*(exp({voltage})-exp({high}))*({beyond}<0 ? 1 : {slow_up})"
        down = f"{written(self.decay_rate)}*(exp(-{voltage})-exp({low}))*({below}<0 ? 1 : {slow_down})"
        return held_in_spice(f"({voltage}>{high} ? {up} : ({voltage}<-{low} ? -{down} : 0))", state)

    def _motion(self, state: Array, voltage: Array) -> Array:
        """The rate of the state [1/s]."""
        beyond = state - self.growth_knee
        slow = jnp.exp(-self.growth_slowing * beyond) * (1 - state) / (1 - self.growth_knee)
        grows = (
            self.growth_rate * _excess(voltage, self.positive_threshold) * jnp.where(beyond < 0, 1, slow)
        )
        below = 1 - self.decay_knee - state
        slow = jnp.exp(-self.decay_slowing * below) * state / (1 - self.decay_knee)
        falls = self.decay_rate * _excess(-voltage, self.negative_threshold) * jnp.where(below < 0, 1, slow)
        return grows - falls

    def critical_state(self) -> float:
        return 1.0

    def state_bounds(self) -> tuple[float, float]:
        return 0.0, 1.0


def _excess(voltage: Array, threshold: Number) -> Array:
    """How much the exponential of a voltage exceeds that of its threshold; 0 below."""
    # Not e^v - e^V: just above the threshold that is a small difference.
    above = jnp.maximum(voltage - threshold, 0)
    return jnp.exp(threshold) * jnp.expm1(above)
