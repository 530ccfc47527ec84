"""Steps of Newton's method for junctions whose currents are no multiples of their voltages."""

import dataclasses as dc
import functools as ft
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from .. import _arguments as arguments
from .._compiled import compiled_or_not
from .._types import ArrayOrType
from .._xla import batch_inner, batch_last, largest
from .checks import check_numbers
from .compiled_plan import CompiledPlan, called, least_of, trail_of
from .incidence import difference, divergence
from .plan import AbstractPlan
from .solve import solve_nodes


# The search ends where a step moved no voltage by more than eps^(1/3) of the largest; two steps follow,
# each of which squares the error.
_NEAR = 1 / 3
_MOST_SOLVES = 250  # currents that saturate may take a hundred
_MOST_HALVINGS = 30
# Where a search is, as `native/newton.h` has it, and what its control holds.
_SEARCH, _FIRST, _DONE = 0, 1, 3
_PHASE, _SOLVES, _REACH, _CONTROLS = 1, 3, 5, 6

_ARRAY = arguments.array()


class NewtonSearch(NamedTuple):
    """A search for potentials, between two steps of `newton_step`.

    ```python
    plan = jaxnn.kernels.nodal_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    search = jaxnn.kernels.newton_search(plan, jnp.array([1.0, 0.0, 0.0]))
    search.voltage  # [1.0, 0.0] [V]
    ```
    """

    potential: Float[Array, " nodes"]
    """Potentials where the search is [V]."""
    voltage: Float[Array, " edges"]
    """Voltages there, at which currents are asked for [V]; they have digits that potentials have not."""
    before_potential: Float[Array, " nodes"]
    """Potentials that the last step began at [V]."""
    before_voltage: Float[Array, " edges"]
    """Voltages that the last step began at [V]."""
    terminal_current: Float[Array, " terminals"]
    """Currents from the terminals into the network [A], once the search has ended."""
    control: Float[Array, " controls"]
    """What is known of the search: six numbers for each part of the network that searches by itself."""

    @property
    def goes_on(self) -> Bool[Array, ""]:
        """Whether there are steps left to take."""
        return jnp.any(self._of_each_part()[_PHASE] < _DONE)

    @property
    def solves(self) -> Int[Array, ""]:
        """The number of linear systems solved, of the part that took most."""
        return jnp.max(self._of_each_part()[_SOLVES]).astype(jnp.int32)

    @property
    def reach(self) -> Float[Array, ""]:
        """The largest voltage [V]."""
        return jnp.max(self._of_each_part()[_REACH])

    def _of_each_part(self) -> Array:
        return self.control.reshape(_CONTROLS, -1)


def _parts(plan: AbstractPlan) -> int:
    """How many parts of a network search by themselves."""
    return plan.n_blocks if isinstance(plan, CompiledPlan) and plan.at_once else 1


@arguments.checked(plan=arguments.one_of(AbstractPlan), potential=_ARRAY)
def newton_search(plan: AbstractPlan, potential: Float[Array, " nodes"]) -> NewtonSearch:
    """Gives a search for potentials at which all currents balance, at its beginning.

    - `plan`: of `nodal_plan` or another.
    - `potential`: where to begin [V]; the terminals stay at what is given for them.

    Raises a `ValueError` for a number of potentials that does not fit the plan.

    ```python
    plan = jaxnn.kernels.nodal_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    jaxnn.kernels.newton_search(plan, jnp.array([1.0, 0.0, 0.0])).goes_on  # True
    ```
    """
    check_numbers("potential", potential, plan.graph.place.shape[0])
    dtype = jnp.asarray(potential).dtype
    potential = jax.lax.stop_gradient(batch_inner(jnp.asarray(potential)))
    voltage = batch_inner(difference(plan.graph, potential))
    # Nothing is larger than what is no number, so that the first step is taken as it is.
    control = jnp.repeat(jnp.asarray([jnp.nan, _SEARCH, 0, 0, 0, 0], dtype), _parts(plan))
    into = jnp.zeros(plan.terminals.shape[0], dtype)
    return NewtonSearch(potential, voltage, potential, voltage, into, control)


