"""Sweeps: the same numbers as one run at a time, labelled, in chunks of any size."""

import functools as ft
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line
from jaxnn._sweep import batch as _batch
from jaxnn._sweep.layout import make_layout


xr = pytest.importorskip("xarray")
pytest.importorskip("zarr")


WIRES = 12
MAKE: Any = ft.partial(jaxnn.nanowire_network, WIRES, 11e-6)
VOLTAGES = np.array([0.02, 0.09, 0.2])
OFF = np.array([1e-9, 1e-7])
SEEDS = [1, 4]
SETTINGS: dict[str, Any] = {
    "terminals": jaxnn.farthest_pair,
    "dt": 1e-3,
    "steps": 60,
    "every": 20,
    "progress": False,
}


def fast_sweep(out, over, network: Any = MAKE, junction=None, **settings):
    junction = jaxnn.TunnelJunction() if junction is None else junction
    return jaxnn.sweep(network, junction, jaxnn.Constant(0.1), over=over, out=out, **(SETTINGS | settings))


def one_run(seed, voltage, off):
    network = MAKE(seed=int(seed))
    return jaxnn.simulate(
        network,
        jaxnn.TunnelJunction(off_conductance=off),
        jaxnn.Constant(voltage),
        terminals=jaxnn.farthest_pair(network),
        dt=1e-3,
        steps=60,
        every=20,
    )


def energy(solution):
    """Work done by the source [J]."""
    return jnp.sum(solution.terminal_current[:, 0] * solution.drive[:, 0]) * 20e-3


def largest_state(solution):
    return jnp.nanmax(solution.final_state)


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """A grid with an axis of networks in the middle, in chunks that do not divide it."""
    out = tmp_path_factory.mktemp("grid")
    over = {"drive.voltage": VOLTAGES, "network.seed": SEEDS, "junction.off_conductance": OFF}
    reduce = {
        "final_conductance": "final_conductance",
        "trace": "conductance",
        "energy": jaxnn.Reduction(energy, unit="J", description="work"),
        "largest_state": largest_state,
    }
    return out, fast_sweep(out, over, reduce=reduce, points=4)


def test_same_numbers_as_single_runs(grid):
    _, data = grid
    single = jax.jit(one_run, static_argnums=0)
    for seed in SEEDS:
        for voltage in VOLTAGES:
            for off in OFF:
                expected = single(seed, voltage, off)
                found = data.sel(seed=seed, voltage=voltage, off_conductance=off)
                np.testing.assert_allclose(found.trace, expected.conductance, rtol=1e-9)
                np.testing.assert_allclose(found.final_conductance, expected.conductance[-1], rtol=1e-9)
                np.testing.assert_allclose(found.energy, energy(expected), rtol=1e-9)
                np.testing.assert_allclose(found.largest_state, expected.final_state.max(), rtol=1e-9)
                np.testing.assert_allclose(found.largest_change, expected.largest_change, rtol=1e-9)


def test_labels(grid, tmp_path):
    out, data = grid
    assert data.final_conductance.dims == ("voltage", "seed", "off_conductance")
    assert data.trace.dims == ("voltage", "seed", "off_conductance", "time")
    np.testing.assert_allclose(data.time, [0.02, 0.04, 0.06])
    np.testing.assert_array_equal(data.voltage, VOLTAGES)
    assert (data.voltage.units, data.off_conductance.units, data.energy.units) == ("V", "S", "J")
    assert data.voltage.path == "drive.voltage"
    assert {"versions", "commit", "device", "specification"} <= set(data.attrs)
    specification = json.loads(data.attrs["specification"])
    assert specification["base"]["junction"]["boost"] == 10
    assert specification["settings"]["dt"] == 1e-3
    assert (data.diagnosis == 0).all()
    assert data.diagnosis.flag_meanings.split()[2] == "failed"
    # The edge chunks do not reach beyond the grid; the reader finds plain Zarr.
    assert len(list((out / "done").iterdir())) == 2
    data.to_netcdf(tmp_path / "all.nc")
    with xr.open_dataset(tmp_path / "all.nc") as again:
        np.testing.assert_array_equal(again.final_conductance, data.final_conductance)


