"""Power laws, exponents and bins of the avalanches of one ensemble."""

from typing import Any

import numpy as np

from experiments.hochstetter2021 import _avalanche_pictures as pictures
from jaxnn import analysis


LEAST = 200  # avalanches, for a fit to be tried
FITTED = 500  # synthetic samples for p-values and errors
INTERVALS = (5, 6200)  # [ms] the published range of the exponent of the intervals


def fitted(sample, seed=0) -> dict[str, Any]:
    """Exponents of sizes or lifetimes: the paper's scan, a line, and the `powerlaw` package."""
    slope, error = analysis.log_log_slope(sample)
    found: dict[str, Any] = {"line": {"exponent": slope, "error": error}}
    if len(sample) < LEAST:
        return found
    fit = analysis.scan_power_law(sample, samples=FITTED, seed=seed)
    if fit is None:
        return found
    again = analysis.fit_power_law(sample, fit.minimum, fit.maximum, samples=FITTED, refit=True, seed=seed)
    found["scan"] = fit._asdict() | {"p_value_refitted": again.p_value}
    found["powerlaw, its own cut-off"] = analysis.compare_with_powerlaw(sample)
    found["powerlaw, the scan's range"] = analysis.compare_with_powerlaw(sample, fit.minimum, fit.maximum)
    return found


def as_fit(found: dict[str, Any]) -> analysis.PowerLawFit | None:
    """The scan's result as it was."""
    fields = analysis.PowerLawFit._fields
    return analysis.PowerLawFit(**{k: found["scan"][k] for k in fields}) if "scan" in found else None


def interval_exponent(intervals) -> dict[str, Any] | None:
    """The exponent of inter-event intervals over the published range: likelihood, and a line.

    The line goes through the density in bins that grow by a factor 1.3.
    """
    inside = intervals[(intervals >= INTERVALS[0]) & (intervals <= INTERVALS[1])]
    if len(inside) < LEAST:
        return None
    fit = analysis.fit_power_law(inside, *INTERVALS, samples=100)
    centre, density = pictures.density(inside)
    (slope, _), covariance = np.polyfit(np.log(centre), np.log(density), 1, cov=True)
    found = {"used": len(inside), "exponent": fit.exponent, "error": fit.error, "p_value": fit.p_value}
    return found | {"line": {"exponent": -slope, "error": covariance[0, 0] ** 0.5}}


def bin_width(counts) -> int:
    """The mean interval, as the width of a bin [steps]."""
    return round(float(analysis.inter_event_intervals(counts).mean()))


def measure_avalanches(counts) -> tuple[dict[str, Any], analysis.Avalanches]:
    """What is said of events (runs, ms): intervals, and avalanches in bins of the mean one."""
    intervals = analysis.inter_event_intervals(counts)
    width = bin_width(counts)
    avalanches = analysis.find_avalanches(analysis.bin_events(counts, width))
    size, lifetime = fitted(avalanches.size), fitted(avalanches.lifetime)
    size_fit, lifetime_fit = as_fit(size), as_fit(lifetime)
    shortest, longest = (lifetime_fit.minimum, lifetime_fit.maximum) if lifetime_fit else (1, 1e9)
    crackling: dict[str, Any] = {}
    if size_fit and lifetime_fit:
        crackling["exponents"] = analysis.exponents_relation(size_fit, lifetime_fit)._asdict()
    crackling["mean size"] = analysis.mean_size_exponent(avalanches, shortest, longest)._asdict()
    # The paper's 50 avalanches of each lifetime, from a fifth of a sample like the paper's on.
    least = 50 if len(avalanches.size) > 10_000 else 10
    collapse = analysis.shape_collapse(avalanches, longest=longest, least_count=least, bootstraps=100)
    crackling["shape collapse"] = collapse.estimate._asdict()
    return {
        "events": int(counts.sum()),
        "mean interval ms": float(intervals.mean()),
        "intervals": interval_exponent(intervals),
        "bin ms": width,
        "avalanches": len(avalanches.size),
        "largest": int(avalanches.size.max(initial=0)),
        "branching ratio": avalanches.branching_ratio(),
        "size": size,
        "lifetime": lifetime,
        "crackling": crackling,
    }, avalanches


def fit_text(fit: dict[str, Any]) -> str:
    """An exponent and the range that it holds on."""
    return f"{fit['exponent']:.2f} +- {fit['error']:.2f} on {fit['minimum']}..{fit['maximum']}"
