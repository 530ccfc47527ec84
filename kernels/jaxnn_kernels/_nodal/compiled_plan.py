"""The sparse elimination as a routine that walks a schedule: compiled C++ on a CPU, XLA elsewhere."""

import dataclasses as dc
import math
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from .. import _arguments as arguments
from .._compiled import (
    call,
    compiled_or_not,
    eliminate_on_gpu,
    is_pallas_there,
    is_there,
    substitute_on_gpu,
)
from .._two_stages import GROWTH, staged
from .._types import ArrayOrType
from .._xla import is_shared_out
from . import flat_schedule
from .costs import BATCHED, runs_on_cpu
from .dense import dense_work
from .device_schedule import DeviceSchedule, device_schedule
from .flat_schedule import size_class
from .incidence import incidence, pair_difference
from .leak import hanging, leak, open_conductance, with_leak, without_hanging
from .parallel import merges_parallel
from .plan import AbstractPlan, joined_by, with_sources
from .portable import CompiledFactors, Portable, portable_of
from .schedule import Schedule, schedule
from .star_plan import plan_of


_KNOWN = arguments.real(known=True, finite=False)

Tree = TypeVar("Tree")


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True, repr=False)
class CompiledPlan(AbstractPlan):
    """A sparse elimination as a list of whole numbers, and as tables for XLA where it must run anywhere."""

    schedule: Any
    portable: Portable | None
    terminals: Any
    graph: Any
    gathers_rows: ClassVar[bool] = False
    n_slots: int = dc.field(metadata={"static": True})
    n_mesh: int = dc.field(metadata={"static": True})
    n_blocks: int = dc.field(metadata={"static": True})
    on_gpu: DeviceSchedule | None = None

    def __repr__(self) -> str:
        n, t = len(self.graph.place), len(self.terminals)
        return (
            f"CompiledPlan({n} wires, {self.graph.ends.shape[-1]} junctions, {t} terminals: "
            f"a schedule of {4 * len(self.schedule) / 1024:,.0f} KiB; "
            f"full elimination takes {dense_work(n, t):,} multiply-adds)"
        )

    def eliminate(self, conductance: Array) -> CompiledFactors:
        shapes: Any = tuple(self.factor_shapes(conductance))
        run = compiled_or_not(
            _eliminate_compiled,
            _eliminate_portable,
            (self, conductance),
            shapes,
            conductance.dtype,
            None if self.on_gpu is None else _eliminate_on_gpu,
        )
        return CompiledFactors(*run)

    def substitute(
        self, factors: CompiledFactors, potential: Array, current: Array | None
    ) -> tuple[Array, Array]:
        phi, into, _ = self._substituted(factors, potential, current, None)
        return phi, into

    @property
    def at_once(self) -> bool:
        # A GPU eliminates by a kernel of its own; XLA would do twice what two right-hand sides can share.
        return self.on_gpu is None and is_there()

    def solve(
        self,
        conductance: Array,
        potential: Array,
        current: Array | None = None,
        source: Array | None = None,
        factors: CompiledFactors | None = None,
    ) -> tuple[Array, Array, Array]:
        given = conductance, potential, current, source
        trail = trail_of(given)
        # Right-hand sides may share an elimination.
        is_shared = math.prod(conductance.shape[1:]) < math.prod(trail)
        if factors is None and (is_shared or not self.at_once):
            factors = self.eliminate(with_leak(conductance))
        if factors is not None:
            return self._substituted(factors, potential, current, source)
        run = compiled_or_not(
            _solve_compiled, _solve_portable, (self, *given), self._shapes(trail), potential.dtype
        )
        return run[0], run[1], run[2]

    def solve_stages(
        self,
        conductance: Array,
        slope: Array,
        before: Array,
        current: tuple[Array | None, Array | None],
        potential: tuple[Array, Array],
    ) -> tuple[Array, ...]:
        """Computes what `solve` does at both stages of a time step with capacitors: see `charge_nodes`.

        The first voltages, which few ask for, are left out.
        """
        given = conductance, slope, before, current, potential
        shapes = self.stage_shapes(*given)
        return tuple(
            compiled_or_not(_stages_compiled, _stages_portable, (self, *given), shapes, conductance.dtype)
        )

    def _substituted(
        self, factors: CompiledFactors, potential: Array, current: Array | None, source: Array | None
    ) -> tuple[Array, Array, Array]:
        # The library has routines for numbers of one kind.
        alike = lambda x: x.astype(potential.dtype)
        factors, current, source = jax.tree.map(alike, (factors, current, source))
        given = factors, potential, current, source
        run = compiled_or_not(
            _substitute_compiled,
            _substitute_portable,
            (self, *given),
            self._shapes(trail_of(given)),
            potential.dtype,
            None if self.on_gpu is None else _substitute_on_gpu,
        )
        return run[0], run[1], run[2]

    def _shapes(self, trail: tuple[int, ...]) -> Any:
        sizes = self.graph.place.shape[0], self.terminals.shape[0], self.graph.ends.shape[-1]
        return tuple((n, *trail) for n in sizes)

    def stage_shapes(self, *given: PyTree[ArrayOrType]) -> Any:
        """Returns the shapes of what `solve_stages` computes."""
        last = self._shapes(trail_of(given))
        return (*last[:2], *last)

    def factor_shapes(self, conductance: ArrayOrType) -> CompiledFactors:
        trail = conductance.shape[1:]
        wires = self.graph.place.shape[0] - self.terminals.shape[0]
        rows: Any = ((n, *trail) for n in (self.n_slots, wires, self.n_mesh))
        return CompiledFactors(*rows)

    def joined(self, conductance: Array, factors: CompiledFactors) -> Array:
        shape = self.graph.place.shape[0], *conductance.shape[1:]
        on_gpu = None if self.on_gpu is None else _joined_on_gpu
        operands, dtype = (self, conductance, factors), conductance.dtype
        return compiled_or_not(_joined_compiled, _joined_by_plan, operands, (shape,), dtype, on_gpu)[0]

    def live(self, conductance: Array, factors: CompiledFactors | None = None) -> Array:
        if is_shared_out():
            return super().live(conductance, factors)
        operands, shapes = (self, conductance, factors), (conductance.shape,)
        return compiled_or_not(_live_compiled, _live_portable, operands, shapes, conductance.dtype)[0]