def test_a_finished_sweep_is_only_opened(grid, monkeypatch):
    out, data = grid
    monkeypatch.setattr("jaxnn._sweep.batch.compile_case", None)
    again = fast_sweep(
        out,
        {"drive.voltage": VOLTAGES, "network.seed": SEEDS, "junction.off_conductance": OFF},
        reduce={
            "final_conductance": "final_conductance",
            "trace": "conductance",
            "energy": jaxnn.Reduction(energy, unit="J", description="work"),
            "largest_state": largest_state,
        },
    )
    xr.testing.assert_identical(again.load(), data.load())


def test_table_with_networks_and_numbers_together(tmp_path):
    """Each row its own network, drive and junction."""
    rows = {
        "network.seed": [1, 4, 7],
        "drive.voltage": [0.2, 0.1, 0.05],
        "junction.off_conductance": [1e-7, 1e-9, 1e-8],
    }
    data = fast_sweep(tmp_path, jaxnn.Table(rows))
    assert data.final_conductance.dims == ("sample",)
    single = jax.jit(one_run, static_argnums=0)
    expected = [single(*row).conductance[-1] for row in zip(*rows.values(), strict=True)]
    np.testing.assert_allclose(data.final_conductance, expected, rtol=1e-9)
    np.testing.assert_array_equal(data.seed, rows["network.seed"])


def test_sample_and_numbers_of_the_network(tmp_path):
    """Sobol points over a network's own numbers and one of several drives."""
    network = _partly_passive(0.1)
    drive = jaxnn.Constant(0.05) + jaxnn.Sine(0.1, 10.0)
    ranges = {"network.passive_conductance": (1e-3, 1.0, "log"), "drive.drives.1.amplitude": (0.0, 0.2)}
    settings: dict[str, Any] = SETTINGS | {"terminals": (0, 2)}
    data = jaxnn.sweep(
        network,
        jaxnn.TunnelJunction(),
        drive,
        over=jaxnn.Sample(ranges, 5, seed=3),
        reduce=("largest_conductance", "events"),
        out=tmp_path,
        **settings,
    )
    assert data.sizes == {"sample": 5}
    assert data.passive_conductance.min() < 0.03 < 0.1 < data.passive_conductance.max()
    k = 3
    expected = jaxnn.simulate(
        _partly_passive(float(data.passive_conductance[k])),
        jaxnn.TunnelJunction(),
        jaxnn.Constant(0.05) + jaxnn.Sine(float(data.amplitude[k]), 10.0),
        terminals=(0, 2),
        dt=1e-3,
        steps=60,
        every=20,
    )
    np.testing.assert_allclose(data.largest_conductance[k], expected.conductance.max(), rtol=1e-9)


def _partly_passive(value):
    edges, passive = [(0, 1), (1, 2), (0, 3), (3, 2)], [False, True, False, True]
    return jaxnn.Network(4, edges, passive=passive, passive_conductance=value)


class Fragile(jaxnn.AbstractJunction):
    """No number above a limit of its state."""

    limit: Any

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return jnp.where(state > self.limit, jnp.nan, 1e-6 + 1e-5 * state)

    def update(self, state, voltage, dt):
        return state + jnp.abs(voltage) * dt

    def critical_state(self):
        return 1e-3


def test_failures_are_marked_and_the_rest_goes_on(tmp_path):
    """A step too large and a number that is not finite, each in its own run."""
    over = {"network.n_junctions": [2, 3], "junction.limit": [1.0, 1e-3], "drive.voltage": [1e-6, 2.0]}
    with pytest.warns(jaxnn.NumericalWarning, match="of 8 runs 2 failed and 2 dt too large"):
        data = fast_sweep(tmp_path, over, line, Fragile(jnp.asarray(1.0)), terminals=ends)
    assert (data.diagnosis.sel(limit=1.0, voltage=1e-6) == 0).all()
    assert (data.diagnosis.sel(limit=1.0, voltage=2.0) == 1).all()
    assert (data.diagnosis.sel(limit=1e-3, voltage=2.0) == 2).all()
    np.testing.assert_array_equal(np.isnan(data.final_conductance), data.diagnosis == 2)
    np.testing.assert_array_equal(data.failed_step > 0, data.diagnosis == 2)


