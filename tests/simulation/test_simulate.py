"""The time loop: against the plain simulator, conservation laws, bookkeeping, dtypes, batches."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
import numpy_simulator as plain
from helpers import line, relative_difference, small_network


pytestmark = pytest.mark.numbers


SOLVERS = [jaxnn.StarMesh(), jaxnn.Dense()]
ALL = (
    "state",
    "junction_conductance",
    "junction_voltage",
    "node_potential",
    "kirchhoff_residual",
    "power",
)


def run(network, terminals, voltage, **changes):
    """A short run with the settings that most tests share."""
    settings = {"dt": 1e-3, "steps": 50} | changes
    junction = settings.pop("junction", jaxnn.TunnelJunction())
    drive = voltage if isinstance(voltage, jaxnn.AbstractDrive) else jaxnn.Constant(voltage)
    return jaxnn.simulate(network, junction, drive, terminals=terminals, **settings)


def compare(solution, expected, voltage=1e-12, state=1e-14, conductance=1e-10):
    """Every recorded trajectory against that of the plain simulator."""
    np.testing.assert_allclose(solution.node_potential, expected.potentials, rtol=0, atol=voltage)
    np.testing.assert_allclose(solution.junction_voltage, expected.junction_voltage, rtol=0, atol=voltage)
    np.testing.assert_allclose(solution.state, expected.states, rtol=0, atol=state)
    np.testing.assert_allclose(solution.time, expected.time, rtol=1e-14)
    assert relative_difference(solution.conductance, expected.conductance) < conductance
    assert relative_difference(solution.junction_conductance, expected.junction_conductance) < conductance


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("law", ["tunnel", "binary"])
def test_against_the_plain_simulator(solver, one_sided, law):
    """Two generated networks through growth, off, and reversal: a triangle with a dead time."""
    network, terminals, path = small_network(1)
    signal = np.concatenate([np.full(60, 4.0), np.zeros(10), np.full(60, -5.0), np.linspace(-5, 5, 70)])
    signal = signal * path * 1e-2
    # Near the critical flux, so that 0.4 s are enough for conductances to rise and fall.
    start = np.random.default_rng(0).uniform(-9.9e-3, 9.9e-3, network.n_junctions)
    make = jaxnn.TunnelJunction if law == "tunnel" else jaxnn.BinaryJunction
    solution = jaxnn.simulate(
        network,
        make(one_sided_reset=one_sided),
        signal,
        terminals=terminals,
        dt=2e-3,
        steps=200,
        state=start,
        record=ALL,
        solver=solver,
    )
    expected = plain.simulate(
        network.n_nodes,
        network.edges,
        signal,
        terminals,
        2e-3,
        plain.DC,
        state=start,
        model=law,
        one_sided_reset=one_sided,
    )
    assert np.ptp(np.log10(expected.junction_conductance), axis=0).max() > 1
    compare(solution, expected)
    np.testing.assert_allclose(solution.terminal_current, expected.terminal_current, rtol=1e-9, atol=1e-18)
    np.testing.assert_array_equal(solution.final_state, solution.state[-1])


def test_pads_and_three_terminals():
    """Passive junctions, and a drive for each of three terminals."""
    network, _, _ = small_network(2)
    network = network.with_pads(0.15)
    n = network.n_nodes
    signal = np.random.default_rng(0).uniform(-0.15, 0.15, (40, 3))
    terminals = (n - 2, n - 1, 5)
    solution = jaxnn.simulate(
        network,
        jaxnn.TunnelJunction(),
        signal,
        terminals=terminals,
        dt=5e-3,
        steps=40,
        record=ALL,
    )
    expected = plain.simulate(
        n,
        network.edges,
        signal,
        terminals,
        5e-3,
        plain.DC,
        one_sided_reset=False,
        passive=network.passive,
        passive_conductance=0.1,
    )
    compare(solution, expected, conductance=1e-8)
    assert (np.asarray(solution.junction_conductance)[:, network.passive] == 0.1).all()


def test_two_junctions_in_series():
    """An exact solution: two equal resistors halve the voltage and the conductance."""
    solution = run(line(2), (0, 2), 1.0, junction=jaxnn.Resistor(1e-3), steps=2, record=ALL)
    np.testing.assert_allclose(solution.node_potential[-1], [1.0, 0.5, 0.0], atol=1e-15)
    np.testing.assert_allclose(solution.conductance, 5e-4, rtol=1e-14)
    np.testing.assert_allclose(solution.terminal_current[-1], [5e-4, -5e-4], rtol=1e-14)
    np.testing.assert_allclose(solution.power, 5e-4, rtol=1e-14)


def test_single_junction_grows_linearly():
    """lambda = (V - V_set) t, until it is clamped; then it falls at b V_reset."""
    drive = jaxnn.OnThenOff(0.06, 0.0, 0.4)
    solution = run(line(1), (0, 1), drive, steps=1000, record=("state", "junction_conductance"))
    time = np.asarray(solution.time)
    grown = np.minimum(0.05 * np.minimum(time, 0.399), 1.5e-2)
    expected = np.maximum(grown - 0.05 * np.maximum(time - 0.399, 0), 0)
    np.testing.assert_allclose(solution.state[:, 0], expected, atol=1e-12)
    np.testing.assert_array_equal(solution.conductance[-1], solution.junction_conductance[-1, 0])


@pytest.mark.parametrize("solver", SOLVERS)
def test_conservation(solver):
    """Kirchhoff's current law at every wire; what goes in comes out and is turned into heat."""
    network, terminals, path = small_network(3)
    solution = run(network, terminals, 0.05 * path, record=ALL, steps=300, solver=solver)
    current = np.asarray(solution.terminal_current)
    assert (np.asarray(solution.kirchhoff_residual) < 1e-12 * np.abs(current[:, 0])).all()
    np.testing.assert_allclose(current.sum(axis=1), 0, atol=1e-12 * np.abs(current).max())
    supplied = (current * np.asarray(solution.drive)).sum(axis=1)
    np.testing.assert_allclose(solution.power, supplied, rtol=1e-11)


