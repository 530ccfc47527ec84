"""Recursive least squares: ridge in closed form, exponential forgetting in closed form, and a drift."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn.reservoirs import RecursiveLeastSquares


RNG = np.random.default_rng(0)
FEATURES, TARGETS = RNG.normal(size=(80, 6)), RNG.normal(size=(80, 2))


@pytest.mark.parametrize("forgetting", [1.0, 0.95])
def test_closed_form(forgetting):
    """Normal equations with each sample's weight."""
    penalty, n = 0.3, len(FEATURES)
    memory, _ = RecursiveLeastSquares(forgetting, penalty).follow(FEATURES, TARGETS)
    cost = forgetting ** np.arange(n - 1, -1, -1)[:, None]
    matrix = FEATURES.T @ (cost * FEATURES) + penalty * forgetting**n * np.eye(6)
    np.testing.assert_allclose(
        memory.weights, np.linalg.solve(matrix, FEATURES.T @ (cost * TARGETS)), rtol=1e-9
    )
    np.testing.assert_allclose(memory.inverse, np.linalg.inv(matrix), rtol=1e-9, atol=1e-12)


def test_predictions_are_made_before_the_targets_are_known():
    learner = RecursiveLeastSquares(penalty=0.3)
    _, predictions = learner.follow(FEATURES, TARGETS)
    before, _ = learner.follow(FEATURES[:50], TARGETS[:50])
    np.testing.assert_allclose(predictions[50], FEATURES[50] @ before.weights, rtol=1e-9)
    np.testing.assert_array_equal(predictions[0], 0)


def test_in_pieces_and_by_hand():
    learner = RecursiveLeastSquares(0.98, 0.1)
    whole, _ = learner.follow(FEATURES, TARGETS)
    memory, _ = learner.follow(FEATURES[:30], TARGETS[:30])
    memory, _ = learner.follow(FEATURES[30:], TARGETS[30:], memory)
    stepped = learner.start(6, 2)
    for x, y in zip(FEATURES, TARGETS, strict=True):
        stepped, _ = learner.step(stepped, x, y)
    np.testing.assert_allclose(memory.weights, whole.weights, rtol=1e-10)
    np.testing.assert_allclose(stepped.weights, whole.weights, rtol=1e-9)


@pytest.mark.parametrize("together", [7, 20, 200])
@pytest.mark.parametrize("forgetting", [1.0, 0.95])
def test_samples_that_are_learnt_at_once(forgetting, together):
    learner = RecursiveLeastSquares(forgetting, 0.3)
    one_by_one, _ = learner.follow(FEATURES, TARGETS)
    memory, predictions = learner.follow(FEATURES, TARGETS, together=together)
    np.testing.assert_allclose(memory.weights, one_by_one.weights, rtol=1e-8)
    np.testing.assert_allclose(memory.inverse, one_by_one.inverse, rtol=1e-8, atol=1e-12)
    first = 2 * together if together < 40 else 0
    before, _ = learner.follow(FEATURES[:first], TARGETS[:first])
    np.testing.assert_allclose(
        predictions[first : first + together],
        (FEATURES @ before.weights)[first : first + together],
        rtol=1e-8,
    )
    assert predictions.shape == TARGETS.shape


def test_a_drift_is_followed_with_forgetting_alone():
    """Weights that turn by a radian every 200 samples: the error of a lag of 1 / (1 - lambda) samples."""
    n, turn = 2000, 5e-3
    angle = turn * np.arange(n)
    x = RNG.normal(size=(n, 2))
    y = (x[:, 0] * np.cos(angle) + x[:, 1] * np.sin(angle))[:, None]
    errors = {}
    for forgetting in (1.0, 0.9):
        _, predictions = RecursiveLeastSquares(forgetting).follow(x, y)
        errors[forgetting] = float(np.sqrt(np.mean((predictions[500:] - y[500:]) ** 2)))
    # A lag of 1 / (1 - 0.9) samples is an angle of 0.05; without forgetting all turns average to nothing.
    assert errors[0.9] < 0.1
    assert errors[1.0] > 0.5


def test_gradient_and_float32():
    loss = lambda penalty: jnp.sum(
        RecursiveLeastSquares(0.95, penalty).follow(FEATURES, TARGETS)[0].weights ** 2
    )
    central = (loss(0.3 + 1e-6) - loss(0.3 - 1e-6)) / 2e-6
    np.testing.assert_allclose(jax.grad(loss)(0.3), central, rtol=1e-6)
    memory, predictions = RecursiveLeastSquares().follow(
        FEATURES.astype(np.float32), TARGETS.astype(np.float32)
    )
    assert memory.weights.dtype == memory.inverse.dtype == predictions.dtype == jnp.float32


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"forgetting": 0.0}, "forgetting of"),
        ({"forgetting": 1.1}, "must be at most 1"),
        ({"penalty": 0.0}, "penalty"),
    ],
)
def test_bad_numbers(numbers, message):
    with pytest.raises(ValueError, match=message):
        RecursiveLeastSquares(**numbers)


def test_bad_shapes():
    with pytest.raises(ValueError, match="targets has shape"):
        RecursiveLeastSquares().follow(FEATURES, TARGETS[:79])
