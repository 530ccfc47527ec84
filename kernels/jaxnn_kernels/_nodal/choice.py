"""Which elimination has less work on the device at hand: sparse or full, compiled or by XLA."""

import numpy as np
from jaxtyping import Int

from .. import _arguments as arguments
from .._compiled import is_compiled, is_insisted, is_pallas_there
from .compiled_plan import compiled_plan, compiled_plan_of
from .costs import costs_for, runs_on_cpu
from .dense import dense_plan, dense_work
from .parallel import merges_parallel
from .plan import AbstractPlan
from .schedule import Schedule, schedule
from .star_plan import plan_of, star_mesh_plan


_KNOWN = arguments.real(known=True, finite=False)

# One product of the sparse elimination by XLA, two rows gathered, in multiply-adds of the full one.
_GATHERED = 4
# The same of the compiled one, for one network alone; in a batch it is a tenth. So the full one pays only
# where the list of products grows long, some megabytes: with a junction between most pairs of many wires.
_WALKED, _MANY = 3, 2_000_000


@arguments.checked(
    n_nodes=arguments.count(0),
    edges=_KNOWN,
    terminals=_KNOWN,
    mapped=arguments.flag,
)
@merges_parallel
def nodal_plan(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    device: str | None = None,
    mapped: bool = False,
) -> AbstractPlan:
    """Plans the sparse or the full elimination, whichever has less work; its `repr` says why.

    The order of elimination gives the exact number of products of the sparse one. On a CPU that is
    `compiled_plan` where the compiled library is there, see `is_compiled`, and `star_mesh_plan` elsewhere;
    `device` and `mapped` are as in the latter.

    ```python
    plan = jaxnn.kernels.nodal_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    solved = jaxnn.kernels.solve_nodes(plan, jnp.array([1.0, 3.0]), jnp.array([1.0, 0.0]))
    solved.terminal_current  # [0.75, -0.75] [A]
    ```
    """
    full = dense_work(n_nodes, len(terminals))
    if _is_compiled_for(device):
        order = schedule(n_nodes, edges, terminals)
        products = _products(order)
        if products > _MANY and _WALKED * products > full:
            return dense_plan(n_nodes, edges, terminals)
        return compiled_plan_of(order, n_nodes, edges, terminals, not runs_on_cpu(device))
    costs = lambda sizes: costs_for(device, sizes, mapped)
    order = schedule(n_nodes, edges, terminals, lambda sizes: costs(sizes).tail)
    last = sum(dense_work(len(t.wires) + len(t.terminals), len(t.terminals)) for t in order.tails)
    if _GATHERED * _products(order) + last > full:
        return dense_plan(n_nodes, edges, terminals)
    return plan_of(order, n_nodes, edges, terminals, costs(order.sizes))


@arguments.checked(n_nodes=arguments.count(0), edges=_KNOWN, terminals=_KNOWN, mapped=arguments.flag)
def sparse_plan(
    n_nodes: int,
    edges: Int[np.ndarray, "edges 2"],
    terminals: Int[np.ndarray, " terminals"],
    device: str | None = None,
    mapped: bool = False,
) -> AbstractPlan:
    """Plans a sparse elimination: `compiled_plan` on a CPU that has the library, `star_mesh_plan` if not.

    ```python
    plan = jaxnn.kernels.sparse_plan(3, np.array([[0, 1], [1, 2]]), np.array([0, 2]))
    solved = jaxnn.kernels.solve_nodes(plan, jnp.array([1.0, 3.0]), jnp.array([1.0, 0.0]))
    solved.node_potential  # [1.0, 0.25, 0.0] [V]
    ```
    """
    if _is_compiled_for(device):
        return compiled_plan(n_nodes, edges, terminals, device)
    return star_mesh_plan(n_nodes, edges, terminals, device, mapped)


def _is_compiled_for(device: str | None) -> bool:
    # No figure from a GPU says yet that its kernels are faster than XLA's solve.
    return is_compiled() if runs_on_cpu(device) else is_insisted() and is_pallas_there()


def _products(order: Schedule) -> int:
    return sum(len(star) * (len(star) - 1) // 2 for star in order.neighbours)
