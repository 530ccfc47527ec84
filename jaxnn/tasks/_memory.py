"""What is still known of earlier samples: linearly, through a function, and by name."""

import numpy as np
from jaxtyping import Float

from .._core import Count, Numbers, arguments
from ._task import Task


_COUNT = arguments.count()


def delayed(series: Float[np.ndarray, " time"], delays: int) -> Float[np.ndarray, "time delays"]:
    """The series 1, 2, ... samples ago, with zeros before its beginning."""
    padded = np.concatenate([np.zeros(delays), series])
    return np.stack([padded[delays - d : len(padded) - d] for d in range(1, delays + 1)], axis=1)


@arguments.checked(delays=_COUNT, steps=_COUNT, seed=arguments.seed, washout=arguments.count(0))
def memory_task(delays: Count = 30, *, steps: Count = 3000, seed: int = 0, washout: Count = 200) -> Task:
    r"""Makes the task to recall a random input, uniform in -1 to 1, from 1 to `delays` samples ago.

    Its score is the memory capacity, $\sum_d r^2(u_{k-d}, \hat y_k)$, at most the number of features.

    Source: Jaeger, GMD Report 152 (2001).

    ```python
    task = jaxnn.tasks.memory_task(delays=3, steps=200)
    bool(np.all(task.targets[3:, 2] == task.inputs[:-3, 0]))  # True
    ```
    """
    most, count = arguments.as_count("delays", delays), arguments.as_count("steps", steps)
    u = np.random.default_rng(seed).uniform(-1, 1, count)
    washout = max(arguments.as_count("washout", washout, 0), most)
    return Task("memory capacity", u[:, None], delayed(u, most), washout, "capacity")


@arguments.checked(
    delays=_COUNT,
    strengths=arguments.real(ndim=1, above=0, known=True, some=True),
    steps=_COUNT,
    seed=arguments.seed,
    washout=arguments.count(0),
)
def nonlinear_memory_task(
    delays: Count = 8,
    strengths: Numbers = (0.1, 1.0, 3.0, 10.0),
    *,
    steps: Count = 3000,
    seed: int = 0,
    washout: Count = 200,
) -> Task:
    r"""Makes the task to say $\sin(\nu u_{k-d})$ of a random input, for each delay and each strength.

    Memory is traded against nonlinearity. The targets are the delays 1, 2, ... for the first strength, then
    for the next; the score is the sum of squared correlations.

    Source: Inubushi and Yoshimura, Sci. Rep. 7, 10199 (2017).

    ```python
    jaxnn.tasks.nonlinear_memory_task(delays=4, steps=200).targets.shape  # (200, 16)
    ```
    """
    task = memory_task(delays, steps=steps, seed=seed, washout=washout)
    targets = [np.sin(nu * task.targets) for nu in np.asarray(strengths, float)]
    return task._replace(name="nonlinear memory", targets=np.concatenate(targets, axis=1))


@arguments.checked(
    back=_COUNT,
    symbols=arguments.count(2),
    length=arguments.count(2),
    novelty=arguments.real(ndim=0, low=0, high=1, known=True),
    steps=_COUNT,
    seed=arguments.seed,
    washout=arguments.count(0),
)
def sequence_memory_task(
    back: Count = 1,
    *,
    symbols: Count = 4,
    length: Count = 8,
    novelty: float = 0.3,
    steps: Count = 3000,
    seed: int = 0,
    washout: Count = 200,
) -> Task:
    """Makes the task to name the symbol of `back` samples ago in a stream that half repeats itself.

    A random sequence of `length` symbols is repeated, and a share `novelty` of its symbols is replaced at
    random each time. There is one input and one target per symbol, 1 for the one that is meant; the score
    is the share of symbols that are named.

    After Zhu et al., Nat. Commun. 14 (2023), doi 10.1038/s41467-023-42470-5, whose symbols are images of
    digits: a form of its task, not its stimuli.

    ```python
    task = jaxnn.tasks.sequence_memory_task(back=2, steps=200)
    task.targets.sum(axis=1)[5]  # 1.0
    ```
    """
    count, lag = arguments.as_count("steps", steps), arguments.as_count("back", back)
    kinds, period = arguments.as_count("symbols", symbols), arguments.as_count("length", length)
    random = np.random.default_rng(seed)
    stream = np.resize(random.integers(kinds, size=period), count)
    stream = np.where(random.random(count) < novelty, random.integers(kinds, size=count), stream)
    shown = np.eye(kinds)[stream]
    earlier = np.concatenate([np.zeros((lag, kinds)), shown[:-lag]])
    washout = max(arguments.as_count("washout", washout, 0), lag)
    return Task(f"sequence memory, {lag} back", shown, earlier, washout, "recall")
