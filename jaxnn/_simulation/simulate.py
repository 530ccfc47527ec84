"""The time loop: conductances, potentials, states, step after step in one compiled call."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike

from jaxnn_kernels import on_mesh_of_arguments, step_time

from .._circuit import Capacitance
from .._core import Count, Declared, Key, Numbers, Terminals, announced, arguments, compiled
from .._drives import DriveLike
from .._junctions import AbstractJunction
from .._networks import Ensemble, Network
from .adjoint import AbstractAdjoint, StoreStates
from .arguments import RunArguments
from .diagnosis import diagnosis_of
from .problem import Problem, make_problem
from .record import Record, Recorded, check_record, recording
from .setup import Setup
from .solution import Solution
from .solver import AbstractSolver


@arguments.checked(adjoint=arguments.one_of(AbstractAdjoint), key=arguments.key)
@on_mesh_of_arguments
def simulate(
    network: Declared[Network | Ensemble],
    junction: Declared[AbstractJunction],
    drive: DriveLike,
    *,
    terminals: Terminals,
    dt: Declared[ArrayLike],
    steps: Count,
    start_step: Count = 0,
    state: Numbers | None = None,
    record: Record = ("conductance",),
    every: Count = 1,
    solver: AbstractSolver | None = None,
    adjoint: AbstractAdjoint | None = None,
    capacitance: Capacitance | None = None,
    key: Declared[Key | None] = None,
) -> Solution:
    r"""Simulates a network of memristive junctions under a drive.

    For $k = 1, \dots,$ `steps`, with $t = (\texttt{start\_step} + k)\,dt$:

    $$g = g(\lambda_{k-1}), \quad B^T \mathrm{diag}(g) B \phi = 0 \text{ off the terminals}, \quad
      \phi = V(t) \text{ on them}, \quad v = B \phi, \quad \lambda_k = \lambda(\lambda_{k-1}, v, dt)$$

    - `network`: a `Network`, or an `Ensemble` of different ones that run together.
    - `junction`: the law of its junctions; parameters are scalars or one value per junction.
    - `drive`: a drive, `jaxnn.Feedback` or another that hangs on what was read, or an array [V], `(steps,)`
      for the first terminal with the others at 0 V or `(steps, terminals)`.
    - `terminals`: wires held at the drive's potentials, at least two, or any `jaxnn.Electrode`; wires may
      be traced. For an ensemble one sequence per network. `conductance` is between the first two.
    - `dt`: time step [s]. A warning says when a state moved too far in one.
    - `state`, `start_step`: where to start; `final_state` and `final_step` of an earlier run go on
      from it bit for bit, where it has a `final_potential` with `jaxnn.Capacitance(potential=...)` of that.
    - `record`: what to keep besides time, drive, terminal currents and conductance: any of
      "state", "junction_conductance", "junction_voltage", "node_potential", "kirchhoff_residual",
      "power", "cut_off" (doubles the cost), "electrode_potential", "electrode_charge", "supplied_energy",
      "dissipated_energy", "stored_energy"; functions of a `jaxnn.Step`, whose values over time are
      `solution.recorded[name]`; and observers (`jaxnn.AbstractObserver`), whose result is there too. Alone,
      in a sequence, or a mapping that names them. What is not asked for takes no memory, and more than
      half of the free memory is refused with an estimate before the first step (a batch counts as one run).
    - `every`: keep steps every, 2 every, ...
    - `solver`: `StarMesh()` or `Dense()`; by default whichever takes less work.
    - `adjoint`: what reverse mode keeps, `StoreStates()` by default, `Checkpointed()` for long runs.
    - `capacitance`: charge that wires and junctions hold, a `jaxnn.Capacitance`; none by default.
    - `key`: for a law that draws random numbers. Step $k$ has the key `fold_in(key, k)`: chunks, batches,
      devices and the way back see the same numbers. Network i of an ensemble draws what it draws alone with
      `fold_in(key, i)`, or with key i of an array of them, one for each.

    Every number may be traced: `jit`, `vmap` and `grad` apply to drives, parameters, states and dt.
    The dtype is that of the arrays given (drive, state, parameters); plain Python numbers follow.

    Raises a `ValueError` for terminals that are not all connected, wires that no terminal reaches, a
    network that nothing holds at a potential, drives, states or capacitances that are not finite or do not
    fit, and unknown names in `record`.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Methods; order of a step as in its code.

    ```python
    run = jaxnn.simulate(network, law, jaxnn.Sine(0.3, 2.0), record="state", **setup)
    run.state.shape == (50, network.n_junctions)  # True
    run.conductance[-1]  # 8.63e-7 [S]
    onwards = {"state": run.final_state, "start_step": run.final_step}
    again = jaxnn.simulate(network, law, drive, record="state", **onwards, **setup)
    again.time[-1]  # 0.3 [s]
    ```
    """
    n_steps, n_every = _check_counts(steps, every)
    setup = RunArguments(terminals=terminals, dt=dt, start_step=start_step, state=state, solver=solver)
    setup.update(capacitance=capacitance, key=key)
    problem = make_problem(network, junction, drive, n_steps, setup)
    adjoint = StoreStates() if adjoint is None else adjoint
    solution = _run(problem, n_steps, n_every, *check_record(record), adjoint)
    known: dict[str, Any] = vars(solution) | {"setup": Setup.of(network, problem, terminals)}
    return Solution(**known).check()


def _check_counts(steps: Count, every: Count) -> tuple[int, int]:
    n_steps, n_every = arguments.as_count("steps", steps), arguments.as_count("every", every)
    if n_every > n_steps:
        raise ValueError(f"every={every} keeps none of {steps} steps; use every={steps} or less.")
    return n_steps, n_every


@announced("simulate", lambda _, steps, *__: f"{steps:,} steps", wait=True)
@compiled
def _run(
    problem: Problem,
    steps: int,
    every: int,
    names: tuple[str, ...],
    own: Recorded,
    adjoint: AbstractAdjoint,
) -> Solution:
    step, begin, finish = recording(problem, steps, every, names, own)
    (carry, memories), (kept, values) = adjoint.scan(step, begin, problem.samples, steps, every)
    kept_step = problem.start_step + every * jnp.arange(1, steps // every + 1, dtype=jnp.int32)
    time, _ = jax.vmap(step_time, in_axes=(0, None, None))(kept_step, problem.dt, problem.dt_remainder)
    return Solution(
        time=time,
        final_state=carry.state,
        final_step=carry.step,
        **({} if carry.potential is None else {"final_potential": carry.potential}),
        recorded=values | finish(memories),
        **vars(diagnosis_of(problem, carry.watch, carry.step, carry.state)),
        **kept,
    )
