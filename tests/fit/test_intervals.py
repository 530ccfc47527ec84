"""Profiles and bootstraps: intervals that do not take the model for linear."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.optimize

import jaxnn
from decays import NOISE, TIME, TRUE, decay, measured, numpy_decay
from jaxnn.fit import bootstrap, fit_parameters, profile


@pytest.fixture(scope="module")
def found():
    start = {"decay": 1.0, "height": 1.0}
    return fit_parameters(
        decay, start, measured(), sigma=NOISE, held_out=0, starts=1, constraints=jaxnn.Positive()
    )


def test_profile_is_what_scipy_leaves_with_one_number_held(found):
    got = profile(found, "decay")
    squares = lambda tau, height: np.sum(((numpy_decay(TIME, tau, height) - measured()) / NOISE) ** 2)
    left = [scipy.optimize.minimize_scalar(lambda h, tau=tau: squares(tau, h)).fun for tau in got.values]
    np.testing.assert_allclose(got.rise, np.asarray(left) - found.chi2, atol=1e-6)
    # Near its minimum this model is all but linear.
    np.testing.assert_allclose([got.low, got.high], found.interval()[:, 0], rtol=1e-3)
    assert got.threshold == pytest.approx(3.841459)
    ax = got.plot()
    assert ax.get_xlabel() == "decay"
    ax.figure.canvas.draw()
    plt.close("all")


def test_an_interval_that_was_not_followed_far_enough_is_open(found):
    got = profile(found, "decay", reach=0.5)
    assert (got.low, got.high) == (0, np.inf)
    got.plot()
    plt.close("all")
    with pytest.raises(ValueError, match="name must be one of the fitted numbers"):
        profile(found, "c")


def test_bootstrap_is_as_wide_as_the_errors_say(found):
    drawn = bootstrap(found, repetitions=100)
    # Of 100 the spread is known to 7 %.
    np.testing.assert_allclose(drawn.estimates.std(axis=0), found.standard_error, rtol=0.25)
    assert (np.abs(drawn.estimates.mean(axis=0) - found.estimate) < 0.3 * found.standard_error).all()
    # 95 % less five standard errors of a binomial.
    assert (drawn.coverage() > 0.84).all()
    assert drawn.identified.all()
    np.testing.assert_array_equal(drawn.truth, found.estimate)
    reach = drawn.interval() - found.estimate
    np.testing.assert_allclose(reach, 1.96 * np.outer([-1, 1], found.standard_error), rtol=0.4)
    assert TRUE["decay"] == pytest.approx(found.estimate[0], rel=0.05)
