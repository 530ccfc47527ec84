"""Solutions with derivatives of their own: of every order, in every transform, whatever found them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits import lowers
from jaxnn_kernels import implicit


def moved(p, x, tangent):
    """x + x^3 = a + b^2, where p is (a, b)."""
    (a, b), (da, db) = p, tangent
    del a
    parts = (0 if da is None else da) + (0 if db is None else 2 * b * db)
    return parts / (1 + 3 * x**2)


def found(a, b):
    newton = lambda x, _: (x - (x + x**3 - a - b**2) / (1 + 3 * x**2), None)
    return jax.lax.scan(newton, jnp.zeros_like(a), None, length=60)[0]


def root(a, b):
    """The root, by a search that has no derivative."""
    still = jax.lax.stop_gradient
    return implicit(moved, (a, b), found(still(a), still(b)))


def plain(a, b):
    return found(a, b)


A, B = jnp.array([0.3, -2.0, 1.0]), jnp.array([0.7, 0.4, -1.1])


@pytest.mark.parametrize("argument", [0, 1])
def test_all_orders(argument):
    order = lambda f, n: f if n == 0 else order(jax.grad(lambda *x: jnp.sum(f(*x)), argument), n - 1)
    for n in range(4):
        np.testing.assert_allclose(order(root, n)(A, B), order(plain, n)(A, B), rtol=1e-9)


def test_both_modes_and_mixed():
    loss = lambda f: lambda x: jnp.sum(jnp.sin(f(x[:3], x[3:]) * x[:3]))
    x = jnp.concatenate([A, B])
    twice, compiled = lambda f: jax.jacrev(jax.jacrev(f)), lambda f: jax.jit(jax.grad(f))
    for of in (jax.grad, jax.jacfwd, jax.hessian, twice, compiled):
        np.testing.assert_allclose(of(loss(root))(x), of(loss(plain))(x), rtol=1e-9, atol=1e-12)


def test_within_loops():
    """Where `scan` differentiates twice, the rule is not lost."""

    def looped(of):
        step = lambda carry, b: (of(carry * b, b), None)
        return lambda x: jax.lax.scan(step, x[0], x)[0]

    for of in (jax.grad, jax.hessian, lambda f: jax.grad(lambda x: jnp.sum(jax.grad(f)(x) ** 2))):
        np.testing.assert_allclose(of(looped(root))(B), of(looped(plain))(B), rtol=1e-8)
        wide = jnp.stack([A, B])
        np.testing.assert_allclose(
            jax.vmap(of(looped(root)))(wide), jax.vmap(of(looped(plain)))(wide), rtol=1e-8
        )


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (1, 0), (0, 1)])
def test_batches_of_either(axes):
    random = np.random.default_rng(0)
    a, b = (jnp.asarray(random.normal(size=3 if x is None else (3, 3))) for x in axes)
    gradient = lambda f: jax.grad(lambda *x: jnp.sum(f(*x)), (0, 1))
    for of in (lambda f: f, gradient, lambda f: jax.jacfwd(f, 1)):
        ours, theirs = (jax.vmap(of(f), axes)(a, b) for f in (root, plain))
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-9), ours, theirs)
    together = lambda f: jax.grad(lambda *x: jnp.sum(jax.vmap(f, axes)(*x) ** 2), (0, 1))(a, b)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-9), together(root), together(plain))


def test_it_keeps_the_structure_and_lowers():
    rule = lambda p, x, tangent: {"y": tangent / 2, "z": (x["y"] * tangent,)}
    both = lambda p: implicit(rule, p, {"y": p / 2, "z": (p**2 / 4,)})
    np.testing.assert_allclose(jax.grad(lambda p: both(p)["z"][0])(3.0), 1.5)
    lowers(jax.grad(lambda a: jnp.sum(root(a, B))), A)
    with pytest.raises(ValueError, match="rule"):
        implicit(3, A, B)  # pyright: ignore[reportArgumentType]
