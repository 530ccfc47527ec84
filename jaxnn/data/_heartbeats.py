"""Heartbeats cut out of electrocardiograms, in five classes."""

import dataclasses as dc
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .._core import arguments, bar, check_room, read_arrays, written_whole
from ._folder import find, set_folder
from ._wfdb import EcgRecord, read_ecg


HEARTBEAT_CLASSES = ("N", "S", "V", "F", "Q")
# Signs of beats by class, of the Association for the Advancement of Medical Instrumentation.
_SIGNS = ("NLRej", "AaJS", "VE", "F", "/fQ")
_CLASS_OF = {sign: label for label, signs in enumerate(_SIGNS) for sign in signs}
# fmt: off
_TRAIN = (101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122,
          124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230)
_TEST = (100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210,
         212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234)
_PACED = (102, 104, 107, 217)
# fmt: on
RECORDS = tuple(sorted(_TRAIN + _TEST + _PACED))

_RATE = 125  # [Hz]
_HIGHEST_RATE = 10**5  # [Hz]
_SAMPLES = 187
_WINDOW = 10.0  # [s]
_LENGTH = 1.2  # of a beat, over the median interval of its window
_RECIPE = 1  # to be raised with every change of what is cut: older caches are made anew
_ANEW = "Delete it: it is made anew from the records"
_CSV_SOURCE = "https://www.kaggle.com/datasets/shayanfazeli/heartbeat"


@dc.dataclass(frozen=True)
class Heartbeats:
    """A set of beats, each scaled to 0 to 1, with their classes and patients.

    ```python
    beats = jaxnn.data.Heartbeats(np.zeros((10, 187)), np.zeros(10, int), np.repeat([101, 100], 5))
    train, test = beats.random_split(seed=0)
    (len(train), len(test))  # (8, 2)
    ```
    """

    beats: Float[np.ndarray, "beats 187"]
    """Samples at 125 Hz from the R peak on, from 0 to 1, with zeros behind, float32."""
    labels: Int[np.ndarray, " beats"]
    """Classes 0 to 4 for N, S, V, F, Q, `HEARTBEAT_CLASSES`."""
    records: Int[np.ndarray, " beats"]
    """Number of the record, which stands for the patient: only 201 and 202 are of one."""

    @arguments.checked(seed=arguments.seed, test=arguments.real(ndim=0, low=0, high=1, known=True))
    def random_split(
        self, seed: int, test: float = 0.2
    ) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
        """Draws beats to train and to test with by lot: the same patients are on both sides."""
        order = np.random.default_rng(seed).permutation(len(self.labels))
        count = round(test * len(order))
        return np.sort(order[count:]), np.sort(order[:count])

    def inter_patient_split(self) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
        """Returns beats to train and to test with, of different records; the four paced ones are left out.

        Source: de Chazal, O'Dwyer and Reilly, IEEE Trans. Biomed. Eng. 51, 1196 (2004),
        doi 10.1109/TBME.2004.827359.
        """
        of = lambda records: np.flatnonzero(np.isin(self.records, records))
        return of(_TRAIN), of(_TEST)


