"""Solutions with labelled axes, and as tables that the readers of measurements take."""

import dataclasses
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import small_network


xarray = pytest.importorskip("xarray", exc_type=ImportError)

NETWORK, TERMINALS, _ = small_network(1, 20)
SETUP: dict[str, Any] = {"terminals": TERMINALS, "dt": 2e-3, "steps": 6}
RECORD = ("state", "junction_voltage", "node_potential", "electrode_potential")
LAW = jaxnn.TunnelJunction()


def run(amplitude: Any = 0.3, dt: Any = 2e-3, **more: Any):
    setup = SETUP | {"record": RECORD, "dt": dt} | more
    return jaxnn.simulate(NETWORK, LAW, jaxnn.Sine(amplitude, 20.0), **setup)


def test_a_drive_may_be_a_current(tmp_path):
    """Of an electrode that is fed, in a batch, an ensemble and a file; a table has potentials."""
    a, b = TERMINALS
    fed = {"terminals": (jaxnn.Electrode(a, "current"), jaxnn.Electrode(b, "ground"))}
    solution = run(1e-9, **fed)
    dataset = solution.to_xarray()
    assert dataset.drive.units == "V, or A where drive_unit says so"
    assert dataset.drive_unit.dims == ("terminal",)
    assert dataset.drive_unit.values.tolist() == ["A", "V"]
    dataset.to_netcdf(tmp_path / "run.nc")
    solution.save(tmp_path / "run.npz")
    assert jaxnn.Solution.load(tmp_path / "run.npz").to_xarray().drive_unit.equals(dataset.drive_unit)
    batch = jax.vmap(lambda amplitude: run(amplitude, **fed))(jnp.array([1e-9, 2e-9])).to_xarray()
    assert batch.drive_unit.dims == ("terminal",)
    assert batch.drive_unit.values.tolist() == ["A", "V"]
    both = jaxnn.simulate(
        jaxnn.Ensemble([NETWORK, NETWORK]),
        LAW,
        jaxnn.Constant(1e-9),
        terminals=[fed["terminals"], (jaxnn.Electrode(a), jaxnn.Electrode(b, "ground"))],
        dt=2e-3,
        steps=2,
    ).to_xarray()
    assert both.drive_unit.dims == ("network", "terminal")
    assert both.drive_unit.values.tolist() == [["A", "V"], ["V", "V"]]
    held = run().to_xarray()
    assert "drive_unit" not in held.coords
    assert held.drive.units == "V"


def test_axes_units_and_coordinates(tmp_path):
    solution = run()
    dataset = solution.to_xarray()
    assert dict(dataset.sizes) == {
        "time": 6,
        "terminal": 2,
        "junction": NETWORK.n_junctions,
        "wire": NETWORK.n_nodes,
    }
    assert dataset.terminal_current.dims == ("time", "terminal")
    assert dataset.junction_voltage.dims == dataset.state.dims == ("time", "junction")
    assert dataset.node_potential.dims == ("time", "wire")
    assert dataset.conductance.units == "S"
    assert dataset.time.units == dataset.dt.units == "s"
    assert float(dataset.dt) == 2e-3
    pairs = np.stack([dataset.first_wire, dataset.second_wire], axis=1)
    np.testing.assert_array_equal(pairs, NETWORK.edges)
    np.testing.assert_array_equal(np.stack([dataset.x, dataset.y], axis=1), NETWORK.positions)
    np.testing.assert_array_equal(dataset.terminal_wire, TERMINALS)
    for name in ("conductance", *RECORD):
        np.testing.assert_array_equal(dataset[name], getattr(solution, name))
    # The voltage of a junction is the difference of the potentials of its two wires, by labels alone.
    potential = dataset.node_potential
    difference = potential.isel(wire=dataset.first_wire) - potential.isel(wire=dataset.second_wire)
    np.testing.assert_allclose(difference, dataset.junction_voltage, atol=1e-12)
    pytest.importorskip("netCDF4", exc_type=ImportError)
    dataset.to_netcdf(tmp_path / "run.nc")
    with xarray.open_dataset(tmp_path / "run.nc") as again:
        xarray.testing.assert_equal(again.load(), dataset)


