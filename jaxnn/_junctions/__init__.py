"""Laws of junctions."""

from .abstract import (
    AbstractCurrentJunction as AbstractCurrentJunction,
    AbstractJunction as AbstractJunction,
    AbstractRateJunction as AbstractRateJunction,
    AbstractSmoothableJunction as AbstractSmoothableJunction,
)
from .decaying_drift import DecayingDriftJunction as DecayingDriftJunction
from .draw import draw_junctions as draw_junctions
from .dynamic_memristor import DynamicMemristorJunction as DynamicMemristorJunction
from .inputs import call_law as call_law, draws_random_numbers as draws_random_numbers
from .linear_drift import LinearDriftJunction as LinearDriftJunction
from .metastable_switch import MetastableSwitchJunction as MetastableSwitchJunction
from .mixed import MixedJunction as MixedJunction, loses_rounding as loses_rounding
from .network_keys import (
    joint_key as joint_key,
    keys_of_networks as keys_of_networks,
    typed_key as typed_key,
)
from .noise import WithLangevinNoise as WithLangevinNoise, WithReadNoise as WithReadNoise
from .ornstein_uhlenbeck import OrnsteinUhlenbeckJunction as OrnsteinUhlenbeckJunction
from .rate_balance import RateBalanceJunction as RateBalanceJunction
from .reduced_units import threshold_voltage as threshold_voltage
from .resistor import Resistor as Resistor
from .saved_law import (
    OWN_LAWS as OWN_LAWS,
    SavedLaw as SavedLaw,
    law_arrays as law_arrays,
    law_from as law_from,
)
from .simmons import (
    LaggedSimmonsJunction as LaggedSimmonsJunction,
    SimmonsJunction as SimmonsJunction,
)
from .spice import (
    AbstractSpiceJunction as AbstractSpiceJunction,
    spice_expressions as spice_expressions,
    state_of_volt as state_of_volt,
)
from .state_scale import StateScale as StateScale, state_scale as state_scale
from .surrogate import (
    AbstractSurrogate as AbstractSurrogate,
    SmoothJunction as SmoothJunction,
    StraightThrough as StraightThrough,
)
from .threshold import G0 as G0, BinaryJunction as BinaryJunction, TunnelJunction as TunnelJunction
from .volatile_filament import VolatileFilamentJunction as VolatileFilamentJunction
from .vteam import VteamJunction as VteamJunction
from .windows import (
    AbstractWindow as AbstractWindow,
    BiolekWindow as BiolekWindow,
    JoglekarWindow as JoglekarWindow,
    ProdromakisWindow as ProdromakisWindow,
)
from .yakopcic import YakopcicJunction as YakopcicJunction
