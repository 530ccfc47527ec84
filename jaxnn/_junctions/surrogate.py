"""Smooth stand-ins for junction laws with kinks, for gradients where the law itself has none."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import straight_through

from .._core import Key, Number, as_inexact, check_at_least, following, unit
from .abstract import AbstractJunction, AbstractSmoothableJunction
from .inputs import call_law


class AbstractSurrogate(AbstractJunction):
    """A smooth junction law that stands for `junction`, whose state has the same shape.

    A surrogate of a law of your own subclasses this, with the four methods of a junction law;
    `StraightThrough` then takes it like `SmoothJunction`.

    ```python
    smooth = jaxnn.SmoothJunction(law, 3.0)
    isinstance(smooth, jaxnn.AbstractSurrogate)  # True
    smooth.junction is law  # True
    ```
    """

    junction: eqx.AbstractVar[AbstractJunction]
    """The law that it stands for."""


class SmoothJunction(AbstractSurrogate):
    r"""A law with its corners and jumps rounded: a `TunnelJunction`, a `BinaryJunction`, or your own.

    It asks the law for its smooth form (`jaxnn.AbstractSmoothableJunction`). In those two each corner is
    spread over a width of its own scale divided by `sharpness` $k$:

    - the set over $V_\mathrm{set} / k$, the reset over $V_\mathrm{reset} / k \max(b, 1)$: it is
      $b$ times as strong, and would drown what the set spreads below its threshold,
    - the clamp, and the sign of the state in the reset, over $\lambda_\mathrm{max} / k$,
    - the zero of the gap, or the switch, over $\lambda_\mathrm{crit} / k$,

    by the formulas of `jaxnn.kernels.smooth_threshold_flux_step`, `smooth_tunnel_conductance` and
    `smooth_binary_conductance`. The exact law is the limit of large $k$; about 3 lets a state
    grow from little more than half of the threshold on. The state is that of `junction`, the flux
    [V s].

    Raises a `ValueError` for a law that has no such form, and for parameters that leave no scale.

    ```python
    smooth = jaxnn.SmoothJunction(jaxnn.TunnelJunction(), sharpness=3.0)
    flux = jnp.array([0.0, 0.005, 0.015])
    smooth.conductance(flux)  # [7.77e-8, 7.77e-8, 1.2e-6] [S]
    ```
    """

    junction: AbstractJunction
    """The exact law, which has a smooth form."""
    sharpness: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("1"))
    """How close to the exact law it is [1], positive: one number, or one per junction."""

    def __check_init__(self):
        check_at_least("sharpness", self.sharpness, 0, "", strict=True)
        if not isinstance(self.junction, AbstractSmoothableJunction):
            raise ValueError(
                "SmoothJunction takes a TunnelJunction, a BinaryJunction or a law of your own that is a "
                f"jaxnn.AbstractSmoothableJunction, got {type(self.junction).__name__}; write the smooth "
                "form of another law as a subclass of jaxnn.AbstractSurrogate."
            )
        _check_linear(self.junction)
        self.junction.check_smooth()

    @property
    def _law(self) -> AbstractSmoothableJunction:
        assert isinstance(self.junction, AbstractSmoothableJunction)
        return self.junction

    def init_state(self, n_junctions: int) -> Float[Array, "*variables junctions"]:
        return self.junction.init_state(n_junctions)

    @following
    def conductance(
        self,
        state: Float[Array, "*variables junctions"],
        *,
        key: Key | None = None,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, " junctions"]:
        return call_law(self._law, "smooth_conductance", state, self.sharpness, key=key, time=time)

    @following
    def update(
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
        *,
        key: Key | None = None,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, "*variables junctions"]:
        arguments = state, voltage, dt, self.sharpness
        return call_law(self._law, "smooth_update", *arguments, key=key, time=time)

    def critical_state(self) -> Float[ArrayLike, "..."]:
        return self.junction.critical_state()

    def state_bounds(self) -> tuple[Float[ArrayLike, "..."], Float[ArrayLike, "..."]]:
        return self.junction.state_bounds()


class StraightThrough(AbstractJunction):
    r"""A law that is the exact one forward and a smooth one backward.

    Every number of a run is that of `surrogate.junction`, and every derivative that of `surrogate`
    under the voltages of that run. The state holds two, `(2, *variables, junctions)`: that of the
    exact law, $\lambda$, and one that the smooth law moves under the same voltages, $\mu$. Start
    from `jnp.stack([flux, flux])`. In

    $$d\lambda = d\mu, \qquad dg = g(\lambda)\, d\log \tilde g(\mu)$$

    the derivatives are taken at $\mu$ because $\lambda$ stays at zero below threshold, where a
    conductance does not depend on it to first order; and in the logarithm because the two
    conductances may differ by powers of ten. Laws that ask for random numbers get the same ones.

    ```python
    exact = jaxnn.StraightThrough(jaxnn.SmoothJunction(law, sharpness=3.0))
    flux = jnp.zeros(4)
    exact.conductance(jnp.stack([flux, flux]))[0]  # 7.77e-8 [S]
    ```
    """

    surrogate: AbstractSurrogate
    """The smooth law, and in it the exact one."""

    def __check_init__(self):
        _check_linear(self.surrogate.junction)

    def init_state(self, n_junctions: int) -> Float[Array, "2 *variables junctions"]:
        return jnp.stack([self.surrogate.junction.init_state(n_junctions)] * 2)

    def conductance(
        self,
        state: Float[Array, "2 *variables junctions"],
        *,
        key: Key | None = None,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, " junctions"]:
        exact = call_law(self.surrogate.junction, "conductance", state[0], key=key, time=time)
        smooth = call_law(self.surrogate, "conductance", state[1], key=key, time=time)
        # What underflows to 0 has no logarithm and gets no derivative.
        smooth = jnp.maximum(smooth, jnp.finfo(smooth.dtype).tiny)
        ratio = smooth / jax.lax.stop_gradient(smooth)
        return straight_through(exact, jax.lax.stop_gradient(exact) * ratio)

    def update(
        self,
        state: Float[Array, "2 *variables junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
        *,
        key: Key | None = None,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, "2 *variables junctions"]:
        inputs = {"key": key, "time": time}
        exact = call_law(self.surrogate.junction, "update", state[0], voltage, dt, **inputs)
        smooth = call_law(self.surrogate, "update", state[1], voltage, dt, **inputs)
        return jnp.stack([straight_through(exact, smooth), smooth])

    def critical_state(self) -> Float[ArrayLike, "..."]:
        return self.surrogate.junction.critical_state()

    def state_bounds(self) -> tuple[Float[ArrayLike, "..."], Float[ArrayLike, "..."]]:
        return self.surrogate.junction.state_bounds()


def _check_linear(junction: AbstractJunction) -> None:
    """Raises a `ValueError` for a law whose current is no conductance times the voltage."""
    if not junction.is_linear():
        raise ValueError(
            f"a smooth form is one of conductances, and {type(junction).__name__} has a current itself: "
            "write the smooth current as a jaxnn.AbstractCurrentJunction."
        )
