"""Pictures of networks, runs and tunings."""

from .curves import (
    plot_conductance as plot_conductance,
    plot_hysteresis as plot_hysteresis,
    plot_optimisation as plot_optimisation,
)
from .drawing import (
    GUIDE as GUIDE,
    PALETTE as PALETTE,
    WIRE as WIRE,
    in_unit as in_unit,
    new_axes as new_axes,
    positive as positive,
    save_figure as save_figure,
    tidy as tidy,
)
from .network import plot_network as plot_network
