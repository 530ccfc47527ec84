"""Current against voltage, in the order of time."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Declared, Numbers, arguments
from .._plots import in_unit, new_axes, tidy
from .._simulation import Solution


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Any

_CURVE = arguments.real(ndim=1, known=True, finite=False)


@arguments.checked(voltage=arguments.either(Solution, _CURVE), current=_CURVE, time=_CURVE)
def iv_loop(
    voltage: Declared[Solution | Numbers],
    current: Numbers | None = None,
    time: Numbers | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draws current against voltage as one line, coloured by time from dark to light.

    The current has the prefix, such as µA, in which its largest value is 1 to 1000.

    - `voltage`: `(times,)` [V], or a `jaxnn.Solution` of one network, whose voltage between the first two
      terminals and current into the second it is.
    - `current`: `(times,)` [A].
    - `time`: `(times,)` [s] of the colours; without, the number of the sample.
    - `ax`: where to draw; a new figure by default.

    Raises a `ValueError` for shapes that differ, and a batch.

    ```python
    ax = jaxnn.plot.iv_loop(solution)
    ax.get_xlabel()  # "voltage [V]"
    ```
    """
    from matplotlib.collections import LineCollection

    if isinstance(voltage, Solution):
        voltage, current, time = _of_run(voltage)
    if current is None:
        raise ValueError("iv_loop needs voltage and current, or a jaxnn.Solution.")
    volts, amps = np.asarray(voltage, float), np.asarray(current, float)
    at = np.arange(volts.size) if time is None else np.asarray(time, float)
    if not volts.shape == amps.shape == at.shape:
        shapes = f"{volts.shape}, {amps.shape} and {at.shape}"
        raise ValueError(f"voltage, current and time must have one shape (times,), got {shapes}.")
    ax = new_axes(ax, (5.6, 4.2))
    amps, unit = in_unit(amps, "A")
    points = np.stack([volts, amps], 1)
    pieces = np.stack([points[:-1], points[1:]], 1)
    lines = LineCollection(list(pieces), array=at[1:], cmap="viridis", lw=1.4, capstyle="round")
    ax.add_collection(lines)
    ax.autoscale_view()
    ax.figure.colorbar(lines, ax=ax, label="sample" if time is None else "time [s]", pad=0.02)
    ax.set(xlabel="voltage [V]", ylabel=f"current [{unit}]")
    ax.axvline(0, color="0.85", lw=0.8, zorder=0)
    return tidy(ax)


def _of_run(solution: Solution) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    drive, current = np.asarray(solution.drive), np.asarray(solution.terminal_current)
    if drive.ndim != 2:
        raise ValueError(
            f"iv_loop draws one network, got a Solution with a drive of shape {drive.shape}: pick a "
            "member, as in jax.tree.map(lambda x: x[0], solution)."
        )
    return drive[:, 0] - drive[:, 1], -current[:, 1], np.asarray(solution.time)
