"""Windows of the waveform transformation after the transients of the map of drives, in pieces on disk."""

import functools as ft
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg

import jaxnn
from experiments.hochstetter2021._drive_map import TOGETHER, DriveMap, Drives, in_groups
from jaxnn import analysis
from jaxnn.analysis import on_off_ratio


DT = 1e-3  # [s]
SEGMENT = 1000  # [steps] of the triangular factor


class Windows(NamedTuple):
    """Records of the window that read-outs are trained on and of the one that they are judged on."""

    first: analysis.ReadOutRecord
    second: analysis.ReadOutRecord
    ratio: np.ndarray
    """On/off ratios in the first, (drives,)."""


def targets(amplitude: Any, frequency: Any, time_: Any) -> Any:
    """What the read-outs have to give, (times, targets), in the order of `TARGETS`."""
    drives = (
        jaxnn.Sine(amplitude, frequency),
        jaxnn.Square(amplitude, frequency),
        jaxnn.Triangle(amplitude, frequency, phase=jnp.pi / 2),
        jaxnn.Triangle(amplitude, 2 * frequency),
    )
    return jnp.stack([jax.vmap(drive)(time_) for drive in drives], axis=1)


def windows(runs: DriveMap, name: str, drives: Drives, flux: np.ndarray, seconds: float) -> Windows:
    """Two windows of so many seconds, one after the other, of each drive after its transient."""
    steps, found = round(seconds / DT), []
    window = window_of(runs, steps, min(SEGMENT, steps))
    for start in range(0, len(flux), TOGETHER):
        some, states = drives[start : start + TOGETHER], runs.from_fluxes(flux[start : start + TOGETHER])
        make = ft.partial(_group, window, some, states, steps)
        found.append(
            runs.pieces.keep(f"{runs.law}/{name}/windows_{seconds:g}s_{start // TOGETHER:02d}", make)
        )
    factor = np.concatenate([x["factor"] for x in found], 1)
    samples = jnp.full(len(flux), steps, jnp.int32)
    first, second = (analysis.ReadOutRecord(jnp.asarray(f), samples, runs.network.n_nodes) for f in factor)
    return Windows(first, second, np.concatenate([x["ratio"] for x in found]))


def basic_accuracy(record: analysis.ReadOutRecord) -> np.ndarray:
    """In-sample accuracies of each target by the weights that the deposited scores were made with.

    Those of MATLAB's `regress`: a QR decomposition that takes the features one by one, of what is left the
    largest first, and gives a weight of zero to the rest as soon as that is below the rounding of the
    first, times the number of samples. `ReadOutRecord.weights` leaves out directions, and not features;
    where hardly anything is above the rounding that decides on the score.
    """
    n, factor = record.n_features, np.asarray(record.factor)
    features, wanted = factor[:, :n], factor[:, n:]
    decomposed: Any = scipy.linalg.qr(features, mode="economic", pivoting=True)
    q, r, order = decomposed
    size = np.abs(np.diag(r))
    rank = int(np.sum(size > max(int(record.samples), n) * np.spacing(size[0])))
    weights = np.zeros((n, wanted.shape[1]))
    weights[order[:rank]] = scipy.linalg.solve_triangular(r[:rank, :rank], (q.T @ wanted)[:rank])
    return np.asarray(record.accuracy(weights))


def window_of(runs: DriveMap, steps: int, segment: int) -> Any:
    """Amplitude, frequency, state and the step to start from -> `analysis.ReadOutRun`."""

    @jax.jit
    @jax.vmap
    def window(drive: Any) -> Any:
        amplitude, frequency, state, start = drive
        wanted = targets(amplitude, frequency, DT * (start + jnp.arange(1, steps + 1)))
        setup = runs.setup((amplitude, frequency, state), start, DT)
        network, law, triangle = (setup.pop(x) for x in ("network", "junction", "drive"))
        return analysis.record_read_out(network, law, triangle, wanted, segment=segment, **setup)

    return window


def _group(window: Any, drives: Drives, states: np.ndarray, steps: int) -> dict[str, Any]:
    """The triangular factors of the two windows, and the on/off ratios."""
    at = lambda step: np.full(len(states), step, np.int32)
    first = in_groups(window, *drives, states, at(0))
    second = in_groups(window, *drives, first.final_state, at(steps))
    assert np.all(np.asarray(second.failed_step) < 0), "a step was not finite"
    rows = zip(first.conductance, drives.frequency.tolist(), strict=True)
    ratio = [on_off_ratio(g, f, DT, first=1) for g, f in rows]
    return {"factor": np.stack([first.record.factor, second.record.factor]), "ratio": np.array(ratio)}
