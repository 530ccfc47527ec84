"""The unit of voltage in which networks of any size are alike."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import check_network
from .._networks import Ensemble, Network


def threshold_voltage(
    network: Network | Ensemble, terminals: Sequence, junction: object
) -> Float[Array, "*networks"]:
    r"""Returns the voltage [V] at which a path between the first two terminals can begin to form.

    $$V_\mathrm{th} = n V_\mathrm{set}$$

    with n the least number of memristive junctions between them. Below it, every junction of a path is
    below its set voltage. Reduced voltages are $V^* = V / V_\mathrm{th}$, reduced conductances
    $G^* = n G / G_0$ with $G_0$ = `jaxnn.G0`.

    - `network`, `terminals`: as for `jaxnn.simulate`; an `Ensemble` gives one voltage per network.
    - `junction`: a law with a `set_voltage` [V] that all junctions share.

    Raises a `ValueError` for a law without one, and terminals that no path joins.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Methods.

    ```python
    threshold = jaxnn.threshold_voltage(network, terminals, law)
    run = jaxnn.simulate(network, law, jaxnn.Constant(1.8 * threshold), **setup)
    ```
    """
    check_network(network, (Network, Ensemble))
    voltage = getattr(junction, "set_voltage", None)
    if voltage is None or jnp.ndim(voltage):
        raise ValueError(
            "threshold_voltage needs a law with one set_voltage for all junctions, such as "
            f"jaxnn.TunnelJunction(), got {type(junction).__name__}"
            f"{'' if voltage is None else f' with set_voltage of shape {jnp.shape(voltage)}'}."
        )
    pairs = network.check_terminals(terminals)[..., :2]
    lengths = np.array([_length(network, i, pair) for i, pair in enumerate(pairs.reshape(-1, 2))])
    voltage = jnp.asarray(voltage)
    return voltage * jnp.asarray(lengths.reshape(pairs.shape[:-1]), voltage.dtype)


def _length(network: Network | Ensemble, i: int, pair: np.ndarray) -> int:
    # Terminals of an ensemble are numbered through its union already.
    return (network.network if isinstance(network, Ensemble) else network).path_length(*pair.tolist())
