"""Finite differences between trajectories: exact rates, the paper's procedure, and their limit."""

# Weights may be None where all are 1.
# pyright: reportOptionalMemberAccess=false

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line
from jaxnn._junctions.state_scale import state_scale
from jaxnn._observers.lyapunov import _orthonormal


DT = 5e-4
DISTANCE = 5e-4  # [V s]
LAW = jaxnn.parameters.hochstetter2021_ac()


NETWORK = jaxnn.Network(6, [(0, 1), (1, 5), (0, 2), (2, 3), (3, 5), (1, 3), (2, 4), (4, 5)])
STEPS = 60
SETUP = {"terminals": (0, 5), "dt": DT}
# States that switch and clip.
STATE = np.random.default_rng(1).uniform(-9.9e-3, 9.9e-3, NETWORK.n_junctions)
AMPLITUDES = jnp.array([0.3, 0.5])
WAVE = jaxnn.Triangle(1.0, 20.0)


@pytest.fixture(scope="module")
def pairs():
    """Two trajectories under two drives, given as samples: one program for all tests of the network."""

    @jax.jit
    def run(law, states, differences, distance, start):
        samples = jax.vmap(WAVE)(DT * (start + jnp.arange(1.0, STEPS + 1)))
        one = lambda amplitude, state, difference: jaxnn.two_trajectory_exponents(
            NETWORK,
            law,
            amplitude * samples,
            **SETUP,
            state=state,
            distance=distance,
            differences=difference,
            steps=STEPS,
            every=20,
        )
        return jax.vmap(one)(AMPLITUDES, states, differences)

    return run


def in_junctions(distance):
    """Differences in junctions 3 and 5, for each of the drives."""
    return np.tile(distance * np.eye(NETWORK.n_junctions)[[3, 5]], (2, 1, 1))


def test_the_papers_procedure_step_by_step(pairs):
    """Rescaled after every step, as `calcLyapunov` does it, with `simulate` for each step and a drive
    that is no samples; and a second run goes on from the first."""

    @jax.jit
    @ft.partial(jax.vmap, in_axes=(0, 0, None))
    def advance(amplitude, states, k):
        drive = eqx.tree_at(lambda d: d.amplitude, WAVE, amplitude)
        one = lambda state: jaxnn.simulate(NETWORK, LAW, drive, **SETUP, state=state, steps=1, start_step=k)
        run = jax.vmap(one)(states)
        return run.final_state, run.conductance[0, 0]

    states = np.tile(STATE, (2, 3, 1))
    states[:, 1:] += in_junctions(DISTANCE)
    growth, conductance = np.zeros((2, 2 * STEPS, 2)), np.zeros((2, 2 * STEPS))
    for k in range(2 * STEPS):
        states, conductance[:, k] = map(np.array, advance(AMPLITUDES, states, k))
        difference = states[:, 1:] - states[:, :1]
        size = np.linalg.norm(difference, axis=-1, keepdims=True)
        growth[:, k] = np.log(size[..., 0] / DISTANCE) / DT
        states[:, 1:] = states[:, :1] + DISTANCE / size * difference
    assert abs(growth).max() > 10
    one = pairs(LAW, np.tile(STATE, (2, 1)), in_junctions(DISTANCE), DISTANCE, 0.0)
    two = pairs(LAW, one.final_state, one.final_differences, DISTANCE, float(STEPS))
    close = ft.partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-8)
    for found, part in ((one, slice(0, STEPS)), (two, slice(STEPS, None))):
        expected = growth[:, part]
        close(found.growth, expected.reshape(2, 3, 20, 2).mean(2))
        close(found.exponents, expected.mean(1))
        close(found.network_exponent, expected.mean((1, 2)))
        np.testing.assert_allclose(found.conductance, conductance[:, part], rtol=1e-9)
    np.testing.assert_allclose(two.final_state, states[:, 0], rtol=1e-12)


def test_small_distances_approach_the_tangent(pairs):
    """Where nothing is clipped the two methods are one."""
    where = lambda law: (law.reset_voltage, law.max_flux)
    unclipped = eqx.tree_at(where, LAW, (jnp.asarray(0.0), jnp.asarray(1.0)))
    state = jnp.asarray(np.random.default_rng(1).uniform(7e-3, 9.9e-3, NETWORK.n_junctions))
    found = pairs(unclipped, jnp.stack([state, state]), in_junctions(1e-9), 1e-9, 0.0)
    drive = eqx.tree_at(lambda d: d.amplitude, WAVE, AMPLITUDES[1])
    after = lambda state: (
        jaxnn.simulate(NETWORK, unclipped, drive, **SETUP, state=state, steps=STEPS).final_state
    )
    _, grown = jax.jvp(after, (state,), (jnp.zeros_like(state).at[3].set(1.0),))
    expected = jnp.log(jnp.linalg.norm(grown)) / (STEPS * DT)
    assert abs(expected) > 0.1
    np.testing.assert_allclose(found.exponents[1, 0], expected, rtol=1e-4)


