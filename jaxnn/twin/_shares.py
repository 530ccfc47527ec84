"""What of a device's behaviour is static, capacitive, memristive, the mains, or noise."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._drift import GAIN, innovations


_REACH = 20  # scans back that a memory is asked for
_PENALTY = 1e-4  # of the read-out, on features of unit variance


class Shares(NamedTuple):
    """Shares of the variance of each pad in the judged part, which add up to one.

    Every stage of a twin counts for what it explains more than the one before, its mean aside.
    """

    static: Float[np.ndarray, " pads"]
    """A share of the source's present voltage."""
    capacitive: Float[np.ndarray, " pads"]
    """Charge on the nodes of the network."""
    memristive: Float[np.ndarray, " pads"]
    """Junctions that switch with their voltage."""
    drift: Float[np.ndarray, " pads"]
    """Slow changes that no stage explains: conductances that wander, within or beside the memristive."""
    mains: Float[np.ndarray, " pads"]
    """A line at the frequency of the mains."""
    noise: Float[np.ndarray, " pads"]
    """What is left: read noise, and what is fast and not modelled."""


def shares_of(
    pads: Float[np.ndarray, "times pads"],
    stages: dict[str, Float[np.ndarray, "times pads"]],
    line: Float[np.ndarray, " pads"],
) -> Shares:
    """The shares, of what was measured and the predictions of the stages in the judged part."""
    spread = lambda x: np.nanvar(x, axis=0)
    total = np.maximum(spread(pads), 1e-300)
    left = [spread(pads - stages[stage]) / total for stage in ("static", "capacitive", "memristive")]
    fast = np.nanvar(innovations(pads - stages["memristive"], GAIN), axis=0) / total
    fast = np.minimum(fast, left[2])
    mains = fast * np.clip(line, 0, 1)
    return Shares(1 - left[0], left[0] - left[1], left[1] - left[2], left[2] - fast, mains, fast - mains)


def memory_capacity(
    source: Float[np.ndarray, " times"], pads: Float[np.ndarray, "times pads"], fitted: int
) -> float:
    r"""How many past voltages of the source a linear read-out of the pads knows, on the judged part.

    $$MC = \sum_{l=0}^{20} \max(0, R^2(u_{k-l}))$$

    with a read-out of all pads at time k for each lag, fitted to the first scans by ridge regression.

    Source: Jaeger, GMD Report 152 (2001).
    """
    pads = np.where(np.isfinite(pads), pads, np.nanmean(pads, axis=0))
    centre, spread = pads[:fitted].mean(axis=0), pads[:fitted].std(axis=0)
    features = (pads - centre) / np.where(spread > 0, spread, 1)
    features = np.column_stack([features, np.ones(len(features))])
    capacity = 0.0
    for lag in range(_REACH + 1):
        target = np.roll(source, lag)
        train, judge = slice(_REACH, fitted), slice(fitted, None)
        normal = features[train].T @ features[train] + _PENALTY * fitted * np.eye(features.shape[1])
        weights = np.linalg.solve(normal, features[train].T @ target[train])
        miss = target[judge] - features[judge] @ weights
        capacity += max(0.0, 1 - float((miss**2).mean()) / float(target[judge].var()))
    return capacity
