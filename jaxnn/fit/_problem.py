"""What is fitted to what: data and their noise as one vector, and the residual of a model."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from .._core import arguments, compiled, user_code
from ._coordinates import Coordinates
from ._losses import AbstractRobustLoss


# Tangents that are pushed through the model at once.
_TOGETHER = 16


class Problem(eqx.Module):
    """A model, the vector of all data, and how much each of them counts."""

    predict: Callable
    coordinates: Coordinates
    data: Float[Array, " data"]
    """All measured numbers; 0 where there is none."""
    weight: Float[Array, " data"]
    """1 over the standard deviation of the noise; 0 for what is missing or held out."""
    loss: AbstractRobustLoss | None
    pinned: Bool[Array, " numbers"] | None = None
    """Which numbers are held at `pin`; None if none is."""
    pin: Float[Array, " numbers"] | None = None

    def point(self, y: Float[Array, " numbers"]) -> Float[Array, " numbers"]:
        """The numbers at a place of the search."""
        x = self.coordinates.point(y)
        return x if self.pinned is None or self.pin is None else jnp.where(self.pinned, self.pin, x)

    def predicted(self, x: Float[Array, " numbers"]) -> Float[Array, " data"]:
        """All that the model says of the data, as one vector."""
        with user_code("predict"):
            found = self.predict(self.coordinates.tree(x))
        return joined(found)

    def residual(self, x: Float[Array, " numbers"]) -> Float[Array, " data"]:
        """What is to become small, in units of the noise, as the loss sees it; 0 where nothing counts."""
        counts = self.weight > 0
        difference = jnp.where(counts, self.predicted(x) - self.data, 0) * self.weight
        return difference if self.loss is None else self.loss.transform(difference)

    def cost(self, x: Float[Array, " numbers"]) -> Float[Array, ""]:
        """Half the sum of squares, infinite where it is not finite."""
        half = jnp.sum(self.residual(x) ** 2) / 2
        return jnp.where(jnp.isfinite(half), half, jnp.inf)


class Recording(eqx.Module):
    """Data as they were given, in NumPy: arrays, their structure, and which of them are there."""

    arrays: tuple[np.ndarray, ...]
    """Measured, with NaN where nothing is."""
    sigmas: tuple[np.ndarray, ...]
    """Standard deviations of the noise, of the same shapes; where unknown the spread of each array."""
    held_out: tuple[np.ndarray, ...]
    """Whether a number is kept back from the fit."""
    noise_is_known: bool = eqx.field(static=True)
    structure: Any = eqx.field(static=True)

    def flat(self, arrays: tuple[np.ndarray, ...]) -> np.ndarray:
        return np.concatenate([np.ravel(x) for x in arrays])

    def parts(self, vector: np.ndarray) -> tuple[np.ndarray, ...]:
        """A vector as arrays of the shapes of the data."""
        ends = np.cumsum([x.size for x in self.arrays])[:-1]
        pairs = zip(np.split(np.asarray(vector), ends), self.arrays, strict=True)
        return tuple(part.reshape(like.shape) for part, like in pairs)

    def tree(self, parts: tuple[np.ndarray, ...]) -> PyTree:
        """Arrays in the structure of the data."""
        return self.structure.unflatten(parts)

    @property
    def known(self) -> np.ndarray:
        """Whether a number was measured, as one vector."""
        return np.isfinite(self.flat(self.arrays))

    @property
    def used(self) -> np.ndarray:
        """Whether a number is fitted, as one vector."""
        return self.known & ~self.flat(self.held_out)

    @property
    def sigma(self) -> np.ndarray:
        """The noise as one vector."""
        return self.flat(self.sigmas)

    def weight(self) -> Float[Array, " data"]:
        """How much each number counts."""
        return jnp.asarray(np.where(self.used, 1 / self.sigma, 0), jnp.zeros(()).dtype)


def recording_of(data: PyTree, sigma: PyTree, held_out: float | int) -> Recording:
    """The data and what is known of their noise.

    **Raises:** `ValueError` for data that are no real numbers, without any that is known, infinite, or
    noise that is not positive or does not fit them.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(data, is_leaf=_is_list)
    if not leaves:
        raise ValueError("data must hold at least one array of measured numbers, got none.")
    names = [f"data{jax.tree_util.keystr(path)}" for path, _ in leaves]
    arrays = tuple(_measured(name, leaf) for name, (_, leaf) in zip(names, leaves, strict=True))
    if sigma is None:
        sigmas = tuple(np.full(x.shape, _spread(x)) for x in arrays)
    else:
        sigmas = _noise(sigma, structure, names, arrays)
    kept = tuple(_last(x.shape, held_out) for x in arrays)
    found = Recording(arrays, sigmas, kept, sigma is not None, structure)
    if not found.used.any():
        raise ValueError(
            f"data has {found.known.sum()} known numbers and none of them is left to fit: give more, or "
            "a smaller part in held_out."
        )
    return found


