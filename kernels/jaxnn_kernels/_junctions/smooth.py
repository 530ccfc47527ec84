"""Smooth stand-ins for the threshold-flux junction: each tends to the exact law as its widths shrink."""

from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .. import _arguments as arguments
from .._number import Number
from .threshold import DURATION, FILAMENT, STATE_EQUATION, SWITCH, WIDTH, gap_conductance, power


class FluxWidths(NamedTuple):
    """The widths over which the corners of `threshold_flux_step` are rounded, each positive.

    ```python
    widths = jaxnn.kernels.FluxWidths(*map(jnp.asarray, (3e-3, 3e-3, 5e-3, 5e-3)))
    widths.sign  # 0.005 [V s]
    ```
    """

    set: Float[Number, "..."]
    """Width around the set voltage [V], positive."""
    reset: Float[Number, "..."]
    """Width around the reset voltage and 0 V [V], positive."""
    sign: Float[Number, "..."]
    """Width around zero flux [V s], positive."""
    clamp: Float[Number, "..."]
    """Width before the largest flux [V s], positive."""


def _widths(name: str, value: object) -> None:
    """Raises a `ValueError` unless a value is four widths, each positive."""
    _FLUX_WIDTHS(name, value)
    for part, width in zip(FluxWidths._fields, cast(FluxWidths, value), strict=True):
        WIDTH(f"{name}.{part}", width)


_FLUX_WIDTHS = arguments.one_of(FluxWidths)


@arguments.checked(
    "flux",
    "voltage",
    "dt",
    *STATE_EQUATION,
    dt=DURATION,
    widths=_widths,
    **STATE_EQUATION,
)
def smooth_threshold_flux_step(
    flux: Float[Array, "*junctions"],
    voltage: Float[Array, "*junctions"],
    dt: ArrayLike,
    *,
    set_voltage: Float[Number, "..."],
    reset_voltage: Float[Number, "..."],
    max_flux: Float[Number, "..."],
    boost: Float[Number, "..."],
    widths: FluxWidths,
) -> Float[Array, "*junctions"]:
    r"""Takes one step of the threshold-flux law with its corners rounded.

    $$\dot\lambda = \frac{u(v)}{1 + (w_c / 2 r_+)^2} - \frac{u(-v)}{1 + (w_c / 2 r_-)^2}
        - \frac{b\, d(v)}{1 + (w_0 / 2 \rho)^2} \frac{\lambda}{\rho}, \qquad
      r_\pm = \lambda_\mathrm{max} \mp \lambda, \quad \rho = \sqrt{\lambda^2 + w_0^2}$$

    $$u(v) = w_s \log\left(1 + e^{(v - V_\mathrm{set}) / w_s}\right), \qquad
      d(v) = w_r \log\left(1 + e^{(V_\mathrm{reset} - v \tanh(v / w_r)) / w_r}\right)$$

    with the `widths` $w_s$ of the set voltage, $w_r$ of the reset voltage [V], $w_0$ of the sign and
    $w_c$ of the clamp [V s]. As they go to 0 this becomes `threshold_flux_step`. The other arguments
    are the same.

    No step is too long: the flux never leaves $[-\lambda_\mathrm{max}, \lambda_\mathrm{max}]$ and
    never decays across 0. At 0 V and zero flux nothing moves, up to rounding.

    ```python
    names = "set_voltage", "reset_voltage", "max_flux", "boost"
    numbers = {name: getattr(law, name) for name in names}
    widths = jaxnn.kernels.FluxWidths(*map(jnp.asarray, (3e-3, 3e-3, 5e-3, 5e-3)))
    flux, voltage = jnp.array([0.0, 0.002]), jnp.array([0.03, 0.0])
    flux = jaxnn.kernels.smooth_threshold_flux_step(flux, voltage, 0.01, **numbers, widths=widths)
    flux  # [0.000195, 0.00183] [V s]
    ```
    """
    # A flux from outside, which only a user can give; at the bound itself the slope stays 1.
    flux = jnp.where(flux > max_flux, max_flux, jnp.where(flux < -max_flux, -max_flux, flux))
    growth = lambda v, room: (
        widths.clamp * _held_up(_ramp(v - set_voltage, widths.set) * dt / widths.clamp, room / widths.clamp)
    )
    flux = flux + (growth(voltage, max_flux - flux) - growth(-voltage, max_flux + flux))
    decay = boost * _ramp(reset_voltage - _soft_size(voltage, widths.reset), widths.reset) * dt
    size = jnp.sqrt((flux / widths.sign) ** 2 + 1)
    return flux * (1 - _held_up(decay / widths.sign, size) / size)


