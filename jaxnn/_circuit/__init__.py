"""What is around a network: electrodes, capacitors, and junctions that are no resistors."""

from .capacitance import Capacitance as Capacitance
from .circuit import (
    Circuit as Circuit,
    Sources as Sources,
    make_circuit as make_circuit,
    sources_at as sources_at,
)
from .electrode import (
    Electrode as Electrode,
    Electrodes as Electrodes,
    electrodes_of as electrodes_of,
    electrodes_on as electrodes_on,
    fed_of as fed_of,
    wires_of as wires_of,
)
from .layout import Layout as Layout
from .netlist import spice_netlist as spice_netlist
from .newton import (
    AbstractCurrents as AbstractCurrents,
    Balanced as Balanced,
    balanced as balanced,
)
from .verilog import verilog_a as verilog_a
