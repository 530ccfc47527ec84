"""Numbers inside a module, by their path: `drives.0.amplitude`, `off_conductance`, `voltage.1`."""

from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PyTree

from .._drives import Timing


def check_place(root: str, tree: PyTree, place: str) -> None:
    """Raises a `ValueError` unless `place` names one number of `tree`, which users call `root`."""
    found = _find(tree, place)
    if found is None:
        raise ValueError(
            f"{root}.{place} is not a number of {_name(tree)}: it has {numbers_of(tree, root)}."
        )
    leaf, rest = found
    shape = np.shape(leaf)
    fills = not rest and (np.asarray(leaf) == np.asarray(leaf).reshape(-1)[:1]).all()
    if len(rest) != len(shape) and not fills:
        raise ValueError(
            f"{root}.{place} is an array of shape {shape} with different values: name one of them, "
            f"such as {root}.{place}{'.0' * (len(shape) - len(rest))}."
        )


def replaced(tree: PyTree, place: str, value: ArrayLike) -> PyTree:
    """`tree` with the number at `place` replaced; an array of equal numbers is filled."""
    found = _find(tree, place)
    assert found is not None
    leaf, rest = found
    leaf = jnp.asarray(leaf)
    value = jnp.asarray(value).astype(leaf.dtype)
    if rest:
        value = leaf.at[rest].set(value)
    elif leaf.ndim:
        value = jnp.broadcast_to(value, leaf.shape)
    parts = place.split(".")[: len(place.split(".")) - len(rest)]
    return eqx.tree_at(lambda t: _follow(t, parts), tree, value)


def marked(tree: PyTree, places: Iterable[str]) -> PyTree:
    """`tree` with True in the place of each array that holds one of the numbers, False in all others."""
    marks = jax.tree.map(lambda _: False, tree, is_leaf=lambda x: isinstance(x, Timing))
    for place in places:
        found, parts = marks, []
        for part in place.split("."):
            if isinstance(found, bool):
                break  # the rest is an index in the array
            found = _follow(found, [part])
            parts.append(part)
        marks = eqx.tree_at(lambda t, parts=parts: _follow(t, parts), marks, True)
    return marks


def numbers_of(tree: PyTree, root: str) -> list[str]:
    """The paths of all numbers of a module."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    keystr = jax.tree_util.keystr
    return [
        f"{root}.{keystr(path, simple=True, separator='.')}" for path, leaf in leaves if _is_number(leaf)
    ]


def _find(tree: PyTree, place: str) -> tuple[Any, tuple[int, ...]] | None:
    """The leaf that holds a number, and the index in it; None if there is none."""
    parts = place.split(".")
    for count in range(len(parts), 0, -1):
        try:
            leaf = _follow(tree, parts[:count])
            index = tuple(int(part) for part in parts[count:])
            shape = np.shape(leaf)
            if _is_number(leaf) and len(index) <= len(shape) and 0 not in shape:
                if all(0 <= i < n for i, n in zip(index, shape, strict=False)):
                    return leaf, index
        except (AttributeError, IndexError, ValueError, TypeError, KeyError):
            continue
    return None


def _follow(tree: PyTree, parts: list[str]) -> Any:
    for part in parts:
        if isinstance(tree, jax.Array | np.ndarray):
            raise TypeError(part)
        tree = tree[int(part)] if part.isdigit() else getattr(tree, part)
    return tree


def _is_number(leaf: object) -> bool:
    return eqx.is_array(leaf) or isinstance(leaf, float)


def _name(tree: PyTree) -> str:
    return type(tree).__name__
