"""Events in conductances that were recorded, simulated or measured."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from .._checks import check_at_least
from ._events import AbstractEventRule


def events_in(conductance: Any, rule: AbstractEventRule, dt: Any) -> Int[np.ndarray, " steps"]:
    """Events per step in recorded conductances [S], `(steps,)` or `(steps, junctions)`.

    By the same rule that `count_events` follows on the way; all junctions are summed.

    Raises a `ValueError` for another shape or numbers that are not finite and positive.
    """
    recorded = np.asarray(conductance)
    if recorded.ndim not in (1, 2) or not recorded.size or not np.all(recorded > 0):
        raise ValueError(
            "conductance must be finite and positive [S], of shape (steps,) or (steps, junctions), got "
            f"shape {recorded.shape}, smallest value {recorded.min() if recorded.size else None}."
        )
    check_at_least("dt", dt, 0, "s", strict=True)
    trace = jnp.asarray(recorded.reshape(len(recorded), -1))
    owner = jnp.zeros(trace.shape[1], jnp.int32)
    interval = jnp.asarray(dt, trace.dtype)

    def step(carry: Any, values: Any) -> Any:
        memory, counts, index = carry
        memory, counts = rule.follow(memory, values, index, interval, counts, owner)
        return (memory, counts, index + 1), None

    begin = rule.start(trace[0]), jnp.zeros((len(trace), 1), jnp.int32), jnp.int32(1)
    (memory, counts, _), _ = jax.lax.scan(step, begin, trace[1:])
    return np.asarray(rule.finish(memory, counts, owner))[:, 0]


def trace_events(
    conductance: Any, absolute: float | int = 5e-8, relative: float | int = 0.03
) -> Bool[np.ndarray, " steps"]:
    r"""Events in the conductance of a whole network, as measured, `(steps,)` [S].

    With $\Delta G$ the central difference per sample, each run of samples with $|\Delta G| >$
    `absolute` [S], and each with $|\Delta G| / G >$ `relative`, has one event at its largest.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Methods: 5e-8 S or 3 % of G per 30 ms.
    """
    trace = np.asarray(conductance, float)
    if trace.ndim != 1 or trace.size < 2 or not np.all(np.isfinite(trace)):
        raise ValueError(
            f"conductance must be finite, of shape (steps,) with two steps or more; got {trace.shape}."
        )
    change = np.abs(np.gradient(trace))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(change / trace, posinf=0.0)
    return _peaks(change, absolute) | _peaks(ratio, relative)


def _peaks(x: np.ndarray, threshold: float) -> Bool[np.ndarray, " steps"]:
    """The largest of each run of samples above the threshold."""
    above = np.pad((x > threshold).astype(np.int8), 1)
    first, last = np.flatnonzero(np.diff(above) == 1), np.flatnonzero(np.diff(above) == -1)
    found = np.zeros(x.shape, bool)
    found[[a + int(np.argmax(x[a:b])) for a, b in zip(first, last, strict=True)]] = True
    return found
