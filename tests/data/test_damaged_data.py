"""Files of data altered at random: they are read within their domain, or a `ValueError` names them."""

import gzip
import io
import random
import tracemalloc

import numpy as np
import pytest

from helpers import altered
from jaxnn import data
from jaxnn._core import room as _room
from jaxnn.data._spoken import _read_wav


# Of pandas, about the inside of wfdb.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

IDX = b"\0\0\x08\2\0\0\0\4\0\0\0\3" + bytes(range(12))


def wav() -> bytes:
    from scipy.io import wavfile

    file = io.BytesIO()
    wavfile.write(file, 8000, (1000 * np.sin(np.arange(60))).astype(np.int16))
    return file.getvalue()


def csv() -> bytes:
    file = io.StringIO()
    beats = np.random.default_rng(0).random((3, 187)).round(2)
    np.savetxt(file, np.hstack([beats, np.arange(3)[:, None]]), "%.2f", delimiter=",")
    return file.getvalue().encode()


def check_wav(path):
    sound = _read_wav(path)
    assert sound.dtype == np.float32
    assert np.abs(sound).max(initial=0) <= 1


def check_csv(path):
    beats, labels = data.heartbeat_csv(path.parent)
    assert beats.shape == (len(labels), 187)
    assert ((beats >= 0) & (beats <= 1)).all()
    assert set(labels) <= set(range(5))


def check_ecg(path):
    record = data.read_ecg(path.parent, "100")
    assert 0 < record.rate < np.inf
    assert np.isfinite(record.signal).all()
    assert record.signal.shape[1] == len(record.leads)
    assert ((record.positions >= 0) & (record.positions < len(record.signal))).all()


def check_zipped(path):
    np.testing.assert_array_equal(data.read_idx(path), np.arange(12).reshape(4, 3))


# The name of the file, what is in it, what reads it.
KINDS = {
    "idx": ("images", lambda: IDX, lambda path: data.read_idx(path)),
    "zipped": ("images.gz", lambda: gzip.compress(IDX, mtime=0), check_zipped),
    "wav": ("0_ann_0.wav", wav, check_wav),
    "csv": ("mitbih_train.csv", csv, check_csv),
}


def tried(read, path, draws, count) -> dict[str, int]:
    content, tally = path.read_bytes(), {"refused": 0, "read": 0}
    for _ in range(count):
        path.write_bytes(altered(content, draws))
        try:
            read(path)
            tally["read"] += 1
        except ValueError as error:
            tally["refused" if str(path.with_suffix("")) in str(error) else str(error)] += 1
    path.write_bytes(content)
    print(path.name, tally)
    return tally


COUNTS = pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.slow)])


@COUNTS
@pytest.mark.parametrize("kind", KINDS)
def test_altered_at_random(tmp_path, kind, count):
    name, make, read = KINDS[kind]
    path = tmp_path / name
    path.write_bytes(make())
    read(path)
    assert tried(read, path, random.Random(count), count)["refused"]


