"""Sums and maxima over rows: those of NumPy, alone and in batches of batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn_kernels import largest, total


NUMPY = {total: np.sum, largest: lambda row: np.max(np.abs(row), initial=0)}


@pytest.mark.parametrize("rows", [0, 1, 5, 16, 17, 300])
@pytest.mark.parametrize("ours", NUMPY)
def test_in_every_batch(ours, rows):
    x = np.random.default_rng(rows).normal(size=(7, rows)).astype(np.float32)
    expected = np.array([NUMPY[ours](row) for row in x])
    close = lambda got, wanted: np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    close([ours(row) for row in jnp.asarray(x)], expected)
    mapped = jax.jit(jax.vmap(ours))
    close(mapped(x), expected)
    np.testing.assert_array_equal(mapped(x[:2]), mapped(x)[:2])
    twice = jax.jit(jax.vmap(jax.vmap(ours), in_axes=1))(np.stack([x, 2 * x]))
    close(twice, np.stack([expected, 2 * expected], axis=1))


def test_no_number_and_no_derivative():
    x = np.ones((3, 40), np.float32)
    x[1, 20] = np.nan
    for ours in NUMPY:
        assert np.isnan(jax.vmap(ours)(jnp.asarray(x))).tolist() == [False, True, False]
        assert not jax.grad(ours)(jnp.ones(4)).any()
