"""Bars and lines that say what runs: on terminals, in notebooks, and nowhere else."""

import contextlib
import fcntl
import io
import os
import pty
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import device
import jaxnn
from helpers import ROOT, assert_same, line
from jaxnn._core import progress as _progress
from jaxnn.twin import _fit_twin


LINE = line(2)
RUN: dict[str, Any] = {"terminals": (0, 2), "dt": 1e-3}
NETWORK = (LINE, jaxnn.TunnelJunction(), jaxnn.Constant(0.1))


def until(holds: Callable[[], bool]) -> None:
    """Waits for what another thread does."""
    begin = time.perf_counter()
    while not holds():
        assert time.perf_counter() - begin < 30
        time.sleep(0.005)


@contextlib.contextmanager
def terminal() -> Iterator[Callable[[], str]]:
    """A real terminal as the error stream, and what has been written to it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    seen = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):  # the end of a terminal, on Linux
            while part := os.read(ours, 4096):
                seen.extend(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with os.fdopen(theirs, "w") as stream, contextlib.redirect_stderr(stream):
        yield lambda: seen.decode(errors="ignore")
    reader.join(timeout=5)
    os.close(ours)


@pytest.fixture
def at_once(monkeypatch):
    """Nobody waits for seconds."""
    monkeypatch.setattr(_progress, "_AFTER", 0.0)
    monkeypatch.setattr(_progress, "_TICK", 0.005)
    monkeypatch.setattr(_progress, "_watcher", _progress._Watcher())


@pytest.mark.parametrize(
    ("setting", "in_terminal", "shown"),
    [
        (None, False, False),
        (None, True, True),
        ("auto", True, True),
        ("off", True, False),
        ("on", False, True),
    ],
)
def test_who_looks(setting, in_terminal, shown, monkeypatch):
    class Stream(io.StringIO):
        def isatty(self):
            return in_terminal

    monkeypatch.setattr(sys, "stderr", Stream())
    monkeypatch.delenv("JAXNN_PROGRESS", raising=False)
    if setting is not None:
        monkeypatch.setenv("JAXNN_PROGRESS", setting)
    assert _progress.is_shown() is shown
    assert list(_progress.bar([1, 2], desc="rows")) == [1, 2]
    assert ("rows: 100%" in sys.stderr.getvalue()) is shown  # pyright: ignore[reportAttributeAccessIssue]
    assert list(_progress.bar([1, 2], desc="more", show=False)) == [1, 2]
    assert "more" not in sys.stderr.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_without_a_console(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert not _progress.is_shown()
    assert list(_progress.bar([1, 2])) == [1, 2]


def test_another_setting_is_refused(monkeypatch):
    monkeypatch.setenv("JAXNN_PROGRESS", "yes")
    with pytest.raises(ValueError, match='JAXNN_PROGRESS must be "auto", "on" or "off", got \'yes\''):
        jaxnn.simulate(*NETWORK, steps=3, **RUN)


def test_a_line_on_a_terminal(at_once):
    """First that it compiles, then what it runs; nothing is left of it, and the numbers are the same."""
    run = lambda: jaxnn.simulate(*NETWORK, steps=5, **RUN)
    with terminal() as seen:
        first = run()
        until(lambda: "simulate: compiling, " in seen())
        # A program cannot be made to last; the same line, around a rest.
        with _progress.notice("simulate", lambda: "running 5 steps"):
            until(lambda: "simulate: running 5 steps, 0 s" in seen())
        until(lambda: seen().endswith("\r") and not seen().split("\r")[-2].strip())
        assert _progress._watcher.watched == {}
        count = len(seen())
    assert_same(run(), first)
    assert len(seen()) == count


def test_a_bar_whose_clock_goes_on(at_once):
    with terminal() as seen, _progress.ticking(_progress.bar(total=3, desc="sweep")) as shown:
        jax.jit(lambda x: x + 17)(1.0)  # something that compiles, and is done
        before = len(seen())
        until(lambda: seen()[before:].count("sweep:   0%") >= 3)
        _progress._current.note.compiling = True
        until(lambda: "compiling" in seen())
        _progress._current.note.compiling = False  # before: a tick between would take what is said next
        shown.set_postfix_str("2 runs/s")
        shown.update(3)
        until(lambda: all(word in seen().split("\r")[-1] for word in ("sweep: 100%", "2 runs/s")))


def test_a_line_that_cannot_be_drawn_ends_nothing(at_once, monkeypatch):
    monkeypatch.setenv("JAXNN_PROGRESS", "on")
    with _progress.notice("simulate", lambda: str(1 / 0)):
        until(lambda: not _progress._watcher.watched)


class Announced(Exception):
    """Instead of the compiled call."""


@pytest.fixture
def announcement(monkeypatch):
    """What would be said, without what it is said about."""
    said = []

    @contextlib.contextmanager
    def notice(name, doing):
        said.append((name, doing()))
        raise Announced
        yield

    monkeypatch.setattr(_progress, "notice", notice)
    monkeypatch.setenv("JAXNN_PROGRESS", "on")
    return said


PULSES = np.zeros((70, 1, 3), np.float32)


def grow(method: str) -> Any:
    network = jaxnn.GrowWhenRequired(capacity=4)
    return getattr(network, method)(network.start(jnp.ones((2, 3))), jnp.ones((5, 3)))


def admittance() -> Any:
    device = jaxnn.NickelateDevice()
    return jaxnn.small_signal_admittance(device, device.init_state(), 1e3)


def read_out() -> Any:
    return jaxnn.analysis.record_read_out(*NETWORK, jnp.zeros((2000, 1)), **RUN)


# What must be said of each program that can take long.
CALLS = {
    ("simulate", "running 1,200 steps"): lambda: jaxnn.simulate(*NETWORK, steps=1200, **RUN),
    ("lyapunov_exponents", "running 200 steps"): lambda: jaxnn.lyapunov_exponents(
        *NETWORK, steps=200, **RUN
    ),
    ("two_trajectory_exponents", "running 200 steps"): lambda: jaxnn.two_trajectory_exponents(
        *NETWORK, distance=5e-4, steps=200, **RUN
    ),
    ("record_read_out", "running 2,000 steps"): read_out,
    ("simulate_devices", "running 2 segments"): lambda: jaxnn.simulate_devices(
        jaxnn.NickelateDevice(), jaxnn.Programme.read()
    ),
    ("simulate_transport", "running 2 segments"): lambda: jaxnn.simulate_transport(
        jaxnn.ProtonTransport(), jaxnn.Programme.read()
    ),
    ("small_signal_admittance", "running"): admittance,
    ("GrowWhenRequired.learn", "running 5 samples"): lambda: grow("learn"),
    ("GrowWhenRequired.classify", "running 5 samples"): lambda: grow("classify"),
    ("reservoir", "running 128 samples"): lambda: jaxnn.reservoirs.respond_in_batches(
        jaxnn.reservoirs.RowSums(), PULSES
    ),
    ("network reservoir", "running 2,000 samples"): lambda: jaxnn.reservoirs.NetworkReservoir(
        *NETWORK[:2], [[0.1]], (0,), (2,), 1e-3
    ).run(np.zeros((2, 1000, 1))),
    ("recursive least squares", "running 90 samples"): lambda: (
        jaxnn.reservoirs.RecursiveLeastSquares().follow(np.ones((90, 2)), np.ones((90, 1)))
    ),
}
# Sums over what is there already, and steps of an optimisation or a fit, which have a bar.
QUICK = {"read_out.py": 3, "steps.py": 3, "nickelate_nodes.py": 1}
QUICK |= {"_bootstrap.py": 1, "_methods.py": 1, "_problem.py": 3, "_profile.py": 1}


def test_every_compiled_function_is_announced_or_quick():
    silent = {}
    for path in (ROOT / "jaxnn").rglob("*.py"):
        count = path.read_text().count("@compiled\n") - path.read_text().count("@announced(")
        silent |= {path.name: count} if count else {}
    assert silent == QUICK


@pytest.mark.parametrize("said", CALLS, ids=lambda said: said[0])
def test_what_is_said(said, announcement):
    with pytest.raises(Announced):
        CALLS[said]()
    assert announcement == [said]


def test_a_twin_says_that_it_runs(at_once, monkeypatch):
    """It takes a minute, most of it in SciPy."""
    with terminal() as seen:

        def network_of(*_):
            until(lambda: "fit_twin: running, " in seen())
            raise Announced

        monkeypatch.setattr(_fit_twin, "fit_network", network_of)
        with pytest.raises(Announced):
            jaxnn.twin.fit_twin(device.recording(250))


def test_nothing_is_said_inside_a_transformation(announcement):
    run = lambda v: jaxnn.simulate(LINE, jaxnn.TunnelJunction(), v * jnp.ones(4), steps=4, **RUN)
    jax.eval_shape(jax.vmap(run), jnp.ones(3))
    jax.eval_shape(jax.grad(lambda v: run(v).conductance[-1]), 1.0)
    assert announcement == []


NOTEBOOK = """
import sys
sys.path[:0] = {paths}
import jax
jax.config.update("jax_disable_most_optimizations", True)
import optax
import jaxnn
from jaxnn._core import progress as _progress