@arguments.checked(
    folder=arguments.path,
    records=arguments.whole_numbers(ndim=1),
    cache=arguments.path,
    progress=arguments.flag,
)
def heartbeats(
    folder: str | Path | None = None,
    *,
    records: Sequence[int] = RECORDS,
    cache: str | Path | None = None,
    progress: bool = True,
) -> Heartbeats:
    """Rebuilds the MIT-BIH beats from the MIT-BIH Arrhythmia Database.

    Lead MLII (the first lead where there is none) is resampled to 125 Hz. A beat lasts from its R peak
    for 1.2 times the median interval between the beats of the 10 s around it; it is scaled to 0 to 1
    and followed by zeros up to 187 samples, or cut there. Beats that the record ends within are left out.

    - `folder`: as for `data_folder`; the records `100.hea`, `100.dat`, `100.atr` and so on are in it or
      in its folder `mitdb`.
    - `records`: their numbers, all 48 by default: 109,440 beats.
    - `cache`: a folder where the result is kept, and taken from the next time.
    - `progress`: a bar, on a terminal or in a notebook.

    Raises a `ValueError` for files that are missing or damaged; an `ImportError` without `wfdb`.

    Sources: Moody and Mark, IEEE Eng. Med. Biol. 20, 45 (2001) (ODC-By 1.0); the recipe is that of Kachuee,
    Fazeli and Sarrafzadeh, arXiv 1805.00794 (2018), whose windows are a grid and scaled as a whole.

    ```python
    beats = jaxnn.data.heartbeats("/data", records=(100, 101), cache=".")
    train, test = beats.random_split(seed=0)
    ```
    """
    if not len(records):
        raise ValueError("records must name at least one record, got none.")
    kept = None if cache is None else Path(cache) / "mit-bih-beats.npz"
    if kept is not None and kept.is_file() and (found := _load(kept, records)):
        return found
    base = set_folder(folder, "mitdb")
    shown = bar(records, desc="heartbeats", show=progress)
    parts = [_beats_of(base, record) for record in shown]
    result = Heartbeats(
        beats=np.concatenate([beats for beats, _ in parts]),
        labels=np.concatenate([labels for _, labels in parts]),
        records=np.repeat(np.asarray(records, np.int32), [len(labels) for _, labels in parts]),
    )
    if kept is not None:
        _save(kept, result, records)
    return result


def _beats_of(folder: Path, number: int) -> tuple[np.ndarray, np.ndarray]:
    record = read_ecg(folder, str(number))
    if not 1 <= round(record.rate) <= _HIGHEST_RATE:
        raise ValueError(
            f"{folder / str(number)}.hea has {record.rate:g} samples a second, which cannot be: get it "
            "again."
        )
    return _cut(record)


def _cut(record: EcgRecord) -> tuple[np.ndarray, np.ndarray]:
    """Beats of a record `(beats, 187)`, and their classes."""
    from scipy.signal import resample_poly

    classes = np.asarray([_CLASS_OF.get(sign, -1) for sign in record.symbols], np.int32)
    times, labels = record.positions[classes >= 0] / record.rate, classes[classes >= 0]
    length = _LENGTH * _median_intervals(times)
    whole = times + length <= len(record.signal) / record.rate
    times, labels, length = times[whole], labels[whole], length[whole]
    lead = record.signal[:, record.leads.index("MLII") if "MLII" in record.leads else 0]
    signal = resample_poly(lead, _RATE, round(record.rate)).astype(np.float32)
    start = np.round(times * _RATE).astype(int)
    count = np.clip(np.round(length * _RATE).astype(int), 1, _SAMPLES)
    inside = np.arange(_SAMPLES) < count[:, None]
    beats = signal[np.minimum(start[:, None] + np.arange(_SAMPLES), signal.size - 1)]
    low = np.min(beats, axis=1, keepdims=True, where=inside, initial=np.inf)
    high = np.max(beats, axis=1, keepdims=True, where=inside, initial=-np.inf)
    span = np.where(high > low, high - low, 1)
    return np.where(inside, (beats - low) / span, 0).astype(np.float32), labels


