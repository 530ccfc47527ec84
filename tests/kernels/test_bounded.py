"""States between bounds, and what becomes of the derivative of one that rests there."""

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np

from jaxnn_kernels import bounded


def test_values_and_slopes():
    x = jnp.array([-jnp.inf, -2.0, -1.0, 0.5, 3.0, 4.0, jnp.inf, jnp.nan])
    low, high = jnp.asarray(-1.0), jnp.asarray(3.0)
    np.testing.assert_array_equal(bounded(x, low, high), np.clip(x, -1, 3))
    slope = jax.vmap(jax.grad(bounded), (0, None, None))(x, low, high)
    np.testing.assert_array_equal(slope[:-1], [0, 0, 1, 1, 1, 0, 0])
    of_bounds = jax.vmap(jax.grad(bounded, (1, 2)), (0, None, None))(x, low, high)
    np.testing.assert_array_equal(
        np.array(of_bounds)[:, :-1], [[1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1]]
    )
    jax.test_util.check_grads(lambda *x: bounded(*map(jnp.asarray, x)), (x[1:6:4], low, high), 2)


def test_float32_stays():
    assert bounded(jnp.float32([0.2, 2]), 0, 1).dtype == jnp.float32
