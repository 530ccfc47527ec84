"""Tuning of inputs and parameters by gradients."""

from .constraint import (
    AbstractConstraint as AbstractConstraint,
    Bounded as Bounded,
    Box as Box,
    Fixed as Fixed,
    Positive as Positive,
    Scaled as Scaled,
    from_free as from_free,
    only as only,
    spread as spread,
    to_free as to_free,
)
from .measured import measured as measured
from .optimise import optimise as optimise, partition as partition
from .result import Optimisation as Optimisation, OptimisationResult as OptimisationResult
from .steps import retyped as retyped
