"""Power laws of whole numbers between two cut-offs: exponents, their errors, and whether they fit."""

from typing import NamedTuple, SupportsIndex

import numpy as np
from jaxtyping import Float, Int

from .._core import Numbers, Seed, arguments, check_repeats, check_room
from ._power_law_range import Range, Sample, Tail, distance, mean_log, probabilities


_EXPONENT = arguments.real(ndim=0, known=True)


class PowerLawFit(NamedTuple):
    """A power law p(x) ~ x^-exponent for the whole numbers from `minimum` to `maximum`.

    ```python
    sample = jaxnn.analysis.power_law_sample(2.0, 1, 100, 1000, seed=0)
    fit = jaxnn.analysis.fit_power_law(sample, 1, 100, samples=20)
    fit.exponent  # 1.97
    fit.used  # 1000
    ```
    """

    exponent: float
    """Exponent tau of the law."""
    error: float
    """Standard deviation of the exponent."""
    minimum: int
    """Smallest datum that the law holds for, at least 1."""
    maximum: int
    """Largest datum that the law holds for."""
    distance: float
    """Kolmogorov-Smirnov distance, the largest difference of the cumulative distributions."""
    p_value: float
    """Share of synthetic samples that are further from the law than the data, from 0 to 1; small: no power
    law."""
    used: int
    """Number of data within the range."""


@arguments.checked(exponent=_EXPONENT, minimum=arguments.count(), maximum=arguments.count())
def power_law_probabilities(exponent: float, minimum: int, maximum: int) -> Float[np.ndarray, " _"]:
    """Returns p(x) = x^-exponent / sum over minimum..maximum, for x = minimum, ..., maximum.

    ```python
    jaxnn.analysis.power_law_probabilities(2.0, 1, 3)  # [0.735, 0.184, 0.0816]
    ```
    """
    count = int(maximum) - int(minimum) + 1
    check_room(f"The probabilities of {count:,} whole numbers", 24 * count, "take a nearer maximum")
    return probabilities(exponent, minimum, maximum)


@arguments.checked(
    exponent=_EXPONENT,
    minimum=arguments.count(),
    maximum=arguments.count(),
    count=arguments.count(0),
    seed=arguments.seed,
)
def power_law_sample(
    exponent: float, minimum: int, maximum: int, count: SupportsIndex, seed: Seed = 0
) -> Int[np.ndarray, " count"]:
    """Draws independently from the law; `seed` as for `numpy.random.default_rng`.

    ```python
    sample = jaxnn.analysis.power_law_sample(2.0, minimum=1, maximum=100, count=1000, seed=0)
    sample.max() <= 100  # True
    ```
    """
    check_room(f"A sample of {int(count):,} whole numbers", 64 * int(count), "draw fewer")
    random, law = np.random.default_rng(seed), Range(int(minimum), int(maximum)).law(exponent)
    if isinstance(law, Tail):
        return law.draws(int(count), random)
    return random.choice(len(law.law), int(count), p=law.law) + law.minimum


@arguments.checked(
    sample=arguments.real(known=True),
    minimum=arguments.count(),
    maximum=arguments.count(),
    samples=arguments.count(0),
    refit=arguments.flag,
    seed=arguments.seed,
)
def fit_power_law(
    sample: Numbers,
    minimum: int | None = None,
    maximum: int | None = None,
    *,
    samples: int = 500,
    refit: bool = False,
    seed: Seed = 0,
) -> PowerLawFit:
    r"""Fits by maximum likelihood within given cut-offs, by default the smallest and the largest datum.

    $$\hat\tau: \quad \frac{1}{N} \sum_i \ln x_i = \sum_x p_\tau(x) \ln x$$

    - `sample`: whole numbers >= 1; what lies outside the cut-offs is left out. A range of millions takes no
      more time or memory than one of thousands: beyond a table, sums are integrals, to 1e-9.
    - `samples`: how many synthetic samples give the p-value and the error.
    - `refit`: whether the law is fitted to each of these before its distance is measured. The paper
      does not, which makes p larger; Clauset et al. do, and then p < 0.1 rejects.

    `jaxnn.analysis.compare_with_powerlaw` asks the `powerlaw` package for the same.

    Raises a `ValueError` for data that are no whole numbers >= 1, or fewer than two distinct values.

    Sources: Clauset et al., SIAM Rev. 51, 661 (2009); Marshall et al., Front. Physiol. 7, 250 (2016).

    ```python
    sample = jaxnn.analysis.power_law_sample(2.0, 1, 100, 1000, seed=0)
    fit = jaxnn.analysis.fit_power_law(sample, 1, 100, samples=20)
    fit.exponent  # 1.97
    ```
    """
    values, counts = np.unique(_check_sample(sample), return_counts=True)
    samples = check_repeats("samples", samples)
    minimum = int(values[0] if minimum is None else minimum)
    maximum = int(values[-1] if maximum is None else maximum)
    inside = (values >= minimum) & (values <= maximum)
    if np.count_nonzero(inside) < 2:
        raise ValueError(f"Fewer than two distinct values lie between {minimum} and {maximum}.")
    data = values[inside], counts[inside]
    return _fit(Range(minimum, maximum), data, samples, refit, np.random.default_rng(seed))


