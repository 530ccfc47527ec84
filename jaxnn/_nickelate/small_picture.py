"""What a notebook shows of devices: their resistances and the voltages of a programme, by segments."""

from typing import Any

import numpy as np

from .._core import curves, is_known


def resistance_curves(solution: Any) -> str:
    """The resistance [ohm] at the ends of the segments, or of all steps if these were kept.

    The current [A] where there is no voltage; "" for a single instant.
    """
    run, axes = (solution, 1) if solution.trace is None else (solution.trace, 2)
    if not is_known(run.time, run.voltage, run.current):
        return ""
    first = np.ndim(solution.time) - 1
    volts, current = (_rows(x, first, axes) for x in (run.voltage, run.current))
    segments = np.shape(solution.time)[-1]
    instants = np.arange(1, volts.shape[1] + 1) * (segments / volts.shape[1])
    if len(instants) < 2:
        return ""
    with np.errstate(divide="ignore", invalid="ignore"):
        resistance = np.where(volts == 0, np.nan, volts / current)
    if np.any(resistance > 0):
        return curves(instants, resistance, xlabel="segment", ylabel="resistance [ohm]", log=True)
    return curves(instants, current, xlabel="segment", ylabel="current [A]")


def segment_curves(programme: Any) -> str:
    """The voltage [V] from segment to segment, which take nanoseconds or months."""
    if not is_known(programme):
        return ""
    first = np.ndim(programme.duration) - 1
    begin, end = (_rows(x, first, 1) for x in (programme.start, programme.stop))
    edges = np.arange(begin.shape[1] + 1.0)
    volts = np.stack([begin, end], -1).reshape(len(begin), -1)
    instants = np.stack([edges[:-1], edges[1:]], -1)
    return curves(instants, volts, xlabel="segment", ylabel="voltage [V]")


def _rows(values: Any, first: int, axes: int) -> np.ndarray:
    """Values of each device of each run as a row; `axes` of time come behind `first` ones of a batch."""
    values = np.asarray(values, float)
    time = range(first, first + axes)
    behind = np.moveaxis(values, time, range(-axes, 0))
    return behind.reshape(-1, int(np.prod(behind.shape[-axes:])))
