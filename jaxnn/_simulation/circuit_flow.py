"""One step of a circuit: what flows with electrodes, capacitors or junctions that are no resistors."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from jaxnn_kernels import (
    STAGE_SHARE,
    NodalSolution,
    batch_inner,
    charge_nodes,
    difference,
    divergence,
    eliminate_nodes,
    open_conductance,
    solve_nodes,
    two_part_sum,
)

from .._circuit import AbstractCurrents, Balanced, Circuit, Sources, balanced, sources_at
from .._core import Module, unit
from .._drives import Clock
from .._junctions import AbstractJunction, call_law
from .kirchhoff import Flow, conductance_between, per_network, per_owner
from .problem import Problem, terminal_potential
from .result import CURRENT_INTO_ISLAND, NOT_CONVERGED


_ABOVE_ANY_LAW = 1e6  # [S]
_WEIGHTS = (1 - STAGE_SHARE, STAGE_SHARE)  # of the stages of a step


class CircuitStep(Module):
    """The part of electrodes and capacitors in a time step, within the `jaxnn.Step` of a run with them.

    ```python
    source, drain = setup["terminals"]
    behind = setup | {"terminals": (jaxnn.Electrode(source, resistance=1e4), drain)}
    record = {"lost": lambda step: step.drive[0] - step.circuit.electrode_potential[0]}
    jaxnn.simulate(network, law, drive, record=record, **behind).recorded["lost"].shape  # (50,)
    ```
    """

    electrode_potential: Float[Array, "*terminals"] = eqx.field(metadata=unit("V"))
    """Potentials of the wires that the electrodes touch [V]."""
    charge: Float[Array, "*terminals"] = eqx.field(metadata=unit("C"))
    """What came through each electrode in the step [C]."""
    supplied: Float[Array, "*networks"] = eqx.field(metadata=unit("J"))
    """Energy that the electrodes' sources gave in the step [J]."""
    dissipated: Float[Array, "*networks"] = eqx.field(metadata=unit("J"))
    """Energy that became heat in junctions and series resistances in the step [J]."""
    stored: Float[Array, "*networks"] = eqx.field(metadata=unit("J"))
    """Energy on the capacitors after the step [J]."""
    unbalanced: Float[Array, " nodes"] = eqx.field(metadata=unit("A"))
    """Current that each wire fails to pass on [A]."""
    edge_conductance: Float[Array, " edges"] = eqx.field(metadata=unit("S"))
    """Conductances of the junctions, and then of the contacts of electrodes [S]."""
    trouble: Int[Array, "*networks"]
    """What went wrong in the solution, as the number of a cause, or 0."""
    solves: Int[Array, ""]
    """Linear systems that were solved for the step: one, or one per iteration, in each stage."""


class Currents(AbstractCurrents):
    """The current of each edge at its voltage: junctions by their law, the rest by conductances [S].

    With capacitors, what flows onto them in a stage as well: $c (v - v_0) / (\\gamma h)$.
    """

    junction: AbstractJunction
    state: Array
    inputs: dict[str, Any]
    passive: Bool[np.ndarray, " junctions"]
    conductance: Float[Array, " edges"]
    slope: Float[Array, " edges"] | None
    before: Float[Array, " edges"] | None

    @property
    def n_junctions(self) -> int:
        """Number of junctions, before what is linear."""
        return self.passive.shape[0]

    def conducted(self, voltage: Float[Array, " edges"]) -> Float[Array, " edges"]:
        """What flows through the edges, without what flows onto capacitors."""
        n, linear = self.n_junctions, self.conductance * voltage
        own = call_law(self.junction, "current", self.state, voltage[:n], **self.inputs)
        # Nothing is chosen where there is no choice.
        if self.passive.any():
            own = jnp.where(self.passive, linear[:n], own)
        return jnp.concatenate([own, linear[n:]]) if n < voltage.shape[0] else own


class _Law(NamedTuple):
    """What the currents of the junctions hang on besides their voltages."""

    state: Array
    inputs: dict[str, Any]


class _Stage(NamedTuple):
    """A solution at one instant, on the whole graph."""

    now: Sources
    potential: Float[Array, " nodes"]
    voltage: Float[Array, " edges"]
    conducted: Float[Array, " edges"]
    current: Float[Array, " electrodes"]
    unbalanced: Float[Array, " nodes"]
    at_rest: Bool[Array, " edges"]
    solves: Int[Array, ""]


