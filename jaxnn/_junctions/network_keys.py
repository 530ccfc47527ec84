"""One random key for all networks of an ensemble, with which each draws what it draws alone.

A law draws for all of its junctions at once, and knows of no networks. So the key that it gets is of a kind
of its own: the keys of all networks, and what is drawn for the junctions of one comes from its key alone.
"""

import functools as ft
import hashlib
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.extend.random import define_prng_impl
from jaxtyping import Array, ArrayLike, Int, UInt

from .._core import Declared, Key, arguments


class _Networks(NamedTuple):
    """The numbers of junctions, and the kind of each network's own key."""

    sizes: tuple[int, ...]
    kind: Any
    key_shape: tuple[int, ...]
    """Of the numbers that a key of that kind consists of."""


_networks_of: dict[Any, _Networks] = {}


def typed_key(key: Declared[Key]) -> Array:
    """One key or several as `jax.random.key` makes them, of such or of `jax.random.PRNGKey`.

    **Raises:** `ValueError` for what is none.
    """
    arguments.key("key", key)
    return key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jr.wrap_key_data(key)


def keys_of_networks(key: Key, numbers: Int[np.ndarray, " networks"]) -> Array:
    """The key of each network by its number in an ensemble or a sweep."""
    return jax.vmap(jr.fold_in, (None, 0))(key, numbers)


def joint_key(keys: Array, sizes: tuple[int, ...]) -> Key:
    """One key for networks of so many junctions, of the keys (networks,) that they have alone.

    What is drawn with it, and with keys that are folded or split from it, must have the junctions of all
    networks as the last axis.
    """
    data = jr.key_data(keys)
    return jr.wrap_key_data(data, impl=_kind(_Networks(sizes, jr.key_impl(keys), data.shape[1:])))


def keys_of_laws(key: Key, own: Sequence[Int[np.ndarray, " _"]]) -> list[Key | None]:
    """A key for each law, of the numbers of the junctions that are its own; None where it has none.

    In each network the laws that have junctions there draw different numbers, and a law that is alone those
    that it would draw by itself.
    """
    networks = _networks_of.get(jr.key_impl(key))
    if networks is None:
        members = [len(junctions) > 0 for junctions in own]
        keys = [key] if sum(members) == 1 else list(jr.split(key, sum(members)))
        return [keys.pop(0) if has else None for has in members]
    owner = np.repeat(np.arange(len(networks.sizes)), networks.sizes)
    counts = np.stack([np.bincount(owner[x], minlength=len(networks.sizes)) for x in own])
    laws_there = (counts > 0).sum(axis=0)
    # The number of a law among those that its network has.
    rank = np.maximum(np.cumsum(counts > 0, axis=0) - 1, 0)
    alone = jr.wrap_key_data(jr.key_data(key), impl=networks.kind)
    more_than_one = sorted({int(n) for n in laws_there} - {0, 1})
    several = {n: jax.vmap(lambda key, n=n: jr.split(key, n))(alone) for n in more_than_one}

    def key_of(law: int) -> Key:
        keys = alone
        for n, split in several.items():
            chosen = split[np.arange(len(alone)), np.minimum(rank[law], n - 1)]
            keys = jnp.where(laws_there == n, chosen, keys)
        return joint_key(keys, tuple(counts[law].tolist()))

    return [key_of(law) if counts[law].any() else None for law in range(len(own))]


@ft.cache
def _kind(networks: _Networks) -> Hashable:
    """The kind of such keys, as JAX wants it: what it does to the numbers that keys consist of."""
    digest = hashlib.blake2b(repr(networks).encode(), digest_size=8).hexdigest()
    made = define_prng_impl(
        key_shape=(len(networks.sizes), *networks.key_shape),
        seed=_no_seed,
        split=ft.partial(_split, networks),
        random_bits=ft.partial(_random_bits, networks),
        fold_in=ft.partial(_fold_in, networks),
        name=f"keys of {len(networks.sizes)} networks",
        tag=f"networks {digest}",
    )
    _networks_of[made] = networks
    return made


def _no_seed(seed: Array) -> Array:
    raise ValueError(f"a key of several networks is made of theirs, not of a seed, got {seed}.")


def _fold_in(networks: _Networks, data: UInt[Array, "networks _"], number: ArrayLike) -> Array:
    keys = jr.wrap_key_data(data, impl=networks.kind)
    return jr.key_data(jax.vmap(jr.fold_in, (0, None))(keys, number))


def _split(networks: _Networks, data: UInt[Array, "networks _"], shape: tuple[int, ...]) -> Array:
    split = lambda key: jr.key_data(jr.split(key, shape))
    return jnp.moveaxis(jax.vmap(split)(jr.wrap_key_data(data, impl=networks.kind)), 0, len(shape))


def _random_bits(
    networks: _Networks, data: UInt[Array, "networks _"], bit_width: int, shape: tuple[int, ...]
) -> UInt[Array, "..."]:
    """What each network draws for its own part of the last axis.

    **Raises:** `ValueError` for a shape that does not end in the junctions.
    """
    total, most = sum(networks.sizes), max(networks.sizes)
    if shape[-1:] != (total,):
        raise ValueError(
            "in an Ensemble each network draws random numbers of its own, so that the shape of what a law "
            f"draws must end in the number of junctions, {total}; got {shape}. Draw in the shape of the "
            "state or the voltage, or run the networks one by one."
        )
    keys, dtype = jr.wrap_key_data(data, impl=networks.kind), jnp.dtype(f"uint{bit_width}")
    rows = int(np.prod(shape[:-1], dtype=int))
    if networks.kind != "threefry2x32" or not getattr(jax.config, "jax_threefry_partitionable", True):
        parts = [jr.bits(keys[i], (*shape[:-1], n), dtype) for i, n in enumerate(networks.sizes)]
        return jnp.concatenate(parts, axis=-1)
    # Here an entry hangs on its place in the flat array alone. So all networks draw as much as the largest
    # in one go: of 64 one after the other take four times as long, and fourteen times to compile.
    drawn = jax.vmap(lambda key: jr.bits(key, (rows * most,), dtype))(keys).reshape(-1)
    sizes = np.asarray(networks.sizes)
    size = np.repeat(sizes, sizes)
    first = np.repeat(rows * most * np.arange(len(sizes)), sizes)
    own = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = first + size * np.arange(rows)[:, None] + own
    return drawn.at[place].get(mode="promise_in_bounds", unique_indices=True).reshape(shape)
