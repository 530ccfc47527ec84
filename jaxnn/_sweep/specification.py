"""Sweeps written down in TOML: checked, with messages that name the line."""

import inspect
import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import jax
import numpy as np

from .axes import MOST_RUNS, Grid, Sample, Table
from .reductions import REDUCTIONS, named_reduction, reductions_of
from .registry import REGISTRY, registered


_SECTIONS = (
    "network",
    "junction",
    "drive",
    "simulation",
    "results",
    "grid",
    "sample",
    "table",
)
_NEEDED = ("network", "drive", "simulation")
# Of the simulation, what a file may set; the rest is not plain data.
_SIMULATION = ("dt", "steps", "every", "start_step", "interval", "count", "method", "key")
_OF_METHOD = {"every": "simulate", "interval": "lyapunov_exponents", "count": "lyapunov_exponents"}
_TEXTS = (("saved_network", "path"), ("farthest_pair", "by"))
_CHUNKS = ("points", "networks_at_once")


class SpecificationError(ValueError):
    """A specification that cannot be run, with the file and the line at fault."""


class Specification:
    """A TOML file as the arguments of `jaxnn.sweep`.

    **Raises:** `SpecificationError` for anything that it may not hold; `OSError` if it cannot be read.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            self.text = self.path.read_text(encoding="utf-8")
            self.content = tomllib.loads(self.text)
        # Deeper than Python's stack, or a number of more digits than it reads.
        except (ValueError, RecursionError) as error:
            raise SpecificationError(f"{self.path}: this is no TOML: {error}") from error
        for section, value in self.content.items():
            if section not in _SECTIONS:
                self._refuse([section], f"there is no section [{section}]; there are {list(_SECTIONS)}")
            if not isinstance(value, dict):
                self._refuse([section], f"{section} must be a section, [{section}]")
        for section in _NEEDED:
            if section not in self.content:
                raise SpecificationError(f"{self.path}: the section [{section}] is missing.")

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of a simulation: base case and settings, without what changes."""
        simulation = dict(self.content["simulation"])
        terminals = simulation.pop("terminals", None)
        settings = self._checked_simulation(simulation)
        made = {what: self._made(what) for what in ("network", "junction", "drive")}
        made["terminals"] = self._terminals(terminals)
        return made | settings

    def over(self) -> list[Any]:
        """What changes; empty if nothing does."""
        parts: list[Any] = []
        try:
            if "grid" in self.content:
                parts.append(
                    Grid({p: self._values(["grid", p], v) for p, v in self._paths("grid").items()})
                )
            if "sample" in self.content:
                parts.append(self._sample(dict(self.content["sample"])))
            if "table" in self.content:
                columns = self._paths("table")
                parts.append(Table({p: self._values(["table", p], v) for p, v in columns.items()}))
        except SpecificationError:
            raise
        except (ValueError, TypeError, OverflowError) as error:
            there = [section for section in ("grid", "sample", "table") if section in self.content]
            place = self._place_in(str(error)) or [there[len(parts)]]
            self._refuse(place, str(error))
        return parts

    def reductions(self) -> dict[str, Any]:
        """What is kept of each run."""
        out = {}
        exponents = self.content["simulation"].get("method") == "lyapunov_exponents"
        default = "largest_exponent" if exponents else "final_conductance"
        for name, settings in self.content.get("results", {default: {}}).items():
            if not isinstance(settings, dict):
                self._refuse(
                    ["results", name], f"{name} must be a table of settings, such as {name} = {{}}"
                )
            settings = dict(settings)
            kind = settings.pop("kind", name)
            if not isinstance(kind, str) or kind not in REDUCTIONS:
                self._refuse(
                    ["results", name], f"there is no reduction {kind!r}; there are {sorted(REDUCTIONS)}"
                )
            try:
                out |= reductions_of({name: named_reduction(kind, settings)})
            except ValueError as error:
                self._refuse(["results", name], str(error))
        return out

    def chunks(self) -> dict[str, int]:
        """How the sweep is cut, where the file says so."""
        return {k: v for k, v in self.content["simulation"].items() if k in _CHUNKS}

    def line(self, place: list[str]) -> int | None:
        """The line of a key; that of what holds it if it has none of its own."""
        for length in range(len(place), 0, -1):
            found = _line_of(self.text, place[:length])
            if found is not None:
                return found
        return None

    def locate(self, message: str) -> str:
        """A message about a parameter of the sweep, with the line that names it."""
        place = self._place_in(message)
        line = place and self.line(place)
        return f"{self.path}{f', line {line}' if line else ''}: {message}"

    def _place_in(self, message: str) -> list[str] | None:
        """Where the parameter stands that a message is about."""
        for section in ("grid", "sample", "table"):
            for path in self._paths(section):
                place = [section, *["ranges"] * (section == "sample"), path]
                if path in message and self.line(place):
                    return place
        return None

    def _checked_simulation(self, settings: dict[str, Any]) -> dict[str, Any]:
        for name, value in settings.items():
            if name not in (*_SIMULATION, *_CHUNKS):
                known = ["terminals", *_SIMULATION, *_CHUNKS]
                self._refuse(["simulation", name], f"simulation has no setting {name!r}; it has {known}")
            if name == "method":
                continue
            wanted = int | float if name == "dt" else int
            if not isinstance(value, wanted) or isinstance(value, bool):
                self._refuse(
                    ["simulation", name],
                    f"{name} must be a {'whole ' * (wanted is int)}number, got {value!r}",
                )
        for name in ("dt", "steps"):
            if name not in settings:
                self._refuse(["simulation"], f"simulation needs {name}")
        settings = {k: v for k, v in settings.items() if k not in _CHUNKS}
        if "key" in settings:
            if not 0 <= settings["key"] < 2**32:
                self._refuse(
                    ["simulation", "key"], f"key must be from 0 to 2^32 - 1, got {settings['key']}"
                )
            settings["key"] = jax.random.key(settings["key"])
        method = settings.get("method", "simulate")
        settings["method"] = self._registered("method", method, ["simulation", "method"])
        for name, wanted in _OF_METHOD.items():
            if name in settings and method != wanted:
                self._refuse(
                    ["simulation", name], f'{name} is a setting of method = "{wanted}", not of {method}'
                )
        return settings

    def _made(self, what: str) -> Any:
        """A junction or drive, or a function that returns a network."""
        settings = dict(self.content.get(what, {}))
        default = {"network": "nanowire_network", "junction": "TunnelJunction"}.get(what)
        name = settings.pop("kind", default)
        function = self._registered(what, name, [what, "kind"])
        if name == "saved_network":
            settings = {key: str(self.path.parent / str(value)) for key, value in settings.items()}
        self._check_settings(what, name, function, settings)
        try:
            return registered(what, name, settings)
        except (ValueError, TypeError) as error:
            at = next(([what, key] for key in settings if key in str(error)), [what])
            self._refuse(at, str(error))

    def _terminals(self, value: Any) -> Any:
        place = ["simulation", "terminals"]
        if isinstance(value, list):
            if not all(type(wire) is int for wire in value):
                self._refuse(place, f"terminals must be numbers of wires, got {value}")
            return tuple(value)
        settings = {"kind": value or "farthest_pair"} if not isinstance(value, dict) else dict(value)
        name = settings.pop("kind", None)
        function = self._registered("terminals", name, place)
        self._check_settings("terminals", name, function, settings, place)
        return registered("terminals", name, settings)

    def _registered(self, what: str, name: object, place: list[str]) -> Any:
        known = REGISTRY[what]
        if not isinstance(name, str) or name not in known:
            self._refuse(place, f"{what} cannot be {name!r}: it must be one of {sorted(known)}")
        return known[name]

    def _check_settings(
        self,
        what: str,
        name: str,
        function: Callable[..., object],
        settings: dict[str, Any],
        place: list[str] | None = None,
    ) -> None:
        known = list(inspect.signature(function).parameters)
        if name == "padded_network":
            known = ["fraction", *inspect.signature(REGISTRY["network"]["nanowire_network"]).parameters]
        known = [key for key in known if not (what == "terminals" and key == "network")]
        for key, value in settings.items():
            if isinstance(value, str | dict) and (name, key) not in _TEXTS:
                self._refuse(
                    place or [what, key], f"{key} must be a number or a list of numbers, got {value!r}"
                )
            if key not in known:
                self._refuse(place or [what, key], f"{name} has no {key!r}; it has {known}")
        if name == "padded_network":
            return
        swept = {path for section in ("grid", "sample", "table") for path in self._paths(section)}
        parameters = inspect.signature(function).parameters.values()
        for parameter in parameters:
            by_name = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            given = parameter.name in settings or f"{what}.{parameter.name}" in swept
            if by_name and parameter.default is parameter.empty and parameter.name in known and not given:
                self._refuse(place or [what], f"{name} needs {parameter.name!r}")

    def _paths(self, section: str) -> dict[str, Any]:
        """Parameters of a section by path: `drive.voltage` may be quoted or dotted."""
        content = self.content.get(section, {})
        if section == "sample":
            content = content.get("ranges", {})
        out = {}
        for key, value in content.items() if isinstance(content, dict) else ():
            nested = isinstance(value, dict) and not {"from", "to"} <= value.keys()
            for rest, inner in value.items() if nested else (("", value),):
                out[f"{key}.{rest}" if rest else key] = inner
        return out

    def _values(self, place: list[str], value: object) -> Any:
        if not isinstance(value, dict):
            return value
        unknown = set(value) - {"from", "to", "count", "scale"}
        scale = value.get("scale", "linear")
        if unknown or scale not in ("linear", "log") or not {"from", "to"} <= value.keys():
            self._refuse(
                place,
                f'{place[-1]} must be a list or {{ from = , to = , count = , scale = "linear" or "log" }}',
            )
        low, high = value["from"], value["to"]
        whole = isinstance(low, int) and isinstance(high, int) and scale == "linear"
        if "count" not in value:
            if not whole:
                self._refuse(place, f"{place[-1]} needs a count: only whole numbers can do without")
            return range(low, high + 1)
        count = value["count"]
        if type(count) is not int or not 1 <= count <= MOST_RUNS:
            self._refuse(
                place,
                f"the count of {place[-1]} must be a whole number from 1 to {MOST_RUNS:,}, got {count!r}, "
                "because every value is at least one run",
            )
        if not (_is_end(low) and _is_end(high)):
            self._refuse(place, f"{place[-1]} needs two numbers as its ends, got {low!r} and {high!r}")
        if scale == "log" and not 0 < min(low, high):
            self._refuse(place, f"{place[-1]}: a log scale needs positive ends, got {low} and {high}")
        spread = np.geomspace if scale == "log" else np.linspace
        values = spread(low, high, count)
        return np.round(values).astype(int) if whole and np.allclose(values, np.round(values)) else values

    def _sample(self, settings: dict[str, Any]) -> Sample:
        unknown = set(settings) - {"ranges", "count", "method", "seed"}
        if unknown or not {"ranges", "count"} <= settings.keys():
            self._refuse(["sample"], "a sample has ranges, count, method and seed, the first two always")
        ranges = {}
        for path, value in self._paths("sample").items():
            if not isinstance(value, dict) or not {"from", "to"} <= value.keys():
                self._refuse(
                    ["sample", "ranges", path], f"{path} must be {{ from = , to = }}, got {value!r}"
                )
            ranges[path] = (value["from"], value["to"], value.get("scale", "linear"))
        del settings["ranges"]
        return Sample(ranges, **settings)

    def _refuse(self, place: list[str], message: str) -> NoReturn:
        line = self.line(place)
        raise SpecificationError(f"{self.path}{f', line {line}' if line else ''}: {message.rstrip('.')}.")


def _is_end(value: Any) -> bool:
    """Whether a value can be the end of a range; TOML has whole numbers of any size."""
    if isinstance(value, int):
        return abs(value) < 2**63
    return isinstance(value, float) and math.isfinite(value)


def _line_of(text: str, place: list[str]) -> int | None:
    """The line where a key of some path is written; a section's own line for a section."""
    here: list[str] = []
    wanted = ".".join(place)
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        key = re.match(
            r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""", line
        )
        if header:
            here = [_plain(header[1])]
            if here[0] == wanted:
                return number
        elif key and ".".join([*here, _plain(key[1])]) == wanted:
            return number
    return None


def _plain(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)
