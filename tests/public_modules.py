"""One of every public module, for what all of them must keep to."""

import functools as ft
import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import jaxnn
from helpers import line


NAMESPACES = (jaxnn, jaxnn.analysis, jaxnn.fit, jaxnn.reservoirs)
AREAS = {"box": (3.0, 4.0), "positions": np.ones((4, 2))}


def classes() -> list[type]:
    """All public modules that can be made."""
    found = [x for names in NAMESPACES for x in vars(names).values() if inspect.isclass(x)]
    modules = [x for x in found if issubclass(x, eqx.Module) and not inspect.isabstract(x)]
    return [x for x in modules if not issubclass(x, eqx.Enumeration)]


@ft.cache
def devices():
    """Two synapses that differ."""
    return jaxnn.reservoirs.NickelateReservoir(
        jaxnn.NickelateSpread().draw(jaxnn.NickelateDevice(), jr.key(0), 2),
        jaxnn.NickelateDevice().init_state(2),
        low=0.5,
        high=[2.0, 2.5],
        width=1e-6,
        period=1e-5,
        read_voltage=0.5,
    )


@ft.cache
def a_fit() -> jaxnn.fit.Fit:
    """Of a line through points that are nearly on it."""
    points = np.linspace(0.0, 1.0, 12) + 0.05 * np.cos(40 * np.arange(12))
    model = lambda x: x * jnp.linspace(0.0, 1.0, 12)
    return jaxnn.fit.fit_parameters(model, 0.5, points, sigma=0.05, held_out=0)


def filled(module: Any, *parts: Any) -> Any:
    """A result, from its fields in order."""
    return module(*parts)


def a_run():
    owner, passive = np.zeros(4, np.int32), np.zeros(3, bool)
    return jaxnn.Run(jnp.ones(3), jnp.ones(3), jnp.ones(()), 4, passive, owner[:3], owner, ())


def nodes():
    level, one = jnp.linspace(-12.0, -10.0, 5), jnp.float64(1e-12)
    return jaxnn.NickelateNodes(level, level, level, level, level, one, one, one)


def network():
    return line(3)


def pads():
    passive = np.array([False, True, True])
    return jaxnn.Network(4, line(3).edges, passive=passive, passive_conductance=[0.1, 0.2], **AREAS)


