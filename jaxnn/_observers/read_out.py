"""How well a linear read-out gives waveforms, without keeping the samples it is trained on."""

from collections.abc import Sequence
from typing import SupportsIndex, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from jaxnn_kernels import on_mesh_of_arguments, shared_like

from .._core import (
    Count,
    Declared,
    Module,
    Numbers,
    announced,
    arguments,
    as_array,
    check_finite,
    check_network,
    compiled,
    unit,
)
from .._drives import DriveLike
from .._junctions import AbstractJunction
from .._networks import Network
from .._simulation import (
    Carry,
    Diagnosis,
    Problem,
    RunArguments,
    check_arguments,
    diagnosis_of,
    first_carry,
    make_problem,
    run_of,
    steps_of,
)


_DATA = arguments.real(ndim=2, finite=False)


class ReadOutRecord(Module):
    r"""All that linear read-outs can know of features and targets, however many samples there were.

    Of the features $X$ and the targets $Y$, one row per sample, the triangular factor is kept:

    $$Q R = [X \; Y], \qquad |X w - y| = |R \, [w; -1]|$$

    The error of any weights follows from it, of those trained on it as of those trained on another
    record. $R$ has the singular values of $[X \; Y]$; the normal equations, with $X^T X$, would have
    their squares and lose the directions below $\sqrt\epsilon$.

    ```python
    features = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    record = jaxnn.analysis.ReadOutRecord.of(features, np.array([[1.0], [3.0], [5.0]]))
    weights = record.weights()
    weights[:, 0]  # [1.0, 2.0]
    record.accuracy(weights)  # [1.0]
    ```
    """

    factor: Float[Array, "columns columns"]
    """Triangular factor R, the columns of the features before those of the targets."""
    samples: Int[Array, ""]
    """Number of rows that went into it."""
    n_features: int = eqx.field(static=True)
    """Number of features, which the first columns of `factor` belong to."""

    @classmethod
    @arguments.checked(
        features=arguments.real(ndim=2, finite=False), targets=arguments.real(ndim=2, finite=False)
    )
    def of(cls, features: Numbers, targets: Numbers) -> "ReadOutRecord":
        """Makes the record of `features`, (samples, features), and `targets`, (samples, targets)."""
        features, targets = as_array(features), as_array(targets)
        columns = features.shape[-1] + targets.shape[-1]
        factor = jnp.zeros((columns, columns), jnp.result_type(features, targets))
        return cls(factor, jnp.int32(0), features.shape[-1]).extended(features, targets)

    @arguments.checked(features=_DATA, targets=_DATA)
    @compiled
    def extended(self, features: Numbers, targets: Numbers) -> "ReadOutRecord":
        """Returns the record with more samples.

        Raises a `ValueError` for shapes that do not fit.
        """
        features, targets = as_array(features), as_array(targets)
        columns = self.factor.shape[-1]
        wanted = self.n_features, columns - self.n_features
        if (
            features.ndim != 2
            or targets.shape[:1] != features.shape[:1]
            or (*features.shape[1:], *targets.shape[1:]) != wanted
        ):
            raise ValueError(
                f"features must be (samples, {wanted[0]}) and targets (samples, {wanted[1]}), got "
                f"{features.shape} and {targets.shape}."
            )
        rows = jnp.concatenate([features, targets], axis=1).astype(self.factor.dtype)
        return ReadOutRecord(
            jnp.linalg.qr(jnp.concatenate([self.factor, rows]), mode="r"),
            self.samples + len(rows),
            self.n_features,
        )

    @arguments.checked(tolerance=arguments.real(ndim=0), among=(arguments.integers, "among"))
    @compiled
    def weights(
        self, tolerance: float | int | None = None, among: Sequence[SupportsIndex] | Array | None = None
    ) -> Float[Array, "features targets"]:
        r"""Returns the least-squares weights; where many are as good, the smallest.

        - `tolerance`: singular values of the features below this part of the largest count as zero;
          by default $\epsilon \max(\text{samples}, \text{features})$, what rounding leaves of a
          direction that is not there. It is one number for all features: divide those of several units
          by their deviation first.
        - `among`: the features to be used, as indices; the others have a weight of zero.
        """
        n = self.n_features
        used = jnp.arange(n) if among is None else jnp.asarray(among, int)
        features, targets = self.factor[:, used], self.factor[:, n:]
        if tolerance is None:
            rounding = float(jnp.finfo(self.factor.dtype).eps)
            cut = rounding * jnp.maximum(self.samples, n).astype(self.factor.dtype)
        else:
            cut = jnp.asarray(tolerance, self.factor.dtype)
        left, size, right = jnp.linalg.svd(features, full_matrices=False)
        kept = size > cut * size[0]
        inverse = jnp.where(kept, 1 / jnp.where(kept, size, 1), 0)
        found = right.T @ (inverse[:, None] * (left.T @ targets))
        return jnp.zeros((n, targets.shape[1]), found.dtype).at[used].set(found)

    @arguments.checked(weights=_DATA)
    @compiled
    def accuracy(self, weights: ArrayLike) -> Float[Array, " targets"]:
        r"""Computes $1 - |X w - y| / |y|$, $1 - \mathrm{RNMSE}$, of weights on these samples by target.

        1 is perfect, 0 is what no weights at all reach; weights that were trained on other samples
        can be worse. NaN for a target that is zero throughout.
        """
        n = self.n_features
        error = self.factor[:, :n] @ jnp.asarray(weights, self.factor.dtype) - self.factor[:, n:]
        size = jnp.linalg.norm(self.factor[:, n:], axis=0)
        return 1 - jnp.linalg.norm(error, axis=0) / size


