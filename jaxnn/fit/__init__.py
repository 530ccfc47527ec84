"""From measurement to model: parameters with errors and a verdict, fitted by gradient."""

from ._bootstrap import Bootstrap as Bootstrap, bootstrap as bootstrap
from ._fit import Fit as Fit
from ._fit_parameters import fit_parameters as fit_parameters
from ._losses import (
    AbstractRobustLoss as AbstractRobustLoss,
    Cauchy as Cauchy,
    Huber as Huber,
    SoftL1 as SoftL1,
)
from ._methods import (
    AbstractMethod as AbstractMethod,
    Gradient as Gradient,
    LevenbergMarquardt as LevenbergMarquardt,
)
from ._profile import Profile as Profile, profile as profile
from ._response import Response as Response


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
