"""A pad behind a junction that conducts more at higher voltage: it charges faster than it discharges."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._drift import GAIN, SETTLED, innovations, without_drift


_STEPS = 6  # of a scan, before the read and after it: frozen conductances within each
_STARTS = ((0.2, 0.6), (0.6, 0.2), (0.06, 2.0))  # rates off and on, a scan
_BOUND = 8.0
_MOST = 40  # evaluations of a search


class Charging(NamedTuple):
    r"""A junction that charges a pad, its voltage in standard deviations of the source.

    $$\dot x = k(u - x)\,(u - x), \qquad k(w) = k_{off} + k_{on}\,\sigma\left((w - w_0)\, s\right)$$

    and the pad is at `offset + direct u + gain x`. The logistic function is the volatile threshold
    switching of a junction, averaged over its filaments.
    """

    numbers: Float[np.ndarray, " 5"]
    """log k_off and logit of the read delay, by the interval of the scans; log k_on, w0, log s."""
    weights: Float[np.ndarray, " 2"]
    """What the source and the charge add to the pad [V]."""

    def __call__(
        self, time: Float[np.ndarray, " times"], scaled: Float[np.ndarray, " times"]
    ) -> Float[np.ndarray, " times"]:
        charge = _charge(jnp.asarray(self.numbers), jnp.asarray(scaled), jnp.asarray(_intervals(time)))
        return np.stack([scaled, np.asarray(charge, float)], axis=1) @ self.weights


def _intervals(time: np.ndarray) -> np.ndarray:
    """Intervals of the scans over their median."""
    steps = np.diff(time)
    return np.append(steps / np.median(steps), 1.0)


@jax.jit
def _charge(numbers: Array, source: Array, intervals: Array) -> Float[Array, " times"]:
    off, on, sharpness = jnp.exp(numbers[0]), jnp.exp(numbers[2]), jnp.exp(numbers[4])
    delay = jax.nn.sigmoid(numbers[1])

    def relax(charge: Array, voltage: Array, duration: Array) -> Array:
        for _ in range(_STEPS):
            rate = off + on * jax.nn.sigmoid((voltage - charge - numbers[3]) * sharpness)
            charge = voltage + (charge - voltage) * jnp.exp(-rate * duration / _STEPS)
        return charge

    def step(charge: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        voltage, interval = now
        read = relax(charge, voltage, delay)
        return relax(read, voltage, jnp.maximum(interval - delay, 0)), read

    return jax.lax.scan(step, source[0], (source, intervals))[1]


@jax.jit
def _residual(
    numbers: Array,
    pad: Array,
    known: Array,
    source: Array,
    intervals: Array,
) -> tuple[Array, Array]:
    """What the best weights leave of the pad's changes, and these weights (variable projection)."""
    columns = jnp.stack([pad, source, _charge(numbers, source, intervals)], axis=1)
    changes = without_drift(columns, jnp.broadcast_to(known[:, None], columns.shape), GAIN)
    changes = jnp.where((jnp.arange(len(pad)) < SETTLED)[:, None], 0, changes)
    target, model = changes[:, 0], changes[:, 1:]
    normal = model.T @ model
    weights = jnp.linalg.solve(normal + 1e-6 * jnp.trace(normal) * jnp.eye(2), model.T @ target)
    return target - model @ weights, weights


_slope = jax.jit(jax.jacfwd(lambda *given: _residual(*given)[0]))


def fit_charging(
    time: Float[np.ndarray, " times"], scaled: Float[np.ndarray, " times"], pad: Float[np.ndarray, " times"]
) -> Charging:
    """The junction of one pad, from several starts, robust to jumps."""
    from scipy.optimize import least_squares

    intervals, known = _intervals(time), np.isfinite(pad)
    changes = innovations(pad[:, None], GAIN)[SETTLED:, 0]
    scale = float(np.nanstd(changes)) or 1.0
    given = (np.where(known, pad, 0), known, scaled, intervals)
    fun = lambda x: np.asarray(_residual(x, *given)[0], float) / scale
    jac = lambda x: np.asarray(_slope(x, *given), float) / scale
    searches = [
        least_squares(
            fun,
            np.array([np.log(off), -2.0, np.log(on), 0.0, np.log(2.0)]),
            jac=jac,  # pyright: ignore[reportArgumentType]
            bounds=(-_BOUND, _BOUND),
            loss="soft_l1",
            f_scale=0.3,
            max_nfev=_MOST,
            ftol=1e-5,
        )
        for off, on in _STARTS
    ]
    best = min(searches, key=lambda search: search.cost).x
    return Charging(best, np.asarray(_residual(jnp.asarray(best), *given)[1], float))