def test_a_batch_has_its_axes_in_front():
    amplitudes = jnp.array([0.1, 0.2, 0.3])
    many = jax.vmap(lambda a: jax.vmap(lambda b: run(a + b))(jnp.array([0.0, 0.05])))(amplitudes)
    dataset = many.to_xarray(batch=("amplitude", "offset"))
    assert dataset.conductance.dims == ("amplitude", "offset", "time")
    assert dataset.drive.dims == ("amplitude", "offset", "time", "terminal")
    assert dataset.failed_step.dims == ("amplitude", "offset")
    one = run(0.25).to_xarray()
    labelled = dataset.assign_coords(amplitude=np.asarray(amplitudes), offset=[0.0, 0.05])
    picked = labelled.sel(amplitude=0.2, offset=0.05).node_potential
    np.testing.assert_allclose(picked, one.node_potential, rtol=1e-9, atol=1e-15)
    assert many.to_xarray().conductance.dims == ("run_0", "run_1", "time")
    steps = jax.vmap(lambda dt: run(dt=dt))(jnp.array([1e-3, 2e-3])).to_xarray()
    assert steps.time.dims == ("run", "step")
    assert steps.conductance.dims == ("run", "step")
    np.testing.assert_allclose(steps.dt, [1e-3, 2e-3])
    wrong: Any
    for wrong in (("one",), ("a", "a"), ("time", "a"), (1, 2)):
        with pytest.raises(ValueError, match="batch"):
            many.to_xarray(batch=wrong)


def test_an_ensemble_has_an_axis_of_networks():
    other, ends, _ = small_network(2, 15)
    both = jaxnn.Ensemble([NETWORK, other])
    setup: dict[str, Any] = SETUP | {"terminals": [TERMINALS, ends]}
    dataset = jaxnn.simulate(both, LAW, jaxnn.Constant(0.2), **setup).to_xarray()
    assert dataset.conductance.dims == ("time", "network")
    assert dataset.drive.dims == ("time", "network", "terminal")
    assert dataset.largest_change.dims == ("network",)
    np.testing.assert_array_equal(dataset.terminal_wire, [TERMINALS, ends])
    assert int((dataset.network_of_junction == 1).sum()) == other.n_junctions
    assert int((dataset.network_of_wire == 0).sum()) == NETWORK.n_nodes


def test_what_functions_record():
    kept = {"power": lambda step: step.state[:3], "hottest": lambda step: jnp.argmax(step.state)}
    dataset = run(record=("power",)).to_xarray()
    assert dataset.power.dims == ("time",)
    dataset = run(record=kept).to_xarray()
    assert dataset.power.dims == ("time", "power_0")
    assert dataset.hottest.dims == ("time",)
    odd = dataclasses.replace(run(), recorded={"law": LAW})
    with pytest.raises(ValueError, match=r"'law'.* is no array"):
        odd.to_xarray()


def test_without_xarray(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match='extra "sweep"'):
        run().to_xarray()


def test_traced():
    with pytest.raises(ValueError, match="has no value yet"):
        jax.jit(lambda a: run(a).to_xarray())(0.1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tables_are_read_back(tmp_path, dtype):
    solution = run(dtype(0.3), dtype(2e-3))
    solution.to_csv(tmp_path / "run.csv")
    recording = jaxnn.data.read_recording(tmp_path / "run.csv")
    assert recording.pads == tuple(map(str, TERMINALS))
    as_read = lambda x: np.asarray(x).astype(dtype)
    np.testing.assert_array_equal(as_read(recording.time), solution.time)
    np.testing.assert_array_equal(as_read(recording.voltage), solution.electrode_potential)
    np.testing.assert_array_equal(as_read(recording.current), solution.terminal_current)
    solution.to_csv(tmp_path / "iv.csv", layout="iv")
    curve = jaxnn.data.read_iv(tmp_path / "iv.csv")
    np.testing.assert_array_equal(as_read(curve.time), solution.time)
    np.testing.assert_allclose(curve.voltage, solution.drive[:, 0], rtol=1e-6)
    # In the dtype that each was computed in.
    np.testing.assert_allclose(np.abs(curve.current / curve.voltage), solution.conductance, rtol=1e-5)
    head = (tmp_path / "iv.csv").read_text().splitlines()[0]
    assert head == "Time[s],V[V],I[A],G[S]"


def test_tables_of_electrodes(tmp_path):
    """A wire behind a resistor is not at the drive's potential, and the table says what it is at."""
    source, drain = TERMINALS
    behind = (jaxnn.Electrode(source, resistance=1e5), jaxnn.Electrode(drain, "ground"))
    with pytest.raises(ValueError, match="electrode_potential"):
        run(terminals=behind, record=()).to_csv(tmp_path / "run.csv")
    solution = run(terminals=behind)
    solution.to_csv(tmp_path / "run.csv")
    recording = jaxnn.data.read_recording(tmp_path / "run.csv")
    np.testing.assert_allclose(recording.of(str(source)), solution.electrode_potential[:, 0])
    assert abs(recording.of(str(source)) - solution.drive[:, 0]).max() > 1e-3


def test_tables_are_of_one_run(tmp_path):
    many = jax.vmap(run)(jnp.array([0.1, 0.2]))
    with pytest.raises(ValueError, match="one run of one network"):
        many.to_csv(tmp_path / "run.csv")
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*none to write run\.csv into"):
        run().to_csv(tmp_path / "none" / "run.csv")
    three = run(terminals=(*TERMINALS, 0))
    with pytest.raises(ValueError, match="two terminals, got 3"):
        three.to_csv(tmp_path / "run.csv", layout="iv")
