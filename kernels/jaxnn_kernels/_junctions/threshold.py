"""The threshold-flux junction: its state update, its rate and the two conductance laws built on it."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .. import _arguments as arguments
from .._number import Number
from .bounded import bounded


# Constants of the low-voltage tunnelling law as the published simulator has them. They are
# fitted to lengths in nanometres, so the gap and the area are converted where they are used.
TUNNEL_DECAY = 10.19  # [1 / (nm V^2)]
TUNNEL_PREFACTOR = 4.71307e-5  # [S nm^p / (nm^2 V^(1/2))]


def power(name: str, value: object) -> None:
    if arguments.as_count(name, value) not in (1, 2):
        arguments.refuse(name, "1 or 2", value)


_POSITIVE, _NOT_NEGATIVE = arguments.array(above=0), arguments.array(low=0)

# What is asked of parameters that have a value, as of the fields of the laws.
DURATION = WIDTH = _POSITIVE
STATE_EQUATION = {"set_voltage": _NOT_NEGATIVE, "reset_voltage": _NOT_NEGATIVE}
STATE_EQUATION |= {"max_flux": _POSITIVE, "boost": _NOT_NEGATIVE}
CONDUCTANCES = {"on_conductance": _POSITIVE, "off_conductance": _NOT_NEGATIVE}
SWITCH = CONDUCTANCES | {"critical_flux": _POSITIVE}
BARRIER = {"barrier_height": _POSITIVE, "filament_area": _POSITIVE}
FILAMENT = SWITCH | BARRIER | {"max_gap": _POSITIVE}


@arguments.checked(
    "flux",
    "voltage",
    "dt",
    *STATE_EQUATION,
    dt=DURATION,
    one_sided_reset=arguments.flag,
    **STATE_EQUATION,
)
def threshold_flux_step(
    flux: Float[Array, "*junctions"],
    voltage: Float[Array, "*junctions"],
    dt: ArrayLike,
    *,
    set_voltage: Float[Number, "..."],
    reset_voltage: Float[Number, "..."],
    max_flux: Float[Number, "..."],
    boost: Float[Number, "..."],
    one_sided_reset: bool = False,
) -> Float[Array, "*junctions"]:
    r"""Takes one explicit Euler step of the threshold-flux law.

    $$\dot\lambda = \begin{cases}
        (|v| - V_\mathrm{set})\,\mathrm{sgn}(v) & |v| > V_\mathrm{set} \\
        -b\,(V_\mathrm{reset} - |v|)\,\mathrm{sgn}(\lambda) & |v| < V_\mathrm{reset} \\
        0 & \text{otherwise}
    \end{cases}$$

    then clamped to $[-\lambda_\mathrm{max}, \lambda_\mathrm{max}]$. A state that the reset would
    carry across zero stops at exactly 0. With `one_sided_reset` only a positive one does, as in
    the published code: a negative state overshoots by up to $b V_\mathrm{reset}\,dt$ and is
    pulled back in the next step.

    `flux` [V s], `voltage` [V], `dt` [s]; `set_voltage`, `reset_voltage` [V], `max_flux` [V s] and
    `boost` are scalars or one value per junction.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), eq. 2 (Methods).

    ```python
    names = "set_voltage", "reset_voltage", "max_flux", "boost"
    numbers = {name: getattr(law, name) for name in names}
    flux, voltage = jnp.array([0.0, 0.002]), jnp.array([0.03, 0.0])
    jaxnn.kernels.threshold_flux_step(flux, voltage, 0.01, **numbers)  # [0.0002, 0.0015] [V s]
    ```
    """
    growth, decay = _flux_moves(voltage, dt, set_voltage, reset_voltage, boost)
    flux = flux + growth
    crosses = decay >= jnp.abs(flux)
    if one_sided_reset:
        # The published test compares a step that carries the sign of the state with |flux|.
        crosses = crosses & (flux >= 0)
    flux = jnp.where(crosses, 0, flux - jnp.sign(flux) * decay)
    return bounded(flux, -max_flux, max_flux)


@arguments.checked("flux", "remainder", "voltage", "dt", *STATE_EQUATION, dt=DURATION, **STATE_EQUATION)
def compensated_flux_step(
    flux: Float[Array, "*junctions"],
    remainder: Float[Array, "*junctions"],
    voltage: Float[Array, "*junctions"],
    dt: ArrayLike,
    *,
    set_voltage: Float[Number, "..."],
    reset_voltage: Float[Number, "..."],
    max_flux: Float[Number, "..."],
    boost: Float[Number, "..."],
) -> tuple[Float[Array, "*junctions"], Float[Array, "*junctions"]]:
    r"""Takes a `threshold_flux_step` with a symmetric reset, where float32 would round the step away.

    The state is $\lambda + \lambda'$ [V s]: a number and the rounding error of its additions so far,

    $$y = d\lambda + \lambda', \qquad \lambda \leftarrow \lambda + y, \qquad
      \lambda' \leftarrow y - ((\lambda + y) - \lambda)$$

    where a state that stops at zero or at its largest value has no remainder.

    Source: Kahan, Commun. ACM 8, 40 (1965).

    ```python
    names = "set_voltage", "reset_voltage", "max_flux", "boost"
    numbers = {name: getattr(law, name) for name in names}
    flux, voltage = jnp.zeros(2, jnp.float32), jnp.array([0.03, 0.0], jnp.float32)
    flux, rest = jaxnn.kernels.compensated_flux_step(flux, 0 * flux, voltage, 1e-5, **numbers)
    flux  # [2e-7, 0.0] [V s]
    ```
    """
    growth, decay = _flux_moves(voltage, dt, set_voltage, reset_voltage, boost)
    move = growth - jnp.sign(flux) * decay + remainder
    total = flux + move
    remainder = move - (total - flux)
    stops = (decay > 0) & (decay >= jnp.abs(flux))
    total = jnp.where(stops, 0, total)
    remainder = jnp.where(stops | (jnp.abs(total) >= max_flux), 0, remainder)
    return bounded(total, -max_flux, max_flux), remainder


@arguments.checked("flux", "voltage", *STATE_EQUATION, **STATE_EQUATION)
def threshold_flux_rate(
    flux: Float[Array, "*junctions"],
    voltage: Float[Array, "*junctions"],
    *,
    set_voltage: Float[Number, "..."],
    reset_voltage: Float[Number, "..."],
    max_flux: Float[Number, "..."],
    boost: Float[Number, "..."],
) -> Float[Array, "*junctions"]:
    r"""Returns the rate of change [V] of the flux of `threshold_flux_step`, for integrators of any kind.

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

    ```python
    names = "set_voltage", "reset_voltage", "max_flux", "boost"
    numbers = {name: getattr(law, name) for name in names}
    flux, voltage = jnp.array([0.0, 0.002]), jnp.array([0.03, 0.0])
    jaxnn.kernels.threshold_flux_rate(flux, voltage, **numbers)  # [0.02, -0.05] [V]
    ```
    """
    growth, decay = _flux_moves(voltage, 1.0, set_voltage, reset_voltage, boost)
    rate = growth - jnp.sign(flux) * decay
    stays = (jnp.abs(flux) >= max_flux) & (rate * jnp.sign(flux) > 0)
    return jnp.where(stays, 0, rate)


def _flux_moves(
    voltage: Array,
    dt: ArrayLike,
    set_voltage: Number,
    reset_voltage: Number,
    boost: Number,
) -> tuple[Array, Array]:
    """The signed growth of the flux and the size of its decay [V s], of which one is zero."""
    size = jnp.abs(voltage)
    # Compared so that NaN, of which every comparison is false, moves the flux to NaN and not by nothing.
    growth = jnp.where(size <= set_voltage, 0, (size - set_voltage) * jnp.sign(voltage) * dt)
    decay = jnp.where(size >= reset_voltage, 0, boost * (reset_voltage - size) * dt)
    return growth, decay


@arguments.checked("flux", *FILAMENT, prefactor_power=power, **FILAMENT)
def tunnel_conductance(
    flux: Float[Array, "*junctions"],
    *,
    on_conductance: Float[Number, "..."],
    off_conductance: Float[Number, "..."],
    critical_flux: Float[Number, "..."],
    barrier_height: Float[Number, "..."],
    filament_area: Float[Number, "..."],
    max_gap: Float[Number, "..."],
    prefactor_power: int = 1,
) -> Float[Array, "*junctions"]:
    r"""Computes the conductance [S] of a junction whose filament ends a tunnelling gap away from the wire.

    $$g = \frac{1}{R_t + 1/G_\mathrm{on}} + G_\mathrm{off}, \qquad
      R_t = \frac{2 s^p}{A \sqrt{\varphi} J_1} e^{C_0 \varphi^2 s}, \qquad
      s = \max\left(0, 1 - \frac{|\lambda|}{\lambda_\mathrm{crit}}\right) s_\mathrm{max}$$

    The exponent has $\varphi^2$ where Simmons' formula has $\sqrt\varphi$, as in the code published with
    the paper. It holds for voltages up to half of the barrier; `simmons_conductance` goes on beyond.
    `prefactor_power` is $p$: 1 in Hochstetter et al., 2 in earlier and later work of the same group.

    `flux`, `critical_flux` [V s], `barrier_height` [V], `filament_area` [m^2], `max_gap` [m].

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), eq. 3 (Methods).

    ```python
    names = ["on_conductance", "off_conductance", "critical_flux"]
    names += ["barrier_height", "filament_area", "max_gap"]
    numbers = {name: getattr(law, name) for name in names}
    flux = jnp.array([0.0, 0.01])
    jaxnn.kernels.tunnel_conductance(flux, **numbers)  # [7.77e-8, 7.78e-5] [S]
    ```
    """
    return gap_conductance(
        gap_of_flux(flux, critical_flux, max_gap),
        on_conductance=on_conductance,
        off_conductance=off_conductance,
        barrier_height=barrier_height,
        filament_area=filament_area,
        prefactor_power=prefactor_power,
    )


def gap_of_flux(flux: Array, critical_flux: Number, max_gap: Number) -> Array:
    """The gap that a filament leaves [m]."""
    shut = jnp.abs(flux) >= critical_flux
    return jnp.where(shut, 0, max_gap * (critical_flux - jnp.abs(flux)) / critical_flux)


@arguments.checked("gap", *CONDUCTANCES, *BARRIER, prefactor_power=power, **CONDUCTANCES, **BARRIER)
def gap_conductance(
    gap: Float[Array, "*junctions"],
    *,
    on_conductance: Float[Number, "..."],
    off_conductance: Float[Number, "..."],
    barrier_height: Float[Number, "..."],
    filament_area: Float[Number, "..."],
    prefactor_power: int = 1,
) -> Float[Array, "*junctions"]:
    """Computes the conductance [S] of a junction with the gap `gap` [m]; see `tunnel_conductance`.

    ```python
    names = "on_conductance", "off_conductance", "barrier_height", "filament_area"
    numbers = {name: getattr(law, name) for name in names}
    gap = jnp.array([5e-9, 1e-9, 0.0])
    jaxnn.kernels.gap_conductance(gap, **numbers)  # [7.77e-8, 8.22e-8, 7.78e-5] [S]
    ```
    """
    gap, area = 1e9 * gap, 1e18 * filament_area
    # R_t = gap^p / tunnel. Written with the decaying exponential, nothing overflows in float32
    # and a closed gap needs no division by zero.
    tunnel = (
        0.5
        * TUNNEL_PREFACTOR
        * area
        * jnp.sqrt(barrier_height)
        * jnp.exp(-TUNNEL_DECAY * barrier_height**2 * gap)
    )
    length = gap if prefactor_power == 1 else gap * gap
    return on_conductance * tunnel / (tunnel + on_conductance * length) + off_conductance


@arguments.checked("flux", *SWITCH, **SWITCH)
def binary_conductance(
    flux: Float[Array, "*junctions"],
    *,
    on_conductance: Float[Number, "..."],
    off_conductance: Float[Number, "..."],
    critical_flux: Float[Number, "..."],
) -> Float[Array, "*junctions"]:
    r"""Computes the conductance [S] of a switch that is on where $|\lambda| \ge \lambda_\mathrm{crit}$.

    Elsewhere $G_\mathrm{off}$. Its derivative in the flux is zero everywhere.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Supplementary Fig. 20.

    ```python
    names = "on_conductance", "off_conductance", "critical_flux"
    numbers = {name: getattr(law, name) for name in names}
    jaxnn.kernels.binary_conductance(jnp.array([0.009, 0.01]), **numbers)  # [7.77e-8, 7.77e-5] [S]
    ```
    """
    conductance = jnp.where(jnp.abs(flux) >= critical_flux, on_conductance, off_conductance)
    return jnp.where(jnp.isnan(flux), flux, conductance)
