"""Read-outs from a triangular factor: against plain least squares, in pieces, in a run, as published."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
import published
from helpers import line
from jaxnn import analysis


def samples(seed=0, count=300, n_features=7):
    """Features and three targets, two of which depend on the features."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, n_features))
    y = x @ np.random.default_rng(8).normal(size=(n_features, 3)) * [1.0, 1.0, 0.0]
    return x, y + random.normal(size=y.shape)


@jax.jit
def waves(time, *drives):
    """Drives side by side, (times, drives)."""
    return jnp.stack([jax.vmap(drive)(time) for drive in drives], axis=1)


def targets(time, amplitude, frequency):
    """Those of Fig 8: a sine, a square wave, the triangle shifted, and at twice the frequency."""
    shifted = jaxnn.Triangle(amplitude, frequency, phase=np.pi / 2)
    drives = jaxnn.Sine(amplitude, frequency), jaxnn.Square(amplitude, frequency), shifted
    return waves(time, *drives, jaxnn.Triangle(amplitude, 2 * frequency))


def direct_accuracy(features, targets, weights):
    miss = np.linalg.norm(features @ weights - targets, axis=0)
    return 1 - miss / np.linalg.norm(targets, axis=0)


def test_least_squares_and_its_error():
    x, y = samples()
    record = analysis.ReadOutRecord.of(x, y)
    expected = np.linalg.lstsq(x, y)[0]
    np.testing.assert_allclose(record.weights(), expected, atol=1e-12)
    np.testing.assert_allclose(record.accuracy(expected), direct_accuracy(x, y, expected), atol=1e-12)


def test_weights_are_judged_on_samples_they_have_not_seen():
    (x, y), (x2, y2) = samples(count=10), samples(1)
    weights = analysis.ReadOutRecord.of(x, y).weights()
    unseen = analysis.ReadOutRecord.of(x2, y2).accuracy(weights)
    np.testing.assert_allclose(unseen, direct_accuracy(x2, y2, np.linalg.lstsq(x, y)[0]), atol=1e-12)
    # The third target is noise: weights for it do harm.
    assert unseen[2] < 0 < unseen[0]


def test_in_pieces_as_at_once():
    x, y = samples()
    record = analysis.ReadOutRecord.of(x[:3], y[:3])
    for a, b in ((3, 120), (120, 121), (121, 300)):
        record = record.extended(x[a:b], y[a:b])
    once = analysis.ReadOutRecord.of(x, y)
    assert record.samples == once.samples == 300
    np.testing.assert_allclose(record.factor.T @ record.factor, once.factor.T @ once.factor, atol=1e-10)


def test_some_of_the_features():
    x, y = samples()
    weights = analysis.ReadOutRecord.of(x, y).weights(among=[4, 1])
    np.testing.assert_allclose(
        weights[jnp.asarray([4, 1])], np.linalg.lstsq(x[:, [4, 1]], y)[0], atol=1e-12
    )
    assert np.count_nonzero(weights) == 2 * 3


def test_directions_that_normal_equations_lose():
    (common, small), _ = np.random.default_rng(0).normal(size=(2, 2, 500))
    # As behind a junction that is off: one potential follows the other but for a part in 1e9.
    x, y = np.stack([common, common + 1e-9 * small, 0 * common], axis=1), small[:, None]
    record = analysis.ReadOutRecord.of(x, y)
    assert record.accuracy(record.weights())[0] > 0.999
    # A read-out that resolves a thousandth sees nothing of it.
    assert record.accuracy(record.weights(tolerance=1e-3))[0] < 0.05
    assert np.linalg.matrix_rank(x.T @ x) < 2


def test_features_without_rank_get_the_smallest_weights():
    x, y = samples()
    x = np.concatenate([x, x[:, :2], np.zeros((len(x), 1))], axis=1)
    weights = analysis.ReadOutRecord.of(x, y).weights()
    np.testing.assert_allclose(weights, np.linalg.lstsq(x, y)[0], atol=1e-10)


def test_a_linear_network_scores_as_published():
    time = 1e-3 * jnp.arange(1.0, 80_001.0)
    record = analysis.ReadOutRecord.of(waves(time, jaxnn.Triangle(1.0, 0.5)), targets(time, 1.0, 0.5))
    np.testing.assert_allclose(record.accuracy(record.weights()), [0.8797, 0.5, 0, 0], atol=1e-4)


