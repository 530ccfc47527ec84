"""The hydrogen-doped nickelate device: one law whose state decides what the device is."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxnn_kernels import CloudState, ProtonCloud

from .._core import (
    Module,
    Number,
    arguments,
    as_inexact,
    check_at_least,
    check_finite,
    check_shape,
    following,
    unit,
)


class NickelateDevice(Module):
    r"""A film of hydrogen-doped NdNiO3 between a Pd and an Au electrode.

    Protons under the Pd can be driven into the gap as an insulating cloud of length $l$. A large
    field moves its front, which is otherwise pinned; a small one polarises the cloud for
    milliseconds to seconds; current heats it towards its insulator-metal transition. No cloud is a
    resistor; one of some 16 nm a neuron, of 25 nm a synapse, of 50 nm a memory capacitor: the
    equations (`jaxnn.kernels.proton_cloud_rate`) and the numbers are the same in all of them.

    Each number is a scalar or one value per device; `relaxation_times` and `relaxation_shares`
    have one per mode in front. The defaults are the cool set B of docs/nickelate.md;
    `jaxnn.parameters.nickelate_hot()` is set A. **Most of them were found for function, not fitted
    to devices**: that page says of every number where it comes from.

    Raises a `ValueError` for a number outside its domain.

    ```python
    device = jaxnn.NickelateDevice(series_resistance=250.0)
    set_pulse = jaxnn.Programme.pulse(2.5, 1e-6, steps=32)
    run = jaxnn.simulate_devices(device, set_pulse, trace=True)
    run.peak_temperature  # [306.0] [K]
    ```
    """

    hop_length: Float[Number, "..."] = eqx.field(converter=as_inexact, default=4.0e-9, metadata=unit("m"))
    """Effective length of a proton's hop [m], positive."""
    poled_charge: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.0298, metadata=unit("C/m^2")
    )
    """Scale of the charge that a field poles [C/m^2], not negative."""
    largest_poled_charge: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1.0, metadata=unit("C/m^2")
    )
    """Where that charge saturates [C/m^2], positive."""
    relaxation_times: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=(2e-5, 1e-3, 1e-2, 1e-1, 1.0), metadata=unit("s")
    )
    """Relaxation times of the modes [s], positive."""
    relaxation_shares: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=(0.30, 0.20, 0.20, 0.15, 0.15), metadata=unit("1")
    )
    """Share of each mode in the poled charge [1], not negative."""
    migration_energy: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.41, metadata=unit("eV")
    )
    """Activation energy of every hop [eV], positive."""
    diffusivity: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1e-14, metadata=unit("m^2/s")
    )
    """Diffusivity of protons at the temperature of the surroundings [m^2/s], positive."""
    insulator_energy: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.468, metadata=unit("eV")
    )
    """Activation energy of the resistance of a long cloud [eV], positive."""
    insulator_length: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=21.4e-9, metadata=unit("m")
    )
    """Length over which a cloud becomes an insulator [m], positive."""
    pinning_field: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1.02e8, metadata=unit("V/m")
    )
    """Field at which the front comes free [V/m], positive."""
    pinning_width: Float[Number, "..."] = eqx.field(converter=as_inexact, default=2e6, metadata=unit("V/m"))
    """Range of fields over which it comes free [V/m], positive."""
    metal_resistivity: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1e-5, metadata=unit("ohm m")
    )
    """Resistivity of the metallic film [ohm m], positive."""
    channel_area: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=5e-14, metadata=unit("m^2")
    )
    """Cross-section of the film [m^2], positive."""
    pad_area: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e-10, metadata=unit("m^2"))
    """Area over which charge is stored [m^2], positive."""
    permittivity: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=30 * 8.8541878e-12, metadata=unit("F/m")
    )
    """Permittivity of the cloud [F/m], positive."""
    barrier_lowering: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=2.55e-6, metadata=unit("eV (V/m)^-1/2")
    )
    """Poole-Frenkel lowering of the insulator's energy [eV (V/m)^-1/2], not negative."""
    barrier_field: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e7, metadata=unit("V/m"))
    """Field from which on the barrier is lowered [V/m], positive."""
    edge_length: Float[Number, "..."] = eqx.field(converter=as_inexact, default=10.3e-9, metadata=unit("m"))
    """Doped layer at the Pd that stays [m], positive."""
    edge_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=466.0, metadata=unit("ohm")
    )
    """Resistance of that layer [ohm], positive."""
    series_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=303.0, metadata=unit("ohm")
    )
    """Resistance of the leads [ohm], positive."""
    thermal_resistance: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1.82e4, metadata=unit("K/W")
    )
    """Heating by power [K/W], not negative."""
    thermal_time: Float[Number, "..."] = eqx.field(converter=as_inexact, default=3e-8, metadata=unit("s"))
    """Time in which the cloud cools [s], positive."""
    edge_heating: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.056, metadata=unit("1"))
    """Share of the edge's heat that reaches the cloud [1], not negative."""
    series_heating: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.0017, metadata=unit("1")
    )
    """Share of the leads' heat that reaches the cloud [1], not negative."""
    charge_gating: Float[Number, "..."] = eqx.field(converter=as_inexact, default=17.4, metadata=unit("1"))
    """Lowering of the insulator's barrier by the saturated charge, over kT [1], not negative."""
    transition_temperature: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=288.0, metadata=unit("K")
    )
    """Insulator-metal transition of a short cloud [K]."""
    transition_rise: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=194.0, metadata=unit("K")
    )
    """Rise of that temperature for a cloud of `transition_length` [K], not negative."""
    transition_length: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=30e-9, metadata=unit("m")
    )
    """Length of the cloud for that rise [m], positive."""
    transition_power: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=3.56, metadata=unit("1")
    )
    """Power of the length in the rise [1], positive."""
    transition_width: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=4.0, metadata=unit("K")
    )
    """Width of the transition [K], positive."""
    transition_feedback: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=6.0, metadata=unit("1")
    )
    """Feedback of the order parameter on itself [1], hysteretic above 4; not negative."""
    transition_time: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=1e-8, metadata=unit("s")
    )
    """Time of the transition [s], positive."""
    gap_length: Float[Number, "..."] = eqx.field(converter=as_inexact, default=100e-9, metadata=unit("m"))
    """Longest cloud [m], positive."""
    retreat_length: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.5e-9, metadata=unit("m")
    )
    """Cloud below which a retreating front slows down [m], positive."""
    largest_hop_exponent: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=20.0, metadata=unit("1")
    )
    """Where the field's effect on hops ends [1], positive: fronts of 1 km/s, the limit of the attempt
    frequency."""
    ambient_temperature: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=300.0, metadata=unit("K")
    )
    """Temperature of the surroundings [K], positive."""

    def __check_init__(self):
        may_vanish = ("poled_charge", "barrier_lowering", "edge_heating", "series_heating",
                      "charge_gating", "transition_rise", "transition_feedback",
                      "relaxation_shares", "thermal_resistance")  # fmt: skip
        for name, value in vars(self).items():
            if name == "transition_temperature":  # far below zero it switches the transition off
                check_finite(name, value)
            else:
                check_at_least(name, value, 0, strict=name not in may_vanish)
        times, shares = self.relaxation_times.shape, self.relaxation_shares.shape
        if not times or not shares or times[0] != shares[0]:
            raise ValueError(
                "relaxation_times and relaxation_shares need one value per mode along their first "
                f"axis, got shapes {times} and {shares}."
            )

    @following
    def init_state(self, *shape: int) -> CloudState:
        """Returns an erased device, or an array of them of that shape: no cloud, no charge, metallic."""
        numbers = 4 + self.relaxation_times.shape[0]
        check_shape(f"Devices of shape {shape}", (numbers, *shape), "take fewer at a time")
        fill = lambda value: jnp.broadcast_to(value * 1.0, shape)
        modes = (self.relaxation_times.shape[0], *shape)
        return CloudState(
            field=fill(0.0 * self.gap_length),
            length=fill(0.0 * self.gap_length),
            polarisation=jnp.broadcast_to(0.0 * self.poled_charge, modes),
            temperature=fill(self.ambient_temperature),
            order=fill(0.0 * self.gap_length + 1),
        )

    @arguments.checked(state=arguments.one_of(CloudState))
    @following
    def voltage(self, state: CloudState) -> Float[Array, "*devices"]:
        """Returns the voltage between the electrodes without the leads [V]."""
        return state.field * (state.length + self.edge_length)

    @following
    def cloud(self) -> ProtonCloud:
        """Returns the numbers under the symbols of the equations, as the kernels want them."""
        return ProtonCloud(
            a=self.hop_length,
            P0=self.poled_charge,
            P_sat=self.largest_poled_charge,
            tau=self.relaxation_times,
            w=self.relaxation_shares,
            E_m=self.migration_energy,
            D=self.diffusivity,
            E_A=self.insulator_energy,
            l_A=self.insulator_length,
            E_pin=self.pinning_field,
            w_pin=self.pinning_width,
            rho=self.metal_resistivity,
            A=self.channel_area,
            A_C=self.pad_area,
            eps=self.permittivity,
            b=self.barrier_lowering,
            E_1=self.barrier_field,
            l_0=self.edge_length,
            R_e=self.edge_resistance,
            R_s=self.series_resistance,
            R_th=self.thermal_resistance,
            tau_th=self.thermal_time,
            f_e=self.edge_heating,
            f_h=self.series_heating,
            gamma=self.charge_gating,
            T_M=self.transition_temperature,
            T_M1=self.transition_rise,
            l_M=self.transition_length,
            n_M=self.transition_power,
            w_T=self.transition_width,
            kappa=self.transition_feedback,
            tau_M=self.transition_time,
            L=self.gap_length,
            l_in=self.retreat_length,
            u_max=self.largest_hop_exponent,
            T0=self.ambient_temperature,
        )
