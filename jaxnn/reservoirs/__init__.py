"""Reservoirs that turn pulses into features, and the read-out that alone is trained."""

from ._abstract import (
    AbstractReservoir as AbstractReservoir,
    Response as Response,
    SideBySide as SideBySide,
    reservoir_features as reservoir_features,
    respond_in_batches as respond_in_batches,
)
from ._echo_state import EchoState as EchoState
from ._least_squares import (
    LeastSquaresMemory as LeastSquaresMemory,
    RecursiveLeastSquares as RecursiveLeastSquares,
)
from ._linear import LeakyIntegrator as LeakyIntegrator, RowSums as RowSums
from ._nanowires import NanowireReservoir as NanowireReservoir
from ._network import (
    NetworkReservoir as NetworkReservoir,
    SeriesResponse as SeriesResponse,
    reservoirpy_node as reservoirpy_node,
)
from ._nickelate import NickelateReservoir as NickelateReservoir
from ._read_out import (
    LinearReadOut as LinearReadOut,
    Scores as Scores,
    fit_logistic as fit_logistic,
    fit_ridge as fit_ridge,
    scores as scores,
)
from ._tungsten_oxide import TungstenOxideReservoir as TungstenOxideReservoir


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
