"""How fast a small difference grows: the Lyapunov exponents of a driven network."""

from typing import Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from jaxnn_kernels import on_mesh_of_arguments

from .._core import (
    Count,
    Declared,
    Module,
    announced,
    arguments,
    check_network,
    check_shape,
    compiled,
    concrete,
    unit,
)
from .._drives import DriveLike
from .._junctions import AbstractJunction, state_scale
from .._networks import Network
from .._simulation import (
    Carry,
    Diagnosis,
    Problem,
    StoreStates,
    TimedArguments,
    check_arguments,
    diagnosis_of,
    first_carry,
    make_problem,
    run_of,
    scan_windows,
    steps_of,
)


class LyapunovSpectrum(Module):
    """The Lyapunov exponents of a run, and how they came about.

    ```python
    smooth = jaxnn.SmoothJunction(law, sharpness=3.0)
    spectrum = jaxnn.lyapunov_exponents(network, smooth, drive, interval=10, **setup)
    spectrum.exponents.shape  # (1,)
    spectrum.growth.shape  # (5, 1)
    ```
    """

    exponents: Float[Array, " count"] = eqx.field(metadata=unit("1/s"))
    """The leading exponents [1/s], the largest first; -inf for a difference that vanished."""
    growth: Float[Array, "intervals count"] = eqx.field(metadata=unit("1/s"))
    """Growth rates over each interval [1/s], whose mean the exponents are."""
    final_state: Float[Array, "*variables junctions"]
    """The state after the run."""
    final_step: Int[Array, ""]
    """Number of the last step, for `start_step` of the next run."""
    diagnosis: Diagnosis
    """What went wrong, when and where."""