@arguments.checked(
    plan=arguments.one_of(AbstractPlan),
    search=arguments.one_of(NewtonSearch),
    flow=_ARRAY,
    slope=_ARRAY,
    current=_ARRAY,
    n_junctions=arguments.count(0),
)
def newton_step(
    plan: AbstractPlan,
    search: NewtonSearch,
    flow: Float[Array, " edges"],
    slope: Float[Array, " edges"],
    current: Float[Array, " nodes"] | None = None,
    n_junctions: int | None = None,
) -> NewtonSearch:
    r"""Takes a step of Newton's method towards potentials at which all currents balance.

    $$B^T \mathrm{diag}(g) B \, \delta\varphi = b - B^T i(v), \qquad g = \partial i / \partial v$$

    away from the terminals. Where a step has left more out of balance than there was before, at the worst
    node, it is halved in place of another one. A search ends where a step moved no voltage by more than
    eps^(1/3) of the largest: two whole steps follow, from the voltages of the potentials, each of which
    squares the error. What has ended stays as it is, so that a batch goes on until the last of it has.
    Compiled, a step is one call. It has no derivative: `implicit` gives the solution its own.

    - `plan`: as for `newton_search`.
    - `search`: where it is.
    - `flow`: currents i through the edges at `search.voltage` [A].
    - `slope`: differential conductances g there [S], positive.
    - `current`: what flows into each node from outside, b [A]; none by default.
    - `n_junctions`: edges from this number on keep voltages of their own in the last two steps, as ideal
      contacts must, for whose voltages potentials have no digits; all are junctions by default.

    Returns the search after it. Raises a `ValueError` for shapes that do not fit the plan, and for more
    than one dtype.

    ```python
    plan = jaxnn.kernels.nodal_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    search = jaxnn.kernels.newton_search(plan, jnp.array([1.0, 0.0, 0.0]))
    law = lambda v: jnp.array([1.0, 2.0]) * (v + v**3)
    slope = lambda v: jnp.array([1.0, 2.0]) * (1 + 3 * v**2)
    step = lambda x: jaxnn.kernels.newton_step(plan, x, law(x.voltage), slope(x.voltage))
    end = jax.lax.while_loop(lambda x: x.goes_on, step, search)
    end.potential  # [1.0, 0.378, 0.0] [V]
    ```
    """
    n_nodes, n_edges = plan.graph.place.shape[0], plan.graph.ends.shape[-1]
    sizes = n_nodes, n_edges, n_nodes, n_edges, plan.terminals.shape[0], _CONTROLS * _parts(plan)
    for name, x, size in zip(search._fields, search, sizes, strict=True):
        check_numbers(f"search.{name}", x, size)
    check_numbers("flow", flow, n_edges)
    check_numbers("slope", slope, n_edges)
    if current is not None:
        check_numbers("current", current, n_nodes)
    given = [x for x in (*search, flow, slope, current) if x is not None]
    if len({x.dtype for x in given}) > 1:
        listed = ", ".join(sorted({str(x.dtype) for x in given}))
        raise ValueError(f"newton_step needs arrays of one dtype, got {listed}; x.astype(dtype) makes one.")
    still = jax.lax.stop_gradient((slope, flow, current, search))
    most = n_edges if n_junctions is None else n_junctions
    if isinstance(plan, CompiledPlan) and plan.at_once:
        return NewtonSearch(*_step_rows(_Edges(plan, most), *still))
    return _step_by_solve(plan, most, *still)


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class _Edges:
    """A plan, and how many edges are junctions."""

    plan: CompiledPlan
    n_junctions: int = dc.field(metadata={"static": True})


def _shapes(of: _Edges, *given: PyTree[ArrayOrType]) -> tuple[tuple[int, ...], ...]:
    trail = trail_of(given)
    return tuple((x.shape[0], *trail) for x in given[-1])


def _kernel(of: _Edges, *given: Any) -> tuple[Array, ...]:
    return tuple(compiled_or_not(_compiled, _portable, (of, *given), _shapes(of, *given), given[0].dtype))


