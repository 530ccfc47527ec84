"""The read-out of reservoirs, against scikit-learn and without a look at what is held out."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

from jaxnn import reservoirs


RNG = np.random.default_rng(0)
LABELS = RNG.choice(3, 60, p=[0.6, 0.3, 0.1])
CENTRES = RNG.normal(size=(3, 100))


def features_of(count):
    """`count` features, fewer or more than the 60 samples, in units of nanoamperes."""
    return 1e-9 * (3 + CENTRES[LABELS, :count] + 2 * RNG.normal(size=(60, count)))


@pytest.mark.parametrize("count", [5, 100])
@pytest.mark.parametrize("balanced", [False, True])
def test_ridge_is_that_of_scikit_learn(count, balanced):
    features = features_of(count)
    ours = reservoirs.fit_ridge(features, LABELS, 3, penalties=(0.01,), balanced=balanced)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    cost = 1 / np.bincount(LABELS)[LABELS] if balanced else np.ones(60)
    theirs = RidgeClassifier(alpha=0.01 * cost.sum(), tol=1e-12).fit(scaled, LABELS, sample_weight=cost)
    np.testing.assert_allclose(ours.decide(features), theirs.decision_function(scaled), atol=1e-7)
    np.testing.assert_array_equal(ours.classify(features), theirs.predict(scaled))


def test_logistic_is_that_of_scikit_learn():
    features = features_of(5)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    ours = reservoirs.fit_logistic(features, LABELS, 3, penalty=0.01, balanced=True)
    theirs = LogisticRegression(C=1 / 0.6, class_weight="balanced", max_iter=500).fit(scaled, LABELS)
    np.testing.assert_array_equal(ours.classify(features), theirs.predict(scaled))


@pytest.mark.parametrize("count", [5, 100])
@pytest.mark.parametrize("balanced", [False, True])
def test_the_penalty_is_chosen_on_what_was_left_out(count, balanced):
    """Every part is named by what was fitted without it; parts that lack classes count by their samples."""
    features, penalties = features_of(count), (1e-6, 1.0, 1e3)
    part = np.minimum(np.arange(60) // 8, 4)
    part[LABELS == 2] = 0
    fit = reservoirs.fit_ridge(features, LABELS, 3, penalties=penalties, folds=part, balanced=balanced)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    named = np.zeros((3, 60), int)
    for out in range(5):
        rest = part != out
        cost = 1 / np.bincount(LABELS[rest])[LABELS[rest]] if balanced else np.ones(rest.sum())
        for j, penalty in enumerate(penalties):
            model = RidgeClassifier(alpha=penalty * cost.sum(), tol=1e-12)
            model.fit(scaled[rest], LABELS[rest], sample_weight=cost)
            named[j, ~rest] = model.predict(scaled[~rest])
    score = balanced_accuracy_score if balanced else lambda a, b: np.mean(a == b)
    by_hand = [score(LABELS, k) for k in named]
    np.testing.assert_allclose(fit.validation, by_hand, atol=1e-12)
    assert fit.penalty == penalties[2 - np.argmax(fit.validation[::-1])]


def test_a_feature_that_never_changes_counts_for_nothing():
    features = features_of(5)
    idle = np.full((60, 1), 1e-9) * (1 + 1e-9 * RNG.normal(size=(60, 1)))
    fit = reservoirs.fit_ridge(np.hstack([features, idle]), LABELS, 3, penalties=(0.01,))
    alone = reservoirs.fit_ridge(features, LABELS, 3, penalties=(0.01,))
    np.testing.assert_allclose(
        fit.decide(np.hstack([features, 5 * idle])), alone.decide(features), atol=1e-9
    )


def test_scores():
    named = np.where(RNG.random(60) < 0.7, LABELS, RNG.integers(0, 3, 60))
    ours = reservoirs.scores(LABELS, named, 3)
    none: Any = None  # one score per class
    assert ours.accuracy == np.mean(named == LABELS)
    np.testing.assert_allclose(ours.balanced_accuracy, balanced_accuracy_score(LABELS, named))
    np.testing.assert_allclose(ours.f1, f1_score(LABELS, named, average=none))
    np.testing.assert_allclose(ours.recall, recall_score(LABELS, named, average=none))


def test_bad_input():
    features = features_of(5)
    with pytest.raises(ValueError, match="samples, features"):
        reservoirs.fit_ridge(features, LABELS[:-1], 3)
    with pytest.raises(ValueError, match="finite"):
        reservoirs.fit_ridge(np.where(features > 0, np.nan, features), LABELS, 3)
    with pytest.raises(ValueError, match="at least two of 0 to 1"):
        reservoirs.fit_ridge(features, LABELS, 2)
    with pytest.raises(ValueError, match="at least two of them"):
        reservoirs.fit_ridge(features, LABELS, 3, folds=np.zeros(60))
    read_out = reservoirs.fit_ridge(features, LABELS, 3)
    with pytest.raises(ValueError, match="features must be the 5 that the read-out was fitted to, got 3"):
        read_out.classify(features[:, :3])
