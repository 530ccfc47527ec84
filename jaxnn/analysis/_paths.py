"""Which way the current goes, and when each junction joined in."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Float, Int

from .._core import Declared, Numbers, arguments
from .._networks import Network, checked_node, lightest_path
from .._simulation import Solution
from ._of_solution import Junctions, passive_of, recorded


@arguments.checked(
    time=arguments.either(Solution, arguments.real(known=True)),
    values=arguments.real(known=True, finite=False),
    level=arguments.real(ndim=0, known=True),
)
def activation_times(
    time: Numbers | Solution,
    values: Numbers | None = None,
    level: float | int | None = None,
    *,
    network: Junctions = None,
) -> Float[np.ndarray, "..."]:
    """Finds the first time at which each of the values exceeds `level`; NaN for those that never do.

    ```python
    times = jaxnn.analysis.activation_times(solution, level=1e-7)
    times.shape == (network.n_junctions,)  # True
    ```

    - `time`: `(times,)` [s], or a `jaxnn.Solution` that recorded "junction_conductance", which has the
      values and the network too.
    - `values`: `(times, ...)`, as the conductances of all junctions [S].
    - `network`: the `Network`, `Ensemble` or `Solution` whose junctions the last axis counts. Passive ones
      are never activated, NaN; without it they are above a level from the start.

    Raises a `ValueError` if the first axes differ, or for a network of other junctions.
    """
    if isinstance(time, Solution):
        if values is not None:
            raise ValueError("a Solution has its values: activation_times(solution, level=...).")
        values, network, time = recorded(time, "junction_conductance", 2), time, time.time
    if level is None:
        raise ValueError("activation_times needs the level to exceed, as in level=1e-6.")
    time, values = np.asarray(time, float), np.asarray(values)
    if time.ndim != 1 or values.shape[:1] != time.shape:
        raise ValueError(f"values need time first, {time.shape}, got shape {values.shape}.")
    above = values > level
    if network is not None:
        above = above & ~passive_of(network, values.shape[-1])
    return np.where(above.any(axis=0), time[np.argmax(above, axis=0)], np.nan)


@arguments.checked(
    conductance=arguments.real(known=True), terminals=arguments.whole_numbers(), with_passive=arguments.flag
)
def least_resistance_path(
    network: Declared[Network | Solution],
    conductance: Numbers | None = None,
    terminals: Declared[Sequence[int] | Array | np.ndarray | None] = None,
    *,
    with_passive: bool = True,
) -> Int[np.ndarray, " path"]:
    """Finds the junctions, from the first to the second terminal, of the path with the least resistance.

    The resistance of a path is the sum over its junctions of 1/g: that of the path alone, without the
    rest of the network beside it. Of parallel junctions, the best conductor.

    - `network`: or a `jaxnn.Solution`, which has its terminals, and its last conductances if it recorded
      "junction_conductance".
    - `conductance`: one per junction [S], positive.
    - `with_passive`: whether passive junctions of the path, the leads of pads, are among the result.

    Raises a `ValueError` for conductances that do not fit or are not positive, or if there is no path.

    ```python
    path = jaxnn.analysis.least_resistance_path(solution)
    len(path) >= network.path_length(*setup["terminals"])  # True
    ```
    """
    if isinstance(network, Solution):
        if conductance is None:
            conductance = recorded(network, "junction_conductance", 2)[-1]
        terminals = network.terminals[:2] if terminals is None else terminals
        network = network.network
    if not isinstance(network, Network):
        raise ValueError(f"network must be one Network or its Solution, got {type(network).__name__}.")
    g = np.asarray(conductance, float)
    if g.shape != (network.n_junctions,) or not np.all(g > 0):
        raise ValueError(
            f"conductance must be positive, one per junction ({network.n_junctions},), got {g.shape}."
        )
    if terminals is None or np.shape(terminals) != (2,):
        raise ValueError(f"terminals must be two wires, where the path starts and ends, got {terminals}.")
    source, drain = (checked_node(network.n_nodes, node) for node in np.asarray(terminals))
    path = lightest_path(network.topology, 1 / g, source, drain)
    return path if with_passive else path[~network.passive[path]]
