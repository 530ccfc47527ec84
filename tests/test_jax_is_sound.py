"""The installed JAX computes right numbers: one release does not (jax-ml/jax issue 39103)."""

import jax
import jax.numpy as jnp
import pytest


pytestmark = pytest.mark.numbers


def test_jit_agrees_with_eager_above_32768_rows():
    matrices = jax.random.normal(jax.random.key(0), (40_000, 3, 3))
    vectors = jax.random.normal(jax.random.key(1), (40_000, 3))

    def total(matrices, vectors):
        return jnp.sum(jax.vmap(lambda m, v: m @ v)(matrices, vectors), axis=0)

    eager, compiled = total(matrices, vectors), jax.jit(total)(matrices, vectors)
    assert jnp.allclose(eager, compiled, rtol=1e-9)
