"""What a simulation keeps for the way back: the choice between memory and time in reverse mode."""

import abc
import math
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PyTree

from jaxnn_kernels import shared_like

from .._core import Declared, Module, arguments, concrete


State = TypeVar("State")
Body: TypeAlias = Callable[[State, PyTree], tuple[State, PyTree]]
"""What `jax.lax.scan` runs: (carry, x) -> (carry, output)."""


class AbstractAdjoint(Module):
    """A way for reverse mode to go back through the time steps. Values and forward mode do not change.

    ```python
    def loss(amplitude, adjoint):
        drive = jaxnn.Sine(amplitude, 2.0)
        return jaxnn.simulate(network, law, drive, adjoint=adjoint, **setup).conductance[-1]


    jax.grad(loss)(0.3, jaxnn.StoreStates())  # 2.95e-6 [S/V]
    ```
    """

    @abc.abstractmethod
    def scan(
        self, step: Body[State], carry: State, xs: PyTree, length: int, every: int
    ) -> tuple[State, PyTree]:
        """Runs `jax.lax.scan(step, carry, xs, length)`, and keeps the outputs of steps every, 2 every, ...

        `xs` may be None; `every` is at most `length`.
        """


class StoreAll(AbstractAdjoint):
    """Keeps all that the way back needs, where XLA solves the elimination of every step included.

    Nothing is computed twice, but for eliminations by the compiled library, which take less time than to
    keep them. The memory is that of `StoreStates` some ten times over: for short runs of few networks.

    ```python
    def loss(amplitude):
        drive = jaxnn.Sine(amplitude, 2.0)
        return jaxnn.simulate(network, law, drive, adjoint=jaxnn.StoreAll(), **setup).conductance[-1]


    jax.grad(loss)(0.3)  # 2.95e-6 [S/V]
    ```
    """

    def scan(
        self, step: Body[State], carry: State, xs: PyTree, length: int, every: int
    ) -> tuple[State, PyTree]:
        return _scan_blocks(step, carry, xs, length, every)


class StoreStates(AbstractAdjoint):
    """Keeps state and potentials of every step, computes the rest once more on the way back. The default.

    Memory: `steps` times one number per junction and one per wire.

    ```python
    def loss(amplitude, adjoint):
        drive = jaxnn.Sine(amplitude, 2.0)
        return jaxnn.simulate(network, law, drive, adjoint=adjoint, **setup).conductance[-1]


    jax.grad(loss)(0.3, jaxnn.StoreStates())  # 2.95e-6 [S/V]
    ```
    """

    def scan(
        self, step: Body[State], carry: State, xs: PyTree, length: int, every: int
    ) -> tuple[State, PyTree]:
        return _scan_blocks(_checkpoint_step(step), carry, xs, length, every)


