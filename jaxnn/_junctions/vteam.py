"""The threshold-adaptive memristor: it drifts only beyond two voltages."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import bounded

from .._core import (
    Number,
    as_inexact,
    check_at_least,
    check_conductance,
    following,
    holds,
    unit,
)
from .spice import AbstractSpiceJunction, held_in_spice, written
from .unit_state import check_share, held
from .windows import AbstractWindow, check_window, window_in_spice, windowed


class VteamJunction(AbstractSpiceJunction):
    r"""A memristor whose state moves where the voltage exceeds a threshold, by a power of the excess.

    $$\dot w = \begin{cases} k_\mathrm{off} \left(v / v_\mathrm{off} - 1\right)^{\alpha_\mathrm{off}} F
        & v > v_\mathrm{off} \\
        -k_\mathrm{on} \left(-v / v_\mathrm{on} - 1\right)^{\alpha_\mathrm{on}} F & v < -v_\mathrm{on} \\
        0 & \text{between} \end{cases} \qquad 0 \le w \le D$$

    $$R = R_\mathrm{on} + (R_\mathrm{off} - R_\mathrm{on})\, w / D \quad \text{or} \quad
      R = R_\mathrm{on} \left(R_\mathrm{off} / R_\mathrm{on}\right)^{w / D}$$

    the second with `exponential`. All parameters are magnitudes: the $v_\mathrm{on}$ and $k_\mathrm{on}$ of
    the paper are negative. A positive voltage, from the first wire of an edge to the second, switches off.
    The state is $w$ [m], and the window $F$ a function of $w / D$.

    Without a window a step is exact at a constant voltage; with one it is Euler's. The current of the
    paper is proportional to the voltage in both forms, so that the law has a conductance.

    The defaults are `jaxnn.parameters.kvatinsky2015`.

    Raises a `ValueError` for a parameter outside its domain.

    Source: Kvatinsky, Ramadan, Friedman and Kolodny, IEEE Trans. Circuits Syst. II 62, 786 (2015).

    ```python
    law = jaxnn.VteamJunction()
    state = law.update(jnp.full(3, 1e-9), jnp.array([0.01, 1.0, -0.3]), 1e-8)
    state  # [1e-9, 1.245e-9, 0.0] [m]
    law.conductance(state)  # [2.73e-3, 2.25e-3, 0.02] [S]
    ```
    """

    on_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=50.0, metadata=unit("ohm")
    )
    """Resistance of the state 0 [ohm], positive."""
    off_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1000.0, metadata=unit("ohm")
    )
    """Resistance of the state D [ohm], at least that of the state 0."""
    on_threshold: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.2, metadata=unit("V"))
    """How far below 0 V switching on begins, |v_on| [V], positive."""
    off_threshold: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.02, metadata=unit("V"))
    """How far above 0 V switching off begins, v_off [V], positive."""
    on_speed: Float[Number, "..."] = eqx.field(converter=as_inexact, default=10.0, metadata=unit("m/s"))
    """Speed of switching on at twice its threshold, |k_on| [m/s], not negative."""
    off_speed: Float[Number, "..."] = eqx.field(converter=as_inexact, default=5e-4, metadata=unit("m/s"))
    """Speed of switching off at twice its threshold, k_off [m/s], not negative."""
    on_exponent: Float[Number, "..."] = eqx.field(converter=as_inexact, default=3.0, metadata=unit("1"))
    """Power of the excess in switching on, alpha_on [1], positive."""
    off_exponent: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1"))
    """Power of the excess in switching off, alpha_off [1], positive."""
    thickness: Float[Number, "..."] = eqx.field(converter=as_inexact, default=3e-9, metadata=unit("m"))
    """Largest state, D [m], positive."""
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1"))
    """Share of D that a run begins in [1], from 0 to 1."""
    window: AbstractWindow | None = None
    """How the state slows down at both ends; None for full speed."""
    exponential: bool = eqx.field(static=True, default=False)
    """Whether the resistance is exponential in the state, and not linear."""

    def __check_init__(self):
        for name, symbol in (("on_resistance", "ohm"), ("off_resistance", "ohm"), ("thickness", "m")):
            check_at_least(name, getattr(self, name), 0, symbol, strict=True)
        for name in ("on_threshold", "off_threshold"):
            self._check_magnitude(name, "V", strict=True)
        for name in ("on_speed", "off_speed"):
            self._check_magnitude(name, "m/s", strict=False)
        for name in ("on_exponent", "off_exponent"):
            check_at_least(name, getattr(self, name), 0, "", strict=True)
        if not holds(lambda on, off: on <= off, self.on_resistance, self.off_resistance):
            raise ValueError("off_resistance must be at least on_resistance: exchange the two.")
        check_conductance("1 / on_resistance", 1 / self.on_resistance)
        check_share("start", self.start)
        check_window(self.window)

    def _check_magnitude(self, name: str, symbol: str, *, strict: bool) -> None:
        try:
            check_at_least(name, getattr(self, name), 0, symbol, strict=strict)
        except ValueError as error:
            raise ValueError(f"{error} It is a magnitude: leave the sign of the paper out.") from None

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return jnp.broadcast_to(jnp.asarray(self.start * self.thickness), (n_junctions,))

    @following
    def conductance(self, state: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        share, ratio = state / self.thickness, self.off_resistance / self.on_resistance
        grown = jnp.exp(jnp.log(ratio) * share) if self.exponential else 1 + (ratio - 1) * share
        return 1 / (self.on_resistance * grown)

    @following
    def update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, " junctions"]:
        moved = state + jnp.asarray(dt, state.dtype) * self._speed(state, voltage)
        return bounded(moved, 0, self.thickness)

    @following
    def rate(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        return held(self._speed(state, voltage), state, 0.0, self.thickness)

    def spice_current(self, voltage: str, state: str) -> str:
        share, on = f"({state}/{written(self.thickness)})", written(self.on_resistance)
        if self.exponential:
            decades = written(jnp.log(self.off_resistance / self.on_resistance))
            return f"{voltage}/({on}*exp({decades}*{share}))"
        return f"{voltage}/({on}+{written(self.off_resistance - self.on_resistance)}*{share})"

    def spice_rate(self, voltage: str, state: str) -> str:
        high, low = written(self.off_threshold), written(self.on_threshold)
        off = f"{written(self.off_speed)}*pow({voltage}/{high}-1,{written(self.off_exponent)})"
        on = f"-{written(self.on_speed)}*pow(-{voltage}/{low}-1,{written(self.on_exponent)})"
        speed = f"({voltage}>{high} ? {off} : ({voltage}<-{low} ? {on} : 0))"
        share = f"({state}/{written(self.thickness)})"
        return held_in_spice(f"{speed}*{window_in_spice(self.window, share, speed)}", share)

    def _speed(self, state: Array, voltage: Array) -> Array:
        """The speed of the state under its window [m/s]."""
        off = self.off_speed * _power(voltage / self.off_threshold - 1, self.off_exponent)
        on = self.on_speed * _power(-voltage / self.on_threshold - 1, self.on_exponent)
        return windowed(self.window, off - on, state / self.thickness)

    def critical_state(self) -> Float[Number, "..."]:
        return self.thickness

    def state_bounds(self) -> tuple[float, Float[Number, "..."]]:
        return 0.0, self.thickness


def _power(excess: Array, exponent: Number) -> Array:
    """A power of what is above 0, else 0, with a derivative that is finite on both sides."""
    below = excess <= 0  # NaN is not, and stays NaN
    return jnp.where(below, 0, jnp.where(below, 1, excess) ** exponent)
