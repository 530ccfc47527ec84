"""The compiled part of an optimisation: steps that are taken back where they are not finite."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, DTypeLike, Float, Int, PyTree

from .._core import Declared, Key, compiled, user_code
from .constraint import AbstractConstraint
from .result import OptimisationResult


if TYPE_CHECKING:
    from optax import GradientTransformation
else:
    # Optax is imported inside the functions: `import jaxnn` is faster without it.
    GradientTransformation = Any

BLOCK = 64
"""The most steps in one compiled call: enough to make the cost of the call small beside 1 ms steps."""


class Tuning(eqx.Module):
    """A checked optimisation. `start`, `fixed` have restarts in front, `other` has not."""

    loss: Callable
    optimiser: Declared[GradientTransformation]
    start: PyTree
    """The tuned arrays, with None in the place of everything else."""
    fixed: PyTree
    """The other real arrays."""
    other: PyTree
    """All other leaves."""
    rules: tuple[AbstractConstraint | None, ...]
    """One for each leaf of `start`."""
    key: Key | None
    target: Float[Array, ""]
    tolerance: Float[Array, ""]
    patience: Int[Array, ""]
    shortest: Float[Array, ""]
    restarts: int | None = eqx.field(static=True)
    has_aux: bool = eqx.field(static=True)

    def each(self, method: str, tree: PyTree) -> PyTree:
        """A method of the constraints, "to_free" and the like, applied to each tuned leaf."""
        leaves, structure = jax.tree.flatten(tree)
        apply = lambda rule, x: x if rule is None else getattr(rule, method)(x).astype(x.dtype)
        return structure.unflatten([apply(*pair) for pair in zip(self.rules, leaves, strict=True)])

    def batched(self, function: Callable) -> Callable:
        """`function` over the restarts, if there are any."""
        return function if self.restarts is None else jax.vmap(function)

    def values(self, free: PyTree) -> PyTree:
        """The tuned parameters at free coordinates, of the types that they were given in."""
        return jax.tree.map(retyped, self.each("from_free", free), self.start)

    def evaluate(self, free: PyTree, fixed: PyTree, key: Key | None) -> tuple[Array, PyTree]:
        """The loss and what it returns beside it."""
        parameters = eqx.combine(self.values(free), fixed, self.other)
        with user_code("loss"):
            returned = self.loss(parameters) if key is None else self.loss(parameters, key)
        if self.has_aux and not (isinstance(returned, tuple) and len(returned) == 2):
            raise ValueError("loss must return (number, aux) with has_aux=True, got one thing alone.")
        value, aux = returned if self.has_aux else (returned, None)
        value = jnp.asarray(value)
        if value.shape != () or not jnp.issubdtype(value.dtype, jnp.floating):
            raise ValueError(
                f"loss must return one real number, got {value.dtype} of shape {value.shape}: reduce it, "
                "as with jnp.mean; what else you want to keep goes into (loss, aux) with has_aux=True."
            )
        return value, jax.tree.map(jnp.asarray, aux)


class State(eqx.Module):
    """Where one restart stands. All of it is needed to go on, and nothing else."""

    free: PyTree
    """The coordinates to be evaluated next."""
    good: PyTree
    """The last ones that were finite."""
    update: PyTree
    """The update that the optimiser wants from there."""
    memory: PyTree
    """The optimiser's state after it."""
    best: PyTree
    best_loss: Float[Array, ""]
    reference: Float[Array, ""]
    """The best loss when it last improved by more than the tolerance."""
    shortening: Float[Array, ""]
    """The part of the update that is taken: 1 unless steps were undone."""
    waited: Int[Array, ""]
    """Steps since the reference improved."""
    steps: Int[Array, ""]
    result: Any

    @property
    def active(self) -> Bool[Array, "..."]:
        """Whether the restart goes on."""
        return self.result == OptimisationResult.out_of_steps


class Record(eqx.Module):
    """What is kept of every step."""

    loss: Float[Array, "..."]
    gradient_norm: Float[Array, "..."]
    undone: Bool[Array, "..."]
    aux: PyTree


