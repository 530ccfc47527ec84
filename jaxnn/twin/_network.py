"""A network of unknown wiring behind known pads: conductances between them, a capacitance at each."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import Module, Number, Numbers, arguments, as_inexact, check_at_least, unit


class PadNetwork(Module):
    r"""The passive network of resistors and capacitors that is seen from the pads of a device.

    $$C \dot v = -G v + g_s u(t), \qquad
      G = \mathrm{diag}\Big(g_s + g_0 + \sum_j g_{ij}\Big) - g$$

    with $g_{ij}$ between pads $i$ and $j$, $g_s$ to the source at $u$, $g_0$ to ground and $C$ diagonal.
    The source holds its voltage from the start of a scan to that of the next one, in which time the modes
    of the network, eigenvectors of $C^{-1/2} G C^{-1/2}$, relax exactly, however uneven the times are. The
    pads are read one after the other, each a delay after the source changed. At the start the network is
    settled under the first voltage.

    Only ratios matter to potentials: conductances and capacitances times the same factor are the same
    network. Nodes without a pad come last: they have no read delay.

    Raises a `ValueError` for numbers that are not positive, or not as many as there are nodes and pairs.

    ```python
    network = jaxnn.twin.PadNetwork(
        between=[0.1], to_source=[1.0, 0.2], to_ground=[1.0, 1.0], capacitance=[0.1, 0.5], read_delay=[0.01]
    )
    potentials = network(time=0.2 * np.arange(50), source=np.sin(np.arange(50)))
    potentials.shape  # (50, 1)
    ```
    """

    between: Float[Number, " pairs"] = eqx.field(converter=as_inexact)
    """Conductance of each pair of nodes, 0-1, 0-2, ..., 1-2, ..., positive, in the unit of the others."""
    to_source: Float[Number, " nodes"] = eqx.field(converter=as_inexact)
    """Conductance of each node to the source, positive."""
    to_ground: Float[Number, " nodes"] = eqx.field(converter=as_inexact)
    """Conductance of each node to ground, positive."""
    capacitance: Float[Number, " nodes"] = eqx.field(converter=as_inexact)
    """Capacitance of each node, positive, in that unit times a second."""
    read_delay: Float[Number, " pads"] = eqx.field(converter=as_inexact, metadata=unit("s"))
    """Time from a step of the source until a pad is read [s], positive."""

    def __check_init__(self):
        for name in ("to_source", "read_delay"):
            if jnp.ndim(getattr(self, name)) == 0:
                raise ValueError(
                    f"{name} of PadNetwork must be an array, even of one number: put {getattr(self, name)} "
                    "into a list."
                )
        nodes, pads = jnp.shape(self.to_source)[-1:], jnp.shape(self.read_delay)[-1:]
        pairs = (nodes[0] * (nodes[0] - 1) // 2,)
        wanted = {
            "to_ground": nodes,
            "capacitance": nodes,
            "between": pairs,
        }
        for name, shape in wanted.items():
            if jnp.shape(getattr(self, name))[-1:] != shape:
                raise ValueError(
                    f"{name} of PadNetwork must have {shape[0]} numbers for {nodes[0]} nodes, "
                    f"got {jnp.shape(getattr(self, name))}."
                )
        if not 0 < pads[0] <= nodes[0]:
            raise ValueError(
                f"read_delay of PadNetwork must have a number for each pad, 1 to {nodes[0]}, got {pads[0]}."
            )
        for name in ("between", "to_source", "to_ground", "capacitance", "read_delay"):
            check_at_least(f"{name} of PadNetwork", getattr(self, name), 0, strict=True)

    def matrix(self) -> Float[Array, "nodes nodes"]:
        """Returns the conductance matrix G, of which the source and the ground are eliminated."""
        nodes = self.to_source.shape[-1]
        upper = np.triu_indices(nodes, 1)
        between = jnp.asarray(self.between)
        pairs = jnp.zeros((nodes, nodes), between.dtype).at[upper].set(between)
        pairs = pairs + pairs.T
        return jnp.diag(self.to_source + self.to_ground + pairs.sum(axis=1)) - pairs

    def time_constants(self) -> Float[Array, " nodes"]:
        """Returns the times in which the modes of the network relax [s], the longest first."""
        root = 1 / jnp.sqrt(self.capacitance)
        return 1 / jnp.linalg.eigvalsh(root[:, None] * self.matrix() * root[None])

    def divider(self) -> Float[Array, " pads"]:
        """Returns the share of the source's voltage that each pad has when all is settled."""
        return jnp.linalg.solve(self.matrix(), self.to_source)[: self.read_delay.shape[0]]

    @arguments.checked(time=arguments.real(ndim=1), source=arguments.real(ndim=1))
    def __call__(self, time: Numbers, source: Numbers) -> Float[Array, "times pads"]:
        """Returns the potential of each pad as it is read [V], for the source's voltage in each scan."""
        time, source = as_inexact(time), as_inexact(source)
        if time.shape != source.shape or time.size < 2:
            raise ValueError(
                f"time and source must be of one length, 2 or more, got {time.shape} and {source.shape}."
            )
        root = 1 / jnp.sqrt(self.capacitance)
        rate, vectors = jnp.linalg.eigh(root[:, None] * self.matrix() * root[None])
        share = (vectors.T @ (root * self.to_source)) / rate  # of each mode, settled under 1 V
        intervals = jnp.diff(time, append=2 * time[-1:] - time[-2:-1])

        def step(mode: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            voltage, interval = now
            end = share * voltage
            return end + (mode - end) * jnp.exp(-rate * interval), mode

        _, modes = jax.lax.scan(step, share * source[0], (source, intervals))
        pads = self.read_delay.shape[0]
        shape = (root[:, None] * vectors)[:pads]
        left = shape * jnp.exp(-rate[None] * self.read_delay[:, None])
        return source[:, None] * ((shape - left) @ share)[None] + modes @ left.T
