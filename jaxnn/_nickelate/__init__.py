"""Nickelate devices: one, many, in a sheet, and their transport of protons."""

from .admittance import small_signal_admittance as small_signal_admittance
from .device import NickelateDevice as NickelateDevice
from .programme import Programme as Programme
from .run import (
    DeviceSolution as DeviceSolution,
    DeviceTrace as DeviceTrace,
    read_resistance as read_resistance,
    simulate_devices as simulate_devices,
)
from .sheet import CapacitiveSheet as CapacitiveSheet
from .spread import NickelateSpread as NickelateSpread
from .transport import ProtonTransport as ProtonTransport, simulate_transport as simulate_transport
