"""Linear ion drift that is forgotten: the dopants diffuse back."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import bounded

from .._core import Number, as_inexact, check_at_least, following, unit
from .linear_drift import AbstractDriftJunction
from .spice import held_in_spice, written
from .unit_state import held
from .windows import AbstractWindow, ProdromakisWindow


class DecayingDriftJunction(AbstractDriftJunction):
    r"""A drift of ions whose state decays exponentially when nothing drives it.

    $$\dot x = \frac{\mu R_\mathrm{on}}{D^2}\, i\, F(x, i) - \frac{x}{\tau}, \qquad
      v = \left(R_\mathrm{on} x + R_\mathrm{off} (1 - x)\right) i, \qquad 0 \le x \le 1$$

    A step is exact where nothing drifts and of first order elsewhere: with $d$ the drift at its beginning,
    $x \to x\,e^{-dt/\tau} + d\,\tau\,(1 - e^{-dt/\tau})$, within [0, 1].

    The default window is $F = x (1 - x)$, which leaves a junction at 0 for good: it has to begin above.
    With `polar` a positive voltage, from the first wire of an edge to the second, dopes and a negative one
    undoes it; else $|i|$ stands for $i$, and both dope.

    The defaults are `jaxnn.parameters.kasdorf2025`.

    Raises a `ValueError` for a parameter outside its domain.

    Source: Sillin et al., Nanotechnology 24, 384004 (2013), as in Kasdorf et al., arXiv 2512.12005 (2025).

    ```python
    law = jaxnn.DecayingDriftJunction()
    state = law.update(jnp.full(2, 0.5), jnp.array([0.0, 10.0]), 0.1)
    state  # [0.452, 0.748]
    ```
    """

    on_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=10.0, metadata=unit("ohm")
    )
    """Resistance of a film that is doped throughout [ohm], positive."""
    off_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1600.0, metadata=unit("ohm")
    )
    """Resistance of a film without dopants [ohm], at least that of a doped one."""
    start: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.05, metadata=unit("1"))
    """State that a run begins in [1], from 0 to 1."""
    decay_time: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("s"))
    """Time in which a state decays, tau [s], positive."""
    window: AbstractWindow | None = ProdromakisWindow()
    """How the drift slows down at the ends of the film; None for a drift at full speed."""
    polar: bool = eqx.field(static=True, default=True)
    """Whether a negative voltage undopes a junction, and does not dope it too."""

    def __check_init__(self):
        check_at_least("decay_time", self.decay_time, 0, "s", strict=True)

    @following
    def update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, " junctions"]:
        passed = jnp.asarray(dt, state.dtype) / self.decay_time
        lost = -jnp.expm1(-passed)
        return bounded(state + lost * (self._drive(state, voltage) * self.decay_time - state), 0, 1)

    @following
    def rate(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        return held(self._drive(state, voltage) - state / self.decay_time, state)

    def spice_rate(self, voltage: str, state: str) -> str:
        drive = self.spice_drift(voltage if self.polar else f"abs({voltage})", state)
        return held_in_spice(f"{drive}-{state}/{written(self.decay_time)}", state)

    def _drive(self, state: Array, voltage: Array) -> Array:
        """The drift [1/s], without the decay."""
        return self.drift(state, voltage if self.polar else jnp.abs(voltage))
