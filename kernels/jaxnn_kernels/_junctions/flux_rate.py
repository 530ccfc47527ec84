"""The threshold-flux law as a rate: what its steps converge to."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._number import Number
from .threshold import _flux_moves


def threshold_flux_rate(
    flux: Float[Array, "*junctions"],
    voltage: Float[Array, "*junctions"],
    *,
    set_voltage: Float[Number, "..."],
    reset_voltage: Float[Number, "..."],
    max_flux: Float[Number, "..."],
    boost: Float[Number, "..."],
) -> Float[Array, "*junctions"]:
    r"""The rate of change [V] of the flux of `threshold_flux_step`, for integrators of any kind.

    $$\dot\lambda = \begin{cases}
        (|v| - V_\mathrm{set})\,\mathrm{sgn}(v) & |v| > V_\mathrm{set} \\
        -b\,(V_\mathrm{reset} - |v|)\,\mathrm{sgn}(\lambda) & |v| < V_\mathrm{reset} \\
        0 & \text{otherwise}
    \end{cases} \qquad
    \dot\lambda = 0 \text{ where } |\lambda| \ge \lambda_\mathrm{max} \text{ would grow}$$

    with sgn(0) = 0. The right-hand side jumps where a reset reaches zero and where the flux reaches
    its largest value. An integrator passes both by part of a step: the first by less than
    $b V_\mathrm{reset}\,dt$ before it is pulled back, the second by less than
    $(|v| - V_\mathrm{set})\,dt$, where it stays until the voltage turns.

    `flux` [V s], `voltage` [V]; parameters as for `threshold_flux_step`.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), eq. 2 (Methods).
    """
    growth, decay = _flux_moves(voltage, 1.0, set_voltage, reset_voltage, boost)
    rate = growth - jnp.sign(flux) * decay
    stays = (jnp.abs(flux) >= max_flux) & (rate * jnp.sign(flux) > 0)
    return jnp.where(stays, 0, rate)
