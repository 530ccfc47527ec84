"""Estimates and errors are SciPy's, whatever the constraints, and what does not fit is said."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.optimize

import jaxnn
from decays import NOISE, TIME, TRUE, decay, measured, numpy_decay
from jaxnn.fit import Cauchy, Gradient, Huber, LevenbergMarquardt, SoftL1, fit_parameters
from jaxnn.fit._coordinates import coordinates_of


START = {"decay": 1.0, "height": 1.0}


def fitted(data=None, **options: Any):
    settings: dict[str, Any] = {"sigma": NOISE, "held_out": 0, "starts": 1} | options
    return fit_parameters(decay, START, measured() if data is None else data, **settings)


@pytest.mark.parametrize("sigma", [NOISE, None])
def test_estimate_and_covariance_are_those_of_curve_fit(sigma):
    found = fitted(sigma=sigma)
    known = {} if sigma is None else {"sigma": np.full(60, sigma), "absolute_sigma": True}
    best, covariance = scipy.optimize.curve_fit(
        numpy_decay, TIME, measured(), (1, 1), xtol=1e-14, ftol=1e-14, **known
    )
    assert found.names == ("decay", "height")
    np.testing.assert_allclose(found.estimate, best, rtol=1e-7)
    # SciPy's Jacobian is one of differences.
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-5)
    assert found.problems == ()
    assert found.identified.all()
    np.testing.assert_allclose(
        found.correlation[0, 1], found.covariance[0, 1] / found.standard_error.prod()
    )


def test_the_interval_of_an_unknown_noise_is_that_of_student():
    found = fitted(sigma=None)
    reach = scipy.stats.t.ppf(0.975, 58) * found.standard_error
    np.testing.assert_allclose(found.interval(), found.estimate + np.outer([-1, 1], reach))
    np.testing.assert_allclose(found.chi2_per_freedom, 1)
    np.testing.assert_allclose(np.asarray(found.sigma).std(), 0, atol=1e-15)


@pytest.mark.parametrize(
    ("loss", "rho"),
    [
        (Huber(), lambda z: np.where(z <= 1, z, 2 * np.sqrt(z) - 1)),
        (SoftL1(), lambda z: 2 * (np.sqrt(1 + z) - 1)),
        (Cauchy(), np.log1p),
    ],
)
def test_losses_are_those_of_scipy_and_have_their_slopes(loss, rho):
    """SciPy's are c^2 rho(r^2 / c^2) / 2."""
    r = np.array([-30.0, -2.0, -1e-4, 0.0, 1e-3, 0.7, 1.3, 2.3, 1e4])
    of = lambda r: loss.width**2 * rho((r / loss.width) ** 2) / 2
    shrunk = np.asarray(loss.transform(jnp.asarray(r)))
    np.testing.assert_allclose(shrunk**2 / 2, of(r), rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(np.sign(shrunk), np.sign(r))
    h = 1e-6 * np.maximum(np.abs(r), 1)
    np.testing.assert_allclose(loss.influence(r), (of(r + h) - of(r - h)) / (2 * h), rtol=1e-5, atol=1e-8)
    slope = (loss.influence(r + h) - loss.influence(r - h)) / (2 * h)
    np.testing.assert_allclose(loss.curvature(r), slope, rtol=1e-5, atol=1e-8)
    assert np.isfinite(jax.vmap(jax.grad(loss.transform))(jnp.asarray(r))).all()


def test_robust_estimates_are_those_of_scipy():
    loss, data = Huber(), measured()
    data[::7] += 1.0
    found = fitted(data, loss=loss)
    residual = lambda x: (numpy_decay(TIME, *x) - data) / NOISE
    best = scipy.optimize.least_squares(
        residual, (1, 1), loss="huber", f_scale=loss.width, xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    np.testing.assert_allclose(found.estimate, best.x, rtol=1e-6)
    # Outliers are not called a model that does not fit, and the truth is near.
    assert found.problems == ()
    truth = np.array([TRUE[name] for name in found.names])
    assert (np.abs(found.estimate - truth) < 4 * found.standard_error).all()
    assert (np.abs(fit_by_squares(data) - truth) > 4 * found.standard_error).any()


def fit_by_squares(data):
    return scipy.optimize.curve_fit(numpy_decay, TIME, data, (1, 1))[0]


def test_robust_with_a_noise_that_the_residuals_tell():
    data = measured()
    data[::7] += 1.0
    found = fitted(data, sigma=None, loss=Huber())
    np.testing.assert_allclose(np.unique(found.sigma), NOISE, rtol=0.5)
    np.testing.assert_allclose(found.estimate, [0.4, 3.0], rtol=0.02)


def test_constraints_change_the_way_and_not_the_place():
    constraints = {"decay": jaxnn.Positive(), "height": jaxnn.Box(0.1, 9.0)}
    free, found = fitted(), fitted(constraints=constraints)
    np.testing.assert_allclose(found.estimate, free.estimate, rtol=1e-6)
    np.testing.assert_allclose(found.standard_error, free.standard_error, rtol=1e-5)
    # The interval of a positive number is one of its logarithm.
    low, high = found.interval()[:, 0]
    np.testing.assert_allclose(low * high, found.estimate[0] ** 2)
    relative = found.standard_error[0] / found.estimate[0]
    np.testing.assert_allclose(np.log(high / low), 2 * 1.959964 * relative)
    np.testing.assert_allclose(found.interval()[:, 1], free.interval()[:, 1], rtol=1e-6)


@pytest.mark.parametrize(
    ("rule", "unit"),
    [
        (None, 2.0),
        (jaxnn.Positive(), 2.5),
        (jaxnn.Bounded(0.1, 9.0), 8.9),
        (jaxnn.Box(0.1, 9.0), 8.9),
        (jaxnn.Scaled(0.3), 0.3),
    ],
)
def test_coordinates_of_the_search_lead_back(rule, unit):
    coordinates = coordinates_of(jnp.array([2.0, 2.0]), rule)
    x = jnp.array([2.5, 2.5])
    np.testing.assert_allclose(coordinates.point(coordinates.search(x)), x, rtol=1e-14)
    np.testing.assert_allclose(coordinates.unit(x), unit)
    assert coordinates.names == ("x[0]", "x[1]")
    np.testing.assert_array_equal(coordinates.tree(x), x)
    low, high = coordinates.bounds()
    far = np.asarray(coordinates.point(jnp.array([-30.0, 30.0])))
    assert ((far >= low) & (far <= high)).all()


def test_gradients_come_to_the_same_place():
    found = fitted(method=Gradient(), constraints=jaxnn.Positive())
    np.testing.assert_allclose(found.estimate, fitted().estimate, rtol=1e-6)
    np.testing.assert_allclose(found.covariance, fitted().covariance, rtol=1e-5)


def test_what_is_missing_and_held_out_does_not_count():
    data = measured()
    data[3:9] = np.nan
    found = fitted(data, held_out=0.25)
    data[45:] = 1e3  # seen by nobody
    with pytest.warns(jaxnn.NumericalWarning, match="It does not carry over"):
        again = fitted(data, held_out=0.25)
    np.testing.assert_array_equal(found.estimate, again.estimate)
    kept = np.isfinite(data[:45])
    best, _ = scipy.optimize.curve_fit(numpy_decay, TIME[:45][kept], data[:45][kept], (1, 1))
    np.testing.assert_allclose(found.estimate, best, rtol=1e-6)
    assert found.degrees_of_freedom == 45 - 6 - 2
    assert found.problems == ()
    late, model = measured()[45:], np.asarray(found.predicted)[45:]
    score = 1 - np.sum((late - model) ** 2) / np.sum((late - late.mean()) ** 2)
    np.testing.assert_allclose(found.held_out_score, score)


def test_other_data_and_noise_share_one_program():
    fitted()
    traced = []
    model = lambda p: (traced.append(None), decay(p))[1]
    counts = []
    for seed in range(3):
        fit_parameters(model, START, measured(seed), sigma=0.01 * (2 + seed), starts=1)
        counts.append(len(traced))
    # Once for each fit the shapes are looked at.
    assert counts[2] == counts[1] + 1 == counts[0] + 2


def test_trees_of_data_and_of_parameters():
    def two(parameters):
        law, rates = parameters
        return {"a": law * jnp.exp(-jnp.outer(jnp.asarray(TIME), rates)), "b": jnp.ones(8) * law}

    truth = (jnp.asarray(2.0), jnp.array([1.0, 3.0]))
    rng = np.random.default_rng(1)
    data = jax.tree.map(lambda x: np.asarray(x) + 0.01 * rng.normal(size=x.shape), two(truth))
    start = (jnp.asarray(1.0), jnp.array([1.5, 1.5]))
    found = fit_parameters(two, start, data, sigma={"a": 0.01, "b": np.full(8, 0.01)}, starts=1)
    assert found.names == ("[0]", "[1][0]", "[1][1]")
    np.testing.assert_allclose(found.estimate, [2, 1, 3], rtol=0.02)
    assert found.data.keys() == {"a", "b"}
    assert found.held_out["a"].shape == (60, 2)
    assert found.held_out["a"].sum() == 24
    axes = found.plot()
    assert axes.shape == (2, 2)
    plt.close("all")


def test_float32_comes_as_near_as_it_can():
    time = jnp.asarray(TIME, jnp.float32)
    model = lambda p: p["height"] * jnp.exp(-time / p["decay"])
    start = {name: jnp.float32(1.0) for name in START}
    found = fit_parameters(model, start, measured(), sigma=NOISE, held_out=0, starts=1)
    np.testing.assert_allclose(found.estimate, fitted().estimate, rtol=1e-4)
    assert found.parameters["decay"].dtype == jnp.float32
    assert found.problems == ()


def test_report_dictionary_and_picture():
    found = fitted(held_out=0.2)
    text = found.report()
    assert "height" in text
    assert "nothing speaks against it" in text
    read = json.loads(found.to_json())
    assert read == found.to_dict()
    np.testing.assert_allclose(read["parameters"]["decay"]["interval_95"], found.interval()[:, 0])
    axes = found.plot(TIME, xlabel="time [s]", ylabel="current [A]")
    assert axes.shape == (2, 1)
    assert axes[1, 0].get_xlabel() == "time [s]"
    model = axes[0, 0].lines[-1]
    np.testing.assert_allclose(model.get_ydata(), found.predicted)
    axes[0, 0].figure.canvas.draw()
    with pytest.raises(ValueError, match="x must have a number for each of 60 samples"):
        found.plot(TIME[:4])
    with pytest.raises(ValueError, match="axes must be 2"):
        found.plot(axes=axes[:1])
    plt.close("all")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": measured()[:50]}, r"predict must return an array of the shape of data, \(50,\)"),
        ({"data": {"a": measured()}}, "predict must return what data is"),
        ({"data": 3.0}, "data must have an axis of samples"),
        ({"data": np.append(measured()[:-1], np.inf)}, r"data is infinite at index \[59\]"),
        ({"data": np.full(60, np.nan)}, "none of them is left to fit"),
        ({"data": np.where(TIME < 0.02, 1.0, np.nan)}, "2 numbers to fit 2 parameters"),
        ({"data": np.full(60, "1")}, "data must be real numbers"),
        ({"sigma": 0.0}, "sigma must be positive"),
        ({"sigma": np.ones(7)}, r"sigma must be standard deviations of the shape of data, \(60,\)"),
        ({"constraints": jaxnn.Box(2.0, 3.0)}, "start inside it"),
        ({"held_out": 1.0}, "held_out"),
        ({"loss": "huber"}, "loss must be a loss such as"),
        ({"method": "lm"}, "method must be a method such as"),
        ({"parameters": {"decay": 0.0, "height": np.nan}}, "finite"),
        ({"parameters": jaxnn.TunnelJunction}, "got the class TunnelJunction: give an instance"),
        ({"predict": lambda p: jnp.log(-decay(p))}, "predict is not finite at any of 1 starts"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    arguments: dict[str, Any] = {"predict": decay, "parameters": START, "data": measured(), "starts": 1}
    with pytest.raises(ValueError, match=message):
        fit_parameters(**(arguments | changes))


def test_methods_are_checked():
    with pytest.raises(ValueError, match="steps of LevenbergMarquardt must be at least 1"):
        LevenbergMarquardt(steps=0)
    with pytest.raises(ValueError, match="optimiser must be one of Optax"):
        Gradient("adam")  # pyright: ignore[reportArgumentType]


def test_without_optimistix(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optimistix", None)
    with pytest.raises(ImportError, match='extra "fit"'):
        fitted()
