"""How a run ended: what went wrong, when and where, and what to do about it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._core import Module, concrete, warn_user


LARGEST_CHANGE = 0.1  # of a state's critical value, up to which an explicit step is trusted

# Causes, the one that explains most last: a bad conductance makes potentials and states bad as well.
(
    SUCCESSFUL,
    BELOW_ROUNDING,
    NOT_FINITE,
    OUT_OF_BOUNDS,
    NEGATIVE_CONDUCTANCE,
    INFINITE_CONDUCTANCE,
    OUT_OF_DOMAIN,
    OUT_OF_DOMAIN_FOR_ALL,
    NOT_CONVERGED,
    CURRENT_INTO_ISLAND,
) = range(10)


class Result(eqx.Enumeration):
    """The ways in which a run can end.

    ```python
    solution.result == jaxnn.Result.successful  # True
    jaxnn.Result[solution.result]  # every conductance, potential, current and state stayed finite ...
    ```
    """

    successful = "every conductance, potential, current and state stayed finite and within its bounds"
    below_rounding = (
        "dt is so small that what a state gains in a step is lost to the rounding of float32: use float64, "
        "jax.config.update('jax_enable_x64', True) first, or a law that keeps its rounding, such as "
        "TunnelJunction(compensated=True) where the reset is symmetric"
    )
    not_finite = (
        "a current or a state became NaN or infinite: (a) the drive or an initial state did, or (b) dt is "
        "too large for the junction law"
    )
    state_out_of_bounds = (
        "a state left the bounds that its junction law gives it (state_bounds): the run started there, or "
        "the law's update does not keep to them"
    )
    negative_conductance = (
        "a junction's conductance became negative: Kirchhoff's laws have no solver for that here"
    )
    infinite_conductance = "a junction's conductance became NaN or infinite"
    number_out_of_domain = (
        "a number that had no value yet under jit, vmap or grad is outside of its domain: a parameter of "
        "the law or of the drive, dt, start_step, or the wire of an electrode. Given outside of these, the "
        "same number says which"
    )
    not_converged = (
        "Newton's method found no potentials at which currents balance: the law's current must grow with "
        "the voltage and stay finite, and every wire be joined by something that conducts (a leak beside "
        "what blocks); float64 finds more"
    )
    current_into_island = (
        "a current was fed into wires that nothing but open junctions joins to an electrode that is held "
        "at a potential: it has nowhere to go"
    )


class Diagnosis(Module):
    """The first thing that went wrong in each network, and how far states moved.

    ```python
    solution.diagnosis.result == jaxnn.Result.successful  # True
    float(solution.diagnosis.largest_change) < 0.1  # True
    ```
    """

    largest_change: Float[Array, "*networks"]
    """Largest move of a state in one step, at least 0, relative to its critical value."""
    failed_step: Int[Array, "*networks"]
    """First step with a number that is not finite, negative or out of bounds, or -1."""
    failed_junction: Int[Array, "*networks"] | int
    """The junction that it belongs to, or -1 if it belongs to none."""
    cause: Int[Array, "*networks"] | int
    """What is wrong there, as a number; `result` says it in words."""

    @property
    def result(self) -> Any:
        """The way in which the run ended, a `Result`; of several, one each."""
        return _result(jnp.asarray(self.cause))

    def check(self) -> None:
        """Warns of steps that were too large and of numbers that cannot be right, once they have values."""
        if any(concrete(x) is None for x in (self.failed_step, self.largest_change)):
            return
        failed = np.atleast_1d(self.failed_step)
        if (failed >= 0).any():
            first = np.argmin(np.where(failed >= 0, failed, np.iinfo(failed.dtype).max))
            cause, junction = (np.atleast_1d(x).flat[first] for x in (self.cause, self.failed_junction))
            where = "" if junction < 0 else f" at junction {junction}"
            warn_user(
                f"{_share(failed >= 0)}wrong from step {failed.flat[first]} on{where}: "
                f"{Result[_RESULTS[int(cause)]]}."
            )
        change = np.atleast_1d(self.largest_change)
        large = change > LARGEST_CHANGE
        if large.any():
            warn_user(
                f"{_share(large)}a step moved a state by {change[large].max():.3g} of its "
                f"critical value, more than the {LARGEST_CHANGE:g} up to which the explicit step is "
                "trusted: dt is too large for this drive, make it smaller by that ratio."
            )


_RESULTS = {
    BELOW_ROUNDING: Result.below_rounding,
    NOT_FINITE: Result.not_finite,
    OUT_OF_BOUNDS: Result.state_out_of_bounds,
    NEGATIVE_CONDUCTANCE: Result.negative_conductance,
    INFINITE_CONDUCTANCE: Result.infinite_conductance,
    OUT_OF_DOMAIN: Result.number_out_of_domain,
    OUT_OF_DOMAIN_FOR_ALL: Result.number_out_of_domain,
    NOT_CONVERGED: Result.not_converged,
    CURRENT_INTO_ISLAND: Result.current_into_island,
}


def _result(cause: Array) -> Any:
    # Not `Result.where`: on a mesh with explicit axes it does not choose between numbers that are not
    # mapped.
    number_of = lambda result: jax.tree.leaves(result)[0]
    value = fine = number_of(Result.successful)
    for code, result in _RESULTS.items():
        value = value + (cause == code).astype(fine.dtype) * (number_of(result) - fine)
    return jax.tree.map(lambda _: value, Result.successful)


def _share(bad: np.ndarray) -> str:
    return f"{bad.sum()} of {bad.size} runs: " if bad.size > 1 else ""
