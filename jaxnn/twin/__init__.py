"""The twin of a measured device: a network of unknown wiring behind known pads."""

from ._compare import Comparison as Comparison, compare as compare
from ._fit_twin import fit_twin as fit_twin
from ._network import PadNetwork as PadNetwork
from ._pictures import draw_predictions as draw_predictions, draw_scores as draw_scores
from ._tomography import (
    ConductanceMap as ConductanceMap,
    map_conductances as map_conductances,
    pad_resistance as pad_resistance,
)
from ._twin import Twin as Twin


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
