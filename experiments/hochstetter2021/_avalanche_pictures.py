"""The pictures of `avalanches.py`, in the axes of Figs 4, 5, S7, S8, S16 and S17."""

import numpy as np

from experiments.hochstetter2021._ensemble_runs import DENSITY, with_error
from experiments.shared import figures, hochstetter2021 as published
from experiments.shared.figures import plt
from jaxnn import analysis


COLOURS = {50.0: "#0072B2", 100.0: "#D55E00", 150.0: "#009E73"}
DENSITY_COLOURS = {0.06: "#56B4E9", 0.10: "#000000", 0.14: "#D55E00"}
VOLTAGE_COLOURS = {0.7: "#56B4E9", 1.0: "#000000", 1.05: "#E69F00", 1.8: "#D55E00"}


def density(x):
    """Probability density of whole numbers, in bins that grow by a factor 1.3 once they can."""
    edges = np.unique(np.round(1.3 ** np.arange(0, 45)).astype(int))
    edges = edges[: np.searchsorted(edges, x.max(), side="right") + 1]
    edges = np.append(edges, edges[-1] + max(1, edges[-1] // 3)) if edges[-1] <= x.max() else edges
    count, _ = np.histogram(x, edges)
    width, inside = np.diff(edges), count > 0
    centre = np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    return centre[inside], (count / width / len(x))[inside]


def guide(ax, exponent, limits, points, text):
    """A straight line of the deposited slope on its range, through the points that are there."""
    (x, y), (low, high) = points, limits
    inside = (x >= low) & (x <= high)
    if not inside.any():
        return
    level = np.exp(np.mean(np.log(y[inside]) - exponent * np.log(x[inside])))
    ends = np.array([low, high], float)
    ax.plot(ends, level * ends**exponent, "k--", lw=1.2, zorder=4, label=text)


def distribution(ax, x, label, colour, fit=None):
    """Points, and the fitted law over its range."""
    if len(x) < 2:
        return
    ax.loglog(*density(x), "o", ms=4, color=colour, label=label)
    if fit:
        values = np.arange(fit["minimum"], fit["maximum"] + 1)
        share = np.mean((x >= fit["minimum"]) & (x <= fit["maximum"]))
        law = analysis.power_law_probabilities(fit["exponent"], fit["minimum"], fit["maximum"])
        ax.plot(values, share * law, "-", lw=1.2, color=colour)


def label_of(size, row, name):
    """A size with its exponent."""
    fit = row[name].get("scan")
    symbol = {"size": r"\tau", "lifetime": r"\alpha"}[name]
    text = f"${symbol}$ = {fit['exponent']:.2f} ± {fit['error']:.2f}" if fit else "no power law found"
    return f"{size:g} µm, {row['networks']} networks: {text}"


def plot_critical(critical, intervals, study, path):
    """Figs 4a-c, S7, S8, S16: V* = 1, all sizes; collapses, event numbers, intervals, and the bin."""
    figure, axes = plt.subplots(2, 4, figsize=(20, 9), layout="constrained")
    for size, ((row, avalanches), _) in critical.items():
        colour = COLOURS.get(size, "0.3")
        for ax, name, x in zip(
            axes[0], ("size", "lifetime"), (avalanches.size, avalanches.lifetime), strict=False
        ):
            distribution(ax, x, label_of(size, row, name), colour, row[name].get("scan"))
        lifetime, mean, _ = analysis.mean_size(avalanches)
        estimate = row["crackling"]["mean size"]
        text = f"{size:g} µm: slope {with_error(**estimate, sign='±')}"
        axes[0, 2].loglog(lifetime, mean, "o", ms=4, color=colour, label=text)
        if row["avalanches"] > 100:
            scaled = scaled_density(avalanches.size, size)
            axes[1, 1].loglog(*scaled, "o-", ms=3, lw=0.7, color=colour, label=f"{size:g} µm")
        x, fit = intervals[size]
        text = f"{size:g} µm, line: {fit['line']['exponent']:.2f}" if fit else f"{size:g} µm"
        distribution(axes[0, 3], x, text, colour)
    plot_guides(axes[0], critical)
    plot_shapes(axes[1, 0], critical)
    axes[1, 1].set(xlabel=r"$S / L^{1.4}$ [$\mathrm{\mu m}^{-1.4}$]", ylabel=r"$P(S)\,S^{2.0}$")
    plot_counts(axes[1, 2], critical)
    plot_bins(axes[1, 3], study)
    names = (
        ("size S", "P(S)"),
        ("lifetime T [bins]", "P(T)"),
        ("lifetime T [bins]", r"$\langle S \rangle(T)$"),
        ("interval [ms]", "P(interval)"),
    )
    for ax, (x, y) in zip(axes[0], names, strict=True):
        ax.set(xlabel=x, ylabel=y)
    titles = (
        "Fig 4a",
        "Fig 4b",
        "Fig 4c",
        "intervals between events",
        "shape collapse",
        "finite-size collapse (S8)",
        "events against size",
        "S16: the bin",
    )
    for ax, title in zip(axes.flat, titles, strict=True):
        ax.set_title(f"{title}, $V^*$ = 1", fontsize=10)
        if ax.has_data():
            ax.legend(fontsize=8, loc="upper center" if ax is axes[1, 2] else "best")
    figures.save(figure, path, dpi=80)


def plot_guides(axes, critical):
    """The deposited exponents of the largest size of ours that has them, on their ranges."""
    known = {s: row for s, row in published_sizes(critical).items() if s in critical and row.ranges}
    if not known:
        return
    size, row = max(known.items())
    of_size, lifetimes, crackling, ranges = row.size, row.lifetime, row.crackling, row.ranges
    if of_size is None or lifetimes is None or crackling is None or ranges is None:
        return
    avalanches, (_, *limits) = critical[size][0][1], ranges
    text = f"deposited, {size:g} µm: "
    for ax, name, (exponent, _), within in zip(
        axes, ("size", "lifetime"), (of_size, lifetimes), limits, strict=False
    ):
        guide(ax, -exponent, within, density(getattr(avalanches, name)), f"{text}{exponent:g}")
    slope, (lifetime, mean, _) = crackling[1], analysis.mean_size(avalanches)
    guide(axes[2], slope, limits[1], (lifetime, mean), f"{text}{slope:g}")


def published_sizes(ours):
    """What is published at V* = 1 and the density of most, by size, where any of `ours` is among these."""
    deposited = published.AVALANCHES.items()
    known = {s: row for (s, v, density), row in deposited if (v, density) == (1, DENSITY)}
    return known if set(ours) & set(known) else {}


def plot_bins(ax, study):
    """S16: exponents against the bin, in the largest sample."""
    for name, colour in (("size", "#0072B2"), ("lifetime", "#D55E00")):
        rows = [(r["bin ms"], r[name]["exponent"], r[name]["error"]) for r in study if r[name]]
        if rows:
            ax.errorbar(
                *np.transpose(rows), fmt="o-", color=colour, capsize=2, label=f"exponent of the {name}"
            )
    ax.set(xlabel="bin [ms]", ylabel="exponent")


def scaled_density(x, size):
    """P(S) S^tau against S / L^a, with the paper's tau = 2.0 and a = 1.4 at 0.10 wires/um^2."""
    centre, p = density(x)
    return centre / size**1.4, p * centre**2.0


def plot_shapes(ax, critical):
    """Mean profiles of the largest sample, scaled by its own exponent."""
    size, ((row, avalanches), _) = max(critical.items(), key=lambda item: item[1][0][0]["avalanches"])
    least = 50 if len(avalanches.size) > 10_000 else 10
    collapse = analysis.shape_collapse(avalanches, least_count=least, bootstraps=0)
    estimate = row["crackling"]["shape collapse"]
    if len(collapse.lifetimes) < 2 or not np.isfinite(estimate["value"]):
        return  # too few long avalanches
    colours = plt.colormaps["viridis"](np.linspace(0, 0.93, len(collapse.lifetimes)))
    for lifetime, profile, colour in zip(collapse.lifetimes, collapse.profiles, colours, strict=True):
        label = f"T = {lifetime:g}" if lifetime in collapse.lifetimes[[0, -1]] else None
        ax.plot(
            collapse.time, profile * lifetime ** (1 - estimate["value"]), color=colour, lw=1.2, label=label
        )
    text = rf"{size:g} µm: $1/\sigma\nu z$ = {estimate['value']:.2f} ± {estimate['error']:.2f}"
    ax.plot([], [], " ", label=text)
    ax.set(xlabel="t / T", ylabel=r"$s(t, T)\,T^{1 - 1/\sigma\nu z}$", ylim=(0, None))


def plot_counts(ax, critical):
    """Events per network, and on an axis of their own mean intervals, beside the deposited ones."""
    sizes, other = sorted(critical), ax.twinx()
    rows = [critical[size][0][0] for size in sizes]
    known = published_sizes(critical)
    events = [r["events per network"] for r in rows]
    errors = [r["error of it"] or 0 for r in rows]
    ax.errorbar(sizes, events, errors, fmt="o", color="#0072B2", label="events per network")
    other.plot(sizes, [r["mean interval ms"] for r in rows], "s", color="#D55E00")
    ax.plot([], [], "s", color="#D55E00", label="mean interval (right)")
    if known:
        ax.plot(list(known), [r.events / (r.networks or 1000) for r in known.values()], "kx", ms=8)
        other.plot(list(known), [r.interval for r in known.values()], "kx", ms=8)
        ax.plot([], [], "kx", ms=8, label="deposited")
    ax.set(xlabel="side L [µm]", ylabel="events per network", xscale="log", yscale="log")
    other.set(ylabel="mean interval [ms]", yscale="log")
    ticks = sorted({*sizes, *known})
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def plot_voltages(voltages, made, path):
    """Fig 5: sizes and lifetimes at all voltages; the second rule; the growth of the largest avalanches."""
    figure, axes = plt.subplots(2, 3, figsize=(16, 9), layout="constrained")
    for column, size in enumerate((50.0, 100.0)):
        bins = "bins of 160 ms" if size == 100 else "bin: mean interval"
        ours = {v: a for (s, v), (a, _) in sorted(voltages.items()) if s == size and len(a.size) > 1}
        for reduced, avalanches in ours.items():
            colour = VOLTAGE_COLOURS[reduced]
            text = (
                f"$V^*$ = {reduced:g}: {len(avalanches.size)} avalanches, largest {avalanches.size.max()}"
            )
            distribution(axes[0, column], avalanches.size, text, colour)
            distribution(axes[1, column], avalanches.lifetime, text, colour)
        axes[0, column].set(xlabel="size S", ylabel="P(S)", title=f"Fig 5a at {size:g} µm, {bins}")
        axes[1, column].set(
            xlabel="lifetime T [bins]", ylabel="P(T)", title=f"Fig 5b at {size:g} µm, {bins}"
        )
    for (case, reduced), (row, avalanches) in made.items():
        if (case.size, case.density, reduced) == (50, DENSITY, 1):
            colour = {"crossing": "#0072B2", "rate": "#CC79A7"}[case.rule]
            text = f"{case.rule}, {row['networks']} networks, bin {row['bin ms']} ms"
            distribution(axes[0, 2], avalanches.size, text, colour)
    axes[0, 2].set(xlabel="size S", ylabel="P(S)", title="two rules for events, 50 µm, $V^*$ = 1")
    plot_largest(axes[1, 2], [row for _, row in voltages.values()])
    for ax in axes.flat:
        if ax.has_data():
            ax.legend(fontsize=8)
    figures.save(figure, path, dpi=80)


def plot_largest(ax, rows):
    """The largest avalanche, and the mean size of the avalanche that an event belongs to."""
    for size in sorted({row["size um"] for row in rows}):
        mine = sorted((r for r in rows if r["size um"] == size), key=lambda r: r["V*"])
        reduced, colour = [r["V*"] for r in mine], COLOURS.get(size, "0.3")
        means = [r["mean size of an event's avalanche"] for r in mine]
        value, error = ([m[k] for m in means] for k in ("value", "error"))
        ax.plot(reduced, [r["largest"] for r in mine], "^:", color=colour, label=f"{size:g} µm, largest")
        label = f"{size:g} µm, mean over events"
        ax.errorbar(reduced, value, error, fmt="o-", color=colour, capsize=2, label=label)
    known = {v: row.largest for (s, v, _), row in published.AVALANCHES.items() if s == 100 and row.largest}
    if any(row["size um"] == 100 for row in rows):
        ax.plot(list(known), list(known.values()), "kx", ms=8, label="100 µm, largest, deposited")
    ax.set(xlabel="$V^*$", ylabel="size S", yscale="log", title="system-size avalanches")


def plot_densities(made, cutoffs, path):
    """S7 at 50 um and V* = 1: sizes and lifetimes by density; S17: the fit against its upper cut-off."""
    figure, axes = plt.subplots(1, 3, figsize=(16, 4.6), layout="constrained")
    for (case, reduced), (row, avalanches) in sorted(made.items(), key=lambda item: item[0][0].density):
        if (case.size, case.rule, reduced) != (50, "crossing", 1):
            continue
        known = published.AVALANCHES[50, 1.0, case.density]
        for ax, name in zip(axes, ("size", "lifetime"), strict=False):
            line, (theirs, _) = row[name]["line"], getattr(known, name)
            text = f"{case.density:.2f} /µm², {row['networks']} networks: line {line['exponent']:.2f}"
            text += f" (deposited {theirs:.2f})"
            distribution(ax, getattr(avalanches, name), text, DENSITY_COLOURS[case.density])
    axes[0].set(xlabel="size S", ylabel="P(S)", title="S7: density, 50 µm, $V^*$ = 1")
    axes[1].set(xlabel="lifetime T [bins]", ylabel="P(T)", title="bin: mean interval of each density")
    for key, colour in (("exponent", "#0072B2"), ("p_value", "#D55E00")):
        values = [row[key] for row in cutoffs]
        error = [row["error"] if key == "exponent" else 0 for row in cutoffs]
        label = {"exponent": "exponent of the size", "p_value": "p"}[key]
        axes[2].errorbar(
            [row["maximum"] for row in cutoffs], values, error, fmt="o-", ms=3, color=colour, label=label
        )
    least = f" from {cutoffs[0]['minimum']} on" if cutoffs else ""
    title = f"S17: sizes{least}, the largest sample"
    axes[2].set(xlabel="upper cut-off", xscale="log", title=title)
    for ax in axes:
        if ax.has_data():
            ax.legend(fontsize=8)
    figures.save(figure, path, dpi=80)
