"""Networks of wires deposited at random."""

import decimal
import math
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from .._core import Count, arguments, check_room, check_wires_in_box, unit
from .geometry import crossing_fractions
from .network import Network
from .topology import ArrayInput


_SIZE, _ONE = arguments.real(finite=False, known=True), arguments.real(ndim=0, finite=False, known=True)
# What a wire takes, and what each wire that lies near enough to another to be looked at [B].
_BYTES_OF_WIRE, _BYTES_OF_CANDIDATE = 300, 100


@arguments.checked(
    box=_SIZE,
    length_mean=_ONE,
    length_std=_ONE,
    density=_ONE,
)
def nanowire_network(
    n_wires: Count | None = None,
    box: Annotated[ArrayInput, unit("m")] = (100e-6, 100e-6),
    length_mean: Annotated[float | int, unit("m")] = 10e-6,
    length_std: Annotated[float | int, unit("m")] = 1e-6,
    seed: Count = 0,
    *,
    density: Annotated[float | int | None, unit("1/m^2")] = None,
) -> Network:
    """Drops straight wires at random on a box and joins those that cross.

    Lengths follow a gamma distribution, centres are uniform in the box, angles uniform in
    [0, pi). Wires that stick out are kept whole. Of the result, the largest connected component
    is kept, so that it has somewhat fewer wires than were dropped. The draws are those of the
    generator published with Hochstetter et al., Nature Communications 12, 4008 (2021), so that a
    seed gives the same network. Junctions are (a, b) with a < b, sorted by a, then b.

    **Arguments:**

    - `n_wires`: the number of wires dropped; or else
    - `density`: wires per area [1/m^2], of which the whole number that fits the box is dropped.
    - `box`: width and height [m], or one number for a square.
    - `length_mean`, `length_std`: of the wires [m].
    - `seed`: of NumPy's legacy generator.

    **Raises:** `ValueError` for sizes that make no sense, unless exactly one of `n_wires` and
    `density` is given, if no two wires cross, or, before any is drawn, for more wires and crossings than
    half of the free memory holds.

    ```python
    network = jaxnn.nanowire_network(14, box=10e-6, seed=0)
    network.n_nodes  # 13
    network.n_junctions  # 39
    jaxnn.nanowire_network(density=1.5e11, box=10e-6).n_nodes  # 15
    ```
    """
    wires = deposited(n_wires, box, length_mean, length_std, seed, density)
    return network_of_deposit(wires, crossings(wires.ends))


class Deposit(NamedTuple):
    """Wires that were dropped, in micrometres, in their order."""

    centres: Float64[np.ndarray, "wires 2"]
    ends: Float64[np.ndarray, "wires 2 2"]
    sides: tuple[float, float]  # [m] of the box


def deposited(
    n_wires: Count | None,
    box: ArrayInput,
    length_mean: float | int,
    length_std: float | int,
    seed: Count,
    density: float | int | None,
) -> Deposit:
    """Drops the wires of `jaxnn.nanowire_network`; raises a `ValueError` as that says."""
    _check_lengths(length_mean, length_std)
    sides = checked_sides(box)
    check_wires_in_box(float(length_mean), sides)
    width, height, mean, std = map(_micrometres, (*sides, length_mean, length_std))
    n = _wire_count(n_wires, density, width * height)
    number = arguments.as_count("`seed`", seed, least=0)
    if number >= 2**32:
        raise ValueError(f"`seed` of NumPy's legacy generator must be below 2**32, got {number}.")
    _check_crossings(n, (width, height), mean, std)
    return Deposit(*_deposit(n, (width, height), mean, std, number), sides)


def network_of_deposit(wires: Deposit, edges: Int[np.ndarray, "edges 2"]) -> Network:
    """The largest part of the network that wires and their junctions make."""
    if not len(edges):
        width, height = (f"{side * 1e6:g}" for side in wires.sides)
        raise ValueError(
            f"None of the {len(wires.ends)} wires in a box of {width} x {height} µm cross, so that "
            "there is no junction; raise `n_wires`, `density` or `length_mean`."
        )
    ends, centres = wires.ends * 1e-6, wires.centres * 1e-6
    return Network(len(ends), edges, centres, wire_ends=ends, box=wires.sides).largest_component()