def trail_of(*arrays: PyTree[ArrayOrType]) -> tuple[int, ...]:
    """Returns the axes of the batch that all of these share, or some of them."""
    trails: Any = (x.shape[1:] for x in jax.tree.leaves(arrays))
    return tuple(map(int, jnp.broadcast_shapes(*trails)))


def _spread(x: Array, trail: tuple[int, ...]) -> Array:
    """(rows, *trail), or as it is where all of the batch share it."""
    return x if math.prod(x.shape[1:]) == 1 else jnp.broadcast_to(x, (x.shape[0], *trail))


def _flat(x: Array, trail: tuple[int, ...]) -> Array:
    """(rows, batch): as it is where all of the batch share it."""
    if math.prod(x.shape[1:]) == 1:
        return x.reshape(x.shape[0], 1)
    return jnp.broadcast_to(x, (x.shape[0], *trail)).reshape(x.shape[0], math.prod(trail))


def _unflat(arrays: Sequence[Array], trail: tuple[int, ...]) -> list[Array]:
    return [x.reshape(x.shape[0], *trail) for x in arrays]


def _eliminate_compiled(plan: CompiledPlan, conductance: Array) -> list[Array]:
    shapes: Any = list(plan.factor_shapes(conductance))
    return call("eliminate", shapes, plan.schedule, conductance, **least_of(conductance))


def least_of(conductance: Array) -> dict[str, Any]:
    """Returns what leaks conduct [S]: at most a branch between terminals, and an open junction."""
    dtype = conductance.dtype
    return {"most": open_conductance(conductance.shape[0], dtype), "leak": leak(dtype)}


def _substitute_compiled(
    plan: CompiledPlan,
    factors: CompiledFactors,
    potential: Array,
    current: Array | None,
    source: Array | None,
) -> list[Array]:
    trail = trail_of((factors, potential, current, source))
    return called("substitute", plan, plan._shapes(trail), (current, source), *factors, potential)


