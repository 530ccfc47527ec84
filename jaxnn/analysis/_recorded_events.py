"""Events in conductances that were recorded, simulated or measured."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from .._core import Numbers, arguments, check_at_least
from .._networks import Ensemble
from .._observers import AbstractEventRule
from .._simulation import Solution
from ._of_solution import Junctions, passive_of, recorded


@arguments.checked(
    conductance=arguments.either(Solution, arguments.real(known=True)),
    rule=arguments.one_of(AbstractEventRule),
    dt=arguments.real(ndim=0, above=0, known=True),
)
def events_in(
    conductance: Numbers | Solution,
    rule: AbstractEventRule,
    dt: Numbers | None = None,
    *,
    network: Junctions = None,
) -> Int[np.ndarray, "steps *networks"]:
    """Counts the events per step in recorded conductances [S], `(steps,)` or `(steps, junctions)`.

    By the same rule that `count_events` follows on the way; all junctions but the passive ones are
    summed, of an ensemble those of each network.

    - `conductance`: or a `jaxnn.Solution` that recorded "junction_conductance", which has all the rest.
    - `dt`: the time between two records [s].
    - `network`: the `Network`, `Ensemble` or `Solution` whose junctions these are.

    Raises a `ValueError` for another shape or numbers that are not finite and positive.

    ```python
    rule = jaxnn.analysis.Crossing(1e-7)
    jaxnn.analysis.events_in(solution, rule).shape  # (50,)
    jaxnn.analysis.events_in(np.array([5e-8, 2e-7, 2e-7]), rule, dt=1e-3)  # [0, 1, 0]
    ```
    """
    if isinstance(conductance, Solution):
        network = conductance
        conductance = recorded(network, "junction_conductance", 2)
        time = np.asarray(network.time, float)
        dt = float(network.dt)
        dt *= max(1, round((time[-1] - time[0]) / dt / max(1, len(time) - 1)))
    values = np.asarray(conductance)
    if values.ndim not in (1, 2) or not values.size or not np.all(values > 0):
        raise ValueError(
            "conductance must be finite and positive [S], of shape (steps,) or (steps, junctions), got "
            f"shape {values.shape}, smallest value {values.min() if values.size else None}."
        )
    if dt is None:
        raise ValueError("events_in needs dt, the time between two records [s].")
    check_at_least("dt", dt, 0, "s", strict=True)
    trace = jnp.asarray(values.reshape(len(values), -1))
    owner, networks = _owners(network, trace.shape[1])
    interval = jnp.asarray(dt, trace.dtype)

    def step(
        carry: tuple[PyTree, Int[Array, "steps networks"], Int[Array, ""]],
        values: Float[Array, " junctions"],
    ) -> tuple[tuple[PyTree, Int[Array, "steps networks"], Int[Array, ""]], None]:
        memory, counts, index = carry
        memory, counts = rule.follow(memory, values, index, interval, counts, owner)
        return (memory, counts, index + 1), None

    begin = rule.start(trace[0]), jnp.zeros((len(trace), networks or 1), jnp.int32), jnp.int32(1)
    (memory, counts, _), _ = jax.lax.scan(step, begin, trace[1:])
    counts = np.asarray(rule.finish(memory, counts, owner))
    return counts if networks else counts[:, 0]


def _owners(network: Junctions, junctions: int) -> tuple[Int[Array, " junctions"], int]:
    """The network of each junction, past the last for passive ones, and how many of an ensemble."""
    whole = network.network if isinstance(network, Solution) else network
    counts = np.diff(whole.junction_offsets) if isinstance(whole, Ensemble) else np.array([junctions])
    owner = np.repeat(np.arange(len(counts)), counts)
    owner = np.where(passive_of(network, junctions), len(counts), owner)
    return jnp.asarray(owner, jnp.int32), len(counts) if isinstance(whole, Ensemble) else 0


@arguments.checked(
    conductance=arguments.real(known=True),
    absolute=arguments.real(ndim=0, low=0, known=True),
    relative=arguments.real(ndim=0, low=0, known=True),
)
def trace_events(
    conductance: Numbers, absolute: float | int = 5e-8, relative: float | int = 0.03
) -> Bool[np.ndarray, " steps"]:
    r"""Finds the events in the conductance of a whole network, as measured, `(steps,)` [S].

    With $\Delta G$ the central difference per sample, each run of samples with $|\Delta G| >$
    `absolute` [S], and each with $|\Delta G| / G >$ `relative`, has one event at its largest.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Methods: 5e-8 S or 3 % of G per 30 ms.

    ```python
    conductance = np.array([1e-6, 1e-6, 2e-6, 2e-6, 2e-6])
    jaxnn.analysis.trace_events(conductance).sum()  # 1
    ```
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