def test_a_dissolved_junction_loses_what_a_step_moves():
    """Where a tangent is cut to zero (`test_lyapunov`), a pair decays by ln(1 - b V_reset dt / eps)."""
    boost = np.array([10.0, 4.0])
    law = eqx.tree_at(lambda law: law.boost, LAW, jnp.asarray(boost))
    pair = lambda distance, volts=0.0: jaxnn.two_trajectory_exponents(
        line(2),
        law,
        jaxnn.Constant(volts),
        distance=distance,
        junctions=[1, 0],
        terminals=(0, 2),
        dt=DT,
        steps=10,
    )
    rate = lambda distance: np.log(1 - boost[::-1] * 1e-2 * DT / distance) / DT
    for distance in (5e-4, 1e-4):
        np.testing.assert_allclose(pair(distance).exponents, rate(distance), rtol=1e-9)
    # A step takes away more than there is in junction 0.
    np.testing.assert_allclose(pair(4e-5).exponents, [np.log(0.5) / DT, -jnp.inf], rtol=1e-9)


def test_networks_of_an_ensemble_have_their_own_exponents():
    """As each of them alone, under two drives: lengths, rates and where a second run starts from."""
    networks = [NETWORK, line(3), line(5)]
    terminals = [(0, 5), (0, 3), (0, 5)]
    junctions = np.array([[3, 5], [0, 2], [1, 4]])
    ensemble = jaxnn.Ensemble(networks)
    state = np.random.default_rng(2).uniform(-9.9e-3, 9.9e-3, ensemble.network.n_junctions)
    samples = jax.vmap(WAVE)(DT * jnp.arange(1.0, STEPS + 1))
    setup = {"junction": LAW, "dt": DT, "steps": STEPS, "every": 20, "distance": DISTANCE}

    def follow(network, **rest):
        shape = (STEPS, 1, 1) if network is ensemble else (STEPS,)
        one = lambda amplitude: jaxnn.two_trajectory_exponents(
            network,
            drive=amplitude * jnp.broadcast_to(samples.reshape(shape), (STEPS, *drives)),
            **setup,
            **rest,
        )
        drives = (3, 1) if network is ensemble else ()
        return jax.jit(jax.vmap(one))(AMPLITUDES)

    found = follow(ensemble, terminals=terminals, junctions=junctions, state=state)
    assert found.growth.shape == (2, 3, 3, 2)
    assert found.network_exponent.shape == (2, 3)
    start = {"differences": found.final_differences[1], "state": found.final_state[1]}
    again = follow(ensemble, terminals=terminals, **start)
    for i, (network, pair) in enumerate(zip(networks, terminals, strict=True)):
        part = ensemble.junction_slice(i)
        one = follow(network, terminals=pair, junctions=junctions[i], state=state[part])
        close = ft.partial(np.testing.assert_allclose, rtol=1e-8, atol=1e-10)
        close(found.growth[:, :, i], one.growth)
        close(found.exponents[:, i], one.exponents)
        close(found.conductance[..., i], one.conductance)
        close(found.final_differences[..., part], one.final_differences)
    last = ensemble.junction_slice(2)
    two = follow(networks[2], terminals=terminals[2], **{name: x[..., last] for name, x in start.items()})
    np.testing.assert_allclose(again.exponents[:, 2], two.exponents, rtol=1e-6)


