"""Whole series as rows, and the class of each."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .._core import Declared
from ..reservoirs import NetworkReservoir
from ._features import SeriesFeatures


PENALTIES = tuple(10.0 ** np.arange(-6, 3))


class SeriesClassifier(ClassifierMixin, BaseEstimator):
    """Names the class of each series by a linear read-out of what a network makes of it.

    `X` is `(series, time)` or `(series, time, inputs)`, as of `SeriesFeatures`, whose arguments these are.

    - `read_out`: a classifier of the features; by default `RidgeClassifierCV` of scaled ones.

    ```python
    from jaxnn.estimators import SeriesClassifier

    loud = np.arange(20) % 2
    X = (0.2 + 0.8 * loud[:, None]) * np.sin(np.arange(30))
    SeriesClassifier(take="all").fit(X[:10], loud[:10]).score(X[10:], loud[10:])  # 1.0
    ```
    """

    def __init__(
        self,
        reservoir: Declared[NetworkReservoir | None] = None,
        *,
        take: Declared[str] = "last",
        washout: Declared[int] = 0,
        read_out: Any = None,
        seed: Declared[int] = 0,
    ):
        self.reservoir = reservoir
        self.take = take
        self.washout = washout
        self.read_out = read_out
        self.seed = seed

    def fit(self, X: Any, y: Any) -> "SeriesClassifier":
        """Fits the read-out to the class of each series."""
        X, y = validate_data(self, X, y, allow_nd=True)
        check_classification_targets(y)
        ridge = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=PENALTIES))
        options = {"take": self.take, "washout": self.washout, "seed": self.seed}
        self.features_ = SeriesFeatures(self.reservoir, **options)
        rows = self.features_.fit_transform(X)
        read_out: Any = ridge if self.read_out is None else clone(self.read_out)
        self.read_out_ = read_out.fit(rows, y)
        self.classes_ = self.read_out_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Returns the class of each series."""
        rows = self._rows(X)
        return self.read_out_.predict(rows)

    def decision_function(self, X: Any) -> np.ndarray:
        """Returns what the read-out says of each class, as its own `decision_function` does."""
        rows = self._rows(X)
        return self.read_out_.decision_function(rows)

    def _rows(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.features_.transform(validate_data(self, X, allow_nd=True, reset=False))
