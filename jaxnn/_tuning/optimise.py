"""Tuning parameters by gradient: many restarts at once, safe from NaN, resumable."""

import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PyTree

from .._core import Declared, Key, arguments, bar, check_finite, notice, ticking, warn_user
from .checkpoint import load_checkpoint, save_checkpoint
from .constraint import AbstractConstraint, Fixed, is_tunable, leaf_rules
from .result import Optimisation, OptimisationResult
from .steps import BLOCK, Record, State, Tuning, best_and_result, first_state, loose, take_steps


if TYPE_CHECKING:
    from optax import GradientTransformation
else:
    GradientTransformation = Any  # Optax is imported where it is used


@arguments.checked(
    loss=arguments.function,
    steps=arguments.count(),
    restarts=arguments.count(),
    patience=arguments.count(),
    max_halvings=arguments.count(),
    checkpoint_every=arguments.count(),
    key=arguments.key,
    has_aux=arguments.flag,
    target=arguments.real(ndim=0, finite=False, known=True),
    tolerance=arguments.real(ndim=0, low=0, known=True),
    checkpoint=arguments.path,
    progress=arguments.flag,
)
def optimise(
    loss: Callable,
    parameters: PyTree,
    *,
    optimiser: Declared[GradientTransformation],
    steps: int,
    constraints: PyTree = None,
    restarts: int | None = None,
    key: Key | None = None,
    has_aux: bool = False,
    target: float | int | None = None,
    patience: int | None = None,
    tolerance: float | int = 0.0,
    max_halvings: int = 20,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_every: int = 100,
    progress: bool = True,
) -> Optimisation:
    """Minimises `loss(parameters)` by gradient, and returns the best parameters that were met.

    A step evaluates the loss and its gradient and moves the parameters. If anything is not finite,
    the step is undone: parameters and optimiser go back to the last good ones and try a step half
    as long; `undone` says where, and a warning how often. Ctrl-C returns what is done so far, and saves
    it if there is a checkpoint.

    **Arguments:**

    - `loss`: a function of the parameters that returns one real number, or `(number, aux)` with
      `has_aux`. JAX must be able to differentiate it; it need not be compiled.
    - `parameters`: floats, arrays, drives, junctions, or any pytree of these. All real numbers in it
      are tuned unless `constraints` says otherwise.
    - `optimiser`: of Optax, as in `optax.adam(0.01)`. Its learning rate is in the free coordinates of
      the constraints: relative changes for `Positive`, parts of the range for `Box`.
    - `steps`: the most steps to take, those of the checkpoint included.
    - `constraints`: `Box`, `Bounded`, `Positive`, `Scaled` or `Fixed()`, in a structure that
      `parameters` begins with, as in `(Box(0, 1), None)`; for fields of a module put them into the
      module, `eqx.tree_at(lambda p: p.amplitude, parameters, Box(0, 1))`.
    - `restarts`: run so many starts at once; every real number in `parameters` then has a leading axis
      of this length, see `jaxnn.spread`. For the loss there is no such axis.
    - `key`: for a random loss, which is then called as `loss(parameters, key)`, with
      `jax.random.fold_in(key, step)` and the same for all restarts.
    - `target`: a restart stops at a loss of this or less.
    - `patience`, `tolerance`: a restart stops when its best loss has not improved by more than
      `tolerance` for `patience` steps.
    - `max_halvings`: a restart stops when its steps would have to be shortened to less than
      2^-`max_halvings`. Each undone step halves them, four good ones double them again.
    - `checkpoint`, `checkpoint_every`: a file that is written every so many steps and at the end, and
      gone on from if it exists, bit for bit. Keep `loss` and `optimiser`, which cannot be compared.
    - `progress`: a bar with the smallest loss, on a terminal or in a notebook.

    **Raises:** `ValueError` for a start that is not finite or violates its constraint, arguments that
    do not fit each other, or a checkpoint of another optimisation.

    ```python
    import optax

    found = jaxnn.optimise(
        lambda drive: (drive(0.125) - 0.3) ** 2,
        jaxnn.Sine(0.5, 2.0),
        optimiser=optax.adam(0.05),
        steps=50,
        constraints=jaxnn.only(drive, amplitude=jaxnn.Box(0.0, 1.0)),
        progress=False,
    )
    found.best.amplitude  # 0.3 [V]
    ```
    """
    for name, tree in (("parameters", parameters), ("constraints", constraints)):
        arguments.check_known(name, jax.tree.leaves(tree))
    parts = partition(parameters, constraints, restarts)
    endings = _endings(target, patience, tolerance, max_halvings)
    optimiser = _check_optimiser(optimiser)
    tuning = Tuning(loss, optimiser, **parts, **endings, key=key, restarts=restarts, has_aux=has_aux)
    with notice("optimise", lambda: "beginning", show=progress):
        run = _Run(tuning, steps, None if checkpoint is None else Path(checkpoint))
    return run.outcome(run.to_the_end(checkpoint_every, progress)).check()


