"""The linear read-out of a reservoir: the only thing that is trained. NumPy, in float64."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int


PENALTIES = tuple(10.0 ** np.arange(-6, 2))


class LinearReadOut(NamedTuple):
    """Weights on features that were scaled by the training set's mean and deviation."""

    mean: Float[np.ndarray, " features"]
    scale: Float[np.ndarray, " features"]
    weights: Float[np.ndarray, "features classes"]
    intercept: Float[np.ndarray, " classes"]
    penalty: float
    """The one that cross-validation chose."""
    validation: Float[np.ndarray, " penalties"]
    """Mean score of each penalty on the parts of the training set that were left out."""

    def decide(self, features: Any) -> Float[np.ndarray, "samples classes"]:
        """A number per class: the largest wins."""
        return ((np.asarray(features, float) - self.mean) / self.scale) @ self.weights + self.intercept

    def classify(self, features: Any) -> Int[np.ndarray, " samples"]:
        """The class of each sample."""
        return np.argmax(self.decide(features), axis=1)


class Scores(NamedTuple):
    """How well classes are told apart."""

    accuracy: float
    balanced_accuracy: float
    """Mean recall of the classes that occur."""
    f1: Float[np.ndarray, " classes"]
    """Per class; 0 where a class was never named."""


def scores(labels: Any, named: Any, n_classes: int) -> Scores:
    """Accuracy, balanced accuracy and F1 of each class."""
    labels, named = np.asarray(labels), np.asarray(named)
    hit = np.bincount(labels[labels == named], minlength=n_classes)
    true, said = (np.bincount(x, minlength=n_classes) for x in (labels, named))
    recall = hit[true > 0] / true[true > 0]
    f1 = 2 * hit / np.maximum(true + said, 1)
    return Scores(float(hit.sum() / len(labels)), float(recall.mean()), f1)


def fit_ridge(
    features: Any,
    labels: Any,
    n_classes: int,
    *,
    penalties: Sequence[float] = PENALTIES,
    balanced: bool = False,
    folds: Any = 5,
) -> LinearReadOut:
    r"""Ridge regression on the classes, $\pm 1$, in closed form; the penalty by cross-validation.

    $$\min_{W, b} \sum_i c_i |W^T x_i + b - y_i|^2 + \nu \sum_i c_i |W|^2$$

    - `penalties`: values of $\nu$ to choose from, for features of unit deviation; all are solved from
      one matrix of products. The features' or the samples' is used, whichever is smaller.
    - `balanced`: $c_i$ is the inverse of the class's frequency, and the penalty is chosen by balanced
      accuracy; otherwise $c_i = 1$ and accuracy.
    - `folds`: how many parts of the training set are left out in turn, drawn class by class; or the
      part, 0, 1, ..., of each sample, such as its speaker. 1 leaves out a fifth, once.

    Raises a `ValueError` for shapes that do not fit, features that are not finite, and a single class.
    """
    x, labels = _checked(features, labels, n_classes)
    part, held_out = _parts(labels, folds)
    mean, scale = _standard(x)
    x = (x - mean) / scale
    y = np.where(labels[:, None] == np.arange(n_classes), 1.0, -1.0)
    cost = 1.0 / np.bincount(labels, minlength=n_classes)[labels] if balanced else np.ones(len(x))
    score = (lambda s: s.balanced_accuracy) if balanced else (lambda s: s.accuracy)
    # Sums over parts make those over the rest: products of all features are formed once.
    few_features = x.shape[1] <= x.shape[0]
    whole = _sums(x, y, cost) if few_features else None
    validation = np.zeros((len(held_out), len(penalties)))
    for i, out in enumerate(held_out):
        of, rest = part == out, part != out
        if whole is not None:
            left = _Sums(*(a - b for a, b in zip(whole, _sums(x[of], y[of], cost[of]), strict=True)))
            found = _solutions(left, penalties)
        else:
            found = _dual_solutions(x[rest], y[rest], cost[rest], penalties)
        for j, (weights, intercept) in enumerate(found):
            named = np.argmax(x[of] @ weights + intercept, axis=1)
            validation[i, j] = score(scores(labels[of], named, n_classes))
    validation = validation.mean(axis=0)
    # Of equally good ones the largest.
    best = len(penalties) - 1 - int(np.argmax(validation[::-1]))
    chosen = penalties[best : best + 1]
    ((weights, intercept),) = (
        _dual_solutions(x, y, cost, chosen) if whole is None else _solutions(whole, chosen)
    )
    return LinearReadOut(mean, scale, weights, intercept, float(penalties[best]), validation)


