"""Avalanches, power laws and the crackling-noise relation, on data whose answers are known."""

import numpy as np
import pytest

import jaxnn
from jaxnn import analysis


def critical_branching(count, seed=0, longest=4000):
    """Trains of a critical Poisson branching process: P(S) ~ S^-3/2, P(T) ~ T^-2, <S>(T) ~ T^2.

    Each avalanche starts from one event, and empty bins lie between them.
    """
    random = np.random.default_rng(seed)
    train = [np.zeros(1, np.int64)]
    for _ in range(count):
        generations, now = [], 1
        while now and len(generations) < longest:
            generations.append(now)
            now = random.poisson(now)
        train.append(np.array([*generations, 0]))
    return np.concatenate(train)


@pytest.fixture(scope="module")
def branching():
    return analysis.find_avalanches(critical_branching(60_000))


def test_avalanches_of_a_train_done_by_hand():
    #        touches the start        by itself  two bins      touches the end
    train = [[2, 1, 0, 0, 3, 0, 1, 4, 0, 0, 5], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]]
    found = analysis.find_avalanches(np.array(train))
    assert found.size.tolist() == [3, 5, 1]
    assert found.lifetime.tolist() == [1, 2, 1]
    assert found.profile.tolist() == [3, 1, 4, 1]
    assert found.branching_ratio() == pytest.approx((0 + 4 + 0) / 3)
    lifetime, size, count = analysis.mean_size(found)
    assert (lifetime.tolist(), size.tolist(), count.tolist()) == ([1, 2], [2.0, 5.0], [2, 1])


def test_no_avalanches():
    found = analysis.find_avalanches(np.zeros((3, 10), int))
    assert found.size.size == 0
    assert np.isnan(found.branching_ratio())


def test_intervals_and_bins():
    train = np.zeros((2, 20), int)
    train[0, [1, 5, 15]] = 1, 2, 1
    train[1, [3]] = 7
    assert analysis.inter_event_intervals(train).tolist() == [4, 10]  # never from one run to the next
    binned = analysis.bin_events(train)  # the mean interval of 7
    assert binned.tolist() == [[3, 0], [7, 0]]  # what is over after two bins of 7 is dropped
    assert analysis.bin_events(train[0], 5).tolist() == [[1, 2, 0, 1]]


