"""A simulation as the compiled loop needs it: everything checked, converted and of one dtype."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from jaxnn_kernels import mapped_like, shared_like, split_time_step

from .._circuit import Capacitance, Circuit, electrodes_of, electrodes_on, make_circuit
from .._core import (
    Count,
    Declared,
    Key,
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
from .._drives import (
    AbstractDrive,
    AbstractFeedback,
    Clock,
    DriveLike,
    drive_at,
    per_terminal,
    settled,
    warn_of_losses,
)
from .._junctions import (
    AbstractJunction,
    MixedJunction,
    call_law,
    draws_random_numbers,
    joint_key,
    keys_of_networks,
    typed_key,
)
from .._networks import Ensemble, Network, padded_ranges
from .arguments import RunArguments, TimedArguments
from .solver import AbstractSolver, AutoSolver, plan_for


class Problem(eqx.Module):
    """A checked simulation. `shape` is that of the terminals: (terminals,) or (networks, terminals)."""

    network: Network
    plan: Plan
    junction: AbstractJunction
    drive: AbstractDrive | AbstractFeedback | Float[Array, "steps *terminals"]
    state: Float[Array, "*variables junctions"]
    dt: Float[Array, ""]
    dt_remainder: Float[Array, ""]
    start_step: Int[Array, ""]
    terminals: Int[np.ndarray | Array, " all_terminals"]
    network_of_node: Int[np.ndarray, " nodes"]
    network_of_junction: Int[np.ndarray, " edges"]
    junctions_of_network: Int[np.ndarray, "networks most"]
    circuit: Circuit | None
    potential: Float[Array, " nodes"] | None
    shape: tuple[int, ...] = eqx.field(static=True)
    sizes: tuple[int, ...] = eqx.field(static=True)
    """Numbers of junctions of the networks of an ensemble, () for a single one."""
    key: Array | None = None
    """One for each network of an ensemble, (networks,)."""

    @property
    def key_of_law(self) -> Key | None:
        """The key that a law draws with, for all of its junctions."""
        return joint_key(self.key, self.sizes) if self.key is not None and self.sizes else self.key

    @property
    def samples(self) -> Float[Array, "steps *terminals"] | None:
        """A drive that is an array, to scan over; None for one that is asked at each step."""
        return None if isinstance(self.drive, AbstractDrive | AbstractFeedback) else self.drive

    def check_remembers_states_alone(self, function: str) -> None:
        """Raises a `ValueError` where more than the states of junctions goes from step to step."""
        charged = self.circuit is not None and self.circuit.holds_charge
        if charged or isinstance(self.drive, AbstractFeedback):
            what = "a capacitance" if charged else f"the feedback of {type(self.drive).__name__}"
            raise ValueError(
                f"{function} follows differences between the states of junctions, and with {what} more "
                "than these goes from step to step: leave it out, or differentiate jaxnn.simulate."
            )

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
    dt, start_step = setup["dt"], setup.get("start_step", 0)
    solver, state = setup.get("solver"), setup.get("state")
    check_network(network, (Network, Ensemble))
    laws = "Laws are jaxnn.TunnelJunction() and the like."
    arguments.one_of(AbstractJunction, advice=laws)("junction", junction)
    solver = AutoSolver() if solver is None else solver
    arguments.one_of(AbstractSolver)("solver", solver)
    indices, circuit, plan = _surroundings(network, junction, setup, solver)
    shape = indices.shape
    sizes = tuple(np.diff(network.junction_offsets).tolist()) if isinstance(network, Ensemble) else ()
    network, network_of_node, junctions_of_network = _parts(network)
    drive = _check_drive(drive, steps, shape)
    check_time_step(dt)
    start = check_start(start_step, steps)
    if has_steps:
        warn_of_losses(drive, dt, steps, start_step)
    given = None if state is None else as_inexact(state)
    dtype = common_dtype((junction, drive, network.passive_conductance, circuit, given))
    state = _start_state(given, junction, network.n_junctions)
    # A number that a user's own law keeps as a float becomes an array, or each value would compile.
    number = lambda x: eqx.is_inexact_array(x) or isinstance(x, float)
    cast = lambda tree: jax.tree.map(lambda x: jnp.asarray(x, dtype) if number(x) else x, tree)
    dt, dt_remainder = split_time_step(dt, jnp.dtype(dtype))
    problem = Problem(
        network=cast(network),
        plan=plan,
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
        circuit=settled(circuit, dtype),
        potential=_start_potential(circuit, network.n_nodes, dtype),
        shape=shape,
        sizes=sizes,
        key=_check_key(setup.get("key"), junction, len(sizes)),
    )
    _check_shapes(problem)
    # Here, outside of the loop, because the way back sums over devices where this is done.
    problem = shared_like(problem, problem)
    numbers = problem.junction, problem.drive
    return eqx.tree_at(lambda p: (p.junction, p.drive), problem, mapped_like(numbers, problem))


def _surroundings(
    network: Network | Ensemble,
    junction: AbstractJunction,
    setup: RunArguments | TimedArguments,
    solver: AbstractSolver,
) -> tuple[Any, Circuit | None, Plan]:
    """The wires of the terminals in the numbers of the union, what is around the network, and its plan.

    Plain terminals and conductances alone need no circuit.
    """
    terminals, capacitance = setup["terminals"], setup.get("capacitance")
    electrodes = electrodes_of(network, terminals)
    whole = network.network if isinstance(network, Ensemble) else network
    if electrodes is None:
        indices = network.check_terminals(terminals)
        if capacitance is None and junction.is_linear():
            wires = tuple(indices.reshape(-1).tolist())
            return indices, None, plan_for(solver, whole.topology, wires)
        electrodes = electrodes_on(indices)
    if capacitance is not None:
        arguments.one_of(Capacitance)("capacitance", capacitance)
        capacitance.check_fits(whole)
    offsets = network.node_offsets if isinstance(network, Ensemble) else (0, whole.n_nodes)
    circuit, layout = make_circuit(whole.topology, electrodes, capacitance, offsets)
    plan = plan_for(solver, layout.topology, tuple(layout.held.tolist()))
    indices = circuit.wire.reshape(electrodes.shape)
    return indices, circuit, plan


def _start_state(given: Number | None, junction: AbstractJunction, n_junctions: int) -> Number:
    """The state that a run starts from, that of the law where none is given."""
    if given is None:
        with user_code(f"the law {type(junction).__name__}"):
            return junction.init_state(n_junctions) * 1.0
    check_finite("state", given)
    return given


def _start_potential(circuit: Circuit | None, n_nodes: int, dtype: Any) -> Array | None:
    """The potentials of the wires that a run of a circuit starts from [V]."""
    if circuit is None:
        return None
    given = None if circuit.capacitance is None else circuit.capacitance.potential
    return jnp.broadcast_to(jnp.asarray(0 if given is None else given, dtype), (n_nodes,))


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


def _check_key(key: Declared[Key | None], junction: AbstractJunction, networks: int) -> Array | None:
    """The key of a run as a scalar, or one for each of so many networks; None for a law that draws nothing.

    Network i of an ensemble has the key that is folded with i, where one is given for all.
    """
    known = None if key is None else typed_key(key)
    if known is not None and known.shape not in ((), (networks,)):
        wanted = f", or one for each of {networks} networks" if networks else ""
        raise ValueError(
            f"key must be one random key{wanted}, got {known.shape} of them: use jax.vmap for several."
        )
    if not draws_random_numbers(junction):
        return None
    if known is None:
        raise ValueError(
            f"the law {type(junction).__name__} draws random numbers and needs a key: give "
            "key=jax.random.key(0), the same key for the same numbers."
        )
    return keys_of_networks(known, np.arange(networks)) if networks and not known.shape else known


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


def _check_drive(
    drive: DriveLike, steps: int, shape: tuple[int, ...]
) -> AbstractDrive | AbstractFeedback | Number:
    """A drive, or an array with time first whose values fit the terminals."""
    if isinstance(drive, AbstractFeedback):
        return drive  # what it gives is known with the run
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
    check_fits_terminals(what, value, shape)
    return drive


def check_fits_terminals(what: str, value: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Raises a `ValueError`, which begins with `what`, unless values of this shape fit the terminals."""
    wanted = f"a scalar, (1,) or {shape}" if len(shape) == 1 else f"a scalar, (n, 1) or {shape}"
    try:
        jax.eval_shape(lambda: terminal_potential(jnp.zeros(value), shape))
    except (TypeError, ValueError):
        raise ValueError(
            f"{what}, but the terminals need {wanted}: give one value per terminal, or one for the "
            "first with the others at 0 V."
        ) from None


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
        law, inputs = problem.junction, {"key": problem.key_of_law, "time": problem.dt}
        shape = lambda method, *of: _shape_of(method, lambda: call_law(law, method, *of, **inputs), what)
        conductance = shape("conductance", problem.state)
        state = shape("update", problem.state, voltage, problem.dt)
        law.critical_state()
    if conductance != (n,) or state != expected:
        raise ValueError(
            f"{_parameter_message(problem, n) or f'{what} does not fit.'} It gives conductances "
            f"{conductance} and states {state}; wanted {(n,)} and {expected}."
        )


def _shape_of(method: str, made: Callable[[], Any], what: str) -> tuple[int, ...]:
    value = jax.eval_shape(made)
    if not hasattr(value, "shape"):
        hint = " A return is missing." if value is None else ""
        raise ValueError(f"{method} of {what} must give an array, got {type(value).__name__}.{hint}")
    return value.shape


def _parameter_message(problem: Problem, n: int) -> str | None:
    """What is wrong with the parameters, unless all of them fit."""
    law = problem.junction
    for part, n_own in law.parts if isinstance(law, MixedJunction) else [(law, n)]:
        shapes = {
            jax.tree_util.keystr(path, simple=True, separator="."): value.shape
            for path, value in jax.tree_util.tree_leaves_with_path(part)
            if eqx.is_array(value) and value.ndim
        }
        if any(shape[-1] != n_own for shape in shapes.values()):
            return (
                f"the parameters of {type(part).__name__} do not fit {n_own} junctions: each must be "
                f"a scalar or have shape ({n_own},), passive junctions included; got {shapes}."
            )
    return None
