"""What counts as an event of a junction, as a rule that the time loop can follow step by step."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int, PyTree

from .._core import Declared, Module, Number, arguments, as_inexact, check_at_least, unit
from .._junctions import BinaryJunction, TunnelJunction


Counts = Int[Array, "time networks"]


class AbstractEventRule(Module):
    """Decides from the conductances of consecutive steps which junctions had an event, and when.

    A rule sees the conductance that each step was solved with, first step first, and adds to the
    counts of events per step and network. What it has to remember is its memory, any pytree.

    ```python
    rule = jaxnn.analysis.Crossing(1e-6)
    isinstance(rule, jaxnn.analysis.AbstractEventRule)  # True
    jaxnn.analysis.events_in(solution, rule).sum()  # 7
    ```
    """

    @abc.abstractmethod
    def start(self, conductance: Float[Array, " junctions"]) -> PyTree:
        """Returns the memory after the first step."""

    @abc.abstractmethod
    def follow(
        self,
        memory: PyTree,
        conductance: Float[Array, " junctions"],
        index: Int[Array, ""],
        dt: Float[Array, ""],
        counts: Counts,
        owner: Int[Array, " junctions"],
    ) -> tuple[PyTree, Counts]:
        """Returns the memory and the counts after the step of number `index` = 1, 2, ..., counted from 0.

        `owner` is the network of each junction; passive ones belong to none (a number past the end).
        """

    @abc.abstractmethod
    def finish(self, memory: PyTree, counts: Counts, owner: Int[Array, " junctions"]) -> Counts:
        """Returns the counts after the last step."""


class Crossing(AbstractEventRule):
    r"""A rule for events where a junction's conductance crosses a level, up or down, between two steps.

    $$(g_{k-1} \ge g_c) \ne (g_k \ge g_c)$$

    counts at step $k$. `level` is $g_c$ [S], a scalar or one per junction; the published data have
    $g_c = 1.1\,G_\mathrm{off}$, which this rule has as `Crossing.of(junction)`.

    Source: the code published with Hochstetter et al., Nat. Commun. 12, 4008 (2021).

    ```python
    rule = jaxnn.analysis.Crossing(1e-6)
    jaxnn.analysis.events_in(np.array([1e-7, 2e-6, 3e-6, 2e-7]), rule, dt=1e-3)  # [0, 1, 0, 1]
    jaxnn.analysis.Crossing.of(law).level  # 8.55e-8 [S]
    ```
    """

    level: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("S"))
    """The conductance to cross [S], one for all junctions or one per junction."""

    def __check_init__(self):
        check_at_least("level of Crossing", self.level, 0, "S", strict=True)

    @classmethod
    @arguments.checked(junction=arguments.one_of(TunnelJunction, BinaryJunction), factor=arguments.real())
    def of(cls, junction: Declared[TunnelJunction | BinaryJunction], factor: ArrayLike = 1.1) -> "Crossing":
        """Makes the rule whose level is `factor` times a junction law's `off_conductance`."""
        return cls(factor * junction.off_conductance)

    def start(self, conductance: Float[Array, " junctions"]) -> PyTree:
        return self._above(conductance)

    def follow(
        self,
        memory: PyTree,
        conductance: Float[Array, " junctions"],
        index: Int[Array, ""],
        dt: Float[Array, ""],
        counts: Counts,
        owner: Int[Array, " junctions"],
    ) -> tuple[PyTree, Counts]:
        del dt
        above = self._above(conductance)
        changed = (above != memory).astype(counts.dtype)
        return above, counts.at[index, owner].add(changed, mode="drop")

    def finish(self, memory: PyTree, counts: Counts, owner: Int[Array, " junctions"]) -> Counts:
        del memory, owner
        return counts

    def _above(self, conductance: Float[Array, " junctions"]) -> Bool[Array, " junctions"]:
        return conductance >= self.level.astype(conductance.dtype)


class RelativeRate(AbstractEventRule):
    r"""A rule for events where a junction's conductance changes fast, relative to itself; one at the peak.

    $$x_k = \frac{|g_{k+1} - g_k|}{g_k\,dt}, \qquad x_n = 0$$

    Each run of consecutive steps with $x_k >$ `threshold` [1/s] counts once, at the step of its
    largest $x_k$, the first of equal ones. This is the rule that the paper describes, with 1e-3 /s.
    In float32 the rounding of $g$ alone makes $x$ of 1e-7 / dt: use float64 for small thresholds.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Methods.

    ```python
    rule = jaxnn.analysis.RelativeRate(threshold=10.0)
    jaxnn.analysis.events_in(np.array([1e-7, 1e-7, 4e-7, 5e-7, 5e-7]), rule, dt=0.01)  # [0, 1, 0, 0, 0]
    ```
    """

    threshold: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1e-3, metadata=unit("1/s"))
    """The rate to exceed [1/s]."""

    def __check_init__(self):
        check_at_least("threshold of RelativeRate", self.threshold, 0, "1/s")

    def start(self, conductance: Float[Array, " junctions"]) -> PyTree:
        nothing = jnp.zeros_like(conductance)
        return conductance, nothing, jnp.zeros(conductance.shape, jnp.int32)

    def follow(
        self,
        memory: PyTree,
        conductance: Float[Array, " junctions"],
        index: Int[Array, ""],
        dt: Float[Array, ""],
        counts: Counts,
        owner: Int[Array, " junctions"],
    ) -> tuple[PyTree, Counts]:
        before, peak, at = memory
        rate = jnp.abs(conductance - before) / (before * dt)
        fast = rate > self.threshold.astype(rate.dtype)
        ends = ~fast & (peak > 0)
        counts = _add_where(ends, at, counts, owner)
        rises = fast & (rate > peak)
        peak = jnp.where(fast, jnp.maximum(peak, rate), 0)
        return (conductance, peak, jnp.where(rises, index - 1, at)), counts

    def finish(self, memory: PyTree, counts: Counts, owner: Int[Array, " junctions"]) -> Counts:
        _, peak, at = memory
        return _add_where(peak > 0, at, counts, owner)


def _add_where(
    ends: Bool[Array, " junctions"],
    at: Int[Array, " junctions"],
    counts: Counts,
    owner: Int[Array, " junctions"],
) -> Counts:
    """One more event at step `at` for each junction that `ends`."""
    # Events are rare, and going through all junctions is a tenth of a step.
    add = lambda counts: counts.at[at, owner].add(ends.astype(counts.dtype), mode="drop")
    return jax.lax.cond(ends.any(), add, lambda counts: counts, counts)
