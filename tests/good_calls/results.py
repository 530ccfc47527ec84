"""Good calls, of methods of networks and results, sweeps, data sets and kernels."""

import functools as ft
import tempfile
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import jax.random as jr
import networkx as nx
import numpy as np

import jaxnn
from good_calls import examples


Call = examples.Call


@ft.cache
def folder() -> Path:
    """A folder with a network, a run, a sweep and a data set in it."""
    path = Path(tempfile.mkdtemp())
    examples.network().save(path / "network.npz")
    examples.solution().save(path / "run.npz")
    (path / "two.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 7]))
    return path


@ft.cache
def growth() -> tuple[jaxnn.GrowWhenRequired, Any, jaxnn.GrowthHistory]:
    growing, samples = jaxnn.GrowWhenRequired(8), jr.uniform(jr.key(0), (20, 2))
    return growing, *growing.learn(growing.start(samples[:2]), samples)


def nodes() -> jaxnn.NickelateNodes:
    rising, small = jnp.linspace(-14.0, -12.0, 5), jnp.full(5, 0.1)
    return jaxnn.NickelateNodes(rising, small, small, *(1e-12 * small,) * 2, *(1e-12,) * 3)


def of_networks() -> dict[str, Call]:
    network, ensemble = examples.network(), jaxnn.Ensemble([examples.network()] * 2)
    bare = jaxnn.Network(4, examples.EDGES, positions=np.arange(8.0).reshape(4, 2))
    path = folder() / "network.npz"
    return {
        "Network.check_terminals": (network.check_terminals, {"terminals": (0, 3)}),
        "Network.component_of": (network.component_of, {"wires": (0, 1)}),
        "Network.renumbered": (network.renumbered, {"wires": (0, 1)}),
        "Network.shortest_path": (network.shortest_path, {"a": 0, "b": 3}),
        "Network.with_pads": (bare.with_pads, {"fraction": 0.3, "conductance": 0.1}),
        "Network.from_graph": (jaxnn.Network.from_graph, {"graph": nx.path_graph(4)}),
        "Network.from_adjacency": (
            jaxnn.Network.from_adjacency,
            {"matrix": np.ones((3, 3)) - np.eye(3), "positions": None},
        ),
        "Network.load": (jaxnn.Network.load, {"path": path}),
        "Network.save": (network.save, {"path": path}),
        "Ensemble.check_terminals": (ensemble.check_terminals, {"terminals": [(0, 3), (0, 3)]}),
        "Ensemble.part": (ensemble.part, {"i": 0}),
        "Ensemble.node_slice": (ensemble.node_slice, {"i": 0}),
        "Ensemble.junction_slice": (ensemble.junction_slice, {"i": 0}),
        "Ensemble.per_junction": (ensemble.per_junction, {"values": np.ones(2)}),
        "Ensemble.split_nodes": (ensemble.split_nodes, {"x": np.ones(8)}),
        "Ensemble.split_junctions": (ensemble.split_junctions, {"x": np.ones(8)}),
    }


def of_results() -> dict[str, Call]:
    growing, state, history = growth()
    samples, record = np.ones((4, 2)), jaxnn.analysis.ReadOutRecord.of(np.eye(3)[:, :2], np.ones((3, 1)))
    clock, transport = jaxnn.Clock.at(0.3), jaxnn.ProtonTransport(cells=4)
    device, programme = jaxnn.NickelateDevice(), jaxnn.Programme.pulse(1.0, 1e-6, steps=8)
    start = transport.init_state()
    run, law = folder() / "run.npz", jaxnn.TunnelJunction()
    beats = jaxnn.data.Heartbeats(np.zeros((10, 187)), np.zeros(10, int), np.repeat([101, 100], 5))
    equation = jaxnn.StateEquation(examples.network(), law, jaxnn.Sine(0.3, 2.0), terminals=(0, 3))
    return {
        "Solution.load": (jaxnn.Solution.load, {"path": run, "junction": None}),
        "Solution.save": (examples.solution().save, {"path": run}),
        "Solution.part": (examples.solution_of_two().part, {"i": 0}),
        "Solution.to_xarray": (examples.solution().to_xarray, {"batch": None}),
        "Solution.to_csv": (examples.solution().to_csv, {"path": folder() / "run.csv", "layout": "iv"}),
        "StateEquation.observe": (equation.observe, {"time": 0.1, "state": jnp.zeros(4)}),
        "GrowWhenRequired.start": (
            growing.start,
            {"inputs": samples, "n_classes": 2, "labels": np.array([0, 1, 0, 1])},
        ),
        "GrowWhenRequired.learn": (
            growing.learn,
            {"state": state, "inputs": samples, "labels": np.zeros(4, int), "every": 2},
        ),
        "GrowWhenRequired.classify": (
            growing.classify,
            {"state": state, "inputs": samples, "stored": False},
        ),
        "GrowthHistory.count": (history.count, {"kind": 1}),
        "node_cost": (
            jaxnn.node_cost,
            {"nodes": nodes(), "history": history, "state": state, "largest": 1.0, "verify": False},
        ),
        "NickelateNodes.storage": (
            nodes().storage,
            {"capacity": 4, "inputs": 2, "key": jr.key(0), "largest": 1.0, "verify": False},
        ),
        "NickelateNodes.conductance": (nodes().conductance, {"fraction": jnp.asarray(0.5)}),
        "NickelateNodes.number": (nodes().number, {"log_conductance": jnp.asarray(-13.0)}),
        "NickelateNodes.at": (
            nodes().at,
            {"name": "write_energy", "log_conductance": jnp.asarray(-13.0)},
        ),
        "NickelateSpread.draw": (jaxnn.NickelateSpread().draw, {"device": device, "key": jr.key(0)}),
        "NickelateDevice.voltage": (device.voltage, {"state": device.init_state()}),
        "Programme.rest": (jaxnn.Programme.rest, {"duration": 1.0, "resolution": 1e-7, "steps": 8}),
        "Programme.read": (jaxnn.Programme.read, {"voltage": 0.1, "wait": 1.0, "hold": 1.0, "steps": 8}),
        "Programme.sampled": (
            jaxnn.Programme.sampled,
            {"voltage": [0.0, 1.0, 2.0], "interval": 1e-6, "compliance": 0.0, "steps": 2},
        ),
        "Programme.repeat": (programme.repeat, {"count": 2}),
        "Programme.with_steps": (programme.with_steps, {"steps": 4}),
        "ProtonTransport.init_state": (
            transport.init_state,
            {"length": 2e-8, "mobile": 0.25, "bound": 0.25, "edge": 1e-9},
        ),
        "ProtonTransport.hydrogen": (transport.hydrogen, {"state": start}),
        "ProtonTransport.displaced_charge": (transport.displaced_charge, {"state": start}),
        "Clock.at": (jaxnn.Clock.at, {"time": 0.3, "dtype": None}),
        "Clock.cycles": (clock.cycles, {"frequency": 2.0}),
        "Clock.since": (clock.since, {"instant": 0.1}),
        "Clock.reached": (clock.reached, {"instant": 0.1}),
        "Clock.nearest_edge": (clock.nearest_edge, {"period": 0.2, "start": 0.0}),
        "analysis.Crossing.of": (jaxnn.analysis.Crossing.of, {"junction": law, "factor": 2.0}),
        "analysis.ReadOutRecord.of": (
            jaxnn.analysis.ReadOutRecord.of,
            {"features": np.eye(3), "targets": np.ones((3, 1))},
        ),
        "analysis.ReadOutRecord.extended": (
            record.extended,
            {"features": np.ones((4, 2)), "targets": np.ones((4, 1))},
        ),
        "analysis.ReadOutRecord.weights": (record.weights, {"tolerance": 1e-9, "among": [0, 1]}),
        "analysis.ReadOutRecord.accuracy": (record.accuracy, {"weights": np.ones((2, 1))}),
        "reservoirs.fit_logistic": (
            jaxnn.reservoirs.fit_logistic,
            {"features": examples.FEATURES, "labels": examples.LABELS, "n_classes": 2}
            | {"penalty": 1e-4, "balanced": False},
        ),
        "reservoirs.NickelateReservoir.prepared": (
            jaxnn.reservoirs.NickelateReservoir.prepared,
            {"devices": 2, "mode": "neuron", "key": jr.key(0), "device": None, "spread": None},
        ),
        "data.Heartbeats.random_split": (beats.random_split, {"seed": 0, "test": 0.2}),
    }


@ft.cache
def a_fit() -> jaxnn.fit.Fit:
    """Of a straight line through four points."""
    return jaxnn.fit.fit_parameters(lambda x: x * jnp.ones(4), 1.0, [1.9, 2.0, 2.1, 2.0], held_out=0)


def of_fits() -> dict[str, Call]:
    fit, found = jaxnn.fit, a_fit()
    search = {"steps": 20, "draws": 2}
    fitted = {"predict": lambda x: x * jnp.ones(4), "parameters": 1.0, "data": [1.9, 2.0, 2.1, 2.0]}
    fitted |= {"sigma": 0.1, "constraints": jaxnn.Box(0.0, 5.0), "starts": 2, "key": jr.key(0)}
    fitted |= {"loss": None, "held_out": 0.0, "method": fit.LevenbergMarquardt(**search)}
    wave = {"network": None, "time": [0.0, 0.1, 0.2], "voltage": [0.0, 0.1, 0.2], "terminals": (0, 1)}
    return {
        "fit.fit_parameters": (fit.fit_parameters, fitted),
        "fit.Response": (fit.Response, wave | {"dt": 0.1, "read": "current", "record": "conductance"}),
        "fit.LevenbergMarquardt": (fit.LevenbergMarquardt, search),
        "fit.Gradient": (fit.Gradient, search | {"optimiser": None}),
        "fit.Huber": (fit.Huber, {"width": 1.345}),
        "fit.SoftL1": (fit.SoftL1, {"width": 1.0}),
        "fit.Cauchy": (fit.Cauchy, {"width": 2.385}),
        "fit.profile": (
            fit.profile,
            {"found": found, "name": "x", "points": 2, "reach": 2.0, "level": 0.9},
        ),
        "fit.bootstrap": (
            fit.bootstrap,
            {"found": found, "repetitions": 3, "key": jr.key(0), "level": 0.9},
        ),
        "fit.Fit.interval": (found.interval, {"level": 0.9}),
        "fit.Fit.plot": (found.plot, {"x": [0.0, 1.0, 2.0, 3.0], "xlabel": "time [s]", "ylabel": "I [A]"}),
    }


def of_data() -> dict[str, Call]:
    """What reads files: good but for the files, which are not there."""
    data, base = jaxnn.data, {"folder": folder()}
    return {
        "data.data_folder": (data.data_folder, base),
        "data.read_idx": (data.read_idx, {"path": folder() / "two.idx", "md5": None}),
        "data.mnist": (data.mnist, base | {"split": "train"}),
        "data.heartbeat_csv": (data.heartbeat_csv, base | {"split": "train"}),
        "data.heartbeats": (
            data.heartbeats,
            base | {"records": (100,), "cache": folder(), "progress": False},
        ),
        "data.read_ecg": (data.read_ecg, base | {"name": "100", "annotations": "atr"}),
        "data.spoken_digits": (data.spoken_digits, base),
    }


def of_sweeps() -> dict[str, Call]:
    over = {"drive.amplitude": [0.1, 0.3]}
    sample = {"ranges": {"junction.boost": (1.0, 20.0)}, "count": 4, "method": "sobol"}
    given = {"network": examples.network(), "junction": jaxnn.TunnelJunction()}
    given |= {"drive": jaxnn.Sine(0.3, 2.0), "over": over, "terminals": (0, 3), "dt": 1e-3, "steps": 8}
    given |= {"out": folder() / "sweep", "reduce": ("final_conductance",), "points": None}
    given |= {"networks_at_once": None, "method": jaxnn.simulate, "progress": False}
    jaxnn.sweep(**given)
    return {
        "Grid": (jaxnn.Grid, {"values": over}),
        "Table": (jaxnn.Table, {"columns": over, "name": "case"}),
        "Sample": (jaxnn.Sample, sample | {"seed": 0, "name": "sample"}),
        "sweep": (jaxnn.sweep, given),
        "open_sweep": (jaxnn.open_sweep, {"folder": folder() / "sweep"}),
        "Reduction": (
            jaxnn.Reduction,
            {"function": jaxnn.reductions.mean_power, "unit": "W", "description": "", "dimensions": ()}
            | {"record": ()},
        ),
    }


def of_state_kernels() -> dict[str, Call]:
    kernels, zero = jaxnn.kernels, jnp.zeros(())
    device, transport = jaxnn.NickelateDevice(), jaxnn.ProtonTransport(cells=4)
    cloud, state, field = device.cloud(), device.init_state(), jnp.array([0.0, 1.2e8])
    stored = jnp.array([True, True, False])
    grown = kernels.grow_state(jnp.eye(3), stored, jnp.zeros((3, 1)))
    numbers = kernels.GrowParameters(0.9, 0.1, 0.2, 0.01, 0.3, 0.1, 1.05, 600, 0, 1000, 0, 0.1)
    widths = kernels.FluxWidths(*map(jnp.asarray, (3e-3, 3e-3, 5e-3, 5e-3)))
    pick = ("set_voltage", "reset_voltage", "max_flux", "boost")
    moving = {name: jnp.asarray(examples.LAW_NUMBERS[name]) for name in pick}
    flux = {"flux": jnp.array([0.0, 0.002]), "voltage": jnp.array([0.0, 0.002]), "dt": 0.01}
    given = {"p": cloud, "field": zero, "length": zero, "poled": zero, "temperature": zero + 300}
    step = {"p": cloud, "state": state, "dt": jnp.asarray(1e-7), "drive": (zero, zero + 0.1)}
    return {
        "kernels.smooth_threshold_flux_step": (
            kernels.smooth_threshold_flux_step,
            flux | moving | {"widths": widths},
        ),
        "kernels.step_time": (
            kernels.step_time,
            {"step": jnp.int32(3), "dt": jnp.asarray(1e-3), "dt_remainder": jnp.asarray(0.0)},
        ),
        "kernels.grow_state": (
            kernels.grow_state,
            {"weight": jnp.eye(3), "stored": stored, "label_count": jnp.zeros((3, 1))},
        ),
        "kernels.grow_step": (
            kernels.grow_step,
            {"state": grown, "sample": jnp.array([0.9, 0.2, 0.0]), "label": jnp.int32(0)}
            | {"parameters": numbers, "store": None},
        ),
        "kernels.cloud_resistance": (kernels.cloud_resistance, given | {"order": zero + 1}),
        "kernels.hopping": (kernels.hopping, {"p": cloud, "field": field, "temperature": 0 * field + 300}),
        "kernels.stored_charge": (kernels.stored_charge, {"p": cloud, "state": state}),
        "kernels.proton_cloud_rate": (
            kernels.proton_cloud_rate,
            {"p": cloud, "state": state, "drive": zero, "compliance": zero, "sheet": zero},
        ),
        "kernels.proton_cloud_step": (
            kernels.proton_cloud_step,
            step | {"compliance": zero, "sheet": (zero, zero)},
        ),
        "kernels.hop_rates": (
            kernels.hop_rates,
            {"cloud": cloud, "field": field, "temperature": zero + 300, "width": zero + 1e-9},
        ),
        "kernels.transport_step": (
            kernels.transport_step,
            {"cloud": cloud, "traps": transport.traps(), "state": transport.init_state()}
            | {"dt": zero + 1e-9, "voltage": zero + 0.5, "width": transport.width},
        ),
    }


CHEAP = (of_networks, of_results, of_data)
ALL = (*CHEAP, of_fits, of_sweeps, of_state_kernels)