def circuit_flow(
    problem: Problem,
    state: Float[Array, "*variables junctions"],
    conductance: Float[Array, " junctions"],
    inputs: dict[str, Any],
    value_at: Callable[[Clock], Array],
    clock: Clock,
    before: Float[Array, " nodes"],
) -> tuple[Flow, Float[Array, " junctions"], CircuitStep, Float[Array, " nodes"]]:
    """What flows at the end of a step, the conductances that it stands for, and the potentials then.

    `before` are the potentials of the wires at its beginning [V], and `inputs` what a law may ask for
    besides its state, for the conductances of this step.
    """
    circuit = _circuit_of(problem)
    # The solver is for conductances that are not negative: what it gave would look like a result.
    conductance = jnp.where(conductance < 0, jnp.nan, conductance)
    value = lambda clock: terminal_potential(value_at(clock).astype(conductance.dtype), problem.shape)
    drive = value(clock)
    at = lambda clock, value: sources_at(circuit, value, clock, problem.shape[:-1])
    now = at(clock, drive)
    law = _Law(state, inputs)
    capacity = _capacity(problem)
    slope = None if capacity is None else capacity / (STAGE_SHARE * problem.dt)
    edges = _edge_conductance(problem, now, conductance, slope)
    guess = _on_graph(circuit, before, now.held.dtype)
    if slope is None:
        last = _solved(problem, law, now, edges, None, None, guess, None)
        stages = ((1.0, last),)
    else:
        middle = _within(clock, problem)
        early = at(middle, value(middle))
        # A contact that is switched within the step has another elimination in each stage.
        shared = problem.junction.is_linear() and not circuit.switches
        if shared and problem.plan.at_once:
            made = _charged(problem, (early, now), edges, slope, guess)
        else:
            factors = eliminate_nodes(problem.plan, edges + slope) if shared else None
            first_edges = _edge_conductance(problem, early, conductance, slope)
            held = _voltage(problem, guess)
            first = _solved(problem, law, early, first_edges, slope, held, guess, factors)
            grown = _grown(held, first.voltage)
            made = first, _solved(problem, law, now, edges, slope, grown, first.potential, factors)
        stages = tuple(zip(_WEIGHTS, made, strict=True))
    return _results(problem, conductance, drive, edges, capacity, stages)


def _circuit_of(problem: Problem) -> Circuit:
    assert problem.circuit is not None
    return problem.circuit


def _within(clock: Clock, problem: Problem) -> Clock:
    """The instant of the first stage, (1 - gamma) of a step before its end."""
    back = -(1 - STAGE_SHARE) * problem.dt, -(1 - STAGE_SHARE) * problem.dt_remainder
    return Clock(*two_part_sum(clock.parts, back), clock.tolerance)


def _voltage(problem: Problem, potential: Array) -> Array:
    return batch_inner(difference(problem.plan.graph, batch_inner(potential)))


def _grown(held: Array, first: Array) -> Array:
    """The voltages that the second stage begins with."""
    return batch_inner(held + (1 - STAGE_SHARE) / STAGE_SHARE * (first - held))


def _on_graph(circuit: Circuit, of_wires: Array, dtype: jnp.dtype) -> Array:
    """Potentials of the wires with those of the nodes that are added, 0 V."""
    return jnp.concatenate([of_wires, jnp.zeros(circuit.n_nodes - circuit.n_wires, dtype)])


def _from_capacitors(circuit: Circuit, source: Float[Array, " edges"]) -> Float[Array, " nodes"]:
    """What currents of the capacitors bring to each wire [A], where XLA is to sum them up.

    Not by the graph of the plan: the row of the substrate, which is as long as there are wires, costs more
    than all others, and what flows into it makes no difference.
    """
    at = divergence(circuit.across, source[: circuit.n_junctions])
    if circuit.has_substrate:
        at = at + _on_graph(circuit, source[-circuit.n_wires :], source.dtype)
    return batch_inner(at)


def _edge_conductance(problem: Problem, now: Sources, conductance: Array, slope: Array | None) -> Array:
    circuit = _circuit_of(problem)
    beside = conductance if slope is None else jnp.concatenate([conductance, slope])
    if not problem.junction.is_linear():
        # What they conduct at the voltages that are looked for is not known yet: a diode, nothing at 0 V.
        beside = jnp.append(beside, jnp.asarray(_ABOVE_ANY_LAW, beside.dtype))
    parts = [conductance, circuit.contacts(now.on, beside)]
    if circuit.has_substrate:
        parts.append(jnp.zeros(circuit.n_wires, conductance.dtype))
    # The solve and all that is around it want the batch last in memory.
    return batch_inner(jnp.concatenate(parts))


def _capacity(problem: Problem) -> Array | None:
    """The capacitance of every edge [F], or None where there is none."""
    circuit = _circuit_of(problem)
    if circuit.capacitance is None or not circuit.holds_charge:
        return None
    across, below = circuit.capacitance.across_junctions, circuit.capacitance.to_substrate
    dtype, n = problem.state.dtype, circuit.n_junctions
    spread = lambda x, size: jnp.broadcast_to(jnp.asarray(0 if x is None else x, dtype), (size,))
    parts = [spread(across, n), jnp.zeros(len(circuit.contact_wire), dtype)]
    if circuit.has_substrate:
        parts.append(spread(below, circuit.n_wires))
    return jnp.concatenate(parts)


