"""Pictures of what networks did; each function draws on one Axes and returns it."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import arguments
from .._junctions import G0
from .drawing import GUIDE, PALETTE, WIRE, new_axes, positive, tidy


if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._simulation import Solution
    from .._tuning import Optimisation
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Solution = Optimisation = Any


_MAX_LEGEND = len(PALETTE)
_CLOSE = 0.15  # of an axis, within which two labels in their middles would overlap

_CURVE = arguments.real(known=True, finite=False)
_LINES = arguments.either(type(None), arguments.real(ndim=1, known=True))


def _run_or_times(name: str, value: Any) -> None:
    if not hasattr(value, "conductance"):
        _CURVE(name, value)


@arguments.checked(
    time=_run_or_times,
    conductance=_CURVE,
    labels=arguments.having("__len__", named="a list of labels"),
    label=arguments.either(type(None), arguments.one_of(str)),
    unit=arguments.one_of(str),
)
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

    ```python
    ax = jaxnn.plot_conductance(solution)
    ax.get_ylabel()  # "network conductance [S]"
    ax = jaxnn.plot_conductance(solution.time, solution.conductance, unit="G0")
    ```
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
    ax = new_axes(ax, (6.4, 4.0))
    draw = _draw_few if len(traces) <= _MAX_LEGEND else _draw_many
    draw(ax, time, positive(traces), _check_labels(labels, len(traces)), label)
    name = "[$G_0$]" if unit == "G0" else "[S]"
    ax.set(xlabel="time [s]", ylabel=f"network conductance {name}", yscale="log")
    ax.margins(x=0)
    return tidy(ax)


@arguments.checked(drive=_CURVE, up=_CURVE, down=_CURVE, thresholds=_LINES)
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
    on the shortest path between the terminals. Of a run in time, `jaxnn.plot.iv_loop` draws the loop.

    **Arguments:**

    - `drive`: V*, `(n_drives,)`, in any order.
    - `up`, `down`: G* at each of the drives, `(n_drives,)`, from rest and from the activated
      state. NaN leaves a gap.
    - `ax`: where to draw; a new figure by default.
    - `thresholds`: V* of the vertical guide lines.

    **Raises:** `ValueError` where shapes or labels do not fit.

    ```python
    drive = np.array([0.5, 1.0, 1.5])
    up, down = np.array([1e-3, 1e-3, 0.8]), np.array([1e-3, 0.5, 0.8])
    ax = jaxnn.plot_hysteresis(drive, up, down)
    ax.figure.savefig("hysteresis.png")
    ```
    """
    drive, up, down = (np.asarray(array, float) for array in (drive, up, down))
    if drive.ndim != 1 or not drive.shape == up.shape == down.shape:
        raise ValueError(
            "drive, up and down must have one shape (n_drives,), got "
            f"{drive.shape}, {up.shape} and {down.shape}: evaluate both branches at the same "
            "drives, with NaN where there is no value."
        )
    ax = new_axes(ax, (5.6, 4.0))
    order = np.argsort(drive)
    branches = ((up, "^", "up: from rest"), (down, "v", "down: from activated"))
    for (values, marker, name), color in zip(branches, PALETTE[:2], strict=True):
        values = positive(values)[order]
        ax.plot(drive[order], values, marker, ls="-", lw=1, ms=4, color=color, label=name)
    thresholds = [] if thresholds is None else list(thresholds)
    for threshold in thresholds:
        ax.axvline(threshold, color=GUIDE, linewidth=0.8, linestyle="--", zorder=0)
    top = ax.secondary_xaxis("top")  # an axis, unlike text, moves a title out of its way
    top.set_xticks(thresholds, [f"$V^*={threshold:g}$" for threshold in thresholds])
    top.tick_params(length=0, pad=1, labelcolor="0.35", labelsize="small")
    if len(thresholds) == 2 and abs(thresholds[1] - thresholds[0]) < _CLOSE * np.ptp(ax.get_xlim()):
        sides = ("right", "left") if thresholds[0] < thresholds[1] else ("left", "right")
        for text, side in zip(top.get_xticklabels(), sides, strict=True):
            text.set_horizontalalignment(side)
    top.spines[:].set_visible(False)
    ax.set(xlabel=r"$V^* = V / (n\,V_\mathrm{set})$", ylabel="$G^* = n\\,G / G_0$", yscale="log")
    ax.legend(frameon=False, loc="lower right")
    return tidy(ax)


@arguments.checked(
    optimisation=arguments.having("loss", "best_loss", named="what jaxnn.optimise returns"),
    target=arguments.real(ndim=0, known=True),
)
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

    ```python
    import optax

    found = jaxnn.optimise(lambda x: (x - 1.0) ** 2, 0.0, optimiser=optax.adam(0.1), steps=20)
    ax = jaxnn.plot_optimisation(found, target=1e-3)
    ax.figure.savefig("optimisation.png")
    ```
    """
    undone = np.asarray(optimisation.undone)
    loss = np.asarray(optimisation.loss, float)
    loss, undone = loss.reshape(len(loss), -1), undone.reshape(len(undone), -1)
    # What was not finite is a gap.
    loss = np.where(undone | ~np.isfinite(loss), np.nan, loss)
    best = int(np.argmin(np.atleast_1d(np.asarray(optimisation.best_loss))))
    ax = new_axes(ax, (6.4, 4.0))
    ax.plot(np.delete(loss, best, axis=1), color=WIRE, linewidth=0.8)
    ax.plot(loss[:, best], color=PALETTE[0], linewidth=1.6, label="best restart")
    steps = np.flatnonzero(undone.any(axis=1))
    if steps.size:
        bottom = ax.get_xaxis_transform()
        ax.plot(steps, 0 * steps, "x", color=PALETTE[1], transform=bottom, clip_on=False, label="undone")
    if target is not None:
        ax.axhline(target, color=GUIDE, linewidth=0.8, linestyle="--", label="target")
    if loss.shape[1] > 1 or steps.size or target is not None:
        ax.legend(frameon=False)
    known = loss[np.isfinite(loss)]
    ax.set(xlabel="step", ylabel="loss", yscale="log" if known.size and known.min() > 0 else "linear")
    return tidy(ax)


def _traces(solution: Any) -> tuple[np.ndarray, np.ndarray]:
    """The times of a run and the conductances of its networks, or of the runs of a batch."""
    if not hasattr(solution, "final_step"):
        raise ValueError("plot_conductance needs time and conductance, or a jaxnn.Solution.")
    time, conductance = np.asarray(solution.time), np.asarray(solution.conductance)
    if time.ndim == 1:
        return time, conductance.T
    return time[0], conductance


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
        ax.plot(time, trace, color=PALETTE[i], linewidth=1.4, label=name)
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
