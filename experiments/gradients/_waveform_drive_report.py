"""The comparison of waveform_drive.py as a picture and in a few lines."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.shared import figures
from experiments.shared.figures import plt


METHODS = ("gradient", "random search", "published grid")


def plot(report: dict[str, Any], path: Path) -> None:
    """Best accuracy so far against the number of simulations, and where the drives ended."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    millions = report["steps_per_simulation"] / 1e6
    colours = {}
    for method, values in report["accuracies"].items():
        best = np.maximum.accumulate(np.asarray(values), axis=1)
        low, median, high = np.percentile(best, [25, 50, 75], axis=0)
        spent = report["cost_simulations"][method] * np.arange(1, best.shape[1] + 1)
        (curve,) = left.step(spent, median, where="post", label=method)
        left.fill_between(spent, low, high, step="post", color=curve.get_color(), alpha=0.2, lw=0)
        colours[method] = curve.get_color()
    left.axvline(report["comparison"]["budget_simulations"], color="0.7", ls=":", lw=1)
    left.set(xlabel="simulations (a gradient step at its cost)", ylabel="best accuracy so far, 1 - RNMSE")
    left.set_title(f"{report['target']}: median and quartiles of {report['restarts']} restarts")
    left.secondary_xaxis("top", functions=(lambda n: n * millions, lambda n: n / millions)).set_xlabel(
        "simulated steps (millions)"
    )
    left.legend(loc="lower right")
    for name, group in report["drives"].items():
        if name not in colours and name != "start":
            continue
        method = "gradient" if name == "start" else name
        exponent = np.asarray([np.nan if x is None else x for x in group["exponent_per_second"]])
        style = {"facecolors": "none"} if name == "start" else {}
        right.scatter(exponent, group["accuracy"], color=colours[method], label=name, **style)
    right.axvline(0, color="0.7", lw=1)
    right.set(xlabel="largest Lyapunov exponent (1/s)", ylabel="accuracy")
    right.set_title("Best drive of each restart; exponents of -inf left out")
    right.legend()
    figures.save(figure, path, dpi=120)


def print_report(report: dict[str, Any]) -> None:
    """The comparison in a few lines."""
    comparison = report["comparison"]
    budget = comparison["budget_simulations"]
    print(f"{report['target']}: {report['wires']} wires, {report['restarts']} restarts")
    print(f"a gradient step costs {report['cost_simulations']['gradient']:.2g} simulations")
    for method, (low, median, high) in comparison["accuracy_at_budget"].items():
        drives = report["drives"][method]
        print(
            f"{method:15} accuracy after {budget:.0f} simulations: {median:.3f} ({low:.3f} to {high:.3f}),"
            f" best {comparison['best_at_budget'][method]:.3f};"
            f" unseen {np.median(drives['accuracy_unseen']):.3f}"
        )
    ahead = comparison["gradient_ahead"]
    print(
        f"from the same starts, gradient is ahead of random search in {ahead['restarts']} restarts,"
        f" by {ahead['by'][1]:.3f} in the median"
    )
    for name, needs in comparison["simulations_to_reach"].items():
        parts = []
        for method in METHODS:
            median, reach = needs[method]["simulations"][1], needs[method]["restarts_that_reach_it"]
            parts.append(f"{method} {'-' if median is None else f'{median:.0f}'} ({reach} restarts)")
        print(f"simulations to {needs['accuracy']:.3f} ({name}): {', '.join(parts)}")
    for name, numbers in report["numerics"].items():
        print(f"tuned drives, {name}: median accuracy {np.median(numbers):.3f}")
