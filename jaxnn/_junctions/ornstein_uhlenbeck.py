"""A junction that relaxes, trembles and jumps: an Ornstein-Uhlenbeck process with jumps."""

import equinox as eqx
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
    holds,
    unit,
)
from .abstract import AbstractJunction
from .rate_balance import balanced_rates


class OrnsteinUhlenbeckJunction(AbstractJunction):
    r"""A stochastic junction: its state reverts to a mean that the voltage sets, with noise and jumps.

    $$dx = \theta (\bar x - x)\,dt + \sigma\,dW + A\,dN, \qquad
      g = G_\mathrm{off} (1 - x) + G_\mathrm{on} x$$

    $$\theta = \kappa_p + \kappa_d, \qquad \bar x = \kappa_p / \theta, \qquad
      \kappa_p = \kappa_{p0}\, e^{\eta_p |v|}, \qquad \kappa_d = \kappa_{d0}\, e^{-\eta_d |v|}$$

    Jumps come at the rate $E$ = `jump_rate`. Their sizes $|A|$ have the density $\propto |A|^{-\alpha}$
    between `smallest_jump` and `largest_jump` $A_\mathrm{max}$, and they go up with the probability
    $\frac12 + \frac{\bar x - x}{2 (1 + 2 A_\mathrm{max})}$: more often towards the mean.

    A step is exact in drift and noise at a constant voltage, so that a state without jumps has the mean
    $\bar x$ and the variance $\sigma^2 / 2 \theta$ in the long run, whatever `dt` is. In a step there is at
    most one jump, with the probability $1 - e^{-E\,dt}$. The state is clipped into [0, 1].

    The defaults are those of the code published with the paper, a fit to a whole network under 3.6 V.
    That code takes Euler-Maruyama steps where there are jumps, a jump with the probability $E\,dt$, the
    voltage with its sign, and does not clip. No derivative passes through whether and where to a jump goes.

    Raises a `ValueError` for a parameter outside its domain, and in a run without a `key`.

    Source: Milano et al., Nat. Commun. 16 (2025), s41467-025-58741-2, and its code; the rates are those of
    Miranda, Milano and Ricciardi, IEEE Trans. Nanotechnol. 19, 609 (2020).

    ```python
    random = jaxnn.OrnsteinUhlenbeckJunction(noise=0.01)
    state = random.update(jnp.full(2, 0.2), jnp.full(2, 3.6), 0.1, key=jr.key(0))
    state  # [0.209, 0.202]
    random.conductance(state)  # [1.44e-5, 1.39e-5] [S]
    ```
    """

    growth_rate: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=5.217037178270165e-4, metadata=unit("1/s")
    )
    """Rate of growth at 0 V, kappa_p0 [1/s], not negative."""
    decay_rate: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=37.93422536389374, metadata=unit("1/s")
    )
    """Rate of decay at 0 V, kappa_d0 [1/s], positive."""
    growth_sensitivity: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1.2922283233062284, metadata=unit("1/V")
    )
    """How a voltage speeds the growth up, eta_p [1/V], not negative."""
    decay_sensitivity: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1.785933208836627, metadata=unit("1/V")
    )
    """How a voltage slows the decay down, eta_d [1/V], not negative."""
    on_conductance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=6.857961268862245e-5, metadata=unit("S")
    )
    """Conductance of the state 1 [S], positive."""
    off_conductance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1.4558148272052695e-7, metadata=unit("S")
    )
    """Conductance of the state 0 [S], not negative."""
    noise: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=3.2e-4, metadata=unit("1/sqrt(s)")
    )
    """Noise of the state, sigma [1/sqrt(s)], not negative."""
    jump_rate: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.08243, metadata=unit("1/s"))
    """Jumps per second, E [1/s], not negative."""
    jump_exponent: Float[Number, "..."] = eqx.field(converter=as_inexact, default=2.78, metadata=unit("1"))
    """Exponent alpha of the sizes of jumps [1], greater than 1."""
    smallest_jump: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=6.371e-4, metadata=unit("1")
    )
    """Smallest size of a jump [1], positive."""
    largest_jump: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1.0195e-2, metadata=unit("1")
    )
    """Largest size of a jump [1], at least the smallest."""

    def __check_init__(self):
        not_negative = ("growth_rate", "growth_sensitivity", "decay_sensitivity", "off_conductance")
        for name in (*not_negative, "noise", "jump_rate"):
            check_at_least(name, getattr(self, name), 0, "")
        for name in ("decay_rate", "on_conductance", "smallest_jump"):
            check_at_least(name, getattr(self, name), 0, "", strict=True)
        check_at_least("jump_exponent", self.jump_exponent, 1, "", strict=True)
        check_conductance("on_conductance", self.on_conductance)
        check_on_above_off(self.on_conductance, self.off_conductance)
        if not holds(lambda small, large: small <= large, self.smallest_jump, self.largest_jump):
            raise ValueError("largest_jump must be at least smallest_jump: exchange the two.")

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return jnp.zeros(n_junctions)

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
        dt = jnp.asarray(dt, state.dtype)
        of_noise, of_jump = jr.split(key)
        up, down = balanced_rates(self, voltage)
        mean, passed = up / (up + down), (up + down) * dt
        normal = jr.normal(of_noise, state.shape, state.dtype)
        # sigma^2 (1 - e^-2x) / 2 theta with x = theta dt, and no difference of numbers near 1.
        deviation = self.noise * jnp.sqrt(dt * -jnp.expm1(-2 * passed) / (2 * passed))
        moved = mean + (state - mean) * jnp.exp(-passed) + deviation * normal
        return bounded(moved + self._jumps(mean - state, dt, of_jump), 0, 1)

    def _jumps(
        self, below_mean: Float[Array, " junctions"], dt: Float[Array, ""], key: Key
    ) -> Float[Array, " junctions"]:
        """What the junctions jump by in a step; 0 for most."""
        uniform = jr.uniform(key, (3, *below_mean.shape), below_mean.dtype)
        comes = uniform[0] < -jnp.expm1(-self.jump_rate * dt)
        goes_up = uniform[1] < 0.5 + below_mean / (2 * (1 + 2 * self.largest_jump))
        power = self.jump_exponent - 1
        ratio = (self.smallest_jump / self.largest_jump) ** power
        size = self.smallest_jump * (1 - uniform[2] * (1 - ratio)) ** (-1 / power)
        return jnp.where(comes, jnp.where(goes_up, size, -size), 0)

    def critical_state(self) -> float:
        return 1.0

    def state_bounds(self) -> tuple[float, float]:
        return 0.0, 1.0
