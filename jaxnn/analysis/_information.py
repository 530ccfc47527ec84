"""Information dynamics of time series: what the past of one, or of another, says of its next value."""

from typing import Literal, NamedTuple, SupportsIndex

import numpy as np
from jaxtyping import Float

from .._core import Numbers, Seed, arguments


_SERIES = arguments.real(ndim=1, known=True)
# Noise of this share of a deviation parts values that are alike, which neighbours could not be counted of.
_DITHER = 1e-8


class Information(NamedTuple):
    """An amount of information, and the same of surrogates that have none.

    ```python
    random = np.random.default_rng(0)
    found = jaxnn.analysis.active_information_storage(random.normal(size=300), surrogates=20)
    found.surrogates.shape  # (20,)
    found.p_value > 0.05  # True
    ```
    """

    value: float
    """The estimate [nat]; divide by log(2) for bits. Its bias may take it below 0."""
    surrogates: Float[np.ndarray, " surrogates"]
    """Estimates [nat] of the same values with the past in another order; none if none were asked for."""

    @property
    def p_value(self) -> float:
        """The share of surrogates with as much information, the estimate itself counted as one of them."""
        return float((1 + np.sum(self.surrogates >= self.value)) / (1 + len(self.surrogates)))


@arguments.checked(
    series=_SERIES,
    estimator=arguments.word("kraskov", "gaussian"),
    length=arguments.count(),
    spacing=arguments.count(),
    neighbours=arguments.count(),
    surrogates=arguments.count(0),
    seed=arguments.seed,
)
def active_information_storage(
    series: Numbers,
    *,
    estimator: Literal["kraskov", "gaussian"] = "kraskov",
    length: SupportsIndex = 1,
    spacing: SupportsIndex = 1,
    neighbours: SupportsIndex = 4,
    surrogates: SupportsIndex = 0,
    seed: Seed = 0,
) -> Information:
    r"""Computes how much the past of a series says of its next value, in nat.

    $$A = I\big(y_t;\, y_{t-1}, y_{t-1-s}, \dots, y_{t-1-(k-1)s}\big)$$

    - `series`: values at even times, `(samples,)`, in any unit: they are scaled.
    - `estimator`: "kraskov" counts neighbours and assumes no form; "gaussian" is the closed form of
      Gaussian variables, what a linear regression explains.
    - `length`, `spacing`: k values of the past, s steps apart.
    - `neighbours`: of the first estimator: more of them vary less and are more biased.
    - `surrogates`, `seed`: how many times the pasts are dealt out anew.

    A series that never changes has none. One that its past determines has no bound: the closed form says
    infinity, neighbours a number that grows with the samples.

    Raises a `ValueError` for fewer samples than the past and its neighbours take.

    Source: Lizier, Prokopenko and Zomaya, Inf. Sci. 208, 39 (2012); Kraskov, Stögbauer and Grassberger,
    Phys. Rev. E 69, 066138 (2004), the first of its estimators.

    ```python
    noise, series = np.random.default_rng(0).normal(size=2000), np.zeros(2000)
    for t in range(1, 2000):
        series[t] = 0.8 * series[t - 1] + noise[t]
    jaxnn.analysis.active_information_storage(series, estimator="gaussian").value  # 0.506
    ```
    """
    k, s = int(length), int(spacing)
    random = np.random.default_rng(seed)
    first = 1 + (k - 1) * s
    values = _scaled(series, estimator, random)
    _check_enough("series", values, first, int(neighbours))
    now, past = values[first:, None], _past(values, first, 1, k, s)
    nothing = np.empty((len(now), 0))
    return _estimate(now, past, nothing, estimator, int(neighbours), int(surrogates), random)


