"""Which way the current goes, and when each junction joined in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .._connectivity import checked_node
from .._network import Network
from .._paths import lightest_path


def activation_times(time: Any, values: Any, level: float | int) -> Float[np.ndarray, "..."]:
    """The first time at which each of the values exceeds `level`; NaN for those that never do.

    `time`: `(times,)`; `values`: `(times, ...)`, as the conductances of all junctions [S].

    Raises a `ValueError` if their first axes differ.
    """
    time, values = np.asarray(time, float), np.asarray(values)
    if time.ndim != 1 or values.shape[:1] != time.shape:
        raise ValueError(f"values need time first, {time.shape}, got shape {values.shape}.")
    above = values > level
    return np.where(above.any(axis=0), time[np.argmax(above, axis=0)], np.nan)


def least_resistance_path(
    network: Network, conductance: Any, terminals: Sequence[Any] | Any
) -> Int[np.ndarray, " path"]:
    """The junctions, from the first to the second terminal, of the path with the least resistance.

    The resistance of a path is the sum over its junctions of 1/g: that of the path alone, without the
    rest of the network beside it.

    - `conductance`: one per junction [S], positive.

    Raises a `ValueError` for conductances that do not fit or are not positive, or if there is no path.
    """
    g = np.asarray(conductance, float)
    if g.shape != (network.n_junctions,) or not np.all(g > 0):
        raise ValueError(
            f"conductance must be positive, one per junction ({network.n_junctions},), got {g.shape}."
        )
    source, drain = (checked_node(network.n_nodes, node) for node in terminals)
    return lightest_path(network.topology, 1 / g, source, drain)
