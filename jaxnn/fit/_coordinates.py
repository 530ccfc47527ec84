"""The tuned numbers as one vector, in the coordinates that a search moves and that errors are given in."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from .._core import arguments
from .._tuning import AbstractConstraint, Bounded, Box, Positive, Scaled, partition, retyped


# A start on a bound would have no slope in the coordinate of the search.
_NEAREST = 1e-3


class Coordinates(eqx.Module):
    """What of some parameters is tuned: the vector x of its numbers, and the vector y that is searched.

    y is free of bounds. For a `Box` x = l + (h - l) (1 + sin y) / 2, which reaches both bounds and has a
    slope everywhere between them (James and Roos, Comput. Phys. Commun. 10, 343 (1975)); for the other
    constraints y is their own free coordinate.
    """

    start: tuple[Array, ...]
    """The tuned arrays as they were given."""
    rest: PyTree
    """All else, with None in the place of what is tuned."""
    rules: tuple[AbstractConstraint | None, ...]
    """The constraint of each tuned array."""
    structure: Any = eqx.field(static=True)
    """Of the parameters."""
    tuned: tuple[bool, ...] = eqx.field(static=True)
    """Which of their leaves are."""
    names: tuple[str, ...] = eqx.field(static=True)
    """One for each number of x."""

    @property
    def size(self) -> int:
        return len(self.names)

    def vector(self, parameters: PyTree) -> Float[Array, "*starts numbers"]:
        """x of some parameters, which may have an axis of starts in front."""
        leaves = self.structure.flatten_up_to(parameters)
        return self._joined([jnp.asarray(x) for x, mine in zip(leaves, self.tuned, strict=True) if mine])

    def tree(self, x: Float[Array, " numbers"]) -> PyTree:
        """The parameters at x, each in its own dtype, and as free of one as it was given."""
        parts = iter(zip(self._split(x), self.start, strict=True))
        as_given = lambda part, like: retyped(part.astype(like.dtype), like)
        leaves = [as_given(*next(parts)) if mine else None for mine in self.tuned]
        return eqx.combine(self.structure.unflatten(leaves), self.rest)

    def search(self, x: Float[Array, " numbers"]) -> Float[Array, " numbers"]:
        """y at x."""
        return self._each(_to_search, x)

    def point(self, y: Float[Array, " numbers"]) -> Float[Array, " numbers"]:
        """x at y."""
        return self._each(_from_search, y)

    def unit(self, x: Float[Array, " numbers"]) -> Float[Array, " numbers"]:
        """What counts as one in each number: itself, the range of its bounds, or a given unit."""
        return self._each(_unit, x)

    def bounds(self) -> Float[np.ndarray, "2 numbers"]:
        """The least and largest value of each number."""
        ends = [_bounds(rule, np.shape(like)) for rule, like in zip(self.rules, self.start, strict=True)]
        return np.stack([np.concatenate([np.ravel(end[i]) for end in ends]) for i in range(2)])

    def logarithmic(self) -> Bool[np.ndarray, " numbers"]:
        """Whether errors are relative, so that the interval is one of the logarithm."""
        pairs = zip(self.rules, self.start, strict=True)
        return np.concatenate([np.full(np.size(like), isinstance(rule, Positive)) for rule, like in pairs])

    def _each(self, function: Callable[..., Array], vector: Array) -> Array:
        parts = zip(self.rules, self._split(vector), self.start, strict=True)
        return self._joined([function(rule, part, like.astype(part.dtype)) for rule, part, like in parts])

    def _split(self, vector: Array) -> list[Array]:
        ends = np.cumsum([like.size for like in self.start])[:-1]
        parts = jnp.split(vector, ends)
        return [part.reshape(like.shape) for part, like in zip(parts, self.start, strict=True)]

    def _joined(self, parts: Sequence[Array]) -> Array:
        dtype = jnp.zeros(()).dtype
        front = parts[0].ndim - self.start[0].ndim
        flat = [part.reshape(*part.shape[:front], -1).astype(dtype) for part in parts]
        return jnp.concatenate(flat, axis=-1)


def coordinates_of(parameters: PyTree, constraints: PyTree) -> Coordinates:
    """The coordinates of what is tuned of some parameters.

    **Raises:** `ValueError` if nothing is, for a start that its constraint does not allow, and constraints
    that do not fit.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(parameters):
        if np.ma.isMaskedArray(leaf):
            arguments.as_numbers(f"parameters{jax.tree_util.keystr(path)}", leaf)
    parts = partition(parameters, constraints, None)
    start = parts["start"]
    leaves, structure = jax.tree_util.tree_flatten_with_path(start, is_leaf=lambda x: x is None)
    paths = [(jax.tree_util.keystr(path), leaf) for path, leaf in leaves if leaf is not None]
    names = [name for path, leaf in paths for name in _names(path, np.shape(leaf))]
    for (path, leaf), rule in zip(paths, parts["rules"], strict=True):
        free = np.asarray(leaf if rule is None else rule.to_free(jnp.asarray(leaf)))
        if not np.isfinite(free).all():
            raise ValueError(
                f"parameters{path} starts at {np.asarray(leaf)[~np.isfinite(free)][0]:g}, which {rule!r} "
                "does not allow: start inside it."
            )
    rest = eqx.combine(parts["fixed"], parts["other"])
    tuned = tuple(leaf is not None for _, leaf in leaves)
    mine = tuple(leaf for _, leaf in paths)
    return Coordinates(mine, rest, parts["rules"], structure, tuned, tuple(names))


def _names(path: str, shape: tuple[int, ...]) -> list[str]:
    """Readable names of the numbers of one leaf: "set_voltage", "boost[3]"."""
    stem = path.lstrip(".").replace("['", ".").replace("']", "").lstrip(".") or "x"
    if not shape:
        return [stem]
    return [f"{stem}[{', '.join(map(str, index))}]" for index in np.ndindex(*shape)]


def _to_search(rule: AbstractConstraint | None, x: Array, like: Array) -> Array:
    if isinstance(rule, Box):
        low, high = (jnp.asarray(end).astype(x.dtype) for end in (rule.low, rule.high))
        inside = jnp.clip((x - low) / (high - low), _NEAREST, 1 - _NEAREST)
        return jnp.arcsin(2 * inside - 1)
    if rule is None:
        return x / _unit(rule, x, like)
    return rule.to_free(x)


def _from_search(rule: AbstractConstraint | None, y: Array, like: Array) -> Array:
    if isinstance(rule, Box):
        low, high = (jnp.asarray(end).astype(y.dtype) for end in (rule.low, rule.high))
        return low + (high - low) * (1 + jnp.sin(y)) / 2
    if rule is None:
        return y * _unit(rule, y, like)
    return rule.from_free(rule.project(y))


def _unit(rule: AbstractConstraint | None, x: Array, like: Array) -> Array:
    if isinstance(rule, Box | Bounded):
        return jnp.broadcast_to(jnp.asarray(rule.high - rule.low).astype(x.dtype), x.shape)
    if isinstance(rule, Scaled):
        return jnp.broadcast_to(jnp.asarray(rule.scale).astype(x.dtype), x.shape)
    if isinstance(rule, Positive):
        return x
    size = jnp.abs(like)
    return jnp.where(size > 0, size, jnp.ones_like(size))


def _bounds(rule: AbstractConstraint | None, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(rule, Box | Bounded):
        return np.broadcast_to(rule.low, shape), np.broadcast_to(rule.high, shape)
    low = 0.0 if isinstance(rule, Positive) else -np.inf
    return np.full(shape, low), np.full(shape, np.inf)
