"""A silver nanowire network of this library in the place of each device."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from .._core import (
    Declared,
    Key,
    Number,
    arguments,
    as_inexact,
    check_shape,
    unit,
)
from .._junctions import TunnelJunction
from .._networks import Network, farthest_pair, nanowire_network
from .._simulation import simulate
from ._abstract import AbstractReservoir, Response, check_pulses, in_dtype_of
from ._linear import check_reads, taps


class NanowireReservoir(AbstractReservoir):
    r"""A row of networks of silver nanowires between two electrodes, used as `NickelateReservoir` is.

    All have the same wires; their junctions differ in the flux at which they close,
    `critical_flux` $(\mathrm{devices}, \mathrm{junctions})$ [V s]. A pulse takes `steps` steps of `dt`, the
    rest after it as many. The features are the currents at the ends of pulses [A].

    ```python
    reservoir = jaxnn.reservoirs.NanowireReservoir.drawn(2, jr.key(0), wires=14, reads=1)
    reservoir.critical_flux.shape == (2, reservoir.network.n_junctions)  # True
    features = lambda pulses: jaxnn.reservoirs.reservoir_features(reservoir, pulses)[0]
    ```
    """

    network: Network
    """The wires of every device."""
    critical_flux: Float[Number, "devices junctions"] = eqx.field(
        converter=as_inexact, metadata=unit("V s")
    )
    """Flux at which each junction of each device closes [V s], positive."""
    low: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage of a pulse of amplitude 0, and of the reads after the train [V]."""
    high: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage of a pulse of amplitude 1 [V]."""
    dt: Float[Number, ""] = eqx.field(converter=as_inexact, default=5e-3, metadata=unit("s"))
    """Time step [s]."""
    terminals: tuple[int, int] = eqx.field(static=True, default=(0, 1))
    """The two wires that are the electrodes."""
    steps: int = eqx.field(static=True, default=4)
    """Time steps of a pulse, and of the rest after it; at least 1."""
    reads: int = eqx.field(static=True, default=0)
    """Reads after the train, each of them a feature; at least 0."""
    every: int = eqx.field(static=True, default=1)
    """Pulses from one feature to the next, counted back from the last; at least 1."""

    @classmethod
    @arguments.checked(
        devices=arguments.count(None),
        key=arguments.key,
        wires=arguments.count(None),
        spread=arguments.real(ndim=0),
    )
    def drawn(
        cls, devices: int, key: Key, *, wires: int = 20, spread: float = 0.1, **numbers: Any
    ) -> "NanowireReservoir":
        """Draws networks of `wires` wires on 10 x 10 um, 20 to 150 mV per junction of the shortest path.

        `spread`: of the logarithm of the critical flux, normal, between junctions.
        """
        network = nanowire_network(wires, box=10e-6, seed=0)
        pair = farthest_pair(network)
        path = network.path_length(*pair)
        shape = (arguments.as_count("devices", devices), network.n_junctions)
        check_shape(f"{shape[0]:,} networks of {shape[1]:,} junctions", (4, *shape), "draw fewer")
        normal = jr.normal(key, shape)
        flux = TunnelJunction().critical_flux * jnp.exp(spread * normal)
        volts: dict[str, Any] = {"low": 0.02 * path, "high": 0.15 * path}
        return cls(network, flux, terminals=pair, **volts | numbers)

    def respond(self, pulses: Declared[Float[Array, "samples devices slots"]]) -> Response:
        pulses = jnp.asarray(check_pulses(pulses))
        check_reads(pulses, self.reads, 2 * self.steps)
        slots, own = pulses.shape[2], in_dtype_of(pulses, self)
        amplitude = jnp.pad(pulses, ((0, 0), (0, 0), (0, self.reads)))
        volts = own.low + amplitude * (own.high - own.low)
        shape = jnp.repeat(jnp.asarray([1, 0], volts.dtype), self.steps)
        drive = (volts[..., None] * shape[None, None, None]).reshape(*volts.shape[:2], -1)

        def one(drive: Array, flux: Array) -> Response:
            solution = simulate(
                own.network,
                TunnelJunction(critical_flux=flux, max_flux=1.5 * flux),
                drive,
                terminals=self.terminals,
                dt=own.dt,
                steps=drive.shape[0],
            )
            current = solution.terminal_current[:, 0]
            ends = current.reshape(-1, 2 * self.steps)[:, self.steps - 1]
            return Response(ends[taps(slots, self.every, self.reads)], jnp.sum(drive * current) * own.dt)

        return jax.vmap(jax.vmap(one), in_axes=(0, None))(drive, own.critical_flux)

    def shares_trains(self) -> bool:
        return True
