"""Tuning as it is watched, interrupted, killed and gone on with."""

import io
import os
import signal
import subprocess
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np
import optax
import pytest

import jaxnn
from helpers import assert_same, endings


ENDING = jaxnn.OptimisationResult
# The room's `optimise` is the function.
_optimise = import_module("jaxnn._tuning.optimise")
QUIET: dict[str, Any] = {"progress": False}


def noisy(parameters, key):
    """A random loss that is NaN now and then."""
    x, scale = parameters
    noise = jr.normal(key, x.shape, x.dtype)
    return jnp.where(noise[0] > 1.3, jnp.nan, jnp.sum((scale * x - 1 + 0.1 * noise) ** 2))


NOISY_START = (jnp.asarray([[0.3, 0.1], [-1.0, 2.0], [5.0, 5.0]]), jnp.asarray([1.0, 2.0, 0.5]))
NOISY: dict[str, Any] = QUIET | {
    "optimiser": optax.chain(
        optax.add_noise(1e-3, 0.5, key=jr.key(4, impl="unsafe_rbg")), optax.adam(0.03)
    ),
    "restarts": 3,
    "key": jr.key(7, impl="unsafe_rbg"),  # quicker to compile than the default
    "constraints": (None, jaxnn.Positive()),
}


def run_noisy(steps, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jaxnn.NumericalWarning)
        return jaxnn.optimise(noisy, NOISY_START, steps=steps, **(NOISY | settings))


def test_resumed_is_bit_identical(tmp_path):
    """Cut anywhere, with undone steps, a random loss and a random optimiser."""
    whole = run_noisy(90)
    assert 0 < whole.undone.sum() < 90
    path = tmp_path / "checkpoint.npz"
    for steps in (1, 38, 39, 90):
        last = run_noisy(steps, checkpoint=path, checkpoint_every=7)
    assert_same(last, whole)
    assert [x.name for x in tmp_path.iterdir()] == [path.name]
    written = path.stat().st_mtime_ns
    assert_same(run_noisy(90, checkpoint=path), whole)  # nothing left to do
    assert path.stat().st_mtime_ns == written
    with pytest.raises(ValueError, match="already has 90 steps, more than steps=80"):
        run_noisy(80, checkpoint=path)


def test_checkpoint_of_another_optimisation(tmp_path):
    path = tmp_path / "checkpoint.npz"
    run_noisy(2, checkpoint=path)
    x, scale = NOISY_START
    for changes, message in (
        ({"optimiser": optax.sgd(0.1)}, r"it lacks \[\] and has \['state.memory.*kind of optimiser"),
        ({"key": jr.key(8, impl="unsafe_rbg")}, r"start\[3\] is \[0 7 0 7\] there and \[0 8 0 8\] here"),
        ({"constraints": (jaxnn.Scaled(2.0), jaxnn.Positive())}, r"start\[2\]"),
    ):
        with pytest.raises(ValueError, match=f"another optimisation: .*{message}.*Give checkpoint="):
            run_noisy(3, checkpoint=path, **changes)
    for start, message in (
        ((x + 1, scale), r"start\[0\]\[0\] is"),
        ((x[:, :1], scale), r"shape \(3, 2\) and dtype float64 there, \(3, 1\) and dtype float64 here"),
    ):
        with pytest.raises(ValueError, match=message):
            jaxnn.optimise(noisy, start, steps=3, checkpoint=path, **NOISY)
    path.write_bytes(b"what is this?")
    with pytest.raises(ValueError, match="damaged or is not a file saved by jaxnn"):
        run_noisy(3, checkpoint=path)
    with pytest.raises(ValueError, match="there is no folder"):
        run_noisy(3, checkpoint=tmp_path / "nowhere" / "checkpoint.npz")


def test_interruption(tmp_path, monkeypatch):
    """Ctrl-C in the fourth call: what is done is returned, and the same call goes on from it."""
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return take_steps(*arguments)

    take_steps = _optimise.take_steps
    whole, path = run_noisy(90), tmp_path / "checkpoint.npz"
    monkeypatch.setattr(_optimise, "take_steps", interrupted)
    with pytest.warns(UserWarning, match=rf"interrupted after \d+ of 90 steps.*goes on from {path}"):
        part = run_noisy(90, checkpoint=path)
    assert endings(part) == ["interrupted"] * 3
    assert 3 <= len(part.loss) < 90
    np.testing.assert_array_equal(part.loss, whole.loss[: len(part.loss)])
    assert_same(run_noisy(90, checkpoint=path), whole)
    calls[:] = [1] * 3
    with pytest.raises(KeyboardInterrupt):  # before the first step there is nothing to return
        run_noisy(90)


SLOW_SCRIPT = """
import sys, jax, jax.numpy as jnp, optax, jaxnn
jax.config.update("jax_enable_x64", True)
def loss(x):
    many = jax.lax.fori_loop(0, 20_000, lambda i, s: jnp.sin(s + x[0]), x[1])
    return jnp.sum((x - 1) ** 2) + 1e-3 * many
run = jaxnn.optimise(loss, jnp.asarray([5.0, -5.0]), optimiser=optax.adam(0.01), steps=600,
                     checkpoint=sys.argv[1], checkpoint_every=5)
print(jax.device_get(run.loss).tobytes().hex())
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_resumed(tmp_path, how):
    """A process that is killed after some checkpoints, and one that goes on from the last."""
    command = [sys.executable, "-c", SLOW_SCRIPT]
    root = Path(jaxnn.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'kernels'}"}
    run = lambda name: subprocess.run(
        [*command, str(tmp_path / name)], env=environment, capture_output=True, text=True, check=True
    )
    whole = run("whole.npz")
    process = subprocess.Popen(
        [*command, str(tmp_path / "cut.npz")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not (tmp_path / "cut.npz").exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(how)
    _, error = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert process.returncode == 0
        assert b"interrupted after" in error
    else:
        assert process.returncode == -signal.SIGKILL
    steps = len(np.load(tmp_path / "cut.npz")["history.loss"])
    assert 5 <= steps < 600
    assert run("cut.npz").stdout == whole.stdout


def test_progress_bar(monkeypatch):
    """On a terminal only."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        run_noisy(60, progress=True)
        assert ("60/60" in stream.getvalue()) is shown
        assert ("loss=" in stream.getvalue()) is shown


def test_plot():
    run = run_noisy(60)
    ax: Any = jaxnn.plot_optimisation(run, target=1e-2)
    ax.figure.canvas.draw()
    assert ax.get_xlabel() == "step"
    assert ax.get_yscale() == "log"
    assert [x.get_text() for x in ax.get_legend().get_texts()] == ["best restart", "undone", "target"]
    assert len(ax.lines) == 3 + 1 + 1
    alone = jaxnn.optimise(lambda x: x**3, 1.0, optimiser=optax.sgd(0.4), steps=4, **QUIET)
    ax = jaxnn.plot_optimisation(alone)
    ax.figure.canvas.draw()
    assert ax.get_yscale() == "linear"
    plt.close("all")
