"""Series that are to be followed or forecast: NARMA, Mackey and Glass, Lorenz."""

import numpy as np
from jaxtyping import Float

from .._core import Count, arguments
from ._task import Task


_COUNT = arguments.count()


@arguments.checked(order=_COUNT, steps=_COUNT, seed=arguments.seed, washout=arguments.count(0))
def narma_task(order: Count = 10, *, steps: Count = 3000, seed: int = 0, washout: Count = 200) -> Task:
    r"""Makes the task to follow a nonlinear moving average of a random input.

    $$y_{k+1} = 0.3 y_k + 0.05 y_k \sum_{i=0}^{n-1} y_{k-i} + 1.5 u_{k-n+1} u_k + 0.1$$

    with $u_k$ uniform in 0 to 0.5, which is shown as $4 u_k - 1$; the target at sample $k$ is $y_{k+1}$.

    Source: Atiya and Parlos, IEEE Trans. Neural Netw. 11, 697 (2000).

    Raises a `ValueError` where the average escapes to infinity, as it can: another seed does not.

    ```python
    task = jaxnn.tasks.narma_task(steps=500)
    task.metric  # "nrmse"
    ```
    """
    n, count = arguments.as_count("order", order), arguments.as_count("steps", steps)
    u = np.random.default_rng(seed).uniform(0, 0.5, count)
    y = np.zeros(count + 1)
    for k in range(n - 1, count):
        y[k + 1] = 0.3 * y[k] + 0.05 * y[k] * y[k - n + 1 : k + 1].sum() + 1.5 * u[k - n + 1] * u[k] + 0.1
        if not y[k + 1] < 10:
            raise ValueError(f"the average of order {n} escapes to infinity with seed {seed}: take another")
    washout = max(arguments.as_count("washout", washout, 0), n)
    return Task(f"NARMA-{n}", 4 * u[:, None] - 1, y[1:, None], washout, "nrmse")


@arguments.checked(
    steps=_COUNT,
    tau=_COUNT,
    start=arguments.real(ndim=0, above=0, known=True),
    before=arguments.count(0),
    substeps=arguments.count(2),
)
def mackey_glass_series(
    steps: Count, *, tau: Count = 17, start: float = 1.2, before: Count = 500, substeps: Count = 10
) -> Float[np.ndarray, " steps"]:
    r"""Solves the delay equation of Mackey and Glass, and returns a sample each unit of time.

    $$\dot x = \frac{0.2\, x(t - \tau)}{1 + x(t - \tau)^{10}} - 0.1\, x$$

    by the fourth-order method of Runge and Kutta, with the delayed value at the middle of a step from four
    around it.

    - `tau`: delay, in units of time.
    - `start`: constant that $x$ has been up to time 0.
    - `before`: units of time that are left out; the first sample is at this time.
    - `substeps`: steps in a unit of time, at least two.

    Source: Mackey and Glass, Science 197, 287 (1977).

    ```python
    series = jaxnn.tasks.mackey_glass_series(300)
    series.shape  # (300,)
    ```
    """
    count, fine = (arguments.as_count(k, v) for k, v in (("steps", steps), ("substeps", substeps)))
    first = arguments.as_count("before", before, 0)
    lag, h = arguments.as_count("tau", tau) * fine, 1 / fine
    x = np.full(lag + 2 + (first + count - 1) * fine, float(start))
    grown = lambda past: 0.2 * past / (1 + past**10)
    for i in range(lag + 1, len(x) - 1):
        # Of the history, with the value of now at the end of the past; tau is longer than a step.
        now, old = x[i], x[i - lag - 1 : i - lag + 3]
        early, late = grown(old[1]), grown(old[2])
        middle = grown((9 * (old[1] + old[2]) - old[0] - old[3]) / 16)
        k1 = early - 0.1 * now
        k2 = middle - 0.1 * (now + h / 2 * k1)
        k3 = middle - 0.1 * (now + h / 2 * k2)
        k4 = late - 0.1 * (now + h * k3)
        x[i + 1] = now + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x[lag + 1 + first * fine :: fine]


