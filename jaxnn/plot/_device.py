"""Which mode a device is in, by what one pulse leaves behind."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Declared, Numbers, arguments
from .._plots import GUIDE, PALETTE, new_axes, positive, tidy


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Any

_CURVE = arguments.real(ndim=1, known=True, finite=False)


@arguments.checked(
    voltage=_CURVE, late=_CURVE, early=_CURVE, modes=arguments.having("items", named="a dict of ranges")
)
def device_modes(
    voltage: Numbers,
    late: Numbers,
    early: Numbers | None = None,
    *,
    modes: Declared[Mapping[str, tuple[float, float]] | None] = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws the resistance that a device has after one pulse against the amplitude of the pulse.

    Where both curves are flat the device is a resistor; where the early one alone rises it forgets, as a
    neuron does; where the late one rises it remembers, as a synapse does.

    - `voltage`: amplitude of the pulse [V], `(pulses,)`.
    - `late`: V/I long after it [ohm], `(pulses,)`, as from `jaxnn.read_resistance`.
    - `early`: V/I at once [ohm], `(pulses,)`.
    - `modes`: ranges of voltages [V] to shade and to name above the axes.
    - `ax`: where to draw; a new figure by default.

    Raises a `ValueError` for shapes that differ.

    ```python
    ax = jaxnn.plot.device_modes([0.5, 1.5, 2.5], [770.0, 800.0, 9e4], modes={"resistor": (0.0, 1.0)})
    ax.get_ylabel()  # "V/I [Ω]"
    ```
    """
    volts, curves = np.asarray(voltage, float), {"after a rest": late, "at once": early}
    ax = new_axes(ax, (6.0, 4.2))
    looks = (("o-", PALETTE[0]), ("s:", PALETTE[1]))
    for (name, values), (style, color) in zip(curves.items(), looks, strict=True):
        if values is None:
            continue
        ohms = np.abs(np.asarray(values, float))
        if ohms.shape != volts.shape:
            raise ValueError(f"{name}: one resistance per voltage {volts.shape}, got {ohms.shape}.")
        ax.plot(volts, positive(ohms), style, ms=4, lw=1.2, color=color, label=name)
    _shade(ax, modes or {})
    ax.set(xlabel="amplitude of one pulse [V]", ylabel="V/I [Ω]", yscale="log")
    ax.legend(frameon=False)
    return tidy(ax)


def _shade(ax: Axes, modes: Mapping[str, tuple[float, float]]) -> None:
    for k, (low, high) in enumerate(modes.values()):
        ax.axvspan(low, high, color=GUIDE, alpha=0.12 if k % 2 else 0.25, lw=0, zorder=0)
    if not modes:
        return
    top = ax.secondary_xaxis("top")  # an axis, unlike text, moves a title out of its way
    # Every second name a line higher, so that neighbours keep clear of each other.
    names = [f"{name}\n" if k % 2 else name for k, name in enumerate(modes)]
    top.set_xticks([(low + high) / 2 for low, high in modes.values()], names)
    top.tick_params(length=0, pad=2, labelcolor="0.3", labelsize="small")
    top.spines[:].set_visible(False)
