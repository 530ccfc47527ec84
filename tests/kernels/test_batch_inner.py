"""The hint that keeps mapped axes innermost in memory: the same values, another layout."""

import re

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn_kernels import batch_inner


def final(x, hint):
    body = lambda x, _: (hint(jnp.sin(x)), None)
    return jax.lax.scan(body, x, None, length=3)[0]


def test_a_mapped_carry_lies_batch_last():
    program = lambda hint: jax.jit(jax.vmap(lambda x: final(x, hint))).lower(jnp.ones((5, 7))).compile()
    text = program(batch_inner).as_text() or ""
    assert re.search(r"f64\[5,7\]\{0,1\}\) while\(", text)
    x = jnp.arange(35.0).reshape(5, 7)
    np.testing.assert_array_equal(program(batch_inner)(x), program(lambda x: x)(x))


def test_every_transform_sees_the_identity():
    x, direction = jnp.linspace(0, 1, 24).reshape(2, 3, 4), jnp.ones((2, 3, 4))
    # The two mapped axes stand on either side of the array's own.
    mapped = lambda hint: jax.vmap(jax.vmap(lambda x: jnp.sum(hint(x) ** 2), 1))
    both = lambda hint: jax.jit(
        lambda x: (jax.vjp(mapped(hint), x)[1](jnp.ones((2, 4))), jax.jvp(mapped(hint), (x,), (direction,)))
    )
    jax.tree.map(np.testing.assert_array_equal, both(batch_inner)(x), both(lambda x: x)(x))
