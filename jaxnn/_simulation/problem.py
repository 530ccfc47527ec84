"""A simulation as the compiled loop needs it: everything checked, converted and of one dtype."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from jaxnn_kernels import mapped_like, shared_like, split_time_step

from .._core import (
    Count,
    Declared,
    Number,
    Plan,
    arguments,
    as_inexact,
    check_finite,
    check_network,
    check_time_step,
    common_dtype,
    user_code,
)
from .._drives import AbstractDrive, Clock, DriveLike, drive_at, per_terminal, settled, warn_of_losses
from .._junctions import AbstractJunction
from .._networks import Ensemble, Network, padded_ranges
from .arguments import RunArguments, TimedArguments
from .solver import AbstractSolver, AutoSolver, plan_for


class Problem(eqx.Module):
    """A checked simulation. `shape` is that of the terminals: (terminals,) or (networks, terminals)."""

    network: Network
    plan: Plan
    junction: AbstractJunction
    drive: AbstractDrive | Float[Array, "steps *terminals"]
    state: Float[Array, "*variables junctions"]
    dt: Float[Array, ""]
    dt_remainder: Float[Array, ""]
    start_step: Int[Array, ""]
    terminals: Int[np.ndarray, " all_terminals"]
    network_of_node: Int[np.ndarray, " nodes"]
    network_of_junction: Int[np.ndarray, " edges"]
    junctions_of_network: Int[np.ndarray, "networks most"]
    shape: tuple[int, ...] = eqx.field(static=True)

    @property
    def samples(self) -> Float[Array, "steps *terminals"] | None:
        """A drive that is an array, to scan over; None for one that is asked at each step."""
        return None if isinstance(self.drive, AbstractDrive) else self.drive

    def samples_in(self, *lengths: int) -> Array | None:
        """`samples` for loops within loops: cut into blocks of so many rounds each, the outermost first."""
        samples = self.samples
        return None if samples is None else samples.reshape(-1, *lengths, *samples.shape[1:])


def make_problem(
    network: Declared[Network | Ensemble],
    junction: Declared[AbstractJunction],
    drive: DriveLike,
    steps: int,
    setup: RunArguments | TimedArguments,
    *,
    has_steps: bool = True,
) -> Problem:
    """Checks every argument of `simulate` and converts the numbers to the dtype of the run.

    `steps` counts, not what `setup` may have of that name: it is a whole number already.
    """
    terminals, dt, start_step = setup["terminals"], setup["dt"], setup.get("start_step", 0)
    solver, state = setup.get("solver"), setup.get("state")
    check_network(network, (Network, Ensemble))
    laws = "Laws are jaxnn.TunnelJunction() and the like."
    arguments.one_of(AbstractJunction, advice=laws)("junction", junction)
    solver = AutoSolver() if solver is None else solver
    arguments.one_of(AbstractSolver)("solver", solver)
    arguments.check_known("terminals", terminals)
    indices = network.check_terminals(terminals)
    network, network_of_node, junctions_of_network = _parts(network)
    drive = _check_drive(drive, steps, indices.shape)
    check_time_step(dt)
    start = check_start(start_step, steps)
    if has_steps:
        warn_of_losses(drive, dt, steps, start_step)
    if state is None:
        with user_code(f"the law {type(junction).__name__}"):
            state = junction.init_state(network.n_junctions) * 1.0
        numbers = (junction, drive, network.passive_conductance)
    else:
        state = as_inexact(state)
        check_finite("state", state)
        numbers = (junction, drive, network.passive_conductance, state)
    dtype = common_dtype(numbers)
    # A number that a user's own law keeps as a float becomes an array, or each value would compile.
    number = lambda x: eqx.is_inexact_array(x) or isinstance(x, float)
    cast = lambda tree: jax.tree.map(lambda x: jnp.asarray(x, dtype) if number(x) else x, tree)
    dt, dt_remainder = split_time_step(dt, jnp.dtype(dtype))
    problem = Problem(
        network=cast(network),
        plan=plan_for(solver, network.topology, tuple(indices.reshape(-1).tolist())),
        junction=cast(junction),
        drive=settled(drive, dtype),
        state=cast(state),
        dt=jnp.asarray(dt),
        dt_remainder=jnp.asarray(dt_remainder),
        start_step=start,
        terminals=indices.reshape(-1),
        network_of_node=network_of_node,
        network_of_junction=network_of_node[network.edges[:, 0]],
        junctions_of_network=junctions_of_network,
        shape=indices.shape,
    )
    _check_shapes(problem)
    # Here, outside of the loop, because the way back sums over devices where this is done.
    problem = shared_like(problem, problem)
    numbers = problem.junction, problem.drive
    return eqx.tree_at(lambda p: (p.junction, p.drive), problem, mapped_like(numbers, problem))


def _parts(network: Network | Ensemble) -> tuple[Network, np.ndarray, np.ndarray]:
    """A network, or the union of several, with the owner of each node and the junctions of each owner."""
    if not isinstance(network, Ensemble):
        return network, np.zeros(network.n_nodes, np.int32), np.zeros((1, 0), np.int32)
    sizes = np.diff(network.node_offsets)
    network_of_node = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    return network.network, network_of_node, padded_ranges(network.junction_offsets)


def terminal_potential(value: Float[Array, "..."], shape: tuple[int, ...]) -> Float[Array, "..."]:
    """A drive's value as one potential [V] per terminal.

    A scalar, or a last axis of length 1, is the first terminal's; the others are then at 0 V.
    """
    value = per_terminal(value, shape[-1])
    lacking = (1,) * (len(shape) - value.ndim)
    return jnp.broadcast_to(value.reshape(lacking + value.shape), shape)


def check_start(start_step: Count, steps: int) -> Int[Array, ""]:
    if isinstance(start_step, Tracer):
        kind = jax.typeof(start_step)
        if kind.shape or not jnp.issubdtype(kind.dtype, jnp.integer):
            raise ValueError(
                f"start_step counts steps and must be one whole number, got {kind.dtype} of shape "
                f"{kind.shape}: make it an integer, or use jax.vmap for several."
            )
    else:
        start = arguments.as_count("start_step", start_step, least=None)
        if start < 0 or start + steps >= 2**31:
            raise ValueError(
                f"start_step must be at least 0 and start_step + steps below 2**31, got "
                f"start_step={start} and steps={steps}; go on from final_state with start_step=0, and a "
                "drive that begins there."
            )
    return jnp.asarray(start_step, jnp.int32)


def _check_drive(drive: DriveLike, steps: int, shape: tuple[int, ...]) -> AbstractDrive | Number:
    """A drive, or an array with time first whose values fit the terminals."""
    wanted = f"a scalar, (1,) or {shape}" if len(shape) == 1 else f"a scalar, (n, 1) or {shape}"
    if isinstance(drive, AbstractDrive):
        # In one dtype: which one the run has is not known yet.
        zero = Clock.at(0.0)
        with user_code(f"the drive {type(drive).__name__}"):
            value = jax.eval_shape(lambda: drive_at(settled(drive, zero.time.dtype), zero)).shape
        what = f"the drive {type(drive).__name__} gives values of shape {value}"
    elif callable(drive) or isinstance(drive, str | bytes):
        raise ValueError(
            "drive must be a jaxnn drive or an array (steps,) or (steps, terminals), got "
            f"{type(drive).__name__}; wrap a function of time in a subclass of jaxnn.AbstractDrive."
        )
    else:
        drive = as_inexact(drive)
        if drive.ndim == 0 or drive.shape[0] != steps:
            raise ValueError(
                f"a drive given as an array needs one value per step along its first axis, "
                f"({steps},) or ({steps}, {shape[-1]}); got shape {drive.shape}. "
                "For a fixed voltage use jaxnn.Constant."
            )
        check_finite("drive", drive, "V")
        value = drive.shape[1:]
        what = f"the drive's values have shape {value}"
    try:
        jax.eval_shape(lambda: terminal_potential(jnp.zeros(value), shape))
    except (TypeError, ValueError):
        raise ValueError(
            f"{what}, but the terminals need {wanted}: give one value per terminal, or one for the "
            "first with the others at 0 V."
        ) from None
    return drive


def _check_shapes(problem: Problem) -> None:
    """The junction law must give one conductance per junction and keep the shape of its state."""
    n = problem.network.n_junctions
    what = f"the law {type(problem.junction).__name__}"
    with user_code(what):
        expected = jax.eval_shape(lambda: problem.junction.init_state(n)).shape
    if problem.state.shape != expected:
        raise ValueError(
            f"state must have shape {expected} for this network and junction, got "
            f"{problem.state.shape}; final_state of a run on the same network fits."
        )
    voltage = jnp.zeros(n, problem.state.dtype)
    with user_code(what, lambda: _parameter_message(problem, n)):
        conductance = jax.eval_shape(problem.junction.conductance, problem.state).shape
        state = jax.eval_shape(problem.junction.update, problem.state, voltage, problem.dt).shape
        problem.junction.critical_state()
    if conductance != (n,) or state != expected:
        raise ValueError(
            f"{_parameter_message(problem, n) or f'{what} does not fit.'} It gives conductances "
            f"{conductance} and states {state}; wanted {(n,)} and {expected}."
        )


def _parameter_message(problem: Problem, n: int) -> str | None:
    """What is wrong with the parameters, unless all of them fit."""
    shapes = {
        jax.tree_util.keystr(path, simple=True, separator="."): value.shape
        for path, value in jax.tree_util.tree_leaves_with_path(problem.junction)
        if eqx.is_array(value) and value.ndim
    }
    if all(shape[-1] == n for shape in shapes.values()):
        return None
    return (
        f"the parameters of {type(problem.junction).__name__} do not fit {n} junctions: each must be "
        f"a scalar or have shape ({n},), passive junctions included; got {shapes}."
    )
