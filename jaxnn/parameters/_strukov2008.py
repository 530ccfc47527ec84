"""The memristor of HP, Strukov et al., Nature 453, 80 (2008), doi 10.1038/nature06932.

The numbers are those of Fig. 2b: 10 nm, 1e-10 cm^2/(V s), a ratio of 160 and 1 V / 100 ohm = 10 mA as unit
of the current. The state that the figure begins in is not given, and is assumed.
"""

from .._junctions import AbstractWindow, LinearDriftJunction


def strukov2008(window: AbstractWindow | None = None) -> LinearDriftJunction:
    """Returns the film of Fig. 2b, which is doped in 10 ms if it is at 1 V throughout.

    - `window`: how the drift slows down at the ends of the film; the figure has none.

    ```python
    law = jaxnn.parameters.strukov2008()
    law.off_resistance / law.on_resistance  # 160
    ```
    """
    return LinearDriftJunction(
        on_resistance=100.0,  # [ohm]
        off_resistance=16e3,  # [ohm]
        thickness=10e-9,  # [m]
        mobility=1e-14,  # [m^2/(V s)]
        start=0.1,  # assumed
        window=window,
    )
