"""What a compiled program does, read from its text: loops, launches, bytes and operations."""

import dataclasses as dc
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple


# Instructions that launch nothing: names for memory, and the control of what is counted by itself.
_FREE = {
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "while", "call", "conditional",
    "after-all", "copy-done", "async-done", "partition-id", "replica-id", "opt-barrier",
}  # fmt: skip
_HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) .*\{\s*$")
_OPERATION = re.compile(r" = (?:\([^=]*?\)|\S+) ([\w\-]+)\(")
_LINE = re.compile(r"\s*(ROOT )?%?([\w.\-]+) = (\([^=]*?\)|\S+) ([\w\-]+)\((.*)")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')


@dc.dataclass(frozen=True)
class Child:
    """A computation that another one runs `trips` times, None where that is not known."""

    name: str
    trips: int | None
    loop: bool


def computations(text: str) -> tuple[str, dict[str, list[str]]]:
    """The entry's name and the lines of every computation of an HLO module's text."""
    parts: dict[str, list[str]] = {}
    entry = name = ""
    # Long tuples carry comments with an equals sign in them.
    for line in re.sub(r"/\*.*?\*/", "", text).splitlines():
        head = _HEAD.match(line)
        if head and not line.startswith(("HloModule", " ")):
            name = head[2]
            entry = name if head[1] else entry
            parts[name] = []
        elif line.startswith("}"):
            name = ""
        elif name:
            parts[name].append(line)
    return entry, parts


def children(lines: list[str]) -> list[Child]:
    """The loops, calls and branches of a computation; fusions and reducers are not followed."""
    out = []
    for line in lines:
        found = _OPERATION.search(line)
        operation = found[1] if found else ""
        if operation == "while":
            known = _TRIPS.search(line)
            trips = int(known[1]) if known else None
            out += [Child(name, trips, True) for name in re.findall(r"body=%?([\w.\-]+)", line)]
        elif operation == "call":
            out += [Child(name, 1, False) for name in re.findall(r"to_apply=%?([\w.\-]+)", line)]
        elif operation == "conditional":
            # The dearest branch cannot be known: the first is taken, which is all that XLA's loops have.
            named = re.findall(r"(?:true_computation|branch_computations)=\{?%?([\w.\-]+)", line)
            out += [Child(name, 1, False) for name in named]
    return out


def launches(text: str) -> dict[str, float]:
    """Launches per run of every loop body and of the entry, nested loops times their trips.

    A loop whose trips are not known counts as one pass.
    """
    _, parts = computations(text)

    def count(name: str) -> int:
        lines = parts.get(name, [])
        own = sum(_is_launched(line) for line in lines)
        return own + sum((child.trips or 1) * count(child.name) for child in children(lines))

    return {name: count(name) for name in parts}


def _is_launched(line: str) -> bool:
    found = _OPERATION.search(line)
    return found is not None and found[1] not in _FREE


def time_loops(text: str, trips: int) -> list[str]:
    """Bodies of the outermost loops that make `trips` passes: those over the time steps."""
    entry, parts = computations(text)
    found = []

    def search(name: str) -> None:
        for child in children(parts.get(name, [])):
            if child.loop and child.trips == trips:
                found.append(child.name)
            else:
                search(child.name)

    search(entry)
    return found


def step_cost(compiled: Any, trips: int | None = None) -> dict[str, float]:
    """Bytes and operations of one time step, with the loops inside it times their trips.

    XLA's own figures (`cost_analysis`, here `flops` and `bytes_xla`) count the body of a loop once, however
    often it runs, which is put right here. For a fused gather they count all of the array that it reads
    from; `bytes` counts the rows that are read. `trips` is the number of time steps; without it, the cost
    of the whole program.
    """
    text = compiled.as_text() or ""
    entry, parts = computations(text)
    names = [entry] if trips is None else time_loops(text, trips)
    programs = {name: [_parse(line) for line in lines] for name, lines in parts.items()}
    out = {"bytes": _total(parts, names, lambda name: _bytes(programs, name), nested=False)}
    try:
        analysed = {name: _analyse(text, name) for name in _reached(parts, names)}
    except (ImportError, AttributeError):
        # The way to XLA's analysis of a part of a program is private to JAX, and may move.
        return out | {"flops": float("nan"), "bytes_xla": float("nan")}
    for short, key in (("flops", "flops"), ("bytes_xla", "bytes accessed")):
        once = lambda name, key=key: analysed[name].get(key, 0.0)
        out[short] = _total(parts, names, once, nested=True)
    return out


def _reached(parts: dict[str, list[str]], names: list[str]) -> set[str]:
    found = set(names)
    for name in names:
        inner = [child.name for child in children(parts.get(name, []))]
        found |= _reached(parts, inner)
    return found


def _total(
    parts: dict[str, list[str]], names: list[str], once: Callable[[str], float], nested: bool
) -> float:
    """The sum over computations and what they run. `nested`: `once` has a pass of each loop in it."""
    out = 0.0
    for name in names:
        out += once(name)
        for child in children(parts.get(name, [])):
            trips = child.trips or 1
            out += trips * _total(parts, [child.name], once, nested)
            out -= once(child.name) if nested else 0.0
    return out


class Instruction(NamedTuple):
    """One line of a computation: its size is in bytes."""

    name: str
    operation: str
    size: int
    operands: list[str]
    fused: str
    root: bool


def _parse(line: str) -> Instruction:
    found = _LINE.match(line)
    if found is None:
        return Instruction("", "", 0, [], "", False)
    root, name, shape, operation, rest = found.groups()
    fused = re.search(r"calls=%?([\w.\-]+)", rest)
    # Operands end at the first bracket that closes: none of them has brackets itself.
    operands = re.findall(r"%([\w.\-]+)", rest.split(")")[0])
    if operation == "parameter":
        operands = [rest.split(")")[0]]
    return Instruction(name, operation, _size(shape), operands, fused[1] if fused else "", bool(root))


def _size(shape: str) -> int:
    total = 0
    for kind, sides in re.findall(r"(\w+)\[([\d,]*)\]", shape):
        width = re.search(r"\d+", kind)
        total += (int(width[0]) // 8 if width else 1) * math.prod(map(int, filter(None, sides.split(","))))
    return total


def _bytes(programs: dict[str, list[Instruction]], name: str) -> float:
    """Bytes that a computation's own instructions read and write."""
    program = programs.get(name, [])
    sizes = {one.name: one.size for one in program}
    out = 0.0
    for one in program:
        if not one.name or one.operation in _FREE:
            continue
        if one.operation == "fusion":
            inner = programs.get(one.fused, [])
            out += _fused_reads(inner) + _fused_writes(inner)
        elif one.operation in ("gather", "slice", "dynamic-slice"):
            out += 2 * one.size
        elif one.operation == "dynamic-update-slice":
            out += 2 * sizes.get(one.operands[1], 0)
        else:
            out += one.size + sum(sizes.get(operand, 0) for operand in one.operands)
    return out


def _fused_reads(program: list[Instruction]) -> int:
    """What a fusion reads of its parameters: the rows that it takes, or all of them."""
    total = 0
    for parameter in program:
        if parameter.operation != "parameter":
            continue
        read, names = 0, {parameter.name}
        for one in program:
            used = [k for k, operand in enumerate(one.operands) if operand in names]
            if not used:
                continue
            if one.operation == "bitcast":
                names.add(one.name)
            elif one.operation in ("gather", "slice", "dynamic-slice") and used == [0]:
                read += one.size
            elif one.operation != "dynamic-update-slice" or used != [0]:
                read += parameter.size
        total += min(read, parameter.size)
    return total


def _fused_writes(program: list[Instruction]) -> int:
    """What a fusion writes: an update in place writes the rows that it updates."""
    by_name = {one.name: one for one in program}

    def written(one: Instruction) -> int:
        if one.operation == "tuple":
            return sum(written(by_name[operand]) for operand in one.operands)
        if one.operation == "bitcast" and one.operands[0] in by_name:
            return written(by_name[one.operands[0]])
        if one.operation == "dynamic-update-slice":
            return by_name[one.operands[1]].size
        return one.size

    return sum(written(one) for one in program if one.root)


def _analyse(text: str, name: str) -> dict[str, float]:
    """XLA's cost analysis of one computation, by making it the entry of the module."""
    import jax
    from jax._src.lib import _jax  # pyright: ignore[reportPrivateImportUsage]

    lines = []
    for line in text.splitlines():
        head = _HEAD.match(line)
        if line.startswith("HloModule"):
            line = "HloModule part"
        elif head and head[2] == name:
            line = "ENTRY " + line.removeprefix("ENTRY ")
        elif head:
            line = line.removeprefix("ENTRY ")
        lines.append(line)
    module = _jax.hlo_module_from_text("\n".join(lines))
    return _jax.hlo_module_cost_analysis(jax.devices()[0].client, module)
