"""Electrocardiograms and heartbeats: what is read, cut and split, and how files can be wrong."""

import os

import numpy as np
import pytest

from jaxnn import data


pytest.importorskip("wfdb", exc_type=ImportError)
# Of pandas, about the inside of wfdb.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

RATE = 360
BEATS = np.arange(200, 7200, 300)  # every 5/6 s; the last is too close to the end
SIGNS = ["N", "A", "V", "F", "/", *["N"] * (len(BEATS) - 5)]


def wave():
    """Highest at each beat, in steps of the converter; the amplitude tells leads apart."""
    turn = 2 * np.pi * (np.arange(7200) - BEATS[0]) / 300
    return np.round(200 * np.outer(np.cos(turn), [1, 2])) / 200


def write(folder, name="100", leads=("MLII", "V5"), signal=None):
    import wfdb

    folder.mkdir(exist_ok=True)
    signal = wave() if signal is None else signal
    shape = {"fmt": ["212"] * 2, "adc_gain": [200.0] * 2, "baseline": [1024] * 2}
    wfdb.wrsamp(name, fs=RATE, units=["mV"] * 2, sig_name=list(leads), p_signal=signal,
                write_dir=str(folder), **shape)  # fmt: skip
    # A change of rhythm is no beat.
    positions = np.insert(BEATS, 1, BEATS[0] + 10)
    wfdb.wrann(name, "atr", positions, symbol=[SIGNS[0], "+", *SIGNS[1:]], write_dir=str(folder))
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("data") / "mitdb")
    write(folder, "104", ("V5", "V2"))
    return write(folder, "114", ("V5", "MLII")).parent


def test_record(written):
    record = data.read_ecg(written / "mitdb", "100")
    np.testing.assert_allclose(record.signal, wave(), atol=1e-12)
    assert (record.leads, record.rate) == (("MLII", "V5"), RATE)
    assert record.symbols.tolist() == [SIGNS[0], "+", *SIGNS[1:]]
    assert np.delete(record.positions, 1).tolist() == BEATS.tolist()


def test_beats(written):
    found = data.heartbeats(written, records=(100, 104, 114), progress=False)
    # The last beat would end behind the record.
    count = int(np.sum(BEATS + 1.2 * 300 <= 7200))
    assert count == len(BEATS) - 1
    assert found.beats.shape == (3 * count, 187)
    assert found.beats.dtype == np.float32
    assert found.labels.tolist() == [0, 1, 2, 3, 4, *[0] * (count - 5)] * 3
    assert np.unique(found.records, return_counts=True)[1].tolist() == [count] * 3
    # 1.2 times 5/6 s at 125 Hz are 125 samples, then zeros. Beats begin at the nearest sample.
    turn = 2 * np.pi * np.arange(125) / (125 * 300 / RATE)
    np.testing.assert_allclose(found.beats[3, :125], 0.5 + 0.5 * np.cos(turn), atol=0.02)
    assert not found.beats[:, 125:].any()
    assert found.beats.min() == 0
    assert found.beats.max() == 1
    # Records are read from MLII where there is one; that of record 114 is its second lead.
    np.testing.assert_allclose(found.beats[:count], found.beats[-count:], atol=0.02)


def test_windows_follow_the_heart():
    from jaxnn.data._heartbeats import _median_intervals

    times = np.concatenate([np.arange(0, 20, 1.0), np.arange(20, 40, 0.5), [60]])
    median = _median_intervals(times)
    expected = [np.median(np.diff(times[(times >= t - 5) & (times < t + 5)])) for t in times[:-1]]
    np.testing.assert_allclose(median[:-1], expected)
    assert median[-1] == np.inf
    assert _median_intervals(np.asarray([3.0])) == np.inf


def test_splits():
    records = np.asarray([101, 104, 100, 230, 234, 217] * 5, np.int32)
    zeros = np.zeros(30, np.int32)
    beats = data.Heartbeats(beats=np.zeros((30, 187), np.float32), labels=zeros, records=records)
    train, test = beats.inter_patient_split()
    assert set(records[train]) == {101, 230}
    assert set(records[test]) == {100, 234}
    train, test = beats.random_split(0)
    assert sorted([*train, *test]) == list(range(30))
    assert len(test) == 6
    assert test.tolist() != beats.random_split(1)[1].tolist()


