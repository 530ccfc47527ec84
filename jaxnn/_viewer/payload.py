"""A run, or a batch of them, as the viewer's page has it: numbers of 16 bits, as many moments as fit."""

import base64
import math
from collections.abc import Sequence
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

SHOWN = (*JUNCTIONS, "node_potential")
"""What a run has to record for a page that shows all that a page can."""


def payload_of(solution: Any, limit: int, member: Sequence[int] | None = None) -> dict[str, Any]:
    """What the page is made of, as JSON: arrays in base64 and what they are, at most `limit` bytes of them.

    What changes in time has the axes (members, moments, ...). `member` picks one of a batch.

    **Raises:** `ValueError` for an ensemble, a run that recorded nothing of its junctions, a member that
    there is not, and a network of which 20 moments do not fit.
    """
    network, batch = _network_of(solution), np.shape(solution.time)[:-1]
    members = _members(batch, member)
    records = {name: values[members] for name, values in _records(solution, len(batch)).items()}
    always = {"time": solution.time, "drive": solution.drive, "network_conductance": solution.conductance}
    always = {name: _each(values, len(batch))[members] for name, values in always.items()}
    terminals, count = np.asarray(solution.terminals), always["time"].shape[1]
    shown = np.flatnonzero(~np.asarray(network.passive))
    per_moment = 2 * len(shown) * len(records) + 2 * network.n_nodes + 4 * (2 + terminals.shape[-1])
    moments = _moments(network, (len(members), count), per_moment, limit)
    names = [name for name in JUNCTIONS if name in records]
    arrays = _geometry(network, shown)
    arrays |= {name: _plain(values[:, moments]) for name, values in always.items()}
    for name in names:
        arrays[name] = packed(records[name][:, moments][..., shown], JUNCTIONS[name][2])
    if "node_potential" in records:
        arrays["node_potential"] = packed(records["node_potential"][:, moments], False)
    indices = np.stack(np.unravel_index(members, batch), axis=1) if batch else np.zeros((1, 0), int)
    return {
        "arrays": arrays,
        "junctions": shown.tolist(),
        "terminals": terminals.reshape(-1, terminals.shape[-1])[0].tolist(),
        "variables": {name: JUNCTIONS[name] for name in names},
        "records": count,
        "moments": len(moments),
        "members": [", ".join(map(str, index)) for index in indices],
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
        raise ValueError(
            "the viewer shows one network, got the Solution of an Ensemble: take solution.part(i) of it."
        )
    return network


def _members(batch: tuple[int, ...], member: Sequence[int] | None) -> np.ndarray:
    """Which runs of a batch are in the page, as numbers in row-major order."""
    if member is None:
        return np.arange(math.prod(batch))
    if not batch:
        raise ValueError(f"member picks a run of a batch, and this is one run: leave it out, got {member}.")
    if len(member) != len(batch) or not all(-n <= i < n for i, n in zip(member, batch, strict=True)):
        raise ValueError(
            f"member must be a whole number for each axis of the batch, of shape {batch}, got {member}."
        )
    place = [i % n for i, n in zip(member, batch, strict=True)]
    return np.array([np.ravel_multi_index(place, batch)])


def _each(values: Any, axes: int) -> np.ndarray:
    """Values with the leading axes of a batch as one, which a run alone has too."""
    values = np.asarray(values)
    return values.reshape(-1, *values.shape[axes:])


def _records(solution: Any, axes: int) -> dict[str, np.ndarray]:
    """What was recorded of junctions and wires, members first; the first variable of a state."""
    found = {}
    for name in SHOWN:
        value = getattr(solution, name)
        if eqx.is_array(value):
            value = _each(value, axes)
            found[name] = value[:, :, 0] if value.ndim == 4 else value
    if not set(found) & set(JUNCTIONS):
        raise ValueError(
            f"the viewer has nothing to play: simulate with record={SHOWN}, or some of them; in "
            "a shell, `jaxnn run --record`."
        )
    return found


def _moments(network: Network, shape: tuple[int, int], per_moment: int, limit: int) -> np.ndarray:
    """Which of (members, records) are kept, of so many bytes each: evenly spread, the last among them."""
    members, count = shape
    size = 4 / 3 * members * per_moment  # in base64
    fixed = 4 / 3 * 4 * (4 * network.n_nodes + 4 * network.n_junctions)
    most = int(min(count, _MOST_MOMENTS, (limit - fixed) // size))
    if most < min(count, _FEWEST_MOMENTS):
        what, fix = "a network", "give a larger limit, or record fewer variables."
        if members > 1:
            what, fix = f"a batch of {members:,} runs", f"pick a run with member=, {fix}"
        raise ValueError(
            f"{what} of {network.n_junctions:,} junctions needs a limit of at least "
            f"{(fixed + _FEWEST_MOMENTS * size) / 1e6:.1f} MB, got {limit / 1e6:.1f} MB: {fix}"
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
