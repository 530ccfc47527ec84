"""One time step: conductances, potentials, states, in this order."""

import functools as ft
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Float, Int, PyTree

from jaxnn_kernels import batch_inner, divergence, joined_wires, mapped_like, saved, shared_like

from .._core import Module, unit, user_code
from .._drives import AbstractDrive, AbstractFeedback, Clock, drive_at
from .._junctions import call_law
from .circuit_flow import CircuitStep, circuit_flow
from .diagnosis import Diagnosis, JunctionWatch, first_watch, next_watch
from .instant import Instant, instant_of
from .kirchhoff import flow, per_network
from .problem import Problem


class Run(Module):
    """All that is known of a run before its first step.

    ```python
    class LargestChange(jaxnn.AbstractObserver):
        def start(self, run):
            return run.state, jnp.zeros(())

        def follow(self, memory, step):
            return step.state, jnp.maximum(memory[1], abs(step.state - memory[0]).max())

        def finish(self, memory):
            return memory[1]


    run = jaxnn.simulate(network, law, drive, record={"change": LargestChange()}, **setup)
    ```
    """

    state: Float[Array, "*variables junctions"]
    """The state that it starts from."""
    junction_conductance: Float[Array, " junctions"] = eqx.field(metadata=unit("S"))
    """What that state conducts [S]."""
    dt: Float[Array, ""] = eqx.field(metadata=unit("s"))
    """Time step [s]."""
    steps: int = eqx.field(static=True)
    """Number of steps."""
    passive: Bool[np.ndarray | Array, " junctions"]
    """Which junctions are passive."""
    network_of_junction: Int[np.ndarray | Array, " junctions"]
    """The network of an ensemble that each junction belongs to; 0 for a single one."""
    network_of_node: Int[np.ndarray | Array, " nodes"]
    """The network of each wire."""
    networks: tuple[int, ...] = eqx.field(static=True)
    """(number of networks,) of an ensemble, () for a single one."""


class Step(Module):
    """One time step, as functions in `record` and observers see it.

    Fields, signs and units as in `jaxnn.Solution`, without the axis of time; for an ensemble, junctions and
    nodes are those of all networks, one after the other.

    ```python
    def hottest(step):
        return jnp.argmax(step.junction_conductance * step.junction_voltage**2)


    run = jaxnn.simulate(network, law, drive, record=hottest, **setup)
    run.recorded["hottest"].shape  # (50,)
    ```
    """

    _run: Run | None = eqx.field(repr=False)
    number: Int[Array, ""]
    """Number of the step, k."""
    time: Float[Array, ""] = eqx.field(metadata=unit("s"))
    """t = k dt [s]."""
    drive: Float[Array, "*terminals"] = eqx.field(metadata=unit("V"))
    """Potentials of the terminals [V]."""
    terminal_current: Float[Array, "*terminals"] = eqx.field(metadata=unit("A"))
    """Currents from the terminals into the network [A]."""
    conductance: Float[Array, "*networks"] = eqx.field(metadata=unit("S"))
    """Conductance between the first two terminals [S]."""
    state: Float[Array, "*variables junctions"]
    """The states after the step."""
    junction_conductance: Float[Array, " junctions"] = eqx.field(metadata=unit("S"))
    """Conductances that the step was solved with [S]."""
    junction_voltage: Float[Array, " junctions"] = eqx.field(metadata=unit("V"))
    """phi_a - phi_b of junction (a, b) [V]."""
    node_potential: Float[Array, " nodes"] = eqx.field(metadata=unit("V"))
    """Potentials of the wires [V]."""
    circuit: CircuitStep | None = None
    """What electrodes and capacitors did, in a run that has them."""

    @property
    def run(self) -> Run:
        """The run that it belongs to.

        **Raises:** `ValueError` for a step of a `jaxnn.Stepper`, which knows its run itself.
        """
        if self._run is None:
            raise ValueError(
                "a step of a jaxnn.Stepper does not carry its run along, which a loop would keep once for "
                "every step: take `stepper.run`."
            )
        return self._run


def without_run(step: Step) -> Step:
    """A step with nothing but what changes in time, for a loop that keeps steps."""
    return eqx.tree_at(lambda step: step._run, step, None)


class Carry(eqx.Module):
    """The state, the number of the step that gave it, and what went wrong so far.

    With capacitors, and for Newton's method to begin at, the potentials of the wires [V] as well; and what
    a drive that feeds back remembers.
    """

    state: Array
    step: Array
    watch: Diagnosis | JunctionWatch
    potential: Array | None = None
    memory: PyTree = None


def first_carry(problem: Problem, run: Run) -> Carry:
    """Where a run starts from."""
    watch = mapped_like(shared_like(first_watch(problem), problem), problem)
    memory = None
    if isinstance(problem.drive, AbstractFeedback):
        with user_code(f"the drive {type(problem.drive).__name__}"):
            memory = jax.tree.map(jnp.asarray, problem.drive.start(run))
        memory = mapped_like(shared_like(memory, problem), problem)
    return Carry(problem.state, problem.start_step, watch, problem.potential, memory)


def steps_of(problem: Problem, run: Run) -> Callable[[Carry, Array | None], tuple[Carry, Step]]:
    """The step of a problem, to scan over `problem.samples`. What is not used of a `Step` costs nothing."""
    passive = passive_conductance(problem)
    return lambda carry, voltage: _advance(problem, run, passive, carry, voltage)


