"""Silver nanowire junctions: the threshold-flux law with two conductance laws."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import (
    FluxWidths,
    binary_conductance,
    compensated_flux_step,
    smooth_binary_conductance,
    smooth_threshold_flux_step,
    smooth_tunnel_conductance,
    threshold_flux_rate,
    threshold_flux_step,
    tunnel_conductance,
)

from .._core import (
    Number,
    as_inexact,
    check_at_least,
    check_conductance,
    check_on_above_off,
    following,
    holds,
    unit,
)
from .abstract import AbstractRateJunction, AbstractSmoothableJunction


G0 = 7.77e-5
"""The conductance quantum [S] as the published simulator has it: 1 / 12.9 kOhm, 2e^2/h = 7.748e-5 S."""


class AbstractThresholdJunction(AbstractRateJunction, AbstractSmoothableJunction):
    r"""A law whose state is a flux that grows above one voltage and decays below another.

    The state equation is that of `jaxnn.kernels.threshold_flux_step`, the state the flux $\lambda$ [V s].
    A law of this kind adds how a flux conducts, `conductance_of` and its smooth form.
    """

    on_conductance: Float[Number, "..."] = eqx.field(converter=as_inexact, default=G0, metadata=unit("S"))
    """Conductance of a closed gap [S], positive; the default is the quantum 1/12.9 kOhm."""
    off_conductance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=7.77e-8, metadata=unit("S")
    )
    """Conductance in parallel with the filament [S], not negative."""
    set_voltage: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e-2, metadata=unit("V"))
    """Voltage above which the flux grows [V], not negative."""
    reset_voltage: Float[Number, "..."] = eqx.field(converter=as_inexact, default=5e-3, metadata=unit("V"))
    """Voltage below which the flux decays [V], from 0 to `set_voltage`."""
    critical_flux: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1e-2, metadata=unit("V s")
    )
    """Flux at which the gap closes [V s], positive."""
    max_flux: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.5e-2, metadata=unit("V s"))
    """Largest flux [V s], positive."""
    boost: Float[Number, "..."] = eqx.field(converter=as_inexact, default=10.0, metadata=unit("1"))
    """Decay relative to growth [1], not negative."""
    one_sided_reset: eqx.AbstractVar[bool]  # pyright: ignore[reportGeneralTypeIssues]
    """Whether negative states have the published reset, which overshoots zero."""
    compensated: eqx.AbstractVar[bool]  # pyright: ignore[reportGeneralTypeIssues]
    """Whether what float32 rounds off each step is kept in a second variable."""

    @abc.abstractmethod
    def conductance_of(self, flux: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        """Returns the conductance of every junction [S] at its flux [V s]."""

    @abc.abstractmethod
    def smooth_conductance_of(
        self, flux: Float[Array, " junctions"], width: Float[Number, "..."]
    ) -> Float[Array, " junctions"]:
        """Returns the same with its corners and jumps spread over a width [V s]."""

    def __check_init__(self):
        _check_threshold(self)

    def init_state(self, n_junctions: int) -> Float[Array, "*variables junctions"]:
        return jnp.zeros((2, n_junctions) if self.compensated else n_junctions)

    @following
    def conductance(self, state: Float[Array, "*variables junctions"]) -> Float[Array, " junctions"]:
        return self.conductance_of(state[0] if self.compensated else state)

    @following
    def update(
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, "*variables junctions"]:
        parameters = _flux_parameters(self)
        if self.compensated:
            return jnp.stack(compensated_flux_step(state[0], state[1], voltage, dt, **parameters))
        return threshold_flux_step(state, voltage, dt, **parameters, one_sided_reset=self.one_sided_reset)

    @following
    def rate(
        self, state: Float[Array, "*variables junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, "*variables junctions"]:
        if self.compensated:
            raise ValueError(
                "compensated keeps the rounding of Euler's steps and has no rate: set compensated=False. "
                "A higher-order integrator takes steps large enough for float32."
            )
        return threshold_flux_rate(state, voltage, **_flux_parameters(self))

    def critical_state(self) -> Float[Number, "..."]:
        return self.critical_flux

    def state_bounds(self) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        bound = jnp.asarray(self.max_flux)
        if self.compensated:
            # The second variable is a remainder, and small of itself.
            bound = jnp.stack(jnp.broadcast_arrays(jnp.atleast_1d(bound), jnp.inf))
        return -bound, bound

    def keeps_rounding(self) -> bool:
        return self.compensated

    def check_smooth(self) -> None:
        for name in ("one_sided_reset", "compensated"):
            if getattr(self, name):
                raise ValueError(
                    f"SmoothJunction has no form with {name}=True; use "
                    f"dataclasses.replace(junction, {name}=False)"
                    + ("." if name == "compensated" else ", which resets negative states otherwise.")
                )
        for name in ("set_voltage", "reset_voltage"):
            what = f"{name} of a SmoothJunction, the scale of its width,"
            check_at_least(what, getattr(self, name), 0, "V", strict=True)

    def smooth_conductance(
        self, state: Float[Array, " junctions"], sharpness: Float[Number, "..."]
    ) -> Float[Array, " junctions"]:
        return self.smooth_conductance_of(state, self.critical_flux / sharpness)

    def smooth_update(
        self,
        state: Float[Array, " junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
        sharpness: Float[Number, "..."],
    ) -> Float[Array, " junctions"]:
        return smooth_threshold_flux_step(
            state,
            voltage,
            dt,
            **_flux_parameters(self),
            widths=FluxWidths(
                set=self.set_voltage / sharpness,
                reset=self.reset_voltage / (sharpness * jnp.maximum(self.boost, 1)),
                sign=self.max_flux / sharpness,
                clamp=self.max_flux / sharpness,
            ),
        )


class TunnelJunction(AbstractThresholdJunction):
    r"""A silver filament that grows with flux and conducts by tunnelling through its gap.

    $$g = \frac{1}{R_t(|\lambda|) + 1/G_\mathrm{on}} + G_\mathrm{off}$$

    with the tunnelling resistance of `jaxnn.kernels.tunnel_conductance` and the state equation of
    `jaxnn.kernels.threshold_flux_step`. The state is the flux $\lambda$ [V s].

    The defaults are the DC parameters of the paper with a symmetric reset: a state of either sign
    stops at 0. The published code overshoots for negative states (`one_sided_reset=True`, as in
    `jaxnn.parameters`), by up to `boost * reset_voltage * dt`.

    Raises a `ValueError` for a parameter outside its domain.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), eqs. 2 and 3 (Methods).

    ```python
    law = jaxnn.TunnelJunction(boost=5.0)
    flux = law.update(jnp.zeros(2), jnp.array([0.005, 0.03]), dt=0.1)
    flux  # [0.0, 0.002] [V s]
    law.conductance(flux)  # [7.77e-8, 7.77e-8] [S]
    ```
    """

    barrier_height: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.81, metadata=unit("V"))
    """Height of the tunnelling barrier [V], positive."""
    filament_area: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.17e-18, metadata=unit("m^2")
    )
    """Cross-section of the filament's tip [m^2], positive."""
    max_gap: Float[Number, "..."] = eqx.field(converter=as_inexact, default=5e-9, metadata=unit("m"))
    """Gap at zero flux [m], positive."""
    prefactor_power: int = eqx.field(static=True, default=1)
    """Power of the gap in front of the exponential: 1 (the paper) or 2 (work before and after)."""
    one_sided_reset: bool = eqx.field(static=True, default=False)
    """Whether negative states have the published reset, which overshoots zero."""
    compensated: bool = eqx.field(static=True, default=False)
    """Whether what float32 rounds off each step is kept in a second variable: the state is then `(2,
    junctions)`, flux and remainder. For float32 with time steps below about 1e-4 s."""

    def __check_init__(self):
        for name, symbol in (("barrier_height", "V"), ("filament_area", "m^2"), ("max_gap", "m")):
            check_at_least(name, getattr(self, name), 0, symbol, strict=True)
        if self.prefactor_power not in (1, 2):
            raise ValueError(f"prefactor_power must be 1 or 2, got {self.prefactor_power!r}.")

    def conductance_of(self, flux: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        return tunnel_conductance(flux, **tunnel_parameters(self))

    def smooth_conductance_of(
        self, flux: Float[Array, " junctions"], width: Float[Number, "..."]
    ) -> Float[Array, " junctions"]:
        return smooth_tunnel_conductance(flux, **tunnel_parameters(self), width=width)


class BinaryJunction(AbstractThresholdJunction):
    r"""A switch: on at and above the critical flux, off below it.

    $$g = G_\mathrm{on} \text{ if } |\lambda| \ge \lambda_\mathrm{crit} \text{ else } G_\mathrm{off}$$

    with the state equation of `jaxnn.kernels.threshold_flux_step`. The state is the flux
    $\lambda$ [V s]. Parameters and defaults as for `jaxnn.TunnelJunction`. The derivative of the
    conductance in the state is zero: no gradient passes through a switch.

    Raises a `ValueError` for a parameter outside its domain.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Supplementary Fig. 20.

    ```python
    law = jaxnn.BinaryJunction()
    law.conductance(jnp.array([0.0, 0.005, 0.01]))  # [7.77e-8, 7.77e-8, 7.77e-5] [S]
    ```
    """

    one_sided_reset: bool = eqx.field(static=True, default=False)
    """Whether negative states have the published reset, which overshoots zero."""
    compensated: bool = eqx.field(static=True, default=False)
    """Whether what float32 rounds off each step is kept in a second variable: the state is then `(2,
    junctions)`, flux and remainder. For float32 with time steps below about 1e-4 s."""

    def conductance_of(self, flux: Float[Array, " junctions"]) -> Float[Array, " junctions"]:
        return binary_conductance(flux, **_binary_parameters(self))

    def smooth_conductance_of(
        self, flux: Float[Array, " junctions"], width: Float[Number, "..."]
    ) -> Float[Array, " junctions"]:
        return smooth_binary_conductance(flux, **_binary_parameters(self), width=width)


def _flux_parameters(junction: AbstractThresholdJunction) -> dict[str, Any]:
    """The arguments of the state equation's kernels."""
    return {
        "set_voltage": junction.set_voltage,
        "reset_voltage": junction.reset_voltage,
        "max_flux": junction.max_flux,
        "boost": junction.boost,
    }


def _binary_parameters(junction: AbstractThresholdJunction) -> dict[str, Any]:
    """The arguments of the switch's kernels."""
    return {
        "on_conductance": junction.on_conductance,
        "off_conductance": junction.off_conductance,
        "critical_flux": junction.critical_flux,
    }


def tunnel_parameters(junction: TunnelJunction) -> dict[str, Any]:
    """The arguments of the tunnelling conductance's kernels."""
    return _binary_parameters(junction) | {
        "barrier_height": junction.barrier_height,
        "filament_area": junction.filament_area,
        "max_gap": junction.max_gap,
        "prefactor_power": junction.prefactor_power,
    }


def _check_threshold(junction: AbstractThresholdJunction) -> None:
    """The checks that both laws share; values that are traced pass."""
    check_at_least("on_conductance", junction.on_conductance, 0, "S", strict=True)
    check_at_least("off_conductance", junction.off_conductance, 0, "S")
    check_conductance("on_conductance", junction.on_conductance)
    check_on_above_off(junction.on_conductance, junction.off_conductance)
    check_at_least("set_voltage", junction.set_voltage, 0, "V")
    check_at_least("reset_voltage", junction.reset_voltage, 0, "V")
    check_at_least("critical_flux", junction.critical_flux, 0, "V s", strict=True)
    check_at_least("max_flux", junction.max_flux, 0, "V s", strict=True)
    check_at_least("boost", junction.boost, 0, "")
    if junction.compensated and junction.one_sided_reset:
        raise ValueError(
            "compensated works with the symmetric reset: the published one rounds as it overshoots. "
            "Use float64 with compensated=False; one_sided_reset=False is another law for negative states."
        )
    reset, set_ = junction.reset_voltage, junction.set_voltage
    if not holds(lambda reset, set_: reset <= set_, reset, set_):
        raise ValueError(
            "reset_voltage must not exceed set_voltage, or a junction would set and reset in the "
            f"same step; got reset_voltage up to {np.max(reset):g} V and set_voltage from "
            f"{np.min(set_):g} V."
        )
