"""What the layout of a sparse elimination is chosen by: the costs of loops, of code and of products."""

from typing import NamedTuple

import jax


class Costs(NamedTuple):
    """What a plan is laid out for, in products of one wire pair."""

    loop: int  # of one more fused loop
    code: tuple[int, float]  # of one more piece of code to compile, and in parts of the whole work
    tail: int  # nodes, terminals included, at which a component goes on as a full matrix
    panels: bool  # whether that is a panel at a time, along the components: see `_tail_panels`
    settles: bool  # whether the results of a round are kept from fusing with the next


# A network that runs in a batch, and several that differ, where a product is one number.
BATCHED = Costs(60, (200, 0.02), 0, False, False)
_DIFFERENT = Costs(500, (200, 0.02), 0, False, False)
_SEVERAL_NETWORKS = 8
# Of so many the matrices of their last wires have enough to run along.
_ENSEMBLE = _DIFFERENT._replace(tail=26, panels=True)
_ENSEMBLE_NETWORKS = 16
_MAPPED_ENSEMBLE_NETWORKS = 32
# In a plane the widest front of an elimination grows with the root of the wires, and what is left where it
# is reached is nearly full. A number gathered costs twenty times one of a full matrix, but not a row of
# copies. The line goes by what is best for 100, 250, 1,000 and 2,200 wires; no larger front was measured.
_FRONT = 3.6, -10
_LARGEST_FRONT = 160
# On a GPU each operation is a launch, which costs as much as a round.
_LAUNCHED = Costs(500, (0, 0.01), 24, False, True)


def runs_on_cpu(device: str | None) -> bool:
    """Returns whether a plan is for a "cpu" and not for a "gpu": by default as what JAX runs on."""
    if not (device is None or (isinstance(device, str) and device in ("cpu", "gpu"))):
        raise ValueError(f'device must be "cpu", "gpu" or None for the one in use; got {device!r}.')
    return (device or jax.default_backend()) == "cpu"


def costs_for(device: str | None, sizes: list[int], mapped: bool) -> Costs:
    """The costs on a "cpu" or a "gpu", by default the one that JAX runs on.

    For components of these numbers of wires, of which four copies or more run at once if `mapped`.
    """
    if not runs_on_cpu(device):
        return _LAUNCHED
    # Wires that hang on a terminal by themselves are no networks.
    large = [size for size in sizes if 2 * size > _ENSEMBLE.tail]
    if not mapped and len(large) >= _ENSEMBLE_NETWORKS:
        slope, start = _FRONT
        front = round(slope * (sum(large) / len(large)) ** 0.5 + start)
        return _ENSEMBLE._replace(tail=min(max(_ENSEMBLE.tail, front), _LARGEST_FRONT))
    if len(sizes) >= _MAPPED_ENSEMBLE_NETWORKS:
        return _ENSEMBLE
    return BATCHED if len(sizes) < _SEVERAL_NETWORKS else _DIFFERENT