def test_single_precision_stays():
    x, y = (part.astype(np.float32) for part in samples())
    record = analysis.ReadOutRecord.of(x, y)
    weights = record.weights()
    assert weights.dtype == record.accuracy(weights).dtype == jnp.float32
    np.testing.assert_allclose(weights, np.linalg.lstsq(x, y)[0], atol=1e-4)


NETWORK = line(4)
SETUP = {"terminals": (0, 4), "dt": 1e-3}
JUNCTION = jaxnn.parameters.hochstetter2021_ac()


@ft.cache
def batch():
    """Two runs of 600 steps, in segments of 150."""
    time = 1e-3 * jnp.arange(1.0, 601.0)

    def one(amplitude):
        wanted = jnp.stack([jnp.sin(7 * time), amplitude * jnp.cos(3 * time)], axis=1)
        drive = jaxnn.Triangle(amplitude, 4.0)
        return analysis.record_read_out(NETWORK, JUNCTION, drive, wanted, segment=150, **SETUP)

    return time, jax.jit(jax.vmap(one))(jnp.asarray([0.5, 1.0]))


def test_a_run_records_what_simulate_does():
    time, run = batch()
    record = ("node_potential",)
    whole = jaxnn.simulate(NETWORK, JUNCTION, jaxnn.Triangle(1.0, 4.0), steps=600, record=record, **SETUP)
    np.testing.assert_allclose(run.final_state[1], whole.final_state, atol=1e-14)
    np.testing.assert_allclose(run.conductance[1], whole.conductance, rtol=1e-9)
    assert run.failed_step.tolist() == [-1, -1]
    wanted = np.stack([np.sin(7 * time), np.cos(3 * time)], axis=1)
    direct = np.concatenate([whole.node_potential, wanted], axis=1)
    factor = run.record.factor[1]
    np.testing.assert_allclose(factor.T @ factor, direct.T @ direct, rtol=1e-9, atol=1e-10)
    assert run.record.samples.tolist() == [600, 600]
    # The records of a batch are taken apart by vmap.
    weights = jax.vmap(lambda record: record.weights())(run.record)
    accuracy = jax.vmap(lambda record, w: record.accuracy(w))(run.record, weights)
    assert accuracy.shape == (2, 2)
    assert np.all((accuracy > 0) & (accuracy <= 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.ReadOutRecord.of(np.ones((3, 2)), np.ones((4, 1))), "targets"),
        (
            lambda: analysis.ReadOutRecord.of(np.ones((3, 2)), np.ones((3, 1))).extended(1.0, 1.0),
            "features",
        ),
        (
            lambda: analysis.record_read_out(NETWORK, JUNCTION, jaxnn.Constant(1.0), np.ones(10), **SETUP),
            "whole number of segments",
        ),
        (
            lambda: analysis.record_read_out(
                NETWORK, JUNCTION, jaxnn.Constant(1.0), np.ones((10, 1)), segment=4, **SETUP
            ),
            "whole number of segments",
        ),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.slow  # half a minute of one core
def test_published_scores():
    """1.25 V, 0.1 Hz on the published network: 0.9791, 0.7694, 0.4714 and 0, after 20 s."""
    run = published.reference(published.AC_TUNNEL)
    network, terminals = jaxnn.Network(int(run["n_wires"]), run["edges"]), tuple(run["contacts"].tolist())
    drive = jaxnn.Triangle(1.25, 0.1)
    setup = {"network": network, "junction": JUNCTION, "drive": drive, "terminals": terminals}
    settled = jaxnn.simulate(**setup, dt=5e-4, steps=40_000, every=40_000)
    time = 1e-3 * jnp.arange(1.0, 80_001.0)
    found = analysis.record_read_out(
        **setup, targets=targets(time, 1.25, 0.1), dt=1e-3, state=settled.final_state
    )
    accuracy = found.record.accuracy(found.record.weights())
    np.testing.assert_allclose(accuracy, [0.9791, 0.7694, 0.4714, 0], atol=1e-3)
