"""Sweeps: many runs in chunks that are compiled once, labelled, and safe on the disk."""

from ._axes import (
    AbstractSampling as AbstractSampling,
    Grid as Grid,
    Sample as Sample,
    Table as Table,
)
from ._open import open_sweep as open_sweep
from ._reductions import Reduction as Reduction, register_reduction as register_reduction
from ._sweep import sweep as sweep
