"""Good calls of `jaxnn.analysis`."""

import numpy as np

import jaxnn
from good_calls.examples import EVENTS, Call, network, sample, solution


def of_analysis() -> dict[str, Call]:
    analysis = jaxnn.analysis
    fit = analysis.PowerLawFit(1.9, 0.1, 1, 100, 0.02, 0.6, 500)
    avalanches = analysis.find_avalanches(EVENTS)
    times = {"time": np.arange(3.0), "values": np.ones((3, 4)), "level": 0.5, "network": network()}
    path = {"network": network(), "conductance": np.ones(4), "terminals": (0, 3), "with_passive": True}
    collapse = {"avalanches": avalanches, "shortest": 3, "longest": 5, "least_count": 20, "bootstraps": 2}
    power_law = {"sample": sample(), "minimum": 1, "maximum": 30, "samples": 3, "refit": False, "seed": 0}
    wave = {"conductance": 2 + np.sin(np.arange(100.0)), "frequency": 5.0, "dt": 0.01, "first": 0}
    trace = np.array([5e-8, 2e-7, 2e-7])
    return {
        "analysis.activation_times": (analysis.activation_times, times),
        "analysis.bin_events": (analysis.bin_events, {"events": [0, 1, 0, 0, 2, 1], "width": 2}),
        "analysis.events_in": (
            analysis.events_in,
            {"conductance": trace, "rule": analysis.Crossing(1e-7), "dt": 1e-3, "network": None},
        ),
        "analysis.exponents_relation": (analysis.exponents_relation, {"size": fit, "lifetime": fit}),
        "analysis.find_avalanches": (analysis.find_avalanches, {"binned": [0, 1, 2, 0, 0, 3, 0]}),
        "analysis.fit_power_law": (analysis.fit_power_law, power_law),
        "analysis.gini_coefficient": (analysis.gini_coefficient, {"values": [1.0, 2.0, 3.0], "axis": -1}),
        "analysis.inter_event_intervals": (analysis.inter_event_intervals, {"events": [0, 1, 0, 2, 1]}),
        "analysis.least_resistance_path": (analysis.least_resistance_path, path),
        "analysis.log_log_slope": (analysis.log_log_slope, {"sample": sample()}),
        "analysis.mean_size": (analysis.mean_size, {"avalanches": avalanches}),
        "analysis.mean_size_exponent": (
            analysis.mean_size_exponent,
            {"avalanches": avalanches, "shortest": 1, "longest": 10},
        ),
        "analysis.on_off_ratio": (analysis.on_off_ratio, wave),
        "analysis.power_law_probabilities": (
            analysis.power_law_probabilities,
            {"exponent": 2.0, "minimum": 1, "maximum": 3},
        ),
        "analysis.power_law_sample": (
            analysis.power_law_sample,
            {"exponent": 2.0, "minimum": 1, "maximum": 100, "count": 10, "seed": 0},
        ),
        "analysis.scan_power_law": (
            analysis.scan_power_law,
            {"sample": sample()[:40], "accept": 0.5, "samples": 2, "tries": 2, "seed": 0},
        ),
        "analysis.shape_collapse": (analysis.shape_collapse, collapse | {"seed": 0}),
        "analysis.trace_events": (
            analysis.trace_events,
            {"conductance": trace, "absolute": 5e-8, "relative": 0.03},
        ),
        "reductions.activation_time": (
            jaxnn.reductions.activation_time,
            {"solution": solution(), "conductance": 1e-6},
        ),
        "reductions.events": (jaxnn.reductions.events, {"solution": solution(), "ratio": 0.05}),
        "reductions.final_conductance": (jaxnn.reductions.final_conductance, {"solution": solution()}),
        "reductions.largest_conductance": (jaxnn.reductions.largest_conductance, {"solution": solution()}),
        "reductions.conductance_trace": (jaxnn.reductions.conductance_trace, {"solution": solution()}),
        "reductions.mean_power": (jaxnn.reductions.mean_power, {"solution": solution()}),
    }


CHEAP = (of_analysis,)
ALL = CHEAP
