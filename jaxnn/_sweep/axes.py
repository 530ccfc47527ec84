"""What a sweep goes through: axes, each with a value of one or more parameters at every place."""

import abc
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .._core import Count, Declared, Module, Numbers, arguments, check_room, in_words


# Weeks on two cores, an hour or more on a large GPU: beyond that a sweep is several folders.
MOST_RUNS = 10**8
_BYTES_OF_RUN = 13  # of one number and the diagnosis


class Axis(NamedTuple):
    """A dimension of the result, and the parameters that change along it, by path."""

    name: str
    columns: dict[str, np.ndarray]

    @property
    def size(self) -> int:
        """The number of places."""
        return len(next(iter(self.columns.values())))


class AbstractSampling(Module):
    """A way to go through parameters; several of them in a list are combined each with each.

    ```python
    grid = jaxnn.Grid({"drive.amplitude": [0.1, 0.2]})
    sample = jaxnn.Sample({"junction.boost": (1.0, 20.0)}, 8)
    [axis.name for sampling in (grid, sample) for axis in sampling.axes()]  # ["drive.amplitude", "sample"]
    ```
    """

    @abc.abstractmethod
    def axes(self) -> list[Axis]:
        """Returns the axes, a column for each parameter."""


class Grid(AbstractSampling):
    """Every combination of some values: `Grid({"drive.voltage": [0.1, 0.2], "network.seed": range(8)})`.

    Each parameter gives the result a dimension, named by the last part of its path.

    Raises a `ValueError` for no parameter or no values, and values that are no finite numbers.

    ```python
    grid = jaxnn.Grid({"drive.amplitude": [0.1, 0.2], "drive.frequency": [1.0, 2.0, 4.0]})
    [len(axis.columns[axis.name]) for axis in grid.axes()]  # [2, 3]
    ```
    """

    values: dict[str, Any]
    """The values of each parameter, by its path."""

    def __init__(self, values: Declared[Mapping[str, Any]]):
        self.values = _checked_columns("Grid", values)

    def axes(self) -> list[Axis]:
        return [Axis(path, {path: column}) for path, column in self.values.items()]


class Table(AbstractSampling):
    """A table of combinations: columns of equal length, along one dimension called `name`.

    Raises a `ValueError` as `Grid` does, and for columns of different lengths.

    ```python
    table = jaxnn.Table({"drive.amplitude": [0.1, 0.2], "drive.frequency": [1.0, 2.0]}, name="case")
    [axis.name for axis in table.axes()]  # ["case"]
    ```
    """

    columns: dict[str, Any]
    """The values of each parameter, by its path, all of one length."""
    name: str
    """Name of the dimension."""

    def __init__(self, columns: Declared[Mapping[str, Any]], name: Declared[str] = "sample"):
        self.columns = _checked_columns("Table", columns)
        self.name = _checked_name(name)
        lengths = {path: len(column) for path, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"The columns of a Table must be of one length, got {lengths}.")

    def axes(self) -> list[Axis]:
        return [Axis(self.name, dict(self.columns))]


