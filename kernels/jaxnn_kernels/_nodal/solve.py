"""The nodal solve and its one derivative rule."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.interpreters import ad
from jaxtyping import Array, Bool, Float, PyTree

from .. import _arguments as arguments
from .._compiled import saved
from .._types import AnyArray, ArrayOrType, Structure, Tangent
from .._xla import batch_last
from .checks import check_numbers
from .incidence import difference_of as difference
from .leak import with_leak
from .parallel import ParallelPlan, sum_of_pairs, value_of_pair
from .plan import AbstractPlan


_ARRAY = arguments.array()


class NodalSolution(NamedTuple):
    """The potentials [V], junction voltages phi_a - phi_b [V] and currents into the network [A].

    ```python
    plan = jaxnn.kernels.dense_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    solved = jaxnn.kernels.solve_nodes(plan, jnp.array([1.0, 3.0]), jnp.array([1.0, 0.0]))
    solved.junction_voltage  # [0.75, 0.25] [V]
    solved.terminal_current  # [0.75, -0.75] [A]
    ```
    """

    node_potential: Float[Array, " nodes"]
    """Potentials of the wires [V]."""
    junction_voltage: Float[Array, " edges"]
    """Voltage phi_a - phi_b of each edge (a, b) [V]."""
    terminal_current: Float[Array, " terminals"]
    """Currents from the terminals into the network [A]."""


def _eliminate_kernel(plan: AbstractPlan, conductance: Array) -> PyTree:
    return plan.eliminate(with_leak(conductance))


def _eliminate_shapes(plan: AbstractPlan, conductance: ArrayOrType) -> PyTree:
    return plan.factor_shapes(conductance)


def _solve_kernel(
    plan: AbstractPlan,
    conductance: Array,
    factors: PyTree | None,
    current: Array | None,
    source: Array | None,
    potential: Array,
) -> tuple[Array, Array, Array]:
    return plan.solve(conductance, potential, current, source, factors)


def _solve_shapes(
    plan: AbstractPlan, conductance: ArrayOrType, factors: PyTree, *given: ArrayOrType | None
) -> tuple[tuple[int, ...], ...]:
    # Factors have the axes of their conductances.
    trails = (x.shape[1:] for x in (conductance, *given) if x is not None)
    trail = jnp.broadcast_shapes(*trails)
    rows = plan.graph.place.shape[0], plan.terminals.shape[0], conductance.shape[0]
    return tuple((n, *trail) for n in rows)


def _joined_kernel(plan: AbstractPlan, conductance: Array, factors: PyTree) -> Array:
    return plan.joined(conductance, factors)


def _live_kernel(plan: AbstractPlan, conductance: Array, factors: PyTree) -> Array:
    return plan.live(conductance, factors)


def _joined_shapes(plan: AbstractPlan, conductance: ArrayOrType, factors: PyTree) -> tuple[int, ...]:
    return plan.graph.place.shape[0], *conductance.shape[1:]


# Of arrays (rows, *batch), as the rules of derivatives meet them.
_gathers = lambda plan: plan.gathers_rows
_, eliminate_rows = batch_last("eliminate_wires", _eliminate_kernel, _eliminate_shapes, _gathers)
_, _joined = batch_last("joined_wires", _joined_kernel, _joined_shapes)
_, _live = batch_last("live_junctions", _live_kernel, lambda plan, g, factors: g.shape)
_solve_primitive, solve_rows = batch_last("nodal_solve", _solve_kernel, _solve_shapes, _gathers)


def _solve_jvp(
    primals: Sequence[AnyArray], tangents: Sequence[Tangent], *, tree: Structure
) -> tuple[list[Array], tuple[Array, ...]]:
    # With B the incidence matrix, C the columns of the terminals, s what junctions carry besides and x the
    # currents out of the network,
    #     [L C; C^T 0] [phi; x] = [b - B^T s; u],    L = B^T diag(g) B,
    # so that the tangent solves the same symmetric system for other sources,
    #     [L C; C^T 0] [dphi; dx] = [db - B^T (ds + dg * B phi); du].
    # With factors at hand it costs one substitution; they take no tangents themselves. A plan that solves
    # at once makes them again, which costs less than to keep what lies in a core's nearest cache.
    plan, (g, factors, *_) = jax.tree_util.tree_unflatten(tree, primals)
    _, (dg, _, *fed, du) = jax.tree_util.tree_unflatten(tree, tangents)
    phi, into, _ = _solve_primitive.bind(*primals, tree=tree)
    # Under this name `jax.checkpoint` may keep them: the way back needs nothing else of this solve.
    # Voltages it takes from the potentials, which are fewer.
    phi, into = (saved(x, "node_potential") for x in (phi, into))
    current, source = (None if isinstance(x, ad.Zero) else x for x in fed)
    if not isinstance(dg, ad.Zero):
        flow = _flow(plan, g, factors, dg, phi)
        source = flow if source is None else source + flow
    out = [phi, into, difference(plan.graph, phi)]
    return out, solve_rows(plan, g, factors, current, source, ad.instantiate_zeros(du))


def _solve_transpose(
    cotangents: Sequence[Tangent], *args: AnyArray | ad.UndefinedPrimal, tree: Structure
) -> list[Array | None]:
    # Symmetric, and linear in potentials, currents and sources, which broadcast against the factors.
    plan, (g, factors, *given) = jax.tree_util.tree_unflatten(tree, args)
    phi, into, voltage = cotangents
    none = lambda ct: None if isinstance(ct, ad.Zero) else ct
    along = None if isinstance(voltage, ad.Zero) else -voltage
    made = solve_rows(plan, g, factors, none(phi), along, -ad.instantiate_zeros(into))
    back = [
        _summed_to(ct, x.aval.shape) if isinstance(x, ad.UndefinedPrimal) else None
        for ct, x in zip((made[0], -made[2], -made[1]), given, strict=True)
        if x is not None
    ]
    return [None] * (len(args) - len(back)) + back


def _flow(plan: AbstractPlan, g: Array, factors: PyTree, dg: Tangent, phi: Array) -> Array:
    """The change of currents [A] that a change of conductances makes at given potentials.

    None at junctions with a wire that nothing but leaks joins to a terminal. A closed one has no voltage.
    If an open one closes alone, potentials jump and no current flows: the derivative from the right is
    zero where there is one.
    """
    live = _live(plan, jax.lax.stop_gradient(g), jax.lax.stop_gradient(factors))
    return jnp.where(live > 0.5, ad.instantiate_zeros(dg) * difference(plan.graph, phi), 0)


def _summed_to(x: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of broadcasting from axes of size one."""
    axes = tuple(axis for axis, size in enumerate(shape) if size < x.shape[axis])
    return jnp.sum(x, axis=axes, keepdims=True)