@pytest.mark.parametrize("count", [25, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("suffix", ["hea", "dat", "atr"])
def test_altered_electrocardiograms(tmp_path, suffix, count):
    wfdb = pytest.importorskip("wfdb", exc_type=ImportError)
    signal = np.round(200 * np.sin(np.arange(900) / 40)[:, None] * [1, 2]) / 200
    shape = {"fmt": ["212"] * 2, "adc_gain": [200.0] * 2, "baseline": [1024] * 2}
    wfdb.wrsamp("100", fs=360, units=["mV"] * 2, sig_name=["MLII", "V5"], p_signal=signal,
                write_dir=str(tmp_path), **shape)  # fmt: skip
    wfdb.wrann("100", "atr", np.arange(100, 800, 100), symbol=["N"] * 7, write_dir=str(tmp_path))
    check_ecg(tmp_path / "100.hea")
    assert tried(check_ecg, tmp_path / f"100.{suffix}", random.Random(count), count)["refused"]


def test_bombs(tmp_path, monkeypatch):
    """No more than the head announces is decompressed, and that is refused where it does not fit."""
    path = tmp_path / "bomb.gz"
    with gzip.GzipFile(path, "wb") as file:
        file.write(IDX)
        for _ in range(2**8):
            file.write(bytes(2**20))
    huge = tmp_path / "huge.gz"
    with gzip.GzipFile(huge, "wb") as file:
        file.write(IDX[:4] + b"\x7f\xff\xff\xff" * 2)
    monkeypatch.setattr(_room, "free_memory", lambda: 2**30)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"bomb.gz has at least 25 bytes, 24 were wanted"):
        data.read_idx(path)
    with pytest.raises(ValueError, match=r"huge.gz, of shape \(2147483647, 2147483647\), would take .*TiB"):
        data.read_idx(huge)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


def edited(path, old: str, new: str):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_heartbeats_outside_0_to_1(tmp_path):
    path = tmp_path / "mitbih_test.csv"
    for value in ("nan", "1.5", "-0.1", "inf"):
        rows = [["0.5"] * 187 + ["0"] for _ in range(3)]
        rows[1][7] = value
        path.write_text("\n".join(map(",".join, rows)))
        with pytest.raises(ValueError, match=r"test.csv has a value outside 0 to 1, or none, in row 2"):
            data.heartbeat_csv(tmp_path, "test")
    path.write_text("# nothing\n")
    with pytest.raises(ValueError, match=r"mitbih_test.csv is no table of numbers"):
        data.heartbeat_csv(tmp_path, "test")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("100 2 360", "100 2 0", "has 0.* samples a second, more than 0 were wanted"),
        ("100 2 360", "100 2 -360", "has -360 samples a second"),
        ("100 2 360", "100 2 x", "has nan samples a second"),
        ("100 2 360 900", "100 2 360 900000000000", "would take|damaged"),
        ("100.dat", "../100.dat", "in another folder|damaged"),
    ],
)
def test_headers_of_electrocardiograms(tmp_path, old, new, message):
    wfdb = pytest.importorskip("wfdb", exc_type=ImportError)
    signal = np.round(200 * np.sin(np.arange(900) / 40)[:, None] * [1, 2]) / 200
    shape = {"fmt": ["212"] * 2, "adc_gain": [200.0] * 2, "baseline": [1024] * 2}
    wfdb.wrsamp("100", fs=360, units=["mV"] * 2, sig_name=["MLII", "V5"], p_signal=signal,
                write_dir=str(tmp_path), **shape)  # fmt: skip
    wfdb.wrann("100", "atr", np.arange(100, 800, 100), symbol=["N"] * 7, write_dir=str(tmp_path))
    edited(tmp_path / "100.hea", old, new)
    with pytest.raises(ValueError, match=rf"100.hea.*({message})"):
        data.read_ecg(tmp_path, "100")


@pytest.mark.parametrize(
    "changes",
    [
        {"beats": np.zeros((2, 186), np.float32)},
        {"beats": np.zeros(187, np.float32)},
        {"beats": np.full((2, 187), np.nan, np.float32)},
        {"labels": np.array([0, 5])},
        {"labels": np.array([0.0, 1.0])},
        {"records": np.zeros(3, int)},
    ],
)
def test_a_cache_of_the_wrong_shape(tmp_path, changes):
    path = tmp_path / "mit-bih-beats.npz"
    arrays = {
        "asked": np.array([1, 100]),
        "beats": np.zeros((2, 187), np.float32),
        "labels": np.zeros(2, np.int32),
        "records": np.full(2, 100),
    }
    np.savez(path, allow_pickle=False, **arrays)
    assert len(data.heartbeats(tmp_path / "no", records=(100,), cache=tmp_path).labels) == 2
    np.savez(path, allow_pickle=False, **(arrays | changes))
    with pytest.raises(ValueError, match=r"mit-bih-beats.npz is damaged: .*Delete it"):
        data.heartbeats(tmp_path / "no", records=(100,), cache=tmp_path)