def called(
    name: str,
    plan: CompiledPlan,
    shapes: tuple[tuple[int, ...], ...],
    fed: tuple[Array | None, Array | None],
    *given: Array,
    in_place: bool = False,
    **numbers: float | int,
) -> list[Array]:
    """Calls a routine, with two arrays of what flows in besides, if any; of the dtype of the last array."""
    trail = shapes[0][1:]
    none = jnp.zeros((0, 1), given[-1].dtype)
    first = (none if x is None else _spread(x, trail) for x in fed)
    rest = (_spread(x, trail) for x in given)
    return call(name, shapes, plan.schedule, *first, *rest, in_place=in_place, **numbers)


def _solve_compiled(
    plan: CompiledPlan, conductance: Array, potential: Array, current: Array | None, source: Array | None
) -> list[Array]:
    trail = trail_of((conductance, potential, current, source))
    fed, given = (current, source), (conductance, potential)
    return called("solve", plan, plan._shapes(trail), fed, *given, **least_of(conductance))


def _stages_compiled(
    plan: CompiledPlan,
    conductance: Array,
    slope: Array,
    before: Array,
    current: tuple[Array | None, Array | None],
    potential: tuple[Array, Array],
) -> list[Array]:
    shapes = plan.stage_shapes(conductance, slope, before, current, potential)
    # Each network of the batch is eliminated, as it is where they differ.
    whole = jnp.broadcast_to(conductance, (conductance.shape[0], *shapes[0][1:]))
    numbers = {"growth": GROWTH, **least_of(conductance)}
    return called("stages", plan, shapes, current, slope, before, whole, *potential, **numbers)


def _stages_portable(
    plan: CompiledPlan,
    conductance: Array,
    slope: Array,
    before: Array,
    current: tuple[Array | None, Array | None],
    potential: tuple[Array, Array],
) -> list[Array]:
    factors = plan.eliminate(with_leak(conductance))
    solve = lambda current, source, u: plan.solve(conductance, u, current, source, factors)
    made = staged(solve, pair_difference(plan.graph, before), slope, current, potential)
    shapes = plan.stage_shapes(conductance, slope, before, current, potential)
    return [jnp.broadcast_to(*of) for of in zip((*made[0][:2], *made[1]), shapes, strict=True)]


def _solve_portable(plan: CompiledPlan, conductance: Array, *given: Any) -> list[Array]:
    return list(AbstractPlan.solve(plan, conductance, *given))


def _eliminate_on_gpu(plan: CompiledPlan, conductance: Array) -> list[Array]:
    trail = trail_of(conductance)
    rows: Any = tuple(shape[0] for shape in plan.factor_shapes(conductance))
    most = open_conductance(conductance.shape[0], conductance.dtype)
    return _unflat(eliminate_on_gpu(plan.on_gpu, _flat(conductance, trail), rows, most), trail)


def _substitute_on_gpu(
    plan: CompiledPlan,
    factors: CompiledFactors,
    potential: Array,
    current: Array | None,
    source: Array | None,
) -> list[Array]:
    current = with_sources(plan.graph, current, source)
    trail = trail_of((factors, potential, current))
    shape = plan.graph.place.shape[0], math.prod(trail)
    known = [_flat(x, trail) for x in factors]
    injected = None if current is None else _flat(current, trail)
    made = substitute_on_gpu(plan.on_gpu, known, _flat(potential, trail), injected, shape)
    phi, into = _unflat(made, trail)
    return [phi, into, pair_difference(plan.graph, phi)]


def _joined_compiled(plan: CompiledPlan, conductance: Array, factors: CompiledFactors) -> list[Array]:
    del factors
    return _found(plan, conductance, plan.graph.place.shape[0], live=False)


def _live_compiled(plan: CompiledPlan, conductance: Array, factors: CompiledFactors | None) -> list[Array]:
    del factors
    return _found(plan, conductance, conductance.shape[0], live=True)


def _found(plan: CompiledPlan, conductance: Array, rows: int, live: bool) -> list[Array]:
    shape = rows, *conductance.shape[1:]
    most = open_conductance(1, conductance.dtype)
    return call("joined", [shape], plan.schedule, conductance, most=most, live=live)


def _live_portable(plan: CompiledPlan, conductance: Array, factors: CompiledFactors | None) -> list[Array]:
    return [AbstractPlan.live(plan, conductance, factors)]


