"""Tasks that are not in the table, under the rate balance: ranks, nonlinear memory, sequence memory."""

import dataclasses as dc
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.reservoirs._laws_on_tasks import NOISE, bench
from experiments.reservoirs._scales import Scale
from jaxnn import tasks


STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
GAINS = (0.25, 0.5, 1.0, 2.0, 4.0)
TIME = 0.03  # of a sample, in units of the law's own time
BACK = (1, 2, 3, 4, 6)


def ranks(scale: Scale, streams: int) -> dict[str, Any]:
    """Kernel and generalisation rank at several gains; streams of 40 samples, the last 10 shared."""
    reservoir, path = bench(scale.law, scale.steps)
    weights = jnp.asarray(reservoir.gain)
    series = np.concatenate([tasks.rank_series(streams, steps=40, shared=s) for s in (0, 10)])

    def last(gain: Any) -> Any:
        volts = gain * scale.volts * path * weights
        numbers = {"gain": volts, "offset": volts[:, 0], "dt": TIME * scale.seconds / scale.steps}
        return dc.replace(reservoir, **numbers).run(series).features[:, -1]

    states = np.asarray(jax.jit(jax.vmap(last))(jnp.asarray(GAINS)))
    apart, alike = np.split(states, 2, axis=1)
    kernel = [tasks.effective_rank(x) for x in apart]
    general = [tasks.effective_rank(x, like=y) for x, y in zip(alike, apart, strict=True)]
    return {"gain": GAINS, "kernel": kernel, "generalisation": general, "streams": streams}


def nonlinear(features: np.ndarray, steps: int) -> dict[str, Any]:
    """Squared correlations by strength and delay, of the features that memory was judged by."""
    task = tasks.nonlinear_memory_task(8, STRENGTHS, steps=steps)
    found = tasks.judge(task, features, noise=NOISE)
    return {"strengths": STRENGTHS, "each": found.each.reshape(len(STRENGTHS), -1), "score": found.score}


def sequences(scale: Scale, samples: int) -> dict[str, Any]:
    """Shares of symbols that are named, each symbol at an electrode of its own."""
    reservoir, path = bench(scale.law, scale.steps)
    volts = 0.5 * scale.volts * path * np.eye(len(reservoir.electrodes))
    reservoir = dc.replace(reservoir, gain=volts, dt=0.1 * scale.seconds / scale.steps)
    posed = [tasks.sequence_memory_task(back, steps=samples) for back in BACK]
    features = np.asarray(reservoir.run(posed[0].inputs).features)
    found = [tasks.judge(task, features, noise=NOISE).score for task in posed]
    shares = posed[0].targets[posed[0].parts()[2]].mean(axis=0)
    return {"back": BACK, "score": found, "most frequent": shares.max()}
