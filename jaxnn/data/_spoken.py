"""The Free Spoken Digit Dataset: a WAV file for each recording."""

import dataclasses as dc
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Int

from .._core import arguments
from ._folder import reading, set_folder


_SOURCE = "https://github.com/Jakobovski/free-spoken-digit-dataset"
_NAME = re.compile(r"(\d)_([^_]+)_(\d+)\.wav")
_RATE = 8000  # [Hz]
_OFFICIAL_TEST = 5  # recordings of each speaker and digit, the first ones


@dc.dataclass(frozen=True)
class SpokenDigits:
    """A set of recordings of spoken digits, and what their names say.

    ```python
    from scipy.io import wavfile

    for name in np.ndindex(10, 6):
        wavfile.write("{}_jackson_{}.wav".format(*name), 8000, np.zeros(800, np.int16))
    digits = jaxnn.data.spoken_digits(".")
    train, test = digits.official_split()
    (len(train), len(test))  # (10, 50)
    ```
    """

    recordings: list[np.ndarray]
    """Sound pressures in -1 to 1, float32, each of its own length."""
    digits: Int[np.ndarray, " recordings"]
    """What is said, 0 to 9."""
    speakers: np.ndarray
    """Who says it, a name per recording."""
    indices: Int[np.ndarray, " recordings"]
    """The how-manieth recording of that digit by that speaker it is."""
    rate: int = _RATE
    """Samples a second [Hz]."""

    def official_split(self) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
        """Returns recordings to train with, and to test with: the first five of each digit and speaker.

        The same speakers are on both sides.
        """
        test = self.indices < _OFFICIAL_TEST
        return np.flatnonzero(~test), np.flatnonzero(test)

    def leave_one_speaker_out(
        self,
    ) -> Iterator[tuple[str, Int[np.ndarray, " train"], Int[np.ndarray, " test"]]]:
        """Yields for each speaker the name, the recordings of all others and those of the speaker."""
        for speaker in np.unique(self.speakers):
            test = self.speakers == speaker
            yield str(speaker), np.flatnonzero(~test), np.flatnonzero(test)


@arguments.checked(folder=arguments.path)
def spoken_digits(folder: str | Path | None = None) -> SpokenDigits:
    """Reads the Free Spoken Digit Dataset, ordered by digit, speaker and index.

    - `folder`: as for `data_folder`; the files `{digit}_{speaker}_{index}.wav` are in it or in its
      folder `fsdd/recordings` or `recordings`.

    Raises a `ValueError` if files are missing (every speaker has said every digit equally often),
    damaged, called something else, or not mono recordings of 16 bits at 8 kHz.

    Source: Jakobovski et al., "Free Spoken Digit Dataset" (CC BY-SA 4.0).

    ```python
    from scipy.io import wavfile

    for digit in range(10):
        wavfile.write(f"{digit}_jackson_0.wav", 8000, np.zeros(800, np.int16))
    digits = jaxnn.data.spoken_digits(".")
    digits.recordings[0].shape  # (800,)
    ```
    """
    base = set_folder(folder, "fsdd/recordings", "fsdd", "recordings")
    names = {}
    for path in base.glob("*.wav"):
        match = _NAME.fullmatch(path.name)
        if not match:
            raise ValueError(f"{path} is not called digit_speaker_index.wav: take it out of the folder.")
        names[int(match[1]), match[2], int(match[3])] = path
    if not names:
        raise ValueError(f"there is no digit_speaker_index.wav in {base}: get them from {_SOURCE}.")
    _check_complete(base, names)
    keys = sorted(names)
    digits, speakers, indices = zip(*keys, strict=True)
    return SpokenDigits(
        recordings=[_read_wav(names[key]) for key in keys],
        digits=np.asarray(digits, np.int32),
        speakers=np.asarray(speakers),
        indices=np.asarray(indices, np.int32),
    )


def _check_complete(base: Path, names: dict) -> None:
    """Raises a `ValueError` that names the first file that is missing."""
    speakers = sorted({speaker for _, speaker, _ in names})
    count = max(index for *_, index in names) + 1
    for digit in range(10):
        for speaker in speakers:
            for index in range(count):
                if (digit, speaker, index) not in names:
                    raise ValueError(
                        f"{digit}_{speaker}_{index}.wav is missing in {base}: get it from {_SOURCE}."
                    )


def _read_wav(path: Path) -> np.ndarray:
    """The sound in -1 to 1, float32."""
    from scipy.io import wavfile

    with reading(path, _SOURCE), warnings.catch_warnings():
        # All that SciPy says of a file that ends too early, or has what no recording has.
        warnings.simplefilter("error")
        rate, sound = wavfile.read(path)
    if rate != _RATE or sound.dtype != np.int16 or sound.ndim != 1:
        raise ValueError(
            f"{path} must be mono, 16 bits, {_RATE} Hz, got shape {sound.shape} of {sound.dtype} at "
            f"{rate} Hz: get it again from {_SOURCE}."
        )
    return sound.astype(np.float32) / 32768
