"""The threshold-adaptive memristor of Kvatinsky et al., IEEE Trans. Circuits Syst. II 62, 786 (2015).

doi 10.1109/tcsii.2015.2433536. The numbers are the defaults of two public implementations of the model, the
authors' Verilog-A and MemTorch; the paper itself was not at hand.
"""

from .._junctions import VteamJunction


def kvatinsky2015() -> VteamJunction:
    """Returns a device that switches within nanoseconds, on below -0.2 V and off above 0.02 V.

    ```python
    law = jaxnn.parameters.kvatinsky2015()
    law.off_resistance / law.on_resistance  # 20
    ```
    """
    return VteamJunction(
        on_resistance=50.0,  # [ohm]
        off_resistance=1000.0,  # [ohm]
        on_threshold=0.2,  # [V]
        off_threshold=0.02,  # [V]
        on_speed=10.0,  # [m/s]
        off_speed=5e-4,  # [m/s]
        on_exponent=3.0,
        off_exponent=1.0,
        thickness=3e-9,  # [m]
        start=1.0,  # off
    )
