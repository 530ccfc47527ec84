"""Capacitors: against the matrix exponential, conservation of charge and energy, gradients, batches."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jaxnn
from circuits import central
from helpers import assert_same


NETWORK = jaxnn.nanowire_network(100, box=(100 / 0.1e12) ** 0.5, seed=0)
SOURCE, DRAIN = jaxnn.farthest_pair(NETWORK)
RANDOM = np.random.default_rng(0)
CONDUCTANCE = 10 ** RANDOM.uniform(-8, -6, NETWORK.n_junctions)
ACROSS = RANDOM.uniform(0.5, 1.5, NETWORK.n_junctions) * 1e-15
BELOW = RANDOM.uniform(0.5, 1.5, NETWORK.n_nodes) * 1e-14
SERIES, TIME = 1e6, 2e-7
ENERGIES = ("supplied_energy", "dissipated_energy", "stored_energy", "electrode_charge", "node_potential")


def run(steps, across: Any = ACROSS, below: Any = BELOW, law: Any = None, **options: Any):
    electrodes = (
        jaxnn.Electrode(SOURCE, resistance=SERIES),
        jaxnn.Electrode(DRAIN, "ground", resistance=SERIES),
    )
    return jaxnn.simulate(
        NETWORK,
        jaxnn.Resistor(jnp.asarray(CONDUCTANCE)) if law is None else law,
        options.pop("drive", jaxnn.Constant(1.0)),
        terminals=electrodes,
        dt=TIME / steps,
        steps=options.pop("of", steps),
        record=ENERGIES,
        capacitance=jaxnn.Capacitance(below, across, options.pop("potential", None)),
        **options,
    )  # fmt: skip


def exact():
    """The potentials after `TIME` by the matrix exponential."""
    incidence = np.zeros((NETWORK.n_junctions, NETWORK.n_nodes))
    rows = np.arange(NETWORK.n_junctions)
    incidence[rows, NETWORK.edges[:, 0]], incidence[rows, NETWORK.edges[:, 1]] = 1, -1
    conductance = incidence.T @ (CONDUCTANCE[:, None] * incidence)
    conductance[[SOURCE, DRAIN], [SOURCE, DRAIN]] += 1 / SERIES
    capacity = incidence.T @ (ACROSS[:, None] * incidence) + np.diag(BELOW)
    steady = np.linalg.solve(conductance, np.eye(NETWORK.n_nodes)[SOURCE] / SERIES)
    return steady - scipy.linalg.expm(-TIME * np.linalg.solve(capacity, conductance)) @ steady


def test_second_order_against_the_matrix_exponential():
    error = [float(np.abs(run(n).node_potential[-1] - exact()).max()) for n in (25, 50, 100)]
    np.testing.assert_allclose(np.log2(np.divide(error[:-1], error[1:])), 2, atol=0.05)
    assert error[-1] < 2e-6  # [V]


def test_charge_is_conserved_and_energy_balances():
    coarse, fine = run(50), run(100)
    for out in (coarse, fine):
        charge = float(BELOW @ np.asarray(out.final_potential))
        np.testing.assert_allclose(out.electrode_charge.sum(), charge, rtol=1e-12)
    lost = [
        float(out.supplied_energy.sum() - out.dissipated_energy.sum() - out.stored_energy[-1])
        for out in (coarse, fine)
    ]
    share = lost / np.asarray(fine.supplied_energy.sum())
    assert abs(share[0]) < 1e-3
    assert share[0] / share[1] > 3.3


def test_large_steps_are_damped():
    """Steps of a thousand time constants end in the steady state: the method is L-stable."""
    slow = run(2, across=1e-6 * ACROSS, below=1e-6 * BELOW)
    none = jaxnn.simulate(
        NETWORK,
        jaxnn.Resistor(jnp.asarray(CONDUCTANCE)),
        jaxnn.Constant(1.0),
        terminals=(jaxnn.Electrode(SOURCE, resistance=SERIES), jaxnn.Electrode(DRAIN, resistance=SERIES)),
        dt=1.0,
        steps=1,
        record="node_potential",
    )
    np.testing.assert_allclose(slow.node_potential[-1], none.node_potential[-1], atol=1e-5)


def test_gradients_in_every_capacitance():
    @jax.jit
    def loss(across, below):
        out = run(20, across, below)
        return jnp.sum(out.node_potential[-1] ** 2) + 1e6 * out.terminal_current[-1, 1]

    at = jnp.asarray(ACROSS), jnp.asarray(BELOW)
    along = [jnp.asarray(x * np.random.default_rng(3).normal(size=x.shape)) for x in at]
    expected = central(lambda h: float(loss(at[0] + h * along[0], at[1] + h * along[1])), 0.0, 1.0)
    gradient = jax.grad(loss, (0, 1))(*at)
    np.testing.assert_allclose(sum(map(jnp.vdot, gradient, along)), expected, rtol=1e-6)
    np.testing.assert_allclose(jax.jvp(loss, at, tuple(along))[1], expected, rtol=1e-6)


def test_batches_precision_and_going_on():
    several = jnp.array([0.5, 1.0])
    mapped = jax.vmap(lambda c: run(20, c * ACROSS, c * BELOW).node_potential)(several)
    for k, c in enumerate(several):
        np.testing.assert_allclose(mapped[k], run(20, c * ACROSS, c * BELOW).node_potential, atol=1e-13)
    single = run(20, drive=jaxnn.Constant(jnp.float32(1.0)), law=jaxnn.Resistor(CONDUCTANCE))
    assert single.node_potential.dtype == jnp.float32
    np.testing.assert_allclose(single.node_potential, mapped[1], atol=3e-6)
    first = run(20, of=10)
    rest = run(20, of=10, potential=first.final_potential, start_step=first.final_step)
    assert_same(rest.final_potential, run(20).final_potential)


def test_a_sheet_of_wires_alone_charges_from_a_current():
    """Without any ground: a current charges the wires, I t = sum C phi."""
    out = jaxnn.simulate(
        NETWORK,
        jaxnn.TunnelJunction(),
        jaxnn.Constant(1e-9),
        terminals=(jaxnn.Electrode(SOURCE, "current"), jaxnn.Electrode(DRAIN, "floating")),
        dt=1e-6,
        steps=20,
        capacitance=jaxnn.Capacitance(to_substrate=BELOW),
    )
    np.testing.assert_allclose(BELOW @ np.asarray(out.final_potential), 2e-14, rtol=1e-9)
    assert out.result == jaxnn.Result.successful


def test_bad_capacitances_are_named_and_traced_ones_diagnosed():
    for wrong, said in (
        (lambda: jaxnn.Capacitance(), "needs to_substrate, across_junctions, or both"),
        (lambda: jaxnn.Capacitance(to_substrate=-1e-15), "to_substrate of Capacitance must be at least 0"),
        (lambda: run(2, below=np.ones(3)), "must be one number or have shape"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()
    out = jax.vmap(lambda c: run(2, c * ACROSS, c * BELOW))(jnp.array([1.0, -1.0]))
    assert jax.tree.map(lambda x: x[1], out.result) == jaxnn.Result.number_out_of_domain
    with pytest.raises(ValueError, match="follows differences between the states"):
        jaxnn.lyapunov_exponents(
            NETWORK,
            jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 3.0),
            jaxnn.Constant(1.0),
            terminals=(SOURCE, DRAIN),
            dt=1e-3,
            steps=100,
            capacitance=jaxnn.Capacitance(to_substrate=1e-15),
        )


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("conductance", [1e-8, 1e-12])
@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
def test_a_capacitor_beside_a_junction_that_hardly_conducts(conductance, dtype, solver):
    """A resistance in series is what was given, and an ideal contact ideal."""
    run = lambda **contact: jaxnn.simulate(
        jaxnn.Network(2, [(0, 1)]),
        jaxnn.Resistor(jnp.asarray(conductance, dtype)),
        jaxnn.Constant(1.0),
        terminals=(jaxnn.Electrode(0, **contact), jaxnn.Electrode(1, "ground")),
        capacitance=jaxnn.Capacitance(to_substrate=[1e-8, 0.0]),
        record="node_potential",
        dt=2e-8,
        steps=50,
        solver=solver,
    )
    charged = run(resistance=50.0)
    expected = 1 - np.exp(-np.asarray(charged.time, float) / 5e-7)
    np.testing.assert_allclose(charged.node_potential[:, 0], expected, atol=3e-4)
    np.testing.assert_allclose(run(on=1.0).node_potential[:, 0], 1, atol=1e-6)