def _advance(
    problem: Problem, run: Run, passive: Array | None, carry: Carry, voltage: Array | None
) -> tuple[Carry, Step]:
    number = carry.step + 1
    clock = Clock.at_step(number, problem.dt, problem.dt_remainder)
    # Between two solves all lies in memory as the solves want it.
    before = saved(carry.state, "state")
    instant = instant_of(problem, number, clock)
    conductance = conductances(problem, passive, before, instant)
    value_at = ft.partial(_value_at, problem, carry.memory, voltage)
    circuit, potential, trouble = None, None, None
    if problem.circuit is None:
        flows = flow(problem, batch_inner(conductance), value_at(clock))
    else:
        assert carry.potential is not None
        flows, conductance, circuit, potential = circuit_flow(
            problem,
            before,
            batch_inner(conductance),
            instant.of_conductance,
            value_at,
            clock,
            carry.potential,
        )
        trouble = circuit.trouble
    felt = batch_inner(flows.junction_voltage)
    state = batch_inner(call_law(problem.junction, "update", before, felt, problem.dt, **instant.of_update))
    current = flows.terminal_current
    watch = next_watch(problem, carry.watch, number, carry.state, state, conductance, current, trouble)
    own = {"state": state, "junction_conductance": conductance, "circuit": circuit}
    step = Step(run, number, clock.time, **own, **flows._asdict())
    memory = carry.memory
    if isinstance(problem.drive, AbstractFeedback):
        with user_code(f"the drive {type(problem.drive).__name__}"):
            memory = problem.drive.follow(memory, step)
    return Carry(state, number, watch, potential, memory), step


def _value_at(problem: Problem, memory: PyTree, voltage: Array | None, clock: Clock) -> Array:
    """What the drive gives at an instant: a sample, a function of time, or of what was read before."""
    if voltage is not None:
        return voltage
    if isinstance(problem.drive, AbstractFeedback):
        with user_code(f"the drive {type(problem.drive).__name__}"):
            return problem.drive.voltage(memory, clock.time)
    assert isinstance(problem.drive, AbstractDrive)
    # A number or a few, and much to compute: kept for the way back.
    return checkpoint_name(drive_at(problem.drive, clock), "drive")


def _kirchhoff_residual(problem: Problem, step: Step) -> Array:
    if step.circuit is None:
        lost = divergence(problem.plan.graph, step.junction_conductance * step.junction_voltage)
        lost = lost.at[problem.terminals].set(0)
    else:
        lost = step.circuit.unbalanced
    return per_network(problem, "max", jnp.abs(lost), problem.network_of_node)


def _power(problem: Problem, step: Step) -> Array:
    loss = step.junction_conductance * step.junction_voltage**2
    return per_network(problem, "sum", loss, problem.network_of_junction)


def _cut_off(problem: Problem, step: Step) -> Array:
    edges = step.junction_conductance if step.circuit is None else step.circuit.edge_conductance
    apart = (~joined_wires(problem.plan, edges)).astype(jnp.int32)[: problem.network.n_nodes]
    return per_network(problem, "sum", apart, problem.network_of_node)


def _of_circuit(name: str) -> Callable[[Problem, Step], Array]:
    """A quantity of the circuit, or what it is in a run of plain terminals and junctions."""

    def value(problem: Problem, step: Step) -> Array:
        if step.circuit is not None:
            return getattr(step.circuit, name)
        supplied = problem.dt * jnp.sum(step.drive * step.terminal_current, axis=-1)
        return {
            "electrode_potential": step.drive,
            "charge": problem.dt * step.terminal_current,
            "supplied": supplied,
            "dissipated": problem.dt * _power(problem, step),
            "stored": jnp.zeros_like(supplied),
        }[name]

    return value


# What every step keeps, and what it keeps by name: fields of a `Step`, or what is computed from one. A
# quantity more is a line here, and a field of `Solution` that says what it is.
ALWAYS = ("drive", "terminal_current", "conductance")
_COMPUTED: dict[str, Callable[[Problem, Step], Array]] = {
    "kirchhoff_residual": _kirchhoff_residual,
    "power": _power,
    "cut_off": _cut_off,
    "electrode_potential": _of_circuit("electrode_potential"),
    "electrode_charge": _of_circuit("charge"),
    "supplied_energy": _of_circuit("supplied"),
    "dissipated_energy": _of_circuit("dissipated"),
    "stored_energy": _of_circuit("stored"),
}
ON_REQUEST = ("state", "junction_conductance", "junction_voltage", "node_potential", *_COMPUTED)


def kept_of(problem: Problem, step: Step, names: tuple[str, ...]) -> dict[str, Array]:
    """The quantities of a step by name."""
    value = lambda name: _COMPUTED[name](problem, step) if name in _COMPUTED else getattr(step, name)
    return {name: value(name) for name in names}


def run_of(problem: Problem, steps: int) -> Run:
    """What observers know of a run."""
    # As the first step will be solved with.
    first = instant_of(problem, problem.start_step + 1)
    return Run(
        state=problem.state,
        junction_conductance=conductances(problem, passive_conductance(problem), problem.state, first),
        dt=problem.dt,
        steps=steps,
        passive=problem.network.passive,
        network_of_junction=problem.network_of_junction,
        network_of_node=problem.network_of_node,
        networks=problem.shape[:-1],
    )


def conductances(problem: Problem, passive: Array | None, state: Array, instant: Instant) -> Array:
    """What all junctions conduct in a state [S], with `passive_conductance(problem)` given."""
    conductance = call_law(problem.junction, "conductance", state, **instant.of_conductance)
    return conductance if passive is None else jnp.where(problem.network.passive, passive, conductance)


def passive_conductance(problem: Problem) -> Array | None:
    """The passive conductances spread over all junctions, or None where there are none."""
    index = problem.network.passive.nonzero()[0]
    if index.size == 0:
        return None
    spread = jnp.zeros(problem.network.n_junctions, problem.state.dtype)
    return spread.at[index].set(problem.network.passive_conductance)
