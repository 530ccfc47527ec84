"""What `jaxnn.sweep` can keep of a run: functions of a `Solution`, for `reduce=`."""

from ._sweep._reductions import (
    activation_time as activation_time,
    conductance_trace as conductance_trace,
    events as events,
    final_conductance as final_conductance,
    largest_conductance as largest_conductance,
    largest_exponent as largest_exponent,
    mean_power as mean_power,
)
