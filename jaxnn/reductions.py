"""What `jaxnn.sweep` can keep of a run: functions of a `Solution`, for `reduce=`."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ._core import arguments
from ._simulation import Solution


__all__ = [
    "activation_time",
    "conductance_trace",
    "events",
    "final_conductance",
    "largest_conductance",
    "largest_exponent",
    "mean_power",
]


@arguments.checked(solution=arguments.one_of(Solution))
def final_conductance(solution: Solution) -> Float[Array, ""]:
    """Conductance at the last step kept [S].

    ```python
    jaxnn.reductions.final_conductance(solution) == solution.conductance[-1]  # True
    ```
    """
    return solution.conductance[-1]


@arguments.checked(solution=arguments.one_of(Solution))
def largest_conductance(solution: Solution) -> Float[Array, ""]:
    """Largest conductance of the steps kept [S].

    ```python
    jaxnn.reductions.largest_conductance(solution)  # 8.63e-7 [S]
    ```
    """
    return jnp.nanmax(solution.conductance)


@arguments.checked(solution=arguments.one_of(Solution), conductance=arguments.real(ndim=0))
def activation_time(solution: Solution, conductance: float | int = 1e-6) -> Float[Array, ""]:
    """First time kept with at least so much conductance [s], NaN if there is none.

    ```python
    jaxnn.reductions.activation_time(solution, conductance=1e-6)  # nan [s]
    ```
    """
    active = solution.conductance >= conductance
    return jnp.where(active.any(), solution.time[jnp.argmax(active)], jnp.nan)


@arguments.checked(solution=arguments.one_of(Solution), ratio=arguments.real(ndim=0, low=0))
def events(solution: Solution, ratio: float | int = 0.05) -> Int[Array, ""]:
    """How often the conductance moves by more than `ratio` of itself from one step kept to the next.

    ```python
    jaxnn.reductions.events(solution, ratio=0.05)  # 2
    ```
    """
    G = solution.conductance
    moved = jnp.abs(G[1:] - G[:-1]) > ratio * G[:-1]
    # A run of such steps is one event.
    starts = moved & ~jnp.concatenate([jnp.zeros(1, bool), moved[:-1]])
    return jnp.sum(starts, dtype=jnp.int32)


@arguments.checked(solution=arguments.one_of(Solution))
def mean_power(solution: Solution) -> Float[Array, ""]:
    """Power dissipated in all junctions, the mean over the steps kept [W].

    ```python
    jaxnn.reductions.mean_power(solution)  # 1.68e-8 [W]
    ```
    """
    return jnp.mean(solution.power)


@arguments.checked(solution=arguments.one_of(Solution))
def conductance_trace(solution: Solution) -> Float[Array, " time"]:
    """Conductance at every step kept [S].

    ```python
    jaxnn.reductions.conductance_trace(solution).shape  # (50,)
    ```
    """
    return solution.conductance


def largest_exponent(spectrum: Any) -> Float[Array, ""]:
    """The leading exponent of `jaxnn.lyapunov_exponents` [1/s].

    ```python
    smooth = jaxnn.SmoothJunction(law, sharpness=3.0)
    spectrum = jaxnn.lyapunov_exponents(network, smooth, drive, interval=10, **setup)
    jaxnn.reductions.largest_exponent(spectrum)  # -1.23 [1/s]
    ```
    """
    return spectrum.exponents[0]