def _solved(
    problem: Problem,
    law: "_Law",
    now: Sources,
    edges: Array,
    slope: Array | None,
    before: Array | None,
    guess: Array,
    factors: PyTree | None,
) -> _Stage:
    """Kirchhoff's laws at an instant; capacitors are conductances `slope` [S] from `before` [V] on."""
    circuit, plan = _circuit_of(problem), problem.plan
    if not problem.junction.is_linear():
        return _searched(problem, law, now, edges, slope, before, guess)
    fed, whole, along = _fed(circuit, now, edges.dtype), edges, None
    if slope is not None and before is not None:
        whole, along = edges + slope, -slope * before
        if not plan.at_once:
            from_capacitors = _from_capacitors(circuit, -along)
            fed, along = from_capacitors if fed is None else fed + from_capacitors, None
    found = solve_nodes(plan, whole, now.held, fed, factors, along)
    return _linear(problem, now, edges, found, slope, before)


def _searched(
    problem: Problem,
    law: "_Law",
    now: Sources,
    edges: Array,
    slope: Array | None,
    before: Array | None,
    guess: Array,
) -> _Stage:
    """The same of junctions whose current is no multiple of the voltage."""
    circuit = _circuit_of(problem)
    currents = Currents(
        junction=problem.junction,
        state=law.state,
        inputs=law.inputs,
        passive=np.asarray(problem.network.passive),
        conductance=edges,
        slope=slope,
        before=before,
    )
    below = jnp.zeros(circuit.n_nodes, edges.dtype)
    below = below.at[: circuit.n_wires].set(per_owner(now.base, problem.network_of_node))
    guess, fed = jax.lax.stop_gradient(guess - below), _fed(circuit, now, edges.dtype)
    found = balanced(problem.plan, currents, now.held, fed, guess)
    through = currents.through(currents.conducted(found.junction_voltage), found.junction_voltage)
    return _stage(problem, now, found, found.edge_current, through, (found.at_rest, found.solves))


def _charged(
    problem: Problem, instants: tuple[Sources, Sources], edges: Array, slope: Array, before: Array
) -> tuple[_Stage, _Stage]:
    """Both stages of a step of resistors and capacitors."""
    circuit = _circuit_of(problem)
    potential = jnp.stack([at.held for at in instants])
    fed = [x for at in instants if (x := _fed(circuit, at, edges.dtype)) is not None]
    current = jnp.stack(fed) if fed else None
    first, last = charge_nodes(problem.plan, edges, slope, before, potential, current)
    held = _voltage(problem, before)
    grown = _grown(held, first.junction_voltage)
    return (
        _linear(problem, instants[0], edges, first, slope, held),
        _linear(problem, instants[1], edges, last, slope, grown),
    )


def _fed(circuit: Circuit, now: Sources, dtype: jnp.dtype) -> Array | None:
    """What electrodes bring to each node [A], if any are fed a current."""
    if not circuit.of_kind("current").size:
        return None
    return jnp.zeros(circuit.n_nodes, dtype).at[circuit.wire].add(now.fed, mode="drop")


def _linear(
    problem: Problem,
    now: Sources,
    edges: Array,
    found: NodalSolution,
    slope: Array | None,
    before: Array | None,
) -> _Stage:
    voltage = found.junction_voltage
    conducted = through = edges * voltage
    if slope is not None and before is not None:
        through = (edges + slope) * voltage - slope * before
    searched = jnp.ones(edges.shape, bool), jnp.int32(1)
    return _stage(problem, now, found, conducted, through, searched)


def _stage(
    problem: Problem,
    now: Sources,
    found: NodalSolution | Balanced,
    conducted: Array,
    through: Array,
    searched: tuple[Array, Array],
) -> _Stage:
    circuit, plan = _circuit_of(problem), problem.plan
    held = circuit.held
    of_electrodes = found.terminal_current[: held.size]
    if held.size < now.fed.size:
        of_electrodes = now.fed.at[held].set(of_electrodes)
    # What goes through an ideal contact, its voltage has no digits for; the current has.
    contacts = slice(circuit.n_junctions, circuit.n_junctions + len(circuit.contact_wire))
    lost = divergence(plan.graph, through.at[contacts].set(0))
    lost = lost.at[circuit.wire].add(-of_electrodes, mode="drop")
    voltage = found.junction_voltage
    return _Stage(now, found.node_potential, voltage, conducted, of_electrodes, lost, *searched)