@arguments.checked(
    source=_SERIES,
    target=_SERIES,
    estimator=arguments.word("kraskov", "gaussian"),
    delay=arguments.count(),
    length=arguments.count(),
    source_length=arguments.count(),
    spacing=arguments.count(),
    neighbours=arguments.count(),
    surrogates=arguments.count(0),
    seed=arguments.seed,
)
def transfer_entropy(
    source: Numbers,
    target: Numbers,
    *,
    estimator: Literal["kraskov", "gaussian"] = "kraskov",
    delay: SupportsIndex = 1,
    length: SupportsIndex = 1,
    source_length: SupportsIndex = 1,
    spacing: SupportsIndex = 1,
    neighbours: SupportsIndex = 4,
    surrogates: SupportsIndex = 0,
    seed: Seed = 0,
) -> Information:
    r"""Computes how much the past of a source adds to what the past of a target says of it, in nat.

    $$T = I\big(y_t;\, x_{t-u}, x_{t-u-s}, \dots \,\big|\, y_{t-1}, y_{t-1-s}, \dots\big)$$

    - `source`, `target`: x and y at the same even times, `(samples,)`, each in any unit.
    - `delay`: u, steps from the source to the target.
    - `length`, `source_length`, `spacing`: values of the past of the target and of the source, s apart.
    - `estimator`, `neighbours`, `surrogates`, `seed`: as for `active_information_storage`; surrogates deal
      out the pasts of the source anew.

    Of Gaussian variables it is half of Granger's causality. A source or a target that never changes has
    none. Neighbours tell a small number from 0 only beside surrogates.

    Raises a `ValueError` for series of different lengths or too few samples.

    Source: Schreiber, Phys. Rev. Lett. 85, 461 (2000); Frenzel and Pompe, Phys. Rev. Lett. 99, 204101
    (2007); Barnett, Barrett and Seth, Phys. Rev. Lett. 103, 238701 (2009).

    ```python
    x, noise = np.random.default_rng(0).normal(size=(2, 2000))
    y = np.append(0.0, x[:-1]) + noise
    jaxnn.analysis.transfer_entropy(x, y, estimator="gaussian").value  # 0.35
    jaxnn.analysis.transfer_entropy(y, x, surrogates=9).p_value  # 0.7
    ```
    """
    u, k, l, s = int(delay), int(length), int(source_length), int(spacing)
    random = np.random.default_rng(seed)
    if np.shape(source) != np.shape(target):
        raise ValueError(
            "source and target must be at the same times, got shapes "
            f"{np.shape(source)} and {np.shape(target)}."
        )
    x, y = (_scaled(z, estimator, random) for z in (source, target))
    first = max(1 + (k - 1) * s, u + (l - 1) * s)
    _check_enough("source and target", y, first, int(neighbours))
    now, own, other = y[first:, None], _past(y, first, 1, k, s), _past(x, first, u, l, s)
    return _estimate(now, other, own, estimator, int(neighbours), int(surrogates), random)


def _scaled(series: Numbers, estimator: str, random: np.random.Generator) -> np.ndarray:
    """Values of deviation 1, for neighbours with next to nothing added; zeros if they never change."""
    values = np.asarray(series, float)
    if not values.size or (extent := np.ptp(values)) == 0:
        return np.zeros_like(values)
    # Twice, because squares of the smallest numbers are 0.
    values = (values - values.mean()) / extent
    dither = _DITHER if estimator == "kraskov" else 0.0
    return values / values.std() + dither * random.normal(size=values.shape)


def _check_enough(name: str, values: np.ndarray, first: int, neighbours: int) -> None:
    if len(values) - first <= neighbours + 1:
        raise ValueError(
            f"{name} must have more than {first + neighbours + 1} samples for this past and {neighbours} "
            f"neighbours, got {len(values)}: give more, or a shorter past."
        )


def _past(values: np.ndarray, first: int, delay: int, length: int, spacing: int) -> np.ndarray:
    """So many values of the past of each time from `first` on, `(times, length)`."""
    back = delay + spacing * np.arange(length)
    return values[np.arange(first, len(values))[:, None] - back]


def _estimate(
    now: np.ndarray,
    past: np.ndarray,
    given: np.ndarray,
    estimator: str,
    neighbours: int,
    surrogates: int,
    random: np.random.Generator,
) -> Information:
    """I(now; past | given), and the same of pasts in another order."""
    if not now.any() or not past.any():
        return Information(0.0, np.zeros(surrogates))
    if estimator == "gaussian":
        measure = _gaussian
    else:
        measure = lambda a, b, c: _kraskov(a, b, c, neighbours)
    shuffled = [measure(now, random.permutation(past), given) for _ in range(surrogates)]
    return Information(measure(now, past, given), np.array(shuffled, float))


def _gaussian(now: np.ndarray, past: np.ndarray, given: np.ndarray) -> float:
    """Half the logarithm of the variance that `given` leaves over that which the past leaves as well."""
    constant = np.ones((len(now), 1))
    left = []
    for known in (given, np.hstack([given, past])):
        known = np.hstack([constant, known])
        left.append(np.sum((now - known @ np.linalg.lstsq(known, now)[0]) ** 2))
    with np.errstate(divide="ignore"):
        return float(0.5 * np.log(left[0] / left[1])) if left[0] > 0 else 0.0


def _kraskov(now: np.ndarray, past: np.ndarray, given: np.ndarray, neighbours: int) -> float:
    """psi(k) + <psi(n_c + 1) - psi(n_ac + 1) - psi(n_bc + 1)>, counted within the k-th neighbour of all."""
    from scipy.spatial import KDTree
    from scipy.special import digamma

    everything = np.hstack([now, past, given])
    distance, _ = KDTree(everything).query(everything, neighbours + 1, p=np.inf)
    # Those nearer than it, and not as near.
    radius = np.nextafter(distance[:, -1], 0)
    inside = [_within(np.hstack([part, given]), radius) for part in (now, past)]
    # Of no condition, every sample is a neighbour.
    of_given = digamma(_within(given, radius)) if given.shape[1] else digamma(len(now))
    return float(digamma(neighbours) + np.mean(of_given - sum(digamma(n) for n in inside)))


def _within(points: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """How many points lie within a radius of each, itself counted."""
    from scipy.spatial import KDTree

    return np.asarray(KDTree(points).query_ball_point(points, radius, p=np.inf, return_length=True))