ad.primitive_jvps[_solve_primitive] = _solve_jvp
ad.primitive_transposes[_solve_primitive] = _solve_transpose


@arguments.checked(
    plan=arguments.one_of(AbstractPlan),
    conductance=_ARRAY,
    terminal_potential=_ARRAY,
    current=_ARRAY,
    source=_ARRAY,
)
def solve_nodes(
    plan: AbstractPlan,
    conductance: Float[Array, " edges"],
    terminal_potential: Float[Array, " terminals"],
    current: Float[Array, " nodes"] | None = None,
    factors: PyTree | None = None,
    source: Float[Array, " edges"] | None = None,
) -> NodalSolution:
    """Solves Kirchhoff's laws, B^T (g B phi + s) = b away from the terminals, where phi is given.

    - `plan`: of `star_mesh_plan`, `dense_plan` or `nodal_plan`, or an `AbstractPlan` of your own.
    - `conductance`: g [S], not negative.
    - `terminal_potential`: potentials of the terminals [V].
    - `current`: what flows into each node from outside, b [A]; none by default, which costs nothing. What
      flows into a terminal leaves through it: the terminal's current is less by as much.
    - `factors`: `eliminate_nodes(plan, conductance)` of the same conductances, where several right-hand
      sides share one elimination.
    - `source`: what each junction carries from its first to its second node besides g v, s [A]: that of a
      capacitor, of light, of a current that is no multiple of the voltage; none by default.

    An open junction, of 0 S (up to 2^-90 S in float32, 2^-500 S in float64), is the limit of a small leak,
    the same in all open junctions. So wires that no closed junction joins to a terminal have potentials
    too, which shift with those of the terminals; a current into such wires has nowhere to go, and raises
    them to some 10^20 V and more. The derivative in an open junction's conductance is that
    from the right, and zero where potentials jump. A wire in a part without terminals gets 0 V.

    All transforms of JAX apply, to any order. A tangent or cotangent costs one substitution with the
    elimination of the value; compiled, it makes that again, which takes less than to keep it.

    ```python
    plan = jaxnn.kernels.nodal_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    current = lambda g: jaxnn.kernels.solve_nodes(plan, g, jnp.array([1.0, 0.0])).terminal_current[0]
    current(jnp.array([1.0, 3.0]))  # 0.75 [A]
    jax.grad(current)(jnp.array([1.0, 3.0]))  # [0.562, 0.0625] [V]
    g, grounded, fed = jnp.array([1.0, 3.0]), jnp.zeros(2), jnp.array([0.0, 1.0, 0.0])
    jaxnn.kernels.solve_nodes(plan, g, grounded, fed).node_potential  # [0.0, 0.25, 0.0] [V]
    ```
    """
    check_numbers("conductance", conductance, plan.graph.ends.shape[-1])
    check_numbers("terminal_potential", terminal_potential, plan.terminals.shape[0])
    if current is not None:
        check_numbers("current", current, plan.graph.place.shape[0])
    if source is not None:
        check_numbers("source", source, plan.graph.ends.shape[-1])
    if isinstance(plan, ParallelPlan):
        sign = jnp.asarray(plan.sign, terminal_potential.dtype)
        summed = None if source is None else sum_of_pairs(plan.bundles, sign * source)
        of_pairs = conductance_of_pairs(plan, conductance)
        merged = solve_nodes(plan.pairs, of_pairs, terminal_potential, current, factors, summed)
        voltage = sign * value_of_pair(plan.bundles, merged.junction_voltage)
        return merged._replace(junction_voltage=voltage)
    given = [x for x in (conductance, terminal_potential, current, source) if x is not None]
    if factors is None and not (plan.at_once and len({x.dtype for x in given}) == 1):
        factors = eliminate_nodes(plan, conductance)
    phi, into, voltage = solve_rows(plan, conductance, factors, current, source, terminal_potential)
    return NodalSolution(phi, voltage, into)