def _results(
    problem: Problem,
    conductance: Array,
    drive: Array,
    edges: Array,
    capacity: Array | None,
    stages: tuple[tuple[float, _Stage], ...],
) -> tuple[Flow, Array, CircuitStep, Array]:
    circuit, last = _circuit_of(problem), stages[-1][1]
    n, n_wires, dt = circuit.n_junctions, circuit.n_wires, problem.dt
    voltage, shape = last.voltage[:n], drive.shape
    potential = _absolute(problem, last)
    at_wires = circuit.at_wires(potential).reshape(shape)
    current = last.current.reshape(shape)
    if not problem.junction.is_linear():
        # Where a product with the voltage would underflow, 1e-19 V in float32, it is the slope at 0 V.
        flat = jnp.abs(voltage) <= jnp.finfo(voltage.dtype).tiny ** 0.5
        chord = last.conducted[:n] / jnp.where(flat, 1, voltage)
        conductance = jnp.where(flat, conductance, chord)
    flow = Flow(drive, current, conductance_between(at_wires, current), voltage, potential)
    given = lambda stage: stage.current * _sources(problem, stage)
    mean = lambda of: jnp.asarray(sum(weight * of(stage) for weight, stage in stages))
    heat = lambda stage: _heat(problem, stage, shape)
    stored = jnp.zeros_like(last.voltage) if capacity is None else capacity * last.voltage**2 / 2
    step = CircuitStep(
        electrode_potential=at_wires,
        charge=dt * mean(lambda stage: stage.current).reshape(shape),
        supplied=dt * jnp.sum(mean(given).reshape(shape), axis=-1),
        dissipated=dt * mean(heat),
        stored=_per_network(problem, stored),
        unbalanced=last.unbalanced[:n_wires],
        edge_conductance=edges,
        trouble=_trouble(problem, stages),
        solves=sum((stage.solves for _, stage in stages), jnp.int32(0)),
    )
    return flow, conductance, step, potential


def _heat(problem: Problem, stage: _Stage, shape: tuple[int, ...]) -> Array:
    """What junctions and series resistances turn into heat [W]."""
    circuit = _circuit_of(problem)
    in_junctions = (stage.conducted * stage.voltage)[: circuit.n_junctions]
    on = stage.now.on
    in_series = stage.current**2 * circuit.resistance / jnp.where(on > 0, on, 1)
    in_junctions = per_network(problem, "sum", in_junctions, problem.network_of_junction)
    return in_junctions + jnp.sum(in_series.reshape(shape), axis=-1)


def _absolute(problem: Problem, stage: _Stage) -> Array:
    wires = stage.potential[: _circuit_of(problem).n_wires]
    return wires + per_owner(stage.now.base, problem.network_of_node)


def _sources(problem: Problem, stage: _Stage) -> Array:
    """The potential that each electrode's current comes from [V]: its source's, or that of its wire."""
    circuit = _circuit_of(problem)
    own = circuit.at_wires(_absolute(problem, stage))
    base = per_owner(stage.now.base, circuit.network_of_electrode)
    held = stage.now.held[: circuit.held.size] + (base[circuit.held] if base.ndim else base)
    return own.at[circuit.held].set(held)


def _owners(problem: Problem) -> Array | np.ndarray:
    """The network of every edge."""
    circuit = _circuit_of(problem)
    parts = [problem.network_of_junction, circuit.network_of_electrode[circuit.contact_electrode]]
    if circuit.has_substrate:
        parts.append(problem.network_of_node)
    return jnp.concatenate([jnp.asarray(part) for part in parts])


def _per_network(problem: Problem, values: Array) -> Array:
    """Sums of values of edges over the network that each belongs to."""
    return per_network(problem, "sum", values, _owners(problem))


def _trouble(problem: Problem, stages: tuple[tuple[float, _Stage], ...]) -> Int[Array, "*networks"]:
    """A search that did not end, or a current that finds nothing but open junctions."""
    circuit, shape = _circuit_of(problem), problem.shape
    trouble = jnp.zeros(shape[:-1], jnp.int32)
    fed = circuit.of_kind("current")
    for _, stage in stages:
        stage = jax.lax.stop_gradient(stage)
        if not problem.junction.is_linear():
            lost = _per_network(problem, (~stage.at_rest).astype(jnp.int32)) > 0
            trouble = jnp.where(lost, NOT_CONVERGED, trouble)
        if fed.size and not circuit.holds_charge:
            most = open_conductance(stage.voltage.shape[0], stage.voltage.dtype)
            over = circuit.at_wires(stage.potential)
            nowhere = (jnp.abs(stage.now.fed) <= most * jnp.abs(over)) & (stage.now.fed != 0)
            nowhere = jnp.any(nowhere.reshape(shape), axis=-1)
            trouble = jnp.where(nowhere, CURRENT_INTO_ISLAND, trouble)
    return trouble