@arguments.checked(
    sample=arguments.real(known=True),
    accept=arguments.real(ndim=0, low=0, high=1, known=True),
    samples=arguments.count(),
    tries=arguments.count(),
    seed=arguments.seed,
)
def scan_power_law(
    sample: Numbers,
    *,
    accept: float | int = 0.5,
    samples: int = 500,
    tries: int | None = None,
    seed: Seed = 0,
) -> PowerLawFit | None:
    """Finds the widest range, by maximum / minimum, in which the data look like a power law.

    Ranges between any two distinct data that are no neighbours are tried from the widest down; the
    first whose p-value (without refitting) reaches `accept` is taken. None if there is no such
    range within `tries`.

    This is the paper's procedure, with the exponent exact instead of to 0.01. It differs from that
    of Clauset et al., which the `powerlaw` package follows: there the lower cut-off is the one with
    the least Kolmogorov-Smirnov distance, the upper one is given, and p is asked for afterwards.

    Raises a `ValueError` for data that are no whole numbers >= 1.

    Source: Marshall et al., Front. Physiol. 7, 250 (2016); constants of the code published with
    Hochstetter et al., Nat. Commun. 12, 4008 (2021).

    ```python
    sample = jaxnn.analysis.power_law_sample(2.0, 1, 30, 300, seed=0)
    fit = jaxnn.analysis.scan_power_law(sample, samples=20)
    (fit.minimum, fit.maximum)  # (1, 27)
    ```
    """
    distinct, counts = np.unique(_check_sample(sample), return_counts=True)
    samples = check_repeats("samples", samples)
    pairs = len(distinct) * len(distinct) // 2
    check_room(f"The {pairs:,} ranges between {len(distinct):,} distinct data", 48 * pairs, "bin the data")
    low, high = np.triu_indices(len(distinct), 2)
    order = np.argsort(-distinct[high] / distinct[low], kind="stable")[:tries]
    random = np.random.default_rng(seed)
    for i in order:
        inside = slice(low[i], high[i] + 1)
        found = Range(int(distinct[low[i]]), int(distinct[high[i]]))
        data = distinct[inside], counts[inside]
        if _may_reach(found, data, accept, samples, random):
            fit = _fit(found, data, samples, False, random)
            if fit.p_value >= accept:
                return fit
    return None


@arguments.checked(sample=arguments.real(known=True))
def log_log_slope(sample: Numbers) -> tuple[float, float]:
    """Fits a straight line through the logarithm of the whole histogram: the exponent and its error.

    Unweighted, so that the rare values of the tail count most: it is how most of the published
    exponents of the paper's supplement were found, and no more than a description.

    ```python
    sample = jaxnn.analysis.power_law_sample(2.0, 1, 30, 300, seed=0)
    exponent, error = jaxnn.analysis.log_log_slope(sample)
    exponent  # 1.51
    ```
    """
    value, count = np.unique(_check_sample(sample), return_counts=True)
    slope, error = line_through(np.log(value), np.log(count / count.sum()))
    return -slope, error


def line_through(x: Numbers, y: Numbers) -> tuple[float, float]:
    """Slope of the least-squares line and its standard error (NaN for fewer than three points)."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.size < 2:
        return float("nan"), float("nan")
    away = x - x.mean()
    slope = float(away @ y / (away @ away))
    if x.size < 3:
        return slope, float("nan")
    residual = y - y.mean() - slope * away
    return slope, float(np.sqrt(residual @ residual / (x.size - 2) / (away @ away)))


def _fit(found: Range, data: Sample, samples: int, refit: bool, random: np.random.Generator) -> PowerLawFit:
    count = int(data[1].sum())
    exponent = float(found.exponents(np.array([mean_log(data)]))[0])
    law = found.law(exponent)
    apart = distance(data, law)
    again, further, several = np.zeros(samples), 0, found.at_once(count)
    for start in range(0, samples, several):
        made = [law.sample(count, random) for _ in range(start, min(start + several, samples))]
        some = again[start : start + len(made)] = found.exponents(np.array([*map(mean_log, made)]))
        laws = [found.law(e) for e in some] if refit else [law] * len(made)
        further += sum(distance(*pair) >= apart for pair in zip(made, laws, strict=True))
    p_value = further / samples if samples else float("nan")
    error = float(again.std(ddof=1)) if samples > 1 else float("nan")
    return PowerLawFit(exponent, error, found.minimum, found.maximum, apart, p_value, count)


def _may_reach(
    found: Range, data: Sample, accept: float, samples: int, random: np.random.Generator
) -> bool:
    """Whether the first few synthetic samples leave a chance of 1e-3 that p reaches `accept`."""
    first = min(20, samples)
    law = found.law(float(found.exponents(np.array([mean_log(data)]))[0]))
    apart, count = distance(data, law), int(data[1].sum())
    beyond = sum(distance(law.sample(count, random), law) >= apart for _ in range(first))
    return bool(_binomial_cdf(beyond, first, accept) > 1e-3)


def _binomial_cdf(successes: int, trials: int, chance: float) -> float:
    """The chance of at most so many successes."""
    from scipy.stats import binom

    return float(binom.cdf(successes, trials, chance))


def _check_sample(sample: Numbers) -> Int[np.ndarray, " data"]:
    values = np.asarray(sample)
    if (
        values.ndim != 1
        or not values.size
        or not np.issubdtype(values.dtype, np.integer)
        or values.min() < 1
        or values.max() >= 2**62
    ):
        raise ValueError(
            f"sample must be a list of whole numbers from 1 to 2^62, got {values.dtype} of shape "
            f"{values.shape}; for continuous data use the powerlaw package."
        )
    return values.astype(np.int64)
