"""What is kept for the way back: the same numbers, turned round by the library where `vmap` comes last."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ad_checkpoint import checkpoint_name

import jaxnn


KERNELS = jaxnn.kernels
KEEP = jax.checkpoint_policies.save_only_these_names("x")
needs_library = pytest.mark.skipif(not KERNELS.is_compiled(), reason="the compiled library is not used")


def steps(save, start, scale):
    """A scan of steps that keep what they begin with, as those of a run do."""

    def step(x, _):
        x = save(KERNELS.batch_inner(x), "x")
        return jnp.sin(scale * x) * jnp.mean(x) + jnp.exp(-(x**2)), None

    return jnp.sum(jax.lax.scan(jax.checkpoint(step, policy=KEEP), start, length=4)[0] ** 2)


def calls_in(function, *arguments):
    text = jax.jit(function).lower(*arguments).compile().as_text()
    assert text is not None
    return text.count('"jaxnn_turn_')


@needs_library
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (8, 16), (9, 33), (258, 256), (7, 1), (1, 40)])
def test_the_library_turns_arrays_round(shape, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    name, turned = f"jaxnn_turn_f{x.itemsize * 8}", jax.ShapeDtypeStruct(shape[::-1], x.dtype)
    call = jax.ffi.ffi_call(name, turned)
    np.testing.assert_array_equal(jax.jit(ft.partial(call, rows=shape[0]))(x), x.T)


def of_batch(batch, f):
    whole = lambda *given: jnp.sum(batch(f)(*given))
    return jax.grad(whole, (0, 1))


DERIVED = {
    "value": lambda batch, f: batch(f),
    "gradient": lambda batch, f: batch(jax.grad(f, (0, 1))),
    "gradient of a batch": of_batch,
    "forward": lambda batch, f: batch(lambda x, s: jax.jvp(f, (x, s), (s, x))),
    "twice": lambda batch, f: batch(jax.grad(lambda x, s: jnp.sum(jax.grad(f)(x, s) * s))),
}
BATCHES = {
    "first": jax.vmap,
    "last": lambda f: jax.vmap(f, (-1, -1)),
    "of batches": lambda f: jax.vmap(jax.vmap(f)),
}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("derived", DERIVED)
def test_numbers_and_derivatives_are_those_of_what_is_kept(derived, batch):
    rng = np.random.default_rng(1)
    shape = (2, 4, 3) if batch == "of batches" else (5, 3)
    x, scale = jnp.asarray(rng.normal(size=shape)), jnp.asarray(rng.uniform(0.5, 1, shape))
    of = lambda save: jax.jit(DERIVED[derived](BATCHES[batch], ft.partial(steps, save)))
    both = [of(save)(x, scale) for save in (KERNELS.saved, checkpoint_name)]
    for a, b in zip(*map(jax.tree.leaves, both), strict=True):
        np.testing.assert_allclose(a, b, 1e-12, 1e-12 * np.abs(b).max())
    np.testing.assert_array_equal(KERNELS.saved(x, "x"), x)


@needs_library
def test_only_who_keeps_turns():
    """A value turns nothing, nor does a run alone; of a batch of gradients each array goes out and back."""
    x, scale = jnp.ones((8, 5)), jnp.ones((8, 5))
    run = ft.partial(steps, KERNELS.saved)
    whole = lambda *a: jnp.sum(jax.vmap(run)(*a))
    assert calls_in(jax.vmap(run), x, scale) == 0
    assert calls_in(jax.grad(run), x[0], scale[0]) == 0
    assert calls_in(jax.grad(whole), x, scale) == 0
    assert calls_in(jax.vmap(lambda *a: jax.jvp(run, a, a)), x, scale) == 0
    assert calls_in(jax.vmap(jax.grad(run)), x, scale) == 2


@needs_library
def test_of_a_simulation(monkeypatch):
    """States and potentials; a program that is exported, or does without the library, has none of it."""
    network = jaxnn.Network(4, [(0, 1), (1, 2), (2, 3), (0, 2), (1, 3)])

    def current(amplitude):
        drive = jaxnn.Sine(amplitude, 2.0)
        run = jaxnn.simulate(network, jaxnn.TunnelJunction(), drive, terminals=(0, 3), dt=1e-3, steps=5)
        return run.terminal_current[-1, 0]

    amplitudes = jnp.linspace(0.1, 0.5, 8)
    many, one = jax.vmap(jax.value_and_grad(current)), jax.value_and_grad(current)
    assert calls_in(jax.vmap(current), amplitudes) == 0
    assert calls_in(many, amplitudes) >= 4
    for k, amplitude in enumerate(amplitudes):
        for a, b in zip(jax.jit(many)(amplitudes), one(amplitude), strict=True):
            np.testing.assert_allclose(a[k], b, rtol=1e-12)
    assert b"jaxnn_turn_" not in jax.export.export(jax.jit(many))(amplitudes).mlir_module_serialized
    monkeypatch.setenv("JAXNN_SOLVE", "xla")
    jax.clear_caches()
    assert calls_in(many, amplitudes) == 0
