"""A network of wires (nodes) joined by junctions (edges)."""

from typing import Any, SupportsIndex

import equinox as eqx
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Bool, Float, Float64, Int, Int32, Int64
from scipy.sparse import sparray, spmatrix

from .._core import (
    FilePath,
    Module,
    Number,
    Numbers,
    arguments,
    as_inexact,
    check_at_least,
    check_conductance,
    concrete,
    load_arrays,
    loading,
    save_arrays,
    unit,
    warn_rounded,
)
from .adjacency import adjacency_entries
from .connectivity import checked_node, checked_terminals, component_labels
from .pads import pad_contacts
from .paths import shortest_path
from .topology import ArrayInput, Topology, pair_keys


_MATRIX = arguments.either((sparray, spmatrix), arguments.real(ndim=2, known=True, finite=False))


class Network(Module):
    """A network of wires and of the junctions where they cross.

    Junction `k` joins the wires `edges[k] = (a, b)`. The order and the orientation of `edges` are
    kept everywhere: the voltage of junction `k` is the potential of `a` less that of `b` [V]. Where
    several junctions join the same two wires, in either orientation, they act in parallel, each with
    a conductance, a voltage and a state of its own.

    The structure is static: a compiled function is reused for an equal network, however it was
    built. The conductances of passive junctions are numbers: they may be batched and
    differentiated.

    ```python
    network = jaxnn.Network(3, [(0, 1), (1, 2), (0, 2)])
    network.n_junctions  # 3
    network.path_length(0, 2)  # 1
    ```
    """

    topology: Topology = eqx.field(static=True)
    """Wires, junctions and geometry, which are static."""
    passive_conductance: Float[Number, " passive"] = eqx.field(metadata=unit("S"))
    """Conductances of the passive junctions, in the order of `edges` [S], not negative."""
    _wires: bytes | None = eqx.field(static=True, repr=False)

    @arguments.checked(
        n_nodes=arguments.count(None),
        edges=arguments.real(known=True, finite=False),
        positions=arguments.real(known=True, finite=False),
        wire_ends=arguments.real(known=True, finite=False),
        box=arguments.real(known=True, finite=False),
        passive=arguments.real(known=True, finite=False),
        passive_conductance=arguments.real(finite=False),
        wires=arguments.whole_numbers(),
    )
    def __init__(
        self,
        n_nodes: SupportsIndex,
        edges: ArrayInput,
        positions: ArrayInput | None = None,
        *,
        wire_ends: ArrayInput | None = None,
        box: ArrayInput | None = None,
        passive: ArrayInput | None = None,
        passive_conductance: ArrayInput | None = None,
        wires: ArrayInput | None = None,
    ):
        """**Arguments:**

        - `n_nodes`: the number of wires, which are numbered from 0.
        - `edges`: the two wires of each junction, integers of shape `(n_junctions, 2)`.
        - `positions`: the centres of the wires [m], shape `(n_nodes, 2)`.
        - `wire_ends`: both ends of each wire [m], shape `(n_nodes, 2, 2)`, for plotting; a node
          that is not a wire has NaN.
        - `box`: the size `(Lx, Ly)` [m] of the area, whose lower left corner is the origin.
        - `passive`: a boolean mask of the junctions that have a fixed conductance.
        - `passive_conductance`: the conductances [S] of the passive junctions in the order of
          `edges`, or one for all. Numbers and NumPy arrays take the dtype of what they are
          combined with; a JAX array keeps its own.
        - `wires`: the number of each wire in the network that this one is a part of, -1 for none.

        **Raises:** `ValueError` for edges of the wrong shape or type, out of range, or joining a wire
        to itself; for geometry of the wrong shape or not finite; for passive conductances that are
        missing, negative or not finite. A list of all pairs in both orientations, as adjacency lists
        are, is taken as two junctions each, with a warning.
        """
        self.topology = Topology(n_nodes, edges, positions, wire_ends=wire_ends, box=box, passive=passive)
        n_passive = int(self.topology.passive.sum())
        self.passive_conductance = _passive_array(passive_conductance, n_passive)
        # As bytes, which compare and hash by content.
        self._wires = None if wires is None else _checked_wires(wires, self.topology.n_nodes).tobytes()

    def __check_init__(self):
        values = concrete(self.passive_conductance)
        if values is None:
            return
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
        if bad.size:
            junction = np.flatnonzero(self.passive)[bad[0]]
            a, b = self.edges[junction]
            raise ValueError(
                "`passive_conductance` must be finite and not negative [S], got "
                f"{values[bad[0]]} for junction {junction} = ({a}, {b}); to remove a junction, "
                "leave it out of `edges`."
            )
        check_conductance("passive_conductance", self.passive_conductance)

    @classmethod
    @arguments.checked(graph=arguments.one_of(nx.Graph))
    def from_graph(cls, graph: nx.Graph) -> "Network":
        """Makes the network of a NetworkX graph, its nodes numbered in the order of iteration.

        Junctions come in the order and orientation of `graph.edges`; each edge of a `MultiGraph` is
        one. If nodes have an attribute `pos`, it is their position [m].

        **Raises:** `ValueError` if some nodes have a `pos` and others not, for a directed graph with
        edges both ways between two nodes, and as `Network`.
        """
        number = {node: k for k, node in enumerate(graph.nodes)}
        ways = graph.edges() if graph.is_directed() else ()
        both = next(((a, b) for a, b in ways if a != b and graph.has_edge(b, a)), None)
        if both is not None:
            raise ValueError(
                "A junction has no direction, but this directed graph has edges both ways between "
                f"{both[0]!r} and {both[1]!r}. If they are one junction, use `graph.to_undirected()`; "
                "if two in parallel, `networkx.MultiGraph(list(graph.edges()))`."
            )
        edges = [(number[a], number[b]) for a, b in graph.edges()]
        pos = {node: graph.nodes[node]["pos"] for node in number if "pos" in graph.nodes[node]}
        if 0 < len(pos) < len(number):
            first = next(node for node in number if node not in pos)
            raise ValueError(
                f"Either all nodes or none must have a position, but {len(number) - len(pos)} of "
                f"{len(number)} lack the attribute `pos`, the first being {first!r}."
            )
        return cls(len(number), edges, list(pos.values()) if pos else None)

    @classmethod
    @arguments.checked(matrix=_MATRIX)
    def from_adjacency(cls, matrix: Numbers, positions: ArrayInput | None = None) -> "Network":
        """Makes the network of a symmetric matrix, dense or SciPy sparse: where it is zero is no junction.

        Of booleans, True is one junction. Whole numbers of an integer type count the junctions between
        two wires. Of floating-point numbers, anything else than 0 is one junction and its value is
        not used; but a matrix of whole ones, some above 1, could be either, and is refused.

        Junctions are (a, b) with a < b, sorted by a, then b.

        **Raises:** `ValueError` unless the matrix is square, finite and symmetric with an empty
        diagonal, for negative counts, and for counts of a floating-point type.
        """
        n, rows, columns, count = adjacency_entries(matrix)
        pairs = np.stack([rows, columns], axis=1)
        return cls(n, np.repeat(pairs, count, axis=0), positions)

    @classmethod
    @arguments.checked(path=arguments.path)
    def load(cls, path: FilePath) -> "Network":
        """Reads the network that `save` wrote, equal to the one saved.

        **Raises:** `FileNotFoundError` if there is no such file; `ValueError` if it does not hold
        a network, is damaged, or would take more than half of the free memory.
        """
        arrays = load_arrays(path, "Network", REQUIRED, check_names)
        with loading(path, "Network"):
            network = network_from(arrays)
        if network.passive_conductance.dtype.itemsize < arrays["passive_conductance"].dtype.itemsize:
            warn_rounded(path, ["passive_conductance"])
        return network

    @arguments.checked(path=arguments.path)
    def save(self, path: FilePath) -> None:
        """Writes the network to one .npz file at `path`, to be read by `Network.load`."""
        save_arrays(path, "Network", network_arrays(self))

    def __repr__(self) -> str:
        passive = f", {self.passive.sum()} of them passive" if self.passive.any() else ""
        return f"Network({self.n_nodes} wires, {self.n_junctions} junctions{passive})"

    @property
    def n_nodes(self) -> int:
        """The number of wires, pads included."""
        return self.topology.n_nodes

    @property
    def n_junctions(self) -> int:
        """The number of junctions, passive ones included."""
        return len(self.topology.edges)

    @property
    def edges(self) -> Int32[np.ndarray, "edges 2"]:
        """The two wires of each junction."""
        return self.topology.edges

    @property
    def positions(self) -> Float64[np.ndarray, "nodes 2"] | None:
        """The centres of the wires [m], if known."""
        return self.topology.positions

    @property
    def wire_ends(self) -> Float64[np.ndarray, "nodes 2 2"] | None:
        """The two ends of each wire [m], if known; NaN for a pad."""
        return self.topology.wire_ends

    @property
    def box(self) -> Float64[np.ndarray, "2"] | None:
        """The size of the area [m], if known."""
        return self.topology.box

    @property
    def passive(self) -> Bool[np.ndarray, " edges"]:
        """Whether each junction has a fixed conductance."""
        return self.topology.passive

    @property
    def wires(self) -> Int64[np.ndarray, " nodes"] | None:
        """The number of each wire in the network that this one is a part of, if it is one; -1 for a pad.

        Set by `largest_component`, `component_of` and `jaxnn.nanowire_network`, which drop wires and
        number the others anew.
        """
        return None if self._wires is None else np.frombuffer(self._wires, np.int64)

    @arguments.checked(wires=arguments.real(known=True, finite=False))
    def renumbered(self, wires: ArrayInput) -> Int64[np.ndarray, "..."]:
        """Returns the numbers here of wires given by those in the network that this one is a part of.

        **Raises:** `ValueError` if one of them is no wire of this part.
        """
        old = np.asarray(wires)
        names = np.arange(self.n_nodes) if self.wires is None else self.wires
        known = np.isin(old, names) & (old >= 0)
        if not np.issubdtype(old.dtype, np.integer) or not known.all():
            raise ValueError(
                f"`wires` must be integer numbers of wires that this part kept, got {old.tolist()}, "
                f"{old[~known].tolist()} of which it did not. `network.wires` lists those it has; "
                "`component_of` on the whole network gives the part that holds a wire."
            )
        order = np.argsort(names)
        return np.asarray(order[np.searchsorted(names, old, sorter=order)], np.int64)

    def to_graph(self) -> nx.Graph:
        """Returns a NetworkX graph with the positions of the wires and the numbers of the junctions.

        Nodes have the attribute `pos` [m] if it is known, edges the number `junction` and whether they are
        `passive`. It is a `MultiGraph` if there are parallel junctions, and keeps no orientation.
        """
        keys = pair_keys(self.n_nodes, self.edges)
        graph = nx.Graph() if len(np.unique(keys)) == len(keys) else nx.MultiGraph()
        graph.add_nodes_from(range(self.n_nodes))
        if self.positions is not None:
            nx.set_node_attributes(graph, dict(enumerate(map(tuple, self.positions.tolist()))), "pos")
        pairs = zip(self.edges.tolist(), self.passive.tolist(), strict=True)
        for k, ((a, b), passive) in enumerate(pairs):
            graph.add_edge(a, b, junction=k, passive=passive)
        return graph

    def components(self) -> Int[np.ndarray, " nodes"]:
        """Numbers the components, and returns the one that each wire belongs to."""
        return component_labels(self.topology)

    def largest_component(self) -> "Network":
        """Returns the largest connected part, wires renumbered in their old order.

        Junctions keep their order and orientation, wires their geometry; `wires` has the old numbers,
        which `renumbered` translates. Of equally large parts, the one with the lowest wire.
        """
        labels = self.components()
        return self._part(labels == np.argmax(np.bincount(labels)))

    @arguments.checked(wires=arguments.whole_numbers(ndim=(0, 1)))
    def component_of(self, wires: ArrayInput) -> "Network":
        """Returns the connected part that holds a wire, or several, renumbered as in `largest_component`.

        ```python
        pairs = jaxnn.Network(4, [(0, 1), (2, 3)])
        part = pairs.component_of((2, 3))
        part.renumbered((2, 3))  # [0, 1]
        ```

        **Raises:** `ValueError` if a wire does not exist or they lie in several parts.
        """
        labels = self.components()
        numbers = np.atleast_1d(np.asarray(wires))
        if numbers.dtype == bool:
            arguments.refuse("wires", "numbers of wires", numbers)
        if not numbers.size:
            raise ValueError("`component_of` needs at least one wire, got none.")
        numbers = np.array([checked_node(self.n_nodes, wire) for wire in numbers.ravel()])
        away = numbers[labels[numbers] != labels[numbers[0]]]
        if away.size:
            raise ValueError(
                f"The wires {numbers.tolist()} lie in several components: wire {numbers[0]} is not "
                f"connected to wire {away[0]}. Ask for the component of each; `network.components()` has "
                "that of every wire."
            )
        return self._part(labels == labels[numbers[0]])

    def _part(self, keep: Bool[np.ndarray, " nodes"]) -> "Network":
        """The wires that are kept, both of every junction or neither, and the junctions between them."""
        number = np.cumsum(keep) - 1
        kept = keep[self.edges[:, 0]]
        return Network(
            int(keep.sum()),
            number[self.edges[kept]],
            None if self.positions is None else self.positions[keep],
            wire_ends=None if self.wire_ends is None else self.wire_ends[keep],
            box=self.box,
            passive=self.passive[kept],
            passive_conductance=self.passive_conductance[np.flatnonzero(kept[self.passive])],
            wires=np.flatnonzero(keep),
        )

    @arguments.checked(a=arguments.count(0), b=arguments.count(0))
    def path_length(self, a: SupportsIndex, b: SupportsIndex) -> int:
        """Returns the least number of memristive junctions on a path between two nodes.

        Passive junctions cost nothing: between two pads this is n, the graph distance less 2, in
        V_th = n V_set of Hochstetter et al., Nature Communications 12, 4008 (2021).

        **Raises:** `ValueError` if a node does not exist or there is no path.
        """
        return int((~self.passive[self.shortest_path(a, b)]).sum())

    @arguments.checked(a=arguments.count(None), b=arguments.count(None))
    def shortest_path(self, a: SupportsIndex, b: SupportsIndex) -> Int[np.ndarray, " path"]:
        """Returns the numbers of the junctions along a path with the fewest memristive ones, a to b.

        **Raises:** `ValueError` if a node does not exist or there is no path.
        """
        return shortest_path(self.topology, checked_node(self.n_nodes, a), checked_node(self.n_nodes, b))

    def check_terminals(self, terminals: ArrayInput) -> Int[np.ndarray, " terminals"]:
        """Returns `terminals` as an integer array, if they define the potential of every wire.

        **Raises:** `ValueError` unless there are at least two, distinct, in range, in one
        component, and every wire is connected to them.
        """
        return checked_terminals(terminals, self.components())

    @arguments.checked(
        fraction=arguments.real(ndim=0, known=True, finite=False), conductance=arguments.real(finite=False)
    )
    def with_pads(self, fraction: float | int, conductance: ArrayLike = 0.1) -> "Network":
        """Adds the published rectangular electrodes as the last two nodes.

        The source, node `n_nodes`, covers the wires whose centre has y >= Ly (1 - fraction), at
        the top; the drain, node `n_nodes + 1`, those with y <= Ly fraction. Each wire is joined to
        its pad by a passive junction (wire, pad) of `conductance` [S], which may be traced. These
        come last, those of the source first. Without a `box`, the bounding box of the positions
        takes its place.

        Hochstetter et al., Nature Communications 12, 4008 (2021), and the code published with it.

        **Raises:** `ValueError` without positions, for a fraction outside (0, 0.5), a conductance
        that is not positive, a pad that covers no wire, or a network with passive junctions.
        """
        if np.shape(conductance) != ():
            raise ValueError(
                "The conductance of the pads must be one number [S], the same for every contact, "
                f"got shape {np.shape(conductance)}."
            )
        check_at_least("The conductance of the pads", conductance, 0, "S", strict=True)
        contacts, positions = pad_contacts(self.topology, fraction)
        added = _passive_array(conductance, len(contacts))
        ends = self.wire_ends
        return Network(
            self.n_nodes + 2,
            np.concatenate([self.edges, contacts]),
            positions,
            wire_ends=None if ends is None else np.concatenate([ends, np.full((2, 2, 2), np.nan)]),
            box=self.box,
            passive=np.arange(self.n_junctions + len(contacts)) >= self.n_junctions,
            passive_conductance=added,
            wires=None if self.wires is None else np.append(self.wires, [-1, -1]),
        )


