"""A call that works of every public function and class, for those who change one argument of it.

What comes out of a computation is not here, nor are sweeps and data sets, which answer for their own files.
"""

import functools as ft
import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

import jaxnn


Call = tuple[Callable[..., Any], dict[str, Any]]

LAW_NUMBERS = {"on_conductance": 7e-5, "off_conductance": 7e-8, "set_voltage": 0.01, "reset_voltage": 0.005}
LAW_NUMBERS |= {"critical_flux": 0.01, "max_flux": 0.015, "boost": 10.0}
WAVE = {"amplitude": 0.1, "frequency": 1.0, "phase": 0.0, "offset": 0.0}
EDGES = np.array([[0, 1], [1, 2], [0, 2], [2, 3]])
PULSES = np.random.default_rng(0).random((5, 3, 4))
LABELS = np.array([0, 0, 1, 1] * 5)
FEATURES = np.random.default_rng(1).random((20, 3)) + LABELS[:, None]
EVENTS = np.random.default_rng(0).poisson(0.7, 3000)
SOLVED = {"terminals": (0, 3), "dt": 1e-3}


@ft.cache
def network() -> jaxnn.Network:
    return jaxnn.Network(4, EDGES, positions=np.arange(8.0).reshape(4, 2), box=(9.0, 9.0))


@ft.cache
def crossed() -> jaxnn.Network:
    ends = np.array([[(0, 0), (2, 0)], [(1, -1), (1, 1)]], float)
    return jaxnn.Network(2, [(0, 1)], ends.mean(axis=1), wire_ends=ends)


@ft.cache
def solution() -> jaxnn.Solution:
    record = ("state", "junction_conductance", "junction_voltage", "power")
    setup = {"terminals": (0, 3), "dt": 1e-3, "steps": 8, "record": record}
    return jaxnn.simulate(network(), jaxnn.TunnelJunction(), jaxnn.Constant(0.1), **setup)


def sample() -> np.ndarray:
    return jaxnn.analysis.power_law_sample(2.0, 1, 30, 300, seed=0)


def read_out() -> jaxnn.reservoirs.LinearReadOut:
    return jaxnn.reservoirs.fit_ridge(FEATURES, LABELS, n_classes=2)


def run(**more: Any) -> dict[str, Any]:
    first = {"network": network(), "junction": jaxnn.TunnelJunction(), "drive": jaxnn.Sine(0.3, 2.0)}
    return first | SOLVED | {"start_step": 0, "state": None, "solver": None, "key": None} | more


def train(**more: Any) -> dict[str, Any]:
    voltages = {"amplitude": 0.2, "width": 0.01, "period": 0.05, "start": 0.0, "base": 0.0}
    return voltages | {"count": 3} | more


def found() -> Any:
    loss = lambda x: (x - 1.0) ** 2
    return jaxnn.optimise(loss, 0.0, optimiser=optax.adam(0.1), steps=3, progress=False)


