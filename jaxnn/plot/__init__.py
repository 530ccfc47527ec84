"""A picture of each thing that people look at: each function draws on one Matplotlib `Axes` and returns it.

`ax=None` makes a new figure. Colours are those of Okabe and Ito, and maps that the colour-blind can read.
"""

from .._plots import (
    plot_conductance as conductance,
    plot_hysteresis as hysteresis,
    plot_network as network,
    plot_optimisation as training,
)
from ._device import device_modes as device_modes
from ._events import avalanches as avalanches, raster as raster
from ._fit import fit as fit
from ._loop import iv_loop as iv_loop
from ._maps import exponent_map as exponent_map, sweep_map as sweep_map
from ._path import path as path


__all__ = [
    "avalanches",
    "conductance",
    "device_modes",
    "exponent_map",
    "fit",
    "hysteresis",
    "iv_loop",
    "network",
    "path",
    "raster",
    "sweep_map",
    "training",
]
