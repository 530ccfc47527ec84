"""The benchmark's cases of circuits: a step with electrodes, capacitors, noise, and other junctions."""

import functools as ft
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.benchmarks import _programs
from experiments.benchmarks._cases import (
    DT,
    amplitudes,
    compiled,
    conductances,
    problem,
    repeated,
    steps_for,
)
from experiments.benchmarks._statistics import Case


SERIES: Any = 1e4  # [Ohm]
CAPACITANCE = 1e-10  # [F]: with what a junction conducts when it is off, about a time step
SILVER = 2.26e-8, 50e-9  # [Ohm m] and [m], resistivity and diameter
BARE = 200, 4000  # steps of Newton's method in one run, of a batch and alone
SIZES = (50, 100, 200, 500, 1000)  # of wires; where these resist, five to six times as many nodes


class Shaped(jaxnn.AbstractCurrentJunction):
    """A current that is no multiple of the voltage, without a state that moves."""

    shape: Callable[[Any], Any] = eqx.field(static=True)

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def current(self, state, voltage):
        return 1e-6 * self.shape(voltage / 0.1)  # [A]

    def update(self, state, voltage, dt):
        return state

    def critical_state(self):
        return jnp.inf


def cubic(x: Any) -> Any:
    """A shape that costs next to nothing, so that Newton's method is all that is seen."""
    return x + x**3


def _around(wires: int) -> dict[str, dict[str, Any]]:
    """What each case has besides a plain run of two terminals."""
    terminals = problem(wires)[1]
    behind = (
        jaxnn.Electrode(terminals[0], resistance=SERIES),
        jaxnn.Electrode(terminals[1], "ground", resistance=SERIES),
    )
    across = jaxnn.Capacitance(across_junctions=CAPACITANCE)
    both = jaxnn.Capacitance(CAPACITANCE, CAPACITANCE)
    law = jaxnn.TunnelJunction()
    return {
        "series resistors": {"terminals": behind},
        "moved electrodes": {"terminals": None},
        "junction capacitors": {"capacitance": across},
        "capacitors to the substrate too": {"capacitance": both},
        "read noise": {"junction": jaxnn.WithReadNoise(law, 0.05), "is_noisy": True},
        "Langevin noise": {"junction": jaxnn.WithLangevinNoise(law, 1e-4), "is_noisy": True},
        "Ornstein-Uhlenbeck": {"junction": jaxnn.OrnsteinUhlenbeckJunction(), "is_noisy": True},
        "Newton, sinh": {"junction": Shaped(jnp.sinh)},
        "Newton, cubic": {"junction": Shaped(cubic)},
        "Newton, Simmons": {"junction": jaxnn.SimmonsJunction(law)},
        "Newton, sinh, value and gradient": {"junction": Shaped(jnp.sinh), "is_gradient": True},
        "resistive wires": {"resistive": True},
    }


def circuit_case(wires: int, batch: int, what: str, dtype: str = "float32") -> Case:
    """A time step of a run that has `what` besides, or of a plain one."""
    network, terminals = problem(wires)
    around = _around(wires)[what] if what else {}
    is_noisy, is_gradient = around.pop("is_noisy", False), around.pop("is_gradient", False)
    if around.pop("resistive", False):
        network = network.with_wire_resistance(*SILVER)
        terminals = tuple(network.renumbered(terminals))
    steps = steps_for(wires, batch)
    junction = around.pop("junction", jaxnn.TunnelJunction())
    options = {"terminals": terminals, "dt": DT, "steps": steps, "solver": jaxnn.StarMesh()} | around

    def run(amplitude: Any, pair: Any, key: Any, record: Any = ()) -> Any:
        chosen = options if options["terminals"] is not None else options | {"terminals": pair}
        chosen = chosen | ({"key": key} if is_noisy else {})
        drive = jaxnn.Sine(amplitude, 0.5)
        out = jaxnn.simulate(network, junction, drive, record=record, **chosen)
        return jnp.mean(out.terminal_current[:, 1]), out.final_state, out.recorded

    if is_gradient:
        whole = run
        run = jax.value_and_grad(lambda *given: whole(*given)[0])
    pairs = _pairs(network, terminals, batch)
    # Each run draws numbers of its own.
    keys = jax.random.split(jax.random.key(0), batch)
    arguments = amplitudes(wires, batch, dtype), pairs, keys[0] if batch == 1 else keys
    program, info = compiled(run if batch == 1 else jax.vmap(run), *arguments)
    info |= _programs.step_cost(program, steps) | {"steps": steps, "nodes": network.n_nodes}
    if not junction.is_linear() and not is_gradient:
        record = {"solves": lambda step: step.circuit.solves}
        counted = ft.partial(run, record=record)
        solves = jax.jit(counted if batch == 1 else jax.vmap(counted))(*arguments)[2]["solves"]
        # A batch goes on until the last of it is done.
        info["solves"] = float(jnp.mean(jnp.max(solves.reshape(batch, steps), axis=0)))
    name = f"ours {dtype}, {what}" if what else f"ours {dtype}"
    return Case(name, lambda _: program(*arguments), batch, steps, False, info)


