"""The network behind the pads, fitted to all of them at once."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ._drift import GAIN, SETTLED, innovations, without_drift
from ._network import PadNetwork
from ._poles import TIME_CONSTANTS, best_pole, relaxed


# Pairs of pads begin with this share of a pad's conductance to source and ground.
_COUPLING = 0.01
# How loosely the numbers are tied to where they begin, in powers of e: a pair that nothing tells stays.
_TIE = 7.0
_RANGE = 12.0
_LONGEST = 0.9  # of the interval of the scans
_STEPS = 25


def fit_network(
    time: Float[np.ndarray, " times"],
    source: Float[np.ndarray, " times"],
    voltage: Float[np.ndarray, "times pads"],
    hidden: int = 0,
    seed: int = 0,
) -> PadNetwork:
    """Fits a network to the changes of all pads, each weighted by the noise that a first fit leaves.

    Levenberg and Marquardt's steps in a trust region (SciPy), with the Jacobian by forward differentiation
    through the exact step; the numbers are positive as powers of e.
    """
    from scipy.optimize import least_squares

    data = innovations(voltage, GAIN)[SETTLED:]
    measured = np.isfinite(data)
    begin = _start(time, source, voltage, hidden, seed)
    first, structure = ravel_pytree(jax.tree.map(jnp.log, begin))
    network_of = lambda logs: jax.tree.map(jnp.exp, structure(logs))
    # Given as arguments: XLA would fold constants for seconds.
    given = tuple(map(jnp.asarray, (time, source, np.isfinite(voltage), measured, np.nan_to_num(data))))

    def residual(logs: Array, noise: Array, given: tuple[Array, ...]) -> Array:
        time, source, known, measured, target = given
        changes = without_drift(network_of(logs)(time, source), known, GAIN)[SETTLED:]
        left = jnp.where(measured, (changes - target) / noise[None], 0)
        return jnp.concatenate([left.ravel(), (logs - first) / _TIE])

    # A pad is read before the source steps again.
    longest = np.log(_LONGEST * float(np.median(np.diff(time))))
    upper = np.asarray(first) + _RANGE
    upper[-voltage.shape[1] :] = longest
    value, slope = jax.jit(residual), jax.jit(jax.jacfwd(residual))
    logs = np.asarray(first, float)
    noise = 0.3 * np.nanstd(data, axis=0)
    for _ in range(2):
        found = least_squares(
            lambda x, *rest: np.asarray(value(x, *rest), float),
            logs,
            jac=lambda x, *rest: np.asarray(slope(x, *rest), float),  # pyright: ignore[reportArgumentType]
            bounds=(np.asarray(first) - _RANGE, upper),
            loss="soft_l1",
            max_nfev=_STEPS,
            ftol=1e-5,
            args=(jnp.asarray(noise), given),
        )
        logs = found.x
        left = np.asarray(value(logs, jnp.ones_like(noise), given))[: data.size].reshape(data.shape)
        left = np.sqrt((left**2).sum(axis=0) / measured.sum(axis=0))
        noise = np.maximum(left, 1e-3 * np.nanstd(data, axis=0))
    return network_of(jnp.asarray(logs))


def _start(time: np.ndarray, source: np.ndarray, voltage: np.ndarray, hidden: int, seed: int) -> PadNetwork:
    """Every pad on its own, with the gain, the pole and the delay that it shows alone."""
    interval = float(np.median(np.diff(time)))
    constants = interval * TIME_CONSTANTS
    states = relaxed(time, source, constants)
    drive = innovations(np.concatenate([source[:, None], states], axis=1), GAIN)[SETTLED:]
    changes = innovations(voltage, GAIN)[SETTLED:]
    poles = [best_pole(pad, drive[:, 0], drive[:, 1:], constants) for pad in changes.T]
    rng = np.random.default_rng(seed)
    share = [np.clip(pole.gain, 0.01, 0.98) for pole in poles]
    constant = [np.clip(pole.time_constant, 0.015 * interval, 25 * interval) for pole in poles]
    delay = [np.clip(pole.delay, 0.02 * interval, 0.3 * interval) for pole in poles]
    share = np.concatenate([share, rng.uniform(0.2, 0.8, hidden)])
    constant = np.concatenate([constant, interval * rng.uniform(0.5, 10.0, hidden)])
    nodes = len(share)
    # Not all alike: modes that relax equally fast have no derivative of their own.
    pairs = _COUPLING * np.exp(rng.normal(0, 0.3, nodes * (nodes - 1) // 2))
    return PadNetwork(pairs, share, 1 - share, constant, np.asarray(delay))
