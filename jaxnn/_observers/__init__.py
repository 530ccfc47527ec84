"""What follows a run as it goes: events, read-outs, exponents."""

from .count_events import (
    EventCounter as EventCounter,
    EventCounts as EventCounts,
    count_events as count_events,
)
from .events import (
    AbstractEventRule as AbstractEventRule,
    Crossing as Crossing,
    RelativeRate as RelativeRate,
)
from .lyapunov import LyapunovSpectrum as LyapunovSpectrum, lyapunov_exponents as lyapunov_exponents
from .read_out import (
    ReadOutRecord as ReadOutRecord,
    ReadOutRun as ReadOutRun,
    record_read_out as record_read_out,
)
from .two_trajectories import (
    PairVariables as PairVariables,
    SeparationGrowth as SeparationGrowth,
    two_trajectory_exponents as two_trajectory_exponents,
)
from .voltage_range import BeyondRange as BeyondRange, VoltageRange as VoltageRange