BOTH = {"network": jaxnn.Ensemble([line(3), line(3)]), "terminals": [(0, 3), (0, 3)]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"every": 7}, "multiple of every"),
        ({"interval": 7, "every": 20}, "multiple of every=20, and that of interval=7"),
        ({"junctions": [99]}, "whole numbers from 0"),
        ({"junctions": [0.5]}, "whole numbers from 0"),
        ({"differences": np.zeros((1, 2))}, "differences must have shape"),
        ({"differences": np.zeros((1, 3)), "junctions": [0]}, "give one of the two"),
        ({"distance": 0.0}, "greater than 0"),
        ({"distance": 1e-8, "state": np.zeros(3, np.float32)}, "float64, or at least 1e-07"),
        ({**BOTH}, r"shape \(2, perturbed\), one row for each network.*got None"),
        ({**BOTH, "junctions": [[0], [3]]}, "below the number of its junctions"),
        ({**BOTH, "junctions": [[0], [1, 2]]}, "one row for each network"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {
        "network": line(3),
        "junction": eqx.tree_at(lambda law: law.boost, LAW, jnp.float32(10.0)),
        "drive": jaxnn.Constant(jnp.float32(1.0)),
        "terminals": (0, 3),
        "dt": DT,
        "steps": STEPS,
        "distance": DISTANCE,
    } | change
    with pytest.raises(ValueError, match=message):
        jaxnn.two_trajectory_exponents(**arguments)


class WithVolts(jaxnn.AbstractJunction):
    """The paper's law, and beside its flux the last voltage of the junction, on which nothing hangs."""

    law: jaxnn.TunnelJunction
    scale: jax.Array
    first: int = eqx.field(static=True, default=0)

    def init_state(self, n_junctions):
        return jnp.zeros((2, n_junctions))

    def conductance(self, state):
        return self.law.conductance(state[self.first])

    def update(self, state, voltage, dt):
        flux = self.law.update(state[self.first], voltage, dt)
        return jnp.stack([flux, voltage] if self.first == 0 else [voltage, flux])

    def critical_state(self):
        both = [self.law.critical_state(), self.scale]
        return jnp.stack(both if self.first == 0 else both[::-1])[:, None]


SHORT = jaxnn.Network(4, [(0, 1), (1, 2), (2, 3), (1, 3)])


def exponents_of(law, state):
    return jaxnn.two_trajectory_exponents(
        SHORT,
        law,
        jaxnn.Triangle(0.5, 200.0),
        distance=DISTANCE,
        terminals=(0, 3),
        dt=DT,
        steps=30,
        state=state,
    ).exponents


@pytest.mark.filterwarnings("ignore:a step moved a state")  # of which one is inert, in any unit
def test_an_inert_variable_in_other_units_does_not_matter():
    """An infinite scale leaves it out, in either place; a finite one counts it by its own size."""
    state = STATE[:4]
    alone = exponents_of(LAW, state)
    both = np.stack([state, np.ones(4)])
    beside = lambda scale: exponents_of(WithVolts(LAW, jnp.array(scale)), both)
    np.testing.assert_allclose(beside(jnp.inf), alone, rtol=1e-10)
    np.testing.assert_allclose(beside(1e6), alone, rtol=1e-6)
    # As if a volt were a volt second.
    assert np.abs(beside(LAW.critical_state()) / alone - 1).max() > 1e-2
    after = exponents_of(WithVolts(LAW, jnp.array(jnp.inf), first=1), both[::-1])
    np.testing.assert_allclose(after, alone, rtol=1e-10)


def test_one_ruler_for_all_variables():
    """Weights by hand: of one scale nothing, of several theirs, of none all alike, of passive ones none."""
    passive, state = np.array([False, True, False]), jnp.zeros((2, 3))
    known = [False, False, False]
    scale = lambda c, passive: state_scale(WithScale(c), np.asarray(passive), state)
    assert scale(1e-2, known).weights is None
    assert scale(jnp.inf, known).weights is None
    assert scale(1e-2, passive).weights.tolist() == [[1, 0, 1]] * 2
    assert scale(jnp.inf, passive).weights.tolist() == [[1, 0, 1]] * 2
    two = scale(jnp.array([[2.0], [8.0]]), known)
    assert (two.weights.tolist(), two.largest) == ([[1.0] * 3, [0.25] * 3], 2.0)
    second = scale(jnp.array([[jnp.inf] * 3, [8.0, 4.0, jnp.inf]]), known)
    assert second.weights.tolist() == [[0, 0, 0], [1, 1, 0]]
    assert second.measured.tolist() == [1, 1, 0]
    assert second.largest == 8.0
    traced = jax.jit(lambda c: scale(c, passive).weights)(jnp.array([[2.0], [8.0]]))
    assert traced.tolist() == [[1, 0, 1], [0.25, 0, 0.25]]


class WithScale(WithVolts):
    def __init__(self, scale):
        self.law, self.scale = LAW, jnp.asarray(scale)

    def critical_state(self):
        return self.scale


def test_tangents_are_orthonormal_by_the_ruler():
    """Weighted, two of them are; what has no weight takes part in the same combinations."""
    weights = jnp.array([[1.0, 2.0, 0.5], [0.0, 3.0, 0.0]])
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 2, 3)))
    for count in (1, 2):
        found, size = _orthonormal(x[:count], weights)
        flat = np.reshape(found * weights[None], (count, -1))
        np.testing.assert_allclose(flat @ flat.T, np.eye(count), atol=1e-12)
        mixed = np.linalg.lstsq(np.reshape(x[:count], (count, -1)).T, np.reshape(found, (count, -1)).T)
        assert mixed[1].max() < 1e-24
        assert size[0] == pytest.approx(float(np.linalg.norm(x[0] * weights)))


