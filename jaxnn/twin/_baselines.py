"""What a twin has to beat: a static divider, a single pole, and a black box; each pad on its own."""

import numpy as np
from jaxtyping import Float

from ._poles import TIME_CONSTANTS, best_pole, relaxed


LAGS = 60
TRACES = (5.0, 20.0, 100.0, 500.0)  # scans
_PENALTIES = tuple(10.0 ** np.arange(-4, 3))
_VALIDATED = 0.2  # of the fitted part, its end


def baselines(
    time: Float[np.ndarray, " times"],
    source: Float[np.ndarray, " times"],
    voltage: Float[np.ndarray, "times pads"],
    fitted: int,
) -> dict[str, Float[np.ndarray, "times pads"]]:
    """Predictions from the source alone, fitted to the first scans by least squares.

    `divider` is a gain and an offset; `pole` adds one RC pole and a read delay; `black_box` is ridge
    regression on 60 lags, their squares and four leaky traces, its penalty chosen in the fitted part.
    """
    constants = float(np.median(np.diff(time))) * TIME_CONSTANTS
    states = relaxed(time, source, constants)
    features = _features(source, fitted)
    found = {name: np.empty_like(voltage) for name in ("divider", "pole", "black_box")}
    first = min(LAGS, fitted // 4)
    design = np.stack([source, np.ones_like(source)], axis=1)
    for k, pad in enumerate(voltage.T):
        known = np.isfinite(pad[:fitted]) & (np.arange(fitted) >= first)
        weights = np.linalg.lstsq(design[:fitted][known], pad[:fitted][known], rcond=None)[0]
        found["divider"][:, k] = design @ weights
        pole = best_pole(np.where(known, pad[:fitted], np.nan), source[:fitted], states[:fitted], constants)
        state = states[:, int(np.argmin(np.abs(constants - pole.time_constant)))]
        found["pole"][:, k] = pole.offset + pole.present * source + pole.charge * state
        found["black_box"][:, k] = _ridge(features, pad, np.flatnonzero(known))
    return found


def _features(source: np.ndarray, fitted: int) -> Float[np.ndarray, "times features"]:
    shifted = lambda lag: np.concatenate([np.full(lag, source[0]), source[: len(source) - lag]])
    lags = np.stack([shifted(lag) for lag in range(LAGS)], axis=1)
    traces = np.empty((len(source), len(TRACES)))
    state = np.full(len(TRACES), source[0])
    keep = np.exp(-1 / np.array(TRACES))
    for k, value in enumerate(source):
        traces[k] = state = keep * state + (1 - keep) * value
    mean = source[:fitted].mean()
    features = np.concatenate([lags, (lags - mean) ** 2, traces], axis=1)
    centre, spread = features[:fitted].mean(axis=0), features[:fitted].std(axis=0)
    return (features - centre) / np.where(spread > 0, spread, 1)


def _ridge(features: np.ndarray, pad: np.ndarray, rows: np.ndarray) -> Float[np.ndarray, " times"]:
    """The prediction at all times with the penalty that serves the end of the fitted part best."""
    cut = round((1 - _VALIDATED) * len(rows))
    train, check = rows[:cut], rows[cut:]
    fit = lambda on, penalty: _solve(features[on], pad[on], penalty)
    miss = []
    for penalty in _PENALTIES:
        weights, mean, centre = fit(train, penalty)
        miss.append(float(((pad[check] - mean - (features[check] - centre) @ weights) ** 2).sum()))
    weights, mean, centre = fit(rows, _PENALTIES[int(np.argmin(miss))])
    return mean + (features - centre) @ weights


def _solve(
    features: np.ndarray, pad: np.ndarray, penalty: float
) -> tuple[np.ndarray, float, Float[np.ndarray, " features"]]:
    centre, mean = features.mean(axis=0), float(pad.mean())
    normal = (features - centre).T @ (features - centre) / len(pad)
    normal[np.diag_indices_from(normal)] += penalty
    return np.linalg.solve(normal, (features - centre).T @ (pad - mean) / len(pad)), mean, centre
