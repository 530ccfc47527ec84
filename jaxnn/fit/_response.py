"""What a network does under a measured drive, read at the times of the measurement."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._circuit import Capacitance, electrodes_of
from .._core import Declared, Module, Numbers, Terminals, arguments, unit
from .._junctions import AbstractJunction
from .._networks import Network
from .._simulation import Record, Solution, check_record, simulate


# Time steps for each sample, at most, where the samples are not even and no time step is given.
_MOST_STEPS = 10
# Intervals that differ by less than this share of them are even.
_EVEN = 1e-3
# Times nearer to a step than this share of it are that step's.
_SAME = 1e-6
_READ: dict[str, Callable[[Solution], Array]] = {
    "current": lambda run: run.terminal_current[:, 0],
    "conductance": lambda run: run.conductance,
    "log_conductance": lambda run: jnp.log(run.conductance),
}
_KIND = arguments.word(*_READ)
_NETWORK = arguments.one_of(Network)


class Response(Module):
    r"""A measurement as a function of the law: simulated under the measured voltage, read at its times.

    For I-V loops, answers to pulses and traces of a conductance, of one junction or of a network. The drive
    is the line through the measured voltages, its missing values (NaN) left out; step k of the run is at
    $t_0 + (k - 1)\, dt$, and what is read is interpolated to the times of the measurement, which need not
    be even.

    Raises a `ValueError` for times that go back or do not fit the voltages, and voltages without a value.

    ```python
    time, volts = np.array([0.0, 0.1, 0.25, 0.3]), np.array([0.0, 0.02, 0.05, 0.06])
    response = jaxnn.fit.Response(None, time, volts, dt=0.01)
    response(law).shape  # (4,)
    response(law)[-1]  # 4.66e-9 [A]
    ```
    """

    network: Declared[Network]
    """The network; two wires and one junction for None."""
    terminals: Declared[Terminals]
    """Wires that the voltages are held at."""
    voltage: Float[Array, "steps *terminals"] = eqx.field(metadata=unit("V"))
    """Voltages of every time step [V]."""
    dt: float = eqx.field(static=True, metadata=unit("s"))
    """Time step [s]."""
    lower: Int[np.ndarray, " samples"]
    """The step at or before each time of the measurement."""
    share: Float[np.ndarray, " samples"]
    """How far each time is on the way to the next step."""
    time: Float[np.ndarray, " samples"] = eqx.field(metadata=unit("s"), repr=False)
    """When samples were taken [s]."""
    applied: Float[np.ndarray, "samples *terminals"] = eqx.field(metadata=unit("V"), repr=False)
    """What was applied then [V], with what is missing filled in."""
    read: Declared[str | Callable[[Solution], Array]] = eqx.field(static=True)
    """What is read: "current", "conductance", "log_conductance", or a function of the solution."""
    record: Any = eqx.field(static=True)
    """What that function needs besides currents and conductance."""

    def __init__(
        self,
        network: Declared[Network | None],
        time: Numbers,
        voltage: Numbers,
        *,
        terminals: Declared[Terminals | None] = None,
        dt: float | int | None = None,
        read: Declared[str | Callable[[Solution], Array]] = "current",
        record: Record = ("conductance",),
    ):
        """**Arguments:**

        - `network`: a `jaxnn.Network`, or None for a single junction.
        - `time`: when samples were taken [s], increasing, `(samples,)`; it need not begin at 0.
        - `voltage`: what was applied then [V], `(samples,)` for the first terminal or
          `(samples, terminals)`.
        - `terminals`: as of `jaxnn.simulate`; the two wires of a single junction by default.
        - `dt`: time step of the simulation [s]: by default the least interval between samples, but at most
          ten steps for each of them. A fit warns where that is too long for what the data tell.
        - `read`: "current" (into the first terminal, [A]), "conductance" [S], its natural logarithm,
          "log_conductance", or a function of the `jaxnn.Solution` that returns an array with time first.
        - `record`: what that function needs, as of `jaxnn.simulate`.
        """
        times, volts = _samples(time, voltage)
        if dt is not None:
            arguments.real(ndim=0, above=0, known=True)("dt", dt)
        if isinstance(read, type) or not callable(read):
            _KIND("read", read)
        check_record(record)
        self.dt = _time_step(times) if dt is None else float(dt)
        place = (times - times[0]) / self.dt
        near = np.round(place)
        place = np.where(np.abs(place - near) < _SAME * np.maximum(near, 1), near, place)
        steps = int(np.ceil(place[-1])) + 1
        at = times[0] + self.dt * np.arange(steps)
        self.voltage = jnp.asarray(np.stack([np.interp(at, times, x) for x in volts.T], axis=1), float)
        if np.ndim(voltage) == 1:
            self.voltage, volts = self.voltage[:, 0], volts[:, 0]
        self.time, self.applied = times, volts
        self.lower = np.minimum(np.floor(place), max(steps - 2, 0)).astype(np.int32)
        self.share = place - self.lower
        self.network = Network(2, [(0, 1)]) if network is None else network
        _NETWORK("network", self.network)
        if terminals is None and self.network.n_nodes != 2:
            raise ValueError("terminals must name the wires that the voltage was applied to.")
        self.terminals = (0, 1) if terminals is None else terminals
        if electrodes_of(self.network, self.terminals) is None:
            self.network.check_terminals(self.terminals)
        self.read, self.record = read, record

    def __call__(
        self,
        junction: Declared[AbstractJunction],
        *,
        state: Numbers | None = None,
        capacitance: Capacitance | None = None,
    ) -> Float[Array, "samples *values"]:
        """Returns what would have been measured with this law, state and capacitance."""
        run = simulate(
            self.network,
            junction,
            self.voltage,
            terminals=self.terminals,
            dt=self.dt,
            steps=self.voltage.shape[0],
            state=state,
            capacitance=capacitance,
            record=self.record,
        )
        values = self.read(run) if callable(self.read) else _READ[self.read](run)
        share = jnp.asarray(self.share.reshape(-1, *[1] * (values.ndim - 1)), values.dtype)
        return values[self.lower] * (1 - share) + values[self.lower + 1] * share


def halved(response: Response) -> Response:
    """The same measurement, simulated with half the time step."""
    return Response(
        response.network,
        response.time,
        response.applied,
        terminals=response.terminals,
        dt=response.dt / 2,
        read=response.read,
        record=response.record,
    )


def _samples(time: Numbers, voltage: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """Times and voltages, (samples,) and (samples, terminals), without what is missing."""
    arguments.real(ndim=1, known=True, some=True)("time", time)
    arguments.real(ndim=(1, 2), known=True, finite=False, some=True)("voltage", voltage)
    times, volts = np.asarray(time, float), np.asarray(voltage, float)
    if len(volts) != len(times):
        raise ValueError(f"voltage must have a value for each of {len(times)} times, got {len(volts)}.")
    if len(times) < 2:
        raise ValueError("time must have at least two samples, got one.")
    back = np.flatnonzero(np.diff(times) <= 0)
    if back.size:
        i = int(back[0]) + 1
        raise ValueError(
            f"time must increase, but sample {i} is at {times[i]:g} s after {times[i - 1]:g} s: sort the "
            "samples, or leave out what was stored twice."
        )
    volts = volts.reshape(len(volts), -1).copy()
    for k, column in enumerate(volts.T):
        known = np.isfinite(column)
        if not known.any():
            raise ValueError(f"voltage has no known value in column {k}.")
        volts[:, k] = np.interp(times, times[known], column[known])
    return times, volts


def _time_step(times: np.ndarray) -> float:
    intervals = np.diff(times)
    mean = float(intervals.mean())
    if np.ptp(intervals) < _EVEN * mean:
        return mean
    return max(float(intervals.min()), mean / _MOST_STEPS)