@arguments.checked("flux", "width", *FILAMENT, width=WIDTH, prefactor_power=power, **FILAMENT)
def smooth_tunnel_conductance(
    flux: Float[Array, "*junctions"],
    *,
    on_conductance: Float[Number, "..."],
    off_conductance: Float[Number, "..."],
    critical_flux: Float[Number, "..."],
    barrier_height: Float[Number, "..."],
    filament_area: Float[Number, "..."],
    max_gap: Float[Number, "..."],
    width: Float[Number, "..."],
    prefactor_power: int = 1,
) -> Float[Array, "*junctions"]:
    r"""Computes the `tunnel_conductance` [S] of a gap that closes smoothly.

    $$s = \frac{s_\mathrm{max}}{\lambda_\mathrm{crit}}\, w
      \log\left(1 + e^{(\lambda_\mathrm{crit} - \lambda \tanh(\lambda / w)) / w}\right)$$

    with $w$ = `width` [V s], positive.

    ```python
    names = ["on_conductance", "off_conductance", "critical_flux"]
    names += ["barrier_height", "filament_area", "max_gap"]
    numbers = {name: getattr(law, name) for name in names}
    flux = jnp.array([0.0, 0.01])
    g = jaxnn.kernels.smooth_tunnel_conductance(flux, **numbers, width=jnp.asarray(3e-3))
    g  # [7.77e-8, 8.09e-8] [S]
    ```
    """
    open_flux = _ramp(critical_flux - _soft_size(flux, width), width)
    return gap_conductance(
        max_gap * open_flux / critical_flux,
        on_conductance=on_conductance,
        off_conductance=off_conductance,
        barrier_height=barrier_height,
        filament_area=filament_area,
        prefactor_power=prefactor_power,
    )


@arguments.checked("flux", "width", *SWITCH, width=WIDTH, **SWITCH)
def smooth_binary_conductance(
    flux: Float[Array, "*junctions"],
    *,
    on_conductance: Float[Number, "..."],
    off_conductance: Float[Number, "..."],
    critical_flux: Float[Number, "..."],
    width: Float[Number, "..."],
) -> Float[Array, "*junctions"]:
    r"""Computes the `binary_conductance` [S] of a switch that turns smoothly.

    $$g = G_\mathrm{off} + \frac{G_\mathrm{on} - G_\mathrm{off}}
      {1 + e^{(\lambda_\mathrm{crit} - \lambda \tanh(\lambda / w)) / w}}$$

    with $w$ = `width` [V s], positive. Half way at the critical flux.

    ```python
    names = "on_conductance", "off_conductance", "critical_flux"
    numbers = {name: getattr(law, name) for name in names}
    flux = jnp.array([0.0, 0.01])
    g = jaxnn.kernels.smooth_binary_conductance(flux, **numbers, width=jnp.asarray(1e-3))
    g  # [8.12e-8, 3.89e-5] [S]
    ```
    """
    on = jax.nn.sigmoid((_soft_size(flux, width) - critical_flux) / width)
    return off_conductance + (on_conductance - off_conductance) * on


@arguments.checked("exact", "smooth")
def straight_through(exact: Float[Array, "*shape"], smooth: Float[Array, "*shape"]) -> Array:
    """Returns `exact` itself, with the derivative of `smooth`.

    ```python
    step = lambda x: jaxnn.kernels.straight_through(jnp.floor(x), jnp.tanh(x))
    step(jnp.array(1.5))  # 1.0
    jax.grad(step)(jnp.array(1.5))  # 0.181
    ```
    """
    return _straight_through(exact, smooth)


@jax.custom_jvp
def _straight_through(exact: Float[Array, "*shape"], smooth: Float[Array, "*shape"]) -> Array:
    del smooth
    return exact


@_straight_through.defjvp
def _straight_through_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple:
    return primals[0], tangents[1]


def _ramp(x: Array, width: Number) -> Array:
    """max(x, 0) with its corner rounded: too large by up to width log 2, at 0."""
    # Plain log: log1p would keep digits of values below 1e-7 widths, at twice the time.
    return jnp.maximum(x, 0) + width * jnp.log(1 + jnp.exp(-jnp.abs(x) / width))


def _soft_size(x: Array, width: Number) -> Array:
    """|x| with its corner rounded: right at 0, and too small by up to 0.28 widths beside it."""
    return x * jnp.tanh(x / width)


def _held_up(way: Array, room: Array) -> Array:
    r"""min(way, room) with its corner rounded, for positive arguments in units of the width.

    How far $\dot x = 1 / (1 + 1 / 4 r^2)$ with $r$ = room - x gets in the time `way`: taken in
    many short steps or in one, it is the same.
    """
    # x - 1 / 4r is linear in time; the smaller root of that quadratic, without cancellation.
    sum_ = room * (way + room) + 0.25
    root = jnp.sqrt((room * (way - room)) ** 2 + 0.5 * room * (way + room) + 0.0625)
    return 2 * way * room**2 / (sum_ + root)