def joined(tree: PyTree) -> Array:
    """All numbers of a tree in one vector of the default dtype."""
    dtype = jnp.zeros(()).dtype
    return jnp.concatenate([jnp.ravel(jnp.asarray(x)).astype(dtype) for x in jax.tree.leaves(tree)])


def check_prediction(predict: Callable, parameters: PyTree, recording: Recording) -> None:
    """Raises a `ValueError` where a model gives other shapes than the data have."""
    arrays, static = eqx.partition(parameters, eqx.is_array)
    with user_code("predict"):
        found = jax.eval_shape(lambda x: predict(eqx.combine(x, static)), arrays)
    shapes, structure = jax.tree.flatten(found)
    if structure != recording.structure:
        raise ValueError(
            f"predict must return what data is, of the structure {recording.structure}, got {structure}."
        )
    for found_, array in zip(shapes, recording.arrays, strict=True):
        if found_.shape != array.shape:
            raise ValueError(
                f"predict must return an array of the shape of data, {array.shape}, got {found_.shape}: "
                "simulate what was measured, at the same times."
            )
        if not jnp.issubdtype(found_.dtype, jnp.floating):
            raise ValueError(f"predict must return real floats, got {found_.dtype}.")


@compiled
def predict_and_slopes(
    problem: Problem, x: Float[Array, " numbers"]
) -> tuple[Float[Array, " data"], Float[Array, "data numbers"]]:
    """What the model says, and its derivatives with respect to the numbers in their units."""
    tangents = jnp.diag(problem.coordinates.unit(x))
    push = lambda tangent: jax.jvp(problem.predicted, (x,), (tangent,))
    if problem.coordinates.size <= _TOGETHER:
        predicted, columns = jax.vmap(push, out_axes=(None, 0))(tangents)
        return predicted, columns.T
    columns = jax.lax.map(lambda tangent: push(tangent)[1], tangents, batch_size=_TOGETHER)
    return problem.predicted(x), columns.T


@compiled
def predicted(problem: Problem, x: Float[Array, " numbers"]) -> Float[Array, " data"]:
    """What the model says."""
    return problem.predicted(x)


@compiled
def costs(problem: Problem, points: Float[Array, "points numbers"]) -> Float[Array, " points"]:
    """The cost at many points."""
    return jax.lax.map(problem.cost, points, batch_size=min(64, points.shape[0]))


def _is_list(x: object) -> bool:
    """A list of plain numbers is an array."""
    return isinstance(x, list) and all(isinstance(entry, int | float) for entry in x)


def _measured(name: str, leaf: Any) -> np.ndarray:
    array = np.asarray(arguments.as_numbers(name, leaf, known=True)).astype(float)
    if array.ndim == 0:
        raise ValueError(f"{name} must have an axis of samples, got a single number: give [number].")
    if np.isinf(array).any():
        raise ValueError(
            f"{name} is infinite at index {np.argwhere(np.isinf(array))[0].tolist()}: give NaN for what is "
            "missing."
        )
    return array


def _noise(
    sigma: PyTree, structure: Any, names: list[str], arrays: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, ...]:
    """The noise of every number, from one for all or one for each array."""
    try:
        one = arguments.is_number(sigma) and np.ndim(sigma) == 0
        parts = [sigma] * len(arrays) if one else structure.flatten_up_to(sigma)
    except ValueError as error:
        raise ValueError(
            f"sigma must be one number or have the structure of data, {structure}: {error}"
        ) from error
    found = []
    for name, part, array in zip(names, parts, arrays, strict=True):
        name = name.replace("data", "sigma", 1)
        try:
            numbers = np.asarray(arguments.as_numbers(name, part, known=True)).astype(float)
            noise = np.broadcast_to(numbers, array.shape)
        except ValueError as error:
            if "must be" in str(error) or "masked" in str(error):
                raise
            raise ValueError(
                f"{name} must be standard deviations of the shape of data, {array.shape}, or one number; "
                f"got shape {np.shape(part)}."
            ) from None
        bad = np.isfinite(array) & ~(np.isfinite(noise) & (noise > 0))
        if bad.any():
            raise ValueError(
                f"{name} must be positive and finite where data are, got {noise[bad][0]:g} at index "
                f"{np.argwhere(bad)[0].tolist()}: it is the standard deviation of the noise."
            )
        found.append(np.where(np.isfinite(array), noise, 1.0))
    return tuple(found)


def _last(shape: tuple[int, ...], part: float | int) -> np.ndarray:
    """True for the last part of the first axis."""
    kept = int(np.floor(part * shape[0]))
    first = np.arange(shape[0]) >= shape[0] - kept
    return np.broadcast_to(first.reshape(-1, *[1] * (len(shape) - 1)), shape)


def _spread(array: np.ndarray) -> float:
    known = array[np.isfinite(array)]
    spread = float(np.std(known)) if known.size else 0.0
    return spread or float(np.max(np.abs(known), initial=0.0)) or 1.0
