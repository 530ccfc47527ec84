"""The linear read-out of a reservoir: the only thing that is trained. NumPy, in float64."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .._core import Numbers, arguments, check_room


PENALTIES = tuple(10.0 ** np.arange(-6, 2))

_FEATURES = arguments.real(known=True)
_CLASSES, _ROW = arguments.whole_numbers(), arguments.whole_numbers(ndim=1)
_PENALTIES = arguments.real(ndim=1, above=0, known=True, some=True)


class LinearReadOut(NamedTuple):
    """A read-out: weights on features that were scaled by the training set's mean and deviation.

    ```python
    features = np.array([[0.0, 1.0], [0.1, 0.9], [1.0, 0.0], [0.9, 0.1]] * 5)
    read_out = jaxnn.reservoirs.fit_ridge(features, np.array([0, 0, 1, 1] * 5), 2)
    read_out.classify([[0.2, 0.7], [0.8, 0.3]])  # [0, 1]
    ```
    """

    mean: Float[np.ndarray, " features"]
    """Mean of each feature over the training set, in its unit."""
    scale: Float[np.ndarray, " features"]
    """Standard deviation of each feature over the training set, in its unit."""
    weights: Float[np.ndarray, "features classes"]
    """Weights of the scaled features, a column per class."""
    intercept: Float[np.ndarray, " classes"]
    """What is added for each class."""
    penalty: float
    """Penalty that cross-validation chose."""
    validation: Float[np.ndarray, " penalties"]
    """Score of each penalty on the parts of the training set that were left out, taken together."""

    @arguments.checked(features=arguments.real(ndim=2, finite=False, known=True))
    def decide(self, features: Numbers) -> Float[np.ndarray, "samples classes"]:
        """Returns a number per class: the largest wins."""
        known, given = len(self.mean), np.shape(features)[1]
        if given != known:
            raise ValueError(f"features must be the {known} that the read-out was fitted to, got {given}.")
        return ((np.asarray(features, float) - self.mean) / self.scale) @ self.weights + self.intercept

    @arguments.checked(features=arguments.real(ndim=2, known=True))
    def classify(self, features: Numbers) -> Int[np.ndarray, " samples"]:
        """Returns the class of each sample."""
        return np.argmax(self.decide(features), axis=1)


class Scores(NamedTuple):
    """The measures of how well classes are told apart.

    ```python
    found = jaxnn.reservoirs.scores([0, 0, 1, 1], [0, 1, 1, 1], 2)
    found.accuracy  # 0.75
    found.recall  # [0.5, 1.0]
    ```
    """

    accuracy: float
    """Share of samples that are named right, from 0 to 1."""
    balanced_accuracy: float
    """Mean recall of the classes that occur, from 0 to 1."""
    f1: Float[np.ndarray, " classes"]
    """Harmonic mean of precision and recall per class, from 0 to 1; 0 where a class was never named."""
    recall: Float[np.ndarray, " classes"]
    """Share of the samples of each class that are named right; NaN where it does not occur."""


@arguments.checked(labels=_ROW, named=_ROW, n_classes=arguments.count())
def scores(labels: Numbers, named: Numbers, n_classes: int) -> Scores:
    """Computes accuracy, balanced accuracy, F1 and recall of each class.

    ```python
    found = jaxnn.reservoirs.scores(labels=[0, 0, 1, 1], named=[0, 1, 1, 1], n_classes=2)
    found.balanced_accuracy  # 0.75
    ```
    """
    labels, named = whole_labels(labels), whole_labels(named)
    if not len(labels) == len(named) > 0:
        raise ValueError(
            f"labels and named must be of as many samples, got {len(labels)} and {len(named)}."
        )
    most = max(n_classes, *(int(x.max(initial=0)) + 1 for x in (labels, named)))
    check_room(f"What is counted of {most:,} classes", 48 * most, "number classes from 0 on, without gaps")
    hit = np.bincount(labels[labels == named], minlength=n_classes)
    true, said = (np.bincount(x, minlength=n_classes) for x in (labels, named))
    recall = np.where(true > 0, hit / np.maximum(true, 1), np.nan)
    f1 = 2 * hit / np.maximum(true + said, 1)
    return Scores(float(hit.sum() / len(labels)), float(np.nanmean(recall)), f1, recall)


@arguments.checked(
    features=_FEATURES,
    labels=_CLASSES,
    n_classes=arguments.count(),
    penalties=_PENALTIES,
    balanced=arguments.flag,
    folds=arguments.whole_numbers(ndim=(0, 1)),
)
def fit_ridge(
    features: Numbers,
    labels: Numbers,
    n_classes: int,
    *,
    penalties: Sequence[float] = PENALTIES,
    balanced: bool = False,
    folds: Numbers = 5,
) -> LinearReadOut:
    r"""Fits a ridge regression to the classes, $\pm 1$, in closed form; the penalty by cross-validation.

    $$\min_{W, b} \sum_i c_i |W^T x_i + b - y_i|^2 + \nu \sum_i c_i |W|^2$$

    - `penalties`: values of $\nu$ to choose from, for features of unit deviation; all are solved from
      one matrix of products. The features' or the samples' is used, whichever is smaller.
    - `balanced`: $c_i$ is the inverse of the class's frequency among those that are learnt from, and the
      penalty is chosen by balanced accuracy; otherwise $c_i = 1$ and accuracy.
    - `folds`: how many parts of the training set are left out in turn, drawn class by class; or the
      part, 0, 1, ..., of each sample, such as its speaker. 1 leaves out a fifth, once.

    Raises a `ValueError` for shapes that do not fit, features that are not finite, and a single class.

    ```python
    features = np.array([[0.0, 1.0], [0.1, 0.9], [1.0, 0.0], [0.9, 0.1]] * 5)
    labels = np.array([0, 0, 1, 1] * 5)
    read_out = jaxnn.reservoirs.fit_ridge(features, labels, n_classes=2)
    read_out.decide([[0.2, 0.7]]).shape  # (1, 2)
    ```
    """
    x, labels = _checked(features, labels, n_classes)
    part, held_out = _parts(labels, folds)
    mean, scale = _standard(x)
    x = (x - mean) / scale
    y = np.where(labels[:, None] == np.arange(n_classes), 1.0, -1.0)
    kind = labels if balanced else np.zeros_like(labels)  # kinds of samples count alike
    score = (lambda s: s.balanced_accuracy) if balanced else (lambda s: s.accuracy)
    # Products are formed once, for all parts that are left out.
    rows = (_Features if x.shape[1] <= x.shape[0] else _Samples)(x, y, kind)
    named = np.zeros((len(penalties), len(x)), int)
    for out in held_out:
        named[:, part == out] = np.argmax(rows.left_out(part == out, penalties), axis=2)
    # The parts together: one of them, a patient say, need not have samples of every class.
    seen = np.isin(part, held_out)
    validation = np.asarray([score(scores(labels[seen], k[seen], n_classes)) for k in named])
    # Of equally good ones the largest.
    best = len(penalties) - 1 - int(np.argmax(validation[::-1]))
    weights, intercept = rows.fit(penalties[best])
    return LinearReadOut(mean, scale, weights, intercept, float(penalties[best]), validation)


@arguments.checked(
    features=_FEATURES,
    labels=_CLASSES,
    n_classes=arguments.count(),
    penalty=arguments.real(ndim=0, above=0, known=True),
    balanced=arguments.flag,
)
def fit_logistic(
    features: Numbers, labels: Numbers, n_classes: int, *, penalty: float = 1e-4, balanced: bool = False
) -> LinearReadOut:
    """Fits a multinomial logistic regression with the same scaling and class weights, by L-BFGS.

    `penalty`: on the mean cost per sample.

    **Raises:** `ImportError` that says what to install, without scikit-learn.

    ```python
    features = np.array([[0.0, 1.0], [0.1, 0.9], [1.0, 0.0], [0.9, 0.1]])
    read_out = jaxnn.reservoirs.fit_logistic(features, np.array([0, 0, 1, 1]), n_classes=2)
    read_out.classify([[0.2, 0.7], [0.8, 0.3]])  # [0, 1]
    ```
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise ImportError(
            'fit_logistic needs scikit-learn, an optional dependency of jaxnn (its extra "data"): '
            'pip install "scikit-learn>=1.6".'
        ) from error

    x, labels = _checked(features, labels, n_classes)
    mean, scale = _standard(x)
    weight = "balanced" if balanced else None
    model = LogisticRegression(C=1 / (penalty * len(x)), class_weight=weight, max_iter=500)
    model.fit((x - mean) / scale, labels)
    weights, intercept = model.coef_.T, np.asarray(model.intercept_)
    if weights.shape[1] == 1 and n_classes == 2:
        weights, intercept = np.hstack([-weights, weights]) / 2, np.concatenate([-intercept, intercept]) / 2
    return LinearReadOut(mean, scale, weights, intercept, penalty, np.zeros(0))


