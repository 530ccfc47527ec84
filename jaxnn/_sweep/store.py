"""A Zarr store that survives: each chunk is whole, checked and on the disk, or not there."""

import errno
import json
import os
import shutil
import uuid
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._core import written_whole


STORE = "sweep.zarr"
_DONE = "done"
_PARTS = ".part"


class Variable(NamedTuple):
    """An array of the store; one without data is filled chunk by chunk."""

    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype
    attributes: dict[str, Any]
    data: np.ndarray | None = None


class Store:
    """The folder of a sweep: `sweep.zarr`, and in `done` a record with the checksums of each chunk.

    A file is written under another name, flushed to the disk and renamed. The record of a chunk comes
    after its files: a chunk without one counts as not there. Several processes may write different
    chunks; each names its files by its own number.
    """

    def __init__(self, folder: str | os.PathLike[str], process: int = 0):
        self.folder = Path(folder)
        self.process = process
        self.arrays: dict[str, tuple[Any, dict[str, Any]]] = {}
        self.digest = ""

    @property
    def root(self) -> Path:
        """The Zarr group."""
        return self.folder / STORE

    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the group, None if there is no store yet.

        **Raises:** `ValueError` for a store that is damaged or belongs to something else.
        """
        if not self.root.exists():
            return None
        try:
            found = json.loads((self.root / "zarr.json").read_text())["attributes"]
            return found | {"specification": json.loads(found["specification"])}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self.root} is no store of a jaxnn sweep, or its zarr.json is damaged ({error!r}): give "
                "another folder, or delete it to begin anew."
            ) from error

    def prepare(self) -> None:
        """Makes the folder and removes what a killed run of this process left half-written.

        **Raises:** `OSError` if the folder cannot be written.
        """
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            for left in self._parts.glob(f"{self.process}-*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            self._write(self._parts / f"{self.process}-probe", b"")
            (self._parts / f"{self.process}-probe").unlink()
        except OSError as error:
            raise self._explained(error, "no chunk has been computed yet") from error

    def create(self, variables: Mapping[str, Variable], attributes: Mapping[str, Any]) -> None:
        """Writes the whole store without its chunks, or nothing."""
        new = self._parts / f"{self.process}-{uuid.uuid4().hex}"
        try:
            for name, data in _metadata(variables, attributes).items():
                self._write(new / name, data)
            os.rename(new, self.root)
            _sync(self.folder)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            raise self._explained(error, "no chunk has been computed yet") from error

    def open(
        self, variables: Mapping[str, Variable], attributes: Mapping[str, Any], mend: bool = True
    ) -> None:
        """Gets ready to write chunks; coordinates and metadata that were damaged are written anew."""
        self.arrays = {name: _twin(v) for name, v in variables.items() if v.data is None}
        self.digest = f"{zlib.crc32(json.dumps(attributes['specification'], sort_keys=True).encode()):08x}"
        for name, data in _metadata(variables, attributes).items() if mend else ():
            if _read(self.root / name) == data:
                continue
            # The group's own was read just now: it is of an earlier version, without the others in it.
            if name != "zarr.json":
                warnings.warn(f"{self.root / name} was damaged or lost: it is written anew.", stacklevel=2)
            self._write(self.root / name, data)

    def finished(self, count: int, mine: Iterable[int]) -> Iterator[int]:
        """The chunks among `mine` that are complete and whole, of `count` in all."""
        for index in mine:
            files = self._record(index, count)
            if files is None:
                continue
            damaged = [name for name, checksum in files.items() if _checksum(self.root / name) != checksum]
            if damaged:
                warnings.warn(
                    f"chunk {index} of {self.folder} is damaged ({self.root / damaged[0]} is not what was "
                    "written): it is computed again.",
                    stacklevel=2,
                )
            else:
                yield index

    def count_finished(self, count: int) -> int:
        """How many chunks have a record, of all processes."""
        return sum(self._record(index, count) is not None for index in range(count))

    def write_chunk(
        self, index: int, count: int, region: tuple[slice, ...], values: Mapping[str, np.ndarray]
    ) -> None:
        """Writes one chunk of every array, then the record that it is complete.

        **Raises:** `OSError` if the disk is full or cannot be written; all earlier chunks are safe.
        """
        try:
            files = {}
            for name, value in values.items():
                array, held = self.arrays[name]
                array[(*region, *(slice(None),) * (value.ndim - len(region)))] = value
                for key in [key for key in held if key != "zarr.json"]:
                    data = held.pop(key).to_bytes()
                    files[f"{name}/{key}"] = f"{zlib.crc32(data):08x}"
                    self._write(self.root / name / key, data)
            record = {"sweep": self.digest, "files": files}
            self._write(self._record_path(index, count), json.dumps(record, indent=1).encode())
        except OSError as error:
            raise self._explained(
                error, f"{self.count_finished(count)} of {count} chunks are safe and no other was touched"
            ) from error

    def close(self) -> None:
        """Removes the folder of unfinished files, unless another process still has some."""
        try:
            self._parts.rmdir()
        except OSError:
            pass

    @property
    def _parts(self) -> Path:
        return self.folder / _PARTS

    def _record_path(self, index: int, count: int) -> Path:
        return self.folder / _DONE / f"{index:0{len(str(count - 1))}d}.json"

    def _record(self, index: int, count: int) -> dict[str, str] | None:
        """Names and checksums of a chunk's files, None if it was not finished."""
        try:
            record = json.loads(self._record_path(index, count).read_bytes())
            return record["files"] if record["sweep"] == self.digest else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, path: Path, data: bytes) -> None:
        part = self._parts / f"{self.process}-{uuid.uuid4().hex}.file"
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, part) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _sync(path.parent)

    def _explained(self, error: OSError, state: str) -> OSError:
        why = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the quota of the disk is used up",
            errno.EFBIG: "the file would be larger than is allowed here",
            errno.EROFS: "the disk can only be read",
            errno.EACCES: "writing there is not permitted",
            errno.EPERM: "writing there is not permitted",
            errno.ENOTDIR: "a part of the path is a file",
            errno.EEXIST: "a part of the path is a file",
        }.get(error.errno or 0, error.strerror or str(error))
        message = (
            f"cannot write to {self.folder}: {why}; {state}. Mend that and run the same command again."
        )
        return OSError(error.errno, message)


