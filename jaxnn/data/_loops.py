"""Current against voltage of one device, as a sweep or a pulse response in a table."""

import dataclasses as dc
from pathlib import Path

import numpy as np
from jaxtyping import Float

from .._core import arguments
from ._tables import check_times, read_table


_EXAMPLE = "t[ms],V[mV],I[uA]"
_NAMES = {"s": ("time", "t"), "V": ("voltage", "v", "u", "bias"), "A": ("current", "i"), "S": ()}


@dc.dataclass(frozen=True)
class IVCurve:
    """A current that was measured under a voltage, at times that may be uneven.

    ```python
    curve = jaxnn.data.IVCurve(np.arange(3.0), np.array([0.0, 0.1, 0.2]), np.array([0.0, 1e-6, 4e-6]))
    curve.current / np.maximum(curve.voltage, 1e-12)  # [0, 1e-5, 2e-5] [S]
    ```
    """

    time: Float[np.ndarray, " times"]
    """When each value was measured [s]."""
    voltage: Float[np.ndarray, " times"]
    """Voltage across the device [V]."""
    current: Float[np.ndarray, " times"]
    """Current through it [A], NaN where it was not measured."""


@arguments.checked(path=arguments.path, rate=arguments.real(ndim=0, above=0, known=True))
def read_iv(path: str | Path, rate: float | None = None) -> IVCurve:
    """Reads a table of time, voltage and current, with their units in the head, `t[ms],V[mV],I[uA]`.

    Raises a `ValueError` with the file, the row and what to do, as `jaxnn.data.read_recording` does; also
    for voltages that are missing, and for a table without time where no `rate` is given.

    **Arguments:**

    - `path`: the file.
    - `rate`: rows a second [Hz], of a table that has no times.

    ```python
    from pathlib import Path

    Path("loop.csv").write_text("V[mV],I[uA]\\n0,0\\n10,0.5\\n20,\\n")
    curve = jaxnn.data.read_iv("loop.csv", rate=100.0)
    curve.voltage  # [0.0, 0.01, 0.02] [V]
    ```
    """
    table = read_table(Path(path), _EXAMPLE)
    place: dict[str, int] = {}
    for k, column in enumerate(table.columns):
        if column.name.lower() in _NAMES[column.dimension]:
            if column.dimension in place:
                raise ValueError(f"{path}: the column {column.title!r} is there twice: drop one of them.")
            place[column.dimension] = k
    for dimension, what in (("V", "voltage"), ("A", "current")):
        if dimension not in place:
            names = ", ".join(_NAMES[dimension])
            raise ValueError(f"{path} has no column of {what} ({names}): write the head as {_EXAMPLE}.")
    if "s" in place:
        time = table.values[:, place["s"]]
        check_times(table, time)
    elif rate is None:
        raise ValueError(f"{path} has no column of time: write the head as {_EXAMPLE}, or give rate= [Hz].")
    else:
        time = np.arange(len(table.values)) / rate
    voltage, current = table.values[:, place["V"]], table.values[:, place["A"]]
    if (lost := np.flatnonzero(np.isnan(voltage))).size:
        raise ValueError(
            f"{path}, row {table.rows[lost[0]]}: the voltage is missing: leave the row out, or fill it in."
        )
    return IVCurve(time, voltage, current)
