"""Whole series as rows: what a network makes of each."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._core import Declared, arguments
from ..reservoirs import NetworkReservoir
from ._reservoir import reservoir_for, respond


class SeriesFeatures(TransformerMixin, BaseEstimator):
    """Turns each series into one row of features: what a network reads at its end, or on the way.

    `X` is `(series, time)` for one input or `(series, time, inputs)`; every series starts from a blank
    network, so that rows do not hang on one another. A number per series is then learnt by
    `make_pipeline(SeriesFeatures(), Ridge())`.

    - `reservoir`: a `jaxnn.reservoirs.NetworkReservoir`; by default one is drawn with `seed`.
    - `take`: "last", features after the last sample; "mean", over time; or "all", those of every sample.
    - `washout`: samples at the beginning that "mean" and "all" leave out.
    - `seed`: of the reservoir that is drawn, and of the key of a law that draws.

    ```python
    from jaxnn.estimators import SeriesFeatures

    X = np.random.default_rng(0).uniform(-1, 1, (4, 15))
    SeriesFeatures(take="mean").fit_transform(X).shape[0]  # 4
    ```
    """

    def __init__(
        self,
        reservoir: Declared[NetworkReservoir | None] = None,
        *,
        take: Declared[str] = "last",
        washout: Declared[int] = 0,
        seed: Declared[int] = 0,
    ):
        self.reservoir = reservoir
        self.take = take
        self.washout = washout
        self.seed = seed

    def fit(self, X: Any, y: object = None) -> "SeriesFeatures":
        """Draws the reservoir, if none was given; nothing else is learnt."""
        del y
        arguments.word("last", "mean", "all")("take", self.take)
        X = validate_data(self, X, allow_nd=True, dtype=[np.float64, np.float32])
        washout = arguments.as_count("washout", self.washout, 0)
        if washout >= X.shape[1]:
            raise ValueError(f"washout={washout} leaves nothing of series of {X.shape[1]} samples.")
        self.reservoir_ = reservoir_for(self.reservoir, X.shape[2] if X.ndim == 3 else 1, self.seed)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Returns the features, `(series, features)`."""
        check_is_fitted(self)
        X = validate_data(self, X, allow_nd=True, reset=False, dtype=[np.float64, np.float32])
        series = X if X.ndim == 3 else X[:, :, None]
        features = np.asarray(respond(self.reservoir_, series, self.seed).features)
        kept = features[:, self.washout :]
        if self.take == "last":
            return kept[:, -1]
        return kept.mean(axis=1) if self.take == "mean" else kept.reshape(len(kept), -1)
