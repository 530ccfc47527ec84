"""Finished work on disk, whole or not at all: a run that was cut off goes on where it was."""

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np


class TimeUp(Exception):
    """The time for new pieces is over: call again to go on."""


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to. It has another name until all is in it: what is at `path` is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, because files are renamed at once only within a disk; several processes may write the same.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class Pieces:
    """A folder of results; none is made twice, and none is begun once the time is up.

    - `minutes`: from now on; with 0 there is only what earlier calls have made.
    - `aloud`: says of each new piece how long it took.
    """

    def __init__(self, folder: Path, minutes: float = math.inf, aloud: bool = False):
        self.folder, self.aloud = folder, aloud
        self.end = time.perf_counter() + 60 * minutes
        self.took: dict[str, float] = {}
        """[s] that each piece took which was asked for, in the call that made it."""

    @property
    def seconds(self) -> float:
        """Time of all pieces that were asked for."""
        return sum(self.took.values())

    def has(self, name: str) -> bool:
        """Whether a piece is there."""
        return any(self._path(name, kind).is_file() for kind in ("npz", "json"))

    def find(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays of a piece, None if they are not there."""
        piece = _arrays(self._path(name, "npz"))
        if piece is None:
            return None
        found, self.took[name] = piece
        return found

    def keep(
        self,
        name: str,
        make: Callable[[], dict[str, Any]],
        *,
        fits: Callable[[dict[str, np.ndarray]], bool] = lambda found: True,
        late: bool = False,
    ) -> dict[str, np.ndarray]:
        """The arrays of a piece, from disk if they are there.

        - `fits`: whether those on disk will do; if not, others take their place.
        - `late`: makes them even if the time is up.

        Raises `TimeUp` if they are not there and the time is up.
        """
        found = self.find(name)
        if found is None or not fits(found):
            arrays = lambda: {key: np.asarray(value) for key, value in make().items()}
            found, self.took[name] = self._make(name, arrays, late)
            with written_whole(self._path(name, "npz")) as file:
                np.savez_compressed(file, allow_pickle=False, took=np.asarray(self.took[name]), **found)
        return found

    def keep_json(
        self, name: str, make: Callable[[], Any], *, fits: Callable[[Any], bool] = lambda found: True
    ) -> Any:
        """The same of what JSON has: numbers, text, lists and dictionaries."""
        path = self._path(name, "json")
        piece = json.loads(path.read_text()) if path.is_file() else None
        if piece is None or not fits(piece["found"]):
            made, took = self._make(name, make)
            text = json.dumps({"took": took, "found": made}, allow_nan=False)
            with written_whole(path) as file:
                file.write(text.encode())
            piece = json.loads(text)  # as later calls will have it
        self.took[name] = piece["took"]
        return piece["found"]

    def _path(self, name: str, kind: str) -> Path:
        return self.folder / f"{name}.{kind}"

    def _make(self, name: str, make: Callable[[], Any], late: bool = False) -> tuple[Any, float]:
        """What `make` gives, and the seconds that it took."""
        if not late and time.perf_counter() > self.end:
            raise TimeUp(name)
        begin = time.perf_counter()
        made = make()
        took = time.perf_counter() - begin
        if self.aloud:
            print(f"{name}: {took:.0f} s", flush=True)
        return made, took


def _arrays(path: Path) -> tuple[dict[str, np.ndarray], float] | None:
    """The arrays of a file and the seconds that they took, None where there is no file."""
    if not path.is_file():
        return None
    with np.load(path) as file:
        found = dict(file)
    return found, float(found.pop("took"))
