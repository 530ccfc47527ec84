"""Lattices and random graphs, as networks to compare those of wires with."""

import itertools
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from jaxtyping import Float64

from .._core import Count, Declared, arguments, check_room, unit
from .generate import checked_sides
from .network import Network
from .topology import ArrayInput


# NetworkX is imported inside the functions: `import jaxnn` is faster without it.
if TYPE_CHECKING:
    from networkx import Graph
else:
    Graph = Any


_BYTES_OF_EDGE = 600  # of a graph of NetworkX
_BEHIND = (0.35, 0.25)  # [spacings] by which a layer of a cubic lattice is drawn off the one below


@arguments.checked(
    shape=arguments.whole_numbers(ndim=1, low=1),
    kind=arguments.word("square", "triangular", "hexagonal", "cubic"),
    spacing=arguments.real(ndim=0, known=True, above=0),
)
def lattice_network(
    shape: Declared[Sequence[int]],
    kind: Literal["square", "triangular", "hexagonal", "cubic"] = "square",
    spacing: Annotated[float | int, unit("m")] = 1e-6,
) -> Network:
    """Makes a regular lattice: its nodes are wires, its edges junctions.

    Inside, a node has four neighbours in a square lattice, six in a triangular one, three in a hexagonal
    one and six in a cubic one; at the edges it has fewer. Nodes are numbered row by row from below, and
    layer by layer. Junctions are (a, b) with a < b, sorted by a, then b.

    **Arguments:**

    - `shape`: rows and columns of nodes; of "hexagonal", of hexagons; layers, rows and columns of "cubic".
    - `kind`: of the lattice.
    - `spacing`: of neighbours [m]. The layers of a cubic lattice have positions beside one another.

    **Raises:** `ValueError` for another number of sizes than the kind has, or a single node.

    ```python
    jaxnn.lattice_network((3, 4)).n_junctions  # 17
    jaxnn.lattice_network((2, 3, 4), "cubic").n_nodes  # 24
    ```
    """
    import networkx as nx

    sizes = tuple(int(x) for x in np.asarray(shape))
    wanted = 3 if kind == "cubic" else 2
    if len(sizes) != wanted:
        raise ValueError(f"shape of a {kind} lattice must be {wanted} whole numbers, got {sizes}.")
    size = 4 * _BYTES_OF_EDGE * int(np.prod(sizes, dtype=float))
    check_room(f"A {kind} lattice of {sizes}", size, "make it smaller")
    if kind == "hexagonal":
        graph = nx.hexagonal_lattice_graph(sizes[0], sizes[1])
        places = nx.get_node_attributes(graph, "pos")
        # By rows, whose heights NetworkX rounds each by itself.
        nodes = sorted(places, key=lambda node: (round(places[node][1], 6), places[node][0]))
        return _network(graph, nodes, spacing * np.array([places[node] for node in nodes]))
    nodes = list(itertools.product(*map(range, sizes)))
    if len(nodes) < 2:
        raise ValueError(f"shape must have two nodes or more, got {sizes}.")
    graph: Graph = nx.grid_graph(list(sizes[::-1]))
    if kind == "triangular":
        # Every second row is shifted by half a spacing.
        graph.add_edges_from(
            ((row, column + (row % 2 == 0)), (row + 1, column + (row % 2 == 1)))
            for row, column in itertools.product(range(sizes[0] - 1), range(sizes[1] - 1))
        )
    return _network(graph, nodes, spacing * _places(np.array(nodes, float), kind))


