"""The tunnelling conductance at any voltage: Simmons' law in its three ranges."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _arguments as arguments
from .._number import Number
from .threshold import FILAMENT, TUNNEL_DECAY, TUNNEL_PREFACTOR, WIDTH, gap_of_flux, power


# Constants as the authors' scripts have them, for lengths in nanometres.
_MIDDLE_PREFACTOR = 6.16438e-6  # [S V]
_HIGH_PREFACTOR = 2.65686e-6  # [S V]
_HIGH_DECAY = TUNNEL_DECAY * (23 / 24) / 2**0.5  # [1 / (nm V^(1/2))]


class _Tunnelling(NamedTuple):
    """A conductance (a_1 e^{x_1} - a_2 e^{x_2}) / l of an area, in parts: ranges share exponentials."""

    first: Array
    first_exponent: Array
    second: Array
    second_exponent: Array
    length: Array


@arguments.checked("flux", "voltage", "width", *FILAMENT, prefactor_power=power, width=WIDTH, **FILAMENT)
def simmons_conductance(
    flux: Float[Array, "*junctions"],
    voltage: Float[Array, "*junctions"],
    *,
    on_conductance: Float[Number, "..."],
    off_conductance: Float[Number, "..."],
    critical_flux: Float[Number, "..."],
    barrier_height: Float[Number, "..."],
    filament_area: Float[Number, "..."],
    max_gap: Float[Number, "..."],
    prefactor_power: int = 1,
    width: Float[Number, "..."] | None = None,
) -> Float[Array, "*junctions"]:
    r"""Computes the conductance [S] of a junction that a voltage of any size drives tunnelling through.

    $$g = \frac{1}{R_t + 1/G_\mathrm{on}} + G_\mathrm{off}$$

    with the gap $s$ of `tunnel_conductance`, $u = |v|$, and in three ranges

    $$\frac{1}{R_t} = \begin{cases}
      \dfrac{A \sqrt\varphi J_1}{2 s^p} e^{-C_0 \varphi^2 s} & u \le \varphi/2 \\
      \dfrac{A J_2 e^{C_0 \sqrt\varphi}}{u s^2 b^2}
        \left[ \varphi_- e^{-C_0 (s + 1) b \sqrt{\varphi_-}} - \varphi_+ e^{-C_0 (s + 1) b
        \sqrt{\varphi_+}} \right] & \varphi/2 < u < \varphi \\
      \dfrac{A J_3 e^{C_0 \sqrt\varphi}}{\varphi s^2}
        \left[ e^{-C_2 (s + 1) \varphi^{3/2} / u}
          - (1 + 2u/\varphi) e^{-C_2 (s + 1) \sqrt{1 + 2u/\varphi}\, \varphi^{3/2} / u} \right]
        & u \ge \varphi
      \end{cases}$$

    with $\varphi_\pm = \varphi \pm u/2$, $b = 1 - u^2 / (96 \varphi_-^2)$, $s$ in nm. The ranges do not
    meet: at $\varphi/2$ the conductance jumps by factors of 0.83 (at a gap of 1 nm) to 3.9 (at 0.1 nm),
    at $\varphi$ by 0.98.

    - `width`: [V] over which one range goes over into the next, centred between them, by
      $3x^2 - 2x^3$; at most half the barrier. By default they jump, as published.

    `flux`, `critical_flux` [V s], `voltage`, `barrier_height` [V], `filament_area` [m^2], `max_gap` [m].

    Source: Simmons, J. Appl. Phys. 34, 1793 (1963), in the form behind the deposited AC data of
    Hochstetter et al., Nat. Commun. 12, 4008 (2021).

    ```python
    names = ["on_conductance", "off_conductance", "critical_flux"]
    names += ["barrier_height", "filament_area", "max_gap"]
    numbers = {name: getattr(law, name) for name in names}
    flux, voltage = jnp.full(3, 0.0095), jnp.array([0.1, 0.6, 1.5])
    jaxnn.kernels.simmons_conductance(flux, voltage, **numbers)  # [2.70e-6, 1.43e-5, 7.32e-5] [S]
    ```
    """
    gap, area = 1e9 * gap_of_flux(flux, critical_flux, max_gap), 1e18 * filament_area
    size, barrier = jnp.abs(voltage), jnp.asarray(barrier_height)
    low = _low(gap, barrier, prefactor_power)
    # A range is also computed where it does not hold: voltages there are moved to where it is finite.
    middle = _middle(gap, jnp.clip(size, barrier / 4, 1.5 * barrier), barrier)
    high = _high(gap, jnp.maximum(size, barrier / 2), barrier)

    def conductance(range_: _Tunnelling) -> Array:
        grows = range_.first * jnp.exp(range_.first_exponent)
        tunnel = area * (grows - range_.second * jnp.exp(range_.second_exponent))
        # 1 / (R_t + 1 / G_on), without a division by the gap where it is closed.
        return on_conductance * tunnel / (tunnel + on_conductance * range_.length)

    if width is None:
        # Chosen before exponentials are taken: two for each junction, and not five.
        pick = lambda low, middle, high: jnp.where(
            size <= barrier / 2, low, jnp.where(size < barrier, middle, high)
        )
        return conductance(jax.tree.map(pick, low, middle, high)) + off_conductance
    first, second = _share(size - barrier / 2, width), _share(size - barrier, width)
    parts = conductance(low), conductance(middle), conductance(high)
    return (1 - first) * parts[0] + (first - second) * parts[1] + second * parts[2] + off_conductance


def _share(beyond: Array, width: Number) -> Array:
    """How much of the next range there is: 0 below the width, 1 above it."""
    x = jnp.clip(beyond / width + 0.5, 0, 1)
    return x * x * (3 - 2 * x)


def _low(gap: Array, barrier: Array, prefactor_power: int) -> _Tunnelling:
    first = 0.5 * TUNNEL_PREFACTOR * jnp.sqrt(barrier)
    length = gap if prefactor_power == 1 else gap * gap
    return _Tunnelling(
        first, -TUNNEL_DECAY * barrier**2 * gap, jnp.zeros_like(first), jnp.zeros_like(gap), length
    )


def _middle(gap: Array, size: Array, barrier: Array) -> _Tunnelling:
    below, above = barrier - size / 2, barrier + size / 2
    b = 1 - (size / below) ** 2 / 96
    exponent = lambda height: TUNNEL_DECAY * (jnp.sqrt(barrier) - (gap + 1) * b * jnp.sqrt(height))
    return _Tunnelling(
        _MIDDLE_PREFACTOR * below,
        exponent(below),
        _MIDDLE_PREFACTOR * above,
        exponent(above),
        size * (gap * b) ** 2,
    )


def _high(gap: Array, size: Array, barrier: Array) -> _Tunnelling:
    ratio = 1 + 2 * size / barrier
    start, decay = TUNNEL_DECAY * jnp.sqrt(barrier), _HIGH_DECAY * (gap + 1) * barrier**1.5 / size
    return _Tunnelling(
        jnp.full_like(size, _HIGH_PREFACTOR),
        start - decay,
        _HIGH_PREFACTOR * ratio,
        start - decay * jnp.sqrt(ratio),
        barrier * gap**2,
    )