# What is made of plain numbers; everything a user writes down.
GIVEN = {
    "tunnel": jaxnn.TunnelJunction,
    "tunnel of lists": lambda: jaxnn.TunnelJunction(boost=[1, 2.0, 3]),
    "tunnel of NumPy": lambda: jaxnn.TunnelJunction(boost=np.ones(3), max_flux=np.float64(0.02)),
    "published DC": jaxnn.parameters.hochstetter2021_dc,
    "published AC": jaxnn.parameters.hochstetter2021_ac,
    "Simmons": jaxnn.SimmonsJunction,
    "deposited AC": jaxnn.parameters.hochstetter2021_ac_deposited,
    "binary": jaxnn.BinaryJunction,
    "resistor": lambda: jaxnn.Resistor(1),
    "smooth": lambda: jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 3),
    "smooth binary": lambda: jaxnn.SmoothJunction(jaxnn.BinaryJunction(), 3.0),
    "straight through": lambda: jaxnn.StraightThrough(jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 3.0)),
    "Ornstein and Uhlenbeck": jaxnn.OrnsteinUhlenbeckJunction,
    "rate balance": jaxnn.parameters.milano2022_connectome,
    "rate balance of pulses": jaxnn.parameters.milano2022_pulses,
    "rate balance of reservoirs": lambda: jaxnn.parameters.milano2022_reservoir(as_published=True),
    "linear drift": jaxnn.parameters.strukov2008,
    "linear drift in a window": lambda: jaxnn.parameters.strukov2008(jaxnn.BiolekWindow(2)),
    "decaying drift": jaxnn.parameters.kasdorf2025,
    "voltage thresholds": jaxnn.parameters.kvatinsky2015,
    "generalised memristor": jaxnn.parameters.yakopcic2013,
    "metastable switches": jaxnn.parameters.nugent2014,
    "volatile filament": jaxnn.VolatileFilamentJunction,
    "dynamic memristor": jaxnn.DynamicMemristorJunction,
    "Joglekar's window": jaxnn.JoglekarWindow,
    "Biolek's window": lambda: jaxnn.BiolekWindow([1, 2.0]),
    "Prodromakis' window": lambda: jaxnn.ProdromakisWindow(2, scale=1),
    "read noise": lambda: jaxnn.WithReadNoise(jaxnn.TunnelJunction(), 0.1),
    "Langevin noise": lambda: jaxnn.WithLangevinNoise(jaxnn.TunnelJunction(), 1e-3),
    "mixed": lambda: jaxnn.MixedJunction([jaxnn.TunnelJunction(), jaxnn.Resistor(1)], [0, 1, 1]),
    "constant": lambda: jaxnn.Constant(0.1),
    "constants": lambda: jaxnn.Constant([0.1, 0, 1]),
    "sine": lambda: jaxnn.Sine(0.1, 1),
    "triangle": lambda: jaxnn.Triangle(0.1, 1.0, phase=2),
    "square": lambda: jaxnn.Square(0.1, 1.0),
    "ramp": lambda: jaxnn.Ramp(0, 0.1, 1),
    "on then off": lambda: jaxnn.OnThenOff(0.1, 0.0, 1.0),
    "pulses": lambda: jaxnn.PulseTrain(0.1, 0.01, 0.02),
    "samples": lambda: jaxnn.Samples(np.linspace(0.0, 1.0, 50), 1e-3),
    "sum": lambda: jaxnn.Sine(0.1, 1.0) + jaxnn.Constant(1),
    "multiple": lambda: 2 * jaxnn.Sine(0.1, 1),
    "succession": lambda: jaxnn.Ramp(0, 0.1, 1).then(-jaxnn.Constant(0.1)),
    "network": network,
    "network with pads": pads,
    "ensemble": lambda: jaxnn.Ensemble([network(), pads()]),
    "ensemble of pads": lambda: jaxnn.Ensemble([pads(), pads()]),
    "box": lambda: jaxnn.Box(0, [1, 2]),
    "bounded": lambda: jaxnn.Bounded(0, 1.5),
    "positive": jaxnn.Positive,
    "scaled": lambda: jaxnn.Scaled(2),
    "fixed": jaxnn.Fixed,
    "device": jaxnn.NickelateDevice,
    "hot device": jaxnn.parameters.nickelate_hot,
    "device spread": jaxnn.NickelateSpread,
    "sheet": lambda: jaxnn.CapacitiveSheet.grid(2, 2),
    "transport": jaxnn.ProtonTransport,
    "pulse": lambda: jaxnn.Programme.pulse(1, 1e-6),
    "programme": lambda: (jaxnn.Programme.read() + jaxnn.Programme.ramp(0, [1.0, 2.0], 1)).repeat(2),
    "train": lambda: jaxnn.Programme.train([1, 2.0], width=1e-6, period=2e-6),
    "sampled": lambda: jaxnn.Programme.sampled([0, 1, 0.5], 1e-6),
    "growing": lambda: jaxnn.GrowWhenRequired(8),
    "crossing": lambda: jaxnn.analysis.Crossing(1e-6),
    "voltage range": lambda: jaxnn.analysis.VoltageRange(0.4),
    "event counter": lambda: jaxnn.analysis.EventCounter(jaxnn.analysis.Crossing(1e-6)),
    "crossing of a law": lambda: jaxnn.analysis.Crossing.of(jaxnn.TunnelJunction()),
    "relative rate": jaxnn.analysis.RelativeRate,
    "leaky integrator": lambda: jaxnn.reservoirs.LeakyIntegrator(3.0),
    "row sums": jaxnn.reservoirs.RowSums,
    "side by side": lambda: jaxnn.reservoirs.SideBySide((jaxnn.reservoirs.RowSums(),), (1,)),
    "echo state": lambda: jaxnn.reservoirs.EchoState.drawn(3, 0),
    "tungsten oxide": jaxnn.reservoirs.TungstenOxideReservoir,
    "nickelate reservoir": devices,
    "network reservoir": lambda: jaxnn.reservoirs.NetworkReservoir(
        network(), jaxnn.TunnelJunction(), [[0.2]], (0,), (3,), 1e-3
    ),
    "recursive least squares": lambda: jaxnn.reservoirs.RecursiveLeastSquares(0.99),
    "nanowire reservoir": lambda: jaxnn.reservoirs.NanowireReservoir.drawn(2, jr.key(0)),
    "storage": lambda: nodes().storage(2, 3, jr.key(0)),
    "grid": lambda: jaxnn.Grid({"drive.voltage": [0.1, 0.2]}),
    "table": lambda: jaxnn.Table({"drive.voltage": [0.1, 0.2]}),
    "sample": lambda: jaxnn.Sample({"drive.voltage": (0.1, 0.2)}, 8),
    "automatic solver": jaxnn.AutoSolver,
    "dense": jaxnn.Dense,
    "star mesh": jaxnn.StarMesh,
    "store all": jaxnn.StoreAll,
    "store states": jaxnn.StoreStates,
    "checkpointed": jaxnn.Checkpointed,
    "truncated": lambda: jaxnn.Truncated(10),
    "electrode": lambda: jaxnn.Electrode(0, resistance=1, on=jaxnn.Constant(1)),
    "capacitance": lambda: jaxnn.Capacitance(1e-15, [1e-15, 2e-15], potential=0),
    "feedback": lambda: jaxnn.Feedback(lambda step: step.conductance, 1),
    "stepper": lambda: jaxnn.Stepper(network(), jaxnn.TunnelJunction(), terminals=(0, 3), dt=1e-3),
    "Huber": jaxnn.fit.Huber,
    "soft L1": jaxnn.fit.SoftL1,
    "Cauchy": lambda: jaxnn.fit.Cauchy(3.0),
    "Levenberg and Marquardt": jaxnn.fit.LevenbergMarquardt,
    "gradient": lambda: jaxnn.fit.Gradient(steps=20),
    "response": lambda: jaxnn.fit.Response(None, np.arange(3.0), np.ones(3)),
    "equation": lambda: jaxnn.StateEquation(
        network(), jaxnn.TunnelJunction(), jaxnn.Constant(0.1), terminals=(0, 3)
    ),
}


