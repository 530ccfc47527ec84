"""Pictures of networks and of what they did; each function draws on one Axes and returns it."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

import equinox as eqx
import networkx as nx
import numpy as np
from numpy.typing import ArrayLike


if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._networks import Network
    from .._simulation import Solution
    from .._tuning import Optimisation
else:
    Axes = Network = Optimisation = Solution = (
        Any  # annotations that are evaluated must not import Matplotlib either
    )


G0 = 7.77e-5  # [S], the conductance quantum 1 / 12.9 kOhm

# From the palette of Okabe and Ito, which the colour-blind can tell apart.
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_WIRE, _GUIDE = "0.75", "0.55"
_MAX_LEGEND = len(_PALETTE)


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
    path. Without wire geometry junctions are straight links between the positions of the nodes,
    and without these between the places that a spring layout gives them.

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
    """
    if not hasattr(network, "edges"):
        network, values, terminals = _of_solution(network, values, terminals)
    network = cast("Network", network)
    edges, shown = network.edges, ~network.passive
    values, norm = _check_values(values, shown, log, limits)
    terminals = _check_terminals(terminals, network.n_nodes)
    ax = _axes(ax, (6.4, 5.2))
    if network.wire_ends is None:
        ends = None
        points = _node_places(network, ax)
        lines = _side_by_side(points[edges], edges, 0.08)
        at, links, link_values = lines.mean(1), lines[shown], values[shown]
        _draw_lines(ax, lines, colors=_WIRE, linewidths=0.6, zorder=1)
        ax.plot(*points.T, "o", color=_GUIDE, markersize=2.5, zorder=5)
    else:
        ends = network.wire_ends * 1e6
        at, along = _crossings(ends, edges)
        at = at + (_side_by_side(ends[edges[:, 1]], edges, 0.03) - ends[edges[:, 1]])[:, 0]
        links, link_values = _sections(ends, edges[shown], along[shown], values[shown])
        points = ends.mean(1)
        _draw_lines(ax, ends, colors=_WIRE, linewidths=0.6, zorder=1)
        ax.set(xlabel="x [µm]", ylabel="y [µm]")
    if norm is None:
        ax.scatter(*at[shown].T, s=5, color=_PALETTE[1], linewidths=0, zorder=4)
    else:
        _draw_strong(ax, norm, cmap, links, link_values, at[shown], values[shown], ends is None)
    _mark_terminals(ax, points, ends, edges, terminals)
    if norm is not None and label is not None:
        bar = ax.figure.colorbar(ax.collections[-1], ax=ax, label=label, shrink=0.9, pad=0.02)
        bar.outline.set_visible(False)
    return _bare(ax)


def plot_conductance(
    time: ArrayLike | Solution,
    conductance: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    labels: Sequence[Any] | ArrayLike | None = None,
    label: str | None = None,
    unit: str = "S",
) -> Axes:
    """Draws network conductances against time on a log axis, one line per trace.

    Up to seven traces differ in hue and have a legend; more take their colours from a map, in the
    order of their labels, with a colour bar.

    **Arguments:**

    - `time`: `(n_times,)` [s], or a `jaxnn.Solution`, whose runs, or networks of an ensemble, are the
      traces.
    - `conductance`: `(n_times,)` or `(n_traces, n_times)` [S]. NaN leaves a gap.
    - `ax`: where to draw; a new figure by default.
    - `labels`: one per trace; they must be numbers where there are more than seven.
    - `label`: what the labels are, as in "amplitude [V]".
    - `unit`: of the axis, "S" or "G0", the conductance quantum 7.77e-5 S.

    **Raises:** `ValueError` where shapes or labels do not fit.
    """
    if conductance is None:
        time, conductance = _traces(time)
    time, conductance = np.asarray(time, float), np.asarray(conductance, float)
    if time.ndim != 1 or conductance.ndim not in (1, 2) or conductance.shape[-1] != time.size:
        raise ValueError(
            "conductance must be (n_times,) or (n_traces, n_times) with n_times that of "
            f"time (n_times,); got conductance {conductance.shape} and time {time.shape}. "
            "If time is its first axis, pass conductance.T."
        )
    if unit not in ("S", "G0"):
        raise ValueError(f'unit must be "S" or "G0", got {unit!r}.')
    traces = np.atleast_2d(conductance) / (G0 if unit == "G0" else 1)
    ax = _axes(ax, (6.4, 4.0))
    draw = _draw_few if len(traces) <= _MAX_LEGEND else _draw_many
    draw(ax, time, _positive(traces), _check_labels(labels, len(traces)), label)
    name = "[$G_0$]" if unit == "G0" else "[S]"
    ax.set(xlabel="time [s]", ylabel=f"network conductance {name}", yscale="log")
    ax.margins(x=0)
    return _tidy(ax)


