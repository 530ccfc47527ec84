"""Tables of measured numbers: a head with units, a row for each time; what is wrong is named by its row."""

import dataclasses as dc
import math
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from .._core import check_room, reads_as_number


_PREFIXES = {"": 1.0, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}
_BASES = {"V": "V", "A": "A", "s": "s", "sec": "s", "volt": "V", "amp": "A", "S": "S"}
# More is no measurement of a nanowire or an oxide film, but a unit that was mistaken.
_MOST = {"V": 1e3, "A": 10.0, "s": 1e9, "S": 1e3}
_SMALLER = {"V": "mV", "A": "uA", "s": "ms", "S": "uS"}
_EMPTY = {"", "nan", "na", "n/a", "null", "none", "-"}


@dc.dataclass(frozen=True)
class Column:
    """A column of a table: its name without the unit, the dimension, and what a number in it counts."""

    name: str
    dimension: str
    factor: float
    title: str


@dc.dataclass(frozen=True)
class Table:
    """The columns of a file and its numbers in SI units, NaN where nothing was measured."""

    path: Path
    columns: tuple[Column, ...]
    values: Float[np.ndarray, "rows columns"]
    rows: tuple[int, ...]
    """The line of each row in the file, from 1 on."""


def read_table(path: Path, example: str) -> Table:
    """Reads a table of numbers, its columns apart by commas, semicolons, tabs or blanks."""
    if not path.is_file():
        raise ValueError(f"{path} does not exist or is no file: give that of a table such as {example}.")
    check_room(f"The table {path}", 20 * path.stat().st_size, "cut it into shorter ones")
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    # Tabs stay: behind the last of them may be an empty cell.
    lines = [(n, line.strip(" \r")) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    lines = _with_head([(n, line) for n, line in lines if not _is_note(line)], lines)
    if len(lines) < 2:
        raise ValueError(f"{path} has {len(lines)} lines, a head and rows were wanted: {example}.")
    mark = next((mark for mark in (",", ";", "\t") if mark in lines[0][1]), None)
    titles = _cells(lines[0][1].removesuffix(mark or " "), mark)
    columns = tuple(_column(path, lines[0][0], title, example) for title in titles)
    values = np.array([_row(path, n, _cells(line, mark), columns) for n, line in lines[1:]])
    return Table(path, columns, values, tuple(n for n, _ in lines[1:]))


def _is_note(line: str) -> bool:
    return line.lstrip().startswith(("#", "%"))


def _with_head(rows: list[tuple[int, str]], lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The rows, behind the note above them where the first has numbers, as `numpy.savetxt` writes it."""
    if not rows or not reads_as_number(re.split(r"[,;\s]", rows[0][1].lstrip())[0]):
        return rows
    above = [(n, line) for n, line in lines if n < rows[0][0]]
    return [(above[-1][0], above[-1][1].lstrip("#% \t")), *rows] if above else rows


def check_times(table: Table, time: Float[np.ndarray, " rows"]) -> None:
    """Raises a `ValueError` unless time is known in each row and goes on from row to row."""
    if (lost := np.flatnonzero(~np.isfinite(time))).size:
        raise ValueError(
            f"{table.path}, row {table.rows[lost[0]]}: the time is missing: leave it out or fill it in."
        )
    if (back := np.flatnonzero(np.diff(time) <= 0)).size:
        k = int(back[0])
        raise ValueError(
            f"{table.path}, row {table.rows[k + 1]}: time goes back from {time[k]:g} s to {time[k + 1]:g}, "
            "or stands still: sort the rows by time and leave out what was recorded twice."
        )


def _cells(line: str, mark: str | None) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(mark)]


def _column(path: Path, row: int, title: str, example: str) -> Column:
    found = re.fullmatch(r"(.+?)\s*(?:\[\s*(.*?)\s*\]|\(\s*(.*?)\s*\))", title)
    if found is None:
        raise ValueError(
            f"{path}, row {row}: the column {title!r} has no unit: write it as in {example} (s, V, A, S "
            "with p, n, u, m, k or M in front)."
        )
    unit = found[2] if found[2] is not None else found[3]
    base = next((base for base in sorted(_BASES, key=len, reverse=True) if unit.endswith(base)), "")
    prefix = unit[: len(unit) - len(base)]
    if not base or prefix not in _PREFIXES:
        raise ValueError(
            f"{path}, row {row}: the column {title!r} has the unknown unit {unit!r}: s, V, A or S "
            f"were wanted, with p, n, u, m, k or M in front, as in {example}."
        )
    return Column(found[1], _BASES[base], _PREFIXES[prefix], title)


def _row(path: Path, row: int, cells: list[str], columns: tuple[Column, ...]) -> list[float]:
    if len(cells) == len(columns) + 1 and not cells[-1]:
        # Some instruments end their lines with the sign that separates columns.
        cells = cells[:-1]
    if len(cells) != len(columns):
        raise ValueError(
            f"{path}, row {row}: {len(cells)} cells, but the head names {len(columns)} columns: complete "
            "the row, with nan where nothing was measured, or leave it out."
        )
    return [_number(path, row, cell, column) for cell, column in zip(cells, columns, strict=True)]


def _number(path: Path, row: int, cell: str, column: Column) -> float:
    if cell.lower() in _EMPTY:
        return math.nan
    try:
        value = float(cell) * column.factor
    except ValueError:
        raise ValueError(
            f"{path}, row {row}: {cell!r} in column {column.title!r} is no number: write it as 0.25 or "
            "2.5e-1, and nan where nothing was measured."
        ) from None
    unit = column.dimension
    if math.isinf(value) or abs(value) > _MOST[unit]:
        raise ValueError(
            f"{path}, row {row}: {cell} in column {column.title!r} is {value:g} {unit}, more than the "
            f"{_MOST[unit]:g} {unit} that are believed: is the unit {_SMALLER[unit]}? Put the head right."
        )
    return value
