"""How many directions states span after inputs that differ, and after inputs that end alike."""

import numpy as np
from jaxtyping import Float

from .._core import Count, Numbers, arguments


@arguments.checked(
    streams=arguments.count(),
    steps=arguments.count(),
    shared=arguments.count(0),
    seed=arguments.seed,
)
def rank_series(
    streams: Count, *, steps: Count = 50, shared: Count = 0, seed: int = 0
) -> Float[np.ndarray, "streams steps 1"]:
    """Draws the streams after which the rank of states is taken, uniform in -1 to 1.

    With `shared=0` all are different: the rank of the states after them is the kernel rank, as many as a
    linear read-out can tell apart. With the last `shared` samples the same for all it is the
    generalisation rank, which is small if what lies further back is forgotten.

    Source: Legenstein and Maass, Neural Netw. 20, 323 (2007).

    ```python
    streams = jaxnn.tasks.rank_series(8, steps=20, shared=5)
    float(np.ptp(streams[:, -5:], axis=0).max())  # 0.0
    ```
    """
    count, length = arguments.as_count("streams", streams), arguments.as_count("steps", steps)
    same = arguments.as_count("shared", shared, 0)
    if same > length:
        raise ValueError(f"shared={same} is more than the {length} samples of a stream.")
    drawn = np.random.default_rng(seed).uniform(-1, 1, (count, length, 1))
    drawn[:, length - same :] = drawn[:1, length - same :]
    return drawn


@arguments.checked(
    states=arguments.real(ndim=2, known=True),
    tolerance=arguments.real(ndim=0, low=0, high=1, known=True),
    like=arguments.real(ndim=2, known=True),
)
def effective_rank(states: Numbers, *, tolerance: float = 1e-3, like: Numbers | None = None) -> int:
    """Computes how many directions states span: singular values above `tolerance` of the largest.

    - `states`: `(streams, features)`, after each stream; what all have in common is taken off first.
    - `tolerance`: what can be read apart from noise, 1e-3 by default.
    - `like`: states whose largest singular value it is a part of, by default the same. States after streams
      that end alike hardly differ: what can be read of them is told by those after different streams.

    ```python
    states = np.diag([1.0, 0.5, 1e-6])
    jaxnn.tasks.effective_rank(np.vstack([states, -states]))  # 2
    ```
    """
    x = np.asarray(states, float)
    size = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    largest = size.max(initial=0.0)
    if like is not None:
        other = np.asarray(like, float)
        largest = np.linalg.norm(other - other.mean(axis=0), 2)
    # Equal states span nothing, whatever rounding leaves of their mean.
    rounding = np.finfo(float).eps * np.abs(x).max(initial=0.0) * len(x)
    return int(np.sum(size > max(tolerance * largest, rounding)))