def _joined_by_plan(plan: CompiledPlan, conductance: Array, factors: CompiledFactors) -> list[Array]:
    scale = without_hanging(factors.scale, hanging(conductance))
    return [joined_by(plan, conductance, factors._replace(scale=scale))]


def _joined_on_gpu(plan: CompiledPlan, conductance: Array, factors: CompiledFactors) -> list[Array]:
    # As `joined_by`, whose arrays would be three more launches.
    trail = conductance.shape[1:]
    shape = plan.graph.place.shape[0], math.prod(trail)
    known = [_flat(x, trail) for x in factors]
    reach, _ = substitute_on_gpu(plan.on_gpu, known, None, None, shape, hanging(conductance))
    return [(reach > 0.5).astype(conductance.dtype).reshape(shape[0], *trail)]


def _portable(plan: CompiledPlan) -> Portable:
    if plan.portable is None:
        raise NotImplementedError(
            "A plan that went through plans_of_here runs on one CPU alone, and not in an exported program; "
            "make it again by nodal_plan or compiled_plan."
        )
    return plan.portable


def _eliminate_portable(plan: CompiledPlan, conductance: Array) -> list[Array]:
    return list(_portable(plan).eliminate(conductance))


def _substitute_portable(
    plan: CompiledPlan,
    factors: CompiledFactors,
    potential: Array,
    current: Array | None,
    source: Array | None,
) -> list[Array]:
    trail = trail_of((factors, potential, current, source))
    current = with_sources(plan.graph, current, source)
    wide = lambda x: jnp.broadcast_to(x, (x.shape[0], *trail))
    injected = None if current is None else wide(current)
    phi, into = _portable(plan).substitute(factors, wide(potential), injected)
    return [phi, into, pair_difference(plan.graph, phi)]


def compiled_plan_of(
    order: Schedule,
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    on_gpu: bool = False,
) -> CompiledPlan:
    """Plan a sparse elimination in an order that is known, for a CPU or for a GPU too."""
    block = flat_schedule.GPU_BLOCK if on_gpu else flat_schedule.CPU_BLOCK
    flat = flat_schedule.flat_schedule(n_nodes, edges, terminals, order, block)
    portable = portable_of(plan_of(order, n_nodes, edges, terminals, BATCHED), flat)
    return CompiledPlan(
        flat.numbers,
        portable,
        terminals.astype(np.int32),
        incidence(n_nodes, edges),
        size_class(flat.n_slots),
        size_class(len(flat.mesh)),
        flat.n_blocks,
        device_schedule(flat, n_nodes, terminals) if on_gpu and is_pallas_there() else None,
    )


def plans_of_here(tree: Tree) -> Tree:
    """Returns the same tree, whose compiled plans have only what a CPU with the library needs.

    The tables by which XLA would do the same on any machine have shapes that each network has for itself.
    Without them networks of as many wires, junctions and terminals share a program, if their schedules are
    of one class of sizes, four in each doubling: most pairs of electrodes of a network do. A program of
    such plans cannot be exported, nor run on several devices that share a batch.

    ```python
    plan = jaxnn.kernels.compiled_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    jaxnn.kernels.plans_of_here(plan).portable  # None
    ```
    """
    is_plan = lambda x: isinstance(x, CompiledPlan)
    lean = lambda x: dc.replace(x, portable=None) if is_plan(x) and is_there() else x
    return jax.tree_util.tree_map(lean, tree, is_leaf=is_plan)


@arguments.checked(n_nodes=arguments.count(0), edges=_KNOWN, terminals=_KNOWN)
@merges_parallel
def compiled_plan(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    device: str | None = None,
) -> CompiledPlan:
    """Plans a sparse elimination for the compiled library on a CPU, and for kernels of its own on a "gpu".

    `device` is what the plan is for, by default what JAX runs on. It runs on any: where there is neither
    the library nor such a kernel, as XLA compiles it.

    ```python
    plan = jaxnn.kernels.compiled_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    solved = jaxnn.kernels.solve_nodes(plan, jnp.array([1.0, 3.0]), jnp.array([1.0, 0.0]))
    solved.node_potential  # [1.0, 0.25, 0.0] [V]
    ```
    """
    order = schedule(n_nodes, edges, terminals)
    return compiled_plan_of(order, n_nodes, edges, terminals, not runs_on_cpu(device))