def _pairs(network: jaxnn.Network, terminals: Any, batch: int) -> Any:
    """Other wires for each run, the first as all others have them."""
    random = np.random.default_rng(0)
    drawn = [random.choice(network.n_nodes, 2, replace=False) for _ in range(batch - 1)]
    pairs = jnp.asarray([terminals, *drawn], jnp.int32)
    return pairs[0] if batch == 1 else pairs


def injected_case(wires: int, batch: int, dtype: str = "float32") -> Case:
    """The solve alone, with currents injected: what an iteration of Newton's method cannot do without."""
    network, terminals = problem(wires)
    stack = jnp.asarray(conductances(network.n_junctions, batch), dtype)
    current = jnp.zeros(network.n_nodes, dtype).at[network.n_nodes // 2].set(1e-6)
    plan = jaxnn.kernels.sparse_plan(network.n_nodes, network.edges, np.asarray(terminals))

    def solve(g: Any, _step: Any, plan: Any, current: Any) -> Any:
        # Currents of its own for each network, as there.
        own = current * g[0] / g[1]
        return jaxnn.kernels.solve_nodes(plan, g, jnp.asarray([1.0, 0.0], dtype), own)[1:]

    run, info = repeated(solve, stack, batch, plan, current)
    return Case(f"ours {dtype}, solve with currents", run, batch, info=info)


def bare_case(wires: int, batch: int, shape: Callable[[Any], Any], dtype: str = "float32") -> Case:
    """What Newton's method cannot do without: a law, its slope, and a solve; nothing is judged."""
    network, terminals = problem(wires)
    start = jnp.asarray(conductances(network.n_junctions, batch)[0], dtype) * 1e4  # [V]
    plan = jaxnn.kernels.sparse_plan(network.n_nodes, network.edges, np.asarray(terminals))
    law, inner, steps = Shaped(shape), jaxnn.kernels.batch_inner, BARE[batch == 1]

    def run(voltage: Any, plan: Any) -> Any:
        def step(voltage: Any, _: Any) -> Any:
            current = lambda v: law.current(v, v)
            flow, slope = jax.jvp(current, (voltage,), (jnp.ones_like(voltage),))
            source = inner(flow - slope * voltage)
            held = jnp.asarray([1.0, 0.0], dtype)
            solved = jaxnn.kernels.solve_nodes(plan, inner(slope), held, source=source)
            return inner(solved.junction_voltage), solved.terminal_current

        return jax.lax.scan(step, voltage, None, steps)

    if batch == 1:
        start = start.reshape(-1)
    program, info = compiled(run if batch == 1 else jax.vmap(run, (0, None)), start, plan)
    run_once = lambda _: program(start, plan)
    name = f"ours {dtype}, bare step of Newton's method, {shape.__name__}"
    return Case(name, run_once, batch, steps, False, info)


def circuit_builds(wires: int, batch: int) -> list[Callable[[], Case]]:
    """All cases of circuits, and the solve to compare Newton's method with."""
    made: list[Callable[[], Case]] = [
        ft.partial(circuit_case, wires, batch, what) for what in _around(wires)
    ]
    bare = [ft.partial(bare_case, wires, batch, shape) for shape in (cubic, jnp.sinh)]
    return [*made, ft.partial(injected_case, wires, batch), *bare]


def node_builds(batch: int) -> list[Callable[[], Case]]:
    """Networks of several sizes, each with wires that conduct ideally and with wires that resist."""

    def case(wires: int, what: str) -> Case:
        made = circuit_case(wires, batch, what)
        made.info |= {"wires": wires, "resistive": bool(what)}
        return made

    return [ft.partial(case, wires, what) for wires in SIZES for what in ("", "resistive wires")]