def loose(value: ArrayLike) -> Array:
    """A tuned or fixed number as an array that is as free of a dtype as it was given."""
    if isinstance(value, jax.Array):
        return value
    numbers = np.asarray(value, dtype=float)
    # What is written into zeros of weak type takes their type; nothing public makes weak arrays.
    return jnp.broadcast_to(jnp.asarray(0.0), numbers.shape).at[...].set(numbers)


def retyped(value: Array, like: Array) -> Array:
    """`value` as weakly typed as `like`, for a loss that combines it with arrays of any dtype."""
    return jnp.broadcast_to(jnp.asarray(0.0), value.shape).at[...].set(value) if like.weak_type else value


@compiled
def first_state(tuning: Tuning) -> tuple[State, Record]:
    """The state before the first step, and room for the records of one block of steps."""
    free = _strong(tuning.batched(lambda x: tuning.each("to_free", x))(tuning.start))
    evaluate = lambda x, fixed: tuning.evaluate(x, fixed, tuning.key)
    value, aux = jax.eval_shape(tuning.batched(evaluate), free, tuning.fixed)

    def make(free: PyTree) -> State:
        with _lenient():
            memory = _strong(jax.tree.map(jnp.asarray, tuning.optimiser.init(free)))
        infinite, zero = jnp.asarray(jnp.inf, value.dtype), jnp.asarray(0, jnp.int32)
        return State(
            free=free,
            good=free,
            update=jax.tree.map(jnp.zeros_like, free),
            memory=memory,
            best=free,
            best_loss=infinite,
            reference=infinite,
            shortening=jnp.ones((), value.dtype),
            waited=zero,
            steps=zero,
            result=jax.tree.map(jnp.asarray, OptimisationResult.out_of_steps),
        )

    numbers = jnp.zeros((BLOCK, *value.shape), value.dtype)
    room = jax.tree.map(lambda x: jnp.zeros((BLOCK, *x.shape), x.dtype), aux)
    return tuning.batched(make)(free), Record(numbers, numbers, numbers > 0, room)


@compiled
def take_steps(
    tuning: Tuning, state: State, room: Record, step: Array, count: Array
) -> tuple[State, Record, Array]:
    """Up to `count` <= `BLOCK` steps: the new state, the records and how many steps there were.

    The count is traced, so that one compilation does for any; it is less than asked for only if all
    restarts have ended.
    """

    def body(carry: tuple[Array, State, Record]) -> tuple[Array, State, Record]:
        i, state, records = carry
        key = None if tuning.key is None else jr.fold_in(tuning.key, step + i)
        one = lambda state, fixed: _step(tuning, state, fixed, key)
        state, record = tuning.batched(one)(state, tuning.fixed)
        return i + 1, state, jax.tree.map(lambda all_, x: all_.at[i].set(x), records, record)

    more = lambda carry: (carry[0] < count) & jnp.any(carry[1].active)
    taken, state, records = jax.lax.while_loop(more, body, (jnp.zeros_like(count), state, room))
    return state, records, taken


@compiled
def best_and_result(
    tuning: Tuning, state: State, ending: OptimisationResult
) -> tuple[PyTree, OptimisationResult]:
    """The best tuned parameters, and how each restart ended: `ending` if it had not."""

    def one(state: State) -> tuple[PyTree, OptimisationResult]:
        return tuning.values(state.best), OptimisationResult.where(state.active, ending, state.result)

    # Without weak types, or a function would be compiled for them and then for what comes of them.
    values, result = tuning.batched(one)(state)
    return _strong(values), result


def _step(tuning: Tuning, state: State, fixed: PyTree, key: Key | None) -> tuple[State, Record]:
    """Evaluates the loss; goes on from there if all is finite, else back and less far.

    A bad gradient never reaches the optimiser's memory, and an update that is bad or that spoils
    the memory is dropped along with it.
    """
    import optax

    evaluate = lambda free: tuning.evaluate(free, fixed, key)
    (value, aux), gradient = jax.value_and_grad(evaluate, has_aux=True)(state.free)
    with _lenient():
        update, memory = optax.with_extra_args_support(tuning.optimiser).update(
            gradient,
            state.memory,
            state.free,
            # Line searches want these; other optimisers ignore them.
            value=value,
            grad=gradient,
            value_fn=lambda free: evaluate(free)[0],
        )
    # Some promote to the default dtype on the way.
    update, memory = _as_typed(update, state.update), _as_typed(memory, state.memory)
    finite = jnp.isfinite(value) & _finite((gradient, update)) & _stays_finite(memory, state.memory)
    active = state.active
    record = Record(
        loss=jnp.where(active, value, jnp.nan),
        gradient_norm=jnp.where(active, _norm(gradient, value.dtype), jnp.nan),
        undone=active & ~finite,
        aux=aux,
    )
    return _next_state(tuning, state, value, update, memory, finite), record


