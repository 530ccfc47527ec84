"""How much a network switches in a period of its drive."""

import numpy as np

from .._core import arguments


@arguments.checked(
    conductance=arguments.real(ndim=1, known=True, finite=False, some=True),
    frequency=arguments.real(ndim=0, above=0, known=True),
    dt=arguments.real(ndim=0, above=0, known=True),
    first=arguments.count(0),
)
def on_off_ratio(conductance: np.ndarray, frequency: float, dt: float, first: int = 0) -> float:
    """Returns the mean over whole periods of the largest conductance over the least, or over part of one.

    With `first=0` the first sample is at the start of a period, with `first=1` one step after it, and
    the sample at the end of a period counts to the next.

    ```python
    conductance = 2.0 + np.sin(2 * np.pi * 5.0 * 0.01 * np.arange(100))
    jaxnn.analysis.on_off_ratio(conductance, frequency=5.0, dt=0.01)  # 3.0
    ```
    """
    # What ends a period by its numbers does not end it later by their rounding.
    conductance = np.asarray(conductance)
    if dt * frequency > 1:
        raise ValueError(
            f"dt={dt:g} s is longer than a period, {1 / frequency:g} s: it has no step to compare."
        )
    cycles = (first + np.arange(len(conductance))) * dt * frequency * (1 + 1e-12)
    whole = max(1, int(np.floor(cycles[-1] + dt * frequency + 1e-9)))
    inside = conductance[cycles < whole]
    starts = np.searchsorted(cycles, np.arange(whole))
    # fmax and fmin pass over the NaN of steps without a voltage.
    return float(np.mean(np.fmax.reduceat(inside, starts) / np.fmin.reduceat(inside, starts)))