@arguments.checked(horizon=_COUNT, steps=_COUNT, seed=arguments.seed, washout=arguments.count(0))
def mackey_glass_task(
    horizon: Count = 6, *, tau: Count = 17, steps: Count = 3000, seed: int = 0, washout: Count = 200
) -> Task:
    r"""Makes the task to forecast the delay equation of Mackey and Glass, `horizon` samples ahead.

    $$\dot x = \frac{0.2\, x(t - \tau)}{1 + x(t - \tau)^{10}} - 0.1\, x$$

    in samples of one unit of time, as `jaxnn.tasks.mackey_glass_series` has them. Shown as
    $(x - 0.9) / 0.5$; `seed` is of the constant that it begins with, and the first 500 units are left out.

    Source: Mackey and Glass, Science 197, 287 (1977).

    ```python
    task = jaxnn.tasks.mackey_glass_task(horizon=6, steps=300)
    bool(np.all(task.targets[:-6] == task.inputs[6:]))  # True
    ```
    """
    ahead, count = arguments.as_count("horizon", horizon), arguments.as_count("steps", steps)
    start = np.random.default_rng(seed).uniform(0.9, 1.3)
    shown = (mackey_glass_series(count + ahead, tau=tau, start=start)[:, None] - 0.9) / 0.5
    name = f"Mackey-Glass, {ahead} ahead"
    return Task(
        name,
        shown[:count],
        shown[ahead : count + ahead],
        arguments.as_count("washout", washout, 0),
        "nrmse",
    )


@arguments.checked(
    horizon=_COUNT,
    interval=arguments.real(ndim=0, above=0, known=True),
    steps=_COUNT,
    seed=arguments.seed,
    washout=arguments.count(0),
    shown=arguments.word("x", "xyz"),
)
def lorenz_task(
    horizon: Count = 1,
    *,
    interval: float = 0.02,
    shown: str = "xyz",
    steps: Count = 3000,
    seed: int = 0,
    washout: Count = 200,
) -> Task:
    r"""Makes the task to forecast all three variables of Lorenz' equations, `horizon` samples ahead.

    $$\dot x = 10 (y - x), \quad \dot y = x (28 - z) - y, \quad \dot z = x y - \tfrac83 z$$

    in samples of `interval`, by the fourth-order method of Runge and Kutta in steps of 0.002 or less, one
    sum and product after the other: the series is chaotic, and so the same on every machine. Shown are
    $x / 10$, $y / 10$ and $(z - 25) / 10$, or the first alone (`shown="x"`); the targets are on the same
    scales. `seed` is of the start, after which 20 units of time are left out.

    Source: Lorenz, J. Atmos. Sci. 20, 130 (1963).

    ```python
    task = jaxnn.tasks.lorenz_task(horizon=5, shown="x", steps=300)
    task.inputs.shape, task.targets.shape  # ((300, 1), (300, 3))
    ```
    """
    ahead, count = arguments.as_count("horizon", horizon), arguments.as_count("steps", steps)
    before = int(np.ceil(20 / interval))
    start = np.array([1.0, 1.0, 20.0]) + np.random.default_rng(seed).normal(size=3)
    samples = _lorenz(before + count + ahead, float(interval), start.tolist())
    values = (samples[before:] - [0, 0, 25]) / 10
    inputs = values[:count, : len(shown)]
    name = f"Lorenz, {ahead} ahead" + (" from x" if shown == "x" else "")
    return Task(
        name, inputs, values[ahead : count + ahead], arguments.as_count("washout", washout, 0), "nrmse"
    )


def _lorenz(count: int, interval: float, state: list[float]) -> Float[np.ndarray, "samples 3"]:
    """So many samples, the first of them the start."""
    substeps = int(np.ceil(interval / 0.002))
    h, samples = interval / substeps, [state]
    for _ in range(count - 1):
        for _ in range(substeps):
            k1 = _rates(state, 0.0, [0.0, 0.0, 0.0])
            k2 = _rates(state, h / 2, k1)
            k3 = _rates(state, h / 2, k2)
            k4 = _rates(state, h, k3)
            state = [
                v + h / 6 * (a + 2 * b + 2 * c + d)
                for v, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)
            ]
        samples.append(state)
    return np.array(samples)


def _rates(state: list[float], ahead: float, rate: list[float]) -> list[float]:
    x, y, z = (v + ahead * r for v, r in zip(state, rate, strict=True))
    return [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z]