def plot_hysteresis(
    drive: ArrayLike,
    up: ArrayLike,
    down: ArrayLike,
    *,
    ax: Axes | None = None,
    thresholds: Sequence[float | int] | None = (1.0, 0.5),
) -> Axes:
    """Draws conductance against drive, once from rest and once from an activated network.

    Both are free of units: V* = V / (n V_set) and G* = n G / G0, with n the number of junctions
    on the shortest path between the terminals.

    **Arguments:**

    - `drive`: V*, `(n_drives,)`, in any order.
    - `up`, `down`: G* at each of the drives, `(n_drives,)`, from rest and from the activated
      state. NaN leaves a gap.
    - `ax`: where to draw; a new figure by default.
    - `thresholds`: V* of the vertical guide lines.

    **Raises:** `ValueError` where shapes or labels do not fit.
    """
    drive, up, down = (np.asarray(array, float) for array in (drive, up, down))
    if drive.ndim != 1 or not drive.shape == up.shape == down.shape:
        raise ValueError(
            "drive, up and down must have one shape (n_drives,), got "
            f"{drive.shape}, {up.shape} and {down.shape}: evaluate both branches at the same "
            "drives, with NaN where there is no value."
        )
    ax = _axes(ax, (5.6, 4.0))
    order = np.argsort(drive)
    branches = ((up, "^", "up: from rest"), (down, "v", "down: from activated"))
    for (values, marker, name), color in zip(branches, _PALETTE[:2], strict=True):
        values = _positive(values)[order]
        ax.plot(drive[order], values, marker, ls="-", lw=1, ms=4, color=color, label=name)
    thresholds = [] if thresholds is None else list(thresholds)
    for threshold in thresholds:
        ax.axvline(threshold, color=_GUIDE, linewidth=0.8, linestyle="--", zorder=0)
    top = ax.secondary_xaxis("top")  # an axis, unlike text, moves a title out of its way
    top.set_xticks(thresholds, [f"$V^*={threshold:g}$" for threshold in thresholds])
    top.tick_params(length=0, pad=1, labelcolor="0.35", labelsize="small")
    top.spines[:].set_visible(False)
    ax.set(xlabel=r"$V^* = V / (n\,V_\mathrm{set})$", ylabel="$G^* = n\\,G / G_0$", yscale="log")
    ax.legend(frameon=False, loc="lower right")
    return _tidy(ax)


def plot_optimisation(
    optimisation: Optimisation, *, ax: Axes | None = None, target: float | int | None = None
) -> Axes:
    """Draws the loss of every restart against the step, the best restart in colour.

    The scale is logarithmic if all losses are positive. Steps that were undone are marked on the
    lower edge.

    **Arguments:**

    - `optimisation`: what `jaxnn.optimise` returned.
    - `ax`: where to draw; a new figure by default.
    - `target`: a loss to mark by a guide line.
    """
    undone = np.asarray(optimisation.undone)
    loss = np.asarray(optimisation.loss, float)
    loss, undone = loss.reshape(len(loss), -1), undone.reshape(len(undone), -1)
    # What was not finite is a gap.
    loss = np.where(undone | ~np.isfinite(loss), np.nan, loss)
    best = int(np.argmin(np.atleast_1d(np.asarray(optimisation.best_loss))))
    ax = _axes(ax, (6.4, 4.0))
    ax.plot(np.delete(loss, best, axis=1), color=_WIRE, linewidth=0.8)
    ax.plot(loss[:, best], color=_PALETTE[0], linewidth=1.6, label="best restart")
    steps = np.flatnonzero(undone.any(axis=1))
    if steps.size:
        bottom = ax.get_xaxis_transform()
        ax.plot(steps, 0 * steps, "x", color=_PALETTE[1], transform=bottom, clip_on=False, label="undone")
    if target is not None:
        ax.axhline(target, color=_GUIDE, linewidth=0.8, linestyle="--", label="target")
    if loss.shape[1] > 1 or steps.size or target is not None:
        ax.legend(frameon=False)
    known = loss[np.isfinite(loss)]
    ax.set(xlabel="step", ylabel="loss", yscale="log" if known.size and known.min() > 0 else "linear")
    return _tidy(ax)


def _of_solution(solution: Any, values: Any, terminals: Any) -> tuple[Any, Any, Any]:
    """The network of a run, what to colour its junctions by, and its terminals."""
    network, record = solution.network, solution.junction_conductance
    if not hasattr(network, "edges"):
        raise ValueError("plot_network draws one network, got a Solution of an Ensemble: draw its parts.")
    if values is None and eqx.is_array(record):
        values = record[-1] if record.ndim == 2 else record
    # Of a batch all runs have the same terminals, unless these were mapped too.
    return network, values, np.asarray(solution.terminals) if terminals is None else terminals


def _traces(solution: Any) -> tuple[Any, Any]:
    """The times of a run and the conductances of its networks, or of the runs of a batch."""
    if not hasattr(solution, "final_step"):
        raise ValueError("plot_conductance needs time and conductance, or a jaxnn.Solution.")
    time, conductance = np.asarray(solution.time), np.asarray(solution.conductance)
    if time.ndim == 1:
        return time, conductance.T
    return time[0], conductance


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def _bare(ax: Axes) -> Axes:
    ax.set_aspect("equal")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=2, color=_GUIDE)
    return ax


def _tidy(ax: Axes) -> Axes:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.92", linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def _positive(values: np.ndarray) -> np.ndarray:
    """What a log axis can show; the rest becomes a gap, not a line to the bottom."""
    return np.where(values > 0, values, np.nan)


