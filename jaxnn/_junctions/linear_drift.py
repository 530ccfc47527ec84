"""Linear ion drift: the memristor of HP, a doped and an undoped part in series."""

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
from .unit_state import check_share, held, start_state
from .windows import AbstractWindow, check_window, window_in_spice, windowed


class AbstractDriftJunction(AbstractSpiceJunction):
    r"""A law of two resistors in series, whose border drifts with the current through them.

    The state $x = w / D$ is the share of the film that is doped. A law of this kind adds how it steps.
    """

    on_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=100.0, metadata=unit("ohm")
    )
    """Resistance of a film that is doped throughout [ohm], positive."""
    off_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=16e3, metadata=unit("ohm")
    )
    """Resistance of a film without dopants [ohm], at least that of a doped one."""
    thickness: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e-8, metadata=unit("m"))
    """Thickness of the film, D [m], positive."""
    mobility: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1e-14, metadata=unit("m^2/(V s)")
    )
    """Mobility of the dopants [m^2/(V s)], not negative."""
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.1, metadata=unit("1"))
    """State that a run begins in [1], from 0 to 1."""
    window: eqx.AbstractVar[AbstractWindow | None]  # pyright: ignore[reportGeneralTypeIssues]
    """How the drift slows down at the ends of the film; None for a drift at full speed."""

    def __check_init__(self):
        check_at_least("on_resistance", self.on_resistance, 0, "ohm", strict=True)
        check_at_least("off_resistance", self.off_resistance, 0, "ohm", strict=True)
        if not holds(lambda on, off: on <= off, self.on_resistance, self.off_resistance):
            raise ValueError("off_resistance must be at least on_resistance: exchange the two.")
        check_conductance("1 / on_resistance", 1 / self.on_resistance)
        check_at_least("thickness", self.thickness, 0, "m", strict=True)
        check_at_least("mobility", self.mobility, 0, "m^2/(V s)")
        check_share("start", self.start)
        check_window(self.window)

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return start_state(self.start, n_junctions)

    @following
    def conductance(self, state: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        return 1 / self.resistance(state)

    def resistance(self, state: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        """Returns the resistance of both parts in series [ohm]."""
        return self.on_resistance * state + self.off_resistance * (1 - state)

    def drift(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        """Returns the rate at which the border drifts under its window [1/s]."""
        rate = self.speed() * voltage / self.resistance(state)
        return windowed(self.window, rate, state)

    def speed(self) -> Float[Array, "..."]:
        """Returns the drift per ampere, mobility * on_resistance / thickness^2 [1/(A s)]."""
        return jnp.asarray(self.mobility / self.thickness * (self.on_resistance / self.thickness))

    def spice_current(self, voltage: str, state: str) -> str:
        return f"{voltage}/{self._spice_resistance(state)}"

    def spice_drift(self, voltage: str, state: str) -> str:
        """Returns the rate at which the border drifts as an expression [1/s]."""
        rate = f"{written(self.speed())}*{voltage}/{self._spice_resistance(state)}"
        return f"{rate}*{window_in_spice(self.window, state, rate)}"

    def _spice_resistance(self, state: str) -> str:
        return f"({written(self.on_resistance)}*{state}+{written(self.off_resistance)}*(1-{state}))"

    def critical_state(self) -> float:
        return 1.0

    def state_bounds(self) -> tuple[float, float]:
        return 0.0, 1.0


class LinearDriftJunction(AbstractDriftJunction):
    r"""The memristor of HP: dopants drift through a film in proportion to the current.

    $$\dot x = \frac{\mu R_\mathrm{on}}{D^2}\, i\, F(x, i), \qquad
      v = \left(R_\mathrm{on} x + R_\mathrm{off} (1 - x)\right) i, \qquad 0 \le x \le 1$$

    Without a window F a step is exact at a constant voltage, because
    $R^2$ falls by $2 (R_\mathrm{off} - R_\mathrm{on})\, \mu R_\mathrm{on} v\, dt / D^2$; with one it is
    Euler's. The border stops at the ends of the film.

    A junction has a polarity: a positive voltage, from the first wire of its edge to the second, dopes it.

    The defaults are `jaxnn.parameters.strukov2008`.

    Raises a `ValueError` for a parameter outside its domain.

    Source: Strukov, Snider, Stewart and Williams, Nature 453, 80 (2008), eqs. 5 and 6.

    ```python
    law = jaxnn.LinearDriftJunction(window=jaxnn.BiolekWindow(2))
    state = law.update(jnp.full(2, 0.5), jnp.array([1.0, -1.0]), 1e-3)
    state  # [0.501, 0.499]
    law.conductance(state)  # [1.245e-4, 1.240e-4] [S]
    ```
    """

    window: AbstractWindow | None = None
    """How the drift slows down at the ends of the film; None for a drift at full speed."""

    @following
    def update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, " junctions"]:
        dt = jnp.asarray(dt, state.dtype)
        if self.window is not None:
            return bounded(state + dt * self.drift(state, voltage), 0, 1)
        before, flux = self.resistance(state), self.speed() * voltage * dt
        # Past an end of the film the root may be of a negative number, and what it gives is cut off.
        fallen = 2 * (self.off_resistance - self.on_resistance) * flux
        after = jnp.sqrt(jnp.maximum(before**2 - fallen, self.on_resistance**2))
        # The difference of two resistances over that of their squares, so that short steps do not cancel.
        return bounded(state + 2 * flux / (before + after), 0, 1)

    @following
    def rate(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        return held(self.drift(state, voltage), state)

    def spice_rate(self, voltage: str, state: str) -> str:
        return held_in_spice(self.spice_drift(voltage, state), state)
