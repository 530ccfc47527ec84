"""Electrocardiograms in the layout of WFDB: a header, a signal file, a file of beats."""

import dataclasses as dc
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .._core import arguments, check_room
from ._folder import find, reading


_SOURCE = "https://physionet.org/content/mitdb/1.0.0"


_DEFAULT_RATE = 250.0  # [Hz] of the format, where a header has none


@dc.dataclass(frozen=True)
class EcgRecord:
    """A record of one patient.

    ```python
    record = jaxnn.data.read_ecg("/data/mitdb", "100")
    beats = record.positions[record.symbols == "N"]
    times = beats / record.rate  # [s]
    ```
    """

    signal: Float[np.ndarray, "times leads"]
    """Voltages [mV]."""
    leads: tuple[str, ...]
    """Names of the leads, such as MLII."""
    rate: float
    """Samples a second [Hz]."""
    positions: Int[np.ndarray, " annotations"]
    """Where the annotations are, in samples; a beat's is its R peak."""
    symbols: np.ndarray
    """What they say, one sign each: N for a normal beat, + for a change of rhythm."""


@arguments.checked(folder=arguments.path, name=arguments.one_of(str), annotations=arguments.one_of(str))
def read_ecg(folder: str | Path, name: str, annotations: str = "atr") -> EcgRecord:
    """Reads record `name` in `folder`: `name.hea`, `name.dat` and `name.atr`, by the package `wfdb`.

    The checksum that the header has of each lead is checked.

    Raises a `ValueError` for files that are missing, truncated or damaged; an `ImportError` without `wfdb`.

    Source: https://physionet.org/physiotools/wag (WFDB applications guide).

    ```python
    record = jaxnn.data.read_ecg("/data/mitdb", "100")
    voltage = record.signal[:, record.leads.index("MLII")]  # [mV]
    ```
    """
    try:
        import wfdb
    except ImportError as error:
        raise ImportError(
            'Records of WFDB need wfdb, an optional dependency of jaxnn (its extra "data"): '
            'pip install "wfdb>=4.1".'
        ) from error
    folder = Path(folder)
    for suffix in ("hea", "dat", annotations):
        find(folder, (f"{name}.{suffix}",), _SOURCE)
    path = folder / name
    # Of a damaged file wfdb says whatever its parser stumbles upon.
    with reading(path, _SOURCE, ".hea or .dat"):
        _check_header(wfdb, path)
        record: Any = wfdb.rdrecord(str(path), physical=False)
        _check_sums(path, record)
        positions, symbols = _read_annotations(wfdb, path, annotations, len(record.d_signal))
        return EcgRecord(
            signal=(record.d_signal - np.asarray(record.baseline)) / np.asarray(record.adc_gain),
            leads=tuple(record.sig_name),
            rate=float(record.fs),
            positions=positions,
            symbols=symbols,
        )


def _check_header(wfdb: Any, path: Path) -> None:
    """Raises a `ValueError` for numbers that no record has, and for files in other folders."""
    header: Any = wfdb.rdheader(str(path))
    gains = [*(header.adc_gain or ()), *(header.baseline or ())]
    elsewhere = [file for file in header.file_name or () if Path(file).name != file]
    problem, stated = None, _stated_rate(path)
    # wfdb takes its default for what it cannot read.
    if header.fs is None or not 0 < header.fs < math.inf or float(header.fs) != stated:
        problem = f"has {stated:g} samples a second, more than 0 were wanted"
    elif not header.sig_name or not np.isfinite(gains).all() or 0 in (header.adc_gain or ()):
        problem = f"has leads {header.sig_name} with the gains and zeros {gains}, finite ones were wanted"
    elif elsewhere:
        problem = f"names the file {elsewhere[0]!r}, which is in another folder"
    if problem:
        raise ValueError(f"{path}.hea {problem}: get it again from {_SOURCE}.")
    # As wfdb keeps them, 8 bytes for each sample.
    size = 8 * (header.sig_len or 0) * len(header.sig_name)
    check_room(f"The signals of {path}.hea", size, "read it where there is more")


def _stated_rate(path: Path) -> float:
    """Samples a second that the first line of a header has, NaN for what is no number."""
    lines = path.with_name(f"{path.name}.hea").read_text(errors="replace").splitlines()
    words = next(line.split() for line in lines if line.strip() and not line.startswith("#"))
    try:
        return float(words[2].partition("/")[0]) if len(words) > 2 else _DEFAULT_RATE
    except ValueError:
        return math.nan


def _check_sums(path: Path, record: Any) -> None:
    """Raises a `ValueError` if a lead has another checksum than in the header."""
    totals = record.d_signal.sum(axis=0, dtype=np.int64).tolist()
    for lead, total, checksum in zip(record.sig_name, totals, record.checksum, strict=True):
        if checksum is not None and (total - checksum) % 2**16:
            raise ValueError(
                f"{path}.dat has checksum {total % 2**16} in {lead}, {checksum % 2**16} was wanted: get it "
                f"again from {_SOURCE}."
            )


def _read_annotations(
    wfdb: ModuleType, path: Path, suffix: str, times: int
) -> tuple[Int[np.ndarray, " annotations"], np.ndarray]:
    """Where the annotations are, and their signs."""
    file = path.with_name(f"{path.name}.{suffix}")
    # The format ends in two zero bytes; wfdb reads what there is.
    if file.read_bytes()[-2:] != b"\0\0":
        raise ValueError(f"{file} is truncated, its end mark is missing: get it again from {_SOURCE}.")
    try:
        found: Any = wfdb.rdann(str(path), suffix)
    except Exception as error:
        raise ValueError(f"{file} is damaged: {error}. Get it again from {_SOURCE}.") from error
    positions, symbols = np.asarray(found.sample, np.int64), found.symbol
    known = all(isinstance(symbol, str) for symbol in symbols)
    if not known or np.any(positions < 0) or np.any(positions >= times):
        raise ValueError(
            f"{file} is damaged, it has unknown signs or some outside the record: get it again from "
            f"{_SOURCE}."
        )
    return positions, np.asarray(symbols, str)
