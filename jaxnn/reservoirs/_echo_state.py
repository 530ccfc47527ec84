"""An echo-state network, the reservoir of the textbooks."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import Declared, Number, arguments, as_inexact, check_shape
from ._abstract import AbstractReservoir, Response, check_pulses, in_dtype_of
from ._linear import check_taps, tapped, without_energy


class EchoState(AbstractReservoir):
    r"""A network of as many nodes as channels: $x_k = \tanh(W x_{k-1} + W_\mathrm{in} u_k + b)$, from 0.

    Unlike single devices every node hears others. Read as a `LeakyIntegrator` is.

    Source: Jaeger, GMD Report 148 (2001).

    ```python
    nodes = jaxnn.reservoirs.EchoState.drawn(3, seed=0)
    nodes.respond(jnp.ones((5, 3, 4))).features.shape  # (5, 3, 4)
    ```
    """

    weights: Float[Number, "devices devices"] = eqx.field(converter=as_inexact)
    """Recurrent weights W [1], from the second index to the first."""
    input_weights: Float[Number, "devices devices"] = eqx.field(converter=as_inexact)
    """Input weights W_in [1]."""
    bias: Float[Number, " devices"] = eqx.field(converter=as_inexact)
    """Biases b [1]."""
    reads: int = eqx.field(static=True, default=0)
    """Slots without a pulse after the train, each of them a feature; at least 0."""
    every: int = eqx.field(static=True, default=1)
    """Slots from one feature to the next, counted back from the last; at least 1."""

    def __check_init__(self):
        check_taps(self)

    @classmethod
    @arguments.checked(
        devices=arguments.count(),
        seed=arguments.seed,
        radius=arguments.real(ndim=0),
        input_scale=arguments.real(ndim=0),
        links=arguments.count(None),
    )
    def drawn(
        cls,
        devices: int,
        seed: int,
        *,
        radius: float = 0.9,
        input_scale: float = 1.0,
        links: int = 10,
        **numbers: int,
    ) -> "EchoState":
        """Draws `links` inputs and as many recurrent links per node, scaled to a spectral radius.

        The radius of such a matrix is nearly the root of the sum of the squares of a row, to which
        it is scaled; the entries are normal.
        """
        check_shape(f"A reservoir of {devices:,} nodes", (6, devices, devices), "draw fewer nodes", each=8)
        rng = np.random.default_rng(seed)
        links = min(links, devices)

        def sparse() -> np.ndarray:
            chosen = np.argsort(rng.random((devices, devices)), axis=1)[:, :links]
            matrix = np.zeros((devices, devices))
            np.put_along_axis(matrix, chosen, rng.normal(size=chosen.shape), axis=1)
            return matrix / np.sqrt(links)

        recurrent, given = sparse(), sparse()
        bias = rng.uniform(-1, 1, devices)
        inputs = input_scale * given * np.sqrt(links)
        return cls(jnp.asarray(radius * recurrent), jnp.asarray(inputs), jnp.asarray(bias), **numbers)

    def respond(self, pulses: Declared[Float[Array, "samples devices slots"]]) -> Response:
        pulses = jnp.asarray(check_pulses(pulses))
        net = in_dtype_of(pulses, self)

        def step(x: Array, u: Array) -> tuple[Array, Array]:
            x = jnp.tanh(x @ net.weights.T + u @ net.input_weights.T + net.bias[None])
            return x, x

        start = jnp.zeros_like(pulses[..., 0])
        return without_energy(tapped(step, start, pulses, self.every, self.reads))

    def shares_trains(self) -> bool:
        return False
