"""Conductances and states of junctions."""

from .bounded import bounded as bounded
from .simmons import simmons_conductance as simmons_conductance
from .smooth import (
    FluxWidths as FluxWidths,
    smooth_binary_conductance as smooth_binary_conductance,
    smooth_threshold_flux_step as smooth_threshold_flux_step,
    smooth_tunnel_conductance as smooth_tunnel_conductance,
    straight_through as straight_through,
)
from .threshold import (
    binary_conductance as binary_conductance,
    compensated_flux_step as compensated_flux_step,
    gap_conductance as gap_conductance,
    threshold_flux_rate as threshold_flux_rate,
    threshold_flux_step as threshold_flux_step,
    tunnel_conductance as tunnel_conductance,
)
