"""Cases that several tests use."""

import numpy as np

import jaxnn


def relative_difference(ours, expected) -> float:
    """The largest relative difference; NaN counts as equal to NaN."""
    ours, expected = np.asarray(ours), np.asarray(expected)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))
    known = ~np.isnan(expected)
    ours, expected = ours[known], expected[known]
    return float(np.max(np.abs(ours - expected) / np.maximum(np.abs(expected), 1e-300), initial=0))


def line(n_junctions: int) -> jaxnn.Network:
    """Wires in a row, each joined to the next."""
    nodes = np.arange(n_junctions)
    return jaxnn.Network(n_junctions + 1, np.stack([nodes, nodes + 1], axis=-1))


def small_network(seed: int = 0, n_wires: int = 30) -> tuple[jaxnn.Network, tuple[int, int], int]:
    """A generated network, its farthest pair of wires and the path length between them."""
    network = jaxnn.nanowire_network(n_wires, box=17e-6, seed=seed)
    terminals = jaxnn.farthest_pair(network)
    return network, terminals, network.path_length(*terminals)
