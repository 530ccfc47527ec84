"""Tables of wires and of junctions in text files, whose faults are named by their line."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from .._core import reads_as_number


# What columns may be called: of wires, of junctions, and of how many junctions a row stands for.
WIRES = (
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("xa", "ya", "xb", "yb"),
    ("x_start", "y_start", "x_end", "y_end"),
)
EDGES = (
    ("source", "target"),
    ("from", "to"),
    ("node1", "node2"),
    ("wire1", "wire2"),
)
COUNTS = ("count", "junctions", "multiplicity")
_DELIMITERS = ",;\t"


class Table(NamedTuple):
    """What a table holds: ends of wires, or junctions; the other is None."""

    wires: np.ndarray | None
    edges: np.ndarray | None
    unit: str | None = None
    """Of the ends of wires, where the names of their columns say it."""


class _Row(NamedTuple):
    line: int
    cells: list[str]


def read_table(path: Path, first: int) -> Table:
    """Reads a table of wires (x0, y0, x1, y1) or of junctions (source, target, perhaps count).

    Cells are parted by commas, semicolons, tabs or blanks; what follows a # is left out. Without names of
    columns, two are a junction and four a wire. Names of the ends of wires may have a unit, x0 [um]. Wires
    that are named by whole numbers count from `first`; other names are numbered in the order in which they
    come.

    **Raises:** `ValueError` that names the file and the line.
    """
    rows = list(_rows(path))
    if not rows:
        raise ValueError(f"{path} has no rows: a table of junctions has two wires in each, source,target.")
    header, units, rows = _header(path, rows)
    named = _columns(header, WIRES), _columns(header, EDGES)
    if named[0] is not None:
        if not rows:
            raise ValueError(
                f"{path} has the names of columns and no wires below them: add a row for each."
            )
        unit = _common_unit(path, [units[k] for k in named[0]])
        return Table(_numbers(path, rows, named[0]), None, unit)
    if named[1] is not None:
        counts = next((header.index(name) for name in COUNTS if name in header), None)
        return Table(None, _junctions(path, rows, named[1], counts, first))
    raise ValueError(
        f"{path} has the columns {header}, of which none are known: name those of junctions source,target "
        "(and count, if a row is several), those of wires x0,y0,x1,y1."
    )


def _rows(path: Path) -> Iterator[_Row]:
    """The rows that have anything in them, with their lines."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text ({error}): save the table as CSV in UTF-8.") from error
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    filled = [(number, line) for number, line in enumerate(lines, 1) if line]
    filled = [*_head_in_a_note(text.splitlines(), filled), *filled]
    known = next((mark for mark in _DELIMITERS if filled and mark in filled[0][1]), None)
    for number, line in filled:
        cells = line.split() if known is None else next(csv.reader([line], delimiter=known))
        yield _Row(number, [cell.strip() for cell in cells])


def _head_in_a_note(lines: list[str], filled: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The note above the first row if it names columns of wires, as that of `numpy.savetxt`."""
    notes = [n for n, line in enumerate(lines[: filled[0][0] - 1] if filled else [], 1) if "#" in line]
    if not notes:
        return []
    note = lines[notes[-1] - 1].lstrip("# \t").strip()
    names = [_name_and_unit(cell.strip())[0] for cell in re.split(f"[{_DELIMITERS}]", note)]
    return [(notes[-1], note)] if _columns(names, WIRES) else []


def _header(path: Path, rows: list[_Row]) -> tuple[list[str], list[str], list[_Row]]:
    """The names of the columns, their units, and the rows without them."""
    width = len(rows[0].cells)
    odd = next((row for row in rows if len(row.cells) != width), None)
    if odd is not None:
        _fault(path, odd, f"has {len(odd.cells)} cells where line {rows[0].line} has {width}")
    first, *rest = rows
    names, units = zip(*map(_name_and_unit, first.cells), strict=True)
    names, units = list(names), list(units)
    is_known = _columns(names, WIRES) or _columns(names, EDGES)
    # Names of columns stand over numbers; a row of words over words is a junction of two wires with names.
    over_numbers = (
        rest and all(map(reads_as_number, rest[0].cells)) and not all(map(reads_as_number, names))
    )
    # Four numbers are many things; two whole ones are a junction, whatever they are called.
    if is_known or (over_numbers and width != 2):
        return names, units, rest
    if width not in (2, 4):
        raise ValueError(
            f"{path} has {width} columns without names: name those of junctions source,target (and count, "
            "if a row is several), those of wires x0,y0,x1,y1, in its first line."
        )
    return list((WIRES if width == 4 else EDGES)[0]), [""] * width, rest if over_numbers else rows


def _name_and_unit(cell: str) -> tuple[str, str]:
    """x0 and um of "X0 [um]"."""
    found = re.fullmatch(r"(.*?)\s*[\[(]\s*([^\[\]()]*?)\s*[\])]", cell)
    return (cell.lower(), "") if found is None else (found[1].lower(), found[2])


def _common_unit(path: Path, units: list[str]) -> str | None:
    """The unit of all ends of wires, or None if none is given."""
    if len(set(units)) > 1:
        raise ValueError(f"{path} has ends of wires in the units {units}: give all of them in one.")
    return units[0] or None


def _columns(header: list[str], known: tuple[tuple[str, ...], ...]) -> list[int] | None:
    """The numbers of the columns that one of the known sets of names has."""
    names = next((names for names in known if set(names) <= set(header)), None)
    return None if names is None else [header.index(name) for name in names]


def _numbers(path: Path, rows: list[_Row], columns: list[int]) -> np.ndarray:
    values = []
    for row in rows:
        cells = [row.cells[k] for k in columns]
        bad = next(
            (cell for cell in cells if not (reads_as_number(cell) and np.isfinite(float(cell)))), None
        )
        if bad is not None:
            _fault(path, row, f"has {bad!r} where the end of a wire should be: give numbers, in one unit")
        ends = [float(cell) for cell in cells]
        if ends[:2] == ends[2:]:
            _fault(path, row, f"has both ends of a wire at {ends[:2]}: leave it out")
        values.append(ends)
    return np.array(values).reshape(-1, 4)


def _junctions(
    path: Path, rows: list[_Row], columns: list[int], counts: int | None, first: int
) -> np.ndarray:
    names = [[row.cells[k] for k in columns] for row in rows]
    numbered = all(_is_whole(cell) for pair in names for cell in pair)
    number = (
        {} if numbered else {name: k for k, name in enumerate(dict.fromkeys(x for p in names for x in p))}
    )
    edges = []
    for row, pair in zip(rows, names, strict=True):
        if "" in pair:
            _fault(path, row, "lacks a wire: a junction joins two")
        if pair[0] == pair[1]:
            _fault(path, row, f"joins {pair[0]} to itself, where no current flows: leave it out")
        a, b = (int(name) - first if numbered else number[name] for name in pair)
        if min(a, b) < 0:
            _fault(path, row, f"has wire {min(a, b) + first}, but wires count from {first}: give first=...")
        several = 1
        if counts is not None:
            cell = row.cells[counts]
            if not _is_whole(cell) or int(cell) < 0:
                _fault(path, row, f"has {cell!r} as its number of junctions: give 1, 2, ...")
            several = int(cell)
        edges += [(a, b)] * several
    return np.array(edges, np.int64).reshape(-1, 2)


def _fault(path: Path, row: _Row, what: str) -> NoReturn:
    raise ValueError(f"Line {row.line} of {path} {what}.")


def _is_whole(cell: str) -> bool:
    return cell.removeprefix("-").removeprefix("+").isdecimal()