class Sample(AbstractSampling):
    """A sample of `count` combinations drawn from ranges, along one dimension called `name`.

    - `ranges`: for each path `(low, high)` or `(low, high, "log")`. Two whole numbers give whole
      numbers, both ends included.
    - `method`: "sobol" (scrambled; a power of two is covered most evenly), "latin_hypercube" or
      "random".
    - `seed`: of the draws.

    Raises a `ValueError` for ranges, methods or counts that make no sense.

    Source: Owen, ACM Trans. Model. Comput. Simul. 8, 71 (1998), for scrambled Sobol points.

    ```python
    sample = jaxnn.Sample({"junction.boost": (1.0, 20.0), "junction.max_flux": (1e-3, 1e-1, "log")}, 8)
    sample.axes()[0].columns["junction.boost"].shape  # (8,)
    ```
    """

    ranges: dict[str, Any]
    """The range of each parameter, by its path."""
    count: int
    """Number of combinations, at least 1."""
    method: str
    """How they are drawn: "sobol", "latin_hypercube" or "random"."""
    seed: int
    """Seed of the draws."""
    name: str
    """Name of the dimension."""

    def __init__(
        self,
        ranges: Declared[Mapping[str, Sequence[Any]]],
        count: Count,
        *,
        method: Declared[str] = "sobol",
        seed: Count = 0,
        name: Declared[str] = "sample",
    ):
        _check_some("Sample", ranges)
        self.ranges = {path: _checked_range(path, limits) for path, limits in ranges.items()}
        self.count = arguments.as_count("count of Sample", count)
        self.method, self.name = method, _checked_name(name)
        check_size("The Sample", self.count)
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"seed of Sample must be a whole number of at least 0, got {seed!r}.")
        self.seed = int(seed)
        if not isinstance(method, str) or method not in _DRAWS:
            raise ValueError(f"method of Sample must be one of {list(_DRAWS)}, got {method!r}.")

    def axes(self) -> list[Axis]:
        # As unit numbers, and scaled.
        size = 16 * self.count * len(self.ranges)
        check_room(f"The {self.count:,} combinations of the Sample", size, "draw fewer")
        unit = _DRAWS[self.method](len(self.ranges), self.count, self.seed)
        pairs = zip(self.ranges.items(), unit.T, strict=True)
        return [Axis(self.name, {path: _scaled(limits, place) for (path, limits), place in pairs})]


Part: TypeAlias = AbstractSampling | Mapping[str, Numbers]
Over: TypeAlias = Declared[Part | Sequence[Part]]
"""What a sweep goes through: a sampling, a mapping of paths to values, or a list of these."""


