"""Zero that has derivatives: of every order, in every transform, and nothing for a compiler to do."""

import jax
import jax.numpy as jnp
import numpy as np

from circuits import lowers
from jaxnn_kernels import infinitesimal


def test_it_is_zero_and_its_derivatives_are_those_of_its_argument():
    x = jnp.array([0.3, -2.0])
    plain = lambda x: x - jax.lax.stop_gradient(x)

    def through(zero):
        return lambda x: jnp.sum(jnp.sin(x) * zero(x**2) + zero(x) ** 2 + jnp.exp(zero(x)) * x)

    np.testing.assert_array_equal(infinitesimal(x), 0)
    order = lambda f, n: f if n == 0 else order(jax.grad(lambda x: jnp.sum(f(x))), n - 1)
    for n in range(4):
        ours, theirs = (order(through(zero), n) for zero in (infinitesimal, plain))
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-12)
    for transformed in (jax.hessian, lambda f: jax.jacrev(jax.jacfwd(f)), lambda f: jax.jit(jax.jacfwd(f))):
        ours, theirs = (transformed(through(zero)) for zero in (infinitesimal, plain))
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-12)


def test_within_loops_and_batches():
    def looped(zero):
        step = lambda carry, x: (carry + zero(carry * x) + x, None)
        return lambda x: jax.lax.scan(step, x[0], x)[0]

    x = jnp.array([[0.3, -2.0, 1.0], [1.0, 2.0, 3.0]])
    plain = lambda x: x - jax.lax.stop_gradient(x)
    for of in (jax.grad, jax.hessian):
        ours, theirs = (jax.vmap(of(looped(zero)))(x) for zero in (infinitesimal, plain))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    mapped = jax.vmap(infinitesimal, in_axes=1, out_axes=1)(x)
    np.testing.assert_array_equal(mapped, jnp.zeros_like(x))


def test_there_is_nothing_to_compute():
    added = lambda x, y: x + infinitesimal(y)
    text = jax.jit(added).lower(jnp.ones(3), jnp.ones(3)).compile().as_text() or ""
    assert "add(" not in text
    lowers(jax.grad(lambda x: jnp.sum(x * infinitesimal(x))), jnp.ones(3))
