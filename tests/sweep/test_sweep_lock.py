"""Two runs on one folder: the second is told who has it, and what a dead one left is no obstacle."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import jaxnn
import sweep_worker
from helpers import ROOT
from jaxnn._sweep import lock as _lock
from jaxnn._sweep.lock import Lock
from jaxnn._sweep.store import Store


pytest.importorskip("zarr")


def start(out) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "XLA"))}
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "sweep_worker.py"), str(out), "x64"],
        env=environment | {"PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def quick(monkeypatch):
    """A machine of short silences."""
    monkeypatch.setattr(_lock, "_BEAT", 0.05)
    monkeypatch.setattr(_lock, "_SILENCE", 0.4)


def lock(folder, process=0, processes=1) -> Lock:
    return Lock(folder, folder / ".part", process, processes)


def written(folder, **changes):
    """A lock that somebody else has left."""
    record = lock(folder)._self() | {"token": "theirs"} | changes
    path = folder / f".lock-{record['process']}"
    path.write_text(json.dumps(record))
    return path


def test_two_processes_on_one_folder(tmp_path):
    """A second run is refused while the first is at work, and the first ends as if nothing had been."""
    out = tmp_path / "out"
    first = start(out)
    while first.poll() is None and not list((out / "done").glob("*")):
        time.sleep(1e-3)
    first.send_signal(signal.SIGSTOP)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=rf"is being written by another run: process {first.pid} on "):
        sweep_worker.worker_sweep(out)
    assert {path: path.read_bytes() for path in before} == before
    first.send_signal(signal.SIGCONT)
    _, errors = first.communicate()
    assert first.returncode == 0, errors
    assert (jaxnn.open_sweep(out).diagnosis == 0).all()
    assert sorted(path.name for path in out.iterdir()) == ["done", "sweep.json", "sweep.zarr"]


@pytest.mark.slow
def test_processes_that_start_together(tmp_path):
    """One computes; the others are refused, or find it finished."""
    processes = [start(tmp_path / "out") for _ in range(4)]
    errors = [process.communicate()[1] for process in processes]
    refused = [error for error, process in zip(errors, processes, strict=True) if process.returncode]
    assert len(refused) < 4
    assert all("is being written by another run" in error for error in refused)
    assert not any("damaged" in error for error in errors)
    assert (jaxnn.open_sweep(tmp_path / "out").diagnosis == 0).all()


def test_what_a_dead_process_left(tmp_path):
    """Killed and waited for, killed and not waited for, and its number used again."""
    child = subprocess.Popen(["sleep", "600"])
    began = _lock._start_of(child.pid)
    path = written(tmp_path, pid=child.pid, started=began)
    with pytest.raises(ValueError, match=rf"process {child.pid} on .*delete {path} and call this again"):
        lock(tmp_path).take()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is still in the table
    for _ in range(2):
        ours = lock(tmp_path)
        ours.take()
        ours.release()
        assert not path.exists()
        child.wait()
        written(tmp_path, pid=child.pid, started=began)
    written(tmp_path, pid=os.getppid(), started="1")
    ours = lock(tmp_path)
    ours.take()
    ours.check()
    with pytest.raises(ValueError, match=rf"process {os.getpid()}, this one, on "):
        lock(tmp_path).take()
    ours.release()
    # An earlier call in this very process that could not tidy up.
    written(tmp_path, pid=os.getpid())
    lock(tmp_path).take()


def test_another_machine(tmp_path, quick):
    """One that gives signs of life has the folder, one that has fallen silent does not."""
    path = written(tmp_path, system="elsewhere", host="node7")
    ended = threading.Event()

    def beat():
        while not ended.wait(0.05):
            os.utime(path)

    thread = threading.Thread(target=beat)
    thread.start()
    with pytest.raises(ValueError, match="on node7, since"):
        lock(tmp_path).take()
    ended.set()
    thread.join()
    begin = time.monotonic()
    ours = lock(tmp_path)
    ours.take()
    assert 0.1 < time.monotonic() - begin < 5
    # Ours beats as well, so that the others see it.
    before = ours.path.stat().st_mtime_ns
    time.sleep(0.3)
    assert ours.path.stat().st_mtime_ns > before
    ours.release()
    written(tmp_path, system="elsewhere")
    os.utime(path, (1, 1))
    lock(tmp_path).take()  # at once
    # A lock that cannot be read is judged by its age alone.
    other = tmp_path / "other"
    other.mkdir()
    (other / ".lock-0").write_text('{"token"')
    lock(other).take()


def test_processes_of_one_run_share_a_folder(tmp_path):
    both = [lock(tmp_path, process, 2) for process in (0, 1)]
    for one in both:
        one.take()
    for other in (lock(tmp_path), lock(tmp_path, 1, 2), lock(tmp_path, 2, 3)):
        with pytest.raises(ValueError, match="being written by another run"):
            other.take()
    for one in both:
        one.check()
        one.release()
    lock(tmp_path).take()


def test_a_run_that_was_taken_for_dead_stops(tmp_path, monkeypatch):
    """It writes nothing more, says why, and leaves the other's lock alone."""
    write, theirs = Store.write_chunk, []

    def robbed(self, index, *arguments):
        if index == 3:
            self.lock.path.unlink()
            theirs.append(written(tmp_path, host="node7"))
        write(self, index, *arguments)

    monkeypatch.setattr(Store, "write_chunk", robbed)
    message = r"no longer has the folder .*: process \d+ on node7.* writes there now\. All chunks"
    with pytest.raises(ValueError, match=message):
        sweep_worker.worker_sweep(tmp_path)
    assert theirs[0].exists()
    assert len(list((tmp_path / "done").iterdir())) == 3
    theirs[0].unlink()
    monkeypatch.undo()
    assert (sweep_worker.worker_sweep(tmp_path).diagnosis == 0).all()
    assert not theirs[0].exists()


@pytest.mark.parametrize("place", [(threading, "Thread"), (Store, "create"), (Store, "count_finished")])
def test_interrupted_before_it_begins(tmp_path, monkeypatch, place):
    """The next call in the same session is not told that this one has the folder."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(*place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            sweep_worker.worker_sweep(tmp_path)
    assert not (tmp_path / ".lock-0").exists()
    ours = lock(tmp_path)
    ours.take()
    ours.release()
