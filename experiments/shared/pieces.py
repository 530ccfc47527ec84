"""Results in pieces on disk: a run that was cut off goes on where it was."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class TimeUp(Exception):
    """The time for new pieces is over: call again to go on."""


class Pieces:
    """A folder of results; none is computed twice, and none begun once the time is up."""

    def __init__(self, folder: Path, minutes: float):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.end = folder, time.perf_counter() + 60 * minutes
        self.seconds = 0.0  # that all pieces took which were asked for

    def check_time(self) -> None:
        """Raises `TimeUp` when it is."""
        if time.perf_counter() > self.end:
            raise TimeUp

    def keep(self, name: str, function: Callable[[], dict[str, Any]]) -> dict[str, np.ndarray]:
        """The arrays of a piece, from disk if they are there."""
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            self.check_time()
            begin = time.perf_counter()
            made = {k: np.asarray(v) for k, v in function().items()}
            write_whole(path, took=np.asarray(time.perf_counter() - begin), **made)
        with np.load(path) as file:
            found = dict(file)
        self.seconds += float(found.pop("took"))
        return found


def write_whole(path: Path, **arrays: np.ndarray) -> None:
    """Under another name first: a file that is there is whole."""
    partial = path.with_name(f"partial_{path.name}")
    np.savez(partial, **arrays)  # pyright: ignore[reportArgumentType]
    partial.rename(path)
