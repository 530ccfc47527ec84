r"""The last wires of each component, eliminated as small full matrices side by side.

With E the branch conductances between wires and terminals, and S_k the sum of row k over what is not
yet eliminated, eliminating wire k turns every other row i, eliminated or not, into

    E_i <- E_i + (E_ik / S_k) E_k,    E_k <- E_k / S_k,

and leaves column k out. Rows of eliminated wires hold weights of convex combinations throughout, so
that phi = W u in the end without a substitution back, and the rows of the terminals hold their
mesh. Unit currents into the wires, as further columns, give phi = W u + R b. Sums, products and
quotients of positive numbers only (Gauss and Jordan; Grassmann, Taksar and Heyman 1985).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._xla import settled
from .dense import reciprocal, sum_of
from .tables import TailTables


class TailFactors(NamedTuple):
    """Weights W of the terminals, responses R [1/S] to currents, terminal branches [S], all flat."""

    weight: Array
    response: Array
    mesh: Array


def tail_shapes(tables: TailTables, trail: tuple[int, ...]) -> TailFactors:
    """The shapes of the factors of conductances (edges, *trail)."""
    wires, (ends, parts) = tables.wires, tables.ends.shape
    sizes = wires * ends, wires * wires, ends * ends
    shapes: Any = ((n * parts, *trail) for n in sizes)
    return TailFactors(*shapes)


def _scales(matrix: Array, k: int, size: int) -> Array:
    """(size, size): potentials [1/S] of wires k, ... for unit currents into them, all else at 0 V."""
    rest = range(size, matrix.shape[1])
    first = sum_of(matrix[k, j] for j in rest)
    if size == 1:
        return reciprocal(first)[None, None]
    second = sum_of(matrix[k + 1, j] for j in rest)
    link = matrix[k, 1]
    inverse = reciprocal(first + link)
    share = link * inverse
    last = reciprocal(second + share * first)
    cross = share * last
    return jnp.stack([jnp.stack([inverse + share * cross, cross]), jnp.stack([cross, last])])


def _gain(column: Array, matrix: Array, k: int) -> Array:
    """What rows k, ... add to all rows through the entries that `column` was."""
    return sum_of(column[:, m : m + 1] * matrix[k + m][None] for m in range(column.shape[1]))


def eliminate_tail(tables: TailTables, matrix: Array) -> TailFactors:
    """Eliminate the wires, the first rows of `matrix` (nodes, nodes, parts, *batch), two at a time.

    XLA for a GPU makes one kernel of a pass, as long as every intermediate is plain. For a CPU it evaluates
    the scales and the rows before once more in each row, which is why plans for a CPU have no tails.
    """
    n, wires, trail = matrix.shape[0], tables.wires, matrix.shape[2:]
    response = None
    for k in range(0, wires, 2):
        size = min(2, wires - k)
        # Rows k, ... start from nothing and unit columns: no special case for them in any loop.
        keep = np.ones((n, 1, *(1 for _ in trail)), matrix.dtype)
        keep[k : k + size] = 0
        unit = np.eye(n, dtype=matrix.dtype)[:, k : k + size].reshape(n, size, *keep.shape[2:])
        scales = _scales(matrix, k, size)
        entry = matrix[:, :size] * keep + unit
        column = sum_of(entry[:, m : m + 1] * scales[m][None] for m in range(size))
        rest = matrix[:, size:]
        matrix = rest * keep + _gain(column, rest, k)
        new = column[:wires]
        if response is not None:
            old = response * keep[:wires] + _gain(new, response, k)
            new = jnp.concatenate([old, new], 1)
        response = new
        matrix, response = settled((matrix, response))
    parts: Any = matrix[:wires], response, matrix[wires:]
    return TailFactors(*(x.reshape(-1, *x.shape[3:]) for x in parts))


def grounded(tables: TailTables, factors: TailFactors, most: float) -> TailFactors:
    """Factors with wires on leaks alone at 0 V: a unit current raises them to 1 / `most` [1/S] or more."""
    wires, (ends, parts) = tables.wires, tables.ends.shape
    own = factors.response.reshape(wires * wires, parts, *factors.response.shape[1:])[:: wires + 1]
    weight = factors.weight.reshape(wires, ends, parts, *factors.weight.shape[1:])
    weight = jnp.where(own[:, None] * most >= 1, 0, weight)
    return factors._replace(weight=weight.reshape(factors.weight.shape))


def substitute_tail(
    tables: TailTables, factors: TailFactors, potential: Array, current: Array | None
) -> tuple[Array, Array]:
    """Potentials (wires, parts) [V] and currents (terminals, parts) [A] into the matrices.

    phi = W u + R b from potentials u of the terminals and currents b [A] into the wires.
    """
    wires, (ends, parts) = tables.wires, tables.ends.shape
    rows = lambda x, a, b: x.reshape(a, b, parts, *x.shape[1:])
    weight = rows(factors.weight, wires, ends)
    mesh = rows(factors.mesh, ends, ends)
    phi = sum_of(weight[:, t] * potential[t][None] for t in range(ends))
    into = sum_of(mesh[:, t] * (potential - potential[t][None]) for t in range(ends))
    if current is not None:
        response = rows(factors.response, wires, wires)
        phi = phi + sum_of(response[:, k] * current[k][None] for k in range(wires))
        into = into - sum_of(weight[k] * current[k][None] for k in range(wires))
    return phi, into
