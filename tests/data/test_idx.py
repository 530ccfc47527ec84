"""IDX files that are right, and every way in which they can be wrong."""

import gzip
import hashlib
import os
import struct

import numpy as np
import pytest

from jaxnn import data


def idx(values, code):
    head = struct.pack(f">HBB{values.ndim}I", 0, code, values.ndim, *values.shape)
    return head + values.tobytes()


IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 3)).astype("u1")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(("dtype", "code"), [("u1", 8), (">i2", 11), (">f4", 13)])
def test_reads_what_was_written(tmp_path, pack, dtype, code):
    values = IMAGES.astype(dtype)
    path = tmp_path / "images"
    path.write_bytes(pack(idx(values, code)))
    read = data.read_idx(path, hashlib.md5(idx(values, code)).hexdigest())
    np.testing.assert_array_equal(read, values)
    assert read.dtype.isnative


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(IMAGES, 8)[:-1], r"75 bytes, 76 were wanted for shape \(5, 4, 3\)"),
        (idx(IMAGES, 8) + b"0", "77 bytes, 76 were wanted"),
        (idx(IMAGES, 8)[:9], "ends within its head"),
        (b"\x89PNG" + idx(IMAGES, 8), "no IDX file: it begins with 89 50 4e 47"),
        (b"", "no IDX file"),
        (gzip.compress(idx(IMAGES, 8))[:-9], "damaged"),
        (b"\x1f\x8b" + bytes(20), "damaged"),
    ],
    ids=["truncated", "too long", "cut head", "wrong magic", "empty", "cut gzip", "bad gzip"],
)
def test_damaged_files(tmp_path, content, message):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        data.read_idx(path)


def test_wrong_checksum(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(idx(IMAGES, 8))
    with pytest.raises(ValueError, match="was wanted: get it again"):
        data.read_idx(path, "0" * 32)


def test_mnist_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("JAXNN_DATA", raising=False)
    with pytest.raises(ValueError, match="set JAXNN_DATA"):
        data.mnist()
    with pytest.raises(ValueError, match="does not exist"):
        data.mnist(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz is missing in .*: get it from https"):
        data.mnist(tmp_path)
    with pytest.raises(ValueError, match='"train" or "test"'):
        data.mnist(tmp_path, "validation")
    # Another file of the right layout is not the official one.
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES, 8))
    with pytest.raises(ValueError, match="6bbc9ace898e44ae57da46a324031adb was wanted"):
        data.mnist(tmp_path)


@pytest.mark.skipif("JAXNN_DATA" not in os.environ, reason="JAXNN_DATA names no folder with MNIST")
def test_mnist():
    images, labels = data.mnist(split="test")
    assert images.shape == (10_000, 28, 28)
    assert images.dtype == np.float32
    assert images.max() == 1
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
