"""What a run means: paths, load, events, avalanches, power laws, crackling noise, information, read-outs.

`count_events` and `record_read_out` work while a network is simulated; the rest takes arrays, measured
or simulated.
"""

from .._observers import (
    AbstractEventRule as AbstractEventRule,
    BeyondRange as BeyondRange,
    Crossing as Crossing,
    EventCounter as EventCounter,
    EventCounts as EventCounts,
    ReadOutRecord as ReadOutRecord,
    ReadOutRun as ReadOutRun,
    RelativeRate as RelativeRate,
    VoltageRange as VoltageRange,
    count_events as count_events,
    record_read_out as record_read_out,
)
from ._avalanches import (
    Avalanches as Avalanches,
    bin_events as bin_events,
    find_avalanches as find_avalanches,
    inter_event_intervals as inter_event_intervals,
    mean_size as mean_size,
)
from ._crackling import (
    Estimate as Estimate,
    ShapeCollapse as ShapeCollapse,
    exponents_relation as exponents_relation,
    mean_size_exponent as mean_size_exponent,
    shape_collapse as shape_collapse,
)
from ._gini import gini_coefficient as gini_coefficient
from ._graph_measures import GraphMeasures as GraphMeasures, graph_measures as graph_measures
from ._information import (
    Information as Information,
    active_information_storage as active_information_storage,
    transfer_entropy as transfer_entropy,
)
from ._on_off_ratio import on_off_ratio as on_off_ratio
from ._paths import activation_times as activation_times, least_resistance_path as least_resistance_path
from ._power_law import (
    PowerLawFit as PowerLawFit,
    fit_power_law as fit_power_law,
    log_log_slope as log_log_slope,
    power_law_probabilities as power_law_probabilities,
    power_law_sample as power_law_sample,
    scan_power_law as scan_power_law,
)
from ._powerlaw_package import compare_with_powerlaw as compare_with_powerlaw
from ._recorded_events import events_in as events_in, trace_events as trace_events


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
