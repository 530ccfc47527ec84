"""Chunks of a sweep as they are read: each compared with what its record says of it."""

from pathlib import Path
from typing import Any, NoReturn

from zarr.storage import LocalStore

from .layout import layout_from
from .store import Store
from .sums import checksum


_KEPT_RECORDS = 4096
_ADVICE = "Run the same sweep again: that chunk alone is computed anew, all others are kept."


class CheckedStore(LocalStore):
    """The Zarr store of a sweep, to be read.

    A chunk is read as it was written or not at all: one without a record is not there yet, and one that
    its record does not fit is a `ValueError` that names the file.
    """

    def __init__(self, root: Path | str, *, read_only: bool = True):
        super().__init__(root, read_only=read_only)
        self._store = Store(self.root.parent)
        attributes = self._store.attributes()
        assert attributes is not None
        self._store.know(attributes)
        self._layout = layout_from(attributes["specification"]["layout"])
        try:
            # Coordinates, which have been compared when the sweep was opened.
            self._others = {*self._store.kept()["files"]}
        except FileNotFoundError:
            self._others = None  # of an earlier version
        self._records: dict[int, dict[str, str]] = {}

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        return self._checked(key, await super().get(key, prototype, byte_range))

    def get_sync(self, key: str, **settings: Any) -> Any:
        """As `get`, which later versions of Zarr call in this way."""
        return self._checked(key, super().get_sync(key, **settings))

    def _checked(self, key: str, data: Any) -> Any:
        _name, *place = key.split("/")
        axes = len(self._layout.sizes)
        is_chunk = place[:1] == ["c"] and len(place) > axes
        if not is_chunk or (self._others is not None and key in self._others):
            return data
        # The first axes of a result are those of the sweep.
        index = self._layout.number_at(tuple(map(int, place[1 : 1 + axes])))
        files = self._record(index)
        if files is None and self._others is not None:
            return None
        if files is None or key not in files:
            return data if self._others is None else self._refuse(f"{self.root / key} has no checksum")
        if data is None:
            self._refuse(f"{self.root / key} is missing, although its record says that it was written")
        if checksum(data.to_bytes()) != files[key]:
            self._refuse(f"{self.root / key} is damaged: it has another checksum than in its record")
        return data

    def _record(self, index: int) -> dict[str, str] | None:
        if index not in self._records:
            try:
                found = self._store.record(index, self._layout.n_chunks)
            except ValueError as error:
                raise ValueError(f"{error} {_ADVICE}") from error
            if found is None:
                return None
            if len(self._records) >= _KEPT_RECORDS:
                self._records.clear()
            self._records[index] = found
        return self._records[index]

    def _refuse(self, problem: str) -> NoReturn:
        raise ValueError(f"{problem}. {_ADVICE}")
