r"""Protons along the gap of a nickelate device, mobile and bound, cell by cell: drift and diffusion.

$$\partial_t m = -\partial_x j - k_c m (B - b) + k_d b, \qquad \partial_t b = k_c m (B - b) - k_d b$$

Every step is implicit where it could go wrong: hydrogen is conserved and stays positive for any step.
Lengths in m, fields in V/m, energies in eV, concentrations in H per Ni.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _arguments as arguments
from .cloud import CLOUD, ELEMENTARY_OVER_BOLTZMANN, POSITIVE, ProtonCloud, hopping, softplus_of_two


_ITERATIONS = 8  # of Newton's method for the transport of a step


class ProtonTraps(NamedTuple):
    """The numbers that a cloud does not have, each a scalar.

    ```python
    traps = jaxnn.ProtonTransport().traps()
    traps.E_b  # 0.1 [eV]
    ```
    """

    S: Array  # capacity of mobile sites [H/Ni]
    B: Array  # capacity of bound sites [H/Ni]
    nu: Array  # attempt frequency [1/s]
    E_c: Array  # barrier to be bound [eV]
    E_b: Array  # binding energy [eV]


class TransportState(NamedTuple):
    """The state that changes: concentrations and field of each cell, the temperature of all.

    ```python
    state = jaxnn.ProtonTransport(cells=20).init_state()
    state.mobile.shape  # (20,)
    state.temperature  # 300.0 [K]
    ```
    """

    mobile: Float[Array, " cells"]
    """Mobile protons m [H/Ni]."""
    bound: Float[Array, " cells"]
    """Bound protons b [H/Ni]."""
    field: Float[Array, " cells"]
    """Field E [V/m]."""
    temperature: Float[Array, ""]
    """Temperature T [K]."""


def _bernoulli(x: Array) -> Array:
    """x / (e^x - 1), near 0 by its series."""
    small = jnp.abs(x) < 1e-3
    safe = jnp.where(small, 1.0, x)
    return jnp.where(small, 1 - x / 2 + x**2 / 12, safe / jnp.expm1(safe))


@arguments.checked(cloud=CLOUD, field="faces", temperature=(POSITIVE, ""), width=(POSITIVE, ""))
def hop_rates(
    cloud: ProtonCloud,
    field: Float[Array, " faces"],
    temperature: Float[Array, ""],
    width: Float[Array, ""],
) -> tuple[Float[Array, " faces"], Float[Array, " faces"]]:
    r"""Computes the rates [1/s] of protons across each face, onwards and back, by exponential fitting.

    $$r_\pm = \frac{D \cosh u}{h^2} B(\mp \mathrm{Pe}), \qquad \mathrm{Pe} = \frac{2h}{a} \tanh u, \qquad
    u = \frac{q a E}{2 k T}, \qquad B(x) = \frac{x}{e^x - 1}$$

    Their difference is the drift $(2D/a) \sinh u$ over $h$ whatever the width of a cell (Scharfetter and
    Gummel 1969): an exponent with $h$ in place of the hop $a$ would overstate it.

    ```python
    cloud, field = jaxnn.NickelateDevice().cloud(), jnp.array([1e7])
    onwards, back = jaxnn.kernels.hop_rates(cloud, field, jnp.asarray(300.0), jnp.asarray(1e-9))
    (onwards / back)[0]  # 1.38
    ```
    """
    hops = hopping(cloud, field, jnp.broadcast_to(temperature, field.shape))
    scale = cloud.D * hops.activation * hops.cosh / width**2
    peclet = 2 * width / cloud.a * hops.sinh / hops.cosh
    return scale * _bernoulli(-peclet), scale * _bernoulli(peclet)


def bind(
    cloud: ProtonCloud, traps: ProtonTraps, state: TransportState, dt: Float[Array, ""]
) -> tuple[Float[Array, " cells"], Float[Array, " cells"]]:
    """Mobile and bound protons after an implicit step of binding and release.

    The sum c of both stays; m solves k_c dt m^2 + (1 + k_d dt + k_c dt (B - c)) m - m_0 - k_d dt c = 0.
    """
    per_kelvin = ELEMENTARY_OVER_BOLTZMANN / state.temperature
    temperature = jnp.broadcast_to(state.temperature, state.field.shape)
    field_helps = hopping(cloud, state.field, temperature).cosh
    capture = dt * traps.nu * jnp.exp(-per_kelvin * traps.E_c)
    release = dt * traps.nu * jnp.exp(-per_kelvin * (traps.E_c + traps.E_b)) * field_helps
    total = state.mobile + state.bound
    linear = 1 + release + capture * (traps.B - total)
    constant = state.mobile + release * total
    root = jnp.sqrt(linear**2 + 4 * capture * constant)
    # Of the two forms of the root, the one without a difference of numbers alike.
    sure = jnp.where(linear > 0, linear + root, 1.0)
    mobile = jnp.where(linear > 0, 2 * constant / sure, (root - linear) / (2 * capture))
    mobile = jnp.clip(mobile, 0, total)
    return mobile, total - mobile


def move(
    cloud: ProtonCloud,
    traps: ProtonTraps,
    state: TransportState,
    dt: Float[Array, ""],
    width: Float[Array, ""],
) -> Float[Array, " cells"]:
    """Mobile protons after an implicit step of drift and diffusion between closed ends.

    $j = r_+ m_i (1 - m_{i+1}/S) - r_- m_{i+1} (1 - m_i/S)$: a full cell takes none. Newton's method, whose
    matrix has columns that sum to one and nothing positive beside its diagonal while m is within 0 and S:
    no iterate makes or loses protons.
    """
    face = (state.field[1:] + state.field[:-1]) / 2
    onwards, back = (dt * rate for rate in hop_rates(cloud, face, state.temperature, width))
    edge = jnp.zeros_like(onwards[:1])
    before = state.mobile

    def newton(mobile: Array, _: None) -> tuple[Array, None]:
        share = jnp.clip(mobile / traps.S, 0, 1)
        ahead, behind = share[1:], share[:-1]
        flux = traps.S * (onwards * behind * (1 - ahead) - back * ahead * (1 - behind))
        leaving = onwards * (1 - ahead) + back * ahead
        arriving = onwards * behind + back * (1 - behind)
        diagonal = 1 + jnp.append(leaving, edge) + jnp.append(edge, arriving)
        lower, upper = jnp.append(edge, -leaving), jnp.append(-arriving, edge)
        clipped = traps.S * share
        wrong = clipped - before + jnp.append(flux, edge) - jnp.append(edge, flux)
        moved = jax.lax.linalg.tridiagonal_solve(lower, diagonal, upper, wrong[:, None])[:, 0]
        return clipped - moved, None

    return jax.lax.scan(newton, before, length=_ITERATIONS)[0]


def local_conductivity(
    cloud: ProtonCloud, traps: ProtonTraps, state: TransportState
) -> Float[Array, " cells"]:
    """Conductivity of each cell [S/m]: the law of a cloud, c / B in place of its length's share."""
    share = jnp.clip((state.mobile + state.bound) / traps.B, 0, 1)
    field = jnp.sqrt(state.field**2 + cloud.E_1**2)
    energy = cloud.E_A - cloud.b * (jnp.sqrt(field) - jnp.sqrt(cloud.E_1))
    logarithm, _ = softplus_of_two(share * energy * ELEMENTARY_OVER_BOLTZMANN / state.temperature)
    return jnp.exp(-logarithm) / cloud.rho


