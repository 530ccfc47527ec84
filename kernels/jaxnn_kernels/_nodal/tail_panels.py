r"""The last wires of many components, eliminated as full matrices side by side: for a CPU.

As in `_star_mesh`, wire i leaves h_ij = g_ij / sqrt(S_i) and adds h_ij h_ik to the branch of j and k.
The components are the innermost axis, so that every loop runs along them: no product is a gather. A
panel is a few wires, each of which takes what the wires before it in its panel add; what the panel
adds to the rest is one sum of products.

Each result is written to a buffer before it is read. XLA for a CPU would evaluate a plain
intermediate once more in each of its users.
"""

import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .._xla import rows as _rows, update as _update
from .dense import inverse_root, sum_of
from .leak import without_hanging
from .tables import TailTables


# Wires of a panel. Fewer are more code, more are more terms in a sum, most of them zero.
_PANEL = 8


class PanelFactors(NamedTuple):
    """h_ij [sqrt S] and 1 / sqrt(S_i) [1/sqrt S] of each panel, terminal branches [S], all flat."""

    branch: tuple[Array, ...]
    scale: tuple[Array, ...]
    mesh: Array


def _flat(x: Array, axes: int) -> Array:
    return x.reshape(-1, *x.shape[axes:])


def panels_of(matrix: np.ndarray, wires: int) -> tuple[np.ndarray, ...]:
    """Cut (nodes, nodes, parts): the rows of each panel from its first wire on, then the terminals'."""
    cuts = [*range(0, wires, _PANEL), wires]
    parts = [matrix[a:b, a:] for a, b in itertools.pairwise(cuts)]
    return tuple(map(np.ascontiguousarray, [*parts, matrix[wires:, wires:]]))


def tail_shapes(tables: TailTables, trail: tuple[int, ...]) -> PanelFactors:
    """The shapes of the factors of conductances (edges, *trail)."""
    *panels, mesh = tables.matrix
    shapes: Any = (
        tuple((panel.size, *trail) for panel in panels),
        tuple((panel.shape[0] * panel.shape[2], *trail) for panel in panels),
        (mesh.size, *trail),
    )
    return PanelFactors(*shapes)


