"""A run as the viewer's page has it: numbers of 16 bits, as many moments as fit."""

import base64
from typing import Any

import equinox as eqx
import numpy as np

from .._core import is_known
from .._networks import Network, crossing_points, spring_layout


_LEVELS = 65534  # of a number of 16 bits; the code above them is NaN
_MOST_MOMENTS = 2000
_FEWEST_MOMENTS = 20
# What is coloured and traced: how the page names it, its unit, and whether on a log scale.
JUNCTIONS = {
    "junction_conductance": ("conductance", "S", True),
    "junction_voltage": ("voltage", "V", False),
    "state": ("state", "", False),
}


def payload_of(solution: Any, limit: int) -> dict[str, Any]:
    """What the page is made of, as JSON: arrays in base64 and what they are, at most `limit` bytes of them.

    **Raises:** `ValueError` for a batch, an ensemble, a run that recorded nothing of its junctions, and a
    network of which 20 moments do not fit.
    """
    network, records = _network_of(solution), _records(solution)
    shown = np.flatnonzero(~np.asarray(network.passive))
    moments = _moments(solution, network, len(shown), len(records), limit)
    names = [name for name in JUNCTIONS if name in records]
    of_junctions = {name: records[name][moments][:, shown] for name in names}
    arrays = _geometry(network, shown) | {
        "time": _plain(np.asarray(solution.time)[moments]),
        "drive": _plain(np.asarray(solution.drive)[moments]),
        "network_conductance": _plain(np.asarray(solution.conductance)[moments]),
    }
    arrays |= {name: packed(values, JUNCTIONS[name][2]) for name, values in of_junctions.items()}
    if "node_potential" in records:
        arrays["node_potential"] = packed(records["node_potential"][moments], False)
    return {
        "arrays": arrays,
        "junctions": shown.tolist(),
        "terminals": np.asarray(solution.terminals).ravel().tolist(),
        "variables": {name: JUNCTIONS[name] for name in names},
        "records": len(solution.time),
        "moments": len(moments),
        "unit_of_length": "µm" if _has_places(network) else "",
    }


def packed(values: np.ndarray, log: bool) -> dict[str, Any]:
    """Numbers in 65,535 equal steps from the least to the largest, of their logarithm if `log`.

    A number is off by at most half a step, 7.6e-6 of the range; NaN, and what has no logarithm, is 65535.
    """
    values = np.asarray(values, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log10(values) if log else values
    known = np.isfinite(values)
    low, high = (float(f(values[known])) for f in (np.min, np.max)) if known.any() else (0.0, 0.0)
    scale = _LEVELS / (high - low) if high > low else 0.0
    codes = np.where(known, np.round((np.where(known, values, low) - low) * scale), _LEVELS + 1)
    return _plain(codes.astype("<u2")) | {"low": low, "high": high, "log": log}


def _plain(values: np.ndarray) -> dict[str, Any]:
    """An array in base64: whole numbers as they are, all others in float32."""
    values = np.asarray(values)
    kind = {"u": "<u2", "i": "<i4"}.get(values.dtype.kind, "<f4")
    data = np.ascontiguousarray(values, kind)
    text = base64.b64encode(data.tobytes()).decode()
    return {"kind": kind[1:], "shape": list(values.shape), "data": text}


def _network_of(solution: Any) -> Network:
    if not is_known(solution.time, solution.conductance):
        raise ValueError("the viewer needs numbers: call it on what comes out of jit, vmap or grad.")
    network = solution.network
    if not isinstance(network, Network):
        raise ValueError("the viewer shows one network, got the Solution of an Ensemble: run its parts.")
    if np.ndim(solution.time) != 1:
        raise ValueError(
            f"the viewer shows one run, got a batch with times of shape {np.shape(solution.time)}: pick a "
            "member, as in jax.tree.map(lambda x: x[0], solution)."
        )
    return network


def _records(solution: Any) -> dict[str, np.ndarray]:
    """What was recorded of junctions and wires, time first; of a state with several variables the first."""
    found = {}
    for name in (*JUNCTIONS, "node_potential"):
        value = getattr(solution, name)
        if eqx.is_array(value):
            value = np.asarray(value)
            found[name] = value[:, 0] if value.ndim == 3 else value
    if not set(found) & set(JUNCTIONS):
        raise ValueError(
            'the viewer has nothing to play: simulate with record=("junction_conductance", '
            '"junction_voltage", "state", "node_potential"), or some of them.'
        )
    return found


def _moments(solution: Any, network: Network, junctions: int, records: int, limit: int) -> np.ndarray:
    """Which records are kept: evenly spread, the last among them."""
    count = len(solution.time)
    per_moment = 4 / 3 * (2 * junctions * records + 2 * network.n_nodes + 4 * (2 + len(solution.terminals)))
    fixed = 4 / 3 * 4 * (4 * network.n_nodes + 4 * network.n_junctions)
    most = int(min(count, _MOST_MOMENTS, (limit - fixed) // per_moment))
    if most < min(count, _FEWEST_MOMENTS):
        needed = fixed + _FEWEST_MOMENTS * per_moment
        raise ValueError(
            f"a network of {junctions:,} junctions needs a limit of at least {needed / 1e6:.1f} MB, got "
            f"{limit / 1e6:.1f} MB: give a larger limit, or record fewer variables."
        )
    return np.unique(np.round(np.linspace(0, count - 1, most)).astype(int))


def _has_places(network: Network) -> bool:
    return network.wire_ends is not None or network.positions is not None


def _geometry(network: Network, shown: np.ndarray) -> dict[str, Any]:
    """Wires, places of junctions and pads [µm]; links between nodes where wires have no shape."""
    edges = np.asarray(network.edges)[shown]
    if network.wire_ends is not None:
        wires = np.asarray(network.wire_ends) * 1e6
        middle = np.asarray(network.positions) * 1e6
        places, _ = crossing_points(wires, edges)
        # Wires side by side have no crossing: half way between them.
        places = np.where(np.isfinite(places), places, middle[edges].mean(axis=1))
        links = np.zeros((0, 2, 2))
    else:
        middle = (
            spring_layout(network) if network.positions is None else np.asarray(network.positions) * 1e6
        )
        wires, links = np.stack([middle, middle], 1), middle[edges]
        places = links.mean(axis=1)
    parts = {"wires": wires, "places": places, "links": links, "middles": middle}
    parts["pads"] = np.zeros((0, 2, 2)) if network.pads is None else np.asarray(network.pads) * 1e6
    return {name: _plain(part) for name, part in parts.items()} | {"edges": _plain(edges.astype(np.int32))}
