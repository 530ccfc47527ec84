"""A fitted model over the data that it was fitted to."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from .._core import Numbers, arguments
from .._plots import PALETTE, new_axes, tidy
from ..fit import Fit


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Any


@arguments.checked(
    found=arguments.one_of(Fit),
    x=arguments.real(ndim=1, known=True),
    xlabel=arguments.one_of(str),
    ylabel=arguments.one_of(str),
)
def fit(
    found: Fit,
    x: Numbers | None = None,
    *,
    ax: Axes | None = None,
    xlabel: str = "sample",
    ylabel: str = "value",
) -> Axes:
    """Draws the first array of data with its noise, what was held out of the fit, and the fitted model.

    `Fit.plot` draws all arrays, with what is left of them below.

    - `found`: of `jaxnn.fit.fit_parameters`.
    - `x`: where the samples were taken `(samples,)`, in the unit of `xlabel`; by default 0, 1, 2 and on.
    - `ax`: where to draw; a new figure by default.
    - `xlabel`, `ylabel`: names of the axes, with units.

    Raises a `ValueError` for an `x` of another length.

    ```python
    ax = jaxnn.plot.fit(fitted, np.linspace(0.0, 1.0, 12), xlabel="time [s]", ylabel="current [A]")
    ax.get_xlabel()  # "time [s]"
    ```
    """
    trees = (found.data, found.predicted, found.sigma, found.held_out)
    first = (np.asarray(jax.tree.leaves(tree)[0]) for tree in trees)
    data, predicted, sigma, held_out = (part.reshape(len(part), -1)[:, 0] for part in first)
    at = np.arange(data.size) if x is None else np.asarray(x, float)
    if at.shape != data.shape:
        raise ValueError(f"x must have a number for each of {data.size} samples, got shape {at.shape}.")
    ax = new_axes(ax, (6.0, 4.2))
    for part, color, name in ((~held_out, "0.55", "measured"), (held_out, PALETTE[4], "held out")):
        if part.any():
            look = {"fmt": ".", "ms": 5, "color": color, "elinewidth": 0.7, "label": name}
            ax.errorbar(at[part], data[part], sigma[part], **look)
    ax.plot(at, predicted, lw=1.6, color=PALETTE[0], label="model", zorder=3)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False)
    return tidy(ax)