def whole_labels(labels: Numbers) -> np.ndarray:
    """Labels as integers; a `ValueError` for what is no whole number, such as a target."""
    given = np.asarray(labels)
    if given.dtype.kind in "bui":
        return given.astype(np.int64)
    if given.dtype.kind != "f" or not np.all(given == np.floor(given)):
        shown = np.array2string(given.reshape(-1)[:4], precision=4)
        raise ValueError(
            f"labels must be whole numbers, the class of each sample, got {given.dtype} {shown}: "
            "numpy.unique(names, return_inverse=True)[1] numbers classes, and jaxnn.analysis.ReadOutRecord "
            "fits numbers."
        )
    return given.astype(np.int64)


def _checked(features: Numbers, labels: Numbers, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    x, labels = np.asarray(features, float), whole_labels(labels)
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
    # What is aimed at and what is said, for each fold and penalty in turn.
    size = 32 * n_classes * (x.shape[0] + x.shape[1])
    check_room(f"A read-out of {n_classes:,} classes", size, "number classes from 0 on, without gaps")
    return x, labels


def _parts(labels: np.ndarray, folds: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """The part of each sample, and the parts to be left out in turn."""
    part = np.asarray(folds)
    if part.ndim:
        if part.shape != labels.shape or len(np.unique(part)) < 2:
            raise ValueError("folds must be a number, or the part of each sample, at least two of them.")
        return part, np.unique(part)
    # More parts than samples would be empty.
    held_out = np.arange(min(int(part), len(labels)))
    if not held_out.size:
        raise ValueError(f"folds must be at least 1, got {part}.")
    count = 5 if len(held_out) == 1 else len(held_out)
    # Class by class in the order given, so that all parts have their share of each.
    order = np.argsort(labels, kind="stable")
    part = np.empty(len(labels), int)
    part[order] = np.arange(len(labels)) % count
    return part, held_out


def _standard(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation; a feature that never changes, but for rounding, counts for nothing."""
    mean, scale = x.mean(axis=0), x.std(axis=0)
    return mean, np.where(scale > 1e-6 * np.abs(mean), scale, np.inf)


class _Sums(NamedTuple):
    """Sums over samples."""

    count: Any
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray


class _Features:
    """Ridge by products of features: (X^T X + nu)^-1 X^T y, about the weighted means."""

    def __init__(self, x: np.ndarray, y: np.ndarray, kind: np.ndarray):
        self.x, self.y, self.kind = x, y, kind
        self.whole = self._sums(np.ones(len(x), bool))

    def left_out(self, out: np.ndarray, penalties: Sequence[float]) -> np.ndarray:
        """What those who learn from the rest say of the samples `out`, (penalties, samples, classes)."""
        rest = [
            _Sums(*(a - b for a, b in zip(*both, strict=True)))
            for both in zip(self.whole, self._sums(out), strict=True)
        ]
        return np.stack([self.x[out] @ weights + level for weights, level in _solutions(rest, penalties)])

    def fit(self, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights and intercept, of all samples."""
        return next(_solutions(self.whole, (penalty,)))

    def _sums(self, of: np.ndarray) -> list[_Sums]:
        """Of each kind."""
        sums = []
        for kind in np.unique(self.kind):
            x, y = (v[of & (self.kind == kind)] for v in (self.x, self.y))
            sums.append(_Sums(len(x), x.sum(axis=0), y.sum(axis=0), x.T @ x, x.T @ y))
        return sums


def _solutions(kinds: list[_Sums], penalties: Sequence[float]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    there = [k for k in kinds if k.count]
    x_mean, y_mean, xx, xy = (sum(k[i] / k.count for k in there) / len(there) for i in range(1, 5))
    matrix, right = xx - np.outer(x_mean, x_mean), xy - np.outer(x_mean, y_mean)
    for penalty in penalties:
        weights = _solve(matrix, penalty, right)
        yield weights, y_mean - x_mean @ weights


class _Samples:
    """The same for more features than samples, by products of samples: X^T (X X^T + nu)^-1 y."""

    def __init__(self, x: np.ndarray, y: np.ndarray, kind: np.ndarray):
        self.x, self.y, self.kind = x, y, kind
        self.products = x @ x.T

    def left_out(self, out: np.ndarray, penalties: Sequence[float]) -> np.ndarray:
        """As of `_Features`."""
        across = self.products[np.ix_(out, ~out)]
        return np.stack([across @ shares + level for shares, level in self._solutions(~out, penalties)])

    def fit(self, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights and intercept, of all samples."""
        shares, level = next(self._solutions(np.ones(len(self.x), bool), (penalty,)))
        return self.x.T @ shares, level

    def _solutions(
        self, of: np.ndarray, penalties: Sequence[float]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """How much of each sample is in the weights; the intercept."""
        products, y, kind = self.products[np.ix_(of, of)], self.y[of], self.kind[of]
        cost = 1 / np.bincount(kind)[kind] / len(np.unique(kind))
        mean, y_mean, root = products @ cost, cost @ y, np.sqrt(cost)[:, None]
        matrix = root * (products - mean[:, None] - mean[None] + cost @ mean) * root.T
        for penalty in penalties:
            shares = root * _solve(matrix, penalty, (y - y_mean) * root)
            shares = shares - cost[:, None] * shares.sum(axis=0)  # samples, less their mean
            yield shares, y_mean - mean @ shares


def _solve(matrix: np.ndarray, penalty: float, right: np.ndarray) -> np.ndarray:
    import scipy.linalg

    shifted = matrix + penalty * np.eye(len(matrix))
    return scipy.linalg.solve(shifted, right, assume_a="pos", overwrite_a=True)
