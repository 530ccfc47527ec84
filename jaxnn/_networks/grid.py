"""Square grids of nodes, with a diagonal in every cell."""

import random
from typing import Annotated

import numpy as np

from .._core import Count, arguments, check_room, unit
from .network import Network


# What a node and its three or four junctions take, as arrays and as Python numbers on the way [B].
_BYTES_OF_NODE = 800


@arguments.checked(
    diagonals=arguments.flag,
    spacing=arguments.real(ndim=0, above=0, known=True),
)
def grid_network(
    rows: Count,
    columns: Count,
    diagonals: bool = True,
    seed: Count = 0,
    *,
    spacing: Annotated[float | int, unit("m")] = 1e-6,
) -> Network:
    """Builds a square grid of nodes, with a diagonal in every cell, one of the two at random.

    A coarse model of a dense film: a node is a piece of it, not a wire. Node (i, j) of row i and column j
    has the number i * `columns` + j. Junctions are (a, b) with a < b, sorted by a, then b. Of a square
    grid, the diagonals are those of the code published with Milano et al., Nature Materials 21, 195 (2022),
    whose seed is 2.

    **Arguments:**

    - `rows`, `columns`: the numbers of nodes, at least one of them 2.
    - `diagonals`: whether cells have one.
    - `seed`: of Python's generator, which chooses each cell's.
    - `spacing`: of neighbours [m]; it sets positions alone.

    **Raises:** `ValueError` for fewer than two nodes, a spacing that is not positive, or more nodes than
    half of the free memory holds.

    ```python
    network = jaxnn.grid_network(3, 4, seed=2)
    network.n_nodes  # 12
    network.n_junctions  # 23
    jaxnn.grid_network(3, 4, diagonals=False).n_junctions  # 17
    ```
    """
    n_rows, n_columns = arguments.as_count("`rows`", rows), arguments.as_count("`columns`", columns)
    number = arguments.as_count("`seed`", seed, least=0)
    if n_rows * n_columns < 2:
        raise ValueError(
            "A network needs at least 2 nodes, got a grid of 1 x 1; raise `rows` or `columns`."
        )
    check_room(
        f"A grid of {n_rows:,} x {n_columns:,} nodes", n_rows * n_columns * _BYTES_OF_NODE, "take fewer"
    )
    node = np.arange(n_rows * n_columns).reshape(n_rows, n_columns)
    pairs = [(node[:, :-1], node[:, 1:]), (node[:-1], node[1:])]
    if diagonals:
        # randint, because its draws are those of the published graphs.
        draw = random.Random(number).randint
        cells = (n_rows - 1) * (n_columns - 1)
        rising = np.array([draw(0, 1) for _ in range(cells)], bool).reshape(n_rows - 1, n_columns - 1)
        pairs.append(
            (np.where(rising, node[:-1, 1:], node[:-1, :-1]), np.where(rising, node[1:, :-1], node[1:, 1:]))
        )
    edges = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in pairs])
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    positions = np.stack([node % n_columns, node // n_columns], axis=-1).reshape(-1, 2) * float(spacing)
    return Network(n_rows * n_columns, edges, positions)
