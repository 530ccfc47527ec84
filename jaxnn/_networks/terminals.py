"""Ways to choose the source and the drain of a network."""

import functools as ft
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64

from .._core import Declared, arguments
from .connectivity import require_connected
from .network import Network
from .paths import PathLengths


# Pairs are looked at this many second terminals at a time, so that memory grows with n, not n^2.
_CHUNK = 512


@arguments.checked(by=arguments.word("distance", "hops"))
def farthest_pair(
    network: Declared[Network], by: Literal["distance", "hops"] = "distance"
) -> tuple[int, int]:
    """Finds the two wires (source, drain) that lie farthest apart.

    `by="distance"` compares wire centres, `by="hops"` path lengths. Of equal pairs, the one with
    the lowest drain, then the lowest source, as in the code published with Hochstetter et al.,
    Nature Communications 12, 4008 (2021): so the source is the larger number.

    **Raises:** `ValueError` if the network is not connected, has one wire only, or has no
    positions to compare.

    ```python
    source, drain = jaxnn.farthest_pair(network)
    (source, drain)  # (9, 2)
    jaxnn.farthest_pair(network, by="hops")  # (9, 2)
    ```
    """
    _check_network(network)
    if by == "hops":
        return _farthest_hops(network)
    if by != "distance":
        raise ValueError(f'`by` must be "distance" or "hops", got {by!r}.')
    if network.positions is None:
        raise ValueError(
            "The farthest pair by distance needs the positions of the wires, and this network has "
            'none; give them to `Network`, or use `by="hops"`.'
        )
    return _farthest_centres(network.positions)


@arguments.checked(path_length=arguments.count(None))
def pair_at(network: Declared[Network], path_length: int) -> tuple[int, int]:
    """Finds two wires (source, drain) at a given path length, their centres farthest apart of all such.

    Ties are broken as in `farthest_pair`; without positions, all pairs are tied.

    **Raises:** `ValueError` if the network is not connected or no pair is that far apart.

    ```python
    source, drain = jaxnn.pair_at(network, 2)
    network.path_length(source, drain)  # 2
    ```
    """
    _check_network(network)
    if path_length < 1:
        raise ValueError(f"`path_length` must be at least 1, got {path_length}.")
    lengths = PathLengths(network.topology)
    allowed = ft.partial(lengths.at, path_length)
    pair = _farthest_allowed(network.n_nodes, allowed, network.positions)
    if pair is None:
        raise ValueError(
            f"No two wires of this network are {path_length} junctions apart: the largest path "
            f"length is {lengths.longest()[0]}. Choose a smaller one."
        )
    return pair


@arguments.checked(count=arguments.count(), seed=arguments.seed)
def random_terminals(network: Declared[Network], count: int = 2, seed: int = 0) -> tuple[int, ...]:
    """Draws `count` different wires at random, all equally likely.

    **Raises:** `ValueError` if the network is not connected or has fewer wires than asked for.

    ```python
    terminals = jaxnn.random_terminals(network, 3, seed=0)
    len(terminals)  # 3
    ```
    """
    _check_network(network)
    if not 2 <= count <= network.n_nodes:
        raise ValueError(
            f"`count` must be between 2 and the number of wires, {network.n_nodes}, got {count}."
        )
    chosen = np.random.default_rng(seed).choice(network.n_nodes, count, replace=False)
    return tuple(chosen.tolist())


def _check_network(network: Declared[Network]) -> None:
    arguments.one_of(Network)("network", network)
    require_connected(network.components())
    if network.n_nodes < 2:
        raise ValueError("Terminals need at least two wires, but the network has one.")


def _farthest_hops(network: Network) -> tuple[int, int]:
    lengths = PathLengths(network.topology)
    longest, drain = lengths.longest()
    if longest == 0:
        # All wires are joined by passive junctions: every pair is tied.
        return 1, 0
    return int(np.argmax(lengths.at(longest, np.array([drain])))), drain


def _farthest_centres(positions: Float64[np.ndarray, "nodes 2"]) -> tuple[int, int]:
    from scipy.spatial.distance import cdist

    # No wire can be farther from another than from some corner of the bounding box. Wires for
    # which even that falls short of a distance that is known to occur drop out.
    low, high = positions.min(axis=0), positions.max(axis=0)
    corners = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    bound = cdist(positions, corners).max(axis=1)
    known = cdist(positions, positions[[np.argmax(bound)]]).max()
    kept = np.flatnonzero(bound >= known * (1 - 1e-9))
    others = lambda drains: np.arange(len(kept))[:, None] != drains
    pair = _farthest_allowed(len(kept), others, positions[kept])
    # Both ends of the known distance are among the kept.
    assert pair is not None
    return int(kept[pair[0]]), int(kept[pair[1]])


def _farthest_allowed(
    n_nodes: int,
    allowed: Callable[[np.ndarray], Bool[np.ndarray, "nodes drains"]],
    positions: Float64[np.ndarray, "nodes 2"] | None,
) -> tuple[int, int] | None:
    """The first pair with the largest distance among those allowed, drain by drain; else None."""
    from scipy.spatial.distance import cdist

    best, pair = -1.0, None
    for start in range(0, n_nodes, _CHUNK):
        drains = np.arange(start, min(start + _CHUNK, n_nodes))
        mask = allowed(drains)
        distances = mask * 1.0 if positions is None else cdist(positions, positions[drains])
        # Transposed, because the first hit is the one with the lowest drain.
        candidates = np.where(mask, distances, -1.0).T
        drain, source = np.unravel_index(np.argmax(candidates), candidates.shape)
        if candidates[drain, source] > best:
            best, pair = candidates[drain, source], (int(source), int(drains[drain]))
        if positions is None and pair is not None:
            break
    return pair
