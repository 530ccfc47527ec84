"""A network as named arrays, for files."""

from typing import TYPE_CHECKING, Any

import numpy as np


if TYPE_CHECKING:
    from .network import Network
else:
    # Annotations that are evaluated must not import in a circle.
    Network = Any


REQUIRED = ("n_nodes", "edges", "passive", "passive_conductance")
KNOWN = (*REQUIRED, "positions", "wire_ends", "pads", "box", "wires", "passive_weak_type")


def check_names(names: set[str], prefix: str = "") -> None:
    """Raises a `ValueError` for an array that no network has."""
    if unknown := sorted(names - {prefix + name for name in KNOWN}):
        raise ValueError(f"no network has the arrays {unknown}: the file was altered, save it again.")


def network_arrays(network: Network) -> dict[str, np.ndarray]:
    """The network as named arrays for a file."""
    known = {
        "positions": network.positions,
        "wire_ends": network.wire_ends,
        "pads": network.pads,
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
