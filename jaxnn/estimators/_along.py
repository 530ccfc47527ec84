"""One series along time, and what is to be said at each of its samples."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from .._core import Declared, arguments
from ..reservoirs import NetworkReservoir
from ._reservoir import reservoir_for, respond


class SeriesRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Predicts a target at each sample of one series, by a linear read-out of a network that hears it.

    `X` is `(time, inputs)` and `y` `(time,)` or `(time, targets)`: rows are samples in order, so that no
    shuffled split and no cross-validation but `TimeSeriesSplit` makes sense.

    - `reservoir`: a `jaxnn.reservoirs.NetworkReservoir`; by default one is drawn with `seed`.
    - `washout`: samples at the beginning of `fit` that are not learnt from.
    - `read_out`: a regressor of the features; by default `Ridge(1e-6)` of scaled ones.
    - `onwards`: whether `predict` goes on from the network as `fit` left it, and not from a blank one.
    - `seed`: of the reservoir that is drawn, and of the key of a law that draws.

    ```python
    from jaxnn.estimators import SeriesRegressor

    u = np.random.default_rng(0).uniform(-1, 1, (300, 1))
    model = SeriesRegressor(onwards=True).fit(u[:200], u[:200, 0])
    model.score(u[200:], u[200:, 0]) > 0.9  # True
    ```
    """

    def __init__(
        self,
        reservoir: Declared[NetworkReservoir | None] = None,
        *,
        washout: Declared[int] = 0,
        read_out: Any = None,
        onwards: Declared[bool] = False,
        seed: Declared[int] = 0,
    ):
        self.reservoir = reservoir
        self.washout = washout
        self.read_out = read_out
        self.onwards = onwards
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        """The tags of scikit-learn: of a table whose rows are no series, little can be said."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags

    def fit(self, X: Any, y: Any) -> "SeriesRegressor":
        """Fits the read-out to the targets at each sample."""
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True)
        washout = arguments.as_count("washout", self.washout, 0)
        if washout >= len(X):
            raise ValueError(f"washout={washout} leaves nothing of {len(X)} samples.")
        self.reservoir_ = reservoir_for(self.reservoir, X.shape[1], self.seed)
        found = respond(self.reservoir_, X, self.seed)
        self.final_ = {"state": np.asarray(found.final_state), "start_step": int(found.final_step)}
        ridge = make_pipeline(StandardScaler(), Ridge(1e-6))
        read_out: Any = ridge if self.read_out is None else clone(self.read_out)
        self.read_out_ = read_out.fit(np.asarray(found.features)[washout:], y[washout:])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Returns what the read-out says at each sample, `(time,)` or `(time, targets)`."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        onwards = self.final_ if self.onwards else {}
        found = respond(self.reservoir_, X, self.seed, **onwards)
        return self.read_out_.predict(np.asarray(found.features))
