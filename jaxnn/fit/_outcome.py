"""From where searches ended to a `Fit`: residuals, errors and the verdict on them. NumPy."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, PyTree

from . import _judgement as judgement
from ._fit import Fit
from ._methods import AbstractMethod, Found
from ._problem import Problem, Recording, predict_and_slopes, predicted
from ._response import Response, halved
from ._uncertainty import (
    OPEN,
    Uncertainty,
    open_combinations,
    scatter,
    uncertainty,
    variance_of,
)


# The efficiency of a median absolute deviation beside a standard deviation.
_MEDIAN = 0.37
# Mean square of residuals, in units of a known noise, that is far below it.
_BELOW = 0.1
# Rounding errors that a simulation adds up to.
_ROUNDED = 1e3
# A number within this part of its range of a bound that holds it back stands at it.
_AT_BOUND = 1e-3


class _Best(NamedTuple):
    """The model at the best point, and what is left of the data there in units of their noise."""

    x: Float[np.ndarray, " numbers"]
    unit: Float[np.ndarray, " numbers"]
    predicted: Float[np.ndarray, " data"]
    slopes: Float[np.ndarray, "data numbers"]
    residual: Float[np.ndarray, " data"]
    """NaN where nothing was measured."""
    sigma: Float[np.ndarray, " data"]


def fit_of(
    problem: Problem, recording: Recording, found: Found, method: AbstractMethod, *, asks_step: bool = True
) -> Fit:
    """All that is known of the best of some searches; the time step costs a run more."""
    best, variance = _best(problem, recording, found)
    freedom = int(recording.used.sum()) - problem.coordinates.size
    doubt, bound = _doubt(problem, recording, best, variance)
    error = np.sqrt(np.diagonal(doubt.covariance)) * best.unit
    points, chi2 = np.asarray(found.point, float), 2 * np.asarray(found.cost, float)
    if not recording.noise_is_known and problem.loss is None:
        # Searched in units of the spread of the data.
        chi2 = chi2 * (recording.sigma[0] / best.sigma[0]) ** 2
    fitted, kept = best.residual[recording.used], best.residual[recording.known & ~recording.used]
    correlated = judgement.autocorrelation(_fitted(recording, best.residual))
    names, added = problem.coordinates.names, _expected(recording, best, doubt)
    # Neither what is far below the noise nor what rounding leaves says anything of a model.
    counts = _mean_square(fitted, problem) > _BELOW and not _is_rounding(problem, recording, best)
    ratio = _mean_square(kept, problem) / max(_mean_square(fitted, problem), 1)
    evidence = judgement.Evidence(
        chi2_per_freedom=_judged(fitted, freedom, problem, recording),
        freedom=freedom,
        autocorrelation=correlated,
        samples=fitted.size if counts else 0,
        held_out_ratio=ratio / (1 + added),
        added=added / (1 + added),
        # The median of squares is as sure as the mean of fewer of them.
        held_out=int(counts * kept.size * (1 if problem.loss is None else _MEDIAN)),
        distance=doubt.distance,
        rounded=_came_to_rest(found, method) and problem.data.dtype == jnp.float32,
        open=open_combinations(doubt, names, problem.coordinates.logarithmic()),
        at_bound=[names[i] for i in np.flatnonzero(bound)],
        rival=judgement.rival(points, chi2, error, names),
        time_step=_time_step(problem, recording, best, doubt) if counts and asks_step else "",
    )
    return Fit(
        parameters=_strong(problem.coordinates.tree(jnp.asarray(best.x, jnp.zeros(()).dtype))),
        names=names,
        estimate=best.x,
        standard_error=error,
        covariance=doubt.covariance * np.outer(best.unit, best.unit),
        identified=np.sqrt(np.diagonal(doubt.covariance)) < OPEN,
        singular_values=doubt.singular_values,
        directions=doubt.directions,
        chi2=float(np.sum(fitted**2)),
        degrees_of_freedom=freedom,
        **_trees(recording, best),
        autocorrelation=correlated,
        held_out_score=_score(recording, best.predicted),
        held_out_chi2=float(np.mean(kept**2)) if kept.size else np.nan,
        start_estimates=points,
        start_chi2=chi2,
        steps=np.asarray(found.steps),
        distance=doubt.distance,
        problems=judgement.problems(evidence),
        noise_is_known=recording.noise_is_known,
        problem=_strong(problem),
        method=method,
    )


def _best(problem: Problem, recording: Recording, found: Found) -> tuple[_Best, float]:
    """The best point, and the variance of its numbers over that of the slopes alone."""
    point = found.point[int(np.argmin(np.asarray(found.cost)))]
    predicted, slopes = (np.asarray(x, float) for x in predict_and_slopes(problem, point))
    sigma = recording.sigma
    residual = (predicted - recording.flat(recording.arrays)) / sigma
    freedom = int(recording.used.sum()) - problem.coordinates.size
    variance = variance_of(residual[recording.used], freedom, problem.loss, recording.noise_is_known)
    if not recording.noise_is_known and problem.loss is None:
        # The residuals themselves say what the noise is.
        noise = np.sqrt(variance) or 1.0
        sigma, residual, variance = sigma * noise, residual / noise, 1.0
    unit = np.asarray(problem.coordinates.unit(point), float)
    return _Best(np.asarray(point, float), unit, predicted, slopes, residual, sigma), variance


def _doubt(
    problem: Problem, recording: Recording, best: _Best, variance: float
) -> tuple[Uncertainty, Bool[np.ndarray, " numbers"]]:
    """The errors of the numbers, and which of them a bound holds back."""
    used = recording.used
    left = best.residual[used]
    pull = left if problem.loss is None else problem.loss.influence(left)
    jacobian = best.slopes[used] / best.sigma[used, None]
    low, high = problem.coordinates.bounds()
    down = jacobian.T @ pull  # the loss falls against it
    margin = _AT_BOUND * np.where(np.isfinite(high - low), high - low, 0)
    bound = ((best.x - low < margin) & (down > 0)) | ((high - best.x < margin) & (down < 0))
    eps = float(jnp.finfo(problem.data.dtype).eps)
    return uncertainty(jacobian, pull, variance, bound, eps), bound


def _time_step(problem: Problem, recording: Recording, best: _Best, doubt: Uncertainty) -> str:
    """What the time step of a simulated measurement does to the numbers, where it is more than it may."""
    response = problem.predict
    if not isinstance(response, Response):
        return ""
    finer = dataclasses.replace(problem, predict=halved(response))
    point = jnp.asarray(best.x, jnp.zeros(()).dtype)
    used = recording.used
    change = ((np.asarray(predicted(finer, point), float) - best.predicted) / best.sigma)[used]
    told = doubt.error < OPEN
    along = doubt.directions[told]
    slopes = best.slopes[used] / best.sigma[used, None] @ along.T
    # The finer model fits where its change is taken back.
    moved = -along.T @ np.linalg.lstsq(slopes, change, rcond=None)[0]
    error = np.sqrt(np.diagonal(doubt.covariance))
    known = np.isfinite(error) & (error > 0)
    moved = np.where(known, moved / np.where(known, error, 1), 0)
    return judgement.time_step(moved, problem.coordinates.names, response.dt)


def _is_rounding(problem: Problem, recording: Recording, best: _Best) -> bool:
    """Whether the residuals are what rounding leaves of data without noise."""
    left = np.sqrt(np.mean((best.residual * best.sigma)[recording.used] ** 2))
    eps = float(jnp.finfo(problem.data.dtype).eps)
    return bool(left < _ROUNDED * eps * np.max(np.abs(best.predicted[recording.used])))


def _came_to_rest(found: Found, method: AbstractMethod) -> bool:
    """Whether the best search ended before its steps did."""
    return int(np.asarray(found.steps)[int(np.argmin(np.asarray(found.cost)))]) < method.steps


def _judged(
    residual: Float[np.ndarray, " data"], freedom: int, problem: Problem, recording: Recording
) -> float:
    """Chi2 per degree of freedom, as the median sees it where there may be outliers."""
    if not recording.noise_is_known:
        return np.nan
    return float(np.sum(residual**2)) / freedom if problem.loss is None else scatter(residual) ** 2


def _expected(recording: Recording, best: _Best, doubt: Uncertainty) -> float:
    """The mean square of what was held out, in units of the noise, that the errors of the numbers add."""
    kept = recording.known & ~recording.used
    known = np.isfinite(doubt.error)
    along = best.slopes[kept] / best.sigma[kept, None] @ doubt.directions[known].T
    return float(np.sum((along * doubt.error[known]) ** 2) / kept.sum()) if kept.any() else 0.0


def _mean_square(residual: Float[np.ndarray, " data"], problem: Problem) -> float:
    if not residual.size:
        return np.nan
    return float(np.mean(residual**2)) if problem.loss is None else scatter(residual) ** 2


def _fitted(recording: Recording, residual: Float[np.ndarray, " data"]) -> list[np.ndarray]:
    """The residuals of what was fitted as arrays, NaN elsewhere."""
    return list(recording.parts(np.where(recording.used, residual, np.nan)))


def _score(recording: Recording, predicted: Float[np.ndarray, " data"]) -> float:
    """R^2 of what was held out, about the mean of each column of it, in units of its noise."""
    kept = recording.parts(recording.known & ~recording.used)
    left = total = 0.0
    parts = zip(recording.parts(predicted), recording.arrays, recording.sigmas, kept, strict=True)
    for there, here, sigma, counts in parts:
        columns = (x.reshape(len(x), -1).T for x in (there, here, sigma, counts))
        for said, measured, noise, mine in zip(*columns, strict=True):
            if mine.any():
                weight = noise[mine] ** -2.0
                mean = np.average(measured[mine], weights=weight)
                left += float(np.sum(weight * (said - measured)[mine] ** 2))
                total += float(np.sum(weight * (measured[mine] - mean) ** 2))
    return 1 - left / total if total > 0 else np.nan


def _strong(tree: PyTree) -> PyTree:
    """Without weak types, for which a user's functions would be compiled once more."""
    is_weak = lambda x: getattr(x, "weak_type", False)
    return jax.tree.map(lambda x: jnp.asarray(x, x.dtype) if is_weak(x) else x, tree)


def _trees(recording: Recording, best: _Best) -> dict[str, Any]:
    """Data, model, noise and what was held out, in the structure of the data."""
    of = lambda vector: recording.tree(recording.parts(vector))
    return {
        "data": recording.tree(recording.arrays),
        "predicted": of(best.predicted),
        "sigma": of(best.sigma),
        "held_out": recording.tree(recording.held_out),
    }
