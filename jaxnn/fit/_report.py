"""A fit as text, as plain numbers and as JSON."""

import json
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np


if TYPE_CHECKING:
    from ._fit import Fit
else:
    Fit = Any

_WIDTH = 100
_STRONG = 0.9  # correlations that are listed


def as_text(fit: Fit) -> str:
    """The table of numbers, how well they fit, and what is wrong."""
    low, high = fit.interval()
    width = max(len("parameter"), *(len(name) for name in fit.names))
    lines = [f"{'parameter':{width}}  {'estimate':>11}  {'std. error':>10}  {'95 % interval':>25}"]
    for i, name in enumerate(fit.names):
        interval = f"{low[i]:>11.5g} .. {high[i]:<11.5g}" if fit.identified[i] else "not identified"
        error = fit.standard_error[i]
        lines.append(f"{name:{width}}  {fit.estimate[i]:>11.5g}  {error:>10.2g}  {interval:>25}".rstrip())
    lines += ["", *_quality(fit)]
    strong = [f"{a} and {b} {r:+.3f}" for a, b, r in _strong_correlations(fit)]
    if strong:
        lines.append(f"strong correlations: {', '.join(strong)}")
    said = [f"- {problem}." for problem in fit.problems] or ["nothing speaks against it"]
    lines += ["", *(part for text in said for part in textwrap.wrap(text, _WIDTH, subsequent_indent="  "))]
    return "\n".join(lines)


def as_dictionary(fit: Fit) -> dict[str, Any]:
    """Plain numbers, lists and text."""
    low, high = fit.interval()
    numbers = {
        name: {
            "estimate": float(fit.estimate[i]),
            "standard_error": float(fit.standard_error[i]),
            "interval_95": [float(low[i]), float(high[i])],
            "identified": bool(fit.identified[i]),
        }
        for i, name in enumerate(fit.names)
    }
    return {
        "parameters": numbers,
        "correlation": fit.correlation.tolist(),
        "chi2": fit.chi2,
        "degrees_of_freedom": fit.degrees_of_freedom,
        "chi2_per_freedom": fit.chi2_per_freedom,
        "noise_is_known": fit.noise_is_known,
        "autocorrelation": fit.autocorrelation.tolist(),
        "held_out_score": fit.held_out_score,
        "held_out_chi2": fit.held_out_chi2,
        "singular_values": fit.singular_values.tolist(),
        "directions": fit.directions.tolist(),
        "starts": {
            "estimates": fit.start_estimates.tolist(),
            "chi2": fit.start_chi2.tolist(),
            "steps": fit.steps.tolist(),
            "agreement": fit.agreement,
        },
        "problems": list(fit.problems),
    }


def as_json(fit: Fit) -> str:
    """The same, with null for what JSON has no number for."""
    return json.dumps(_finite(as_dictionary(fit)), indent=2)


def _quality(fit: Fit) -> list[str]:
    known = f"chi2 {fit.chi2:.5g} for {fit.degrees_of_freedom} degrees of freedom"
    known += f" ({fit.chi2_per_freedom:.3g} each)" if fit.noise_is_known else " (noise from the residuals)"
    lines = [known]
    if fit.autocorrelation.size:
        lines.append(f"correlation of each residual with the next {fit.autocorrelation[0]:+.2f}")
    if np.isfinite(fit.held_out_chi2):
        lines.append(
            f"held out: R2 {fit.held_out_score:.4g}, "
            f"mean square {fit.held_out_chi2:.3g} in units of the noise"
        )
    starts = len(fit.start_chi2)
    lines.append(
        f"{fit.agreement} of {starts} starts came down to the best"
        if starts > 1
        else "one start: another minimum may be lower"
    )
    return lines


def _strong_correlations(fit: Fit) -> list[tuple[str, str, float]]:
    r = fit.correlation
    pairs = [(i, j) for i in range(len(r)) for j in range(i) if abs(r[i, j]) > _STRONG]
    pairs.sort(key=lambda pair: -abs(r[pair]))
    return [(fit.names[j], fit.names[i], float(r[i, j])) for i, j in pairs[:5]]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