@arguments.checked(window=arguments.real(ndim=0, finite=False))
@jax.named_scope("lyapunov_exponents")
@on_mesh_of_arguments
def lyapunov_exponents(
    network: Declared[Network],
    junction: Declared[AbstractJunction],
    drive: DriveLike,
    *,
    interval: Count = 100,
    count: Count = 1,
    window: ArrayLike | None = None,
    **setup: Unpack[TimedArguments],
) -> LyapunovSpectrum:
    r"""Computes the leading Lyapunov exponents along a run, by its exact tangent dynamics.

    $$\delta_k = \frac{\partial \lambda_k}{\partial \lambda_{k-1}} \delta_{k-1}, \qquad
      \Lambda = \frac{1}{T} \sum_\mathrm{intervals} \ln |\mathrm{diag} R|, \qquad \delta = Q R$$

    `count` differences follow the run in forward mode and are made orthonormal by QR every
    `interval` steps, so that nothing overflows and no finite perturbation is chosen. Variables are
    measured in units of the law's `critical_state`; one whose is infinite, and a passive junction,
    follows but does not count. The growth of a
    gradient that goes back through a time T is about $e^{\Lambda T}$.

    - `network`, `junction`, `drive`, `terminals`, `dt`, `start_step`, `state`, `solver`: as for
      `jaxnn.simulate`. Give `state` and `start_step` of a run over the transient first.
    - `steps`: a multiple of `interval`.
    - `key`: for the differences to start from, which turn to the leading directions by themselves, and for
      a law that draws random numbers, as for `jaxnn.simulate`: run and differences see the same noise.
    - `window`: cut the gradient of the result every so many steps, a multiple of `interval`: state and
      differences then count as given at the start of each window. Without, the gradient itself
      grows as $e^{\Lambda T}$ where $\Lambda > 0$.

    The result can be differentiated itself. Where all states are clamped, a difference vanishes
    exactly, and its exponent is -inf. Where it grows beyond the largest number within one interval
    (e^88 in float32, from a step that is too large), exponents are NaN: shorten `interval` or `dt`.

    Raises a `ValueError` for what `jaxnn.simulate` refuses, an ensemble, and counts that do not fit.

    Source: Benettin et al., Meccanica 15, 9 (1980); Hochstetter et al., Nat. Commun. 12, 4008
    (2021), Fig. 6, with two trajectories instead of a tangent (`jaxnn.two_trajectory_exponents`).

    ```python
    smooth = jaxnn.SmoothJunction(law, sharpness=3.0)
    spectrum = jaxnn.lyapunov_exponents(network, smooth, drive, interval=10, **setup)
    spectrum.exponents  # [-1.23] [1/s]
    ```
    """
    check_arguments("lyapunov_exponents", setup, TimedArguments)
    n_steps, n_interval, n_count = _check_counts(network, setup["steps"], interval, count)
    cut = _check_window(window, n_interval)
    problem = make_problem(network, junction, drive, n_steps, setup)
    problem.check_remembers_states_alone("lyapunov_exponents")
    key = setup.get("key")
    key = jax.random.key(0) if key is None else key
    # Differences, their growth in one step and their factors; what each interval keeps.
    size = n_count * (4 * problem.state.size + n_steps // n_interval)
    check_shape(f"{n_count:,} differences over {n_steps:,} steps", (size,), "take a smaller count")
    start = jax.random.normal(key, (n_count, *problem.state.shape), problem.state.dtype)
    weights = state_scale(problem.junction, problem.network.passive, problem.state).weights
    if weights is not None:
        start = _unweighted(start, weights[None], 0.0)
    spectrum = _follow(problem, start, weights, n_steps, n_interval, cut)
    spectrum.diagnosis.check()
    return spectrum


def _check_counts(
    network: Declared[Network], steps: Count, interval: Count, count: Count
) -> tuple[int, int, int]:
    check_network(network, Network)
    n_steps, n_interval = arguments.as_count("steps", steps), arguments.as_count("interval", interval)
    n_count = arguments.as_count("count", count)
    if n_steps % n_interval:
        raise ValueError(f"steps={n_steps} must be a multiple of interval={n_interval}.")
    n_junctions = int((~network.passive).sum())
    if n_count > n_junctions:
        raise ValueError(f"count={n_count} exceeds the {n_junctions} memristive junctions of the network.")
    return n_steps, n_interval, n_count


def _check_window(window: ArrayLike | None, interval: int) -> Array | None:
    """Intervals per window. It may be traced, so that windows can be compared in one call."""
    if window is None:
        return None
    value = concrete(window)
    if value is not None and (value < 1 or value % interval):
        raise ValueError(f"window={window} must be a multiple of interval={interval}, at least one.")
    return jnp.asarray(window, jnp.int32) // interval


@announced("lyapunov_exponents", lambda _, __, ___, steps, *____: f"{steps:,} steps")
@compiled
def _follow(
    problem: Problem,
    start: Array,
    weights: Array | None,
    steps: int,
    interval: int,
    window: Array | None,
) -> LyapunovSpectrum:
    run = run_of(problem, steps)
    step_of = steps_of(problem, run)

    def step(begin: tuple[Carry, Array], voltage: Array | None) -> tuple[tuple[Carry, Array], None]:
        carry, tangents = begin

        def state_after(state: Array) -> tuple[Array, Carry]:
            after, _ = step_of(eqx.tree_at(lambda c: c.state, carry, state), voltage)
            return after.state, after

        _, push, after = jax.linearize(state_after, carry.state, has_aux=True)
        return (after, jax.vmap(push)(tangents)), None

    def over_interval(
        begin: tuple[Carry, Array], voltage: Array | None
    ) -> tuple[tuple[Carry, Array], Array]:
        (carry, tangents), _ = StoreStates().scan(step, begin, voltage, interval, 1)
        tangents, size = _orthonormal(tangents, weights)
        return (carry, tangents), _safe_log(size) / (interval * problem.dt)

    given = problem.samples_in(interval)
    begin = first_carry(problem, run), _orthonormal(start, weights)[0]
    (carry, _), growth = scan_windows(
        StoreStates(), window, over_interval, begin, given, steps // interval, 1
    )
    diagnosis = diagnosis_of(problem, carry.watch, carry.step, carry.state)
    return LyapunovSpectrum(jnp.mean(growth, axis=0), growth, carry.state, carry.step, diagnosis)


def _orthonormal(tangents: Array, weights: Array | None) -> tuple[Array, Array]:
    """The same space spanned by vectors that are orthonormal once weighted, and the sizes that QR finds."""
    weighted = tangents if weights is None else tangents * weights[None]
    flat = weighted.reshape(tangents.shape[0], -1)
    if flat.shape[0] == 1:
        # A norm instead of a QR: no library call, and a vector of zeros has a derivative.
        # Divided by its largest entry first, or growth by e^44 would overflow in float32 where squared.
        largest = jax.lax.stop_gradient(jnp.max(jnp.abs(flat)))
        largest = jnp.where(largest == 0, 1, largest)
        square = jnp.sum((flat / largest) ** 2, axis=1)
        size = jnp.where(square == 0, 0, largest * jnp.sqrt(jnp.where(square == 0, 1, square)))
        return tangents / jnp.where(size == 0, 1, size).reshape((1,) * tangents.ndim), size
    q, r = jnp.linalg.qr(flat.T)
    found, size = q.T.reshape(tangents.shape), jnp.diagonal(r)
    if weights is not None:
        # What does not count is combined as the rest is.
        r = r + jnp.diag(jnp.where(size == 0, 1, 0).astype(r.dtype))
        same = jax.scipy.linalg.solve_triangular(r, tangents.reshape(flat.shape), trans=1)
        found = _unweighted(found, weights[None], same.reshape(tangents.shape))
    return found, jnp.abs(size)


def _unweighted(x: Array, weights: Array, otherwise: Array | float) -> Array:
    """x in its own units again, and another value where it has no weight."""
    return jnp.where(weights > 0, x / jnp.where(weights > 0, weights, 1), otherwise)


def _safe_log(size: Array) -> Array:
    """ln, and -inf at zero without a NaN in derivatives; what is NaN stays NaN."""
    return jnp.where(size == 0, -jnp.inf, jnp.log(jnp.where(size == 0, 1, size)))