@arguments.checked(
    n_nodes=arguments.count(2),
    kind=arguments.word("small-world", "uniform", "geometric"),
    degree=arguments.real(ndim=0, known=True, above=0),
    rewiring=arguments.real(ndim=0, known=True, low=0, high=1),
    box=arguments.real(finite=False, known=True),
    seed=arguments.count(0),
)
def random_graph_network(
    n_nodes: Count,
    kind: Literal["small-world", "uniform", "geometric"] = "small-world",
    degree: float | int = 4,
    *,
    rewiring: float | int = 0.1,
    box: Annotated[ArrayInput, unit("m")] = (100e-6, 100e-6),
    seed: Count = 0,
) -> Network:
    r"""Draws a random graph of a mean degree, and keeps its largest connected part.

    - "small-world": a ring on which each node has its `degree` nearest neighbours, of whose junctions a
      share is rewired (Watts and Strogatz, Nature 393, 440, 1998). Nodes lie on a circle.
    - "uniform": any two nodes are joined with one probability, `degree` / (`n_nodes` - 1) (Gilbert, Ann.
      Math. Stat. 30, 1141, 1959; the model of Erdős and Rényi). Positions are drawn, and mean nothing.
    - "geometric": nodes anywhere in the box are joined where they lie nearer than
      $r = \sqrt{k A / (\pi (n - 1))}$, which gives those away from the edges the mean degree k.

    Junctions are (a, b) with a < b, sorted by a, then b; `wires` has the numbers before parts were dropped.

    **Arguments:**

    - `n_nodes`: how many are drawn.
    - `kind`: of the graph.
    - `degree`: mean number of neighbours; of "small-world" an even whole number.
    - `rewiring`: share of junctions of "small-world" that are rewired; else not used.
    - `box`: width and height [m], or one number for a square.
    - `seed`: of the draws.

    **Raises:** `ValueError` for a degree that the nodes cannot have, and for a graph without any junction.

    ```python
    jaxnn.random_graph_network(100, seed=1).n_junctions  # 200
    jaxnn.random_graph_network(100, "geometric", degree=8, seed=1).n_nodes  # 100
    ```
    """
    import networkx as nx

    n, number, mean = int(n_nodes), int(seed), float(degree)
    sides = np.array(checked_sides(box))
    if mean > n - 1:
        raise ValueError(f"degree must be at most {n - 1}, the others of {n} nodes, got {mean:g}.")
    check_room(f"A graph of {n:,} nodes", int(_BYTES_OF_EDGE * n * (1 + mean / 2)), "draw fewer")
    if kind == "small-world":
        if mean % 2 or mean < 2:
            raise ValueError(f"degree of a small-world network must be even, 2, 4, ..., got {mean:g}.")
        graph = nx.watts_strogatz_graph(n, int(mean), float(rewiring), number)
        angle = 2 * np.pi * np.arange(n) / n
        share = 0.5 + 0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return _largest(graph, share * sides, sides)
    share = np.random.default_rng(number).random((n, 2))
    if kind == "uniform":
        return _largest(nx.fast_gnp_random_graph(n, mean / (n - 1), number), share * sides, sides)
    radius = np.sqrt(mean * sides.prod() / (np.pi * (n - 1)))
    graph = nx.random_geometric_graph(n, radius, pos=dict(enumerate(share * sides)))
    return _largest(graph, share * sides, sides)


def _places(nodes: Float64[np.ndarray, "nodes axes"], kind: str) -> Float64[np.ndarray, "nodes 2"]:
    """Positions of the nodes of a lattice by their numbers, in spacings."""
    layer = nodes[:, 0] if kind == "cubic" else np.zeros(len(nodes))
    row, column = nodes[:, -2:].T
    if kind == "triangular":
        return np.stack([column + 0.5 * (row % 2), np.sqrt(0.75) * row], axis=1)
    return np.stack([column + _BEHIND[0] * layer, row + _BEHIND[1] * layer], axis=1)


def _network(graph: Graph, nodes: Sequence[Hashable], positions: np.ndarray) -> Network:
    number = {node: k for k, node in enumerate(nodes)}
    edges = sorted(sorted((number[a], number[b])) for a, b in graph.edges())
    return Network(len(nodes), np.array(edges, np.int64).reshape(-1, 2), positions)


def _largest(graph: Graph, positions: np.ndarray, sides: np.ndarray) -> Network:
    if not graph.number_of_edges():
        raise ValueError("the graph that was drawn has no junction: give a higher degree, or more nodes.")
    whole = _network(graph, range(len(positions)), positions)
    return Network(whole.n_nodes, whole.edges, positions, box=sides).largest_component()
