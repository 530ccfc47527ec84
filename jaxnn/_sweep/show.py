"""A look at a sweep: a summary in words, a heat map or curves."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .._plots import new_axes
from .open import DataArray, Dataset, summary_of
from .reductions import DIAGNOSIS


if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    # Annotations that are evaluated must not import Matplotlib either.
    Axes = Any


_EVEN = 1e-3  # by which steps differ that are meant to be the same
_LOG_RATIO = 30  # largest over smallest value from which a scale is logarithmic


def summary(dataset: Dataset) -> str:
    """Dimensions, results and how the runs ended."""
    counts = summary_of(dataset)
    share = f"{counts['computed']:,} of {counts['runs']:,} runs computed"
    ended = ", ".join(
        f"{n:,} {name}" for name, n in counts.items() if name not in ("runs", "computed") and n
    )
    lines = [f"{'runs':<20}{share}{': ' if ended else ''}{ended}"]
    for name in dataset["diagnosis"].dims:
        coordinate = dataset[name]
        unit = _unit(coordinate)
        known = name in dataset.coords
        span = f"{coordinate.values[0]:g} to {coordinate.values[-1]:g} {unit}" if known else ""
        lines.append(f"{name:<20}{coordinate.size} values{', ' if span else ''}{span}".rstrip())
    for name in results_of(dataset):
        values = np.asarray(dataset[name].values, float)
        finite = values[np.isfinite(values)]
        span = f"{finite.min():.4g} to {finite.max():.4g}" if finite.size else "no value yet"
        shape = " x ".join(map(str, dataset[name].dims))
        lines.append(f"{name:<20}{span} {_unit(dataset[name])}".rstrip() + f" ({shape})")
    lines += [f"{key:<20}{dataset.attrs[key]}" for key in ("versions", "commit", "device")]
    return "\n".join(lines)


def results_of(dataset: Dataset) -> list[str]:
    """The names of the reductions."""
    return [str(name) for name in dataset.data_vars if name not in DIAGNOSIS]


def picture(dataset: Dataset, name: str, axes: list[str] | None = None, how: str = "median") -> Any:
    """A figure of one result against one or two dimensions, summed up over all others.

    One dimension gives a curve with the range from the 10th to the 90th percentile, two a heat map.
    By default the two longest dimensions that are no networks.

    **Raises:** `ValueError` for a result or a dimension that does not exist.
    """
    return draw(None, dataset, name, axes, how).figure


def draw(ax: Axes | None, dataset: Dataset, name: str, axes: list[str] | None, how: str) -> Axes:
    """One result on given axes or new ones, as `picture` says."""
    if name not in dataset.data_vars:
        raise ValueError(f"There is no result {name!r}; there are {results_of(dataset)}.")
    data = dataset[name]
    axes = _chosen(data, axes)
    ax = new_axes(ax, (6.4, 4.8))
    rest = [str(dim) for dim in data.dims if dim not in axes]
    middle = getattr(data, how)(rest) if rest else data
    if len(axes) == 1:
        _curve(ax, data, middle, axes[0], rest)
    else:
        _map(ax, middle, axes)
    over = f", {how} over {' and '.join(rest)}" if rest else ""
    ax.set_title(f"{data.attrs.get('long_name', name)}{over}", fontsize="medium", wrap=True)
    return ax


def _chosen(data: DataArray, axes: list[str] | None) -> list[str]:
    if axes is not None:
        unknown = [axis for axis in axes if axis not in data.dims]
        if unknown or not 1 <= len(axes) <= 2:
            raise ValueError(
                f"A picture has one or two dimensions of {list(data.dims)} as its axes, got {axes}."
            )
        return axes
    dims = list(map(str, data.dims))
    swept = [d for d in dims if d != "seed" and data.sizes[d] > 1] or dims[:1]
    return list(sorted(swept, key=lambda d: -data.sizes[d])[:2])


def _curve(ax: Axes, data: DataArray, middle: DataArray, axis: str, rest: list[str]) -> None:
    place = data[axis].values
    ax.plot(place, middle.values, ".-", color="#0072B2")
    if rest:
        low, high = (data.quantile(q, rest).values for q in (0.1, 0.9))
        ax.fill_between(place, low, high, color="#0072B2", alpha=0.2, linewidth=0)
    ax.set(xlabel=_label(data, axis), ylabel=_label_of(middle, data), xscale=_scale_of_axis(place))
    ax.set_yscale(_scale(middle.values))


def _map(ax: Axes, middle: DataArray, axes: list[str]) -> None:
    across, up = axes
    values = middle.transpose(up, across).values
    norm = "log" if _scale(values) == "log" else "linear"
    x, y = middle[across].values, middle[up].values
    mesh = ax.pcolormesh(x, y, values, norm=norm, cmap="inferno", shading="nearest")
    scales = {"xscale": _scale_of_axis(x), "yscale": _scale_of_axis(y)}
    ax.set(xlabel=_label(middle, across), ylabel=_label(middle, up), **scales)
    ax.figure.colorbar(mesh, ax=ax, label=_label_of(middle, middle))


def _scale(values: np.ndarray) -> str:
    """Linear, or logarithmic for positive values that span decades."""
    values = values[np.isfinite(values)]
    wide = values.size and values.min() > 0 and values.max() > _LOG_RATIO * values.min()
    return "log" if wide else "linear"


def _scale_of_axis(values: np.ndarray) -> str:
    """The same of what was swept, which is also logarithmic where it grows by one factor."""
    if _scale(values) == "log" or values.size < 3 or not values.min() > 0:
        return _scale(values)
    factors, steps = np.diff(np.log(values)), np.diff(values)
    is_even = lambda x: np.ptp(x) < _EVEN * abs(x.mean())
    return "log" if is_even(factors) and not is_even(steps) else "linear"


def _label(data: DataArray, dimension: str) -> str:
    return _with_unit(dimension, data[dimension])


def _label_of(middle: DataArray, data: DataArray) -> str:
    return _with_unit(str(middle.name or "value"), data)


def _with_unit(name: str, data: DataArray) -> str:
    unit = _unit(data)
    return name.replace("_", " ") + (f" [{unit}]" if unit else "")


def _unit(data: DataArray) -> str:
    unit = data.attrs.get("units", "")
    return "" if unit == "1" else unit
