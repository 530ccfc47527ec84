"""A task: a series, what is to be said at each sample, and a linear read-out that is judged by it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .._core import Numbers, arguments


PENALTIES = tuple(10.0 ** np.arange(-12, 1))
# A feature that changes by less than this of its mean is as rounding in float32 leaves it.
_ROUNDING = 1e-6
# Probability that chance alone gives a capacity that counts.
_CHANCE = 1e-4


class Task(NamedTuple):
    """A series and its targets, of which the first part is learnt from and the last is judged.

    After `washout` samples, half of the rest trains a read-out, the next fifth chooses its penalty, and the
    last three tenths are the test.

    ```python
    task = jaxnn.tasks.memory_task(delays=3, steps=200)
    task.inputs.shape, task.targets.shape  # ((200, 1), (200, 3))
    ```
    """

    name: str
    """What it is called."""
    inputs: Float[np.ndarray, "time inputs"]
    """What a reservoir hears, of a size of about 1."""
    targets: Float[np.ndarray, "time targets"]
    """What the read-out has to say at each sample."""
    washout: int
    """Samples at the beginning that neither train nor test."""
    metric: str
    """What its score is: "capacity", "nrmse", "accuracy" or "recall", as `jaxnn.tasks.judge` has them."""

    def parts(self) -> tuple[slice, slice, slice]:
        """Returns the samples that train, that choose the penalty, and that test."""
        left = len(self.inputs) - self.washout
        first, second = self.washout + left // 2, self.washout + left * 7 // 10
        return slice(self.washout, first), slice(first, second), slice(second, len(self.inputs))


class Judgement(NamedTuple):
    """A judgement of how well a read-out does a task, on samples that it was not trained on.

    ```python
    task = jaxnn.tasks.memory_task(delays=2, steps=400)
    found = jaxnn.tasks.judge(task, np.hstack([task.inputs, task.targets]))
    found.score  # 2.0
    ```
    """

    score: float
    """The metric of the task, over the test."""
    each: Float[np.ndarray, " targets"]
    """The same of each target."""
    validation: float
    """The metric on the samples that chose the penalty: what to choose a reservoir by."""
    penalty: float
    """Penalty that was chosen, for features of unit deviation and per sample."""
    predictions: Float[np.ndarray, "samples targets"]
    """What the read-out said over the test."""


def nrmse(targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """The root of the mean squared error over the deviation, per target."""
    return np.sqrt(np.mean((predictions - targets) ** 2, axis=0)) / targets.std(axis=0)


def accuracy(targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """1 - |error| / |target|, per target, as of Hochstetter et al. (2021)."""
    return 1 - np.linalg.norm(predictions - targets, axis=0) / np.linalg.norm(targets, axis=0)


def capacity(targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """The squared correlation, per target; 0 for one that chance alone could give."""
    from scipy.stats import chi2

    x, y = (v - v.mean(axis=0) for v in (predictions, targets))
    size = np.sum(x**2, axis=0) * np.sum(y**2, axis=0)
    found = np.sum(x * y, axis=0) ** 2 / np.where(size > 0, size, np.inf)
    return np.where(found > chi2.isf(_CHANCE, 1) / len(targets), found, 0)


def recall(targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """The share of samples whose class, the largest of the targets, is named: one number."""
    return np.mean(np.argmax(targets, axis=1) == np.argmax(predictions, axis=1), keepdims=True)


# Each with how those of the targets make one number, and whether more is better.
METRICS: dict[str, tuple[Callable, Callable, bool]] = {
    "nrmse": (nrmse, np.mean, False),
    "accuracy": (accuracy, np.mean, True),
    "capacity": (capacity, np.sum, True),
    "recall": (recall, np.mean, True),
}


@arguments.checked(
    task=arguments.one_of(Task),
    features=arguments.real(ndim=2, known=True),
    penalties=arguments.real(ndim=1, low=0, known=True, some=True),
    noise=arguments.real(ndim=0, low=0, known=True),
    seed=arguments.seed,
)
def judge(
    task: Task,
    features: Numbers,
    *,
    penalties: Sequence[float] = PENALTIES,
    noise: float = 0.0,
    seed: int = 0,
) -> Judgement:
    r"""Fits a linear read-out to a task and judges it on samples that it has not seen.

    $$\min_{W, b} \frac1n \sum_k |W^T x_k + b - y_k|^2 + \nu |W|^2$$

    for features of unit deviation, in float64. The penalty is the best on the second part of the samples;
    with it the first two parts train, and the third is the test. Of each target,

    - "nrmse" is the root of the mean squared error over the deviation; the mean of targets counts;
    - "accuracy" is $1 - |\hat y - y| / |y|$ (Hochstetter et al. 2021); the mean counts;
    - "capacity" is the squared correlation, or 0 where chance gives as much in one of 10,000 cases
      (Jaeger 2001; Dambre et al. 2012); the sum counts;
    - "recall" is the share of samples whose largest target is named.

    - `features`: `(time, features)`, of all samples of the task.
    - `noise`: of reading, in deviations of each feature, drawn with `seed`.

    Raises a `ValueError` for features of another length, or that are not finite.

    ```python
    task = jaxnn.tasks.narma_task(steps=600)
    jaxnn.tasks.judge(task, task.inputs).score < 1.1  # True
    ```
    """
    x = np.asarray(features, float)
    if len(x) != len(task.inputs):
        raise ValueError(f"features must be of {len(task.inputs)} samples for {task.name}, got {len(x)}.")
    if noise:
        x = x + noise * x.std(axis=0) * np.random.default_rng(seed).normal(size=x.shape)
    train, choose, test = task.parts()
    both = slice(train.start, choose.stop)
    metric, joined, more_is_better = METRICS[task.metric]
    found = [
        joined(metric(task.targets[choose], y)) for y in _said(x, task.targets, train, choose, penalties)
    ]
    signed = np.asarray(found) if more_is_better else -np.asarray(found)
    # Of equally good ones the largest.
    best = len(penalties) - 1 - int(np.argmax(signed[::-1]))
    predictions = _said(x, task.targets, both, test, penalties[best : best + 1])[0]
    each = np.asarray(metric(task.targets[test], predictions))
    return Judgement(float(joined(each)), each, float(found[best]), float(penalties[best]), predictions)


def _said(
    x: np.ndarray, targets: np.ndarray, train: slice, said: slice, penalties: Sequence[float]
) -> list[np.ndarray]:
    """What read-outs trained on some samples say of others, one for each penalty."""
    mean, scale = x[train].mean(axis=0), x[train].std(axis=0)
    scale = np.where(scale > _ROUNDING * np.abs(mean), scale, np.inf)
    level = targets[train].mean(axis=0)
    left, size, right = np.linalg.svd((x[train] - mean) / scale, full_matrices=False)
    turned, aimed = (x[said] - mean) / scale @ right.T, left.T @ (targets[train] - level)
    count = train.stop - train.start
    # A direction that is not there at all has no weight, even without a penalty.
    floor = np.finfo(float).eps * count * size.max(initial=1.0) ** 2
    return [turned @ ((size / (size**2 + count * nu + floor))[:, None] * aimed) + level for nu in penalties]