def test_a_network_of_an_ensemble_fails_by_itself():
    solution = jax.jit(
        lambda voltage: jaxnn.simulate(
            jaxnn.Ensemble([line(2), line(3)]),
            Fragile(jnp.asarray(1e-3)),
            jaxnn.Constant(voltage),
            terminals=[(0, 2), (0, 3)],
            dt=1e-3,
            steps=9,
        )
    )(jnp.asarray([[1e-3], [0.9]]))
    # Three junctions share 0.9 V: 0.3 mV s a step, above 1 mV s after the fourth.
    assert solution.failed_step.tolist() == [-1, 5]
    np.testing.assert_allclose(solution.largest_change[0], 5e-4, rtol=1e-6)
    assert np.isfinite(solution.conductance[:, 0]).all()
    with pytest.warns(jaxnn.NumericalWarning, match="1 of 2 runs: wrong from step 5"):
        solution.check()


@pytest.mark.slow
def test_exponents_network_by_network(tmp_path):
    """Another method than `simulate`, which takes no ensemble."""
    method = ft.partial(jaxnn.lyapunov_exponents, interval=20)
    setting: dict[str, Any] = {"dt": 1e-3, "steps": 60}
    data = jaxnn.sweep(
        line,
        jaxnn.TunnelJunction(),
        jaxnn.Constant(0.1),
        over={"network.n_junctions": [1], "drive.voltage": [0.005, 0.1]},
        terminals=ends,
        method=method,
        reduce=("largest_exponent",),
        out=tmp_path,
        progress=False,
        **setting,
    )
    found = data.largest_exponent.values
    expected = method(line(1), jaxnn.TunnelJunction(), jaxnn.Constant(0.1), terminals=(0, 1), **setting)
    np.testing.assert_allclose(found[0, 1], expected.exponents[0], rtol=1e-6, atol=1e-12)


def test_chunks_are_even_and_cover_everything():
    layout = make_layout((16, 5, 10), (False, True, False), 64, 2)
    assert layout.lengths == (6, 2, 10)
    assert layout.points == 60
    seen = np.zeros(layout.sizes, int)
    for start in layout.starts:
        seen[tuple(map(slice, start, layout.stops(start)))] += 1
    assert (seen == 1).all()
    # The networks change as seldom as possible.
    assert [start[1] for start in layout.starts] == sorted(start[1] for start in layout.starts)
    assert make_layout((17,), (False,), 16, 1).lengths == (9,)


def test_a_chunk_takes_as_much_memory_as_there_is(tmp_path, monkeypatch):
    """With little memory, chunks are small, by the footprint of what was compiled."""
    over = {"drive.voltage": np.linspace(0.01, 0.2, 40)}
    network, junction, terminals = line(1), jaxnn.TunnelJunction(), (0, 1)
    monkeypatch.setattr(_batch, "_free_memory", lambda _: 2 * 6_000.0)
    fast_sweep(tmp_path, over, network, junction, every=1, terminals=terminals)
    records = len(list((tmp_path / "done").iterdir()))
    assert 1 < records < 40
    monkeypatch.setattr(_batch, "_free_memory", lambda _: 10.0)
    with pytest.raises(MemoryError, match=r"A chunk of 40 combinations takes .*give points= a smaller"):
        fast_sweep(tmp_path / "none", over, network, junction, terminals=terminals, points=40)
    with pytest.raises(MemoryError, match="keep fewer steps"):
        fast_sweep(tmp_path / "none", over, network, junction, terminals=terminals)


def test_samples_cover_their_ranges():
    ranges = {"drive.voltage": (0.1, 0.3), "junction.boost": (1.0, 100.0, "log"), "network.seed": (2, 5)}
    for method in ("sobol", "latin_hypercube", "random"):
        (axis,) = jaxnn.Sample(ranges, 100, method=method, seed=1).axes()
        voltage, boost, seed = axis.columns.values()
        assert axis.size == 100
        assert 0.1 <= voltage.min() < 0.12 < 0.28 < voltage.max() <= 0.3
        assert 40 <= (boost < 10).sum() <= 60
        assert set(seed) == {2, 3, 4, 5}
        (again,) = jaxnn.Sample(ranges, 100, method=method, seed=1).axes()
        np.testing.assert_array_equal(again.columns["drive.voltage"], voltage)