@arguments.checked(
    cloud=CLOUD,
    traps=arguments.one_of(ProtonTraps),
    state=arguments.record(TransportState),
    dt=(POSITIVE, ""),
    voltage="",
    width=(POSITIVE, ""),
)
def transport_step(
    cloud: ProtonCloud,
    traps: ProtonTraps,
    state: TransportState,
    dt: Float[Array, ""],
    voltage: Float[Array, ""],
    width: Float[Array, ""],
) -> tuple[TransportState, Float[Array, ""]]:
    r"""Takes an implicit step under a terminal voltage [V]: field, heat, binding, then transport.

    $$J = \sigma E + \varepsilon \dot E \ \text{everywhere}, \qquad \sum_i E_i h + R_s A J = V$$

    has a closed solution for the current density J [A/m^2], which comes back beside the state. Protons
    take their electrons along, so that the circuit sees them by the conductivity alone. Order 1 in dt.

    ```python
    transport, step = jaxnn.ProtonTransport(cells=20), jax.jit(jaxnn.kernels.transport_step)
    numbers, start = (transport.device.cloud(), transport.traps()), transport.init_state()
    state, density = step(*numbers, start, jnp.asarray(1e-9), jnp.asarray(0.5), transport.width)
    density  # 6.7e6 [A/m^2]
    ```
    """
    storing = cloud.eps / dt
    conductance = local_conductivity(cloud, traps, state) + storing
    held = jnp.sum(width * storing * state.field / conductance)
    density = (voltage - held) / (cloud.R_s * cloud.A + jnp.sum(width / conductance))
    field = (density + storing * state.field) / conductance
    current = density * cloud.A
    heat = current * (jnp.sum(width * field) + cloud.f_h * current * cloud.R_s)
    goal = cloud.T0 + cloud.R_th * jnp.maximum(heat, 0)
    temperature = goal + (state.temperature - goal) * jnp.exp(-dt / cloud.tau_th)
    state = TransportState(state.mobile, state.bound, field, temperature)
    mobile, bound = bind(cloud, traps, state, dt)
    state = state._replace(mobile=mobile, bound=bound)
    return state._replace(mobile=move(cloud, traps, state, dt, width)), density
