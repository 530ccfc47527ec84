"""Recordings of many pads at once: a voltage and a current column for each, at uneven times."""

import dataclasses as dc
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from .._core import arguments
from ._roles import PadRoles, roles_of
from ._tables import Table, check_times, read_table


_EXAMPLE = "Time[s] 8_V[V] 8_I[A] 9_V[mV] 9_I[uA]"
_NAME = arguments.either(type(None), arguments.one_of(str, named="the name of a pad"))


@dc.dataclass(frozen=True)
class Recording:
    """A recording of the pads of a device, all pads at each time; NaN where nothing was measured.

    ```python
    recording = jaxnn.data.Recording(
        time=np.arange(3.0), voltage=np.ones((3, 2)), current=np.ones((3, 2)), pads=("8", "17")
    )
    recording.of("8").shape  # (3,)
    len(recording.part(0, 2))  # 2
    ```
    """

    time: Float[np.ndarray, " times"]
    """When each scan of the pads began [s], uneven as it was stamped."""
    voltage: Float[np.ndarray, "times pads"]
    """Potentials [V]."""
    current: Float[np.ndarray, "times pads"]
    """Currents into the pads [A], NaN of pads that float."""
    pads: tuple[str, ...]
    """Names of the pads."""

    def __len__(self) -> int:
        return len(self.time)

    @arguments.checked(pad=arguments.one_of(str, named="the name of a pad"))
    def column(self, pad: str) -> int:
        """Returns the column of a pad, by its name."""
        if pad not in self.pads:
            raise ValueError(f"pad must be one of {', '.join(self.pads)}, got {pad!r}.")
        return self.pads.index(pad)

    @arguments.checked(pad=arguments.one_of(str, named="the name of a pad"))
    def of(self, pad: str) -> Float[np.ndarray, " times"]:
        """Returns the potential of a pad [V]."""
        return self.voltage[:, self.column(pad)]

    @arguments.checked(start=arguments.count(0), stop=arguments.count(0))
    def part(self, start: int, stop: int) -> "Recording":
        """Returns the scans from number `start` up to, not including, `stop`."""
        cut = slice(start, stop)
        return Recording(self.time[cut], self.voltage[cut], self.current[cut], self.pads)

    @arguments.checked(source=_NAME, grounds=arguments.either(type(None), arguments.one_of(tuple)))
    def roles(self, source: str | None = None, grounds: tuple[str, ...] | None = None) -> PadRoles:
        """Returns which pad drives, which are grounded, and which of the others are live or dead.

        A source and a ground are pads whose current was measured. A floating pad is dead if its potential
        does not follow the source. Names that are given stand, for recordings without currents.
        """
        for pad in (*(() if source is None else (source,)), *(grounds or ())):
            self.column(pad)
        return roles_of(self, source, grounds)


@arguments.checked(path=arguments.path)
def read_recording(path: str | Path) -> Recording:
    """Reads a recording of many pads: time, then a voltage and, if measured, a current of each pad.

    The head names each column with its unit, `Time[s] 8_V[V] 8_I[A] 9_V[mV] 9_I[uA]`, apart by blanks,
    commas, semicolons or tabs. Cells that are empty or nan are missing values; times may be uneven.
    Conductances [S] are passed over.

    Raises a `ValueError` with the file, the row and what to do: columns that are missing, twice there or
    without a known unit, cells that are no numbers, numbers that no device of this kind has, times that go
    back.

    Source of the layout: the recordings of silver nanowire networks in RCbench 1.0.10 (INRiM and
    Politecnico di Torino), https://pypi.org/project/rcbench.

    ```python
    from pathlib import Path

    Path("device.csv").write_text("Time[ms],8_V[mV],8_I[uA],9_V[mV]\\n0,100,5,40\\n200,120,6,\\n")
    recording = jaxnn.data.read_recording("device.csv")
    recording.of("8")  # [0.1, 0.12] [V]
    ```
    """
    table = read_table(Path(path), _EXAMPLE)
    times, voltages, currents = _places(table)
    time = table.values[:, times]
    check_times(table, time)
    current = np.full((len(time), len(voltages)), np.nan)
    for k, pad in enumerate(voltages):
        if pad in currents:
            current[:, k] = table.values[:, currents[pad]]
    return Recording(time, table.values[:, list(voltages.values())], current, tuple(voltages))


def _places(table: Table) -> tuple[int, dict[str, int], dict[str, int]]:
    """The column of time, and those of the voltage and the current of each pad."""
    times: list[int] = []
    found: dict[str, dict[str, int]] = {"V": {}, "A": {}}
    for k, column in enumerate(table.columns):
        name = re.fullmatch(r"(.+)_([VI])", column.name)
        if column.dimension == "S":
            continue  # a conductance follows from the rest
        if column.dimension == "s" and column.name.lower() in ("time", "t"):
            times.append(k)
        elif name is None or column.dimension != {"V": "V", "I": "A"}[name[2]]:
            raise ValueError(
                f"{table.path}: the column {column.title!r} is no time, voltage or current of a pad: write "
                f"the head as {_EXAMPLE}."
            )
        elif name[1] in found[column.dimension]:
            raise ValueError(f"{table.path}: the column {column.title!r} is there twice: drop one of them.")
        else:
            found[column.dimension][name[1]] = k
    if len(times) != 1:
        raise ValueError(
            f"{table.path} has {len(times)} columns of time, one was wanted: write the head as {_EXAMPLE}."
        )
    alone = [pad for pad in found["A"] if pad not in found["V"]]
    if alone or len(found["V"]) < 2:
        missing = f"the voltage of pad {alone[0]}" if alone else "the voltages of two pads or more"
        raise ValueError(f"{table.path}: {missing} is missing: write the head as {_EXAMPLE}.")
    return times[0], found["V"], found["A"]