@pytest.mark.parametrize(
    "function", [lambda events: analysis.bin_events(events, 1), analysis.inter_event_intervals]
)
def test_counts_of_an_ensemble_have_time_first(function):
    train = np.zeros((2, 20), int)
    train[0, [1, 5, 15]] = train[1, [3, 4]] = 1
    with pytest.warns(jaxnn.ImplausibleWarning, match=r"20 runs with 2 steps each; .* counts\.T"):
        function(train.T)
    function(train)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.find_avalanches([0.5, 1.0]), "whole numbers"),
        (lambda: analysis.bin_events([0, 1, 0]), "width"),
        (lambda: analysis.bin_events([0, 1, 0], 4), "does not fit"),
        (lambda: analysis.fit_power_law([1.5, 2.5]), "powerlaw package"),
        (lambda: analysis.fit_power_law([3, 3, 3]), "two distinct values"),
        (lambda: analysis.trace_events([1.0]), "two steps"),
        (lambda: analysis.events_in([[0.0, 1.0]], analysis.Crossing(1e-8), 1e-3), "positive"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("exponent", [1.5, 2.0, 3.2])
def test_exponent_of_exact_samples(exponent):
    sample = analysis.power_law_sample(exponent, 2, 200, 20_000, seed=1)
    fit = analysis.fit_power_law(sample, 2, 200)
    assert abs(fit.exponent - exponent) < 4 * fit.error < 0.1
    # The Cramer-Rao bound: 1 / sqrt(N var ln x).
    law = analysis.power_law_probabilities(exponent, 2, 200)
    log = np.log(np.arange(2, 201))
    bound = (20_000 * (law @ log**2 - (law @ log) ** 2)) ** -0.5
    assert fit.error == pytest.approx(bound, rel=0.15)


def test_p_values_are_uniform_when_refitted_and_larger_when_not():
    fits = [
        [
            analysis.fit_power_law(
                analysis.power_law_sample(2.0, 1, 50, 500, seed=s), 1, 50, refit=refit, samples=200
            ).p_value
            for s in range(100)
        ]
        for refit in (True, False)
    ]
    # Kolmogorov-Smirnov against the uniform law: 0.163 is the 1 % level of 100 draws.
    assert np.max(np.abs(np.sort(fits[0]) - np.arange(1, 101) / 100)) < 0.163
    assert np.mean(fits[1]) > np.mean(fits[0]) + 0.1


def test_what_is_no_power_law_is_refused():
    sample = np.random.default_rng(0).geometric(0.2, 5_000)
    assert analysis.fit_power_law(sample).p_value == 0
    found = analysis.scan_power_law(sample, samples=100)
    # What looks like one is found only where there is hardly any data or range.
    assert found is None or found.maximum / found.minimum < 5 or found.used < 200


def test_scan_finds_the_range():
    """A power law from 4 to 100 within data that follow none outside."""
    random = np.random.default_rng(3)
    body = analysis.power_law_sample(1.9, 4, 100, 20_000, seed=4)
    sample = np.concatenate([body, random.integers(1, 4, 3_000), 100 + random.geometric(0.1, 600)])
    fit = analysis.scan_power_law(sample, samples=200)
    assert fit is not None
    assert fit.p_value >= 0.5
    assert 3 <= fit.minimum <= 6
    assert 80 <= fit.maximum <= 104
    assert abs(fit.exponent - 1.9) < 4 * fit.error


def test_powerlaw_package_agrees_on_a_given_range():
    pytest.importorskip("powerlaw")
    sample = analysis.power_law_sample(2.1, 1, 400, 5_000, seed=2)
    ours, theirs = analysis.fit_power_law(sample, 3, 90), analysis.compare_with_powerlaw(sample, 3, 90)
    assert theirs["exponent"] == pytest.approx(ours.exponent, abs=1e-3)
    assert theirs["distance"] == pytest.approx(ours.distance, abs=1e-3)
    ratio, p = theirs["exponential"]
    assert ratio > 0
    assert p < 1e-6


def test_line_through_a_histogram():
    sample = np.repeat([1, 2, 4, 8], [4096, 512, 64, 8])  # exactly x^-3
    exponent, error = analysis.log_log_slope(sample)
    assert exponent == pytest.approx(3)
    assert error == pytest.approx(0, abs=1e-12)


def test_exponents_of_a_critical_branching_process(branching):
    """3/2 and 2, with cut-offs where the asymptotic laws hold to their errors."""
    size = analysis.fit_power_law(branching.size, 20, 2_000)
    lifetime = analysis.fit_power_law(branching.lifetime, 20, 200)
    assert abs(size.exponent - 1.5) < 4 * size.error < 0.08
    # P(T) = 2 / T^2 (1 + O(ln T / T)), 5 % off at the lower cut-off.
    assert abs(lifetime.exponent - 2) < 4 * lifetime.error + 0.05 < 0.35
    relation = analysis.exponents_relation(size, lifetime)
    assert abs(relation.value - 2) < 4 * relation.error + 0.1


def test_crackling_noise_of_a_critical_branching_process(branching):
    """1 / (sigma nu z) = 2: mean sizes, and profiles that are parabolas."""
    slope = analysis.mean_size_exponent(branching, 20, 200)
    assert abs(slope.value - 2) < 4 * slope.error + 0.05 < 0.4
    collapse = analysis.shape_collapse(branching, shortest=15, longest=60, bootstraps=10)
    assert abs(collapse.estimate.value - 2) < 0.15
    assert 0 < collapse.estimate.error < 0.1
    # Generation k of T is a step k of a walk from 0 to T + 1: k (T + 1 - k), within noise.
    lifetimes, time = collapse.lifetimes[:, None], collapse.time
    parabola = (lifetimes * time * (1 + 1 / lifetimes - time)).mean(axis=0)
    np.testing.assert_allclose(
        collapse.profiles.mean(axis=0) / collapse.profiles.mean(), parabola / parabola.mean(), atol=0.1
    )


def test_branching_ratio_of_a_critical_process(branching):
    # The mean of the second generation over the one ancestor, which is the mean number of offspring.
    assert branching.branching_ratio() == pytest.approx(1, abs=4 / 60_000**0.5)


def test_shape_collapse_without_data():
    collapse = analysis.shape_collapse(analysis.find_avalanches([0, 1, 1, 0]))
    assert np.isnan(collapse.estimate.value)
    assert collapse.profiles.shape == (0, len(collapse.time))