def test_first_order_convergence():
    """The explicit step is of first order: halving dt halves the error of the conductance."""
    network, terminals, path = small_network(4)
    drive = jaxnn.Sine(0.03 * path, 0.5)
    values = [
        float(run(network, terminals, drive, dt=0.4 / n, steps=n).conductance[-1])
        for n in (400, 800, 1600, 3200, 6400)
    ]
    errors = np.abs(np.array(values[:-2]) - values[-1] - (values[-1] - values[-2]))
    order = np.log2(errors[:-1] / errors[1:])
    assert (np.abs(order - 1) < 0.3).all(), order


def test_record_and_every():
    network, terminals, path = small_network(1)
    whole = run(network, terminals, 0.04 * path, record=ALL, steps=47)
    thin = run(network, terminals, 0.04 * path, record=ALL, steps=47, every=10)
    assert thin.time.shape == (4,)
    for name in (*ALL, "time", "conductance", "drive", "terminal_current"):
        np.testing.assert_array_equal(getattr(thin, name), getattr(whole, name)[9:40:10], name)
    np.testing.assert_array_equal(thin.final_state, whole.final_state)
    plainly = run(network, terminals, 0.04 * path, record="state", steps=47)
    assert not plainly.node_potential
    assert not plainly.power
    assert plainly.state.shape == (47, network.n_junctions)