def fit_logistic(
    features: Any, labels: Any, n_classes: int, *, penalty: float = 1e-4, balanced: bool = False
) -> LinearReadOut:
    """Multinomial logistic regression with the same scaling and class weights, by L-BFGS.

    `penalty`: on the mean cost per sample. Needs scikit-learn (`pip install -e '.[data]'`).
    """
    from sklearn.linear_model import LogisticRegression

    x, labels = _checked(features, labels, n_classes)
    mean, scale = _standard(x)
    weight = "balanced" if balanced else None
    model = LogisticRegression(C=1 / (penalty * len(x)), class_weight=weight, max_iter=500)
    model.fit((x - mean) / scale, labels)
    weights, intercept = model.coef_.T, np.asarray(model.intercept_)
    if weights.shape[1] == 1 and n_classes == 2:
        weights, intercept = np.hstack([-weights, weights]) / 2, np.concatenate([-intercept, intercept]) / 2
    return LinearReadOut(mean, scale, weights, intercept, penalty, np.zeros(0))


def _checked(features: Any, labels: Any, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    x, labels = np.asarray(features, float), np.asarray(labels)
    if x.ndim != 2 or labels.shape != x.shape[:1]:
        raise ValueError(
            f"features must be (samples, features) and labels (samples,), got {x.shape} and {labels.shape}."
        )
    if not np.all(np.isfinite(x)):
        raise ValueError("features must be finite: a device gave NaN or infinity.")
    if labels.min() < 0 or labels.max() >= n_classes or len(np.unique(labels)) < 2:
        raise ValueError(
            f"labels must be at least two of 0 to {n_classes - 1}, got {np.unique(labels)[:10]}."
        )
    return x, labels


def _parts(labels: np.ndarray, folds: Any) -> tuple[np.ndarray, np.ndarray]:
    """The part of each sample, and the parts to be left out in turn."""
    if np.ndim(folds):
        part = np.asarray(folds)
        if part.shape != labels.shape or len(np.unique(part)) < 2:
            raise ValueError("folds must be a number, or the part of each sample, at least two of them.")
        return part, np.unique(part)
    count = 5 if folds == 1 else int(folds)
    # Class by class in the order given, so that all parts have their share of each.
    order = np.argsort(labels, kind="stable")
    part = np.empty(len(labels), int)
    part[order] = np.arange(len(labels)) % count
    return part, np.arange(folds)


def _standard(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation; a feature that never changes, but for rounding, counts for nothing."""
    mean, scale = x.mean(axis=0), x.std(axis=0)
    return mean, np.where(scale > 1e-6 * np.abs(mean), scale, np.inf)


class _Sums(NamedTuple):
    """Weighted sums over samples."""

    weight: Any
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray


def _sums(x: np.ndarray, y: np.ndarray, cost: np.ndarray) -> _Sums:
    root = np.sqrt(cost)[:, None]
    rooted = x * root
    return _Sums(cost.sum(), cost @ x, cost @ y, rooted.T @ rooted, rooted.T @ (y * root))


def _solutions(sums: _Sums, penalties: Sequence[float]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and intercept for each penalty: (X^T X + nu)^-1 X^T y, about the weighted means."""
    x_mean, y_mean = sums.x / sums.weight, sums.y / sums.weight
    matrix = sums.xx / sums.weight - np.outer(x_mean, x_mean)
    right = sums.xy / sums.weight - np.outer(x_mean, y_mean)
    out = []
    for penalty in penalties:
        weights = _solve(matrix, penalty, right)
        out.append((weights, y_mean - x_mean @ weights))
    return out


def _dual_solutions(
    x: np.ndarray, y: np.ndarray, cost: np.ndarray, penalties: Sequence[float]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same for more features than samples: X^T (X X^T + nu)^-1 y."""
    total = cost.sum()
    x_mean, y_mean = cost @ x / total, cost @ y / total
    root = np.sqrt(cost / total)[:, None]
    x, y = (x - x_mean) * root, (y - y_mean) * root
    matrix = x @ x.T
    out = []
    for penalty in penalties:
        weights = x.T @ _solve(matrix, penalty, y)
        out.append((weights, y_mean - x_mean @ weights))
    return out


def _solve(matrix: np.ndarray, penalty: float, right: np.ndarray) -> np.ndarray:
    shifted = matrix + penalty * np.eye(len(matrix))
    return scipy.linalg.solve(shifted, right, assume_a="pos", overwrite_a=True)
