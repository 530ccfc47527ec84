"""Noise around any law: of its conductance, and of its state."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import bounded

from .._core import (
    Declared,
    Key,
    Number,
    arguments,
    as_inexact,
    check_at_least,
    check_deviation,
    following,
    unit,
)
from .abstract import AbstractJunction
from .inputs import call_law


class _AbstractAround(AbstractJunction):
    """A law that is another one but for what a subclass says anew."""

    junction: eqx.AbstractVar[AbstractJunction]

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
        return call_law(self.junction, "conductance", state, key=key, time=time)

    def is_linear(self) -> bool:
        return self.junction.is_linear()

    @following
    def current(
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        *,
        key: Key | None = None,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, " junctions"]:
        return call_law(self.junction, "current", state, voltage, key=key, time=time)

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
        return call_law(self.junction, "update", state, voltage, dt, key=key, time=time)

    def critical_state(self) -> Float[ArrayLike, "..."]:
        return self.junction.critical_state()

    def state_bounds(self) -> tuple[Float[ArrayLike, "..."], Float[ArrayLike, "..."]]:
        return self.junction.state_bounds()

    def keeps_rounding(self) -> bool:
        return self.junction.keeps_rounding()


class WithReadNoise(_AbstractAround):
    r"""A law whose conductances fluctuate from step to step, each junction's by itself.

    $$g_k = g(\lambda_{k-1})\, e^{s n_k - s^2 / 2}, \qquad s^2 = \ln(1 + r^2), \qquad n_k \sim N(0, 1)$$

    The factor has the mean 1 and the standard deviation $r$ = `relative`, whatever `dt` is, and is never
    negative; with `gaussian` it is $\max(0, 1 + r n_k)$. The network is solved with these conductances, so
    that the noise is felt by the states too.

    Raises a `ValueError` for a negative deviation, and in a run without a `key`.

    ```python
    noisy = jaxnn.WithReadNoise(law, 0.05)
    noisy.conductance(jnp.zeros(2), key=jr.key(0))  # [8.52e-8, 7.58e-8] [S]
    run = jaxnn.simulate(network, noisy, drive, key=jr.key(0), **setup)
    ```
    """

    junction: Declared[AbstractJunction]
    """The law without this noise."""
    relative: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("1"))
    """Standard deviation relative to the conductance [1], not negative: one number, or one per junction."""
    gaussian: bool = eqx.field(static=True, default=False)
    """Whether the factor is normal, cut off at 0, and not lognormal."""

    def __check_init__(self):
        arguments.one_of(AbstractJunction)("junction", self.junction)
        check_at_least("relative", self.relative, 0, "")
        check_deviation("relative of WithReadNoise", self.relative)

    @following
    def conductance(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        state: Float[Array, "*variables junctions"],
        *,
        key: Key,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, " junctions"]:
        own, rest = jr.split(key)
        conductance = call_law(self.junction, "conductance", state, key=rest, time=time)
        return conductance * self._factor(own, conductance)

    @following
    def current(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        *,
        key: Key,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, " junctions"]:
        own, rest = jr.split(key)
        current = call_law(self.junction, "current", state, voltage, key=rest, time=time)
        return current * self._factor(own, current)

    def _factor(self, key: Key, like: Array) -> Array:
        """What fluctuates around 1."""
        normal = jr.normal(key, like.shape, like.dtype)
        if self.gaussian:
            return jnp.maximum(0, 1 + self.relative * normal)
        square = jnp.log1p(self.relative**2)
        # The root has no derivative at 0, where there is no noise.
        spread = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), self.relative)
        return jnp.exp(spread * normal - square / 2)


class WithLangevinNoise(_AbstractAround):
    r"""A law whose state is shaken in every step: no two cycles of a junction are the same.

    $$\lambda_k = \mathrm{clip}\left(\lambda(\lambda_{k-1}, v, dt) + a \sqrt{dt}\, n_k\right), \qquad
      n_k \sim N(0, 1)$$

    the Euler-Maruyama step of $d\lambda = f\,dt + a\,dW$ with $a$ = `amplitude`, clipped into the law's
    `state_bounds`. Of its own a state diffuses by $a \sqrt t$ in a time $t$, whatever `dt` is.

    Raises a `ValueError` for a negative amplitude, a law that keeps its rounding (whose second variable is
    no state), and in a run without a `key`.

    ```python
    noisy = jaxnn.WithLangevinNoise(law, 1e-3)
    noisy.update(jnp.zeros(2), jnp.zeros(2), jnp.asarray(0.01), key=jr.key(0))  # [1.88e-4, -4.81e-5] [V s]
    run = jaxnn.simulate(network, noisy, drive, key=jr.key(0), **setup)
    ```
    """

    junction: Declared[AbstractJunction]
    """The law without this noise."""
    amplitude: Float[Number, "..."] = eqx.field(converter=as_inexact)
    """Noise [unit of the state per square root of a second], not negative; it broadcasts against the state:
    one number, one per junction, or one per variable, (variables, 1)."""

    def __check_init__(self):
        arguments.one_of(AbstractJunction)("junction", self.junction)
        check_at_least("amplitude", self.amplitude, 0, "")
        if self.junction.keeps_rounding():
            raise ValueError(
                f"WithLangevinNoise shakes states, and the second one of {type(self.junction).__name__} "
                "is a remainder: use compensated=False. Noise carries small steps over the rounding."
            )

    @following
    def update(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
        *,
        key: Key,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, "*variables junctions"]:
        own, rest = jr.split(key)
        state = call_law(self.junction, "update", state, voltage, dt, key=rest, time=time)
        amplitude = in_front(self.amplitude, state.ndim)
        step = amplitude * jnp.sqrt(jnp.asarray(dt, state.dtype)) * jr.normal(own, state.shape, state.dtype)
        low, high = (
            in_front(jnp.asarray(x, state.dtype), state.ndim) for x in self.junction.state_bounds()
        )
        return bounded(state + step, low, high)


def in_front(x: Float[Number, "..."], ndim: int) -> Float[Number, "..."]:
    """`x` with so many axes, those that it lacks in front."""
    return x.reshape((1,) * (ndim - x.ndim) + x.shape)
