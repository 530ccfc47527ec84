"""How fast a finite difference grows: Lyapunov exponents from pairs of trajectories."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from jaxnn_kernels import batch_inner, on_mesh_of_arguments, shared_like

from .._core import (
    Count,
    Declared,
    Module,
    Numbers,
    announced,
    arguments,
    check_at_least,
    check_shape,
    compiled,
    concrete,
    unit,
)
from .._drives import DriveLike
from .._junctions import AbstractJunction, StateScale, state_scale
from .._networks import Ensemble, Network
from .._simulation import (
    AutoSolver,
    Carry,
    Diagnosis,
    Problem,
    TimedArguments,
    check_arguments,
    diagnosis_of,
    first_carry,
    make_problem,
    run_of,
    steps_of,
)


class SeparationGrowth(Module):
    """The exponents of pairs of trajectories, one pair per perturbed junction, and how they came about.

    Each network of an ensemble has differences and exponents of its own.

    ```python
    growth = jaxnn.two_trajectory_exponents(network, law, drive, distance=5e-4, **setup)
    growth.exponents.shape == (network.n_junctions,)  # True
    growth.network_exponent  # -11.3 [1/s]
    ```
    """

    exponents: Float[Array, "*networks perturbed"] = eqx.field(metadata=unit("1/s"))
    """Mean growth rate of each pair [1/s]; -inf for one whose difference vanished."""
    growth: Float[Array, "blocks *networks perturbed"] = eqx.field(metadata=unit("1/s"))
    """Growth rates over each `every` steps [1/s], whose mean the exponents are."""
    conductance: Float[Array, "time *networks"] = eqx.field(metadata=unit("S"))
    """Conductance of the undisturbed network between the first two terminals at each step [S]."""
    final_state: Float[Array, "*variables junctions"]
    """State of the undisturbed network after the run."""
    final_differences: Float[Array, "perturbed *variables junctions"]
    """Differences of the pairs from it, for `differences` of the next run."""
    final_step: Int[Array, ""]
    """Number of the last step, for `start_step` of the next run."""
    diagnosis: Diagnosis
    """What went wrong in the undisturbed run, when and where, of each network."""

    @property
    def network_exponent(self) -> Float[Array, "..."]:
        """The mean of the exponents over the perturbed junctions [1/s]."""
        return jnp.mean(self.exponents, axis=-1)


class PairVariables(NamedTuple):
    """The variables of a state that a pair of trajectories goes by, by their numbers; None for all.

    In the deposited runs of the paper the flux is set back, and the voltage that a junction remembers is
    not:

    ```python
    variables = jaxnn.PairVariables(rescaled=[0])
    law = jaxnn.parameters.hochstetter2021_ac_deposited()
    jaxnn.two_trajectory_exponents(network, law, drive, distance=5e-4, variables=variables, **setup)
    ```
    """

    measured: Sequence[int] | None = None
    """Those whose differences count, of all whose `critical_state` is finite."""
    rescaled: Sequence[int] | None = None
    """Those whose differences are set back; others go on as the copy had them."""


@arguments.checked(
    distance=arguments.real(ndim=0),
    differences=arguments.real(finite=False),
    variables=arguments.one_of(PairVariables),
)
@jax.named_scope("two_trajectory_exponents")
@on_mesh_of_arguments
def two_trajectory_exponents(
    network: Declared[Network | Ensemble],
    junction: Declared[AbstractJunction],
    drive: DriveLike,
    *,
    distance: ArrayLike,
    junctions: Numbers | None = None,
    differences: Numbers | None = None,
    variables: PairVariables | None = None,
    interval: Count = 1,
    every: Count | None = None,
    **setup: Unpack[TimedArguments],
) -> SeparationGrowth:
    r"""Computes Lyapunov exponents as the paper has them: from a second trajectory at a finite distance.

    $$\gamma_k = \ln \frac{|\lambda'_k - \lambda_k|}{\epsilon}, \qquad
      \lambda'_k \leftarrow \lambda_k + \frac{\epsilon}{|\lambda'_k - \lambda_k|} (\lambda'_k - \lambda_k),
      \qquad \Lambda = \frac{1}{T} \sum_k \gamma_k$$

    after every `interval` steps, where a pair starts from $\lambda' = \lambda + \epsilon e_j$. All pairs
    are simulated as one batch with the undisturbed network, which `jax.vmap` extends over drives.

    - `network`, `junction`, `drive`, `terminals`, `dt`, `start_step`, `state`, `solver`, `key`: as
      for `jaxnn.simulate`. Give `state` and `start_step` of a run over the transient first. Of a law that
      draws random numbers, all trajectories draw the same ones.
    - `distance`: $\epsilon$ in the unit of the state's first variable; 5e-4 V s in the paper. Others count
      by their `critical_state` $c$, $|\delta|^2 = \sum_v (\delta_v c_1 / c_v)^2$: not at all where it is
      infinite. (If that of the first is, the first with a finite one takes its place.)
    - `junctions`: those that are perturbed (in that variable), by default all but the passive ones,
      dead ends too, whose pairs only decay; `(networks, perturbed)` for an ensemble, in each
      network's own numbers.
    - `differences`: where the pairs start instead, `final_differences` of an earlier run to go on from it.
    - `variables`: a `PairVariables`: which variables of the state count and which are set back, by
    default all.
    - `interval`: steps between two rescalings; 1 in the paper.
    - `every`: steps kept as one mean, by default all; a multiple of `interval` that divides `steps`.

    The result depends on the distance. A tangent vanishes with the first clip of a state that it is in;
    a finite difference is only reduced by what one step moves, $\ln(1 - b V_\mathrm{reset} dt / \epsilon)$
    at the most, and is set to $\epsilon$ again. `jaxnn.lyapunov_exponents` is the limit of small distances
    where nothing clips. A difference that vanishes stays 0: -inf. Use float64 (see `docs/analysis.md`).

    Raises a `ValueError` for what `jaxnn.simulate` refuses, counts that do not fit, junctions that are not
    there (traced or left out, for an ensemble), and a distance that rounding would swallow.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Fig. 6; `calcLyapunov` in its code.

    ```python
    growth = jaxnn.two_trajectory_exponents(network, law, drive, distance=5e-4, **setup)
    growth.exponents.max()  # 6.16 [1/s]
    ```
    """
    check_arguments("two_trajectory_exponents", setup, TimedArguments)
    n_steps, n_interval, n_every = _check_counts(setup["steps"], interval, every)
    if setup.get("solver") is None:
        setup["solver"] = AutoSolver(mapped=isinstance(network, Ensemble))
    problem = make_problem(network, junction, drive, n_steps, setup)
    problem.check_remembers_states_alone("two_trajectory_exponents")
    counted, moved = (_chosen(name, variables, problem.state) for name in PairVariables._fields)
    scale = state_scale(problem.junction, problem.network.passive, problem.state, counted)
    size = _check_distance(distance, scale, problem.state.dtype)
    start = _check_start(network, junctions, differences, size, scale, problem)
    found = _follow(problem, start, size, scale.weights, moved, n_steps, n_interval, n_every)
    found.diagnosis.check()
    return found


def _check_counts(steps: Count, interval: Count, every: Count | None) -> tuple[int, int, int]:
    n_steps, n_interval = arguments.as_count("steps", steps), arguments.as_count("interval", interval)
    n_every = n_steps if every is None else arguments.as_count("every", every)
    if n_steps % n_every or n_every % n_interval:
        raise ValueError(
            f"steps={n_steps} must be a multiple of every={n_every}, and that of interval={n_interval}."
        )
    return n_steps, n_interval, n_every


def _chosen(
    name: str, variables: PairVariables | None, state: Array
) -> Bool[np.ndarray, " variables"] | None:
    """Which variables of a state are chosen, None for all of them."""
    given = None if variables is None else getattr(variables, name)
    if given is None:
        return None
    arguments.whole_numbers(ndim=1, low=0)(f"variables.{name}", given)
    chosen, count = np.asarray(given), math.prod(state.shape[:-1])
    if not chosen.size or chosen.max() >= count:
        raise ValueError(
            f"variables.{name} must name some of the {count} variables of the state, by numbers from 0 on; "
            f"got {list(given)}."
        )
    return np.isin(np.arange(count), chosen)


def _in_network(junctions: Numbers | None, passive: np.ndarray) -> Array | np.ndarray:
    """Junctions (perturbed,), by default each that is not passive."""
    count, indices = len(passive), np.flatnonzero(~passive) if junctions is None else junctions
    arguments.real(ndim=1, finite=False)("junctions", indices)
    if not isinstance(indices, Tracer):
        indices = np.asarray(indices)
        fits = indices.ndim == 1 and indices.size and np.issubdtype(indices.dtype, np.integer)
        if not fits or indices.min() < 0 or indices.max() >= count:
            raise ValueError(
                f"junctions must be a sequence of whole numbers from 0 to {count - 1}, got {junctions}."
            )
    return indices


def _in_union(junctions: Numbers | None, ensemble: Ensemble) -> np.ndarray:
    """Junctions (networks, perturbed), in each network's own numbers, in those of the union."""
    counts = np.diff(ensemble.junction_offsets)[:, None]
    try:
        indices = np.asarray(junctions)
    except (TypeError, ValueError):  # traced, or rows of several lengths
        indices = np.zeros(0)
    fits = indices.ndim == 2 and len(indices) == len(counts) and np.issubdtype(indices.dtype, np.integer)
    if not fits or not indices.size or np.any((indices < 0) | (indices >= counts)):
        raise ValueError(
            f"junctions of an ensemble must be whole numbers of shape ({len(counts)}, perturbed), one row "
            f"for each network and below the number of its junctions, got {junctions}."
        )
    return indices + np.array(ensemble.junction_offsets[:-1])[:, None]


def _check_start(
    network: Network | Ensemble,
    junctions: Numbers | None,
    differences: Numbers | None,
    distance: Array,
    scale: StateScale,
    problem: Problem,
) -> Array:
    """The first differences: those given, or the distance in one junction each."""
    shape, dtype = problem.state.shape, problem.state.dtype
    if differences is not None:
        start = jnp.asarray(differences, dtype)
        if junctions is not None or start.shape[1:] != shape:
            raise ValueError(
                f"differences must have shape (pairs, *{shape}), got {start.shape}, and take the place of "
                "junctions: give one of the two."
            )
        return start
    if isinstance(network, Ensemble):
        indices = _in_union(junctions, network)
    else:
        indices = _in_network(junctions, problem.network.passive)
    pairs = indices.shape[-1]
    # States before and after a step, conductances and voltages of each copy of the network.
    size = pairs * (4 * problem.state.size + problem.network.n_nodes)
    check_shape(f"{pairs:,} pairs of trajectories", (size,), "give fewer `junctions` at a time")
    one_hot = jnp.zeros((pairs, problem.state.size // shape[-1], shape[-1]), dtype)
    variable = jnp.asarray(scale.measured)[jnp.asarray(indices)]
    return one_hot.at[jnp.arange(pairs), variable, indices].set(distance).reshape(pairs, *shape)


def _check_distance(distance: ArrayLike, scale: StateScale, dtype: np.dtype) -> Array:
    check_at_least("distance", distance, 0, "(in the unit of the state)", strict=True)
    given = concrete(distance)
    if given is not None and scale.largest is not None:
        # A growth of a per cent has to be seen in one interval.
        least = 100 * np.finfo(dtype).eps * scale.largest
        if given < least:
            raise ValueError(
                f"distance={given:g} is too small for {dtype}, whose rounding would swallow its "
                f"growth: use float64, or at least {least:.1g}, which may give other exponents."
            )
    return jnp.asarray(distance, dtype)


@announced("two_trajectory_exponents", lambda *given: f"{given[5]:,} steps")
@compiled
def _follow(
    problem: Problem,
    start: Array,
    distance: Array,
    weights: Array | None,
    moved: Bool[np.ndarray | Array, " variables"] | None,
    steps: int,
    interval: int,
    every: int,
) -> SeparationGrowth:
    run, pairs = run_of(problem, steps), start.shape[0]
    step_of = steps_of(problem, run)

    # The undisturbed network comes first, then its copies. All of them carry all, the drive's clock too:
    # the nodal solver merges batches that it finds in every argument, and is faster so.
    spread = lambda x: jnp.broadcast_to(x, (1 + pairs, *x.shape))

    def one(carry: Carry, voltage: Array | None) -> tuple[Carry, Array]:
        carry, now = step_of(carry, voltage)
        return carry, now.conductance

    def step(carry: Carry, voltage: Array | None) -> tuple[Carry, Array]:
        voltage = None if voltage is None else spread(voltage)
        carry, conductance = jax.vmap(one)(carry, voltage)
        return carry, conductance[0]

    owner = problem.network_of_junction

    def over_interval(
        begin: tuple[Carry, Array], voltage: Array | None
    ) -> tuple[tuple[Carry, Array], Array]:
        carry, growth = begin
        carry, conductance = jax.lax.scan(step, carry, voltage, interval, unroll=interval == 1)
        state, ratio = _rescaled(problem, carry.state, distance, weights, moved, owner)
        return (eqx.tree_at(lambda c: c.state, carry, state), growth + jnp.log(ratio)), conductance

    def over_block(carry: Carry, voltage: Array | None) -> tuple[Carry, tuple[Array, Array]]:
        start = shared_like((carry, jnp.zeros((*problem.shape[:-1], pairs), problem.state.dtype)), problem)
        count = every // interval
        # A loop of one turn would copy all that goes through it.
        (carry, growth), conductance = jax.lax.scan(over_interval, start, voltage, count, unroll=count == 1)
        return carry, (growth / (every * problem.dt), conductance)

    given = problem.samples_in(every // interval, interval)
    begin = jax.tree.map(spread, first_carry(problem, run))
    begin = eqx.tree_at(lambda c: c.state, begin, begin.state.at[1:].add(start))
    carry, (growth, conductance) = jax.lax.scan(over_block, begin, given, steps // every)
    undisturbed = jax.tree.map(lambda x: x[0], carry)
    return SeparationGrowth(
        exponents=jnp.mean(growth, axis=0),
        growth=growth,
        conductance=conductance.reshape(steps, *problem.shape[:-1]),
        final_state=undisturbed.state,
        final_differences=carry.state[1:] - carry.state[:1],
        final_step=undisturbed.step,
        diagnosis=diagnosis_of(problem, undisturbed.watch, undisturbed.step, undisturbed.state),
    )


def _rescaled(
    problem: Problem,
    states: Array,
    distance: Array,
    weights: Array | None,
    moved: Bool[np.ndarray | Array, " variables"] | None,
    owner: Int[np.ndarray | Array, " junctions"],
) -> tuple[Array, Array]:
    """States of which all but the first are at the distance from it again, and how far they had come."""
    # As in a step: what follows a solve lies in memory as the next one wants it.
    states = jax.vmap(batch_inner)(states)
    difference = states - states[:1]
    size = _size(problem, difference if weights is None else difference * weights[None])
    factor = jnp.where(size == 0, 0, distance / jnp.where(size == 0, 1, size))
    factor = factor[:, None] if factor.ndim == 1 else jnp.take(factor, owner, axis=-1)
    factor = factor.reshape(len(states), *(1,) * (states.ndim - 2), factor.shape[-1])
    if moved is not None:
        factor = jnp.where(moved.reshape(1, *states.shape[1:-1], 1), factor, 1)
    apart = states[:1] + factor * difference
    return jax.vmap(batch_inner)(apart), size[1:].T / distance


def _size(problem: Problem, difference: Array) -> Array:
    """The length of each difference, of each part of it that belongs to another network of an ensemble."""
    square = jnp.square(difference)
    if len(problem.shape) == 1:
        # A product with ones: a sum would turn the array round and add one number at a time.
        flat = square.reshape(len(square), -1)
        return jnp.sqrt(jnp.dot(flat, jnp.ones(flat.shape[1], flat.dtype), precision="highest"))
    square = jnp.take(square, problem.junctions_of_network, axis=-1, mode="fill", fill_value=0)
    return jnp.sqrt(jnp.sum(square, axis=(*range(1, square.ndim - 2), square.ndim - 1)))