def _checked_wires(wires: ArrayInput, n_nodes: int) -> Int64[np.ndarray, " nodes"]:
    array = np.asarray(wires)
    if array.shape != (n_nodes,) or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"`wires` must have one integer for each of the {n_nodes} nodes, its number in the network "
            f"that this one is a part of, got shape {array.shape} of {array.dtype}."
        )
    return array.astype(np.int64)


REQUIRED = ("n_nodes", "edges", "passive", "passive_conductance")
KNOWN = (*REQUIRED, "positions", "wire_ends", "box", "wires", "passive_weak_type")


def check_names(names: set[str], prefix: str = "") -> None:
    """Raises a `ValueError` for an array that no network has."""
    if unknown := sorted(names - {prefix + name for name in KNOWN}):
        raise ValueError(f"no network has the arrays {unknown}: the file was altered, save it again.")


def network_arrays(network: Network) -> dict[str, np.ndarray]:
    """The network as named arrays for a file."""
    known = {
        "positions": network.positions,
        "wire_ends": network.wire_ends,
        "box": network.box,
        "wires": network.wires,
    }
    arrays = {
        "n_nodes": np.array(network.n_nodes),
        "edges": network.edges,
        "passive": network.passive,
        "passive_conductance": np.asarray(network.passive_conductance),
    }
    return arrays | {name: array for name, array in known.items() if array is not None}


