"""Multiple shooting: a long run as short windows side by side, joined by a penalty."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import on_mesh_of_arguments

from .._core import Count, Declared, Terminals, arguments, check_network
from .._drives import AbstractDrive, DriveLike
from .._junctions import AbstractJunction
from .._networks import Ensemble, Network
from .problem import check_start
from .simulate import simulate
from .solution import Solution


@arguments.checked(states=arguments.real(ndim=(2, 3), finite=False, some=True))
@on_mesh_of_arguments
def shoot(
    network: Declared[Network | Ensemble],
    junction: Declared[AbstractJunction],
    drive: DriveLike,
    states: Float[Array, "windows *variables junctions"],
    *,
    terminals: Terminals,
    dt: Declared[ArrayLike],
    steps: Count,
    start_step: Count = 0,
    **options: Any,
) -> tuple[Solution, Float[Array, "gaps *variables junctions"]]:
    r"""Runs all windows of a long run at once, each from a state of its own, and the gaps between.

    $$\mathrm{gap}_w = \lambda_{\mathrm{end}}(s_w) - s_{w+1}, \qquad
      \text{minimise} \; \mathrm{loss} + \tfrac{\rho}{2} \textstyle\sum_w |\mathrm{gap}_w|^2
      \text{ over the drive and } s_2, s_3, \dots$$

    The gradient goes back through one window only, and so stays finite where a network is chaotic;
    the windows are one run where all gaps are zero. Raise the penalty $\rho$ as the loss falls.

    - `states`: where the windows start, the first one the start of the run; a run's states at these
      times make good ones.
    - `steps`: of the whole run, a multiple of the number of windows; an array `drive` has as many rows.
    A penalty over variables of several units adds gaps in units of `junction.critical_state()`.

    - `options`: what else `jaxnn.simulate` takes (`record`, `every`, `solver`, `adjoint`).

    Returns a `Solution` whose arrays have a leading axis of windows, and the gaps (windows - 1) in the
    unit of the state. Call `Solution.check()` on it for warnings.

    Raises a `ValueError` for steps that the windows do not divide, an ensemble, and what
    `jaxnn.simulate` refuses.

    Source: Bock and Plitt, IFAC Proc. Vol. 17, 1603 (1984).

    ```python
    starts = jnp.stack([law.init_state(network.n_junctions), solution.state[24]])
    runs, gaps = jaxnn.shoot(network, law, drive, starts, **setup)
    runs.conductance.shape  # (2, 25)
    abs(gaps).max() < 1e-9  # True
    ```
    """
    check_network(network, Network)
    states = jnp.asarray(states)
    windows = states.shape[0]
    parts, axis, length = _split(drive, arguments.as_count("steps", steps), windows)
    starts = check_start(start_step, length * windows) + length * jnp.arange(windows, dtype=jnp.int32)

    def window(state: Array, start: Array, drive: AbstractDrive | Array) -> Solution:
        return simulate(
            network,
            junction,
            drive,
            terminals=terminals,
            dt=dt,
            steps=length,
            start_step=start,
            state=state,
            **options,
        )

    solution = eqx.filter_vmap(window, in_axes=(0, 0, axis))(states, starts, parts)
    return solution, solution.final_state[:-1] - states[1:]


def _split(drive: DriveLike, n_steps: int, windows: int) -> tuple[AbstractDrive | Array, int | None, int]:
    """The drive of each window, its axis of windows if it has one, and the steps of a window."""
    if n_steps % windows:
        raise ValueError(
            f"steps={n_steps} must be a multiple of the {windows} windows that `states` has: give states "
            f"for another number of windows, or steps={n_steps - n_steps % windows} for a shorter run."
        )
    length = n_steps // windows
    if isinstance(drive, AbstractDrive):
        return drive, None, length
    arguments.real()("drive", drive)
    samples = jnp.asarray(drive)
    if samples.shape[:1] != (n_steps,):
        raise ValueError(f"drive must have {n_steps} rows, one per step, got shape {samples.shape}.")
    return samples.reshape(windows, length, *samples.shape[1:]), 0, length
