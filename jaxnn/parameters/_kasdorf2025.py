"""Linear drift with decay of Kasdorf et al., arXiv 2512.12005 (2025), as in its package MemNNetSim.

The package has units of its own: 10 ohm, 10 nm, 1e-14 m^2/(V s) and so 10 ms; the decay is that of its
example, 100 such times. There the drift has the sign of the source, whichever way a junction lies: for a
source of one sign that is `polar=False`.
"""

from .._junctions import DecayingDriftJunction, ProdromakisWindow


def kasdorf2025(polar: bool = False) -> DecayingDriftJunction:
    """Returns junctions of nanowires whose drift decays in a second.

    - `polar`: whether a negative voltage undopes a junction, and does not dope it too.

    ```python
    law = jaxnn.parameters.kasdorf2025()
    law.off_resistance / law.on_resistance  # 160
    ```
    """
    return DecayingDriftJunction(
        on_resistance=10.0,  # [ohm]
        off_resistance=1600.0,  # [ohm]
        thickness=10e-9,  # [m]
        mobility=1e-14,  # [m^2/(V s)]
        decay_time=1.0,  # [s]
        start=0.05,
        window=ProdromakisWindow(power=1.0),  # x (1 - x)
        polar=polar,
    )
