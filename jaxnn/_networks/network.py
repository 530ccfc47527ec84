"""A network of wires (nodes) joined by junctions (edges)."""

import operator
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Bool, Float, Float64, Int, Int32, Int64

from .._core import (
    FilePath,
    Module,
    Number,
    Numbers,
    arguments,
    beside_text,
    load_arrays,
    loading,
    save_arrays,
    unit,
    warn_rounded,
)
from .adjacency import adjacency_entries
from .connectivity import checked_node, checked_terminals, component_labels, nodes_together
from .files import REQUIRED, check_names, network_arrays
from .graphs import graph_entries, graph_of
from .numbering import checked_wires, nodes_of
from .pads import contacts_under, pad_contacts, pad_rectangle
from .passive import check_passive, contact_conductances, joined_numbers, passive_array
from .paths import shortest_path
from .picture import drawn
from .topology import ArrayInput, Topology
from .wire_pieces import cut_wires, piece_conductances


if TYPE_CHECKING:
    from networkx import Graph
else:
    # NetworkX is imported inside the functions: `import jaxnn` is faster without it.
    Graph = Any


def _networkx_graph(name: str, value: Any) -> None:
    import networkx

    arguments.one_of(networkx.Graph)(name, value)


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
        pads=arguments.real(known=True, finite=False),
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
        pads: ArrayInput | None = None,
        box: ArrayInput | None = None,
        passive: ArrayInput | None = None,
        passive_conductance: ArrayInput | None = None,
        wires: ArrayInput | None = None,
    ):
        """**Arguments:**

        - `n_nodes`: the number of wires, which are numbered from 0.
        - `edges`: the two wires of each junction, integers of shape `(n_junctions, 2)`.
        - `positions`: the centres of the wires [m], shape `(n_nodes, 2)`.
        - `wire_ends`: both ends of each wire [m], shape `(n_nodes, 2, 2)`; a node that is not a
          wire has NaN.
        - `pads`: the lower left and the upper right corner of each pad that is a rectangle [m], shape
          `(n_nodes, 2, 2)`; other nodes have NaN.
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
        self.topology = Topology(
            n_nodes, edges, positions, wire_ends=wire_ends, pads=pads, box=box, passive=passive
        )
        n_passive = int(self.topology.passive.sum())
        self.passive_conductance = passive_array(passive_conductance, n_passive)
        # As bytes, which compare and hash by content.
        self._wires = None if wires is None else checked_wires(wires, self.topology.n_nodes).tobytes()

    def __check_init__(self):
        check_passive(self.passive_conductance, self.passive, self.edges)

    @classmethod
    @arguments.checked(graph=_networkx_graph)
    def from_graph(cls, graph: Graph) -> "Network":
        """Makes the network of a NetworkX graph, its nodes numbered in the order of iteration.

        Junctions come in the order and orientation of `graph.edges`; each edge of a `MultiGraph` is
        one. If nodes have an attribute `pos`, it is their position [m].

        **Raises:** `ValueError` if some nodes have a `pos` and others not, for a directed graph with
        edges both ways between two nodes, and as `Network`.
        """
        return cls(*graph_entries(graph))

    @classmethod
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

    def _repr_html_(self) -> str:
        """What a notebook shows: the wires and where they cross, if that is known."""
        return beside_text(self, drawn(self.topology))

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
    def pads(self) -> Float64[np.ndarray, "nodes 2 2"] | None:
        """The lower left and upper right corner of each pad of `with_pad` [m]; NaN for other nodes."""
        return self.topology.pads

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
        number the others anew, and by `with_wire_resistance`, which makes several nodes of a wire.
        """
        return None if self._wires is None else np.frombuffer(self._wires, np.int64)

    @arguments.checked(wires=arguments.real(known=True, finite=False))
    def renumbered(self, wires: ArrayInput) -> Int64[np.ndarray, "..."]:
        """Returns the numbers here of wires given by those in the network that this one is a part of.

        Of a wire that is cut, by `with_wire_resistance`, the node next to its middle.

        **Raises:** `ValueError` if one of them is no wire of this part.
        """
        names = np.arange(self.n_nodes) if self.wires is None else self.wires
        return nodes_of(wires, names, self.wire_ends)

    def to_graph(self) -> Graph:
        """Returns a NetworkX graph with the positions of the wires and the numbers of the junctions.

        Nodes have the attribute `pos` [m] if it is known, edges the number `junction` and whether they are
        `passive`. It is a `MultiGraph` if there are parallel junctions, and keeps no orientation.
        """
        return graph_of(self.topology)

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
        return self._part(labels == labels[nodes_together(wires, labels)[0]])

    def _part(self, keep: Bool[np.ndarray, " nodes"]) -> "Network":
        """The wires that are kept, both of every junction or neither, and the junctions between them."""
        number = np.cumsum(keep) - 1
        kept = keep[self.edges[:, 0]]
        return Network(
            int(keep.sum()),
            number[self.edges[kept]],
            None if self.positions is None else self.positions[keep],
            wire_ends=None if self.wire_ends is None else self.wire_ends[keep],
            pads=None if self.pads is None else self.pads[keep],
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
        added = contact_conductances(conductance, 1)[0]
        contacts, positions = pad_contacts(self.topology, fraction)
        ends = self.wire_ends
        return Network(
            self.n_nodes + 2,
            np.concatenate([self.edges, contacts]),
            positions,
            wire_ends=None if ends is None else np.concatenate([ends, np.full((2, 2, 2), np.nan)]),
            box=self.box,
            passive=np.arange(self.n_junctions + len(contacts)) >= self.n_junctions,
            passive_conductance=passive_array(added, len(contacts)),
            wires=None if self.wires is None else np.append(self.wires, [-1, -1]),
        )

    @arguments.checked(
        rectangle=arguments.real(known=True, finite=False),
        conductance=arguments.real(finite=False),
        side=arguments.word("left", "right", "bottom", "top"),
        fraction=arguments.real(ndim=0, known=True),
    )
    def with_pad(
        self,
        rectangle: ArrayInput | None = None,
        conductance: ArrayLike = 0.1,
        *,
        side: Literal["left", "right", "bottom", "top"] | None = None,
        fraction: float | int = 0.1,
    ) -> "Network":
        """Adds one rectangular electrode as the last node, in touch with all wires that lie under it.

        A wire lies under the pad if any part of it does, its edges included, which the ends of the wires
        decide and not their centres. Each is joined to the pad by a passive junction (wire, pad) of
        `conductance` [S], which may be traced; these come last. Call it once for each pad: they may
        overlap, and a wire under two of them is joined to both.

        **Arguments:**

        - `rectangle`: its corners `(x0, y0, x1, y1)` [m]; or else
        - `side`: of the box, or without one of the wires' bounding box, along which the pad is a strip
          over a `fraction` of the width or height.
        - `conductance`: of each contact [S].

        **Raises:** `ValueError` without `wire_ends`, unless exactly one of `rectangle` and `side` is
        given, for a pad that touches no wire, or a conductance that is not positive.

        ```python
        padded = network.with_pad(side="left").with_pad((8e-6, 0, 10e-6, 2e-6), conductance=0.05)
        source, drain = padded.n_nodes - 2, padded.n_nodes - 1
        padded.path_length(source, drain)  # 1
        ```
        """
        corners = pad_rectangle(self.topology, rectangle, side, fraction)
        contacts = contacts_under(self.topology, corners)
        none = np.full((self.n_nodes, 2, 2), np.nan)
        return self._extended(
            contact_conductances(conductance, len(contacts)),
            n_nodes=self.n_nodes + 1,
            edges=np.concatenate([self.edges, contacts]),
            positions=None if self.positions is None else np.vstack([self.positions, corners.mean(axis=0)]),
            wire_ends=np.concatenate([none if self.wire_ends is None else self.wire_ends, none[:1]]),
            pads=np.concatenate([none if self.pads is None else self.pads, corners[None]]),
            wires=None if self.wires is None else np.append(self.wires, -1),
        )

    def with_wire_resistance(self, resistivity: ArrayInput, diameter: ArrayInput) -> "Network":
        """Cuts each wire at its junctions and pads into pieces that have a resistance, 4 rho l / (pi d^2).

        Every point where something touches a wire is a node, and the pieces of length l between them are
        passive junctions. All junctions that there were keep their numbers and orientation; the pieces
        come behind them. Nodes are numbered along one wire after the other, pads last. `wires` has the wire
        that each lies on: `renumbered` gives the node next to the middle of a wire, `node_on` that at
        any place, and `wire_ends` are the stretches of wire nearest to the nodes.

        What lies under a pad of `with_pad` is in touch with it all along, so that it is one node. Pads of
        `with_pads`, which know the centres of the wires only, touch them there. Wires along one line touch
        in the middle of what they share. Ends beyond the last node carry no current and are left out. Cuts
        closer than a millionth of their wire are one node. The multi-nodal representation of da Rocha et
        al., Nanoscale 7, 13011 (2015).

        **Arguments:**

        - `resistivity`: rho [ohm m], one number or one for each wire, pads not counted; may be traced.
        - `diameter`: d [m], likewise.

        **Raises:** `ValueError` without `wire_ends` of all wires, if they are cut already, if wires of a
        junction do not touch, or for values that are not positive.

        ```python
        silver = network.with_wire_resistance(2.26e-8, 50e-9)
        silver.n_nodes  # 78
        ends = silver.renumbered(terminals)
        silver.path_length(*ends) - network.path_length(*terminals)  # 0
        ```
        """
        pieces = cut_wires(self.topology)
        return self._extended(
            piece_conductances(pieces, resistivity, diameter),
            n_nodes=len(pieces.wires),
            edges=pieces.edges,
            positions=pieces.positions,
            wire_ends=pieces.stretches,
            pads=pieces.pads,
            wires=pieces.wires,
        )

    @arguments.checked(wire=arguments.count(0), at=arguments.real(ndim=0, known=True, low=0, high=1))
    def node_on(self, wire: SupportsIndex, at: float | int = 0.5) -> int:
        """Returns the node of a wire, by its number in the network that this one is a part of.

        If the wire is cut, by `with_wire_resistance`, it is the node nearest to the point at a fraction
        `at` of its length, from the first of its ends to the second.

        **Raises:** `ValueError` if this network has nothing of the wire.

        ```python
        silver = network.with_wire_resistance(2.26e-8, 50e-9)
        silver.wires[silver.node_on(3, at=1)]  # 3
        ```
        """
        names = np.arange(self.n_nodes) if self.wires is None else self.wires
        return int(nodes_of(operator.index(wire), names, self.wire_ends, at))

    def _extended(self, added: Number, *, edges: np.ndarray, **changes: Any) -> "Network":
        """The network with passive junctions behind those there are, whose conductances are `added`."""
        passive = np.append(self.passive, np.ones(len(edges) - self.n_junctions, bool))
        network = Network(edges=edges, box=self.box, passive=passive, passive_conductance=0.0, **changes)
        values = joined_numbers([self.passive_conductance, added])
        return eqx.tree_at(lambda n: n.passive_conductance, network, values)


def network_from(arrays: dict[str, np.ndarray]) -> Network:
    """The network of `network_arrays`; its passive conductances may have axes of a batch in front."""
    arrays = dict(arrays)
    values: Any = arrays.pop("passive_conductance")
    if values.dtype.kind != "f" or not values.ndim or arrays["n_nodes"].shape:
        shapes = f"{values.shape} of {values.dtype}, its number of nodes {arrays['n_nodes'].shape}"
        raise ValueError(f"its passive conductances have shape {shapes}")
    # Plain numbers are float64. Older files say of numbers of any dtype whether they were plain.
    plain = bool(arrays.pop("passive_weak_type", values.dtype == np.float64))
    first = values.reshape(-1, values.shape[-1])[0] if values.size else np.zeros(values.shape[-1])
    network = Network(int(arrays.pop("n_nodes")), passive_conductance=first, **arrays)
    if plain and values.ndim == 1:
        return network
    return eqx.tree_at(lambda n: n.passive_conductance, network, jnp.asarray(values))