def _next_state(
    tuning: Tuning, state: State, value: Array, update: PyTree, memory: PyTree, finite: Array
) -> State:
    """The state after a step; the same as before for a restart that has ended."""
    active = state.active
    taken = active & finite
    good = _choose(taken, state.free, state.good)
    update = _choose(taken, update, state.update)
    # Four good steps make up for one halving.
    shortening = jnp.where(finite, jnp.minimum(1, 2**0.25 * state.shortening), state.shortening / 2)
    better = taken & (value < state.best_loss)
    progress = taken & (value < state.reference - tuning.tolerance.astype(value.dtype))
    waited = jnp.where(progress, 0, state.waited + 1)
    result = state.result
    for holds, ending in (
        (waited >= tuning.patience, OptimisationResult.no_improvement),
        (finite & (value <= tuning.target.astype(value.dtype)), OptimisationResult.target_reached),
        (shortening < tuning.shortest.astype(value.dtype), OptimisationResult.not_finite),
        (~finite & jnp.isinf(state.best_loss), OptimisationResult.start_not_finite),
    ):
        result = OptimisationResult.where(active & holds, ending, result)
    shortening, waited = _choose(active, (shortening, waited), (state.shortening, state.waited))
    move = lambda x, u: x + shortening.astype(x.dtype) * u
    return State(
        free=tuning.each("project", jax.tree.map(move, good, update)),
        good=good,
        update=update,
        memory=_choose(taken, memory, state.memory),
        best=_choose(better, state.free, state.best),
        best_loss=jnp.where(better, value, state.best_loss),
        reference=jnp.where(progress, value, state.reference),
        shortening=shortening,
        waited=waited,
        steps=state.steps + active.astype(jnp.int32),
        result=result,
    )


def _lenient() -> AbstractContextManager[None]:
    """Optax counts on implicit promotion, which a user may have forbidden for their own code."""
    return jax.numpy_dtype_promotion("standard")


def _strong(tree: PyTree) -> PyTree:
    """Without weak types, which a step would not keep: the next call would compile again."""
    return jax.tree.map(lambda x: jnp.asarray(x, x.dtype) if _is_real(x) else x, tree)


def _choose(condition: Array, yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _as_typed(tree: PyTree, like: PyTree) -> PyTree:
    return jax.tree.map(lambda x, y: x if x.dtype == y.dtype else x.astype(y.dtype), tree, like)


def _is_real(x: Array) -> bool:
    return jnp.issubdtype(x.dtype, jnp.inexact)


def _finite(tree: PyTree) -> Bool[Array, ""]:
    return _all([jnp.isfinite(x) for x in jax.tree.leaves(tree)])


def _stays_finite(new: PyTree, old: PyTree) -> Bool[Array, ""]:
    """Whether no number became infinite or NaN; some optimisers start from infinite ones."""
    pairs = zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True)
    return _all([jnp.isfinite(x) | ~jnp.isfinite(y) for x, y in pairs if _is_real(x)])


def _all(flags: list[Array]) -> Bool[Array, ""]:
    # XLA fuses a reduction into each array that hangs on it, over and over: with ten arrays that
    # compiles for ten seconds. It does not fuse a sort (and ignores `optimization_barrier` on CPU).
    return jnp.sort(jnp.stack([jnp.asarray(True), *(x.all() for x in flags)]))[0]


def _norm(tree: PyTree, dtype: DTypeLike) -> Float[Array, ""]:
    return jnp.sqrt(sum(jnp.sum(x.astype(dtype) ** 2) for x in jax.tree.leaves(tree)))
