"""Where an optimisation stands, on disk: one file of arrays, checked before it is trusted."""

import os

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import KeyPath
from jaxtyping import ArrayLike, PyTree

from .._core import load_arrays, save_arrays


_KIND = "checkpoint of jaxnn.optimise"


def save_checkpoint(path: str | os.PathLike[str], start: PyTree, state: PyTree, history: PyTree) -> None:
    """Writes all that `load_checkpoint` needs, whole or not at all."""
    save_arrays(path, _KIND, _named(start, state, history))


def load_checkpoint(
    path: str | os.PathLike[str], start: PyTree, state: PyTree, history: PyTree
) -> tuple[PyTree, PyTree]:
    """The state and history that were saved, in the structures of those given.

    `start` is what the optimisation began with; the file must have begun with the same numbers.
    The first axis of the history may have any length.

    **Raises:** `ValueError` if the file belongs to another optimisation, saying what differs.
    """
    expected = _named(start, state, history)

    def check(names: set[str]) -> None:
        if names != expected.keys():
            found = f"it lacks {sorted(expected.keys() - names)} and has {sorted(names - expected.keys())}"
            _refuse(path, f"{found}: the parameters, constraints, aux or the kind of optimiser are others")

    stored = load_arrays(path, _KIND, check=check)
    for name, here in expected.items():
        there, first = stored[name], int(name.startswith("history"))
        if (
            there.dtype != here.dtype
            or there.ndim != here.ndim
            or there.shape[first:] != here.shape[first:]
        ):
            _refuse(
                path,
                f"{name} has shape {there.shape[first:]} and dtype {there.dtype} there, "
                f"{here.shape[first:]} and dtype {here.dtype} here",
            )
        if name.startswith("start") and not np.array_equal(there, here, equal_nan=here.dtype.kind == "f"):
            _refuse(path, f"{name} is {_short(there)} there and {_short(here)} here")
    return _restored("state", state, stored), _restored("history", history, stored)


def _named(start: PyTree, state: PyTree, history: PyTree) -> dict[str, np.ndarray]:
    parts = {"start": start, "state": state, "history": history}
    return {
        part + jax.tree_util.keystr(path): _numbers(leaf)
        for part, tree in parts.items()
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _restored(part: str, like: PyTree, stored: dict[str, np.ndarray]) -> PyTree:
    def pick(path: KeyPath, leaf: ArrayLike) -> ArrayLike:
        array = stored[part + jax.tree_util.keystr(path)]
        if _is_key(leaf):
            return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(leaf))
        return array if isinstance(leaf, np.ndarray) else jnp.asarray(array)

    return jax.tree_util.tree_map_with_path(pick, like)


def _numbers(leaf: ArrayLike) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _is_key(leaf: object) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _short(array: np.ndarray) -> str:
    return np.array2string(array, threshold=6, edgeitems=2, precision=6)


def _refuse(path: str | os.PathLike[str], difference: str) -> None:
    raise ValueError(
        f"{path} is the checkpoint of another optimisation: {difference}. Give checkpoint= another path, "
        "which keeps this one."
    )
