"""Standard tasks of reservoir computing: series, targets, and how well a linear read-out reaches them."""

from ._capacity import ProcessingCapacity as ProcessingCapacity, processing_capacity as processing_capacity
from ._memory import (
    memory_task as memory_task,
    nonlinear_memory_task as nonlinear_memory_task,
    sequence_memory_task as sequence_memory_task,
)
from ._ranks import effective_rank as effective_rank, rank_series as rank_series
from ._series import (
    lorenz_task as lorenz_task,
    mackey_glass_series as mackey_glass_series,
    mackey_glass_task as mackey_glass_task,
    narma_task as narma_task,
)
from ._task import Judgement as Judgement, Task as Task, judge as judge
from ._waveforms import waveform_task as waveform_task


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