def axes_of(over: Over) -> list[Axis]:
    """The axes of what a user sweeps over: a mapping, a sampling or a list of these.

    **Raises:** `ValueError` for anything else, and for a parameter or a dimension that comes twice.
    """
    parts = over if isinstance(over, list | tuple) else [over]
    axes: list[Axis] = []
    for part in parts:
        part = Grid(part) if isinstance(part, Mapping) else part
        if not isinstance(part, AbstractSampling):
            raise ValueError(
                "over must be a jaxnn.Grid, Sample or Table, a mapping of paths to values, or a list "
                f"of these, got {type(part).__name__}."
            )
        axes += part.axes()
    paths = [path for axis in axes for path in axis.columns]
    short = short_names(paths)
    # A dimension is called as its only parameter is; a table keeps the name that it was given.
    axes = [Axis(short.get(axis.name, axis.name), axis.columns) for axis in axes]
    sizes = [axis.size for axis in axes]
    product = " = " + " x ".join(f"{size:,}" for size in sizes) if len(sizes) > 1 else ""
    check_size("The sweep", math.prod(sizes), product)
    for what, names in (("parameter", paths), ("dimension", [axis.name for axis in axes])):
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"The sweep has the {what} {sorted(twice)[0]!r} twice; leave one out.")
    return axes


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The last part of each path, or all of it where two end alike: `drive.voltage` is `voltage`."""
    last = [path.rpartition(".")[2] for path in paths]
    good = [name.isidentifier() and last.count(name) == 1 for name in last]
    return {
        path: name if fine else path.replace(".", "_")
        for path, name, fine in zip(paths, last, good, strict=True)
    }


def check_size(what: str, count: int, shape: str = "") -> None:
    """Raises a `ValueError` for more runs than one sweep can have, before any is written down."""
    if count > MOST_RUNS:
        raise ValueError(
            f"{what} has {_number(count)} runs{shape}, and at most {MOST_RUNS:,} are possible: their "
            f"results alone are {in_words(_BYTES_OF_RUN * count)} or more. Draw some of the combinations "
            "with jaxnn.Sample, take fewer values, or make it several sweeps with a folder each."
        )


def checked_column(path: Declared[str], values: Numbers) -> np.ndarray:
    """Values of one parameter as a vector of finite numbers."""
    if not isinstance(path, str):
        raise ValueError(f"A parameter is named by its path, such as 'drive.voltage', got {path!r}.")
    if isinstance(values, range):
        # `len` has a limit of its own.
        count = max(0, -((values.start - values.stop) // values.step))
        _check_values(path, count)
        within = -(2**63) <= min(values.start, values.stop) <= max(values.start, values.stop) < 2**63
        values = np.arange(values.start, values.stop, values.step, dtype=np.int64) if within else [*values]
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray(None)  # lists of different lengths
    _check_values(path, array.size)
    # Whatever the machine calls an integer: a store that goes on elsewhere must be the same sweep.
    if array.dtype.kind == "i":
        array = array.astype(np.int64)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "if" or not np.isfinite(array).all():
        got = repr(values)[:80] if array.dtype.kind == "O" else np.array2string(array, threshold=6)
        raise ValueError(
            f"{path!r} must go through a list of finite numbers, at least one, within 64 bits, got {got}."
        )
    return array


def _check_values(path: str, count: int) -> None:
    if count > MOST_RUNS:
        raise ValueError(
            f"{path!r} goes through {_number(count)} values, {in_words(8 * count)} of numbers, and at most "
            f"{MOST_RUNS:,} are possible in a sweep: take fewer, draw some with jaxnn.Sample, or make it "
            "several sweeps with a folder each."
        )


def _number(count: int) -> str:
    return f"{count:,}" if count < 10**18 else f"10^{len(str(count)) - 1}"


def _checked_columns(name: str, columns: Declared[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    _check_some(name, columns)
    return {path: checked_column(path, column) for path, column in columns.items()}


def _check_some(name: str, columns: object) -> None:
    if not isinstance(columns, Mapping) or not columns:
        raise ValueError(
            f"{name} needs at least one parameter with its values, such as {{'drive.voltage': [0.1]}}, got "
            f"{columns!r}."
        )


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"name, that of a dimension, must be a Python identifier, got {name!r}.")
    return name


def _checked_range(path: Declared[str], limits: Declared[Sequence[Any]]) -> tuple[Any, Any, str]:
    try:
        given: Any = (*limits, "linear")[:3] if len(limits) in (2, 3) else (1, 0, "")
        low, high, scale = given
        wrong = not low < high or scale not in ("linear", "log") or not np.isfinite([low, high]).all()
        wrong = wrong or (scale == "log" and low <= 0) or not abs(low) < 2**63 > abs(high)
    except (TypeError, OverflowError):
        low, high, scale, wrong = 1, 0, "", True
    if wrong:
        raise ValueError(
            f'The range of {path!r} must be (low, high) or (low, high, "log") with low < high, both '
            f"positive for a log scale; got {limits!r}."
        )
    return low, high, scale


def _scaled(limits: tuple[Any, Any, str], unit: np.ndarray) -> np.ndarray:
    low, high, scale = limits
    if scale == "log":
        return low * (high / low) ** unit
    if isinstance(low, int) and isinstance(high, int):
        return low + np.floor(unit * (high - low + 1)).astype(np.int64)
    return low + unit * (high - low)


def _sobol(dimensions: int, count: int, seed: int) -> np.ndarray:
    from scipy.stats import qmc  # half a second that only those who sample have to wait

    # Powers of two are what keeps the points balanced; those beyond `count` are left out.
    return qmc.Sobol(dimensions, rng=seed).random_base2(int(np.ceil(np.log2(count))))[:count]


def _latin_hypercube(dimensions: int, count: int, seed: int) -> np.ndarray:
    from scipy.stats import qmc

    return qmc.LatinHypercube(dimensions, rng=seed).random(count)


_DRAWS = {
    "sobol": _sobol,
    "latin_hypercube": _latin_hypercube,
    "random": lambda d, n, seed: np.random.default_rng(seed).random((n, d)),
}
