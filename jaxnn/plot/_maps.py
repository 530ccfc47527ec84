"""Maps over two parameters: exponents of a drive, and results of a sweep."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Numbers, arguments
from .._plots import new_axes
from .._sweep import show


if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._sweep import Dataset
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Dataset = Any

_LINE = arguments.real(ndim=1, known=True)
_LABEL = arguments.one_of(str)


@arguments.checked(
    x=_LINE,
    y=_LINE,
    exponents=arguments.real(ndim=2, known=True, finite=False),
    linear=arguments.real(ndim=0, above=0, known=True),
    xlabel=_LABEL,
    ylabel=_LABEL,
    label=_LABEL,
)
def exponent_map(
    x: Numbers,
    y: Numbers,
    exponents: Numbers,
    *,
    ax: Axes | None = None,
    linear: float | int = 1.0,
    xlabel: str = "frequency [Hz]",
    ylabel: str = "amplitude [V]",
    label: str = "Lyapunov exponent [1/s]",
) -> Axes:
    """Draws exponents over two parameters: blue where neighbours approach, red where they part, white at 0.

    The scale is logarithmic on both sides of 0, and linear within ± `linear`. Cells without a value are
    grey; -inf, of a difference that vanished, has the colour of the lowest.

    - `x`, `y`: `(columns,)` and `(rows,)`, in the units that `xlabel` and `ylabel` name.
    - `exponents`: `(rows, columns)` [1/s].
    - `ax`: where to draw; a new figure by default.

    Raises a `ValueError` for shapes that do not fit.

    ```python
    exponents = np.array([[-30.0, -2.0, np.nan], [-0.5, 0.4, 8.0]])
    ax = jaxnn.plot.exponent_map([0.1, 0.5, 1.0], [0.5, 1.0], exponents)
    ax.get_ylabel()  # "amplitude [V]"
    ```
    """
    from matplotlib.colors import SymLogNorm

    across, up, values = (np.asarray(a, float) for a in (x, y, exponents))
    if values.shape != (up.size, across.size):
        raise ValueError(
            f"exponents must be (rows, columns), {(up.size, across.size)}, got {values.shape}."
        )
    finite = np.abs(values[np.isfinite(values)])
    most = max(float(finite.max(initial=0)), 1.01 * linear)
    ax = new_axes(ax, (6.0, 4.6))
    ax.set_facecolor("0.8")
    shown = np.ma.masked_invalid(np.clip(values, -most, most))
    norm = SymLogNorm(linear, vmin=-most, vmax=most)
    mesh = ax.pcolormesh(shown, norm=norm, cmap="RdBu_r", linewidth=0)
    for axis, names in ((ax.xaxis, across), (ax.yaxis, up)):
        every = -(-names.size // 10)
        axis.set_ticks(np.arange(0, names.size, every) + 0.5, [f"{v:.3g}" for v in names[::every]])
    ax.figure.colorbar(mesh, ax=ax, label=label, pad=0.02)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax


@arguments.checked(
    dataset=arguments.having("data_vars", named="what jaxnn.open_sweep returns"),
    result=_LABEL,
    over=arguments.word("median", "mean", "min", "max"),
    axes=arguments.list_of(_LABEL, "names of dimensions"),
)
def sweep_map(
    dataset: Dataset,
    result: str | None = None,
    *,
    axes: list[str] | None = None,
    over: str = "median",
    ax: Axes | None = None,
) -> Axes:
    """Draws one result of a sweep against two dimensions as a map of colours, or against one as a curve.

    By default the two longest dimensions that are no networks; all others are summed up, of a curve with
    the range from the 10th to the 90th percentile. Scales over which a value grows by more than 30,
    or at each step by one factor, are logarithmic.

    - `dataset`: of `jaxnn.sweep` or `jaxnn.open_sweep`.
    - `result`: the name of a reduction, the first by default.
    - `axes`: one or two names of dimensions.
    - `over`: "median", "mean", "min" or "max" over the other dimensions.
    - `ax`: where to draw; a new figure by default.

    Raises a `ValueError` for a result or a dimension that does not exist.

    ```python
    over = {"drive.amplitude": [0.1, 0.2, 0.3], "drive.frequency": [1.0, 2.0]}
    ran = jaxnn.sweep(network, law, drive, over=over, out="swept", progress=False, **setup)
    ax = jaxnn.plot.sweep_map(ran)
    ax.get_xlabel()  # "amplitude [V]"
    ```
    """
    name = show.results_of(dataset)[0] if result is None else result
    return show.draw(ax, dataset, name, axes, over)
