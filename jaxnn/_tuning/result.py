"""What an optimisation gives back, with its diagnosis."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from .._core import Module, beside_text, curves, is_known, warn_user


class OptimisationResult(eqx.Enumeration):
    """The ways in which a restart can end.

    ```python
    import optax

    found = jaxnn.optimise(lambda x: (x - 1.0) ** 2, 0.0, optimiser=optax.adam(0.1), steps=20)
    found.result == jaxnn.OptimisationResult.out_of_steps  # True
    ```
    """

    out_of_steps = "all steps were taken"
    target_reached = "the loss came down to the target"
    no_improvement = "the best loss did not improve for `patience` steps"
    not_finite = (
        "steps were undone until they were shortened to less than 2^-`max_halvings`: (a) the "
        "parameters stand at the edge of where the loss and its gradient are finite, constrain them "
        "to stay away from it, or (b) the loss is not finite more often than once in five steps"
    )
    start_not_finite = (
        "the loss, its gradient or the optimiser's update is not finite at the start: evaluate them "
        "there, and look for a conductance at 0 V, a division by zero or the logarithm of zero"
    )
    interrupted = "interrupted from the keyboard"


class Optimisation(Module):
    """The tuned parameters and how they were found.

    Step is the first axis of the history, restart the second; without restarts there is no second.
    A restart that stopped early has NaN from then on.

    ```python
    import optax

    found = jaxnn.optimise(lambda x: (x - 1.0) ** 2, 0.0, optimiser=optax.adam(0.1), steps=20)
    found.loss.shape  # (20,)
    found.best_loss <= found.loss.min()  # True
    ```
    """

    parameters: PyTree
    """The parameters with the smallest loss, for each restart along its leading axis."""
    best_loss: Float[Array, "*restarts"]
    """Smallest loss of each restart; infinite if no loss was finite."""
    loss: Float[Array, "steps *restarts"]
    """Loss at every step, also where it was not finite and the step undone."""
    gradient_norm: Float[Array, "steps *restarts"]
    """Length of the gradient in the free coordinates of the constraints."""
    undone: Bool[Array, "steps *restarts"]
    """Whether loss, gradient or update were not finite, so that the step was taken back."""
    aux: PyTree
    """What the loss returned beside its value, stacked like `loss`; None without `has_aux`."""
    steps: Int[Array, "*restarts"]
    """Steps taken: evaluations of the loss and its gradient."""
    result: Any
    """An `OptimisationResult`, one entry per restart."""

    def _repr_html_(self) -> str:
        """What a notebook shows: the loss against the step, of the first restarts."""
        if not is_known(self.loss):
            return beside_text(self, "")
        loss = np.asarray(self.loss, float)
        loss = loss.reshape(len(loss), -1).T
        known = loss[np.isfinite(loss)]
        log = bool(known.size and known.min() > 0)
        return beside_text(
            self, curves(np.arange(loss.shape[1]), loss, xlabel="step", ylabel="loss", log=log)
        )

    @property
    def best(self) -> PyTree:
        """The parameters of the best restart."""
        if self.best_loss.ndim == 0:
            return self.parameters
        i = int(jnp.argmin(self.best_loss))
        return jax.tree.map(lambda x: x[i] if eqx.is_inexact_array(x) else x, self.parameters)

    def check(self) -> "Optimisation":
        """Warns of steps that were undone and of restarts that failed; returns itself."""
        undone = np.asarray(self.undone)
        if undone.any():
            first = int(np.argwhere(undone)[0, 0])
            warn_user(
                f"{undone.sum()} of {int(self.steps.sum())} steps were undone, the first of them step "
                f"{first}: the loss, its gradient or the update was not finite. See `undone`."
            )
        for ending in (OptimisationResult.start_not_finite, OptimisationResult.not_finite):
            failed = np.atleast_1d(np.asarray(self.result == ending))
            if failed.any():
                which = f"restarts {np.flatnonzero(failed).tolist()}: " if failed.size > 1 else ""
                warn_user(f"{which}{OptimisationResult[ending]}.")
        return self
