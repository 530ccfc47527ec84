"""What speaks against believing a fit, in words."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


# Beyond these a fit is called into question. False alarms are rare: each is several standard errors off,
# and large enough to matter for what the errors are worth.
_TOO_MUCH = 1.5  # chi2 per degree of freedom
_SIGMAS = 5.0
_CORRELATED = 0.25  # of a residual with the next
_FROM_MINIMUM = 0.3  # standard errors
_WORSE = 2.0  # mean square of what was held out over that of what was fitted
_RIVAL = 3.84  # difference in chi2 of a start that is as good at 95 %
_ELSEWHERE = 5.0  # standard errors
_OF_TIME_STEP = 0.5  # standard errors by which half the time step may move a number
_FEW = 8  # samples, below which nothing is said of their correlation
MOST_LAGS = 20


class Evidence(NamedTuple):
    """What a fit is judged by."""

    chi2_per_freedom: float
    """Of the residuals over the noise that was given, as the median sees it; NaN if it was not."""
    freedom: int
    autocorrelation: Float[np.ndarray, " lags"]
    samples: int
    held_out_ratio: float
    """Mean square of what was held out, over what it is expected to be, over that of what was fitted."""
    added: float
    """The part of that expectation which comes of the errors of the numbers, from 0 to 1."""
    held_out: int
    """How many samples that mean square is as sure as."""
    distance: float
    rounded: bool
    """Whether the search came to rest by itself, in float32: more steps would not bring it nearer."""
    open: list[str]
    """What the data leave open, a sentence each."""
    at_bound: list[str]
    rival: str
    """Another minimum that is as good, or nothing."""
    time_step: str
    """That the time step shows in the numbers, or nothing."""


def problems(found: Evidence) -> tuple[str, ...]:
    """A sentence for each reason to doubt a fit; none if there is none."""
    said = []
    over = found.chi2_per_freedom
    if over > max(_TOO_MUCH, 1 + _SIGMAS * np.sqrt(2 / max(found.freedom, 1))):
        said.append(
            f"the model does not fit: chi2 is {over:.3g} for each degree of freedom, where about 1 is "
            "expected. Its numbers and their errors mean nothing as they are: look at the drawn residuals, "
            "try more starts and wider bounds, and then another model (or sigma is too small)"
        )
    r = found.autocorrelation[0] if found.autocorrelation.size else 0.0
    if found.samples >= _FEW and r > max(_CORRELATED, _SIGMAS / np.sqrt(found.samples)):
        factor = np.sqrt((1 + r) / max(1 - r, 1e-3))
        said.append(
            f"what is left is not noise: each residual is correlated with the next by {min(r, 1):.2f}. The "
            f"model misses something, and the errors are too small by a factor of about {factor:.2g}"
        )
    if found.held_out and found.held_out_ratio > _most_held_out(found):
        said.append(
            f"it does not carry over: in the part that was held out the mean square of the residuals is "
            f"{found.held_out_ratio:.3g} times what the noise and the errors lead to expect"
        )
    if not found.distance < _FROM_MINIMUM:
        rest = "float32 rounds off the rest, so fit in float64 (jax_enable_x64)"
        remedy = rest if found.rounded else "allow more steps"
        said.append(f"the search stopped {found.distance:.2g} standard errors from a minimum: {remedy}")
    said += [text for text in (found.time_step, found.rival) if text]
    if found.open:
        some = "; ".join(found.open[:3])
        more = f" (and {len(found.open) - 3} more)" if len(found.open) > 3 else ""
        said.append(f"not identifiable: {some}{more}. Fix what is known, or measure where it shows")
    said += [f"a bound holds back {name}, which stands at it" for name in found.at_bound]
    return tuple(said)


def _most_held_out(found: Evidence) -> float:
    """What the mean square of the held-out part may be, over its expectation.

    That of the noise has a spread of sqrt(2 / n); errors move all samples together, as one.
    """
    noise = np.sqrt(2 / found.held_out)
    return max(_WORSE, 1 + _SIGMAS * (2 * noise * (1 - found.added) + np.sqrt(2) * found.added))


def autocorrelation(arrays: list[np.ndarray]) -> Float[np.ndarray, " lags"]:
    """The correlation of residuals with those some samples on, with NaN for what is missing.

    Time is the first axis of each array; all columns count together.
    """
    columns = [column for x in arrays for column in x.reshape(len(x), -1).T]
    columns = [x - np.nanmean(x) for x in columns if np.isfinite(x).any()]
    longest = max((len(x) for x in columns), default=0)
    lags = np.arange(1, min(MOST_LAGS, longest // 4) + 1)
    power = [np.nansum(x**2) / np.isfinite(x).sum() for x in columns]
    found = []
    for lag in lags:
        products = [x[lag:] * x[:-lag] / p for x, p in zip(columns, power, strict=True) if p > 0]
        pairs = sum(int(np.isfinite(x).sum()) for x in products)
        found.append(sum(float(np.nansum(x)) for x in products) / pairs if pairs else np.nan)
    return np.asarray(found)


def rival(
    points: Float[np.ndarray, "starts numbers"],
    chi2: Float[np.ndarray, " starts"],
    error: Float[np.ndarray, " numbers"],
    names: tuple[str, ...],
) -> str:
    """Another minimum that is as good as the best but elsewhere, in a sentence."""
    best = int(np.argmin(chi2))
    as_good = np.isfinite(chi2) & (chi2 - chi2[best] < _RIVAL)
    usable = np.isfinite(error) & (error > 0)
    if not usable.any():
        return ""
    apart = np.abs(points - points[best])[:, usable] / error[usable]
    far = as_good & (apart.max(axis=1) > _ELSEWHERE)
    if not far.any():
        return ""
    k = int(np.argmax(far))
    i = np.flatnonzero(usable)[np.argmax(apart[k])]
    return (
        f"another minimum is as good: {names[i]} is {points[best, i]:.4g} in the best and "
        f"{points[k, i]:.4g} in one whose chi2 is larger by {chi2[k] - chi2[best]:.2g} only"
    )


def time_step(moved: Float[np.ndarray, " numbers"], names: tuple[str, ...], dt: float) -> str:
    """That half the time step moves a number by too many of its standard errors, in a sentence.

    Steps err in proportion to their length: all that is left is as much again.
    """
    size = np.where(np.isfinite(moved), np.abs(moved), 0)
    if not size.max(initial=0) > _OF_TIME_STEP:
        return ""
    k = int(np.argmax(size))
    enough = dt * _OF_TIME_STEP / 2 / size[k]
    return (
        f"the time step of {dt:.3g} s shows: with half of it {names[k]} would be "
        f"{'higher' if moved[k] > 0 else 'lower'} by {size[k]:.2g} of its standard errors. Give "
        f"dt={enough:.1g} to the Response, or under [table] of a file"
    )


def chance(chi2: float, freedom: int) -> float:
    """How often noise alone gives a chi2 as large."""
    import scipy.stats

    return float(scipy.stats.chi2.sf(chi2, freedom))