class _Run:
    """The loop on the host: it hands out steps in blocks, collects records and saves."""

    def __init__(self, tuning: Tuning, steps: int, path: Path | None):
        self.tuning, self.steps, self.path = tuning, steps, path
        state, self.room = first_state(tuning)
        _check_start(tuning, state)
        # A checkpoint of other numbers than these must not pass for ours.
        self.start = (tuning.start, tuning.fixed, tuning.rules, tuning.key)
        self.blocks = [jax.tree.map(lambda x: np.asarray(x)[:0], self.room)]
        # In one attribute, so that an interruption finds both of one step.
        self.reached = (state, 0)
        if path is None:
            return
        if not path.parent.is_dir():
            raise ValueError(f"there is no folder {path.parent} for the checkpoint {path.name}: create it.")
        if path.exists():
            state, history = load_checkpoint(path, self.start, state, self.blocks[0])
            self.blocks, self.reached = [history], (state, len(history.loss))
        if self.reached[1] > steps:
            raise ValueError(
                f"the checkpoint {path} already has {self.reached[1]} steps, more than steps={steps}: "
                "ask for more, or delete it to begin anew."
            )

    def to_the_end(self, every: int, progress: bool) -> bool:
        """Steps until all restarts have ended; whether the keyboard interrupted them."""
        saved = first = self.reached[1]
        try:
            with ticking(bar(total=self.steps, initial=first, desc="optimise", show=progress)) as shown:
                count = 1
                while self.reached[1] < self.steps and bool(jnp.any(self.reached[0].active)):
                    begin = time.perf_counter()
                    shown.update(self._take(min(count, saved + every - self.reached[1])))
                    shown.set_postfix(loss=f"{np.min(self.reached[0].best_loss):.4g}")
                    # The bar moves and Ctrl-C works several times a second, if steps are that quick.
                    passed = time.perf_counter() - begin
                    count = min(2 * count, BLOCK) if passed < 0.1 else max(1, count // 2)
                    if self.reached[1] == saved + every:
                        self._save()
                        saved = self.reached[1]
        except KeyboardInterrupt:
            if self.reached[1] == 0:
                raise  # there is nothing to give back
            self._save()
            self._say_how_to_go_on()
            return True
        if self.reached[1] > saved:
            self._save()
        return False

    def outcome(self, interrupted: bool) -> Optimisation:
        """What the user gets."""
        tuning, (state, _) = self.tuning, self.reached
        ending = OptimisationResult.interrupted if interrupted else OptimisationResult.out_of_steps
        history = jax.tree.map(jnp.asarray, self._history())
        values, result = best_and_result(tuning, state, ending)
        return Optimisation(
            parameters=eqx.combine(values, tuning.fixed, tuning.other),
            best_loss=state.best_loss,
            loss=history.loss,
            gradient_norm=history.gradient_norm,
            undone=history.undone,
            aux=history.aux,
            steps=state.steps,
            result=result,
        )

    def _say_how_to_go_on(self) -> None:
        """Warns of an interruption."""
        if self.path is None:
            advice = "give checkpoint= the name of a file to be able to go on from there"
        else:
            advice = f"the same call goes on from {self.path}"
        warn_user(f"interrupted after {self.reached[1]} of {self.steps} steps: {advice}.", UserWarning)

    def _take(self, count: int) -> int:
        """Up to `count` steps in one compiled call; how many there were."""
        state, step = self.reached
        wanted = jnp.asarray(min(count, self.steps - step), jnp.int32)
        state, records, taken = take_steps(
            self.tuning, state, self.room, jnp.asarray(step, jnp.int32), wanted
        )
        taken = int(taken)
        self.blocks.append(jax.tree.map(lambda x: np.asarray(x)[:taken], records))
        self.reached = (state, step + taken)
        return taken

    def _history(self) -> Record:
        # An interruption may leave a block whose steps were not counted yet.
        joined = jax.tree.map(lambda *x: np.concatenate(x)[: self.reached[1]], *self.blocks)
        self.blocks = [joined]
        return joined

    def _save(self) -> None:
        if self.path is not None:
            save_checkpoint(self.path, self.start, self.reached[0], self._history())


def _endings(
    target: ArrayLike | None, patience: int | None, tolerance: ArrayLike, max_halvings: int
) -> dict[str, Any]:
    """When a restart stops, as arrays: other values compile nothing anew."""
    waits = np.iinfo(np.int32).max if patience is None else patience
    return {
        "target": _number("target", -jnp.inf if target is None else target),
        "tolerance": _number("tolerance", tolerance),
        "patience": jnp.asarray(waits, jnp.int32),
        "shortest": jnp.asarray(2.0**-max_halvings, float),
    }


def partition(parameters: PyTree, constraints: PyTree, restarts: int | None) -> dict[str, Any]:
    """What of `parameters` is tuned ("start"), what is another number ("fixed"), what is something else
    ("other"), and the "rules" of what is tuned."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(parameters)
    rules = leaf_rules(parameters, constraints)
    parts: dict[str, list[Any]] = {part: [None] * len(leaves) for part in ("start", "fixed", "other")}
    tuned = []
    for i, ((path, leaf), rule) in enumerate(zip(leaves, rules, strict=True)):
        name = f"parameters{jax.tree_util.keystr(path)}"
        if not is_tunable(leaf):
            _check_other(name, leaf, rule)
            parts["other"][i] = leaf
            continue
        value = loose(leaf)
        if restarts is not None and (value.ndim == 0 or value.shape[0] != restarts):
            raise ValueError(
                f"with restarts={restarts} every number of the parameters has a leading axis of "
                f"{restarts}, but {name} has shape {value.shape}: jaxnn.spread makes such starts."
            )
        if isinstance(rule, Fixed):
            parts["fixed"][i] = value
        else:
            check_finite(name, value)
            parts["start"][i] = value
            tuned.append(rule)
    if not tuned:
        raise ValueError(
            "parameters has nothing to tune: it needs a float or an array of floats that is not Fixed()."
        )
    return {part: structure.unflatten(x) for part, x in parts.items()} | {"rules": tuple(tuned)}


def _check_other(name: str, leaf: object, rule: object) -> None:
    """A number that is not a float is most likely a slip, a name or a flag is not."""
    dtype = getattr(leaf, "dtype", np.asarray(leaf).dtype if isinstance(leaf, int | complex) else None)
    if dtype is None or isinstance(rule, Fixed):
        return
    if jnp.issubdtype(dtype, jnp.integer) or jnp.issubdtype(dtype, jnp.complexfloating):
        raise ValueError(
            f"{name} is of dtype {dtype} and only real floats can be tuned: write 1.0 for 1, or give it "
            "jaxnn.Fixed() in constraints."
        )
    if isinstance(rule, AbstractConstraint):
        raise ValueError(f"{name} has a constraint, but it is of dtype {dtype} and cannot be tuned.")


def _check_start(tuning: Tuning, state: State) -> None:
    leaves = jax.tree_util.tree_leaves_with_path(tuning.start)
    for (path, value), rule, free in zip(leaves, tuning.rules, jax.tree.leaves(state.free), strict=True):
        bad = ~np.isfinite(np.asarray(free))
        if rule is not None and bad.any():
            raise ValueError(
                f"parameters{jax.tree_util.keystr(path)} starts at {np.asarray(value)[bad][0]:g}, which "
                f"{rule!r} does not allow: start inside it."
            )


def _check_optimiser(optimiser: Declared[GradientTransformation]) -> GradientTransformation:
    if not (callable(getattr(optimiser, "init", None)) and callable(getattr(optimiser, "update", None))):
        raise ValueError(f"optimiser must be one of Optax, such as optax.adam(0.01), got {optimiser!r}.")
    return optimiser


def _number(name: str, value: ArrayLike) -> Array:
    if np.isnan(value):
        raise ValueError(f"{name} must be a number, got NaN.")
    return jnp.asarray(value, float)
