"""A loop that runs until the last of a batch is done."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn._circuit.while_any import while_any


def halved(start, least):
    """Halves what is more than `least`, and counts; a number that nothing changes comes along."""
    more = lambda carry: jnp.any(carry["x"] > carry["least"])

    def body(by, carry):
        on = more(carry)
        x = jnp.where(on, carry["x"] / by, carry["x"])
        return carry | {"x": x, "count": carry["count"] + on.astype(int)}

    begin = {"x": start, "count": jnp.int64(0), "same": jnp.float32(3), "least": jnp.asarray(least)}
    ended = while_any(more, body, jnp.asarray(2.0), begin)
    return {name: ended[name] for name in ("x", "count", "same")}


def looped(start, least):
    count = 0
    while np.any(start > least):
        start, count = start / 2, count + 1
    return {"x": start, "count": count, "same": 3}


def assert_alike(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_it_ends_for_each_of_a_batch_as_alone():
    starts, least = np.array([[8.0, 1.0], [0.5, 0.25], [100.0, 0.0]]), np.array([1.0, 2.0, 3.0])
    alone = [jax.jit(halved)(x, y) for x, y in zip(starts, least, strict=True)]
    for found, *case in zip(alone, starts, least, strict=True):
        assert_alike(found, looped(*case))
    together = jax.vmap(halved)(jnp.asarray(starts), jnp.asarray(least))
    assert_alike(together, jax.tree.map(lambda *x: np.stack(x), *alone))


def test_batches_within_batches_and_of_a_part():
    starts, least = jnp.array([[8.0, 1.0], [0.5, 0.25], [100.0, 0.0]]), jnp.array([1.0, 2.0])
    for dims in ((0, None), (None, 0)), ((None, 0), (0, None)):
        found = jax.jit(jax.vmap(jax.vmap(halved, dims[0]), dims[1]))(starts, least)
        outer = zip(least if dims[1] == (None, 0) else starts, strict=True)
        for i, (one,) in enumerate(outer):
            for j, other in enumerate(starts if dims[1] == (None, 0) else least):
                start, limit = (other, one) if dims[1] == (None, 0) else (one, other)
                assert_alike(
                    {k: v[i, j] for k, v in found.items()}, looped(np.asarray(start), float(limit))
                )


def test_what_is_not_mapped_stays_so():
    found = jax.vmap(lambda x: (x, while_any(lambda y: y > 1, lambda _, y: y / 2, None, jnp.float32(8))))(
        jnp.ones(3)
    )
    np.testing.assert_array_equal(found[1], np.ones(3))
