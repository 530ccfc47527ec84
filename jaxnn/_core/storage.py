"""One file format for everything that is saved: named arrays in a .npz, never a pickle."""

import contextlib
import math
import os
import uuid
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn_kernels import arguments

from .numerical_warning import warn_user
from .room import check_room
from .types import FilePath


_KIND = "jaxnn_kind"
_VERSION = "jaxnn_version"
_FORMAT = 2
_KINDS_OF_NUMBERS = "biufcSU"  # and text


@contextlib.contextmanager
def written_whole(path: Path, part: Path | None = None) -> Iterator[IO[bytes]]:
    """A file to write to, which is at `path` once all is in it, and nowhere if that fails.

    Until then its name is `part`: one beside the target, because `os.replace` is atomic only within
    one file system.

    **Raises:** `FileNotFoundError` that names the folder, if there is none.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {path.parent} to write {path.name} into: make it first."
        )
    part = part or path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with open(part, "xb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def save_arrays(path: FilePath, kind: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to one compressed .npz at exactly `path`, whole or not at all.

    `kind` says what the arrays are ("Network", "Solution") and is checked by `load_arrays`.

    **Raises:** `ValueError` for an array of Python objects, or of a dtype that only JAX has; `OSError` if
    `path` cannot be written.
    """
    for name, array in arrays.items():
        dtype = np.asarray(array).dtype
        if dtype.kind not in _KINDS_OF_NUMBERS and not dtype.hasobject:
            raise ValueError(
                f"`{name}` is of {dtype}, which a .npz file does not keep: convert it to float32 first."
            )
        if dtype.hasobject:
            raise ValueError(
                f"Only arrays of numbers, booleans and text can be saved, but `{name}` holds "
                "Python objects; convert it to a plain NumPy array first."
            )
    header = {_KIND: np.array(kind), _VERSION: np.array(_FORMAT)}
    # A file object, because `np.savez` appends ".npz" to a name that lacks it.
    with written_whole(_checked_path(path)) as file:
        # Its signature reserves `allow_pickle` among the arrays' own names.
        np.savez_compressed(file, allow_pickle=False, **header, **arrays)


def load_arrays(
    path: FilePath,
    kind: str,
    required: Collection[str] = (),
    check: Callable[[set[str]], None] = lambda _: None,
) -> dict[str, np.ndarray]:
    """Read back what `save_arrays(path, kind, ...)` wrote.

    `check` gets the names of the arrays before any of them is read, and raises a `ValueError` for those
    that it does not know.

    **Raises:** `FileNotFoundError` if there is no such file; `ValueError` that names the file if it was
    not written by jaxnn, holds another kind of object, has a newer format, is damaged, lacks an array
    named in `required`, or would take more than half of the free memory.
    """
    path = _checked_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path} to load a {kind} from.")
    what = f"{path} is damaged or is not a file saved by jaxnn ({{}}); save the {kind} again."
    if kind == "Network":
        what = f"{what[:-1]}, or read a file of another program by jaxnn.read_network."
    with _arrays_in(path, what) as (names, read):
        if not {_KIND, _VERSION} <= names:
            raise _Refused(
                f"{path} was not saved by jaxnn: it holds {sorted(names)} and no `{_KIND}`. Give the "
                f"file that `{kind}.save` wrote."
            )
        head = read({_KIND, _VERSION})
        found, version = str(head[_KIND]), int(head[_VERSION])
        if found != kind:
            raise _Refused(f"{path} holds a {found}, not a {kind}; load it with `{found}.load`.")
        if version > _FORMAT:
            raise _Refused(
                f"{path} has format version {version}, but this jaxnn reads up to {_FORMAT}; update "
                "jaxnn to load it."
            )
        rest = names - head.keys()
        if missing := sorted(set(required) - rest):
            raise _Refused(f"{path} is damaged: it lacks {missing}; save the {kind} again.")
        try:
            check(rest)
        except ValueError as error:
            raise _Refused(_with_path(path, error)) from error
        return read(rest)


def read_arrays(path: Path, names: Collection[str], advice: str) -> dict[str, np.ndarray]:
    """The arrays of these names in a `.npz`, and nothing else of it.

    **Raises:** `ValueError` that names the file if it lacks one, is damaged, or too large.
    """
    with _arrays_in(path, f"{path} is damaged: {{}}. {advice}.") as (there, read):
        if missing := sorted(set(names) - there):
            raise ValueError(f"it lacks {missing}")
        return read(set(names))


