"""Spoken digits in the official layout: what is read, and every way in which a folder can be wrong."""

import io
import os
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from jaxnn import data


SPEAKERS = ("george", "theo")
COUNT = 6  # recordings of a digit: the official test takes five


@pytest.fixture
def folder(tmp_path):
    """Ten digits of two speakers; the first sample says which recording it is."""
    base = tmp_path / "fsdd" / "recordings"
    base.mkdir(parents=True)
    for digit in range(10):
        for number, speaker in enumerate(SPEAKERS):
            for index in range(COUNT):
                sound = np.full(20 + index, 1000 * digit + 100 * number + index, np.int16)
                wavfile.write(base / f"{digit}_{speaker}_{index}.wav", 8000, sound)
    return tmp_path


def test_reads_what_was_written(folder):
    spoken = data.spoken_digits(folder)
    firsts = [round(32768 * float(sound[0])) for sound in spoken.recordings]
    numbers = np.asarray([SPEAKERS.index(speaker) for speaker in spoken.speakers])
    assert firsts == (1000 * spoken.digits + 100 * numbers + spoken.indices).tolist()
    assert [len(sound) for sound in spoken.recordings] == (20 + spoken.indices).tolist()
    assert spoken.recordings[0].dtype == np.float32
    assert len(set(firsts)) == 10 * 2 * COUNT


def test_splits(folder):
    spoken = data.spoken_digits(folder)
    train, test = spoken.official_split()
    assert (len(train), len(test)) == (20, 100)
    assert set(spoken.indices[train]) == {5}
    folds = list(spoken.leave_one_speaker_out())
    assert [speaker for speaker, *_ in folds] == list(SPEAKERS)
    for speaker, train, test in folds:
        assert set(spoken.speakers[test]) == {speaker}
        assert speaker not in spoken.speakers[train]
        assert len(train) + len(test) == len(spoken.recordings)


def test_missing_files(folder):
    base = folder / "fsdd" / "recordings"
    (base / "3_theo_2.wav").unlink()
    with pytest.raises(ValueError, match=r"3_theo_2.wav is missing in .*: get it from https"):
        data.spoken_digits(folder)
    (base / "theo.wav").write_bytes(b"")
    with pytest.raises(ValueError, match=r"theo.wav is not called digit_speaker_index.wav"):
        data.spoken_digits(folder)
    for path in base.iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"no digit_speaker_index.wav in .*: get them from https"):
        data.spoken_digits(folder)


SOUND: Any = np.zeros(30, np.int16)


def wav(rate=8000, sound=SOUND):
    file = io.BytesIO()
    wavfile.write(file, rate, sound)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (wav()[:-7], "is damaged: Reached EOF"),
        (wav()[:30], "is damaged"),
        (b"", "is damaged"),
        (b"\x89PNG" + wav()[4:], "is damaged: File format"),
        (wav(rate=16000), r"mono, 16 bits, 8000 Hz, got shape \(30,\) of int16 at 16000 Hz"),
        (wav(sound=SOUND.repeat(2).reshape(30, 2)), r"got shape \(30, 2\)"),
        (wav(sound=SOUND.astype(np.uint8)), "of uint8"),
    ],
    ids=["truncated", "cut head", "empty", "wrong magic", "rate", "stereo", "8 bits"],
)
def test_damaged_files(folder, content, message):
    (folder / "fsdd" / "recordings" / "7_george_1.wav").write_bytes(content)
    with pytest.raises(ValueError, match=f"7_george_1.wav .*{message}"):
        data.spoken_digits(folder)


@pytest.mark.skipif("JAXNN_DATA" not in os.environ, reason="JAXNN_DATA names no folder with spoken digits")
def test_official():
    spoken = data.spoken_digits()
    assert len(spoken.recordings) == 3000
    assert np.bincount(spoken.digits).tolist() == [300] * 10
    assert [len(part) for part in spoken.official_split()] == [2700, 300]
    assert [len(test) for *_, test in spoken.leave_one_speaker_out()] == [500] * 6
