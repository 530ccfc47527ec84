"""The IDX format of MNIST and its kin."""

import gzip
import hashlib
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from .._core import arguments, check_room
from ._folder import find, reading, set_folder


_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}

_MOST_DIMENSIONS = 32
_MNIST_SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist or https://yann.lecun.com/exdb/mnist"
# Of the uncompressed files.
_MNIST = {
    ("train", "images-idx3-ubyte"): "6bbc9ace898e44ae57da46a324031adb",
    ("train", "labels-idx1-ubyte"): "a25bea736e30d166cdddb491f175f624",
    ("t10k", "images-idx3-ubyte"): "2646ac647ad5339dbf082846283269ea",
    ("t10k", "labels-idx1-ubyte"): "27ae3e4e09519cfbb04c329615203637",
}


@arguments.checked(path=arguments.path, md5=arguments.one_of(str))
def read_idx(path: str | Path, md5: str | None = None) -> np.ndarray:
    """Reads the array in an IDX file, plain or gzipped.

    The format is two zero bytes, a byte for the type, a byte for the number of dimensions, the
    dimensions as big-endian 32-bit integers, and the values.

    `md5`: of the uncompressed bytes, checked where given.

    Raises a `ValueError` for a file that is truncated or too long, damaged, or no IDX file, and one whose
    values would take more than half of the free memory.

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

    ```python
    from pathlib import Path

    Path("two.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 7]))
    jaxnn.data.read_idx("two.idx")  # [5, 7]
    ```
    """
    path = Path(path)
    with reading(path, "where it comes from"):
        return _read(path, md5)


def _read(path: Path, md5: str | None) -> np.ndarray:
    with open(path, "rb") as plain:
        zipped = plain.read(2) == b"\x1f\x8b"
    with gzip.open(path) if zipped else open(path, "rb") as file:
        # No more than the head announces is ever read: a small file may be a long one, compressed.
        head = file.read(4)
        dtype = np.dtype(_TYPES[head[2]]) if _is_head(head) else None
        n_dimensions = head[3] if dtype is not None else 0
        start = 4 + 4 * n_dimensions
        head += file.read(start - 4)
        shape = struct.unpack(f">{n_dimensions}I", head[4:]) if len(head) == start else ()
        size = 0 if dtype is None else dtype.itemsize * math.prod(shape)
        check_room(f"{path}, of shape {shape},", size, "read it where there is more")
        content = head + file.read(size + 1)
    if md5 is not None and (found := hashlib.md5(content, usedforsecurity=False).hexdigest()) != md5:
        raise ValueError(f"{path} has MD5 {found} uncompressed, {md5} was wanted: get it again.")
    if dtype is None:
        raise ValueError(f"{path} is no IDX file: it begins with {head[:4].hex(' ')}.")
    if len(head) < start:
        raise ValueError(f"{path} ends within its head, after {len(head)} bytes: get it again.")
    if len(content) != start + size:
        least = "at least " if len(content) > start + size else ""
        raise ValueError(
            f"{path} has {least}{len(content)} bytes, {start + size} were wanted for shape {shape}: get it "
            "again."
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _is_head(head: bytes) -> bool:
    return len(head) == 4 and head[:2] == b"\0\0" and head[2] in _TYPES and head[3] <= _MOST_DIMENSIONS


@arguments.checked(folder=arguments.path, split=arguments.one_of(str))
def mnist(
    folder: str | Path | None = None, split: str = "train"
) -> tuple[Any, Int[np.ndarray, " samples"]]:
    """Reads the images `(samples, 28, 28)` in 0 to 1, float32, and the labels 0 to 9 of MNIST.

    - `folder`: as for `data_folder`; the four official files are in it or in its folder `mnist`, plain
      or gzipped. Their MD5 is checked.
    - `split`: "train" (60,000) or "test" (10,000).

    Raises a `ValueError` for files that are missing, damaged or not the official ones.

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits" (CC BY-SA 3.0).

    ```python
    images, labels = jaxnn.data.mnist("/data", split="test")
    pulses = jaxnn.encoders.image_pulses(images[:, 3:25, 4:24], sections=4)
    ```
    """
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", got {split!r}.')
    base = set_folder(folder, "mnist")
    arrays = []
    for (part, kind), md5 in _MNIST.items():
        if part == {"train": "train", "test": "t10k"}[split]:
            name = f"{part}-{kind}"
            arrays.append(read_idx(find(base, (name, f"{name}.gz"), _MNIST_SOURCE), md5))
    images, labels = arrays
    return images.astype(np.float32) / 255, labels.astype(np.int32)