def test_cache(written, tmp_path):
    first = data.heartbeats(written, records=(100, 104), cache=tmp_path / "kept", progress=False)
    # The folder of the data is not even looked for.
    second = data.heartbeats(tmp_path / "no", records=(100, 104), cache=tmp_path / "kept")
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, getattr(second, name))
    other = data.heartbeats(written, records=(114,), cache=tmp_path / "kept", progress=False)
    assert set(other.records) == {114}
    (tmp_path / "kept" / "mit-bih-beats.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"mit-bih-beats.npz is damaged: .* Delete it"):
        data.heartbeats(written, records=(100,), cache=tmp_path / "kept")


def test_missing_files(tmp_path):
    with pytest.raises(ValueError, match=r"100.hea is missing in .*: get it from https://physionet"):
        data.heartbeats(tmp_path, progress=False)
    (write(tmp_path / "mitdb") / "100.atr").unlink()
    with pytest.raises(ValueError, match=r"100.atr is missing in .*mitdb"):
        data.heartbeats(tmp_path, progress=False)


@pytest.mark.parametrize(
    ("suffix", "damage", "message"),
    [
        ("dat", lambda old: old[:-30], r"100.hea or .dat is damaged"),
        ("dat", lambda old: b"", r"100.hea or .dat is damaged"),
        ("dat", lambda old: old[:300] + bytes(30) + old[330:], r"checksum \d+ in MLII, \d+ was wanted"),
        ("hea", lambda old: b"\x89PNG\r\n", r"100.hea or .dat is damaged: invalid syntax"),
        ("hea", lambda old: old[:25], r"100.hea or .dat is damaged"),
        ("hea", lambda old: b"", r"100.hea or .dat is damaged"),
        ("atr", lambda old: old[:-2], r"100.atr is truncated"),
        ("atr", lambda old: b"", r"100.atr is truncated"),
        ("atr", lambda old: b"\0" + old, r"100.atr is damaged"),
        ("atr", lambda old: b"\x89PNG" * 40 + b"\0\0", r"100.atr is damaged"),
    ],
    ids=["cut signal", "no signal", "signal", "magic", "cut head", "no head", "cut beats", "no beats",
         "shifted beats", "beats"],
)  # fmt: skip
def test_damaged_records(tmp_path, suffix, damage, message):
    path = write(tmp_path) / f"100.{suffix}"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        data.read_ecg(tmp_path, "100")


def test_table(tmp_path):
    rows = np.round(np.random.default_rng(0).random((5, 188)), 3)
    rows[:, -1] = [0, 4, 1, 2, 3]
    (tmp_path / "heartbeat").mkdir()
    path = tmp_path / "heartbeat" / "mitbih_test.csv"
    np.savetxt(path, rows, "%.18e", delimiter=",")
    beats, labels = data.heartbeat_csv(tmp_path, "test")
    np.testing.assert_array_equal(beats, rows[:, :-1].astype(np.float32))
    assert labels.tolist() == [0, 4, 1, 2, 3]

    with pytest.raises(ValueError, match=r"mitbih_train.csv is missing in .*: get it from https"):
        data.heartbeat_csv(tmp_path)
    with pytest.raises(ValueError, match='"train" or "test"'):
        data.heartbeat_csv(tmp_path, "all")
    text = path.read_text()
    for content, message in [
        (text[:-100], "mitbih_test.csv is no table of numbers"),
        (text.replace("e", "x"), "mitbih_test.csv is no table of numbers"),
        ("", "mitbih_test.csv is empty"),
        ("1,2,3\n4,5,6\n", "mitbih_test.csv has 3 columns, 188 were wanted"),
        (",".join(["0.5"] * 188), "has other labels than 0 to 4"),
        (",".join(["7.0"] * 188), "has other labels than 0 to 4"),
    ]:
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            data.heartbeat_csv(tmp_path, "test")


@pytest.mark.skipif("JAXNN_DATA" not in os.environ, reason="JAXNN_DATA names no folder with records")
def test_official(tmp_path):
    found = data.heartbeats(progress=False)
    assert np.bincount(found.labels).tolist() == [90582, 2780, 7236, 803, 8039]
    assert len(np.unique(found.records)) == 48
    assert [len(part) for part in found.inter_patient_split()] == [50997, 49686]
