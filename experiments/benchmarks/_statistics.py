"""Alternating measurement of several cases, and the statistics of what was measured."""

import dataclasses as dc
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np


@dc.dataclass
class Case:
    """Something to measure: `run(count)` does `count` units of work and waits for the result.

    A unit is one step of all the networks of the batch. `resize` is False where the count is built in.
    """

    name: str
    run: Callable[[int], Any]
    networks: int
    count: int = 1
    resize: bool = True
    info: dict[str, Any] = dc.field(default_factory=dict)


@dc.dataclass(frozen=True)
class Spread:
    """Median and quartiles of repeated measurements."""

    median: float
    low: float
    high: float
    repeats: int


def spread(values: list[float]) -> Spread:
    """The median and the quartiles."""
    low, median, high = np.percentile(values, [25, 50, 75])
    return Spread(float(median), float(low), float(high), len(values))


def fit_exponent(sizes: Sequence[float], costs: Sequence[float]) -> tuple[float, float]:
    """The p and c of cost = c size^p, by least squares of the logarithms."""
    if len(sizes) < 2:
        return math.nan, math.nan
    slope, offset = np.polyfit(np.log(sizes), np.log(costs), 1)
    return float(slope), float(np.exp(offset))


def _timed(case: Case) -> tuple[float, float]:
    """Wall time and processor time [s] of one run."""
    processor, start = time.process_time(), time.perf_counter()
    jax.block_until_ready(case.run(case.count))
    return time.perf_counter() - start, time.process_time() - processor


def measure(
    cases: list[Case], budget: float, most: int = 25, least: int = 3, quantum: float = 0.03
) -> list[dict[str, Any]]:
    """Run the cases in turn until each had `budget` seconds, and return one record for each.

    What slows the machine for a while slows all of them alike. The number of units in a run grows until
    it takes `quantum` seconds, so that neither the call nor the clock counts.
    """
    for case in cases:
        wall, _ = _timed(case)  # the first run also loads and allocates
        while case.resize and wall < min(quantum, budget / 4):
            case.count *= max(2, min(16, math.ceil(quantum / wall)))
            wall, _ = _timed(case)
    spent = dict.fromkeys(range(len(cases)), 0.0)
    times: dict[int, list[float]] = {k: [] for k in spent}
    busy: dict[int, list[float]] = {k: [] for k in spent}
    worked: dict[int, list[float]] = {k: [] for k in spent}
    waiting = set(spent)
    while waiting:
        for k, case in enumerate(cases):
            if k not in waiting:
                continue
            wall, processor = _timed(case)
            spent[k] += wall
            times[k].append(wall / (case.count * case.networks))
            busy[k].append(processor / wall)
            worked[k].append(processor / (case.count * case.networks))
            enough = len(times[k]) >= least and spent[k] >= budget
            # A case of many seconds is measured once: its spread matters less than the next case.
            if enough or len(times[k]) >= most or spent[k] >= 4 * budget:
                waiting.discard(k)
    out = []
    for k, case in enumerate(cases):
        result = spread(times[k])
        record: dict[str, Any] = {"name": case.name, "networks": case.networks, **case.info}
        record |= {f"seconds_{key}": getattr(result, key) for key in ("median", "low", "high")}
        # The least is what an undisturbed machine would take.
        record["seconds_least"] = min(times[k])
        # Not its least: the clock of a process lags now and then, by a run and more.
        record["processor_seconds_low"] = float(np.quantile(worked[k], 0.25))
        record |= {"repeats": result.repeats, "steps_per_run": case.count}
        out.append(record | {"cores_busy": float(np.median(busy[k]))})
    return out
