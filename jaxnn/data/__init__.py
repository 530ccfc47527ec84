"""Readers of data sets in their owners' layouts, and of measurements. Nothing is ever downloaded."""

from ._folder import data_folder as data_folder
from ._heartbeats import (
    HEARTBEAT_CLASSES as HEARTBEAT_CLASSES,
    Heartbeats as Heartbeats,
    heartbeat_csv as heartbeat_csv,
    heartbeats as heartbeats,
)
from ._idx import mnist as mnist, read_idx as read_idx
from ._loops import IVCurve as IVCurve, read_iv as read_iv
from ._recordings import Recording as Recording, read_recording as read_recording
from ._roles import PadRoles as PadRoles
from ._spoken import SpokenDigits as SpokenDigits, spoken_digits as spoken_digits
from ._wfdb import EcgRecord as EcgRecord, read_ecg as read_ecg
from ._wires import plot_wires as plot_wires, wires_from_image as wires_from_image


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
