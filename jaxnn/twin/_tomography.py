"""Pads as a tomograph: the conductances inside a network, from what its pads measure between each other."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import Numbers, arguments, compiled
from .._networks import Network


_STRENGTHS = tuple(10.0 ** np.arange(4, -5, -0.5))
_STEPS = 20
_RESOLVED = 1.0


class ConductanceMap(NamedTuple):
    """A map of conductances that agrees with what pads measured, and how much of it they tell.

    ```python
    network = jaxnn.Network(4, [(0, 1), (1, 2), (2, 3), (3, 0)])
    measured = jaxnn.twin.pad_resistance(network, [2e-5, 1e-5, 1e-5, 1e-5], pads=[0, 1, 2, 3])
    found = jaxnn.twin.map_conductances(network, [0, 1, 2, 3], measured, noise=10.0)
    found.resolved  # 4
    ```
    """

    conductance: Float[np.ndarray, " edges"]
    """Conductance of each junction [S]."""
    log_error: Float[np.ndarray, " edges"]
    """Standard error of the logarithm of each, by the noise and what smoothness leaves open."""
    singular_values: Float[np.ndarray, " values"]
    """Of the slope of the data in units of their noise by the logarithms: above 1 what they resolve."""
    resolved: int
    """How many combinations of conductances the data tell beyond their noise."""
    predicted: Float[np.ndarray, "pads pads"]
    """What the pads would measure of the map [Ohm]."""
    strength: float
    """Weight of smoothness: the largest with which the map agrees with the data."""


@arguments.checked(
    network=arguments.one_of(Network),
    conductance=arguments.real(ndim=1),
    pads=arguments.whole_numbers(ndim=1, low=0),
)
def pad_resistance(network: Network, conductance: Numbers, pads: Numbers) -> Float[Array, "pads pads"]:
    r"""Returns what pads measure between each other: their potentials for 1 A into each in turn.

    $$R_{ij} = e_i^T G^{-1} e_j$$

    with the first pad at ground. A current from pad k to pad l gives the potentials $R_{ik} - R_{il}$, so
    that all pairs of pads are in it.

    Raises a `ValueError` for conductances that do not fit the network, and pads that are not in it.

    ```python
    network = jaxnn.Network(3, [(0, 1), (1, 2)])
    jaxnn.twin.pad_resistance(network, np.array([0.1, 0.1]), pads=[0, 2])[1, 1]  # 20.0 [Ohm]
    ```
    """
    pads = np.asarray(pads, int)
    if np.shape(conductance) != (network.n_junctions,):
        raise ValueError(
            f"conductance must be of {network.n_junctions} junctions, got shape {np.shape(conductance)}."
        )
    if pads.size < 2 or len(set(pads.tolist())) < pads.size or pads.max() >= network.n_nodes:
        raise ValueError(f"pads must be two or more wires of {network.n_nodes}, each once, got {pads}.")
    first, second = np.asarray(network.edges).T
    g = jnp.asarray(conductance)
    matrix = jnp.zeros((network.n_nodes, network.n_nodes), g.dtype)
    for i, j, sign in ((first, first, 1), (second, second, 1), (first, second, -1), (second, first, -1)):
        matrix = matrix.at[i, j].add(sign * g)
    others = np.setdiff1d(np.arange(network.n_nodes), pads[:1])
    place = {node: k for k, node in enumerate(others.tolist())}
    columns = np.zeros((len(others), len(pads)))
    for k, pad in enumerate(pads[1:].tolist(), 1):
        columns[place[pad], k] = 1
    columns = jnp.asarray(columns, g.dtype)
    # Every pad's current flows to the first, where the potential is zero.
    return columns.T @ jnp.linalg.solve(matrix[np.ix_(others, others)], columns)


@arguments.checked(
    network=arguments.one_of(Network),
    pads=arguments.whole_numbers(ndim=1, low=0),
    resistance=arguments.real(ndim=2, known=True),
    noise=arguments.real(ndim=0, above=0, known=True),
)
def map_conductances(
    network: Network, pads: Numbers, resistance: Numbers, *, noise: float | int
) -> ConductanceMap:
    r"""Maps the conductances inside a network from what its pads measure between each other.

    $$\min_\theta \left|\frac{R(\theta) - R}{\sigma}\right|^2
      + \lambda \sum_{e \sim f} (\theta_e - \theta_f)^2, \qquad \theta = \log g$$

    over junctions e and f that share a wire, by Gauss and Newton with the derivative through the nodal
    solve. Of the strengths $\lambda$ the largest is taken with which the map agrees with the data, the
    squares in units of the noise being as many as the data (the discrepancy principle). The wiring must be
    known; the data tell at most n (n - 1) / 2 combinations for n pads.

    Raises a `ValueError` for resistances that do not fit the pads.

    Source: Morozov, Soviet Math. Dokl. 7, 414 (1966), the discrepancy principle.

    **Arguments:**

    - `network`: the wiring.
    - `pads`: wires that are pads, the first at ground.
    - `resistance`: potentials of the pads for 1 A into each, as of `jaxnn.twin.pad_resistance` [Ohm].
    - `noise`: standard deviation of them [Ohm].

    ```python
    network = jaxnn.Network(4, [(0, 1), (1, 2), (2, 3), (3, 0)])
    measured = jaxnn.twin.pad_resistance(network, np.array([2e-5, 1e-5, 1e-5, 1e-5]), pads=[0, 1, 2, 3])
    found = jaxnn.twin.map_conductances(network, [0, 1, 2, 3], measured, noise=1.0)
    found.conductance  # [2e-5, 1e-5, 1e-5, 1e-5] [S]
    ```
    """
    count = np.size(pads)
    if np.shape(resistance) != (count, count):
        raise ValueError(
            f"resistance must be of shape ({count}, {count}), for each pad a current into each, got "
            f"{np.shape(resistance)}."
        )
    upper = np.triu_indices(count)
    keep = upper[0] > 0  # the first pad is ground: zero
    rows, columns = upper[0][keep], upper[1][keep]
    data = np.asarray(resistance, float)
    data = ((data + data.T) / 2)[rows, columns]
    model = lambda logs: pad_resistance(network, jnp.exp(logs), pads)[rows, columns]
    evaluate = compiled(lambda logs: (model(logs), jax.jacfwd(model)(logs)))
    rough = _neighbours(np.asarray(network.edges))
    # The even map that has the mean resistance.
    even = np.zeros(network.n_junctions)
    logs = even + np.log(np.mean(np.asarray(model(jnp.asarray(even)))) / np.mean(data))
    strength, value, slope = _STRENGTHS[0], np.empty(0), np.empty(0)
    for strength in _STRENGTHS:
        logs, value, slope = _newton(evaluate, logs, data, noise, strength * rough)
        if ((value - data) ** 2).sum() <= len(data) * noise**2:
            break
    slope = slope / noise
    singular = np.linalg.svd(slope, compute_uv=False)
    spread = np.linalg.pinv(slope.T @ slope + strength * rough + 1e-9 * np.eye(len(logs)))
    predicted = np.zeros((count, count))
    predicted[rows, columns] = predicted[columns, rows] = value
    return ConductanceMap(
        conductance=np.exp(logs),
        log_error=np.sqrt(np.diag(spread)),
        singular_values=singular,
        resolved=int((singular > _RESOLVED).sum()),
        predicted=predicted,
        strength=float(strength),
    )


def _newton(
    evaluate: Callable[[Array], tuple[Array, Array]],
    logs: Float[np.ndarray, " edges"],
    data: Float[np.ndarray, " data"],
    noise: float | int,
    penalty: Float[np.ndarray, "edges edges"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The map of one strength, from one that is near; steps are halved until they help."""
    cost = lambda logs, value: (((value - data) / noise) ** 2).sum() + logs @ penalty @ logs
    value, slope = map(np.asarray, evaluate(jnp.asarray(logs)))
    for _ in range(_STEPS):
        normal = slope.T @ slope / noise**2 + penalty + 1e-9 * np.eye(len(logs))
        step = np.linalg.solve(normal, slope.T @ (data - value) / noise**2 - penalty @ logs)
        step = np.clip(step, -2, 2)
        before = cost(logs, value)
        for _ in range(10):
            value, slope = map(np.asarray, evaluate(jnp.asarray(logs + step)))
            if cost(logs + step, value) <= before:
                break
            step = step / 2
        logs = logs + step
        if np.abs(step).max() < 1e-6:
            break
    return logs, value, slope


def _neighbours(edges: np.ndarray) -> Float[np.ndarray, "edges edges"]:
    """The quadratic form of the differences between junctions that share a wire."""
    share = (edges[:, None, :, None] == edges[None, :, None, :]).any(axis=(2, 3)).astype(float)
    np.fill_diagonal(share, 0)
    return np.diag(share.sum(axis=1)) - share
