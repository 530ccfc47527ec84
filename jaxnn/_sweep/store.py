"""A Zarr store that survives: each chunk is whole, checked and on the disk, or not there."""

import errno
import json
import os
import shutil
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._core import FilePath, written_whole
from .layout import layout_from
from .lock import Lock
from .sums import checksum, sealed, unsealed


STORE = "sweep.zarr"
_KEPT = "sweep.json"
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
    """The folder of a sweep: `sweep.zarr`, and beside it what tells whether that is whole.

    `sweep.json` has the attributes once more and the checksums of all files but the chunks; `done` has a
    record with the checksums of each chunk. A file is written under another name, flushed to the disk and
    renamed. The record of a chunk comes after its files: a chunk without one counts as not there. Only
    one run at a time may write. Its processes may write different chunks; each names its files by its own
    number.
    """

    def __init__(self, folder: FilePath, process: int = 0, processes: int = 1):
        self.folder = _checked_folder(folder)
        self.process = process
        self.lock = Lock(self.folder, self._parts, process, processes)
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
        problem = f"there is no {_KEPT} beside it that has the same"
        try:
            return self.kept()["attributes"]
        except FileNotFoundError:
            pass  # of an earlier version
        except ValueError as error:
            problem = str(error)
        path = self.root / "zarr.json"
        try:
            found = json.loads(path.read_bytes())["attributes"]
            found |= {"specification": json.loads(found["specification"])}
            layout_from(found["specification"]["layout"])
            return found
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{path} is damaged, or is not of a jaxnn sweep ({error!r}), and {problem} Any chunks in "
                f"{self.folder} are kept as they are: put one of these two files back from a copy, or give "
                "another folder."
            ) from error

    def kept(self) -> dict[str, Any]:
        """The attributes, and the checksums of all files but the chunks.

        **Raises:** `FileNotFoundError` for a store of an earlier version; `ValueError` if damaged.
        """
        return unsealed(self.folder / _KEPT)

    def check_metadata(self) -> bool:
        """Compares all files but the chunks with their checksums; False if there are none of these.

        **Raises:** `ValueError` that names the file that is not what was written.
        """
        try:
            files = self.kept()["files"]
        except FileNotFoundError:
            return False
        except ValueError as error:
            raise ValueError(f"{error} {_MENDED}") from error
        for name, wanted in files.items():
            problem = _damage(self.root / name, wanted)
            if problem:
                raise ValueError(f"{problem}. {_MENDED}")
        return True

    def take(self) -> None:
        """Makes the folder this process's, and removes what a killed run of it left half-written.

        **Raises:** `ValueError` if another run writes there; `OSError` if the folder cannot be written.
        """
        try:
            self.lock.take()
            for left in self._left():
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
            self._write(self._parts / f"{self.process}-probe", b"")
            (self._parts / f"{self.process}-probe").unlink()
        except OSError as error:
            raise self._explained(error) from error

    def release(self) -> None:
        """Gives the folder back, without that of unfinished files, unless another process has some."""
        if not self.lock.release():
            return  # what is there is another run's
        try:
            self._parts.rmdir()
        except OSError:
            pass

    def create(self, variables: Mapping[str, Variable], attributes: Mapping[str, Any]) -> None:
        """Writes the whole store without its chunks, or nothing."""
        new = self._parts / f"{self.process}-{uuid.uuid4().hex}"
        try:
            files = _metadata(variables, attributes)
            for name, data in files.items():
                self._write(new / name, data)
            os.rename(new, self.root)
            _sync(self.folder)
            self._write(self.folder / _KEPT, _kept(attributes, files))
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            raise self._explained(error) from error

    def open(self, variables: Mapping[str, Variable], attributes: Mapping[str, Any]) -> None:
        """Gets ready to read and write chunks."""
        self.arrays = {name: _twin(v) for name, v in variables.items() if v.data is None}
        self.know(attributes)

    def know(self, attributes: Mapping[str, Any]) -> None:
        """Takes the records of chunks of this sweep for its own."""
        self.digest = checksum(json.dumps(attributes["specification"], sort_keys=True).encode())

    def mend(self, variables: Mapping[str, Variable], attributes: Mapping[str, Any]) -> None:
        """Writes coordinates and metadata anew that were damaged or are of an earlier version."""
        try:
            known = self.kept()["files"]
        except (FileNotFoundError, ValueError) as error:
            known = None
            if isinstance(error, ValueError):
                _warn_mended(self.folder / _KEPT)
        files = _metadata(variables, attributes)
        for name, data in files.items():
            there = _read(self.root / name)
            if there is not None and known is not None and checksum(there) == known.get(name):
                files[name] = there  # as it was written, be it by another version of Zarr
            elif there != data:
                # The group's own of an earlier version does not have the others in it.
                if known is not None or name != "zarr.json":
                    _warn_mended(self.root / name)
                self._write(self.root / name, data)
        kept = _kept(attributes, files)
        if _read(self.folder / _KEPT) != kept:
            self._write(self.folder / _KEPT, kept)

    def finished(self, count: int, mine: Iterable[int]) -> Iterator[int]:
        """The chunks among `mine` that are complete and whole, of `count` in all."""
        for index in mine:
            try:
                files = self.record(index, count)
                if files is None:
                    continue
                found = (_damage(self.root / name, wanted) for name, wanted in files.items())
                problem = next(filter(None, found), None)
            except ValueError as error:
                problem = str(error).rstrip(".")
            if problem is None:
                yield index
            else:
                warnings.warn(
                    f"chunk {index} of {self.folder} is damaged ({problem}): it is computed again.",
                    stacklevel=2,
                )

    def count_finished(self, count: int) -> int:
        """How many chunks have a record, of all processes."""
        return sum(self._has_record(index, count) for index in range(count))

    def write_chunk(
        self, index: int, count: int, region: tuple[slice, ...], values: Mapping[str, np.ndarray]
    ) -> None:
        """Writes one chunk of every array, then the record that it is complete.

        **Raises:** `OSError` if the disk is full or cannot be written; all earlier chunks are safe.
        `ValueError` if another run has taken over the folder.
        """
        self.lock.check()
        try:
            files = {}
            for name, value in values.items():
                array, held = self.arrays[name]
                array[(*region, *(slice(None),) * (value.ndim - len(region)))] = value
                for key in [key for key in held if key != "zarr.json"]:
                    data = held.pop(key).to_bytes()
                    files[f"{name}/{key}"] = checksum(data)
                    self._write(self.root / name / key, data)
            record = {"sweep": self.digest, "files": files}
            self._write(self._record_path(index, count), sealed(record))
        except OSError as error:
            self.lock.check()  # whoever took over has tidied up
            raise self._explained(error, f" of {count}") from error

    def record(self, index: int, count: int) -> dict[str, str] | None:
        """Names and checksums of a chunk's files, None if it was not finished.

        **Raises:** `ValueError` if the record is damaged.
        """
        path = self._record_path(index, count)
        try:
            record = unsealed(path, optional=True)
        except FileNotFoundError:
            return None
        try:
            return dict(record["files"]) if record["sweep"] == self.digest else None
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is damaged: it lacks {error}.") from error

    def _has_record(self, index: int, count: int) -> bool:
        try:
            return self.record(index, count) is not None
        except ValueError:
            return False

    @property
    def _parts(self) -> Path:
        return self.folder / _PARTS

    def _left(self) -> list[Path]:
        """Unfinished files of earlier runs, of this process's number or one that this run has not."""
        others = {*range(self.lock.processes)} - {self.process}
        owner = lambda path: int(path.name.partition("-")[0])
        return [path for path in self._parts.glob("[0-9]*-*") if owner(path) not in others]

    def _record_path(self, index: int, count: int) -> Path:
        return self.folder / _DONE / f"{index:0{len(str(count - 1))}d}.json"

    def _write(self, path: Path, data: bytes) -> None:
        part = self._parts / f"{self.process}-{uuid.uuid4().hex}.file"
        for folder in (part.parent, path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with written_whole(path, part) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _sync(path.parent)

    def _explained(self, error: OSError, total: str = "") -> OSError:
        count = len(list((self.folder / _DONE).glob("*.json")))
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
        state = f"{count}{total} chunks are safe and no other was touched"
        state = state if count else "no chunk has been computed yet"
        message = (
            f"cannot write to {self.folder}: {why}; {state}. Mend that and run the same command again."
        )
        return OSError(error.errno, message)


_MENDED = (
    "All chunks are kept: run the same sweep again, with the same arguments, and this file is written anew."
)


def _checked_folder(folder: Any) -> Path:
    """**Raises:** `ValueError` for what is no path, or an empty one, which would be the working folder."""
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder) or "\0" in os.fspath(folder):
        raise ValueError(f"The folder of a sweep must be a path, got {folder!r}.")
    return Path(folder)


def _kept(attributes: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    return sealed(
        {"attributes": dict(attributes), "files": {name: checksum(data) for name, data in files.items()}}
    )


def _warn_mended(path: Path) -> None:
    warnings.warn(f"{path} was damaged or lost: it is written anew.", stacklevel=3)


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


def _damage(path: Path, wanted: str) -> str | None:
    """What is wrong with a file, in words."""
    data = _read(path)
    if data is None:
        return f"{path} is missing"
    return None if checksum(data) == wanted else f"{path} is not what was written, its checksum is another"


def _sync(folder: Path) -> None:
    """Puts a renaming in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
