"""The conducting path through a network, drawn over its wires."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .._core import Declared, Numbers, arguments
from .._networks import Network, crossing_points, spring_layout
from .._plots import GUIDE, PALETTE, new_axes, plot_network
from .._simulation import Solution
from ..analysis import least_resistance_path


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Any


@arguments.checked(conductance=arguments.real(known=True), terminals=arguments.whole_numbers())
def path(
    network: Declared[Network | Solution],
    conductance: Numbers | None = None,
    *,
    ax: Axes | None = None,
    terminals: Declared[Sequence[int] | np.ndarray | None] = None,
) -> Axes:
    """Draws a network in µm and over it the path of least resistance between its first two terminals.

    - `network`: a `jaxnn.Network`, or the `jaxnn.Solution` of one, which has its terminals and, if it
      recorded "junction_conductance", the last conductances.
    - `conductance`: one per junction [S], positive.
    - `ax`: where to draw; a new figure by default.
    - `terminals`: two nodes, the source and the drain.

    Raises a `ValueError` as `jaxnn.analysis.least_resistance_path` does.

    ```python
    ax = jaxnn.plot.path(solution)
    ax.get_xlabel()  # "x [µm]"
    ```
    """
    found = least_resistance_path(network, conductance, terminals)
    if isinstance(network, Solution):
        terminals = np.asarray(network.terminals)[:2] if terminals is None else terminals
        network = network.network
    network = cast("Network", network)
    ends = np.asarray(terminals, int)
    ax = plot_network(network, ax=new_axes(ax, (6.4, 5.2)), terminals=ends)
    # Junctions in the colour of guides: the path alone has that of what is meant.
    ax.collections[-1].set_color(GUIDE)
    points = _corners(network, found, int(ends[0]))
    line = {"color": PALETTE[1], "lw": 3.5, "solid_capstyle": "round", "solid_joinstyle": "round"}
    # As `path_length` counts: contacts of pads and pieces of wires are no junctions.
    count = int((~network.passive[found]).sum())
    label = f"path of {count} junction{'' if count == 1 else 's'}"
    (drawn,) = ax.plot(*points.T, **line, zorder=5, label=label)
    ax.legend(handles=[drawn], frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def _corners(network: Network, found: np.ndarray, source: int) -> np.ndarray:
    """The points that a path goes through [µm]: crossings of wires, or nodes where wires have no shape."""
    edges = network.edges[found]
    if network.wire_ends is not None:
        at, _ = crossing_points(network.wire_ends * 1e6, edges)
        return at[np.isfinite(at).all(axis=1)]
    places = spring_layout(network) if network.positions is None else network.positions * 1e6
    nodes = [source]
    for a, b in edges:
        nodes.append(int(b if a == nodes[-1] else a))
    return places[nodes]