def _check_crossings(n: int, box: tuple[float, float], mean: float, std: float) -> None:
    r"""Raises a `ValueError` for more wires than there is room for, by the expected number of crossings.

    Two wires with centres anywhere in an area A cross with probability $2 L_1 L_2 / \pi A$ (Buffon), less
    what lies beyond the edges: the centres of two that cross are 0.38 L apart in the mean, $L / \sqrt 6$ in
    the root of the mean square. Each is compared with those that are no further away than its length.
    """
    width, height = box
    area = width * height
    inside = 1 - 2 / np.pi * 0.38 * mean * (1 / width + 1 / height) + mean**2 / (6 * np.pi * area)
    crossing = min(1.0, 2 * mean**2 / (np.pi * area) * max(inside, 0.2))
    near = min(1.0, np.pi * (mean**2 + std**2) / area)
    # In whole numbers, because no float is as large as the square of what users can ask for.
    candidates, joined = (n * n * math.ceil(share * 2**40) // 2**40 for share in (near, crossing / 2))
    check_room(
        f"{_written(n)} wires of {mean:g} µm in a box of {width:g} x {height:g} µm, with about "
        f"{_written(joined)} junctions,",
        n * _BYTES_OF_WIRE + candidates * _BYTES_OF_CANDIDATE,
        "take fewer wires, or a larger box",
    )


def _written(count: int) -> str:
    return f"{count:,}" if count < 10**6 else f"{decimal.Decimal(count):.1e}"


def _deposit(
    n: int, box: tuple[float, float], mean: float, std: float, seed: int
) -> tuple[Float64[np.ndarray, "nodes 2"], Float64[np.ndarray, "nodes 2 2"]]:
    """Centres and ends of `n` wires, in the unit of `box`, `mean` and `std`."""
    # The order of the draws, and their unit of micrometres, are what fix a seed's network.
    random = np.random.RandomState(seed)
    lengths = random.gamma((mean / std) ** 2, std**2 / mean, n) if std > 0 else np.full(n, mean)
    x = random.uniform(0, box[0], n)
    y = random.uniform(0, box[1], n)
    angles = random.uniform(0, np.pi, n)
    centres = np.stack([x, y], axis=1)
    half = (lengths / 2)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return centres, np.stack([centres - half, centres + half], axis=1)


def crossings(ends: Float64[np.ndarray, "nodes 2 2"]) -> Int[np.ndarray, "edges 2"]:
    """All pairs (a, b), a < b, of straight wires that touch, sorted by a, then b.

    The published rule, that the crossing of the two lines lies in the overlap of the wires'
    bounding boxes (edges included), says that it lies on both wires: p + t r = q + u s with t and
    u in [0, 1], which unlike y = A x + B has no trouble with vertical wires. Parallel wires never
    touch. The time grows in proportion to the number of wires at a given density.
    """
    a, b = _candidates(ends).T
    t, u = crossing_fractions(ends[a], ends[b])
    pairs = np.stack([a, b], axis=1)[_within_wire(t) & _within_wire(u)]
    pairs.sort(axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _candidates(ends: Float64[np.ndarray, "nodes 2 2"]) -> Int[np.ndarray, "pairs 2"]:
    from scipy.spatial import KDTree

    # The centres of two wires that touch are no further apart than half the sum of their lengths,
    # so than the length of the longer one: each wire looks for shorter ones that far away. That
    # keeps a single very long wire from widening everyone's search.
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    centres = ends.mean(axis=1)
    # The margin of 1e-9 keeps wires that only just touch among the candidates.
    near = KDTree(centres).query_ball_point(centres, lengths * (1 + 1e-9))
    longer = np.repeat(np.arange(len(lengths)), [len(found) for found in near])
    shorter = np.concatenate([np.asarray(found, np.int64) for found in near])
    rank = np.empty(len(lengths), np.int64)
    rank[np.argsort(lengths, kind="stable")] = np.arange(len(lengths))
    once = rank[shorter] < rank[longer]
    return np.stack([longer[once], shorter[once]], axis=1)


def _within_wire(t: Float64[np.ndarray, " pairs"]) -> Bool[np.ndarray, " pairs"]:
    return (t >= 0) & (t <= 1)


def _micrometres(metres: float | int) -> float:
    # 100e-6 * 1e6 is 99.99999999999999: without rounding, no seed would give the published wires.
    return float(f"{metres * 1e6:.12g}")


def _wire_count(n_wires: Count | None, density: float | int | None, area: float) -> int:
    if n_wires is not None and density is None:
        n, source = arguments.as_count("`n_wires`", n_wires, least=None), ""
    elif density is not None and n_wires is None:
        if not (np.isfinite(density) and density > 0):
            raise ValueError(f"`density` must be positive [1/m^2], got {density}.")
        # Rounded, because 1000 wires must not become 999 by 1e-13.
        n = int(float(f"{density * 1e-12 * area:.12g}"))
        source = f" from a density of {density} /m^2 on {area:g} µm^2"
    else:
        raise ValueError(
            "Give exactly one of `n_wires` and `density` (wires per square metre; 0.1 per square "
            f"micrometre is 1e11), got n_wires={n_wires} and density={density}."
        )
    if n < 2:
        raise ValueError(
            f"A network needs at least 2 wires, got {n}{source}; raise `n_wires` or `density`."
        )
    return n


def checked_sides(box: ArrayInput) -> tuple[float, float]:
    sides = np.asarray(box, dtype=float)
    if sides.shape not in ((), (2,)) or not np.all(np.isfinite(sides) & (sides > 0)):
        raise ValueError(
            "`box` must be a positive width and height (Lx, Ly) in metres, or one number for a "
            f"square, got {box!r}."
        )
    width, height = np.broadcast_to(sides, (2,)).tolist()
    return width, height


def _check_lengths(length_mean: float | int, length_std: float | int) -> None:
    if not (np.isfinite(length_mean) and length_mean > 0):
        raise ValueError(f"`length_mean` must be positive [m], got {length_mean}.")
    if not (np.isfinite(length_std) and length_std >= 0):
        raise ValueError(f"`length_std` must be zero or positive [m], got {length_std}.")
