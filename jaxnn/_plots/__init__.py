"""Pictures of networks, runs and tunings."""

from .curves import (
    plot_conductance as plot_conductance,
    plot_hysteresis as plot_hysteresis,
    plot_optimisation as plot_optimisation,
)
from .drawing import GUIDE as GUIDE, PALETTE as PALETTE, save_figure as save_figure
from .network import plot_network as plot_network
