"""The chalcogenide device that Yakopcic et al. fitted, IEEE Trans. Comput.-Aided Des. 32, 1201 (2013).

The device is that of Oblea et al. (2010), under 0.45 V at 100 Hz. The numbers are those of the authors'
SPICE subcircuit, as several public simulators have it; the paper itself was not at hand.
"""

from .._junctions import YakopcicJunction


def yakopcic2013() -> YakopcicJunction:
    """Returns the silver chalcogenide device of Boise State University.

    ```python
    law = jaxnn.parameters.yakopcic2013()
    law.positive_threshold  # 0.16 [V]
    ```
    """
    return YakopcicJunction(
        positive_current=0.17,  # [A]
        negative_current=0.17,  # [A]
        curvature=0.05,  # [1/V]
        positive_threshold=0.16,  # [V]
        negative_threshold=0.15,  # [V]
        growth_rate=4000.0,  # [1/s]
        decay_rate=4000.0,  # [1/s]
        growth_knee=0.3,
        decay_knee=0.5,
        growth_slowing=1.0,
        decay_slowing=5.0,
        start=0.11,
    )
