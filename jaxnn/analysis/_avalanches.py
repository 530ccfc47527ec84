"""Avalanches: events in bins of time, and the runs of bins that are not empty."""

from typing import NamedTuple, SupportsIndex

import numpy as np
from jaxtyping import Float, Int

from .._core import Numbers, arguments, warn_implausible


class Avalanches(NamedTuple):
    """The avalanches of all runs, in order, with everything that was counted in them.

    ```python
    avalanches = jaxnn.analysis.find_avalanches([0, 1, 2, 0, 0, 3, 0])
    avalanches.size  # [3, 3]
    avalanches.branching_ratio()  # 1.0
    ```
    """

    size: Int[np.ndarray, " avalanches"]
    """Events of each avalanche."""
    lifetime: Int[np.ndarray, " avalanches"]
    """Bins of each avalanche."""
    start: Int[np.ndarray, " avalanches"]
    """Where in `profile` each avalanche begins."""
    profile: Int[np.ndarray, " bins"]
    """Events per bin of all avalanches, one after the other."""

    def branching_ratio(self) -> float:
        """Returns the mean ratio of the events in the second bin to those in the first, which may be 0.

        An avalanche that lasts one bin counts as 0.

        Source: the code published with Hochstetter et al., Nat. Commun. 12, 4008 (2021).
        """
        follows = self.lifetime > 1
        first = self.profile[self.start]
        second = np.where(follows, self.profile[np.where(follows, self.start + 1, self.start)], 0)
        return float(np.mean(second / first)) if first.size else float("nan")


@arguments.checked(events=arguments.whole_numbers())
def inter_event_intervals(events: Numbers) -> Int[np.ndarray, " intervals"]:
    """Counts the steps between successive steps with events, within each run.

    `events`: events per step, `(steps,)` of one run or `(runs, steps)`.

    ```python
    jaxnn.analysis.inter_event_intervals([0, 1, 0, 0, 2, 1])  # [3, 1]
    ```
    """
    return _intervals(_in_time(events))


@arguments.checked(events=arguments.whole_numbers(), width=arguments.count())
def bin_events(events: Numbers, width: SupportsIndex | None = None) -> Int[np.ndarray, "runs bins"]:
    """Sums events over bins of `width` steps, run by run; the steps left over are dropped.

    The width is the rounded mean inter-event interval by default, so that a bin is empty about as
    often as not.

    `events`: events per step, `(steps,)` of one run or `(runs, steps)`; of an ensemble, `count_events` has
    time first: give `counts.T`.

    Raises a `ValueError` if no run has two events and no width is given, or the runs are shorter.

    ```python
    jaxnn.analysis.bin_events([0, 1, 0, 0, 2, 1], width=2)  # [[1, 0, 3]]
    ```
    """
    trains = _in_time(events)
    if width is None:
        intervals = _intervals(trains)
        if not intervals.size:
            raise ValueError("No run has two steps with events: give the width of a bin in steps.")
        width = round(float(intervals.mean()))
    n = arguments.as_count("width", width)
    bins = trains.shape[1] // n
    if bins < 1:
        raise ValueError(
            f"A bin of {n} steps does not fit runs of {trains.shape[1]}: give a smaller width."
        )
    return trains[:, : bins * n].reshape(len(trains), bins, n).sum(axis=2, dtype=np.int64)


@arguments.checked(binned=arguments.whole_numbers())
def find_avalanches(binned: Numbers) -> Avalanches:
    """Finds the runs of bins with events between two empty bins of the same run.

    What touches the start or the end of its run is left out, because it may have begun before or
    ended after.

    `binned`: events per bin, `(bins,)` or `(runs, bins)`, as from `bin_events`.

    Source: Beggs and Plenz, J. Neurosci. 23, 11167 (2003).

    ```python
    avalanches = jaxnn.analysis.find_avalanches([0, 1, 2, 0, 0, 3, 0])
    avalanches.size  # [3, 3]
    avalanches.lifetime  # [2, 1]
    ```
    """
    bins = _trains(binned)
    # A column without events at both ends keeps the runs apart.
    busy = np.pad(bins > 0, ((0, 0), (1, 1)))
    change = np.diff(busy.astype(np.int8), axis=1)
    run, first = np.nonzero(change == 1)
    _, last = np.nonzero(change == -1)
    inside = (first > 0) & (last < bins.shape[1])
    run, first, lifetime = run[inside], first[inside], (last - first)[inside]
    start = np.cumsum(lifetime) - lifetime
    flat = np.repeat(run * bins.shape[1] + first - start, lifetime) + np.arange(lifetime.sum())
    profile = bins.reshape(-1)[flat]
    size = np.add.reduceat(profile, start) if start.size else np.zeros(0, np.int64)
    return Avalanches(size, lifetime, start, profile)


@arguments.checked(avalanches=arguments.one_of(Avalanches))
def mean_size(
    avalanches: Avalanches,
) -> tuple[Int[np.ndarray, " lifetimes"], Float[np.ndarray, " lifetimes"], Int[np.ndarray, " lifetimes"]]:
    """Returns the lifetimes that occur, the mean size of each, and how many avalanches have it.

    ```python
    avalanches = jaxnn.analysis.find_avalanches([0, 1, 2, 0, 0, 3, 0, 1, 0])
    lifetimes, sizes, counts = jaxnn.analysis.mean_size(avalanches)
    lifetimes  # [1, 2]
    sizes  # [2.0, 3.0]
    ```
    """
    lifetime, index, count = np.unique(avalanches.lifetime, return_inverse=True, return_counts=True)
    return lifetime, np.bincount(index, avalanches.size) / count, count


def _intervals(trains: np.ndarray) -> Int[np.ndarray, " intervals"]:
    """Steps from one event to the next, run by run."""
    run, step = np.nonzero(trains)
    return np.diff(step)[np.diff(run) == 0]


def _in_time(events: Numbers) -> np.ndarray:
    """Events of steps as (runs, steps), with a warning where these look swapped."""
    trains = _trains(events)
    runs, steps = trains.shape
    if runs > steps:
        warn_implausible(
            f"the events are of {runs:,} runs with {steps:,} steps each; if these are the steps and those "
            "the runs, as in the counts of an Ensemble, give counts.T."
        )
    return trains


def _trains(events: Numbers) -> np.ndarray:
    """Whole numbers of events as (runs, steps)."""
    array = np.asarray(events)
    if array.ndim not in (1, 2) or not np.issubdtype(array.dtype, np.integer) or np.any(array < 0):
        raise ValueError(
            "events must be whole numbers >= 0 of shape (steps,) or (runs, steps), got "
            f"{array.dtype} of shape {array.shape}; transpose what has time first, as in counts.T."
        )
    return np.atleast_2d(array)
