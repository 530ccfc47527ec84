"""Estimators of scikit-learn: its own checks, pipelines, and what they compute against NumPy."""

import dataclasses as dc
import importlib
import pickle
import sys
import warnings

import numpy as np
import pytest

import jaxnn


pytest.importorskip("sklearn")

from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from jaxnn.estimators import SeriesClassifier, SeriesFeatures, SeriesRegressor


LINE = jaxnn.Network(5, [(0, 2), (2, 3), (3, 1), (2, 4), (4, 3), (4, 1)])
LAW = jaxnn.parameters.milano2022_connectome()
RESERVOIR = jaxnn.reservoirs.NetworkReservoir(LINE, LAW, [[0.6]], electrodes=(0,), drains=(1,), dt=5e-3)
RNG = np.random.default_rng(0)
HIGH = np.repeat([0, 1], 12)
WAVES = np.sin(0.3 * np.arange(25) + RNG.uniform(0, 6, (24, 1))) + 0.5 * HIGH[:, None]
INPUT = RNG.uniform(-1, 1, (120, 1))

ORDER = "rows of a series are samples in order, and what a network makes of one hangs on those before"
# What scikit-learn asks of estimators whose rows do not hang on one another.
OF_SEPARATE_ROWS = {
    "check_methods_sample_order_invariance": ORDER,
    "check_methods_subset_invariance": ORDER,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (SeriesFeatures(RESERVOIR), {}),
        (SeriesClassifier(RESERVOIR, take="all"), {}),
        (SeriesRegressor(), OF_SEPARATE_ROWS),
    ],
    ids=lambda x: type(x).__name__,
)
def test_checks_of_scikit_learn(estimator, expected):
    """All but those that say why not. Their data are tens of volts, for which steps are too long."""
    jaxnn.keep_programs(1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(estimator, expected_failed_checks=expected, on_skip=None)


def test_features_are_those_of_the_reservoir():
    found = SeriesFeatures(RESERVOIR, take="all", washout=5).fit_transform(WAVES)
    expected = np.asarray(RESERVOIR.run(WAVES[:, :, None]).features)[:, 5:]
    np.testing.assert_array_equal(found, expected.reshape(24, -1))
    last = SeriesFeatures(RESERVOIR).fit_transform(WAVES[:, :, None])
    np.testing.assert_array_equal(last, expected[:, -1])
    mean = SeriesFeatures(RESERVOIR, take="mean", washout=5).fit_transform(WAVES)
    np.testing.assert_array_equal(mean, expected.mean(axis=1))


def test_classes_and_pickles():
    model = SeriesClassifier(RESERVOIR, take="all").fit(WAVES[::2], HIGH[::2])
    assert model.score(WAVES[1::2], HIGH[1::2]) > 0.8
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.decision_function(WAVES), model.decision_function(WAVES))


def test_regression_is_ridge_of_the_features():
    """With the samples left out that the network warms up with; and onwards from where fit ended."""
    target = np.roll(INPUT, 1, axis=0)
    model = SeriesRegressor(RESERVOIR, washout=10, read_out=Ridge(1e-3), onwards=True)
    predicted = model.fit(INPUT[:80], target[:80, 0]).predict(INPUT[80:])
    x = np.asarray(RESERVOIR.run(INPUT).features)
    train, y = x[10:80] - x[10:80].mean(axis=0), target[10:80, 0] - target[10:80].mean()
    weights = np.linalg.solve(train.T @ train + 1e-3 * np.eye(3), train.T @ y)
    expected = (x[80:] - x[10:80].mean(axis=0)) @ weights + target[10:80].mean()
    np.testing.assert_allclose(predicted, expected, rtol=1e-7, atol=1e-10)


@pytest.mark.slow
def test_a_search_over_gains():
    reservoirs = [dc.replace(RESERVOIR, gain=[[gain]]) for gain in (0.3, 0.6)]
    search = GridSearchCV(SeriesRegressor(), {"reservoir": reservoirs}, cv=TimeSeriesSplit(2))
    search.fit(INPUT, INPUT[:, 0])
    assert search.best_score_ > 0.9


def test_a_warning_points_at_the_script():
    """And not into the files of scikit-learn that lie between, where nobody can mend a step."""
    coarse = jaxnn.reservoirs.NetworkReservoir(
        LINE, jaxnn.TunnelJunction(), [[5.0]], electrodes=(0,), drains=(1,), dt=5e-3
    )
    search = GridSearchCV(make_pipeline(SeriesFeatures(coarse), Ridge()), {"ridge__alpha": [1.0]}, cv=2)
    with pytest.warns(jaxnn.NumericalWarning, match="dt is too large") as caught:
        search.fit(WAVES, HIGH)
    assert {x.filename for x in caught} == {__file__}


def test_a_number_per_series():
    model = make_pipeline(SeriesFeatures(RESERVOIR, take="mean"), Ridge(1e-9)).fit(WAVES, WAVES[:, -1])
    assert model.predict(WAVES).shape == (24,)


@pytest.mark.slow
def test_a_law_that_draws():
    law = jaxnn.MetastableSwitchJunction(switches=50)
    reservoir = jaxnn.reservoirs.NetworkReservoir(LINE, law, [[0.1]], electrodes=(0,), drains=(1,), dt=1e-6)
    one, same, other = (SeriesFeatures(reservoir, seed=s).fit_transform(WAVES) for s in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SeriesFeatures(take="first").fit(WAVES), "take must be 'last' or 'mean' or 'all'"),
        (lambda: SeriesFeatures(washout=25).fit(WAVES), "leaves nothing"),
        (lambda: SeriesFeatures(RESERVOIR).fit(np.ones((3, 4, 2))), "has 1 inputs, and series have 2"),
        (lambda: SeriesRegressor(washout=200).fit(INPUT, INPUT[:, 0]), "leaves nothing"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_extra_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "jaxnn.estimators")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match='its extra "data"'):
        importlib.import_module("jaxnn.estimators")
