"""How junctions of one kind differ from each other."""

import dataclasses as dc
from collections.abc import Sequence
from typing import Any, TypeVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import ArrayLike

from .._core import (
    Count,
    Declared,
    Key,
    arguments,
    as_inexact,
    check_at_least,
    check_deviation,
    checks_of,
    common_dtype,
    follow,
)
from .abstract import AbstractJunction
from .network_keys import joint_key, keys_of_networks, typed_key


Law = TypeVar("Law", bound=AbstractJunction)


def _counts(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is a count, or several."""
    is_row = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim)
    (arguments.whole_numbers(ndim=1, low=0) if is_row else arguments.count())(name, value)
    if is_row and not len(value):
        raise ValueError(f"{name} must have at least one number, got none.")


@arguments.checked(junction=arguments.one_of(AbstractJunction), key=arguments.key, n_junctions=_counts)
def draw_junctions(
    junction: Declared[Law],
    key: Key,
    n_junctions: Count | Declared[Sequence[int] | np.ndarray],
    **deviations: Declared[ArrayLike],
) -> Law:
    r"""Draws a law whose parameters differ from junction to junction.

    $$p_j = p\,e^{s n_j}, \qquad n_j \sim N(0, 1)$$

    - `junction`: the law of the typical junction, whose parameters are the medians.
    - `key`: the same key for the same junctions. What is drawn of one parameter does not depend on
      which others are.
    - `n_junctions`: `network.n_junctions`, passive ones included; those of each network for an ensemble,
      `np.diff(ensemble.junction_offsets)`, of which network i draws what it does with `fold_in(key, i)`.
    - `deviations`: names of parameters of the law, and the deviation $s$ of the logarithm of each [1].

    Raises a `ValueError` for a name that is no number of the law, a negative deviation, and numbers drawn
    that do not fit each other, as a reset voltage above the set voltage.

    ```python
    spread = jaxnn.draw_junctions(law, jr.key(0), network.n_junctions, critical_flux=0.1, max_gap=0.02)
    spread.critical_flux.shape == (network.n_junctions,)  # True
    run = jaxnn.simulate(network, spread, drive, **setup)
    ```
    """
    names = [field.name for field in dc.fields(junction)]
    numbers = [name for name in names if eqx.is_inexact_array_like(getattr(junction, name))]
    counts: Any = n_junctions
    total = int(np.sum(counts))
    if np.ndim(counts):
        sizes = tuple(int(n) for n in counts)
        key = joint_key(keys_of_networks(typed_key(key), np.arange(len(sizes))), sizes)
    drawn: Any = junction
    for name, deviation in deviations.items():
        if name not in numbers:
            raise ValueError(
                f"{type(junction).__name__} has no number {name!r} to be drawn; it has {numbers}. Of a "
                "wrapper, draw the law within it first."
            )
        deviation = as_inexact(deviation)
        check_at_least(f"the deviation of {name}", deviation, 0, "")
        check_deviation(f"the deviation of {name}", deviation)
        if deviation.shape not in ((), (total,)):
            raise ValueError(
                f"the deviation of {name} must be one number, or one for each of {total} junctions, "
                f"got shape {deviation.shape}."
            )
        value, deviation = follow((as_inexact(getattr(junction, name)), deviation), junction)
        own = jr.fold_in(key, names.index(name))
        normal = jr.normal(own, (total,), common_dtype((value, deviation)))
        drawn = eqx.tree_at(
            lambda law, name=name: getattr(law, name), drawn, value * jnp.exp(deviation * normal)
        )
    for check in checks_of(drawn):
        check()
    return drawn
