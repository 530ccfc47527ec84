"""The twin of a measured device: a network of unknown wiring behind known pads."""

from ._fit_twin import fit_twin as fit_twin
from ._network import PadNetwork as PadNetwork
from ._twin import Twin as Twin


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