class Checkpointed(AbstractAdjoint):
    r"""Keeps the state at the start of every segment and runs each segment once more on the way back.

    With segments of $s$ steps the memory is that of $n / s + s$ states out of $n$, least at
    $s = \sqrt n$, the default, for one more forward run of time.

    Raises a `ValueError` for a segment shorter than one step.

    Source: Griewank, Optim. Methods Softw. 1, 35 (1992), with one level of recursion.

    ```python
    adjoint = jaxnn.Checkpointed(segment=10)


    def loss(amplitude):
        drive = jaxnn.Sine(amplitude, 2.0)
        return jaxnn.simulate(network, law, drive, adjoint=adjoint, **setup).conductance[-1]


    jax.grad(loss)(0.3)  # 2.95e-6 [S/V]
    ```
    """

    segment: Declared[int | None] = eqx.field(static=True, default=None)
    """Steps per segment, about, at least 1; by default the square root of the number of steps."""

    def __check_init__(self):
        if self.segment is not None:
            arguments.as_count("segment", self.segment)

    def scan(
        self, step: Body[State], carry: State, xs: PyTree, length: int, every: int
    ) -> tuple[State, PyTree]:
        segment = self.segment or math.isqrt(length)
        step = _checkpoint_step(step)
        if every >= segment:
            # Steps between two that are kept: segments of those.
            return _scan_blocks(step, carry, xs, length, every, segment)
        return _scan_blocks(step, carry, xs, length, every, None, segment // every)


class Truncated(AbstractAdjoint):
    r"""Cuts the gradient at the start of every window: what came before counts as given.

    The gradient of step $k$ goes back to the start of its own window only, which keeps it finite
    where the network is chaotic and biases it everywhere else. Windows start at the first step of
    the run.

    Raises a `ValueError` for a window shorter than one step.

    ```python
    adjoint = jaxnn.Truncated(window=10)


    def loss(amplitude):
        drive = jaxnn.Sine(amplitude, 2.0)
        return jaxnn.simulate(network, law, drive, adjoint=adjoint, **setup).conductance[-1]


    jax.grad(loss)(0.3)  # 9.02e-7 [S/V]
    ```
    """

    window: Declared[int | Int[Array, ""]]
    """Steps per window, at least 1. Of an integer array that is traced, one compiled program does for all
    windows."""
    inner: AbstractAdjoint = StoreStates()
    """What is kept within the windows."""

    def __check_init__(self):
        if not isinstance(self.window, jax.Array):
            arguments.as_count("window", self.window)
        elif not (self.window.ndim == 0 and jnp.issubdtype(self.window.dtype, jnp.integer)):
            raise ValueError(f"window must be a scalar of whole steps; got {jax.typeof(self.window)}.")
        elif (value := concrete(self.window)) is not None:
            arguments.as_count("window", value)

    def scan(
        self, step: Body[State], carry: State, xs: PyTree, length: int, every: int
    ) -> tuple[State, PyTree]:
        return scan_windows(self.inner, self.window, step, carry, xs, length, every)


def scan_windows(
    adjoint: AbstractAdjoint,
    window: Declared[int | Array | None],
    step: Body[State],
    carry: State,
    xs: PyTree,
    length: int,
    every: int,
) -> tuple[State, PyTree]:
    """`adjoint.scan` whose carry counts as given at the start of every `window` steps.

    The window may be traced; with None, nothing is cut.
    """
    if window is None:
        return adjoint.scan(step, carry, xs, length, every)
    window = jnp.asarray(window, jnp.int32)

    def cut(counted: tuple[State, Array], x: PyTree) -> tuple[tuple[State, Array], PyTree]:
        carry, done = counted
        stop = lambda leaf: jnp.where(done % window == 0, jax.lax.stop_gradient(leaf), leaf)
        carry, kept = step(jax.tree.map(stop, carry), x)
        return (carry, done + 1), kept

    (carry, _), kept = adjoint.scan(cut, (carry, jnp.int32(0)), xs, length, every)
    return carry, kept


def _checkpoint(function: Body[State]) -> Body[State]:
    # `prevent_cse` guards against a merge that cannot happen across the iterations of a loop.
    return jax.checkpoint(function, prevent_cse=False)


def _checkpoint_step(step: Body[State]) -> Body[State]:
    """Keep the potentials beside the state: few numbers, and they spare the way back a substitution.

    So does the drive, whose time is exact at some cost in compiling.
    """
    policy = jax.checkpoint_policies.save_only_these_names("state", "node_potential", "drive")
    return jax.checkpoint(step, prevent_cse=False, policy=policy)


def _scan_blocks(
    step: Body[State],
    carry: State,
    xs: PyTree,
    length: int,
    every: int,
    steps_per_segment: int | None = None,
    blocks_per_segment: int | None = None,
) -> tuple[State, PyTree]:
    """Blocks of `every` steps, the last of each kept, and the steps left over.

    Either the steps of a block or the blocks are run in segments.
    """
    blocks = length // every
    cut = blocks * every
    first = jax.tree.map(lambda x: x[:cut].reshape(blocks, every, *x.shape[1:]), xs)
    if every == 1:
        first = jax.tree.map(lambda x: x[:, 0], first)
        block = step
    else:
        block = lambda carry, x: _last(step, carry, x, every, steps_per_segment)
    carry, kept = _scan_segments(block, carry, first, blocks, blocks_per_segment)
    if cut < length:
        rest = jax.tree.map(lambda x: x[cut:], xs)
        only = lambda carry, x: (step(carry, x)[0], None)
        carry, _ = _scan_segments(only, carry, rest, length - cut, steps_per_segment)
    return carry, kept


def _scan_segments(
    step: Body[State], carry: State, xs: PyTree, length: int, size: int | None
) -> tuple[State, PyTree]:
    """A scan in segments of about `size` steps, of which only the starts are kept for the way back."""
    # What a loop adds to a carry, such as a count, differs between devices as the rest does.
    carry = shared_like(carry, carry)
    if size is None or size < 2 or length < 4:
        return jax.lax.scan(step, carry, xs, length)
    size = _divisor_near(length, size)
    cut = length - length % size
    run = _checkpoint(lambda carry, x: jax.lax.scan(step, carry, x, size))
    split = jax.tree.map(lambda x: x[:cut].reshape(cut // size, size, *x.shape[1:]), xs)
    carry, kept = jax.lax.scan(run, carry, split, cut // size)
    kept = jax.tree.map(lambda x: x.reshape(cut, *x.shape[2:]), kept)
    if cut < length:
        carry, more = jax.lax.scan(step, carry, jax.tree.map(lambda x: x[cut:], xs), length - cut)
        kept = jax.tree.map(lambda *parts: jnp.concatenate(parts), kept, more)
    return carry, kept


def _divisor_near(length: int, size: int) -> int:
    """A divisor of `length` near `size`, because a remainder would be compiled once more, or `size`."""
    divisors = (d for d in range(-(-size // 4), 4 * size + 1) if length % d == 0)
    return min(divisors, key=lambda d: max(d / size, size / d), default=size)


def _last(
    step: Body[State], carry: State, xs: PyTree, length: int, segment: int | None
) -> tuple[State, PyTree]:
    """`length` steps, of which the last is kept: it rides in the carry, and the body stays one."""
    first = jax.tree.map(lambda x: x[0], xs)
    shapes = jax.eval_shape(step, carry, first)[1]
    nothing = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    both = lambda carry, x: (step(carry[0], x), None)
    return _scan_segments(both, (carry, nothing), xs, length, segment)[0]
