"""The graph of a circuit: a network, its electrodes' other ends, and the substrate."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxnn_kernels import incidence

from .._networks import Topology


class Layout(NamedTuple):
    """Nodes and edges of the network first, then what is added to them."""

    topology: Topology
    held: Int[np.ndarray, " held"]
    """Nodes with a given potential: those of electrodes in their order, and the substrate's."""
    contact_electrode: Int[np.ndarray, " contacts"]
    contact_wire: Int[np.ndarray, " contacts"]
    across: Any
    """Incidence of the junctions alone, among all nodes."""


def layout_of(
    topology: Topology,
    wires: tuple[int | None, ...],
    holds: tuple[bool, ...],
    ideal: tuple[bool, ...],
    reach: tuple[tuple[int, int], ...],
    has_substrate: bool,
) -> Layout:
    """The graph for electrodes on `wires`, None where that is traced.

    One that `holds` a potential does so with its wire itself if it is `ideal`, and otherwise with a node of
    its own, joined to its wire by a contact; or to all wires from `reach[k][0]` up to `reach[k][1]`, where
    it is not known which.
    """
    n = topology.n_nodes
    held, electrode, wire, source = [], [], [], []
    for k, (at, of_wires) in enumerate(zip(wires, reach, strict=True)):
        if not holds[k]:
            continue
        if ideal[k]:
            held.append(at)
            continue
        touched = np.arange(*of_wires) if at is None else np.array([at])
        held.append(n)
        electrode.append(np.full(len(touched), k))
        wire.append(touched)
        source.append(np.full(len(touched), n))
        n += 1
    joined = lambda parts: np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32)
    edges = [topology.edges, np.stack([joined(wire), joined(source)], axis=1)]
    if has_substrate:
        below = np.arange(topology.n_nodes)
        edges.append(np.stack([below, np.full_like(below, n)], axis=1))
        held.append(n)
        n += 1
    # Without anything added, the plan of the network by itself serves.
    whole = topology if n == topology.n_nodes else Topology(n, np.concatenate(edges))
    return Layout(
        whole,
        np.asarray(held, np.int64),
        joined(electrode),
        joined(wire),
        incidence(n, topology.edges),
    )
