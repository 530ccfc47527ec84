"""Sweeps: many runs in chunks that are compiled once, labelled, and safe on the disk."""

from . import provenance as provenance, show as show
from .axes import AbstractSampling as AbstractSampling, Grid as Grid, Sample as Sample, Table as Table
from .open import Dataset as Dataset, open_sweep as open_sweep, summary_of as summary_of
from .reductions import (
    Reduction as Reduction,
    recording as recording,
    register_reduction as register_reduction,
)
from .registry import (
    REGISTRY as REGISTRY,
    register_drive as register_drive,
    register_junction as register_junction,
    register_network as register_network,
    registered as registered,
)
from .specification import Specification as Specification, SpecificationError as SpecificationError
from .store import STORE as STORE
from .sweep import sweep as sweep