def _median_intervals(times: np.ndarray) -> np.ndarray:
    """Median interval between the beats of the window around each beat [s]; infinite without any."""
    if times.size < 2:
        return np.full(times.shape, np.inf)
    first = np.searchsorted(times, times - _WINDOW / 2)
    count = np.searchsorted(times, times + _WINDOW / 2) - first - 1  # intervals, not beats
    columns = np.arange(max(count.max(), 1))
    intervals = np.diff(times)[np.minimum(first[:, None] + columns, times.size - 2)]
    # Infinities behind the intervals of a window stay behind when they are sorted.
    ordered = np.sort(np.where(columns < count[:, None], intervals, np.inf), axis=1)
    middle = lambda k: np.take_along_axis(ordered, np.maximum(k, 0)[:, None], axis=1)[:, 0]
    return (middle((count - 1) // 2) + middle(count // 2)) / 2


def _load(path: Path, records: Sequence[int]) -> Heartbeats | None:
    """What was kept of these records; None if it is of others, or cut in another way."""
    names = [field.name for field in dc.fields(Heartbeats)]
    arrays = read_arrays(path, ["asked", *names], _ANEW)
    if not np.array_equal(arrays.pop("asked"), [_RECIPE, *records]):
        return None
    count = len(arrays["beats"]) if arrays["beats"].ndim else 0
    shapes = {"beats": (count, _SAMPLES), "labels": (count,), "records": (count,)}
    for name, shape in shapes.items():
        wanted = np.floating if name == "beats" else np.integer
        if arrays[name].shape != shape or not np.issubdtype(arrays[name].dtype, wanted):
            raise ValueError(
                f"{path} is damaged: its {name} have shape {arrays[name].shape} of {arrays[name].dtype}, "
                f"{shape} were wanted. {_ANEW}."
            )
    if not _are_classes(arrays["labels"]) or not _are_scaled(arrays["beats"]).all():
        raise ValueError(f"{path} is damaged: it has labels or beats that cannot be. {_ANEW}.")
    return Heartbeats(**arrays)


def _are_classes(labels: np.ndarray) -> bool:
    return bool(np.isin(labels, range(len(HEARTBEAT_CLASSES))).all())


def _are_scaled(beats: np.ndarray) -> Any:
    """Which beats have all their samples in 0 to 1; not one with a NaN."""
    return np.all((beats >= 0) & (beats <= 1), axis=1)


def _save(path: Path, result: Heartbeats, records: Sequence[int]) -> None:
    """Written beside it first, so that a file of that name is always whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fields: dict[str, Any] = vars(result)
    with written_whole(path) as file:
        np.savez(file, asked=np.asarray([_RECIPE, *records]), **fields)


@arguments.checked(folder=arguments.path, split=arguments.one_of(str))
def heartbeat_csv(
    folder: str | Path | None = None, split: str = "train"
) -> tuple[Float[np.ndarray, "beats 187"], Int[np.ndarray, " beats"]]:
    """Reads beats 0 to 1, float32, and labels 0 to 4 (N, S, V, F, Q) of the ready-made heartbeat tables.

    - `folder`: as for `data_folder`; `mitbih_train.csv` and `mitbih_test.csv` are in it or in its folder
      `heartbeat`: no header, 187 samples and the label in a row.
    - `split`: "train" (87,554) or "test" (21,892); the same patients are on both sides.

    Raises a `ValueError` for files that are missing or damaged, and another number of columns.

    Source: Kachuee, Fazeli and Sarrafzadeh, arXiv 1805.00794 (2018).

    ```python
    beats, labels = jaxnn.data.heartbeat_csv("/data", split="test")
    pulses = jaxnn.encoders.beat_pulses(beats, sections=11)
    ```
    """
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", got {split!r}.')
    path = find(set_folder(folder, "heartbeat"), (f"mitbih_{split}.csv",), _CSV_SOURCE)
    if not path.stat().st_size:
        raise ValueError(f"{path} is empty: get it again from {_CSV_SOURCE}.")
    check_room(f"The table in {path}", path.stat().st_size, "read it where there is more")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a file without a row
            table = np.loadtxt(path, np.float32, delimiter=",", ndmin=2)
    # Of a damaged file NumPy says whatever its parser stumbles upon.
    except Exception as error:
        raise ValueError(
            f"{path} is no table of numbers: {error} Get it again from {_CSV_SOURCE}."
        ) from error
    if table.shape[1] != _SAMPLES + 1:
        raise ValueError(f"{path} has {table.shape[1]} columns, {_SAMPLES + 1} were wanted.")
    if not _are_classes(table[:, -1]):
        raise ValueError(f"{path} has other labels than 0 to 4 in its last column: get it again.")
    scaled = _are_scaled(table[:, :-1])
    if not scaled.all():
        row = int(np.argmin(scaled))
        raise ValueError(
            f"{path} has a value outside 0 to 1, or none, in row {row + 1}: get it again from "
            f"{_CSV_SOURCE}."
        )
    return table[:, :-1], table[:, -1].astype(np.int32)
