"""Sizes that are estimated before anything is allocated."""

from .container import free_memory


_SHARE = 0.5  # of the free memory that one thing may take
_UNKNOWN = 8 * 2**30  # [B] where the system does not say


def free_room() -> int:
    """The most that one thing may take [B]: half of the free memory."""
    free = free_memory()
    return int(_SHARE * (_UNKNOWN if free is None else free))


def check_room(what: str, size: int, advice: str) -> None:
    """Raises a `ValueError` if `what`, of `size` bytes, would take more than half of the free memory."""
    if size > (most := free_room()):
        raise ValueError(
            f"{what} would take {in_words(size)}, more than the {in_words(most)} that are half of the free "
            f"memory: {advice}."
        )


def in_words(size: int) -> str:
    """A number of bytes with a unit."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    power = min((max(size, 1).bit_length() - 1) // 10, len(units) - 1)
    # An integer, because no float is as large as what users can ask for.
    return f"{size / 1024**power:.3g} {units[power]}" if size < 2**60 else "more than a million TiB"
