"""The chalcogenide device of Nugent and Molter, PLoS ONE 9, e85175 (2014).

doi 10.1371/journal.pone.0085175. The device is that of Fig. 8A, under a sine of 0.25 V and 100 Hz; the
numbers are those of the code that the authors published with the paper.
"""

from .._junctions import MetastableSwitchJunction


def nugent2014() -> MetastableSwitchJunction:
    """Returns the silver chalcogenide device of Boise State University, of a million switches.

    ```python
    law = jaxnn.parameters.nugent2014()
    law.on_conductance / law.off_conductance  # 9.56
    ```
    """
    return MetastableSwitchJunction(
        on_barrier=0.17,  # [V]
        off_barrier=0.22,  # [V]
        switching_time=3.2e-4,  # [s]
        temperature=298.0,  # [K]
        on_conductance=8.7e-3,  # [S]
        off_conductance=9.1e-4,  # [S]
        switches=1e6,
    )
