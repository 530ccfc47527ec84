"""What a run keeps beside its states: quantities by name, functions of a step, observers."""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from jaxnn_kernels import mapped_like, shared_like

from .._core import (
    Declared,
    Module,
    arguments,
    check_room,
    in_words,
    user_code,
)
from .problem import Problem
from .step import ALWAYS, ON_REQUEST, Carry, Run, Step, first_carry, kept_of, run_of, steps_of


class AbstractObserver(Module):
    """Follows a run step by step and keeps what it makes of it, however long the run is.

    Give one to `record`. What it remembers between two steps is any pytree of arrays, whose shapes and
    dtypes stay. Gradients, `vmap` and `jit` go through it as through the run.

    ```python
    class LargestVoltage(jaxnn.AbstractObserver):
        def start(self, run):
            return jnp.zeros_like(run.junction_conductance)

        def follow(self, memory, step):
            return jnp.maximum(memory, abs(step.junction_voltage))
    ```
    """

    @abc.abstractmethod
    def start(self, run: Run) -> PyTree:
        """Returns the memory before the first step."""

    @abc.abstractmethod
    def follow(self, memory: PyTree, step: Step) -> PyTree:
        """Returns the memory after a step."""

    def finish(self, memory: PyTree) -> PyTree:
        """Returns what the run is to give back, by default the memory."""
        return memory


_Item: TypeAlias = str | Callable[[Step], Any] | AbstractObserver
Record: TypeAlias = Declared[_Item | Sequence[_Item] | Mapping[str, _Item]]
"""What a run keeps, as it is given."""

Recorded = dict[str, Callable[[Step], Any] | AbstractObserver]


def check_record(record: Record) -> tuple[tuple[str, ...], Recorded]:
    """The names of quantities in the order of the library, and functions and observers by name.

    **Raises:** `ValueError` for names that there are not, or twice.
    """
    if isinstance(record, str | AbstractObserver) or (callable(record) and not isinstance(record, type)):
        record = (record,)
    if isinstance(record, type) or not hasattr(record, "__iter__") or not getattr(record, "ndim", 1):
        arguments.refuse("record", "names, functions of a jaxnn.Step and jaxnn.AbstractObserver", record)
    pairs = list(record.items()) if isinstance(record, Mapping) else [(None, item) for item in record]
    names, own = [], {}
    for name, item in pairs:
        if isinstance(item, str) and name in (None, item):
            names.append(item)
        elif isinstance(item, AbstractObserver) or callable(item):
            name = name or getattr(item, "__name__", type(item).__name__)
            if name in own:
                raise ValueError(
                    f"record has two things of the name {name!r}: give names, as in "
                    f"record={{'first': ..., 'second': ...}}."
                )
            own[name] = item
        else:
            raise ValueError(
                f"record takes names, functions of a jaxnn.Step and jaxnn.AbstractObserver, alone, in a "
                f"sequence, or by name in a mapping; got {item!r}."
            )
    unknown = [name for name in names if name not in (*_ALWAYS, *ON_REQUEST)]
    if unknown:
        raise ValueError(
            f"record has {unknown}; it can name {list(ON_REQUEST)} ({list(_ALWAYS)} are always kept)."
        )
    return tuple(name for name in ON_REQUEST if name in names), own


_ALWAYS = ("time", *ALWAYS, "final_state")


def recording(
    problem: Problem, steps: int, every: int, names: tuple[str, ...], own: Recorded
) -> tuple[Any, Any, Any]:
    """A step that keeps and observes, what it starts from, and what finishes the observers.

    The step is `(carry, memories), voltage -> (carry, memories), (quantities, values of functions)`.

    Raises a `ValueError`, while it is traced, for more than there is room for: then the sizes are known,
    and nothing of them is allocated.
    """
    run = run_of(problem, steps)
    step_of = steps_of(problem, run)
    observers = {name: x for name, x in own.items() if isinstance(x, AbstractObserver)}
    functions = {name: x for name, x in own.items() if not isinstance(x, AbstractObserver)}

    def step(
        begin: tuple[Carry, dict[str, PyTree]], voltage: Array | None
    ) -> tuple[tuple[Carry, dict[str, PyTree]], PyTree]:
        carry, memories = begin
        carry, now = step_of(carry, voltage)
        after, values = {}, {}
        for name, observer in observers.items():
            with user_code(f"the observer {name!r}"):
                after[name] = observer.follow(memories[name], now)
        for name, function in functions.items():
            with user_code(f"the function {name!r} in record"):
                values[name] = jax.tree.map(jnp.asarray, function(now))
        kept = kept_of(problem, now, (*ALWAYS, *names))
        _check_kept(kept | values, steps, every)
        return (carry, after), (kept, values)

    memories = {}
    for name, observer in observers.items():
        with user_code(f"the observer {name!r}"):
            memories[name] = observer.start(run)
    memories = jax.tree.map(jnp.asarray, memories)
    _check_memories(memories, steps)
    memories = mapped_like(shared_like(memories, problem), problem)

    def finish(memories: dict[str, PyTree]) -> dict[str, PyTree]:
        out = {}
        for name, observer in observers.items():
            with user_code(f"the observer {name!r}"):
                out[name] = observer.finish(memories[name])
        return out

    return step, (first_carry(problem, run), memories), finish


def _check_kept(kept: dict[str, PyTree], steps: int, every: int) -> None:
    """Raises a `ValueError` for more quantities at more times than there is room for."""
    rows = steps // every
    sizes = {name: rows * _bytes(value) for name, value in kept.items()}
    most = max(sizes, key=lambda name: sizes[name])
    check_room(
        f"A record of {steps:,} steps, {rows:,} of them kept, {in_words(sizes[most])} of it {most!r},",
        sum(sizes.values()),
        f"record less, keep fewer steps with every={10 * every} or more, or go on from final_state",
        on_device=True,
    )


def _check_memories(memories: dict[str, PyTree], steps: int) -> None:
    for name, memory in memories.items():
        check_room(
            f"What the observer {name!r} remembers of {steps:,} steps",
            _bytes(memory),
            "take fewer steps, and go on from final_state",
            on_device=True,
        )


def _bytes(tree: PyTree) -> int:
    """Of arrays that may be traced: one run's, where several are mapped."""
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree))
