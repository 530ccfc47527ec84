"""Electrodes: held, fed, switched, floating and moved, against plain terminals and circuits by hand."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from circuits import central
from helpers import assert_same, line, small_network


NETWORK, (SOURCE, DRAIN), _ = small_network()
APART = jaxnn.Network(6, [(0, 1), (1, 2), (3, 4), (4, 5)])
LAW = jaxnn.TunnelJunction()
RUN = {"dt": 1e-3, "steps": 40}
QUANTITIES = (
    "state",
    "junction_voltage",
    "node_potential",
    "kirchhoff_residual",
    "electrode_potential",
    "electrode_charge",
    "supplied_energy",
    "dissipated_energy",
)


def run(
    terminals: Any, drive: Any = 1.0, network: Any = NETWORK, law: Any = LAW, **options: Any
) -> jaxnn.Solution:
    drive = drive if isinstance(drive, jaxnn.AbstractDrive) else jaxnn.Constant(drive)
    options = {**RUN, "record": QUANTITIES, **options}
    return jaxnn.simulate(network, law, drive, terminals=terminals, **options)


def test_ideal_electrodes_are_plain_terminals():
    plain, held = run((SOURCE, DRAIN)), run((jaxnn.Electrode(SOURCE), jaxnn.Electrode(DRAIN, "ground")))
    for name in (*QUANTITIES, "terminal_current", "conductance"):
        size = float(jnp.abs(getattr(plain, name)).max())
        np.testing.assert_allclose(getattr(held, name), getattr(plain, name), atol=1e-12 * size + 1e-18)


def test_placements_are_a_batch_axis():
    pairs = jnp.array([[SOURCE, DRAIN], [3, 9], [9, 3]])
    together = jax.vmap(run)(pairs)
    for k, pair in enumerate(pairs):
        alone = run(tuple(pair.tolist()))
        np.testing.assert_allclose(together.terminal_current[k], alone.terminal_current, rtol=1e-9)
        np.testing.assert_allclose(together.state[k], alone.state, atol=1e-12)
    assert together.terminals.tolist() == pairs.tolist()
    assert float(together.kirchhoff_residual.max()) < 1e-16
    compiled = jax.jit(lambda pair: run(pair).conductance)
    compiled(pairs[0])
    compiled(pairs[1])
    assert compiled._cache_size() == 1  # pyright: ignore[reportAttributeAccessIssue]


def test_a_series_resistor_divides():
    """Two resistors of R between electrodes with R each: a quarter of the voltage across each."""
    network, law = line(2), jaxnn.Resistor(1e-4)
    ends = jaxnn.Electrode(0, resistance=1e4), jaxnn.Electrode(2, "ground", resistance=1e4)
    out = run(ends, 1.0, network, law)
    np.testing.assert_allclose(out.electrode_potential[-1], [0.75, 0.25], rtol=1e-12)
    np.testing.assert_allclose(out.terminal_current[-1], [2.5e-5, -2.5e-5], rtol=1e-12)
    np.testing.assert_allclose(out.conductance[-1], 5e-5, rtol=1e-12)  # of the network without them
    np.testing.assert_allclose(out.supplied_energy, out.dissipated_energy, rtol=1e-12)
    np.testing.assert_allclose(out.supplied_energy[-1], 2.5e-5 * 1e-3, rtol=1e-12)


def test_a_current_and_a_meter():
    """1 uA through a line of 10 kOhm each: 10 mV a junction, and what floats takes nothing."""
    network, law = line(3), jaxnn.Resistor(1e-4)
    fed = jaxnn.Electrode(0, "current"), jaxnn.Electrode(3, "ground"), jaxnn.Electrode(1, "floating")
    out = run(fed, 1e-6, network, law)
    np.testing.assert_allclose(out.electrode_potential[-1], [0.03, 0, 0.02], atol=1e-15)
    np.testing.assert_array_equal(out.terminal_current[-1], [1e-6, -1e-6, 0])
    np.testing.assert_allclose(out.electrode_charge.sum(0), [4e-8, -4e-8, 0], rtol=1e-12)
    np.testing.assert_allclose(out.supplied_energy, out.dissipated_energy, rtol=1e-12)


def test_electrodes_are_switched_and_exchanged_in_time_without_compiling():
    first = jaxnn.Samples(jnp.repeat(jnp.array([1.0, 0.0]), 20), 1e-3)
    second = jaxnn.Samples(jnp.repeat(jnp.array([0.0, 1.0]), 20), 1e-3)
    electrodes = jaxnn.Electrode(0, on=first), jaxnn.Electrode(3, "ground"), jaxnn.Electrode(2, on=second)
    out = run(electrodes, jaxnn.Constant([1.0, 0.0, 0.5]), line(3), jaxnn.Resistor(1e-4))
    np.testing.assert_allclose(out.terminal_current[10], [1e-4 / 3, -1e-4 / 3, 0], atol=1e-17)
    np.testing.assert_allclose(out.terminal_current[30], [0, -5e-5, 5e-5], atol=1e-17)
    np.testing.assert_allclose(out.electrode_potential[30], [0.5, 0, 0.5], rtol=1e-9)
    steady = lambda on: run((jaxnn.Electrode(0, on=on), jaxnn.Electrode(3, "ground")), 1.0, line(3))
    both = jax.vmap(steady)(jnp.array([0.0, 1.0]))
    assert float(jnp.abs(both.terminal_current[0]).max()) == 0
    np.testing.assert_allclose(both.terminal_current[1], steady(None).terminal_current, rtol=1e-9)


@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
def test_every_electrode_under_every_transform(solver):
    wires = SOURCE, DRAIN, 4, 11, 17

    def loss(x):
        electrodes = (
            jaxnn.Electrode(wires[0], resistance=1e5 * x[0]),
            jaxnn.Electrode(wires[1], "ground", resistance=2e4 * x[1]),
            jaxnn.Electrode(wires[2], "current", on=0.5 * x[2]),
            jaxnn.Electrode(wires[3], "floating"),
            jaxnn.Electrode(wires[4], on=0.3 * x[3]),
        )
        drive = jaxnn.Constant(jnp.array([1.0, 0.0, 2e-7, 0.0, 0.4]) * x[4])
        out = run(electrodes, drive, law=jaxnn.SmoothJunction(LAW, 3.0), solver=solver)
        return jnp.sum(1e6 * out.terminal_current[-1] ** 2 * 1e6) + jnp.sum(out.electrode_potential[-1])

    x, random = jnp.ones(5), np.random.default_rng(0)
    along = jnp.asarray(random.normal(size=5))
    expected = central(lambda h: float(loss(x + h * along)), 0.0, 1.0)
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(x) @ along, expected, rtol=1e-6)
    np.testing.assert_allclose(jax.jvp(loss, (x,), (along,))[1], expected, rtol=1e-6)
    batch = jnp.stack([x, 0.9 * x])
    np.testing.assert_allclose(jax.vmap(loss)(batch), [loss(x), loss(0.9 * x)], rtol=1e-9)


def test_single_precision():
    electrodes = lambda: (jaxnn.Electrode(SOURCE, on=1.0), jaxnn.Electrode(DRAIN, "ground", resistance=1e3))
    double = run(electrodes())
    single = run(electrodes(), jaxnn.Constant(jnp.float32(1.0)))
    assert single.terminal_current.dtype == jnp.float32
    np.testing.assert_allclose(single.terminal_current, double.terminal_current, rtol=1e-4)
    np.testing.assert_allclose(single.node_potential, double.node_potential, atol=1e-5)


def test_ensembles_run_as_their_networks_do_alone():
    other, pair, _ = small_network(seed=1)
    of = lambda a, b: (jaxnn.Electrode(a, "current"), jaxnn.Electrode(b, "ground", resistance=1e3))
    both = jaxnn.Ensemble([NETWORK, other])
    out = run([of(SOURCE, DRAIN), of(*pair)], 1e-8, both)
    for k, (network, wires) in enumerate(((NETWORK, (SOURCE, DRAIN)), (other, pair))):
        alone = run(of(*wires), 1e-8, network)
        for name in ("terminal_current", "electrode_potential", "conductance"):
            np.testing.assert_allclose(getattr(out, name)[:, k], getattr(alone, name), rtol=1e-9)
        np.testing.assert_allclose(out.supplied_energy[:, k], alone.supplied_energy, rtol=1e-9)


def test_a_run_goes_on_and_is_saved(tmp_path):
    electrodes = jaxnn.Electrode(SOURCE, resistance=1e4), jaxnn.Electrode(DRAIN)
    whole, half = run(electrodes), run(electrodes, steps=20)
    rest = run(electrodes, steps=20, state=half.final_state, start_step=half.final_step)
    assert_same(rest.final_state, whole.final_state)
    whole.save(tmp_path / "run.npz")
    loaded = jaxnn.Solution.load(tmp_path / "run.npz")
    assert loaded.terminals.tolist() == [SOURCE, DRAIN]
    np.testing.assert_array_equal(loaded.electrode_potential, whole.electrode_potential)
    np.testing.assert_array_equal(loaded.final_potential, whole.final_potential)


def test_a_current_that_has_nowhere_to_go_is_diagnosed():
    opened = jaxnn.Samples(jnp.repeat(jnp.array([1.0, 0.0]), 20), 1e-3)
    electrodes = jaxnn.Electrode(0, "current"), jaxnn.Electrode(2, "ground", on=opened)
    with pytest.warns(jaxnn.NumericalWarning, match="nowhere to go"):
        out = run(electrodes, 1e-6, line(2), jaxnn.Resistor(1e-4))
    assert out.result == jaxnn.Result.current_into_island
    assert int(out.failed_step) == 21


def test_a_wire_that_is_traced_and_is_none_is_diagnosed():
    out = jax.vmap(run)(jnp.array([[SOURCE, DRAIN], [SOURCE, NETWORK.n_nodes], [3, 3], [-1, 3]]))
    right = [jaxnn.Result.successful] + 3 * [jaxnn.Result.number_out_of_domain]
    for k, expected in enumerate(right):
        assert jax.tree.map(lambda x, k=k: x[k], out.result) == expected


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: jaxnn.Electrode(3, "floating", resistance=1.0), "in series with a voltage"),
        (lambda: jaxnn.Electrode(3, cast(Any, "clamp")), "kind must be 'voltage' or 'current'"),
        (lambda: jaxnn.Electrode(3, resistance=-1.0), "resistance of an Electrode must be at least 0"),
        (lambda: jaxnn.Electrode(3, on=2.0), "on of an Electrode must be from 0 to 1"),
        (lambda: jaxnn.Electrode(cast(Any, "a")), "wire must be a whole number"),
        (
            lambda: run([jaxnn.Electrode(3, on=jaxnn.Constant([1.0, 0.5])), 5]),
            r"`on` of the Electrode on wire 3 must be one number at a time, and the drive Constant is "
            r"\[1\.0, 0\.5\] at 0 s",
        ),
        (lambda: run([jaxnn.Electrode(3, on=jnp.ones(2)), 5]), r"`on` of .* wire 3 .*got \[1\.0, 1\.0\]"),
        (
            lambda: run([5, jaxnn.Electrode(3, resistance=[1.0, 2.0])]),
            r"`resistance` .* got \[1\.0, 2",
        ),
        (lambda: run([jaxnn.Electrode(0), 0]), "wire 0 has several electrodes"),
        (lambda: run([jaxnn.Electrode(0), 999]), "got wire 999"),
        (lambda: run([jaxnn.Electrode(0)]), "at least two electrodes"),
        (lambda: run(jaxnn.Electrode(0)), "are a sequence"),
        (lambda: run([jaxnn.Electrode(0, "current"), jaxnn.Electrode(1, "floating")]), "nothing holds"),
        (lambda: run([jaxnn.Electrode(0), 5], network=APART), "2 components"),
    ],
)
def test_wrong_electrodes_are_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        wrong()