def _check_labels(labels, n_traces: int) -> list | None:
    labels = None if labels is None else list(labels)
    if labels is not None and len(labels) != n_traces:
        raise ValueError(
            f"labels must be one per trace, got {len(labels)} for {n_traces} traces: a single "
            'trace takes a list of one label, as in labels=["1.8 V"].'
        )
    return labels


def _draw_few(ax: Axes, time, traces, labels, label) -> None:
    for i, trace in enumerate(traces):
        name = None if labels is None else _format(labels[i])
        ax.plot(time, trace, color=_PALETTE[i], linewidth=1.4, label=name)
    if labels is not None:
        ax.legend(title=label, frameon=False)


def _draw_many(ax: Axes, time, traces, labels, label) -> None:
    from matplotlib.collections import LineCollection

    if labels is not None and any(isinstance(name, str) for name in labels):
        raise ValueError(
            f"{len(traces)} traces are told apart by a colour bar, so labels must be numbers, got "
            f"{labels[0]!r}: pass the numbers, or draw at most {_MAX_LEGEND} traces."
        )
    numbers = np.arange(len(traces)) if labels is None else np.asarray(labels, float)
    lines = LineCollection(
        [np.stack([time, trace], 1) for trace in traces], array=numbers, cmap="viridis", lw=1
    )
    ax.add_collection(lines)
    ax.autoscale_view()
    ax.figure.colorbar(lines, ax=ax, label=label or ("trace" if labels is None else ""), pad=0.02)


def _format(label) -> str:
    return label if isinstance(label, str) else f"{label:.4g}"


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
    values = _positive(values) if log else values
    if limits is None:
        finite = values[shown & np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if finite.size else (1.0, 1.0)
        if low == high:
            low, high = (low / 10, high * 10) if log else (low - 0.5, high + 0.5)
    else:
        low, high = limits = tuple(np.asarray(limits, float).tolist())
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
    graph = nx.empty_graph(network.n_nodes)
    graph.add_edges_from(network.edges.tolist())
    places = nx.spring_layout(graph, seed=0)
    return np.array([places[node] for node in range(network.n_nodes)]).reshape(-1, 2)


def _neighbours(node: int, edges: np.ndarray) -> np.ndarray:
    return np.unique(np.concatenate([edges[edges[:, 0] == node, 1], edges[edges[:, 1] == node, 0]]))


def _side_by_side(lines: np.ndarray, edges: np.ndarray, gap: float) -> np.ndarray:
    """Lines of parallel junctions moved apart, sideways by `gap` of their length, or they would hide."""
    _, pair, count = np.unique(np.sort(edges, 1), axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(pair.ravel(), kind="stable")
    place = np.empty(len(edges))
    place[order] = np.arange(len(edges)) - np.repeat(np.cumsum(count) - count, count)
    place -= (count[pair.ravel()] - 1) / 2
    way = lines[:, 1] - lines[:, 0]
    # Junctions given in opposite orientations must not be moved to the same place.
    way = np.where((edges[:, 0] > edges[:, 1])[:, None], -way, way)
    return lines + (gap * place[:, None] * np.stack([-way[:, 1], way[:, 0]], 1))[:, None]


def _crossings(ends: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the two wires of each edge cross, and how far along each of them, 0..1, that is.

    From p_a + t_a d_a = p_b + t_b d_b follows t_a = (p_b - p_a) x d_b / (d_a x d_b).
    """
    start, direction = ends[:, 0], ends[:, 1] - ends[:, 0]
    cross = lambda u, v: u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    a, b = edges.T
    scale = cross(direction[a], direction[b])
    scale = np.where(scale == 0, np.nan, scale)  # parallel wires have no one crossing
    apart = start[b] - start[a]
    along = np.stack([cross(apart, direction[b]), cross(apart, direction[a])], 1) / scale[:, None]
    along = np.clip(along, 0, 1)
    return start[a] + along[:, :1] * direction[a], along


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
    for i, node in enumerate(terminals):
        nodes = np.array([node])
        if np.isnan(points[node]).any():
            nodes = _neighbours(node, edges)  # a pad: it has no wire of its own
        ink = points[nodes] if ends is None else ends[nodes].reshape(-1, 2)
        outwards = ink.mean(0) - middle
        outwards = outwards / (np.linalg.norm(outwards) or 1.0)
        if ends is None:
            ax.plot(*ink.T, "o", color=_PALETTE[0], markersize=7, zorder=6)
        else:
            ax.plot(*ends[nodes].T, color=_PALETTE[0], lw=2.2 if len(nodes) == 1 else 1, zorder=3)
        ax.annotate(
            names[i] if names else f"terminal {i + 1}",
            xy=ink[np.argmax(ink @ outwards)],
            xytext=10 * outwards,
            textcoords="offset points",
            ha=("right", "center", "left")[int(np.round(outwards[0])) + 1],
            va=("top", "center", "bottom")[int(np.round(outwards[1])) + 1],
            color=_PALETTE[0],
            weight="bold",
            zorder=7,
        )
