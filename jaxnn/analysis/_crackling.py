"""The crackling-noise relation: three estimates of one exponent, which agree at criticality."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .._core import Seed, arguments, check_repeats
from ._avalanches import Avalanches, mean_size
from ._power_law import PowerLawFit, line_through


_LENGTH = arguments.real(ndim=0, above=0, finite=False, known=True)


class Estimate(NamedTuple):
    """A number with its standard error.

    ```python
    estimate = jaxnn.analysis.Estimate(value=1.3, error=0.1)
    f"{estimate.value} +- {estimate.error}"  # "1.3 +- 0.1"
    ```
    """

    value: float
    """The number."""
    error: float
    """Standard error, in the same unit; NaN if it is not known."""


class ShapeCollapse(NamedTuple):
    """The mean profiles of avalanches of one lifetime each, and how they fall onto one curve.

    ```python
    events = np.random.default_rng(0).poisson(0.7, 3000)
    avalanches = jaxnn.analysis.find_avalanches(events)
    collapse = jaxnn.analysis.shape_collapse(avalanches, shortest=3, longest=5, bootstraps=0)
    collapse.lifetimes  # [3.0, 4.0]
    collapse.profiles.shape  # (2, 667)
    ```
    """

    estimate: Estimate
    """1 / (sigma nu z) = 1 + gamma; the error is the spread over bootstraps."""
    lifetimes: Float[np.ndarray, " lifetimes"]
    """Lifetimes of the profiles [bins]."""
    time: Float[np.ndarray, " times"]
    """Time over lifetime, from 0 to 1."""
    profiles: Float[np.ndarray, "lifetimes times"]
    """Mean events per bin, not scaled: multiply by lifetime ** -gamma to see the collapse."""


@arguments.checked(size=arguments.one_of(PowerLawFit), lifetime=arguments.one_of(PowerLawFit))
def exponents_relation(size: PowerLawFit, lifetime: PowerLawFit) -> Estimate:
    r"""Computes $(\alpha - 1) / (\tau - 1)$ from the exponents of sizes and lifetimes, errors propagated.

    Source: Sethna et al., Nature 410, 242 (2001).

    ```python
    size = jaxnn.analysis.PowerLawFit(1.9, 0.1, 1, 100, 0.02, 0.6, 500)
    lifetime = size._replace(exponent=2.2)
    estimate = jaxnn.analysis.exponents_relation(size, lifetime)
    estimate.value  # 1.33
    ```
    """
    a, t = lifetime.exponent - 1, size.exponent - 1
    value = a / t
    return Estimate(value, float(abs(value) * np.hypot(size.error / t, lifetime.error / a)))


@arguments.checked(avalanches=arguments.one_of(Avalanches), shortest=_LENGTH, longest=_LENGTH)
def mean_size_exponent(avalanches: Avalanches, shortest: float | int, longest: float | int) -> Estimate:
    r"""Fits the slope of $\ln \langle S \rangle(T)$ against $\ln T$ for lifetimes from shortest to longest.

    Every lifetime that occurs counts alike, as in the paper, where the limits are those of the power
    law of lifetimes.

    ```python
    events = np.random.default_rng(0).poisson(0.7, 3000)
    avalanches = jaxnn.analysis.find_avalanches(events)
    jaxnn.analysis.mean_size_exponent(avalanches, 1, 10).value  # 0.992
    ```
    """
    lifetime, size, _ = mean_size(avalanches)
    inside = (lifetime >= shortest) & (lifetime <= longest)
    return Estimate(*line_through(np.log(lifetime[inside]), np.log(size[inside])))


@arguments.checked(
    avalanches=arguments.one_of(Avalanches),
    shortest=_LENGTH,
    longest=_LENGTH,
    least_count=arguments.count(),
    bootstraps=arguments.count(0),
    seed=arguments.seed,
)
def shape_collapse(
    avalanches: Avalanches,
    *,
    shortest: float | int = 5,
    longest: float | int = np.inf,
    least_count: int = 50,
    bootstraps: int = 20,
    seed: Seed = 0,
) -> ShapeCollapse:
    r"""Finds the exponent that makes mean profiles of different lifetimes one curve.

    $$s(t, T) = T^\gamma F(t / T), \qquad \frac{1}{\sigma \nu z} = 1 + \gamma$$

    Profiles are interpolated at t/T = 1/`shortest`, ..., 1 in steps of 1e-3; $\gamma$ in 0, 0.01, ..., 2
    minimises the variance across lifetimes, summed over time and divided by the square of the height
    of the mean profile. The value is the mean over `bootstraps` resamplings of the avalanches, its error
    their standard deviation; with 0 it is that of the data, without error.

    - `shortest`, `longest`: lifetimes to use [bins].
    - `least_count`: how many avalanches a lifetime needs to be used.
    - `bootstraps`: 1,000,000 at the most.

    NaN if fewer than two lifetimes qualify.

    Source: Marshall et al., Front. Physiol. 7, 250 (2016), as in the code published with Hochstetter et
    al., Nat. Commun. 12, 4008 (2021).

    ```python
    events = np.random.default_rng(0).poisson(0.7, 3000)
    avalanches = jaxnn.analysis.find_avalanches(events)
    collapse = jaxnn.analysis.shape_collapse(avalanches, shortest=3, longest=5, bootstraps=0)
    collapse.estimate.value  # 1.0
    ```
    """
    bootstraps = check_repeats("bootstraps", bootstraps)
    everything = np.arange(len(avalanches.lifetime))
    time = np.arange(1 / shortest, 1 + 1e-9, 1e-3)
    profiles = lambda chosen: _profiles(avalanches, chosen, time, shortest, longest, least_count)
    lifetimes, shapes = profiles(everything)
    random = np.random.default_rng(seed)
    # One at a time, so that no more than one is in memory.
    draws = (random.choice(everything, everything.size) for _ in range(bootstraps))
    gammas = [_best_gamma(*profiles(draw)) for draw in draws] or [_best_gamma(lifetimes, shapes)]
    error = float(np.std(gammas, ddof=1)) if len(gammas) > 1 else float("nan")
    return ShapeCollapse(Estimate(1 + float(np.mean(gammas)), error), lifetimes, time, shapes)


def _profiles(
    avalanches: Avalanches,
    chosen: np.ndarray,
    time: np.ndarray,
    shortest: float | int,
    longest: float | int,
    least_count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean profiles of the chosen avalanches at the scaled times, for each lifetime that qualifies."""
    lifetimes, counts = np.unique(avalanches.lifetime[chosen], return_counts=True)
    used = lifetimes[(lifetimes >= shortest) & (lifetimes <= longest) & (counts >= least_count)]
    rows = []
    for lifetime in used:
        of = chosen[avalanches.lifetime[chosen] == lifetime]
        bins = avalanches.profile[avalanches.start[of][:, None] + np.arange(lifetime)]
        rows.append(np.interp(time, np.arange(1, lifetime + 1) / lifetime, bins.mean(axis=0)))
    return used.astype(float), np.array(rows).reshape(len(used), len(time))


def _best_gamma(lifetimes: np.ndarray, shapes: np.ndarray) -> float:
    if len(lifetimes) < 2:
        return float("nan")
    gammas = np.arange(201) / 100
    scaled = shapes * lifetimes[:, None] ** -gammas[:, None, None]
    height = np.ptp(scaled.mean(axis=1), axis=1)
    return float(gammas[np.argmin(scaled.var(axis=1).sum(axis=1) / height**2)])