@pytest.mark.parametrize("every", [1, 7])
def test_memory_does_not_grow_with_what_is_not_kept(every):
    network, terminals, _ = small_network(1)

    def final(voltage, steps):
        solution = run(network, terminals, voltage, steps=steps, every=steps // 50 * every)
        return solution.final_state, solution.conductance

    sizes = []
    for steps in (700, 70_000):
        compiled = jax.jit(final, static_argnums=1).lower(0.1, steps).compile()
        memory = compiled.memory_analysis()
        assert memory is not None
        sizes.append(memory.temp_size_in_bytes)
    assert sizes[1] < 1.1 * sizes[0] + 4096


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("as_array", [False, True])
def test_resuming_is_bit_for_bit(dtype, as_array):
    network, terminals, path = small_network(1)
    drive = jaxnn.Sine(dtype(0.05 * path), dtype(1.3), dtype(0.2))
    signal = np.random.default_rng(0).uniform(-1, 1, 90).astype(dtype)
    settings = {"terminals": terminals, "dt": 1e-3}
    junction = jaxnn.TunnelJunction()
    pick = lambda a, b: signal[a:b] if as_array else drive
    whole = jaxnn.simulate(network, junction, pick(0, 90), steps=90, **settings)
    first = jaxnn.simulate(network, junction, pick(0, 33), steps=33, **settings)
    second = jaxnn.simulate(
        network,
        junction,
        pick(33, 90),
        steps=57,
        state=first.final_state,
        start_step=first.final_step,
        **settings,
    )
    assert second.conductance.dtype == dtype
    np.testing.assert_array_equal(second.final_state, whole.final_state)
    np.testing.assert_array_equal(second.conductance, whole.conductance[33:])
    np.testing.assert_array_equal(second.time, whole.time[33:])


def test_batched_equals_looped():
    """Over drives, parameters, initial states and time steps, to 1e-12."""
    network, terminals, path = small_network(5)
    keys = jax.random.split(jax.random.key(0), 4)
    batch = (
        jnp.linspace(0.5, 5.0, 4) * 1e-2 * path,
        jnp.linspace(0.008, 0.012, 4),
        jax.vmap(lambda k: jax.random.uniform(k, (network.n_junctions,)) * 1e-2)(keys),
        jnp.linspace(5e-4, 2e-3, 4),
    )

    def one(amplitude, critical_flux, state, dt):
        return run(
            network,
            terminals,
            jaxnn.Sine(amplitude, 2.0),
            junction=jaxnn.TunnelJunction(critical_flux=critical_flux),
            state=state,
            dt=dt,
            record=ALL,
        )

    together = jax.vmap(one)(*batch)
    for i in range(4):
        alone = one(*(x[i] for x in batch))
        for ours, expected in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(ours[i], expected, rtol=1e-12, atol=1e-15)


def test_ensemble_equals_its_networks():
    """Different networks in one call, each with its own terminals, drive and parameter."""
    cases = [small_network(seed, n) for seed, n in ((1, 30), (2, 45), (6, 40))]
    ensemble = jaxnn.Ensemble([network for network, _, _ in cases])
    terminals = [pair for _, pair, _ in cases]
    amplitude = jnp.asarray([[0.05 * path] for _, _, path in cases])
    off = jnp.asarray([7e-8, 5e-8, 1e-8])
    together = jaxnn.simulate(
        ensemble,
        jaxnn.TunnelJunction(off_conductance=ensemble.per_junction(off)),
        jaxnn.Sine(amplitude, 1.0),
        terminals=terminals,
        dt=1e-3,
        steps=60,
        record=ALL,
    )
    assert together.conductance.shape == (60, 3)
    for i, (network, pair, path) in enumerate(cases):
        alone = run(
            network,
            pair,
            jaxnn.Sine(0.05 * path, 1.0),
            junction=jaxnn.TunnelJunction(off_conductance=off[i]),
            steps=60,
            record=ALL,
        )
        assert relative_difference(together.conductance[:, i], alone.conductance) < 1e-11
        assert relative_difference(together.power[:, i], alone.power) < 1e-11
        assert (together.kirchhoff_residual[:, i] < 1e-18).all()
        for name in ("state", "junction_voltage"):
            ours = ensemble.split_junctions(getattr(together, name))[i]
            np.testing.assert_allclose(ours, getattr(alone, name), rtol=0, atol=1e-13)


def test_conductance_at_zero_drive_and_its_gradient():
    network, terminals, path = small_network(1)

    def total(amplitude):
        solution = run(network, terminals, jaxnn.OnThenOff(amplitude, 0.0, 0.03))
        return jnp.sum(solution.conductance[-1]), solution.conductance

    (_, conductance), gradient = jax.value_and_grad(total, has_aux=True)(0.05 * path)
    # From there on states decay, the more slowly the further they had come.
    assert (conductance[30:] <= conductance[29]).all()
    assert np.isfinite(conductance).all()
    assert np.isfinite(gradient)
    assert gradient != 0


def test_a_drive_as_array_is_the_same_as_the_drive():
    network, terminals, path = small_network(1)
    drive = jaxnn.Sine(0.05 * path, 3.0)
    signal = jax.vmap(drive)(jnp.asarray(np.arange(1, 51) * 1e-3))
    settings = {"terminals": terminals, "dt": 1e-3, "steps": 50}
    junction = jaxnn.TunnelJunction()
    expected = jaxnn.simulate(network, junction, drive, **settings)
    for array in (signal, jnp.stack([signal, 0 * signal], axis=-1), list(map(float, signal))):
        ours = jaxnn.simulate(network, junction, array, **settings)
        assert relative_difference(ours.conductance, expected.conductance) < 1e-9


class Chirp(jaxnn.AbstractDrive):
    """A user's own drive."""

    rate: jax.Array

    def __call__(self, time):
        return jnp.sin(self.rate * time**2)


def test_a_drive_of_ones_own():
    solution = run(line(1), (0, 1), Chirp(jnp.asarray(3.0)), junction=jaxnn.Resistor(1e-3))
    np.testing.assert_allclose(solution.drive[:, 0], np.sin(3 * solution.time**2), rtol=1e-12)


def test_dtype_follows_the_arrays():
    network, terminals, _ = small_network(1)
    assert run(network, terminals, 0.1).conductance.dtype == jnp.float64
    solution = run(network, terminals, np.float32(0.1), record=ALL)
    leaves = [x for x in jax.tree.leaves(solution) if eqx.is_inexact_array(x)]
    assert {x.dtype for x in leaves} == {jnp.dtype(jnp.float32)}


def test_float32_follows_float64():
    """Ordered dynamics: the drift of a whole run stays within 1e-3 of the conductance."""
    network, terminals, path = small_network(1)
    state = 0.005 * np.ones(network.n_junctions)
    runs = [
        run(network, terminals, dtype(0.05 * path), steps=1000, state=state.astype(dtype))
        for dtype in (np.float32, np.float64)
    ]
    assert relative_difference(*(r.conductance for r in runs)) < 1e-3


def test_a_large_step_warns_with_its_figure():
    network, terminals, _ = small_network(1)
    with pytest.warns(jaxnn.NumericalWarning, match=r"moved a state by \d\.\d+.*dt is too large"):
        run(network, terminals, 30.0, dt=1e-2, steps=3)
    batch = jax.vmap(lambda v: run(network, terminals, v, dt=1e-2, steps=3))
    solution = batch(jnp.asarray([0.1, 30.0]))
    with pytest.warns(jaxnn.NumericalWarning, match="1 of 2 runs: a step moved"):
        solution.check()


class Broken(jaxnn.AbstractJunction):
    """A law that goes wrong on its third step."""

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return jnp.where(state > 2.5e-3, jnp.nan, 1e-3)

    def update(self, state, voltage, dt):
        return state + dt

    def critical_state(self):
        return jnp.inf


def test_a_failure_is_a_result_with_a_diagnosis():
    with pytest.warns(jaxnn.NumericalWarning, match="wrong from step 4 on"):
        solution = run(line(2), (0, 2), 1.0, junction=Broken())
    assert solution.failed_step == 4
    assert solution.result == jaxnn.Result.infinite_conductance
    assert run(line(2), (0, 2), 1.0).result == jaxnn.Result.successful


def test_save_and_load(tmp_path):
    network, terminals, _ = small_network(1)
    solution = run(network, terminals, 0.1, record=ALL)
    solution.save(tmp_path / "run.npz")
    loaded = jaxnn.Solution.load(tmp_path / "run.npz")
    assert eqx.tree_equal(loaded, solution)
    network.save(tmp_path / "network.npz")
    with pytest.raises(ValueError, match=r"network\.npz"):
        jaxnn.Solution.load(tmp_path / "network.npz")


def test_no_recompilation_for_other_numbers():
    network, terminals, _ = small_network(1)
    compiled = []

    def count(event: str, duration_secs: float, **kwargs: str | int) -> None:
        del kwargs
        if "backend_compile" in event:
            compiled.append(duration_secs)

    run(network, terminals, 0.1, junction=jaxnn.TunnelJunction(boost=5.0))
    jax.monitoring.register_event_duration_secs_listener(count)
    run(network, terminals, 0.2, dt=2e-3, start_step=5, junction=jaxnn.TunnelJunction(boost=3.0))
    assert not compiled


def test_wires_that_are_cut_off_at_run_time():
    """Open junctions: the wires behind them float, carry nothing and are counted."""
    conductance = jnp.asarray([1e-3, 1e-3, 0.0, 1e-3])
    network = jaxnn.Network(5, [[0, 1], [1, 2], [1, 3], [3, 4]])
    record = ("cut_off", "node_potential")
    solution = run(network, (0, 2), 1.0, junction=jaxnn.Resistor(conductance), steps=2, record=record)
    np.testing.assert_array_equal(solution.cut_off, 2)
    np.testing.assert_allclose(solution.node_potential[-1], [1, 0.5, 0, 0.5, 0.5], atol=1e-15)
    slope = jax.grad(
        lambda g: run(network, (0, 2), 1.0, junction=jaxnn.Resistor(g), steps=1).conductance[0]
    )(conductance)
    np.testing.assert_allclose(slope, [0.25, 0.25, 0, 0], atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("voltage", "dt", "steps"), [(1.8, 1e-5, 10_000), (0.1, 1e-3, 7_000), (0.1, 1e-5, 700_000)]
)
def test_float32_over_whole_runs(voltage, dt, steps):
    """Within 1e-3 of float64 throughout, at time steps that float32 alone would round away."""
    network = jaxnn.nanowire_network(100, box=30e-6, seed=3)
    terminals = jaxnn.farthest_pair(network)
    runs = [
        jaxnn.simulate(
            network,
            jaxnn.TunnelJunction(compensated=True),
            jaxnn.Constant(dtype(voltage)),
            terminals=terminals,
            dt=dt,
            steps=steps,
            every=steps // 100,
        ).conductance
        for dtype in (np.float32, np.float64)
    ]
    assert relative_difference(*runs) < 1e-3
