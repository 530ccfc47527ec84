"""How well the numbers of a fit are known: errors, correlations, and what the data leave open. NumPy."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from ._losses import AbstractRobustLoss


# Standard error, in what counts as one of a number, from which the data do not determine it: the interval
# then spans the whole range of a `Box`, or a factor of seven of a `Positive`.
OPEN = 0.5
# Parts of a direction that are named.
_NAMED = 0.2
# Times the standard deviation of Gaussian numbers is their median absolute deviation.
_MAD = 1.4826


class Uncertainty(NamedTuple):
    """What the slopes of a model at its best numbers say of them, each in what counts as one of it."""

    covariance: Float[np.ndarray, "numbers numbers"]
    """Infinite on the diagonal for what is not determined, NaN for what stands at its bound."""
    singular_values: Float[np.ndarray, " numbers"]
    """Of the Jacobian in units of the noise, largest first."""
    directions: Float[np.ndarray, "numbers numbers"]
    """A combination of the numbers for each singular value, as rows."""
    error: Float[np.ndarray, " numbers"]
    """Standard error of each combination."""
    distance: float
    """How far from the minimum the search stopped, in standard errors."""


def uncertainty(
    jacobian: Float[np.ndarray, "data numbers"],
    pull: Float[np.ndarray, " data"],
    variance: float,
    fixed: Bool[np.ndarray, " numbers"],
    eps: float,
) -> Uncertainty:
    r"""The covariance $s^2 (J^T J)^{-1}$ of the numbers that are not at a bound, by singular values.

    `pull` is the slope of the loss at each residual, whose sum along the columns of the Jacobian is zero at
    the minimum; `variance` is $s^2$.
    """
    free = np.flatnonzero(~fixed)
    n = len(fixed)
    values, directions = np.zeros(n), np.zeros((n, n))
    slopes = jacobian[:, free]
    kept, lost = _told_and_lost(slopes, eps)
    _, s, combined = np.linalg.svd(slopes @ kept.T, full_matrices=False)
    v, known = combined @ kept, np.arange(len(free)) < len(kept)
    values[: len(free)] = np.concatenate([s, np.linalg.norm(slopes @ lost.T, axis=0)])
    directions[: len(free), free] = np.concatenate([v, lost])
    directions[len(free) :, fixed] = np.eye(int(fixed.sum()))
    inverse = v / s[:, None]
    part = variance * inverse.T @ inverse
    # A number with a part in a direction without any slope is not determined at all.
    open_ = (lost**2).sum(axis=0) > 1e-6
    part[open_, open_] = np.inf
    covariance = np.full((n, n), np.nan)
    covariance[np.ix_(free, free)] = part
    left = inverse @ (slopes.T @ pull)
    distance = float(np.linalg.norm(left) / np.sqrt(variance)) if variance > 0 else 0.0
    error = np.full(n, np.inf)
    error[: len(free)][known] = np.sqrt(variance) / s
    error[len(free) :] = np.nan
    return Uncertainty(covariance, values, directions, error, distance)


def _told_and_lost(
    slopes: Float[np.ndarray, "data numbers"], eps: float
) -> tuple[Float[np.ndarray, "told numbers"], Float[np.ndarray, "lost numbers"]]:
    """Orthonormal combinations of the numbers that the data tell of, and those without any slope.

    Each slope is rounded by a part of itself, in float32 by many ten-millionths, so that each number is
    measured by its own: one with small slopes beside those of another is known as far as they tell it.
    """
    size = np.linalg.norm(slopes, axis=0)
    scale = np.where(size > 0, size, 1.0)
    # There are more data than numbers.
    _, s, v = np.linalg.svd(slopes / scale, full_matrices=False)
    # Below this a singular value is what rounding makes of zero.
    without = s <= eps ** (2 / 3) * s.max(initial=0.0)
    count = int(without.sum())
    if not count:
        return np.eye(len(s)), np.zeros((0, len(s)))
    lost = v[without] / scale
    _, _, rows = np.linalg.svd(lost / np.linalg.norm(lost, axis=1, keepdims=True))
    return rows[count:], rows[:count]


def variance_of(
    residual: Float[np.ndarray, " data"],
    freedom: int,
    loss: AbstractRobustLoss | None,
    noise_is_known: bool,
) -> float:
    r"""The factor $s^2$ of the covariance, for residuals in units of the noise.

    One where the noise is known, the mean square of the residuals where it is not; for a robust loss
    Huber's $\sum \rho'^2 / (n - p) / (\overline{\rho''})^2$.
    """
    if loss is not None:
        slope = float(np.mean(loss.curvature(residual)))
        return float(np.sum(loss.influence(residual) ** 2) / freedom / slope**2) if slope > 0 else np.inf
    return 1.0 if noise_is_known else float(np.sum(residual**2) / freedom)


def scatter(residual: Float[np.ndarray, " data"]) -> float:
    """Their standard deviation, as the median sees it, which outliers do not move."""
    return float(_MAD * np.median(np.abs(residual)))


def quantile(level: float, freedom: int, noise_is_known: bool) -> float:
    """How many standard errors an interval reaches to either side."""
    import scipy.stats

    upper = (1 + level) / 2
    return float(scipy.stats.norm.ppf(upper) if noise_is_known else scipy.stats.t.ppf(upper, freedom))


def open_combinations(
    found: Uncertainty, names: tuple[str, ...], logarithmic: Bool[np.ndarray, " numbers"]
) -> list[str]:
    """A sentence for each combination of numbers that the data leave open, the worst first."""
    sentences = []
    order = [k for k in np.argsort(-found.error) if found.error[k] > OPEN]
    for k in map(int, order):
        direction = found.directions[k]
        # What is equal but for rounding stays in order.
        order_of = np.argsort(-np.round(np.abs(direction), 6), kind="stable")
        direction = direction * np.sign(direction[order_of[0]])
        # Of a direction that is spread over many, the first few.
        parts = [i for i in order_of if abs(direction[i]) > _NAMED] or list(order_of[:3])
        if len(parts) == 1:
            sentences.append(f"the data say {_how_little(float(found.error[k]))} {names[parts[0]]}")
            continue
        of = lambda i: f"ln {names[i]}" if logarithmic[i] else names[i]
        terms = [f"{direction[i]:+.2f} {of(i)}" for i in parts]
        some = ", ".join(names[i] for i in parts[:-1]) + f" and {names[parts[-1]]}"
        sentences.append(
            f"the data do not tell {some} apart: they say {_how_little(float(found.error[k]))} the "
            f"combination {' '.join(terms)}"
        )
    return sentences


def _how_little(error: float) -> str:
    return "nothing of" if error > 100 else "next to nothing of" if error > 5 else "little of"
