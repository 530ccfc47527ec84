"""One run at a time in the folder of a sweep: who writes there, and whether they still live."""

import json
import os
import platform
import threading
import time
import uuid
from pathlib import Path
from typing import Any


_BEAT = 10.0  # [s] between two signs of life
_SILENCE = 90.0  # [s] without one after which a process elsewhere counts as gone: caches of NFS keep 60 s
_ATTEMPTS = 5
# A process that finds its own number in a lock must know whether it is its own or an earlier process's.
_ours: set[str] = set()


class Lock:
    """The right to write into a folder: the file `.lock-0`, in which the holder says who it is.

    The processes of one run of `jax.distributed` have a lock each, by their number, and let each other
    be. What a killed process leaves behind is recognised: on this machine because there is no such
    process, on another one by its silence, since a holder touches its lock every ten seconds.
    """

    def __init__(self, folder: Path, parts: Path, process: int, processes: int):
        self.folder, self.parts = folder, parts
        self.process, self.processes = process, processes
        self.token = uuid.uuid4().hex
        # Of the thread that touches the lock: a reader has none, and may be pickled.
        self.released: threading.Event | None = None

    @property
    def path(self) -> Path:
        """The file of this process."""
        return self.folder / f".lock-{self.process}"

    def take(self) -> None:
        """Makes the folder this process's, or says whose it is.

        **Raises:** `ValueError` if another run writes there; `OSError` if nothing can be written.
        """
        for _ in range(_ATTEMPTS):
            for path in sorted(self.folder.glob(".lock-*")):
                self._pass(path)
            if self._create():
                break
        else:
            raise ValueError(f"{self.folder} is being taken by several runs at once: call this again.")
        _ours.add(self.token)
        self.released = threading.Event()
        beat = threading.Thread(
            target=self._beat, args=(self.released,), name="jaxnn sweep lock", daemon=True
        )
        beat.start()

    def check(self) -> None:
        """**Raises:** `ValueError` if another run took over, as one does after a long silence."""
        found = _read(self.path)
        if found.get("token") != self.token:
            now = f"{_named(found)} writes there now" if found else f"its lock {self.path} was removed"
            raise ValueError(
                f"this sweep no longer has the folder {self.folder}: {now}. All chunks finished so far are "
                "safe; wait for that one, or call this again to go on."
            )

    def release(self) -> bool:
        """Gives the folder back; False if it was not this process's any more."""
        if self.released is not None:
            self.released.set()
        _ours.discard(self.token)
        if _read(self.path).get("token") != self.token:
            return False
        self.path.unlink(missing_ok=True)
        return True

    def _pass(self, path: Path) -> None:
        """Returns if a lock is no obstacle, any more; raises a `ValueError` if it is."""
        found = _read(path)
        same_run = path != self.path and self.processes > 1 and found.get("processes") == self.processes
        if same_run or not path.exists():
            return
        if _lives(path, found, self._now):
            raise ValueError(
                f"{self.folder} is being written by another run: {_named(found)}. Wait for it, or give "
                "another folder; results so far can be read with jaxnn.open_sweep. If that process is gone "
                f"for sure, delete {path} and call this again: no chunk is lost."
            )
        self._remove(path, found)

    def _remove(self, path: Path, found: dict[str, Any]) -> None:
        """Removes the lock of a process that is gone, unless someone else has just done so."""
        aside = self._part()
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            return
        if _read(aside).get("token") != found.get("token"):
            try:
                os.link(aside, path)
            except OSError:
                pass  # its holder finds out at its next chunk
        aside.unlink(missing_ok=True)

    def _create(self) -> bool:
        """Writes the lock, whole from the first moment on; False if there is one."""
        text = json.dumps(self._self())
        part = self._part()
        try:
            part.write_text(text)
            try:
                os.link(part, self.path)
            except (FileExistsError, FileNotFoundError):
                return False
            except OSError:  # a file system without links
                return _written(self.path, text)
        finally:
            part.unlink(missing_ok=True)
        return True

    def _part(self) -> Path:
        """The name of a file for a moment; a killed process's are removed by the next run."""
        # The run that has the folder removes this one when it ends.
        self.parts.mkdir(parents=True, exist_ok=True)
        return self.parts / f"{self.process}-{uuid.uuid4().hex}.lock"

    def _self(self) -> dict[str, Any]:
        return {
            "token": self.token,
            "process": self.process,
            "processes": self.processes,
            "pid": os.getpid(),
            "started": _start_of(os.getpid()),
            "host": platform.node(),
            "system": _system(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        }

    def _beat(self, released: threading.Event) -> None:
        while not released.wait(_BEAT):
            if _read(self.path).get("token") != self.token:
                return
            try:
                os.utime(self.path)
            except OSError:
                pass  # a disk that is away for a moment

    def _now(self) -> float:
        """The time by the clock of the disk, which may be another machine's [s]."""
        while True:
            part = self._part()
            try:
                part.touch()
                return part.stat().st_mtime
            except FileNotFoundError:
                continue  # the run that has the folder has just begun, and tidied up
            finally:
                part.unlink(missing_ok=True)


def _written(path: Path, text: str) -> bool:
    """A new file in one go, or False if there is one."""
    try:
        with open(path, "x") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


def _lives(path: Path, found: dict[str, Any], now: Any) -> bool:
    """Whether the holder of a lock still runs; waits for a sign of life of one that cannot be seen."""
    if found.get("token") in _ours:
        return True
    if found.get("system") == _system() and isinstance(found.get("pid"), int):
        pid = found["pid"]
        return pid != os.getpid() and _runs(pid) and _start_of(pid) == found.get("started")
    try:
        first = path.stat().st_mtime
        while now() - path.stat().st_mtime < _SILENCE:
            if path.stat().st_mtime != first:
                return True
            time.sleep(min(1.0, _BEAT / 4))
    except FileNotFoundError:
        pass
    return False


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    return True


def _start_of(pid: int) -> str:
    """When a process began, in ticks, since numbers are used again; empty if it is over, or unknown."""
    try:
        # Behind the name, which may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # A process that was killed stays in the table until its parent looks.
    return "" if fields[0] in "ZX" else fields[19]


def _system() -> str:
    """What process numbers belong to: a machine since its last start, or a container on it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def _named(found: dict[str, Any]) -> str:
    if not found:
        return "a process that its lock does not name"
    this = ", this one," if found.get("token") in _ours else ""
    return f"process {found.get('pid')}{this} on {found.get('host')}, since {found.get('since')}"


def _read(path: Path) -> dict[str, Any]:
    """What a lock says; nothing if it is not there, or cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