def test_passive_junctions_do_not_count():
    """A pad's leads are not perturbed, and what their states do has no part in a distance."""
    edges = [(0, 1), (1, 2), (0, 3), (2, 4)]
    padded = jaxnn.Network(5, edges, passive=[False, False, True, True], passive_conductance=0.1)
    bare = jaxnn.Network(3, edges[:2])
    setup = {"distance": DISTANCE, "dt": DT, "steps": 20}
    run = lambda network, pair, **more: jaxnn.two_trajectory_exponents(
        network, LAW, jaxnn.Constant(0.02), terminals=pair, **setup, **more
    )
    with_leads = run(padded, (3, 4), state=np.array([5e-3, 4e-3, 0.3, -0.3]))
    without = run(bare, (0, 2), state=np.array([5e-3, 4e-3]))
    assert with_leads.exponents.shape == (2,)
    np.testing.assert_allclose(with_leads.exponents, without.exponents, rtol=1e-3)
    with pytest.raises(ValueError, match="count=3 exceeds the 2 memristive junctions"):
        jaxnn.lyapunov_exponents(
            padded, LAW, jaxnn.Constant(0.02), terminals=(3, 4), dt=DT, steps=100, count=3
        )


def lagged_by_hand(law, state, rescaled, steps):
    """The growth of one pair, a step at a time, whose flux alone is measured."""
    drive = jaxnn.Triangle(3.0, 20.0)
    one = lambda state, start: (
        jaxnn.simulate(
            SHORT, law, drive, terminals=(0, 3), dt=DT, steps=1, state=state, start_step=start
        ).final_state
    )
    copy, growth = state.at[0, 1].add(DISTANCE), 0.0
    for k in range(steps):
        state, copy = one(state, k), one(copy, k)
        away = copy - state
        size = jnp.linalg.norm(away[0])
        growth += np.log(size / DISTANCE)
        moved = state + away * (DISTANCE / size)
        copy = copy.at[jnp.array(rescaled)].set(moved[jnp.array(rescaled)])
    return growth / (steps * DT)


@pytest.mark.filterwarnings("ignore:a step moved a state")
@pytest.mark.parametrize("rescaled", [[0], [0, 1]])
def test_variables_that_are_rescaled_and_those_that_are_not(rescaled):
    """The voltage that a junction remembers goes on as the copy had it, or is set back with the flux."""
    law = jaxnn.parameters.hochstetter2021_ac_deposited()
    state = jnp.stack([jnp.asarray(STATE[:4]), jnp.array([0.5, -0.2, 1.0, 0.1])])
    found = jaxnn.two_trajectory_exponents(
        SHORT,
        law,
        jaxnn.Triangle(3.0, 20.0),
        distance=DISTANCE,
        junctions=np.array([1]),
        variables=jaxnn.PairVariables(rescaled=rescaled),
        terminals=(0, 3),
        dt=DT,
        steps=12,
        state=state,
    )
    np.testing.assert_allclose(found.exponents, [lagged_by_hand(law, state, rescaled, 12)], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:a step moved a state")
def test_variables_that_are_measured():
    """Of two that count by default, one alone; and what is refused."""
    both, state = WithVolts(LAW, jnp.array(1e-2)), np.stack([STATE[:4], np.ones(4)])
    setup = {"distance": DISTANCE, "terminals": (0, 3), "dt": DT, "steps": 30, "state": state}
    exponents = lambda **options: (
        jaxnn.two_trajectory_exponents(
            SHORT, both, jaxnn.Triangle(0.5, 200.0), variables=jaxnn.PairVariables(**options), **setup
        ).exponents
    )
    alone = exponents_of(LAW, STATE[:4])
    np.testing.assert_allclose(exponents(measured=[0]), alone, rtol=1e-10)
    assert np.abs(exponents() / alone - 1).max() > 1e-2
    with pytest.raises(ValueError, match=r"variables.measured must name some of the 2 variables"):
        exponents(measured=[2])
    with pytest.raises(ValueError, match=r"variables.rescaled must name some of the 2 variables"):
        exponents(rescaled=[])
