"""A fault in code that a user wrote is reported as one: whose method it is, and the line."""

import inspect
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line


class Law(jaxnn.AbstractRateJunction):
    """Sound, until a method is replaced."""

    scale: jax.Array = eqx.field(default_factory=lambda: jnp.ones(3))

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return self.scale + state

    def update(self, state, voltage, dt):
        return state + dt * voltage

    def rate(self, state, voltage):
        return voltage

    def critical_state(self):
        return 1.0


class Drive(jaxnn.AbstractDrive):
    def __call__(self, time):
        return jnp.sin(time)


class Rule(jaxnn.analysis.AbstractEventRule):
    def start(self, conductance):
        return conductance

    def follow(self, memory, conductance, index, dt, counts, owner):
        return conductance, counts

    def finish(self, memory, counts, owner):
        return counts


class Storage(jaxnn.AbstractNodeStorage):
    def weights(self, rows, held, nodes, step):
        return rows

    def counters(self, counter, step):
        return counter

    def noise(self, rows):
        return jnp.sum(rows, axis=1)


class Reservoir(jaxnn.reservoirs.AbstractReservoir):
    def respond(self, pulses):
        return jaxnn.reservoirs.Response(pulses, jnp.sum(pulses, axis=2))

    def shares_trains(self):
        return False


class Surrogate(jaxnn.AbstractSurrogate):
    junction: jaxnn.AbstractJunction

    def init_state(self, n_junctions):
        return self.junction.init_state(n_junctions)

    def conductance(self, state):
        return self.junction.conductance(state)

    def update(self, state, voltage, dt):
        return self.junction.update(state, voltage, dt)

    def critical_state(self):
        return 1.0


def simulate(law=None, drive=None):
    drive = jaxnn.Constant(0.1) if drive is None else drive
    return jaxnn.simulate(line(3), law or Law(), drive, terminals=(0, 3), dt=0.1, steps=2)


def simulate_surrogate(surrogate):
    return simulate(jaxnn.StraightThrough(surrogate(Law())))


def integrate(law):
    return jaxnn.StateEquation(line(3), law(), jaxnn.Constant(0.1), terminals=(0, 3))


def count(rule):
    return jaxnn.analysis.count_events(
        line(3), Law(), jaxnn.Constant(0.1), rule=rule(), terminals=(0, 3), dt=0.1, steps=4
    )


def grow(storage):
    network = jaxnn.GrowWhenRequired(4, storage=storage())
    return network.learn(network.start(np.eye(2)), np.eye(2))


def respond(reservoir):
    return jaxnn.reservoirs.reservoir_features(reservoir(), np.ones((1, 2, 3)))


FAMILY = [
    (Law, "init_state", lambda law: simulate(law())),
    (Law, "conductance", lambda law: simulate(law())),
    (Law, "update", lambda law: simulate(law())),
    (Law, "critical_state", lambda law: simulate(law())),
    (Law, "rate", integrate),
    (Drive, "__call__", lambda drive: simulate(drive=drive())),
    (Surrogate, "conductance", simulate_surrogate),
    (Surrogate, "update", simulate_surrogate),
    (Rule, "start", count),
    (Rule, "follow", count),
    (Rule, "finish", count),
    (Storage, "weights", grow),
    (Storage, "counters", grow),
    (Storage, "noise", grow),
    (Reservoir, "respond", respond),
]


def decides(self, *values):
    if self.nothing_of_the_kind:
        return values


def asks(self, *values):
    if sum(map(jnp.sum, values)) > 0:
        return values[0]


def with_fault(base, method, fault):
    """The class with a method that does not work."""
    return type(base)("Faulty", (base,), {"__module__": __name__, method: fault}, strict=False)


@pytest.mark.parametrize(("base", "method", "use"), FAMILY, ids=lambda x: getattr(x, "__name__", x))
def test_the_method_and_the_line(base, method, use):
    """An attribute that is not there, in every method of every kind of thing that users write."""
    source = inspect.getsourcelines(decides)[1] + 1
    message = rf"cannot be run: Faulty.decides raised AttributeError at .*{Path(__file__).name}:{source}, "
    with pytest.raises(ValueError, match=message) as raised:
        use(with_fault(base, method, decides))
    assert "`if self.nothing_of_the_kind:`" in str(raised.value)
    assert isinstance(raised.value.__cause__, AttributeError)
    assert "do not fit" not in str(raised.value)


@pytest.mark.parametrize("method", ["conductance", "update"])
def test_a_decision_about_a_traced_number(method):
    with pytest.raises(ValueError, match=r"asks raised TracerBoolConversionError.*jnp\.where") as raised:
        simulate(with_fault(Law, method, asks)())
    assert isinstance(raised.value.__cause__, jax.errors.TracerBoolConversionError)


def test_a_decision_about_many_numbers():
    """Of which JAX says in a ValueError of the user's own line that it is ambiguous."""

    def asks_all(self, state, voltage, dt):
        if voltage > 0:
            return state
        return 0 * state

    with pytest.raises(ValueError, match=r"asks_all raised ValueError.*`if voltage > 0:`.*jnp\.where"):
        simulate(with_fault(Law, "update", asks_all)())


@pytest.mark.parametrize("method", ["conductance", "update"])
def test_a_method_that_returns_no_array(method):
    with pytest.raises(
        ValueError, match=rf"^{method} of the law Faulty must .* NoneType. A return is missing"
    ):
        simulate(with_fault(Law, method, lambda self, *values: None)())
    with pytest.raises(ValueError, match=rf"^{method} of the law Faulty must give an array, got tuple"):
        simulate(with_fault(Law, method, lambda self, state, *values: (state, state))())


def test_shapes_are_told_from_faults():
    """Of parameters if there are any with a shape, and else of the method."""
    with pytest.raises(ValueError, match=r"parameters of Law do not fit 3 junctions.*'scale': \(5,\)"):
        simulate(Law(jnp.ones(5)))
    wrong = with_fault(Law, "conductance", lambda self, state: state + jnp.ones(7))
    with pytest.raises(ValueError, match=r"Faulty.* raised TypeError at .*jnp.ones\(7\)"):
        simulate(wrong(jnp.ones(())))


def test_what_a_law_refuses_itself_passes():
    def refuse(self, state, voltage, dt):
        raise ValueError("only at night")

    with pytest.raises(ValueError, match=r"^only at night"):
        simulate(with_fault(Law, "update", refuse)())


def test_a_reduction(tmp_path):
    def energy(solution):
        return solution.nothing_of_the_kind

    with pytest.raises(ValueError, match=r"reduction 'energy' cannot be run: energy raised AttributeError"):
        jaxnn.sweep(
            line(3),
            jaxnn.Resistor(1.0),
            jaxnn.Constant(0.1),
            over={"drive.voltage": [0.1, 0.2]},
            terminals=(0, 3),
            dt=0.1,
            steps=2,
            reduce={"energy": energy},
            out=tmp_path / "s.zarr",
        )
