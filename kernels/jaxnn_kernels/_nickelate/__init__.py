"""Protons in nickelate devices."""

from .cloud import (
    CloudState as CloudState,
    ProtonCloud as ProtonCloud,
    cloud_resistance as cloud_resistance,
    hopping as hopping,
    proton_cloud_rate as proton_cloud_rate,
    stored_charge as stored_charge,
)
from .cloud_step import (
    CloudFlow as CloudFlow,
    proton_cloud_step as proton_cloud_step,
)
from .transport import (
    ProtonTraps as ProtonTraps,
    TransportState as TransportState,
    hop_rates as hop_rates,
    transport_step as transport_step,
)
