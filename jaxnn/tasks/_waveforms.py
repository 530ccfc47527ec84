"""One waveform is made into others."""

import numpy as np

from .._core import Count, arguments
from ._task import Task


@arguments.checked(period=arguments.count(4), steps=arguments.count(), washout=arguments.count(0))
def waveform_task(period: Count = 40, *, steps: Count = 3000, washout: Count = 200) -> Task:
    """Makes the task to turn a triangle wave into a sine, a square, a shifted and a twice as fast wave.

    The targets are, in this order, the sine of the same zeros, its sign, the triangle a quarter of a period
    later, and the triangle of half the period; samples lie between the corners. The score is the mean
    accuracy, 1 - RNMSE.

    Source: Hochstetter et al., Nat. Commun. 12, 4008 (2021), Fig. 8.

    ```python
    task = jaxnn.tasks.waveform_task(period=20, steps=400)
    float(abs(task.inputs).max())  # 0.9
    ```
    """
    each, count = arguments.as_count("period", period), arguments.as_count("steps", steps)
    phase = (np.arange(count) + 0.5) / each
    triangle = lambda turns: 2 / np.pi * np.arcsin(np.sin(2 * np.pi * turns))
    sine = np.sin(2 * np.pi * phase)
    targets = np.stack([sine, np.sign(sine), triangle(phase + 0.25), triangle(2 * phase)], axis=1)
    washout = arguments.as_count("washout", washout, 0)
    return Task("waveform transformation", triangle(phase)[:, None], targets, washout, "accuracy")
