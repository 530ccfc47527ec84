"""Signs of life on a terminal or in a notebook: bars, and a line where one call takes long."""

import contextlib
import contextvars
import functools as ft
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ParamSpec, TypeVar

import jax
from jax.core import Tracer
from jaxtyping import PyTree


SETTING = "JAXNN_PROGRESS"
_AFTER = 3.0  # [s] that a call may take before it says what it does
_TICK = 0.5  # [s]
_COMPILING = "compiling"
_IDLE = 20  # ticks without anything to watch, after which the watching thread ends

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")


def is_shown() -> bool:
    """Whether anybody looks: in a notebook and on a terminal, unlike in the log of a batch job.

    The environment variable `JAXNN_PROGRESS` decides otherwise: "on" always, "off" never, "auto" as above.

    **Raises:** `ValueError` for another value of it.
    """
    setting = os.environ.get(SETTING, "auto")
    if setting not in ("auto", "on", "off"):
        raise ValueError(
            f'the environment variable {SETTING} must be "auto", "on" or "off", got {setting!r}.'
        )
    if setting != "auto":
        return setting == "on"
    # There is no such stream in a program without a console.
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def bar(over: Iterable[Any] | None = None, *, show: bool = True, **settings: Any) -> Any:
    """A bar of tqdm, for a terminal or a notebook, whichever there is; the settings are tqdm's."""
    shown = show and is_shown()
    if not shown:
        from tqdm import tqdm
    else:
        # It chooses widgets in a notebook, and text where ipywidgets is not installed. Its `disable=None`
        # would hide both: a notebook's streams are no terminals.
        from tqdm.auto import tqdm
    return tqdm(over, disable=not shown, **settings)


@contextlib.contextmanager
def ticking(bar: Any) -> Iterator[Any]:
    """The bar, whose clock goes on while nothing is done yet."""
    with bar:
        if bar.disable:
            yield bar
            return
        with _watched(_Ticking(bar)):
            yield bar


@contextlib.contextmanager
def notice(name: str, doing: Callable[[], str], *, show: bool = True) -> Iterator[None]:
    """Says that `name` is compiling, or `doing()` something, while that takes more than some seconds."""
    if not (show and is_shown()):
        yield
        return
    with _watched(_Note(name, doing)):
        yield


def announced(
    name: str, work: Callable[..., str] = lambda *_, **__: "", *, wait: bool = False
) -> Callable[[Callable[Inputs, Output]], Callable[Inputs, Output]]:
    """A compiled function that says so where it takes long, with `work(*arguments)` for what it runs.

    Nothing is added to the program, and nothing is said inside a transformation, where nothing runs yet.

    - `wait`: until the results are there, if the caller waits for them anyway.
    """

    def decorate(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
        @ft.wraps(function)
        def call(*arguments: Inputs.args, **more: Inputs.kwargs) -> Output:
            if not is_shown() or _is_traced((arguments, more)):
                return function(*arguments, **more)
            with notice(name, lambda: f"running {work(*arguments, **more)}".rstrip()):
                out = function(*arguments, **more)
                return jax.block_until_ready(out) if wait else out

        return call

    return decorate


def _is_traced(tree: PyTree) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))


def _in_notebook() -> bool:
    """Whether this is a kernel of Jupyter, by what tqdm goes by."""
    try:
        return "IPKernelApp" in sys.modules["IPython"].get_ipython().config
    except (KeyError, AttributeError):  # no IPython, or none that runs
        return False


class _Ticking:
    """A bar that is there already: its elapsed time is drawn anew, and that something is being compiled."""

    def __init__(self, bar: Any):
        self.bar = bar
        self.compiling = False

    def tick(self) -> None:
        """Draws it."""
        if self.compiling:
            self.bar.set_postfix_str(_COMPILING, refresh=False)
        elif self.bar.postfix == _COMPILING:
            self.bar.set_postfix_str("", refresh=False)
        self.bar.refresh()

    def close(self) -> None:
        """Leaves it to its owner."""


class _Note:
    """What one call does, once it has taken long."""

    def __init__(self, name: str, doing: Callable[[], str]):
        self.name, self.doing = name, doing
        self.compiling = False
        self.begin = time.perf_counter()
        self.line: Any = None

    def tick(self) -> None:
        """Draws the line, if it is time."""
        passed = time.perf_counter() - self.begin
        if passed < _AFTER:
            return
        text = f"{self.name}: {_COMPILING if self.compiling else self.doing()}, {passed:.0f} s"
        if self.line is None:
            self.line = bar(desc=text, bar_format="{desc}", leave=False)
        self.line.set_description_str(text)

    def close(self) -> None:
        """Takes the line away."""
        if self.line is not None:
            self.line.close()


class _Watcher:
    """One thread that looks at all notes and bars twice a second, as long as there are any."""

    def __init__(self):
        self.lock = threading.Lock()
        self.watched: dict[Any, contextvars.Context] = {}
        self.thread: threading.Thread | None = None

    def add(self, watched: _Ticking | _Note) -> None:
        """Looks at it from now on: a matter of microseconds, unlike starting a thread."""
        with self.lock:
            # Where output goes hangs on the context: to the cell of a notebook that was run.
            self.watched[watched] = contextvars.copy_context()
            if self.thread is None:
                self.thread = threading.Thread(target=self._watch, name="jaxnn progress", daemon=True)
                self.thread.start()

    def remove(self, watched: _Ticking | _Note) -> None:
        """Looks at it no longer, and is not looking at it now."""
        with self.lock:
            self.watched.pop(watched, None)

    def _watch(self) -> None:
        idle = 0
        while idle < _IDLE:
            time.sleep(_TICK)
            with self.lock:
                idle = 0 if self.watched else idle + 1
                for each, context in list(self.watched.items()):
                    self._tick(each, context)
                if idle == _IDLE:
                    self.thread = None

    def _tick(self, watched: _Ticking | _Note, context: contextvars.Context) -> None:
        try:
            context.run(watched.tick)
        except Exception:  # as of a stream that was closed: a run does not end for a line about it
            del self.watched[watched]


_watcher = _Watcher()
_current = threading.local()


@contextlib.contextmanager
def _watched(note: _Ticking | _Note) -> Iterator[None]:
    """The note while it is watched, and told of what JAX does in this thread."""
    _listen()
    outer, _current.note = getattr(_current, "note", None), note
    _watcher.add(note)
    try:
        yield
    finally:
        _current.note = outer
        _watcher.remove(note)
        note.close()


@ft.cache
def _listen() -> None:
    """Has JAX say when it traces and when it has compiled."""

    def heard(event: str, duration_secs: float, **_: object) -> None:
        del duration_secs
        note = getattr(_current, "note", None)
        if note is not None and event.startswith("/jax/core/compile/"):
            note.compiling = not event.endswith("backend_compile_duration")

    jax.monitoring.register_event_duration_secs_listener(heard)
