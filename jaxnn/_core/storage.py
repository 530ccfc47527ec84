"""One file format for everything that is saved: named arrays in a .npz, never a pickle."""

import contextlib
import os
import uuid
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np


_KIND = "jaxnn_kind"
_VERSION = "jaxnn_version"
_FORMAT = 2


@contextlib.contextmanager
def written_whole(path: Path, part: Path | None = None) -> Iterator[IO[bytes]]:
    """A file to write to, which is at `path` once all is in it, and nowhere if that fails.

    Until then its name is `part`: one beside the target, because `os.replace` is atomic only within
    one file system.
    """
    part = part or path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with open(part, "xb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def save_arrays(path: str | os.PathLike, kind: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to one compressed .npz at exactly `path`, whole or not at all.

    `kind` says what the arrays are ("Network", "Solution") and is checked by `load_arrays`.

    **Raises:** `ValueError` for an array of Python objects; `OSError` if `path` cannot be written.
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise ValueError(
                f"Only arrays of numbers, booleans and text can be saved, but `{name}` holds "
                "Python objects; convert it to a plain NumPy array first."
            )
    header = {_KIND: np.array(kind), _VERSION: np.array(_FORMAT)}
    # A file object, because `np.savez` appends ".npz" to a name that lacks it.
    with written_whole(Path(path)) as file:
        # Its signature reserves `allow_pickle` among the arrays' own names.
        np.savez_compressed(file, allow_pickle=False, **header, **arrays)


def load_arrays(
    path: str | os.PathLike, kind: str, required: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Read back what `save_arrays(path, kind, ...)` wrote.

    **Raises:** `FileNotFoundError` if there is no such file; `ValueError` if it was not written by
    jaxnn, holds another kind of object, has a newer format, is damaged, or lacks an array named in
    `required`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path} to load a {kind} from.")
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            # A plain .npy comes back as an array, not as an archive.
            stored = dict(archive) if isinstance(archive, np.lib.npyio.NpzFile) else {}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, KeyError) as error:
        raise ValueError(
            f"{path} is damaged or is not a file saved by jaxnn ({error}); save the {kind} again."
        ) from error
    if _KIND not in stored or _VERSION not in stored:
        raise ValueError(
            f"{path} was not saved by jaxnn: it holds {sorted(stored)} and no `{_KIND}`. Give the "
            f"file that `{kind}.save` wrote."
        )
    found, version = str(stored.pop(_KIND)), int(stored.pop(_VERSION))
    if found != kind:
        raise ValueError(f"{path} holds a {found}, not a {kind}; load it with `{found}.load`.")
    if version > _FORMAT:
        raise ValueError(
            f"{path} has format version {version}, but this jaxnn reads up to {_FORMAT}; update "
            "jaxnn to load it."
        )
    if missing := sorted(set(required) - set(stored)):
        raise ValueError(f"{path} is damaged: it lacks {missing}; save the {kind} again.")
    return stored
