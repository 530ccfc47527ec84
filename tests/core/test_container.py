"""Limits of containers, from files as Linux has them."""

import os

import jax
import pytest

from jaxnn._core.container import cores, free_memory
from jaxnn._sweep import batch as _batch


GIB = 2**30
MACHINE = {"proc/meminfo": f"MemTotal: {64 * GIB // 1024} kB\nMemAvailable:   {48 * GIB // 1024} kB\n"}
V2 = "sys/fs/cgroup/"
V1 = "sys/fs/cgroup/memory/"
# What the files say, and the free memory [GiB] that follows by hand.
MEMORY = {
    "another system": ({}, None),
    "no limits": (MACHINE, 48),
    "a container, version 2": (
        {
            "proc/self/cgroup": "0::/\n",
            V2 + "memory.max": f"{8 * GIB}\n",
            V2 + "memory.current": f"{5 * GIB}\n",
            V2 + "memory.stat": f"anon {3 * GIB}\ninactive_file {GIB}\nactive_file {GIB}\n",
        },
        8 - 5 + 1,
    ),
    "no limit inside, one outside, version 2": (
        {
            "proc/self/cgroup": "0::/batch/job/step\n",
            V2 + "batch/job/step/memory.max": "max\n",
            V2 + "batch/job/step/memory.current": f"{GIB}\n",
            V2 + "batch/job/memory.max": f"{6 * GIB}\n",
            V2 + "batch/job/memory.current": f"{2 * GIB}\n",
        },
        6 - 2,
    ),
    "more used than allowed": (
        {
            "proc/self/cgroup": "0::/\n",
            V2 + "memory.max": f"{GIB}\n",
            V2 + "memory.current": f"{2 * GIB}\n",
        },
        0,
    ),
    "a limit above what the machine has": (
        {
            "proc/self/cgroup": "0::/\n",
            V2 + "memory.max": f"{100 * GIB}\n",
            V2 + "memory.current": f"{GIB}\n",
        },
        48,
    ),
    # The path is the host's; what is mounted is the container's own folder.
    "a container, version 1": (
        {
            "proc/self/cgroup": "12:cpu,cpuacct:/docker/1f\n9:memory:/docker/1f\n0::/docker/1f\n",
            V1 + "memory.limit_in_bytes": f"{4 * GIB}\n",
            V1 + "memory.usage_in_bytes": f"{3 * GIB}\n",
            V1 + "memory.stat": f"cache {GIB}\ninactive_file 7\ntotal_inactive_file {GIB // 2}\n",
        },
        4 - 3 + 0.5,
    ),
    "a batch system, version 1": (
        {
            "proc/self/cgroup": "9:memory:/slurm/job_1/step_0\n",
            V1 + "memory.limit_in_bytes": "9223372036854771712\n",
            V1 + "memory.usage_in_bytes": f"{9 * GIB}\n",
            V1 + "slurm/job_1/memory.limit_in_bytes": f"{3 * GIB}\n",
            V1 + "slurm/job_1/memory.usage_in_bytes": f"{GIB}\n",
            V1 + "slurm/job_1/step_0/memory.limit_in_bytes": f"{5 * GIB}\n",
            V1 + "slurm/job_1/step_0/memory.usage_in_bytes": f"{GIB}\n",
        },
        3 - 1,
    ),
}
CORES = {
    "no quota": ({"proc/self/cgroup": "0::/\n", V2 + "cpu.max": "max 100000\n"}, 16),
    "version 2": ({"proc/self/cgroup": "0::/\n", V2 + "cpu.max": "250000 100000\n"}, 3),
    "less than one": ({"proc/self/cgroup": "0::/\n", V2 + "cpu.max": "50000 100000\n"}, 1),
    "version 1": (
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/docker/1f\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
        4,
    ),
    "no quota, version 1": (
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
        16,
    ),
}


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(("files", "wanted"), MEMORY.values(), ids=MEMORY)
def test_free_memory(files, wanted, tmp_path):
    found = free_memory(write(tmp_path, (MACHINE if files else {}) | files))
    assert found == (None if wanted is None else wanted * GIB)


@pytest.mark.parametrize(("files", "wanted"), CORES.values(), ids=CORES)
def test_cores(files, wanted, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    assert cores(write(tmp_path, files)) == wanted


def test_of_this_machine():
    assert cores() >= 1
    assert _batch._free_memory(jax.devices("cpu")) > 0
