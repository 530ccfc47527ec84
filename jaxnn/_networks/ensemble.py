"""Many networks simulated as one."""

import itertools
from collections.abc import Sequence
from typing import SupportsIndex

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Shaped

from .._core import Declared, Module, Numbers, arguments, beside_text, check_room
from .connectivity import checked_terminals
from .network import Network
from .passive import joined_numbers
from .picture import drawn_apart
from .topology import ArrayInput


class Ensemble(Module):
    """An ensemble of networks of any sizes, side by side as one network of as many parts.

    `network` is their disjoint union, in which wire `j` of network `i` is node
    `node_offsets[i] + j`, and its junction `k` is junction `junction_offsets[i] + k`. One compiled
    call on the union simulates them all.

    ```python
    ensemble = jaxnn.Ensemble([network, jaxnn.nanowire_network(14, box=10e-6, seed=1)])
    ensemble.n_networks  # 2
    both = [jaxnn.farthest_pair(network), (0, 1)]
    jaxnn.simulate(ensemble, law, drive, terminals=both, dt=3e-3, steps=50).conductance.shape  # (50, 2)
    ```
    """

    network: Network
    """The disjoint union of the networks."""
    node_offsets: tuple[int, ...] = eqx.field(static=True)
    """Number of each network's first wire in the union."""
    junction_offsets: tuple[int, ...] = eqx.field(static=True)
    """Number of each network's first junction in the union."""

    @arguments.checked(networks=arguments.list_of(arguments.one_of(Network), "a list of networks"))
    def __init__(self, networks: Sequence[Declared[Network]]):
        """**Arguments:**

        - `networks`: at least one `Network`. Geometry is kept if all of them have it, each
          network's in its own coordinates.

        **Raises:** `ValueError` if there is no network, or more than half of the free memory holds.
        """
        if not len(networks):
            raise ValueError("An ensemble needs at least one network, got none.")
        self.node_offsets = _offsets([network.n_nodes for network in networks])
        self.junction_offsets = _offsets([network.n_junctions for network in networks])
        # Wires with their geometry and in a run, junctions as pairs, by network and again in the union.
        size = 2 * (64 * self.node_offsets[-1] + 16 * self.junction_offsets[-1])
        check_room(f"The union of {len(networks):,} networks", size, "make several ensembles")
        starts = zip(networks, self.node_offsets[:-1], strict=True)
        self.network = Network(
            self.node_offsets[-1],
            np.concatenate([network.edges + start for network, start in starts]),
            _joined([network.positions for network in networks]),
            wire_ends=_joined([network.wire_ends for network in networks]),
            pads=_joined_pads(networks),
            passive=np.concatenate([network.passive for network in networks]),
            passive_conductance=joined_numbers([network.passive_conductance for network in networks]),
        )

    @classmethod
    def of_union(
        cls, network: Network, node_offsets: tuple[int, ...], junction_offsets: tuple[int, ...]
    ) -> "Ensemble":
        """Makes the ensemble whose union and offsets are known, as from a file."""
        ensemble = object.__new__(cls)
        for name, value in zip(
            ("network", "node_offsets", "junction_offsets"),
            (network, node_offsets, junction_offsets),
            strict=True,
        ):
            object.__setattr__(ensemble, name, value)
        return ensemble

    def __repr__(self) -> str:
        return f"Ensemble({self.n_networks} networks with {repr(self.network)[8:-1]})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the first networks side by side, as far as their places are known."""
        return beside_text(self, drawn_apart(self.network.topology, self.node_offsets))

    @property
    def n_networks(self) -> int:
        """The number of networks."""
        return len(self.node_offsets) - 1

    @arguments.checked(i=arguments.count(None))
    def node_slice(self, i: SupportsIndex) -> slice:
        """Returns the nodes of the union that belong to network `i`."""
        return self._slice(self.node_offsets, i)

    @arguments.checked(i=arguments.count(None))
    def junction_slice(self, i: SupportsIndex) -> slice:
        """Returns the junctions of the union that belong to network `i`."""
        return self._slice(self.junction_offsets, i)

    @arguments.checked(i=arguments.count(None))
    def part(self, i: SupportsIndex) -> Network:
        """Returns network `i` by itself, in its own numbers of wires and junctions.

        ```python
        ensemble = jaxnn.Ensemble([network, jaxnn.nanowire_network(14, box=10e-6, seed=1)])
        ensemble.part(0) == network  # True
        ```
        """
        nodes, junctions, whole = self.node_slice(i), self.junction_slice(i), self.network
        cut = lambda x: None if x is None else x[nodes]
        pads = cut(whole.pads)
        network = Network(
            nodes.stop - nodes.start,
            whole.edges[junctions] - nodes.start,
            cut(whole.positions),
            wire_ends=cut(whole.wire_ends),
            pads=None if pads is None or np.isnan(pads).all() else pads,
            passive=whole.passive[junctions],
            passive_conductance=0.0,
        )
        before = int(whole.passive[: junctions.start].sum())
        own = slice(before, before + int(network.passive.sum()))
        # Afterwards, because that of a batch has its axes in front.
        fixed = whole.passive_conductance[..., own]
        return eqx.tree_at(lambda x: x.passive_conductance, network, fixed)

    @arguments.checked(values=arguments.real(finite=False))
    def per_junction(self, values: Numbers) -> Shaped[Array, "*batch edges"]:
        """Repeats one value per network for each of its junctions.

        The last axis of `values` counts the networks.

        **Raises:** `ValueError` if it does not.
        """
        values = jnp.asarray(values)
        if values.ndim == 0 or values.shape[-1] != self.n_networks:
            raise ValueError(
                f"Values per network must have a last axis of {self.n_networks}, one for each "
                f"network, got shape {values.shape}. A value for all networks needs no repeating."
            )
        owner = np.repeat(np.arange(self.n_networks), np.diff(self.junction_offsets))
        return jnp.take(values, owner, axis=-1)

    def split_nodes(self, x: Array | np.ndarray) -> list[Shaped[Array | np.ndarray, "*batch _"]]:
        """Cuts values per node of the union along the last axis into one array per network.

        **Raises:** `ValueError` if the last axis does not count the nodes.
        """
        return _split(x, self.node_offsets, "nodes")

    def split_junctions(self, x: Array | np.ndarray) -> list[Shaped[Array | np.ndarray, "*batch _"]]:
        """Cuts values per junction of the union along the last axis into one array per network.

        **Raises:** `ValueError` if the last axis does not count the junctions.
        """
        return _split(x, self.junction_offsets, "junctions")

    def check_terminals(self, terminals: ArrayInput) -> Int[np.ndarray, "networks terminals"]:
        """Returns node numbers in the union, from one tuple of wires per network in its own numbers.

        **Raises:** `ValueError` unless there is one tuple for each network, all of one length, and
        each is accepted by its network's `check_terminals`.
        """
        one = arguments.real(known=True, finite=False)
        arguments.list_of(one, "one tuple of wires for each network")("terminals", terminals)
        local = list(terminals)  # pyright: ignore[reportArgumentType]
        if len(local) != self.n_networks:
            raise ValueError(
                f"Terminals must be given once for each of the {self.n_networks} networks, as a "
                f"sequence of tuples, got {len(local)}."
            )
        labels = self.network.components()
        checked = [
            checked_terminals(pair, _from_zero(labels[self.node_slice(i)]), f"networks[{i}]")
            for i, pair in enumerate(local)
        ]
        counts = [len(pair) for pair in checked]
        if len(set(counts)) > 1:
            odd = next(i for i, count in enumerate(counts) if count != counts[0])
            raise ValueError(
                "All networks of an ensemble must have the same number of terminals, but "
                f"networks[0] has {counts[0]} and networks[{odd}] has {counts[odd]}. Run them in "
                "two ensembles."
            )
        return np.stack(checked) + np.array(self.node_offsets[:-1])[:, None]

    def _slice(self, offsets: tuple[int, ...], i: SupportsIndex) -> slice:
        # A negative index counts from the end, as everywhere; one too large is an `IndexError`.
        k = range(self.n_networks)[i]
        return slice(offsets[k], offsets[k + 1])


