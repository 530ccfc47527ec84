"""What holds of every fit: exact data give their parameters back, and neither order nor units are seen."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

import jaxnn
from jaxnn.fit import fit_parameters


pytest.importorskip("optimistix")

# Data without noise are not what the verdict is about, and few noisy ones may miss a test of it.
pytestmark = pytest.mark.filterwarnings("ignore::jaxnn.NumericalWarning")
HOW = {"deadline": None, "derandomize": True, "phases": [Phase.generate]}
HOW |= {"suppress_health_check": list(HealthCheck)}


def relaxation(parameters, time):
    """A decay to an offset."""
    return parameters["height"] * jnp.exp(-time / parameters["decay"]) + parameters["offset"]


class Case:
    """A relaxation, its true parameters and the instants of its data, drawn at random."""

    def __init__(self, seed: int):
        rng = np.random.default_rng(seed)
        sign = rng.choice([-1.0, 1.0])
        self.true = {
            "decay": float(10 ** rng.uniform(-1, 0.3)),
            "height": float(sign * 10 ** rng.uniform(-0.5, 1)),
            "offset": float(rng.uniform(-1, 1)),
        }
        self.start = {name: 1.3 * value for name, value in self.true.items()}
        self.time = np.sort(rng.uniform(0, 3, int(rng.integers(30, 60))))
        self.sigma = float(0.02 * abs(self.true["height"]))
        self.exact = np.asarray(relaxation(self.true, self.time))
        self.noisy = self.exact + self.sigma * rng.normal(size=self.exact.size)
        self.order = rng.permutation(self.time.size)
        self.volts, self.seconds = (float(10 ** rng.uniform(-3, 3)) for _ in range(2))

    def fit(self, data: Any, time: Any = None, start: Any = None, sigma: Any = None) -> Any:
        time = jnp.asarray(self.time if time is None else time)
        return fit_parameters(
            lambda parameters: relaxation(parameters, time),
            self.start if start is None else start,
            data,
            sigma=self.sigma if sigma is None else sigma,
            held_out=0,
            starts=1,
        )


def check(seed: int) -> None:
    case = Case(seed)
    found = case.fit(case.exact)
    for name, value in case.true.items():
        np.testing.assert_allclose(found.parameters[name], value, rtol=1e-6, atol=1e-8)
    assert float(found.chi2) < 1e-8

    noisy = case.fit(case.noisy)
    error = np.sqrt(np.diag(noisy.covariance))
    # As near to one another as a search that ends at a relative change of 1e-8 or so leaves them.
    same = lambda one, other: np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)
    mixed = case.fit(case.noisy[case.order], case.time[case.order])
    same((mixed.estimate - noisy.estimate) / error, 0)
    same(mixed.covariance / np.outer(error, error), noisy.covariance / np.outer(error, error))
    np.testing.assert_allclose(mixed.chi2, noisy.chi2, rtol=1e-6)

    # Other units of the voltage and of time: numbers in these, the same chi2 and correlations.
    unit = np.array([{"decay": case.seconds}.get(name, case.volts) for name in noisy.names])
    start = {
        name: value * float(u) for (name, value), u in zip(sorted(case.start.items()), unit, strict=True)
    }
    other = case.fit(case.volts * case.noisy, case.seconds * case.time, start, case.volts * case.sigma)
    assert other.names == noisy.names == ("decay", "height", "offset")
    same((other.estimate / unit - noisy.estimate) / error, 0)
    scale = np.outer(unit * error, unit * error)
    same(other.covariance / scale, noisy.covariance / np.outer(error, error))
    np.testing.assert_allclose(other.chi2, noisy.chi2, rtol=1e-6)


TIMES = 2e-3 * np.arange(120)
LAW = jaxnn.parameters.milano2022_connectome()
FITTED = ("decay_rate", "on_conductance")


def check_a_law(seed: int) -> None:
    """Two numbers of a junction, from its currents without noise, in units of their published values."""
    rng = np.random.default_rng(seed)
    true = dict(zip(FITTED, rng.uniform(0.5, 2.0, len(FITTED)).tolist(), strict=True))
    volts = float(rng.uniform(2.0, 4.0)) * np.sin(TIMES * float(rng.uniform(10, 30)))
    response = jaxnn.fit.Response(None, TIMES, volts)
    base = {name: getattr(LAW, name) for name in FITTED}
    law = lambda parameters: dataclasses.replace(LAW, **{k: parameters[k] * base[k] for k in FITTED})
    exact = np.asarray(response(law(true)))
    start = {name: 1.0 for name in FITTED}
    found = fit_parameters(
        lambda parameters: response(law(parameters)),
        start,
        exact,
        sigma=1e-3 * float(np.abs(exact).max()),
        constraints=jaxnn.Positive(),
        held_out=0,
        starts=1,
    )
    if found.identified.all():
        for name in FITTED:
            np.testing.assert_allclose(found.parameters[name], true[name], rtol=1e-4, err_msg=name)
    # Whether identified or not, the data are met.
    assert float(found.chi2) < 1e-4


def test_a_fit():
    check(3)


@pytest.mark.slow
@settings(max_examples=30, **HOW)
@given(seed=st.integers(0, 2**31))
def test_many_fits_of_a_law(seed):
    check_a_law(seed)


@pytest.mark.slow
@settings(max_examples=60, **HOW)
@given(seed=st.integers(0, 2**31))
def test_many_fits(seed):
    check(seed)
