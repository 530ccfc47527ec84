"""Networks of stiff wires that lie on one another, and so do not touch every wire that they cross."""

from typing import Annotated

import numpy as np
from jaxtyping import Float64, Int

from .._core import Count, arguments, unit
from .generate import crossings, deposited, network_of_deposit
from .geometry import crossing_fractions
from .network import Network
from .topology import ArrayInput


_ONE = arguments.real(ndim=0, finite=False, known=True)
_TOUCH = 1e-6  # [diameters]: what is nearer than that touches


@arguments.checked(
    box=arguments.real(finite=False, known=True),
    length_mean=_ONE,
    length_std=_ONE,
    density=_ONE,
    diameter=arguments.real(ndim=0, known=True, above=0),
    bend=arguments.real(ndim=0, known=True, finite=False, low=0),
)
def stacked_network(
    n_wires: Count | None = None,
    box: Annotated[ArrayInput, unit("m")] = (100e-6, 100e-6),
    length_mean: Annotated[float | int, unit("m")] = 10e-6,
    length_std: Annotated[float | int, unit("m")] = 1e-6,
    seed: Count = 0,
    *,
    density: Annotated[float | int | None, unit("1/m^2")] = None,
    diameter: Annotated[float | int, unit("m")] = 50e-9,
    bend: Annotated[float | int, unit("m")] = 0.0,
) -> Network:
    r"""Drops straight wires one after the other, each to rest on those below, and joins those that touch.

    The wires are those of `jaxnn.nanowire_network`, in their order, but have a height. A stiff wire
    comes to rest on two supports, one on either side of its middle: wires below, or the substrate under its
    ends. Its middle lies as low as it can,

    $$\min_{c, m} c \quad\text{with}\quad c + m s_k \ge z_k + d, \qquad c \pm m \ell / 2 \ge 0$$

    for the wires that it crosses at $s_k$ from its middle, where their middle lines are at $z_k$. It
    touches those of which it is no further away than `bend`: the two supports of a stiff wire, and what is
    level with them; all crossings of one that bends down to them. So a network goes from three dimensions
    (`bend=0`) to two (`bend=math.inf`, that of `jaxnn.nanowire_network`). Ends are
    projected on the plane: slopes are small.

    The stacking that Daniels et al., Neural Networks 154, 122 (2022), compare with planar networks, in our
    own model: of theirs we had the abstract.

    **Arguments:** as `jaxnn.nanowire_network`, and

    - `diameter`: of the wires [m].
    - `bend`: how far a wire bends down to what it crosses [m], infinity for all the way.

    **Raises:** `ValueError` as `jaxnn.nanowire_network`, and for a diameter that is not positive.

    ```python
    stiff = jaxnn.stacked_network(100, box=20e-6, seed=0)
    planar = jaxnn.nanowire_network(100, box=20e-6, seed=0)
    stiff.n_junctions < planar.n_junctions / 2  # True
    ```
    """
    wires = deposited(n_wires, box, length_mean, length_std, seed, density)
    pairs = crossings(wires.ends)
    touching = _gaps(wires.ends, pairs, float(diameter) * 1e6) <= (bend + _TOUCH * diameter) * 1e6
    return network_of_deposit(wires, pairs[touching])


def _gaps(
    ends: Float64[np.ndarray, "wires 2 2"], pairs: Int[np.ndarray, "pairs 2"], diameter: float
) -> Float64[np.ndarray, " pairs"]:
    """How far above the lower wire of each pair the higher one is where they cross."""
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    lower, upper = pairs.T  # the one that fell first has the smaller number
    at_lower, at_upper = crossing_fractions(ends[lower], ends[upper])
    along_lower, along_upper = (at_lower - 0.5) * lengths[lower], (at_upper - 0.5) * lengths[upper]
    order = np.argsort(upper, kind="stable")
    first = np.searchsorted(upper[order], np.arange(len(lengths) + 1))
    centre, slope, gaps = np.zeros(len(lengths)), np.zeros(len(lengths)), np.zeros(len(pairs))
    for wire in range(len(lengths)):
        mine = order[first[wire] : first[wire + 1]]
        below = lower[mine]
        tops = centre[below] + slope[below] * along_lower[mine] + diameter
        places = along_upper[mine]
        centre[wire], slope[wire] = _at_rest(places, tops, lengths[wire])
        gaps[mine] = centre[wire] + slope[wire] * places - tops
    return gaps


def _at_rest(places: np.ndarray, tops: np.ndarray, length: float) -> tuple[float, float]:
    """Height of the middle and slope of a stick that lies on points and on a plane under its ends."""
    s, z = np.append(places, [-length / 2, length / 2]), np.append(tops, [0.0, 0.0])
    left, right = np.flatnonzero(s <= 0), np.flatnonzero(s > 0)
    a, b = (x.ravel() for x in np.meshgrid(left, right, indexing="ij"))
    if not len(a):
        return 0.0, 0.0  # a wire without length, which nothing crosses
    slope = (z[b] - z[a]) / (s[b] - s[a])
    middle = z[a] - slope * s[a]
    # A point right under the middle holds the stick with any slope: the one that clears the others.
    best = np.flatnonzero(middle >= middle.max() * (1 - 1e-12))
    clearance = (middle[best, None] + slope[best, None] * s - z).min(axis=1)
    chosen = best[np.argmax(clearance)]
    return float(middle[chosen]), float(slope[chosen])
