"""How many compiled programs are kept."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line, run_worker
from jaxnn._core import programs as _programs
from jaxnn._core.programs import _Programs, compiled


@pytest.fixture
def two_kept(monkeypatch):
    monkeypatch.setattr(_programs, "_programs", _Programs(2))


def test_what_was_used_last_is_kept(two_kept):
    traced = []

    @compiled
    def double(x, name):
        traced.append(name)
        return {"value": 2 * x, "name": name}

    for name in ("a", "b", "a", "c", "a"):
        out = double(np.ones(3), name)
        assert out["name"] == name
        np.testing.assert_array_equal(out["value"], 2)
    assert traced == ["a", "b", "c"]
    with pytest.warns(UserWarning, match=r"only the last 2 are kept.*keep_programs"):
        double(np.ones(3), "b")
    double(np.ones(3), "c")  # says so once
    assert traced == ["a", "b", "c", "b", "c"]
    # For want of room that there is now: no news.
    jaxnn.keep_programs(3)
    for name in ("a", "b", "c", "a", "b", "c"):
        double(np.ones(3), name)
    assert traced == ["a", "b", "c", "b", "c", "a"]
    double(np.ones(3), "d")
    with pytest.warns(UserWarning, match="only the last 3 are kept"):
        double(np.ones(3), "a")


def test_what_is_dropped_on_purpose_is_no_news(two_kept):
    double = compiled(lambda x, name: 2 * x)
    for _ in range(2):
        for name in ("a", "b"):
            double(np.ones(3), name)
        jaxnn.keep_programs(1)
        jaxnn.keep_programs(2)


def test_transforms_share_a_program(two_kept):
    traced = []

    @compiled
    def square(x):
        traced.append(x)
        return x**2

    three, one = jnp.asarray([3.0])[0], jnp.ones(())
    assert jax.grad(square)(three) == 6
    np.testing.assert_array_equal(jax.vmap(jax.grad(square))(np.arange(2.0)), [0, 2])
    assert jax.jvp(square, (three,), (one,)) == (9, 6)
    assert square(three) == 9
    assert len(traced) == 1


def test_a_network_that_comes_again_is_compiled_again(two_kept):
    run = lambda n: jaxnn.simulate(
        line(n), jaxnn.Resistor(1e-3), jaxnn.Constant(0.1), terminals=(0, n), dt=1e-3, steps=2
    )
    first = run(1)
    for n in (2, 3):
        run(n)
    with pytest.warns(UserWarning, match="compiled again"):
        again = run(1)
    np.testing.assert_array_equal(first.terminal_current, again.terminal_current)


def test_keep_programs_refuses_none():
    with pytest.raises(ValueError, match="n must be at least 1"):
        jaxnn.keep_programs(0)


def test_memory_of_thirty_networks_is_bounded():
    # What 1,000 add is bounded by what twenty do: by then as many are kept as ever will be.
    assert float(run_worker("memory_worker.py", 30)) < 100


@pytest.mark.slow
def test_memory_of_a_thousand_networks_is_bounded():
    assert float(run_worker("memory_worker.py", 1000)) < 100


@pytest.mark.slow
def test_an_hour_of_sweeps_and_changing_networks_needs_no_more_memory():
    """Less for JAXNN_SOAK_MINUTES; the memory of the last tenth against that after the first fifth."""
    minutes = float(os.environ.get("JAXNN_SOAK_MINUTES", "60"))
    found = json.loads(run_worker("soak_worker.py", minutes).splitlines()[-1])
    print(found)
    memory = found["resident [MiB]"]
    assert max(memory[-2:]) < memory[3] + 100


def test_without_jit():
    """As one looks for an error: all runs outside of programs, kernels with rules of their own too."""
    network, law, state = line(3), jaxnn.TunnelJunction(), np.full(3, 9e-3)
    final = lambda volts, **options: jaxnn.simulate(
        network, law, jaxnn.Constant(volts), terminals=(0, 3), dt=1e-3, steps=3, state=state, **options
    ).conductance[-1]
    for solver in (None, jaxnn.StarMesh(), jaxnn.Dense()):
        both = jax.value_and_grad(lambda volts, solver=solver: final(volts, solver=solver))
        expected = both(0.6)
        with jax.disable_jit():
            np.testing.assert_allclose(both(0.6), expected, rtol=1e-9)
        assert expected[1] > 1e-9  # [S/V]
