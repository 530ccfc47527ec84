"""Two sets of numbers for the hydrogen-doped nickelate device, found for function.

Neither was fitted to devices: see docs/nickelate.md for what is measured, second-hand or assumed.
"""

from .._nickelate import NickelateDevice


def nickelate_cool() -> NickelateDevice:
    """Returns set B, the default: its pulses heat it to less than 480 K.

    ```python
    device = jaxnn.parameters.nickelate_cool()
    device.thermal_resistance  # 1.82e4 [K/W]
    ```
    """
    return NickelateDevice()


def nickelate_hot() -> NickelateDevice:
    """Returns set A: the largest pulses heat it beyond 800 K, plausible for microseconds at most.

    ```python
    device = jaxnn.parameters.nickelate_hot()
    device.thermal_resistance  # 5.8e4 [K/W]
    ```
    """
    return NickelateDevice(
        insulator_energy=0.47,  # [eV]
        insulator_length=22e-9,  # [m]
        pinning_field=8.0e7,  # [V/m]
        edge_length=12.5e-9,  # [m]
        edge_resistance=370.0,  # [ohm]
        series_resistance=350.0,  # [ohm]
        thermal_resistance=5.8e4,  # [K/W]
        edge_heating=0.14,
        series_heating=0.018,
        charge_gating=16.5,
        transition_temperature=298.0,  # [K]
        transition_rise=96.0,  # [K]
        transition_power=2.1,
    )
