"""Good calls of what a user writes down: laws, drives, devices, solvers."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np

import jaxnn
from good_calls.examples import EDGES, LAW_NUMBERS, WAVE, Call, defaults, network, train


def of_modules() -> dict[str, Call]:
    """Everything that a user writes down."""
    law, drive = jaxnn.TunnelJunction(), jaxnn.Sine(0.1, 1.0)
    switches = {"one_sided_reset": False, "compensated": False}
    gap = {"barrier_height": 0.81, "filament_area": 1.7e-19, "max_gap": 5e-9, "prefactor_power": 1}
    areas = {"positions": np.ones((4, 2)), "wire_ends": np.ones((4, 2, 2)), "box": (3.0, 4.0)}
    passive = {"passive": np.arange(4) == 0, "passive_conductance": 0.1, "wires": np.arange(4)}
    device = {k: v for k, v in vars(jaxnn.NickelateDevice()).items() if not k.startswith("_")}
    growing = {"capacity": 8, "activity_threshold": 0.9, "habituation_threshold": 0.1, "winner_rate": 0.2}
    growing |= {"neighbour_rate": 0.01, "winner_fall": 0.3, "neighbour_fall": 0.1, "recovery": 1.05}
    growing |= {"max_age": 600, "context": 0, "context_decay": 0.7, "label_fall": 0.1, "storage": None}
    traps = {"mobile_capacity": 0.5, "bound_capacity": 0.5, "attempt_frequency": 1e13}
    traps |= {"capture_energy": 0.6, "binding_energy": 0.1, "site_density": 1.81e28, "cells": 100}
    sheet = {"capacitance": 5e-12, "leak_resistance": 1e6, "coupling": 1e-6, "decay_length": 5e-6}
    sizes = {"pinning_field": 0.03, "insulator_energy": 0.01, "insulator_length": 0.02}
    rest = {"resolution": 1e-7, "compliance": 1e-3, "steps": 8}
    return {
        "AutoSolver": (jaxnn.AutoSolver, {"device": None, "mapped": False}),
        "StarMesh": (jaxnn.StarMesh, {"device": None, "mapped": False}),
        "BinaryJunction": (jaxnn.BinaryJunction, LAW_NUMBERS | switches),
        "TunnelJunction": (jaxnn.TunnelJunction, LAW_NUMBERS | gap | switches),
        "Resistor": (jaxnn.Resistor, {"conductance": 1e-6}),
        "SimmonsJunction": (jaxnn.SimmonsJunction, {"filament": law, "width": 0.15}),
        "LaggedSimmonsJunction": (jaxnn.LaggedSimmonsJunction, {"filament": law}),
        "SmoothJunction": (jaxnn.SmoothJunction, {"junction": law, "sharpness": 3.0}),
        "StraightThrough": (jaxnn.StraightThrough, {"surrogate": jaxnn.SmoothJunction(law, 3.0)}),
        "OrnsteinUhlenbeckJunction": (
            jaxnn.OrnsteinUhlenbeckJunction,
            defaults(jaxnn.OrnsteinUhlenbeckJunction),
        ),
        **{
            law.__name__: (law, defaults(law))
            for law in (
                jaxnn.RateBalanceJunction,
                jaxnn.LinearDriftJunction,
                jaxnn.DecayingDriftJunction,
                jaxnn.VteamJunction,
                jaxnn.YakopcicJunction,
                jaxnn.MetastableSwitchJunction,
                jaxnn.VolatileFilamentJunction,
                jaxnn.DynamicMemristorJunction,
                jaxnn.JoglekarWindow,
                jaxnn.BiolekWindow,
                jaxnn.ProdromakisWindow,
            )
        },
        **{
            f"parameters.{name}": (
                getattr(jaxnn.parameters, name),
                defaults(getattr(jaxnn.parameters, name)),
            )
            for name in ("milano2022_connectome", "strukov2008", "kasdorf2025")
        },
        "WithReadNoise": (jaxnn.WithReadNoise, {"junction": law, "relative": 0.1, "gaussian": False}),
        "WithLangevinNoise": (jaxnn.WithLangevinNoise, {"junction": law, "amplitude": 1e-3}),
        "MixedJunction": (jaxnn.MixedJunction, {"laws": (law, law), "law_of_junction": [0, 1, 1, 0]}),
        "Electrode": (
            jaxnn.Electrode,
            {"wire": 0, "kind": "voltage", "resistance": 1.0, "on": 1.0},
        ),
        "Capacitance": (
            jaxnn.Capacitance,
            {"to_substrate": 1e-15, "across_junctions": 1e-15, "potential": 0.0},
        ),
        "Feedback": (jaxnn.Feedback, {"function": lambda step: step.conductance, "first": 0.1}),
        "draw_junctions": (
            jaxnn.draw_junctions,
            {"junction": law, "key": jr.key(0), "n_junctions": 4, "boost": 0.1},
        ),
        "Constant": (jaxnn.Constant, {"voltage": 0.1}),
        "Sine": (jaxnn.Sine, WAVE),
        "Triangle": (jaxnn.Triangle, WAVE),
        "Square": (jaxnn.Square, WAVE | {"duty": 0.5}),
        "Ramp": (jaxnn.Ramp, {"start": 0.0, "stop": 0.1, "duration": 1.0}),
        "OnThenOff": (jaxnn.OnThenOff, {"on": 0.1, "off": 0.0, "off_time": 1.0}),
        "PulseTrain": (jaxnn.PulseTrain, train()),
        "Samples": (jaxnn.Samples, {"values": [0.1, 0.2], "interval": 1e-3}),
        "Amplified": (jaxnn.Amplified, {"drive": drive, "gain": 2.0}),
        "Succession": (jaxnn.Succession, {"first": drive, "second": drive, "switch_time": 1.0}),
        "Sine.then": (drive.then, {"other": drive, "at": 1.0}),
        "Sum": (jaxnn.Sum, {"drives": (drive, jaxnn.Constant(0.1))}),
        "Network": (jaxnn.Network, {"n_nodes": 4, "edges": EDGES} | areas | passive),
        "Ensemble": (jaxnn.Ensemble, {"networks": [network(), network()]}),
        "Box": (jaxnn.Box, {"low": 0.0, "high": 1.0}),
        "Bounded": (jaxnn.Bounded, {"low": 0.0, "high": 1.0}),
        "Scaled": (jaxnn.Scaled, {"scale": 2.0}),
        "Checkpointed": (jaxnn.Checkpointed, {"segment": 4}),
        "Truncated": (jaxnn.Truncated, {"window": 4, "inner": jaxnn.StoreStates()}),
        "NickelateDevice": (jaxnn.NickelateDevice, device),
        "NickelateSpread": (jaxnn.NickelateSpread, sizes),
        "CapacitiveSheet": (jaxnn.CapacitiveSheet, {"positions": np.eye(2)} | sheet),
        "CapacitiveSheet.grid": (jaxnn.CapacitiveSheet.grid, {"rows": 2, "columns": 2}),
        "ProtonTransport": (jaxnn.ProtonTransport, {"device": jaxnn.NickelateDevice()} | traps),
        "Programme.ramp": (jaxnn.Programme.ramp, {"start": 0.0, "stop": 1.0, "duration": 1e-6} | rest),
        "Programme.train": (
            jaxnn.Programme.train,
            {"voltage": [1.0, 2.0], "width": 1e-6, "period": 2e-6} | rest,
        ),
        "Programme.pulse": (jaxnn.Programme.pulse, {"voltage": 1.0, "width": 1e-6} | rest),
        "GrowWhenRequired": (jaxnn.GrowWhenRequired, growing),
        "analysis.Crossing": (jaxnn.analysis.Crossing, {"level": 1e-6}),
        "analysis.RelativeRate": (jaxnn.analysis.RelativeRate, {"threshold": 1e-3}),
        "analysis.EventCounter": (
            jaxnn.analysis.EventCounter,
            {"rule": jaxnn.analysis.Crossing(1e-6), "margins": (1, 2)},
        ),
        "analysis.VoltageRange": (jaxnn.analysis.VoltageRange, {"limit": 0.4}),
        "reservoirs.LeakyIntegrator": (
            jaxnn.reservoirs.LeakyIntegrator,
            {"time_constant": 3.0, "reads": 0, "every": 1},
        ),
        "reservoirs.SideBySide": (
            jaxnn.reservoirs.SideBySide,
            {"parts": (jaxnn.reservoirs.RowSums(),), "sizes": (1,)},
        ),
        "reservoirs.EchoState.drawn": (
            jaxnn.reservoirs.EchoState.drawn,
            {"devices": 3, "seed": 0, "radius": 0.9, "input_scale": 1.0, "links": 2},
        ),
        "reservoirs.TungstenOxideReservoir": (
            jaxnn.reservoirs.TungstenOxideReservoir,
            {k: v for k, v in vars(jaxnn.reservoirs.TungstenOxideReservoir()).items() if k[0] != "_"},
        ),
        "reservoirs.NanowireReservoir.drawn": (
            jaxnn.reservoirs.NanowireReservoir.drawn,
            {"devices": 2, "key": jr.key(0), "wires": 20, "spread": 0.1},
        ),
        "Timing.of": (jaxnn.Timing.of, {"number": 1e-6, "dtype": jnp.float32}),
    }


CHEAP = (of_modules,)
ALL = CHEAP