def _cloud(*shape):
    return jaxnn.NickelateDevice().init_state(*shape)


def diagnosis():
    """Of a run in which nothing went wrong."""
    return jaxnn.Diagnosis(jnp.ones(()), jnp.int32(-1), jnp.int32(-1), jnp.int32(0))


# What comes out of a computation, here without one.
FOUND = {
    "clock": lambda: jaxnn.Clock(jnp.ones(()), jnp.zeros(())),
    "timing": lambda: jaxnn.Timing.of(0.1, jnp.float32),
    "solution": lambda: jaxnn.simulate(
        network(),
        jaxnn.TunnelJunction(),
        jaxnn.Constant(0.1),
        terminals=(0, 3),
        dt=1e-3,
        steps=4,
        record="state",
    ),
    "exponents": lambda: jaxnn.LyapunovSpectrum(
        jnp.ones(1), jnp.ones((4, 1)), jnp.ones(3), jnp.int32(9), diagnosis()
    ),
    "growth": lambda: jaxnn.SeparationGrowth(
        jnp.ones(2), jnp.ones((4, 2)), jnp.ones(9), jnp.ones(3), jnp.ones((2, 3)), jnp.int32(9), diagnosis()
    ),
    "observation": lambda: jaxnn.Observation(
        jnp.ones(2), jnp.ones(2), jnp.ones(()), jnp.ones(3), jnp.ones(3), jnp.ones(4)
    ),
    "run": lambda: a_run(),
    "step": lambda: filled(
        jaxnn.Step,
        *(a_run(), jnp.int32(1), jnp.ones(()), jnp.ones(2), jnp.ones(2), jnp.ones(())),
        *(jnp.ones(3),) * 3,
        jnp.ones(4),
    ),
    "circuit step": lambda: filled(
        jaxnn.CircuitStep,
        *(jnp.ones(2),) * 2,
        *(jnp.ones(()),) * 3,
        *(jnp.ones(4), jnp.ones(3), jnp.int32(0), jnp.int32(1)),
    ),
    "optimisation": lambda: jaxnn.Optimisation(
        jax.tree.map(jnp.asarray, jaxnn.Sine(0.1, 2.0)),
        jnp.float64(0.5),
        jnp.ones(4),
        jnp.ones(4),
        jnp.zeros(4, bool),
        None,
        jnp.int32(4),
        jaxnn.OptimisationResult.out_of_steps,
    ),
    "device solution": lambda: filled(
        jaxnn.DeviceSolution, *(jnp.ones(4),) * 8, jnp.float64(1e-9), _cloud(), jnp.float64(0)
    ),
    "device trace": lambda: filled(jaxnn.DeviceTrace, *(jnp.ones((4, 8)),) * 3, _cloud(4, 8)),
    "nodes": nodes,
    "node cost": lambda: filled(jaxnn.NodeCost, *(jnp.float64(1),) * 10),
    "growth history": lambda: filled(
        jaxnn.GrowthHistory,
        *(jnp.zeros(4, int),) * 3,
        jnp.ones(4),
        *(jnp.zeros(4, int),) * 5,
        jnp.ones((1, 3), bool),
        jnp.zeros((1, 3), int),
    ),
    "beyond range": lambda: jaxnn.analysis.BeyondRange(
        jnp.asarray(0.4, float), jnp.int32(3), jnp.int32(1), jnp.ones(3, jnp.int32), jnp.ones(3)
    ),
    "event counts": lambda: jaxnn.analysis.EventCounts(
        jnp.zeros(5, int), jnp.ones(5), jnp.ones(3), diagnosis()
    ),
    "read-out record": lambda: jaxnn.analysis.ReadOutRecord.of(jnp.ones((4, 2)), jnp.ones((4, 1))),
    "read-out run": lambda: jaxnn.analysis.ReadOutRun(
        jaxnn.analysis.ReadOutRecord.of(jnp.ones((4, 2)), jnp.ones((4, 1))),
        jnp.ones(4),
        jnp.ones(3),
        diagnosis(),
    ),
    "diagnosis": lambda: diagnosis(),
    "series response": lambda: jaxnn.reservoirs.SeriesResponse(
        jnp.ones((4, 2)), jnp.ones(3), jnp.int32(4), diagnosis()
    ),
    "least squares": lambda: jaxnn.reservoirs.RecursiveLeastSquares().start(2, 1),
    "fit": lambda: a_fit(),
    "profile": lambda: jaxnn.fit.Profile("x", 1.0, 0.1, np.ones(3), np.ones(3), 3.84, 0.8, 1.2),
    "bootstrap": lambda: filled(
        jaxnn.fit.Bootstrap, ("x",), np.ones(1), *(np.ones((3, 1)),) * 2, *(np.ones((3, 1), bool),) * 2
    ),
}
ALL = GIVEN | FOUND
