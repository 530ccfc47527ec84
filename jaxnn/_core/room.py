"""Sizes that are estimated before anything is allocated."""

import math
from collections.abc import Sequence
from typing import Any

import jax

from .container import free_memory


_SHARE = 0.5  # of the free memory that one thing may take
_UNKNOWN = 8 * 2**30  # [B] where the system does not say
_LITTLE = 2**20  # [B] that are not worth a look at the system's files
_MOST_REPEATS = 10**6


def free_room(devices: Sequence[Any] | None = None) -> int:
    """The most that one thing may take [B]: half of the free memory.

    It is that of the machine, or that of `devices` of JAX together where they have their own.
    """
    stats = [device.memory_stats() or {} for device in devices or ()]
    if stats and all("bytes_limit" in own for own in stats):
        return int(_SHARE * sum(own["bytes_limit"] - own.get("bytes_in_use", 0) for own in stats))
    free = free_memory()
    return int(_SHARE * (_UNKNOWN if free is None else free))


def check_room(what: str, size: int, advice: str, *, on_device: bool = False) -> None:
    """Raises a `ValueError` if `what`, of `size` bytes, would take more than half of the free memory.

    With `on_device`, JAX allocates it, where its arrays are.
    """
    if size <= _LITTLE:
        return
    if size > (most := free_room(jax.local_devices() if on_device else None)):
        raise ValueError(
            f"{what} would take {in_words(size)}, more than the {in_words(most)} that are half of the free "
            f"memory: {advice}."
        )


def check_shape(what: str, shape: Sequence[Any], advice: str, *, each: int | None = None) -> None:
    """`check_room` for arrays of JAX: a shape with so many bytes to `each` entry, by default a float's."""
    each = jax.dtypes.canonicalize_dtype(float).itemsize if each is None else each
    # Whole numbers of Python, which do not overflow.
    check_room(what, each * math.prod(map(int, shape)), advice, on_device=True)


def check_repeats(name: str, count: int) -> int:
    """Repetitions of a statistical test; raises a `ValueError` for more than tell anything."""
    if count > _MOST_REPEATS:
        raise ValueError(
            f"{name} must be at most {_MOST_REPEATS:,}, got {count:,}: what so many draws say is known to "
            "a thousandth of its spread, and more would take days."
        )
    return int(count)


def in_words(size: int) -> str:
    """A number of bytes with a unit."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    power = min((max(size, 1).bit_length() - 1) // 10, len(units) - 1)
    # An integer, because no float is as large as what users can ask for.
    return f"{size / 1024**power:.3g} {units[power]}" if size < 2**60 else "more than a million TiB"