def _offsets(counts: list[int]) -> tuple[int, ...]:
    return (0, *np.cumsum(counts).tolist())


def _joined(parts: list[np.ndarray | None]) -> np.ndarray | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _joined_pads(networks: Sequence[Network]) -> np.ndarray | None:
    parts = [network.pads for network in networks]
    if all(part is None for part in parts):
        return None
    none = [np.full((network.n_nodes, 2, 2), np.nan) for network in networks]
    return np.concatenate([b if a is None else a for a, b in zip(parts, none, strict=True)])


def _from_zero(labels: np.ndarray) -> np.ndarray:
    return labels - labels.min()


def _split(x: Array | np.ndarray, offsets: tuple[int, ...], what: str) -> list[Array | np.ndarray]:
    if not isinstance(x, np.ndarray | Array):
        x = np.asarray(arguments.as_numbers("x", x))
    if x.ndim == 0 or x.shape[-1] != offsets[-1]:
        raise ValueError(
            f"The last axis must count the {offsets[-1]} {what} of the ensemble, got shape {x.shape}."
        )
    return [x[..., a:b] for a, b in itertools.pairwise(offsets)]


def padded_ranges(offsets: tuple[int, ...]) -> Int[np.ndarray, "networks most"]:
    """The numbers from each offset up to the next, short rows being filled with the last offset."""
    start, stop = np.asarray(offsets[:-1]), np.asarray(offsets[1:])
    most = int(np.max(stop - start, initial=0))
    check_room(
        f"A table of {len(start):,} networks by {most:,} entries, the most that one of them has,",
        20 * len(start) * most,
        "put networks of like sizes into an ensemble",
    )
    place = start[:, None] + np.arange(most)
    return np.where(place < stop[:, None], place, offsets[-1]).astype(np.int32)