def _eliminate_panel(own: Array, fill: Array | None) -> tuple[Array, Array]:
    """h (wires, nodes, *lanes) and 1 / sqrt(S) of the first wires of a matrix.

    `own` (wires, nodes, *lanes) are their junctions, `fill` (nodes, nodes, *lanes) what earlier
    panels added.
    """
    wires, nodes, *lanes = own.shape
    column = jax.lax.iota(jnp.int32, nodes).reshape(1, nodes, *(1 for _ in lanes))

    def step(k: Int[Array, ""], carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        h, scale, desk = carry
        row = _rows(own, k, 1) if fill is None else _rows(own, k, 1) + _rows(fill, k, 1)
        # h of the wires that are still to come is zero.
        row = sum_of([row, *(_rows(h[p], k, 1)[None] * h[p : p + 1] for p in range(wires - 1))])
        desk = _update(desk, jnp.where(column > k, row, 0.0)[0], 0)
        scale = _update(scale, inverse_root(sum_of(desk[j : j + 1] for j in range(nodes))), k)
        return _update(h, desk[None, :nodes] * _rows(scale, k, 1)[None], k), scale, desk

    empty = lambda *rows: jnp.zeros((*rows, *lanes), own.dtype)
    # A row more than is used: an update of all rows would be no update to XLA.
    carry = empty(wires, nodes), empty(wires), empty(nodes + 1)
    h, scale, _ = jax.lax.fori_loop(0, wires, step, carry)
    return h, scale


def eliminate_tail(tables: TailTables, matrix: tuple[Array, ...]) -> PanelFactors:
    """Eliminate the wires of all components, a panel at a time.

    `matrix` holds the rows of each panel from its first wire on, (wires, nodes, parts, *batch), and
    then those of the terminals, as do `tables.matrix` the branches.
    """
    del tables
    *panels, mesh = matrix
    fill, branches, scales = None, [], []
    for own in panels:
        h, scale = _eliminate_panel(own, fill)
        branches.append(_flat(h, 3))
        scales.append(_flat(scale, 2))
        wires, later = h.shape[0], h[:, h.shape[0] :]
        gain = sum_of(later[p, :, None] * later[p, None] for p in range(wires))
        # The diagonal fills with numbers that nobody reads: cheaper than to mask them out.
        fill = gain if fill is None else fill[wires:, wires:] + gain
    return PanelFactors(tuple(branches), tuple(scales), _flat(mesh if fill is None else mesh + fill, 3))


def grounded(tables: TailTables, factors: PanelFactors, most: float) -> PanelFactors:
    """Factors with wires on leaks alone at 0 V: those that conduct `most` [S] in all, or less."""
    del tables
    return factors._replace(scale=tuple(without_hanging(scale, most) for scale in factors.scale))


def _forward(h: Array, scale: Array, source: Array) -> Array:
    """y_i = (b_i + sum_k h_ki y_k) / sqrt(S_i) for the wires i of a panel."""

    def step(k: Int[Array, ""], carry: tuple[Array, Array]) -> tuple[Array, Array]:
        b, y = carry
        y = _update(y, _rows(b, k, 1) * _rows(scale, k, 1), k)
        return b + _rows(h, k, 1)[0] * _rows(y, k, 1), y

    wires = h.shape[0]
    y = jnp.zeros((wires + 1, *source.shape[1:]), source.dtype)
    return jax.lax.fori_loop(0, wires, step, (source, y))[1][:wires]


def _back(h: Array, scale: Array, total: Array) -> Array:
    """phi_i = (b_i + sum_j h_ij phi_j) / sqrt(S_i) for the wires i of a panel, the last first."""
    wires = h.shape[0]

    def step(k: Int[Array, ""], carry: tuple[Array, Array]) -> tuple[Array, Array]:
        b, phi = carry
        i = wires - 1 - k
        phi = _update(phi, _rows(b, i, 1) * _rows(scale, i, 1), i)
        column = jax.lax.dynamic_index_in_dim(h, i, 1, keepdims=False)
        return b + column * _rows(phi, i, 1), phi

    phi = jnp.zeros((wires + 1, *total.shape[1:]), total.dtype)
    return jax.lax.fori_loop(0, wires, step, (total, phi))[1][:wires]


def substitute_tail(
    tables: TailTables, factors: PanelFactors, potential: Array, current: Array | None
) -> tuple[Array, Array]:
    """Potentials (wires, parts) [V] and currents (terminals, parts) [A] into the matrices."""
    *panels, ends = (x.shape for x in tables.matrix)
    trail = jnp.broadcast_shapes(factors.mesh.shape[1:], potential.shape[2:])
    shaped = lambda x, shape: x.reshape(*shape, *x.shape[1:])
    h = [shaped(x, shape) for x, shape in zip(factors.branch, panels, strict=True)]
    scale = [shaped(x, (s[0], s[2])) for x, s in zip(factors.scale, panels, strict=True)]
    mesh = shaped(factors.mesh, ends)
    potential = jnp.broadcast_to(potential, (ends[0], ends[2], *trail))
    into = sum_of(mesh[:, t] * (potential - potential[t][None]) for t in range(ends[0]))
    carried: list[Array | None] = [None] * len(panels)
    if current is not None:
        current = jnp.broadcast_to(current, (tables.wires, ends[2], *trail))
        rest = jnp.concatenate([current, jnp.zeros_like(potential)])
        for k, (branch, root) in enumerate(zip(h, scale, strict=True)):
            wires = root.shape[0]
            y = _forward(branch[:, :wires], root, rest[:wires])
            carried[k] = y
            rest = rest[wires:] + sum_of(branch[p, wires:] * y[p][None] for p in range(wires))
        into = into - rest
    phi = potential
    for branch, root, y in zip(h[::-1], scale[::-1], carried[::-1], strict=True):
        wires = root.shape[0]
        total = sum_of(branch[:, wires + j] * phi[j][None] for j in range(phi.shape[0]))
        total = total if y is None else total + y
        phi = jnp.concatenate([_back(branch[:, :wires], root, total), phi])
    return phi[: tables.wires], into
