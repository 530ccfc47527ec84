"""Smooth stand-ins for junction laws with kinks, for gradients where the law itself has none."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import (
    smooth_binary_conductance,
    smooth_threshold_flux_step,
    smooth_tunnel_conductance,
    straight_through,
)

from .._core import Number, as_inexact, check_at_least, following, unit
from .abstract import AbstractJunction
from .threshold import BinaryJunction, TunnelJunction, binary_parameters, flux_parameters, tunnel_parameters


class AbstractSurrogate(AbstractJunction):
    """A smooth junction law that stands for `junction`, whose state has the same shape.

    A surrogate of a law of your own subclasses this, with the four methods of a junction law;
    `StraightThrough` then takes it like `SmoothJunction`.
    """

    junction: eqx.AbstractVar[AbstractJunction]
    """The law that it stands for."""


class SmoothJunction(AbstractSurrogate):
    r"""A `TunnelJunction` or a `BinaryJunction` with its corners and jumps rounded.

    Each is spread over a width of its own scale divided by `sharpness` $k$:

    - the set over $V_\mathrm{set} / k$, the reset over $V_\mathrm{reset} / k \max(b, 1)$: it is
      $b$ times as strong, and would drown what the set spreads below its threshold,
    - the clamp, and the sign of the state in the reset, over $\lambda_\mathrm{max} / k$,
    - the zero of the gap, or the switch, over $\lambda_\mathrm{crit} / k$,

    by the formulas of `jaxnn.kernels.smooth_threshold_flux_step`, `smooth_tunnel_conductance` and
    `smooth_binary_conductance`. The exact law is the limit of large $k$; about 3 lets a state
    grow from little more than half of the threshold on. The state is that of `junction`, the flux
    [V s].

    Raises a `ValueError` for a law that has no such form, and for parameters that leave no scale.
    """

    junction: AbstractJunction
    sharpness: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("1"))
    """How close to the exact law [1]: one number, or one per junction."""

    def __check_init__(self):
        check_at_least("sharpness", self.sharpness, 0, "", strict=True)
        junction = self.junction
        if not isinstance(junction, TunnelJunction | BinaryJunction):
            raise ValueError(
                "SmoothJunction takes a TunnelJunction or a BinaryJunction, got "
                f"{type(junction).__name__}; write the smooth form of another law as a subclass of "
                "jaxnn.AbstractSurrogate."
            )
        for name in ("one_sided_reset", "compensated"):
            if getattr(junction, name):
                raise ValueError(
                    f"SmoothJunction has no form with {name}=True; use "
                    f"dataclasses.replace(junction, {name}=False)"
                    + ("." if name == "compensated" else ", which resets negative states otherwise.")
                )
        for name in ("set_voltage", "reset_voltage"):
            what = f"{name} of a SmoothJunction, the scale of its width,"
            check_at_least(what, getattr(junction, name), 0, "V", strict=True)

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return self.junction.init_state(n_junctions)

    @following
    def conductance(self, state: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        junction = self.junction
        if isinstance(junction, TunnelJunction):
            width = junction.critical_flux / self.sharpness
            return smooth_tunnel_conductance(state, **tunnel_parameters(junction), width=width)
        assert isinstance(junction, BinaryJunction)
        width = junction.critical_flux / self.sharpness
        return smooth_binary_conductance(state, **binary_parameters(junction), width=width)

    @following
    def update(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"], dt: ArrayLike
    ) -> Float[Array, " junctions"]:
        junction = self.junction
        assert isinstance(junction, TunnelJunction | BinaryJunction)
        return smooth_threshold_flux_step(
            state,
            voltage,
            dt,
            **flux_parameters(junction),
            set_width=junction.set_voltage / self.sharpness,
            reset_width=junction.reset_voltage / (self.sharpness * jnp.maximum(junction.boost, 1)),
            sign_width=junction.max_flux / self.sharpness,
            clamp_width=junction.max_flux / self.sharpness,
        )

    def critical_state(self) -> Float[ArrayLike, "..."]:
        return self.junction.critical_state()

    def state_bounds(self) -> tuple[Float[ArrayLike, "..."], Float[ArrayLike, "..."]]:
        return self.junction.state_bounds()


class StraightThrough(AbstractJunction):
    r"""The exact law forward, a smooth one backward.

    Every number of a run is that of `surrogate.junction`, and every derivative that of `surrogate`
    under the voltages of that run. The state holds two, `(2, *variables, junctions)`: that of the
    exact law, $\lambda$, and one that the smooth law moves under the same voltages, $\mu$. Start
    from `jnp.stack([flux, flux])`. In

    $$d\lambda = d\mu, \qquad dg = g(\lambda)\, d\log \tilde g(\mu)$$

    the derivatives are taken at $\mu$ because $\lambda$ stays at zero below threshold, where a
    conductance does not depend on it to first order; and in the logarithm because the two
    conductances may differ by powers of ten.
    """

    surrogate: AbstractSurrogate

    def init_state(self, n_junctions: int) -> Float[Array, "2 *variables junctions"]:
        return jnp.stack([self.surrogate.junction.init_state(n_junctions)] * 2)

    def conductance(self, state: Float[Array, "2 *variables junctions"]) -> Float[Array, " junctions"]:
        exact = self.surrogate.junction.conductance(state[0])
        smooth = self.surrogate.conductance(state[1])
        # What underflows to 0 has no logarithm and gets no derivative.
        smooth = jnp.maximum(smooth, jnp.finfo(smooth.dtype).tiny)
        ratio = smooth / jax.lax.stop_gradient(smooth)
        return straight_through(exact, jax.lax.stop_gradient(exact) * ratio)

    def update(
        self,
        state: Float[Array, "2 *variables junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, "2 *variables junctions"]:
        exact = self.surrogate.junction.update(state[0], voltage, dt)
        smooth = self.surrogate.update(state[1], voltage, dt)
        return jnp.stack([straight_through(exact, smooth), smooth])

    def critical_state(self) -> Float[ArrayLike, "..."]:
        return self.surrogate.junction.critical_state()

    def state_bounds(self) -> tuple[Float[ArrayLike, "..."], Float[ArrayLike, "..."]]:
        return self.surrogate.junction.state_bounds()