@contextlib.contextmanager
def loading(path: FilePath, kind: str) -> Iterator[None]:
    """Whatever is wrong with arrays that are put together, as a `ValueError` that names their file."""
    try:
        yield
    # What is made of them says whatever it stumbles upon.
    except Exception as error:
        raise ValueError(f"{path} cannot be loaded as a {kind}: {error}") from error


def as_loaded(path: FilePath, arrays: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    """Arrays of a file as JAX's; a warning says if they have to be rounded for that.

    **Raises:** `ValueError` for integers that have no room here.
    """
    loaded = {name: jnp.asarray(array) for name, array in arrays.items()}
    is_narrowed = lambda name: loaded[name].dtype.itemsize < arrays[name].dtype.itemsize
    narrowed = list(filter(is_narrowed, arrays))
    for name in narrowed:
        if arrays[name].dtype.kind in "iu" and not np.array_equal(arrays[name], loaded[name]):
            raise ValueError(
                f"`{name}` has integers that need 64 bits: jax.config.update('jax_enable_x64', True) first."
            )
    if rounded := [name for name in narrowed if arrays[name].dtype.kind in "fc"]:
        warn_rounded(path, rounded)
    return loaded


def warn_rounded(path: FilePath, names: list[str]) -> None:
    """Warns of float64 numbers in a file that become float32."""
    several = ", ".join(names[:3]) + ", ..." * (len(names) > 3)
    warn_user(
        f"{path} has float64 numbers ({several}), which are rounded to float32 here: "
        "jax.config.update('jax_enable_x64', True) before it is loaded keeps them."
    )


class _Refused(ValueError):
    """A file that is refused in words of our own."""


@contextlib.contextmanager
def _arrays_in(path: Path, message: str) -> Iterator[tuple[set[str], Callable[[set[str]], Any]]]:
    """The names of the arrays in a `.npz`, and what reads them; `message` has a `{}` for faults."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {}
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in members:
                    raise ValueError(f"it has {name!r} twice")
                members[name] = member

            def read(names: set[str]) -> dict[str, np.ndarray]:
                size = sum(members[name].file_size for name in names)
                try:
                    check_room(f"The arrays in {path}", size, "load it where there is more")
                except ValueError as error:
                    raise _Refused(str(error)) from None
                return {name: _read_member(archive, members[name]) for name in members if name in names}

            yield set(members), read
    except _Refused as error:
        raise ValueError(str(error)) from error.__cause__
    # The parsers of both formats say whatever they stumble upon, from TokenError to MemoryError.
    except Exception as error:
        raise ValueError(message.replace("{}", str(error) or type(error).__name__)) from error


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array, if it is of a kind that jaxnn writes and as large as it says."""
    most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: _MOST_DEFLATED}.get(member.compress_type)
    if most is None or member.flag_bits & 1:
        raise ValueError(f"{member.filename} is compressed or encrypted in a way that is not read here")
    if member.file_size > most * member.compress_size + 64:
        raise ValueError(f"{member.filename} cannot be as large as it says")
    with archive.open(member) as opened:
        file: Any = opened  # of more methods than its declared type
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{member.filename} has version {version} of the format of arrays")
        shape, fortran, dtype = _HEADERS[version](file)
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind not in _KINDS_OF_NUMBERS or min(shape, default=0) < 0:
            raise ValueError(f"{member.filename} has shape {shape} of {dtype}")
        if size != member.file_size - file.tell():
            raise ValueError(f"{member.filename} is not as large as its shape {shape} of {dtype}")
        # Written into in place: neither twice the memory nor an array that nobody may write to.
        data = bytearray(size)
        done = 0
        while count := file.readinto(memoryview(data)[done:]):
            done += count
        # What is behind the last byte is the end, where the checksum is compared.
        if done < size or file.read(1):
            raise ValueError(f"{member.filename} is cut off")
    array = np.frombuffer(data, dtype) if size else np.empty(math.prod(shape), dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


_MOST_DEFLATED = 1040  # bytes that one byte of zlib can stand for, and a little
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def _checked_path(path: Any) -> Path:
    arguments.path("path", path)
    return Path(path)


def _with_path(path: Path, error: ValueError) -> str:
    return str(error) if str(path) in str(error) else f"{path}: {error}"
