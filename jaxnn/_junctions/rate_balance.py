"""A junction that potentiates and depresses: growth and decay in balance."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
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
from .unit_state import check_share, start_state


class RateBalanceJunction(AbstractSpiceJunction):
    r"""A junction whose state grows and decays at rates that the voltage sets, whatever its sign.

    $$\dot x = \kappa_p (1 - x) - \kappa_d x, \qquad
      \kappa_p = \kappa_{p0}\, e^{\eta_p |v|}, \qquad \kappa_d = \kappa_{d0}\, e^{-\eta_d |v|}, \qquad
      g = G_\mathrm{off} (1 - x) + G_\mathrm{on} x$$

    A step is exact at a constant voltage: with $\bar x = \kappa_p / (\kappa_p + \kappa_d)$ and
    $e = e^{-(\kappa_p + \kappa_d)\,dt}$ it is $x \to \bar x + (x - \bar x)\,e$.

    `as_published` is the step of the published codes, in which a bracket is misplaced,

    $$x \to \bar x \left\{1 - \left[1 - \left(1 + \tfrac{\kappa_d}{\kappa_p} x\right)\right] e\right\}
        = \bar x + (1 - \bar x)\, x\, e$$

    where the exact one has $(1 + \kappa_d / \kappa_p)\, x$. It depends on the number of steps: without any
    time passing it moves a state to $\bar x + (1 - \bar x) x$, and it comes to rest at
    $\bar x / (1 - (1 - \bar x) e)$, which is 1 for short steps, whatever the voltage. The published
    parameters were fitted with it, at the steps of their papers.

    The defaults are `jaxnn.parameters.milano2022_connectome`.

    Raises a `ValueError` for a parameter outside its domain.

    Source: Miranda, Milano and Ricciardi, IEEE Trans. Nanotechnol. 19, 609 (2020); the code of
    Milano, Miranda and Ricciardi, Neural Netw. 150, 137 (2022).

    ```python
    law = jaxnn.RateBalanceJunction()
    state = law.update(jnp.full(2, 0.5), jnp.array([0.0, 1.0]), 0.1)
    state  # [0.476, 0.59]
    law.conductance(state)  # [0.0481, 0.0594] [S]
    ```
    """

    growth_rate: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e-4, metadata=unit("1/s"))
    """Rate of growth at 0 V, kappa_p0 [1/s], not negative."""
    decay_rate: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.5, metadata=unit("1/s"))
    """Rate of decay at 0 V, kappa_d0 [1/s], positive."""
    growth_sensitivity: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=10.0, metadata=unit("1/V")
    )
    """How a voltage speeds the growth up, eta_p [1/V], not negative."""
    decay_sensitivity: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1.0, metadata=unit("1/V")
    )
    """How a voltage slows the decay down, eta_d [1/V], not negative."""
    on_conductance: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.1, metadata=unit("S"))
    """Conductance of the state 1 [S], positive."""
    off_conductance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1e-3, metadata=unit("S")
    )
    """Conductance of the state 0 [S], not negative."""
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("1"))
    """State that a run begins in [1], from 0 to 1."""
    as_published: bool = eqx.field(static=True, default=False)
    """Whether steps are those of the published codes, with the misplaced bracket."""

    def __check_init__(self):
        for name in ("growth_rate", "growth_sensitivity", "decay_sensitivity", "off_conductance"):
            check_at_least(name, getattr(self, name), 0, "")
        for name in ("decay_rate", "on_conductance"):
            check_at_least(name, getattr(self, name), 0, "", strict=True)
        check_share("start", self.start)
        check_conductance("on_conductance", self.on_conductance)
        check_on_above_off(self.on_conductance, self.off_conductance)

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return start_state(self.start, n_junctions)

    @following
    def conductance(self, state: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        return self.off_conductance * (1 - state) + self.on_conductance * state

    @following
    def update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, " junctions"]:
        up, down = balanced_rates(self, voltage)
        end = up / (up + down)
        passed = (up + down) * jnp.asarray(dt, state.dtype)
        if self.as_published:
            return end + down / (up + down) * state * jnp.exp(-passed)
        # Not end + (state - end) e: a short step is then a small number that is added, and rounds less.
        return state - (state - end) * -jnp.expm1(-passed)

    @following
    def rate(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        self._check_rate()
        up, down = balanced_rates(self, voltage)
        return up * (1 - state) - down * state

    def spice_current(self, voltage: str, state: str) -> str:
        off, on = written(self.off_conductance), written(self.on_conductance)
        return f"({off}*(1-{state})+{on}*{state})*{voltage}"

    def spice_rate(self, voltage: str, state: str) -> str:
        self._check_rate()
        up = f"{written(self.growth_rate)}*exp({written(self.growth_sensitivity)}*abs({voltage}))"
        down = f"{written(self.decay_rate)}*exp(-{written(self.decay_sensitivity)}*abs({voltage}))"
        return f"{up}*(1-{state})-{down}*{state}"

    def _check_rate(self) -> None:
        if self.as_published:
            raise ValueError(
                "as_published is a step that depends on its length and has no rate: set as_published=False."
            )

    def critical_state(self) -> float:
        return 1.0

    def state_bounds(self) -> tuple[float, float]:
        return 0.0, 1.0


def balanced_rates(law: Any, voltage: Array) -> tuple[Array, Array]:
    """The rates of growth and of decay at a voltage [1/s]."""
    exponent = law.growth_sensitivity * jnp.abs(voltage)
    # Infinite growth over infinite growth would be no number: 3 V are enough for the published grids in
    # float32. A junction is switched on within a step long before.
    largest = float(np.log(float(jnp.finfo(exponent.dtype).max))) - 10
    up = law.growth_rate * jnp.exp(jnp.minimum(exponent, largest))
    return up, law.decay_rate * jnp.exp(-law.decay_sensitivity * jnp.abs(voltage))
