"""A cloud of protons in the gap of a nickelate device: its resistance, its rates and its charge.

Lengths in m, fields in V/m, energies in eV, temperatures in K, charges per area in C/m^2.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _arguments as arguments


ELEMENTARY_OVER_BOLTZMANN = 1.602176634e-19 / 1.380649e-23  # [K/V], and [K/eV]


class ProtonCloud(NamedTuple):
    """The numbers of the law, each a scalar or one value per device; `tau` and `w` one per mode.

    ```python
    cloud = jaxnn.NickelateDevice().cloud()
    cloud.L  # 1e-7 [m]
    cloud.tau.shape  # (5,)
    ```
    """

    a: Array  # effective hop [m]
    P0: Array  # scale of the poled charge [C/m^2]
    P_sat: Array  # its largest value [C/m^2]
    tau: Array  # relaxation times of the modes [s]
    w: Array  # their shares [1]
    E_m: Array  # migration energy [eV]
    D: Array  # diffusivity at T0 [m^2/s]
    E_A: Array  # energy of the insulator [eV]
    l_A: Array  # cloud from which it is one [m]
    E_pin: Array  # field that moves the front [V/m]
    w_pin: Array  # over which it does [V/m]
    rho: Array  # resistivity of the metal [ohm m]
    A: Array  # cross-section of the channel [m^2]
    A_C: Array  # area of the pad [m^2]
    eps: Array  # permittivity [F/m]
    b: Array  # lowering of the barrier by the field [eV (V/m)^-1/2]
    E_1: Array  # from this field on [V/m]
    l_0: Array  # doped edge at the electrode [m]
    R_e: Array  # its resistance [ohm]
    R_s: Array  # in series [ohm]
    R_th: Array  # thermal resistance [K/W]
    tau_th: Array  # thermal time [s]
    f_e: Array  # share of the edge's heat that reaches the cloud [1]
    f_h: Array  # share of the series resistor's heat [1]
    gamma: Array  # lowering of the barrier by the poled charge [1]
    T_M: Array  # transition temperature of a short cloud [K]
    T_M1: Array  # its rise with the length [K]
    l_M: Array  # over this length [m]
    n_M: Array  # with this power [1]
    w_T: Array  # width of the transition [K]
    kappa: Array  # its feedback [1]
    tau_M: Array  # its time [s]
    L: Array  # the whole gap [m]
    l_in: Array  # below this length a retreating front slows down [m]
    u_max: Array  # largest exponent of a hop [1]
    T0: Array  # of the surroundings [K]


class CloudState(NamedTuple):
    """The nine numbers of a device, each of the devices' shape; five of them are the modes.

    ```python
    state = jaxnn.NickelateDevice().init_state(3)
    state.length.shape  # (3,)
    state.polarisation.shape  # (5, 3)
    ```
    """

    field: Float[Array, "*devices"]
    """Field across cloud and edge E [V/m]."""
    length: Float[Array, "*devices"]
    """Length of the cloud l [m]."""
    polarisation: Float[Array, "modes *devices"]
    """Volatile charge of each mode P_k [C/m^2]."""
    temperature: Float[Array, "*devices"]
    """Temperature of the cloud T [K]."""
    order: Float[Array, "*devices"]
    """Order parameter of the metal phi, 0 insulator to 1 metal."""


CLOUD = arguments.one_of(ProtonCloud)
STATE = arguments.record(CloudState)
POSITIVE = arguments.array(above=0)


class Hopping(NamedTuple):
    """What a field and a temperature do to protons."""

    sinh: Array
    cosh: Array
    activation: Array
    free: Array  # how far the front is from being pinned, 0 to 1
    inside: Array  # 1 where the field still makes a hop faster, 0 beyond
    front_speed: Array  # [m/s], without the factor of the front's place


@arguments.checked(p=CLOUD, field="*devices", temperature=(POSITIVE, "*devices"))
def hopping(
    p: ProtonCloud, field: Float[Array, "*devices"], temperature: Float[Array, "*devices"]
) -> Hopping:
    r"""Computes thermally activated hops over `a` in a field, and the speed of a pinned front.

    $$u = \frac{q a E}{2 k T}, \quad \alpha = e^{-(E_m/k)(1/T - 1/T_0)}, \quad
      \kappa = \frac{2 D \alpha}{a} \sinh u \;
      \sigma\!\left(\frac{|E| - E_\mathrm{pin}}{w_\mathrm{pin}}\right)$$

    with $|u| \le u_\mathrm{max}$: a proton cannot hop faster than it vibrates.

    ```python
    cloud = jaxnn.NickelateDevice().cloud()
    hops = jaxnn.kernels.hopping(cloud, jnp.array([0.0, 1.2e8]), jnp.array([300.0, 300.0]))
    hops.front_speed  # [0.0, 0.0269] [m/s]
    ```
    """
    unbound = p.a * ELEMENTARY_OVER_BOLTZMANN / 2 * field / temperature
    u = jnp.clip(unbound, -p.u_max, p.u_max)
    up, down = jnp.exp(u), jnp.exp(-u)
    sinh, cosh = (up - down) / 2, (up + down) / 2
    activation = jnp.exp(p.E_m * ELEMENTARY_OVER_BOLTZMANN * (1 / p.T0 - 1 / temperature))
    free = jax.nn.sigmoid((jnp.abs(field) - p.E_pin) / p.w_pin)
    inside = (u == unbound).astype(u.dtype)
    return Hopping(sinh, cosh, activation, free, inside, 2 * p.D * activation / p.a * sinh * free)


def insulating_share(p: ProtonCloud, length: Float[Array, "*devices"]) -> Float[Array, "*devices"]:
    r"""$s = 1 - e^{-l/l_A}$: how much of an insulator a cloud of length $l$ is."""
    return 1 - jnp.exp(-length / p.l_A)


def poled_charge(
    p: ProtonCloud, sinh: Float[Array, "*devices"], length: Float[Array, "*devices"]
) -> Float[Array, "*devices"]:
    r"""Charge [C/m^2] that a field would pole: $s P_\mathrm{sat} \tanh(P_0 \sinh u / P_\mathrm{sat})$."""
    return insulating_share(p, length) * p.P_sat * jnp.tanh(p.P0 * sinh / p.P_sat)


@arguments.checked(
    p=CLOUD,
    field="*devices",
    length=(arguments.array(low=0), "*devices"),
    poled="*devices",
    temperature=(POSITIVE, "*devices"),
    order="*devices",
)
def cloud_resistance(
    p: ProtonCloud,
    field: Float[Array, "*devices"],
    length: Float[Array, "*devices"],
    poled: Float[Array, "*devices"],
    temperature: Float[Array, "*devices"],
    order: Float[Array, "*devices"],
) -> Float[Array, "*devices"]:
    r"""Computes the resistance of edge and cloud [ohm].

    $$R = R_e + \rho \frac{l}{A} e^{\frac{1}{2} \ln(1 + e^{2y})\,(1 - \varphi)}, \qquad
      y = s \frac{E_A - b(\sqrt{\tilde E} - \sqrt{E_1})}{kT} - \gamma s \frac{P}{P_\mathrm{sat}}, \qquad
      \tilde E = \sqrt{E^2 + E_1^2}$$

    ```python
    cloud, zero = jaxnn.NickelateDevice().cloud(), jnp.zeros(())
    jaxnn.kernels.cloud_resistance(cloud, zero, zero, zero, zero + 300, zero + 1)  # 466.0 [ohm]
    ```
    """
    s = insulating_share(p, length)
    lowered = p.b * jnp.sqrt(p.E_1) * (jnp.sqrt(jnp.sqrt(1 + (field / p.E_1) ** 2)) - 1)
    y = s * ((p.E_A - lowered) * ELEMENTARY_OVER_BOLTZMANN / temperature - p.gamma * poled / p.P_sat)
    return p.R_e + p.rho / p.A * length * jnp.exp(softplus_of_two(y)[0] * (1 - order))


def softplus_of_two(y: Float[Array, "*devices"]) -> tuple[Array, Array]:
    r"""$\frac12 \ln(1 + e^{2y})$ and its derivative, from one exponential and one logarithm."""
    small = jnp.exp(-2 * jnp.abs(y))
    return jnp.maximum(y, 0) + jnp.log(1 + small) / 2, jnp.where(y > 0, 1, small) / (1 + small)


def transition_temperature(p: ProtonCloud, length: Float[Array, "*devices"]) -> tuple[Array, Array]:
    r"""$T_M + T_{M1} (l/l_M)^{n_M}$ [K] and its derivative in the length [K/m]."""
    # Kept above zero: the derivative in the power would be 0 log 0 without a cloud.
    length = jnp.maximum(length, 1e-6 * p.l_M)
    rise = p.T_M1 * jnp.exp(p.n_M * jnp.log(length / p.l_M))
    return p.T_M + rise, p.n_M * rise / length


def transition_target(
    p: ProtonCloud,
    length: Float[Array, "*devices"],
    temperature: Float[Array, "*devices"],
    order: Float[Array, "*devices"],
) -> Float[Array, "*devices"]:
    r"""Where the order parameter goes: $\sigma((T - T_M(l)) / w_T + \kappa (\varphi - \tfrac12))$."""
    at = transition_temperature(p, length)[0]
    return jax.nn.sigmoid((temperature - at) / p.w_T + p.kappa * (order - 0.5))


def predicted_order(
    p: ProtonCloud, state: CloudState, passed: Float[Array, ""]
) -> Float[Array, "*devices"]:
    r"""The order parameter `passed` [s] on, all else standing still: right to second order."""
    target = transition_target(p, state.length, state.temperature, state.order)
    return target + (state.order - target) * jnp.exp(-passed / p.tau_M)


@arguments.checked(p=CLOUD, state=STATE)
def stored_charge(p: ProtonCloud, state: CloudState) -> Float[Array, "*devices"]:
    r"""Computes the charge between the electrodes [C]: $q = A_C \left(\varepsilon E + \sum_k P_k\right)$.

    A function of the state: no cycle of pulses pumps charge.

    ```python
    device = jaxnn.NickelateDevice()
    jaxnn.kernels.stored_charge(device.cloud(), device.init_state())  # 0.0 [C]
    ```
    """
    # Written out: XLA would sum a short leading axis one number at a time.
    return p.A_C * sum(state.polarisation, start=p.eps * state.field)


def joule_heating(
    p: ProtonCloud,
    resistance: Float[Array, "*devices"],
    leak: Float[Array, "*devices"],
    current: Float[Array, "*devices"],
) -> Float[Array, "*devices"]:
    r"""Power that heats the cloud [W]: $I_c^2 (R - R_e) + f_e I_c^2 R_e + f_h R_s I^2$."""
    return leak**2 * (resistance - (1 - p.f_e) * p.R_e) + p.f_h * p.R_s * current**2


def per_mode(p: ProtonCloud, number: Array, like: Array) -> Array:
    """`tau` or `w`, with axes for the devices of `like`."""
    lacking = like.ndim - (number.ndim - 1)
    return number.reshape(number.shape + (1,) * lacking) if number.ndim == 1 else number


@arguments.checked(
    p=CLOUD,
    state=STATE,
    drive="*devices",
    compliance=(arguments.array(low=0), "*devices"),
    sheet="*devices",
)
def proton_cloud_rate(
    p: ProtonCloud,
    state: CloudState,
    drive: Float[Array, "*devices"],
    *,
    compliance: Float[Array, "..."],
    sheet: Float[Array, "*devices"],
) -> CloudState:
    r"""Returns the rate of change of a device's state, all of it, under the voltage `drive` [V].

    $$\frac{V - v}{R_s + R_c} = \frac{v}{R} + \frac{dq}{dt}, \qquad v = \psi + E (l + l_0)$$
    $$\dot l = \kappa W(l), \qquad
      W = 1 - l/L \text{ outwards}, \; l / (l + l_\mathrm{in}) \text{ inwards}$$
    $$\dot P_k = \frac{\alpha \cosh u}{\tau_k} \left(w_k P_\infty - P_k\right), \qquad
      \tau_M \dot\varphi = \varphi_\infty - \varphi$$
    $$\tau_\mathrm{th} \dot T = T_0 - T + R_\mathrm{th} \times \text{power}$$

    with $q$ of `stored_charge`, $P_\infty$ of `poled_charge`, $\varphi_\infty$ of `transition_target`.
    `compliance` [ohm] is $R_c$, `sheet` [V] the potential $\psi$ under the device. Stiff: for
    integrators that know how to deal with that, and as the reference of `proton_cloud_step`.

    ```python
    device, zero = jaxnn.NickelateDevice(), jnp.zeros(())
    state = device.init_state()
    rate = jaxnn.kernels.proton_cloud_rate(device.cloud(), state, zero, compliance=zero, sheet=zero)
    rate.length  # 0.0 [m/s]
    ```
    """
    arguments.check_axes({"state.field": ("*devices", state.field), "drive": ("*devices", drive)})
    field, length, modes, temperature, order = state
    poled = jnp.sum(modes, axis=0)
    hop = hopping(p, field, temperature)
    inwards = hop.front_speed < 0
    moving = hop.front_speed * jnp.where(inwards, length / (length + p.l_in), 1 - length / p.L)
    rate = (hop.activation * hop.cosh)[None] / per_mode(p, p.tau, field)
    modes_rate = rate * (per_mode(p, p.w, field) * poled_charge(p, hop.sinh, length)[None] - modes)
    resistance = cloud_resistance(p, field, length, poled, temperature, order)
    voltage = sheet + field * (length + p.l_0)
    current, leak = (drive - voltage) / (p.R_s + compliance), voltage / resistance
    heating = joule_heating(p, resistance, leak, current)
    return CloudState(
        field=((current - leak) / p.A_C - jnp.sum(modes_rate, axis=0)) / p.eps,
        length=moving,
        polarisation=modes_rate,
        temperature=(p.T0 - temperature + p.R_th * heating) / p.tau_th,
        order=(transition_target(p, length, temperature, order) - order) / p.tau_M,
    )
