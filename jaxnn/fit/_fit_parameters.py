"""The fit of a model's numbers to data: search, errors, verdict."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Float, PyTree

from .._core import Count, Declared, Key, arguments
from .._tuning import AbstractConstraint, spread
from ._coordinates import Coordinates, coordinates_of
from ._fit import Fit
from ._losses import AbstractRobustLoss
from ._methods import AbstractMethod, Found, LevenbergMarquardt, needed, search
from ._outcome import fit_of
from ._problem import Problem, Recording, check_prediction, costs, predict_and_slopes, recording_of
from ._uncertainty import scatter


# Searches with a noise that the last one left.
_ROUNDS = 4


@arguments.checked(
    predict=arguments.function,
    starts=arguments.count(),
    key=arguments.key,
    loss=arguments.one_of(AbstractRobustLoss, named="a loss such as jaxnn.fit.Huber()"),
    held_out=arguments.real(ndim=0, low=0, high=0.9, known=True),
    method=arguments.one_of(AbstractMethod, named="a method such as jaxnn.fit.LevenbergMarquardt()"),
)
def fit_parameters(
    predict: Callable[[Any], PyTree],
    parameters: PyTree,
    data: PyTree,
    *,
    sigma: PyTree = None,
    constraints: PyTree = None,
    starts: Count = 8,
    key: Declared[Key | None] = None,
    loss: AbstractRobustLoss | None = None,
    held_out: float | int = 0.2,
    method: AbstractMethod | None = None,
) -> Fit:
    r"""Fits parameters to measured data by gradient through a model, with errors and a verdict.

    $$\hat\theta = \arg\min_\theta \sum_i \rho\left(\frac{f_i(\theta) - d_i}{\sigma_i}\right), \qquad
      \mathrm{cov}(\hat\theta) = s^2 (J^T J)^{-1}, \quad
      J = \frac{1}{\sigma} \frac{\partial f}{\partial \theta}$$

    A warning says where the result should not be believed: the model does not fit, what is left is not
    noise, parameters are not identifiable, stand at a bound, or have another minimum as good, the time step
    of a `jaxnn.fit.Response` shows in them. It says so in `problems` as well.

    **Arguments:**

    - `predict`: a function of the parameters that returns what the data are, such as a
      `jaxnn.fit.Response`. JAX must be able to differentiate it forwards; it need not be compiled.
    - `parameters`: floats, arrays, laws, drives, or any pytree of these: where to start. All real numbers
      in it are fitted unless `constraints` says otherwise.
    - `data`: measured numbers, time first, or a pytree of arrays; NaN is missing.
    - `sigma`: standard deviation of the noise, in the unit of the data: one number, or of the structure of
      `data`, for each number or array of it. If it is not known the residuals tell it, and the fit cannot
      be judged by its chi2; arrays of a pytree then count by their own spread.
    - `constraints`: as of `jaxnn.optimise`: `Box`, `Bounded`, `Positive`, `Scaled` or `Fixed()`;
      `jaxnn.only` makes those of some fields of a module.
    - `starts`: searches at once, from `parameters` and from random points that the constraints draw; only
      one where no constraint says from where.
    - `key`: of the draws; `jax.random.key(0)` by default.
    - `loss`: `Huber()`, `SoftL1()` or `Cauchy()` for data with outliers.
    - `held_out`: the last part of the first axis, which is not fitted but predicted and judged.
    - `method`: `LevenbergMarquardt()` by default, or `Gradient()` for many numbers.

    **Raises:** `ValueError` for data, noise, constraints or a model that do not fit each other, and a
    model that is finite at no start; `ImportError` without the package optimistix.

    ```python
    time = np.linspace(0.0, 1.0, 50)
    data = 3.0 * np.exp(-time / 0.4) + 0.01 * np.random.default_rng(0).normal(size=50)
    model = lambda p: p["height"] * jnp.exp(-time / p["decay"])
    start = {"height": 1.0, "decay": 1.0}
    found = jaxnn.fit.fit_parameters(model, start, data, constraints=jaxnn.Positive())
    found.parameters["decay"]  # 0.4
    ```
    """
    needed()
    if isinstance(parameters, type):
        arguments.refuse("parameters", "numbers, or an object with numbers, to begin with", parameters)
    given = {"parameters": parameters, "data": data, "sigma": sigma, "constraints": constraints, "key": key}
    for name, tree in given.items():
        arguments.check_known(name, jax.tree.leaves(tree))
    coordinates = coordinates_of(parameters, constraints)
    recording = recording_of(data, sigma, float(held_out))
    check_prediction(predict, coordinates.tree(coordinates.vector(parameters)), recording)
    if recording.used.sum() <= coordinates.size:
        raise ValueError(
            f"data has {recording.used.sum()} numbers to fit {coordinates.size} parameters to: fix some of "
            "them, measure more, or hold out less."
        )
    method = LevenbergMarquardt() if method is None else method
    problem = _problem(predict, coordinates, recording, loss)
    key = jr.key(0) if key is None else key
    points = _starts(problem, parameters, constraints, arguments.as_count("starts", starts), method, key)
    found = search(problem, method, *points)
    if loss is not None and sigma is None:
        problem, recording, found = _with_own_noise(problem, recording, method, found)
    return fit_of(problem, recording, found, method).check()


def _problem(
    predict: Callable, coordinates: Coordinates, recording: Recording, loss: AbstractRobustLoss | None
) -> Problem:
    data = np.where(recording.known, recording.flat(recording.arrays), 0)
    return Problem(predict, coordinates, jnp.asarray(data, jnp.zeros(()).dtype), recording.weight(), loss)


def _starts(
    problem: Problem, parameters: PyTree, constraints: PyTree, starts: int, method: AbstractMethod, key: Key
) -> tuple[Float[jax.Array, "starts numbers"], Float[jax.Array, " starts"]]:
    """The given point first, then those of random ones where the cost is least, with their costs."""
    coordinates = problem.coordinates
    if starts == 1 or not any(isinstance(rule, AbstractConstraint) for rule in coordinates.rules):
        points = coordinates.vector(parameters)[None]
    else:
        drawn = spread(parameters, key, 1 + (starts - 1) * method.draws, constraints=constraints)
        points = coordinates.vector(drawn)
    found = costs(problem, points)
    cost = np.asarray(found)
    if not np.isfinite(cost).any():
        raise ValueError(
            f"predict is not finite at any of {len(cost)} starts: evaluate it there, as in "
            "predict(parameters), and look for a conductance at 0 V or the logarithm of zero."
        )
    best = 1 + np.argsort(cost[1:], kind="stable")[: starts - 1]
    chosen = np.concatenate([[0], best]).astype(int)
    chosen = chosen[np.isfinite(cost[chosen])]
    return points[chosen], found[chosen]


def _with_own_noise(
    problem: Problem, recording: Recording, method: AbstractMethod, found: Found
) -> tuple[Problem, Recording, Found]:
    """Searches on with the noise that the residuals show, as a robust loss needs to know it."""
    for _ in range(_ROUNDS):
        best = found.point[int(np.argmin(np.asarray(found.cost)))]
        predicted, _ = predict_and_slopes(problem, best)
        sigmas = []
        for there, here, kept in zip(
            recording.parts(np.asarray(predicted)), recording.arrays, recording.held_out, strict=True
        ):
            left = (there - here)[np.isfinite(here) & ~kept]
            noise = (scatter(left) or float(np.std(left))) if left.size else 0.0
            sigmas.append(np.full(here.shape, noise or 1.0))
        recording = eqx.tree_at(lambda r: r.sigmas, recording, tuple(sigmas))
        problem = eqx.tree_at(lambda p: p.weight, problem, recording.weight())
        found = search(problem, method, found.point, found.cost)
    return problem, recording, found