def ends(network):
    """First and last of the wires in a row."""
    return 0, network.n_nodes - 1


V = {"drive.voltage": [0.1, 0.2]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"over": {"drive.voltag": [0.1]}},
            "drive.voltag is not a number of Constant: it has .*drive.voltage",
        ),
        ({"over": {"seed": [0.1]}}, "named by its path"),
        ({"over": {"drive.voltage": []}}, "a list of finite numbers"),
        ({"over": {"drive.voltage": [0.1, np.nan]}}, "a list of finite numbers"),
        ({"over": {"junction.boost": [1.0, -1.0]}}, "junction.boost = -1 .*must be at least 0"),
        ({"terminals": ends, "over": {"terminals.by_name": [1]}}, "terminals cannot be built"),
        ({"over": {"terminals.by": [1]}}, "where they are a function of the network"),
        (
            {"network": MAKE, "over": {"network.wires": [1]}},
            "network cannot be built with network.wires = 1",
        ),
        ({"over": [V, V]}, "parameter 'drive.voltage' twice"),
        ({"over": [jaxnn.Table(V), jaxnn.Table({"drive.v": [1]})]}, "dimension 'sample' twice"),
        ({"over": 3}, "over must be a jaxnn.Grid"),
        ({"over": {}}, "Grid needs at least one"),
        ({"reduce": ("final",)}, "no reduction 'final'; there are"),
        ({"reduce": {"a b": energy}}, "must be a Python identifier"),
        ({"reduce": {"diagnosis": energy}}, "must be a Python identifier other than"),
        ({"reduce": ()}, "at least one"),
        ({"reduce": {"voltage": energy}}, "is a parameter of the sweep"),
        ({"network": 3}, "network must be a jaxnn.Network or a function"),
        ({"points": 0}, "points must be at least 1"),
        ({"out": ""}, "The folder of a sweep must be a path, got ''"),
        ({"out": 3}, "The folder of a sweep must be a path, got 3"),
        ({"over": {0: [1.0]}}, "named by its path"),
        ({"over": {"drive.voltage": [[0.1], [0.1, 0.2]]}}, "a list of finite numbers"),
    ],
)
def test_bad_input(tmp_path, changes, message):
    changes = {"over": V, "network": line(2), "terminals": (0, 2)} | changes
    with pytest.raises(ValueError, match=message):
        fast_sweep(changes.pop("out", tmp_path / "out"), **changes)
    assert not (tmp_path / "out" / "sweep.zarr").exists()


def test_bad_samplings():
    with pytest.raises(ValueError, match="of one length"):
        jaxnn.Table({"drive.voltage": [1.0], "junction.boost": [1.0, 2.0]})
    bad: list[Any] = [(2, 1), (0, 1, "log"), (1, 2, "cube"), (1,), 3, ("a", 1), (0, 10**400), (0, 2**70)]
    for limits in bad:
        with pytest.raises(ValueError, match="low < high"):
            jaxnn.Sample({"drive.voltage": limits}, 3)
    with pytest.raises(ValueError, match="one of"):
        jaxnn.Sample({"drive.voltage": (1, 2)}, 3, method="halton")
    for wrong, message in (
        ({"count": 2.5}, "whole number"),
        ({"count": 0}, "at least 1"),
        ({"seed": "a"}, "seed of Sample"),
        ({"seed": -1}, "seed of Sample"),
        ({"method": ["sobol"]}, "one of"),
        ({"name": "a b"}, "Python identifier"),
        ({"ranges": 3}, "needs at least one parameter"),
    ):
        given: Any = {"ranges": {"drive.voltage": (1, 2)}, "count": 3} | wrong
        with pytest.raises(ValueError, match=message):
            jaxnn.Sample(**given)
    grids: list[Any] = [3, [("drive.voltage", [0.1])], None]
    for grid in grids:
        with pytest.raises(ValueError, match="needs at least one parameter"):
            jaxnn.Grid(grid)
