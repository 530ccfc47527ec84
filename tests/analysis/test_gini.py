"""The Gini coefficient against its definition, and at its ends."""

import numpy as np
import pytest

from jaxnn import analysis


def test_all_pairs():
    """The sum over all pairs, row by row along either axis, whatever the unit."""
    x = np.random.default_rng(0).lognormal(size=(3, 40))
    pairs = np.abs(x[:, :, None] - x[:, None, :]).sum(axis=(1, 2)) / (2 * 40 * x.sum(axis=1))
    np.testing.assert_allclose(analysis.gini_coefficient(x), pairs, rtol=1e-12)
    np.testing.assert_allclose(analysis.gini_coefficient(1e-9 * x.T, axis=0), pairs, rtol=1e-12)


def test_known_values():
    """Equal shares, one that has all, an exponential distribution (1/2), and nothing to share."""
    assert analysis.gini_coefficient(np.full(7, 3.0)) == pytest.approx(0, abs=1e-15)
    assert analysis.gini_coefficient([0, 0, 5, 0]) == pytest.approx(1 - 1 / 4)
    quantiles = -np.log(1 - (np.arange(10_000) + 0.5) / 10_000)
    assert analysis.gini_coefficient(quantiles) == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_array_equal(np.isnan(analysis.gini_coefficient([[0, 0], [1, 1]])), [True, False])


@pytest.mark.parametrize("values", [[-1.0, 1.0], [np.nan, 1.0], []], ids=["negative", "nan", "none"])
def test_refusals(values):
    with pytest.raises(ValueError, match=r"magnitudes first.*Got shape"):
        analysis.gini_coefficient(values)
