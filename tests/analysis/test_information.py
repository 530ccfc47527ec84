"""Information of time series, against what is known of Gaussian autoregressions."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov
from scipy.spatial.distance import cdist
from scipy.special import digamma

import jaxnn
from jaxnn.analysis import active_information_storage, transfer_entropy


STEP = np.array([[0.6, 0.0], [0.5, 0.7]])  # x hears itself; y hears x and itself


def autoregression(count, seed, step=STEP):
    noise = np.random.default_rng(seed).normal(size=(count + 100, 2))
    z = np.zeros_like(noise)
    for t in range(1, len(z)):
        z[t] = step @ z[t - 1] + noise[t]
    return z[100:].T


def left(covariance, of, given):
    """Variance of one variable when others are known."""
    inner = covariance[np.ix_(given, given)]
    return covariance[of, of] - covariance[of, given] @ np.linalg.solve(inner, covariance[given, of])


def known_information(lag=1):
    """Of y: storage with one value of the past; and transfer from x, `lag` steps before."""
    stationary = solve_discrete_lyapunov(STEP, np.eye(2))
    # Of x and y at the times t, t - 1 and t - lag.
    times, power = (0, 1, lag), np.linalg.matrix_power
    covariance = np.zeros((6, 6))
    for i, a in enumerate(times):
        for j, b in enumerate(times):
            late = power(STEP, max(b - a, 0)) @ stationary @ power(STEP, max(a - b, 0)).T
            covariance[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = late
    alone, own, both = covariance[1, 1], left(covariance, 1, [3]), left(covariance, 1, [3, 4])
    return 0.5 * np.log(alone / own), 0.5 * np.log(own / both)


def test_an_autoregression_has_the_known_information():
    """The closed form within four standard errors of ten runs; the bias of neighbours below 0.01 nat."""
    known = [*known_information(), 0.0]
    runs = [autoregression(2000, seed) for seed in range(10)]
    kinds: tuple[Any, ...] = ("gaussian", "kraskov")
    found = {
        estimator: np.array(
            [
                [
                    active_information_storage(y, estimator=estimator).value,
                    transfer_entropy(x, y, estimator=estimator).value,
                    transfer_entropy(y, x, estimator=estimator).value,
                ]
                for x, y in runs
            ]
        )
        for estimator in kinds
    }
    mean, error = found["gaussian"].mean(axis=0), found["gaussian"].std(axis=0, ddof=1) / 10**0.5
    # What a regression fits of nothing is 1 / 2N in the mean.
    assert np.all(np.abs(mean - known) < 4 * error + 1 / 2000)
    assert np.all(error < 0.01)
    # On the same data. Of 20 runs the bias of the storage is 0.004 +- 0.003, see Kraskov et al., Fig. 4.
    bias = found["kraskov"] - found["gaussian"]
    assert np.all(np.abs(bias.mean(axis=0)) < 0.01 + 3 * bias.std(axis=0, ddof=1) / 10**0.5)
    assert np.all(bias.std(axis=0) < 0.03)


def test_delays_and_longer_pasts():
    x, y = autoregression(40_000, 0)
    gaussian: dict[str, Any] = {"estimator": "gaussian"}
    for lag in (2, 3):
        found = transfer_entropy(x, y, delay=lag, **gaussian).value
        assert found == pytest.approx(known_information(lag)[1], abs=0.005)
    # Of the whole past of both, that of the last step says everything: x -> y is half of Granger's.
    later = transfer_entropy(x, y, length=6, source_length=6, **gaussian).value
    wider = transfer_entropy(x, y, length=12, source_length=12, **gaussian).value
    assert later == pytest.approx(wider, abs=0.001)
    assert transfer_entropy(y, x, length=3, source_length=3, **gaussian).value < 0.001
    # A pure delay is found where it is, and a spaced past reaches it.
    source, noise = np.random.default_rng(1).normal(size=(2, 5000))
    target = np.append(np.zeros(4), source[:-4]) + noise
    at = [transfer_entropy(source, target, delay=u, **gaussian).value for u in range(1, 7)]
    assert int(np.argmax(at)) == 3
    assert at[3] == pytest.approx(0.5 * np.log(2), abs=0.03)
    spaced = transfer_entropy(source, target, source_length=2, spacing=3, **gaussian).value
    assert spaced == pytest.approx(at[3], abs=0.005)


@pytest.mark.parametrize("estimator", ["gaussian", "kraskov"])
def test_units_and_offsets_do_not_matter(estimator):
    x, y = autoregression(500, 3)
    kind: dict[str, Any] = {"estimator": estimator, "length": 2}
    whole = transfer_entropy(x, y, **kind).value, active_information_storage(y, **kind).value
    for scale, offset in ((1e-9, 3e-9), (-4e6, 1.0), (1e-200, 0.0)):
        u, v = scale * x + offset, 2 * scale * y - offset
        again = transfer_entropy(u, v, **kind).value, active_information_storage(v, **kind).value
        # A neighbour may change its place by rounding.
        np.testing.assert_allclose(again, whole, atol=1e-3)


def test_independent_series_have_none_within_the_surrogates():
    values = []
    for seed in range(20):
        x, y = np.random.default_rng(seed).normal(size=(2, 300))
        found = transfer_entropy(x, y, surrogates=19, seed=seed)
        assert found.surrogates.shape == (19,)
        values.append(found.p_value)
        assert abs(found.value) < 5 * found.surrogates.std() + abs(found.surrogates.mean())
    # p-values are even from 0.05 to 1: a mean of 0.525 +- 0.065.
    assert 0.3 < np.mean(values) < 0.75
    x, y = autoregression(300, 0)
    assert transfer_entropy(x, y, surrogates=19).p_value == pytest.approx(0.05)
    assert active_information_storage(y, surrogates=19).p_value == pytest.approx(0.05)


@pytest.mark.parametrize("conditional", [True, False])
def test_neighbours_are_counted_as_the_definition_says(conditional):
    """By all distances."""
    x, y = autoregression(200, 5)
    scaled = [(z - z.mean()) / z.std() for z in (x, y)]
    now, own, other = (z[:, None] for z in (scaled[1][1:], scaled[1][:-1], scaled[0][:-1]))
    past, given = (other, [own]) if conditional else (own, [])
    away = lambda *parts: cdist(np.hstack(parts), np.hstack(parts), "chebyshev")
    radius = np.sort(away(now, past, *given), axis=1)[:, 3, None]
    count = lambda *parts: digamma(np.sum(away(*parts) < radius, axis=1))
    whole = count(own) if conditional else digamma(len(now))
    wanted = digamma(3) + np.mean(whole - count(now, *given) - count(past, *given))
    if conditional:
        found = transfer_entropy(x, y, neighbours=3).value
    else:
        found = active_information_storage(y, neighbours=3).value
    assert found == pytest.approx(wanted, abs=1e-9)


def test_series_that_never_change_or_are_determined():
    x = np.random.default_rng(0).normal(size=100)
    assert transfer_entropy(x, np.full(100, 3e-7)).value == 0
    assert transfer_entropy(np.zeros(100), x, surrogates=3).surrogates.tolist() == [0, 0, 0]
    assert active_information_storage(np.ones(50)).value == 0
    wave = np.sin(0.3 * np.arange(400))
    assert active_information_storage(wave, length=2, estimator="gaussian").value > 25
    assert active_information_storage(wave, length=2).value > 2


def test_bad_input():
    x = np.arange(20.0)
    with pytest.raises(ValueError, match="same times"):
        transfer_entropy(x, x[1:])
    with pytest.raises(ValueError, match="more than 15 samples"):
        active_information_storage(x[:15], length=2, spacing=9)
    with pytest.raises(ValueError, match="estimator"):
        transfer_entropy(x, x, estimator="binned")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="finite"):
        active_information_storage(np.append(x, np.nan))
    assert jaxnn.analysis.Information(0.1, np.zeros(0)).p_value == 1