def a_device() -> dict[str, Any]:
    device = jaxnn.NickelateDevice()
    return {"device": device, "state": device.init_state()}


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
            _defaults(jaxnn.OrnsteinUhlenbeckJunction),
        ),
        **{
            law.__name__: (law, _defaults(law))
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
                _defaults(getattr(jaxnn.parameters, name)),
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
        "shoot": (jaxnn.shoot, _without(run(steps=8, states=starts), "state")),
        "Stepper": (jaxnn.Stepper, _without(run(), "drive")),
        "StateEquation": (jaxnn.StateEquation, _without(run(), "dt", "start_step", "key")),
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


def of_networks_and_tuning() -> dict[str, Call]:
    box, drive = jaxnn.Box(0.0, 0.5), jaxnn.Sine(0.1, 1.0)
    wires = {"n_wires": 14, "box": 1e-5, "length_mean": 1e-5, "length_std": 1e-6, "seed": 0}
    hysteresis = {"drive": [0.5, 1.0], "up": [1e-3, 1.0], "down": [1e-3, 1.0], "thresholds": (1.0, 0.5)}
    return {
        "nanowire_network": (jaxnn.nanowire_network, wires | {"density": None}),
        "network_from_wires": (
            jaxnn.network_from_wires,
            {
                "wire_ends": [[0.0, 0, 2, 0], [1, -1, 1, 1]],
                "unit": "um",
                "touching": 0.1,
                "box": (3.0, 4.0),
            },
        ),
        "spice_netlist": (
            jaxnn.spice_netlist,
            {"network": network(), "junction": jaxnn.Resistor(1e-3), "terminals": (0, 3), "name": "bridge"},
        ),
        "farthest_pair": (jaxnn.farthest_pair, {"network": network(), "by": "hops"}),
        "pair_at": (jaxnn.pair_at, {"network": network(), "path_length": 2}),
        "random_terminals": (jaxnn.random_terminals, {"network": network(), "count": 2, "seed": 0}),
        "keep_programs": (jaxnn.keep_programs, {"n": 10_000}),
        "measured": (jaxnn.measured, {"value": 4.1, "twin": 4.0}),
        "to_free": (jaxnn.to_free, {"parameters": 0.1, "constraints": box}),
        "from_free": (jaxnn.from_free, {"free": jnp.asarray(0.1), "parameters": 0.1, "constraints": box}),
        "only": (jaxnn.only, {"module": drive, "amplitude": box}),
        "spread": (
            jaxnn.spread,
            {"parameters": 0.1, "key": jr.key(0), "restarts": 3, "constraints": box},
        ),
        "plot_conductance": (
            jaxnn.plot_conductance,
            {"time": [0.0, 1.0], "conductance": [1.0, 2.0], "label": None, "unit": "S"},
        ),
        "plot_hysteresis": (jaxnn.plot_hysteresis, hysteresis),
        "plot_network": (
            jaxnn.plot_network,
            {"network": network(), "values": np.ones(4), "terminals": (0, 3), "log": True, "limits": None},
        ),
        "plot_optimisation": (jaxnn.plot_optimisation, {"optimisation": found(), "target": 1e-3}),
        "Network.path_length": (network().path_length, {"a": 0, "b": 3}),
        "Network.with_pad": (
            crossed().with_pad,
            {"rectangle": [0.0, 0, 1, 1], "conductance": 0.1, "side": None, "fraction": 0.1},
        ),
        "Network.with_wire_resistance": (
            crossed().with_wire_resistance,
            {"resistivity": 2e-8, "diameter": 5e-8},
        ),
        "Network.node_on": (crossed().node_on, {"wire": 0, "at": 0.5}),
    }


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


def of_reservoirs() -> dict[str, Call]:
    encoders, reservoirs = jaxnn.encoders, jaxnn.reservoirs
    decay = reservoirs.LeakyIntegrator(3.0)
    tone = np.sin(np.arange(4000.0))
    audio = {"recordings": [tone], "rate": 8000, "channels": 8, "frames": 4, "lowest": 100.0}
    ridge = {"features": FEATURES, "labels": LABELS, "n_classes": 2}
    ridge_more = {k: v for k, v in _defaults(reservoirs.fit_ridge).items() if k not in ridge}
    return {
        "encoders.amplitude_code": (
            encoders.amplitude_code,
            {"pulses": PULSES, "levels": 3, "power": 1.5},
        ),
        "encoders.audio_pulses": (
            encoders.audio_pulses,
            audio | {"decibels": 50.0, "progress": False},
        ),
        "encoders.beat_pulses": (
            encoders.beat_pulses,
            {"beats": np.zeros((5, 187)), "sections": 11, "width": 1},
        ),
        "encoders.image_pulses": (
            encoders.image_pulses,
            {"images": np.zeros((5, 6, 8)), "rows": 2, "sections": 4},
        ),
        "encoders.mask_pulses": (encoders.mask_pulses, {"pulses": PULSES, "mask": np.ones((3, 2))}),
        "encoders.mix_channels": (
            encoders.mix_channels,
            {"pulses": PULSES, "weights": np.ones((2, 3)) / 3},
        ),
        "encoders.random_mask": (
            encoders.random_mask,
            {"key": jr.key(0), "repeats": 2, "nodes": 3, "levels": 2},
        ),
        "encoders.random_mix": (
            encoders.random_mix,
            {"key": jr.key(0), "devices": 2, "channels": 6, "fan_in": 3},
        ),
        "encoders.rate_code": (encoders.rate_code, {"pulses": PULSES, "slots": 4, "key": None}),
        "encoders.threshold_code": (encoders.threshold_code, {"pulses": PULSES, "threshold": 0.4}),
        "encoders.to_volts": (encoders.to_volts, {"pulses": PULSES, "low": 0.5, "high": 2.0}),
        "reservoirs.reservoir_features": (
            reservoirs.reservoir_features,
            {"reservoir": decay, "pulses": PULSES},
        ),
        "reservoirs.respond_in_batches": (
            reservoirs.respond_in_batches,
            {"reservoir": decay, "pulses": PULSES, "batch": 2},
        ),
        "reservoirs.scores": (
            reservoirs.scores,
            {"labels": [0, 0, 1, 1], "named": [0, 1, 1, 1], "n_classes": 2},
        ),
        "reservoirs.fit_ridge": (reservoirs.fit_ridge, ridge | ridge_more),
        "reservoirs.LinearReadOut.classify": (read_out().classify, {"features": FEATURES}),
        "reservoirs.LinearReadOut.decide": (read_out().decide, {"features": FEATURES}),
    }


def of_kernels() -> dict[str, Call]:
    kernels, flux = jaxnn.kernels, jnp.array([0.0, 0.002])
    pick = lambda *names: {name: jnp.asarray(LAW_NUMBERS[name]) for name in names}
    step = pick("set_voltage", "reset_voltage", "max_flux", "boost")
    gap = {"barrier_height": jnp.asarray(0.81), "filament_area": jnp.asarray(1.7e-19)}
    conductances = pick("on_conductance", "off_conductance")
    binary = conductances | pick("critical_flux")
    tunnel = binary | gap | {"max_gap": jnp.asarray(5e-9), "prefactor_power": 1}
    plan = kernels.nodal_plan(4, EDGES, np.array([0, 3]))
    two = (jnp.asarray(0.5), jnp.asarray(0.0))
    graph = kernels.incidence(4, EDGES)
    nodes = {"n_nodes": 4, "edges": EDGES, "terminals": np.array([0, 3])}
    potentials = {"conductance": jnp.ones(4), "terminal_potential": jnp.array([1.0, 0.0])}
    moving = {"flux": flux, "voltage": flux, "dt": 0.01} | step
    return {
        "kernels.threshold_flux_step": (
            kernels.threshold_flux_step,
            moving | {"one_sided_reset": False},
        ),
        "kernels.threshold_flux_rate": (kernels.threshold_flux_rate, _without(moving, "dt")),
        "kernels.compensated_flux_step": (
            kernels.compensated_flux_step,
            moving | {"remainder": 0 * flux},
        ),
        "kernels.binary_conductance": (kernels.binary_conductance, {"flux": flux} | binary),
        "kernels.tunnel_conductance": (kernels.tunnel_conductance, {"flux": flux} | tunnel),
        "kernels.simmons_conductance": (
            kernels.simmons_conductance,
            {"flux": flux, "voltage": flux, "width": jnp.asarray(0.1)} | tunnel,
        ),
        "kernels.gap_conductance": (kernels.gap_conductance, {"gap": flux} | conductances | gap),
        "kernels.smooth_binary_conductance": (
            kernels.smooth_binary_conductance,
            {"flux": flux, "width": jnp.asarray(1e-3)} | binary,
        ),
        "kernels.smooth_tunnel_conductance": (
            kernels.smooth_tunnel_conductance,
            {"flux": flux, "width": jnp.asarray(1e-3)} | tunnel,
        ),
        "kernels.straight_through": (kernels.straight_through, {"exact": flux, "smooth": flux}),
        "kernels.nodal_plan": (kernels.nodal_plan, nodes | {"device": None, "mapped": False}),
        "kernels.dense_plan": (kernels.dense_plan, nodes),
        "kernels.compiled_plan": (kernels.compiled_plan, nodes | {"device": None}),
        "kernels.plans_of_here": (kernels.plans_of_here, {"tree": plan}),
        "kernels.sparse_plan": (kernels.sparse_plan, nodes | {"device": None, "mapped": False}),
        "kernels.star_mesh_plan": (kernels.star_mesh_plan, nodes | {"device": None, "mapped": False}),
        "kernels.incidence": (kernels.incidence, _without(nodes, "terminals")),
        "kernels.difference": (kernels.difference, {"graph": graph, "potential": jnp.ones(4)}),
        "kernels.divergence": (kernels.divergence, {"graph": graph, "flow": jnp.ones(4)}),
        "kernels.solve_nodes": (
            kernels.solve_nodes,
            {"plan": plan, "current": jnp.zeros(4)} | potentials,
        ),
        "kernels.eliminate_nodes": (kernels.eliminate_nodes, {"plan": plan, "conductance": jnp.ones(4)}),
        "kernels.open_conductance": (
            kernels.open_conductance,
            {"n_junctions": 4, "dtype": jnp.float32},
        ),
        "kernels.joined_wires": (kernels.joined_wires, {"plan": plan, "conductance": jnp.ones(4)}),
        "kernels.split_time_step": (kernels.split_time_step, {"dt": 1e-3, "dtype": jnp.float32}),
        "kernels.two_part_sum": (kernels.two_part_sum, {"a": two, "b": two}),
        "kernels.two_part_difference": (kernels.two_part_difference, {"a": two, "b": two}),
        "kernels.two_part_product": (kernels.two_part_product, {"a": two, "b": two}),
        "kernels.fractional_cycles": (kernels.fractional_cycles, {"frequency": two, "time": two}),
        "kernels.whole_periods": (kernels.whole_periods, {"time": two, "period": two}),
        "kernels.square_distance": (
            kernels.square_distance,
            {"weight": jnp.eye(2), "square": jnp.ones(2), "sample": jnp.ones(2)},
        ),
    }


def _without(numbers: dict[str, Any], *names: str) -> dict[str, Any]:
    return {k: v for k, v in numbers.items() if k not in names}


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {x.name: x.default for x in parameters if x.default is not x.empty}


CHEAP = (of_modules, of_networks_and_tuning, of_analysis, of_reservoirs, of_kernels)
ALL = (*CHEAP, of_runs)