class ReadOutRun(Module):
    """A run whose potentials were recorded against targets.

    ```python
    targets = jnp.cos(4 * jnp.pi * solution.time)[:, None]
    setting = {"terminals": setup["terminals"], "dt": 3e-3, "segment": 25}
    run = jaxnn.analysis.record_read_out(network, law, drive, targets, **setting)
    run.record.samples  # 50
    ```
    """

    record: ReadOutRecord
    """Record of the potentials [V] of the wires in order, terminals included, and of the targets."""
    conductance: Float[Array, " time"] = eqx.field(metadata=unit("S"))
    """Conductance between the first two terminals at each step [S], as in `jaxnn.Solution`."""
    final_state: Float[Array, "*variables junctions"]
    """State after the last step."""
    diagnosis: Diagnosis
    """What went wrong, when and where."""

    @property
    def failed_step(self) -> Int[Array, "..."]:
        """The first step that went wrong, or -1: of the diagnosis."""
        return self.diagnosis.failed_step


@arguments.checked(targets=arguments.real(finite=False))
@jax.named_scope("record_read_out")
@on_mesh_of_arguments
def record_read_out(
    network: Declared[Network],
    junction: Declared[AbstractJunction],
    drive: DriveLike,
    targets: Numbers,
    *,
    segment: Count = 1000,
    **setup: Unpack[RunArguments],
) -> ReadOutRun:
    """Simulates as `jaxnn.simulate` does and records all potentials against targets on the way.

    Memory is one number per step and the potentials of one segment, where those of 100 wires over
    80,000 steps would take 64 MB per drive. `vmap` over drives, targets, parameters and states applies.

    - `network`, `junction`, `drive`, `terminals`, `dt`, `start_step`, `state`, `solver`, `key`: as
      for `jaxnn.simulate`; a single network.
    - `targets`: what the read-out has to give at each step, `(steps, targets)`.
    - `segment`: steps that are kept between two updates of the record; divides the steps.

    Raises a `ValueError` for what `jaxnn.simulate` refuses, an ensemble, and targets or a segment that
    do not fit.

    ```python
    targets = jnp.cos(4 * jnp.pi * solution.time)[:, None]
    setting = {"terminals": setup["terminals"], "dt": 3e-3, "segment": 25}
    run = jaxnn.analysis.record_read_out(network, law, drive, targets, **setting)
    run.record.accuracy(run.record.weights())  # [0.341]
    ```
    """
    check_arguments("record_read_out", setup, RunArguments)
    targets, length = as_array(targets), arguments.as_count("segment", segment)
    if targets.ndim != 2 or len(targets) == 0 or len(targets) % length:
        raise ValueError(
            "targets must be (steps, targets), with a whole number of segments of "
            f"{length} steps; got {targets.shape}. Change segment, or the number of steps."
        )
    check_network(network, Network)
    problem = make_problem(network, junction, drive, len(targets), setup)
    check_finite("targets", targets)
    run = _record(problem, targets, length)
    run.diagnosis.check()
    return run


@announced("record_read_out", lambda _, targets, __: f"{len(targets):,} steps")
@compiled
def _record(problem: Problem, targets: Array, length: int) -> ReadOutRun:
    known = run_of(problem, len(targets))
    step_of = steps_of(problem, known)

    def step(carry: Carry, voltage: Array | None) -> tuple[Carry, tuple[Array, Array]]:
        carry, now = step_of(carry, voltage)
        return carry, (now.node_potential, now.conductance)

    def one(
        begin: tuple[Carry, ReadOutRecord], parts: tuple[Array, Array | None]
    ) -> tuple[tuple[Carry, ReadOutRecord], Array]:
        carry, record = begin
        wanted, voltage = parts
        carry, (potential, conductance) = jax.lax.scan(step, carry, voltage, length)
        return (carry, record.extended(potential, wanted)), conductance

    columns = problem.network.n_nodes + targets.shape[1]
    factor = jnp.zeros((columns, columns), problem.state.dtype)
    record = ReadOutRecord(factor, jnp.int32(0), problem.network.n_nodes)
    begin = shared_like((first_carry(problem, known), record), (problem, targets))
    segments = targets.reshape(-1, length, targets.shape[1]), problem.samples_in(length)
    (carry, record), conductance = jax.lax.scan(one, begin, segments)
    diagnosis = diagnosis_of(problem, carry.watch, carry.step, carry.state)
    return ReadOutRun(record, conductance.reshape(-1), carry.state, diagnosis)