@arguments.checked(plan=arguments.one_of(AbstractPlan), conductance=_ARRAY)
def eliminate_nodes(plan: AbstractPlan, conductance: Float[Array, " edges"]) -> PyTree:
    """Computes the elimination: the part of `solve_nodes` that conductances [S] alone decide.

    What it returns is for `solve_nodes` with the same plan and the same conductances, and has no
    derivative of its own.

    ```python
    plan = jaxnn.kernels.nodal_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    g = jnp.array([1.0, 3.0])
    factors = jaxnn.kernels.eliminate_nodes(plan, g)
    solved = jaxnn.kernels.solve_nodes(plan, g, jnp.array([1.0, 0.0]), factors=factors)
    solved.terminal_current  # [0.75, -0.75] [A]
    ```
    """
    check_numbers("conductance", conductance, plan.graph.ends.shape[-1])
    if isinstance(plan, ParallelPlan):
        return eliminate_nodes(plan.pairs, conductance_of_pairs(plan, conductance))
    return eliminate_rows(plan, jax.lax.stop_gradient(conductance))


def conductance_of_pairs(plan: ParallelPlan, conductance: Array) -> Array:
    """Conductances between pairs of wires [S]: each of several open junctions has a leak of its own."""
    leaks = jax.lax.stop_gradient(with_leak(conductance) - conductance)
    return sum_of_pairs(plan.bundles, conductance + leaks)


@arguments.checked(plan=arguments.one_of(AbstractPlan), conductance=_ARRAY)
def joined_wires(plan: AbstractPlan, conductance: Float[Array, " edges"]) -> Bool[Array, " nodes"]:
    """Finds the wires that a path of closed junctions, g > 0, joins to a terminal.

    ```python
    plan = jaxnn.kernels.nodal_plan(4, np.array([[0, 1], [1, 2], [2, 3]]), np.array([0, 1]))
    jaxnn.kernels.joined_wires(plan, jnp.array([1.0, 3.0, 0.0]))  # [True, True, True, False]
    ```
    """
    check_numbers("conductance", conductance, plan.graph.ends.shape[-1])
    if isinstance(plan, ParallelPlan):
        return joined_wires(plan.pairs, conductance_of_pairs(plan, conductance))
    conductance = jax.lax.stop_gradient(conductance)
    return _joined(plan, conductance, eliminate_rows(plan, conductance)) > 0.5
