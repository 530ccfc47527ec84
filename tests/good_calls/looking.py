"""Good calls of what draws, and of the page that plays a run back."""

import numpy as np

import jaxnn
from good_calls.examples import Call, found, network, sample, solution


def of_plots() -> dict[str, Call]:
    """Every function of `jaxnn.plot` that takes more than a result."""
    run = solution()
    volts, line = np.linspace(0.0, 3.0, 5), np.ones(5)
    points = np.linspace(0.0, 1.0, 12) + 0.05 * np.cos(40 * np.arange(12))
    fitted = jaxnn.fit.fit_parameters(
        lambda x: x * np.linspace(0, 1, 12), 0.5, points, sigma=0.05, held_out=0
    )
    labels = {"xlabel": "x [V]", "ylabel": "y [A]"}
    return {
        "plot.path": (
            jaxnn.plot.path,
            {"network": network(), "conductance": np.ones(4), "terminals": (0, 3)},
        ),
        "plot.iv_loop": (jaxnn.plot.iv_loop, {"voltage": volts, "current": line, "time": volts}),
        "plot.raster": (jaxnn.plot.raster, {"time": run, "level": 1e-7}),
        "plot.avalanches": (
            jaxnn.plot.avalanches,
            {"sample": sample(), "quantity": "size", "label": "drawn"},
        ),
        "plot.exponent_map": (
            jaxnn.plot.exponent_map,
            {"x": volts, "y": volts, "exponents": np.eye(5), "linear": 1.0} | labels,
        ),
        "plot.device_modes": (
            jaxnn.plot.device_modes,
            {"voltage": volts, "late": line, "early": line, "modes": {"resistor": (0.0, 1.0)}},
        ),
        "plot.fit": (jaxnn.plot.fit, {"found": fitted, "x": np.arange(12.0)} | labels),
        "plot.training": (jaxnn.plot.training, {"optimisation": found(), "target": 1e-3}),
        "Solution.view": (run.view, {"limit": 16}),
    }


CHEAP = (of_plots,)
ALL = CHEAP
