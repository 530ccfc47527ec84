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


# A network that runs in a batch, and an ensemble of so many that differ, where a product is one number.
BATCHED = Costs(60, (200, 0.02), 0, False, False)
_DIFFERENT = Costs(500, (200, 0.02), 0, False, False)
_ENSEMBLE = 8
# Of so many that the matrices of their last wires have enough to run along.
_MANY_DIFFERENT = _DIFFERENT._replace(tail=26, panels=True)
_MANY = 32
# Of few copies a product is still a number or three, and costs twenty times one of a full matrix, which is
# not gathered. In a plane the widest front of an elimination grows with the root of the wires, and what is
# left where it is reached is nearly full.
_FEW = 4
_SEVERAL = 16
_FRONT = 3.3
# On a GPU each operation is a launch, which costs as much as a round.
_LAUNCHED = Costs(500, (0, 0.01), 24, False, True)


def costs_for(device: str | None, n_components: int, n_nodes: int = 0, copies: int = _FEW) -> Costs:
    """The costs on a "cpu" or a "gpu", by default the one that JAX runs on.

    Of `copies` of components that have `n_nodes` in all.
    """
    if device not in (None, "cpu", "gpu"):
        raise ValueError(f'device must be "cpu", "gpu" or None for the one in use; got {device!r}.')
    if (device or jax.default_backend()) != "cpu":
        return _LAUNCHED
    if n_components >= _SEVERAL and copies < _FEW:
        front = round(_FRONT * (n_nodes / n_components) ** 0.5)
        return _MANY_DIFFERENT._replace(tail=max(_MANY_DIFFERENT.tail, front))
    if n_components >= _MANY:
        return _MANY_DIFFERENT
    return BATCHED if n_components < _ENSEMBLE else _DIFFERENT
