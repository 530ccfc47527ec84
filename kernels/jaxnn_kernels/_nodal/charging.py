"""A time step with capacitors along the junctions: two solutions of one elimination."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import ad
from jaxtyping import Array, Float, PyTree

from .. import _arguments as arguments
from .._two_stages import staged
from .._types import AnyArray, ArrayOrType, Structure, Tangent
from .._xla import batch_last
from .checks import check_numbers
from .compiled_plan import CompiledPlan
from .incidence import difference_of
from .parallel import ParallelPlan, sum_of_pairs, value_of_pair
from .plan import AbstractPlan
from .solve import NodalSolution, conductance_of_pairs, eliminate_rows, solve_rows


_ARRAY = arguments.array()

Pair = tuple[Array, Array]


def _kernel(plan: CompiledPlan, *given: Any) -> tuple[Array, ...]:
    return plan.solve_stages(*given)


def _shapes(plan: CompiledPlan, *given: PyTree[ArrayOrType]) -> tuple[tuple[int, ...], ...]:
    return plan.stage_shapes(*given)


_primitive, _at_once = batch_last("nodal_stages", _kernel, _shapes, lambda plan: plan.gathers_rows)


def _apart(
    plan: AbstractPlan, conductance: Array, slope: Array, before: Array, current: Any, potential: Pair
) -> list[Array]:
    """The same of arrays (rows, *batch), by solutions that have a derivative rule."""
    factors = eliminate_rows(plan, jax.lax.stop_gradient(conductance))
    solve = lambda current, source, u: solve_rows(plan, conductance, factors, current, source, u)
    made = staged(solve, difference_of(plan.graph, before), slope, current, potential)
    return [*made[0][:2], *made[1]]


def _jvp(
    primals: Sequence[AnyArray], tangents: Sequence[Tangent], *, tree: Structure
) -> tuple[list[Array], list[Array]]:
    # Where there are derivatives there are factors, which they share.
    moving = [k for k, x in enumerate(tangents) if not isinstance(x, ad.Zero)]
    plan, arrays = jax.tree_util.tree_unflatten(tree, primals)
    shapes = _shapes(plan, *arrays)

    def apart(*moved: Array) -> list[Array]:
        leaves: list[Any] = list(primals)
        for k, x in zip(moving, moved, strict=True):
            leaves[k] = x
        plan, arrays = jax.tree_util.tree_unflatten(tree, leaves)
        # What only the second stage hangs on, the first is the same for.
        return [jnp.broadcast_to(x, to) for x, to in zip(_apart(plan, *arrays), shapes, strict=True)]

    return jax.jvp(apart, [primals[k] for k in moving], [tangents[k] for k in moving])


ad.primitive_jvps[_primitive] = _jvp


@arguments.checked(
    plan=arguments.one_of(AbstractPlan),
    conductance=_ARRAY,
    slope=_ARRAY,
    before=_ARRAY,
    terminal_potential=_ARRAY,
    current=_ARRAY,
)
def charge_nodes(
    plan: AbstractPlan,
    conductance: Float[Array, " edges"],
    slope: Float[Array, " edges"],
    before: Float[Array, " nodes"],
    terminal_potential: Float[Array, "stages terminals"],
    current: Float[Array, "stages nodes"] | None = None,
) -> tuple[NodalSolution, NodalSolution]:
    r"""Solves Kirchhoff's laws with a capacitor along each junction, over one time step of second order.

    $$B^T \left( g B \varphi + c B \dot\varphi \right) = b$$

    away from the terminals, by the L-stable method of two stages, $\gamma = 1 - 1/\sqrt 2$, whose last is
    the end of the step. Both have one elimination, of $g + c / (\gamma h)$; compiled, a step is one call.

    - `plan`, `conductance`: as for `solve_nodes`, g [S].
    - `slope`: what a capacitor conducts in a stage, $c / (\gamma h)$ [S], 0 where there is none.
    - `before`: potentials at the beginning of the step [V].
    - `terminal_potential`: those of the terminals at $\gamma h$ and at the end [V].
    - `current`: what flows into each node from outside, at both instants [A]; none by default.

    Returns the solutions of both stages; currents into the network are with those onto capacitors. Raises
    a `ValueError` for shapes that do not fit the plan.

    Source: R. Alexander, SIAM J. Numer. Anal. 14, 1006 (1977).

    ```python
    plan = jaxnn.kernels.nodal_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    g, volts = jnp.array([1.0, 3.0]), jnp.array([[1.0, 0.0], [1.0, 0.0]])
    slope = jnp.array([0.0, 1.0]) / (jaxnn.kernels.STAGE_SHARE * 0.1)  # 1 F, steps of 0.1 s
    middle, end = jaxnn.kernels.charge_nodes(plan, g, slope, jnp.zeros(3), volts)
    end.node_potential  # [1.0, 0.0829, 0.0] [V]
    ```
    """
    sizes = {"edges": plan.graph.ends.shape[-1], "nodes": plan.graph.place.shape[0]}
    check_numbers("conductance", conductance, sizes["edges"])
    check_numbers("slope", slope, sizes["edges"])
    check_numbers("before", before, sizes["nodes"])
    stages = {"terminal_potential": (terminal_potential, plan.terminals.shape[0])}
    if current is not None:
        stages["current"] = current, sizes["nodes"]
    for name, (x, size) in stages.items():
        if jnp.ndim(x) != 2 or len(x) != 2:
            raise ValueError(
                f"{name} must have shape (2, {size}), for the first stage and the end of the step, got "
                f"{jnp.shape(x)}."
            )
        check_numbers(name, x[0], size)
    dtypes = {name: x.dtype for name, (x, _) in stages.items()}
    dtypes |= {"conductance": conductance.dtype, "slope": slope.dtype, "before": before.dtype}
    if len(set(dtypes.values())) > 1:
        listed = ", ".join(f"{name} of {dtype}" for name, dtype in dtypes.items())
        raise ValueError(
            f"charge_nodes needs arrays of one dtype, got {listed}; x.astype(dtype) makes one."
        )
    fed = (None, None) if current is None else (current[0], current[1])
    given = slope, before, fed, (terminal_potential[0], terminal_potential[1])
    first, last = _charged(plan, conductance + slope, *given)
    return first, last


def _charged(
    plan: AbstractPlan, whole: Array, slope: Array, before: Array, current: Any, potential: Pair
) -> list[NodalSolution]:
    if isinstance(plan, ParallelPlan):
        sign = jnp.asarray(plan.sign, whole.dtype)
        of_pairs = conductance_of_pairs(plan, whole), sum_of_pairs(plan.bundles, slope)
        made = _charged(plan.pairs, *of_pairs, before, current, potential)
        of_each = lambda x: sign * value_of_pair(plan.bundles, x.junction_voltage)
        return [x._replace(junction_voltage=of_each(x)) for x in made]
    run = _at_once if isinstance(plan, CompiledPlan) and plan.at_once else _apart
    phi, into, *last = run(plan, whole, slope, before, current, potential)
    first = NodalSolution(phi, difference_of(plan.graph, phi), into)
    return [first, NodalSolution(last[0], last[2], last[1])]
