"""Good calls of functions that run something, which takes longer to compile."""

import jax.numpy as jnp
import optax

import jaxnn
from good_calls.examples import Call, a_device, network, run, without


def of_runs() -> dict[str, Call]:
    """Functions that run something, which takes longer to compile."""
    rule, smooth = jaxnn.analysis.Crossing(1e-7), jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 3.0)
    starts = jnp.zeros((2, 4))
    programme = jaxnn.Programme.pulse(1.0, 1e-6, steps=8)
    devices = {"programme": programme, "shape": (), "sheet": None, "sheet_potential": None}
    devices |= {"cycle_spread": None, "key": None, "trace": False}
    two = {"distance": 1e-4, "junctions": None, "differences": None, "interval": 1, "every": None}
    two["variables"] = None
    setup = {"network": network(), "terminals": (0, 3), "junction": jaxnn.TunnelJunction()}
    targets = {"targets": jnp.ones((8, 1)), "segment": 4}
    transport = {"transport": jaxnn.ProtonTransport(cells=4), "programme": programme, "state": None}
    optimise = {"loss": lambda x: (x - 1.0) ** 2, "parameters": 0.5, "optimiser": optax.adam(0.1)}
    optimise |= {"steps": 3, "constraints": None, "restarts": None, "key": None, "has_aux": False}
    optimise |= {"target": 1e-9, "patience": 2, "tolerance": 0.0, "max_halvings": 3, "progress": False}
    lengths = {"steps": 8, "record": ("conductance",), "every": 1, "adjoint": None}
    return {
        "simulate": (jaxnn.simulate, run(**lengths)),
        "shoot": (jaxnn.shoot, without(run(steps=8, states=starts), "state")),
        "Stepper": (jaxnn.Stepper, without(run(), "drive")),
        "StateEquation": (jaxnn.StateEquation, without(run(), "dt", "start_step", "key")),
        "lyapunov_exponents": (
            jaxnn.lyapunov_exponents,
            run(junction=smooth, steps=8, interval=4, count=1, window=None),
        ),
        "two_trajectory_exponents": (jaxnn.two_trajectory_exponents, run(steps=8, **two)),
        "threshold_voltage": (jaxnn.threshold_voltage, setup),
        "simulate_devices": (jaxnn.simulate_devices, a_device() | devices),
        "simulate_transport": (jaxnn.simulate_transport, transport),
        "read_resistance": (jaxnn.read_resistance, a_device() | {"voltage": 0.1, "wait": 1.0}),
        "small_signal_admittance": (
            jaxnn.small_signal_admittance,
            a_device() | {"frequency": 1e3, "bias": 0.0},
        ),
        "optimise": (jaxnn.optimise, optimise),
        "analysis.count_events": (
            jaxnn.analysis.count_events,
            run(rule=rule, margins=(1, 2), steps=8),
        ),
        "analysis.record_read_out": (jaxnn.analysis.record_read_out, run(**targets)),
    }


CHEAP = ()
ALL = (*CHEAP, of_runs)
