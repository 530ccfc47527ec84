"""Networks of wires that somebody measured or drew: ends of wires in, junctions found."""

import numpy as np
from jaxtyping import Float64

from .._core import Declared, Numbers, arguments
from .network import Network
from .topology import ArrayInput
from .touching import touching_pairs


UNITS = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "nm": 1e-9}
_TOUCHING = 1e-6  # of the mean length: far above rounding, far below what anybody measures


def as_metres(unit: Declared[str | float | int]) -> float:
    """A unit of length in metres; raises a `ValueError` for one that is not known."""
    if isinstance(unit, str) and unit in UNITS:
        return UNITS[unit]
    if isinstance(unit, bool | str) or not isinstance(unit, float | int | np.floating | np.integer):
        arguments.refuse("unit", f"the length of 1 in metres, or one of {', '.join(UNITS)}", unit)
    arguments.real(ndim=0, above=0)("unit", unit)
    return float(unit)


@arguments.checked(
    wire_ends=arguments.real(known=True, finite=False),
    touching=arguments.real(ndim=0, known=True, low=0),
    box=arguments.real(known=True, finite=False),
)
def network_from_wires(
    wire_ends: Numbers,
    *,
    unit: Declared[str | float | int] = "m",
    touching: float | int | None = None,
    box: ArrayInput | None = None,
) -> Network:
    """Makes the network of straight wires from their end points: where two touch is a junction.

    Wires touch where they cross, where the end of one lies on the other (a T), where two ends meet, and
    where they lie along one line and overlap or meet. All wires are kept, in their order: take
    `largest_component` or `component_of` of the result for a run. Junctions are (a, b) with a < b, sorted
    by a, then b; two straight wires have one at the most.

    **Arguments:**

    - `wire_ends`: both ends of each wire, shape `(n_wires, 2, 2)`, or `(n_wires, 4)` as x0, y0, x1, y1.
    - `unit`: of all lengths here: the length of 1 in metres, or "m", "mm", "um" or "nm".
    - `touching`: how near to each other wires touch, in that unit; by default a millionth of the mean
      length, which is for ends that meet but for rounding. Measured ends take what they are measured to.
    - `box`: width and height of the area, whose lower left corner is the origin, in that unit.

    **Raises:** `ValueError` for ends of another shape, not finite, or of a wire without length, naming
    the row; and for more pairs of neighbours than half of the free memory holds.

    ```python
    ends = [[0, 0, 10, 0], [5, -5, 5, 5], [10, 0, 10, 8], [2, 0, 2, 4]]  # a cross, an L and a T
    lines = jaxnn.network_from_wires(ends, unit="um")
    lines.edges.tolist()  # [[0, 1], [0, 2], [0, 3]]
    lines.positions[1].tolist()  # [5e-6, 0.0] [m]
    ```
    """
    metres = as_metres(unit)
    ends = _checked_ends(wire_ends)
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    if touching is None:
        touching = _TOUCHING * float(lengths.mean())
    edges = touching_pairs(ends, float(touching))
    ends = ends * metres
    sides = None if box is None else np.asarray(box, float) * metres
    return Network(len(ends), edges, ends.mean(axis=1), wire_ends=ends, box=sides)


def _checked_ends(wire_ends: Numbers) -> Float64[np.ndarray, "wires 2 2"]:
    ends = np.asarray(wire_ends, float)
    if ends.shape[1:] not in ((4,), (2, 2)) or not len(ends):
        raise ValueError(
            "`wire_ends` must be both ends of each wire, of shape (n_wires, 2, 2) or (n_wires, 4) as x0, "
            f"y0, x1, y1, got shape {ends.shape}."
        )
    ends = ends.reshape(-1, 2, 2)
    bad = np.flatnonzero(~np.isfinite(ends).all(axis=(1, 2)))
    if bad.size:
        raise ValueError(
            f"`wire_ends` must be finite, but row {bad[0]} is {ends[bad[0]].ravel().tolist()} ({bad.size} "
            "such rows in all): leave out wires of which an end is not known."
        )
    points = np.flatnonzero((ends[:, 0] == ends[:, 1]).all(axis=1))
    if points.size:
        raise ValueError(
            f"`wire_ends` must be two points for each wire, but row {points[0]} is "
            f"{ends[points[0], 0].tolist()} twice ({points.size} such rows in all): leave out wires of no "
            "length."
        )
    return ends