_progress._AFTER, _progress._TICK = 0.0, 0.02
network = jaxnn.Network(3, [(0, 1), (1, 2)])
case = network, jaxnn.BinaryJunction(), jaxnn.Constant(0.1)
settings = {{"terminals": (0, 2), "dt": 1e-3, "steps": 3}}
---
found = jaxnn.simulate(*case, **settings)
---
data = jaxnn.sweep(*case, over={{"drive.voltage": [0.1, 0.2]}}, **settings, out={out!r})
---
run = jaxnn.optimise(lambda x: x**2, 1.0, optimiser=optax.sgd(0.1), steps=7)
"""


def test_in_a_notebook(tmp_path, monkeypatch):
    """In a real kernel, whose streams are no terminals: widgets that count, and a line that goes away."""
    client, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    pytest.importorskip("ipywidgets")
    pytest.importorskip("zarr")
    text = NOTEBOOK.format(paths=[str(ROOT), str(ROOT / "kernels")], out=str(tmp_path / "out"))
    cells = [nbformat.v4.new_code_cell(cell) for cell in text.split("---\n")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    runner = client.NotebookClient(notebook, timeout=120, kernel_name="python3")
    # What is closed again is in no state at the end. Only messages of the cell that runs come by here.
    passed_on, texts = runner.process_message, []

    def listen(message: Any, cell: Any, index: int) -> Any:
        state = message["content"].get("data", {}).get("state", {})
        # tqdm keeps its words together with figure spaces.
        texts.append((index, str(state.get("value", "")).replace("\u2007", " ")))
        return passed_on(message, cell, index)

    monkeypatch.setattr(runner, "process_message", listen)
    runner.execute()
    widgets = runner.widget_state.values()
    words = [str(state["value"]) for state in widgets if state["_model_name"] == "HTMLModel"]
    bars = [(s["value"], s["max"]) for s in widgets if s["_model_name"] == "FloatProgressModel"]
    assert (2.0, 2.0) in bars
    assert (7.0, 7.0) in bars
    assert any("2/2" in word and "network-steps/s" in word for word in words)
    assert any("7/7" in word and "loss=" in word for word in words)
    assert any(index == 1 and word.startswith("simulate: compiling, ") for index, word in texts)
    shown = [[kind for out in cell.outputs for kind in out.get("data", {})] for cell in notebook.cells]
    widget = "application/vnd.jupyter.widget-view+json"
    assert [widget in kinds for kinds in shown] == [False, True, True, True]
