"""Sweeps that are killed, run out of disk, are damaged or changed: nothing is lost or mixed."""

import errno
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import jaxnn
import sweep_worker
from helpers import ROOT
from jaxnn._sweep.batch import Program
from jaxnn._sweep.reductions import named_reduction
from jaxnn._sweep.store import Store


pytest.importorskip("zarr")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def start(*arguments) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "XLA"))}
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "sweep_worker.py"), *map(str, arguments)],
        env=environment | {"PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The sweep of the worker in this process, never interrupted."""
    out = tmp_path_factory.mktemp("whole")
    sweep_worker.worker_sweep(out)
    return out


@pytest.fixture
def copy(whole, tmp_path):
    """Its results, to be spoilt."""
    return shutil.copytree(whole, tmp_path / "copy")


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments(whole, tmp_path, kills):
    """SIGKILL, and the same command again, ends with the bytes of a sweep that nobody killed."""
    out, moments = tmp_path / "killed", random.Random(kills)
    reached = []
    for _ in range(kills):
        process = start(out, "x64")
        # Most of its time it imports and compiles: the moments of interest are those after.
        begin = len(list((out / "done").glob("*")))
        wanted = begin + moments.randrange(40 // kills + 1)
        while process.poll() is None and len(list((out / "done").glob("*"))) < wanted:
            time.sleep(1e-3)
        time.sleep(moments.uniform(0, 5e-3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        reached.append(len(list((out / "done").glob("*"))))
    assert reached == sorted(reached)
    finish(start(out, "x64"))
    assert tree(out) == tree(whole)


def test_a_crash_at_any_write(whole, tmp_path, monkeypatch):
    """The write of each kind of file fails once: the store's own, a chunk's, its record's."""

    class Crash(BaseException):
        pass

    replace = os.replace
    out = tmp_path / "crashed"
    for number in (8, 14, 30, 31):  # the store, its checksums, a chunk, the record of a chunk
        calls = []

        def crash(a, b, number=number, calls=calls):
            calls.append(b)
            if len(calls) == number:
                raise Crash
            replace(a, b)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", crash)
            with pytest.raises(Crash):
                sweep_worker.worker_sweep(out)
    sweep_worker.worker_sweep(out)
    assert tree(out) == tree(whole)


def test_corrupt_chunks_are_found_and_nothing_else_is_computed(whole, copy, monkeypatch):
    """A flipped bit, a file cut short, a lost file and a lost record."""
    flipped, short, lost = (copy / f"sweep.zarr/trace/c/{k}/0/0" for k in (7, 8, 9))
    data = bytearray(flipped.read_bytes())
    data[len(data) // 2] ^= 1
    flipped.write_bytes(bytes(data))
    short.write_bytes(short.read_bytes()[:-3])
    lost.unlink()
    (copy / "done" / "10.json").unlink()
    # Other readers are told as well.
    with pytest.raises(ValueError, match=r"checksum|crc"):
        jaxnn.open_sweep(copy).trace[7].load()
    computed = []
    call = Program.__call__
    monkeypatch.setattr(Program, "__call__", lambda *a: (computed.append(1), call(*a))[1])
    with pytest.warns(UserWarning, match=r"chunk \d of .* is damaged .*computed again") as caught:
        sweep_worker.worker_sweep(copy)
    assert (len(caught), len(computed)) == (3, 4)
    assert tree(copy) == tree(whole)


def test_damaged_metadata(whole, copy):
    (copy / "sweep.zarr" / "amplitude" / "c" / "0").write_bytes(b"nonsense")
    with pytest.warns(UserWarning, match=r"amplitude/c/0 was damaged or lost: it is written anew"):
        sweep_worker.worker_sweep(copy)
    assert tree(copy) == tree(whole)
    group, kept = copy / "sweep.zarr" / "zarr.json", copy / "sweep.json"
    for path in (group, kept):
        path.write_text("{")
        with pytest.warns(UserWarning, match=rf"{path.name} was damaged or lost: it is written anew"):
            sweep_worker.worker_sweep(copy)
        assert tree(copy) == tree(whole)
    # Both: what is computed is still there, and nobody is told to delete it.
    group.write_text("{")
    kept.write_text("{")
    before = tree(copy)
    with pytest.raises(ValueError, match=r"zarr.json is damaged, or is not of .*chunks in .* are kept"):
        sweep_worker.worker_sweep(copy)
    assert tree(copy) == before


def test_other_readers_and_stores_of_earlier_versions(whole, copy):
    """xarray opens a store by its folder alone, without a warning, as it does in this suite an error."""
    xr = pytest.importorskip("xarray")
    plain, ours = xr.open_zarr(whole / "sweep.zarr", chunks=None), jaxnn.open_sweep(whole)
    xr.testing.assert_identical(plain[list(ours.data_vars)], ours)
    group = copy / "sweep.zarr" / "zarr.json"
    earlier = json.loads(group.read_text())
    assert set(earlier.pop("consolidated_metadata")["metadata"]) == {str(name) for name in ours.variables}
    group.write_text(json.dumps(earlier))
    (copy / "sweep.json").unlink()
    xr.testing.assert_identical(jaxnn.open_sweep(copy).load(), ours.load())
    sweep_worker.worker_sweep(copy)
    assert tree(copy) == tree(whole)


def test_another_specification_is_refused(copy, monkeypatch):
    """Values, junction, steps, a function's body: any difference, and nothing is touched."""
    before = tree(copy)
    given = {}
    monkeypatch.setattr(jaxnn, "sweep", lambda *a, **k: given.update(a=a, k=k))
    sweep_worker.worker_sweep(copy)
    monkeypatch.undo()
    network, junction, drive = given["a"]
    for changes, message in (
        (
            {"over": {"drive.amplitude": [0.1], "junction.conductance_value": [1.0]}, "steps": 60},
            r"axes.amplitude",
        ),
        ({"steps": 60}, r"settings.steps is 50 there and 60 here"),
        ({"reduce": _doubled()}, r"a reduction, the law, the solver or the code of jaxnn is another"),
    ):
        with pytest.raises(ValueError, match=f"holds another sweep: .*({message})"):
            jaxnn.sweep(network, junction, drive, **(given["k"] | changes))
    with pytest.raises(ValueError, match=r"base.junction.conductance_value is 0.001 there and 0.002 here"):
        jaxnn.sweep(network, jaxnn.Resistor(2e-3), drive, **given["k"])
    assert tree(copy) == before


def _doubled():
    """The same names, units and descriptions, another function."""
    final, trace = (named_reduction(name, {}) for name in ("final_conductance", "conductance"))
    other = jaxnn.Reduction(lambda s: 2 * s.conductance[-1], final.unit, final.description)
    return {"final": other, "trace": trace}


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A disk of 400 KiB, or where mounting is not permitted, one that says so after a while."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    mounted = (
        shutil.which("mount") and not subprocess.run(mount, capture_output=True, check=False).returncode
    )

    def full(_):
        if len(list(disk.rglob("done/*"))) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    if not mounted:
        monkeypatch.setattr(os, "fsync", full)
    yield disk
    if mounted:
        subprocess.run(["umount", str(disk)], check=True)


def test_disk_full(whole, tmp_path, small_disk, monkeypatch):
    """Once there is room, the same call ends with the same bytes."""
    with pytest.raises(OSError, match=r"the disk is full; [0-9]+ of 40 chunks are safe") as caught:
        sweep_worker.worker_sweep(small_disk / "out")
    assert caught.value.errno == errno.ENOSPC
    assert 0 < len(list((small_disk / "out" / "done").iterdir())) < 40
    moved = shutil.copytree(small_disk / "out", tmp_path / "roomy")
    monkeypatch.undo()
    sweep_worker.worker_sweep(moved)
    assert tree(moved) == tree(whole)


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"cannot write to .*a part of the path is a file; no chunk"):
        sweep_worker.worker_sweep(tmp_path / "file" / "out")
    assert (tmp_path / "file").read_text() == "mine"


def test_interrupted_by_the_keyboard(whole, tmp_path, monkeypatch):
    original = Store.write_chunk

    def interrupted(self, index, *arguments):
        if index == 4:
            raise KeyboardInterrupt
        original(self, index, *arguments)

    monkeypatch.setattr(Store, "write_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep_worker.worker_sweep(tmp_path)
    data = jaxnn.open_sweep(tmp_path)
    assert int((data.diagnosis >= 0).sum()) == 8
    assert np.isnan(data.final).sum() == 80 - 8
    monkeypatch.undo()
    sweep_worker.worker_sweep(tmp_path)
    assert tree(tmp_path) == tree(whole)


def test_two_processes_of_four_devices_give_the_same_store(whole, tmp_path):
    """JAX's distributed runtime, and the batch shared among devices: bit for bit those of one."""
    out, port = tmp_path / "two", free_port()
    for process in [start(out, "x64", "devices=4", port, k) for k in (0, 1)]:
        finish(process)
    assert tree(out) == tree(whole)


@pytest.mark.slow
def test_two_processes_and_one_killed(whole, tmp_path):
    """One dies, both start again, the store is the same."""
    out, port = tmp_path / "two", free_port()
    first = [start(out, "x64", port, k) for k in (0, 1)]
    while first[1].poll() is None and not (out / "done" / "21.json").exists():
        time.sleep(1e-3)
    for process in first[::-1]:  # the second one dies; Slurm would end the first, too
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert 0 < len(list((out / "done").iterdir())) <= 40
    port = free_port()
    for process in [start(out, "x64", port, k) for k in (0, 1)]:
        finish(process)
    assert tree(out) == tree(whole)


@pytest.mark.slow
def test_eight_devices_give_the_numbers_of_one(whole, tmp_path):
    finish(start(tmp_path, "x64", "devices=8"))
    assert tree(tmp_path) == tree(whole)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]
