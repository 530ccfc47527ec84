"""What a container leaves of the machine that it runs on: memory and processors."""

import math
import os
from collections.abc import Iterator
from pathlib import Path


def free_memory(root: Path = Path("/")) -> int | None:
    """Memory that is still to be had [B], None where the system does not say (it is no Linux).

    The least of what the machine has and of what the limit of each control group around this process
    leaves (version 1 or 2, as containers and batch systems set them). Pages of files that were read count
    as free: they are given up when memory runs short.

    - `root`: of the file system.
    """
    found = []
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            found.append(1024 * int(line.split()[1]))
    for group in _groups(root, "memory"):
        limit, used, reclaimable = (_number(group, names) for names in (_LIMIT, _USED, _RECLAIMABLE))
        if limit is not None and used is not None:
            found.append(max(0, limit - used + (reclaimable or 0)))
    return min(found, default=None)


def cores(root: Path = Path("/")) -> int:
    """Processors that this process may keep busy, at least 1: its affinity and the quotas of its groups."""
    # Not all systems have an affinity.
    affinity = getattr(os, "sched_getaffinity", None)
    found = [len(affinity(0)) if affinity else os.cpu_count() or 1]
    for group in _groups(root, "cpu"):
        quota, period = _number(group, _QUOTA), _number(group, _PERIOD)
        if quota is not None and quota > 0 and period:
            found.append(math.ceil(quota / period))
    return max(1, min(found))


# A file, and a word or the place of a word in it; version 2 first.
_LIMIT = (("memory.max", 0), ("memory.limit_in_bytes", 0))
_USED = (("memory.current", 0), ("memory.usage_in_bytes", 0))
# Version 1 has both; without "total", a group leaves out those inside it.
_RECLAIMABLE = (("memory.stat", "total_inactive_file"), ("memory.stat", "inactive_file"))
_QUOTA = (("cpu.max", 0), ("cpu.cfs_quota_us", 0))
_PERIOD = (("cpu.max", 1), ("cpu.cfs_period_us", 0))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of the control groups that this process is in, from the innermost to the outermost."""
    for line in _lines(root / "proc/self/cgroup"):
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            base = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            base = root / "sys/fs/cgroup" / controller
        else:
            continue
        # In a container the path may be that of the host, of which only the end is mounted: the base.
        group = base / path.strip("/")
        while group != base:
            yield group
            group = group.parent
        yield base


def _number(group: Path, names: tuple[tuple[str, int | str], ...]) -> int | None:
    """The first of some numbers that a group has; a limit that is not set ("max") is none."""
    for file, place in names:
        for line in _lines(group / file):
            words = line.split()
            if isinstance(place, str):
                words, at = (words, 1) if words[:1] == [place] else ([], 1)
            else:
                at = place
            if len(words) > at and words[at].lstrip("-").isdigit():
                return int(words[at])
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # another system, or a group that is not ours to see
        return []