def network_from(arrays: dict[str, np.ndarray]) -> Network:
    """The network of `network_arrays`; its passive conductances may have axes of a batch in front."""
    arrays = dict(arrays)
    values: Any = arrays.pop("passive_conductance")
    if values.dtype.kind != "f" or not values.ndim or arrays["n_nodes"].shape:
        raise ValueError(
            f"its passive conductances have shape {values.shape} of {values.dtype}, its number of nodes "
            f"{arrays['n_nodes'].shape}"
        )
    # Plain numbers are float64. Older files say of numbers of any dtype whether they were plain.
    plain = bool(arrays.pop("passive_weak_type", values.dtype == np.float64))
    first = values.reshape(-1, values.shape[-1])[0] if values.size else np.zeros(values.shape[-1])
    network = Network(int(arrays.pop("n_nodes")), passive_conductance=first, **arrays)
    if plain and values.ndim == 1:
        return network
    return eqx.tree_at(lambda n: n.passive_conductance, network, jnp.asarray(values))


def _passive_array(values: ArrayInput | None, count: int) -> Float[Number, " passive"]:
    if values is None:
        if count:
            raise ValueError(
                f"{count} junctions are `passive`, which needs their `passive_conductance` [S]: "
                "one number for all, or one for each in the order of `edges`."
            )
        return as_inexact(np.zeros(0))
    if np.shape(values) not in ((), (count,)):
        raise ValueError(
            f"`passive_conductance` must be one number or have shape ({count},), one for each "
            f"passive junction, got shape {np.shape(values)}."
        )
    if isinstance(values, jax.Array) and jnp.issubdtype(values.dtype, jnp.floating):
        return jnp.broadcast_to(values, (count,))
    return as_inexact(np.broadcast_to(np.asarray(values, dtype=float), (count,)))