def _metadata(variables: Mapping[str, Variable], attributes: Mapping[str, Any]) -> dict[str, bytes]:
    """Every file of a store whose chunks are still to come, by its name."""
    import zarr
    from zarr.storage import MemoryStore

    held: dict[str, Any] = {}
    text = json.dumps(attributes["specification"])
    zarr.create_group(MemoryStore(held), zarr_format=3, attributes={**attributes, "specification": text})
    for name, variable in variables.items():
        array = _create(MemoryStore(held), name, variable)
        if variable.data is not None:
            array[...] = variable.data
    with warnings.catch_warnings():
        # That of the group holds those of all arrays as well. Zarr warns that version 3 of the format does
        # not have that yet; xarray warns where it is missing.
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part", UserWarning)
        zarr.consolidate_metadata(MemoryStore(held), zarr_format=3)
    return {name: held[name].to_bytes() for name in sorted(held)}


def _twin(variable: Variable) -> tuple[Any, dict[str, Any]]:
    """An array in memory that encodes chunks, and what it has encoded."""
    from zarr.storage import MemoryStore

    held: dict[str, Any] = {}
    return _create(MemoryStore(held), "", variable), held


def _create(store: Any, name: str, variable: Variable) -> Any:
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    return zarr.create_array(
        store,
        name=name or None,
        shape=variable.shape,
        chunks=variable.chunks,
        dtype=variable.dtype,
        fill_value=_nothing(variable.dtype),
        # Whoever reads the store with other tools learns of a damaged chunk as well.
        compressors=[ZstdCodec(), Crc32cCodec()],
        dimension_names=variable.dimensions,
        attributes=variable.attributes,
        zarr_format=3,
        # A chunk of NaN is a result as well, and has a file.
        config={"write_empty_chunks": True},
    )


def _nothing(dtype: np.dtype) -> Any:
    """What stands where no chunk has been computed yet."""
    return np.nan if dtype.kind in "fc" else False if dtype.kind == "b" else dtype.type(-1)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _checksum(path: Path) -> str:
    data = _read(path)
    return "" if data is None else f"{zlib.crc32(data):08x}"


def _sync(folder: Path) -> None:
    """Puts a renaming in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
