"""A picture of a network: its wires, junctions, terminals, and values on them."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

import numpy as np
from numpy.typing import ArrayLike

from .._core import arguments
from .._networks import crossing_points, spring_layout
from .drawing import GUIDE, PALETTE, WIRE, new_axes, of_solution, positive, side_by_side
from .labels import place_labels


if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._networks import Network
    from .._simulation import Solution
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Network = Solution = Any


def _network_or_run(name: str, value: Any) -> None:
    if isinstance(value, type) or not (
        hasattr(value, "n_junctions") or hasattr(value, "junction_conductance")
    ):
        arguments.refuse(
            name, "a Network or a Solution", value, "Network.from_graph takes a NetworkX graph."
        )


@arguments.checked(
    network=_network_or_run,
    values=arguments.real(known=True, finite=False),
    terminals=arguments.whole_numbers(),
    log=arguments.flag,
    limits=arguments.real(ndim=1, known=True),
    label=arguments.either(type(None), arguments.one_of(str)),
    cmap=arguments.either(str, arguments.having("N", named="a colour map of Matplotlib, or its name")),
)
def plot_network(
    network: Network | Solution,
    values: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    terminals: Sequence[SupportsIndex] | ArrayLike | None = None,
    log: bool = True,
    limits: Sequence[float | int] | None = None,
    label: str | None = "junction conductance [S]",
    cmap: str = "inferno_r",
) -> Axes:
    """Draws the wires of a network in µm, and its junctions coloured and sized by `values`.

    Along a wire, the section between two crossings takes the smaller of the largest values to its
    left and to its right. So strong junctions in a row join into one strong line: the conducting
    path. Pads of `Network.with_pad` are shaded. Without wire geometry junctions are straight links
    between the positions of the nodes, and without these between the places that a spring layout
    gives them.

    **Arguments:**

    - `network`: a `jaxnn.Network`, or the `jaxnn.Solution` of one, which has its terminals and, if it
      recorded "junction_conductance", the values at its end. Passive junctions, the leads of pads, take
      no colour.
    - `values`: one per junction `(n_edges,)`, in the unit that `label` names. NaN, and zero on a
      log scale, are left out. Without values every junction is the same dot or link.
    - `ax`: where to draw; a new figure by default.
    - `terminals`: nodes to mark and name; of a pad, the wires that it touches are marked.
    - `log`, `limits`: the scale of colours and sizes. The limits default to the smallest and the
      largest value; give the same ones to pictures that are to be compared.
    - `label`: of the colour bar; `None` leaves the bar out. For one bar beside several pictures
      pass `ax.collections[-1]` to `Figure.colorbar`.
    - `cmap`: a Matplotlib colour map, light at its low end.

    **Raises:** `ValueError` where shapes, limits or signs do not fit.

    ```python
    ax = jaxnn.plot_network(solution)
    ax.figure.savefig("network.png")
    jaxnn.plot_network(network, solution.junction_conductance[0], ax=ax)
    ```
    """
    if not hasattr(network, "edges"):
        network, values, terminals = of_solution(network, values, terminals)
    network = cast("Network", network)
    edges, shown = network.edges, ~network.passive
    values, norm = _check_values(values, shown, log, limits)
    terminals = _check_terminals(terminals, network.n_nodes)
    ax = new_axes(ax, (6.4, 5.2))
    if network.wire_ends is None:
        ends = None
        points = _node_places(network, ax)
        lines = side_by_side(points[edges], edges, 0.08)
        at, links, link_values = lines.mean(1), lines[shown], values[shown]
        _draw_lines(ax, lines, colors=WIRE, linewidths=0.6, zorder=1)
        ax.plot(*points.T, "o", color=GUIDE, markersize=2.5, zorder=5)
    else:
        ends = network.wire_ends * 1e6
        at, along = crossing_points(ends, edges)
        at = at + (side_by_side(ends[edges[:, 1]], edges, 0.03) - ends[edges[:, 1]])[:, 0]
        links, link_values = _sections(ends, edges[shown], along[shown], values[shown])
        points = ends.mean(1)
        _draw_lines(ax, ends, colors=WIRE, linewidths=0.6, zorder=1)
        _draw_pads(ax, network)
        ax.set(xlabel="x [µm]", ylabel="y [µm]")
    if norm is None:
        ax.scatter(*at[shown].T, s=5, color=PALETTE[1], linewidths=0, zorder=4)
    else:
        _draw_strong(ax, norm, cmap, links, link_values, at[shown], values[shown], ends is None)
    _mark_terminals(ax, points, ends, edges, terminals)
    if norm is not None and label is not None:
        bar = ax.figure.colorbar(ax.collections[-1], ax=ax, label=label, shrink=0.9, pad=0.02)
        bar.outline.set_visible(False)
    return _bare(ax)


def _bare(ax: Axes) -> Axes:
    ax.set_aspect("equal")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=2, color=GUIDE)
    return ax


def _check_values(values, shown: np.ndarray, log: bool, limits):
    """`values` with NaN for what is not drawn, and their scale (None without values)."""
    from matplotlib.colors import LogNorm, Normalize

    if values is None:
        return np.full(shown.shape, np.nan), None
    values = np.asarray(values, float)
    if values.shape != shown.shape:
        raise ValueError(
            f"values must be one per junction, {shown.shape}, got {values.shape}: pick one time "
            "or one member of a batch, as in junction_conductance[-1]."
        )
    if log and np.any(values[shown] < 0):
        raise ValueError(
            f"values must not be negative on a log scale, got {np.nanmin(values[shown]):g}: pass "
            "abs(values), or log=False."
        )
    values = positive(values) if log else values
    if limits is None:
        finite = values[shown & np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if finite.size else (1.0, 1.0)
        if low == high:
            low, high = (low / 10, high * 10) if log else (low - 0.5, high + 0.5)
    else:
        limits = tuple(np.asarray(limits, float).tolist())
        low, high = limits if len(limits) == 2 else (np.nan, np.nan)
        if not (high > low and (low > 0 or not log)):
            raise ValueError(
                f"limits must be (low, high) with low < high, and low > 0 on a log scale; got {limits}."
            )
    return values, (LogNorm if log else Normalize)(low, high)


def _check_terminals(terminals, n_nodes: int) -> list[int]:
    nodes = np.asarray([] if terminals is None else terminals, int)
    if nodes.ndim != 1 or np.any((nodes < 0) | (nodes >= n_nodes)):
        raise ValueError(f"terminals must be a list of nodes from 0 to {n_nodes - 1}, got {terminals}.")
    return nodes.tolist()


def _node_places(network: Network, ax: Axes) -> np.ndarray:
    """Where to draw nodes: their positions in µm, or the places of a spring layout."""
    if network.positions is not None:
        ax.set(xlabel="x [µm]", ylabel="y [µm]")
        return network.positions * 1e6
    ax.set(xticks=[], yticks=[])
    return spring_layout(network)


def _neighbours(node: int, edges: np.ndarray) -> np.ndarray:
    return np.unique(np.concatenate([edges[edges[:, 0] == node, 1], edges[edges[:, 1] == node, 0]]))


def _sections(ends, edges, along, values):
    """The sections of wires between crossings, and for each the strength of the path through it.

    To pass through a section, current has to enter on one side and leave on the other, at best
    through the strongest junction of each side: the weaker of these two bounds the path.
    """
    wire, along, values = edges.ravel(), along.ravel(), np.repeat(values, 2)
    known = np.isfinite(along) & np.isfinite(values)
    wire, along, values = wire[known], along[known], values[known]
    order = np.lexsort([along, wire])
    sections, strengths = [], []
    for group in np.split(order, np.flatnonzero(np.diff(wire[order])) + 1):
        if len(group) < 2:
            continue
        left = np.maximum.accumulate(values[group])[:-1]
        right = np.maximum.accumulate(values[group][::-1])[::-1][1:]
        start, end = ends[wire[group[0]]]
        points = start + along[group][:, None] * (end - start)
        sections.append(np.stack([points[:-1], points[1:]], 1))
        strengths.append(np.minimum(left, right))
    if not sections:
        return np.empty((0, 2, 2)), np.empty(0)
    return np.concatenate(sections), np.concatenate(strengths)


def _draw_lines(ax: Axes, lines: np.ndarray, **style):
    from matplotlib.collections import LineCollection

    collection = LineCollection(list(lines[np.isfinite(lines).all((1, 2))]), **style)
    ax.add_collection(collection)
    ax.autoscale_view()
    return collection


def _draw_pads(ax: Axes, network: Network) -> None:
    from matplotlib.patches import Rectangle

    for low, high in [] if network.pads is None else network.pads * 1e6:
        if np.isfinite(low).all():
            ax.add_patch(Rectangle(low, *(high - low), facecolor=GUIDE, alpha=0.25, linewidth=0, zorder=0))


def _draw_strong(ax: Axes, norm, cmap, links, link_values, at, values, only_links: bool) -> None:
    """Links and then dots, the strongest on top; the weakest are so small that the wire shows."""
    order = np.argsort(link_values)[: np.isfinite(link_values).sum()]
    strength = np.clip(norm(link_values[order]), 0, 1)
    lines = _draw_lines(*(ax, links[order]), array=link_values[order], cmap=cmap, norm=norm, zorder=2)
    lines.set(linewidths=4 * strength, capstyle="round")
    if only_links:
        return
    order = np.argsort(values)[: np.isfinite(values).sum()]
    strength = np.clip(norm(values[order]), 0, 1)
    style = dict(cmap=cmap, norm=norm, linewidths=0, zorder=4)
    ax.scatter(*at[order].T, s=50 * strength**2, c=values[order], **style)


def _mark_terminals(ax: Axes, points, ends, edges, terminals: list[int]) -> None:
    names = ["source", "drain"] if len(terminals) == 2 else None
    middle = np.nanmean(points, 0)
    labels = []
    for i, node in enumerate(terminals):
        nodes = np.array([node])
        if np.isnan(points[node]).any():
            nodes = _neighbours(node, edges)  # a pad: it has no wire of its own
        ink = points[nodes] if ends is None else ends[nodes].reshape(-1, 2)
        outwards = ink.mean(0) - middle
        outwards = outwards / (np.linalg.norm(outwards) or 1.0)
        if ends is None:
            ax.plot(*ink.T, "o", color=PALETTE[0], markersize=7, zorder=6)
        else:
            ax.plot(*ends[nodes].T, color=PALETTE[0], lw=2.2 if len(nodes) == 1 else 1, zorder=3)
        name = names[i] if names else f"terminal {i + 1}"
        labels.append((name, ink[np.argmax(ink @ outwards)], outwards))
    place_labels(ax, labels, PALETTE[0])