def _compiled(
    of: _Edges, slope: Array, flow: Array, current: Array | None, search: NewtonSearch
) -> list[Array]:
    slope, flow, search = _wide(slope, flow, search)
    shapes = tuple(x.shape for x in search)
    numbers = {"near": _near(flow), "junctions": of.n_junctions} | least_of(slope)
    numbers |= {"most_solves": _MOST_SOLVES, "most_halvings": _MOST_HALVINGS}
    return called("newton", of.plan, shapes, (current, flow), slope, *search, in_place=True, **numbers)


def _wide(*given: PyTree[Array]) -> PyTree[Array]:
    """All that is given for each of the batch."""
    trail = trail_of(given)
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (x.shape[0], *trail)), given)


def _near(like: Array) -> float:
    return float(jnp.finfo(like.dtype).eps) ** _NEAR


def _portable(of: _Edges, *given: Any) -> list[Array]:
    given = _wide(*given)
    trail = given[0].shape[1:]
    step = ft.partial(_step_by_solve, of.plan, of.n_junctions)
    for _ in trail:
        step = jax.vmap(step, in_axes=-1, out_axes=-1)
    return list(step(*given))


_, _step_rows = batch_last("newton_step", _kernel, _shapes, lambda of: of.plan.gathers_rows)


def _step_by_solve(
    plan: AbstractPlan, n_junctions: int, slope: Array, flow: Array, current: Array | None, at: NewtonSearch
) -> NewtonSearch:
    """The same by `solve_nodes`, as `native/newton.h` has it."""
    dtype = flow.dtype
    is_free = jnp.ones(at.potential.shape, bool).at[plan.terminals].set(False)
    lost = -divergence(plan.graph, flow)
    lost = batch_inner(lost if current is None else current + lost)
    size_now = largest(jnp.where(is_free, lost, 0))
    size_now = jnp.where(jnp.isfinite(size_now), size_now, jnp.inf)
    # Where all of a network searches together, the worst part decides for all.
    size, phase, halvings, solves, least, reach = at.control.reshape(_CONTROLS, -1)[:, 0]
    halved = (phase == _SEARCH) & (size_now >= size) & (halvings < _MOST_HALVINGS)
    steps = (phase < _DONE) & ~halved

    # Where a drive passes 0 V, what it leaves are roundings of the voltages before: they count for no less.
    near = _near(flow)
    least = jnp.where(solves == 0, near * largest(at.voltage), least)
    solved = solve_nodes(plan, slope, jnp.zeros(plan.terminals.shape, dtype), lost)
    level, voltage = at.potential + solved.node_potential, at.voltage + solved.junction_voltage
    now = jnp.maximum(largest(voltage), least)
    far = largest(solved.junction_voltage) > near * now
    searches = phase == _SEARCH
    ends = searches & ~(far & (solves + 1 < _MOST_SOLVES))
    is_junction = jnp.arange(voltage.shape[0]) < n_junctions
    from_level = (ends | (phase == _FIRST)) & is_junction
    voltage = jnp.where(from_level, difference(plan.graph, level), voltage)

    half = lambda here, before: before + (here - before) / 2
    chosen = lambda after, halfway, here: jnp.where(steps, after, jnp.where(halved, halfway, here))
    ended = steps & (phase == _DONE - 1)
    control = (
        jnp.where(steps & searches, size_now, size),
        jnp.where(steps & (ends | ~searches), phase + 1, phase),
        jnp.where(steps, 0, jnp.where(halved, halvings + 1, halvings)),
        jnp.where(steps, solves + 1, solves),
        least,
        jnp.where(steps, now, reach),
    )
    return NewtonSearch(
        chosen(level, half(at.potential, at.before_potential), at.potential),
        chosen(voltage, half(at.voltage, at.before_voltage), at.voltage),
        jnp.where(steps, at.potential, at.before_potential),
        jnp.where(steps, at.voltage, at.before_voltage),
        jnp.where(ended, solved.terminal_current, at.terminal_current),
        jnp.repeat(jnp.stack([jnp.asarray(x, dtype) for x in control]), at.control.shape[0] // _CONTROLS),
    )
